//! SECURITY.md names the test that stands for each answer to a threat: each of them exists.

use anyhow::{Context, Result};

use super::code_spans;
use crate::repository;

/// The document.
const DOCUMENT: &str = "SECURITY.md";

/// Returns what is wrong.
pub(super) fn problems() -> Result<Vec<String>> {
    let root = repository::root();
    let text = std::fs::read_to_string(root.join(DOCUMENT)).context("cannot read SECURITY.md")?;
    let read = |file: &str| std::fs::read_to_string(root.join(file)).ok();
    let (problems, count) = missing(&text, read);
    anyhow::ensure!(count > 0, "{DOCUMENT} names no test");
    Ok(problems)
}

/// Returns what a document names that is not there, and how many tests it names. In the last cell of a row each file stands before its tests.
fn missing(text: &str, read: impl Fn(&str) -> Option<String>) -> (Vec<String>, usize) {
    let (mut problems, mut count) = (Vec::new(), 0);
    for row in text.lines().filter(|line| line.starts_with("| ") && line.contains("| `")) {
        let cell = row.trim_end_matches([' ', '|']).rsplit(" | ").next().unwrap_or_default();
        let mut source = None;
        for span in code_spans(cell) {
            if span.ends_with(".rs") {
                source = read(span);
                if source.is_none() {
                    problems.push(format!("{DOCUMENT}: {span} is not there"));
                }
            } else {
                count += 1;
                if !source.as_ref().is_some_and(|source| source.contains(&format!("fn {span}("))) {
                    problems.push(format!("{DOCUMENT}: there is no test {span} in the file before it"));
                }
            }
        }
    }
    (problems, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_gone_is_told() {
        let text = "| What | Why | Test |\n|---|---|---|\n| A `b` | c | `a.rs` `there`, `gone`, `b.rs` `x` |\n";
        let read = |file: &str| (file == "a.rs").then(|| "async fn there(world: World) {}".to_owned());
        let (problems, count) = missing(text, read);
        assert_eq!(count, 3);
        let expected =
            ["there is no test gone in the file before it", "b.rs is not there", "there is no test x in the file before it"];
        assert_eq!(problems, expected.map(|problem| format!("{DOCUMENT}: {problem}")));
    }
}
