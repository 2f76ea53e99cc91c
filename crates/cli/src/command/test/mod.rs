//! `keepstep test`

mod carry_out;
mod git;
mod github;
mod judging;
mod models;
pub(in crate::command) mod multi_turn;
mod provenance;
mod results;
mod send;
pub(crate) mod setup;
mod version;
mod view;

pub(in crate::command) use view::SHORT_DIGEST;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use keepstep_runner::case::Shard;
use keepstep_runner::duration::parse_duration;

use super::CommandResult;
use crate::context::Context;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  keepstep test                          all inputs of the selected scenario\n  keepstep test --smoke --skip-upload    only the first input; sends nothing\n  keepstep test --failed                 what did not pass the last time\n  keepstep test --resume                 resume an interrupted run\n  keepstep test results                  show the last run"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the last run; runs nothing
    Results(results::Arguments),
    /// The same as without `run`
    #[command(hide = true, after_help = "Example:\n  keepstep test run")]
    Run(Box<RunArguments>),
}

/// What a run is given.
#[derive(Debug, Args)]
struct RunArguments {
    /// The scenario; otherwise the selected one
    #[arg(long, short, value_name = "NAME")]
    scenario: Option<String>,
    /// A configuration file; otherwise configs/ of the scenario
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Run only the first input, once
    #[arg(long, conflicts_with = "full")]
    smoke: bool,
    /// Run all inputs, also where the configuration says smoke
    #[arg(long)]
    full: bool,
    /// Run each input N times
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    iterations: Option<u32>,
    /// Run N cases at once; otherwise parallel_runs of the configuration, or one for each core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    parallel: Option<u16>,
    /// Run only cases with TEXT in their name, input or persona
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Run only part I of N, for several machines
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Shuffle the order, always in the same way for the same N
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Run a case up to N times more until it passes
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true, value_parser = clap::value_parser!(u32).range(0..=100))]
    retry: u32,
    /// Resume the last run where it was interrupted or killed
    #[arg(long, conflicts_with_all = ["filter", "shard", "seed", "iterations", "smoke", "full"])]
    resume: bool,
    /// Run only the cases that did not pass in the last experiment
    #[arg(long, conflicts_with_all = ["resume", "filter", "shard", "iterations", "smoke", "full"])]
    failed: bool,
    /// Ask models that have no recorded answer yet, and keep what they say in recordings/
    #[arg(long)]
    record: bool,
    /// Ask models each time, and neither use nor keep recordings
    #[arg(long, conflicts_with = "record")]
    live: bool,
    /// Accept criteria from the server that run a program or ask a model, exactly as they are now
    #[arg(long)]
    accept_criteria: bool,
    /// Exit 1 also when a required criterion was not judged
    #[arg(long)]
    strict: bool,
    /// Stop at the first case that fails
    #[arg(long)]
    fail_fast: bool,
    /// The longest time for one answer, such as 30s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    timeout: Option<Duration>,
    /// Send nothing; opens no connection at all
    #[arg(long, visible_alias = "skip-push", overrides_with = "no_skip_upload")]
    skip_upload: bool,
    /// Send the results, also where the configuration says not to
    #[arg(long, overrides_with = "skip_upload")]
    no_skip_upload: bool,
    /// Show what is said, as it is said
    #[arg(long, visible_alias = "stream-turns", alias = "verbose", overrides_with = "no_stream")]
    stream: bool,
    /// Show no conversations
    #[arg(long, visible_alias = "no-stream-turns", overrides_with = "stream")]
    no_stream: bool,
    /// Also write a report as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Where the experiment folder goes
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
    /// Exit 0 also when cases fail
    #[arg(long)]
    no_fail: bool,
    #[command(flatten)]
    multi_turn: multi_turn::MultiTurn,
    /// Accepted for compatibility: pull nothing, also where a bundle version is named
    #[arg(long, hide = true)]
    skip_pull: bool,
    /// Likewise
    #[arg(long, hide = true)]
    no_collector: bool,
    /// Likewise
    #[arg(long, hide = true, conflicts_with = "stream_during_run")]
    stream_after_upload: bool,
    /// Likewise
    #[arg(long, hide = true)]
    stream_during_run: bool,
    /// Likewise
    #[arg(long, short, hide = true)]
    yes: bool,
    /// Likewise: the project that results go to
    #[arg(long, hide = true, value_name = "ID")]
    project_id: Option<String>,
    /// The bundle version to run; it is pulled first when it is not here
    #[arg(long, value_name = "ID")]
    bundle_version_id: Option<String>,
}

/// Runs it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    match &arguments.command {
        Some(Command::Results(results)) => results::run(context, results),
        Some(Command::Run(run)) => carry_out::run(context, run),
        None => carry_out::run(context, &arguments.run),
    }
}
