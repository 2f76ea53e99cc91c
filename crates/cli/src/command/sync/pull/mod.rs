//! `keepstep sync pull`: test data to the workspace.
//!
//! [`targets`] finds out which scenarios are meant, [`fetch`] asks the platform for each, the workspace decides what that
//! changes, [`ask`] puts to the person what only a person can decide, and everything is put in place at once.

mod ask;
mod carry_out;
mod fetch;
mod report;
mod run;
mod targets;

use std::cell::{Cell, RefCell};

use keepstep_workspace::{Workspace, pull as files};
use serde_json::{Value, json};

pub(super) use self::run::Arguments;
use self::run::Run;
use self::targets::Target;
use crate::command::{CommandResult, Outcome};
use crate::session::checkout::interrupted_pull::recover;
use crate::session::checkout::undo_log::Recorder;
use crate::session::connection::test_data_server::{TestDataServer, find_workspace, project_id};
use crate::session::context::Context;
use crate::session::memory::take_small_pages;
use crate::shell::exit;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text};

pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let document = bring(context, arguments)?;
    context.printer.document("sync.pull", document);
    Ok(Outcome::Done)
}

/// Pulls a bundle version that another command names, with the rules of this one.
pub(in crate::command) fn version(
    context: &Context,
    project_id: Option<String>,
    scenario: Option<String>,
    bundle_version_id: &str,
) -> Result<(), Failure> {
    let bundle_version_id = Some(bundle_version_id.to_owned());
    bring(context, &Arguments { project_id, scenario, bundle_version_id, ..Arguments::default() }).map(drop)
}

/// Pulls the newest bundle version of a scenario for another command. What was just published comes back in the server's form, with which
/// the folder is in step.
pub(in crate::command) fn newest(
    context: &Context,
    project_id: Option<&str>,
    scenario: &str,
    is_published: bool,
) -> Result<(), Failure> {
    let (project_id, scenario) = (project_id.map(str::to_owned), Some(scenario.to_owned()));
    let arguments = Arguments { project_id, scenario, force: is_published, is_published, ..Arguments::default() };
    bring(context, &arguments).map(drop)
}

/// Pulls, and returns what happened, for programs.
fn bring(context: &Context, arguments: &Arguments) -> Result<Value, Failure> {
    take_small_pages();
    let found = find_workspace(context);
    let is_new = found.is_none();
    let signs = [".state", "inputs/generated.yaml", "configs/simulation.yaml", "configs/scenario.yaml"];
    let is_scenario = is_new && signs.iter().any(|sign| context.directory.join(sign).exists());
    let workspace = found.unwrap_or_else(|| Workspace::at(&context.directory));
    let project = project_id(Some(&workspace), arguments.project_id.as_deref())?;
    let selected = targets::selected(context, &workspace, arguments.scenario.as_deref(), is_scenario)?;
    let scenario = selected.as_ref().map(|target| &target.scenario);
    let server = TestDataServer::connect(context, Some(&workspace), scenario)?;
    let recorder = RefCell::new(Recorder::of(workspace.root(), "sync pull"));
    let run = Run { context, arguments, workspace, is_new, is_scenario, project, server, recorder, replaced: Cell::new(false) };
    let targets = targets::all(&run, selected)?;
    let pulled = pull_all(&run, &targets);
    if let Some(id) = run.recorder.borrow().id().filter(|_| run.replaced.get() && !arguments.is_published) {
        context.printer.hint(&format!("`keepstep undo {id}` brings back what was replaced"));
    }
    let scenarios = pulled?;
    Ok(json!({ "project_id": run.project, "server": run.server.name(), "dry_run": arguments.dry_run, "scenarios": scenarios }))
}

fn pull_all(run: &Run<'_>, targets: &[Target]) -> Result<Vec<Value>, Failure> {
    let context = run.context;
    let mut scenarios = Vec::new();
    let mut failed = None;
    for target in targets {
        match pull(run, target.clone()) {
            Ok(document) => scenarios.push(document),
            Err(failure) if target.one_of > Some(1) => {
                let told = failure.text(context.program);
                if !matches!(told.code, exit::CONFLICT | exit::NOT_FOUND | exit::REFUSED) {
                    return Err(failure);
                }
                // The others need not wait for somebody's decision about this one.
                context.printer.notice(
                    Text::of(Label::Warning, format!("{}: ", target.scenario.name)).and(Label::Plain, told.message.clone()),
                );
                scenarios.push(json!({ "scenario": target.document(), "error": { "kind": told.kind, "message": told.message } }));
                if told.code != exit::NOT_FOUND {
                    failed.get_or_insert(failure);
                }
            }
            Err(failure) => return Err(failure),
        }
    }
    failed.map_or(Ok(scenarios), Err)
}

fn pull(run: &Run<'_>, mut target: Target) -> Result<Value, Failure> {
    recover(run.context, run.workspace.root(), &target.scenario.path)?;
    let local = files::Scenario::read(&target.scenario.path)?;
    if target.scenario.id.is_none() && target.bundle.is_none() {
        if local.record.is_none()
            && let Some(received) = fetch::fetch_by_name(run, &target)?
        {
            target.scenario.id = received.bundle.scenario_id();
            return carry_out::carry_out(run, &target, &local, &received);
        }
        target.scenario.id = targets::find_id(run, &target)?;
    }
    let target = &target;
    let Some(received) = fetch::fetch(run, target, &local)? else {
        let document = report::up_to_date(run.context, target, &local)?;
        if let Some(record) = local.record.as_ref().filter(|_| !run.arguments.dry_run) {
            let lock = carry_out::noted(run, target, record)?;
            lock.write(&mut run.recorder.borrow_mut(), run.context.now())?;
        }
        return Ok(document);
    };
    carry_out::carry_out(run, target, &local, &received)
}
