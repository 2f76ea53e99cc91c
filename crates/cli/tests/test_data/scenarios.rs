//! `keepstep scenarios …`

use insta::assert_snapshot;
use keepstep_testkit::{Canned, Reply, transcript};
use serde_json::{Value, json};

use super::Place;

#[test]
fn a_scenario_is_made_selected_and_shown() {
    let place = Place::connected();
    assert_snapshot!(place.run(&["scenarios", "create", "--name", "Billing EU", "--goal", "Bills are found", "--constraint", "No refunds"]), @"
    exit: 0
    ----- stdout -----
    ✅ Created scenario Billing EU ([SCENARIO]) on [URL]
    ----- stderr -----
    It is selected, in .fluxloop/scenarios/Billing_EU
    ");
    assert_snapshot!(place.run(&["scenarios", "list"]), @"
    exit: 0
    ----- stdout -----
       ID                                 NAME        FOLDER      CREATED
    *  [SCENARIO]  Billing EU  Billing_EU  [DAY]
       [SCENARIO]  orders                  [DAY]
    ");
    assert_snapshot!(place.run(&["scenarios", "select", "orders"]), @"
    exit: 0
    ----- stdout -----
    ✅ Selected scenario orders, in .fluxloop/scenarios/orders
    ----- stderr -----
    hint: `keepstep sync pull` brings its newest bundle here
    ");
    assert_snapshot!(place.run(&["scenarios", "show"]), @"
    exit: 0
    ----- stdout -----
    scenario     orders ([SCENARIO])
    about        Order questions
    created      [DAY]
    ");
    assert_eq!(
        place.json(&["scenarios", "list"])["scenarios"].as_array().unwrap().iter().filter(|one| one["selected"] == true).count(),
        1
    );
    assert_eq!(place.code(&["scenarios", "create", "--name", "orders"]), 12);
    assert_eq!(place.code(&["scenarios", "show", "scenario_0"]), 3);
}

#[test]
fn f25_the_form_that_was_found_is_written() {
    let place = Place::connected();
    let project = place.world.project();
    let context = || serde_json::from_str::<Value>(&project.read(".fluxloop/context.json")).unwrap();
    place.ok(&["scenarios", "select", "orders"]);
    assert_eq!(context()["current_scenario"]["local_path"], "scenarios/orders");
    project.file(
        ".fluxloop/context.json",
        r#"{"current_scenario": "old", "current_scenario_id": "x", "current_bundle_version_id": "b", "mine": [1]}"#,
    );
    place.ok(&["scenarios", "select", "orders"]);
    let id = place.json(&["scenarios", "list"])["scenarios"][0]["id"].clone();
    assert_eq!(context(), json!({"current_scenario": "orders", "current_scenario_id": id, "mine": [1]}));
}

#[test]
fn f22_server_names_are_never_paths() {
    let place = Place::new();
    let names = ["../../../x", "/abs/path", "..", "", "con", "a\u{1b}]0;x\u{7}", &"long".repeat(100), "🙂", "Orders", "orders"];
    let scenarios: Vec<Value> =
        names.iter().enumerate().map(|(index, name)| json!({"id": format!("s{index}"), "name": name})).collect();
    let server = Canned::start(move |_| Reply::json(200, &json!(scenarios)));
    for index in 0..names.len() {
        let select = ["scenarios", "select", &format!("s{index}"), "--project-id", "p", "--url", &server.url(), "--api-key", "k"];
        let output = place.bare(&select).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", transcript(&output));
        assert!(!transcript(&output).contains('\u{1b}'));
    }
    let links: Value = serde_json::from_str(&place.world.project().read(".fluxloop/scenarios.json")).unwrap();
    let mut folders: Vec<String> = links.as_object().unwrap().keys().map(|folder| folder.to_lowercase()).collect();
    folders.sort_unstable();
    folders.dedup();
    assert_eq!(folders.len(), names.len(), "each has its own, also where case does not count: {folders:?}");
    assert!(folders.iter().all(|folder| folder.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))), "{folders:?}");
    assert_eq!(place.world.project().files(), [".fluxloop/.gitignore", ".fluxloop/context.json", ".fluxloop/scenarios.json"]);
    assert_eq!(
        std::fs::read_dir(place.world.path()).unwrap().filter(|entry| entry.as_ref().unwrap().file_name() == "x").count(),
        0
    );
}

#[test]
fn f20_nothing_of_a_servers_configuration_is_written_where_it_would_run() {
    let place = Place::new();
    let snapshot = json!({"runner": {"type": "process", "command": ["sh", "-c", "touch owned"]}});
    let scenario = json!({"id": "s1", "name": "orders", "config_snapshot": snapshot});
    let server = Canned::start(move |_| Reply::json(200, &json!([scenario])));
    let select = ["scenarios", "select", "s1", "--project-id", "p", "--url", &server.url(), "--api-key", "k"];
    assert_eq!(place.bare(&select).output().unwrap().status.code(), Some(0));
    for file in place.world.project().files() {
        assert!(!place.world.project().read(&file).contains("touch owned"), "{file}");
    }
}

#[test]
fn f34_a_folder_that_was_typed_stays_in_the_workspace() {
    let place = Place::connected();
    for path in ["../../../x", "/x", "..", ""] {
        assert_eq!(place.code(&["scenarios", "select", "orders", "--local-path", path]), 2, "{path}");
    }
    place.ok(&["scenarios", "select", "orders", "--local-path", "scenarios/mine"]);
    assert!(place.world.project().read(".fluxloop/context.json").contains("scenarios/mine"));
}
