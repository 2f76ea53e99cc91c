//! What a scenario's folder holds of earlier pulls.

use std::io;
use std::path::{Path, PathBuf};

use keepstep_testdata::names;
use keepstep_testdata::workspace_files::{DEFAULT_INPUTS_FILE, PULLED_INPUTS, SYNC_STATE_FILES};
use serde_json::Value;

use crate::WorkspaceError;
use crate::pull_record::{PullBase, PullRecord};

/// The files whose merged content is a scenario's configuration, as far as it concerns a pull; the last one that says something
/// wins.
const CONFIGURATION: [&str; 3] = ["configs/scenario.yaml", "configs/simulation.yaml", "configs/input.yaml"];

/// A scenario's folder, which need not be there yet.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The folder.
    pub folder: PathBuf,
    /// What keepstep pulled last, unless another program pulled since.
    pub record: Option<PullRecord>,
    /// The value of `.state/sync.json`.
    pub sync_state: Option<Value>,
    /// The configured path of the inputs.
    pub inputs_file: String,
    /// The configured folder of test results, relative to the scenario's.
    pub output_directory: String,
    /// The configured name, with which 0.4.0 begins the names of results.
    pub experiment_name: Option<String>,
    /// True if there is a `pulled/` folder as 0.4.0 makes it.
    pub with_pulled: bool,
    /// The bundle version that 0.4.0 says it pulled.
    pub pulled_bundle: Option<String>,
}

impl Scenario {
    /// Reads what is there.
    ///
    /// # Errors
    /// The system refused, or a newer keepstep pulled last.
    pub fn read(folder: &Path) -> Result<Self, WorkspaceError> {
        let (sync_state, record) = records(folder)?;
        let read = |path: &&str| crate::yaml::parse(&std::fs::read_to_string(folder.join(path)).ok()?).ok();
        let configuration: Vec<Value> = CONFIGURATION.iter().filter_map(read).collect();
        let configured = |key| configuration.iter().rev().find_map(|part| Some(part.get(key)?.as_str()?.to_owned()));
        Ok(Self {
            folder: folder.to_owned(),
            record,
            sync_state,
            inputs_file: configured("inputs_file").unwrap_or_else(|| DEFAULT_INPUTS_FILE.to_owned()),
            output_directory: configured("output_directory").unwrap_or_else(|| "experiments".to_owned()),
            experiment_name: configured("name"),
            with_pulled: folder.join("pulled").is_dir(),
            pulled_bundle: pulled_bundle(folder),
        })
    }

    /// Returns the bundle version that is all there, edited or not: a platform that has nothing newer needs to send nothing.
    pub fn known_bundle(&self) -> Option<&str> {
        let record = self.record.as_ref()?;
        let has_state = SYNC_STATE_FILES.iter().all(|path| self.folder.join(path).is_file());
        let has_layout = record.files.keys().any(|path| path.starts_with("pulled/")) == self.with_pulled
            && names::inputs_path(&self.inputs_file).is_ok_and(|path| record.files.contains_key(&path));
        // Without what was pulled nobody can say what was edited.
        let has_base = PullBase::is_in(&self.folder, record);
        (has_state && has_layout && has_base).then_some(record.bundle_version_id.as_str())
    }

    /// Returns the bundle version that was pulled last, by whichever program.
    pub fn bundle(&self) -> Option<&str> {
        let recorded = self.record.as_ref().map(|record| record.bundle_version_id.as_str());
        let noted = || self.sync_state.as_ref()?.get("bundle_version_id")?.as_str();
        recorded.or_else(noted).or(self.pulled_bundle.as_deref())
    }

    /// Returns the bundle version that a file of inputs is of, edited or not; `None` for a file that no pull writes.
    ///
    /// Each peer has a file of its own, and the two may be of different versions.
    pub fn bundle_of(&self, inputs: &Path) -> Option<&str> {
        let recorded = self.record.as_ref().map(|record| record.bundle_version_id.as_str());
        let file = |path: &str| is_same_file(&self.folder.join(path), inputs);
        if file(PULLED_INPUTS) {
            let is_recorded = self.record.as_ref().is_some_and(|record| record.files.contains_key(PULLED_INPUTS));
            return self.pulled_bundle.as_deref().or_else(|| recorded.filter(|_| is_recorded));
        }
        if let Some(record) = &self.record {
            return file(&record.inputs_path).then_some(record.bundle_version_id.as_str());
        }
        let state = self.sync_state.as_ref()?;
        let path = state.get("inputs_file").and_then(Value::as_str).unwrap_or(&self.inputs_file);
        let is_pulled = names::inputs_path(path).is_ok_and(|path| file(&path));
        state.get("bundle_version_id")?.as_str().filter(|id| is_pulled && !id.is_empty())
    }

