//! Files of criteria: a person's own, and those that a pull brought.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use keepstep_base::Digest;
use keepstep_results::criterion::{Check, Source};
use keepstep_workspace::files;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::item::Item;
use crate::yaml::{self, YamlError};

/// The folder of a person's own criteria, below the scenario's.
pub const FOLDER: &str = "criteria";

/// What a person has accepted of a platform, beside their own criteria so that it can be committed.
const ACCEPTED: &str = "criteria/accepted.json";

/// Where a pull puts criteria: one file for each pack, or all in one.
const PULLED: [&str; 2] = [".state/criteria", "pulled/criteria.json"];

/// Criteria cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CriteriaError {
    /// A file cannot be read.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A folder cannot be read, or a file not be written.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file holds something else.
    #[error("{} has no criteria: it must have `items:` with a list below it, or be a list", path.display())]
    NoList {
        /// The file.
        path: PathBuf,
    },
    /// A member of a file has no meaning.
    #[error("{}: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A criterion has no meaning.
    #[error("{}: criterion {position}: {problem}", path.display())]
    Item {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        position: usize,
        /// What is wrong.
        problem: String,
    },
}

/// Some criteria that belong together.
#[derive(Debug)]
pub(super) struct Pack {
    pub(super) name: String,
    pub(super) criteria: Vec<Item>,
    /// The least score, where the pack has one.
    pub(super) threshold: Option<f64>,
    pub(super) is_own: bool,
}

/// All criteria of a scenario.
#[derive(Debug, Default)]
pub struct Criteria {
    pub(super) packs: Vec<Pack>,
    accepted: BTreeMap<Digest, String>,
}

/// Something of a platform that is not run or asked before a person has accepted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unaccepted {
    /// The pack.
    pub pack: String,
    /// What would be run or asked.
    pub text: String,
    /// The digest of the whole criterion.
    digest: Digest,
}

#[derive(Serialize, Deserialize)]
struct AcceptedFile {
    accepted: BTreeMap<Digest, String>,
}

impl Criteria {
    /// Reads the criteria of a scenario.
    ///
    /// # Errors
    /// A file cannot be read, or a person's own criterion has no meaning. One of a platform that this version does not know is
    /// no error; it is not judged, and says why.
    pub fn load(scenario: &Path) -> Result<Self, CriteriaError> {
        let mut packs = Vec::new();
        for path in listed(&scenario.join(FOLDER))? {
            if let Some((value, _)) = yaml::read(&path)? {
                packs.push(own(&value, &path, scenario)?);
            }
        }
        let pulled = listed(&scenario.join(PULLED[0]))?;
        for path in &pulled {
            if let Some((value, _)) = yaml::read(path)? {
                packs.push(received(&value, path));
            }
        }
        let path = scenario.join(PULLED[1]);
        if pulled.is_empty()
            && let Some((Value::Array(entries), _)) = yaml::read(&path)?
        {
            packs.extend(entries.iter().map(|entry| received(entry, &path)));
        }
        packs.retain(|pack| !pack.criteria.is_empty());
        let path = scenario.join(ACCEPTED);
        let accepted = match yaml::read(&path)? {
            Some((value, _)) => {
                serde_json::from_value::<AcceptedFile>(value)
                    .map_err(|error| CriteriaError::Malformed { path, problem: error.to_string() })?
                    .accepted
            }
            None => BTreeMap::new(),
        };
        Ok(Self { packs, accepted })
    }

    /// Returns true if there is nothing to judge by.
    pub fn is_empty(&self) -> bool {
        self.packs.is_empty()
    }

    /// Returns a digest of all criteria, by which results tell whether they were judged alike; `None` without one.
    pub fn digest(&self) -> Option<Digest> {
        let packs: Vec<Value> = self
            .packs
            .iter()
            .map(|pack| {
                let criteria: Vec<String> = pack.criteria.iter().map(|criterion| criterion.digest.to_string()).collect();
                json!([pack.name, pack.threshold, criteria])
            })
            .collect();
        (!packs.is_empty()).then(|| Digest::of_bytes(Value::Array(packs).to_string().as_bytes()))
    }

    /// Returns what a platform asks to be run, or a model to be asked, that nobody has accepted. Without a model nobody is asked.
    pub fn unaccepted(&self, has_model: bool) -> Vec<Unaccepted> {
        let mut seen = HashSet::new();
        let packs = self.packs.iter().filter(|pack| !pack.is_own);
        packs
            .flat_map(|pack| pack.criteria.iter().map(move |criterion| (pack, criterion)))
            .filter(|(pack, criterion)| !self.is_accepted(pack, criterion) && seen.insert(criterion.digest))
            .filter_map(|(pack, criterion)| {
                let text = match &criterion.check {
                    Check::Program { command, .. } => format!("run {}", Value::from(command.clone())),
                    Check::Statement { text, .. } if has_model => format!("ask the judge: {text}"),
                    _ => return None,
                };
                Some(Unaccepted { pack: pack.name.clone(), text, digest: criterion.digest })
            })
            .collect()
    }

