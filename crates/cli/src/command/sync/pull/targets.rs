//! Which scenarios a pull is about.

use std::path::PathBuf;

use keepstep_api::fluxloop;
use keepstep_base::Digest;
use keepstep_testdata::names::{Kind, Named, file_name};
use keepstep_workspace::pull::Scenario as Pulled;
use keepstep_workspace::{Scenario, ScenarioError, SelectedBy, Workspace};
use serde_json::{Value, json};

use super::run::Run;
use crate::session::checkout::lock_file::LockFile;
use crate::session::context::Context;
use crate::shell::failure::Failure;
use crate::shell::printer::{Text, count};
use crate::shell::prompt;
use crate::shell::visible::{first_few, visible_line, word};

#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) scenario: Scenario,
    /// The bundle version that has to be pulled.
    pub(super) bundle: Option<String>,
    /// The digest that its content must have.
    pub(super) digest: Option<Digest>,
    /// How many there are, where all are meant and none was named or selected.
    pub(super) one_of: Option<usize>,
}

impl Target {
    fn named(name: String, folder: String, path: PathBuf, id: Option<String>) -> Self {
        let scenario = Scenario { name, folder, path, id, origin: SelectedBy::Flag };
        Self { scenario, bundle: None, digest: None, one_of: None }
    }

    pub(super) fn shown(&self, context: &Context) -> String {
        visible_line(&context.relative(&self.scenario.path))
    }

    pub(super) fn document(&self) -> Value {
        let Scenario { name, id, folder, .. } = &self.scenario;
        json!({ "name": name, "id": id, "folder": folder })
    }
}

