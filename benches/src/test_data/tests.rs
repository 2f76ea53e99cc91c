//! `keepstep test` beside `fluxloop test`: what it costs beside the agent's own time, and how it grows.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};

use super::workspace::{SCENARIO, Workspace, publish};
use crate::Options;
use crate::measure::{Measured, alone, once};
use crate::platform::Platform;
use crate::report::Report;
use crate::statistics::{count, median, memory, time, times};

/// The agent as a Python module.
const MODULE: &str =
    "import time\n\n\ndef answer(text):\n    return 'ok'\n\n\ndef slow(text):\n    time.sleep(0.05)\n    return 'ok'\n";

/// The agent as a program that answers many questions, line by line, and does nothing else.
const PROGRAM: &str = "while read -r line; do echo '{\"type\":\"final\",\"output\":\"ok\"}'; done\n";

/// An agent that writes down when its first question came, in nanoseconds of the clock.
const CLOCK: &str = "read -r line; date +%s%N > asked; echo '{\"type\":\"final\",\"output\":\"ok\"}'\n";

/// How long the slow agent takes for a question.
const PAUSE: Duration = Duration::from_millis(50);

/// Writes the section.
pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    overhead(options, report)?;
    at_once(options, report)?;
    beside_the_peer(options, report)?;
    growth(options, report)?;
    first_byte(options, report)
}

/// Measures what a case costs beside the agent.
fn overhead(options: &Options, report: &mut Report) -> Result<()> {
    let cases = options.size(2_000, 10);
    let (some, one) = (Bench::new(options, cases)?, Bench::new(options, 1)?);
    let kinds = [("A process that is reused", process("agent.sh")), ("A Python worker", function("answer"))];
    let mut rows = Vec::new();
    for (name, runner) in kinds {
        for bench in [&some, &one] {
            bench.target(&runner)?;
        }
        let all = alone(&|| some.ours(&["--parallel", "1", "--skip-upload"]), options.slow_runs())?;
        let first = alone(&|| one.ours(&["--parallel", "1", "--skip-upload"]), options.slow_runs())?;
        let each = all.wall().saturating_sub(first.wall()) / cases.saturating_sub(1).max(1);
        rows.push([name.to_owned(), time(first.wall()), time(all.wall()), time(each), memory(all.memory())]);
    }
    report.paragraph(&format!(
        "One case and {} cases of an agent that answers at once, one after another, each written down before the next begins. The \
         wanted for each further case: at most 1 ms with a process, 0.2 ms with a Python worker.",
        count(cases.into())
    ));
    report.table(["Agent", "One case", "All cases", "Each further case", "Peak memory"], &rows);
    Ok(())
}

/// Measures how near many slow cases at once come to the time that they would take alone.
fn at_once(options: &Options, report: &mut Report) -> Result<()> {
    let (cases, parallel) = (options.size(10_000, 20), options.size(100, 2));
    let bench = Bench::new(options, cases)?;
    bench.target(&function("slow"))?;
    let measured = once(&[&|| bench.ours(&["--parallel", &parallel.to_string(), "--skip-upload"])])?;
    let measured = measured.first().context("nothing was measured")?;
    let ideal = PAUSE * (cases / parallel);
    report.paragraph(&format!(
        "{} cases of a Python function that sleeps 50 ms, {parallel} at once, which takes {} at best. The wanted: within 15 % of it.",
        count(cases.into()),
        time(ideal)
    ));
    let row = ["`keepstep test`".to_owned(), time(measured.wall()), times(measured.wall(), ideal), memory(measured.memory())];
    report.table(["Command", "Wall time", "Of the best", "Peak memory"], &[row]);
    Ok(())
}

fn beside_the_peer(options: &Options, report: &mut Report) -> Result<()> {
    let cases = options.size(1_000, 20);
    let bench = Bench::new(options, cases)?;
    bench.target(&function("slow"))?;
    let ours = || bench.ours(&["--parallel", "100", "--skip-upload"]);
    let theirs = || bench.theirs().unwrap_or_else(|| Command::new("false"));
    let mut commands: Vec<&dyn Fn() -> Command> = vec![&ours];
    if options.fluxloop.is_some() {
        commands.push(&theirs);
    }
    let measured = once(&commands)?;
    let base = measured.first().context("nothing was measured")?;
    let row = |(name, measured): (&str, &Measured)| {
        [name.to_owned(), time(measured.wall()), times(measured.wall(), base.wall()), memory(measured.memory())]
    };
    let rows: Vec<[String; 4]> =
        ["`keepstep test --parallel 100`", "`fluxloop test`, 0.3.3"].into_iter().zip(&measured).map(row).collect();
    report.paragraph(&format!(
        "{} cases of the same function. The peer has no cases at once. The wanted: at least 20 times faster.",
        count(cases.into())
    ));
    report.table(["Command", "Wall time", "Of ours", "Peak memory"], &rows);
    Ok(())
}

