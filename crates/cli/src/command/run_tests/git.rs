//! What git has checked out where a test runs.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::session::checkout::git;

/// How long a run that has ended waits for git.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is checked out.
#[derive(Debug, Default)]
pub(super) struct Checkout {
    /// The commit.
    pub(super) commit: Option<String>,
    /// The branch.
    pub(super) branch: Option<String>,
    status: Option<Status>,
    author: Option<Receiver<String>>,
}

/// A question to git, which is asked when a run begins and whose answer is wanted when it has ended.
#[derive(Debug)]
struct Status {
    git: Child,
    has_output: Receiver<bool>,
}

impl Checkout {
    /// Looks at the repository around a folder. The commit is read from git's own files; whether other files differ from it only
    /// git knows, and where there is no git it stays unknown.
    pub(super) fn read(folder: &Path) -> Self {
        let repository = git::Repository::around(folder);
        let commit = repository.as_ref().and_then(git::Repository::commit);
        let branch = commit.as_ref().and(repository.as_ref()).and_then(git::Repository::branch);
        let status = commit.as_ref().and_then(|_| Status::ask(folder));
        let author = commit.as_deref().map(|commit| ask_author(folder, commit));
        Self { commit, branch, status, author }
    }

    /// Returns who wrote the commit, if git has said so.
    pub(super) fn author(&mut self) -> Option<String> {
        let author = self.author.take()?.recv_timeout(PATIENCE).ok()?;
        Some(author.trim().to_owned()).filter(|author| !author.is_empty())
    }

    /// Returns whether files that git knows were changed since the commit, if git has said so.
    pub(super) fn is_dirty(&mut self) -> Option<bool> {
        let mut status = self.status.take()?;
        let has_output = status.has_output.recv_timeout(PATIENCE).ok()?;
        // A repository that git refuses has no output, either.
        status.git.wait().is_ok_and(|ended| ended.success()).then_some(has_output)
    }
}

/// Asks who wrote a commit; the answer comes when git gives it.
fn ask_author(folder: &Path, commit: &str) -> Receiver<String> {
    let (tell, author) = channel();
    let mut command = git::command(folder);
    command.args(["log", "-1", "--no-show-signature", "--format=%an", commit]).stderr(Stdio::null());
    std::thread::spawn(move || {
        if let Ok(answer) = command.output() {
            // Nobody may be waiting any more.
            let _ = tell.send(String::from_utf8_lossy(&answer.stdout).into_owned());
        }
    });
    author
}

impl Status {
    fn ask(folder: &Path) -> Option<Self> {
        let mut command = git::command(folder);
        command.args(["status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty"]);
        let mut git = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        let mut output = git.stdout.take()?;
        let (tell, has_output) = channel();
        std::thread::spawn(move || {
            let mut first = [0];
            let read = output.read(&mut first);
            // More than a little would keep git waiting.
            let rest = std::io::copy(&mut output, &mut std::io::sink());
            if let (Ok(length), Ok(_)) = (read, rest) {
                let _ = tell.send(length > 0);
            }
        });
        Some(Self { git, has_output })
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.git.kill();
        let _ = self.git.wait();
    }
}
