//! One workspace in turn with the peers and with our own program.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::super::expect::{Expect, equal};
use super::agent::{self, ANSWERS, FOLDER};
use super::results::{only_batch, only_batch_is};
use super::world::{ORDERS, World};
use super::{Case, Release, cases, with_last};

/// All cases.
pub(super) const CASES: &[Case] = cases![World:
    a_workspace_of_the_old_release_goes_on_with_ours_and_back,
    a_workspace_of_the_new_release_goes_on_with_ours_and_back,
    what_our_test_writes_is_uploaded_by_the_old_release,
    our_test_uploads_by_itself,
    the_configurations_of_both_releases_run_unchanged_with_ours,
    f9_what_the_peer_cannot_show_ours_shows,
    f25_each_context_stays_readable_for_the_release_that_wrote_it,
];

/// Those about the first line, with its last release.
pub(super) const LAST: &[Case] = with_last![
    a_workspace_of_the_old_release_goes_on_with_ours_and_back,
    what_our_test_writes_is_uploaded_by_the_old_release,
    our_test_uploads_by_itself,
    the_configurations_of_both_releases_run_unchanged_with_ours,
    f9_what_the_peer_cannot_show_ours_shows,
];

fn a_workspace_of_the_old_release_goes_on_with_ours_and_back(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    agent::workspace(world, world.first_line())?;
    agent::function(world, world.first_line(), ANSWERS)?;
    let newer = world.import(&ORDERS.replace("Where is my order?", "Where is it?"))?;
    world.keepstep(&["sync", "pull", "--scenario", "orders"])?.exits(0)?;
    let state = world.read_json(&format!("{FOLDER}/.state/sync.json"))?;
    equal("the bundle that ours pulled", &state["bundle_version_id"], &json!(newer))?;

    let test = ["test", "--scenario", "orders", "--skip-upload", "--no-stream-turns"];
    world.fluxloop(world.first_line(), &test)?.exits(0)?.clean()?.says("ok: Where is it?")?;
    world.keepstep(&["sync", "upload", "--scenario", "orders"])?.exits(0)?.says("View results:")?;
    only_batch_is(world, "completed", 2, 2)?;
    let batch = only_batch(world)?;

    // The peer sends the same test once more, and then pulls and tests as if we had never been here.
    world
        .fluxloop(world.first_line(), &["sync", "upload", "--scenario", "orders"])?
        .exits(0)?
        .clean()?
        .says("Uploaded 2 runs")?;
    only_batch_is(world, "completed", 2, 2)?;
    equal("the batch", &only_batch(world)?["experiment_id"], &batch["experiment_id"])?;
    world.fluxloop(world.first_line(), &["sync", "pull", "--scenario", "orders"])?.exits(0)?.clean()?;
    world.keepstep(&["sync", "pull", "--scenario", "orders"])?.exits(0)?;
    Ok(())
}

fn a_workspace_of_the_new_release_goes_on_with_ours_and_back(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    agent::workspace(world, Release::New)?;
    agent::function(world, Release::New, ANSWERS)?;
    let newer = world.import(&ORDERS.replace("Where is my order?", "Where is it?"))?;
    world.keepstep(&["sync", "pull"])?.exits(0)?;
    let meta = world.read_json(&format!("{FOLDER}/pulled/sync_meta.json"))?;
    equal("the bundle that ours pulled", &meta["bundle_version"]["id"], &json!(newer))?;
    let inputs = world.read(&format!("{FOLDER}/pulled/inputs.json"))?;
    ensure!(inputs.contains("Where is it?"), "ours did not pull the inputs of the new release:\n{inputs}");

    world.fluxloop(Release::New, &["test", "--skip-pull", "--skip-push"])?.exits(0)?.clean()?.says("2/2 successful")?;
    world.keepstep(&["sync", "upload"])?.exits(0)?.says("View results:")?;
    only_batch_is(world, "completed", 2, 2)?;
    world.fluxloop(Release::New, &["sync", "push"])?.exits(0)?.clean()?.says("Runs: 2")?;
    only_batch_is(world, "completed", 2, 2)
}

fn what_our_test_writes_is_uploaded_by_the_old_release(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    agent::workspace(world, world.first_line())?;
    agent::function(world, world.first_line(), ANSWERS)?;
    world.keepstep(&["sync", "pull", "--scenario", "orders"])?.exits(0)?;
    world.keepstep(&["test", "--scenario", "orders", "--skip-upload"])?.exits(0)?;
    world
        .fluxloop(world.first_line(), &["sync", "upload", "--scenario", "orders"])?
        .exits(0)?
        .clean()?
        .says("Uploaded 2 runs")?;
    only_batch_is(world, "completed", 2, 2)?;
    let batch = only_batch(world)?;
    world.keepstep(&["sync", "upload", "--scenario", "orders"])?.exits(0)?.says("View results:")?;
    only_batch_is(world, "completed", 2, 2)?;
    equal("the batch", &only_batch(world)?["experiment_id"], &batch["experiment_id"])
}

