//! The way up: local edits become a bundle version.

use insta::assert_snapshot;
use serde_json::json;

use super::{Bench, INPUTS, SCENARIO};

const PUBLISH: [&str; 3] = ["bundles", "publish", "--from-workspace"];

fn publish(more: &[&'static str]) -> Vec<&'static str> {
    PUBLISH.iter().chain(more).copied().collect()
}

/// Returns what the newest bundle version says: its inputs by their ids, and the names of its criteria.
fn published(bench: &Bench) -> Vec<(String, String)> {
    let other = bench.world.project_named("look");
    other.file(".fluxloop/project.json", bench.project().read(".fluxloop/project.json"));
    let mut command = bench.command(&["sync", "pull", "--scenario", "orders", "--force", "--quiet"]);
    let output = command.current_dir(other.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = other.read(INPUTS);
    let list: serde_json::Value = keepstep_workspace::yaml::parse_data(&text).unwrap();
    let inputs = list["inputs"].as_array().unwrap().iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    inputs.map(|input| (text(&input["metadata"]["input_item_id"]), text(&input["input"]))).collect()
}

#[test]
fn local_edits_become_the_next_bundle_version() {
    let bench = Bench::pulled();
    assert_snapshot!(bench.run(&PUBLISH), @"
    exit: 0
    ----- stdout -----
    ✅ Nothing to publish: .fluxloop/scenarios/orders says what bundle version [BUNDLE] says
    ");
    bench.edit(INPUTS, "input: two", "input: two, please # kindly");
    bench.edit(INPUTS, "inputs:\n", "inputs:\n# Asked by support.\n- input: zero\n");
    let before = bench.tree();
    assert_snapshot!(bench.run(&publish(&["--dry-run"])), @"
    exit: 0
    ----- stdout -----
    Would publish .fluxloop/scenarios/orders on [URL]: 1 input changed, 1 input added
    ");
    assert_eq!(bench.tree(), before);
    assert_snapshot!(bench.run(&publish(&["--message", "kinder"])), @"
    exit: 0
    ----- stdout -----
    ✅ [BUNDLE] (orders) is published on [URL], with 4 inputs: 1 input changed, 1 input added
    ");
    // Words of people that are no test data stay where they are.
    let text = bench.project().read(INPUTS);
    assert!(text.contains("# Asked by support.") && text.contains("# kindly"), "{text}");
    let now = published(&bench);
    let texts: Vec<&str> = now.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["zero", "one", "two, please", "three"]);
    assert_eq!(now[2].0, "i2");
    assert_eq!(bench.json(&["sync", "pull"])["scenarios"][0]["up_to_date"], true);
    assert_eq!(bench.json(&PUBLISH)["bundle"], json!(null));
    assert_eq!(bench.json(&["bundles", "list"])["bundles"].as_array().unwrap().len(), 2);
}

#[test]
fn criteria_and_personas_go_up_too() {
    let bench = Bench::pulled();
    bench.edit(&format!("{SCENARIO}/.state/criteria/be_polite.yaml"), "- Be polite", "- Be very polite");
    bench.project().file(&format!("{SCENARIO}/.state/criteria/short.yaml"), "name: Short\nitems: [Be short]\n");
    let document = bench.json(&PUBLISH);
    assert_eq!(document["changes"], json!({"inputs": {"changed": 0, "added": 0, "removed": 0}, "personas": 0, "criteria": 2}));
    let criteria = bench.project().read(&format!("{SCENARIO}/.state/sync/criteria.json"));
    assert!(criteria.contains("Be very polite") && criteria.contains("Be short"), "{criteria}");
    assert_eq!(bench.json(&PUBLISH)["bundle"], json!(null));
    // One that no input names would be in no version.
    let personas = format!("{SCENARIO}/.state/sync/personas.json");
    bench.project().file(&personas, json!({"items": [{"name": "novice"}]}).to_string());
    assert_snapshot!(bench.run(&PUBLISH), @"
    exit: 2
    ----- stderr -----
    error: [WORLD]/project/.fluxloop/scenarios/orders/inputs/generated.yaml: no input uses persona novice: name it as `persona` in the `metadata` of one, or undo the change of it
    ");
    bench.edit(INPUTS, "input: one\n  metadata:", "input: one\n  metadata:\n    persona: novice");
    assert_snapshot!(bench.run(&PUBLISH), @"
    exit: 0
    ----- stdout -----
    ✅ [BUNDLE] (orders) is published on [URL], with 3 inputs: 1 input changed, 1 persona updated
    ");
    // What another scenario makes of it meanwhile is not replaced.
    let data = "scenario: {name: returns}\npersonas: [{name: novice, level: 4}]\ninputs: [{text: x, persona: novice}]\n";
    bench.project().file("data.yaml", data);
    let path = bench.project().path().join("data.yaml");
    bench.platform.admin(&["import", "--project", &bench.project_id, &path.to_string_lossy()]);
    bench.edit(&personas, "\"novice\"", "\"novice\", \"level\": 5");
    assert_snapshot!(bench.run(&PUBLISH), @r#"
    exit: 12
    ----- stderr -----
    error: [URL] refused this: Persona "novice" was changed in the project since this bundle version.
    hint: give it another name; or publish the scenario on its page, which takes the persona as it is in the project, and pull
    "#);
}

#[test]
fn what_the_server_got_meanwhile_is_merged_first() {
    let bench = Bench::pulled();
    bench.edit(INPUTS, "input: two", "input: my two");
    bench.publish("orders", &[("i1", "one"), ("i2", "two"), ("i3", "their three"), ("i4", "four")], &["Be polite"]);
    let document = bench.json(&PUBLISH);
    assert_eq!((&document["merged"], &document["changes"]["inputs"]["changed"]), (&json!(true), &json!(1)));
    let texts: Vec<String> = published(&bench).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["one", "my two", "their three", "four"]);

    // What both changed is a person's to decide, and nothing is published.
    bench.edit(INPUTS, "input: one", "input: my one");
    bench.publish("orders", &[("i1", "their one"), ("i2", "my two"), ("i3", "their three"), ("i4", "four")], &["Be polite"]);
    let before = bench.tree();
    assert_snapshot!(bench.run(&PUBLISH), @r#"
    exit: 4
    ----- stderr -----
    [URL] has a newer bundle version; it is merged first
    error: 1 part of orders changed here and on the server; nothing was written:
      inputs/generated.yaml: input i1 ("my one"): input
    hint: run `keepstep sync pull` on a terminal to decide about each one
    hint: `keepstep sync pull --force` takes the server's; `keepstep undo` restores what was here
    "#);
    assert_eq!(bench.tree(), before);
    assert_eq!(published(&bench)[0].1, "their one");
}

#[test]
fn what_would_not_be_published_is_told_and_nothing_is_done() {
    let bench = Bench::new();
    bench.publish("orders", &[("i1", "one")], &["Be polite"]);
    bench.ok(&["scenarios", "select", "orders"]);
    assert_snapshot!(bench.run(&PUBLISH), @"
    exit: 2
    ----- stderr -----
    error: nothing was pulled into [WORLD]/project/.fluxloop/scenarios/orders yet
    hint: `keepstep sync pull` brings it to a workspace
    ");
    bench.ok(&["sync", "pull"]);
    let base = format!("{SCENARIO}/.state/pull_base.json.zst");
    bench.project().file(&base, "x");
    assert_snapshot!(bench.run(&PUBLISH), @"
    exit: 2
    ----- stderr -----
    error: the copy of what was pulled into [WORLD]/project/.fluxloop/scenarios/orders is damaged
    hint: delete `.state/pull_base.json.zst` there; `keepstep sync pull` brings it again
    ");
    std::fs::remove_file(bench.project().path().join(&base)).unwrap();
    assert_snapshot!(bench.run(&PUBLISH), @"
    exit: 2
    ----- stderr -----
    error: the copy of what was pulled into [WORLD]/project/.fluxloop/scenarios/orders is missing
    hint: `keepstep sync pull` brings it again
    ");
    bench.ok(&["sync", "pull"]);
    assert_eq!(bench.json(&PUBLISH)["bundle"], json!(null));
    bench.edit(INPUTS, "- input: one", "- input: one\n  own: 1");
    assert_snapshot!(bench.run(&PUBLISH), @"
    exit: 2
    ----- stderr -----
    error: [WORLD]/project/.fluxloop/scenarios/orders/inputs/generated.yaml: input 1 has `own`, which a server does not keep; move it into its `metadata`
    ");
    bench.ok(&["sync", "pull", "--force"]);
    bench.edit(&format!("{SCENARIO}/.state/sync/criteria.json"), "Be polite", "Be rude");
    assert_snapshot!(bench.run(&PUBLISH), @"
    exit: 2
    ----- stderr -----
    error: edits of .state/sync/criteria.json are not published: inputs are edited in inputs/generated.yaml, personas in .state/sync/personas.json, criteria in .state/criteria
    hint: `keepstep sync pull --force` takes the server's; `keepstep undo` restores what was here
    ");
}

#[test]
fn a_command_that_was_stopped_is_run_again() {
    let bench = Bench::pulled();
    bench.edit(INPUTS, "input: two", "input: my two");
    bench.edit(INPUTS, "inputs:\n", "inputs:\n- input: zero\n");
    // What it does last did not happen: the folder is as it was when the server had answered.
    let before: Vec<(String, Vec<u8>)> = bench.tree();
    let first = bench.json(&PUBLISH)["bundle"]["id"].clone();
    let with_ids = bench.project().bytes(INPUTS);
    for (path, bytes) in before {
        bench.project().file(&path, bytes);
    }
    bench.project().file(INPUTS, with_ids);
    let again = bench.json(&PUBLISH);
    assert_eq!((&again["bundle"]["id"], &again["merged"]), (&first, &json!(false)));
    assert_eq!(published(&bench).len(), 4);
    assert_eq!(bench.json(&["sync", "pull"])["scenarios"][0]["up_to_date"], true);
}
