//! The table of the contract: local against base, server against base, what is offered, what a check answers.

use crate::common::{Bench, FIRST};

/// A row: what happens to the sides after they agreed, the state, and the exit code of a check.
struct Row {
    name: &'static str,
    local: Option<&'static str>,
    server: Option<&'static str>,
    keeps_base: bool,
    state: &'static str,
    check: i32,
}

const ROWS: [Row; 7] = [
    Row { name: "same, same", local: None, server: None, keeps_base: true, state: "in_step", check: 0 },
    Row { name: "changed, same", local: Some("Mine"), server: None, keeps_base: true, state: "ahead", check: 1 },
    Row { name: "same, changed", local: None, server: Some("Theirs"), keeps_base: true, state: "behind", check: 1 },
    Row {
        name: "changed, changed alike",
        local: Some("Both"),
        server: Some("Both"),
        keeps_base: true,
        state: "in_step",
        check: 0,
    },
    Row { name: "changed, changed", local: Some("Mine"), server: Some("Theirs"), keeps_base: true, state: "diverged", check: 1 },
    Row { name: "no base", local: Some("Mine"), server: None, keeps_base: false, state: "unknown", check: 1 },
    Row { name: "no base, alike", local: None, server: None, keeps_base: false, state: "in_step", check: 0 },
];

fn arrange(row: &Row) -> Bench {
    let bench = Bench::in_step();
    if let Some(text) = row.server {
        bench.colleague(text);
    }
    if let Some(text) = row.local {
        bench.code(text);
    }
    if !row.keeps_base {
        bench.project().remove("keepstep.lock");
    }
    bench
}

fn persona_state(bench: &Bench) -> (i32, String) {
    let (code, document) = bench.json(&["sync", "--check"]);
    let fields = document["fields"].as_array().unwrap();
    let persona = fields.iter().find(|field| field["field"] == "persona").unwrap();
    (code, persona["state"].as_str().unwrap().to_owned())
}

#[test]
fn check_tells_each_state() {
    for row in &ROWS {
        let bench = arrange(row);
        assert_eq!(persona_state(&bench), (row.check, row.state.to_owned()), "{}", row.name);
    }
}

#[test]
fn accept_takes_the_server_in_every_state() {
    for row in &ROWS {
        let bench = arrange(row);
        bench.ok(&["sync", "--accept"]);
        let expected = row.server.unwrap_or(FIRST);
        assert!(bench.project().read("src/index.ts").contains(expected), "{}", row.name);
        assert_eq!(persona_state(&bench), (0, "in_step".to_owned()), "{}", row.name);
        assert_eq!(bench.published(), expected, "{}", row.name);
    }
}

#[test]
fn s15_push_publishes_in_every_state_and_a_check_is_in_step_then() {
    for row in &ROWS {
        let bench = arrange(row);
        bench.ok(&["sync", "--push"]);
        let expected = row.local.unwrap_or(FIRST);
        assert_eq!(bench.published(), expected, "{}", row.name);
        assert_eq!(persona_state(&bench), (0, "in_step".to_owned()), "{}", row.name);
    }
}

#[test]
fn without_a_flag_and_a_terminal_nothing_is_written() {
    for row in &ROWS {
        let bench = arrange(row);
        let before = bench.project().read("src/index.ts");
        let versions = bench.all_versions();
        let output = bench.output(&["sync"]);
        assert_eq!(output.status.code(), Some(if row.check == 1 { 4 } else { 0 }), "{}", row.name);
        assert_eq!(bench.project().read("src/index.ts"), before, "{}", row.name);
        assert_eq!(bench.all_versions(), versions, "{}", row.name);
    }
}

#[test]
fn a_second_run_changes_nothing() {
    for flag in ["--accept", "--push", "--merge"] {
        let bench = Bench::in_step();
        bench.colleague("Theirs");
        bench.ok(&["sync", flag]);
        // A copy of the lock file appears beside the next manifest.
        let listed =
            || -> Vec<_> { bench.project().files().into_iter().filter(|path| !path.starts_with("dist-v2/sources/")).collect() };
        let files = listed();
        let lock = bench.project().read("keepstep.lock");
        let versions = bench.all_versions();
        bench.ok(&["sync", flag]);
        assert_eq!(listed(), files, "{flag}");
        assert_eq!(bench.project().read("keepstep.lock"), lock, "{flag}");
        assert_eq!(bench.all_versions(), versions, "{flag}");
    }
}
