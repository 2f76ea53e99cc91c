//! A run from its arguments to its exit code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::{Timestamp, Zoned};
use keepstep_results::report::junit::Suite;
use keepstep_results::status::Status;
use keepstep_runner::agent::{self, Session, Target};
use keepstep_runner::case::{Plan, Selection};
use keepstep_runner::config::Config;
use keepstep_runner::conversation::User;
use keepstep_runner::event::{Event, Stopped};
use keepstep_runner::experiment::{Basis, Experiment, Last, RunFile, Summary};
use keepstep_runner::input::InputList;
use keepstep_runner::judge::Judging;
use keepstep_runner::junit;
use keepstep_runner::run::{Ended, Options, Wish};
use keepstep_workspace::experiments::redact::Redactor;
use tokio::sync::watch;
use uuid::Uuid;

use super::arguments::RunArguments;
use super::git::Checkout;
use super::github::GitHub;
use super::models::model_failure;
use super::provenance::{config_digest, known_before, provenance, target_described};
use super::setup::{Tested, experiment_failure, refused, surroundings};
use super::version::Version;
use super::view::View;
use super::{judging, live, models, results, send, version};
use crate::command::{CommandResult, Outcome};
use crate::session::checkout::interrupted_pull::recover;
use crate::session::context::Context;
use crate::session::runtime;
use crate::session::secrets;
use crate::shell::failure::Failure;
use crate::shell::interrupt;
use crate::shell::printer::count;

