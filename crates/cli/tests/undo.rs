//! `keepstep undo`

use insta::assert_snapshot;

use crate::common::{Bench, FIRST, code};

#[test]
fn a_file_that_was_changed_since_is_not_touched() {
    let bench = Bench::in_step();
    bench.colleague("Theirs");
    bench.ok(&["sync", "--accept"]);
    bench.code("Mine, later");
    let output = bench.output(&["undo"]);
    assert_eq!(output.status.code(), Some(4));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let copy = text.split_whitespace().find(|word| word.contains("/.keepstep/undo/")).unwrap();
    assert_eq!(std::fs::read_to_string(copy).unwrap(), code(FIRST));
    assert_eq!(bench.project().read("src/index.ts"), code("Mine, later"));
}

#[test]
fn nothing_to_undo() {
    let bench = Bench::new();
    assert_snapshot!(bench.run(&["undo"]), @"
    exit: 3
    ----- stderr -----
    error: nothing is kept for [WORLD]/project: no command replaced anything
    ");
}

#[test]
fn an_undo_can_be_undone() {
    let bench = Bench::in_step();
    bench.colleague("Theirs");
    bench.ok(&["sync", "--accept"]);
    bench.ok(&["undo"]);
    assert_eq!(bench.project().read("src/index.ts"), code(FIRST));
    bench.ok(&["undo"]);
    assert_eq!(bench.project().read("src/index.ts"), code("Theirs"));
}

#[test]
fn the_folder_is_not_for_git() {
    let bench = Bench::in_step();
    assert_eq!(bench.project().read(".keepstep/.gitignore"), "*\n");
}
