//! What all steps of a pull share: where it goes, from which server, and who else must not write meanwhile.

use std::cell::{Cell, RefCell};

use keepstep_workspace::Workspace;

use super::arguments::Arguments;
use crate::session::checkout::keepstep_folder::{Folder, Guard};
use crate::session::checkout::undo_log::Recorder;
use crate::session::connection::test_data_server::{TestDataServer, find_workspace};
use crate::session::context::Context;
use crate::shell::failure::Failure;

/// One run of the command.
pub(super) struct Run<'a> {
    pub(super) context: &'a Context,
    pub(super) arguments: &'a Arguments,
    pub(super) workspace: &'a Workspace,
    pub(super) project: Option<String>,
    pub(super) server: TestDataServer,
    /// Keeps what is replaced, of all scenarios together.
    pub(super) recorder: RefCell<Recorder>,
    /// True once something that was there before was replaced.
    pub(super) replaced: Cell<bool>,
}

impl Run<'_> {
    /// Sees to it that no other keepstep writes.
    pub(super) fn guard(&self) -> Result<Option<Guard>, Failure> {
        if self.arguments.dry_run {
            return Ok(None);
        }
        Folder::of(self.workspace.root()).guard(&self.context.printer).map(Some)
    }
}

/// Where test data goes.
pub(super) struct Destination {
    pub(super) workspace: Workspace,
    /// True if the folder that the command was started in is itself a scenario's.
    pub(super) is_scenario: bool,
    /// True if it is in no workspace.
    pub(super) is_new: bool,
}

impl Destination {
    /// Returns the workspace around the folder, or the folder itself.
    pub(super) fn find(context: &Context) -> Self {
        match find_workspace(context) {
            Some(workspace) => Self { workspace, is_scenario: false, is_new: false },
            None => {
                let folder = &context.directory;
                let signs = [".state", "inputs/generated.yaml", "configs/simulation.yaml", "configs/scenario.yaml"];
                let is_scenario = signs.iter().any(|sign| folder.join(sign).exists());
                Self { workspace: Workspace::at(folder), is_scenario, is_new: true }
            }
        }
    }
}
