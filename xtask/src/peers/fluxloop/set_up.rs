//! Projects, keys, scenarios, personas, inputs and bundles.

use anyhow::{Result, ensure};
use serde_json::json;

use super::super::expect::{Expect, equal};
use super::world::{ORDERS, World};
use super::{Case, Release, cases, with_last};

/// All cases.
pub(super) const CASES: &[Case] = cases![World:
    projects_are_listed_made_and_selected,
    keys_are_made_and_work,
    scenarios_are_made_and_selected_by_the_old_release,
    scenarios_are_made_and_selected_by_the_new_release,
    personas_are_listed_and_made_without_a_project,
    inputs_are_listed_and_shown,
    bundles_are_made_and_published_by_the_old_release,
    bundles_are_published_by_the_new_release,
    a_scenario_is_initialized_and_linked,
    a_wrong_key_is_refused,
];

/// Those about the first line, with its last release.
pub(super) const LAST: &[Case] = with_last![
    projects_are_listed_made_and_selected,
    keys_are_made_and_work,
    scenarios_are_made_and_selected_by_the_old_release,
    personas_are_listed_and_made_without_a_project,
    inputs_are_listed_and_shown,
    bundles_are_made_and_published_by_the_old_release,
    a_scenario_is_initialized_and_linked,
];

fn projects_are_listed_made_and_selected(world: &World) -> Result<()> {
    for release in Release::ALL {
        let name = format!("Made by {}", release.version());
        world.fluxloop(release, &["projects", "list"])?.exits(0)?.clean()?.says(world.project())?.says("Shop")?;
        let made = world.fluxloop(release, &["projects", "create", "--name", &name])?.exits(0)?.clean()?;
        let id = world.id_in("/api/projects", &name)?;
        made.says(&format!("PROJECT_CREATED: {id}"))?;
        let file = world.read_json(".fluxloop/project.json")?;
        equal("the project of the workspace", &file["project_id"], &json!(id))?;
        world
            .fluxloop(release, &["projects", "select", world.project()])?
            .exits(0)?
            .clean()?
            .says(&format!("PROJECT_SELECTED: {}", world.project()))?;
        let file = world.read_json(".fluxloop/project.json")?;
        equal("the project of the workspace", &file["project_id"], &json!(world.project()))?;
        equal("the project's name", &file["project_name"], &json!("Shop"))?;
        world.fluxloop(release, &["context", "show"])?.exits(0)?.clean()?.says("Shop")?;
        world.fluxloop(release, &["projects", "select", "project_none"])?.exits(1)?.says("ot found")?;
    }
    world.fluxloop(world.first_line(), &["projects", "show", world.project()])?.exits(0)?.clean()?.says("Shop")?;
    Ok(())
}

fn keys_are_made_and_work(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    for release in Release::ALL {
        world.fluxloop(release, &["projects", "select", world.project()])?.exits(0)?.clean()?;
        world.write(".fluxloop/.env", "")?;
        world.fluxloop(release, &["apikeys", "create", "--name", "laptop"])?.exits(0)?.clean()?.says("Saved to")?;
        let file = world.read(".fluxloop/.env")?;
        ensure!(file.starts_with("FLUXLOOP_SYNC_API_KEY="), "no key in .fluxloop/.env");
        // Nothing but the key in the file is known to the peer now.
        let pull = ["sync", "pull", "--scenario", "orders"];
        world.fluxloop_without_key(release, &pull)?.exits(0)?.clean()?.says("ulled")?;
    }
    world.fluxloop(Release::New, &["apikeys", "list"])?.exits(0)?.clean()?.says("laptop")?;
    world.fluxloop(world.first_line(), &["apikeys", "check"])?.exits(0)?.clean()?;
    Ok(())
}

