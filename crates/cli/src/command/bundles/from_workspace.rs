//! `keepstep bundles publish --from-workspace`: the way up of `sync pull`.
//!
//! What the folder says is sent with the bundle version that it was made from. If the server has moved, that is merged into the folder first,
//! with the rules of a pull, and sent again. New inputs get their ids in the file before they are sent, and the same content published twice is
//! one version: whoever is stopped anywhere runs the command again.

use keepstep_api::own::ImportedBundle;
use keepstep_client::ClientError;
use keepstep_testdata::publish::UploadCounts;
use keepstep_workspace::pull::{LocalError, LocalTestData, Scenario};
use keepstep_workspace::{Scenario as Selected, Workspace};
use serde_json::{Value, json};

use super::document::document;
use crate::command::sync::pull;
use crate::command::{CommandResult, Outcome};
use crate::session::checkout::files;
use crate::session::checkout::interrupted_pull::recover;
use crate::session::checkout::keepstep_folder::Folder;
use crate::session::checkout::undo_log::{Content, Recorder, Write};
use crate::session::connection::test_data_server::{TestDataServer, workspace};
use crate::session::context::Context;
use crate::shell::failure::Failure;
use crate::shell::printer::count;
use crate::shell::visible::visible_line;

/// How often others may publish in between before it is given up.
const ATTEMPTS: usize = 5;

/// What is typed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) project: Option<&'a str>,
    pub(super) scenario: Option<&'a str>,
    pub(super) message: Option<&'a str>,
    pub(super) dry_run: bool,
}

/// What all steps share.
struct Run<'a> {
    context: &'a Context,
    asked: Asked<'a>,
    workspace: Workspace,
    selected: Selected,
    server: TestDataServer,
}

/// Runs it.
pub(super) fn run(context: &Context, asked: Asked<'_>) -> CommandResult {
    let workspace = workspace(context)?;
    let selected = workspace.scenario(asked.scenario, &context.directory)?;
    let server = TestDataServer::connect(context, Some(&workspace), Some(&selected))?;
    let run = Run { context, asked, workspace, selected, server };
    for attempt in 0..ATTEMPTS {
        let data = run.read()?;
        let scenario = data.scenario_id().ok_or_else(|| LocalError::NotPulled(run.selected.path.clone()))?;
        let name = run.server.wait(run.server.client().scenario(&scenario))?.name;
        let upload = data.upload(&name)?;
        if upload.counts.is_empty() {
            return Ok(run.nothing_to_publish(&data));
        }
        if asked.dry_run {
            return Ok(run.show_plan(&data, upload.counts));
        }
        let data = run.with_ids(data)?;
        // What is sent is what was read last: somebody may have saved in between.
        let upload = data.upload(&name)?;
        let project = asked.project.map(str::to_owned).or_else(|| data.project_id()).unwrap_or_default();
        let sent = run.server.client().import_onto(&project, upload.file, data.base(), asked.message);
        match run.server.wait(sent) {
            Ok(published) => return run.published(&data, &published, upload.counts, attempt > 0),
            Err(Failure::Client(ClientError::Stale { .. })) => {
                context.printer.status(format!("{} has a newer bundle version; it is merged first", run.server.name()));
                pull::newest(context, asked.project, &run.selected.folder, false)?;
            }
            Err(failure) => return Err(failure),
        }
    }
    Err(Failure::Conflict {
        message: format!("others published {ATTEMPTS} times in between; nothing was published"),
        hints: vec!["run the command again".to_owned()],
    })
}

impl Run<'_> {
    fn read(&self) -> Result<LocalTestData, Failure> {
        recover(self.context, self.workspace.root(), &self.selected.path)?;
        Ok(Scenario::read(&self.selected.path)?.local_test_data()?)
    }

    /// Writes an id for each new input into the file, so that they are the same inputs whenever they are sent.
    fn with_ids(&self, data: LocalTestData) -> Result<LocalTestData, Failure> {
        let Some(text) = data.text_with_ids() else { return Ok(data) };
        let shown = self.context.relative(&data.inputs_file);
        let root = self.workspace.root();
        let _guard = Folder::of(root).guard(&self.context.printer)?;
        if !data.is_unchanged() {
            return Err(Failure::Conflict {
                message: format!("{} changed while it was read; nothing was published", visible_line(&shown)),
                hints: vec!["run the command again".to_owned()],
            });
        }
        let path = data.inputs_file.strip_prefix(root).unwrap_or(&data.inputs_file).to_owned();
        let after = Content::Bytes(text.clone().into_bytes());
        let write = Write { path, before: Content::File(data.inputs_file.clone()), after };
        let mut recorder = Recorder::of(root, "bundles publish");
        recorder.keep(self.context.now(), &[write])?;
        files::write_whole(&data.inputs_file, text.as_bytes()).map_err(|error| Failure::io("write", &shown, error))?;
        self.read()
    }

    fn nothing_to_publish(&self, data: &LocalTestData) -> Outcome {
        let folder = visible_line(&self.context.relative(&self.selected.path));
        self.context.good(&format!("Nothing to publish: {folder} says what bundle version {} says", visible_line(data.base())));
        self.document(json!(null), UploadCounts::default(), data.base(), false);
        Outcome::Done
    }

    fn show_plan(&self, data: &LocalTestData, counts: UploadCounts) -> Outcome {
        let folder = visible_line(&self.context.relative(&self.selected.path));
        let line = format!("Would publish {folder} on {}: {}", self.server.name(), words(counts));
        self.context.printer.answer(line);
        self.document(json!(null), counts, data.base(), false);
        Outcome::Done
    }

    fn published(
        &self,
        data: &LocalTestData,
        published: &ImportedBundle,
        counts: UploadCounts,
        is_merged: bool,
    ) -> CommandResult {
        let bundle = &published.bundle;
        let inputs = count(bundle.input_count as usize, "input");
        let (id, name) = (visible_line(&bundle.id), visible_line(&bundle.name));
        self.context.good(&format!("{id} ({name}) is published on {}, with {inputs}: {}", self.server.name(), words(counts)));
        self.context.machine_line("BUNDLE_PUBLISHED", &bundle.id);
        // What is here is what was sent, so the server's form of it replaces nothing but the form; unless somebody went on writing.
        pull::newest(self.context, self.asked.project, &self.selected.folder, data.is_unchanged())?;
        self.document(document(bundle), counts, data.base(), is_merged);
        Ok(Outcome::Done)
    }

    fn document(&self, bundle: Value, counts: UploadCounts, base: &str, is_merged: bool) {
        let UploadCounts { changed, added, removed, personas, criteria } = counts;
        self.context.printer.document(
            "bundles.publish",
            json!({
                "server": self.server.name(), "bundle": bundle, "base": base, "merged": is_merged, "dry_run": self.asked.dry_run,
                "changes": {
                    "inputs": { "changed": changed, "added": added, "removed": removed }, "personas": personas, "criteria": criteria,
                },
            }),
        );
    }
}

/// Returns what differs, in words.
fn words(counts: UploadCounts) -> String {
    let inputs = [(counts.changed, "changed"), (counts.added, "added"), (counts.removed, "removed")];
    let inputs = inputs.into_iter().filter(|(number, _)| *number > 0);
    let mut words: Vec<String> = inputs.map(|(number, what)| format!("{} {what}", count(number, "input"))).collect();
    if counts.personas > 0 {
        words.push(format!("{} updated", count(counts.personas, "persona")));
    }
    match counts.criteria {
        0 => {}
        1 => words.push("1 criterion updated".to_owned()),
        many => words.push(format!("{many} criteria updated")),
    }
    words.join(", ")
}
