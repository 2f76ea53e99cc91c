//! Running other programs.

use std::fs::File;
use std::io::{Seek as _, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::repository;

/// A finished program and everything that it printed.
#[derive(Debug)]
pub(crate) struct Output {
    /// What was run, as one would type it.
    pub(crate) line: String,
    /// The exit code; `None` after a signal.
    pub(crate) code: Option<i32>,
    /// Everything on standard output.
    pub(crate) stdout: String,
    /// Everything on standard error.
    pub(crate) stderr: String,
}

impl Output {
    /// Returns the output, or an error that shows it, when the exit code is another one.
    pub(crate) fn exits(self, code: i32) -> Result<Self> {
        if self.code == Some(code) {
            return Ok(self);
        }
        let ended = self.code.map_or_else(|| "was killed".to_owned(), |code| format!("exited with {code}"));
        bail!("`{}` {ended}, not with {code}\n{}", self.line, self.transcript())
    }

    /// Returns both streams, labeled, for a message.
    pub(crate) fn transcript(&self) -> String {
        format!("--- stdout\n{}\n--- stderr\n{}", self.stdout.trim_end(), self.stderr.trim_end())
    }
}

/// Returns cargo in the root of the repository, as a person starts it there.
///
/// What cargo told this program about itself is left out: build scripts ask to run again where it differs, `ring`'s among them, and then
/// everything above them would be built once for `cargo` and once for `cargo xtask`.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let told = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"];
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| told.iter().any(|start| name.starts_with(start))) {
            command.env_remove(name);
        }
    }
    command.args(arguments).current_dir(repository::root());
    command
}

/// Returns a command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let name = std::path::Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut line = name.to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

/// Runs a program with its output where ours goes. An exit code other than 0 is an error.
pub(crate) fn show(command: &mut Command) -> Result<()> {
    let line = line(command);
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// A program that runs beside others. It is waited for, also where nothing of it is wanted any more: an installation that is cut off leaves
/// half a package.
pub(crate) struct Beside {
    line: String,
    child: Child,
    printed: File,
}

impl Beside {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let line = line(command);
        let printed = tempfile::tempfile().context("cannot create a temporary file")?;
        command.stdin(Stdio::null()).stdout(printed.try_clone()?).stderr(printed.try_clone()?);
        let child = command.spawn().with_context(|| format!("cannot start `{line}`"))?;
        Ok(Self { line, child, printed })
    }

    /// Waits for its end, and shows what it printed. An exit code other than 0 is an error.
    pub(crate) fn finish(mut self) -> Result<()> {
        let status = self.child.wait().with_context(|| format!("cannot wait for `{}`", self.line))?;
        self.printed.rewind()?;
        std::io::copy(&mut self.printed, &mut std::io::stdout())?;
        if !status.success() {
            bail!("`{}` failed ({status})", self.line);
        }
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.child.wait();
    }
}

/// Runs a program to its end, or kills it when it takes longer than `limit`.
pub(crate) fn capture(command: &mut Command, limit: Duration) -> Result<Output> {
    capture_with_input(command, "", limit)
}

/// Runs a program as [`capture`] does, with a text as its standard input.
pub(crate) fn capture_with_input(command: &mut Command, input: &str, limit: Duration) -> Result<Output> {
    let line = line(command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{line}`"))?;
    let id = Pid::from_raw(i32::try_from(child.id())?);
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends without reading everything is judged by its exit code.
        let _ = stdin.write_all(input.as_bytes());
    }
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(finished) = receiver.recv_timeout(limit) else {
        kill(id, Signal::SIGKILL).with_context(|| format!("cannot stop `{line}`"))?;
        bail!("`{line}` did not end within {} seconds", limit.as_secs());
    };
    let finished = finished.with_context(|| format!("cannot wait for `{line}`"))?;
    Ok(Output {
        line,
        code: finished.status.code(),
        stdout: String::from_utf8_lossy(&finished.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&finished.stderr).into_owned(),
    })
}
