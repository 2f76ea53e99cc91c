//! Every defect of a peer has a row in `docs/defects.md`, and every row its tests.
//!
//! A test says by its name which defects it is about: the id is one of the words of the name (`w3_text_stays_text`). The
//! last column of the page is generated from these names.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context, Result};

use crate::repository;

pub(crate) const FILE: &str = "docs/defects.md";

/// Returns what is wrong.
pub(super) fn problems() -> Result<Vec<String>> {
    let document = repository::read(FILE)?;
    let tests = tests()?;
    let mut problems = compare(&document, &tests);
    if problems.is_empty() && filled(&document, &tests) != document {
        problems.push(format!("{FILE}: the tests have changed; run `cargo xtask generate` and commit what it changed"));
    }
    Ok(problems)
}

/// Returns the page with its last column filled in.
pub(crate) fn generate() -> Result<String> {
    Ok(filled(&repository::read(FILE)?, &tests()?))
}

/// Returns the ids of all known defects, in order.
fn ids() -> Vec<String> {
    let series = [("W", 15), ("X", 6), ("S", 20), ("F", 43)];
    series.iter().flat_map(|(letter, count)| (1..=*count).map(move |number| format!("{letter}{number}"))).collect()
}

/// Returns the names of all functions in our tests and crates.
fn tests() -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for file in repository::files("crates", "rs")?.into_iter().chain(repository::files("xtask/src/peers", "rs")?) {
        let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        names.extend(functions_of(&text));
    }
    Ok(names)
}

fn functions_of(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(|line| {
        // The tests that run on every backend are called from elsewhere.
        let line = line.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("async ");
        let name = line.strip_prefix("fn ")?;
        Some(name.split(['(', '<']).next()?.trim().to_owned())
    })
}

/// Returns the tests that have the id as one of the words of their name.
fn tests_of<'t>(id: &str, tests: &'t BTreeSet<String>) -> Vec<&'t str> {
    let id = id.to_lowercase();
    tests.iter().filter(|name| name.split('_').any(|word| word == id)).map(String::as_str).collect()
}

fn filled(document: &str, tests: &BTreeSet<String>) -> String {
    let ids = ids();
    let mut text = String::new();
    for line in document.lines() {
        match ids.iter().find(|id| line.starts_with(&format!("| {id} |"))) {
            Some(id) => {
                let kept: Vec<&str> = line.split('|').take(4).collect();
                let names: Vec<String> = tests_of(id, tests).iter().map(|name| format!("`{name}`")).collect();
                let _ = writeln!(text, "{}| {} |", kept.join("|"), names.join(", "));
            }
            None => {
                let _ = writeln!(text, "{line}");
            }
        }
    }
    text
}

fn compare(document: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let mut problems = Vec::new();
    for id in ids() {
        let rows = document.lines().filter(|line| line.starts_with(&format!("| {id} |"))).count();
        if rows != 1 {
            problems.push(format!("{FILE}: {id} has {rows} rows; it needs one"));
        }
        if tests_of(&id, tests).is_empty() {
            problems.push(format!("{FILE}: no test has {} in its name", id.to_lowercase()));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_defect_needs_a_row_and_a_test() {
        let document: String = ids().iter().skip(1).map(|id| format!("| {id} | peer | ours | |\n")).collect();
        let tests: String = ids().iter().skip(2).map(|id| format!("    fn {}_is_gone() {{\n", id.to_lowercase())).collect();
        let tests = functions_of(&tests).collect();
        assert_eq!(
            compare(&document, &tests),
            [
                "docs/defects.md: W1 has 0 rows; it needs one",
                "docs/defects.md: no test has w1 in its name",
                "docs/defects.md: no test has w2 in its name"
            ]
        );
    }

    #[test]
    fn the_last_column_has_the_tests_of_the_row() {
        let tests = functions_of("fn w1_a() {\npub(crate) async fn b_w1_and_w2() {\nfn w11_other() {\n").collect();
        let document = "| Id | x |\n| W1 | `peer` | ours | `old` |\n| W2 | peer | ours | |\n";
        let wanted = "| Id | x |\n| W1 | `peer` | ours | `b_w1_and_w2`, `w1_a` |\n| W2 | peer | ours | `b_w1_and_w2` |\n";
        assert_eq!(filled(document, &tests), wanted);
    }
}
