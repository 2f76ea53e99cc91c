//! The programs of other people that the tests need: what is there, and what can be installed.

mod checkers;
pub(crate) mod dashboards;
pub(crate) mod postgres;
pub(crate) mod python;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

pub(crate) use self::checkers::{spelling, unused_dependencies};
pub(crate) use self::python::fluxloop;
use crate::{command, repository};

/// A program that must be on the machine.
struct Tool {
    program: &'static str,
    /// Another one that does as well.
    or: Option<&'static str>,
    /// The oldest major version that works, where that matters.
    oldest: Option<u32>,
    /// The Debian package that has it in a version that works.
    package: Option<&'static str>,
    /// How to get it elsewhere.
    how: &'static str,
    /// What it is needed for.
    why: &'static str,
}

const TOOLS: [Tool; 6] = [
    Tool {
        program: "node",
        or: None,
        oldest: Some(20),
        package: None,
        how: "install Node.js 20 or newer: https://nodejs.org/en/download",
        why: "runs the real lua-cli",
    },
    Tool {
        program: "npm",
        or: None,
        oldest: Some(9),
        package: None,
        how: "install npm 9 or newer; it comes with Node.js",
        why: "installs the real lua-cli",
    },
    Tool {
        program: "python3",
        or: None,
        oldest: Some(3),
        package: Some("python3"),
        how: "install Python 3",
        why: "runs peers from PyPI",
    },
    Tool {
        program: "curl",
        or: None,
        oldest: None,
        package: Some("curl"),
        how: "install curl",
        why: "asks the server without any code of ours",
    },
    Tool {
        program: "openssl",
        or: None,
        oldest: None,
        package: Some("openssl"),
        how: "install OpenSSL",
        why: "makes the certificate that docs/operate has",
    },
    Tool {
        program: CHROMIUM,
        or: Some("chromium"),
        oldest: Some(120),
        package: Some(CHROMIUM),
        how: "install Chromium 120 or newer, so that `chromium-headless-shell` or `chromium` is on the PATH",
        why: "shows the pages",
    },
];

/// The browser that shows the pages: the engine of Chromium without the windows, which takes half of the time.
const CHROMIUM: &str = "chromium-headless-shell";

/// What the tests of the pages need of [`TOOLS`].
const OF_PAGES: [&str; 3] = ["node", "npm", CHROMIUM];

/// The Debian package with which Python makes virtual environments.
const PYTHON_PACKAGE: &str = "python3-venv";

/// The release of lua-cli that `xtask/peers/lua/package.json` pins.
const LUA_VERSION: &str = "3.37.0";

/// Makes sure that every tool and every peer is there, and says what was found.
pub(crate) fn install() -> Result<()> {
    let mut missing = packages_missing(&TOOLS);
    if !python::makes_environments() {
        missing.push(PYTHON_PACKAGE);
    }
    if postgres::programs().is_none() {
        missing.push(postgres::PACKAGE);
    }
    install_debian_packages(&missing)?;
    let mut problems = problems(&TOOLS);
    if !python::makes_environments() {
        problems.push(format!("python3 makes no virtual environments: install {PYTHON_PACKAGE}, or Python from python.org"));
    }
    if postgres::programs().is_none() {
        problems.push("no PostgreSQL server is installed (keeps the store in tests): install PostgreSQL 15 or newer".to_owned());
    }
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    install_lua()?;
    install_pinned("packages", "packages", "of npm that personas use", |_| Ok(()))?;
    install_browser_packages()?;
    python::install_fluxloop()
}

/// Starts [`install`] beside what needs nothing of it: most of its time it waits for a network.
pub(crate) fn begin_install() -> Result<command::Beside> {
    let program = std::env::current_exe().context("the path of this program is not known")?;
    command::Beside::start(Command::new(program).arg("peers"))
}

/// Makes sure that what the tests of the pages need is there, and nothing else.
pub(crate) fn install_for_pages() -> Result<()> {
    let tools = || TOOLS.iter().filter(|tool| OF_PAGES.contains(&tool.program));
    install_debian_packages(&packages_missing(tools()))?;
    let problems = problems(tools());
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    install_browser_packages()
}

/// Returns the folder with the packages of npm that drive the browser and look at pages.
pub(crate) fn browser_packages() -> PathBuf {
    folder("browser").join("node_modules")
}

/// Returns the folder with the identity provider that people of the stories sign in with.
pub(crate) fn provider_packages() -> PathBuf {
    folder("oidc").join("node_modules")
}

fn install_browser_packages() -> Result<()> {
    install_pinned("browser", "browser", "packages of npm that drive it", |_| Ok(()))?;
    install_pinned("oidc", "provider", "oidc-provider of npm, to sign in with", |_| Ok(()))
}

impl Tool {
    /// Returns which program of its kind is there, and its version.
    fn found(&self) -> Option<(&'static str, String)> {
        std::iter::once(self.program).chain(self.or).find_map(|program| Some((program, version(program)?)))
    }
}

/// Returns the browser that [`install_for_pages`] found.
pub(crate) fn chromium() -> Option<PathBuf> {
    let tool = TOOLS.iter().find(|tool| tool.program == CHROMIUM)?;
    let (program, _) = tool.found()?;
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.exists())
}

