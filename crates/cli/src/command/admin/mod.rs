//! `keepstep admin …`: works on the data directly, also while a server runs on it.

mod agent;
mod backup;
mod fsck;
mod import;
mod key;
mod owner_link;
mod project;
mod restore;
mod retention;
mod stats;
mod verify_log;

use clap::{Args, Subcommand};

use super::CommandResult;
use crate::session::context::Context;

pub(crate) use owner_link::make_link;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep admin key create --data ./data --name ci --role editor")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create, list and revoke keys
    Key(key::Arguments),
    /// Create agents
    Agent(agent::Arguments),
    /// Create projects
    Project(project::Arguments),
    /// Publish test data from a file and print the bundle version's id, alone on stdout
    Import(import::Arguments),
    /// Print a link that signs one browser in as an owner, once
    OwnerLink(owner_link::Arguments),
    /// Show or set for how long the experiments of a project are kept
    Retention(retention::Arguments),
    /// Copy everything that the server keeps into one file, also while it runs
    Backup(backup::Arguments),
    /// Restore a backup into a new folder, or check that it can be restored
    Restore(restore::Arguments),
    /// Look through the data for what is damaged or missing
    Fsck(fsck::Arguments),
    /// Show what takes the room: parts of the database, files, projects
    Stats(stats::Arguments),
    /// Check that no entry of the activity log was changed, added or removed
    VerifyLog(verify_log::Arguments),
}

/// Runs it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    crate::session::runtime::wait(async {
        match &arguments.command {
            Command::Key(arguments) => key::run(context, arguments).await,
            Command::Agent(arguments) => agent::run(context, arguments).await,
            Command::Project(arguments) => project::run(context, arguments).await,
            Command::Import(arguments) => import::run(context, arguments).await,
            Command::OwnerLink(arguments) => owner_link::run(context, arguments).await,
            Command::Retention(arguments) => retention::run(context, arguments).await,
            Command::Backup(arguments) => backup::run(context, arguments).await,
            Command::Restore(arguments) => restore::run(context, arguments).await,
            Command::Fsck(arguments) => fsck::run(context, arguments).await,
            Command::Stats(arguments) => stats::run(context, arguments).await,
            Command::VerifyLog(arguments) => verify_log::run(context, arguments).await,
        }
    })
}
