//! Every package that is built has a license that goes with ours.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::command;

/// The licenses that ask for no more than their notice, or only for changes to their own files (MPL).
const ACCEPTED: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Zlib",
];

/// Returns what is wrong.
pub(super) fn problems() -> Result<Vec<String>> {
    let mut metadata = command::cargo(&["metadata", "--format-version", "1", "--locked"]);
    let output = command::capture(&mut metadata, Duration::from_secs(300))?.exits(0)?;
    let metadata: Value = serde_json::from_str(&output.stdout).context("cargo printed no metadata")?;
    let packages = metadata["packages"].as_array().context("cargo's metadata has no packages")?;
    let refused = packages.iter().filter(|package| !package["license"].as_str().is_some_and(accepted));
    Ok(refused
        .map(|package| format!("the license of {} is {}, which is not accepted", package["name"], package["license"]))
        .collect())
}

/// Returns true if an SPDX expression can be met with accepted licenses. The old form with `/` means OR.
fn accepted(expression: &str) -> bool {
    let words = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ").replace(" WITH ", "-WITH-");
    let words: Vec<&str> = words.split_whitespace().collect();
    let (is_accepted, rest) = any(&words);
    is_accepted && rest.is_empty()
}

fn any<'w>(words: &'w [&'w str]) -> (bool, &'w [&'w str]) {
    let (mut is_accepted, mut rest) = all(words);
    while let ["OR", after @ ..] = rest {
        let (other, after) = all(after);
        is_accepted |= other;
        rest = after;
    }
    (is_accepted, rest)
}

fn all<'w>(words: &'w [&'w str]) -> (bool, &'w [&'w str]) {
    let (mut is_accepted, mut rest) = one(words);
    while let ["AND", after @ ..] = rest {
        let (other, after) = one(after);
        is_accepted &= other;
        rest = after;
    }
    (is_accepted, rest)
}

fn one<'w>(words: &'w [&'w str]) -> (bool, &'w [&'w str]) {
    match words {
        ["(", inner @ ..] => match any(inner) {
            (is_accepted, [")", rest @ ..]) => (is_accepted, rest),
            (_, rest) => (false, rest),
        },
        [name, rest @ ..] => (ACCEPTED.contains(&name.replace("-WITH-", " WITH ").as_str()), rest),
        [] => (false, words),
    }
}

#[cfg(test)]
mod tests {
    use super::accepted;

    #[test]
    fn one_of_the_alternatives_is_enough_and_all_of_a_conjunction_are_needed() {
        assert!(accepted("MIT"));
        assert!(accepted("Apache-2.0 OR GPL-2.0-only"));
        assert!(accepted("Unlicense/MIT"));
        assert!(accepted("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT"));
        assert!(accepted("(Apache-2.0 OR MIT) AND BSD-3-Clause"));
        assert!(!accepted("MIT AND GPL-3.0-only"));
        assert!(!accepted("(MIT OR Apache-2.0"));
        assert!(!accepted("GPL-3.0-only"));
        assert!(!accepted(""));
    }
}
