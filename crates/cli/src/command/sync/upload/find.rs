//! Which experiment is meant. `results` finds them by the same rules.

use std::path::{Component, Path, PathBuf};

use keepstep_workspace::experiments::list::{RUNNING_FILE, belongs_to, results_slug};
use keepstep_workspace::experiments::uploads::Uploads;
use keepstep_workspace::experiments::{self, Experiment, State, Where};
use keepstep_workspace::{Scenario, Workspace, files};
use serde_json::Value;

use super::arguments::Arguments;
use crate::session::context::Context;
use crate::shell::failure::Failure;
use crate::shell::visible::word;

/// Where 0.3.3 and keepstep put experiments unless the configuration says otherwise.
const OUTPUT_DIRECTORY: &str = "experiments";
/// Stands for the newest.
pub(crate) const LATEST: &str = "latest";

/// The experiment to send, and what it belongs to.
pub(super) struct Found {
    pub(super) scenario: Scenario,
    pub(super) experiment: Experiment,
    /// The scenario's configuration.
    pub(super) config: Config,
}

/// What of a scenario's configuration matters here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Config {
    pub(super) name: Option<String>,
    pub(super) output_directory: Option<String>,
    pub(super) inputs_file: Option<String>,
}

/// Finds the experiment.
pub(super) fn find(context: &Context, workspace: &Workspace, arguments: &Arguments) -> Result<Found, Failure> {
    let named = arguments.experiment_dir.as_deref().or(arguments.result_dir.as_deref());
    let inside = named.and_then(|path| scenario_around(workspace, &context.directory.join(path)));
    let wanted = arguments.scenario.as_deref().or(inside.as_deref());
    let scenario = workspace.scenario(wanted, &context.directory)?;
    let config = Config::read(context, &scenario.path, arguments.config.as_deref())?;
    let experiment = match named {
        Some(path) => at(context, workspace, &scenario, &config, path)?,
        None => newest(context, workspace, &scenario, &config)?,
    };
    Ok(Found { scenario, experiment, config })
}

/// Returns the experiments of a scenario, the newest first.
pub(crate) fn list(workspace: Option<&Workspace>, scenario: &Scenario, config: &Config) -> Result<Vec<Experiment>, Failure> {
    let mut names = vec![scenario.name.as_str(), scenario.folder.as_str()];
    names.extend(config.name.as_deref());
    let place = Where {
        scenario_dir: &scenario.path,
        workspace_root: workspace.map(Workspace::root),
        names: &names,
        output_directory: Path::new(config.output_directory.as_deref().unwrap_or(OUTPUT_DIRECTORY)),
    };
    experiments::list(place).map_err(|error| Failure::io("read the results of", &scenario.path.display().to_string(), error))
}

fn newest(context: &Context, workspace: &Workspace, scenario: &Scenario, config: &Config) -> Result<Experiment, Failure> {
    pick(context, list(Some(workspace), scenario, config)?).ok_or_else(|| Failure::Nothing {
        message: format!("no results of {} to upload", scenario.name),
        hint: Some(format!("`keepstep test --scenario {}` creates results", word(&scenario.folder))),
    })
}

/// Picks the newest that is complete, and says why newer ones are not it.
fn pick(context: &Context, experiments: Vec<Experiment>) -> Option<Experiment> {
    for experiment in experiments {
        match experiment.state {
            State::Running => context.printer.warning(&format!("{} is still being written and was not sent", experiment.id)),
            State::Incomplete => {
                context.printer.warning(&format!("{} is incomplete and was not sent: its test did not end", experiment.id));
            }
            State::Pending | State::Uploaded => return Some(experiment),
        }
    }
    None
}

fn at(
    context: &Context,
    workspace: &Workspace,
    scenario: &Scenario,
    config: &Config,
    path: &Path,
) -> Result<Experiment, Failure> {
    let found = match locate(context, Some(workspace), scenario, config, path)? {
        Located::Folder(found) => found,
        Located::NewestOf(inside) => {
            // `results/latest` is what the documentation says, wherever the results are.
            return pick(context, inside).map_or_else(|| newest(context, workspace, scenario, config), Ok);
        }
    };
    let fail = |error| Failure::io("read", &found.display().to_string(), error);
    refuse_strangers(workspace, scenario, config, &found)?;
    let uploads = Uploads::read(&scenario.path).map_err(fail)?;
    let experiment = Experiment::at(&found, &uploads).map_err(fail)?;
    match experiment.state {
        State::Running => Err(Failure::Nothing {
            message: format!("{} is still being written", experiment.id),
            hint: Some("upload it when its test has ended".to_owned()),
        }),
        State::Incomplete => Err(Failure::Nothing {
            message: format!("{} is incomplete: summary.json or trace_summary.jsonl is missing", experiment.id),
            hint: Some("its test did not end; run it again".to_owned()),
        }),
        State::Pending | State::Uploaded => Ok(experiment),
    }
}

