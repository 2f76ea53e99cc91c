//! Which folder belongs to which scenario of the platform.
//!
//! The peers know this only for the scenario that is selected, so that a folder can end up with another scenario's data.
//! This file is ours and beside theirs: `.fluxloop/scenarios.json`, `{"<folder>": {"id", "name", "project_id"}}`.

use std::path::Path;

use keepstep_testdata::names::{Kind, Named, file_names};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::WorkspaceError;
use crate::files::{Pending, read_object, write_object};

/// A scenario of the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its id.
    pub id: String,
    /// Its name there, which is no name of a folder.
    pub name: String,
    /// The project that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
}

/// The scenarios that folders belong to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Links {
    members: Map<String, Value>,
}

impl Links {
    /// The name of the file in `.fluxloop/`.
    pub const FILE_NAME: &'static str = "scenarios.json";

    /// Returns the scenario that a folder belongs to.
    pub fn of(&self, folder: &str) -> Option<Link> {
        serde_json::from_value(self.members.get(folder)?.clone()).ok()
    }

    /// Returns the folder that belongs to a scenario.
    pub fn folder_of(&self, id: &str) -> Option<&str> {
        self.members
            .iter()
            .find(|(_, link)| link.get("id").and_then(Value::as_str) == Some(id))
            .map(|(folder, _)| folder.as_str())
    }

    /// Returns every folder that belongs to a scenario. There is one at most, unless somebody else wrote the file, or a merge did.
    pub fn folders_of(&self, id: &str) -> impl Iterator<Item = &str> {
        let is_it = move |(_, link): &(&String, &Value)| link.get("id").and_then(Value::as_str) == Some(id);
        self.members.iter().filter(is_it).map(|(folder, _)| folder.as_str())
    }

    /// Notes that a folder belongs to a scenario, and no other folder does.
    pub fn set(&mut self, folder: &str, link: &Link) {
        self.members.retain(|other, value| other == folder || value.get("id").and_then(Value::as_str) != Some(&link.id));
        if let Ok(value) = serde_json::to_value(link) {
            self.members.insert(folder.to_owned(), value);
        }
    }

    /// Returns the folder for a scenario of the platform: the one that it has already, else a new safe name that is no
    /// other scenario's, also where file systems ignore case. `folders` are those that are there.
    ///
    /// A folder of exactly the scenario's name that belongs to nobody is taken for its own.
    pub fn folder_for(&self, id: &str, name: &str, folders: &[String]) -> String {
        if let Some(folder) = self.folder_of(id) {
            return folder.to_owned();
        }
        let plain = file_names(Kind::Scenario, &[Named { id, name }]).pop().unwrap_or_default();
        let mut set: Vec<Named<'_>> = self.members.keys().map(|folder| Named { id: "", name: folder }).collect();
        set.extend(
            folders
                .iter()
                .filter(|folder| **folder != plain && !self.members.contains_key(*folder))
                .map(|folder| Named { id: "", name: folder }),
        );
        set.push(Named { id, name });
        file_names(Kind::Scenario, &set).pop().unwrap_or(plain)
    }

    pub(crate) fn read(path: &Path) -> Result<Self, WorkspaceError> {
        Ok(Self { members: read_object(path)?.unwrap_or_default() })
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), WorkspaceError> {
        write_object(path, &self.members)
    }

    pub(crate) fn write_pending(&self, path: &Path) -> Result<Pending, WorkspaceError> {
        Pending::write_object(path, &self.members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(id: &str, name: &str) -> Link {
        Link { id: id.to_owned(), name: name.to_owned(), project_id: None }
    }

    #[test]
    fn f34_scenarios_whose_names_collide_get_folders_of_their_own() {
        let mut links = Links::default();
        let first = links.folder_for("1", "Orders!", &[]);
        assert_eq!(first, "Orders");
        links.set(&first, &link("1", "Orders!"));
        for (id, name) in [("2", "Orders"), ("3", "orders"), ("4", "ORDERS?")] {
            let folder = links.folder_for(id, name, &[]);
            assert!(folder.to_lowercase().starts_with("orders-"), "{folder}");
            links.set(&folder, &link(id, name));
        }
        // It stays whatever happens on the platform.
        assert_eq!(links.folder_for("1", "renamed", &[]), "Orders");
        // A folder that the person made for it.
        assert_eq!(links.folder_for("9", "billing", &["billing".to_owned()]), "billing");
        assert!(links.folder_for("9", "billing", &["Billing".to_owned()]).starts_with("billing-"));
    }

    #[test]
    fn f22_server_names_are_never_paths() {
        for name in ["../../../x", "/abs/path", "..", "", "a\0b", "C:\\x", "nul"] {
            let folder = Links::default().folder_for("id", name, &[]);
            assert!(crate::component::is_component(&folder) && !folder.contains(['/', '\\', '.', '\0', ':']), "{name}: {folder}");
        }
    }

    #[test]
    fn a_scenario_has_one_folder() {
        let mut links = Links::default();
        links.set("a", &link("1", "x"));
        links.set("b", &link("1", "x"));
        assert_eq!((links.folder_of("1"), links.of("a")), (Some("b"), None));
    }
}
