//! On which machine and with which programs was measured.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::Options;
use crate::document::MACHINE;
use crate::report::Report;

/// Writes the first section of the report.
pub(crate) fn describe(options: &Options, report: &mut Report) -> Result<()> {
    let cores = std::thread::available_parallelism()?.get();
    let mut rows = vec![
        ["Processor".to_owned(), format!("{}, {cores} cores", processor())],
        ["Memory".to_owned(), total_memory()],
        ["System".to_owned(), system()],
        ["keepstep".to_owned(), version(&mut Command::new(&options.keepstep))?],
        ["curl".to_owned(), version(&mut Command::new("curl"))?],
    ];
    if let Some(lua) = &options.lua {
        let mut lua = Command::new(lua);
        lua.env("LUA_TELEMETRY", "false").env("LUA_NO_BANNER", "1");
        rows.push(["lua-cli".to_owned(), version(&mut lua)?]);
        rows.push(["Node.js".to_owned(), version(&mut Command::new("node"))?]);
    }
    if let Some(fluxloop) = &options.fluxloop {
        rows.push(["fluxloop-cli".to_owned(), version(&mut Command::new(fluxloop))?]);
        rows.push(["Python".to_owned(), version(&mut Command::new("python3"))?]);
    }
    report.heading(MACHINE);
    report.table(["", ""], &rows);
    report.paragraph(&format!(
        "Every command was run {} times after one run that does not count, and what takes its time {} times; the tables show \
         medians. Of what ends within 100 ms and finds the same each time, such a run is the median of 20 in a row. What is \
         compared was measured in turn, in the same run. Memory is the peak of resident memory of the command and of all that it started.",
        options.runs,
        options.slow_runs()
    ));
    Ok(())
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    line.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

fn total_memory() -> String {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kibibytes.map_or_else(|| "unknown".to_owned(), |kibibytes: u64| format!("{} GiB", kibibytes >> 20))
}

fn system() -> String {
    let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let name = name.map_or(std::env::consts::OS, |name| name.trim_matches('"'));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{name}, Linux {}", kernel.trim())
}

/// Returns the version that a program prints.
pub(crate) fn version(command: &mut Command) -> Result<String> {
    let output = command.arg("--version").output().with_context(|| format!("cannot start {command:?}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words = text.lines().next().unwrap_or_default().split_whitespace();
    let found = words.into_iter().find(|word| word.trim_start_matches('v').starts_with(|letter: char| letter.is_ascii_digit()));
    Ok(found.unwrap_or("unknown").trim_start_matches('v').to_owned())
}
