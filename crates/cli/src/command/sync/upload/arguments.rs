//! What is typed after `sync upload`.

use std::path::PathBuf;

use clap::Args;

/// The arguments.
#[derive(Debug, Default, Args)]
#[command(
    after_help = "Examples:\n  keepstep sync upload                                              the newest complete results\n  keepstep sync upload --experiment-dir results/exp_20250128_120000\n  keepstep sync upload --scenario onboarding-tests\n  keepstep sync upload --all                                        all that the server does not have\n  keepstep sync upload --pending                                    what could not be sent before"
)]
pub(in crate::command::sync) struct Arguments {
    /// The folder with the results; the newest complete one when left out
    #[arg(long, value_name = "DIR")]
    pub(super) experiment_dir: Option<PathBuf>,
    /// The same, as 0.4.0 calls it
    #[arg(long, value_name = "DIR", hide = true, conflicts_with = "experiment_dir")]
    pub(super) result_dir: Option<PathBuf>,
    /// The scenario
    #[arg(long, short, value_name = "NAME")]
    pub(super) scenario: Option<String>,
    /// The configuration that names the output folder
    #[arg(long, short, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The project; the selected one when left out
    #[arg(long, value_name = "ID")]
    pub(super) project_id: Option<String>,
    /// The bundle version that was run; what was pulled when left out
    #[arg(long, value_name = "ID")]
    pub(super) bundle_version_id: Option<String>,
    /// Send all complete results that the server does not have, the oldest first
    #[arg(long, conflicts_with_all = ["experiment_dir", "result_dir", "bundle_version_id", "pending"])]
    pub(super) all: bool,
    /// Only send what could not be sent before
    #[arg(long, conflicts_with_all = ["experiment_dir", "result_dir", "scenario", "config", "bundle_version_id", "dry_run"])]
    pub(super) pending: bool,
    /// Show what would be sent; nothing leaves this machine
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Exit 11 when the server cannot be reached
    #[arg(long)]
    pub(super) strict: bool,
}
