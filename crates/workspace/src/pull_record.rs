//! `.state/pull.json`: what was last pulled into a scenario's folder, and `.state/pull_base.json.zst`: what came.
//!
//! The record has a digest for each file of the bundle, so that an edit is told from what was pulled, and the length and time
//! of what was written, so that looking at a hundred scenarios does not take reading them. The base of the next merge is the
//! platform's answer as it came, without `.zst` where it came as text. It is kept here rather than asked for, so that nothing is lost when a bundle is deleted from
//! the platform.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use keepstep_base::Digest;
use keepstep_testdata::workspace_files::{self, Placement, Purpose};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::WorkspaceError;
use crate::pull::Received;
use crate::pull::swap::Stamp;

/// The record, below the scenario's folder.
pub const RECORD_FILE: &str = ".state/pull.json";

/// What the platform answered, below the scenario's folder, packed and as text. One of them is there; the reading of either looks at
/// what is in it and not at its name.
const BASE_FILES: [&str; 2] = [".state/pull_base.json.zst", ".state/pull_base.json"];

/// The version of the format that this code writes.
const FORMAT: u32 = 1;

/// What was last pulled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PullRecord {
    format: u32,
    /// The bundle version.
    pub bundle_version_id: String,
    /// The digest of its content.
    pub digest: Digest,
    /// The digest of the base, with which it was put in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base: Option<Digest>,
    /// The project on the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// The scenario on the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario_id: Option<String>,
    /// The scenario's name there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario_name: Option<String>,
    /// The path of the inputs file.
    #[serde(default)]
    pub inputs_path: String,
    /// The bundle's files.
    pub files: BTreeMap<String, FileRecord>,
}

/// A file of the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// The digest of the bundle's content, in which the ends of lines do not count.
    pub digest: Digest,
    /// The file as it was put in place, if that was the bundle's content.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<Stamp>,
}

/// What was last pulled, which is the base of the next merge.
#[derive(Debug, Clone)]
pub struct PullBase {
    /// The path of the inputs file.
    pub(crate) inputs_path: String,
    /// What came.
    pub(crate) received: Received,
}

impl PullRecord {
    /// Returns the record of a bundle whose files are still to be added.
    ///
    /// # Errors
    /// What was received cannot be read again.
    pub(crate) fn of(received: &Received, project_id: Option<&str>, inputs_path: &str) -> io::Result<Self> {
        let bundle = &received.bundle;
        Ok(Self {
            format: FORMAT,
            bundle_version_id: bundle.id.clone(),
            digest: received.content_digest()?,
            base: Some(received.answer.digests.exact),
            project_id: bundle.project_id().or_else(|| project_id.map(str::to_owned)),
            scenario_id: bundle.scenario_id(),
            scenario_name: bundle.scenario_name().map(str::to_owned),
            inputs_path: inputs_path.to_owned(),
            files: BTreeMap::new(),
        })
    }

    /// Reads the record of a scenario's folder. One that nobody can read any more counts as none: everything that it would say
    /// can be found out again.
    ///
    /// # Errors
    /// The system refused, or a newer keepstep wrote it.
    pub fn read(folder: &Path) -> Result<Option<Self>, WorkspaceError> {
        let path = folder.join(RECORD_FILE);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(WorkspaceError::io("read", &path, source)),
        };
        match serde_json::from_slice::<Self>(&bytes) {
            Ok(record) if record.format == FORMAT => Ok(Some(record)),
            _ => newer(&path, &bytes).map_or(Ok(None), Err),
        }
    }

    /// Returns true if the record is as good as a new one. The base may be another: an answer with the same content has another
    /// time in it.
    pub(crate) fn is_equivalent_to(&self, old: &Self) -> bool {
        old.base.is_some() && *old == Self { base: old.base, ..self.clone() }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // Nothing in it can fail to be JSON.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }
}

impl PullBase {
    /// Returns true if a scenario's folder holds a base, and the record says which. Those of earlier versions do not.
    pub fn is_in(folder: &Path, record: &PullRecord) -> bool {
        record.base.is_some() && BASE_FILES.iter().any(|path| folder.join(path).is_file())
    }

    /// Returns the path below the scenario's folder where an answer becomes the base, and the path where none may be then.
    pub(crate) fn paths(received: &Received) -> (&'static str, &'static str) {
        let [packed, plain] = BASE_FILES;
        if received.is_packed { (packed, plain) } else { (plain, packed) }
    }

    /// Reads the base that a record is about, if the folder holds it.
    ///
    /// # Errors
    /// The system refused.
    pub fn read(folder: &Path, record: &PullRecord) -> Result<Option<Self>, WorkspaceError> {
        for path in BASE_FILES {
            let path = folder.join(path);
            match File::open(&path).and_then(Received::from_file) {
                Ok(received) if record.base == Some(received.answer.digests.exact) && !record.inputs_path.is_empty() => {
                    return Ok(Some(Self { inputs_path: record.inputs_path.clone(), received }));
                }
                Ok(_) => {}
                // Another one may be there, or this one was damaged.
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => {}
                Err(source) => return Err(WorkspaceError::io("read", &path, source)),
            }
        }
        Ok(None)
    }

    /// Returns the text of a file as it was pulled.
    ///
    /// # Errors
    /// What was received cannot be read again.
    pub(crate) fn text(&self, path: &str) -> io::Result<Option<String>> {
        let inputs_file = self.inputs_path.as_str();
        let placement = Placement { inputs_file, api_url: "", project_id: None, sync_state: None, with_pulled: true };
        let files = workspace_files::render(&self.received.bundle, placement).map_err(io::Error::other)?;
        let file = files.into_iter().find(|file| file.path == path && file.purpose != Purpose::Record);
        file.map(|file| self.received.stored(file.content)?.to_text()).transpose()
    }
}

/// Returns the error for a record of a later format, if it is one.
fn newer(path: &Path, bytes: &[u8]) -> Option<WorkspaceError> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let found = value.get("format")?.as_u64().filter(|found| *found > u64::from(FORMAT))?;
    Some(WorkspaceError::Newer { path: path.to_owned(), found, known: FORMAT })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_record_is_none_and_a_newer_one_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| {
            std::fs::create_dir_all(folder.path().join(".state")).unwrap();
            std::fs::write(folder.path().join(RECORD_FILE), text).unwrap();
            PullRecord::read(folder.path())
        };
        assert!(PullRecord::read(folder.path()).unwrap().is_none());
        for text in ["", "{", "[]", "{\"format\": 1}", "{\"format\": 0}"] {
            assert!(write(text).unwrap().is_none(), "{text}");
        }
        assert!(matches!(write("{\"format\": 2, \"more\": 1}"), Err(WorkspaceError::Newer { found: 2, .. })));
    }
}
