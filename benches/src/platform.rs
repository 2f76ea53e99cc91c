//! A server of the release build on throw-away data, and a way to fill it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use keepstep_base::AgentId;
use keepstep_store::{Device, Intent, NewAgent, Patch, PersonaChange, PersonaStatus, Role, Scope, Store};
use serde_json::json;
use tempfile::TempDir;

use crate::project::{NAME, persona};
use crate::scratch;

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
        self.kibibytes("VmHWM:")
    }

    /// Returns its resident memory, in KiB.
    pub(crate) fn resident(&self) -> Result<u64> {
        self.kibibytes("VmRSS:")
    }

    fn kibibytes(&self, name: &str) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).context("the kernel names no memory")
    }

    /// Makes the kernel forget the peak of memory.
    pub(crate) fn forget_peak(&self) -> Result<()> {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").context("the kernel does not forget the peak")
    }

    /// Returns how many files and connections it has open.
    pub(crate) fn open_files(&self) -> Result<usize> {
        Ok(std::fs::read_dir(format!("/proc/{}/fd", self.child.id()))?.count())
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
    organization: String,
    folder: TempDir,
}

impl Platform {
    /// Starts a platform on empty data.
    pub(crate) fn start(keepstep: &Path) -> Result<Self> {
        let folder = scratch::folder()?;
        let data = folder.path().join("data");
        let mut serve = Command::new(keepstep);
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data).env("HOME", folder.path());
        let server = Server::start(&mut serve)?;
        let mut platform = Self { server, key: String::new(), organization: String::new(), folder };
        let ids = platform.admin(keepstep, &["agent", "create", "--name", "first"])?;
        let (_, organization) = ids.split_once(' ').context("`admin agent create` printed no organization")?;
        platform.organization = organization.to_owned();
        platform.key = platform.admin(keepstep, &["key", "create", "--name", "benchmarks"])?;
        Ok(platform)
    }

    /// Runs `keepstep admin` on the data, and returns what it prints.
    pub(crate) fn admin(&self, keepstep: &Path, arguments: &[&str]) -> Result<String> {
        let output = Command::new(keepstep).arg("admin").args(arguments).arg("--data").arg(self.data()).output()?;
        if !output.status.success() {
            bail!("`keepstep admin {}` failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Returns how many requests the server has answered, without those that ask for this.
    pub(crate) fn requests(&self) -> Result<u64> {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail", "--noproxy", "*", "--header"]);
        curl.arg(format!("Authorization: Bearer {}", self.key)).arg(format!("{}/metrics", self.url()));
        let output = curl.output().context("cannot start curl")?;
        if !output.status.success() {
            bail!("the server tells no metrics: {}", String::from_utf8_lossy(&output.stderr));
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let counts =
            text.lines().filter(|line| line.starts_with("keepstep_http_requests_total{") && !line.contains("\"/metrics\""));
        Ok(counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
    }

    /// Returns the cookie of a browser that is signed in as an owner.
    pub(crate) fn cookie(&self) -> Result<String> {
        cookie_of(&self.data())
    }

    /// Returns the address of the server.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Returns the organization of all agents.
    pub(crate) fn organization(&self) -> &str {
        &self.organization
    }

    /// Makes agents with this many persona versions each, directly in the database, beside the running server. The last
    /// version of each is the persona of the measured projects. Returns the ids.
    pub(crate) fn fill(&self, agents: u32, versions: u32) -> Result<Vec<AgentId>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.fill_slowly(agents, versions))
    }

    async fn fill_slowly(&self, agents: u32, versions: u32) -> Result<Vec<AgentId>> {
        let store = Store::open(&self.database()?).await?;
        let scope = Scope::organization(&self.organization);
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

    /// Returns a path beside the data.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Returns the file of the database.
    pub(crate) fn database(&self) -> Result<PathBuf> {
        database_in(&self.data())
    }
}

/// Returns the cookie of a browser that is signed in as a new owner, on the data of a server.
pub(crate) fn cookie_of(data: &Path) -> Result<String> {
    let database = database_in(data)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(&database).await?;
        let mut transaction = store.write().await?;
        let expires_at = transaction.now().saturating_add(24 * 60 * 60 * 1000);
        let organization = transaction.ensure_organization(None).await?;
        let user = transaction.create_user(&organization.id, Role::Owner, "benchmarks").await?;
        let (secret, _) = transaction.create_session(&user, expires_at, &Device::default()).await?;
        transaction.commit().await?;
        store.close().await;
        Ok(format!("keepstep_session={}", secret.reveal()))
    })
}

fn database_in(data: &Path) -> Result<PathBuf> {
    let files = std::fs::read_dir(data)?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut databases = files.filter(|path| path.extension().is_some_and(|extension| extension == "db" || extension == "sqlite"));
    databases.next().with_context(|| format!("no database in {}", data.display()))
}
