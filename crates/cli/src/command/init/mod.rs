//! `keepstep init …`

mod agent;
pub(crate) mod scenario;

use clap::{Args, Subcommand};

use super::CommandResult;
use crate::session::context::Context;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  keepstep init agent my-agent --name Helper\n  keepstep init scenario orders")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start an agent's project
    Agent(agent::Arguments),
    /// Start a scenario of test data
    Scenario(scenario::Arguments),
}

/// Runs it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    match &arguments.command {
        Command::Agent(arguments) => agent::run(context, arguments),
        Command::Scenario(arguments) => scenario::run(context, arguments),
    }
}
