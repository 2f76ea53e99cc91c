//! Bringing what was fetched into the scenario's folder.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use keepstep_base::Digest;
use keepstep_testdata::bundle::Bundle;
use keepstep_workspace::StateChange;
use keepstep_workspace::files::Pending;
use keepstep_workspace::links::Link;
use keepstep_workspace::pull::{Change, PrepareError, Prepared, Question, Scenario, SwapError, prepare};
use serde_json::Value;

use super::fetch::Fetched;
use super::run::Run;
use super::target::Target;
use super::{ask, report};
use crate::session::checkout::lock_file::LockFile;
use crate::session::checkout::undo_log::{Content, Write};
use crate::shell::failure::Failure;
use crate::shell::visible::{visible_line, word};

/// What the lock file notes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pulled<'a> {
    pub(super) bundle: &'a str,
    pub(super) digest: Digest,
    pub(super) project: Option<&'a str>,
    pub(super) scenario: Option<&'a str>,
}

/// Decides, asks, writes and tells. Returns what happened, for programs.
pub(super) fn carry_out(run: &Run<'_>, target: &Target, fetched: &Fetched, is_only: bool) -> Result<Value, Failure> {
    let bundle = fetched.received.bundle();
    check_folder(run, target, bundle)?;
    let _guard = run.guard()?;
    // Read again: another keepstep may have been at work until now.
    let local = Scenario::read(&target.path)?;
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
            message: format!("bundle version {} takes away {what}; nothing was written", bundle.id()),
            hints: vec!["if that is meant, `keepstep sync pull --force` does it; `keepstep undo` brings it back".to_owned()],
        });
    }
    ask::settle(run, target, &mut prepared)?;
    let told = report::PullReport::of(&prepared, &local, bundle);
    if run.arguments.dry_run {
        told.show_plan(run.context, target);
        return Ok(told.document(target, None));
    }
    let mut notes = Notes::default();
    notes.add_lock(run, target, bundle, prepared.digest())?;
    notes.add_workspace(run, target, bundle, is_only)?;
    let undo = put_in_place(run, target, prepared, notes.files)?;
    if let Some(name) = notes.selected {
        run.context.printer.status(format!("Selected scenario {name}; the other commands work on it from now on."));
    }
    told.show(run.context, target);
    Ok(told.document(target, undo.as_deref()))
}

/// Makes sure that a scenario does not get a second folder by a name that was meant for another one.
fn check_folder(run: &Run<'_>, target: &Target, bundle: &Bundle) -> Result<(), Failure> {
    let workspace = run.workspace;
    let Some(id) = bundle.scenario_id().filter(|_| target.path.starts_with(workspace.folder()) && !run.arguments.force) else {
        return Ok(());
    };
    let folders = workspace.folders_with(&id)?;
    // A person may have said that the scenario belongs into a folder that a pull has yet to make.
    let is_linked = workspace.links()?.folders_of(&id).any(|folder| folder == target.folder);
    let Some(other) = folders.first().filter(|_| !is_linked && !folders.contains(&target.folder)) else { return Ok(()) };
    let name = bundle.scenario_name().unwrap_or(&target.name);
    Err(Failure::Conflict {
        message: format!(
            "scenario {} is in .fluxloop/scenarios/{} already, not in {}; nothing was written",
            visible_line(name),
            visible_line(other),
            visible_line(&target.folder)
        ),
        hints: vec![
            format!("`keepstep sync pull --scenario {}` pulls it there", word(other)),
            format!("`keepstep scenarios select {} --local-path {}` moves it", word(&id), word(&target.folder)),
        ],
    })
}

