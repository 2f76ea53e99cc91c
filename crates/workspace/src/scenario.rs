//! Which scenario a command is about: one rule for all of them.
//!
//! The scenario is the one that the command names; else the one that is selected; else the one whose folder the person
//! is in; else the only one. Its folder is always below the workspace's root, wherever the command was started.

use std::path::{Path, PathBuf};

use keepstep_testdata::names::{Kind, LONGEST, Named, file_name};

use crate::component::is_component;
use crate::context_file::CurrentScenario;
use crate::{Workspace, WorkspaceError};

/// Why it is this scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelectedBy {
    /// The command names it.
    Flag,
    /// It is selected in `context.json`.
    Context,
    /// The command was started in its folder.
    Directory,
    /// There is no other.
    Only,
}

/// A scenario of a workspace. Its folder need not be there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// Its name for people: the platform's where that is known.
    pub name: String,
    /// The name of its folder, which is safe to use as one.
    pub folder: String,
    /// Its id on the platform, where that is known for exactly this folder.
    pub id: Option<String>,
    /// Its folder's path.
    pub path: PathBuf,
    /// Why it is this one.
    pub origin: SelectedBy,
}

/// Why there is no scenario to work with.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// Nobody says which one.
    #[error("no scenario is selected in {}", root.display())]
    NoneSelected {
        /// The workspace.
        root: PathBuf,
        /// The folders that could be meant.
        folders: Vec<String>,
    },
    /// What was typed names none.
    #[error("invalid scenario name {typed:?}: {reason}")]
    BadName {
        /// What was typed.
        typed: String,
        /// Why.
        reason: &'static str,
    },
    /// A file of the workspace cannot be read.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
}

/// Checks a scenario's name that a person typed and returns the name of its folder.
///
/// # Errors
/// It is empty, a path, or too long for a folder's name.
pub fn folder_of_typed(typed: &str) -> Result<String, ScenarioError> {
    let bad = |reason| Err(ScenarioError::BadName { typed: typed.chars().take(80).collect(), reason });
    let name = typed.trim();
    if name.is_empty() {
        return bad("it is empty");
    }
    if name.contains(['/', '\\']) || matches!(name, "." | "..") {
        return bad("it is a path: a name cannot contain / or \\, or be . or ..");
    }
    if name.chars().any(char::is_control) {
        return bad("it has control characters");
    }
    if name.len() > LONGEST {
        return bad("it is longer than 120 bytes");
    }
    Ok(file_name(Kind::Scenario, Named { id: "", name }))
}

impl Workspace {
    /// Returns the scenario that a command is about. `named` is what the command line says, `directory` the folder that the
    /// command was started in.
    ///
    /// # Errors
    /// Nobody says which one, what was typed is no name, or a file of the workspace cannot be read.
    pub fn scenario(&self, named: Option<&str>, directory: &Path) -> Result<Scenario, ScenarioError> {
        let folders = self.scenario_folders()?;
        if let Some(typed) = named {
            return self.typed_scenario(typed, &folders);
        }
        if let Some(current) = self.context()?.scenario() {
            let folder = self.folder_called(&current.folder, current.id.as_deref(), &folders);
            let id = match current.id {
                Some(id) => Some(id),
                None => self.linked_id(&folder)?,
            };
            return Ok(self.made(current.name, folder, id, SelectedBy::Context));
        }
        let (folder, origin) = match (self.folder_around(directory), folders.as_slice()) {
            (Some(folder), _) => (folder, SelectedBy::Directory),
            (None, [only]) => (only.clone(), SelectedBy::Only),
            (None, _) => return Err(ScenarioError::NoneSelected { root: self.root().to_owned(), folders }),
        };
        let name = self.links()?.of(&folder).map_or_else(|| folder.clone(), |link| link.name);
        let id = self.linked_id(&folder)?;
        Ok(self.made(name, folder, id, origin))
    }

    /// Returns every scenario that has a folder, sorted by it.
    ///
    /// # Errors
    /// A file of the workspace cannot be read.
    pub fn scenarios(&self) -> Result<Vec<Scenario>, ScenarioError> {
        let folders = self.scenario_folders()?;
        folders.iter().map(|folder| self.typed_scenario(folder, &folders)).collect()
    }

    /// Returns every folder that is there and says that it belongs to a scenario of the platform: by the links, or by what was
    /// pulled into it.
    ///
    /// # Errors
    /// A file of the workspace cannot be read.
    pub fn folders_with(&self, id: &str) -> Result<Vec<String>, ScenarioError> {
        let links = self.links()?;
        let linked: Vec<&str> = links.folders_of(id).collect();
        let claims = |folder: &String| {
            let pulled = || crate::pull::Scenario::id_in(&self.scenario_dir(folder)).ok().flatten();
            linked.contains(&folder.as_str()) || (links.of(folder).is_none() && pulled().as_deref() == Some(id))
        };
        Ok(self.scenario_folders()?.into_iter().filter(claims).collect())
    }

