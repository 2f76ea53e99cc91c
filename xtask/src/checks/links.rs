//! Every relative link in a Markdown file leads to a file.

use std::path::Path;

use anyhow::{Context, Result};

use crate::repository;

/// Returns what is wrong.
pub(super) fn problems() -> Result<Vec<String>> {
    let root = repository::root();
    let mut problems = Vec::new();
    for file in repository::files("", "md")? {
        let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let folder = file.parent().unwrap_or(&root);
        let name = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
        problems.extend(broken(&text, folder).map(|link| format!("{name}: {link} leads nowhere")));
    }
    Ok(problems)
}

fn broken<'a>(text: &'a str, folder: &'a Path) -> impl Iterator<Item = &'a str> {
    targets(text).filter(move |target| {
        let path = target.split('#').next().unwrap_or_default();
        let elsewhere = path.is_empty() || path.contains("://") || path.starts_with("mailto:");
        !elsewhere && !folder.join(path).exists()
    })
}

/// Returns the targets of inline links. Links in code blocks are looked at as well, which has not been in the way.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_links_that_lead_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("there.md"), "").unwrap();
        let text = "[a](there.md) [b](there.md#part) [c](#part) [d](https://example.org/x) [e](gone.md)";
        assert_eq!(broken(text, folder.path()).collect::<Vec<_>>(), ["gone.md"]);
    }
}
