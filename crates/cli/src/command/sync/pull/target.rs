//! A scenario that is pulled.

use std::path::PathBuf;

use keepstep_workspace::Scenario;
use serde_json::{Value, json};

/// A scenario that is pulled.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Its name for people.
    pub(super) name: String,
    /// The name of its folder, which is also its name in the lock file.
    pub(super) folder: String,
    /// Its folder.
    pub(super) path: PathBuf,
    /// Its id on the platform.
    pub(super) id: Option<String>,
    /// The bundle version that has to be pulled.
    pub(super) bundle: Option<String>,
    /// True if it was not named or selected, but is one of all.
    pub(super) is_one_of_all: bool,
}

/// Returns it as the workspace has it.
pub(super) fn as_scenario(target: &Target) -> Scenario {
    Scenario {
        name: target.name.clone(),
        folder: target.folder.clone(),
        id: target.id.clone(),
        path: target.path.clone(),
        origin: keepstep_workspace::SelectedBy::Flag,
    }
}

/// Returns it for programs.
pub(super) fn document_of(target: &Target) -> Value {
    json!({ "name": target.name, "id": target.id, "folder": target.folder })
}
