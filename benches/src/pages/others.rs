//! The dashboards of others beside ours, each with nothing in it: how soon its first page is answered, what that transfers, and what the server
//! takes of the memory.
//!
//! They are started with the settings that their documentation has against telemetry. One that is not installed, or that does not start here,
//! has a row that says so: the rest of the measurements does not depend on it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::Deserialize;

use super::kilobytes;
use crate::Options;
use crate::machine::version;
use crate::report::Report;
use crate::scratch;
use crate::statistics::{median, memory, time};

/// How long a server may take for its first page.
const PATIENCE: Duration = Duration::from_secs(180);

/// How often it is asked meanwhile.
const PAUSE: Duration = Duration::from_millis(5);

/// How often a server is started again, and its page opened.
const STARTS: usize = 3;

/// A dashboard to measure.
struct Dashboard {
    name: String,
    program: Option<PathBuf>,
    version: fn(&Path) -> Result<String>,
    start: fn(&mut Command, SocketAddr, &Path) -> Result<()>,
    /// Returns the cookie of somebody who is signed in, once the server has been started on its data.
    cookie: fn(&Path, &Path) -> Result<String>,
}

impl Dashboard {
    /// Returns its name, with the version of what is installed.
    fn title(&self) -> String {
        let version = self.program.as_ref().and_then(|program| (self.version)(program).ok());
        version.map_or_else(|| self.name.clone(), |version| format!("{} {version}", self.name))
    }
}

/// What was measured.
struct Outcome {
    first_start: Duration,
    later_starts: Vec<Duration>,
    weights: Vec<FirstPage>,
    memory: Vec<u64>,
}

/// What the browser says of a page.
#[derive(Deserialize)]
struct FirstPage {
    bytes: usize,
    requests: usize,
    hosts: Vec<String>,
}

/// Writes the table.
pub(super) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let Some((script, packages)) = options.weight.as_ref().zip(options.browser_packages.as_ref()) else { return Ok(()) };
    let mut rows = Vec::new();
    let mut asked = Vec::new();
    for dashboard in dashboards(options) {
        let without = |why: &str| [why, "", "", ""].map(str::to_owned);
        let cells = match &dashboard.program {
            None => without("not installed"),
            Some(program) => match outcome(&dashboard, program, script, packages) {
                Ok(outcome) => {
                    let hosts = outcome.weights.iter().flat_map(|weight| &weight.hosts);
                    asked.extend(hosts.map(|host| (dashboard.name.clone(), host.clone())));
                    outcome.cells()
                }
                // What failed stands in the log of the run; a report with the paths of a machine would be another one on each.
                Err(problem) => {
                    eprintln!("{}: {problem:#}", dashboard.name);
                    without("could not be measured here")
                }
            },
        };
        let [weight, first, later, memory] = cells;
        rows.push([dashboard.title(), weight, first, later, memory]);
    }
    asked.sort();
    asked.dedup();
    report.paragraph(&format!(
        "Beside the dashboards of others, each on new data with nothing in it: the first page with everything, as Chromium receives it with \
         nothing cached; the time from the start of the server to the last byte of its first page, on new data and then {STARTS} times on the \
         same; and the resident memory of the server with all processes that it started, summed up after the page was opened. Telemetry is \
         turned off by their settings{}.",
        others(&asked)
    ));
    report.table(["Dashboard", "First page with everything", "First start", "Later starts", "Memory"], &rows);
    Ok(())
}

/// Says which hosts were asked all the same.
fn others(asked: &[(String, String)]) -> String {
    let asked: Vec<String> = asked.iter().map(|(name, host)| format!("the page of {name} asked {host}")).collect();
    if asked.is_empty() { String::new() } else { format!("; {}", asked.join(", ")) }
}

/// Returns what is compared, ours first.
fn dashboards(options: &Options) -> [Dashboard; 3] {
    [
        Dashboard {
            name: "keepstep".to_owned(),
            program: Some(options.keepstep.clone()),
            version: |program| version(&mut Command::new(program)),
            start: start_ours,
            cookie: our_cookie,
        },
        Dashboard {
            name: "Phoenix".to_owned(),
            program: options.phoenix.clone(),
            version: version_of_phoenix,
            start: start_phoenix,
            cookie: |_, _| Ok(String::new()),
        },
        Dashboard {
            name: "promptfoo's viewer".to_owned(),
            program: options.promptfoo.clone(),
            version: version_of_promptfoo,
            start: start_promptfoo,
            cookie: |_, _| Ok(String::new()),
        },
    ]
}

