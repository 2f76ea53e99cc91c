//! The server under load, beside the least that an axum server can do, and how it grows with what it keeps.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hyper::StatusCode;
use keepstep_base::Revision;

use crate::Options;
use crate::commands::{keepstep, state_path};
use crate::load::{self, Answers, Load, Target};
use crate::measure::repeated_alone;
use crate::platform::{Platform, Server};
use crate::project::Project;
use crate::report::Report;
use crate::statistics::{count, median, memory, time};

/// The clients at the same time.
const CLIENTS: usize = 200;

/// Writes the section.
pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    against_the_least(options, report)?;
    growth(options, report)
}

fn against_the_least(options: &Options, report: &mut Report) -> Result<()> {
    let platform = Platform::start(&options.keepstep)?;
    let agents = platform.fill(1, 3)?;
    let agent = agents.first().context("no agent was made")?.as_str();
    let full = state_of(&platform, agent);
    let etag = revision(&full)?.to_etag();
    let unchanged = Target {
        headers: [full.headers.clone(), vec![("if-none-match", etag)]].concat(),
        status: StatusCode::NOT_MODIFIED,
        ..full.clone()
    };
    let rounds = if options.quick { 1 } else { 5 };
    let load = Load { clients: CLIENTS, time: Duration::from_secs(if options.quick { 1 } else { 4 }) };

    let mut rows = Vec::new();
    for (name, target) in [("The state, 200", &full), ("The state, unchanged, 304", &unchanged)] {
        let size = load::run(target, Load { clients: 1, time: Duration::from_millis(100) })?.bytes;
        let baseline = baseline(size)?;
        let mut pairs = Vec::new();
        for _ in 0..rounds {
            pairs.push((load::run(target, load)?, load::run(&baseline.target, load)?));
        }
        let ours: Vec<Answers> = pairs.iter().map(|(ours, _)| ours.clone()).collect();
        let least: Vec<Answers> = pairs.iter().map(|(_, least)| least.clone()).collect();
        let shares: Vec<u64> = pairs.iter().map(|(ours, least)| ours.per_second * 100 / least.per_second.max(1)).collect();
        let share = median(&shares).unwrap_or_default();
        rows.push(row(name, &ours, &format!("{share} %")));
        rows.push(row(&format!("A constant of {} bytes", count(u64::try_from(size)?)), &least, ""));
    }
    report.paragraph(&format!(
        "{CLIENTS} clients at once, each over one connection that it keeps, asking for an agent's state with a key, {rounds} times {} \
         s. Beside it, in turn, a bare axum handler that returns a constant of the same size from a process of its own. The \
         clients run on the same cores.",
        load.time.as_secs()
    ));
    report.table(["Answer", "Requests a second", "Half within", "99 % within", "Of the constant"], &rows);
    report.paragraph(&format!("Peak memory of the server: {}.", memory(platform.server.memory()?)));
    Ok(())
}

fn growth(options: &Options, report: &mut Report) -> Result<()> {
    let sizes: &[u32] = if options.quick { &[10, 100] } else { &[10, 1_000, 100_000] };
    let (agents, versions) = if options.quick { (10, 10) } else { (1_000, 1_000) };
    let load = Load { clients: CLIENTS, time: Duration::from_secs(if options.quick { 1 } else { 4 }) };
    let platform = Platform::start(&options.keepstep)?;
    let mut rows = Vec::new();
    for size in sizes {
        let ids = platform.fill(1, *size)?;
        let agent = ids.first().context("no agent was made")?.as_str();
        let name = format!("{} versions of the agent", count(u64::from(*size)));
        rows.push(check_while_kept(options, &platform, agent, load, name)?);
    }
    let started = Instant::now();
    let ids = platform.fill(agents, versions)?;
    let filling = started.elapsed();
    let agent = ids.get(ids.len() / 2).context("no agent was made")?.as_str();
    let name = format!("also {} agents with {} versions each", count(u64::from(agents)), count(u64::from(versions)));
    rows.push(check_while_kept(options, &platform, agent, load, name)?);
    report.paragraph(&format!(
        "Growth, with one server whose database grows from row to row: the same load, and `keepstep sync --check` alone. Filling in \
         the last row took {}; the database is {} then, and the peak memory of the server {}.",
        time(filling),
        memory(platform.size()?),
        memory(platform.server.memory()?)
    ));
    report.table(["The server keeps", "Requests a second", "99 % within", "`sync --check`"], &rows);
    Ok(())
}

fn check_while_kept(options: &Options, platform: &Platform, agent: &str, load: Load, name: String) -> Result<[String; 4]> {
    let rounds = if options.quick { 1 } else { 3 };
    let answers = (0..rounds).map(|_| load::run(&state_of(platform, agent), load)).collect::<Result<Vec<_>>>()?;
    let rates: Vec<u64> = answers.iter().map(|answers| answers.per_second).collect();
    let slowest: Vec<Duration> = answers.iter().map(|answers| answers.slowest_hundredth).collect();
    let project = Project::new(agent, platform.organization(), "")?;
    let check = || keepstep(&options.keepstep, &project, Some(platform), &["sync", "--check"]);
    let measured = repeated_alone(&check, options.runs)?;
    let (rate, slowest) = (median(&rates).unwrap_or_default(), median(&slowest).unwrap_or_default());
    Ok([name, count(rate), time(slowest), time(measured.wall())])
}

fn row(name: &str, answers: &[Answers], share: &str) -> [String; 5] {
    let of = |pick: fn(&Answers) -> Duration| median(&answers.iter().map(pick).collect::<Vec<_>>()).unwrap_or_default();
    let rates: Vec<u64> = answers.iter().map(|answers| answers.per_second).collect();
    [
        name.to_owned(),
        count(median(&rates).unwrap_or_default()),
        time(of(|answers| answers.half)),
        time(of(|answers| answers.slowest_hundredth)),
        share.to_owned(),
    ]
}

/// A server of a constant that is stopped when this is dropped.
struct Baseline {
    target: Target,
    _server: Server,
}

fn baseline(bytes: usize) -> Result<Baseline> {
    let this = std::env::current_exe().context("cannot find this program")?;
    let server = Server::start(Command::new(this).arg("baseline").arg(bytes.to_string()))?;
    let target = Target { address: server.address(), path: "/".to_owned(), headers: Vec::new(), status: StatusCode::OK };
    Ok(Baseline { target, _server: server })
}

fn state_of(platform: &Platform, agent: &str) -> Target {
    Target {
        address: platform.server.address(),
        path: state_path(agent),
        headers: vec![("authorization", format!("Bearer {}", platform.key))],
        status: StatusCode::OK,
    }
}

/// Asks once, and returns the revision that the answer names.
fn revision(target: &Target) -> Result<Revision> {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--fail", "--noproxy", "*"]);
    for (name, value) in &target.headers {
        curl.arg("--header").arg(format!("{name}: {value}"));
    }
    let output = curl.arg(format!("http://{}{}", target.address, target.path)).output()?;
    let state: serde_json::Value = serde_json::from_slice(&output.stdout).context("the state is not JSON")?;
    state["revision"].as_u64().map(Revision).context("the state has no revision")
}
