//! The copies of the project's files beside the manifest, from which the peer's tools make a backup.
//!
//! A copy has the digest of its content for a name, so it never changes, and one that is there needs no look.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use keepstep_base::whole_file::{self, Policy};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::measure::hex16;

/// The folder of the copies, in that of the manifest.
const FOLDER: &str = "sources";

/// Ensures that there is a copy of each file that a manifest lists. The error is a sentence.
///
/// A file that is another one by now than when it was listed is left out: a later manifest will list it as it is.
pub(super) fn ensure(root: &Path, manifest_folder: &Path, manifest: &Value) -> Result<(), String> {
    let folder = manifest_folder.join(FOLDER);
    let failed = |error: io::Error| format!("{} cannot be written: {error}", folder.display());
    let mut present: HashSet<OsString> = match fs::read_dir(&folder) {
        Ok(entries) => entries.flatten().map(|entry| entry.file_name()).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => HashSet::new(),
        Err(error) => return Err(failed(error)),
    };
    let mut is_made = !present.is_empty();
    for file in manifest["projectFiles"].as_array().into_iter().flatten() {
        let (Some(path), Some(hash)) = (file["relativePath"].as_str(), file["hash"].as_str()) else { continue };
        let name = OsString::from(name(path, hash));
        if present.contains(&name) {
            continue;
        }
        let bytes = match fs::read(root.join(path)) {
            Ok(bytes) => bytes,
            Err(_) if !root.join(path).is_file() => continue,
            Err(error) => return Err(format!("{path} cannot be read: {error}")),
        };
        // As the list has it, which reads bytes that are no text as U+FFFD.
        if hex16(&Sha256::digest(String::from_utf8_lossy(&bytes).as_bytes())) != hash {
            continue;
        }
        if !is_made {
            fs::create_dir_all(&folder).map_err(failed)?;
            is_made = true;
        }
        whole_file::write(&folder.join(&name), &bytes, Policy::Derived).map_err(failed)?;
        present.insert(name);
    }
    Ok(())
}

/// Returns the name of a copy: the digest, and the end of the file's name from its last dot on.
fn name(path: &str, hash: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    // A name that only begins with a dot has no end.
    let end = file.rfind('.').filter(|at| *at > 0).map_or(".txt", |at| &file[at..]);
    format!("{hash}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_end_of_the_file() {
        for (path, expected) in
            [("src/index.ts", "h.ts"), ("a.b/LICENSE", "h.txt"), ("a/b.tar.gz", "h.gz"), (".profile", "h.txt"), ("a.", "h.")]
        {
            assert_eq!(name(path, "h"), expected, "{path}");
        }
    }
}
