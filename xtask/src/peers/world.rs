//! A private world for one case with lua-cli: a platform, a project, and both programs.

use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::platform::{LIMIT, Platform};
use crate::command::{self, Output};
use crate::tools;

/// A private world.
pub(super) struct World {
    platform: Platform,
    key: String,
    agent: String,
    organization: String,
}

impl World {
    /// Starts a server on fresh data with one agent and one key for it.
    pub(super) fn start() -> Result<Self> {
        let platform = Platform::start()?;
        for name in ["home/.lua-cli", "project"] {
            fs::create_dir_all(platform.path(name))?;
        }
        // The peer asks the npm registry for a newer release once a day; this is its own note that it has.
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let note = format!("{{\"latestVersion\":\"3.37.0\",\"checkedAt\":{now}}}");
        fs::write(platform.path("home/.lua-cli/version-check.json"), note)?;

        let ids = platform.admin(&["agent", "create", "--name", "Before"])?;
        let Some((agent, organization)) = ids.split_once(' ') else { bail!("`admin agent create` printed {ids:?}") };
        let key = platform.admin(&["key", "create", "--name", "peer tests", "--role", "owner"])?;
        let world = Self { platform, key, agent: agent.to_owned(), organization: organization.to_owned() };
        let (agent, organization) = (world.agent(), world.organization());
        world.write("lua.skill.yaml", &format!("agent:\n  agentId: {agent}\n  orgId: {organization}\n"))?;
        Ok(world)
    }

    /// Returns the folder of the project.
    pub(super) fn project(&self) -> PathBuf {
        self.platform.path("project")
    }

    /// Returns the agent's id.
    pub(super) fn agent(&self) -> &str {
        &self.agent
    }

    /// Returns the id of the agent's organization.
    pub(super) fn organization(&self) -> &str {
        &self.organization
    }

    /// Writes a file of the project.
    pub(super) fn write(&self, path: &str, text: &str) -> Result<()> {
        let path = self.project().join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Returns the text of a file of the project.
    pub(super) fn read(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.project().join(path)).with_context(|| format!("cannot read {path} of the project"))
    }

    /// Returns what the last compile of either program wrote.
    pub(super) fn manifest(&self) -> Result<Value> {
        serde_json::from_str(&self.read("dist-v2/manifest.json")?).context("dist-v2/manifest.json is not JSON")
    }

    /// Returns the agent as the last compile of either program found it.
    pub(super) fn manifest_agent(&self) -> Result<Value> {
        let primitives = self.manifest()?["primitives"].as_array().cloned().unwrap_or_default();
        primitives.into_iter().find(|primitive| primitive["kind"] == "agent").context("dist-v2/manifest.json has no agent")
    }

    /// Runs the real lua-cli in the project.
    pub(super) fn lua(&self, arguments: &[&str]) -> Result<Output> {
        self.lua_with_key(&self.key, arguments)
    }

    /// Runs the real lua-cli in the project with another key.
    pub(super) fn lua_with_key(&self, key: &str, arguments: &[&str]) -> Result<Output> {
        let mut lua = self.platform.command(&tools::lua(), &self.project());
        lua.args(arguments)
            .env("LUA_API_URL", self.platform.url())
            .env("LUA_API_KEY", key)
            .env("LUA_TELEMETRY", "false")
            .env("LUA_NO_BANNER", "1");
        command::capture(&mut lua, LIMIT)
    }

    /// Runs our program in the project.
    pub(super) fn keepstep(&self, arguments: &[&str]) -> Result<Output> {
        self.keepstep_with_key(&self.key, arguments)
    }

    /// Runs our program in the project with another key.
    pub(super) fn keepstep_with_key(&self, key: &str, arguments: &[&str]) -> Result<Output> {
        let mut keepstep = self.platform.keepstep(&self.project());
        keepstep.args(arguments).env("KEEPSTEP_URL", self.platform.url()).env("KEEPSTEP_API_KEY", key);
        command::capture(&mut keepstep, LIMIT)
    }

    /// Returns the state of the agent as our API tells it.
    pub(super) fn state(&self) -> Result<Value> {
        self.platform.ask(&self.key, &format!("/api/v1/agents/{}/state", self.agent), &[])
    }

    /// Returns the persona versions as our API tells them, newest first.
    pub(super) fn versions(&self) -> Result<Vec<Value>> {
        let list = self.platform.ask(&self.key, &format!("/api/v1/agents/{}/personas", self.agent), &[])?;
        list["versions"].as_array().cloned().context("the list of persona versions has no `versions`")
    }

    /// Changes fields on the server, as a colleague on the pages does.
    pub(super) fn colleague_changes(&self, fields: &Value) -> Result<()> {
        let revision = &self.state()?["revision"];
        let body = json!({ "fields": fields }).to_string();
        let precondition = format!("If-Match: \"r{revision}\"");
        let path = format!("/api/v1/agents/{}/definition", self.agent);
        self.platform.ask(
            &self.key,
            &path,
            &["-X", "PATCH", "-H", &precondition, "-H", "Content-Type: application/json", "--data", &body],
        )?;
        Ok(())
    }
}