    /// Accepts these texts, and exactly these: a changed one has another digest.
    ///
    /// # Errors
    /// The file of what was accepted cannot be written.
    pub fn accept(&mut self, scenario: &Path, texts: &[Unaccepted]) -> Result<(), CriteriaError> {
        self.accepted.extend(texts.iter().map(|text| (text.digest, text.text.clone())));
        let path = scenario.join(ACCEPTED);
        let fail = |source: io::Error| CriteriaError::Io { doing: "write", path: path.clone(), source };
        let file = AcceptedFile { accepted: self.accepted.clone() };
        let mut text = serde_json::to_vec_pretty(&file).map_err(|error| fail(error.into()))?;
        text.push(b'\n');
        fs::create_dir_all(scenario.join(FOLDER)).map_err(fail)?;
        files::replace(&path, &text).map_err(fail)
    }

    /// Returns true if a criterion may run something or ask somebody: it is a person's own, or exactly this one was accepted.
    pub(super) fn is_accepted(&self, pack: &Pack, criterion: &Item) -> bool {
        pack.is_own || self.accepted.contains_key(&criterion.digest)
    }
}

/// Returns the YAML files of a folder, by name.
fn listed(folder: &Path) -> Result<Vec<PathBuf>, CriteriaError> {
    let fail = |source: io::Error| CriteriaError::Io { doing: "read", path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(fail(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(fail)?.path();
        if path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

/// Reads a person's own file.
fn own(value: &Value, path: &Path, scenario: &Path) -> Result<Pack, CriteriaError> {
    let (nothing, none) = (Map::new(), Vec::new());
    let (members, items) = match value {
        // A file in which everything is a comment.
        Value::Null => (&nothing, &none),
        Value::Array(items) => (&nothing, items),
        Value::Object(members) => match members.get("items") {
            Some(Value::Array(items)) => (members, items),
            _ => return Err(CriteriaError::NoList { path: path.to_owned() }),
        },
        _ => return Err(CriteriaError::NoList { path: path.to_owned() }),
    };
    let threshold = match members.get("threshold") {
        None | Some(Value::Null) => None,
        Some(value) => Some(threshold(value).ok_or_else(|| CriteriaError::Malformed {
            path: path.to_owned(),
            problem: "threshold must be a number from 0 to 1".to_owned(),
        })?),
    };
    let files = |path: &str| match yaml::read(&scenario.join(path)) {
        Ok(Some((document, _))) => Ok(document),
        Ok(None) => Err(format!("json_schema names {path}, which was not found in the scenario's folder")),
        Err(error) => Err(error.to_string()),
    };
    let source = Source { files: Some(&files), is_detail: false, bounds: None };
    let read = |(index, item): (usize, &Value)| {
        let fail = |problem| CriteriaError::Item { path: path.to_owned(), position: index + 1, problem };
        Item::read(item, source).map_err(fail)
    };
    Ok(Pack {
        name: members.get("name").and_then(Value::as_str).map_or_else(|| stem(path), str::to_owned),
        criteria: items.iter().enumerate().map(read).collect::<Result<_, _>>()?,
        threshold,
        is_own: true,
    })
}

/// Reads a pack of a platform, with whatever can be used of it.
fn received(value: &Value, path: &Path) -> Pack {
    let list = |name: &str| value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let read = |item: &Value, is_detail: bool| {
        let read = Item::read(item, Source { files: None, is_detail, bounds: None });
        read.unwrap_or_else(|reason| Item::unusable(item, format!("this criterion from the server {reason}")))
    };
    let mut criteria: Vec<Item> = list("items").iter().map(|item| read(item, false)).collect();
    for detail in list("details").iter().map(|detail| read(detail, true)) {
        // Platforms repeat an item here to say how much it matters.
        match criteria.iter_mut().find(|criterion| criterion.name == detail.name && criterion.kind == detail.kind) {
            Some(same) => same.require(detail.required),
            None => criteria.push(detail),
        }
    }
    let name = value.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
    Pack {
        name: name.map_or_else(|| stem(path), str::to_owned),
        criteria,
        threshold: value.get("threshold").and_then(threshold),
        is_own: false,
    }
}

fn threshold(value: &Value) -> Option<f64> {
    value.as_f64().filter(|share| (0.0..=1.0).contains(share))
}
