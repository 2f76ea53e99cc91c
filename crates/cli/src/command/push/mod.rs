//! `keepstep push …`

pub(crate) mod persona;

use clap::{Args, Subcommand};

use super::CommandResult;
use crate::session::context::Context;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep push persona --message \"Friendlier greeting\"")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Publish the persona and the model
    #[command(aliases = ["personas", "agent", "agents"])]
    Persona(persona::Arguments),
}

/// Runs it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    match &arguments.command {
        Command::Persona(arguments) => persona::run(context, arguments),
    }
}
