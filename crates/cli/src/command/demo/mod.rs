//! `keepstep demo`: the newcomer's command.
//!
//! A platform on throw-away data, a sample project, and a tour of the real commands, each run as its own process with an
//! environment in which nothing of the user's is seen or touched.

mod platform;
mod tour;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{CommandResult, Outcome};
use crate::context::Context;
use crate::failure::Failure;
use crate::printer::{Label, Text};

use platform::Platform;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep demo           the tour, then a platform to look around in\n  keepstep demo --once    the tour only"
)]
pub(crate) struct Arguments {
    /// Where the platform listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", hide_default_value = true)]
    listen: SocketAddr,
    /// Keep the platform's data in this folder instead of throwing it away
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// End after the tour
    #[arg(long)]
    once: bool,
}

/// Runs the tour, and serves on.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let world = tempfile::Builder::new()
        .prefix("keepstep-demo-")
        .tempdir()
        .map_err(|error| Failure::io("make", "a temporary folder", error))?;
    let data = match &arguments.data {
        Some(folder) => context.directory.join(folder),
        None => world.path().join("data"),
    };
    let platform = Platform::start(arguments.listen, &data)?;
    tour::run(context, world.path(), &platform)?;
    let link = platform.owner_link()?;
    let printer = &context.printer;
    printer.answer("");
    printer.answer(Text::of(Label::Heading, "That is keepstep. The same in the browser, signed in as the owner (works once):"));
    printer.answer(Text::from("  ").and(Label::Command, link.clone()));
    printer.document("demo", json!({ "url": platform.url(), "link": link }));
    if arguments.once {
        printer.status("(The platform ends now. Without --once it stays, to look around in.)");
    } else {
        printer.status("The platform runs until you press Ctrl-C; then everything of this demo is removed.");
        platform.serve_on();
    }
    platform.end();
    Ok(Outcome::Done)
}
