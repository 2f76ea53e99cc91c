//! A platform of its own for one case: a server on fresh data, and a home folder for every program that talks to it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::command::{self, Output};
use crate::repository;

/// How long one command may take before it counts as hung.
pub(super) const LIMIT: Duration = Duration::from_secs(120);

/// A running server with its data, and the folder around it.
pub(super) struct Platform {
    folder: TempDir,
    server: Child,
    url: String,
}

impl Platform {
    /// Starts a server on empty data.
    pub(super) fn start() -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        for name in ["home", "data"] {
            fs::create_dir_all(folder.path().join(name))?;
        }
        let (server, url) = serve(&folder.path().join("data"), &folder.path().join("home"))?;
        Ok(Self { folder, server, url })
    }

    /// Returns a path beside the data.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns where the server listens.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Returns our own program.
    pub(super) fn keepstep(&self, directory: &Path) -> Command {
        self.command(&repository::binary("debug", "keepstep"), directory)
    }

    /// Runs `keepstep admin` on the data, and returns the one line that it prints.
    pub(super) fn admin(&self, arguments: &[&str]) -> Result<String> {
        let mut admin = self.keepstep(self.folder.path());
        admin.arg("admin").args(arguments).arg("--data").arg(self.path("data"));
        let output = command::capture(&mut admin, LIMIT)?.exits(0)?;
        let text = output.stdout.trim();
        if text.is_empty() || text.contains('\n') {
            bail!("`{}` should print one line\n{}", output.line, output.transcript());
        }
        Ok(text.to_owned())
    }

    /// Returns a program that knows nothing of this machine but where programs are.
    pub(super) fn command(&self, program: &Path, directory: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(directory)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("LANG", "C.UTF-8")
            .env("NO_COLOR", "1");
        command
    }

    /// Asks the server with `curl`, without any code of ours.
    pub(super) fn curl(&self, path: &str, arguments: &[&str]) -> Result<Output> {
        let mut curl = self.command(Path::new("curl"), self.folder.path());
        curl.args(["-sS", "--fail-with-body", "--noproxy", "*"]).args(arguments).arg(format!("{}{path}", self.url));
        let output = command::capture(&mut curl, LIMIT)?;
        if output.code != Some(0) {
            bail!("the server refused {path}\n{}", output.transcript());
        }
        Ok(output)
    }

    /// Asks the server for JSON, with a key.
    pub(super) fn ask(&self, key: &str, path: &str, arguments: &[&str]) -> Result<Value> {
        let authorization = format!("Authorization: Bearer {key}");
        let output = self.curl(path, &[&["-H", &authorization], arguments].concat())?;
        serde_json::from_str(&output.stdout).with_context(|| format!("{path} was not answered with JSON"))
    }
}

impl Drop for Platform {
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
