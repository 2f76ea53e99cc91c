//! Everything that one `sync` works with.

use clap::Args;
use keepstep_source::AgentSource;
use serde_json::Value;

use super::report;
use crate::session::checkout::lock_file::LockFile;
use crate::session::checkout::undo_log::Recorder;
use crate::session::connection::server::Server;
use crate::session::context::Context;
use crate::session::drift_report::Reporting;
use crate::session::sides::{Against, Compared, Project};

/// The options of `sync` itself.
#[derive(Debug, Default, Args)]
pub(crate) struct Options {
    /// Only look: exit 1 when something differs; nothing is written
    #[arg(long)]
    pub(crate) check: bool,
    /// Take what the server has into the code
    #[arg(long, visible_alias = "pull")]
    pub(crate) accept: bool,
    /// Publish what the code has
    #[arg(long)]
    pub(crate) push: bool,
    /// Keep both sides' edits; overlapping ones get markers in the code, and exit 4
    #[arg(long, conflicts_with_all = ["check", "accept", "push", "draft"])]
    pub(crate) merge: bool,
    /// Continue although the server changes while this runs
    #[arg(long)]
    pub(crate) force: bool,
    /// Exit 11 when the server cannot be reached; with --check, exit 1 when something was not compared
    #[arg(long)]
    pub(crate) strict: bool,
    /// Which persona of the server to compare with: published, current, draft, v3
    #[arg(long, value_name = "VERSION", default_value = "published", hide_default_value = true)]
    pub(crate) against: Against,
    /// Store the persona as a draft instead of publishing it
    #[arg(long)]
    pub(crate) draft: bool,
    /// Show what would be done, as a patch for the code; nothing is written
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) reporting: Reporting,
}

impl Options {
    /// Returns true if nothing may be written.
    pub(super) fn only_looks(&self) -> bool {
        self.check || self.dry_run
    }
}

/// Everything that one run works with.
pub(super) struct Run<'a> {
    pub(super) context: &'a Context,
    pub(super) options: &'a Options,
    pub(super) project: Project,
    pub(super) server: Server,
    pub(super) code: Box<dyn AgentSource>,
    pub(super) lock: LockFile,
    pub(super) compared: Compared,
    /// True if what was not compared counts as a drift.
    pub(super) strict: bool,
    /// Keeps what is replaced here, of all attempts together.
    pub(super) recorder: Recorder,
    /// What was said about the code, so that it is said once.
    pub(super) told: Vec<String>,
}

impl Run<'_> {
    /// Shows how both sides differ.
    pub(super) fn show(&self) {
        report::show(self.context, &*self.code, &self.compared, self.lock.lock.agent(&self.project.agent));
    }

    /// Returns how both sides differ, for programs.
    pub(super) fn document(&self) -> Value {
        report::document(&self.project, &self.server, &*self.code, &self.compared)
    }
}