/// Its own program tells no version.
fn version_of_phoenix(program: &Path) -> Result<String> {
    let mut python = Command::new(program.with_file_name("python"));
    version(python.args(["-c", "import importlib.metadata as packages; print(packages.version('arize-phoenix'))"]))
}

fn version_of_promptfoo(program: &Path) -> Result<String> {
    let mut promptfoo = Command::new(program);
    promptfoo.env("PROMPTFOO_DISABLE_TELEMETRY", "1").env("PROMPTFOO_DISABLE_UPDATE", "1");
    version(promptfoo.env("PROMPTFOO_CONFIG_DIR", scratch::folder()?.path()))
}

fn start_ours(command: &mut Command, address: SocketAddr, folder: &Path) -> Result<()> {
    command.args(["serve", "--listen"]).arg(address.to_string()).arg("--data").arg(folder.join("data"));
    Ok(())
}

/// Makes an owner, as the first link of the server would.
fn our_cookie(_: &Path, folder: &Path) -> Result<String> {
    crate::platform::cookie_of(&folder.join("data"))
}

fn start_phoenix(command: &mut Command, address: SocketAddr, folder: &Path) -> Result<()> {
    command
        .arg("serve")
        .env("PHOENIX_HOST", address.ip().to_string())
        .env("PHOENIX_PORT", address.port().to_string())
        .env("PHOENIX_GRPC_PORT", free_address()?.port().to_string())
        .env("PHOENIX_WORKING_DIR", folder)
        .env("PHOENIX_TELEMETRY_ENABLED", "false")
        .env("PHOENIX_ALLOW_EXTERNAL_RESOURCES", "false");
    Ok(())
}

fn start_promptfoo(command: &mut Command, address: SocketAddr, folder: &Path) -> Result<()> {
    command
        .args(["view", "--no", "--port"])
        .arg(address.port().to_string())
        .env("PROMPTFOO_CONFIG_DIR", folder)
        .env("PROMPTFOO_DISABLE_TELEMETRY", "1")
        .env("PROMPTFOO_DISABLE_UPDATE", "1")
        .env("PROMPTFOO_DISABLE_REMOTE_GENERATION", "1");
    Ok(())
}

fn outcome(dashboard: &Dashboard, program: &Path, script: &Path, packages: &Path) -> Result<Outcome> {
    let folder = scratch::folder()?;
    let folder = folder.path();
    let mut outcome = Outcome { first_start: Duration::ZERO, later_starts: Vec::new(), weights: Vec::new(), memory: Vec::new() };
    let (running, took) = Running::start(dashboard, program, folder)?;
    outcome.first_start = took;
    drop(running);
    let cookie = (dashboard.cookie)(program, folder)?;
    for _ in 0..STARTS {
        let (running, took) = Running::start(dashboard, program, folder)?;
        outcome.later_starts.push(took);
        outcome.weights.push(weight(&running, &cookie, script, packages)?);
        outcome.memory.push(running.memory()?);
    }
    Ok(outcome)
}

impl Outcome {
    fn cells(&self) -> [String; 4] {
        let bytes: Vec<usize> = self.weights.iter().map(|weight| weight.bytes).collect();
        let requests: Vec<usize> = self.weights.iter().map(|weight| weight.requests).collect();
        [
            format!("{} in {} requests", kilobytes(median(&bytes).unwrap_or_default()), median(&requests).unwrap_or_default()),
            time(self.first_start),
            time(median(&self.later_starts).unwrap_or_default()),
            memory(median(&self.memory).unwrap_or_default()),
        ]
    }
}

