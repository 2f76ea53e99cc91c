//! Bringing what was fetched into the scenario's folder.

use std::io;

use jiff::Timestamp;
use keepstep_testdata::bundle::Bundle;
use keepstep_workspace::StateChange;
use keepstep_workspace::files::Pending;
use keepstep_workspace::links::Link;
use keepstep_workspace::pull::{Change, Prepared, PullError, Question, Scenario, prepare};
use keepstep_workspace::pull_record::PullRecord;
use serde_json::Value;

use super::ask;
use super::fetch::Fetched;
use super::report::Report;
use super::run::Run;
use super::targets::Target;
use crate::session::checkout::lock_file::LockFile;
use crate::session::checkout::undo_log::{Content, Write};
use crate::shell::failure::Failure;
use crate::shell::visible::{visible_line, word};

/// Decides, asks, writes and tells. Returns what happened, for programs.
pub(super) fn carry_out(run: &Run<'_>, target: &Target, fetched: &Fetched, is_only: bool) -> Result<Value, Failure> {
    let bundle = fetched.received.bundle();
    check_folder(run, target, bundle)?;
    let _guard = run.guard()?;
    // Read again: another keepstep may have been at work until now.
    let local = Scenario::read(&target.scenario.path)?;
    let mut prepared = prepare(Question {
        scenario: &local,
        received: &fetched.received,
        previous: fetched.previous.as_ref(),
        api_url: run.server.name(),
        project_id: run.project.as_deref(),
        force: run.arguments.force,
    })?;
    if let Some(what) = prepared.mass_removal().filter(|_| !run.arguments.force) {
        return Err(Failure::Conflict {
            message: format!("bundle version {} removes {what}; nothing was written", bundle.id()),
            hints: vec!["if that is meant, `keepstep sync pull --force` does it; `keepstep undo` brings it back".to_owned()],
        });
    }
    ask::settle(run, target, &mut prepared)?;
    let previous = local.bundle();
    if run.arguments.dry_run {
        let report = Report { context: run.context, target, prepared: &prepared, bundle };
        report.show_plan();
        return Ok(report.document(previous, None));
    }
    let mut notes =
        Notes { files: noted(run, target, prepared.record())?.write_pending()?.into_iter().collect(), ..Notes::default() };
    notes.add_workspace(run, target, bundle, is_only)?;
    let undo = put_in_place(run, target, &mut prepared, notes.files)?;
    if let Some(name) = notes.selected {
        run.context.printer.status(format!("Selected scenario {name}; the other commands work on it from now on."));
    }
    let report = Report { context: run.context, target, prepared: &prepared, bundle };
    report.show();
    Ok(report.document(previous, undo.as_deref()))
}

/// Makes sure that a scenario does not get a second folder by a name that was meant for another one.
fn check_folder(run: &Run<'_>, target: &Target, bundle: &Bundle) -> Result<(), Failure> {
    let workspace = run.workspace;
    let Some(id) = bundle.scenario_id().filter(|_| target.scenario.path.starts_with(workspace.folder()) && !run.arguments.force)
    else {
        return Ok(());
    };
    let folders = workspace.folders_with(&id)?;
    // A person may have said that the scenario belongs into a folder that a pull has yet to make.
    let is_linked = workspace.links()?.folders_of(&id).any(|folder| folder == target.scenario.folder);
    let Some(other) = folders.first().filter(|_| !is_linked && !folders.contains(&target.scenario.folder)) else { return Ok(()) };
    let name = bundle.scenario_name().unwrap_or(&target.scenario.name);
    Err(Failure::Conflict {
        message: format!(
            "scenario {} is in .fluxloop/scenarios/{} already, not in {}; nothing was written",
            visible_line(name),
            visible_line(other),
            visible_line(&target.scenario.folder)
        ),
        hints: vec![
            format!("`keepstep sync pull --scenario {}` pulls it there", word(other)),
            format!("`keepstep scenarios select {} --local-path {}` moves it", word(&id), word(&target.scenario.folder)),
        ],
    })
}

/// Puts everything in place, the notes last, after what is there was kept. Returns the id that brings it back.
fn put_in_place(run: &Run<'_>, target: &Target, prepared: &mut Prepared, notes: Vec<Pending>) -> Result<Option<String>, Failure> {
    let root = run.workspace.root();
    let mut recorder = run.recorder.borrow_mut();
    let kept = recorder.len();
    let mut beside = notes.iter().map(|note| Write::of_pending(root, note)).collect::<Result<Vec<_>, _>>()?;
    let replaces = prepared.replaces_something();
    let mut not_kept = None;
    let mut keep = |changes: &[Change]| {
        let changed = changes.iter().filter(|change| change.before != change.after).map(|change| {
            let place = target.scenario.path.join(&change.path);
            let path = place.strip_prefix(root).unwrap_or(&place).to_owned();
            let before = change.before.map_or(Content::Absent, |_| Content::File(place));
            Write { path, before, after: change.after.map_or(Content::Absent, Content::Digest) }
        });
        let writes: Vec<Write> = changed.chain(std::mem::take(&mut beside)).collect();
        recorder.keep(run.context.now(), &writes).map_err(|failure| {
            not_kept = Some(failure);
            io::Error::other("the existing files were not kept")
        })
    };
    match prepared.apply(notes, &mut || Ok(()), &mut keep) {
        Ok(()) => {
            run.replaced.set(run.replaced.get() || replaces);
            Ok(recorder.id().map(str::to_owned))
        }
        Err(error) => {
            if !matches!(error, PullError::Beside { .. }) {
                recorder.roll_back(kept);
            }
            Err(not_kept.unwrap_or_else(|| error.into()))
        }
    }
}

/// Returns `keepstep.lock` with what was pulled.
pub(super) fn noted(run: &Run<'_>, target: &Target, record: &PullRecord) -> Result<LockFile, Failure> {
    let mut lock = LockFile::read(run.workspace.root())?;
    let entry = lock.lock.scenario_mut(&target.scenario.folder);
    entry.agree(&record.bundle_version_id, record.digest);
    entry.project.clone_from(&record.project_id);
    entry.scenario.clone_from(&record.scenario_id);
    Ok(lock)
}

/// The small files that say what was pulled, written and not in place yet.
#[derive(Debug, Default)]
struct Notes {
    files: Vec<Pending>,
    /// The name of the scenario that they select.
    selected: Option<String>,
    /// Until they are in place, no other keepstep changes those of the workspace.
    _change: Option<StateChange>,
}

impl Notes {
    /// Writes which scenario of the platform the folder belongs to, and selects it if it is the only one and none is.
    fn add_workspace(&mut self, run: &Run<'_>, target: &Target, bundle: &Bundle, is_only: bool) -> Result<(), Failure> {
        let workspace = run.workspace;
        let Some(id) = bundle.scenario_id().filter(|_| target.scenario.path.starts_with(workspace.folder())) else {
            return Ok(());
        };
        let name = bundle.scenario_name().unwrap_or(&target.scenario.name).to_owned();
        let mut change = StateChange::begin(workspace)?;
        change.links.set(&target.scenario.folder, &Link { id: id.clone(), name: name.clone(), project_id: bundle.project_id() });
        if change.context.scenario().is_none() && is_only && target.is_one_of_all {
            let now = Timestamp::now().to_string();
            change.context.select_scenario(Some(&id), &name, &target.scenario.folder, &now);
            self.selected = Some(name);
        }
        if change.context.scenario().is_some_and(|current| current.folder == target.scenario.folder) {
            change.context.note_pulled(bundle.id(), None);
        }
        self.files.extend(change.write()?);
        self._change = Some(change);
        Ok(())
    }
}
