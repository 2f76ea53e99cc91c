//! `keepstep sync upload`: results to the platform.
//!
//! [`find`] says which experiment is meant, [`prepare`] cleans it and puts it into the outbox, and from there
//! everything that waits is sent in order.

mod all;
mod arguments;
pub(crate) mod find;
pub(crate) mod prepare;
mod progress;
mod report;

use std::path::PathBuf;

use keepstep_base::human::size_text;
use keepstep_client::upload::{Progress, Sent, Silent};
use keepstep_workspace::Workspace;
use serde_json::json;

pub(super) use self::arguments::Arguments;
use self::find::Found;
use self::prepare::{Destination, Prepared};
use self::progress::Bar;
use self::report::{extend, print_left_out, print_sent, sent_document};
use crate::command::{CommandResult, Outcome};
use crate::session::checkout::outbox::{self, Courier, Deliveries, Delivery, Entry, Outbox};
use crate::session::connection::test_data_server::{self, project_id};
use crate::session::context::Context;
use crate::session::memory::take_small_pages;
use crate::session::settings::Settings;
use crate::shell::exit;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text, count};
use crate::shell::wrap::padded;

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    take_small_pages();
    let workspace = test_data_server::workspace(context)?;
    let strict = Settings::read(context, workspace.root())?.strict(context, arguments.strict)?.value;
    let outbox = Outbox::of(workspace.root());
    if arguments.pending {
        return pending(context, &workspace, &outbox, strict);
    }
    if arguments.all {
        return all::run(context, &workspace, arguments, strict);
    }
    let found = find::find(context, &workspace, arguments)?;
    let target = test_data_server::target(context, Some(&workspace), Some(&found.scenario.path), None)?;
    let project_id = project_id(Some(&workspace), arguments.project_id.as_deref())?.ok_or_else(|| Failure::Usage {
        message: "no project is selected".to_owned(),
        hint: Some("`keepstep projects select ID` selects one; or name it with `--project-id`".to_owned()),
    })?;
    let destination = Destination {
        server: target.server(),
        key: target.key.as_ref().map(|key| key.secret.reveal().to_owned()),
        project_id,
        bundle_version_id: arguments.bundle_version_id.clone(),
    };
    let locked = outbox.lock(workspace.root(), &context.printer)?;
    let waiting = locked.entries()?;
    let prepared = prepare::prepare(context, &workspace, &locked, &found, &destination)?;
    print_left_out(context, &prepared);
    if arguments.dry_run {
        return Ok(dry_run(context, &prepared));
    }
    let is_older = |entry: &Entry| entry.queued.experiment_dir == found.experiment.path;
    let (older, earlier): (Vec<Entry>, Vec<Entry>) = waiting.into_iter().partition(is_older);
    let Prepared { draft, queued, redacted, report } = prepared;
    let entry = draft.queue(queued)?;
    // Not before the new one is safe.
    older.into_iter().for_each(Entry::remove);
    // In order: what waited longer goes first. Where nobody answers, the new one need not be tried.
    let before = outbox::deliver_all(context, &workspace, earlier)?;
    let ready = Ready { entry, redacted, broken_lines: report.count() };
    send(context, &workspace, &found, ready, before, strict)
}

/// A run whose results are to be sent.
pub(crate) struct Tested {
    /// Its folder.
    pub(crate) experiment: PathBuf,
    /// What the test was told.
    pub(crate) scenario: Option<String>,
    /// Likewise.
    pub(crate) config: Option<PathBuf>,
    /// Likewise.
    pub(crate) project_id: Option<String>,
    /// Likewise.
    pub(crate) bundle_version_id: Option<String>,
}

/// Sends what a test has left.
pub(crate) fn after_test(context: &Context, tested: Tested) -> CommandResult {
    let Tested { experiment, scenario, config, project_id, bundle_version_id } = tested;
    let experiment_dir = Some(experiment);
    run(context, &Arguments { experiment_dir, scenario, config, project_id, bundle_version_id, ..Arguments::default() })
}

/// A batch in the outbox, with what is told about it.
struct Ready {
    entry: Entry,
    redacted: u64,
    broken_lines: u64,
}

