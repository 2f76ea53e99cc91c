//! The `.env` of a workspace or scenario: the key for test data, and the server that it is for.

use std::path::{Path, PathBuf};

use keepstep_client::{Target, env_file, same_server};
use keepstep_workspace::{door, files};

use crate::session::checkout::git;
use crate::shell::failure::Failure;
use crate::shell::visible::word;

/// The names under which a key is found, in their order.
const KEYS: [&str; 2] = ["FLUXLOOP_SYNC_API_KEY", "FLUXLOOP_API_KEY"];

/// The names under which a server is found, in their order.
const SERVERS: [&str; 2] = ["FLUXLOOP_API_URL", "FLUXLOOP_SYNC_URL"];

/// What a template has in the place of a key.
const PLACEHOLDER: &str = "your-api-key-here";

/// A file, to be edited.
#[derive(Debug)]
pub(crate) struct WorkspaceEnv {
    path: PathBuf,
    text: String,
}

impl WorkspaceEnv {
    /// Reads a file; one that is not there is empty.
    pub(crate) fn read(path: PathBuf) -> Result<Self, Failure> {
        let text = files::read_if_there(&path)?.unwrap_or_default();
        Ok(Self { path, text })
    }

    /// Returns the path, to be shown.
    pub(crate) fn display_path(&self) -> String {
        self.path.display().to_string()
    }

    /// Returns the path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the key in the file. A template's placeholder is none.
    pub(crate) fn key(&self) -> Option<String> {
        self.first(&KEYS).filter(|key| key != PLACEHOLDER)
    }

    /// Returns the server that the file names.
    pub(crate) fn server(&self) -> Option<String> {
        self.first(&SERVERS)
    }

    /// Returns true if there is a key or a server in the file.
    pub(crate) fn names_platform(&self) -> bool {
        self.key().is_some() || self.server().is_some()
    }

    /// Takes key and server out.
    pub(crate) fn forget_platform(&mut self) {
        self.text = env_file::remove(&self.text, &[KEYS, SERVERS].concat());
    }

    /// Puts a key in, and beside it the server that it is for: so it is never sent to another.
    pub(crate) fn set(&mut self, key: &str, server: &str) {
        self.text = env_file::remove(&self.text, &[KEYS[1], SERVERS[0]]);
        self.text = env_file::set(&self.text, SERVERS[1], server);
        self.text = env_file::set(&self.text, KEYS[0], key);
    }

    /// Makes sure that git does not take the file, before there is a key in it.
    ///
    /// # Errors
    /// Git tracks it already, or the rule cannot be written.
    pub(crate) fn keep_out_of_git(&self) -> Result<(), Failure> {
        if git::is_tracked(&self.path) == Some(true) {
            return Err(Failure::Conflict {
                message: format!("git tracks {}, so a key in it would be published with the next commit", self.display_path()),
                hints: vec![
                    format!("remove it from git first: `git rm --cached {}`", word(&self.display_path())),
                    "`--no-save` prints the key instead".to_owned(),
                ],
            });
        }
        let fail = |error| Failure::io("write", &self.display_path(), error);
        door::pass(&self.path).map_err(fail)?;
        if git::would_take(&self.path) {
            let name = self.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            let ignore = self.path.with_file_name(".gitignore");
            let rules = files::read_if_there(&ignore)?.unwrap_or_default();
            let gap = if rules.is_empty() || rules.ends_with('\n') { "" } else { "\n" };
            files::write_whole(&ignore, format!("{rules}{gap}/{name}\n").as_bytes())?;
        }
        Ok(())
    }

    /// Writes the file so that only its owner may read it.
    pub(crate) fn write(&self) -> Result<(), Failure> {
        Ok(files::write_private(&self.path, self.text.as_bytes())?)
    }

    fn first(&self, names: &[&str]) -> Option<String> {
        let variables = env_file::parse(&self.text);
        names
            .iter()
            .find_map(|name| variables.get(*name).map(|value| value.trim()).filter(|value| !value.is_empty()).map(str::to_owned))
    }
}

/// Returns true if an address is that of a platform.
pub(crate) fn is_same(address: &str, target: &Target) -> bool {
    url::Url::parse(address.trim()).is_ok_and(|url| same_server(&url, &target.url))
}

/// Returns a key as it may be shown: its last four characters.
pub(crate) fn last_four(key: &str) -> String {
    let characters: Vec<char> = key.chars().collect();
    let tail: String = characters[characters.len().saturating_sub(4)..].iter().collect();
    if characters.len() < 12 { "****".to_owned() } else { format!("****{tail}") }
}
