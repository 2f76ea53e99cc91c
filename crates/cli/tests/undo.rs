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

#[test]
fn a_copy_that_is_gone_does_not_remove_the_file() {
    let bench = Bench::in_step();
    bench.colleague("Theirs");
    bench.ok(&["sync", "--accept"]);
    let copy = bench.project().files().into_iter().find(|file| file.ends_with("/0-index.ts")).unwrap();
    bench.project().remove(&copy);
    assert_eq!(bench.output(&["undo"]).status.code(), Some(2));
    assert_eq!(bench.project().read("src/index.ts"), code("Theirs"));
}

#[test]
fn an_entry_from_somebody_else_names_files_of_the_project_only() {
    let bench = Bench::in_step();
    let outside = bench.world.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, bench.project().path().join("link")).unwrap();
    let absolute = outside.join("file").to_string_lossy().into_owned();
    for path in [&*absolute, "../outside/file", "link/file"] {
        let entry = serde_json::json!({ "command": "sync", "files": [{ "path": path, "copy": "0-x", "written": null }] });
        bench.project().file(".keepstep/undo/20990101T000000Z-1/manifest.json", entry.to_string());
        bench.project().file(".keepstep/undo/20990101T000000Z-1/0-x", "evil");
        let output = bench.output(&["undo"]);
        assert_eq!(output.status.code(), Some(2), "{path}");
        assert!(!outside.join("file").exists(), "{path}");
    }
}
