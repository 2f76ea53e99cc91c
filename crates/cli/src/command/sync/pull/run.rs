//! What is typed, and what all steps of a pull share.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;

use clap::Args;
use keepstep_workspace::Workspace;

use crate::session::checkout::undo_log::Recorder;
use crate::session::connection::test_data_server::TestDataServer;
use crate::session::context::Context;

/// What is typed after `sync pull`.
#[derive(Debug, Default, Args)]
#[command(
    after_help = "Without --scenario: the selected one, else every scenario of the project.\n\nWhat is pulled is noted in keepstep.lock beside .fluxloop/. Commit that file, and `--locked` pulls the same\nbundle versions in a fresh clone, with nothing but a key.\n\nExamples:\n  keepstep sync pull                                  the newest test data of the project\n  keepstep sync pull --bundle-version-id bv_12345     a certain bundle version\n  keepstep sync pull --scenario onboarding-tests      into that scenario's folder\n  keepstep sync pull --locked                         for CI: what keepstep.lock says"
)]
pub(in crate::command::sync) struct Arguments {
    /// The project; the selected one when left out
    #[arg(long, value_name = "ID")]
    pub(in crate::command::sync) project_id: Option<String>,
    /// The bundle version; the one that was published last when left out
    #[arg(long, value_name = "ID")]
    pub(in crate::command::sync) bundle_version_id: Option<String>,
    /// The scenario
    #[arg(long, short, value_name = "NAME")]
    pub(in crate::command::sync) scenario: Option<String>,
    /// Replace local edits, bring back deleted files, accept large removals
    #[arg(long)]
    pub(in crate::command::sync) force: bool,
    /// Pull exactly what keepstep.lock names
    #[arg(long)]
    pub(in crate::command::sync) locked: bool,
    /// Show what would change; nothing is written
    #[arg(long)]
    pub(in crate::command::sync) dry_run: bool,
    /// Accepted for the sake of older scripts
    #[arg(long, short, value_name = "FILE", hide = true)]
    pub(in crate::command::sync) config: Option<PathBuf>,
    /// True where what is here was just published, so that the server's form of it replaces nobody's words.
    #[arg(skip)]
    pub(in crate::command::sync) is_published: bool,
}

/// What all steps of a pull share.
pub(super) struct Run<'a> {
    pub(super) context: &'a Context,
    pub(super) arguments: &'a Arguments,
    pub(super) workspace: Workspace,
    /// True if the folder that the command was started in is in no workspace.
    pub(super) is_new: bool,
    /// True if it is itself a scenario's then.
    pub(super) is_scenario: bool,
    pub(super) project: Option<String>,
    pub(super) server: TestDataServer,
    /// Keeps what is replaced, of all scenarios together.
    pub(super) recorder: RefCell<Recorder>,
    /// True once something that was there before was replaced.
    pub(super) replaced: Cell<bool>,
}
