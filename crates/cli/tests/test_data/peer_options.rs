//! Options that the peers have, with their meaning there.

use serde_json::{Value, json};

use super::Place;

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("not JSON: {text}"))
}

#[test]
fn lists_are_printed_as_the_server_sends_them() {
    let place = Place::connected();
    for (command, member) in [
        ("projects", "workspace_id"),
        ("scenarios", "config_snapshot"),
        ("bundles", "input_set_id"),
        ("inputs", "input_count"),
        ("personas", "name"),
    ] {
        let list = parsed(&place.ok(&[command, "list", "--format", "json"]));
        assert!(list[0][member].is_string() || list[0][member].is_object() || list[0][member].is_u64(), "{command}: {list}");
    }
    // An empty list is the sentence that the peer prints, too.
    let empty = Place::new();
    empty.ok(&["projects", "select", "shop"]);
    assert_eq!(empty.ok(&["scenarios", "list", "--format", "json"]), "No scenarios found.\n");
}

#[test]
fn the_inputs_of_a_set_are_listed() {
    let place = Place::connected();
    let set = parsed(&place.ok(&["inputs", "list", "--format", "json"]))[0]["id"].as_str().unwrap().to_owned();
    assert!(place.ok(&["inputs", "list", "--input-set-id", &set]).contains("Where is my order?"));
    let items = parsed(&place.ok(&["inputs", "list", "--input-set-id", &set, "--format", "json"]));
    assert_eq!(items.as_array().map(Vec::len), Some(2));
}

#[test]
fn personas_and_bundles_come_from_files() {
    let place = Place::connected();
    place.world.project().file("expert.yaml", "name: expert\ndescription: Knows everything\nattributes: {patience: low}\n");
    place.ok(&["personas", "create", "--file", "expert.yaml", "--difficulty", "hard"]);
    let personas = parsed(&place.ok(&["personas", "list", "--format", "json"]));
    let expert = personas.as_array().unwrap().iter().find(|persona| persona["name"] == "expert").unwrap();
    assert_eq!(expert["description"], "Knows everything");
    place.world.project().file("nameless.yaml", "description: x\n");
    assert_eq!(place.code(&["personas", "create", "--file", "nameless.yaml"]), 2);

    let inputs = parsed(&place.ok(&["inputs", "list", "--format", "json"]));
    let (set, scenario) = (inputs[0]["id"].as_str().unwrap(), inputs[0]["scenario_id"].as_str().unwrap());
    let file = format!("name: from a file\nscenario_id: {scenario}\ninput_set_id: {set}\n");
    place.world.project().file("bundle.yaml", &file);
    place.ok(&["bundles", "publish", "-f", "bundle.yaml"]);
    place.world.project().file("bundle.yaml", format!("{file}inputs: 3\n"));
    assert_eq!(place.code(&["bundles", "publish", "-f", "bundle.yaml"]), 2);
}

#[test]
fn a_language_is_kept() {
    let place = Place::new();
    place.ok(&["projects", "create", "--name", "laden", "--language", "de-AT"]);
    let projects = parsed(&place.ok(&["projects", "list", "--format", "json"]));
    let made = projects.as_array().unwrap().iter().find(|project| project["name"] == "laden").unwrap();
    assert_eq!(made["settings"], json!({"default_language": "de", "language": "de"}));
    place.ok(&["scenarios", "create", "-n", "fragen", "--language", "de"]);
    let scenarios = parsed(&place.ok(&["scenarios", "list", "--format", "json"]));
    assert_eq!(scenarios[0]["config_snapshot"]["language"], "de");
}

#[test]
fn the_key_in_a_file_is_checked() {
    let place = Place::connected();
    place.world.project().file("ci.env", format!("FLUXLOOP_SYNC_API_KEY={}\n", place.key));
    assert!(place.ok(&["apikeys", "check", "--env-file", "ci.env"]).contains("ci.env"));
    place.world.project().file("ci.env", "X=1\n");
    assert_eq!(place.code(&["apikeys", "check", "--env-file", "ci.env"]), 3);
    place.world.project().file("ci.env", "FLUXLOOP_SYNC_API_KEY=ks_api_wrong\n");
    assert_eq!(place.code(&["apikeys", "check", "--env-file", "ci.env"]), 9);
}
