//! `keepstep alias …`

mod install;

use clap::{Args, Subcommand};

use super::CommandResult;
use crate::context::Context;

/// The arguments.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the links `lua` and `fluxloop` to this program
    Install(install::Arguments),
}

/// Runs it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    match &arguments.command {
        Command::Install(arguments) => install::run(context, arguments),
    }
}
