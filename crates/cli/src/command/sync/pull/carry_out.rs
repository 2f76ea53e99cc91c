//! Bringing what was fetched into the scenario's folder.

use std::io;

use jiff::Timestamp;
use keepstep_testdata::bundle::Bundle;
use keepstep_workspace::StateChange;
use keepstep_workspace::files::Pending;
use keepstep_workspace::links::Link;
use keepstep_workspace::pull::{Change, Prepared, PullError, Question, Received, Scenario, prepare};
use keepstep_workspace::pull_record::PullRecord;
use serde_json::Value;

use super::report::Report;
use super::run::Run;
use super::targets::Target;
use super::{ask, fetch};
use crate::session::checkout::keepstep_folder::Folder;
use crate::session::checkout::lock_file::LockFile;
use crate::session::checkout::undo_log::{Content, Write};
use crate::shell::failure::Failure;
use crate::shell::visible::{visible_line, word};

/// Decides, asks, writes and tells. Returns what happened, for programs.
pub(super) fn carry_out(run: &Run<'_>, target: &Target, local: &Scenario, received: &Received) -> Result<Value, Failure> {
    let last = fetch::base(run, target, local, received)?;
    let bundle = &received.bundle;
    check_folder(run, target, bundle)?;
    let guard = || Folder::of(run.workspace.root()).guard(&run.context.printer);
    let _guard = (!run.arguments.dry_run).then(guard).transpose()?;
    // Read again: another keepstep may have been at work until now.
    let local = Scenario::read(&target.scenario.path)?;
    let mut prepared = prepare(Question {
        scenario: &local,
        received,
        previous: last.as_ref(),
        api_url: run.server.name(),
        project_id: run.project.as_deref(),
        force: run.arguments.force,
        merges_inputs: run.arguments.is_published,
    })?;
    if let Some(what) = prepared.mass_removal().filter(|_| !run.arguments.force) {
        return Err(Failure::Conflict {
            message: format!("bundle version {} removes {what}; nothing was written", bundle.id),
            hints: vec!["if that is meant, `keepstep sync pull --force` does it; `keepstep undo` brings it back".to_owned()],
        });
    }
    ask::settle(run, target, &mut prepared)?;
    let previous = local.bundle();
    let is_plan = run.arguments.dry_run;
    let undo = if is_plan { None } else { put_in_place(run, target, bundle, &mut prepared)? };
    let report = Report { context: run.context, target, prepared: &prepared, bundle };
    if !run.arguments.is_published {
        report.show(is_plan);
    }
    Ok(report.document(previous, undo.as_deref()))
}

/// Makes sure that a scenario does not get a second folder by a name that was meant for another one.
fn check_folder(run: &Run<'_>, target: &Target, bundle: &Bundle) -> Result<(), Failure> {
    let workspace = &run.workspace;
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

/// Keeps what is there and puts everything in place, the small files that say so last. Returns the id that brings back what was there.
fn put_in_place(run: &Run<'_>, target: &Target, bundle: &Bundle, prepared: &mut Prepared) -> Result<Option<String>, Failure> {
    let mut notes: Vec<Pending> = noted(run, target, &prepared.record)?.write_pending()?.into_iter().collect();
    // Until they are in place, no other keepstep changes those of the workspace.
    let (mut change, selected) = change_of_state(run, target, bundle)?;
    if let Some(change) = &mut change {
        notes.extend(change.write()?);
    }
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
            if let Some(name) = selected {
                run.context.printer.status(format!("Selected scenario {name}; the other commands work on it from now on."));
            }
            Ok(recorder.id().map(str::to_owned))
        }
        Err(error) => {
            if !matches!(error, PullError::Beside(..)) {
                recorder.roll_back(kept);
            }
            Err(not_kept.unwrap_or_else(|| error.into()))
        }
    }
}

pub(super) fn noted(run: &Run<'_>, target: &Target, record: &PullRecord) -> Result<LockFile, Failure> {
    let mut lock = LockFile::read(run.workspace.root())?;
    let entry = lock.lock.scenario_mut(&target.scenario.folder);
    entry.agree(&record.bundle_version_id, record.digest);
    entry.project.clone_from(&record.project_id);
    entry.scenario.clone_from(&record.scenario_id);
    Ok(lock)
}

/// Notes which scenario of the platform the folder belongs to. Selects it if it is the only one and none is, and returns its name then.
fn change_of_state(run: &Run<'_>, target: &Target, bundle: &Bundle) -> Result<(Option<StateChange>, Option<String>), Failure> {
    let Some(id) = bundle.scenario_id().filter(|_| target.scenario.path.starts_with(run.workspace.folder())) else {
        return Ok((None, None));
    };
    let name = bundle.scenario_name().unwrap_or(&target.scenario.name).to_owned();
    let folder = &target.scenario.folder;
    let mut change = StateChange::begin(&run.workspace)?;
    change.links.set(folder, &Link { id: id.clone(), name: name.clone(), project_id: bundle.project_id() });
    let selects = change.context.scenario().is_none() && target.one_of == Some(1);
    if selects {
        change.context.select_scenario(Some(&id), &name, folder, &Timestamp::now().to_string());
    }
    if change.context.scenario().is_some_and(|current| current.folder == *folder) {
        change.context.note_pulled(&bundle.id, None);
    }
    Ok((Some(change), selects.then_some(name)))
}
