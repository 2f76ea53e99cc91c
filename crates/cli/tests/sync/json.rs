//! `keepstep sync --json`

use insta::assert_json_snapshot;
use serde_json::Value;

use crate::common::{Bench, FIRST};

fn without_this_run(bench: &Bench, document: &Value) -> Value {
    serde_json::from_str(&bench.filtered(&document.to_string())).unwrap()
}

#[test]
fn the_document_of_a_check() {
    let bench = Bench::in_step();
    bench.code(&FIRST.replace("friendly", "formal"));
    let (exit, document) = bench.json(&["sync", "--check"]);
    assert_eq!(exit, 1);
    assert_json_snapshot!(without_this_run(&bench, &document), @"");
}

#[test]
fn a_failure_is_a_document_too() {
    let bench = Bench::in_step();
    bench.project().file("keepstep.lock", "<<<<<<< HEAD\nversion = 1\n=======\nversion = 1\n>>>>>>> b\n");
    let (exit, document) = bench.json(&["sync", "--check"]);
    assert_eq!(exit, 2);
    assert_eq!(document["error"]["kind"], "lock_file");
    assert_eq!(document["exit"], 2);
}