fn growth(options: &Options, report: &mut Report) -> Result<()> {
    let mut rows = Vec::new();
    for cases in [10, 1_000, 100_000] {
        let cases = options.size(cases, 10);
        let bench = Bench::new(options, cases)?;
        bench.target(&function("answer"))?;
        let measured = once(&[&|| bench.ours(&["--quiet"])])?;
        let measured = measured.first().context("nothing was measured")?;
        let each = measured.wall() / cases;
        rows.push([count(cases.into()), time(measured.wall()), time(each), memory(measured.memory())]);
        if options.quick {
            break;
        }
    }
    report.paragraph("Growth, with a case for each core at once, with the report and the upload. The wanted: under 100 MiB.");
    report.table(["Cases", "Wall time", "Each case", "Peak memory"], &rows);
    Ok(())
}

/// Measures how long it takes until the agent is asked.
fn first_byte(options: &Options, report: &mut Report) -> Result<()> {
    let bench = Bench::new(options, options.size(1_000, 10))?;
    bench.target(&process("clock.sh"))?;
    let mut times = Vec::new();
    for _ in 0..=options.runs {
        let mut command = bench.test(&["--smoke", "--parallel", "1", "--skip-upload"]);
        let started = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        ensure!(status.success(), "{command:?} failed ({status})");
        let asked = fs::read_to_string(bench.workspace.path().join("asked")).context("the agent was not asked")?;
        times.push(Duration::from_nanos(asked.trim().parse()?).saturating_sub(started));
    }
    let wall = median(&times).context("nothing was measured")?;
    report.paragraph(&format!(
        "From the start of `keepstep test --smoke` to the agent's first question, with the start of its shell and of `date`: {}. \
         The wanted: under 100 ms.",
        time(wall)
    ));
    Ok(())
}

/// A platform and a workspace with inputs, and the agent beside them.
struct Bench<'o> {
    options: &'o Options,
    platform: Platform,
    workspace: Workspace,
}

impl<'o> Bench<'o> {
    fn new(options: &'o Options, cases: u32) -> Result<Self> {
        let platform = Platform::start(&options.keepstep)?;
        let (project, _) = publish(&options.keepstep, &platform, cases)?;
        let workspace = Workspace::new(&project)?;
        let bench = Self { options, platform, workspace };
        let pulled = bench.command(&["sync", "pull", "--scenario", SCENARIO, "--quiet"]).status()?;
        ensure!(pulled.success(), "the inputs cannot be pulled ({pulled})");
        fs::write(bench.workspace.scenario().join("bench_agent.py"), MODULE)?;
        // Programs run in the workspace's folder.
        fs::write(bench.workspace.path().join("agent.sh"), PROGRAM)?;
        fs::write(bench.workspace.path().join("clock.sh"), CLOCK)?;
        Ok(bench)
    }

    /// Says which agent is tested.
    fn target(&self, runner: &str) -> Result<()> {
        let text = format!("name: {SCENARIO}\niterations: 1\noutput_directory: experiments\nrunner:\n{runner}");
        Ok(fs::write(self.workspace.scenario().join("configs/simulation.yaml"), text)?)
    }

    /// Returns our test of all inputs with more options.
    fn ours(&self, options: &[&str]) -> Command {
        self.test(&[&["--full"][..], options].concat())
    }

    fn test(&self, options: &[&str]) -> Command {
        self.command(&[&["test", "--scenario", SCENARIO][..], options].concat())
    }

    /// Returns the peer's test.
    fn theirs(&self) -> Option<Command> {
        let arguments = ["test", "--scenario", SCENARIO, "--skip-upload", "--no-stream-turns"];
        Some(self.workspace.fluxloop(self.options.fluxloop.as_ref()?, &self.platform, &arguments))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.workspace.keepstep(&self.options.keepstep, &self.platform, arguments)
    }
}

fn function(name: &str) -> String {
    format!("  target: \"bench_agent:{name}\"\n  working_directory: .\n")
}

fn process(script: &str) -> String {
    format!("  type: process\n  command: [sh, {script}]\n  protocol: jsonl\n  reuse: true\n")
}