/// Runs the agent on the inputs.
pub(super) fn run(context: &Context, arguments: &RunArguments) -> CommandResult {
    let tested = Tested::find(context, arguments.scenario.as_deref(), arguments.config.as_deref())?;
    if let Some(workspace) = &tested.workspace {
        recover(context, workspace.root(), &tested.path)?;
    }
    let variables = tested.variables(context)?;
    let config = tested.config(context, arguments.config.as_deref(), &variables, &arguments.multi_turn)?;
    let secrets = tested.secrets(context, &variables, &config)?;
    let redactor = secrets::keep(context, &secrets)?;
    let Version { inputs, bundle } = version::resolve(context, arguments, &tested, &config)?;
    let directory = arguments.output_dir.as_ref().map_or(config.output_directory.clone(), |path| context.directory.join(path));
    let checkout = Checkout::read(&context.directory);
    let mut resumed = if arguments.resume { Some(Experiment::resume(&directory).map_err(experiment_failure)?) } else { None };
    let has_inputs = !inputs.list.is_empty();
    let list = Arc::new(inputs.list);
    let selection = match &resumed {
        Some(experiment) => experiment.run.selection(),
        None if arguments.failed => failed(&directory, &list)?,
        None => Selection {
            smoke: arguments.smoke || (config.smoke && !arguments.full),
            iterations: arguments.iterations.unwrap_or(config.iterations),
            filter: arguments.filter.clone(),
            shard: arguments.shard,
            seed: arguments.seed,
            only: None,
        },
    };
    let cases = Plan::new(list, &selection);
    if cases.is_empty() {
        return Err(no_cases(&tested, &selection, !has_inputs));
    }
    if let Some(experiment) = &resumed {
        experiment.check_cases(&cases).map_err(experiment_failure)?;
    }
    let recordings = models::recordings(arguments, &tested, redactor.clone())?;
    let surroundings = surroundings(context, variables);
    let strict = tested.settings(context)?.strict(context, arguments.strict)?.value;
    let user = models::user(&config, &tested, &surroundings, &recordings);
    let judge = models::judge(&config, &surroundings, &recordings);
    let judging = Arc::new(judging::judging(context, arguments.accept_criteria, &tested, judge, &surroundings)?);
    let basis = Basis { config: config_digest(&config), criteria: judging.digest() };
    if let Some(experiment) = &mut resumed {
        experiment.check_basis(&basis).map_err(experiment_failure)?;
    }
    let options = options(&tested, &config, arguments, user.clone(), Arc::clone(&judging));
    let described = target_described(&config.target);
    let target = agent::make(&config.target, &surroundings).map_err(refused)?;
    let is_sent = (arguments.no_skip_upload || (config.auto_upload && !arguments.skip_upload)) && tested.workspace.is_some();
    let runtime = runtime::single()?;
    let (ended, folder) = runtime.block_on(async {
        let _pause = interrupt::pause();
        let wishes = listen();
        // A target that cannot be loaded leaves no folder behind.
        let session = prepared(target.as_ref(), wishes.clone()).await?;
        let models = [user.as_ref().and_then(|user| user.model()), judging.model()];
        for model in models.into_iter().flatten() {
            model.prepare().await.map_err(model_failure)?;
        }
        let experiment = match resumed {
            Some(experiment) => experiment,
            None => create(&directory, &selection, &cases, basis)?,
        };
        let watched = bundle.clone().filter(|_| is_sent).and_then(|bundle| {
            let test = live::LiveTest {
                folder: experiment.folder().to_owned(),
                name: experiment.name(),
                key: live::key(&experiment.run.nonce),
                cases: cases.len(),
                details: known_before(&tested, &config, &checkout, &bundle),
                bundle,
            };
            live::Live::begin(context, arguments, &tested, secrets, test)
        });
        let notes_skipped = arguments.junit.is_some();
        let mut github = GitHub::of(context);
        let mut view = View::new(&context.printer, &tested.name, &described, arguments.stream && !arguments.no_stream);
        let skipped = Mutex::new(Vec::new());
        let mut hidden = 0;
        let mut on_event = |event: &Event| {
            // What leaves the agent's own screen, whichever way, is this.
            let cleaned = event.cleaned(&redactor);
            let reported = cleaned.as_ref().unwrap_or(event);
            view.show(if context.printer.is_own_screen() { event } else { reported });
            if let Some(github) = &mut github {
                github.note(reported);
            }
            if let Some(url) = watched.as_ref().and_then(live::Live::url) {
                view.watched_at(url);
            }
            hidden += usize::from(matches!(cleaned, Some(Event::CaseFinished(_))));
            if let (Event::CaseFinished(finished), true, Ok(mut skipped)) = (event, notes_skipped, skipped.lock())
                && finished.status == Status::Skipped
            {
                skipped.push(finished.case.clone());
            }
        };
        let ended = keepstep_runner::run(&experiment, cases, target, session, options, wishes, &mut on_event).await;
        if let Some(watched) = watched {
            watched.end(ended.as_ref().is_ok_and(is_complete));
        }
        for model in models.into_iter().flatten() {
            model.close().await;
        }
        recordings.finish().map_err(model_failure)?;
        let ended = ended.map_err(experiment_failure)?;
        let skipped = skipped.into_inner().unwrap_or_default();
        let summary = Summary {
            name: &config.name,
            config: &config.written,
            totals: ended.totals,
            statistics: &ended.statistics,
            duration_seconds: ended.duration.as_secs_f64(),
            provenance: provenance(context, &tested, &config, checkout, bundle, &live::key(&experiment.run.nonce)),
            is_complete: is_complete(&ended),
        };
        let suite = Suite { name: &tested.name, totals: ended.totals, duration_seconds: summary.duration_seconds, strict };
        finish(context, arguments, &tested, &experiment, &summary, (&suite, &skipped), &redactor)?;
        view.sum_up(&ended, &context.relative(experiment.folder()));
        if hidden > 0 && !context.printer.is_own_screen() {
            context.printer.warning(&format!("{} had secret values in it, which are left out here", count(hidden, "case")));
        }
        if let Some(github) = github {
            github.write(context, &tested.name, inputs.file.as_deref(), &redactor);
        }
        Ok::<_, Failure>((ended, experiment.folder().to_owned()))
    })?;
    if is_complete(&ended) && is_sent {
        // The run is over and its folder no longer locked.
        send::results(context, arguments, folder);
    }
    Ok(outcome(&ended, strict, arguments.no_fail))
}

/// Returns the cases of the last run that did not pass, those included that it did not come to.
fn failed(directory: &Path, inputs: &Arc<InputList>) -> Result<Selection, Failure> {
    let last = Last::read(directory).map_err(experiment_failure)?;
    let before = last.run.selection();
    let names = Plan::new(Arc::clone(inputs), &before).names();
    let only: BTreeSet<String> = names.into_iter().filter(|name| !last.passed.contains(name)).collect();
    if only.is_empty() {
        return Err(Failure::Nothing {
            message: format!("all cases of {} passed", last.name),
            hint: Some("`keepstep test` runs all cases".to_owned()),
        });
    }
    // Smoke is a selection of its own; its one case is among the names.
    let iterations = if before.smoke { 1 } else { before.iterations };
    Ok(Selection { iterations, seed: before.seed, only: Some(only), ..Selection::default() })
}

fn no_cases(tested: &Tested, selection: &Selection, no_inputs: bool) -> Failure {
    let (message, hint) = match &selection.filter {
        _ if no_inputs => (format!("{} has no inputs to run", tested.name), "`keepstep sync pull` brings them".to_owned()),
        Some(filter) => (format!("no case has {filter:?} in its name, input or persona"), "the filter ignores case".to_owned()),
        None => ("this shard is empty".to_owned(), "more shards than cases".to_owned()),
    };
    Failure::Nothing { message, hint: Some(hint) }
}

