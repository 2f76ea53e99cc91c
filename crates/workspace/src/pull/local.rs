//! What a scenario's folder says that can be published: the way up of a pull.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use keepstep_base::Digest;
use keepstep_testdata::bundle::Document;
use keepstep_testdata::input_list::InputList;
use keepstep_testdata::publish::{self, Upload, UploadError};
use keepstep_testdata::workspace_files::CRITERIA_FOLDER;
use serde_json::Value;

use super::edits::Edit;
use super::list_text::ListWords;
use super::received::Received;
use super::scenario::Scenario;
use super::text;
use crate::WorkspaceError;
use crate::pull_record::PullBase;
use crate::yaml::parse_data;

/// The personas, below the scenario's folder.
const PERSONAS_FILE: &str = ".state/sync/personas.json";

/// What a scenario's folder says, read once.
#[derive(Debug)]
pub struct LocalTestData {
    received: Received,
    items: Vec<Value>,
    list: InputList,
    /// The file of the inputs.
    pub inputs_file: PathBuf,
    /// Its text.
    pub inputs_text: String,
    personas: Vec<Value>,
    criteria: Vec<Value>,
    read: Vec<(PathBuf, Digest)>,
}

/// Why a folder cannot be published.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The system refused.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// Nothing was pulled.
    #[error("nothing was pulled into {} yet", .0.display())]
    NotPulled(PathBuf),
    /// What was pulled is not kept any more, so that nobody can say what was edited.
    #[error("the copy of what was pulled into {} is missing", .0.display())]
    NoBase(PathBuf),
    /// What was pulled is kept and cannot be read.
    #[error("the copy of what was pulled into {} is damaged", .0.display())]
    DamagedBase(PathBuf),
    /// A file is gone.
    #[error("{} was deleted", .0.display())]
    Deleted(PathBuf),
    /// A file cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Files were edited that other tools made of the test data, and that are not what is published.
    #[error("edits of {} are not published: inputs are edited in {inputs}, personas in {PERSONAS_FILE}, criteria in {CRITERIA_FOLDER}", paths.join(", "))]
    Elsewhere {
        /// Their paths below the scenario's folder.
        paths: Vec<String>,
        /// The path of the inputs.
        inputs: String,
    },
    /// What is there has no meaning.
    #[error("{}: {source}", path.display())]
    Upload {
        /// The folder or the file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: UploadError,
    },
}

impl Scenario {
    /// Reads what the folder says that can be published.
    ///
    /// # Errors
    /// Nothing was pulled, a file is gone or cannot be read, or something was edited that is not published.
    pub fn local_test_data(&self) -> Result<LocalTestData, LocalError> {
        let record = self.record.as_ref().ok_or_else(|| LocalError::NotPulled(self.folder.clone()))?;
        let base = PullBase::read(&self.folder, record)?.ok_or_else(|| match PullBase::is_in(&self.folder, record) {
            true => LocalError::DamagedBase(self.folder.clone()),
            false => LocalError::NoBase(self.folder.clone()),
        })?;
        let is_ours =
            |path: &str| path == base.inputs_path || path == PERSONAS_FILE || path.starts_with(&format!("{CRITERIA_FOLDER}/"));
        let elsewhere: Vec<String> =
            self.edits()?.into_iter().map(|Edit { path, .. }| path).filter(|path| !is_ours(path)).collect();
        if !elsewhere.is_empty() {
            return Err(LocalError::Elsewhere { paths: elsewhere, inputs: base.inputs_path });
        }
        let mut read = Vec::new();
        let inputs_file = self.folder.join(&base.inputs_path);
        let inputs_text = text_of(&inputs_file, &mut read)?;
        let list = text::inputs(&inputs_text).map_err(|reason| LocalError::Unreadable { path: inputs_file.clone(), reason })?;
        let mut items = Vec::new();
        let kept = base.received.each_item(&mut |item| {
            items.push(Value::from(item.0));
            Ok(())
        });
        kept.map_err(|source| WorkspaceError::io("read", &self.folder, source))?;
        let personas = personas(&self.folder.join(PERSONAS_FILE), &base.received.bundle.personas, &mut read)?;
        let criteria = criteria(&self.folder.join(CRITERIA_FOLDER), &base.received.bundle.criteria, &mut read)?;
        Ok(LocalTestData { received: base.received, items, list, inputs_file, inputs_text, personas, criteria, read })
    }
}