fn our_test_uploads_by_itself(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    agent::workspace(world, world.first_line())?;
    agent::function(world, world.first_line(), ANSWERS)?;
    world.keepstep(&["sync", "pull", "--scenario", "orders"])?.exits(0)?;
    let tested = world.keepstep(&["test", "--scenario", "orders"])?.exits(0)?;
    ensure!(tested.transcript().contains("View results:"), "it shows no page\n{}", tested.transcript());
    only_batch_is(world, "completed", 2, 2)?;
    // Nothing is left to send.
    world.keepstep(&["sync", "upload", "--scenario", "orders"])?.exits(0)?;
    only_batch_is(world, "completed", 2, 2)
}

fn the_configurations_of_both_releases_run_unchanged_with_ours(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    let test = ["test", "--scenario", "orders", "--skip-upload"];
    agent::workspace(world, world.first_line())?;
    agent::function(world, world.first_line(), ANSWERS)?;
    // The criteria of the bundle ask for a model, and none is set.
    world.keepstep(&test)?.exits(0)?.says("0 passed of 2 · 2 not judged")?;
    let observations = world.read(&newest(world, "observations.jsonl")?)?;
    ensure!(observations.lines().count() == 2, "each run of the decorated function is one observation:\n{observations}");
    let observation: Value = serde_json::from_str(observations.lines().next().unwrap_or_default())?;
    equal("the kind of the observation", &observation["type"], &json!("agent"))?;
    let traces = world.read(&newest(world, "traces.jsonl")?)?;
    let trace = observation["trace_id"].as_str().unwrap_or_default();
    ensure!(traces.contains(trace), "{trace} is none of the runs:\n{traces}");
    agent::several_turns(world)?;
    world.keepstep(&test)?.exits(0)?.says("0 passed of 2 · 2 not judged")?;
    let traces = world.read(&newest(world, "traces.jsonl")?)?;
    ensure!(traces.contains("And when?") && traces.contains("script_complete"), "there was no conversation:\n{traces}");

    std::fs::remove_dir_all(world.workspace().join(".fluxloop"))?;
    agent::workspace(world, Release::New)?;
    agent::function(world, Release::New, ANSWERS)?;
    world.keepstep(&test)?.exits(0)?.says("0 passed of 2 · 2 not judged")?;
    agent::process(world)?;
    world.keepstep(&test)?.exits(0)?.says("0 passed of 2 · 2 not judged")?;
    let traces = world.read(&newest(world, "traces.jsonl")?)?;
    ensure!(traces.contains("\"total_tokens\": 3"), "the tokens of the process are missing:\n{traces}");
    Ok(())
}

/// Returns the path of a file of the newest experiment.
fn newest(world: &World, file: &str) -> Result<String> {
    let folder = format!("{FOLDER}/experiments");
    let names = std::fs::read_dir(world.workspace().join(&folder))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("exp_"));
    // The second of two runs in one second has a longer name.
    let newest = names.max().context("there is no experiment")?;
    Ok(format!("{folder}/{newest}/{file}"))
}

fn f9_what_the_peer_cannot_show_ours_shows(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    agent::workspace(world, world.first_line())?;
    world.fluxloop(world.first_line(), &["projects", "show"])?.exits(1)?;
    world.keepstep(&["projects", "info"])?.exits(0)?.says("Shop")?;
    world.keepstep(&["scenarios", "show"])?.exits(0)?.says("orders")?;
    Ok(())
}

fn f25_each_context_stays_readable_for_the_release_that_wrote_it(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    for release in Release::ALL {
        let context = world.workspace().join(".fluxloop/context.json");
        if context.exists() {
            std::fs::remove_file(&context)?;
        }
        world.fluxloop(release, &["projects", "select", world.project()])?.exits(0)?.clean()?;
        world.fluxloop(release, &["scenarios", "select", &world.scenario("orders")?])?.exits(0)?.clean()?;
        world.keepstep(&["sync", "pull"])?.exits(0)?;
        world.fluxloop(release, &["context", "show"])?.exits(0)?.clean()?.says("orders")?;
        world.fluxloop(release, &["scenarios", "list"])?.exits(0)?.clean()?.says("orders")?;
        world.fluxloop(release, &["sync", "pull"])?.exits(0)?.clean()?;
    }
    Ok(())
}
