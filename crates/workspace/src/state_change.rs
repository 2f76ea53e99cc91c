//! A change of the workspace's small files that takes place together with something else.

use std::fs::File;

use crate::files::Pending;
use crate::{ContextFile, Links, Workspace, WorkspaceError};

/// What is selected, and which folder belongs to which scenario. While this lives, no other keepstep changes them.
#[derive(Debug)]
pub struct StateChange {
    workspace: Workspace,
    before: (Links, ContextFile),
    /// Which folder belongs to which scenario of the platform.
    pub links: Links,
    /// What is selected.
    pub context: ContextFile,
    _lock: File,
}

impl StateChange {
    /// Begins a change of what is selected and of which folder belongs to which scenario that is put in place with other files.
    ///
    /// # Errors
    /// One of the files cannot be read or understood.
    pub fn begin(workspace: &Workspace) -> Result<Self, WorkspaceError> {
        let lock = workspace.lock_state()?;
        let (links, context) = (workspace.links()?, workspace.context()?);
        Ok(Self { workspace: workspace.clone(), before: (links.clone(), context.clone()), links, context, _lock: lock })
    }

    /// Writes what changed, so that it can be put in place. That has to be done while this lives.
    ///
    /// # Errors
    /// The system refused.
    pub fn write(&self) -> Result<Vec<Pending>, WorkspaceError> {
        let mut written = Vec::new();
        if self.links != self.before.0 {
            written.push(self.links.write_pending(&self.workspace.links_path())?);
        }
        if self.context != self.before.1 {
            written.push(self.context.write_pending(&self.workspace.context_path())?);
        }
        Ok(written)
    }
}
