//! `project.json`: the project that a workspace is connected to.

use std::path::Path;

use serde_json::{Map, Value};

use crate::WorkspaceError;
use crate::files::{read_object, write_object};

/// The project of a workspace. Members that this version does not know stay as they are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProjectFile {
    members: Map<String, Value>,
}

impl ProjectFile {
    /// Returns a file for a project. `now` is an ISO 8601 time.
    pub fn new(id: &str, name: &str, workspace_id: Option<&str>, api_url: &str, now: &str) -> Self {
        let mut file = Self::default();
        file.select(id, name, workspace_id, api_url, now);
        file
    }

    /// Makes it the file of another project; what is known of the old one goes.
    pub fn select(&mut self, id: &str, name: &str, workspace_id: Option<&str>, api_url: &str, now: &str) {
        let known = [
            ("project_id", Some(id)),
            ("project_name", Some(name)),
            ("workspace_id", workspace_id.filter(|id| !id.is_empty())),
            ("api_url", Some(api_url)),
            ("connected_at", Some(now)),
        ];
        for (key, value) in known {
            match value {
                Some(value) => drop(self.members.insert(key.to_owned(), Value::from(value))),
                None => drop(self.members.shift_remove(key)),
            }
        }
    }

    /// Returns the project's id.
    pub fn id(&self) -> Option<&str> {
        self.text("project_id")
    }

    /// Returns the project's name.
    pub fn name(&self) -> Option<&str> {
        self.text("project_name")
    }

    /// Returns the organization that owns the project.
    pub fn workspace_id(&self) -> Option<&str> {
        self.text("workspace_id")
    }

    /// Returns the platform's address.
    pub fn api_url(&self) -> Option<&str> {
        self.text("api_url")
    }

    /// Returns when the workspace was connected.
    pub fn connected_at(&self) -> Option<&str> {
        self.text("connected_at")
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.members.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    pub(crate) fn read(path: &Path) -> Result<Option<Self>, WorkspaceError> {
        Ok(read_object(path)?.map(|members| Self { members }))
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), WorkspaceError> {
        write_object(path, &self.members)
    }
}
