//! The list of a project's files with their digests.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str;

use serde_json::{Value, json};

use keepstep_source::ManifestError;

use super::measure::{Digests, Measure, Measuring, hex16};

/// The folders that hold no files of the project, at any depth.
const SKIPPED_FOLDERS: [&str; 10] =
    ["node_modules", "dist", "dist-v2", ".git", ".lua", ".keepstep", ".temp", "coverage", ".next", ".turbo"];

/// What the names of files contain that are not listed, and how they end.
const SKIPPED_PARTS: [&str; 4] = ["node_modules", ".test.", ".spec.", "__tests__"];
const SKIPPED_ENDS: [&str; 2] = [".d.ts", ".map"];
const SKIPPED_NAMES: [&str; 3] = ["package-lock.json", "yarn.lock", "pnpm-lock.yaml"];

/// How much of a file is held at a time.
const BLOCK: usize = 64 << 10;

/// The list of a project's files, made bit by bit: a part of it may be made while the code is read.
///
/// The files come folder by folder, in the order of the names' bytes. Links to files of the project count as files;
/// other links, and what is neither file nor folder, are left out.
pub struct FileList {
    root: PathBuf,
    /// What was not looked at yet, in reverse order.
    ahead: Vec<Entry>,
    files: Vec<ProjectFile>,
    /// Why the list cannot be made.
    failed: Option<ManifestError>,
    block: Vec<u8>,
}

/// A folder, or a file that belongs into the list.
struct Entry {
    path: PathBuf,
    /// The path below the project's folder, with `/` after each folder.
    relative_path: String,
    is_folder: bool,
}

/// One file of the list.
pub(super) struct ProjectFile {
    path: PathBuf,
    /// The path below the project's folder, with `/`.
    pub(super) relative_path: String,
    measure: Measure,
}

impl FileList {
    /// Returns the list of a project's files, before the first was looked at. Links in the path of the root have to be
    /// resolved.
    pub fn of(root: &Path) -> Self {
        let project = Entry { path: root.to_owned(), relative_path: String::new(), is_folder: true };
        Self { root: root.to_owned(), ahead: vec![project], files: Vec::new(), failed: None, block: vec![0; BLOCK] }
    }

    /// Looks at one more file or folder. Returns false if there is none.
    pub(crate) fn step(&mut self) -> bool {
        let next = self.ahead.pop();
        next.map(|entry| self.look_at(entry)).is_some()
    }

    /// Returns the files. What the agent is made of is listed as it was read for that; it may have changed since.
    pub(super) fn finish(mut self, digests: &Digests<'_>) -> Result<Vec<ProjectFile>, ManifestError> {
        for file in &mut self.files {
            if let Some(measure) = digests.get(&file.path) {
                file.measure = measure.clone();
            }
        }
        while let Some(entry) = self.ahead.pop() {
            match digests.get(&entry.path) {
                Some(measure) => self.files.push(ProjectFile::new(entry, measure.clone())),
                None => self.look_at(entry),
            }
        }
        self.failed.map_or(Ok(self.files), Err)
    }

    fn look_at(&mut self, entry: Entry) {
        let looked = if entry.is_folder { self.open_folder(&entry) } else { self.measure(entry) };
        if let Err(error) = looked {
            self.failed = Some(error);
            self.ahead.clear();
        }
    }

    fn open_folder(&mut self, folder: &Entry) -> Result<(), ManifestError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| ManifestError::Read { path, source }
        };
        let first = self.ahead.len();
        for entry in fs::read_dir(&folder.path).map_err(failed(&folder.path))? {
            let entry = entry.map_err(failed(&folder.path))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(failed(&path))?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_listed = if kind.is_dir() {
                !SKIPPED_FOLDERS.contains(&&*name)
            } else {
                !is_skipped(&name) && (kind.is_file() || (kind.is_symlink() && leads_to_a_file_of(&self.root, &path)))
            };
            if is_listed {
                let end = if kind.is_dir() { "/" } else { "" };
                let relative_path = format!("{}{name}{end}", folder.relative_path);
                self.ahead.push(Entry { path, relative_path, is_folder: kind.is_dir() });
            }
        }
        self.ahead[first..].sort_by(|a, b| b.path.file_name().cmp(&a.path.file_name()));
        Ok(())
    }

    fn measure(&mut self, file: Entry) -> Result<(), ManifestError> {
        match measure_file(&file.path, &mut self.block) {
            Ok(Some(measure)) => self.files.push(ProjectFile::new(file, measure)),
            Ok(None) => {}
            // Gone since the folder was listed, as temporary files of editors are.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(ManifestError::Read { path: file.path, source }),
        }
        Ok(())
    }
}

impl ProjectFile {
    fn new(Entry { path, relative_path, .. }: Entry, measure: Measure) -> Self {
        Self { path, relative_path, measure }
    }

    /// Returns the first 16 digits of the digest of its text.
    pub(super) fn hash(&self) -> String {
        hex16(&self.measure.digest)
    }

    pub(super) fn to_json(&self) -> Value {
        let kind = match self.relative_path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("ts" | "tsx" | "js") => "source",
            Some("json" | "yaml" | "yml") => "config",
            _ => "other",
        };
        json!({ "relativePath": self.relative_path, "hash": self.hash(), "size": self.measure.units, "type": kind })
    }
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
    let mut file = open_without_waiting(path)?;
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
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

/// Opens what was a file when its folder was listed. If it is a pipe by now, this does not wait for its other end.
fn open_without_waiting(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("a.md");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(measure_file(&pipe, &mut [0; BLOCK]).unwrap().is_none());
    }

    #[test]
    fn what_the_agent_is_made_of_is_listed_as_it_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let code = "import { LuaAgent } from 'lua-cli';\nnew LuaAgent({ name: 'A', persona: 'p' });";
        fs::write(root.join("index.ts"), code).unwrap();
        fs::write(root.join("note.md"), "x").unwrap();
        let source = crate::read(&root, &crate::Options::default()).unwrap();
        fs::write(root.join("index.ts"), "changed since").unwrap();
        for steps in 0..4 {
            let mut files = FileList::of(&root);
            (0..steps).for_each(|_| {
                files.step();
            });
            let files = files.finish(&Digests::of(&root, source.modules().map(|module| (module.path, module.text)))).unwrap();
            let listed: Vec<_> = files.iter().map(|file| (file.relative_path.as_str(), file.hash())).collect();
            let hash = |text: &str| hex16(&Sha256::digest(text));
            assert_eq!(listed, [("index.ts", hash(code)), ("note.md", hash("x"))], "after {steps} steps");
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
