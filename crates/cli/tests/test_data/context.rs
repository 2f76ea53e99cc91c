//! `keepstep context …`

use insta::assert_snapshot;

use super::Place;

#[test]
fn what_is_selected_is_shown_and_forgotten() {
    let place = Place::connected();
    assert_snapshot!(place.run(&["context", "show"]), @"
    exit: 0
    ----- stdout -----
    workspace  [WORLD]/project
    project    shop ([PROJECT])
    server     [URL] (from KEEPSTEP_URL)
    scenario   none
    ");
    assert_eq!(place.code(&["context", "set-bundle", "bundle_1"]), 2);
    place.ok(&["scenarios", "select", "orders"]);
    place.ok(&["context", "set-bundle", "bundle_1"]);
    assert_snapshot!(place.run(&["context", "show"]), @"
    exit: 0
    ----- stdout -----
    workspace  [WORLD]/project
    project    shop ([PROJECT])
    server     [URL] (from KEEPSTEP_URL)
    scenario   orders ([SCENARIO])
    folder     [WORLD]/project/.fluxloop/scenarios/orders
    bundle     bundle_1
    ");
    place.ok(&["context", "clear"]);
    assert_snapshot!(place.run(&["context", "clear"]), @"
    exit: 0
    ----- stdout -----
    Nothing was selected
    ");
    assert_eq!(place.json(&["context", "show"])["project"]["name"], "shop");
}

#[test]
fn f25_the_workspace_of_either_peer_is_understood() {
    let place = Place::new();
    let project = place.world.project();
    project.file(
        ".fluxloop/project.json",
        r#"{"project_id":"1111","project_name":"Shop","workspace_id":"ws-1","api_url":"http://127.0.0.1:9941"}"#,
    );
    for context in [
        r#"{"current_scenario": {"id": "2222", "name": "orders", "local_path": "scenarios/orders"}, "current_bundle": {"id": "bv_1", "version": "latest"}}"#,
        r#"{"current_scenario": "orders", "current_scenario_id": "2222", "current_bundle_version_id": "bv_1"}"#,
    ] {
        project.file(".fluxloop/context.json", context);
        let shown = place.json(&["context", "show"]);
        assert_eq!(
            (&shown["scenario"]["id"], &shown["scenario"]["folder"], &shown["bundle_version_id"]),
            (&"2222".into(), &"orders".into(), &"bv_1".into())
        );
    }
}

#[test]
fn a_broken_file_is_named_and_left_alone() {
    let place = Place::connected();
    place.world.project().file(".fluxloop/context.json", "{\"current_scenario\": ");
    let shown = place.run(&["scenarios", "select", "orders"]);
    assert!(shown.starts_with("exit: 2") && shown.contains("context.json cannot be understood"), "{shown}");
    assert_eq!(place.world.project().read(".fluxloop/context.json"), "{\"current_scenario\": ");
}
