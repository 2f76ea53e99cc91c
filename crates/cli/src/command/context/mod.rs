//! `keepstep context …`

mod clear;
mod set_bundle;
mod show;

use clap::{Args, Subcommand};

use super::CommandResult;
use crate::session::context::Context;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep context show")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the workspace, and what is selected in it
    Show(show::Arguments),
    /// Forget what is selected; the connection to the project stays
    Clear(clear::Arguments),
    /// Select a bundle version
    SetBundle(set_bundle::Arguments),
}

/// Runs it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    match &arguments.command {
        Command::Show(arguments) => show::run(context, arguments),
        Command::Clear(arguments) => clear::run(context, arguments),
        Command::SetBundle(arguments) => set_bundle::run(context, arguments),
    }
}
