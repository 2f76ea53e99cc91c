//! What keepstep reads of expressions over everything that Node has built in, beside the values that Node gives them.
//!
//! The expressions are made up by `values.cjs` (with `families.cjs`, and the tables of languages and of members), in one process of Node, from a
//! seed; those that once had another value are in `found.cjs` and tried in every run. What keepstep reads is equal to Node's value, or it says that it cannot read it.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};

use crate::{command, repository, tools};

/// How many of a hundred expressions may at most be unreadable though Node has a value: more means that something broke.
const MOST_UNREADABLE: usize = 20;

/// What to compare.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Another seed gives other expressions.
    pub(crate) seed: u32,
    /// How many expressions are made up.
    pub(crate) count: u32,
    /// Of the tables of languages and of members one row in so many is tried, and none for 0.
    pub(crate) one_in: u32,
}

/// Compares several samples, each with the next seed, and fails at the end with the differences of all.
pub(crate) fn compare_all(first: Sample, rounds: u32) -> Result<()> {
    let mut problems = Vec::new();
    for round in 0..rounds {
        // The tables are the same in every round.
        let one_in = if round == 0 { first.one_in } else { 0 };
        let sample = Sample { seed: first.seed.wrapping_add(round), one_in, ..first };
        println!("seed {}", sample.seed);
        if let Err(problem) = compare(sample) {
            println!("{problem:#}");
            problems.push(sample.seed.to_string());
        }
    }
    ensure!(problems.is_empty(), "{} of {rounds} samples failed, those with the seeds {}", problems.len(), problems.join(", "));
    Ok(())
}

/// Compares a sample, and returns how many expressions there were.
pub(crate) fn compare(sample: Sample) -> Result<usize> {
    let Sample { seed, count, one_in } = sample;
    let of_table = 600_u32.checked_div(one_in).unwrap_or_default();
    let limit = Duration::from_secs(120 + u64::from(count / 10) + u64::from(of_table));
    let mut node = Command::new("node");
    node.arg(repository::root().join("xtask/src/peers/javascript/values.cjs"));
    node.arg(tools::lua_packages().join("esbuild")).args([seed, count, one_in].map(|number| number.to_string()));
    on_the_usual_machine(&mut node);
    let output = command::capture(&mut node, limit)?;
    if output.code != Some(0) {
        let last = output.stderr.lines().rev().find_map(|line| line.strip_prefix(TRYING)).unwrap_or("the first");
        bail!("Node ended at this expression (seed {seed}): {last}\n{}", after_last_expression(&output.stderr));
    }
    let cases: Vec<Value> = serde_json::from_str(&output.stdout).context("values.cjs printed something else than cases")?;
    let answers = read(cases.iter().map(project_of).collect(), limit)?;
    let mut wrong = Vec::new();
    let (mut unreadable, mut unreadable_of_table, mut table) = (0, 0, 0);
    for (case, answer) in cases.iter().zip(&answers) {
        let is_of_table = case.get("table").is_some();
        table += usize::from(is_of_table);
        if answer.get("unreadable").is_some() {
            let count = if is_of_table { &mut unreadable_of_table } else { &mut unreadable };
            *count += usize::from(case.get("value").is_some());
        } else if !is_same(case, answer) {
            wrong.push(told(case, answer));
        }
    }
    let made_up = cases.len() - table;
    println!(
        "            {made_up} expressions, {unreadable} of them unreadable; {table} rows of tables, {unreadable_of_table} of them unreadable; {} wrong",
        wrong.len()
    );
    if wrong.is_empty() {
        ensure!(unreadable * 100 <= made_up * MOST_UNREADABLE, "{unreadable} of {made_up} expressions are unreadable");
        return Ok(cases.len());
    }
    const SHOWN: usize = 20;
    wrong.sort_by_key(String::len);
    let shown: Vec<&str> = wrong.iter().take(SHOWN).map(String::as_str).collect();
    bail!("{} expressions have another value (seed {seed}); the shortest:\n\n{}", wrong.len(), shown.join("\n"))
}

/// What `values.cjs` writes before each expression to standard error.
const TRYING: &str = "trying: ";

/// Returns what Node said about its end.
fn after_last_expression(stderr: &str) -> String {
    let lines: Vec<&str> = stderr.lines().rev().take_while(|line| !line.starts_with(TRYING)).take(20).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

/// Returns the project of a case, with the settings of the compiler that it names.
fn project_of(case: &Value) -> Map<String, Value> {
    let mut files = project(text(case, "before"), text(case, "expression"));
    if let Some(compiler) = case.get("compiler") {
        files.insert("tsconfig.json".to_owned(), json!({ "compilerOptions": compiler }).to_string().into());
    }
    files
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
    format!(
        "{}{} {}\n    Node:     {node}\n    keepstep: {answer}",
        case.get("compiler").map(|compiler| format!("{compiler} ")).unwrap_or_default(),
        text(case, "before"),
        text(case, "expression")
    )
}