/// What a path leads to.
pub(crate) enum Located {
    /// A folder that is there.
    Folder(PathBuf),
    /// It ends with `latest`: the experiments that are beside it, the newest first.
    NewestOf(Vec<Experiment>),
}

/// Looks for a path in the current folder, in the scenario's, and in `.fluxloop`.
pub(crate) fn locate(
    context: &Context,
    workspace: Option<&Workspace>,
    scenario: &Scenario,
    config: &Config,
    path: &Path,
) -> Result<Located, Failure> {
    let bases: Vec<PathBuf> =
        [context.directory.clone(), scenario.path.clone()].into_iter().chain(workspace.map(Workspace::folder)).collect();
    let is_latest = path.file_name().is_some_and(|name| name == LATEST);
    let candidates = || bases.iter().map(|base| base.join(path));
    if is_latest && !candidates().any(|path| path.join(RUNNING_FILE).exists() || path.join("summary.json").exists()) {
        let parents: Vec<PathBuf> =
            candidates().filter_map(|path| path.parent().and_then(|parent| parent.canonicalize().ok())).collect();
        let all = list(workspace, scenario, config)?;
        let inside = all.into_iter().filter(|experiment| {
            let parent = experiment.path.parent().and_then(|parent| parent.canonicalize().ok());
            parent.is_some_and(|parent| parents.contains(&parent))
        });
        return Ok(Located::NewestOf(inside.collect()));
    }
    let found = candidates().find(|path| path.is_dir()).ok_or_else(|| {
        let mut places: Vec<String> = bases.iter().map(|base| base.display().to_string()).collect();
        let last = places.pop().unwrap_or_default();
        Failure::NotFound {
            message: format!("folder {} not found", path.display()),
            hint: Some(format!("it was looked for in {} and {last}", places.join(", "))),
        }
    })?;
    found.canonicalize().map(Located::Folder).map_err(|error| Failure::io("read", &found.display().to_string(), error))
}

/// Refuses results of another scenario: they would end in the wrong bundle.
fn refuse_strangers(workspace: &Workspace, scenario: &Scenario, config: &Config, path: &Path) -> Result<(), Failure> {
    let owner = match scenario_around(workspace, path) {
        Some(folder) if folder != scenario.folder => Some(folder),
        _ => None,
    };
    let results = workspace.folder().join("results");
    let is_in_results = path.parent().is_some_and(|parent| results.canonicalize().is_ok_and(|results| results == parent));
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut prefixes = vec![results_slug(&scenario.name), results_slug(&scenario.folder)];
    prefixes.extend(config.name.as_deref().map(results_slug));
    let is_strange = owner.is_some() || (is_in_results && !belongs_to(&name, &prefixes));
    if !is_strange {
        return Ok(());
    }
    let of = owner.map_or_else(|| "another scenario".to_owned(), |owner| format!("the scenario {owner}"));
    Err(Failure::Usage {
        message: format!("{name} is of {of}, not of {}", scenario.name),
        hint: Some("name its scenario with `--scenario`".to_owned()),
    })
}

/// Returns the folder of the scenario that a path lies in.
fn scenario_around(workspace: &Workspace, path: &Path) -> Option<String> {
    let scenarios = workspace.scenarios_dir().canonicalize().ok()?;
    // The last part may be `latest`, which need not be there.
    let real = path.ancestors().find_map(|path| path.canonicalize().ok())?;
    match real.strip_prefix(scenarios).ok()?.components().next()? {
        Component::Normal(name) => name.to_str().map(str::to_owned),
        _ => None,
    }
}

impl Config {
    /// Reads the configuration of a scenario.
    pub(crate) fn read(context: &Context, scenario: &Path, named: Option<&Path>) -> Result<Self, Failure> {
        let mut config = Self::default();
        let folder = scenario.join("configs");
        for section in ["scenario.yaml", "input.yaml", "simulation.yaml"] {
            config.add(&folder.join(section))?;
        }
        // A section, and anything in the folder of the sections, stands for all of them.
        if let Some(named) = named.filter(|named| named.file_name().is_some_and(|name| name != "setting.yaml")) {
            let found = [context.directory.join(named), scenario.join(named), folder.join(named)];
            let found = found
                .iter()
                .find(|path| path.is_file())
                .ok_or_else(|| Failure::NotFound { message: format!("file {} not found", named.display()), hint: None })?;
            config.add(found)?;
        }
        Ok(config)
    }

    fn add(&mut self, path: &Path) -> Result<(), Failure> {
        let Some(text) = files::read_if_there(path)? else { return Ok(()) };
        let value = keepstep_workspace::yaml::parse(&text)
            .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", path.display())))?;
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        self.name = text("name").or(self.name.take());
        self.output_directory = text("output_directory").or(self.output_directory.take());
        self.inputs_file = text("inputs_file").or(self.inputs_file.take());
        Ok(())
    }
}
