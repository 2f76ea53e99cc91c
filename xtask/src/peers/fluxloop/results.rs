//! `test`, `sync upload` and `sync push`: what the peers say about a test, and what our server makes of it.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::super::expect::{Expect, equal};
use super::agent::{self, ANSWERS, BREAKS, BREAKS_ONCE, FOLDER};
use super::browser::Browser;
use super::world::{ORDERS, World};
use super::{Case, Release, cases, with_last};

/// All cases.
pub(super) const CASES: &[Case] = cases![World:
    the_old_release_tests_and_uploads,
    the_new_release_tests_and_pushes,
    the_sequence_of_the_manual,
    f13_a_second_upload_of_the_old_release_is_the_same_batch,
    f36_a_second_push_of_the_new_release_is_the_same_batch,
    f10_a_run_that_the_old_release_does_not_upload_failed,
    f10_a_test_in_which_everything_failed_failed,
    f38_the_new_release_does_not_decide_whether_a_batch_is_completed,
    f11_several_turns_leave_no_orphans,
    f7_a_test_that_is_not_uploaded_can_be_uploaded_later,
    turns_that_come_after_the_upload_are_kept,
    a_program_is_tested_by_the_new_release,
    files_of_every_trace_are_uploaded,
];

/// Those about the first line, with its last release.
pub(super) const LAST: &[Case] = with_last![
    the_old_release_tests_and_uploads,
    the_sequence_of_the_manual,
    f13_a_second_upload_of_the_old_release_is_the_same_batch,
    f10_a_run_that_the_old_release_does_not_upload_failed,
    f10_a_test_in_which_everything_failed_failed,
    f11_several_turns_leave_no_orphans,
    f7_a_test_that_is_not_uploaded_can_be_uploaded_later,
    turns_that_come_after_the_upload_are_kept,
    files_of_every_trace_are_uploaded,
];

/// Returns the batches of the project.
pub(super) fn batches(world: &World) -> Result<Vec<Value>> {
    let list = world.ask(&format!("/api/experiments?project_id={}", world.project()))?;
    list.as_array().cloned().context("the list of experiments is no bare array")
}

/// Returns the only batch of the project.
pub(super) fn only_batch(world: &World) -> Result<Value> {
    let mut batches = batches(world)?;
    ensure!(batches.len() == 1, "there should be one batch: {batches:?}");
    batches.pop().context("no batch")
}

/// Checks the status of the only batch, and how many of its runs ended well.
pub(super) fn only_batch_is(world: &World, status: &str, completed: u64, runs: u64) -> Result<()> {
    let batch = only_batch(world)?;
    equal("the status of the batch", &batch["status"], &json!(status))?;
    equal("the completed runs", &batch["summary"]["completed_runs"], &json!(completed))?;
    equal("the runs", &batch["summary"]["total_runs"], &json!(runs))?;
    let listed = world.ask(&format!("/api/runs?project_id={}&limit=200&offset=0", world.project()))?;
    equal("how many runs are listed", &json!(listed.as_array().map(Vec::len)), &json!(runs))
}

/// Returns the name of the only folder of results.
fn experiment(world: &World, folder: &str) -> Result<String> {
    let entries = world.workspace().join(folder).read_dir().with_context(|| format!("cannot list {folder}"))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name != "artifacts").collect();
    ensure!(names.len() == 1, "there should be one experiment in {folder}: {names:?}");
    names.pop().context("no experiment")
}

fn the_old_release_tests_and_uploads(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    agent::workspace(world, world.first_line())?;
    agent::function(world, world.first_line(), ANSWERS)?;
    world
        .fluxloop(world.first_line(), &["test", "--scenario", "orders"])?
        .exits(0)?
        .clean()?
        .says("Precreated 2 runs")?
        .says("Uploaded 2 runs")?;
    only_batch_is(world, "completed", 2, 2)?;
    let state = world.read_json(&format!("{FOLDER}/.state/sync.json"))?;
    let name = experiment(world, &format!("{FOLDER}/experiments"))?;
    equal("the experiment that the peer remembers", &state["last_experiment_id"], &json!(name))?;
    equal("its batch", &state["last_run_batch_id"], &only_batch(world)?["experiment_id"])?;
    let status = format!("/api/sync/status?project_id={}&experiment_ids={name}", world.project());
    let status = &world.ask(&status)?["experiments"][0];
    equal("what our own status says", &json!([status["status"], status["runs"]]), &json!(["completed", 2]))
}

