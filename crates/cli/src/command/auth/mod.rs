//! `keepstep auth …`

mod status;

use clap::{Args, Subcommand};

use super::CommandResult;
use crate::context::Context;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep auth status")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the server in force, where its key comes from, and whose it is
    Status(status::Arguments),
}

/// Runs it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    match &arguments.command {
        Command::Status(arguments) => status::run(context, arguments),
    }
}
