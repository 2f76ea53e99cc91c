//! `keepstep undo`

use std::collections::BTreeMap;

use insta::assert_snapshot;
use keepstep_testkit::transcript;
use proptest::prelude::*;

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
    error: nothing to undo for [WORLD]/project: no command replaced anything
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
fn a_push_that_had_only_the_lock_to_write_is_undone_as_a_whole() {
    let bench = Bench::in_step();
    bench.project().remove("keepstep.lock");
    let before = tree(&bench);
    bench.ok(&["push", "persona", "--force"]);
    assert!(bench.project().has("keepstep.lock"));
    bench.ok(&["undo"]);
    assert_eq!(tree(&bench), before, "the manifest too, which was made again");
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

/// Runs a command and returns its exit code.
fn code_of(bench: &Bench, arguments: &[&str]) -> i32 {
    bench.output(arguments).status.code().unwrap()
}

#[test]
fn the_base_comes_back_with_the_text() {
    let bench = Bench::in_step();
    let (mine, theirs) = (FIRST.replace("friendly", "formal"), FIRST.replace("friendly", "kind"));
    bench.colleague(&theirs);
    bench.code(&mine);
    let lock = bench.project().read("keepstep.lock");
    bench.ok(&["sync", "--accept"]);
    assert_ne!(bench.project().read("keepstep.lock"), lock);
    bench.ok(&["undo"]);
    assert_eq!(bench.project().read("keepstep.lock"), lock);
    assert_eq!(code_of(&bench, &["sync", "--merge"]), 4, "both sides changed the same line");
    assert_eq!(bench.published(), theirs, "the colleague's text is not published over");
}

#[test]
fn after_an_undone_pull_the_same_version_is_pulled_again() {
    let (bench, project) = with_test_data();
    publish(&bench, &project, "one", &["a", "b"]);
    let pull = ["sync", "pull", "--project-id", &project, "--scenario", "orders"];
    bench.ok(&pull);
    let before = tree(&bench);
    publish(&bench, &project, "one new", &["a", "b", "c"]);
    bench.ok(&pull);
    let after = tree(&bench);
    assert_snapshot!(bench.run(&["undo"]), @"
    exit: 0
    ----- stdout -----
    ✅ Restored .fluxloop/scenarios/orders/inputs/generated.yaml
    ✅ Restored .fluxloop/scenarios/orders/.state/pull_base.json.zst
    ✅ Restored .fluxloop/scenarios/orders/.state/pull.json
    ✅ Restored .fluxloop/scenarios/orders/.state/sync/sync.json
    ✅ Restored .fluxloop/scenarios/orders/.state/sync.json
    ✅ Restored keepstep.lock
    ----- stderr -----
    hint: `keepstep undo [UNDO]` reverts this
    ");
    assert_eq!(tree(&bench), before);
    bench.ok(&pull);
    assert!(bench.project().read(".fluxloop/scenarios/orders/inputs/generated.yaml").contains("one new"));
    assert_eq!(without_times(tree(&bench)), without_times(after));
}

#[test]
fn a_first_pull_leaves_nothing_behind() {
    let (bench, project) = with_test_data();
    publish(&bench, &project, "one", &["a"]);
    let before = tree(&bench);
    bench.ok(&["sync", "pull", "--project-id", &project, "--scenario", "orders"]);
    bench.ok(&["undo"]);
    assert_eq!(tree(&bench), before);
    assert!(!bench.project().has(".fluxloop"));
}

#[test]
fn what_is_on_the_server_is_brought_back_by_the_command_that_is_printed() {
    let bench = Bench::in_step();
    bench.colleague(&FIRST.replace("a date", "a day"));
    bench.code(&FIRST.replace("friendly", "formal"));
    let before = tree(&bench);
    bench.ok(&["sync", "--merge"]);
    assert_snapshot!(bench.run(&["undo"]), @"
    exit: 0
    ----- stdout -----
    ✅ Restored src/index.ts
    ✅ Restored dist-v2/manifest.json
    ✅ Restored keepstep.lock
    ----- stderr -----
    hint: to restore what was replaced on the server, run `keepstep persona production deploy --persona-version 2`
    hint: `keepstep undo [UNDO]` reverts this
    ");
    assert_eq!(tree(&bench), before);
}

#[test]
fn what_another_command_wrote_since_stays() {
    let (bench, project) = with_test_data();
    let first = bench.project().read("keepstep.lock");
    bench.colleague("Theirs");
    let (_, accepted) = bench.json(&["sync", "--accept"]);
    publish(&bench, &project, "one", &["a"]);
    bench.ok(&["sync", "pull", "--project-id", &project, "--scenario", "orders"]);
    let id = accepted["undo"].as_str().unwrap().trim_start_matches("undo ");
    bench.ok(&["undo", id]);
    let lock = bench.project().read("keepstep.lock");
    assert!(lock.contains("[scenario.orders]"), "{lock}");
    let agent = |lock: &str| lock.split("[scenario").next().unwrap().trim_end().to_owned();
    assert_eq!(agent(&lock), agent(&first));
    assert_eq!(bench.project().read("src/index.ts"), code(FIRST));
}

#[test]
fn what_was_undone_already_is_not_undone_again() {
    let bench = Bench::in_step();
    bench.colleague("Theirs");
    let (_, accepted) = bench.json(&["sync", "--accept"]);
    let id = accepted["undo"].as_str().unwrap().trim_start_matches("undo ").to_owned();
    bench.ok(&["undo", &id]);
    let before = tree(&bench);
    assert!(bench.ok(&["undo", &id]).starts_with("Nothing to put back"));
    assert_eq!(tree(&bench), before);
}

#[test]
fn init_scenario_is_undone_as_a_whole() {
    let bench = Bench::in_step();
    bench.ok(&["init", "scenario", "orders"]);
    bench.project().file(".fluxloop/scenarios/orders/agents/my_agent.py", "mine\n");
    let before = tree(&bench);
    bench.ok(&["init", "scenario", "orders", "--force", "--link", "scenario_1"]);
    assert_ne!(tree(&bench), before);
    bench.ok(&["undo"]);
    assert_eq!(tree(&bench), before);
}

/// Returns a project of an agent with test data on the server.
fn with_test_data() -> (Bench, String) {
    let bench = Bench::in_step();
    let project = bench.platform.admin(&["project", "create", "--name", "Shop"]);
    (bench, project)
}

/// Publishes a bundle version of `orders` whose first input says this.
fn publish(bench: &Bench, project: &str, first: &str, ids: &[&str]) {
    let texts = ids.iter().enumerate().map(|(index, id)| {
        let text = if index == 0 { first.to_owned() } else { format!("input {id}") };
        format!("  - {{id: {id}, text: {text}}}\n")
    });
    let data = bench.world.project_named("colleague");
    data.file("data.yaml", format!("scenario: {{name: orders}}\ninputs:\n{}", texts.collect::<String>()));
    bench.platform.admin(&["import", "--project", project, &data.path().join("data.yaml").to_string_lossy()]);
}

/// Returns everything in the folder but what belongs to this checkout only, and the copies beside the manifest: each has the digest of its
/// content for a name and is only ever added, so one more changes nothing.
fn tree(bench: &Bench) -> BTreeMap<String, Vec<u8>> {
    let is_compared = |path: &String| !path.starts_with(".keepstep/") && !path.starts_with("dist-v2/sources/");
    let files = bench.project().files().into_iter().filter(is_compared);
    files.map(|path| (path.clone(), bench.project().bytes(&path))).collect()
}

/// Returns the tree without files that tell when they were written.
fn without_times(mut tree: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    tree.retain(|path, _| !path.contains(".state/") && path != "dist-v2/manifest.json" && path != ".fluxloop/context.json");
    tree
}

/// Something that happens to the sides before a command.
#[derive(Debug, Clone, Copy)]
enum Happens {
    Nothing,
    Edit(u8),
    Colleague(u8),
    Bundle(u8),
    EditOfInputs(u8),
}

const COMMANDS: [&[&str]; 7] = [
    &["sync", "--accept"],
    &["sync", "--push"],
    &["sync", "--merge"],
    &["push", "persona", "--force"],
    &["sync", "pull", "--scenario", "orders"],
    &["sync", "pull", "--scenario", "orders", "--force"],
    &["init", "scenario", "billing", "--force"],
];

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        Just(Happens::Nothing),
        (0u8..4).prop_map(Happens::Edit),
        (0u8..4).prop_map(Happens::Colleague),
        (0u8..4).prop_map(Happens::Bundle),
        (0u8..4).prop_map(Happens::EditOfInputs),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever commands ran before: a command and its undo leave every file as it was, and the undo of that is the command again.
    #[test]
    fn undo_is_the_inverse_of_a_command(
        steps in prop::collection::vec((prop::collection::vec(happens(), 0..3), 0..COMMANDS.len(), 0u8..3), 4..9),
    ) {
        let (bench, project) = with_test_data();
        publish(&bench, &project, "one", &["a", "b", "c"]);
        let inputs = ".fluxloop/scenarios/orders/inputs/generated.yaml";
        let word = |line: usize, number: u8| FIRST.replace(["friendly", "briefly", "promise"][line], &format!("word{number}"));
        for (events, command, undos) in steps {
            for event in &events {
                match event {
                    Happens::Nothing => {}
                    Happens::Edit(number) => bench.code(&word(usize::from(*number % 3), *number)),
                    Happens::Colleague(number) => bench.colleague(&word(usize::from(*number % 2), *number + 4)),
                    Happens::Bundle(number) => publish(&bench, &project, &format!("one {number}"), &["a", "b", "c"]),
                    Happens::EditOfInputs(number) if bench.project().has(inputs) => {
                        let text = bench.project().read(inputs);
                        bench.project().file(inputs, text.replace("input b", &format!("input b{number}")));
                    }
                    Happens::EditOfInputs(_) => {}
                }
            }
            let ids = || bench.json(&["undo", "--list"]).1["kept"].as_array().unwrap().len();
            let (before, kept) = (tree(&bench), ids());
            let mut arguments = COMMANDS[command].to_vec();
            if arguments[1] == "pull" {
                arguments.extend(["--project-id", &project]);
            }
            let output = bench.output(&arguments);
            let told = transcript(&output);
            prop_assert!(matches!(output.status.code(), Some(0 | 4)), "{arguments:?} {told}");
            let after = tree(&bench);
            if ids() == kept {
                // What is made of the rest is made again by every command.
                let without = |mut tree: BTreeMap<String, Vec<u8>>| { tree.remove("dist-v2/manifest.json"); tree };
                prop_assert_eq!(without(before), without(after), "nothing was kept: {:?} {}", arguments, told);
                continue;
            }
            for number in 0..undos {
                bench.ok(&["undo"]);
                let expected = if number % 2 == 0 { &before } else { &after };
                let now = tree(&bench);
                let differing: Vec<_> = expected.keys().chain(now.keys()).filter(|path| expected.get(*path) != now.get(*path)).collect();
                prop_assert!(differing.is_empty(), "undo {} of {:?}: {:?} {}", number, arguments, differing, told);
            }
        }
    }
}

#[test]
fn what_is_kept_is_listed_with_each_file_on_its_line() {
    let bench = Bench::in_step();
    assert!(bench.ok(&["undo", "--list"]).lines().all(|line| !line.contains(", ")));
    bench.colleague("Theirs");
    bench.ok(&["sync", "--accept"]);
    let listed = bench.ok(&["undo", "--list"]);
    assert!(listed.lines().any(|line| line.ends_with("  sync")), "{listed}");
    assert!(listed.lines().any(|line| line == "    src/index.ts"), "{listed}");
}
