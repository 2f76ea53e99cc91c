//! `keepstep deploy persona`, the peer's other name for `persona production deploy`

use clap::{Args, Subcommand};

use super::CommandResult;
use super::persona::{self, VersionArgument};
use crate::session::context::Context;
use crate::session::sides::Project;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep deploy persona --set-version 3")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Put a persona version into production
    #[command(after_help = "Example:\n  keepstep deploy persona --set-version 3 --force")]
    Persona(Persona),
}

#[derive(Debug, Args)]
struct Persona {
    /// Which version: a number, or latest for the newest one, drafts included
    #[arg(long, visible_alias = "persona-version", value_name = "VERSION")]
    set_version: Option<VersionArgument>,
    /// Do not ask
    #[arg(long)]
    force: bool,
}

/// Runs it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let Command::Persona(arguments) = &arguments.command;
    persona::deploy(context, &Project::open(context)?, arguments.set_version, arguments.force)
}
