//! `keepstep sync upload --all`: everything that the server does not have.

use keepstep_client::upload::{Progress, Silent};
use keepstep_workspace::experiments::{Experiment, State};
use keepstep_workspace::{Scenario, ScenarioError, Workspace};
use serde_json::{Value, json};

use super::arguments::Arguments;
use super::find::{Config, Found, list};
use super::prepare::{self, Destination, Prepared};
use super::progress::Bar;
use super::report::{extend, print_left_out, print_sent, sent_document};
use crate::command::{CommandResult, Outcome};
use crate::session::checkout::outbox::{self, Courier, Delivery, Locked, Outbox};
use crate::session::connection::test_data_server::{TestDataServer, required_project};
use crate::session::connection::uploaded;
use crate::session::context::Context;
use crate::shell::exit;
use crate::shell::failure::Failure;
use crate::shell::printer::count;

/// What became of all results.
#[derive(Default)]
struct Ended {
    documents: Vec<Value>,
    sent: usize,
    there: usize,
    /// The experiments that went out first because they waited; the server has them by now.
    waited: Vec<String>,
    /// The first that the server did not take.
    refused: Option<Failure>,
    /// Why the server could not be asked any more.
    unreachable: Option<Failure>,
}

/// Runs it.
pub(super) fn run(context: &Context, workspace: &Workspace, arguments: &Arguments, strict: bool) -> CommandResult {
    let project = required_project(Some(workspace), arguments.project_id.as_deref())?;
    let outbox = Outbox::of(workspace.root());
    let locked = outbox.lock(workspace.root(), &context.printer)?;
    let mut ended = Ended::default();
    // What waits goes first; it may be one of those that are looked for.
    let waiting = outbox::deliver_all(context, workspace, locked.entries()?)?;
    ended.sent += waiting.sent.len();
    ended.waited = waiting.sent.into_iter().map(|(experiment, _)| experiment).collect();
    ended.unreachable = waiting.waiting.map(|(_, failure)| failure);
    for scenario in scenarios(context, workspace, arguments)? {
        if ended.unreachable.is_some() {
            break;
        }
        of_scenario(context, workspace, arguments, (&locked, &project), scenario, &mut ended)?;
    }
    if let Some(failure) = ended.unreachable.take_if(|_| strict) {
        return Err(failure);
    }
    let said = match (ended.sent, ended.there) {
        (0, 0) => "no complete results to upload".to_owned(),
        (0, there) => format!("{}, all on the server already", count(there, "experiment")),
        (sent, there) => format!("{sent} uploaded, {there} on the server already"),
    };
    context.printer.answer(said);
    if let Some(failure) = &ended.unreachable {
        context.printer.warning(&format!("the rest was not uploaded: {}", failure.message()));
        context.printer.hint("`keepstep sync upload --all` sends the rest when the server can be reached");
    }
    let code = ended.refused.as_ref().map_or(exit::DONE, |failure| failure.text(context.program).code);
    context.printer.document(
        "sync.upload",
        json!({
            "exit": code, "experiments": ended.documents, "uploaded": ended.sent, "present": ended.there,
            "unreachable": ended.unreachable.is_some(), "dry_run": arguments.dry_run,
        }),
    );
    Ok(if code == exit::DONE { Outcome::Done } else { Outcome::Refused(code) })
}

/// Returns the scenarios that `sync status` speaks of.
fn scenarios(context: &Context, workspace: &Workspace, arguments: &Arguments) -> Result<Vec<Scenario>, Failure> {
    match workspace.scenario(arguments.scenario.as_deref(), &context.directory) {
        Ok(scenario) => Ok(vec![scenario]),
        Err(ScenarioError::NoneSelected { .. }) => Ok(workspace.scenarios()?),
        Err(error) => Err(error.into()),
    }
}

fn of_scenario(
    context: &Context,
    workspace: &Workspace,
    arguments: &Arguments,
    (locked, project): (&Locked, &str),
    scenario: Scenario,
    ended: &mut Ended,
) -> Result<(), Failure> {
    let server = TestDataServer::connect(context, Some(workspace), Some(&scenario))?;
    let config = Config::read(context, &scenario.path, arguments.config.as_deref())?;
    let mut experiments: Vec<Experiment> = list(Some(workspace), &scenario, &config)?;
    experiments.retain(Experiment::is_complete);
    match uploaded::ask(&server, project, &scenario, &mut experiments) {
        Err(Failure::Client(error)) if error.is_unreachable() => {
            ended.unreachable = Some(error.into());
            return Ok(());
        }
        asked => asked?,
    }
    let target = server.target();
    let destination = Destination {
        server: target.server(),
        key: target.key.as_ref().map(|key| key.secret.reveal().to_owned()),
        project_id: project.to_owned(),
        bundle_version_id: None,
    };
    for experiment in experiments.into_iter().rev() {
        if experiment.state == State::Uploaded {
            match ended.waited.iter().position(|waited| *waited == experiment.id) {
                Some(place) => drop(ended.waited.swap_remove(place)),
                None => ended.there += 1,
            }
            continue;
        }
        let found = Found { scenario: scenario.clone(), experiment, config: config.clone() };
        if let Err(failure) = one(context, workspace, arguments, (locked, &destination), &found, ended) {
            // What one experiment lacks does not keep back the others.
            context.printer.warning(&failure.message());
            ended.refused.get_or_insert(failure);
        }
        if ended.unreachable.is_some() {
            break;
        }
    }
    Ok(())
}

/// Sends one experiment.
fn one(
    context: &Context,
    workspace: &Workspace,
    arguments: &Arguments,
    (locked, destination): (&Locked, &Destination),
    found: &Found,
    ended: &mut Ended,
) -> Result<(), Failure> {
    let prepared = prepare::prepare(context, workspace, locked, found, destination)?;
    let (runs, failed) = (prepared.queued.runs, prepared.queued.failed);
    let mut document = json!({
        "experiment_id": found.experiment.id, "scenario": found.scenario.name, "runs": runs, "failed": failed,
        "bundle_version_id": prepared.queued.manifest.bundle_version_id, "redacted": prepared.redacted,
    });
    if arguments.dry_run {
        context.printer.answer(format!("{} would be uploaded: {}", found.experiment.id, count_runs(runs)));
        ended.documents.push(document);
        return Ok(());
    }
    print_left_out(context, &prepared);
    let Prepared { draft, queued, .. } = prepared;
    let entry = draft.queue(queued)?;
    let courier = Courier::new(context, workspace, &found.scenario.path)?;
    let bar = context.printer.has_progress().then(|| Bar::new(&context.printer));
    let progress: &dyn Progress = bar.as_ref().map_or(&Silent, |bar| bar);
    let delivery = outbox::deliver(&courier, entry, progress)?;
    drop(bar);
    match delivery {
        Delivery::Sent(sent) => {
            print_sent(context, &found.experiment.id, runs, failed, &sent);
            extend(&mut document, &sent_document(&sent));
            ended.documents.push(document);
            ended.sent += 1;
            Ok(())
        }
        Delivery::Unreachable(failure) => {
            ended.unreachable = Some(failure);
            Ok(())
        }
        Delivery::Refused(failure) => {
            // It is still there and is told, so it need not wait as well.
            Outbox::of(workspace.root()).remove(&found.experiment.path);
            Err(failure)
        }
    }
}

fn count_runs(runs: u64) -> String {
    count(runs, "case")
}
