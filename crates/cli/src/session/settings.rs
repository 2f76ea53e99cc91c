//! `keepstep.toml` and the switches that can be given in several places.

use std::fmt;
use std::path::Path;

use serde::Deserialize;

use crate::session::checkout::files::read_if_there;
use crate::session::context::Context;
use crate::shell::failure::Failure;

/// The name of the settings file, at the project's root.
pub(crate) const NAME: &str = "keepstep.toml";

/// A value, and where it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given<T> {
    /// The value.
    pub(crate) value: T,
    /// Where.
    pub(crate) origin: SettingSource,
}

/// Where a value was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SettingSource {
    /// Nowhere; it is the value that holds without anybody's word.
    Default,
    /// The settings file of the project.
    File,
    /// A variable of the environment.
    Variable(&'static str),
    /// The command line.
    Flag,
}

impl fmt::Display for SettingSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File => formatter.write_str(NAME),
            Self::Variable(name) => formatter.write_str(name),
            Self::Flag => formatter.write_str("command line"),
        }
    }
}

/// The settings file.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Settings {
    /// A server that cannot be reached fails the command.
    strict: Option<bool>,
    /// How the definition is read.
    #[serde(default)]
    evaluate: Evaluate,
    /// Keys that this version does not know.
    #[serde(flatten)]
    others: toml::Table,
}

/// How the definition is read where it has to be run.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Evaluate {
    /// The variables of the environment that the definition may read: their values may be published.
    #[serde(default)]
    env: Vec<String>,
}

impl Settings {
    /// Reads the settings of a project. Keys that are not known are warned about: they may be of a newer version.
    pub(crate) fn read(context: &Context, root: &Path) -> Result<Self, Failure> {
        let settings = Self::parse(root)?;
        for key in settings.others.keys() {
            context.printer.warning(&format!("{NAME} has a key that this version does not know: {key}"));
        }
        Ok(settings)
    }

    /// Returns the variables of the environment that the definition of a project may read.
    pub(crate) fn variables_for_code(root: &Path) -> Result<Vec<String>, Failure> {
        Ok(Self::parse(root)?.evaluate.env)
    }

    fn parse(root: &Path) -> Result<Self, Failure> {
        let path = root.join(NAME);
        let text = read_if_there(&path).map_err(|error| Failure::io("read", &path.display().to_string(), error))?;
        let Some(text) = text else { return Ok(Self::default()) };
        toml::from_str(&text)
            .map_err(|error| Failure::usage(format!("{} cannot be read: {}", path.display(), error.to_string().trim_end())))
    }

    /// Tells whether a server that cannot be reached fails the command.
    pub(crate) fn strict(&self, context: &Context, flag: bool) -> Result<Given<bool>, Failure> {
        const VARIABLE: &str = "KEEPSTEP_STRICT";
        if flag {
            return Ok(Given { value: true, origin: SettingSource::Flag });
        }
        if let Some(text) = context.environment.get(VARIABLE) {
            let value = switch(text).ok_or_else(|| Failure::usage(format!("{VARIABLE} is {text:?}; say 1 or 0")))?;
            return Ok(Given { value, origin: SettingSource::Variable(VARIABLE) });
        }
        Ok(match self.strict {
            Some(value) => Given { value, origin: SettingSource::File },
            None => Given { value: false, origin: SettingSource::Default },
        })
    }
}

/// Returns what the text of a variable switches on or off.
pub(crate) fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}
