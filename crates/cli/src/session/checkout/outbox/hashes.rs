//! What large files were when they were last read, so that they need not be read again to see that nothing is to be sent.
//!
//! A file counts as the same while its place, length, time, and number in the file system are. What is sent is read and
//! compared with its digest all the same.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use keepstep_client::upload::Hashed;
use serde::{Deserialize, Serialize};

use crate::session::checkout::files::write_whole;

const NAME: &str = "hashes.json";
/// Smaller files are read faster than they are looked up.
const SMALLEST: u64 = 1024 * 1024;
/// How many files are remembered.
const MOST: usize = 1000;

/// Digests of files in which nothing was to be removed.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Hashes {
    files: BTreeMap<PathBuf, Known>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Known {
    stamp: Stamp,
    /// Which secrets were looked for.
    secrets: String,
    hashed: Hashed,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    size: u64,
    modified: Option<(u64, u32)>,
    inode: u64,
}

impl Hashes {
    /// Reads what is known; nothing, if that cannot be read.
    pub(crate) fn read(outbox: &Path) -> Self {
        fs::read(outbox.join(NAME)).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    /// Writes what is known. That it cannot be written costs time the next time, and nothing else.
    pub(crate) fn write(&mut self, outbox: &Path) {
        self.files.retain(|path, _| path.exists());
        while self.files.len() > MOST {
            self.files.pop_first();
        }
        let _ = serde_json::to_vec(self).map(|text| write_whole(&outbox.join(NAME), &text));
    }

    /// Returns the digests of a file that is what it was.
    pub(crate) fn get(&self, path: &Path, metadata: &Metadata, secrets: &str) -> Option<Hashed> {
        let known = self.files.get(path)?;
        (known.stamp == stamp(metadata) && known.secrets == secrets).then(|| known.hashed.clone())
    }

    /// Notes the digests of a file, as it was before it was read.
    pub(crate) fn note(&mut self, path: &Path, metadata: &Metadata, secrets: &str, hashed: &Hashed) {
        if hashed.size >= SMALLEST && hashed.size == metadata.len() {
            let known = Known { stamp: stamp(metadata), secrets: secrets.to_owned(), hashed: hashed.clone() };
            self.files.insert(path.to_owned(), known);
        }
    }
}

fn stamp(metadata: &Metadata) -> Stamp {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(metadata);
    #[cfg(not(unix))]
    let inode = 0;
    Stamp { size: metadata.len(), modified: modified.map(|time| (time.as_secs(), time.subsec_nanos())), inode }
}
