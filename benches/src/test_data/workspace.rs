//! Workspaces with a scenario, as both programs keep them, and the commands that are measured there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::platform::Platform;
use crate::scratch;

/// The name of the scenario.
pub(crate) const SCENARIO: &str = "orders";

/// A workspace in a temporary folder, with a home folder beside it.
pub(crate) struct Workspace {
    folder: TempDir,
}

impl Workspace {
    /// Makes a workspace that is linked to a project and has an empty scenario.
    pub(crate) fn new(project: &str) -> Result<Self> {
        let folder = scratch::folder()?;
        let workspace = Self { folder };
        fs::create_dir_all(workspace.home())?;
        workspace.write(".fluxloop/project.json", &json!({"project_id": project, "project_name": "Shop"}).to_string())?;
        let scenario = workspace.scenario();
        fs::create_dir_all(scenario.join("experiments"))?;
        let files = [
            ("scenario.yaml", "name: orders\n"),
            ("input.yaml", "inputs_file: inputs/generated.yaml\n"),
            ("simulation.yaml", "name: orders\niterations: 1\nrunner:\n  target: agent:run\noutput_directory: experiments\n"),
        ];
        for (name, text) in files {
            workspace.write(&format!(".fluxloop/scenarios/{SCENARIO}/configs/{name}"), text)?;
        }
        Ok(workspace)
    }

    /// Returns the workspace's folder.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    /// Returns the scenario's folder.
    pub(crate) fn scenario(&self) -> PathBuf {
        self.path().join(".fluxloop/scenarios").join(SCENARIO)
    }

    /// Returns the folder in which experiments lie.
    pub(crate) fn experiments(&self) -> PathBuf {
        self.scenario().join("experiments")
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path().join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Returns our program in this workspace.
    pub(crate) fn keepstep(&self, program: &Path, platform: &Platform, arguments: &[&str]) -> Command {
        let mut command = self.command(program, arguments);
        command.env("KEEPSTEP_URL", platform.url()).env("KEEPSTEP_API_KEY", &platform.key);
        command
    }

    /// Returns the real fluxloop-cli in this workspace.
    pub(crate) fn fluxloop(&self, program: &Path, platform: &Platform, arguments: &[&str]) -> Command {
        let mut command = self.command(program, arguments);
        command.env("FLUXLOOP_SYNC_URL", platform.url()).env("FLUXLOOP_SYNC_API_KEY", &platform.key);
        command
    }

    fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.path()).env("HOME", self.home()).env("NO_PROXY", "127.0.0.1");
        command
    }
}

/// Returns what a command of ours prints with `--json`.
pub(crate) fn answer(command: &mut Command) -> Result<Value> {
    let output = command.arg("--json").output().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).with_context(|| format!("{command:?} printed no JSON"))
}

/// Publishes this many inputs in a project of their own, and returns the ids of the project and the bundle version.
pub(crate) fn publish(keepstep: &Path, platform: &Platform, inputs: u32) -> Result<(String, String)> {
    let project = platform.admin(keepstep, &["project", "create", "--name", &format!("{inputs} inputs")])?;
    let personas: Vec<Value> =
        (0..10).map(|number| json!({"name": format!("persona {number}"), "description": "asks what people ask"})).collect();
    let items: Vec<Value> = (0..inputs).map(input).collect();
    let file = json!({
        "scenario": {"name": SCENARIO}, "personas": personas, "inputs": items,
        "criteria": [{"name": "Politeness", "items": ["Be polite"]}],
    });
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let path = folder.path().join("import.json");
    fs::write(&path, file.to_string())?;
    let path = path.to_str().context("the temporary folder has no name in UTF-8")?;
    let bundle = platform.admin(keepstep, &["import", "--project", &project, path])?;
    Ok((project, bundle))
}

fn input(number: u32) -> Value {
    json!({
        "id": item_id(number),
        "text": format!("Question {number}: where is my order, when does it arrive, and who brings it to me?"),
        "persona": format!("persona {}", number % 10),
        "metadata": {"category": "happy", "number": number},
    })
}

/// Returns the id of an input.
pub(crate) fn item_id(number: u32) -> String {
    format!("item-{number}")
}
