//! `keepstep results …`: what tests left, and what has changed between two of them.

mod baseline;
mod check;
mod compare;
mod list;
mod shelf;
mod show;
mod words;

use clap::{Args, Subcommand};

use super::CommandResult;
use crate::context::Context;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep results list                                   the runs of the selected scenario\n  keepstep results compare latest~1 latest                what the last run changed\n  keepstep results baseline main                          keep the last run as the baseline `main`\n  keepstep results check --baseline main --fail-on-regression    exit 1 when the last run is worse"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the runs, the newest first
    List(list::Arguments),
    /// Show a run and the cases that did not pass
    Show(show::Arguments),
    /// Show what is not the same in two runs
    Compare(compare::Arguments),
    /// Keep the figures of a run in a small file that is committed
    Baseline(baseline::Arguments),
    /// Check a run against a baseline
    Check(check::Arguments),
}

/// Runs it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    match &arguments.command {
        Command::List(arguments) => list::run(context, arguments),
        Command::Show(arguments) => show::run(context, arguments),
        Command::Compare(arguments) => compare::run(context, arguments),
        Command::Baseline(arguments) => baseline::run(context, arguments),
        Command::Check(arguments) => check::run(context, arguments),
    }
}
