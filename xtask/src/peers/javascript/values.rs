//! What keepstep reads of expressions over everything that Node has built in, beside the values that Node gives them.
//!
//! The expressions are made up by `values.cjs`, in one process of Node, from a seed; those that once had another value
//! are in `found.cjs` and tried in every run. What keepstep reads is equal to Node's value, or it says that it cannot read it.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};

use crate::{command, repository, tools};

/// How many of a hundred expressions may at most be unreadable though Node has a value: more means that something broke.
const MOST_UNREADABLE: usize = 20;

/// Compares a number of expressions, and returns how many there were.
pub(crate) fn compare(seed: u32, count: u32) -> Result<usize> {
    let limit = Duration::from_secs(60 + u64::from(count / 10));
    let mut node = Command::new("node");
    node.arg(repository::root().join("xtask/src/peers/javascript/values.cjs"));
    node.arg(tools::lua_packages().join("esbuild")).arg(seed.to_string()).arg(count.to_string());
    on_the_usual_machine(&mut node);
    let output = command::capture(&mut node, limit)?.exits(0)?;
    let cases: Vec<Value> = serde_json::from_str(&output.stdout).context("values.cjs printed something else than cases")?;
    let answers = read(cases.iter().map(|case| project(text(case, "before"), text(case, "expression"))).collect(), limit)?;
    let mut wrong = Vec::new();
    let mut unreadable = 0;
    for (case, answer) in cases.iter().zip(&answers) {
        if answer.get("unreadable").is_some() {
            unreadable += usize::from(case.get("value").is_some());
        } else if !is_same(case, answer) {
            wrong.push(told(case, answer));
        }
    }
    println!("            {} expressions, {unreadable} of them unreadable", cases.len());
    ensure!(unreadable * 100 <= cases.len() * MOST_UNREADABLE, "{unreadable} of {} expressions are unreadable", cases.len());
    if wrong.is_empty() {
        return Ok(cases.len());
    }
    const SHOWN: usize = 20;
    wrong.sort_by_key(String::len);
    let shown: Vec<&str> = wrong.iter().take(SHOWN).map(String::as_str).collect();
    bail!("{} expressions have another value (seed {seed}); the shortest:\n\n{}", wrong.len(), shown.join("\n"))
}

fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_default()
}

/// Returns a project whose persona is an expression, by the paths of its files.
pub(super) fn project(before: &str, expression: &str) -> Map<String, Value> {
    let agent = format!(
        "import {{ LuaAgent }} from 'lua-cli';\n{before}\nexport default new LuaAgent({{ name: 'a', persona: {expression} }});\n"
    );
    let files = [("src/index.ts", agent), ("package.json", "{\"type\":\"module\"}".to_owned())];
    files.into_iter().map(|(path, text)| (path.to_owned(), text.into())).collect()
}

/// Returns what keepstep makes of the persona of each project.
pub(super) fn read(projects: Vec<Map<String, Value>>, limit: Duration) -> Result<Vec<Value>> {
    let count = projects.len();
    let mut ours = Command::new(repository::binary("debug/examples", "read_values"));
    let output = command::capture_with_input(&mut ours, &Value::from_iter(projects).to_string(), limit)?.exits(0)?;
    let answers: Vec<Value> = serde_json::from_str(&output.stdout).context("read_values printed something else than answers")?;
    ensure!(answers.len() == count, "there are {} answers for {count} projects", answers.len());
    Ok(answers)
}

/// Makes Node one on the machine that keepstep takes for granted when nothing else is said: UTC, and the language that Node
/// has without a setting.
pub(super) fn on_the_usual_machine(node: &mut Command) {
    node.env("TZ", "UTC").env_remove("LC_ALL").env_remove("LC_MESSAGES").env_remove("LANG");
}

fn is_same(case: &Value, answer: &Value) -> bool {
    case.get("value").is_some_and(|value| answer.get("value") == Some(value))
}

fn told(case: &Value, answer: &Value) -> String {
    let node = case.get("value").or_else(|| case.get("error")).cloned().unwrap_or_default();
    format!("{} {}\n    Node:     {node}\n    keepstep: {answer}", text(case, "before"), text(case, "expression"))
}
