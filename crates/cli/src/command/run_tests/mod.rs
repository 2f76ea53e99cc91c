//! `keepstep test`

mod arguments;
mod carry_out;
mod git;
mod github;
mod judging;
mod live;
mod models;
pub(in crate::command) mod multi_turn;
mod provenance;
mod results;
mod send;
pub(crate) mod setup;
mod version;
mod view;

pub(in crate::command) use view::SHORT_DIGEST;

use clap::{Args, Subcommand};

use self::arguments::RunArguments;
use super::CommandResult;
use crate::session::context::Context;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  keepstep test                          all inputs of the selected scenario\n  keepstep test --smoke --skip-upload    only the first input; sends nothing\n  keepstep test --failed                 what did not pass the last time\n  keepstep test --resume                 resume an interrupted experiment\n  keepstep test results                  show the last experiment"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the last experiment; runs nothing
    Results(results::Arguments),
    /// The same as without `run`
    #[command(hide = true, after_help = "Example:\n  keepstep test run")]
    Run(Box<RunArguments>),
}

/// Runs it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    match &arguments.command {
        Some(Command::Results(results)) => results::run(context, results),
        Some(Command::Run(run)) => carry_out::run(context, run),
        None => carry_out::run(context, &arguments.run),
    }
}
