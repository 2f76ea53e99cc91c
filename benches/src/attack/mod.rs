//! The server under attack: what it takes of the memory, and what a normal client notices.
//!
//! Each attack runs on many connections, in a process of its own that gives way to others, as if it came from other machines. Beside it
//! one client asks for the state of an agent again and again, as `sync --check` does, and another for `/healthz`. The kernel keeps the
//! server's peak of memory, and forgets it before each attack. At the end everything that was opened has to be closed.

mod client;
mod kinds;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use keepstep_base::AgentId;
use keepstep_store::{Intent, Patch, PersonaChange, PersonaStatus, Scope, Store};
use serde_json::json;

use self::kinds::Kind;
use crate::Options;
use crate::commands::state_path;
use crate::platform::Platform;
use crate::report::Report;
use crate::statistics::{count, memory, quantile, time};

/// What the server may take of the memory, in KiB.
const MEMORY: u64 = 200 * 1024;

/// How long 99 of 100 answers to a normal client may take at most.
const SLOWEST_HUNDREDTH: Duration = Duration::from_millis(100);

/// How long the server may take to say that it is well.
const HEALTH: Duration = Duration::from_secs(1);

/// How long it may take until everything is closed that an attack opened.
const CLOSED: Duration = Duration::from_secs(90);

/// How an attack is run.
#[derive(Debug, Clone, Args)]
pub(crate) struct Size {
    /// How many connections attack at once
    #[arg(long, default_value_t = 500)]
    pub(crate) connections: usize,
    /// How long each attack lasts, in seconds
    #[arg(long, default_value_t = 20)]
    pub(crate) seconds: u64,
    /// Only attacks with this in their name
    #[arg(long, value_name = "TEXT")]
    pub(crate) only_attack: Option<String>,
    /// Do not fail for slow answers to the normal client: other things run on this machine
    #[arg(long)]
    pub(crate) busy_machine: bool,
}

/// The attackers, as a process of their own.
#[derive(Debug, Args)]
pub(crate) struct Attackers {
    #[arg(long)]
    kind: String,
    #[arg(long)]
    address: SocketAddr,
    #[arg(long)]
    connections: usize,
    #[arg(long)]
    seconds: u64,
    #[arg(long)]
    secrets: PathBuf,
}

/// What an attack needs to know.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Secrets {
    pub(crate) viewer: String,
    pub(crate) editor: String,
    pub(crate) cookie: String,
    pub(crate) agent: String,
    pub(crate) project: String,
    pub(crate) set: String,
    pub(crate) bundle: String,
}

/// What was seen of one attack.
#[derive(Debug)]
struct Seen {
    kind: &'static str,
    /// In KiB.
    peak: u64,
    after: u64,
    answers: Vec<Duration>,
    failures: usize,
    health: Duration,
    left_open: usize,
    requests: String,
}

/// Runs all attacks, and fails where something does not hold.
pub(crate) fn soak(keepstep: &std::path::Path, size: &Size) -> Result<()> {
    let seen = run(keepstep, size)?;
    print!("{}", text(&seen));
    let broken: Vec<String> = seen.iter().flat_map(|seen| seen.broken(size)).collect();
    if broken.is_empty() { Ok(()) } else { bail!("{}", broken.join("\n")) }
}

/// Writes the section of the report.
pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let size = Size {
        connections: if options.quick { 50 } else { 500 },
        seconds: if options.quick { 1 } else { 10 },
        only_attack: None,
        busy_machine: true,
    };
    let seen = run(&options.keepstep, &size)?;
    report.paragraph(&format!(
        "{} connections at once for {} s each, from a process of lower priority on the same machine. Beside them, one client asks for an \
         agent's state 50 times a second, and one for `/healthz`. The peak of resident memory is the kernel's, forgotten before each \
         attack. The wanted: under 200 MiB, 99 of 100 answers in under 100 ms, `/healthz` within 1 s, and nothing left open.",
        size.connections, size.seconds
    ));
    let rows: Vec<[String; 7]> = seen.iter().map(Seen::row).collect();
    report.table(HEAD, &rows);
    Ok(())
}

