//! Which scenario is tested, with which configuration, variables and inputs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keepstep_client::env_file;
use keepstep_runner::agent::{Network, Refusal, Surroundings, TypeScript};
use keepstep_runner::config::{self, Config, ConfigError, ConfigLocation};
use keepstep_runner::experiment::ExperimentError;
use keepstep_runner::input::{self, InputError, Inputs};
use keepstep_source::skill_file;
use keepstep_source_typescript::engine;
use keepstep_workspace::experiments::secrets::{Secrets, is_secret};
use keepstep_workspace::{ScenarioError, Workspace};
use url::Url;

use super::multi_turn::{KEY_VARIABLE, MultiTurn};
use crate::command::init::scenario::agent::{Agent, FORMS};
use crate::command::init::scenario::write_configuration;
use crate::session::checkout::files::read_if_there;
use crate::session::connection::connecting;
use crate::session::connection::test_data_server::find_workspace;
use crate::session::context::Context;
use crate::session::secrets;
use crate::session::settings::{self, Settings};
use crate::shell::failure::Failure;
use crate::shell::visible::word;

/// How the names begin of variables of keepstep and of the tools that it stands in for. Their keys are not for the agent, nor for a
/// program that judges it; a configuration can pass them on by `environment_vars`.
const OURS: [&str; 3] = ["KEEPSTEP_", "FLUXLOOP_", "LUA_"];

/// What the peer's template has in place of a key.
const PLACEHOLDER: &str = "your-api-key-here";

/// A scenario to test.
#[derive(Debug)]
pub(crate) struct Tested {
    /// The workspace, if the scenario is in one.
    pub(crate) workspace: Option<Workspace>,
    /// Its name.
    pub(crate) name: String,
    /// Its folder.
    pub(crate) path: PathBuf,
}

