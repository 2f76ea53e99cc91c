//! The name of a command in the schema of its document: the path of the command, `keepstep.auth.status/1`.
//!
//! An error has the same name as the answer that it stands in for, so that one look tells what kind of document it is.

use clap::{ArgMatches, Command};

/// Returns the name for a command line that was understood.
pub(crate) fn of_parsed(matches: &ArgMatches) -> String {
    let mut path = Vec::new();
    let mut matches = matches;
    while let Some((name, inner)) = matches.subcommand() {
        path.push(name);
        matches = inner;
    }
    match path.as_slice() {
        // Here the last word is an argument.
        ["persona"] => match matches.get_raw("action").and_then(|mut words| words.next()?.to_str()) {
            Some(word) => format!("persona.{}", persona_action(word)),
            None => "persona".to_owned(),
        },
        ["deploy", "persona"] => "persona.deploy".to_owned(),
        path => joined(path),
    }
}

/// Returns the name for a command line that was not understood, as far as its words are commands.
pub(crate) fn of_typed(grammar: &Command, typed: &[String]) -> String {
    let mut path = Vec::new();
    let mut command = grammar;
    for word in typed {
        if let Some(inner) = command.find_subcommand(word) {
            path.push(inner.get_name());
            command = inner;
        }
    }
    if path.is_empty() { "usage".to_owned() } else { joined(&path) }
}

fn joined(path: &[&str]) -> String {
    path.join(".").replace('-', "_")
}

/// Returns the action's own name for one of its other names.
fn persona_action(word: &str) -> &str {
    match word {
        "show" | "info" => "view",
        "list-versions" | "history" => "versions",
        "publish" => "deploy",
        other => other,
    }
}