/// Opens the first page in Chromium.
fn weight(running: &Running, cookie: &str, script: &Path, packages: &Path) -> Result<FirstPage> {
    let mut node = Command::new("node");
    node.arg(script).arg(format!("http://{}/", running.address)).args([cookie, "1"]);
    let output = node.env("KEEPSTEP_PACKAGES", packages).output().context("node does not start")?;
    ensure!(output.status.success(), "the browser: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("the browser said something else")
}

/// A server that is killed with all that it started when this is dropped.
struct Running {
    child: Child,
    address: SocketAddr,
}

impl Running {
    /// Starts a server, and waits for its first page. Returns how long that took.
    fn start(dashboard: &Dashboard, program: &Path, folder: &Path) -> Result<(Self, Duration)> {
        let address = free_address()?;
        let log = folder.join("log");
        let output = File::create(&log).context("cannot make a file")?;
        let mut command = Command::new(program);
        // Nothing of this machine's settings, and no program that would open a browser.
        command.env_clear().env("HOME", folder).env("LANG", "C.UTF-8").env("BROWSER", "true");
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        (dashboard.start)(&mut command, address, folder)?;
        command.current_dir(folder).process_group(0).stdin(Stdio::null()).stderr(output.try_clone()?).stdout(output);
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let mut running = Self { child, address };
        loop {
            if answers(address) {
                return Ok((running, started.elapsed()));
            }
            let exited = running.child.try_wait()?;
            if exited.is_some() || started.elapsed() > PATIENCE {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
                bail!("no page within {}: {last}", time(started.elapsed()));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Returns the resident memory of the server and of all that it started, in KiB.
    fn memory(&self) -> Result<u64> {
        let mut parents: HashMap<u32, Vec<u32>> = HashMap::new();
        for entry in std::fs::read_dir("/proc")?.flatten() {
            let id = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some((id, parent)) = id.and_then(|id| Some((id, parent_of(id)?))) {
                parents.entry(parent).or_default().push(id);
            }
        }
        let mut open = vec![self.child.id()];
        let mut all = 0;
        while let Some(id) = open.pop() {
            all += resident(id).unwrap_or_default();
            open.extend(parents.remove(&id).unwrap_or_default());
        }
        ensure!(all > 0, "the server is gone");
        Ok(all)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(id) = i32::try_from(self.child.id()) {
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

fn status(id: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

fn parent_of(id: u32) -> Option<u32> {
    u32::try_from(status(id, "PPid:")?).ok()
}

fn resident(id: u32) -> Option<u64> {
    status(id, "VmRSS:")
}

/// Returns an address of this machine that nobody listens on.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?.local_addr()?)
}

/// Returns true if a server answers with a page, to its last byte: also with one that asks who is there.
fn answers(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        write!(stream, "GET / HTTP/1.1\r\nHost: {address}\r\nAccept: text/html\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| is_page(&answer))
}

fn is_page(answer: &[u8]) -> bool {
    let head = String::from_utf8_lossy(answer).to_lowercase();
    let head = head.split("\r\n\r\n").next().unwrap_or_default();
    let is_status = |status: &str| head.starts_with(&format!("http/1.1 {status}"));
    (is_status("200") || is_status("401")) && head.contains("content-type: text/html")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_an_answer_with_html() {
        assert!(is_page(b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html>"));
        assert!(is_page(b"HTTP/1.1 401 Unauthorized\r\ncontent-type: text/html\r\n\r\n<form>"));
        for other in [
            "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/html\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\ncontent-type: text/html",
            "",
        ] {
            assert!(!is_page(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn memory_is_that_of_all_that_a_server_started() {
        let mut command = Command::new("sh");
        // The first process waits for another one, which says that it is there. (What is in the background reads nothing otherwise.)
        command
            .args(["-c", "exec 3<&0; sh -c 'echo; cat' <&3 & wait"])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let running = Running { address: free_address().unwrap(), child };
        let alone = resident(running.child.id()).unwrap();
        assert!(running.memory().unwrap() > alone, "the other one counts, too");
    }

    #[test]
    fn hosts_that_are_asked_all_the_same_are_told() {
        assert_eq!(others(&[]), "");
        let asked = [("A".to_owned(), "fonts.example".to_owned()), ("B".to_owned(), "x.example".to_owned())];
        assert_eq!(others(&asked), "; the page of A asked fonts.example, the page of B asked x.example");
    }
}
