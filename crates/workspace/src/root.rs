//! Where the workspace is, and where its parts are.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::component::is_component;
use crate::files::read_if_there;
use crate::links::Links;
use crate::{ContextFile, ProjectFile, WorkspaceError, door};

/// The folder that makes a folder a workspace.
const FOLDER: &str = ".fluxloop";

/// A folder with test data: the one that holds `.fluxloop/`, or will hold it once something is written there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Returns the workspace that a folder lies in: the nearest folder upwards that has a `.fluxloop/`.
    ///
    /// The home folder is skipped, because programs keep their settings of the whole machine in its `.fluxloop/`. So is
    /// everything inside a `.fluxloop/`: a tree in there is what an earlier tool left by mistake, and no workspace.
    pub fn find(folder: &Path, home: Option<&Path>) -> Option<Self> {
        let home = home.map(|home| home.canonicalize().unwrap_or_else(|_| home.to_owned()));
        let is_root = |folder: &&Path| {
            let is_inside = folder.components().any(|part| part.as_os_str() == FOLDER);
            !is_inside && home.as_deref() != Some(*folder) && folder.join(FOLDER).is_dir()
        };
        folder.ancestors().find(is_root).map(Self::at)
    }

    /// Returns the workspace at a folder, which need not be one yet. Nothing is written.
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Returns the folder that holds `.fluxloop/`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns `.fluxloop/`.
    pub fn folder(&self) -> PathBuf {
        self.root.join(FOLDER)
    }

    /// Returns true if there is a `.fluxloop/`.
    pub fn exists(&self) -> bool {
        self.folder().is_dir()
    }

    /// Returns `.fluxloop/scenarios/`.
    pub fn scenarios_dir(&self) -> PathBuf {
        self.folder().join("scenarios")
    }

    /// Returns the folder of a scenario. `folder` is the name of the folder, as [`crate::Scenario`] has it, never a name
    /// from a server.
    pub fn scenario_dir(&self, folder: &str) -> PathBuf {
        // A name that is none would lead elsewhere; it becomes one that nobody has.
        let folder = if is_component(folder) { folder } else { "_" };
        self.scenarios_dir().join(folder)
    }

    /// Returns the `.env` of the workspace, which holds the key.
    pub fn env_path(&self) -> PathBuf {
        self.folder().join(".env")
    }

    /// Returns the path of `context.json`.
    pub fn context_path(&self) -> PathBuf {
        self.folder().join("context.json")
    }

    /// Returns the path of `scenarios.json`.
    pub(crate) fn links_path(&self) -> PathBuf {
        self.folder().join(Links::FILE_NAME)
    }

    /// Returns the path of `project.json`.
    pub fn project_path(&self) -> PathBuf {
        self.folder().join("project.json")
    }

    /// Returns the names of the scenarios' folders, sorted.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn scenario_folders(&self) -> Result<Vec<String>, WorkspaceError> {
        let path = self.scenarios_dir();
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(WorkspaceError::io("read", &path, error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| WorkspaceError::io("read", &path, error))?;
            let name = entry.file_name().into_string().ok().filter(|name| !name.starts_with('.') && is_component(name));
            // Through the path, so that a link to a folder counts as one.
            if let Some(name) = name.filter(|_| entry.path().is_dir()) {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Returns what is selected at present.
    ///
    /// # Errors
    /// `context.json` cannot be read or understood.
    pub fn context(&self) -> Result<ContextFile, WorkspaceError> {
        ContextFile::read(&self.context_path())
    }

    /// Changes what is selected. It is read, changed and written while no other keepstep does the same, so that two commands
    /// at once lose nothing of each other. What did not change is not written.
    ///
    /// # Errors
    /// The change failed, or `context.json` cannot be read or written; then it is as it was.
    pub fn change_context<T, E: From<WorkspaceError>>(
        &self,
        change: impl FnOnce(&mut ContextFile) -> Result<T, E>,
    ) -> Result<T, E> {
        let _lock = self.lock_state()?;
        let before = self.context()?;
        let mut context = before.clone();
        let outcome = change(&mut context)?;
        if context != before {
            context.write(&self.context_path())?;
        }
        Ok(outcome)
    }

    /// Removes what is selected, and returns whether there was anything.
    ///
    /// # Errors
    /// `context.json` cannot be removed.
    pub fn clear_context(&self) -> Result<bool, WorkspaceError> {
        if !self.folder().is_dir() {
            return Ok(false);
        }
        let _lock = self.lock_state()?;
        match fs::remove_file(self.context_path()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(WorkspaceError::io("remove", &self.context_path(), error)),
        }
    }

    /// Returns the project that the workspace is connected to.
    ///
    /// # Errors
    /// `project.json` cannot be read or understood.
    pub fn project(&self) -> Result<Option<ProjectFile>, WorkspaceError> {
        ProjectFile::read(&self.project_path())
    }

    /// Writes the project that the workspace is connected to.
    ///
    /// # Errors
    /// `project.json` cannot be written; then it is as it was.
    pub fn write_project(&self, project: &ProjectFile) -> Result<(), WorkspaceError> {
        project.write(&self.project_path())
    }

    /// Returns which folder belongs to which scenario of the platform.
    ///
    /// # Errors
    /// The file cannot be read or understood.
    pub fn links(&self) -> Result<Links, WorkspaceError> {
        Links::read(&self.links_path())
    }

    /// Changes which folder belongs to which scenario of the platform, as [`Workspace::change_context`] does.
    ///
    /// # Errors
    /// The change failed, or the file cannot be read or written; then it is as it was.
    pub fn change_links<T, E: From<WorkspaceError>>(&self, change: impl FnOnce(&mut Links) -> Result<T, E>) -> Result<T, E> {
        let _lock = self.lock_state()?;
        let before = self.links()?;
        let mut links = before.clone();
        let outcome = change(&mut links)?;
        if links != before {
            links.write(&self.links_path())?;
        }
        Ok(outcome)
    }

    /// Waits until no other keepstep changes the small files of the workspace. It ends with the returned file.
    pub(crate) fn lock_state(&self) -> Result<File, WorkspaceError> {
        let folder = self.folder();
        door::pass(&folder).map_err(|error| WorkspaceError::io("write", &folder, error))?;
        // A folder can be locked by itself, and then nothing lies about that people would have to keep out of git.
        #[cfg(unix)]
        let (path, file) = (folder.clone(), File::open(&folder));
        #[cfg(not(unix))]
        let (path, file) = {
            let path = folder.join(".lock");
            (path.clone(), File::options().create(true).truncate(false).write(true).open(&path))
        };
        let fail = |error| WorkspaceError::io("lock", &path, error);
        let file = file.map_err(fail)?;
        match file.lock() {
            // Some network drives have no locks; there it is as it was before there were any.
            Err(error) if error.kind() != ErrorKind::Unsupported => Err(fail(error)),
            _ => Ok(file),
        }
    }

    /// Returns the text of the workspace's `.env`, empty where there is none.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn env_text(&self) -> Result<String, WorkspaceError> {
        Ok(read_if_there(&self.env_path())?.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f5_the_nearest_folder_that_is_a_workspace_and_not_home_is_the_root() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        for path in
            [".fluxloop", "home/.fluxloop", "home/shop/.fluxloop/scenarios/orders/.fluxloop/scenarios/orders", "home/shop/src"]
        {
            fs::create_dir_all(top.join(path)).unwrap();
        }
        let root = |from: &str| Workspace::find(&top.join(from), Some(&top.join("home"))).map(|found| found.root().to_owned());
        assert_eq!(root("home/shop"), Some(top.join("home/shop")));
        assert_eq!(root("home/shop/src"), Some(top.join("home/shop")));
        // From inside a scenario, also where 0.3.3 left a second tree there.
        assert_eq!(root("home/shop/.fluxloop/scenarios/orders"), Some(top.join("home/shop")));
        assert_eq!(root("home/shop/.fluxloop/scenarios/orders/.fluxloop/scenarios"), Some(top.join("home/shop")));
        assert_eq!(root("home"), Some(top.clone()));
        assert_eq!(Workspace::find(&top.join("home"), None).map(|found| found.root().to_owned()), Some(top.join("home")));
    }

    #[test]
    fn a_folder_that_is_no_name_leads_nowhere() {
        let workspace = Workspace::at(Path::new("/w"));
        for name in ["..", ".", "", "a/b", "/etc", "a\\b"] {
            assert_eq!(workspace.scenario_dir(name), Path::new("/w/.fluxloop/scenarios/_"), "{name}");
        }
        assert_eq!(workspace.scenario_dir("orders"), Path::new("/w/.fluxloop/scenarios/orders"));
    }
}
