//! The commands of the tools that keepstep stands in for and does not have.
//!
//! Each is answered with one sentence. Nothing is guessed: a person who types `lua skills` must not get something else.

use clap::error::{ContextKind, ContextValue};

use crate::program::Program;

/// What keepstep has in place of a command.
#[derive(Debug, Clone, Copy)]
enum Instead {
    /// Nothing.
    Nothing,
    /// Nothing yet.
    Later,
    /// Another command.
    Use(&'static str),
}

/// The top-level commands of both tools, and those of the contract that are not built yet.
const COMMANDS: &[(&str, Instead)] = &[
    ("agents", Instead::Nothing),
    ("channels", Instead::Nothing),
    ("chat", Instead::Nothing),
    ("config", Instead::Nothing),
    ("criteria", Instead::Later),
    ("dev", Instead::Nothing),
    ("devices", Instead::Nothing),
    ("docs", Instead::Nothing),
    ("env", Instead::Nothing),
    ("evaluate", Instead::Nothing),
    ("features", Instead::Nothing),
    ("generate", Instead::Nothing),
    ("git", Instead::Nothing),
    ("governance", Instead::Nothing),
    ("integrations", Instead::Nothing),
    ("jobs", Instead::Nothing),
    ("logs", Instead::Nothing),
    ("marketplace", Instead::Nothing),
    ("mcp", Instead::Nothing),
    ("models", Instead::Nothing),
    ("parse", Instead::Nothing),
    ("postprocessors", Instead::Nothing),
    ("preprocessors", Instead::Nothing),
    ("production", Instead::Nothing),
    ("record", Instead::Nothing),
    ("resources", Instead::Nothing),
    ("run", Instead::Nothing),
    ("skills", Instead::Nothing),
    ("telemetry", Instead::Nothing),
    ("triggers", Instead::Nothing),
    ("update", Instead::Nothing),
    ("voices", Instead::Nothing),
    ("webhooks", Instead::Nothing),
    ("workflows", Instead::Nothing),
];

/// The commands of test data whose peers have more below them.
const PARENTS: &[&str] = &["apikeys", "bundles", "context", "inputs", "personas", "projects", "scenarios"];

/// What is below them and not here.
const SUBCOMMANDS: &[&str] = &[
    "changelog",
    "create",
    "delete",
    "disconnect",
    "generate",
    "manifest",
    "qc",
    "refine",
    "set-project",
    "set-scenario",
    "suggest",
    "synthesize",
    "update",
];

/// What `push` and `deploy` take in the peer.
const PARTS: &[&str] = &[
    "all",
    "backup",
    "device",
    "job",
    "mcp",
    "postprocessor",
    "preprocessor",
    "skill",
    "trigger",
    "version",
    "voice",
    "webhook",
    "workflow",
];

/// Returns the sentence for a command that a peer has and keepstep does not, if an error of the argument parser is about
/// one.
pub(crate) fn sentence(program: Program, error: &clap::Error, typed: &[String]) -> Option<String> {
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    let at = typed.iter().position(|argument| argument == unknown)?;
    let parent = typed[..at].iter().rev().find(|argument| !argument.starts_with('-')).map(String::as_str);
    let (command, instead) = match parent {
        Some(verb @ ("push" | "deploy")) => {
            let is_part = PARTS.iter().any(|part| unknown == part || unknown.strip_suffix('s') == Some(part));
            if !is_part {
                return None;
            }
            (format!("{verb} {unknown}"), Instead::Nothing)
        }
        Some("auth") => match unknown.as_str() {
            "configure" => ("auth configure".to_owned(), Instead::Use("login")),
            "key" => ("auth key".to_owned(), Instead::Nothing),
            _ => return None,
        },
        Some(parent) if PARENTS.contains(&parent) => {
            let is_theirs = SUBCOMMANDS.contains(&unknown.as_str());
            is_theirs.then(|| (format!("{parent} {unknown}"), Instead::Nothing))?
        }
        _ => COMMANDS.iter().find(|(name, _)| name == unknown).map(|(name, instead)| ((*name).to_owned(), *instead))?,
    };
    Some(say(program, &command, instead))
}

fn say(program: Program, command: &str, instead: Instead) -> String {
    let name = program.name();
    match instead {
        Instead::Nothing => format!("keepstep does not have `{name} {command}`"),
        Instead::Later => format!("keepstep does not have `{name} {command}` yet"),
        Instead::Use(other) => format!("keepstep does not have `{name} {command}`; use `{name} {other}`"),
    }
}