fn the_new_release_tests_and_pushes(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    agent::workspace(world, Release::New)?;
    agent::function(world, Release::New, ANSWERS)?;
    world
        .fluxloop(Release::New, &["test"])?
        .exits(0)?
        .clean()?
        .says("Pulled 2 inputs")?
        .says("Completed: 2/2 successful")?
        .says("Results uploaded")?;
    only_batch_is(world, "completed", 2, 2)?;
    world.fluxloop(Release::New, &["test", "results"])?.exits(0)?.clean()?;
    Ok(())
}

fn the_sequence_of_the_manual(world: &World) -> Result<()> {
    let bundle = world.import(ORDERS)?;
    agent::workspace(world, world.first_line())?;
    agent::function(world, world.first_line(), ANSWERS)?;
    let run = |arguments: &[&str]| world.fluxloop(world.first_line(), arguments)?.exits(0)?.clean();
    run(&["sync", "pull", "--scenario", "orders", "--bundle-version-id", &bundle])?;
    run(&["test", "--scenario", "orders", "--skip-upload", "--no-stream-turns"])?;
    ensure!(batches(world)?.is_empty(), "the server knows of a test that was not uploaded");
    let name = experiment(world, &format!("{FOLDER}/experiments"))?;
    let folder = format!("{FOLDER}/experiments/{name}");
    run(&["sync", "upload", "--scenario", "orders", "--experiment-dir", &folder])?.says("Uploaded 2 runs")?;
    only_batch_is(world, "completed", 2, 2)
}

fn f13_a_second_upload_of_the_old_release_is_the_same_batch(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    agent::workspace(world, world.first_line())?;
    agent::function(world, world.first_line(), ANSWERS)?;
    world.fluxloop(world.first_line(), &["test", "--scenario", "orders"])?.exits(0)?.clean()?;
    let first = only_batch(world)?;
    for _ in 0..2 {
        let upload = ["sync", "upload", "--scenario", "orders"];
        world.fluxloop(world.first_line(), &upload)?.exits(0)?.clean()?.says("Uploaded 2 runs")?;
    }
    only_batch_is(world, "completed", 2, 2)?;
    equal("the batch", &only_batch(world)?["experiment_id"], &first["experiment_id"])
}

fn f36_a_second_push_of_the_new_release_is_the_same_batch(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    agent::workspace(world, Release::New)?;
    agent::function(world, Release::New, ANSWERS)?;
    world.fluxloop(Release::New, &["test", "--skip-push"])?.exits(0)?.clean()?;
    ensure!(batches(world)?.is_empty(), "the server knows of a test that was not pushed");
    let first = world.fluxloop(Release::New, &["sync", "push"])?.exits(0)?.clean()?.says("Runs: 2")?;
    let second = world.fluxloop(Release::New, &["sync", "push"])?.exits(0)?.clean()?;
    ensure!(first.stdout == second.stdout, "the second push is another batch\n{}", second.transcript());
    only_batch_is(world, "completed", 2, 2)
}

fn f10_a_run_that_the_old_release_does_not_upload_failed(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    agent::workspace(world, world.first_line())?;
    agent::function(world, world.first_line(), BREAKS_ONCE)?;
    let test = world.fluxloop(world.first_line(), &["test", "--scenario", "orders"])?;
    test.exits(0)?.keeps_silent_about("Traceback")?.says("Uploaded 1 runs")?;
    only_batch_is(world, "failed", 1, 2)
}

fn f10_a_test_in_which_everything_failed_failed(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    agent::workspace(world, world.first_line())?;
    agent::function(world, world.first_line(), BREAKS)?;
    let test = world.fluxloop(world.first_line(), &["test", "--scenario", "orders"])?;
    test.exits(0)?.keeps_silent_about("Traceback")?.says("Uploaded 0 runs")?;
    only_batch_is(world, "failed", 0, 2)
}

fn f38_the_new_release_does_not_decide_whether_a_batch_is_completed(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    agent::workspace(world, Release::New)?;
    agent::function(world, Release::New, BREAKS_ONCE)?;
    world.fluxloop(Release::New, &["test"])?.exits(0)?.keeps_silent_about("Traceback")?.says("Completed: 1/2 successful")?;
    only_batch_is(world, "failed", 1, 2)
}

