//! `keepstep init …`

mod agent;

use clap::{Args, Subcommand};

use super::CommandResult;
use crate::context::Context;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep init agent my-agent --name Helper")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start an agent's project
    Agent(agent::Arguments),
}

/// Runs it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    match &arguments.command {
        Command::Agent(arguments) => agent::run(context, arguments),
    }
}