fn options(
    tested: &Tested,
    config: &Config,
    arguments: &RunArguments,
    user: Option<Arc<User>>,
    judging: Arc<Judging>,
) -> Options {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let configured = config.parallel.and_then(|number| usize::try_from(number).ok());
    Options {
        scenario: tested.name.clone(),
        parallel: arguments.parallel.map(usize::from).or(configured).unwrap_or_else(cores),
        retry: arguments.retry,
        fail_fast: arguments.fail_fast,
        timeout: arguments.timeout.unwrap_or(config.timeout),
        delay: config.delay,
        user,
        guardrails: config.guardrails.clone(),
        judging,
        personas: config.personas.clone(),
        input_template: config.input_template.clone(),
        allow_empty: config.allow_empty,
        save_traces: config.save_traces,
        clock: Timestamp::now,
    }
}

/// Listens for Ctrl-C: once ends the run after the cases that run, twice ends it now.
fn listen() -> watch::Receiver<Wish> {
    let (wish, wishes) = watch::channel(Wish::GoOn);
    tokio::spawn(async move {
        for next in [Wish::Finish, Wish::StopNow] {
            // Without the signal there is nothing to listen for, and the system's own answer to it stays.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            if wish.send(next).is_err() {
                return;
            }
        }
        wish.closed().await;
    });
    wishes
}

async fn prepared(target: &dyn Target, mut wishes: watch::Receiver<Wish>) -> Result<Box<dyn Session>, Failure> {
    let mut session = target.session();
    tokio::select! {
        ready = session.prepare() => ready.map_err(refused)?,
        Ok(()) = wishes.changed() => return Err(Failure::Interrupted),
    }
    Ok(session)
}

fn create(directory: &Path, selection: &Selection, cases: &Plan, basis: Basis) -> Result<Experiment, Failure> {
    let date = Zoned::now().datetime();
    let run = RunFile::new(date, Uuid::new_v4().simple().to_string(), selection, cases).with_basis(basis);
    Experiment::create(directory, date, run).map_err(experiment_failure)
}

/// Writes what a run leaves beside its cases.
fn finish(
    context: &Context,
    arguments: &RunArguments,
    tested: &Tested,
    experiment: &Experiment,
    summary: &Summary<'_>,
    (suite, skipped): (&Suite<'_>, &[String]),
    redactor: &Redactor,
) -> Result<(), Failure> {
    experiment.report(summary).map_err(experiment_failure)?;
    if let Some(path) = &arguments.junit {
        let path = context.directory.join(path);
        junit::write(experiment, &path, suite, skipped, redactor).map_err(experiment_failure)?;
    }
    point_to_latest(&tested.path, experiment.folder())
}

/// Returns true unless the rest is to be run later: with `--resume`, when the person or the target is there again.
fn is_complete(ended: &Ended) -> bool {
    !matches!(ended.stopped, Some(Stopped::Interrupted | Stopped::TargetDown))
}

/// Makes `.state/latest_result.md` the result of this run.
fn point_to_latest(scenario: &Path, folder: &Path) -> Result<(), Failure> {
    let state = scenario.join(".state");
    let fail = |error| Failure::io("write", &state.join(results::LATEST).display().to_string(), error);
    fs::create_dir_all(&state).map_err(fail)?;
    let result: PathBuf = folder.join("result.md");
    let result = result.canonicalize().unwrap_or(result);
    let temporary = state.join(format!(".latest-{}", Uuid::new_v4().simple()));
    #[cfg(unix)]
    let linked = std::os::unix::fs::symlink(&result, &temporary);
    #[cfg(not(unix))]
    let linked: std::io::Result<()> = Err(std::io::ErrorKind::Unsupported.into());
    linked
        .or_else(|_| fs::copy(&result, &temporary).map(drop))
        .and_then(|()| fs::rename(&temporary, state.join(results::LATEST)))
        .map_err(fail)
}

fn outcome(ended: &Ended, strict: bool, no_fail: bool) -> Outcome {
    let totals = &ended.totals;
    // What has no judge is neither good nor bad; a judge that failed is as bad as an agent that did.
    let unknown = if strict { 0 } else { totals.without_judge() };
    match ended.stopped {
        Some(Stopped::Interrupted) => Outcome::Interrupted,
        _ if no_fail => Outcome::Done,
        _ if totals.counts.passed + unknown == totals.planned => Outcome::Done,
        _ => Outcome::Found,
    }
}
