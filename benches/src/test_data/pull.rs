//! `keepstep sync pull` beside `fluxloop sync pull`.

use std::cell::Cell;
use std::process::Command;

use anyhow::{Context, Result};

use super::workspace::{SCENARIO, Workspace, publish};
use crate::Options;
use crate::measure::{self, alone, most_fresh};
use crate::platform::Platform;
use crate::report::Report;
use crate::statistics::{count, memory, time, times};

const PULL: [&str; 4] = ["sync", "pull", "--scenario", SCENARIO];

/// Writes the section.
pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let inputs = options.size(10_000, 10);
    let platform = Platform::start(&options.keepstep)?;
    let (project, _) = publish(&options.keepstep, &platform, inputs)?;
    report.paragraph(&format!(
        "{} inputs, each run in a workspace that has nothing yet. The wanted: at least 100 times faster than the peer, under \
         60 MiB; with nothing new under 20 ms and one request.",
        count(inputs.into())
    ));
    let mut rows = beside_the_peer(options, &platform, &project)?;
    let in_step = Workspace::new(&project)?;
    let pull = || in_step.keepstep(&options.keepstep, &platform, &PULL);
    alone(&pull, 0)?;
    let before = platform.requests()?;
    let measured = alone(&pull, options.runs)?;
    let asked = platform.requests()? - before;
    // One run more than those that count.
    let runs = u64::try_from(options.runs + 1)?;
    rows.push([
        "`keepstep sync pull`, nothing new".to_owned(),
        time(measured.wall()),
        String::new(),
        memory(measured.memory()),
        format!("{}", asked / runs),
    ]);
    report.table(["Command", "Wall time", "Of ours", "Peak memory", "Requests"], &rows);
    growth(options, report)
}

fn beside_the_peer(options: &Options, platform: &Platform, project: &str) -> Result<Vec<[String; 5]>> {
    let runs = options.slow_runs();
    let workspaces = fresh(project, 1 + most_fresh(runs))?;
    let others = fresh(project, runs + 1)?;
    let (next, other) = (Cell::new(0), Cell::new(0));
    let ours = || workspaces[advance(&next)].keepstep(&options.keepstep, platform, &PULL);
    let before = platform.requests()?;
    alone(&ours, 0)?;
    let asked = platform.requests()? - before;
    if options.fluxloop.is_none() {
        let measured = alone(&ours, runs)?;
        return Ok(vec![row("`keepstep sync pull`", &measured, &measured, asked)]);
    }
    let theirs = || match &options.fluxloop {
        Some(program) => others[advance(&other)].fluxloop(program, platform, &PULL),
        None => Command::new("false"),
    };
    let measured = measure::fresh(&[&ours, &theirs], runs)?;
    let [ours, theirs] = &measured[..] else { anyhow::bail!("two commands were not measured") };
    Ok(vec![row("`keepstep sync pull`", ours, ours, asked), row("`fluxloop sync pull`, 0.3.3", theirs, ours, 1)])
}

fn row(name: &str, measured: &crate::measure::Measured, ours: &crate::measure::Measured, asked: u64) -> [String; 5] {
    let wall = measured.wall();
    [name.to_owned(), time(wall), times(wall, ours.wall()), memory(measured.memory()), asked.to_string()]
}

fn growth(options: &Options, report: &mut Report) -> Result<()> {
    let mut rows = Vec::new();
    for inputs in [10, 1_000, 100_000] {
        let inputs = options.size(inputs, 10);
        // A server for each size, so that its memory is that of this size.
        let platform = Platform::start(&options.keepstep)?;
        let (project, _) = publish(&options.keepstep, &platform, inputs)?;
        let runs = options.slow_runs();
        let workspaces = fresh(&project, runs + 1)?;
        let next = Cell::new(0);
        let measured = alone(&|| workspaces[advance(&next)].keepstep(&options.keepstep, &platform, &PULL), runs)?;
        let in_step = workspaces.last().context("no workspace")?;
        let again = alone(&|| in_step.keepstep(&options.keepstep, &platform, &PULL), options.runs)?;
        rows.push([
            count(inputs.into()),
            time(measured.wall()),
            memory(measured.memory()),
            time(again.wall()),
            memory(platform.server.memory()?),
        ]);
        if options.quick {
            break;
        }
    }
    report.paragraph("Growth:");
    report.table(["Inputs", "Wall time", "Peak memory", "Nothing new", "Peak memory of the server"], &rows);
    Ok(())
}

/// Returns workspaces that have pulled nothing yet.
fn fresh(project: &str, count: usize) -> Result<Vec<Workspace>> {
    (0..count).map(|_| Workspace::new(project)).collect()
}

/// Returns the number, and makes it the next one.
pub(super) fn advance(number: &Cell<usize>) -> usize {
    number.replace(number.get() + 1)
}
