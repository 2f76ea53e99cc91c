//! What Node makes of projects.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};

use super::sketch::{ENTRY, MOOD};
use crate::{command, repository, tools};

/// What a project is to Node.
pub(super) enum Answer {
    /// The fields of its agent that are there.
    Fields(Map<String, Value>),
    /// It cannot be run, and why.
    Failed(String),
}

/// Runs projects, all in one process, and returns what each gives.
pub(super) fn evaluate(folders: &[PathBuf]) -> Result<Vec<Answer>> {
    let environment = json!({ "SHOP_MOOD": MOOD });
    let entry = format!("src/{ENTRY}.ts");
    let projects = folders.iter().map(|folder| json!({ "folder": folder, "entry": entry, "environment": environment }));
    let mut node = Command::new("node");
    node.arg(repository::root().join("xtask/src/peers/javascript/evaluate.cjs"));
    node.arg(tools::lua_packages().join("esbuild"));
    let projects = Value::from(projects.collect::<Vec<_>>()).to_string();
    let output = command::capture_with_input(&mut node, &projects, Duration::from_secs(120))?.exits(0)?;
    let answers: Vec<Value> = serde_json::from_str(&output.stdout).with_context(|| output.transcript())?;
    ensure!(answers.len() == folders.len(), "Node answered for {} of {} projects", answers.len(), folders.len());
    let answer = |mut answer: Value| match answer["fields"].take() {
        Value::Object(fields) => Answer::Fields(fields),
        _ => Answer::Failed(answer["error"].as_str().unwrap_or_default().to_owned()),
    };
    Ok(answers.into_iter().map(answer).collect())
}

/// Returns the fields without those that are functions: they are no values of a definition.
pub(super) fn without_functions(fields: &Map<String, Value>) -> Map<String, Value> {
    let is_value = |(_, value): &(&String, &Value)| value["$"] != "a function";
    fields.iter().filter(is_value).map(|(field, value)| (field.clone(), value.clone())).collect()
}

/// Returns whether no text holds half of a character, which no file and no server can store.
pub(super) fn texts_are_whole(fields: &Map<String, Value>) -> bool {
    fn is_whole(value: &Value) -> bool {
        match value {
            Value::Object(members) if members.get("$").is_some_and(|kind| kind == "half a character") => false,
            Value::Object(members) => members.values().all(is_whole),
            Value::Array(items) => items.iter().all(is_whole),
            _ => true,
        }
    }
    fields.values().all(is_whole)
}
