//! Sends what is in the outbox, and notes what was sent.

use std::io;
use std::path::Path;

use keepstep_client::upload::{Progress, Sent, Silent, UploadError, Uploader};
use keepstep_workspace::experiments::uploads::{Uploaded, Uploads};
use keepstep_workspace::{Workspace, files};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::session::checkout::outbox::{Entry, Outbox};
use crate::session::connection::connecting;
use crate::session::connection::test_data_server;
use crate::session::context::Context;
use crate::session::runtime;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text, count};

/// What became of a batch.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// The platform has it.
    Sent(Sent),
    /// Nobody answered; it stays in the outbox.
    Unreachable(Failure),
    /// The platform does not take it, or it is no longer what it was; it stays in the outbox with the reason.
    Refused(Failure),
}

/// A platform that batches go to.
pub(crate) struct Courier {
    runtime: Runtime,
    uploader: Uploader,
    server: String,
}

impl Courier {
    /// Prepares a connection to the platform that a scenario belongs to.
    pub(crate) fn new(context: &Context, workspace: &Workspace, scenario_dir: &Path) -> Result<Self, Failure> {
        let target = test_data_server::target(context, Some(workspace), Some(scenario_dir), None)?;
        let uploader = Uploader::new(&target, &connecting::options(context))?;
        Ok(Self { runtime: runtime::single()?, uploader, server: target.server() })
    }
}

/// Sends one batch and notes that it was sent.
pub(crate) fn deliver(courier: &Courier, mut entry: Entry, progress: &dyn Progress) -> Result<Delivery, Failure> {
    if courier.server != entry.queued.server {
        let message = format!("it is for {}, and the server is {} now", entry.queued.server, courier.server);
        return Ok(Delivery::Refused(Failure::usage(message)));
    }
    let manifest = &entry.queued.manifest;
    match courier.runtime.block_on(courier.uploader.send(manifest, progress)) {
        Ok(sent) => {
            note(&entry, &sent)?;
            entry.remove();
            Ok(Delivery::Sent(sent))
        }
        Err(UploadError::Client(error)) if error.is_unreachable() => Ok(Delivery::Unreachable(error.into())),
        Err(error) if can_never_be_sent(&error) => {
            // It would be refused each time, and nothing that anybody can do clears it.
            entry.remove();
            Ok(Delivery::Refused(failure_of(error)))
        }
        Err(error) => {
            let failure = failure_of(error);
            entry.queued.refused = Some(failure.message());
            entry.write()?;
            Ok(Delivery::Refused(failure))
        }
    }
}

/// Returns true if the files of a batch are not what they were, so that it is no longer that batch.
fn can_never_be_sent(error: &UploadError) -> bool {
    match error {
        UploadError::Changed { .. } => true,
        UploadError::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
        UploadError::Client(_) => false,
    }
}

fn failure_of(error: UploadError) -> Failure {
    match error {
        UploadError::Client(error) => error.into(),
        UploadError::Io { path, source } if source.kind() == io::ErrorKind::NotFound => {
            Failure::NotFound { message: format!("{} is no longer there", path.display()), hint: None }
        }
        UploadError::Io { path, source } => Failure::io("read", &path.display().to_string(), source),
        UploadError::Changed { path } => Failure::Conflict {
            message: format!("{} changed while it was being uploaded", path.display()),
            hints: vec![
                "nothing of it is visible; run `keepstep sync upload` again when no other program writes to it".to_owned(),
            ],
        },
    }
}

/// Notes in the scenario that an experiment was sent.
fn note(entry: &Entry, sent: &Sent) -> Result<(), Failure> {
    let queued = &entry.queued;
    let experiment = &queued.manifest.experiment_id;
    let fail = |error| Failure::io("read", &queued.scenario_dir.display().to_string(), error);
    let mut uploads = Uploads::read(&queued.scenario_dir).map_err(fail)?;
    let uploaded = Uploaded {
        run_batch_id: sent.run_batch_id.clone(),
        server: queued.server.clone(),
        manifest_sha256: queued.manifest.digest().to_string(),
        url: sent.url.clone().unwrap_or_default(),
        ..Uploaded::default()
    };
    uploads.note(experiment, uploaded);
    files::write_whole(&Uploads::path(&queued.scenario_dir), uploads.to_json().as_bytes())?;
    let state = queued.scenario_dir.join(".state");
    for path in [state.join("sync").join("sync.json"), state.join("sync.json")] {
        // What cannot be read is the next pull's to write anew; a record that is not there is not begun here.
        let Ok(Some(mut members)) = files::read_object(&path) else { continue };
        members.insert("last_run_batch_id".to_owned(), Value::from(sent.run_batch_id.as_str()));
        members.insert("last_experiment_id".to_owned(), Value::from(experiment.as_str()));
        files::write_object(&path, &members)?;
    }
    Ok(())
}

/// What became of all that waited.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    /// What was sent, with the names of the experiments.
    pub(crate) sent: Vec<(String, Sent)>,
    /// What was not taken.
    pub(crate) refused: Vec<(String, Failure)>,
    /// How many wait because nobody answered, and why.
    pub(crate) waiting: Option<(usize, Failure)>,
}

/// Sends everything that waits, in order. What one platform refuses does not keep back the others.
pub(crate) fn deliver_all(context: &Context, workspace: &Workspace, entries: Vec<Entry>) -> Result<Deliveries, Failure> {
    let mut deliveries = Deliveries::default();
    let mut entries = entries.into_iter();
    while let Some(entry) = entries.next() {
        let experiment = entry.queued.manifest.experiment_id.clone();
        let courier = Courier::new(context, workspace, &entry.queued.scenario_dir)?;
        match deliver(&courier, entry, &Silent)? {
            Delivery::Sent(sent) => {
                context
                    .printer
                    .status(Text::of(Label::Good, "✓").and(Label::Plain, format!(" Uploaded {experiment}, which was waiting")));
                deliveries.sent.push((experiment, sent));
            }
            Delivery::Refused(failure) => {
                context.printer.warning(&format!("{experiment} waits in the outbox: {}", failure.message()));
                deliveries.refused.push((experiment, failure));
            }
            Delivery::Unreachable(failure) => {
                deliveries.waiting = Some((entries.len() + 1, failure));
                break;
            }
        }
    }
    Ok(deliveries)
}

/// Sends what waits, on the way of another command, which does not fail because of it.
pub(crate) fn send_pending(context: &Context, workspace: &Workspace) {
    let outbox = Outbox::of(workspace.root());
    if !outbox.has_entries() {
        return;
    }
    let sent = outbox.try_lock(workspace.root()).and_then(|locked| match locked {
        // Whoever has it sends it.
        None => Ok(Deliveries::default()),
        Some(locked) => deliver_all(context, workspace, locked.entries()?),
    });
    match sent {
        Ok(Deliveries { waiting: Some((number, _)), .. }) => {
            context.printer.status(format!("{} still waiting for the server", count(number, "upload")));
        }
        Ok(_) => {}
        Err(failure) => context.printer.warning(&format!("what waits to be uploaded was not sent: {}", failure.message())),
    }
}
