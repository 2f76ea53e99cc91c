//! What the documents and manifests promise, checked.

pub(crate) mod defects;
mod dependencies;
mod licenses;
mod links;
mod security;
mod words;

use anyhow::{Result, bail};

/// Runs all checks and reports every problem at once.
pub(crate) fn documents() -> Result<()> {
    let mut problems = dependencies::problems()?;
    problems.extend(defects::problems()?);
    problems.extend(links::problems()?);
    problems.extend(security::problems()?);
    problems.extend(words::problems()?);
    problems.extend(licenses::problems()?);
    problems.extend(crate::structure::problems()?);
    if problems.is_empty() {
        return Ok(());
    }
    bail!("{}", problems.join("\n"))
}

/// Returns the texts between backticks of a line.
fn code_spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    #[test]
    fn code_spans_are_what_stands_between_backticks() {
        let found: Vec<&str> = super::code_spans("a `b` c `d`, e").collect();
        assert_eq!(found, ["b", "d"]);
    }
}
