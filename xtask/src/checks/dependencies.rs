//! Every direct dependency has a reason in `docs/dependencies.md`, and every reason there has its dependency.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use super::code_spans;
use crate::repository;

const FILE: &str = "docs/dependencies.md";

/// Returns what is wrong.
pub(super) fn problems() -> Result<Vec<String>> {
    let manifest: toml::Table = repository::read("Cargo.toml")?.parse().context("Cargo.toml is not valid TOML")?;
    Ok(compare(&used(&manifest), &documented(&repository::read(FILE)?)))
}

/// Returns the names in `[workspace.dependencies]` that come from outside.
fn used(manifest: &toml::Table) -> BTreeSet<String> {
    let dependencies = manifest.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    let Some(dependencies) = dependencies.and_then(toml::Value::as_table) else { return BTreeSet::new() };
    dependencies.iter().filter(|(_, value)| value.get("path").is_none()).map(|(name, _)| name.clone()).collect()
}

/// Returns the names in the first column of the tables.
fn documented(text: &str) -> BTreeSet<String> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.flat_map(|row| {
        let first = row.split(" | ").next().unwrap_or_default();
        let first = format!("`{first}");
        code_spans(&first).map(str::to_owned).collect::<Vec<_>>()
    })
    .collect()
}

fn compare(used: &BTreeSet<String>, documented: &BTreeSet<String>) -> Vec<String> {
    let undocumented = used.difference(documented).map(|name| format!("{FILE}: no reason is given for `{name}` (Cargo.toml)"));
    let unused = documented.difference(used).map(|name| format!("{FILE}: `{name}` is not a dependency any more; remove its row"));
    undocumented.chain(unused).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_both_directions() {
        let manifest = "[workspace.dependencies]\nserde = '1'\nours = { path = 'x' }\nurl = { version = '2' }\n".parse().unwrap();
        let documented = documented("| Crate | Reason |\n|---|---|\n| `serde`, `old` | for `ours` |\n");
        assert_eq!(
            compare(&used(&manifest), &documented),
            [
                "docs/dependencies.md: no reason is given for `url` (Cargo.toml)",
                "docs/dependencies.md: `old` is not a dependency any more; remove its row",
            ]
        );
    }
}
