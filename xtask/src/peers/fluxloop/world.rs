//! A private world for one case with fluxloop-cli: a platform with a project in it, and a workspace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::super::platform::{LIMIT, Platform};
use super::Release;
use crate::command::{self, Output};
use crate::tools;

/// The test data of most cases, as `keepstep admin import` takes it.
pub(super) const ORDERS: &str = "\
scenario:
  name: orders
  description: Questions about orders
  config: { goal: The customer knows where the order is }
personas:
  - { name: novice, description: new user, difficulty: easy }
inputs:
  - { id: item-1, text: Where is my order?, persona: novice, metadata: { category: happy } }
  - { id: item-2, text: 'Cancel it, please — schönen Dank 😀' }
criteria:
  - { name: Politeness check, items: [Be polite, Answer in one sentence] }
";

/// A private world.
pub(super) struct World {
    platform: Platform,
    key: String,
    project: String,
    first_line: Release,
}

impl World {
    /// Starts a server with an empty project and one key for everything. The release of the first line is the oldest one.
    pub(super) fn start() -> Result<Self> {
        Self::start_with(Release::Old)
    }

    /// Starts a server as [`start`](Self::start) does, for the last release of the first line.
    pub(super) fn start_with_last() -> Result<Self> {
        Self::start_with(Release::Last)
    }

    fn start_with(first_line: Release) -> Result<Self> {
        let platform = Platform::start()?;
        fs::create_dir_all(platform.path("workspace"))?;
        let project = platform.admin(&["project", "create", "--name", "Shop"])?;
        let key = platform.admin(&["key", "create", "--name", "peer tests", "--role", "owner"])?;
        Ok(Self { platform, key, project, first_line })
    }

    /// Returns the release of the first line, 0.3, that this case is about.
    pub(super) fn first_line(&self) -> Release {
        self.first_line
    }

    /// Returns the platform.
    pub(super) fn platform(&self) -> &Platform {
        &self.platform
    }

    /// Returns the project's id.
    pub(super) fn project(&self) -> &str {
        &self.project
    }

    /// Publishes test data as `keepstep admin import` does, and returns the id of the bundle version.
    pub(super) fn import(&self, text: &str) -> Result<String> {
        let file = self.platform.path("import.yaml");
        fs::write(&file, text)?;
        let file = file.to_str().context("the temporary folder has no name in UTF-8")?;
        self.platform.admin(&["import", "--project", &self.project, file])
    }

    /// Returns the id of the scenario with this name.
    pub(super) fn scenario(&self, name: &str) -> Result<String> {
        self.id_in(&format!("/api/scenarios?project_id={}", self.project), name)
    }

    /// Returns the id of the entry with this name in a list of the server.
    pub(super) fn id_in(&self, path: &str, name: &str) -> Result<String> {
        let list = self.ask(path)?;
        let entry = list.as_array().into_iter().flatten().find(|entry| entry["name"] == name);
        let id = entry.and_then(|entry| entry["id"].as_str());
        id.map(str::to_owned).with_context(|| format!("{path} lists no {name:?}: {list}"))
    }

    /// Asks the server for JSON.
    pub(super) fn ask(&self, path: &str) -> Result<Value> {
        self.platform.ask(&self.key, path, &[])
    }

    /// Returns the folder in which the commands run.
    pub(super) fn workspace(&self) -> PathBuf {
        self.platform.path("workspace")
    }

    /// Writes a file of the workspace.
    pub(super) fn write(&self, path: &str, text: &str) -> Result<()> {
        let path = self.workspace().join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Returns the text of a file of the workspace.
    pub(super) fn read(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.workspace().join(path)).with_context(|| format!("cannot read {path} of the workspace"))
    }

    /// Returns the JSON of a file of the workspace.
    pub(super) fn read_json(&self, path: &str) -> Result<Value> {
        serde_json::from_str(&self.read(path)?).with_context(|| format!("{path} is not JSON"))
    }

    /// Runs the peer in the workspace with the key of this world.
    pub(super) fn fluxloop(&self, release: Release, arguments: &[&str]) -> Result<Output> {
        let mut fluxloop = self.peer(release, &self.workspace());
        command::capture(fluxloop.args(arguments).env("FLUXLOOP_SYNC_API_KEY", &self.key), LIMIT)
    }

    /// Runs the peer in the workspace with what it has stored itself.
    pub(super) fn fluxloop_without_key(&self, release: Release, arguments: &[&str]) -> Result<Output> {
        command::capture(self.peer(release, &self.workspace()).args(arguments), LIMIT)
    }

    /// Returns the peer, which knows the server and no key.
    pub(super) fn peer(&self, release: Release, directory: &Path) -> Command {
        let mut fluxloop = self.platform.command(&tools::fluxloop(release.version()), directory);
        fluxloop
            .env("FLUXLOOP_SYNC_URL", self.platform.url())
            .env("FLUXLOOP_API_URL", self.platform.url())
            // Its tables and sentences are broken into lines of this width, on a terminal and elsewhere.
            .env("COLUMNS", "250");
        fluxloop
    }

    /// Runs our own program in the workspace, with the Python of the old release: its agents import its SDK.
    pub(super) fn keepstep(&self, arguments: &[&str]) -> Result<Output> {
        command::capture(self.own(arguments).env("KEEPSTEP_API_KEY", &self.key), LIMIT)
    }

    /// Runs our own program in the workspace with what it has stored itself.
    pub(super) fn keepstep_without_key(&self, arguments: &[&str]) -> Result<Output> {
        command::capture(&mut self.own(arguments), LIMIT)
    }

    fn own(&self, arguments: &[&str]) -> Command {
        let mut keepstep = self.platform.keepstep(&self.workspace());
        let mut path =
            tools::fluxloop(self.first_line.version()).parent().map(Path::to_owned).unwrap_or_default().into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        keepstep.env("PATH", path).args(arguments).env("KEEPSTEP_URL", self.platform.url());
        keepstep
    }
}
