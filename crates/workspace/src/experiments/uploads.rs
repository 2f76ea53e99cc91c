//! `.state/uploads.json`: which experiments the platform has.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The file's place below a scenario.
const PATH: [&str; 2] = [".state", "uploads.json"];

/// What was sent of a scenario.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Uploads {
    /// By the name of the experiment.
    #[serde(default)]
    experiments: BTreeMap<String, Uploaded>,
    /// What another version wrote.
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// An experiment that the platform has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Uploaded {
    /// Its id there.
    pub run_batch_id: String,
    /// Which platform.
    #[serde(default)]
    pub server: String,
    /// The SHA-256 of what was offered.
    #[serde(default)]
    pub manifest_sha256: String,
    /// The page that shows it.
    #[serde(default)]
    pub url: String,
    /// What another version wrote.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

impl Uploads {
    /// Returns the place of the file.
    pub fn path(scenario_dir: &Path) -> PathBuf {
        PATH.iter().fold(scenario_dir.to_owned(), |path, part| path.join(part))
    }

    /// Reads the record. One that is not there, or that nobody can read, is empty: at worst something is offered again.
    ///
    /// # Errors
    /// The file is there and the system does not let us read it.
    pub fn read(scenario_dir: &Path) -> io::Result<Self> {
        match fs::read(Self::path(scenario_dir)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Returns what is known of an experiment.
    pub fn get(&self, experiment: &str) -> Option<&Uploaded> {
        self.experiments.get(experiment)
    }

    /// Notes that the platform has an experiment.
    pub fn note(&mut self, experiment: &str, uploaded: Uploaded) {
        self.experiments.insert(experiment.to_owned(), uploaded);
    }

    /// Returns the file's text.
    pub fn to_json(&self) -> String {
        // Maps with texts as keys are always JSON.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_others_wrote_stays() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Uploads::read(folder.path()).unwrap(), Uploads::default());
        fs::create_dir(folder.path().join(".state")).unwrap();
        let text = r#"{"experiments":{"exp_1":{"run_batch_id":"rb-1","later":1}},"also":true}"#;
        fs::write(Uploads::path(folder.path()), text).unwrap();
        let mut uploads = Uploads::read(folder.path()).unwrap();
        uploads.note("exp_2", Uploaded { run_batch_id: "rb-2".to_owned(), ..Uploaded::default() });
        fs::write(Uploads::path(folder.path()), uploads.to_json()).unwrap();
        let value: Value = serde_json::from_slice(&fs::read(Uploads::path(folder.path())).unwrap()).unwrap();
        assert_eq!(value["also"], true);
        assert_eq!(value["experiments"]["exp_1"]["later"], 1);
        assert_eq!(value["experiments"]["exp_2"]["run_batch_id"], "rb-2");
        fs::write(Uploads::path(folder.path()), "{broken").unwrap();
        assert_eq!(Uploads::read(folder.path()).unwrap(), Uploads::default());
    }
}
