//! `cargo xtask soak`: what takes longer than CI has. The attacks on a server, in full, the comparison of what is read with Node, for
//! many seeds and all languages, and people in Chromium who edit at once, in hundreds of random orders.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::{browser, command, peers, repository, test};

/// What the comparison is called beside the attacks.
const BUILT_INS: &str = "built-ins";

/// What the random orders of editing are called beside the attacks.
const INTERLEAVINGS: &str = "interleavings";

#[derive(Args)]
pub(crate) struct Options {
    /// How many connections attack at once
    #[arg(long, value_name = "N", default_value_t = 500)]
    connections: usize,
    /// How long each attack lasts, in seconds
    #[arg(long, value_name = "N", default_value_t = 20)]
    seconds: u64,
    /// How many samples of expressions are compared with Node, each with a seed of its own
    #[arg(long, value_name = "N", default_value_t = 100)]
    samples: u32,
    /// The seed of the first sample, and of the interleavings
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    seed: u32,
    /// How many expressions a sample has
    #[arg(long, value_name = "N", default_value_t = 3_000)]
    expressions: u32,
    /// How many random orders there are of what two people in Chromium and a command line do to one agent
    #[arg(long, value_name = "N", default_value_t = 300)]
    interleavings: u32,
    /// How many steps each of these has
    #[arg(long, value_name = "N", default_value_t = 20)]
    steps: u32,
    /// Only the attacks with this in their name; `built-ins` is the comparison with Node, `interleavings` the editing in Chromium
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Take what was built for development; what it says of times means little
    #[arg(long)]
    debug: bool,
}

/// Builds, then attacks, compares and edits.
pub(crate) fn run(options: &Options) -> Result<()> {
    let only = options.only.as_deref();
    if only != Some(BUILT_INS) && only != Some(INTERLEAVINGS) {
        attacks(options)?;
    }
    if only.is_none_or(|only| only == BUILT_INS) {
        test::cargo(&["build", "--quiet", "--locked", "-p", "keepstep-source-typescript", "--example", "read_values"])?;
        let sample = peers::Sample { seed: options.seed, count: options.expressions, one_in: 1 };
        peers::compare_all_values(sample, options.samples)?;
    }
    if only.is_none_or(|only| only == INTERLEAVINGS) {
        let checks = browser::interleave(options.seed, options.interleavings, options.steps)?;
        println!("{checks} checks of {} interleavings, none failed", options.interleavings);
    }
    Ok(())
}

fn attacks(options: &Options) -> Result<()> {
    let profile = if options.debug { "debug" } else { "release" };
    let mut build = vec!["build", "--locked", "--package", "keepstep", "--package", "keepstep-benches"];
    if !options.debug {
        build.push("--release");
    }
    test::cargo(&build)?;
    let mut attack = attack(profile, options.connections, options.seconds);
    if let Some(only) = &options.only {
        attack.args(["--only-attack", only]);
    }
    if options.debug {
        attack.arg("--busy-machine");
    }
    command::show(&mut attack)
}

/// Runs every attack at a size that fits into a check of every change, with what was built for development.
pub(crate) fn small() -> Result<()> {
    let mut attack = attack("debug", 64, 1);
    attack.arg("--busy-machine");
    let output = command::capture(&mut attack, Duration::from_secs(300))?.exits(0)?;
    println!("{}", output.stdout);
    Ok(())
}

fn attack(profile: &str, connections: usize, seconds: u64) -> Command {
    let mut attack = Command::new(repository::binary(profile, "keepstep-benches"));
    attack.arg("attack").arg("--keepstep").arg(repository::binary(profile, "keepstep"));
    attack.args(["--connections", &connections.to_string(), "--seconds", &seconds.to_string()]);
    attack
}
