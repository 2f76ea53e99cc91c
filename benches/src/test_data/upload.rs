//! `keepstep sync upload` beside `fluxloop sync upload`, of many small files.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::experiment::{self, Shape};
use super::pull::advance;
use super::workspace::{SCENARIO, Workspace, answer, publish};
use crate::Options;
use crate::measure::{Measured, alone, alternating};
use crate::platform::Platform;
use crate::report::Report;
use crate::statistics::{count, memory, time, times};

/// Writes the section.
pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let traces = options.size(1_000, 10);
    let shape = Shape { traces, per_trace: true };
    let runs = options.slow_runs();
    let bench = Bench::new(options, shape, 2 * (runs + 1))?;
    report.paragraph(&format!(
        "An experiment of {} traces with a file for each, {} files, which the server has never seen. The wanted: at least \
         300 times faster than the peer.",
        count(traces.into()),
        count(u64::from(traces) + 7)
    ));
    let ours = || bench.ours();
    let theirs = || bench.theirs().unwrap_or_else(|| Command::new("false"));
    let mut commands: Vec<&dyn Fn() -> Command> = vec![&ours];
    if options.fluxloop.is_some() {
        commands.push(&theirs);
    }
    let measured = alternating(&commands, runs)?;
    let base = measured.first().context("nothing was measured")?;
    let mut rows: Vec<[String; 4]> = ["`keepstep sync upload`", "`fluxloop sync upload`, 0.3.3"]
        .iter()
        .zip(&measured)
        .map(|(name, measured)| row(name, measured, base))
        .collect();
    let again = alone(&|| bench.again(), options.runs)?;
    rows.push(row("`keepstep sync upload`, the same again", &again, base));
    report.table(["Command", "Wall time", "Of ours", "Peak memory"], &rows);
    report.paragraph(&format!("The same again sends {} bytes.", bench.bytes_again()?));
    growth(options, report)
}

fn row(name: &str, measured: &Measured, ours: &Measured) -> [String; 4] {
    [name.to_owned(), time(measured.wall()), times(measured.wall(), ours.wall()), memory(measured.memory())]
}

fn growth(options: &Options, report: &mut Report) -> Result<()> {
    let mut rows = Vec::new();
    for traces in [10, 1_000, 10_000] {
        let traces = options.size(traces, 10);
        let bench = Bench::new(options, Shape { traces, per_trace: true }, 2)?;
        let measured = alone(&|| bench.ours(), 1)?;
        let again = alone(&|| bench.again(), options.slow_runs())?;
        rows.push([
            count(traces.into()),
            time(measured.wall()),
            memory(measured.memory()),
            time(again.wall()),
            memory(bench.platform.server.memory()?),
        ]);
        if options.quick {
            break;
        }
    }
    report.paragraph("Growth, with a file for each trace; 100,000 runs without files of their own are below:");
    report.table(["Traces", "Wall time", "Peak memory", "The same again", "Peak memory of the server"], &rows);
    Ok(())
}

/// A platform and a workspace with experiments, each of which is uploaded once.
pub(super) struct Bench<'o> {
    options: &'o Options,
    pub(super) platform: Platform,
    pub(super) workspace: Workspace,
    /// The id of the project.
    pub(super) project: String,
    bundle: String,
    pub(super) experiments: Vec<PathBuf>,
    next: Cell<usize>,
}

impl<'o> Bench<'o> {
    /// Starts a platform, and makes this many experiments.
    pub(super) fn new(options: &'o Options, shape: Shape, experiments: usize) -> Result<Self> {
        let platform = Platform::start(&options.keepstep)?;
        let (project, bundle) = publish(&options.keepstep, &platform, shape.traces)?;
        let workspace = Workspace::new(&project)?;
        let experiments = (0..u32::try_from(experiments)?)
            .map(|number| experiment::write(&workspace.experiments(), number, shape))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { options, platform, workspace, project, bundle, experiments, next: Cell::new(0) })
    }

    /// Returns our upload of the next experiment.
    pub(super) fn ours(&self) -> Command {
        let arguments = self.arguments(advance(&self.next));
        self.workspace.keepstep(&self.options.keepstep, &self.platform, &texts(&arguments))
    }

    /// Returns our upload of the experiment that was uploaded last.
    pub(super) fn again(&self) -> Command {
        let arguments = self.arguments(self.next.get().saturating_sub(1));
        self.workspace.keepstep(&self.options.keepstep, &self.platform, &texts(&arguments))
    }

    /// Returns our upload of the experiment that was uploaded last, which has one file more now.
    pub(super) fn with_another_file(&self) -> Result<Command> {
        let last = self.experiments.get(self.next.get().saturating_sub(1)).context("nothing was uploaded")?;
        let folder = last.join("per_trace_analysis");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("000000_notes.md"), "# Notes\n")?;
        Ok(self.again())
    }

    /// Returns how many bytes our upload of the last experiment sends now.
    pub(super) fn bytes_again(&self) -> Result<u64> {
        answer(&mut self.again())?["bytes_sent"].as_u64().context("an upload says how many bytes it sent")
    }

    /// Returns the peer's upload of the next experiment.
    fn theirs(&self) -> Option<Command> {
        let program = self.options.fluxloop.as_ref()?;
        let arguments = self.arguments(advance(&self.next));
        Some(self.workspace.fluxloop(program, &self.platform, &texts(&arguments)))
    }

    fn arguments(&self, experiment: usize) -> Vec<String> {
        let folder = self.experiments.get(experiment).map(|path| path.display().to_string()).unwrap_or_default();
        let words = ["sync", "upload", "--scenario", SCENARIO, "--bundle-version-id", &self.bundle, "--experiment-dir"];
        words.iter().map(|word| (*word).to_owned()).chain([folder]).collect()
    }
}

fn texts(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}
