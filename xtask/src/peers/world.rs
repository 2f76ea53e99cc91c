//! A private world for one case: a server, a home folder, a project, and both programs.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command::{self, Output};
use crate::{repository, tools};

/// How long one command may take before it counts as hung.
const LIMIT: Duration = Duration::from_secs(120);

/// A private world.
pub(super) struct World {
    folder: TempDir,
    server: Child,
    url: String,
    key: String,
    agent: String,
    organisation: String,
}

impl World {
    /// Starts a server on fresh data with one agent and one key for it.
    pub(super) fn start() -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        for name in ["home/.lua-cli", "data", "project"] {
            fs::create_dir_all(folder.path().join(name))?;
        }
        // The peer asks the npm registry for a newer release once a day; this is its own note that it has.
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let note = format!("{{\"latestVersion\":\"3.37.0\",\"checkedAt\":{now}}}");
        fs::write(folder.path().join("home/.lua-cli/version-check.json"), note)?;

        let data = folder.path().join("data");
        let (server, url) = serve(&data, &folder.path().join("home"))?;
        let mut world = Self { folder, server, url, key: String::new(), agent: String::new(), organisation: String::new() };
        let ids = world.admin(&["agent", "create", "--name", "Before"])?;
        let Some((agent, organisation)) = ids.split_once(' ') else { bail!("`admin agent create` printed {ids:?}") };
        world.agent = agent.to_owned();
        world.organisation = organisation.to_owned();
        world.key = world.admin(&["key", "create", "--name", "peer tests", "--role", "owner"])?;
        world.write("lua.skill.yaml", &format!("agent:\n  agentId: {agent}\n  orgId: {organisation}\n"))?;
        Ok(world)
    }

    fn admin(&self, arguments: &[&str]) -> Result<String> {
        let mut admin = self.command(&repository::binary("debug", "keepstep"));
        admin.arg("admin").args(arguments).arg("--data").arg(self.folder.path().join("data"));
        let output = command::capture(&mut admin, LIMIT)?.exits(0)?;
        let text = output.stdout.trim();
        if text.is_empty() || text.contains('\n') {
            bail!("`{}` should print one line\n{}", output.line, output.transcript());
        }
        Ok(text.to_owned())
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.project())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path().join("home"))
            .env("LANG", "C.UTF-8")
            .env("NO_COLOR", "1");
        command
    }

    /// Returns the folder of the project.
    pub(super) fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// Returns the agent's id.
    pub(super) fn agent(&self) -> &str {
        &self.agent
    }

    /// Returns the id of the agent's organisation.
    pub(super) fn organisation(&self) -> &str {
        &self.organisation
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
        let mut lua = self.command(&tools::lua());
        lua.args(arguments)
            .env("LUA_API_URL", &self.url)
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
        let mut keepstep = self.command(&repository::binary("debug", "keepstep"));
        keepstep.args(arguments).env("KEEPSTEP_URL", &self.url).env("KEEPSTEP_API_KEY", key);
        command::capture(&mut keepstep, LIMIT)
    }

    /// Returns the state of the agent as our API tells it.
    pub(super) fn state(&self) -> Result<Value> {
        self.curl(&format!("/api/v1/agents/{}/state", self.agent), &[])
    }

    /// Returns the persona versions as our API tells them, newest first.
    pub(super) fn versions(&self) -> Result<Vec<Value>> {
        let list = self.curl(&format!("/api/v1/agents/{}/personas", self.agent), &[])?;
        list["versions"].as_array().cloned().context("the list of persona versions has no `versions`")
    }

    /// Changes fields on the server, as a colleague on the pages does.
    pub(super) fn colleague_changes(&self, fields: &Value) -> Result<()> {
        let revision = &self.state()?["revision"];
        let body = json!({ "fields": fields }).to_string();
        let precondition = format!("If-Match: \"r{revision}\"");
        let path = format!("/api/v1/agents/{}/definition", self.agent);
        self.curl(&path, &["-X", "PATCH", "-H", &precondition, "-H", "Content-Type: application/json", "--data", &body])?;
        Ok(())
    }

    fn curl(&self, path: &str, arguments: &[&str]) -> Result<Value> {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--fail-with-body", "--noproxy", "*", "-H"])
            .arg(format!("Authorization: Bearer {}", self.key))
            .args(arguments)
            .arg(format!("{}{path}", self.url));
        let output = command::capture(&mut curl, LIMIT)?;
        if output.code != Some(0) {
            bail!("the server refused {path}\n{}", output.transcript());
        }
        serde_json::from_str(&output.stdout).with_context(|| format!("{path} was not answered with JSON"))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The folder is removed right after this; there is nothing that a slower end would save.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Starts the server and returns it with the address that it prints.
fn serve(data: &Path, home: &Path) -> Result<(Child, String)> {
    let mut serve = Command::new(repository::binary("debug", "keepstep"));
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    serve
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut server = serve.spawn().context("cannot start `keepstep serve`")?;
    let (sender, receiver) = mpsc::channel();
    read_lines(server.stdout.take(), sender.clone());
    read_lines(server.stderr.take(), sender);
    let mut printed = String::new();
    while let Ok(line) = receiver.recv_timeout(Duration::from_secs(30)) {
        if let Some(url) = address(&line) {
            return Ok((server, url));
        }
        printed.push_str(&line);
        printed.push('\n');
    }
    let _ = server.kill();
    bail!("`keepstep serve` printed no address\n{printed}")
}

/// Reads a stream to its end, so that the program never waits for a reader.
fn read_lines(stream: Option<impl Read + Send + 'static>, sender: mpsc::Sender<String>) {
    let Some(stream) = stream else { return };
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            // Nobody listens any more after the address.
            let _ = sender.send(line);
        }
    });
}

/// Returns the scheme, host and port of the first address in a line.
fn address(line: &str) -> Option<String> {
    let start = line.find("http://")?;
    let rest = &line[start + "http://".len()..];
    let end = rest.find(|letter: char| !(letter.is_ascii_digit() || ".:".contains(letter))).unwrap_or(rest.len());
    let host = rest[..end].trim_end_matches(['.', ':']);
    Some(format!("http://{host}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_address_ends_where_its_path_starts() {
        let line = "open \u{1b}[1mhttp://127.0.0.1:4747/sign-in?token=x\u{1b}[0m";
        assert_eq!(super::address(line).as_deref(), Some("http://127.0.0.1:4747"));
        assert_eq!(super::address("keepstep is starting"), None);
    }
}