fn f11_several_turns_leave_no_orphans(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    agent::workspace(world, world.first_line())?;
    agent::function(world, world.first_line(), ANSWERS)?;
    agent::several_turns(world)?;
    world.fluxloop(world.first_line(), &["test", "--scenario", "orders"])?.exits(0)?.clean()?.says("Uploaded 2 runs")?;
    only_batch_is(world, "completed", 2, 2)
}

fn f7_a_test_that_is_not_uploaded_can_be_uploaded_later(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    agent::workspace(world, world.first_line())?;
    agent::function(world, world.first_line(), ANSWERS)?;
    // The peer announces its runs all the same.
    world.fluxloop(world.first_line(), &["test", "--scenario", "orders", "--skip-upload"])?.exits(0)?.clean()?;
    only_batch_is(world, "running", 0, 2)?;
    world.fluxloop(world.first_line(), &["sync", "upload", "--scenario", "orders"])?.exits(0)?.clean()?;
    only_batch_is(world, "completed", 2, 2)
}

fn turns_that_come_after_the_upload_are_kept(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    agent::workspace(world, world.first_line())?;
    agent::function(world, world.first_line(), ANSWERS)?;
    let test = ["test", "--scenario", "orders", "--stream-after-upload"];
    world.fluxloop(world.first_line(), &test)?.exits(0)?.clean()?.says("Uploaded 2 runs")?;
    only_batch_is(world, "completed", 2, 2)
}

fn a_program_is_tested_by_the_new_release(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    agent::workspace(world, Release::New)?;
    agent::process(world)?;
    world.fluxloop(Release::New, &["test"])?.exits(0)?.clean()?.says("Completed: 2/2 successful")?;
    only_batch_is(world, "completed", 2, 2)
}

fn files_of_every_trace_are_uploaded(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    agent::workspace(world, world.first_line())?;
    agent::function(world, world.first_line(), ANSWERS)?;
    world
        .fluxloop(world.first_line(), &["test", "--scenario", "orders", "--skip-upload", "--no-stream-turns"])?
        .exits(0)?
        .clean()?;
    let name = experiment(world, &format!("{FOLDER}/experiments"))?;
    let folder = format!("{FOLDER}/experiments/{name}");
    // What an older tool made of each trace.
    for line in world.read(&format!("{folder}/trace_summary.jsonl"))?.lines() {
        let trace: Value = serde_json::from_str(line)?;
        let id = trace["trace_id"].as_str().context("a trace without an id")?;
        world.write(&format!("{folder}/per_trace_analysis/001_{id}.md"), &format!("# {id}\n"))?;
    }
    world.write(&format!("{folder}/per_trace_analysis/per_trace.jsonl"), "")?;
    world
        .fluxloop(world.first_line(), &["sync", "upload", "--scenario", "orders"])?
        .exits(0)?
        .clean()?
        .says("Uploaded 2 runs")?;
    only_batch_is(world, "completed", 2, 2)?;
    let batch = only_batch(world)?;
    let batch = batch["experiment_id"].as_str().context("a batch without an id")?;
    files_are_those_of(world, &folder, &format!("/projects/{}/experiments/{batch}", world.project()))
}

/// Checks that what the pages of an experiment and of its cases offer is what the files in its folder hold, and that every
/// case has the file that was made of its trace.
fn files_are_those_of(world: &World, folder: &str, page: &str) -> Result<()> {
    let browser = Browser::sign_in(world.platform())?;
    let mut files = browser.files(page)?;
    for case in browser.links_below(page, "cases")? {
        let of_case = browser.files(&case)?;
        ensure!(of_case.iter().any(|(name, _)| name.ends_with(".md")), "{case} offers no file of its trace: {of_case:?}");
        files.extend(of_case);
    }
    ensure!(files.len() > 2, "{page} offers too little: {files:?}");
    for (name, text) in files {
        let local =
            world.read(&format!("{folder}/{name}")).or_else(|_| world.read(&format!("{folder}/per_trace_analysis/{name}")));
        ensure!(local.with_context(|| format!("the page names {name}"))? == text, "{name} is not what was uploaded:\n{text}");
    }
    Ok(())
}
