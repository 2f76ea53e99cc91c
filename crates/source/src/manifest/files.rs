//! The list of a project's files with their digests.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;
use std::str;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Digests, ManifestError, Measure, hex16};

/// The folders that hold no files of the project, at any depth.
const SKIPPED_FOLDERS: [&str; 10] =
    ["node_modules", "dist", "dist-v2", ".git", ".lua", ".keepstep", ".temp", "coverage", ".next", ".turbo"];

/// What the names of files contain that are not listed, and how they end.
const SKIPPED_PARTS: [&str; 4] = ["node_modules", ".test.", ".spec.", "__tests__"];
const SKIPPED_ENDS: [&str; 2] = [".d.ts", ".map"];
const SKIPPED_NAMES: [&str; 3] = ["package-lock.json", "yarn.lock", "pnpm-lock.yaml"];

/// How much of a file is held at a time.
const BLOCK: usize = 64 << 10;

/// One file of the list.
pub(super) struct ProjectFile {
    /// The path below the project's folder, with `/`.
    pub(super) relative_path: String,
    /// The first 16 digits of the digest of its text.
    pub(super) hash: String,
    units: u64,
}

impl ProjectFile {
    pub(super) fn to_json(&self) -> Value {
        let kind = match self.relative_path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("ts" | "tsx" | "js") => "source",
            Some("json" | "yaml" | "yml") => "config",
            _ => "other",
        };
        json!({ "relativePath": self.relative_path, "hash": self.hash, "size": self.units, "type": kind })
    }
}

/// Returns the files of a project, folder by folder, in the order of the names' bytes.
///
/// Links to files of the project count as files; other links, and what is neither file nor folder, are left out. What
/// the agent is made of was read before, and is not read again.
pub(super) fn list(root: &Path, digests: &Digests<'_>) -> Result<Vec<ProjectFile>, ManifestError> {
    let mut files = Vec::new();
    let mut block = vec![0; BLOCK];
    list_folder(root, root, String::new(), digests, &mut block, &mut files)?;
    Ok(files)
}

fn list_folder(
    root: &Path,
    folder: &Path,
    prefix: String,
    digests: &Digests<'_>,
    block: &mut [u8],
    files: &mut Vec<ProjectFile>,
) -> Result<(), ManifestError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| ManifestError::Read { path, source }
    };
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let entry = entry.map_err(failed(folder))?;
        entries.push((entry.file_name(), entry.file_type().map_err(failed(&entry.path()))?));
    }
    entries.sort_by(|(a, _), (b, _)| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
    for (name, kind) in entries {
        let path = folder.join(&name);
        let name = name.to_string_lossy();
        let relative_path = format!("{prefix}{name}");
        if kind.is_dir() {
            if !SKIPPED_FOLDERS.contains(&&*name) {
                list_folder(root, &path, format!("{relative_path}/"), digests, block, files)?;
            }
            continue;
        }
        if is_skipped(&name) || (kind.is_symlink() && !leads_to_a_file_of(root, &path)) {
            continue;
        }
        let measure = match digests.get(&path) {
            Some(measure) => measure.clone(),
            None => match measure_file(&path, block) {
                Ok(Some(measure)) => measure,
                Ok(None) => continue,
                // Gone since the folder was listed, as temporary files of editors are.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(&path)(error)),
            },
        };
        files.push(ProjectFile { relative_path, hash: hex16(&measure.digest), units: measure.units });
    }
    Ok(())
}

fn is_skipped(name: &str) -> bool {
    name.starts_with('.')
        || SKIPPED_PARTS.iter().any(|part| name.contains(part))
        || SKIPPED_ENDS.iter().any(|end| name.ends_with(end))
        || SKIPPED_NAMES.contains(&name)
}

fn leads_to_a_file_of(root: &Path, link: &Path) -> bool {
    link.canonicalize().is_ok_and(|target| target.starts_with(root) && target.is_file())
}

/// Returns the measure of a file, or `None` for what is not a regular file.
fn measure_file(path: &Path, block: &mut [u8]) -> io::Result<Option<Measure>> {
    // Opening a pipe would wait for its other end.
    if !fs::metadata(path).as_ref().is_ok_and(Metadata::is_file) {
        return Ok(None);
    }
    let mut file = File::open(path)?;
    let mut measuring = Measuring::default();
    let mut kept = 0;
    loop {
        let read = file.read(&mut block[kept..])?;
        let filled = kept + read;
        kept = measuring.bytes(&block[..filled], read == 0);
        if read == 0 {
            return Ok(Some(measuring.finish()));
        }
        block.copy_within(filled - kept..filled, 0);
    }
}

/// Takes the measure of a text that comes in pieces.
#[derive(Default)]
pub(super) struct Measuring {
    digest: Sha256,
    units: u64,
}

impl Measuring {
    pub(super) fn text(&mut self, text: &str) {
        self.digest.update(text.as_bytes());
        // One unit for each character, which is each byte that continues none, and a second for those of four bytes.
        let units = text.bytes().filter(|byte| byte & 0xc0 != 0x80).count() + text.bytes().filter(|&byte| byte >= 0xf0).count();
        self.units += units as u64;
    }

    /// Takes bytes, as far as they are whole characters, and returns how many at the end are left for the next time.
    ///
    /// Bytes that are no character count as U+FFFD, as they do where a file is read as a text in JavaScript.
    fn bytes(&mut self, mut bytes: &[u8], is_last: bool) -> usize {
        loop {
            let error = match str::from_utf8(bytes) {
                Ok(text) => {
                    self.text(text);
                    return 0;
                }
                Err(error) => error,
            };
            let (valid, rest) = bytes.split_at(error.valid_up_to());
            // It is valid; nothing else would do for a default.
            self.text(str::from_utf8(valid).unwrap_or_default());
            let bad = match error.error_len() {
                Some(bad) => bad,
                None if is_last => rest.len(),
                None => return rest.len(),
            };
            self.text("\u{fffd}");
            bytes = &rest[bad..];
        }
    }

    pub(super) fn finish(self) -> Measure {
        Measure { digest: self.digest.finalize().into(), units: self.units }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn in_pieces(bytes: &[u8], size: usize) -> Measure {
        let mut measuring = Measuring::default();
        let mut kept: Vec<u8> = Vec::new();
        for piece in bytes.chunks(size) {
            kept.extend(piece);
            let left = measuring.bytes(&kept, false);
            kept.drain(..kept.len() - left);
        }
        measuring.bytes(&kept, true);
        measuring.finish()
    }

    proptest! {
        #[test]
        fn a_file_measures_as_its_text_does(bytes: Vec<u8>, text: String, size in 1_usize..9) {
            let bytes = [text.as_bytes(), &bytes, text.as_bytes()].concat();
            let text = String::from_utf8_lossy(&bytes);
            let measure = in_pieces(&bytes, size);
            prop_assert_eq!(measure.units, text.encode_utf16().count() as u64);
            prop_assert_eq!(&measure.digest[..], &Sha256::digest(text.as_bytes())[..]);
        }
    }

    #[test]
    fn what_is_skipped_depends_on_the_name_of_the_file() {
        for name in [".env", "a.test.ts", "a.spec.js", "a.d.ts", "a.js.map", "yarn.lock", "__tests__.ts", "node_modules.txt"] {
            assert!(is_skipped(name), "{name}");
        }
        for name in ["aspec.ts", "test.ts", "map", "Z.TSX", "bun.lockb", "a.d.mts"] {
            assert!(!is_skipped(name), "{name}");
        }
    }
}
