//! The peers from PyPI: each in a virtual environment of its own, every package in a pinned version.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::folder;
use crate::{command, repository};

/// The releases of fluxloop-cli that the tests use; `xtask/peers/fluxloop/` has the packages of each.
const FLUXLOOP_VERSIONS: [&str; 3] = ["0.3.3", "0.3.11", "0.4.0"];

/// The oldest Python that all pinned packages run on, as they are pinned.
const OLDEST_PYTHON: &str = "3.11";

/// What makes a virtual environment; Debian has it in a package of its own.
const MODULES: &str = "import ensurepip, venv";

/// Returns the path of the real `fluxloop` of a release, which [`install_fluxloop`] puts there.
pub(crate) fn fluxloop(version: &str) -> PathBuf {
    environment(version).join("bin/fluxloop")
}

/// Returns the Python that a release is installed with, and with it its packages.
pub(crate) fn interpreter(version: &str) -> PathBuf {
    environment(version).join("bin/python")
}

/// Returns true if Python can make virtual environments.
pub(super) fn makes_environments() -> bool {
    let output = Command::new("python3").args(["-c", MODULES]).output();
    output.is_ok_and(|output| output.status.success())
}

/// Installs the releases of fluxloop-cli, unless exactly those are there already.
pub(super) fn install_fluxloop() -> Result<()> {
    for version in FLUXLOOP_VERSIONS {
        install(version).with_context(|| format!("cannot install fluxloop-cli {version}"))?;
    }
    Ok(())
}

fn environment(version: &str) -> PathBuf {
    folder(&format!("fluxloop-{version}"))
}

fn install(version: &str) -> Result<()> {
    install_pinned(&format!("fluxloop/{version}.txt"), &environment(version), &format!("fluxloop {version}"), || {
        let mut fluxloop = Command::new(fluxloop(version));
        let home = environment(version);
        let answer = command::capture(fluxloop.arg("--version").env("HOME", home), Duration::from_secs(60))?.exits(0)?;
        if !answer.stdout.contains(version) {
            bail!("what is installed is another release\n{}", answer.transcript());
        }
        Ok(())
    })
}

/// Installs the packages that a file of `xtask/peers` pins into an environment, unless exactly those are there already.
pub(super) fn install_pinned(pins: &str, folder: &Path, title: &str, check: impl FnOnce() -> Result<()>) -> Result<()> {
    let pins = repository::root().join("xtask/peers").join(pins);
    let pinned = fs::read_to_string(&pins).with_context(|| format!("cannot read {}", pins.display()))?;
    let done = folder.join("installed");
    // An environment belongs to one Python: after an upgrade of it nothing in there starts any more.
    let wanted = format!("{pinned}\n# {}", python()?);
    if fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
        println!("    {title} (installed before)");
        return Ok(());
    }
    let mut venv = Command::new("python3");
    command::show(venv.args(["-m", "venv", "--clear"]).arg(folder))?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--no-deps", "--disable-pip-version-check", "--requirement"]);
    command::show(pip.arg(&pins))?;
    check()?;
    fs::write(&done, wanted)?;
    println!("    {title}");
    Ok(())
}

/// Returns which Python there is, or says that it is too old.
fn python() -> Result<String> {
    let check = format!(
        "import sys; print(sys.version.split()[0]); sys.exit(sys.version_info < tuple(map(int, '{OLDEST_PYTHON}'.split('.'))))"
    );
    let output = command::capture(Command::new("python3").args(["-c", &check]), Duration::from_secs(60))?;
    let found = output.stdout.trim().to_owned();
    if output.code != Some(0) {
        bail!("python3 is {found}, too old: install Python {OLDEST_PYTHON} or newer");
    }
    Ok(found)
}
