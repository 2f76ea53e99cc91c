//! `keepstep inputs …`

mod list;
mod show;

use clap::{Args, Subcommand};

use super::CommandResult;
use crate::session::context::Context;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep inputs list")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the sets of inputs
    List(list::Arguments),
    /// Show the inputs of a set
    Show(show::Arguments),
}

/// Runs it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    match &arguments.command {
        Command::List(arguments) => list::run(context, arguments),
        Command::Show(arguments) => show::run(context, arguments),
    }
}
