//! Everything that a developer runs besides `cargo test`: the whole check with its tools, the peers, the benchmarks and
//! the generated files.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to the person who started it")]

mod bench;
mod browser;
mod checks;
mod command;
mod generate;
mod peers;
mod readme;
mod repository;
mod soak;
mod steps;
mod structure;
mod test;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Developer tasks of keepstep.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run everything that CI runs: tools, format, lints, documentation, all tests, the real peers, the demo
    ///
    /// Stops at the first step that fails and says what to do. The last line is `N passed, 0 failed`.
    Test(test::Options),
    /// Install the tools of other people that our tests run, into `target/peers/`, and nothing else
    Peers,
    /// Compare what keepstep reads of made-up expressions with the values that Node gives them
    Values {
        /// Another seed gives other expressions
        #[arg(long, default_value_t = 1)]
        seed: u32,
        /// How many expressions
        #[arg(long, default_value_t = 3_000)]
        count: u32,
        /// How many times, each with the next seed
        #[arg(long, default_value_t = 1)]
        rounds: u32,
        /// Of the tables of languages and of members one row in N, all for 1, none for 0
        #[arg(long, value_name = "N", default_value_t = 0)]
        tables: u32,
    },
    /// Walk through the pages of a server in Chromium, and look at each of them
    Browser(browser::Options),
    /// Measure the release build beside its peers and write `docs/benchmarks.md`
    Bench(bench::Options),
    /// Attack a server of the release build with hundreds of connections, compare what keepstep reads with Node for many seeds, and edit
    /// at once in Chromium in many orders
    Soak(soak::Options),
    /// Write the generated files again: `docs/reference/cli.md`, and the tests in `docs/defects.md`
    Generate {
        /// Change nothing; fail when a file is out of date
        #[arg(long)]
        check: bool,
    },
    /// Check what the documents promise: dependencies have a reason and a license, defects a test, links a target,
    /// the structure is drawn
    Docs,
    /// Show the files that name each other in a circle
    Structure,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.task {
        Task::Test(options) => return test::run(&options),
        Task::Peers => tools::install(),
        Task::Values { seed, count, rounds, tables } => values(peers::Sample { seed, count, one_in: tables }, rounds),
        Task::Browser(options) => browser::run(&options).map(|count| println!("{count} passed, 0 failed")),
        Task::Bench(options) => bench::run(&options),
        Task::Soak(options) => soak::run(&options),
        Task::Generate { check } => generate::build_and_run(check),
        Task::Docs => checks::documents(),
        Task::Structure => structure::show(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn values(sample: peers::Sample, rounds: u32) -> anyhow::Result<()> {
    test::cargo(&["build", "--quiet", "--locked", "-p", "keepstep-source-typescript", "--example", "read_values"])?;
    peers::compare_all_values(sample, rounds)
}
