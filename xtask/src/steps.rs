//! A list of steps that are run in order, with the time that each took.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

/// One step.
pub(crate) struct Step {
    /// What it checks, in a few words.
    pub(crate) name: &'static str,
    /// What to do when it fails.
    pub(crate) advice: &'static str,
    /// Does it, and returns how many checks it counts for.
    pub(crate) run: Box<dyn FnOnce() -> Result<usize>>,
}

impl Step {
    /// Returns a step that counts as one check.
    pub(crate) fn new(name: &'static str, advice: &'static str, run: impl FnOnce() -> Result<()> + 'static) -> Self {
        Self { name, advice, run: Box::new(|| run().map(|()| 1)) }
    }

    /// Returns a step that says itself how many checks it made.
    pub(crate) fn counted(name: &'static str, advice: &'static str, run: impl FnOnce() -> Result<usize> + 'static) -> Self {
        Self { name, advice, run: Box::new(run) }
    }
}

/// Runs the steps until one fails. The last line that is printed says how many checks passed and failed.
pub(crate) fn run(steps: Vec<Step>) -> ExitCode {
    let total = steps.len();
    let mut passed = 0;
    let mut finished: Vec<(&str, Duration)> = Vec::new();
    for (index, step) in steps.into_iter().enumerate() {
        println!("\n==> [{}/{total}] {}", index + 1, step.name);
        let started = Instant::now();
        match (step.run)() {
            Ok(count) => {
                passed += count;
                finished.push((step.name, started.elapsed()));
                println!("    ok, {}", seconds(started.elapsed()));
            }
            Err(error) => {
                summary(&finished);
                println!("  FAILED  {} ({})", step.name, seconds(started.elapsed()));
                println!("\n{error:#}\n\nWhat to do: {}", step.advice);
                let left = total - index - 1;
                if left > 0 {
                    println!("The {left} steps after it were not run.");
                }
                println!("{passed} passed, 1 failed");
                return ExitCode::FAILURE;
            }
        }
    }
    summary(&finished);
    println!("{passed} passed, 0 failed");
    ExitCode::SUCCESS
}

fn summary(finished: &[(&str, Duration)]) {
    println!();
    for (name, took) in finished {
        println!("  ok  {:>9}  {name}", seconds(*took));
    }
    let total: Duration = finished.iter().map(|(_, took)| *took).sum();
    println!("      {:>9}  together", seconds(total));
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