fn scenarios_are_made_and_selected_by_the_old_release(world: &World) -> Result<()> {
    let release = world.first_line();
    world.fluxloop(release, &["projects", "select", world.project()])?.exits(0)?.clean()?;
    let create = ["scenarios", "create", "--name", "orders", "--goal", "g", "--constraint", "c", "--description", "d"];
    world.fluxloop(release, &create)?.exits(0)?.clean()?.says("Scenario created")?;
    let id = world.scenario("orders")?;
    let stored = world.ask(&format!("/api/scenarios/{id}"))?;
    equal("the goal", &stored["config_snapshot"]["goal"], &json!("g"))?;
    equal("the constraints", &stored["config_snapshot"]["constraints"], &json!(["c"]))?;
    world.fluxloop(release, &["scenarios", "list"])?.exits(0)?.clean()?.says(&id)?;
    world.fluxloop(release, &["scenarios", "select", &id])?.exits(0)?.clean()?.says("Scenario selected: orders")?;
    let context = world.read_json(".fluxloop/context.json")?;
    equal("the scenario's id", &context["current_scenario"]["id"], &json!(id))?;
    equal("its folder", &context["current_scenario"]["local_path"], &json!("scenarios/orders"))?;
    world.fluxloop(release, &["scenarios", "show", "--scenario-id", &id])?.exits(0)?.clean()?.says("orders")?;
    world.write("change.yaml", "name: refunds\n")?;
    world.fluxloop(release, &["scenarios", "update", "--scenario-id", &id, "-f", "change.yaml"])?.exits(0)?.clean()?;
    world.scenario("refunds")?;
    Ok(())
}

fn scenarios_are_made_and_selected_by_the_new_release(world: &World) -> Result<()> {
    let release = Release::New;
    world.fluxloop(release, &["projects", "select", world.project()])?.exits(0)?.clean()?;
    let create = ["scenarios", "create", "--name", "orders", "--goal", "g", "--description", "d"];
    world.fluxloop(release, &create)?.exits(0)?.clean()?.says("Scenario created: orders")?;
    let id = world.scenario("orders")?;
    world.fluxloop(release, &["scenarios", "list"])?.exits(0)?.clean()?.says(&id)?;
    world.fluxloop(release, &["scenarios", "select", &id])?.exits(0)?.clean()?.says("Selected scenario: orders")?;
    let context = world.read_json(".fluxloop/context.json")?;
    equal("the scenario", &context["current_scenario"], &json!("orders"))?;
    equal("the scenario's id", &context["current_scenario_id"], &json!(id))?;
    Ok(())
}

fn personas_are_listed_and_made_without_a_project(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    for release in Release::ALL {
        world.fluxloop(release, &["projects", "select", world.project()])?.exits(0)?.clean()?;
        world.fluxloop(release, &["personas", "list"])?.exits(0)?.clean()?.says("novice")?;
    }
    let create = ["personas", "create", "--name", "expert", "--description", "asks in detail"];
    world.fluxloop(world.first_line(), &create)?.exits(0)?.clean()?.says("expert")?;
    world.fluxloop(world.first_line(), &["personas", "list"])?.exits(0)?.clean()?.says("asks in detail")?;
    let personas = format!("/api/personas?project_id={}", world.project());
    world.id_in(&personas, "expert")?;
    // With a second project the peer, which names none, still has its lists.
    world.platform().admin(&["project", "create", "--name", "Second"])?;
    world.fluxloop(world.first_line(), &["personas", "list"])?.exits(0)?.clean()?.says("novice")?.says("expert")?;
    let scenario = world.scenario("orders")?;
    world.fluxloop(world.first_line(), &["personas", "list", "--scenario-id", &scenario])?.exits(0)?.clean()?.says("novice")?;
    Ok(())
}

fn inputs_are_listed_and_shown(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    let sets = world.ask(&format!("/api/inputs?project_id={}", world.project()))?;
    let set = sets["input_sets"][0]["id"].as_str().unwrap_or_default().to_owned();
    for release in Release::ALL {
        world.fluxloop(release, &["projects", "select", world.project()])?.exits(0)?.clean()?;
        world.fluxloop(release, &["inputs", "list"])?.exits(0)?.clean()?.says(&set)?;
    }
    let show = ["inputs", "show", "--input-set-id", &set];
    world.fluxloop(world.first_line(), &show)?.exits(0)?.clean()?.says("Where is my order?")?;
    let items = ["inputs", "list", "--input-set-id", &set];
    world.fluxloop(Release::New, &items)?.exits(0)?.clean()?.says("Where is my order?")?;
    Ok(())
}

