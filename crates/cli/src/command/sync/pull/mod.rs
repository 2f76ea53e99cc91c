//! `keepstep sync pull`: test data to the workspace.
//!
//! [`targets`] finds out which scenarios are meant, [`fetch`] asks the platform for each, the workspace decides what that
//! changes, [`ask`] puts to the person what only a person can decide, and everything is put in place at once.

mod ask;
mod carry_out;
mod fetch;
mod report;
mod targets;

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

use clap::Args;
use keepstep_workspace::pull::{self as files, Recovered};
use keepstep_workspace::{Scenario, Workspace};
use serde_json::{Value, json};

use crate::command::{CommandResult, Outcome};
use crate::context::Context;
use crate::exit;
use crate::failure::Failure;
use crate::keepstep_folder::{Folder, Guard};
use crate::lock_file::LockFile;
use crate::printer::{Label, Text};
use crate::test_data_server::{TestDataServer, find_workspace, project_id};
use crate::undo_log::Recorder;

/// The arguments.
#[derive(Debug, Default, Args)]
#[command(
    after_help = "Without --scenario: the selected one, else every scenario of the project.\n\nWhat is pulled is noted in keepstep.lock beside .fluxloop/. Commit that file, and `--locked` pulls the same\nbundle versions in a fresh clone, with nothing but a key.\n\nExamples:\n  keepstep sync pull                                  the newest test data of the project\n  keepstep sync pull --bundle-version-id bv_12345     a certain bundle version\n  keepstep sync pull --scenario onboarding-tests      into that scenario's folder\n  keepstep sync pull --locked                         for CI: what keepstep.lock says"
)]
pub(super) struct Arguments {
    /// The project; the selected one when left out
    #[arg(long, value_name = "ID")]
    project_id: Option<String>,
    /// The bundle version; the one that was published last when left out
    #[arg(long, value_name = "ID")]
    bundle_version_id: Option<String>,
    /// The scenario
    #[arg(long, short, value_name = "NAME")]
    scenario: Option<String>,
    /// Replace local edits, bring back deleted files, accept large removals
    #[arg(long)]
    force: bool,
    /// Pull exactly what keepstep.lock names
    #[arg(long)]
    locked: bool,
    /// Show what would change; nothing is written
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Accepted for the sake of older scripts
    #[arg(long, short, value_name = "FILE", hide = true)]
    config: Option<PathBuf>,
}

/// A scenario that is pulled.
#[derive(Debug, Clone)]
struct Target {
    /// Its name for people.
    name: String,
    /// The name of its folder, which is also its name in the lock file.
    folder: String,
    /// Its folder.
    path: PathBuf,
    /// Its id on the platform.
    id: Option<String>,
    /// The bundle version that has to be pulled.
    bundle: Option<String>,
    /// True if it was not named or selected, but is one of all.
    is_one_of_all: bool,
}

/// One run of the command.
struct Run<'a> {
    context: &'a Context,
    arguments: &'a Arguments,
    workspace: &'a Workspace,
    project: Option<String>,
    server: TestDataServer,
    /// Keeps what is replaced, of all scenarios together.
    recorder: RefCell<Recorder>,
    /// True once something that was there before was replaced.
    replaced: Cell<bool>,
}

/// Pulls.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let document = bring(context, arguments)?;
    context.printer.document("sync.pull", document);
    Ok(Outcome::Done)
}

/// Pulls a bundle version that another command names, with the rules of this one.
pub(in crate::command) fn version(
    context: &Context,
    project_id: Option<String>,
    scenario: Option<String>,
    bundle_version_id: &str,
) -> Result<(), Failure> {
    let bundle_version_id = Some(bundle_version_id.to_owned());
    bring(context, &Arguments { project_id, scenario, bundle_version_id, ..Arguments::default() }).map(drop)
}

/// Pulls, and returns what happened, for programs.
fn bring(context: &Context, arguments: &Arguments) -> Result<Value, Failure> {
    let place = Place::find(context);
    let project = project_id(Some(&place.workspace), arguments.project_id.as_deref())?;
    let selected = targets::selected(context, &place, arguments)?;
    let scenario = selected.as_ref().map(as_scenario);
    let server = TestDataServer::connect(context, Some(&place.workspace), scenario.as_ref())?;
    let recorder = RefCell::new(Recorder::of(place.workspace.root(), "sync pull"));
    let run = Run { context, arguments, workspace: &place.workspace, project, server, recorder, replaced: Cell::new(false) };
    let targets = targets::all(&run, &place, selected)?;
    let pulled = pull_all(&run, &place, &targets);
    if let Some(id) = run.recorder.borrow().id().filter(|_| run.replaced.get()) {
        context.printer.hint(&format!("`keepstep undo {id}` brings back what was replaced"));
    }
    let scenarios = pulled?;
    Ok(json!({ "project_id": run.project, "server": run.server.name(), "dry_run": arguments.dry_run, "scenarios": scenarios }))
}

