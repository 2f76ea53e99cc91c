//! Asking the platform for a bundle.

use std::io::Write as _;

use keepstep_api::fluxloop::PullRequest;
use keepstep_client::test_data::PullAnswer;
use keepstep_client::{ClientError, Sink, SinkError};
use keepstep_testdata::bundle::BundleError;
use keepstep_workspace::pull::{Received, Scenario, Spool};
use keepstep_workspace::pull_record::PullBase;

use super::run::Run;
use super::targets::Target;
use crate::shell::failure::Failure;
use crate::shell::visible::visible_line;

/// Returns the bundle, or `None` if all of it is there.
pub(super) fn fetch(run: &Run<'_>, target: &Target, local: &Scenario) -> Result<Option<Received>, Failure> {
    // With --force everything has to be as the platform has it, so what is not has to be fetched.
    let is_edited = run.arguments.force && !local.edits()?.is_empty();
    // Another project's bundle is not the one that is there, whatever it is called.
    let recorded = local.record.as_ref().and_then(|record| record.project_id.as_deref());
    let is_another = run.project.as_deref().zip(recorded).is_some_and(|(asked, recorded)| asked != recorded);
    let known = local.known_bundle().filter(|_| !is_edited && !is_another);
    let request = PullRequest {
        bundle_version_id: target.bundle.clone(),
        scenario_id: target.scenario.id.clone(),
        known_bundle_version_id: known.map(str::to_owned),
        ..everything(run)
    };
    let mut answer = IncomingAnswer::default();
    match run.server.pull(&request, &mut answer)? {
        PullAnswer::Fresh { .. } => {}
        PullAnswer::NotModified if known.is_some_and(|known| target.bundle.as_deref().is_none_or(|bundle| known == bundle)) => {
            return Ok(None);
        }
        PullAnswer::NotModified => {
            let message = format!("{} answered \"not modified\" to a first request; nothing was changed", run.server.name());
            return Err(Failure::StoredOtherwise(message));
        }
    }
    let received = answer.read()?;
    let bundle = &received.bundle;
    let (asked, scenario) = (target.bundle.as_deref(), target.scenario.id.as_deref());
    bundle.check_asked(asked, scenario, run.project.as_deref()).map_err(refused)?;
    if let Some(locked) = target.digest
        && received.content_digest().map_err(|error| Failure::io("keep", "the server's answer", error))? != locked
    {
        return Err(Failure::StoredOtherwise(format!(
            "bundle version {} on {} has another content than keepstep.lock says; nothing was changed",
            visible_line(&bundle.id),
            run.server.name()
        )));
    }
    Ok(Some(received))
}

/// Returns the newest bundle of a scenario of which only the name is known, in one request. A server that does not look for
/// names answers with another scenario's bundle, or refuses; then this is `None`, and the id has to be asked for.
pub(super) fn fetch_by_name(run: &Run<'_>, target: &Target) -> Result<Option<Received>, Failure> {
    let request = PullRequest { scenario_name: Some(target.scenario.name.clone()), ..everything(run) };
    let Some(received) = found(run, &request)?.map(IncomingAnswer::read).transpose()? else { return Ok(None) };
    let bundle = &received.bundle;
    if bundle.scenario_name() != Some(&target.scenario.name) || bundle.scenario_id().is_none() {
        return Ok(None);
    }
    bundle.check_asked(None, None, run.project.as_deref()).map_err(refused)?;
    Ok(Some(received))
}

fn everything(run: &Run<'_>) -> PullRequest {
    PullRequest {
        project_id: run.project.clone(),
        include_inputs: Some(true),
        include_personas: Some(true),
        include_criteria: Some(true),
        ..PullRequest::default()
    }
}

/// Returns the bundle that the files in the folder were made of, where no record of our own has it. One that the platform has no
/// more is none: then nobody can tell who changed what, and what differs is asked about.
pub(super) fn base(run: &Run<'_>, target: &Target, local: &Scenario, received: &Received) -> Result<Option<Received>, Failure> {
    let has_base = local.record.as_ref().is_some_and(|record| PullBase::is_in(&local.folder, record));
    let Some(id) = local.bundle().filter(|_| !has_base && !run.arguments.force) else { return Ok(None) };
    if id == received.bundle.id {
        return Ok(Some(received.clone()));
    }
    let request =
        PullRequest { bundle_version_id: Some(id.to_owned()), project_id: run.project.clone(), ..PullRequest::default() };
    let previous = found(run, &request)?.and_then(|answer| answer.read().ok());
    Ok(previous.filter(|previous| previous.bundle.check_asked(Some(id), target.scenario.id.as_deref(), None).is_ok()))
}

/// Returns the answer to a request; `None` where the server has no such bundle.
fn found(run: &Run<'_>, request: &PullRequest) -> Result<Option<IncomingAnswer>, Failure> {
    let mut answer = IncomingAnswer::default();
    match run.server.block_on(run.server.client().pull(request, None, &mut answer)) {
        Ok(PullAnswer::Fresh { .. }) => Ok(Some(answer)),
        Ok(PullAnswer::NotModified) => Ok(None),
        Err(error) if matches!(error.cause(), ClientError::NotFound { .. } | ClientError::Refused { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// An answer on its way from the client to the workspace.
#[derive(Default)]
struct IncomingAnswer {
    came: Spool,
    /// What a whole answer is; `None` until then.
    read: Option<Result<Received, BundleError>>,
}

impl IncomingAnswer {
    fn read(self) -> Result<Received, Failure> {
        self.read.unwrap_or(Err(BundleError::Unfinished)).map_err(refused)
    }
}

impl Sink for IncomingAnswer {
    fn begin(&mut self) {
        *self = Self::default();
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        self.came.write_all(bytes).map_err(|error| SinkError::NotKept(error.to_string()))
    }

    fn end(&mut self) -> Result<(), SinkError> {
        let read = Received::of(std::mem::take(&mut self.came)).map_err(|error| error.downcast::<BundleError>());
        self.read = Some(match read {
            Ok(received) => Ok(received),
            Err(Ok(BundleError::Unfinished)) => return Err(SinkError::Unfinished),
            Err(Ok(BundleError::NotJson)) => return Err(SinkError::NotJson),
            Err(Ok(BundleError::Packed(why))) => return Err(SinkError::NotUnpacked(why)),
            // Somebody answers with JSON, so it is not the connection that is to blame.
            Err(Ok(error)) => Err(error),
            Err(Err(error)) => return Err(SinkError::NotKept(error.to_string())),
        });
        Ok(())
    }
}

fn refused(error: BundleError) -> Failure {
    Failure::StoredOtherwise(error.to_string())
}
