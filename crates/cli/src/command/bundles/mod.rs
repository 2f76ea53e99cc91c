//! `keepstep bundles …`

mod document;
mod from_workspace;
mod import;
mod list;
mod publish;
mod show;

use clap::{Args, Subcommand};

use super::CommandResult;
use crate::session::context::Context;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep bundles list\n  keepstep bundles import orders.yaml     publish test data from a file"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the published bundle versions
    List(list::Arguments),
    /// Publish what a scenario has now as its next bundle version
    Publish(publish::Arguments),
    /// Show a bundle version
    Show(show::Arguments),
    /// Bring a scenario, personas, inputs and criteria from a file to the server, and publish them
    Import(import::Arguments),
}

/// Runs it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    match &arguments.command {
        Command::List(arguments) => list::run(context, arguments),
        Command::Publish(arguments) => publish::run(context, arguments),
        Command::Show(arguments) => show::run(context, arguments),
        Command::Import(arguments) => import::run(context, arguments),
    }
}
