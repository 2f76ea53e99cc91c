//! `keepstep apikeys …`

mod check;
mod create;
mod list;
mod revoke;

use clap::{Args, Subcommand};

use super::CommandResult;
use crate::session::context::Context;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep apikeys create     a key for this workspace, kept in .fluxloop/.env\n  keepstep apikeys check"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key of the project and keep it in the workspace
    Create(create::Arguments),
    /// Show the project's keys
    List(list::Arguments),
    /// Take a key back
    Revoke(revoke::Arguments),
    /// Show which key is used, and ask the server whether it is good
    Check(check::Arguments),
}

/// Runs it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    match &arguments.command {
        Command::Create(arguments) => create::run(context, arguments),
        Command::List(arguments) => list::run(context, arguments),
        Command::Revoke(arguments) => revoke::run(context, arguments),
        Command::Check(arguments) => check::run(context, arguments),
    }
}