    fn typed_scenario(&self, typed: &str, folders: &[String]) -> Result<Scenario, ScenarioError> {
        let current = self.context()?.scenario();
        let links = self.links()?;
        // The name of a folder that is there wins over every other meaning.
        let known = folders.iter().find(|folder| *folder == typed).cloned();
        let by_name = || {
            let current = current.as_ref().filter(|current| current.name == typed)?;
            Some(self.folder_called(&current.folder, current.id.as_deref(), folders))
        };
        let by_link = || folders.iter().find(|folder| links.of(folder).is_some_and(|link| link.name == typed)).cloned();
        let folder = match known.or_else(by_name).or_else(by_link) {
            Some(folder) => folder,
            None => folder_of_typed(typed)?,
        };
        // An id counts only for the folder that it was selected with.
        let selected = current.filter(|current| self.folder_called(&current.folder, current.id.as_deref(), folders) == folder);
        let (name, id) = match selected {
            Some(CurrentScenario { name, id: Some(id), .. }) => (name, Some(id)),
            _ => (links.of(&folder).map_or_else(|| typed.trim().to_owned(), |link| link.name), self.linked_id(&folder)?),
        };
        Ok(self.made(name, folder, id, SelectedBy::Flag))
    }

    /// Returns the folder that a name in `context.json` means. The name may come from a server.
    fn folder_called(&self, name: &str, id: Option<&str>, folders: &[String]) -> String {
        if folders.iter().any(|folder| folder == name) {
            return name.to_owned();
        }
        file_name(Kind::Scenario, Named { id: id.unwrap_or_default(), name })
    }

    /// Returns the id that a folder's scenario has in the project that the workspace is connected to.
    fn linked_id(&self, folder: &str) -> Result<Option<String>, WorkspaceError> {
        let Some(link) = self.links()?.of(folder) else { return Ok(None) };
        let project = self.project()?;
        let project = project.as_ref().and_then(|project| project.id());
        let is_other = link.project_id.is_some() && project.is_some() && link.project_id.as_deref() != project;
        Ok((!is_other).then_some(link.id))
    }

    /// Returns the scenario's folder that a folder lies in.
    fn folder_around(&self, directory: &Path) -> Option<String> {
        let rest = directory.strip_prefix(self.scenarios_dir()).ok()?;
        let first = rest.components().next()?.as_os_str().to_str()?;
        is_component(first).then(|| first.to_owned())
    }

