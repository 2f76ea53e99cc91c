//! Measures the release build beside its peers: `sync --check`, `compile`, the server, pulling and uploading, the
//! pages, each with its growth.
//!
//! Started by `cargo xtask bench`, which builds everything first. Whatever is compared is measured in the same run on
//! the same machine, alternating, so that a busy moment hits all sides. Wall time and memory of a command are taken by
//! a process of its own (`measure`), because the kernel keeps the peak of all children of a process in one number.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to the person who started it")]

mod attack;
mod baseline;
mod commands;
mod compile;
mod document;
mod drift;
mod load;
mod machine;
mod measure;
mod pages;
mod platform;
mod project;
mod publishing;
mod report;
mod scratch;
mod serving;
mod statistics;
mod test_data;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};

use report::Report;

#[derive(Parser)]
#[command(name = "keepstep-benches")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measure everything and write the report
    Run(Box<Options>),
    /// Attack a server, print what it took and what a normal client noticed, and fail where a bound does not hold
    Attack {
        /// The program under test
        #[arg(long)]
        keepstep: PathBuf,
        #[command(flatten)]
        size: attack::Size,
    },
    /// Be the attackers
    #[command(hide = true)]
    Attackers(attack::Attackers),
    /// Run one command and print its wall time and peak memory
    #[command(hide = true)]
    Measure {
        /// Run it several times in a row when it is short
        #[arg(long)]
        repeats: bool,
        #[arg(trailing_var_arg = true, required = true)]
        command: Vec<String>,
    },
    /// Serve a constant of some bytes
    #[command(hide = true)]
    Baseline { bytes: usize },
    /// Write what is put into a folder
    #[command(hide = true)]
    Sink { folder: PathBuf },
}

/// What to measure, and how often.
#[derive(Args)]
struct Options {
    /// The program under test
    #[arg(long)]
    keepstep: PathBuf,
    /// The script that opens pages in Chromium; without it, what a reader notices is not measured
    #[arg(long, value_name = "SCRIPT", requires = "browser_packages")]
    felt: Option<PathBuf>,
    /// The script that weighs first pages in Chromium; without it, ours is not compared with those of others
    #[arg(long, value_name = "SCRIPT", requires = "browser_packages")]
    weight: Option<PathBuf>,
    /// The packages of npm that they need
    #[arg(long, value_name = "FOLDER")]
    browser_packages: Option<PathBuf>,
    /// The real lua-cli; without it, nothing is compared with it
    #[arg(long)]
    lua: Option<PathBuf>,
    /// The template that comes with it
    #[arg(long)]
    lua_template: Option<PathBuf>,
    /// The real fluxloop-cli 0.3.3; without it, nothing is compared with it
    #[arg(long)]
    fluxloop: Option<PathBuf>,
    /// The real Phoenix; without it, its row says that it is not installed
    #[arg(long)]
    phoenix: Option<PathBuf>,
    /// The real promptfoo; without it, its row says that it is not installed
    #[arg(long)]
    promptfoo: Option<PathBuf>,
    /// Measure only the section of this name
    #[arg(long, value_name = "NAME", value_parser = SECTIONS.map(|(name, ..)| name))]
    only: Option<String>,
    /// Where to write the report
    #[arg(long)]
    report: PathBuf,
    /// Put the one section that is measured in its place in this report, too; it must tell of the same version of keepstep
    #[arg(long, value_name = "REPORT", requires = "only")]
    into: Option<PathBuf>,
    /// How often each command is run
    #[arg(long, default_value_t = 11)]
    runs: usize,
    /// Small sizes and short loads
    #[arg(long)]
    quick: bool,
}

impl Options {
    /// Returns the options with paths that hold in every folder.
    fn absolute(mut self) -> Result<Self> {
        let programs = [Some(&mut self.keepstep), self.lua.as_mut(), self.lua_template.as_mut(), self.fluxloop.as_mut()];
        for path in programs.into_iter().flatten() {
            *path = std::path::absolute(&*path).with_context(|| format!("cannot find {}", path.display()))?;
        }
        Ok(self)
    }

    /// Returns a size, or the one with which the measurements are only tried.
    fn size(&self, full: u32, quick: u32) -> u32 {
        if self.quick { quick } else { full }
    }

    /// Returns how often something is run that takes its time.
    fn slow_runs(&self) -> usize {
        self.runs.min(3)
    }
}

/// Measures what a section of the report tells.
type Measure = fn(&Options, &mut Report) -> Result<()>;

/// The sections, in order: the name, the heading.
const SECTIONS: [(&str, &str, Measure); 10] = [
    ("drift", "Checking for drift", drift::measure),
    ("compile", "Compiling", compile::measure),
    ("server", "The server", serving::measure),
    ("attack", "Under attack", attack::measure),
    ("pull", "Pulling test data", test_data::measure_pull),
    ("upload", "Uploading results", test_data::measure_upload),
    ("large-file", "One large file", test_data::measure_large_file),
    ("many-runs", "Batches of many runs", test_data::measure_many_runs),
    ("test", "Testing an agent", test_data::measure_tests),
    ("pages", "Pages", pages::measure),
];

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Run(options) => {
            let result = options.absolute().and_then(|options| run(&options));
            scratch::remove();
            result
        }
        Task::Attack { keepstep, size } => {
            let result = std::path::absolute(&keepstep)
                .with_context(|| format!("cannot find {}", keepstep.display()))
                .and_then(|keepstep| attack::soak(&keepstep, &size));
            scratch::remove();
            result
        }
        Task::Attackers(arguments) => attack::attackers(&arguments),
        Task::Measure { repeats, command } => measure::measure_here(&command, repeats),
        Task::Baseline { bytes } => baseline::serve(bytes),
        Task::Sink { folder } => baseline::sink(&folder),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let mut report = Report::new();
    machine::describe(options, &mut report)?;
    if let Some(into) = &options.into {
        // Before anything is measured, which takes minutes.
        document::check(into, report.text())?;
    }
    for (name, heading, measure) in SECTIONS {
        if options.only.as_deref().is_none_or(|only| only == name) {
            report.heading(heading);
            measure(options, &mut report).with_context(|| format!("measuring {name}"))?;
            // After each, so that a section that fails does not cost the others.
            std::fs::write(&options.report, report.text())
                .with_context(|| format!("cannot write {}", options.report.display()))?;
        }
    }
    println!("wrote {}", options.report.display());
    if let Some(into) = &options.into {
        let measured = SECTIONS.iter().find(|(name, ..)| options.only.as_deref() == Some(*name));
        let (_, heading, _) = measured.context("one section is measured")?;
        document::put(into, report.text(), heading, &SECTIONS.map(|(_, heading, _)| heading))?;
        println!("replaced \"{heading}\" in {}", into.display());
    }
    Ok(())
}
