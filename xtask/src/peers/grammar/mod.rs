//! Every command and every option of the peers, as the installed programs know them, against our own grammar.
//!
//! What a peer takes is taken by ours under the peer's name, or answered by a sentence of its own with exit code 2. Nothing is run:
//! `--help` behind an option ends the parsing when the option is known. A new release of a peer shows here what is missing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tempfile::TempDir;

use super::Case;
use super::platform::LIMIT;
use crate::{command, repository, tools};

/// All cases.
pub(super) const LUA: &[Case] = &[Case { name: "every_command_and_option_of_lua_is_known", run: || compare("lua", &lua()?) }];

/// Likewise, for each release of the other peer.
pub(super) const FLUXLOOP: &[Case] = &[
    Case { name: "every_command_and_option_of_fluxloop_0_3_3_is_known", run: || compare("fluxloop", &fluxloop("0.3.3")?) },
    Case { name: "every_command_and_option_of_fluxloop_0_3_11_is_known", run: || compare("fluxloop", &fluxloop("0.3.11")?) },
    Case { name: "every_command_and_option_of_fluxloop_0_4_0_is_known", run: || compare("fluxloop", &fluxloop("0.4.0")?) },
];

/// How the sentence begins that answers what we do not have.
const SENTENCE: &str = "error: keepstep does not have `";

/// One command of a peer.
#[derive(Debug, Deserialize)]
struct PeerCommand {
    path: Vec<String>,
    options: Vec<PeerOption>,
}

#[derive(Debug, Deserialize)]
struct PeerOption {
    names: Vec<String>,
    takes_value: bool,
    choices: Vec<String>,
}

fn fluxloop(version: &str) -> Result<Vec<PeerCommand>> {
    let script = repository::root().join("xtask/src/peers/grammar/fluxloop_commands.py");
    let mut python = Command::new(tools::fluxloop(version).with_file_name("python"));
    commands(python.arg(script))
}

fn lua() -> Result<Vec<PeerCommand>> {
    let script = repository::root().join("xtask/src/peers/grammar/lua_commands.cjs");
    let mut node = Command::new("node");
    commands(node.arg("--require").arg(script).arg(tools::lua()))
}

fn commands(program: &mut Command) -> Result<Vec<PeerCommand>> {
    let home = tempfile::tempdir()?;
    program.env("HOME", home.path()).env("LUA_TELEMETRY", "false").env("LUA_NO_BANNER", "1");
    let output = command::capture(program, LIMIT)?.exits(0)?;
    let commands: Vec<PeerCommand> = serde_json::from_str(&output.stdout).context("the peer's commands cannot be read")?;
    if commands.len() < 20 {
        bail!("only {} commands were found; the peer is built otherwise than it was", commands.len());
    }
    Ok(commands)
}

/// Our program under the name of a peer, in a folder where there is nothing.
struct Own {
    folder: TempDir,
    program: PathBuf,
}

impl Own {
    fn called(name: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let program = folder.path().join(name);
        symlink(repository::binary("debug", "keepstep"), &program)?;
        fs::create_dir(folder.path().join("empty"))?;
        Ok(Self { folder, program })
    }

    /// Returns what is wrong with how a command line is answered.
    fn problem(&self, words: &[&str]) -> Result<Option<String>> {
        let mut own = Command::new(&self.program);
        own.args(words).arg("--help").current_dir(self.folder.path().join("empty"));
        own.env_clear().env("HOME", self.folder.path()).env("NO_COLOR", "1");
        let output = command::capture(&mut own, LIMIT)?;
        let first = output.stderr.lines().next().unwrap_or_default().to_owned();
        let is_known = output.code == Some(0) || (output.code == Some(2) && first.starts_with(SENTENCE));
        Ok((!is_known).then(|| format!("{} ({:?}): {first}", words.join(" "), output.code)))
    }

    fn has(&self, words: &[&str]) -> Result<bool> {
        let mut own = Command::new(&self.program);
        own.args(words).arg("--help").current_dir(self.folder.path().join("empty"));
        own.env_clear().env("HOME", self.folder.path());
        Ok(command::capture(&mut own, LIMIT)?.code == Some(0))
    }
}

fn compare(name: &str, commands: &[PeerCommand]) -> Result<()> {
    let own = Own::called(name)?;
    let mut problems = Vec::new();
    for command in commands {
        let path: Vec<&str> = command.path.iter().map(String::as_str).collect();
        problems.extend(own.problem(&path)?);
        if !own.has(&path)? {
            continue;
        }
        for option in &command.options {
            let value = option.choices.first().map_or("1", String::as_str);
            let value = if option.names.iter().any(|name| name == "--format") { "json" } else { value };
            for name in &option.names {
                let words = if option.takes_value { [&path[..], &[name, value]].concat() } else { [&path[..], &[name]].concat() };
                problems.extend(own.problem(&words)?);
            }
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    bail!("{} of what {name} takes is not known:\n{}", problems.len(), problems.join("\n"))
}