impl Tested {
    /// Returns the scenario that a command is about: the named one, the selected one, or the current folder where that is
    /// one by itself.
    pub(crate) fn find(context: &Context, named: Option<&str>, config: Option<&Path>) -> Result<Self, Failure> {
        let workspace = find_workspace(context);
        let here = || Self {
            workspace: None,
            name: context.directory.file_name().map_or_else(|| "scenario".to_owned(), |name| name.to_string_lossy().into_owned()),
            path: context.directory.clone(),
        };
        let is_scenario = context.directory.join("configs").is_dir() || config.is_some();
        let Some(workspace) = workspace else {
            return match named {
                None if is_scenario => Ok(here()),
                _ => crate::session::connection::test_data_server::workspace(context).map(|_| here()),
            };
        };
        match workspace.scenario(named, &context.directory) {
            Ok(scenario) => Ok(Self { name: scenario.name, path: scenario.path, workspace: Some(workspace) }),
            Err(ScenarioError::NoneSelected { .. }) if is_scenario => Ok(Self { workspace: Some(workspace), ..here() }),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the variables that the configuration and the agent see: what is exported, else what the scenario's `.env` has,
    /// else the workspace's.
    pub(in crate::command) fn variables(&self, context: &Context) -> Result<BTreeMap<String, String>, Failure> {
        let mut variables = BTreeMap::new();
        for path in self.env_files() {
            let text = read_if_there(&path).map_err(|error| Failure::io("read", &path.display().to_string(), error))?;
            // As the library of the tool reads them that such an agent was written for.
            let exported = |name: &str| context.environment.get(name).map(str::to_owned);
            let found = env_file::parse_as_python(&text.unwrap_or_default(), exported).into_iter();
            let found = found.filter_map(|(name, value)| Some((name, value?)));
            variables.extend(found.filter(|(_, value)| !value.is_empty() && value != PLACEHOLDER));
        }
        variables.extend(context.environment.all().clone());
        Ok(variables)
    }

    /// Returns what of all this must not leave the machine.
    pub(crate) fn secrets(
        &self,
        context: &Context,
        variables: &BTreeMap<String, String>,
        config: &Config,
    ) -> Result<Secrets, Failure> {
        let mut secrets = secrets::of_scenario(context, self.workspace.as_ref(), &self.path)?;
        secrets.add_exported(variables.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        secrets.clean_summary(&mut config.written.clone());
        Ok(secrets)
    }

    /// Returns the files with variables, of which later ones win.
    pub(super) fn env_files(&self) -> impl Iterator<Item = PathBuf> {
        [self.workspace.as_ref().map(Workspace::env_path), Some(self.path.join(".env"))].into_iter().flatten()
    }

    /// Reads the settings of the project around, or of the workspace.
    pub(super) fn settings(&self, context: &Context) -> Result<Settings, Failure> {
        let roots =
            [skill_file::find_root(&context.directory), self.workspace.as_ref().map(|workspace| workspace.root().to_owned())];
        let root = roots.into_iter().flatten().find(|root| root.join(settings::NAME).is_file());
        root.map_or_else(|| Ok(Settings::default()), |root| Settings::read(context, &root))
    }

    /// Reads the configuration.
    pub(in crate::command) fn config(
        &self,
        context: &Context,
        file: Option<&Path>,
        variables: &BTreeMap<String, String>,
        typed: &MultiTurn,
    ) -> Result<Config, Failure> {
        let root = self.workspace.as_ref().map_or(self.path.as_path(), Workspace::root);
        let variable = |name: &str| match typed.key() {
            Some(key) if name == KEY_VARIABLE => Some(key.to_owned()),
            _ => variables.get(name).cloned(),
        };
        let overrides = &typed.overrides();
        let place =
            ConfigLocation { scenario: &self.path, current: &context.directory, root, file, overrides, variable: &variable };
        match config::load(&place) {
            Err(ConfigError::NoTarget { path }) if file.is_none() && self.path.is_dir() => {
                if !context.can_ask || path.exists() {
                    return Err(self.no_agent());
                }
                context.printer.notice(format!("{} has inputs, but keepstep does not know your agent yet.", self.name));
                let Some(agent) = Agent::ask(context)? else { return Err(self.no_agent()) };
                write_configuration(context, &self.path, &self.name, &agent)?;
                config::load(&place).map_err(|error| config_failure(&error))
            }
            loaded => loaded.map_err(|error| config_failure(&error)),
        }
    }

    fn no_agent(&self) -> Failure {
        // The name may be the server's; the folder is what the command would write into.
        let folder = self.path.file_name().map_or_else(|| self.name.clone().into(), |folder| folder.to_string_lossy());
        Failure::Usage {
            message: format!("{} does not name an agent to test", self.name),
            hint: Some(format!("`keepstep init scenario {} --agent AGENT` names it, such as {FORMS}", word(&folder))),
        }
    }

    /// Reads the inputs.
    pub(super) fn inputs(&self, config: &Config) -> Result<Inputs, InputError> {
        input::load(&self.path, &config.inputs)
    }
}

/// Returns what the target is given of this machine.
pub(in crate::command) fn surroundings(context: &Context, variables: BTreeMap<String, String>) -> Surroundings {
    let environment = variables.into_iter().filter(|(name, _)| !is_our_key(name)).collect();
    let network = ServiceNetwork(connecting::options(context));
    Surroundings {
        current: context.directory.clone(),
        environment,
        network: Some(Arc::new(network)),
        typescript: Some(Arc::new(Types)),
    }
}

/// Returns true if a variable holds a key for a server of ours.
fn is_our_key(name: &str) -> bool {
    // On some systems the case of a name does not count.
    let name = name.to_ascii_uppercase();
    OURS.iter().any(|prefix| name.starts_with(prefix)) && is_secret(&name)
}

/// Takes types away with the parser that reads agents.
#[derive(Debug)]
struct Types;

impl TypeScript for Types {
    fn to_javascript(&self, path: &Path, text: &str) -> Result<(String, String), String> {
        engine::to_javascript(path, text).map(|made| (made.code, made.source_map))
    }
}

/// Connects to services under test as this program connects to platforms.
#[derive(Debug)]
struct ServiceNetwork(keepstep_client::Options);

impl Network for ServiceNetwork {
    fn client(&self, address: &Url) -> Result<reqwest::Client, String> {
        keepstep_client::service_client(address, &self.0)
    }

    fn reason(&self, error: &reqwest::Error) -> String {
        keepstep_client::reason_of(error)
    }
}

fn config_failure(error: &ConfigError) -> Failure {
    let hint = match error {
        ConfigError::Missing { .. } | ConfigError::NoTarget { .. } => Some(
            "`keepstep init scenario NAME` creates a scenario with its configuration; `--scenario` names another one".to_owned(),
        ),
        _ => None,
    };
    Failure::Usage { message: error.to_string(), hint }
}

/// Returns the failure for inputs that cannot be used.
pub(super) fn input_failure(error: &InputError) -> Failure {
    let hint = match error {
        InputError::Missing { .. } => Some("`keepstep sync pull` brings the inputs".to_owned()),
        _ => None,
    };
    Failure::Usage { message: error.to_string(), hint }
}

/// Returns the failure for a target that cannot be used.
pub(in crate::command) fn refused(refusal: Refusal) -> Failure {
    let hint = (!refusal.hints.is_empty()).then(|| refusal.hints.join(" "));
    Failure::Usage { message: refusal.message, hint }
}

/// Returns the failure for an experiment folder that cannot be used.
pub(crate) fn experiment_failure(error: ExperimentError) -> Failure {
    match error {
        ExperimentError::Io { doing, path, source } => Failure::io(doing, &path.display().to_string(), source),
        ExperimentError::NothingToResume { .. } => {
            Failure::Nothing { message: error.to_string(), hint: Some("`keepstep test` begins a new one".to_owned()) }
        }
        ExperimentError::NoRun { .. } => {
            Failure::Nothing { message: error.to_string(), hint: Some("`keepstep test` runs all cases".to_owned()) }
        }
        ExperimentError::Running { .. } => Failure::Conflict { message: error.to_string(), hints: Vec::new() },
        ExperimentError::OtherInputs { .. } | ExperimentError::OtherBasis { .. } => Failure::Conflict {
            message: error.to_string(),
            hints: vec!["`keepstep test` without `--resume` starts a new experiment".to_owned()],
        },
        ExperimentError::Malformed { .. } => Failure::usage(error.to_string()),
    }
}