/// Puts everything in place, the notes last, after what is there was kept. Returns the id that brings it back.
fn put_in_place(run: &Run<'_>, target: &Target, prepared: Prepared, notes: Vec<Pending>) -> Result<Option<String>, Failure> {
    let root = run.workspace.root();
    let mut recorder = run.recorder.borrow_mut();
    let kept = recorder.len();
    let mut beside = notes.iter().map(|note| Write::of_pending(root, note)).collect::<Result<Vec<_>, _>>()?;
    let replaces = prepared.replaces_something();
    let mut not_kept = None;
    let mut keep = |changes: &[Change]| {
        let changed = changes.iter().filter(|change| change.before != change.after).map(|change| {
            let place = target.path.join(&change.path);
            let path = place.strip_prefix(root).unwrap_or(&place).to_owned();
            let before = change.before.map_or(Content::Absent, |_| Content::File(place));
            Write { path, before, after: change.after.map_or(Content::Absent, Content::Digest) }
        });
        let writes: Vec<Write> = changed.chain(std::mem::take(&mut beside)).collect();
        recorder.keep(run.context.now(), &writes).map_err(|failure| {
            not_kept = Some(failure);
            io::Error::other("what is there was not kept")
        })
    };
    match prepared.apply(notes, &mut || Ok(()), &mut keep) {
        Ok(()) => {
            run.replaced.set(run.replaced.get() || replaces);
            Ok(recorder.id().map(str::to_owned))
        }
        Err(error) => {
            if !matches!(error, PrepareError::Swap(SwapError::Beside { .. })) {
                recorder.roll_back(kept);
            }
            Err(not_kept.unwrap_or_else(|| error.into()))
        }
    }
}

/// Notes in `keepstep.lock` what was pulled, if it does not say so yet.
pub(super) fn note_in_lock(run: &Run<'_>, scenario: &str, pulled: Pulled<'_>) -> Result<(), Failure> {
    noted(run.workspace.root(), scenario, pulled)?.write(&mut run.recorder.borrow_mut(), run.context.now())
}

fn noted(root: &Path, scenario: &str, pulled: Pulled<'_>) -> Result<LockFile, Failure> {
    let mut lock = LockFile::read(root)?;
    let entry = lock.lock.scenario_mut(scenario);
    entry.agree(pulled.bundle, pulled.digest);
    entry.project = pulled.project.map(str::to_owned);
    entry.scenario = pulled.scenario.map(str::to_owned);
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
    /// Writes `keepstep.lock`, if it does not say yet what is pulled.
    fn add_lock(&mut self, run: &Run<'_>, target: &Target, bundle: &Bundle, digest: Digest) -> Result<(), Failure> {
        let scenario = bundle.scenario_id();
        let project = bundle.project_id().or_else(|| run.project.clone());
        let pulled = Pulled { bundle: bundle.id(), digest, project: project.as_deref(), scenario: scenario.as_deref() };
        self.files.extend(noted(run.workspace.root(), &target.folder, pulled)?.write_pending()?);
        Ok(())
    }

    /// Writes which scenario of the platform the folder belongs to, and selects it if it is the only one and none is.
    fn add_workspace(&mut self, run: &Run<'_>, target: &Target, bundle: &Bundle, is_only: bool) -> Result<(), Failure> {
        let workspace = run.workspace;
        let Some(id) = bundle.scenario_id().filter(|_| target.path.starts_with(workspace.folder())) else { return Ok(()) };
        let name = bundle.scenario_name().unwrap_or(&target.name).to_owned();
        let mut change = StateChange::begin(workspace)?;
        change.links.set(&target.folder, &Link { id: id.clone(), name: name.clone(), project_id: bundle.project_id() });
        if change.context.scenario().is_none() && is_only && target.is_one_of_all {
            let now = Timestamp::now().to_string();
            change.context.select_scenario(Some(&id), &name, &target.folder, &now);
            self.selected = Some(name);
        }
        if change.context.scenario().is_some_and(|current| current.folder == target.folder) {
            change.context.note_pulled(bundle.id(), None);
        }
        self.files.extend(change.write()?);
        self._change = Some(change);
        Ok(())
    }
}