/// Returns the scenario that the command line or the workspace names; `None` where nobody says which.
pub(super) fn selected(
    context: &Context,
    workspace: &Workspace,
    name: Option<&str>,
    is_scenario: bool,
) -> Result<Option<Target>, Failure> {
    if is_scenario && name.is_none() {
        let path = context.directory.clone();
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let folder = file_name(Kind::Scenario, Named { id: "", name: &name });
        let id = Pulled::id_in(&path)?;
        return Ok(Some(Target::named(name, folder, path, id)));
    }
    match workspace.scenario(name, &context.directory) {
        Ok(mut scenario) => {
            if scenario.id.is_none() {
                scenario.id = Pulled::id_in(&scenario.path)?;
            }
            Ok(Some(Target { scenario, bundle: None, digest: None, one_of: None }))
        }
        Err(ScenarioError::NoneSelected { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Returns the scenarios to pull, each with its id on the platform, unless the pull itself may find it by its name.
pub(super) fn all(run: &Run<'_>, selected: Option<Target>) -> Result<Vec<Target>, Failure> {
    if run.arguments.locked {
        return locked(run, selected);
    }
    let bundle = run.arguments.bundle_version_id.clone();
    match selected {
        Some(mut target) => {
            target.bundle = bundle;
            if target.scenario.id.is_none() && target.bundle.is_some() {
                target.scenario.id = find_id(run, &target)?;
            }
            Ok(vec![target])
        }
        None if bundle.is_some() => of_bundle(run, bundle).map(|target| vec![target]),
        None => everything(run),
    }
}

/// Returns the id of a scenario that was only named.
pub(super) fn find_id(run: &Run<'_>, target: &Target) -> Result<Option<String>, Failure> {
    let scenarios = scenarios(run)?;
    let by_name = scenarios.iter().find(|scenario| scenario.name == target.scenario.name);
    let slug = |scenario: &fluxloop::Scenario| file_name(Kind::Scenario, Named { id: &scenario.id, name: &scenario.name });
    if let Some(scenario) = by_name.or_else(|| scenarios.iter().find(|scenario| slug(scenario) == target.scenario.folder)) {
        return Ok(Some(scenario.id.clone()));
    }
    // A bundle says itself which scenario it is of.
    if target.bundle.is_some() {
        return Ok(None);
    }
    match scenarios.as_slice() {
        [only] => Ok(Some(only.id.clone())),
        [] => Err(no_scenarios(run)),
        several => {
            let names: Vec<String> = several.iter().map(|scenario| visible_line(&scenario.name)).collect();
            let hint = Some(format!("available: {}", names.join(", ")));
            if run.is_scenario {
                let message =
                    "this folder belongs to a scenario, but it is unknown to which; name one with `--scenario`".to_owned();
                return Err(Failure::Usage { message, hint });
            }
            Err(Failure::NotFound {
                message: format!("the project has no scenario named {}", visible_line(&target.scenario.name)),
                hint,
            })
        }
    }
}

fn of_bundle(run: &Run<'_>, bundle: Option<String>) -> Result<Target, Failure> {
    let scenarios = scenarios(run)?;
    let id = bundle.as_deref().unwrap_or_default();
    let found = run.server.wait(run.server.client().bundle(id))?;
    let scenario = scenarios.iter().find(|scenario| scenario.id == found.scenario_id).ok_or_else(|| Failure::NotFound {
        message: format!("bundle version {} belongs to no scenario of the project", visible_line(id)),
        hint: Some("name its project with `--project-id`".to_owned()),
    })?;
    Ok(Target { bundle, ..of_platform(run, scenario)? })
}

fn everything(run: &Run<'_>) -> Result<Vec<Target>, Failure> {
    let scenarios = scenarios(run)?;
    if scenarios.is_empty() {
        return Err(no_scenarios(run));
    }
    if run.is_new && run.project.is_none() && !run.arguments.dry_run {
        agree(run, &scenarios)?;
    }
    let mut targets: Vec<Target> = Vec::new();
    for scenario in &scenarios {
        let mut target = Target { one_of: Some(scenarios.len()), ..of_platform(run, scenario)? };
        let place = &mut target.scenario;
        if targets.iter().any(|other| other.scenario.folder.to_lowercase() == place.folder.to_lowercase()) {
            // The id makes another name of it.
            let name = format!("{}-{}", place.folder, scenario.id);
            place.folder = file_name(Kind::Scenario, Named { id: &scenario.id, name: &name });
            place.path = run.workspace.scenario_dir(&place.folder);
        }
        targets.push(target);
    }
    Ok(targets)
}

/// Has a person agree where nothing says that this folder is meant for test data, nor whose.
fn agree(run: &Run<'_>, scenarios: &[fluxloop::Scenario]) -> Result<(), Failure> {
    let projects = run.server.wait(run.server.client().projects())?;
    let (project, id) = match projects.as_slice() {
        [only] => (format!("project {} ({})", visible_line(&only.name), visible_line(&only.id)), word(&only.id)),
        _ => ("a project".to_owned(), "ID".to_owned()),
    };
    let names = first_few(scenarios.iter().map(|scenario| &scenario.name));
    let what = format!("{} of {project} on {}: {names}", count(scenarios.len(), "scenario"), run.server.name());
    let folder = run.context.directory.display().to_string();
    let hint = Some(format!("`keepstep sync pull --project-id {id}` pulls all of them here; `--scenario NAME` pulls one"));
    if !run.context.can_ask {
        let message = format!("{} is not a workspace yet; nothing was pulled of the {what}", visible_line(&folder));
        return Err(Failure::Usage { message, hint });
    }
    run.context.printer.notice(Text::from(format!("Found {what}")));
    let question = format!("Make {} a workspace and pull into it?", visible_line(&folder));
    if prompt::confirm(&run.context.printer, &question, false)? {
        return Ok(());
    }
    Err(Failure::Usage { message: "nothing was pulled".to_owned(), hint })
}

fn of_platform(run: &Run<'_>, scenario: &fluxloop::Scenario) -> Result<Target, Failure> {
    // A folder that was renamed still says whose it is.
    let folder = match <[String; 1]>::try_from(run.workspace.folders_with(&scenario.id)?) {
        Ok([folder]) => folder,
        Err(_) => {
            let folders = run.workspace.scenario_folders()?;
            run.workspace.links()?.folder_for(&scenario.id, &scenario.name, &folders)
        }
    };
    let path = run.workspace.scenario_dir(&folder);
    Ok(Target::named(scenario.name.clone(), folder, path, Some(scenario.id.clone())))
}

fn locked(run: &Run<'_>, selected: Option<Target>) -> Result<Vec<Target>, Failure> {
    let lock = LockFile::read(run.workspace.root())?;
    let selected = selected.map(|target| target.scenario);
    let is_wanted = |folder: &str| selected.as_ref().is_none_or(|scenario| scenario.folder == folder);
    let mut targets = Vec::new();
    for (folder, entry) in lock.lock.scenarios().filter(|(folder, _)| is_wanted(folder)) {
        // The name comes from a file that may be somebody else's, so it is made safe like any other.
        let folder = file_name(Kind::Scenario, Named { id: "", name: folder });
        let Some(bundle) = entry.bundle.clone() else { continue };
        if let Some(asked) = run.arguments.bundle_version_id.as_ref().filter(|asked| **asked != bundle) {
            return Err(Failure::usage(format!(
                "--bundle-version-id says {}, and keepstep.lock says {bundle} for {folder}; nothing was pulled",
                visible_line(asked)
            )));
        }
        let (name, path) = match &selected {
            Some(scenario) => (scenario.name.clone(), scenario.path.clone()),
            None => (folder.clone(), run.workspace.scenario_dir(&folder)),
        };
        let target = Target::named(name, folder, path, entry.scenario.clone());
        targets.push(Target { bundle: Some(bundle), digest: entry.digest(), ..target });
    }
    if targets.is_empty() {
        let of =
            selected.map_or_else(|| "of any scenario".to_owned(), |scenario| format!("for {}", visible_line(&scenario.name)));
        let place = run.workspace.root().join(keepstep_agent::lock::FILE_NAME);
        return Err(Failure::Usage {
            message: format!("no bundle version {of} in {}; nothing was pulled", place.display()),
            hint: Some("`keepstep sync pull` without --locked notes what it pulls there".to_owned()),
        });
    }
    Ok(targets)
}

fn scenarios(run: &Run<'_>) -> Result<Vec<fluxloop::Scenario>, Failure> {
    run.server.wait(run.server.client().scenarios(run.project.as_deref())).map_err(|failure| which_project(run, failure))
}

/// Returns what a server refuses that was not told which project is meant, in words of the command line.
fn which_project(run: &Run<'_>, failure: Failure) -> Failure {
    if run.project.is_some() {
        return failure;
    }
    let Ok(projects) = run.server.wait(run.server.client().projects()) else { return failure };
    match projects.as_slice() {
        [] => Failure::NotFound {
            message: format!("{} has no projects yet", run.server.name()),
            hint: Some("`keepstep projects create --name NAME` creates one".to_owned()),
        },
        [_] => failure,
        several => {
            let name = |project: &fluxloop::Project| format!("{} ({})", visible_line(&project.name), visible_line(&project.id));
            let names: Vec<String> = several.iter().take(5).map(name).collect();
            let more = several.len().saturating_sub(5);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            Failure::Usage {
                message: format!("no project is selected; {} has {}{more}", run.server.name(), names.join(", ")),
                hint: Some("`keepstep projects select ID` selects one".to_owned()),
            }
        }
    }
}

fn no_scenarios(run: &Run<'_>) -> Failure {
    let project = run.project.as_deref().map_or_else(|| "the project".to_owned(), |id| format!("project {}", visible_line(id)));
    Failure::NotFound {
        message: format!("{project} on {} has no scenarios", run.server.name()),
        hint: Some(
            "`keepstep scenarios create --name NAME` creates one; `keepstep projects list` shows other projects".to_owned(),
        ),
    }
}