/// Says which version each tool has, and returns what is wrong with the others.
fn problems<'a>(tools: impl IntoIterator<Item = &'a Tool>) -> Vec<String> {
    let mut problems = Vec::new();
    for tool in tools {
        match tool.found() {
            None => problems.push(format!("{} is missing ({}): {}", tool.program, tool.why, tool.how)),
            Some((program, found)) => match (tool.oldest, major(&found)) {
                (Some(oldest), Some(major)) if major < oldest => {
                    problems.push(format!("{program} is {found}, too old ({}): {}", tool.why, tool.how));
                }
                _ => println!("    {program:<8} {found}"),
            },
        }
    }
    problems
}

/// Returns the path of the real `lua`, which [`install`] puts there.
pub(crate) fn lua() -> PathBuf {
    folder("lua").join("node_modules/.bin/lua")
}

/// Returns the packages that the real `lua` is installed with, among them what a skill imports.
pub(crate) fn lua_packages() -> PathBuf {
    folder("lua").join("node_modules")
}

/// Returns the folder of the project template that `lua init` copies.
pub(crate) fn lua_template() -> PathBuf {
    folder("lua").join("node_modules/lua-cli/template")
}

/// Returns the folder with the packages of npm that agents of the tests import.
pub(crate) fn packages() -> Result<PathBuf> {
    if !is_installed("packages")? {
        bail!("what xtask/peers/packages pins is not installed: run `cargo xtask peers`");
    }
    Ok(folder("packages"))
}

/// Returns the Debian packages of the tools that are not there.
fn packages_missing<'a>(tools: impl IntoIterator<Item = &'a Tool>) -> Vec<&'static str> {
    tools.into_iter().filter(|tool| tool.found().is_none()).filter_map(|tool| tool.package).collect()
}

fn install_debian_packages(missing: &[&str]) -> Result<()> {
    if missing.is_empty() || !Path::new("/etc/debian_version").exists() {
        return Ok(());
    }
    if !nix::unistd::geteuid().is_root() {
        bail!("missing: {0}. Run: sudo apt-get update && sudo apt-get install -y {0}", missing.join(" "));
    }
    println!("    installing {} with apt-get", missing.join(" "));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        command::show(&mut command)
    };
    apt(&["update", "-qq"])?;
    apt(&[&["install", "-y", "-qq", "--no-install-recommends"][..], missing].concat())
}

/// Installs the pinned lua-cli, unless exactly that is there already.
fn install_lua() -> Result<()> {
    install_pinned("lua", "lua-cli", LUA_VERSION, |folder| {
        let mut lua = Command::new(lua());
        lua.arg("--version").env("LUA_TELEMETRY", "false").env("LUA_NO_BANNER", "1").env("HOME", folder);
        let answer = command::capture(&mut lua, Duration::from_secs(60))?.exits(0)?;
        if !answer.stdout.contains(LUA_VERSION) {
            bail!("the installed lua-cli is not {LUA_VERSION}\n{}", answer.transcript());
        }
        Ok(())
    })
}

/// Installs what `xtask/peers/NAME` pins into `target/peers/NAME`, unless exactly that is there already. Scripts of
/// packages do not run: nothing is downloaded besides the packages themselves, whose checksums are in the lock file.
fn install_pinned(name: &str, title: &str, what: &str, check: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if is_installed(name)? {
        println!("    {title:<8} {what} (installed before)");
        return Ok(());
    }
    let from = pinned(name);
    let folder = folder(name);
    fs::create_dir_all(&folder)?;
    for file in ["package.json", "package-lock.json", ".npmrc"] {
        fs::copy(from.join(file), folder.join(file)).with_context(|| format!("cannot copy xtask/peers/{name}/{file}"))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-progress", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&folder);
    command::show(&mut npm).with_context(|| {
        format!("cannot install xtask/peers/{name}: npm needs its registry; look at the network and at `npm config get registry`")
    })?;
    check(&folder)?;
    fs::copy(from.join("package-lock.json"), folder.join("installed"))?;
    println!("    {title:<8} {what}");
    Ok(())
}

/// Returns whether exactly what `xtask/peers/NAME` pins was installed.
fn is_installed(name: &str) -> Result<bool> {
    let path = pinned(name).join("package-lock.json");
    let lock = fs::read(path).with_context(|| format!("cannot read xtask/peers/{name}/package-lock.json"))?;
    Ok(fs::read(folder(name).join("installed")).is_ok_and(|installed| installed == lock))
}

/// Returns the folder of the repository that says what is installed.
fn pinned(name: &str) -> PathBuf {
    repository::root().join("xtask/peers").join(name)
}

/// Returns the folder that something is installed in.
fn folder(name: &str) -> PathBuf {
    repository::target().join("peers").join(name)
}

/// Returns what a program says about its version, without the words around it, or `None` if it cannot be started.
fn version(program: impl AsRef<OsStr>) -> Option<String> {
    let program = program.as_ref();
    let ask = |argument: &&str| Command::new(program).arg(argument).output().ok().filter(|output| output.status.success());
    // OpenSSL has a command for it and no option.
    let output = ["--version", "version"].iter().find_map(ask)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let first = text.split_whitespace().find(|word| word.chars().any(|letter| letter.is_ascii_digit()))?;
    Some(first.trim_start_matches('v').to_owned())
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_programs_say() {
        assert_eq!(version("cargo").as_deref().and_then(major), Some(1));
        assert_eq!(version("no-such-program-anywhere"), None);
        assert_eq!(major("20.20.2"), Some(20));
        assert_eq!(major("unknown"), None);
    }
}
