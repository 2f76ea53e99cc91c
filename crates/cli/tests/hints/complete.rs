//! No hint is without a row.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Row, agent, matches, run, server, test_data};

/// Hints that no row shows, and why. What differs stands as `*`.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "another `keepstep serve`* uses * already; both work on the same data, and live updates take up to a second",
        "it names a command that runs, and none to run",
    ),
    (
        "Its next request is refused. It can be connected again with `keepstep login`",
        "a page says what will follow, before a device is signed out",
    ),
    ("`keepstep ", "it is how the program replaces its own name, and no hint"),
    (
        "Start it with `keepstep serve`, which creates one",
        "only a program that uses the server as a library can start one without a place for files",
    ),
    ("`keepstep serve --data *` serves it", "a server runs until it is ended, and nothing else tells that it helped"),
    (
        "`keepstep admin fsck --mend` brings the counts in step",
        "only another program that writes into the database makes such counts",
    ),
    (
        "Reading goes on. Ask the operator of the server to make room: `keepstep admin stats` shows what takes it",
        "only a full disk makes a server say so",
    ),
];

/// Returns the Rust files of a folder, without those of tests.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            sources(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" && name != "laws.rs" {
            found.push(path);
        }
    }
}

/// Returns a text of the source as it is printed, with a `*` for each value.
fn pattern(literal: &str) -> String {
    let mut pattern = String::new();
    let mut rest = literal;
    while let Some((before, after)) = rest.split_once('{') {
        pattern.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or_default();
        pattern.push_str(if name == "program" { "keepstep" } else { "*" });
        rest = after;
    }
    (pattern + rest).replace("\\\"", "\"").trim_end_matches('.').to_owned()
}

/// Returns a message as the server's API says it: with a capital letter.
fn capitalized(message: &str) -> String {
    let mut characters = message.chars();
    characters.next().into_iter().flat_map(char::to_uppercase).chain(characters).collect()
}

/// Returns the texts in lines of code that name a command of the program or an option in backticks.
fn sentences(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let mut found = Vec::new();
    for line in code.lines().map(str::trim_start) {
        // Comments, descriptions of the API and help that was asked for are no hints.
        if line.starts_with("//") || line.contains("description =") || line.contains("help = ") {
            continue;
        }
        let line = line.replace("\\\"", "\u{1}");
        for literal in line.split('"').skip(1).step_by(2) {
            let is_option = |rest: &str| rest.starts_with(|letter: char| letter.is_ascii_lowercase());
            let names_option = literal.split("`--").skip(1).any(is_option);
            if literal.contains("`keepstep ") || literal.contains("`{program} ") || names_option {
                found.push(pattern(&literal.replace('\u{1}', "\"")));
            }
        }
    }
    found
}

#[test]
fn every_hint_has_a_row_or_a_reason() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for entry in fs::read_dir(crates).unwrap() {
        sources(&entry.unwrap().path().join("src"), &mut files);
    }
    let rows: Vec<&Row> = [agent::ROWS, test_data::ROWS, run::ROWS, server::ROWS].into_iter().flatten().collect();
    let (mut seen, mut without) = (Vec::new(), Vec::new());
    for file in files {
        for sentence in sentences(&fs::read_to_string(&file).unwrap()) {
            let is_shown = rows.iter().any(|row| matches(&sentence, row.hint) || matches(&capitalized(&sentence), row.hint));
            let has_reason = EXCEPTIONS.iter().any(|(hint, _)| *hint == sentence);
            if is_shown == has_reason {
                let both = if is_shown { " (has a row, and needs no reason)" } else { "" };
                without.push(format!("{}: {sentence}{both}", file.strip_prefix(crates).unwrap().display()));
            }
            seen.push(sentence);
        }
    }
    assert!(seen.len() > 90, "only {} hints were found; is the search still right?", seen.len());
    assert!(EXCEPTIONS.len() < 8, "a row is the rule: {} hints have none", EXCEPTIONS.len());
    for (hint, reason) in EXCEPTIONS {
        let is_reason = reason.split(' ').count() > 3 && !reason.contains("row") && !reason.contains("yet");
        assert!(is_reason, "{reason:?} does not say why {hint:?} cannot have a row");
    }
    let gone: Vec<_> = EXCEPTIONS.iter().filter(|(hint, _)| !seen.iter().any(|seen| seen == hint)).collect();
    assert!(gone.is_empty(), "no source says this any more: {gone:?}");
    assert!(
        without.is_empty(),
        "{} hints need a row of the table in tests/hints, or a reason:\n{}",
        without.len(),
        without.join("\n")
    );
}