    /// Returns when the bundle version was pulled, by the platform's clock.
    pub fn pulled_at(&self) -> Option<&str> {
        self.sync_state.as_ref()?.get("pulled_at")?.as_str()
    }

    /// Returns the id of the scenario on the platform, if a pull told it.
    pub fn id(&self) -> Option<&str> {
        self.record.as_ref()?.scenario_id.as_deref()
    }

    /// Returns the same for a folder of which nothing else is wanted.
    ///
    /// # Errors
    /// The system refused, or a newer keepstep pulled last.
    pub fn id_in(folder: &Path) -> Result<Option<String>, WorkspaceError> {
        let (_, record) = records(folder)?;
        Ok(record.and_then(|record| record.scenario_id))
    }
}

/// Returns true if two paths lead to one file.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    one == other || real(one).is_some_and(|one| real(other) == Some(one))
}

/// Returns the record of 0.3.3, and our own unless another program pulled since.
fn records(folder: &Path) -> Result<(Option<Value>, Option<PullRecord>), WorkspaceError> {
    let sync_state = sync_state(folder)?;
    let pulled = sync_state.as_ref().and_then(|state| state.get("bundle_version_id")?.as_str());
    let record = PullRecord::read(folder)?
        // 0.3.3 knows nothing of our record. What it pulled since is told from its own.
        .filter(|record| pulled.is_none_or(|pulled| pulled == record.bundle_version_id));
    Ok((sync_state, record))
}

/// Returns what the record of 0.4.0 says; one that cannot be read says nothing.
fn pulled_bundle(folder: &Path) -> Option<String> {
    let meta: Value = serde_json::from_slice(&std::fs::read(folder.join("pulled/sync_meta.json")).ok()?).ok()?;
    Some(meta.get("bundle_version")?.get("id")?.as_str()?.to_owned())
}

/// Returns the record of 0.3.3: what the first file says, and what only the second one knows.
fn sync_state(folder: &Path) -> Result<Option<Value>, WorkspaceError> {
    let mut state: Option<Value> = None;
    for path in SYNC_STATE_FILES {
        let path = folder.join(path);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => continue,
            Err(source) => return Err(WorkspaceError::io("read", &path, source)),
        };
        let Ok(Value::Object(members)) = serde_json::from_slice(&text) else { continue };
        match state.as_mut().and_then(Value::as_object_mut) {
            None => state = Some(Value::Object(members)),
            Some(first) => {
                for (key, value) in members {
                    first.entry(key).or_insert(value);
                }
            }
        }
    }
    Ok(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundle_of_each_peer_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let bundle = || Scenario::read(folder.path()).unwrap().bundle().map(str::to_owned);
        assert_eq!(bundle(), None);
        write("pulled/sync_meta.json", r#"{"bundle_version": {"id": "bv_4"}}"#);
        assert_eq!(bundle().as_deref(), Some("bv_4"));
        write(".state/sync.json", r#"{"bundle_version_id": "bv_3"}"#);
        assert_eq!(bundle().as_deref(), Some("bv_3"));
        // Each file of inputs is of the version that its own record names, and another file of none.
        let of = |path: &str| {
            let scenario = Scenario::read(folder.path()).unwrap();
            scenario.bundle_of(&folder.path().join(path)).map(str::to_owned)
        };
        assert_eq!(of("pulled/inputs.json").as_deref(), Some("bv_4"));
        assert_eq!(of("inputs/generated.yaml").as_deref(), Some("bv_3"));
        assert_eq!(of("inputs/own.yaml"), None);
        write(".state/sync.json", r#"{"bundle_version_id": "bv_3", "inputs_file": "inputs/own.yaml"}"#);
        assert_eq!((of("inputs/own.yaml").as_deref(), of("inputs/generated.yaml")), (Some("bv_3"), None));
        write("pulled/sync_meta.json", "[");
        assert_eq!(bundle().as_deref(), Some("bv_3"));
        assert_eq!(of("pulled/inputs.json"), None);
    }
}
