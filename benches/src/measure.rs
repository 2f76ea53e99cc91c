//! Wall time and peak memory of a command.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};

use crate::statistics::median;

/// What one run took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    wall: Duration,
    memory: u64,
}

/// The medians of several runs of one command.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    samples: Vec<Sample>,
}

impl Measured {
    /// Returns the median of the wall times.
    pub(crate) fn wall(&self) -> Duration {
        let walls: Vec<Duration> = self.samples.iter().map(|sample| sample.wall).collect();
        median(&walls).unwrap_or_default()
    }

    /// Returns the median of the peaks of resident memory, in KiB, over the command and all that it started.
    pub(crate) fn memory(&self) -> u64 {
        let peaks: Vec<u64> = self.samples.iter().map(|sample| sample.memory).collect();
        median(&peaks).unwrap_or_default()
    }
}

/// What ends sooner than this is run several times in a row, where it may be.
const SHORT: Duration = Duration::from_millis(100);

/// How often something short is run in a row.
const IN_A_ROW: usize = 20;

/// Measures commands in turn, `runs` times each, after one run of each that does not count. A command that does not
/// exit with 0 is an error: a measurement of a failure means nothing.
pub(crate) fn alternating(commands: &[&dyn Fn() -> Command], runs: usize) -> Result<Vec<Measured>> {
    in_turn(commands, runs, Row::Once)
}

/// Measures commands in turn as [`alternating`] does, where each finds the same however often it is run.
///
/// What is short is run in a row then and counts with its median: right after a program that takes seconds and
/// hundreds of MiB, a few milliseconds measure how that one left the processor's caches.
pub(crate) fn repeated(commands: &[&dyn Fn() -> Command], runs: usize) -> Result<Vec<Measured>> {
    in_turn(commands, runs, Row::Same)
}

/// Measures commands in turn as [`repeated`] does, where each closure returns a command that finds something new. A short one
/// needs [`most_fresh`] of those.
pub(crate) fn fresh(commands: &[&dyn Fn() -> Command], runs: usize) -> Result<Vec<Measured>> {
    in_turn(commands, runs, Row::Fresh)
}

/// Returns how often [`fresh`] runs a short command.
pub(crate) fn most_fresh(runs: usize) -> usize {
    1 + runs * (1 + IN_A_ROW)
}

/// What is run in a row, where it is short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    /// Nothing.
    Once,
    /// The same command.
    Same,
    /// Another command each time.
    Fresh,
}

fn in_turn(commands: &[&dyn Fn() -> Command], runs: usize, row: Row) -> Result<Vec<Measured>> {
    let mut measured = vec![Measured { samples: Vec::new() }; commands.len()];
    for run in 0..=runs {
        for (command, measured) in commands.iter().zip(&mut measured) {
            let sample = one(&command(), row == Row::Same)?;
            if run == 0 {
                continue;
            }
            if row == Row::Fresh && sample.wall < SHORT {
                for _ in 0..IN_A_ROW {
                    measured.samples.push(one(&command(), false)?);
                }
            } else {
                measured.samples.push(sample);
            }
        }
    }
    Ok(measured)
}

/// Measures commands in turn, each only once: what they do cannot be done twice, or takes too long for that.
pub(crate) fn once(commands: &[&dyn Fn() -> Command]) -> Result<Vec<Measured>> {
    commands.iter().map(|command| Ok(Measured { samples: vec![one(&command(), false)?] })).collect()
}

/// Measures one command alone.
pub(crate) fn alone(command: &dyn Fn() -> Command, runs: usize) -> Result<Measured> {
    let mut measured = alternating(&[command], runs)?;
    measured.pop().context("nothing was measured")
}

/// Measures one command alone that finds the same however often it is run.
pub(crate) fn repeated_alone(command: &dyn Fn() -> Command, runs: usize) -> Result<Measured> {
    let mut measured = repeated(&[command], runs)?;
    measured.pop().context("nothing was measured")
}

/// Runs a command in a process of its own that reports what it took.
fn one(command: &Command, repeats: bool) -> Result<Sample> {
    let this = std::env::current_exe().context("cannot find this program")?;
    let mut helper = Command::new(this);
    helper.arg("measure");
    if repeats {
        helper.arg("--repeats");
    }
    helper.arg("--").arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        helper.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => helper.env(name, value),
            None => helper.env_remove(name),
        };
    }
    let output = helper.stdin(Stdio::null()).output().context("cannot start this program again")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut words = text.split_whitespace();
    let numbers = (words.next().and_then(|word| word.parse().ok()), words.next().and_then(|word| word.parse().ok()));
    let (Some(nanoseconds), Some(memory)) = numbers else {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    };
    Ok(Sample { wall: Duration::from_nanos(nanoseconds), memory })
}

/// Runs a command as a child of this process and prints its wall time in nanoseconds and its peak memory in KiB.
///
/// Where it may be repeated and is short, the first run does not count, and the time is the median of the others.
pub(crate) fn measure_here(words: &[String], repeats: bool) -> Result<()> {
    let mut wall = wall_time(words)?;
    if repeats && wall < SHORT {
        let walls = (0..IN_A_ROW).map(|_| wall_time(words)).collect::<Result<Vec<Duration>>>()?;
        wall = median(&walls).context("nothing was measured")?;
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("cannot ask for the usage of children")?;
    println!("{} {}", wall.as_nanos(), usage.max_rss());
    Ok(())
}

fn wall_time(words: &[String]) -> Result<Duration> {
    let [program, arguments @ ..] = words else { bail!("no command") };
    let mut command = Command::new(Path::new(program));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let started = Instant::now();
    let status = command.status().with_context(|| format!("cannot start {program}"))?;
    let wall = started.elapsed();
    if !status.success() {
        bail!("`{}` failed ({status}); run it by hand to see why", words.join(" "));
    }
    Ok(wall)
}
