//! A PostgreSQL server for tests: in a folder of its own, behind a socket that nobody else sees, gone when the tests are over.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use tempfile::TempDir;

use crate::command;

/// The Debian package that has it.
pub(super) const PACKAGE: &str = "postgresql";

/// Where Debian has a folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The oldest version that can make databases with an order of texts of their own, which the tests do.
const OLDEST: u32 = 15;

/// What a server says once it answers.
const READY: &str = "database system is ready to accept connections";

/// A server that runs until it is dropped.
pub(crate) struct Server {
    child: Child,
    folder: TempDir,
}

/// Returns the folder with the programs of the newest server that is installed.
pub(super) fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> =
        versions.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))).collect();
    versions.retain(|(version, _)| *version >= OLDEST);
    versions.sort();
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = versions.into_iter().rev().map(|(_, folder)| folder).chain(std::env::split_paths(&on_path));
    folders.find(|folder| ["initdb", "postgres"].iter().all(|program| folder.join(program).exists()))
}

impl Server {
    /// Makes a database cluster and starts a server for it.
    pub(crate) fn start() -> Result<Self> {
        let Some(programs) = programs() else { bail!("no PostgreSQL server is installed: run `cargo xtask peers`") };
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        // A server refuses to run as root.
        let user = if geteuid().is_root() { Some(server_user()?) } else { None };
        if let Some(user) = &user {
            chown(folder.path(), Some(user.uid.as_raw()), Some(user.gid.as_raw())).context("cannot give the folder away")?;
        }
        let program = |name: &str| {
            let mut command = Command::new(programs.join(name));
            command.current_dir(folder.path()).env_clear().env("LC_ALL", "C");
            if let Some(user) = &user {
                command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
            }
            command
        };
        let mut initdb = program("initdb");
        initdb.args(["--pgdata=data", "--username=keepstep", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        command::capture(&mut initdb, Duration::from_secs(120))?.exits(0)?;

        let mut server = program("postgres");
        server.args(["-D", "data", "-k"]).arg(folder.path());
        for setting in ["listen_addresses=", "fsync=off", "max_connections=200"] {
            server.args(["-c", setting]);
        }
        let line = command::line(&server);
        let child = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.with_context(|| format!("cannot start `{line}`"))?;
        let said = child.stderr.take();
        let server = Self { child, folder };
        wait(said.context("the server has no standard error")?).with_context(|| format!("`{line}` did not start"))?;
        Ok(server)
    }

    /// Returns the address of the database that every server has.
    pub(crate) fn url(&self) -> String {
        format!("postgres://keepstep@localhost/postgres?host={}", Path::display(self.folder.path()))
    }
}

/// Returns who runs the server that Debian starts.
fn server_user() -> Result<User> {
    let user = User::from_name("postgres").context("cannot read the users of this machine")?;
    user.context("there is no user `postgres` to run the server: run this as somebody who is not root")
}

/// Waits until the server says that it answers. What it says later is read and dropped, so that it never waits for a reader.
fn wait(said: impl std::io::Read + Send + 'static) -> Result<()> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(said).lines().map_while(Result::ok) {
            // Nobody listens once it has started.
            let _ = sender.send(line);
        }
    });
    let mut before = String::new();
    loop {
        match receiver.recv_timeout(Duration::from_secs(60)) {
            Ok(line) if line.contains(READY) => return Ok(()),
            Ok(line) => before += &format!("{line}\n"),
            Err(_) => bail!("{before}"),
        }
    }
}

impl Drop for Server {
    /// Ends the server: at once, with everybody who is connected.
    fn drop(&mut self) {
        if let Ok(id) = i32::try_from(self.child.id()) {
            // One that has ended by itself needs no signal.
            let _ = kill(Pid::from_raw(id), Signal::SIGINT);
        }
        let _ = self.child.wait();
    }
}
