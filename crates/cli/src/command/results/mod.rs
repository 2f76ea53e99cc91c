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
use crate::session::context::Context;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep results list                                   the experiments of the selected scenario\n  keepstep results compare latest~1 latest                what the last experiment changed\n  keepstep results baseline main                          keep the last one as the baseline `main`\n  keepstep results check --baseline main --fail-on-regression    exit 1 when the last one is worse"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the experiments, the newest first
    List(list::Arguments),
    /// Show an experiment and the cases that did not pass
    Show(show::Arguments),
    /// Show what is not the same in two experiments
    Compare(compare::Arguments),
    /// Keep the figures of an experiment in a small file that is committed
    Baseline(baseline::Arguments),
    /// Check an experiment against a baseline
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

/// Shows the newest complete experiment and the cases that did not pass.
pub(crate) fn show_latest(context: &Context, scenario: Option<String>) -> CommandResult {
    show::run(context, &show::Arguments::latest(scenario))
}