    fn made(&self, name: String, folder: String, id: Option<String>, origin: SelectedBy) -> Scenario {
        let path = self.scenario_dir(&folder);
        Scenario { name, folder, id, path, origin }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::links::Link;

    struct Place {
        workspace: Workspace,
        _folder: tempfile::TempDir,
    }

    impl Place {
        fn new(scenarios: &[&str]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let workspace = Workspace::at(&folder.path().canonicalize().unwrap());
            for name in scenarios {
                fs::create_dir_all(workspace.scenario_dir(name)).unwrap();
            }
            Self { workspace, _folder: folder }
        }

        fn select(&self, id: Option<&str>, name: &str, folder: &str) {
            let select = |context: &mut crate::ContextFile| {
                context.select_scenario(id, name, folder, "now");
                Ok::<_, WorkspaceError>(())
            };
            self.workspace.change_context(select).unwrap();
        }

        fn chosen(&self, named: Option<&str>, below: &str) -> Scenario {
            self.workspace.scenario(named, &self.workspace.root().join(below)).unwrap()
        }
    }

    #[test]
    fn f6_flag_then_context_then_directory_then_the_only_one() {
        let place = Place::new(&["orders"]);
        assert_eq!((place.chosen(None, "").folder.as_str(), place.chosen(None, "").origin), ("orders", SelectedBy::Only));
        let place = Place::new(&["orders", "billing", "returns"]);
        assert!(matches!(place.workspace.scenario(None, place.workspace.root()), Err(ScenarioError::NoneSelected { .. })));
        let inside = ".fluxloop/scenarios/billing/configs";
        assert_eq!(
            (place.chosen(None, inside).folder.as_str(), place.chosen(None, inside).origin),
            ("billing", SelectedBy::Directory)
        );
        place.select(Some("1"), "orders", "orders");
        let current = place.chosen(None, inside);
        assert_eq!((current.folder.as_str(), current.id.as_deref(), current.origin), ("orders", Some("1"), SelectedBy::Context));
        assert_eq!(current.path, place.workspace.root().join(".fluxloop/scenarios/orders"));
        let named = place.chosen(Some("returns"), inside);
        assert_eq!((named.folder.as_str(), named.id, named.origin), ("returns", None, SelectedBy::Flag));
    }

    #[test]
    fn f21_the_id_of_one_scenario_is_never_used_for_another() {
        let place = Place::new(&["orders", "billing"]);
        place.select(Some("id-orders"), "orders", "orders");
        assert_eq!(place.chosen(Some("billing"), "").id, None);
        assert_eq!(place.chosen(Some("orders"), "").id.as_deref(), Some("id-orders"));
        let link = Link { id: "id-billing".to_owned(), name: "Billing!".to_owned(), project_id: None };
        let note = |links: &mut crate::links::Links| {
            links.set("billing", &link);
            Ok::<_, WorkspaceError>(())
        };
        place.workspace.change_links(note).unwrap();
        let billing = place.chosen(Some("billing"), "");
        assert_eq!((billing.name.as_str(), billing.id.as_deref()), ("Billing!", Some("id-billing")));
        assert_eq!(place.chosen(Some("Billing!"), "").folder, "billing");
    }

    #[test]
    fn two_at_once_lose_nothing_of_each_other() {
        const ROUNDS: usize = 30;
        let place = Place::new(&["orders"]);
        let root = place.workspace.root();
        place.select(Some("1"), "orders", "orders");
        let writer = |name: &'static str| {
            // As another process has it: nothing is shared but the folder.
            let workspace = Workspace::at(root);
            move || {
                for round in 0..ROUNDS {
                    let folder = format!("{name}-{round}");
                    let link = Link { id: folder.clone(), name: folder.clone(), project_id: None };
                    let note = |links: &mut crate::links::Links| {
                        links.set(&folder, &link);
                        Ok::<_, WorkspaceError>(())
                    };
                    workspace.change_links(note).unwrap();
                    let count = |context: &mut crate::ContextFile| {
                        let bundle = context.bundle().and_then(|bundle| bundle.version?.parse().ok()).unwrap_or(0);
                        context.set_bundle("bv_1", &(bundle + 1).to_string(), "now");
                        Ok::<_, WorkspaceError>(())
                    };
                    workspace.change_context(count).unwrap();
                }
            }
        };
        let threads = ["a", "b", "c"].map(|name| std::thread::spawn(writer(name)));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let links = place.workspace.links().unwrap();
        for name in ["a", "b", "c"] {
            for round in 0..ROUNDS {
                let folder = format!("{name}-{round}");
                assert_eq!(links.folder_of(&folder), Some(folder.as_str()));
            }
        }
        let bundle = place.workspace.context().unwrap().bundle().unwrap();
        assert_eq!(bundle.version.as_deref(), Some((3 * ROUNDS).to_string().as_str()));
    }

    #[test]
    fn a_change_that_fails_changes_nothing() {
        let place = Place::new(&["orders"]);
        place.select(Some("1"), "orders", "orders");
        let before = place.workspace.context().unwrap();
        let fails = |context: &mut crate::ContextFile| {
            context.clear_scenario();
            Err::<(), _>(WorkspaceError::broken(place.workspace.root(), "no"))
        };
        place.workspace.change_context(fails).unwrap_err();
        assert_eq!(place.workspace.context().unwrap(), before);
    }

    #[test]
    fn f34_a_context_cannot_lead_out_of_the_workspace() {
        let place = Place::new(&[]);
        for name in ["..", "../../../x", "/etc/passwd", ".", "a/../../b"] {
            place.select(Some("1"), name, name);
            let scenario = place.chosen(None, "");
            assert_eq!(scenario.path.parent(), Some(&*place.workspace.scenarios_dir()), "{name}");
            assert!(is_component(&scenario.folder), "{name}");
        }
    }

    #[test]
    fn f34_a_typed_name_is_no_path() {
        let place = Place::new(&[]);
        for (name, reason) in [
            ("../../../x", "it is a path"),
            ("/etc", "it is a path"),
            ("..", "it is a path"),
            ("", "it is empty"),
            ("  ", "it is empty"),
            ("a\u{1b}[31m", "it has control characters"),
            (&"x".repeat(300), "it is longer"),
        ] {
            let error = place.workspace.scenario(Some(name), place.workspace.root()).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        for (name, folder) in [("Orders EU", "Orders_EU"), ("orders", "orders"), ("礼儀", "礼儀")] {
            assert_eq!(place.chosen(Some(name), "").folder, folder);
        }
        assert!(place.chosen(Some("con"), "").folder.starts_with("con-"));
        assert!(place.chosen(Some("🙂"), "").folder.starts_with("scenario"));
    }
}