const HEAD: [&str; 7] =
    ["Attack", "Peak memory", "Memory after", "Half of the answers", "99 of 100", "Slowest `/healthz`", "Left open"];

fn text(seen: &[Seen]) -> String {
    let mut out = String::new();
    let mut line = |cells: &[String; 7], more: &str| {
        let [kind, peak, after, half, most, health, open] = cells;
        out += &format!("{kind:<34} {peak:>11} {after:>12} {half:>10} {most:>10} {health:>10} {open:>6}  {more}\n");
    };
    line(&["attack", "peak", "after", "p50", "p99", "healthz", "open"].map(str::to_owned), "");
    for seen in seen {
        line(&seen.row(), &seen.requests);
    }
    out
}

impl Seen {
    fn row(&self) -> [String; 7] {
        let of = |share| time(quantile(&self.answers, share).unwrap_or_default());
        let open = self.left_open.to_string();
        [self.kind.to_owned(), memory(self.peak), memory(self.after), of(0.5), of(0.99), time(self.health), open]
    }

    /// Returns what does not hold.
    fn broken(&self, size: &Size) -> Vec<String> {
        let mut broken = Vec::new();
        let kind = self.kind;
        if self.peak > MEMORY {
            broken.push(format!("{kind}: the server took {} of memory", memory(self.peak)));
        }
        let slowest = quantile(&self.answers, 0.99).unwrap_or(Duration::MAX);
        if slowest > SLOWEST_HUNDREDTH && !size.busy_machine {
            broken.push(format!("{kind}: 1 of 100 answers to a normal client took longer than {}", time(slowest)));
        }
        if self.failures > 0 {
            broken.push(format!("{kind}: {} requests of a normal client failed", count(self.failures as u64)));
        }
        if self.health > HEALTH {
            broken.push(format!("{kind}: /healthz took {}", time(self.health)));
        }
        if self.left_open > 0 {
            broken.push(format!("{kind}: {} files or connections are still open", self.left_open));
        }
        broken
    }
}

fn run(keepstep: &std::path::Path, size: &Size) -> Result<Vec<Seen>> {
    let platform = Platform::start(keepstep)?;
    let secrets = prepare(&platform, keepstep)?;
    let path = platform.path("secrets.json");
    std::fs::write(&path, serde_json::to_string(&secrets)?)?;
    // What the server opens once and keeps: connections to its database.
    let address = platform.server.address();
    client::Normal::new(address, &state_path(&secrets.agent), &secrets.viewer).ask()?;
    let mut seen = Vec::new();
    for kind in kinds::ALL {
        if size.only_attack.as_deref().is_none_or(|only| kind.name.contains(only)) {
            seen.push(attack(&platform, kind, size, &secrets, &path).with_context(|| kind.name.to_owned())?);
            eprintln!("{}", text(&seen[seen.len() - 1..]).lines().last().unwrap_or_default());
        }
    }
    Ok(seen)
}

