//! `sync pull`: what the peers write of what our server answers.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::super::expect::{Expect, equal};
use super::agent::FOLDER;
use super::world::{ORDERS, World};
use super::{Case, Release, cases, with_last};

/// All cases.
pub(super) const CASES: &[Case] = cases![World:
    the_old_release_pulls_into_its_files,
    the_new_release_pulls_into_its_files,
    a_bundle_that_is_named_is_the_one_that_is_pulled,
    a_foreign_bundle_is_refused,
    names_of_every_kind_are_pulled,
];

/// Those about the first line, with its last release.
pub(super) const LAST: &[Case] = with_last![the_old_release_pulls_into_its_files,];

fn the_old_release_pulls_into_its_files(world: &World) -> Result<()> {
    let bundle = world.import(ORDERS)?;
    world.fluxloop(world.first_line(), &["projects", "select", world.project()])?.exits(0)?.clean()?;
    world
        .fluxloop(world.first_line(), &["sync", "pull", "--scenario", "orders"])?
        .exits(0)?
        .clean()?
        .says("✓ Pulled 2 inputs")?;

    let inputs = world.read(&format!("{FOLDER}/inputs/generated.yaml"))?;
    for text in ["input: Where is my order?", "schönen Dank 😀", "input_item_id: item-1", "persona: novice", "category: happy"]
    {
        ensure!(inputs.contains(text), "the inputs do not have {text:?}:\n{inputs}");
    }
    let state = world.read_json(&format!("{FOLDER}/.state/sync.json"))?;
    equal("the bundle", &state["bundle_version_id"], &json!(bundle))?;
    equal("the project", &state["project_id"], &json!(world.project()))?;
    ensure!(state["pulled_at"].is_string(), "no time in {state}");
    let personas = world.read_json(&format!("{FOLDER}/.state/sync/personas.json"))?;
    equal("the persona", &personas["items"][0]["name"], &json!("novice"))?;
    let criterion = world.read(&format!("{FOLDER}/.state/criteria/politeness_check.yaml"))?;
    ensure!(criterion.contains("- Be polite"), "the criterion has no items:\n{criterion}");

    // A second pull of a newer bundle.
    let newer = world.import(&ORDERS.replace("Where is my order?", "Where is it?"))?;
    ensure!(newer != bundle, "the import published nothing");
    let quiet = world.fluxloop(world.first_line(), &["sync", "pull", "--scenario", "orders", "--quiet"])?.exits(0)?.clean()?;
    ensure!(quiet.stdout.trim().is_empty(), "not quiet\n{}", quiet.transcript());
    let state = world.read_json(&format!("{FOLDER}/.state/sync.json"))?;
    equal("the bundle", &state["bundle_version_id"], &json!(newer))
}

fn the_new_release_pulls_into_its_files(world: &World) -> Result<()> {
    let bundle = world.import(ORDERS)?;
    world.fluxloop(Release::New, &["projects", "select", world.project()])?.exits(0)?.clean()?;
    world.fluxloop(Release::New, &["scenarios", "select", &world.scenario("orders")?])?.exits(0)?.clean()?;
    world
        .fluxloop(Release::New, &["sync", "pull"])?
        .exits(0)?
        .clean()?
        .says(&format!("Bundle version: {bundle}"))?
        .says("Inputs: 2, Personas: 1, Criteria: 1")?;
    let inputs = world.read_json(&format!("{FOLDER}/pulled/inputs.json"))?;
    equal("the first input's id", &inputs[0]["id"], &json!("item-1"))?;
    equal("what it says", &inputs[0]["messages"], &json!([{ "role": "user", "content": "Where is my order?" }]))?;
    equal("its metadata", &inputs[0]["metadata"]["category"], &json!("happy"))?;
    let meta = world.read_json(&format!("{FOLDER}/pulled/sync_meta.json"))?;
    equal("the bundle", &meta["bundle_version"]["id"], &json!(bundle))?;
    equal("the scenario", &meta["scenario_context"]["scenario"]["name"], &json!("orders"))?;
    let context = world.read_json(".fluxloop/context.json")?;
    equal("the current bundle", &context["current_bundle_version_id"], &json!(bundle))?;
    equal("the current scenario", &context["current_scenario"], &json!("orders"))?;
    world.fluxloop(Release::New, &["sync", "pull"])?.exits(0)?.clean()?;
    Ok(())
}

