//! A server of the release build on throw-away data, and a way to fill it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use keepstep_core::AgentId;
use keepstep_store::{Intent, NewAgent, Patch, PersonaChange, PersonaStatus, Scope, Store};
use serde_json::json;
use tempfile::TempDir;

use crate::project::{NAME, persona};

/// How many changes one transaction makes while filling.
const AT_ONCE: u32 = 10_000;

/// A program that is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts a program and waits until it prints an address.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| address(&line));
        // Keeps reading, so that the program never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let Some(address) = address else {
            let _ = child.kill();
            let _ = child.wait();
            bail!("{command:?} printed no address");
        };
        Ok(Self { child, address })
    }

    /// Returns where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns its peak of resident memory so far, in KiB.
    pub(crate) fn memory(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).context("the kernel names no peak of memory")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address(line: &str) -> Option<SocketAddr> {
    let rest = line.split_once("http://")?.1;
    let end = rest.find(|letter: char| !(letter.is_ascii_digit() || ".:".contains(letter))).unwrap_or(rest.len());
    rest[..end].trim_end_matches(['.', ':']).parse().ok()
}

/// A platform with a key for everything in it.
pub(crate) struct Platform {
    /// Dropped before the folder.
    pub(crate) server: Server,
    pub(crate) key: String,
    organisation: String,
    folder: TempDir,
}

impl Platform {
    /// Starts a platform on empty data.
    pub(crate) fn start(keepstep: &Path) -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let data = folder.path().join("data");
        let mut serve = Command::new(keepstep);
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data).env("HOME", folder.path());
        let server = Server::start(&mut serve)?;
        let admin = |arguments: &[&str]| -> Result<String> {
            let output = Command::new(keepstep).arg("admin").args(arguments).arg("--data").arg(&data).output()?;
            if !output.status.success() {
                bail!("`keepstep admin {}` failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
            }
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let ids = admin(&["agent", "create", "--name", "first"])?;
        let (_, organisation) = ids.split_once(' ').context("`admin agent create` printed no organisation")?;
        let organisation = organisation.to_owned();
        let key = admin(&["key", "create", "--name", "benchmarks"])?;
        Ok(Self { server, key, organisation, folder })
    }

    /// Returns the address of the server.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Returns the organisation of all agents.
    pub(crate) fn organisation(&self) -> &str {
        &self.organisation
    }

    /// Makes agents with this many persona versions each, directly in the database, beside the running server. The last
    /// version of each is the persona of the measured projects. Returns the ids.
    pub(crate) fn fill(&self, agents: u32, versions: u32) -> Result<Vec<AgentId>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.fill_slowly(agents, versions))
    }

    async fn fill_slowly(&self, agents: u32, versions: u32) -> Result<Vec<AgentId>> {
        let store = Store::open(&self.database()?).await?;
        let scope = Scope::organisation(&self.organisation);
        let mut ids = Vec::new();
        let mut transaction = store.write().await?;
        let mut changes = 0;
        for _ in 0..agents {
            let created = transaction.create_agent(NewAgent { scope: &scope, name: NAME, author: Some("benchmarks") }).await?;
            let id = created.agent.id;
            for version in 1..=versions {
                let text = if version == versions { persona() } else { format!("You are version {version}. You help.") };
                let change = PersonaChange { persona: json!(text), status: PersonaStatus::Published };
                let patch = Patch { persona: Some(change), ..Patch::default() };
                let intent = Intent { scope: &scope, agent: &id, author: Some("benchmarks"), message: None, expected: None };
                transaction.change(&intent, &patch).await?;
                changes += 1;
                if changes == AT_ONCE {
                    transaction.commit().await?;
                    transaction = store.write().await?;
                    changes = 0;
                }
            }
            ids.push(id);
        }
        transaction.commit().await?;
        store.close().await;
        Ok(ids)
    }

    /// Returns the size of the database with its log, in KiB.
    pub(crate) fn size(&self) -> Result<u64> {
        let files = std::fs::read_dir(self.data())?.filter_map(|entry| entry.ok()?.metadata().ok());
        Ok(files.map(|file| file.len()).sum::<u64>() / 1024)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn database(&self) -> Result<PathBuf> {
        let data = self.data();
        let files = std::fs::read_dir(&data)?.filter_map(|entry| Some(entry.ok()?.path()));
        let mut databases =
            files.filter(|path| path.extension().is_some_and(|extension| extension == "db" || extension == "sqlite"));
        databases.next().with_context(|| format!("no database in {}", data.display()))
    }
}