fn send(
    context: &Context,
    workspace: &Workspace,
    found: &Found,
    ready: Ready,
    before: Deliveries,
    strict: bool,
) -> CommandResult {
    let Ready { entry, redacted, broken_lines } = ready;
    let queued = entry.queued.clone();
    let delivery = match before.waiting {
        Some((_, failure)) => Delivery::Unreachable(failure),
        None => {
            let courier = Courier::new(context, workspace, &found.scenario.path)?;
            let bar = context.printer.has_progress().then(|| Bar::new(&context.printer));
            let progress: &dyn Progress = bar.as_ref().map_or(&Silent, |bar| bar);
            outbox::deliver(&courier, entry, progress)?
        }
    };
    let mut document = json!({
        "experiment_id": queued.manifest.experiment_id,
        "scenario": queued.scenario,
        "bundle_version_id": queued.manifest.bundle_version_id,
        "runs": queued.runs,
        "failed": queued.failed,
        "bytes_total": queued.manifest.bytes(),
        "redacted": redacted,
        "broken_lines": broken_lines,
    });
    match delivery {
        Delivery::Sent(sent) => {
            print_sent(context, &queued.manifest.experiment_id, queued.runs, queued.failed, &sent);
            extend(&mut document, &sent_document(&sent));
            document["queued"] = json!(false);
            context.printer.document("sync.upload", document);
            Ok(Outcome::Done)
        }
        Delivery::Unreachable(failure) => {
            if strict {
                context.printer.hint("it is kept, and the next `keepstep sync upload --pending` sends it");
                return Err(failure);
            }
            let message = failure.message();
            context.printer.notice(
                Text::of(Label::Warning, format!("{} was NOT uploaded", queued.manifest.experiment_id))
                    .and(Label::Plain, format!(": {message}\nIt is kept and goes out with the next sync or upload.")),
            );
            extend(
                &mut document,
                &json!({"run_batch_id": null, "url": null, "bytes_sent": 0, "queued": true, "reason": message}),
            );
            context.printer.document("sync.upload", document);
            Ok(Outcome::Done)
        }
        Delivery::Refused(failure) => {
            // The experiment is still there and whoever asked is told, so it need not wait as well.
            Outbox::of(workspace.root()).remove(&queued.experiment_dir);
            Err(failure)
        }
    }
}

fn dry_run(context: &Context, prepared: &Prepared) -> Outcome {
    let queued = &prepared.queued;
    let manifest = &queued.manifest;
    context.printer.answer(format!(
        "{} of {} with {} ({} failed) would go to {}:",
        manifest.experiment_id,
        queued.scenario,
        count(queued.runs, "case"),
        queued.failed,
        queued.server,
    ));
    for file in &manifest.files {
        context.printer.answer(format!("  {} {}", padded(&file.offered.name, 20), size_text(file.offered.size)));
    }
    let files: Vec<&_> = manifest.files.iter().map(|file| &file.offered).collect();
    context.printer.document(
        "sync.upload",
        json!({
            "dry_run": true,
            "experiment_id": manifest.experiment_id,
            "runs": queued.runs,
            "failed": queued.failed,
            "bytes_total": manifest.bytes(),
            "redacted": prepared.redacted,
            "broken_lines": prepared.report.count(),
            "files": files,
        }),
    );
    Outcome::Done
}

/// Sends what waits.
fn pending(context: &Context, workspace: &Workspace, outbox: &Outbox, strict: bool) -> CommandResult {
    let deliveries = if outbox.has_entries() {
        let locked = outbox.lock(workspace.root(), &context.printer)?;
        outbox::deliver_all(context, workspace, locked.entries()?)?
    } else {
        Deliveries::default()
    };
    let Deliveries { sent, refused, waiting } = deliveries;
    if sent.is_empty() && refused.is_empty() && waiting.is_none() {
        context.printer.status("Nothing waits to be uploaded.");
    }
    for (_, sent) in &sent {
        if let Some(url) = &sent.url {
            context.printer.answer(Text::from("View results: ").and(Label::Command, url.clone()));
        }
    }
    let is_unreachable = waiting.is_some();
    if let Some((number, failure)) = waiting {
        if strict {
            return Err(failure);
        }
        context.printer.notice(format!("{} still waiting: {}", count(number, "upload"), failure.message()));
    }
    let named = |(experiment, sent): &(String, Sent)| {
        let mut value = sent_document(sent);
        value["experiment_id"] = json!(experiment);
        value
    };
    let code = refused.first().map_or(exit::DONE, |(_, failure)| failure.text(context.program).code);
    context.printer.document(
        "sync.upload",
        json!({
            "exit": code,
            "sent": sent.iter().map(named).collect::<Vec<_>>(),
            "refused": refused.iter().map(|(experiment, failure)| json!({"experiment_id": experiment, "reason": failure.message()})).collect::<Vec<_>>(),
            "unreachable": is_unreachable,
        }),
    );
    Ok(if code == exit::DONE { Outcome::Done } else { Outcome::Refused(code) })
}
