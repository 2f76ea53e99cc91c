//! The generated files: `docs/reference/cli.md`, from what the program says about itself, and the tests in `docs/defects.md`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::checks::defects;
use crate::{command, repository, test};

const REFERENCE: &str = "docs/reference/cli.md";

/// Builds the program and writes the generated files, or only compares them.
pub(crate) fn build_and_run(check: bool) -> Result<()> {
    test::build()?;
    let reference = reference(&repository::binary("debug", "keepstep"))?;
    let mut outdated = Vec::new();
    for (file, text) in [(REFERENCE, reference), (defects::FILE, defects::generate()?)] {
        let path = repository::root().join(file);
        let before = fs::read_to_string(&path).unwrap_or_default();
        if before == text {
            continue;
        }
        if check {
            outdated.push(format!("{file} is out of date: {}", first_difference(&before, &text)));
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text)?;
        println!("wrote {file}");
    }
    if outdated.is_empty() {
        return Ok(());
    }
    bail!("{}", outdated.join("\n"))
}

/// Returns the help of the program and of every command of it, as one document.
fn reference(program: &Path) -> Result<String> {
    let mut text = String::from(
        "# The commands\n\n\
         Written by `cargo xtask generate` from the program's own help; do not edit. Exit codes are in the\n\
         [README](../../README.md#exit-codes).\n",
    );
    let mut waiting = vec![Vec::new()];
    while let Some(path) = waiting.pop() {
        let help = help(program, &path)?;
        let _ = write!(text, "\n## `{}`\n\n```text\n{}\n```\n", title(&path), help.trim_end());
        let commands = subcommands(&help).into_iter().rev();
        waiting.extend(commands.map(|name| [&path[..], &[name]].concat()));
    }
    Ok(text)
}

fn title(path: &[String]) -> String {
    [&["keepstep".to_owned()], path].concat().join(" ")
}

/// Asks for help in a world where nothing changes the answer: no terminal, no settings, a fixed width.
fn help(program: &Path, path: &[String]) -> Result<String> {
    let mut help = Command::new(program);
    help.args(path).arg("--help").env_clear().env("COLUMNS", "100").env("NO_COLOR", "1").env("HOME", "/nonexistent");
    let output = command::capture(&mut help, Duration::from_secs(30))?.exits(0)?;
    let lines: Vec<&str> = output.stdout.lines().map(str::trim_end).collect();
    Ok(lines.join("\n"))
}

/// Returns the commands that a help text lists, without `help` itself.
fn subcommands(help: &str) -> Vec<String> {
    // The program's own help has its commands in groups.
    let sections = help.split("\n\n").filter(|section| section.lines().next().is_some_and(|line| line.ends_with("ommands:")));
    let listed = sections.flat_map(|section| section.lines().skip(1));
    // A description that is continued on the next line is indented further.
    let names = listed.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

fn first_difference(before: &str, after: &str) -> String {
    let pairs = before.lines().zip(after.lines()).enumerate();
    match pairs.into_iter().find(|(_, (old, new))| old != new) {
        Some((index, (old, new))) => format!("line {} says `{old}`, and should say `{new}`", index + 1),
        None => "one is longer than the other".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_commands_and_not_their_descriptions() {
        let help = "Usage: x\n\nCommands:\n  sync     Keeps\n           in step\n  help     Prints\n\nOptions:\n  -h\n";
        assert_eq!(subcommands(help), ["sync"]);
        let grouped = "Usage: x\n\nEveryday commands:\n  sync  Keeps\n\nSetup commands:\n  init  Starts\n\nOptions:\n  -h\n";
        assert_eq!(subcommands(grouped), ["sync", "init"]);
    }
}