fn bundles_are_made_and_published_by_the_old_release(world: &World) -> Result<()> {
    let release = world.first_line();
    let first = world.import(ORDERS)?;
    world.fluxloop(release, &["projects", "select", world.project()])?.exits(0)?.clean()?;
    let scenario = world.scenario("orders")?;
    let sets = world.ask(&format!("/api/inputs?project_id={}", world.project()))?;
    let set = sets["input_sets"][0]["id"].as_str().unwrap_or_default().to_owned();
    let of = ["--scenario-id", &scenario, "--input-set-id", &set];
    world
        .fluxloop(release, &[&["bundles", "publish"][..], &of].concat())?
        .exits(0)?
        .clean()?
        .says("(2 inputs)")?
        .says("Personas: 1")?
        .says("Status: published")?;
    let create = [&["bundles", "create", "--name", "later"][..], &of].concat();
    let made = world.fluxloop(release, &create)?.exits(0)?.clean()?.says("Status: draft")?;
    let id = made.stdout.split_whitespace().find(|word| word.starts_with("bundle_")).unwrap_or_default().to_owned();
    let show = ["bundles", "show", "--bundle-version-id", &id];
    world.fluxloop(release, &show)?.exits(0)?.clean()?.says("draft")?;
    let update = ["bundles", "update", "--bundle-version-id", &id, "--status", "published"];
    world.fluxloop(release, &update)?.exits(0)?.clean()?;
    let listed = world.fluxloop(release, &["bundles", "list", "--scenario-id", &scenario])?.exits(0)?.clean()?;
    let listed = listed.says(&first)?.says(&id)?;
    let rows = listed.stdout.matches("published").count();
    ensure!(rows == 3, "three bundles should be published, not {rows}\n{}", listed.transcript());
    Ok(())
}

fn bundles_are_published_by_the_new_release(world: &World) -> Result<()> {
    let release = Release::New;
    world.import(ORDERS)?;
    world.fluxloop(release, &["projects", "select", world.project()])?.exits(0)?.clean()?;
    world.fluxloop(release, &["scenarios", "select", &world.scenario("orders")?])?.exits(0)?.clean()?;
    let publish = ["bundles", "publish", "--name", "second"];
    world.fluxloop(release, &publish)?.exits(0)?.clean()?.says("Bundle published: second")?.says("Generation: 2")?;
    let bundles = world.ask(&format!("/api/bundles?project_id={}&limit=1", world.project()))?;
    equal("the newest bundle", &bundles[0]["name"], &json!("second"))?;
    equal("its status", &bundles[0]["status"], &json!("published"))?;
    world.fluxloop(release, &["bundles", "list"])?.exits(0)?.clean()?.says("second")?;
    Ok(())
}

fn a_scenario_is_initialized_and_linked(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    let id = world.scenario("orders")?;
    world.fluxloop(world.first_line(), &["projects", "select", world.project()])?.exits(0)?.clean()?;
    world
        .fluxloop(world.first_line(), &["init", "scenario", "orders", "--link", &id])?
        .exits(0)?
        .clean()?
        .says(&format!("SCENARIO_LINKED: {id}"))?;
    let context = world.read_json(".fluxloop/context.json")?;
    equal("the linked scenario", &context["current_scenario"]["id"], &json!(id))?;
    world.fluxloop(Release::New, &["init", "scenario", "billing"])?.exits(0)?.clean()?.says("Initialized")?;
    world.read(".fluxloop/scenarios/billing/configs/simulation.yaml")?;
    Ok(())
}

fn a_wrong_key_is_refused(world: &World) -> Result<()> {
    for release in Release::ALL {
        let mut fluxloop = world.peer(release, &world.workspace());
        fluxloop.args(["projects", "list"]).env("FLUXLOOP_SYNC_API_KEY", "ks_api_wrong");
        let output = crate::command::capture(&mut fluxloop, super::super::platform::LIMIT)?;
        output.exits(1)?.says("Authentication required")?.keeps_silent_about("Traceback")?;
    }
    Ok(())
}
