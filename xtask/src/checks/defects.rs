//! Every defect of the peer has a row in `docs/defects.md`, and every test that a row names exists.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use super::code_spans;
use crate::repository;

const FILE: &str = "docs/defects.md";

/// Returns what is wrong.
pub(super) fn problems() -> Result<Vec<String>> {
    Ok(compare(&repository::read(FILE)?, &tests()?))
}

/// Returns the ids of all known defects, in order.
fn ids() -> Vec<String> {
    let series = [("W", 15), ("X", 6), ("S", 20)];
    series.iter().flat_map(|(letter, count)| (1..=*count).map(move |number| format!("{letter}{number}"))).collect()
}

/// Returns the names of all functions in our crates that are marked as tests, and of the peer tests.
fn tests() -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for file in repository::files("crates", "rs")?.into_iter().chain(repository::files("xtask", "rs")?) {
        let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        names.extend(functions_of(&text));
    }
    Ok(names)
}

fn functions_of(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(|line| {
        let line = line.trim_start().trim_start_matches("pub(super) ").trim_start_matches("async ");
        let name = line.strip_prefix("fn ")?;
        Some(name.split(['(', '<']).next()?.trim().to_owned())
    })
}

fn compare(document: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let mut problems = Vec::new();
    for id in ids() {
        let start = format!("| {id} |");
        let rows: Vec<&str> = document.lines().filter(|line| line.starts_with(&start)).collect();
        let [row] = rows[..] else {
            problems.push(format!("{FILE}: {id} has {} rows; it needs one", rows.len()));
            continue;
        };
        let last = row.trim_end_matches([' ', '|']).rsplit(" | ").next().unwrap_or_default();
        let named: Vec<&str> = code_spans(last).collect();
        if named.is_empty() {
            problems.push(format!("{FILE}: {id} names no test"));
        }
        for name in named.iter().filter(|name| !tests.contains(**name)) {
            problems.push(format!("{FILE}: {id} names `{name}`, and there is no such test"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_needs_a_test_that_exists() {
        let document: String = ids().iter().skip(2).map(|id| format!("| {id} | peer | ours | `there` |\n")).collect();
        let document = format!("| W1 | it `quotes` | ours | `gone` |\n| W2 | a | b | |\n{document}");
        let tests = functions_of("    async fn there() {\n").collect();
        assert_eq!(
            compare(&document, &tests),
            ["docs/defects.md: W1 names `gone`, and there is no such test", "docs/defects.md: W2 names no test"]
        );
    }
}
