//! `.keepstep/`: what belongs to this checkout only, never to git.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use keepstep_core::Digest;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::files::write_whole;
use crate::printer::Printer;

const NAME: &str = ".keepstep";
const UNDO: &str = "undo";
const MANIFEST: &str = "manifest.json";

/// The folder of a project.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    root: PathBuf,
}

/// While it lives, no other keepstep writes to the project.
#[derive(Debug)]
pub(crate) struct Guard {
    _file: File,
}

/// A file that a command is about to replace.
#[derive(Debug, Clone)]
pub(crate) struct Replaced {
    /// Relative to the project, or absolute.
    pub(crate) path: PathBuf,
    /// What is there now; `None` for a file that the command makes.
    pub(crate) before: Option<Vec<u8>>,
    /// What the command writes; `None` where the command removes the file.
    pub(crate) after: Option<Vec<u8>>,
}

/// A file that a command is about to replace, which may be larger than memory.
#[derive(Debug, Clone)]
pub(crate) struct ReplacedFile {
    /// Relative to the project, or absolute.
    pub(crate) path: PathBuf,
    /// The file itself, if it is there.
    pub(crate) before: Option<PathBuf>,
    /// The SHA-256 of what the command writes; `None` where the command removes the file.
    pub(crate) after: Option<Digest>,
}

/// What was kept before a command replaced it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The command.
    pub(crate) command: String,
    /// The files.
    pub(crate) files: Vec<KeptFile>,
}

/// One file of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptFile {
    /// Relative to the project, or absolute.
    pub(crate) path: PathBuf,
    /// The name of the copy in the folder; `None` where there was no file.
    pub(crate) copy: Option<String>,
    /// The SHA-256 of what the command wrote; `None` where it removed the file.
    pub(crate) written: Option<Digest>,
}

