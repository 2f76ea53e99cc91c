//! No hint is without a row.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Row, agent, matches, run, server, test_data};

/// The crates whose sentences a person may see.
const CRATES: [&str; 7] = ["cli", "client", "runner", "server", "source", "store", "workspace"];

/// Hints that no row shows, and why. What differs stands as `*`.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("edit the code by hand, or publish what it has with `keepstep sync --push`", "no row yet"),
    ("`keepstep login URL` begins again", "needs a login in a browser that runs out"),
    ("`keepstep bundles import * --write-ids` writes the ids into the file, so that any text may change", "no row yet"),
    ("`--force` takes it out of the file; `keepstep apikeys create` then makes one for the new server", "no row yet"),
    (
        "the key in .fluxloop/.env may be for the old project only; `keepstep apikeys create --overwrite-env` makes another",
        "no row yet",
    ),
    ("what was replaced on the server is brought back by `keepstep *`", "the command differs"),
    (
        "another `keepstep serve`* uses * already; both work on the same data, and live updates take up to a second",
        "a warning; nothing is to be done",
    ),
    ("interrupted; `keepstep test --resume` runs what is left", "needs a signal in the middle of a test"),
    (
        "stopped: the agent was not reachable, * times in a row; `keepstep test --resume` runs what is left",
        "needs an agent that goes away",
    ),
    ("  … and warnings in *: `keepstep results show --all` shows them", "no row yet"),
    ("`keepstep sync pull --bundle-version-id * --force` brings them back", "no row yet"),
    ("`keepstep test` without `--resume` begins a new run", "no row yet"),
    ("`keepstep sync pull` brings them", "no row yet"),
    ("`keepstep test --accept-criteria` accepts exactly these texts, and keeps that in criteria/accepted.json", "no row yet"),
    ("`keepstep sync upload` sends them later", "no row yet"),
    ("`keepstep scenarios select * --local-path NAME` says which", "no row yet"),
    ("`keepstep scenarios select ID` links it", "no row yet"),
    ("`keepstep init scenario NAME --agent -- program argument` takes every argument as it is", "no row yet"),
    ("the name of the scenario is required: `keepstep init scenario NAME --agent WHAT`", "no row yet"),
    ("`keepstep test --resume` resumes it", "no row yet"),
    ("if that is meant, `keepstep sync pull --force` does it; `keepstep undo` brings it back", "no row yet"),
    ("`keepstep sync pull --scenario *` pulls it there", "no row yet"),
    ("`keepstep scenarios select * --local-path *` moves it", "no row yet"),
    ("run `keepstep sync pull` on a terminal to decide about each one", "needs a terminal"),
    ("`keepstep sync pull --force` takes the server's; `keepstep undo` brings back what was here", "no row yet"),
    ("`keepstep push persona --draft` stores the persona alone", "no row yet"),
    ("`keepstep sync --push` publishes the code's", "no row yet"),
    ("* accepted the * but stored a different value; compare with `keepstep sync`", "needs a server that alters what it is sent"),
    ("`keepstep sync pull` notes it; or name it with `--bundle-version-id`", "no row yet"),
    ("it is kept, and the next `keepstep sync upload --pending` sends it", "no row yet"),
    (
        "`keepstep sync upload --all` sends the rest when the server can be reached",
        "needs a server that goes away between two uploads",
    ),
    (
        "`keepstep sync` shows the new state; `keepstep sync --merge` keeps both sides' edits",
        "needs a change between two requests",
    ),
    ("`keepstep sync upload --pending` tries again", "no row yet"),
    ("`keepstep login --force` signs in again, `keepstep auth status` shows whose key it is", "no row yet"),
    ("approve it there, then `keepstep login --resume`", "needs somebody who approves in a browser"),
    ("pipe it in: `keepstep login URL --with-key < key.txt`", "no row yet"),
    ("`keepstep sync --check --against current` compares with what production runs", "no row yet"),
    (
        "nothing of it is visible; run `keepstep sync upload` again when nobody writes to it",
        "needs a file that changes while it is sent",
    ),
    ("`keepstep ", "how the program replaces its own name, no hint"),
    ("Repair it, or remove * and run `keepstep login URL`", "no row yet"),
    ("If that is the server, run `keepstep login *`, or pass --url *", "needs a server that sends elsewhere"),
    ("* has no answer of * to this question*; `keepstep test --record` asks it and keeps the answer", "no row yet"),
    ("Ask an owner for a new one: `keepstep admin key create --name NAME`", "no row yet"),
    ("Sign in again: `keepstep login`", "needs a login in a browser that runs out"),
    ("Write it by hand; `keepstep admin import --project ID FILE` brings a file here", "no row yet"),
    ("Start it with `keepstep serve`, which makes one", "the server without files is only in tests"),
    (
        "nothing is published in * yet: bring test data with `keepstep admin import --project ID FILE`, or publish a bundle",
        "no row yet",
    ),
    ("Run `keepstep sync` to see what changed", "no row yet"),
    ("decide between the marked lines, then `keepstep sync --push`", "a person edits between"),
    (
        "take either side's keepstep.lock (`git checkout --theirs keepstep.lock`), then run `keepstep sync`",
        "the git command needs a repository in a merge",
    ),
];

/// Returns the Rust files of a folder, without those of tests.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            sources(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" && name != "hint_law.rs" {
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

/// Returns the texts in lines of code that name a command of the program in backticks.
fn sentences(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let mut found = Vec::new();
    for line in code.lines().map(str::trim_start) {
        // Neither comments nor the descriptions of the API tell a person what to run.
        if line.starts_with("//") || line.contains("description =") {
            continue;
        }
        let line = line.replace("\\\"", "\u{1}");
        for literal in line.split('"').skip(1).step_by(2) {
            if literal.contains("`keepstep ") || literal.contains("`{program} ") {
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
    CRATES.iter().for_each(|name| sources(&crates.join(name).join("src"), &mut files));
    let rows: Vec<&Row> = [agent::ROWS, test_data::ROWS, run::ROWS, server::ROWS].into_iter().flatten().collect();
    let (mut seen, mut without) = (Vec::new(), Vec::new());
    for file in files {
        for sentence in sentences(&fs::read_to_string(&file).unwrap()) {
            let is_shown = rows.iter().any(|row| matches(&sentence, row.hint));
            let has_reason = EXCEPTIONS.iter().any(|(hint, _)| *hint == sentence);
            if is_shown == has_reason {
                let both = if is_shown { " (has a row, and needs no reason)" } else { "" };
                without.push(format!("{}: {sentence}{both}", file.strip_prefix(crates).unwrap().display()));
            }
            seen.push(sentence);
        }
    }
    assert!(seen.len() > 90, "only {} hints were found; is the search still right?", seen.len());
    let gone: Vec<_> = EXCEPTIONS.iter().filter(|(hint, _)| !seen.iter().any(|seen| seen == hint)).collect();
    assert!(gone.is_empty(), "no source says this any more: {gone:?}");
    assert!(
        without.is_empty(),
        "{} hints need a row of the table in tests/hints, or a reason:\n{}",
        without.len(),
        without.join("\n")
    );
}
