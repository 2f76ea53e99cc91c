//! What an upload consists of.

use std::path::PathBuf;

use keepstep_api::own::uploads::{Commit, Offer, OfferedFile, RUNS_FILE};
use keepstep_base::Digest;
use serde::{Deserialize, Serialize};

/// An upload as it is kept until it is done. It names files and holds none of their content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The project.
    pub project_id: String,
    /// The bundle version that was run.
    pub bundle_version_id: String,
    /// Names the batch within its project and bundle version.
    pub experiment_id: String,
    /// The files; one of them is the runs.
    pub files: Vec<ManifestFile>,
    /// What to commit.
    pub commit: Commit,
    /// The run that gets the files of the whole batch where a platform knows no such files.
    pub first_run: Option<String>,
    /// Whether every run succeeded, for platforms that do not find out by themselves.
    pub all_succeeded: bool,
}

/// A file of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Where it is on this machine.
    pub path: PathBuf,
    /// What is offered.
    pub offered: OfferedFile,
}

impl Manifest {
    /// Returns what is offered to the platform.
    pub fn offer(&self) -> Offer {
        Offer {
            project_id: self.project_id.clone(),
            bundle_version_id: self.bundle_version_id.clone(),
            experiment_id: self.experiment_id.clone(),
            files: self.files.iter().map(|file| file.offered.clone()).collect(),
        }
    }

    /// Returns the digest of the offer: two uploads of the same content have the same one, wherever their files are.
    pub fn digest(&self) -> Digest {
        self.offer_text().1
    }

    /// Returns the offer as JSON, and its digest.
    pub(crate) fn offer_text(&self) -> (Vec<u8>, Digest) {
        // An offer has only texts as keys, so it always is JSON.
        let text = serde_json::to_vec(&self.offer()).unwrap_or_default();
        let digest = Digest::of_bytes(&text);
        (text, digest)
    }

    /// Returns the file with the runs.
    pub fn runs(&self) -> Option<&ManifestFile> {
        self.files.iter().find(|file| file.offered.file_type == RUNS_FILE && file.offered.sha256 == self.commit.runs_sha256)
    }

    /// Returns how many bytes all files have.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.offered.size).sum()
    }
}