/// Pulls each scenario and returns what happened, for programs.
fn pull_all(run: &Run<'_>, place: &Place, targets: &[Target]) -> Result<Vec<Value>, Failure> {
    let context = run.context;
    let mut scenarios = Vec::new();
    let mut failed = None;
    for target in targets {
        match run.pull(place, target.clone(), targets.len() == 1) {
            Ok(document) => scenarios.push(document),
            Err(failure) if target.is_one_of_all && targets.len() > 1 => {
                let told = failure.told(context.program);
                if !matches!(told.code, exit::CONFLICT | exit::NOT_FOUND | exit::REFUSED) {
                    return Err(failure);
                }
                // The others need not wait for somebody's decision about this one.
                context
                    .printer
                    .notice(Text::of(Label::Warning, format!("{}: ", target.name)).and(Label::Plain, told.message.clone()));
                scenarios
                    .push(json!({ "scenario": document_of(target), "error": { "kind": told.kind, "message": told.message } }));
                if told.code != exit::NOT_FOUND {
                    failed.get_or_insert(failure);
                }
            }
            Err(failure) => return Err(failure),
        }
    }
    failed.map_or(Ok(scenarios), Err)
}

/// Where test data goes.
struct Place {
    workspace: Workspace,
    /// True if the folder that the command was started in is itself a scenario's.
    is_scenario: bool,
    /// True if it is in no workspace.
    is_new: bool,
}

impl Place {
    fn find(context: &Context) -> Self {
        match find_workspace(context) {
            Some(workspace) => Self { workspace, is_scenario: false, is_new: false },
            None => {
                let folder = &context.directory;
                let signs = [".state", "inputs/generated.yaml", "configs/simulation.yaml", "configs/scenario.yaml"];
                let is_scenario = signs.iter().any(|sign| folder.join(sign).exists());
                Self { workspace: Workspace::at(folder), is_scenario, is_new: true }
            }
        }
    }
}

impl Run<'_> {
    /// Pulls one scenario and returns what happened, for programs.
    fn pull(&self, place: &Place, mut target: Target, is_only: bool) -> Result<Value, Failure> {
        recover(self.context, self.workspace.root(), &target.path)?;
        let local = files::Scenario::read(&target.path)?;
        if target.id.is_none() && target.bundle.is_none() {
            if let Some(fetched) = fetch::fetch_by_name(self, &target, &local)? {
                target.id = fetched.received.bundle().scenario_id();
                return carry_out::carry_out(self, &target, &fetched, is_only);
            }
            target.id = targets::find_id(self, place, &target)?;
        }
        let target = &target;
        let lock = LockFile::read(self.workspace.root())?;
        let locked = self.arguments.locked.then(|| lock.lock.scenario(&target.folder).and_then(|entry| entry.digest())).flatten();
        let Some(fetched) = fetch::fetch(self, target, &local, locked)? else {
            report::up_to_date(self.context, target, &local)?;
            if let Some(record) = local.record.as_ref().filter(|_| !self.arguments.dry_run) {
                let pulled = carry_out::Pulled {
                    bundle: &record.bundle_version_id,
                    digest: record.digest,
                    project: record.project_id.as_deref(),
                    scenario: record.scenario_id.as_deref(),
                };
                carry_out::note_in_lock(self, &target.folder, pulled)?;
            }
            return report::unchanged(target, &local);
        };
        carry_out::carry_out(self, target, &fetched, is_only)
    }

    fn guard(&self) -> Result<Option<Guard>, Failure> {
        if self.arguments.dry_run {
            return Ok(None);
        }
        Folder::of(self.workspace.root()).guard(&self.context.printer).map(Some)
    }
}

/// Ends a pull that was interrupted, if there is one. Costs one look at the disk otherwise.
pub(in crate::command) fn recover(context: &Context, root: &Path, scenario: &Path) -> Result<(), Failure> {
    if !files::is_interrupted(scenario) {
        return Ok(());
    }
    let _guard = Folder::of(root).guard(&context.printer)?;
    recover_guarded(context, scenario)
}

/// The same for somebody who has seen to it that no other keepstep writes.
pub(in crate::command) fn recover_guarded(context: &Context, scenario: &Path) -> Result<(), Failure> {
    match files::recover(scenario, &mut || Ok(()))? {
        Some(Recovered::Completed) => context.printer.status("An earlier pull was interrupted; it is complete now."),
        Some(Recovered::TakenBack) => context.printer.status("An earlier pull was interrupted; it was rolled back."),
        None => {}
    }
    Ok(())
}

fn as_scenario(target: &Target) -> Scenario {
    Scenario {
        name: target.name.clone(),
        folder: target.folder.clone(),
        id: target.id.clone(),
        path: target.path.clone(),
        origin: keepstep_workspace::Origin::Flag,
    }
}

fn document_of(target: &Target) -> Value {
    json!({ "name": target.name, "id": target.id, "folder": target.folder })
}