impl LocalTestData {
    /// Returns the bundle version that the folder was made from.
    pub fn base(&self) -> &str {
        &self.received.bundle.id
    }

    /// Returns the scenario on the server.
    pub fn scenario_id(&self) -> Option<String> {
        self.received.bundle.scenario_id()
    }

    /// Returns the project on the server.
    pub fn project_id(&self) -> Option<String> {
        self.received.bundle.project_id()
    }

    /// Returns the text of the list with an id for each new input; `None` if all have one. What else it says stays as it is written.
    pub fn text_with_ids(&self) -> Option<String> {
        let entries = self.entries_with_ids();
        if entries == self.list.entries {
            return None;
        }
        let words = ListWords::of(&self.inputs_text);
        let kept = words.and_then(|words| words.with_entries_in_place(&self.inputs_text, &self.list.entries, &entries));
        Some(kept.unwrap_or_else(|| {
            let mut list = self.list.clone();
            list.entries = entries;
            list.to_yaml()
        }))
    }

    /// Returns the file that publishes the folder, for a scenario that has this name on the server.
    ///
    /// # Errors
    /// Something in it has no meaning, or would be lost.
    pub fn upload(&self, scenario: &str) -> Result<Upload, LocalError> {
        let local = publish::Local {
            base: &self.received.bundle,
            items: &self.items,
            entries: &self.entries_with_ids(),
            personas: &self.personas,
            criteria: &self.criteria,
            scenario,
        };
        publish::upload(local).map_err(|source| LocalError::Upload { path: self.inputs_file.clone(), source })
    }

    /// Returns true if the files still are what was read.
    pub fn is_unchanged(&self) -> bool {
        let is_same = |(path, digest): &(PathBuf, Digest)| fs::read(path).is_ok_and(|bytes| Digest::of_bytes(&bytes) == *digest);
        self.read.iter().all(is_same)
    }

    fn entries_with_ids(&self) -> Vec<Value> {
        publish::with_ids(&self.list.entries, &self.scenario_id().unwrap_or_default(), &self.items)
    }
}

fn text_of(path: &Path, read: &mut Vec<(PathBuf, Digest)>) -> Result<String, LocalError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(LocalError::Deleted(path.to_owned())),
        Err(source) => return Err(WorkspaceError::io("read", path, source).into()),
    };
    read.push((path.to_owned(), Digest::of_bytes(&bytes)));
    String::from_utf8(bytes).map_err(|_| LocalError::Unreadable { path: path.to_owned(), reason: "not UTF-8".to_owned() })
}

fn personas(path: &Path, base: &[Document], read: &mut Vec<(PathBuf, Digest)>) -> Result<Vec<Value>, LocalError> {
    let text = match text_of(path, read) {
        Err(LocalError::Deleted(_)) => return Ok(base.iter().map(|persona| persona.0.clone()).collect()),
        text => text?,
    };
    let unreadable = |reason: String| LocalError::Unreadable { path: path.to_owned(), reason };
    let value: Value = serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    let list = value.get("items").unwrap_or(&value).as_array();
    list.cloned().ok_or_else(|| unreadable("no list of personas: the file must have `items`".to_owned()))
}

/// Returns the criteria: those that were pulled in their order, and then the new ones by the names of their files.
fn criteria(folder: &Path, base: &[Document], read: &mut Vec<(PathBuf, Digest)>) -> Result<Vec<Value>, LocalError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(WorkspaceError::io("read", folder, source).into()),
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|source| WorkspaceError::io("read", folder, source))?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml"));
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let text = text_of(&path, read)?;
        let unreadable = |reason: String| LocalError::Unreadable { path: path.clone(), reason };
        let mut criterion: Value = parse_data(&text).map_err(unreadable)?;
        let members = criterion.as_object_mut().ok_or_else(|| unreadable("not a criterion: no `name:`".to_owned()))?;
        if members.get("name").and_then(Value::as_str).is_none_or(|name| name.trim().is_empty()) {
            return Err(unreadable("a criterion needs a `name:`".to_owned()));
        }
        let criterion = Document(criterion);
        let is_it = |known: &Document| match (known.id(), criterion.id()) {
            (Some(known), Some(id)) => known == id,
            _ => known.name() == criterion.name(),
        };
        found.push((base.iter().position(is_it).unwrap_or(usize::MAX), criterion.0));
    }
    found.sort_by_key(|(place, _)| *place);
    Ok(found.into_iter().map(|(_, criterion)| criterion).collect())
}
