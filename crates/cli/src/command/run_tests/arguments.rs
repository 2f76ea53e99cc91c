//! What a run is given on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use keepstep_base::human::parse_duration;
use keepstep_runner::case::Shard;

use super::multi_turn::MultiTurn;

/// What a run is given.
#[derive(Debug, Args)]
pub(super) struct RunArguments {
    /// The scenario; otherwise the selected one
    #[arg(long, short, value_name = "NAME")]
    pub(super) scenario: Option<String>,
    /// A configuration file; otherwise configs/ of the scenario
    #[arg(long, short, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Run only the first input, once
    #[arg(long, conflicts_with = "full")]
    pub(super) smoke: bool,
    /// Run all inputs, also where the configuration says smoke
    #[arg(long)]
    pub(super) full: bool,
    /// Run each input N times
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) iterations: Option<u32>,
    /// Run N cases at once; otherwise parallel_runs of the configuration, or one for each core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(super) parallel: Option<u16>,
    /// Run only cases with TEXT in their name, input or persona
    #[arg(long, value_name = "TEXT")]
    pub(super) filter: Option<String>,
    /// Run only part I of N, for several machines
    #[arg(long, value_name = "I/N")]
    pub(super) shard: Option<Shard>,
    /// Shuffle the order, always in the same way for the same N
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Run a case up to N times more until it passes
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub(super) retry: u32,
    /// Resume the last experiment where it was interrupted or killed
    #[arg(long, conflicts_with_all = ["filter", "shard", "seed", "iterations", "smoke", "full"])]
    pub(super) resume: bool,
    /// Run only the cases that did not pass in the last experiment
    #[arg(long, conflicts_with_all = ["resume", "filter", "shard", "iterations", "smoke", "full"])]
    pub(super) failed: bool,
    /// Ask models that have no recorded answer yet, and keep what they say in recordings/
    #[arg(long)]
    pub(super) record: bool,
    /// Ask models each time, and neither use nor keep recordings
    #[arg(long, conflicts_with = "record")]
    pub(super) live: bool,
    /// Accept criteria from the server that run a program or ask a model, exactly as they are now
    #[arg(long)]
    pub(super) accept_criteria: bool,
    /// Exit 1 also when a required criterion was not judged
    #[arg(long)]
    pub(super) strict: bool,
    /// Stop at the first case that fails
    #[arg(long)]
    pub(super) fail_fast: bool,
    /// The longest time for one answer, such as 30s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(super) timeout: Option<Duration>,
    /// Send nothing; opens no connection at all
    #[arg(long, visible_alias = "skip-push", overrides_with = "no_skip_upload")]
    pub(super) skip_upload: bool,
    /// Send the results, also where the configuration says not to
    #[arg(long, overrides_with = "skip_upload")]
    pub(super) no_skip_upload: bool,
    /// Send nothing before the end; the test cannot be watched on the server [env: KEEPSTEP_NO_REPORT=1]
    #[arg(long)]
    pub(super) no_report: bool,
    /// Show what is said, as it is said
    #[arg(long, visible_alias = "stream-turns", alias = "verbose", overrides_with = "no_stream")]
    pub(super) stream: bool,
    /// Show no conversations
    #[arg(long, visible_alias = "no-stream-turns", overrides_with = "stream")]
    pub(super) no_stream: bool,
    /// Also write a report as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    /// Where the experiment folder goes
    #[arg(long, value_name = "DIR")]
    pub(super) output_dir: Option<PathBuf>,
    /// Exit 0 also when cases fail
    #[arg(long)]
    pub(super) no_fail: bool,
    #[command(flatten)]
    pub(super) multi_turn: MultiTurn,
    /// Accepted for compatibility: pull nothing, also where a bundle version is named
    #[arg(long, hide = true)]
    pub(super) skip_pull: bool,
    /// Likewise
    #[arg(long, hide = true)]
    pub(super) no_collector: bool,
    /// Likewise
    #[arg(long, hide = true, conflicts_with = "stream_during_run")]
    pub(super) stream_after_upload: bool,
    /// Likewise
    #[arg(long, hide = true)]
    pub(super) stream_during_run: bool,
    /// Likewise
    #[arg(long, short, hide = true)]
    pub(super) yes: bool,
    /// Likewise: the project that results go to
    #[arg(long, hide = true, value_name = "ID")]
    pub(super) project_id: Option<String>,
    /// The bundle version to run; it is pulled first when it is not here
    #[arg(long, value_name = "ID")]
    pub(super) bundle_version_id: Option<String>,
}