fn a_bundle_that_is_named_is_the_one_that_is_pulled(world: &World) -> Result<()> {
    let first = world.import(ORDERS)?;
    world.import(&ORDERS.replace("Where is my order?", "Where is it?"))?;
    for release in Release::ALL {
        world.fluxloop(release, &["projects", "select", world.project()])?.exits(0)?.clean()?;
        let pull = ["sync", "pull", "--scenario", "orders", "--bundle-version-id", &first];
        world.fluxloop(release, &pull)?.exits(0)?.clean()?;
    }
    let state = world.read_json(&format!("{FOLDER}/.state/sync.json"))?;
    equal("the bundle of the old release", &state["bundle_version_id"], &json!(first))?;
    let meta = world.read_json(&format!("{FOLDER}/pulled/sync_meta.json"))?;
    equal("the bundle of the new release", &meta["bundle_version"]["id"], &json!(first))
}

fn a_foreign_bundle_is_refused(world: &World) -> Result<()> {
    let bundle = world.import(ORDERS)?;
    let second = world.platform().admin(&["project", "create", "--name", "Second"])?;
    let foreign = world.platform().admin(&["key", "create", "--name", "other", "--project", &second])?;
    for release in Release::ALL {
        let pull = ["sync", "pull", "--scenario", "orders", "--bundle-version-id", &bundle, "--project-id", world.project()];
        let mut fluxloop = world.peer(release, &world.workspace());
        fluxloop.args(pull).env("FLUXLOOP_SYNC_API_KEY", &foreign);
        // The old release shows an error of the server as a traceback, whatever the error is.
        crate::command::capture(&mut fluxloop, super::super::platform::LIMIT)?.exits(1)?.says("404")?;
    }
    Ok(())
}

/// Names that are paths, empty, reserved or hard to show.
const HARD_NAMES: &[&str] = &["../../../x", "CON", "a/b\\c", "Grüße 😀", "A!B", "a b", "a_b", ".hidden", "-rf"];

fn names_of_every_kind_are_pulled(world: &World) -> Result<()> {
    let criteria: Vec<Value> = HARD_NAMES.iter().map(|name| json!({ "name": name, "items": [name] })).collect();
    let personas: Vec<Value> = HARD_NAMES.iter().map(|name| json!({ "name": name })).collect();
    let inputs: Vec<Value> = HARD_NAMES.iter().map(|name| json!({ "text": name, "persona": name })).collect();
    let file = json!({
        "scenario": { "name": "orders" }, "criteria": criteria, "personas": personas, "inputs": inputs,
    });
    world.import(&file.to_string())?;
    for release in Release::ALL {
        world.fluxloop(release, &["projects", "select", world.project()])?.exits(0)?.clean()?;
        world.fluxloop(release, &["sync", "pull", "--scenario", "orders"])?.exits(0)?.clean()?;
        world.fluxloop(release, &["personas", "list"])?.exits(0)?.clean()?.says("Grüße 😀")?;
    }
    let pulled = world.read_json(&format!("{FOLDER}/pulled/inputs.json"))?;
    let texts: Vec<&Value> = pulled.as_array().into_iter().flatten().map(|item| &item["messages"][0]["content"]).collect();
    equal("what is said", &json!(texts), &json!(HARD_NAMES))?;
    let names: Vec<Value> =
        world.workspace().read_dir()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).map(Value::from).collect();
    equal("what is in the workspace", &json!(names), &json!([".fluxloop"]))
}