fn attack(platform: &Platform, kind: &'static Kind, size: &Size, secrets: &Secrets, path: &std::path::Path) -> Result<Seen> {
    let server = &platform.server;
    let open_before = server.open_files()?;
    server.forget_peak()?;
    let this = std::env::current_exe().context("cannot find this program")?;
    let mut attackers = Command::new("nice");
    attackers.args(["-n", "10"]).arg(this).args(["attackers", "--kind", kind.name]);
    attackers.args(["--address", &server.address().to_string()]).arg("--secrets").arg(path);
    attackers.args(["--connections", &size.connections.to_string(), "--seconds", &size.seconds.to_string()]);
    let attackers = attackers.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot start the attackers")?;

    let is_over = AtomicBool::new(false);
    let (address, over) = (server.address(), &is_over);
    let (output, normal, health) = std::thread::scope(|scope| {
        let normal = scope.spawn(move || {
            let mut normal = client::Normal::new(address, &state_path(&secrets.agent), &secrets.viewer);
            normal.ask_until(over, Duration::from_millis(20))
        });
        let health =
            scope.spawn(move || client::Normal::new(address, "/healthz", "").ask_until(over, Duration::from_millis(100)));
        let output = attackers.wait_with_output();
        is_over.store(true, Ordering::SeqCst);
        (output, normal.join(), health.join())
    });
    let output = output?;
    if !output.status.success() {
        bail!("the attackers failed");
    }
    let (Ok(normal), Ok(health)) = (normal, health) else { bail!("a client panicked") };
    let peak = server.memory()?;
    let began = Instant::now();
    let left = |open: usize| open.saturating_sub(open_before.max(FILES));
    while left(server.open_files()?) > 0 && began.elapsed() < CLOSED {
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(Seen {
        kind: kind.name,
        peak,
        after: server.resident()?,
        answers: normal.answers,
        failures: normal.failures + health.failures,
        health: health.answers.iter().max().copied().unwrap_or(Duration::MAX),
        left_open: left(server.open_files()?),
        requests: String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    })
}

/// How many files a server has open that nobody asks anything: those of the database, and its log.
const FILES: usize = 40;

/// Makes what the attacks ask for: two personas of many short lines, and a set of many inputs.
fn prepare(platform: &Platform, keepstep: &std::path::Path) -> Result<Secrets> {
    let agent = platform.fill(1, 1)?.into_iter().next().context("no agent was made")?;
    let project = platform.admin(keepstep, &["project", "create", "--name", "attacked"])?;
    let key = |role: &str| platform.admin(keepstep, &["key", "create", "--name", role, "--role", role]);
    let (viewer, editor) = (key("viewer")?, key("editor")?);
    let file = platform.path("inputs.yaml");
    let inputs: Vec<_> =
        (0..20_000).map(|number| json!({"text": format!("Question {number}: {}", "why? ".repeat(20))})).collect();
    std::fs::write(&file, json!({"scenario": {"name": "attacked"}, "inputs": inputs}).to_string())?;
    let bundle = platform.admin(keepstep, &["import", "--project", &project, &file.to_string_lossy()])?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let set = runtime.block_on(personas(platform, &agent, &bundle))?;
    let cookie = platform.cookie()?;
    Ok(Secrets { viewer, editor, cookie, agent: agent.to_string(), project, set, bundle })
}

async fn personas(platform: &Platform, agent: &AgentId, bundle: &str) -> Result<String> {
    let store = Store::open(&platform.database()?).await?;
    let scope = Scope::organization(platform.organization());
    for seed in [7, 5] {
        let text: String = (0..520_000).map(|line| format!("{}\n", (line * seed) % 9)).collect();
        let persona = PersonaChange { persona: json!(text), status: PersonaStatus::Draft };
        let mut transaction = store.write().await?;
        let intent = Intent { scope: &scope, agent, author: None, message: None, expected: None };
        transaction.change(&intent, &Patch { persona: Some(persona), ..Patch::default() }).await?;
        transaction.commit().await?;
    }
    let set = store.bundle(&scope, bundle).await?.input_set_id;
    store.close().await;
    Ok(set)
}

/// Attacks, as a process of its own, and prints how often and how that was answered.
pub(crate) fn attackers(arguments: &Attackers) -> Result<()> {
    let secrets: Secrets = serde_json::from_str(&std::fs::read_to_string(&arguments.secrets)?)?;
    let kind = kinds::ALL.iter().find(|kind| kind.name == arguments.kind).context("no such attack")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let time = Duration::from_secs(arguments.seconds);
    let counts = runtime.block_on(kinds::run(kind, arguments.address, arguments.connections, time, &secrets));
    println!("{counts}");
    Ok(())
}
