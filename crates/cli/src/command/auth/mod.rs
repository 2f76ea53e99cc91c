//! `keepstep auth …`

mod status;

use clap::{Args, Subcommand};

use super::{CommandResult, login, logout};
use crate::session::context::Context;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep auth status")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the server in force, where its key comes from, and whose it is
    Status(status::Arguments),
    /// The same as `login`
    #[command(hide = true)]
    Login(login::Arguments),
    /// The same as `logout`
    #[command(hide = true)]
    Logout(logout::Arguments),
}

/// Runs it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    match &arguments.command {
        Command::Status(arguments) => status::run(context, arguments),
        Command::Login(arguments) => login::run(context, arguments),
        Command::Logout(arguments) => logout::run(context, arguments),
    }
}
