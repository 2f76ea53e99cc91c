//! Where a configuration is.

use std::path::Path;

use serde_json::Value;

/// Where the configuration is and what it may refer to.
#[derive(Clone, Copy)]
pub struct ConfigLocation<'a> {
    /// The folder of the scenario.
    pub scenario: &'a Path,
    /// The folder that the command was started in.
    pub current: &'a Path,
    /// The root of the workspace.
    pub root: &'a Path,
    /// What `--config` says.
    pub file: Option<&'a Path>,
    /// What the command line says over the files, as they would say it; null where it says nothing.
    pub overrides: &'a Value,
    /// Returns the value of a variable.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}
