//! What every command is given: the caller's name, manner, folder and environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use keepstep_client::Silent;

use crate::shell::printer::{Label, Printer, Text};
use crate::shell::program::Program;
use crate::shell::visible::visible_line;

/// The variables of the environment, as they were when the program started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

/// The variables that keepstep reads, besides those of the peers.
pub(crate) const VARIABLES: [&str; 9] = [
    "KEEPSTEP_API_KEY",
    "KEEPSTEP_LOG",
    "KEEPSTEP_NO_REPORT",
    "KEEPSTEP_OIDC_CLIENT_SECRET",
    "KEEPSTEP_SECRET_KEY",
    "KEEPSTEP_STRICT",
    "KEEPSTEP_SUPERVISOR_KEY",
    "KEEPSTEP_TIMEOUT",
    "KEEPSTEP_URL",
];

impl Environment {
    /// Returns the environment of this process. Variables that are not UTF-8 are left out.
    pub(crate) fn of_the_process() -> Self {
        let pairs = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self(pairs.collect())
    }

    /// Returns a variable; an empty one counts as not set.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns all variables.
    pub(crate) fn all(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// Returns true in a step of GitHub Actions.
    pub(crate) fn is_github_actions(&self) -> bool {
        self.get("GITHUB_ACTIONS") == Some("true")
    }

    /// Returns true where a service of continuous integration runs us, and what we print is kept and read by others.
    pub(crate) fn is_ci(&self) -> bool {
        let is_said = self.get("CI").is_some_and(|value| !matches!(value.to_ascii_lowercase().as_str(), "false" | "0" | "no"));
        is_said || self.is_github_actions()
    }

    /// Returns the person's home folder.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.get("HOME").or_else(|| self.get("USERPROFILE")).map(PathBuf::from)
    }

    /// Returns the folder for settings of programs.
    pub(crate) fn config_folder(&self) -> Option<PathBuf> {
        self.get("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| Some(self.home()?.join(".config")))
    }

    /// Returns the folder for data of programs.
    pub(crate) fn data_folder(&self) -> Option<PathBuf> {
        self.get("XDG_DATA_HOME").map(PathBuf::from).or_else(|| Some(self.home()?.join(".local/share")))
    }
}

/// What every command is given.
#[derive(Debug)]
pub(crate) struct Context {
    /// The name that the program was called by.
    pub(crate) program: Program,
    /// Prints.
    pub(crate) printer: Arc<Printer>,
    /// The folder to work in.
    pub(crate) directory: PathBuf,
    /// The environment.
    pub(crate) environment: Environment,
    /// `--url`.
    pub(crate) url: Option<String>,
    /// `--api-key`.
    pub(crate) api_key: Option<String>,
    /// How long a server may be silent, where the person said so.
    pub(crate) timeout: Option<Duration>,
    /// The servers that this command has given up.
    pub(crate) silent: Arc<Silent>,
    /// True if there is a person to ask: stdin and stderr are a terminal and nobody said `--ci`.
    pub(crate) can_ask: bool,
}

impl Context {
    /// Says that something went well.
    pub(crate) fn good(&self, text: &str) {
        self.printer.answer(Text::of(Label::Good, "✅ ").and(Label::Plain, visible_line(text)));
    }

    /// Returns a path as it is shown: from the folder in which the command runs, where it is below that.
    pub(crate) fn relative(&self, path: &Path) -> String {
        match path.strip_prefix(&self.directory).unwrap_or(path) {
            here if here.as_os_str().is_empty() => ".".to_owned(),
            shown => shown.display().to_string(),
        }
    }

    /// Prints a line that scripts around the fluxloop tool look for, where they called us in its place.
    pub(crate) fn machine_line(&self, name: &str, value: &str) {
        if self.program == Program::Fluxloop {
            self.printer.answer(format!("{name}: {}", visible_line(value)));
        }
    }

    /// Returns the time.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Returns a command as this caller types it.
    pub(crate) fn typed(&self, command: &str) -> String {
        self.printer.typed(command)
    }
}
