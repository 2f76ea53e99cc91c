//! One large `traces.jsonl`, beside `curl -T` of the same file to a handler that only writes and syncs it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::experiment::{self, Shape};
use super::upload::Bench;
use crate::Options;
use crate::measure::{alone, once};
use crate::platform::Server;
use crate::report::Report;
use crate::statistics::{memory, time};

const GIBIBYTE: u64 = 1 << 30;

/// Writes the section.
pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let bytes = if options.quick { 24 << 20 } else { 4 * GIBIBYTE };
    let bench = Bench::new(options, Shape { traces: 10, per_trace: false }, 1)?;
    let experiment = bench.experiments.first().context("no experiment was made")?;
    let file = experiment::enlarge(experiment, bytes)?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let sink = sink(folder.path())?;

    let ours = || bench.ours();
    let curl = || curl(&file, &sink);
    let measured = once(&[&ours, &curl])?;
    let [ours, bare] = &measured[..] else { anyhow::bail!("two commands were not measured") };
    let again = alone(&|| bench.again(), options.slow_runs())?;
    report.paragraph(&format!(
        "An experiment whose `traces.jsonl` has {}. Beside it `curl -T` of the same file to a bare axum handler that writes \
         it to the same disk and syncs it. Each once: the second time nothing is sent. The wanted: at least half the rate of \
         `curl`, client and server each under 100 MiB, and the second upload under 1 s for each GiB.",
        size(bytes)
    ));
    let row = |name: &str, measured: &crate::measure::Measured, server: String| {
        [name.to_owned(), time(measured.wall()), rate(bytes, measured.wall()), memory(measured.memory()), server]
    };
    report.table(
        ["Command", "Wall time", "Rate", "Peak memory", "Peak memory of the server"],
        &[
            row("`keepstep sync upload`", ours, memory(bench.platform.server.memory()?)),
            row("`curl -T` to a bare handler", bare, memory(sink.memory()?)),
            row("`keepstep sync upload`, the same again", &again, String::new()),
        ],
    );
    report.paragraph(&format!("The same again sends {} bytes.", bench.bytes_again()?));
    Ok(())
}

/// Starts the bare handler, which writes what it is sent into a folder.
fn sink(folder: &Path) -> Result<Server> {
    let this = std::env::current_exe().context("cannot find this program")?;
    let mut command = Command::new(this);
    command.arg("sink").arg(folder);
    Server::start(&mut command)
}

fn curl(file: &Path, sink: &Server) -> Command {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail", "--noproxy", "*", "--output", "/dev/null", "-T"]).arg(file);
    command.arg(format!("http://{}/", sink.address()));
    command
}

fn size(bytes: u64) -> String {
    if bytes.is_multiple_of(GIBIBYTE) { format!("{} GiB", bytes / GIBIBYTE) } else { format!("{} MiB", bytes >> 20) }
}

fn rate(bytes: u64, wall: Duration) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for display")]
    let mebibytes = bytes as f64 / (1024.0 * 1024.0);
    format!("{:.0} MiB/s", mebibytes / wall.as_secs_f64())
}
