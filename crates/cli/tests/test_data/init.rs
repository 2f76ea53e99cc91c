//! `keepstep init scenario`

use std::os::unix::fs::PermissionsExt as _;

use insta::assert_snapshot;

use super::Place;

const FOLDER: &str = ".fluxloop/scenarios/orders";

#[test]
fn a_scenario_starts_without_a_server() {
    let place = Place::new();
    assert_snapshot!(place.shown(&mut place.bare(&["init", "scenario", "orders"])), @r"
    exit: 0
    ----- stdout -----
    ✅ Scenario orders is in [WORLD]/project/.fluxloop/scenarios/orders
    ----- stderr -----
    wrote   configs/scenario.yaml
    wrote   configs/input.yaml
    wrote   configs/simulation.yaml
    wrote   criteria/answers.yaml
    wrote   agents/__init__.py
    wrote   agents/my_agent.py
    wrote   agents/README.md
    wrote   .env
    hint: `keepstep init scenario orders --agent AGENT` names the agent, such as shop.agent:run, agent/agent.mjs#answer or http://localhost:8000/chat; or write its call in agents/my_agent.py. A test fails until then
    ");
    assert_snapshot!(place.run_as_fluxloop(&["init", "scenario", "orders", "--link", "s1"]), @r"
    exit: 0
    ----- stdout -----
    ✅ Scenario orders is in [WORLD]/project/.fluxloop/scenarios/orders
    SCENARIO_PATH: [WORLD]/project/.fluxloop/scenarios/orders
    SCENARIO_LINKED: s1
    SCENARIO_CREATED: orders
    ----- stderr -----
    kept    .env, which was there
    hint: `fluxloop init scenario orders --agent AGENT` names the agent, such as shop.agent:run, agent/agent.mjs#answer or http://localhost:8000/chat; or write its call in agents/my_agent.py. A test fails until then
    ");
    assert_eq!(place.json(&["context", "show"])["scenario"]["id"], "s1");
}

#[test]
fn f28_no_edit_is_lost_and_the_env_is_never_replaced() {
    let place = Place::new();
    let project = place.world.project();
    place.ok(&["init", "scenario", "orders"]);
    let env = format!("{FOLDER}/.env");
    assert_eq!(std::fs::metadata(project.path().join(&env)).unwrap().permissions().mode() & 0o777, 0o600);
    project.file(&env, "OPENAI_API_KEY=secret\n");
    project.file(&format!("{FOLDER}/agents/my_agent.py"), "mine");
    assert_snapshot!(place.run(&["init", "scenario", "orders"]), @"
    exit: 4
    ----- stderr -----
    error: [WORLD]/project/.fluxloop/scenarios/orders has files that would be replaced: agents/my_agent.py; nothing was written
    hint: `--force` replaces them; what they hold now is kept for `keepstep undo`
    ");
    assert_eq!(project.read(&format!("{FOLDER}/agents/my_agent.py")), "mine");
    place.ok(&["init", "scenario", "orders", "--force"]);
    assert_ne!(project.read(&format!("{FOLDER}/agents/my_agent.py")), "mine");
    assert_eq!(project.read(&env), "OPENAI_API_KEY=secret\n");
    place.ok(&["undo"]);
    assert_eq!(project.read(&format!("{FOLDER}/agents/my_agent.py")), "mine");
}

#[test]
fn f34_a_name_is_no_path() {
    let place = Place::new();
    for name in ["../../../x", "/abs", "..", ".", "", " ", "a/b", &"x".repeat(300), "a\nb"] {
        let shown = place.run(&["init", "scenario", "--", name]);
        assert!(shown.starts_with("exit: 2") && shown.contains("invalid scenario name"), "{name:?}: {shown}");
    }
    assert_eq!(place.world.project().files(), Vec::<String>::new());
    for name in ["con", "🙂", "Orders EU"] {
        place.ok(&["init", "scenario", name]);
    }
    assert_eq!(place.code(&["init", "scenario", "ORDERS_eu"]), 4);
    let folders: Vec<String> = place
        .world
        .project()
        .files()
        .iter()
        .filter_map(|file| file.strip_suffix("/.env"))
        .map(|path| path.rsplit('/').next().unwrap().to_owned())
        .collect();
    assert!(folders.len() == 3 && folders[0] == "Orders_EU" && folders[1].starts_with("con-"), "{folders:?}");
}

#[test]
fn f21_an_id_of_another_scenario_does_not_stay() {
    let place = Place::new();
    let project = place.world.project();
    project.file(
        ".fluxloop/context.json",
        r#"{"current_scenario": "orders", "current_scenario_id": "id-of-orders", "current_bundle_version_id": "b"}"#,
    );
    place.ok(&["init", "scenario", "billing"]);
    assert_eq!(project.read(".fluxloop/context.json"), "{\n  \"current_scenario\": \"billing\"\n}");
}