impl Folder {
    /// Returns the folder of a project, which need not be there yet.
    pub(crate) fn of(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Returns its path.
    pub(crate) fn path(&self) -> PathBuf {
        self.root.join(NAME)
    }

    /// Makes it, and keeps it out of git.
    pub(crate) fn make(&self) -> Result<PathBuf, Failure> {
        let path = self.path();
        let made = fs::create_dir_all(&path).and_then(|()| {
            let ignore = path.join(".gitignore");
            // It is not synced: where a crash leaves it empty, the next command writes it again.
            let is_there = fs::metadata(&ignore).is_ok_and(|ignore| ignore.len() > 0);
            if is_there { Ok(()) } else { fs::write(&ignore, b"*\n") }
        });
        made.map_err(|error| Failure::io("write", &path.display().to_string(), error))?;
        Ok(path)
    }

    /// Waits until no other keepstep writes to the project.
    pub(crate) fn guard(&self, printer: &Printer) -> Result<Guard, Failure> {
        let path = self.make()?.join("lock");
        let fail = |error| Failure::io("lock", &path.display().to_string(), error);
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                printer.status("another keepstep is writing to this project; waiting for it");
                file.lock().map_err(fail)?;
            }
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        }
        Ok(Guard { _file: file })
    }

    /// Keeps what some files hold before a command replaces it, and returns the id that brings it back.
    pub(crate) fn keep(&self, command: &str, now: Timestamp, files: &[Replaced]) -> Result<String, Failure> {
        self.keep_all(command, now, files.iter().map(Entry::from))
    }

    /// The same for files that may be larger than memory.
    pub(crate) fn keep_files(&self, command: &str, now: Timestamp, files: &[ReplacedFile]) -> Result<String, Failure> {
        self.keep_all(command, now, files.iter().map(Entry::from))
    }

    fn keep_all<'f>(&self, command: &str, now: Timestamp, files: impl Iterator<Item = Entry<'f>>) -> Result<String, Failure> {
        let undo = self.make()?.join(UNDO);
        let fail = |error: io::Error| Failure::io("write", &undo.display().to_string(), error);
        fs::create_dir_all(&undo).map_err(fail)?;
        let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let (id, folder) = (1..)
            .find_map(|number: u32| {
                let id = format!("{time}-{number}");
                let folder = undo.join(&id);
                match fs::create_dir(&folder) {
                    Ok(()) => Some(Ok((id, folder))),
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => None,
                    Err(error) => Some(Err(error)),
                }
            })
            .unwrap_or_else(|| Err(io::ErrorKind::AlreadyExists.into()))
            .map_err(fail)?;
        match write_entry(&folder, command, files) {
            Ok(()) => Ok(id),
            Err(error) => {
                self.forget(&id);
                Err(fail(error))
            }
        }
    }

    /// Forgets an entry whose command replaced nothing after all.
    pub(crate) fn forget(&self, id: &str) {
        let folder = self.path().join(UNDO).join(id);
        // The manifest first: without it the entry counts for nothing, whatever else stays behind.
        let _ = fs::remove_file(folder.join(MANIFEST));
        let _ = fs::remove_dir_all(folder);
    }

    /// Returns what is kept, the newest last.
    pub(crate) fn kept_ids(&self) -> Result<Vec<String>, Failure> {
        let undo = self.path().join(UNDO);
        let fail = |error| Failure::io("read", &undo.display().to_string(), error);
        let entries = match fs::read_dir(&undo) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(fail(error)),
        };
        let mut ids = Vec::new();
        for entry in entries {
            let entry = entry.map_err(fail)?;
            // An entry without a manifest was not finished, so nothing was replaced either.
            if entry.path().join(MANIFEST).is_file() {
                ids.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        ids.sort_by_key(|id| {
            let (time, number) = id.rsplit_once('-').unwrap_or((id, "0"));
            (time.to_owned(), number.parse::<u32>().unwrap_or(0))
        });
        Ok(ids)
    }

    /// Returns one entry.
    pub(crate) fn kept(&self, id: &str) -> Result<Kept, Failure> {
        let path = self.copy_path(id, MANIFEST);
        let text = fs::read(&path).map_err(|error| Failure::io("read", &path.display().to_string(), error))?;
        serde_json::from_slice(&text).map_err(|error| Failure::io("read", &path.display().to_string(), error.into()))
    }

    /// Returns the path of a kept copy.
    pub(crate) fn copy_path(&self, id: &str, copy: &str) -> PathBuf {
        self.path().join(UNDO).join(id).join(copy)
    }
}

/// A file that is about to be replaced, whichever way it is given.
struct Entry<'f> {
    path: &'f Path,
    before: Option<Before<'f>>,
    after: Option<Digest>,
}

enum Before<'f> {
    Bytes(&'f [u8]),
    File(&'f Path),
}

impl<'f> From<&'f Replaced> for Entry<'f> {
    fn from(file: &'f Replaced) -> Self {
        let before = file.before.as_deref().map(Before::Bytes);
        Self { path: &file.path, before, after: file.after.as_deref().map(Digest::of_bytes) }
    }
}

impl<'f> From<&'f ReplacedFile> for Entry<'f> {
    fn from(file: &'f ReplacedFile) -> Self {
        Self { path: &file.path, before: file.before.as_deref().map(Before::File), after: file.after }
    }
}

/// Writes the copies of an entry, and its manifest last: without that it counts for nothing.
fn write_entry<'f>(folder: &Path, command: &str, files: impl Iterator<Item = Entry<'f>>) -> io::Result<()> {
    let mut kept = Kept { command: command.to_owned(), files: Vec::new() };
    for (index, file) in files.enumerate() {
        let name = file.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let copy = file.before.as_ref().map(|_| format!("{index}-{name}"));
        if let (Some(copy), Some(before)) = (&copy, file.before) {
            let copy = folder.join(copy);
            match before {
                Before::Bytes(bytes) => write_whole(&copy, bytes)?,
                Before::File(file) => {
                    fs::copy(file, &copy)?;
                    File::open(&copy)?.sync_all()?;
                }
            }
        }
        kept.files.push(KeptFile { path: file.path.to_owned(), copy, written: file.after });
    }
    write_whole(&folder.join(MANIFEST), &serde_json::to_vec_pretty(&kept)?)
}
