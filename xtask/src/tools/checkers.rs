//! Checkers that other people keep: spelling, from PyPI, and dependencies that nothing uses, from crates.io.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{command, repository};

/// The release of `typos`.
const TYPOS: &str = "1.52.0";

/// The release of `cargo-machete`.
const MACHETE: &str = "0.9.2";

/// Checks the spelling of everything in the repository.
///
/// # Errors
/// A word is misspelled, or the checker cannot be installed.
pub(crate) fn spelling() -> Result<()> {
    let folder = folder("typos");
    let python = folder.join("bin/python");
    once("typos", TYPOS, || {
        command::show(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--no-deps", "--disable-pip-version-check"]);
        command::show(pip.arg(format!("typos=={TYPOS}")))
    })?;
    command::show(Command::new(folder.join("bin/typos")).args(["--format", "brief"]).current_dir(repository::root()))
}

/// Looks for dependencies that a manifest names and no source uses.
///
/// # Errors
/// There is one, or the checker cannot be installed.
pub(crate) fn unused_dependencies() -> Result<()> {
    let folder = folder("machete");
    once("machete", MACHETE, || {
        let mut install =
            command::cargo(&["install", "--quiet", "--locked", "--force", "cargo-machete", "--version", MACHETE, "--root"]);
        // Optimizing it would take longer than all that it does.
        command::show(install.arg(&folder).arg("--debug"))
    })?;
    let mut machete = Command::new(folder.join("bin/cargo-machete"));
    command::show(machete.args(["benches", "crates", "xtask"]).current_dir(repository::root()))
}

/// Installs something unless this release of it is there already.
fn once(name: &str, release: &str, install: impl FnOnce() -> Result<()>) -> Result<()> {
    let done = folder(name).join("installed");
    if fs::read_to_string(&done).is_ok_and(|installed| installed == release) {
        return Ok(());
    }
    install().with_context(|| format!("cannot install {name} {release}"))?;
    fs::write(done, release)?;
    Ok(())
}

fn folder(name: &str) -> PathBuf {
    repository::target().join("peers").join(name)
}
