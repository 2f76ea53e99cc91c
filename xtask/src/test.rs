//! `cargo xtask test`: what CI runs.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::steps::{self, Step};
use crate::{bench, browser, checks, command, generate, peers, readme, repository, soak, tools};

/// The tests of the store that need a server, so that `cargo test --workspace` leaves them out.
const ON_POSTGRES: &str = "contract_postgres";

#[derive(Args)]
pub(crate) struct Options {
    /// Run only the steps whose name contains this text
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Within the peer tests, run only those whose name contains this text
    #[arg(long, value_name = "TEXT")]
    peer: Option<String>,
    /// Let the peer tests take the program in `target/debug` as it is
    #[arg(long)]
    as_built: bool,
}

/// Runs all steps, cheap ones first. What the later ones need is installed beside the first.
pub(crate) fn run(options: &Options) -> ExitCode {
    let peers = |run: fn(Option<&str>) -> Result<usize>| {
        let (peer, as_built) = (options.peer.clone(), options.as_built);
        move || {
            if !as_built {
                build()?;
            }
            run(peer.as_deref())
        }
    };
    let installing = options.only.is_none().then(tools::begin_install);
    let mut all = vec![
        Step::new("format", "run `cargo fmt` and look at what it changed", || cargo(&["fmt", "--check"])),
        Step::new("documents", "correct the files that are named above", checks::documents),
        Step::new("lints", "correct what clippy names; `cargo clippy --workspace --all-targets` shows it again", || {
            let lint = |targets: &[&str]| {
                let command = ["clippy", "--quiet", "--locked", "--workspace"];
                cargo(&[&command[..], targets, &["--", "-D", "warnings"]].concat())
            };
            lint(&["--all-targets"])?;
            lint(&["--test", ON_POSTGRES])
        }),
        Step::new(
            "tools and peers",
            "install what is named above, then run `cargo xtask test` again",
            move || match installing {
                Some(begun) => begun?.finish(),
                None => tools::install(),
            },
        ),
        Step::new("spelling", "correct the words, or list in typos.toml what is meant as it stands", tools::spelling),
        Step::new("unused dependencies", "remove them from the manifests that are named above", tools::unused_dependencies),
        Step::new("tests", "run the failing test alone: `cargo test -p CRATE NAME`", || {
            cargo(&["test", "--quiet", "--locked", "--workspace"])
        }),
        Step::new(
            "the store on PostgreSQL",
            "run it again with `cargo xtask test --only PostgreSQL`; CONTRIBUTING.md says how to use a server of your own",
            store_on_postgres,
        ),
        Step::new("API documentation", "correct what rustdoc names", || {
            let mut cargo = cargo_command(&["doc", "--quiet", "--locked", "--no-deps", "--workspace"]);
            command::show(cargo.env("RUSTDOCFLAGS", "-D warnings"))
        }),
        Step::new("generated files", "run `cargo xtask generate` and commit what it changed", || generate::build_and_run(true)),
        Step::counted(
            "built-ins as Node has them",
            "add what differs to xtask/src/peers/javascript/found.cjs, and mend it in crates/source-typescript/src/engine/builtins.js or refuse it there",
            || {
                build()?;
                peers::compare_values(peers::Sample { seed: 1, count: 3_000, one_in: 12 })
            },
        ),
        Step::counted(
            "packages as Node runs them",
            "mend what the package needs in crates/source-typescript/src/engine, or refuse it there; the packages are pinned in xtask/peers/packages",
            || {
                build()?;
                peers::compare_packages()
            },
        ),
        Step::counted(
            "the real lua-cli against our server",
            "run one again with `cargo xtask test --only lua-cli --peer NAME`; its transcript is above",
            peers(peers::run_lua),
        ),
        Step::counted(
            "the real fluxloop-cli against our server",
            "run one again with `cargo xtask test --only fluxloop-cli --peer NAME`; its transcript is above",
            peers(peers::run_fluxloop),
        ),
        Step::counted(
            "the pages in Chromium",
            "run one story again with `cargo xtask browser --only NAME`; what the pages look like is in target/screenshots",
            {
                let as_built = options.as_built;
                move || browser::run(&browser::Options { only: None, as_built, images: false })
            },
        ),
        Step::new("the benchmarks run", "run `cargo xtask bench --quick`", || {
            build()?;
            bench::smoke()
        }),
        Step::new(
            "the server under attack",
            "run `cargo xtask soak --debug --seconds 2`; its last lines name what does not hold",
            || {
                build()?;
                soak::small()
            },
        ),
        Step::new("the newcomer's command", "run `cargo run --release -- demo --once` and read what it says", demo),
        Step::counted(
            "README, block by block",
            "follow README in an empty folder up to the block that is named above",
            readme::follow,
        ),
    ];
    let count = all.len();
    if let Some(only) = &options.only {
        all.retain(|step| step.name.contains(only.as_str()));
        println!("only {} of {count} steps; CI runs all of them", all.len());
    }
    if all.is_empty() {
        eprintln!("error: no step has that in its name");
        return ExitCode::FAILURE;
    }
    steps::run(all)
}

fn cargo_command(arguments: &[&str]) -> Command {
    let mut command = command::cargo(arguments);
    command.env("INSTA_UPDATE", "no").env("INSTA_FORCE_PASS", "0");
    command
}

/// Runs cargo in the root, with its output shown. Snapshots are compared and never written.
pub(crate) fn cargo(arguments: &[&str]) -> Result<()> {
    command::show(&mut cargo_command(arguments))
}

/// Builds the program for development, with the same features as the tests have, so that nothing is built twice.
pub(crate) fn build() -> Result<()> {
    cargo(&["build", "--quiet", "--locked", "--workspace", "--all-targets"])
}

/// Runs the contract of the store on a real server, which is gone afterwards.
fn store_on_postgres() -> Result<()> {
    let server = tools::postgres::Server::start()?;
    // Of the whole workspace: chosen by its crate alone, it would have dependencies with other features, all built once more.
    let mut cargo = cargo_command(&["test", "--quiet", "--locked", "--workspace", "--test", ON_POSTGRES]);
    command::show(cargo.env("KEEPSTEP_TEST_POSTGRES", server.url()))
}

/// Runs the tour exactly as the README says it, in a home folder of its own, so that it cannot depend on this machine.
fn demo() -> Result<()> {
    cargo(&["build", "--quiet", "--locked", "--release"])?;
    let home = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut demo = Command::new(repository::binary("release", "keepstep"));
    demo.args(["demo", "--once"]).current_dir(home.path()).env("HOME", home.path()).env("XDG_DATA_HOME", home.path());
    let output = command::capture(&mut demo, std::time::Duration::from_secs(120))?.exits(0)?;
    if output.stdout.trim().is_empty() {
        bail!("the demo printed nothing");
    }
    println!("{}", output.stdout);
    Ok(())
}
