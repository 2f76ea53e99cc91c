//! `keepstep demo`: the newcomer's command.
//!
//! A server on throw-away data, a sample project, and a tour of the real commands, each run as its own process with an
//! environment in which nothing of the user's is seen or touched. Of what they print the lines that matter are shown.

mod month;
mod platform;
mod tour;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{CommandResult, Outcome};
use crate::session::context::Context;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text};

use platform::Platform;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep demo           the tour, then a server to look around in\n  keepstep demo --fast    all steps at once\n  keepstep demo --once    the tour only"
)]
pub(crate) struct Arguments {
    /// Where the server listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", hide_default_value = true)]
    listen: SocketAddr,
    /// Keep the server's data in this folder instead of throwing it away
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// End after the tour
    #[arg(long)]
    once: bool,
    /// Show all steps at once; on a terminal each waits for Enter otherwise
    #[arg(long)]
    fast: bool,
}

/// Runs the tour, and serves on.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let world = tempfile::Builder::new()
        .prefix("keepstep-demo-")
        .tempdir()
        .map_err(|error| Failure::io("create", "a temporary folder", error))?;
    let data = match &arguments.data {
        Some(folder) => context.directory.join(folder),
        None => world.path().join("data"),
    };
    let platform = Platform::start(arguments.listen, &data)?;
    if !arguments.once {
        platform.remember_a_month()?;
    }
    let printer = &context.printer;
    let pause = !arguments.fast && context.can_ask && !printer.is_json() && printer.is_read_by_a_person();
    tour::run(context, world.path(), &platform, pause)?;
    // A link to a server that is gone in a moment leads nowhere.
    let link = if arguments.once { None } else { Some(platform.owner_link()?) };
    printer.answer("");
    match &link {
        Some(link) => {
            printer.answer(Text::of(Label::Heading, "Look around: ").and(Label::Command, link.clone()));
            printer.answer("(works once; Ctrl-C ends the server and removes it)");
        }
        None => printer.answer(
            Text::of(Label::Heading, "That was keepstep. ")
                .and(Label::Plain, "Without --once the server stays, to look around in."),
        ),
    }
    printer.document("demo", json!({ "url": platform.url(), "link": link }));
    if !arguments.once {
        platform.serve_on();
    }
    platform.end();
    Ok(Outcome::Done)
}
