//! What a check has seen, told to the server: there the dashboard shows how each repository stands to each agent.

use std::time::Duration;

use clap::Args;
use keepstep_agent::drift::SeenField;
use keepstep_api::own::DriftReport;
use keepstep_client::Dialect;

use super::checkout::git::{self, Repository};
use super::checkout::lock_file::LockFile;
use super::connection::server::Server;
use super::context::Context;
use super::settings::switch;
use super::sides::{Against, Compared, Project};

/// How long a command that has its answer already waits for a report: not so long that a person is told of it.
const PATIENCE: Duration = Duration::from_millis(800);

/// Turns reports off.
const VARIABLE: &str = "KEEPSTEP_NO_REPORT";

/// Whether what a check has seen is reported.
#[derive(Debug, Default, Args)]
pub(crate) struct Reporting {
    /// Do not tell the server what was seen [env: KEEPSTEP_NO_REPORT=1]
    #[arg(long)]
    pub(crate) no_report: bool,
}

/// Returns true where a command is to report nothing that nobody asked it to send, by its flag or by the environment.
pub(crate) fn is_off(context: &Context, no_report: bool) -> bool {
    no_report || context.environment.get(VARIABLE).is_some_and(|value| switch(value) != Some(false))
}

/// Reports what was compared, as digests. Whether the report arrives changes nothing for the command.
pub(crate) fn send(
    context: &Context,
    reporting: &Reporting,
    project: &Project,
    server: &Server,
    lock: &LockFile,
    compared: &Compared,
) {
    // Another version than the published one is compared out of curiosity.
    if is_off(context, reporting.no_report)
        || compared.remote.dialect != Dialect::Keepstep
        || compared.against != Against::Published
    {
        return;
    }
    let entry = lock.lock.agent(&project.agent);
    let seen = compared.views.iter().map(|view| {
        let base = entry.map(|entry| entry.base(view.field)).unwrap_or_default();
        (view.field.key().to_owned(), SeenField::of(view.field, base, &view.local))
    });
    let repository = Repository::around(&project.root);
    let folder = || project.root.canonicalize().ok()?.file_name().map(|name| name.to_string_lossy().into_owned());
    let Some(name) = repository.as_ref().and_then(Repository::name).or_else(folder) else { return };
    let in_pipeline = || git::branch_in_pipeline(&context.environment);
    let report = DriftReport {
        repository: name,
        branch: repository.as_ref().and_then(Repository::branch).or_else(in_pipeline),
        commit: repository.as_ref().and_then(Repository::commit),
        fields: seen.collect(),
    };
    server.report_drift(&project.agent, &report, PATIENCE);
}
