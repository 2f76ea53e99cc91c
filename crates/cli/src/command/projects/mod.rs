//! `keepstep projects …`

mod connect;
mod create;
mod document;
mod info;
mod list;
mod select;

use clap::{Args, Subcommand};

use super::CommandResult;
use crate::session::context::Context;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep projects list\n  keepstep projects select shop     connect this folder to a project"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the server's projects
    List(list::Arguments),
    /// Connect this workspace to a project
    Select(select::Arguments),
    /// Make a project
    Create(create::Arguments),
    /// Show a project with its scenarios and bundles
    #[command(visible_alias = "show")]
    Info(info::Arguments),
}

/// Runs it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    match &arguments.command {
        Command::List(arguments) => list::run(context, arguments),
        Command::Select(arguments) => select::run(context, arguments),
        Command::Create(arguments) => create::run(context, arguments),
        Command::Info(arguments) => info::run(context, arguments),
    }
}
