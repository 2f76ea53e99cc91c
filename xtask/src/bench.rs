//! `cargo xtask bench`: builds what is measured, and starts the measurements in `benches/`.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::{command, repository, test, tools};

/// The report that is kept.
const REPORT: &str = "docs/benchmarks.md";

#[derive(Args)]
pub(crate) struct Options {
    /// Few runs of small sizes and without the peer, to see that the measurements work; writes to `target/` only
    #[arg(long)]
    quick: bool,
    /// How often each command is run
    #[arg(long, value_name = "N", default_value_t = 11)]
    runs: usize,
    /// Measure only one section: drift, compile, server, attack, pull, upload, large-file, many-runs, test, pages; writes to `target/` only
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// With --only: put the section in its place in `docs/benchmarks.md`; where it was measured on another machine, it says so
    #[arg(long, requires = "only", conflicts_with = "quick")]
    in_place: bool,
}

/// Runs the measurements once with what was built for development, to see that they work. The numbers mean nothing.
pub(crate) fn smoke() -> Result<()> {
    let mut benches = Command::new(repository::binary("debug", "keepstep-benches"));
    benches.arg("run").arg("--keepstep").arg(repository::binary("debug", "keepstep"));
    benches.args(["--quick", "--runs", "1"]).arg("--report").arg(repository::target().join("benchmarks-smoke.md"));
    command::capture(&mut benches, Duration::from_secs(300))?.exits(0)?;
    Ok(())
}

/// Builds, then measures.
pub(crate) fn run(options: &Options) -> Result<()> {
    test::cargo(&["build", "--locked", "--release", "--package", "keepstep", "--package", "keepstep-benches"])?;
    let mut benches = Command::new(repository::binary("release", "keepstep-benches"));
    benches.arg("run").arg("--keepstep").arg(repository::binary("release", "keepstep"));
    if options.quick {
        benches.args(["--quick", "--runs", "3"]).arg("--report").arg(repository::target().join("benchmarks-quick.md"));
    } else {
        tools::install()?;
        let report = match &options.only {
            Some(only) => repository::target().join(format!("benchmarks-{only}.md")),
            None => repository::root().join(REPORT),
        };
        benches.args(["--runs", &options.runs.to_string()]).arg("--report").arg(report);
        benches.arg("--lua").arg(tools::lua()).arg("--lua-template").arg(tools::lua_template());
        benches.arg("--felt").arg(repository::root().join("xtask/browser/felt.mjs"));
        benches.arg("--weight").arg(repository::root().join("xtask/browser/weight.mjs"));
        benches.arg("--browser-packages").arg(tools::browser_packages());
        benches.env("KEEPSTEP_CHROMIUM", tools::chromium().context("no Chromium is on the PATH")?);
        benches.arg("--fluxloop").arg(tools::fluxloop("0.3.3"));
    }
    // They are large, so only who measures the pages has them installed.
    if !options.quick && options.only.as_deref().is_none_or(|only| only == "pages") {
        let dashboards = tools::dashboards::install();
        let programs = [("--phoenix", dashboards.phoenix), ("--promptfoo", dashboards.promptfoo)];
        for (option, program) in programs.into_iter().filter_map(|(option, program)| Some((option, program?))) {
            benches.arg(option).arg(program);
        }
    }
    if let Some(only) = &options.only {
        benches.args(["--only", only]);
        if options.in_place {
            benches.arg("--into").arg(repository::root().join(REPORT));
        }
    }
    command::show(&mut benches)
}
