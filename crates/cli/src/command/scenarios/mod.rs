//! `keepstep scenarios …`

pub(crate) mod create;
mod document;
mod list;
mod select;
mod select_here;
mod show;

use clap::{Args, Subcommand};

use super::CommandResult;
use crate::session::context::Context;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  keepstep scenarios list\n  keepstep scenarios select orders     work on this one")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the project's scenarios
    List(list::Arguments),
    /// Say which scenario the other commands are about
    Select(select::Arguments),
    /// Make a scenario
    Create(create::Arguments),
    /// Show a scenario
    Show(show::Arguments),
}

/// Runs it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    match &arguments.command {
        Command::List(arguments) => list::run(context, arguments),
        Command::Select(arguments) => select::run(context, arguments),
        Command::Create(arguments) => create::run(context, arguments),
        Command::Show(arguments) => show::run(context, arguments),
    }
}
