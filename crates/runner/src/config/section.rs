//! Reading keys of the configuration, with errors that name the file and the line.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use super::error::ConfigError;
use crate::json_path::JsonPath;
use crate::yaml;
use keepstep_results::criterion::duration_of;

/// A file that the configuration was merged from.
#[derive(Debug)]
pub(super) struct MergedFile {
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) value: Value,
}

/// A mapping of the configuration and the way to it.
#[derive(Debug, Clone)]
pub(super) struct Section<'a> {
    origins: &'a [MergedFile],
    path: Vec<String>,
    members: Option<&'a Map<String, Value>>,
}

impl<'a> Section<'a> {
    /// Returns the whole configuration.
    pub(super) fn root(origins: &'a [MergedFile], value: &'a Value) -> Self {
        Self { origins, path: Vec::new(), members: value.as_object() }
    }

    /// Returns the value of a key; null counts as not there.
    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        self.members?.get(key).filter(|value| !value.is_null())
    }

    /// Returns true if a key was written, be it with null.
    pub(super) fn has(&self, key: &str) -> bool {
        self.members.is_some_and(|members| members.contains_key(key))
    }

    /// Returns a mapping below this one, which is empty where there is none.
    pub(super) fn section(&self, key: &str) -> Result<Self, ConfigError> {
        let members = match self.value(key) {
            None => None,
            Some(Value::Object(members)) => Some(members),
            Some(_) => return Err(self.wrong(key, "a mapping (`key: value` lines below it)")),
        };
        let path = self.path.iter().cloned().chain([key.to_owned()]).collect();
        Ok(Self { origins: self.origins, path, members })
    }

    /// Returns the mappings of a list.
    pub(super) fn sections(&self, key: &str) -> Result<Vec<Self>, ConfigError> {
        let items = self.take(key, "a list of mappings", Value::as_array)?.map(Vec::as_slice).unwrap_or_default();
        let section = |(index, item): (usize, &'a Value)| {
            let members = item.as_object().ok_or_else(|| self.wrong(key, "a list of mappings"))?;
            let path = self.path.iter().cloned().chain([key.to_owned(), index.to_string()]).collect();
            Ok(Self { origins: self.origins, path, members: Some(members) })
        };
        items.iter().enumerate().map(section).collect()
    }

    /// Returns the way to this mapping as a JSON pointer.
    pub(super) fn pointer(&self) -> String {
        self.path.iter().flat_map(|key| ["/", key]).collect()
    }

    /// Returns true if the mapping is there.
    pub(super) fn exists(&self) -> bool {
        self.members.is_some()
    }

    /// Returns all members.
    pub(super) fn members(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.members.into_iter().flatten()
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, ConfigError> {
        self.take(key, "a text", Value::as_str).map(|text| text.filter(|text| !text.is_empty()))
    }

    /// Returns where something is in what a target sends.
    pub(super) fn json_path(&self, key: &str) -> Result<Option<JsonPath>, ConfigError> {
        self.text(key)?.map(|path| JsonPath::parse(path).map_err(|problem| self.error(key, problem))).transpose()
    }

    pub(super) fn truth(&self, key: &str) -> Result<Option<bool>, ConfigError> {
        self.take(key, "true or false", |value| match value {
            // What `${NAME}` stands for is always a text.
            Value::String(text) => text.parse().ok(),
            other => other.as_bool(),
        })
    }

    pub(super) fn number(&self, key: &str, most: u64) -> Result<Option<u64>, ConfigError> {
        self.take(key, &format!("a whole number up to {most}"), |value| match value {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        })?
        .map(|number| if number <= most { Ok(number) } else { Err(self.wrong(key, &format!("a whole number up to {most}"))) })
        .transpose()
    }

    /// Returns a duration: a number of seconds, or a text such as `30s`.
    pub(super) fn duration(&self, key: &str) -> Result<Option<Duration>, ConfigError> {
        self.take(key, "a duration such as 30, 30s or 500ms", duration_of)
    }

    pub(super) fn texts(&self, key: &str) -> Result<Option<Vec<String>>, ConfigError> {
        self.take(key, "a list of texts", |value| {
            value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        })
    }

    pub(super) fn list(&self, key: &str) -> Result<Vec<Value>, ConfigError> {
        Ok(self.take(key, "a list", |value| value.as_array().cloned())?.unwrap_or_default())
    }

    /// Returns the texts of a mapping; numbers and switches are taken as they would be typed in a shell.
    pub(super) fn variables(&self, key: &str) -> Result<Vec<(String, String)>, ConfigError> {
        let section = self.section(key)?;
        section
            .members()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| match value {
                Value::String(text) => Ok((name.clone(), text.clone())),
                Value::Number(_) | Value::Bool(_) => Ok((name.clone(), value.to_string())),
                _ => Err(section.wrong(name, "a text")),
            })
            .collect()
    }

    fn take<T>(&self, key: &str, wanted: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Result<Option<T>, ConfigError> {
        match self.value(key) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| self.wrong(key, wanted)),
        }
    }

    /// Returns an error about the value of a key.
    pub(super) fn wrong(&self, key: &str, wanted: &str) -> ConfigError {
        let found = match self.members.and_then(|members| members.get(key)) {
            // What it holds may be a secret, and is in the file for who wants to look.
            Some(Value::String(_)) => ", not this text",
            Some(Value::Array(_)) => ", not a list",
            Some(Value::Object(_)) => ", not a mapping",
            Some(Value::Number(_)) => ", not this number",
            Some(Value::Bool(_)) => ", not a switch",
            _ => "",
        };
        self.error(key, format!("must be {wanted}{found}"))
    }

    /// Returns an error about a key, with the place where it was written last.
    pub(super) fn error(&self, key: &str, problem: String) -> ConfigError {
        let path: Vec<&str> = self.path.iter().map(String::as_str).chain([key]).collect();
        let pointer: String = path.iter().flat_map(|key| ["/", key]).collect();
        let origin = self.origins.iter().rev().find(|origin| origin.value.pointer(&pointer).is_some());
        let origin = origin.or_else(|| self.origins.last());
        let file = origin.map(|origin| origin.path.clone()).unwrap_or_default();
        let line = origin.and_then(|origin| yaml::line_of(&origin.text, &path));
        ConfigError::Key { file, line, key: path.join("."), problem }
    }
}
