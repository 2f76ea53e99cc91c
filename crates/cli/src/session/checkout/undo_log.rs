//! `.keepstep/undo/`: what commands replaced, so that `undo` is the exact inverse of a command.
//!
//! A command has one [`Recorder`]. Before it writes a file it tells the recorder, which keeps what is there: the files that people
//! edit, and as well `keepstep.lock`, the record of a pull and what is selected. Whoever gets the old text back with the new base
//! would take a colleague's edit for their own. An entry is complete on the disk before the first of its files changes, so a
//! command that died can be undone like any other.
//!
//! Several commands write parts of some small files. Of those the entry also has what the command wrote, so that its part can be
//! taken out again when others wrote since.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use keepstep_agent::lock::FILE_NAME;
use keepstep_base::Digest;
use keepstep_workspace::WorkspaceError;
use keepstep_workspace::door;
use keepstep_workspace::files::{Pending, put_together};
use keepstep_workspace::pull::swap::digest_of;
use serde::{Deserialize, Serialize};

use crate::session::checkout::files::write_whole;
use crate::session::checkout::keepstep_folder::Folder;
use crate::shell::failure::Failure;

const NAME: &str = "undo";
const MANIFEST: &str = "manifest.json";

/// The entries of a project.
#[derive(Debug, Clone)]
pub(crate) struct UndoLog {
    folder: Folder,
    root: PathBuf,
}

/// Keeps what one command writes.
#[derive(Debug)]
pub(crate) struct Recorder {
    log: UndoLog,
    id: Option<String>,
    entry: Entry,
    derived: Vec<Write>,
}

/// A file that a command is about to write.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    /// Relative to the project.
    pub(crate) path: PathBuf,
    /// What is there now.
    pub(crate) before: Content,
    /// What the command writes.
    pub(crate) after: Content,
}

/// What is in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// There is no file.
    Absent,
    /// These bytes.
    Bytes(Vec<u8>),
    /// What this file holds, which may be larger than memory.
    File(PathBuf),
    /// Something with this SHA-256.
    Digest(Digest),
}

/// What one command wrote.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The command.
    pub(crate) command: String,
    /// The files.
    pub(crate) files: Vec<KeptFile>,
    /// The commands that bring back what was replaced on the server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) server: Vec<String>,
}

/// One file of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptFile {
    /// Relative to the project.
    pub(crate) path: PathBuf,
    /// The name of the copy in the entry; `None` where there was no file.
    pub(crate) copy: Option<String>,
    /// The SHA-256 of what the command wrote; `None` where it removed the file.
    pub(crate) written: Option<Digest>,
    /// The name of the copy of what the command wrote, for files that several commands write parts of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<String>,
    /// True for what can be made again from the rest: it is put back where it is as it was written, and otherwise it stays.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) derived: bool,
}

/// How a file is put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As a whole, if nobody changed it.
    Whole,
    /// The entries of the lock that the command wrote.
    Lock,
    /// The members of the JSON object that the command wrote.
    Object,
}

impl Kind {
    /// Returns how a file with this path is put back.
    pub(crate) fn of(path: &Path) -> Self {
        match path.file_name().and_then(|name| name.to_str()) {
            Some(FILE_NAME) => Self::Lock,
            Some("context.json" | "scenarios.json") if path.starts_with(".fluxloop") => Self::Object,
            _ => Self::Whole,
        }
    }
}

impl Write {
    /// Returns the one for a file that is written already and not in place yet.
    pub(crate) fn of_pending(root: &Path, file: &Pending) -> Result<Self, Failure> {
        let path = file.path();
        let after = file.content().map_err(|error| Failure::io("read", &path.display().to_string(), error))?;
        let before = Content::read(path)?;
        Ok(Self { path: path.strip_prefix(root).unwrap_or(path).to_owned(), before, after: Content::Bytes(after) })
    }
}

impl Content {
    /// Returns what a file holds.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        match fs::read(path) {
            Ok(bytes) => Ok(Self::Bytes(bytes)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Self::Absent),
            Err(error) => Err(Failure::io("read", &path.display().to_string(), error)),
        }
    }

    fn digest(&self) -> io::Result<Option<Digest>> {
        match self {
            Self::Absent => Ok(None),
            Self::Bytes(bytes) => Ok(Some(Digest::of_bytes(bytes))),
            Self::File(path) => digest_of(path),
            Self::Digest(digest) => Ok(Some(*digest)),
        }
    }

    /// Writes a copy, and returns whether there is anything to copy. It is on the disk once the manifest is.
    fn copy_to(&self, copy: &Path, copies: &mut Copies) -> io::Result<bool> {
        match self {
            Self::Absent | Self::Digest(_) => return Ok(false),
            Self::Bytes(bytes) => copies.pending.push(Pending::write(copy, bytes)?),
            Self::File(file) => {
                fs::copy(file, copy)?;
                copies.written.push(copy.to_owned());
            }
        }
        Ok(true)
    }
}

/// Copies that are written and not on the disk yet.
#[derive(Debug, Default)]
struct Copies {
    pending: Vec<Pending>,
    written: Vec<PathBuf>,
}

/// However a command ends, its entry tells what the files that it made again were then; without that, an undo could not tell them from files
/// that somebody else wrote since.
impl Drop for Recorder {
    fn drop(&mut self) {
        self.complete();
    }
}

impl Recorder {
    /// Returns one for a command. Nothing is written until there is something to keep.
    pub(crate) fn of(root: &Path, command: &str) -> Self {
        let entry = Entry { command: command.to_owned(), ..Entry::default() };
        Self { log: UndoLog::of(root), id: None, entry, derived: Vec::new() }
    }

    /// Returns the id that brings everything back, if something was kept.
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Keeps what some files hold. That has to come before any of them is written; a file may come again.
    pub(crate) fn keep(&mut self, now: Timestamp, writes: &[Write]) -> Result<(), Failure> {
        let writes: Vec<&Write> = writes.iter().filter(|write| write.before != write.after).collect();
        if writes.is_empty() {
            return Ok(());
        }
        let is_new = self.id.is_none();
        let before = (self.id.clone(), self.entry.files.len());
        let folder = match &self.id {
            Some(id) => self.log.path_of(id),
            None => {
                let (id, folder) = self.log.create(now)?;
                self.id = Some(id);
                folder
            }
        };
        let kept =
            self.keep_in(&folder, &writes, is_new).map_err(|error| Failure::io("write", &folder.display().to_string(), error));
        if kept.is_err() {
            self.roll_back(before.1);
            self.id = before.0;
        }
        kept
    }

    fn keep_in(&mut self, folder: &Path, writes: &[&Write], is_new: bool) -> io::Result<()> {
        let mut copies = Copies::default();
        for write in writes {
            self.add(folder, write, false, &mut copies)?;
        }
        if is_new {
            for write in std::mem::take(&mut self.derived) {
                self.add(folder, &write, true, &mut copies)?;
            }
        }
        // Behind the copies: without it the entry counts for nothing.
        copies.pending.push(Pending::write(&folder.join(MANIFEST), &self.manifest()?)?);
        put_together(&copies.written, copies.pending).map_err(|error| match error {
            WorkspaceError::Io { source, .. } => source,
            other => io::Error::other(other),
        })
    }

    fn add(&mut self, folder: &Path, write: &Write, derived: bool, copies: &mut Copies) -> io::Result<()> {
        let number = match self.entry.files.iter().position(|file| file.path == write.path) {
            Some(number) => number,
            None => {
                let name = write.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
                // With the number before it, a name that is as long as names may be would be longer.
                let name: String = name.chars().take(40).collect();
                let copy = format!("{}-{name}", self.entry.files.len());
                let copy = write.before.copy_to(&folder.join(&copy), copies)?.then_some(copy);
                self.entry.files.push(KeptFile { path: write.path.clone(), copy, written: None, after: None, derived });
                self.entry.files.len() - 1
            }
        };
        let written = write.after.digest()?;
        let after = match Kind::of(&write.path) {
            Kind::Whole => None,
            Kind::Lock | Kind::Object => {
                let after = format!("{number}-written");
                write.after.copy_to(&folder.join(&after), copies)?.then_some(after)
            }
        };
        if let Some(file) = self.entry.files.get_mut(number) {
            file.written = written;
            file.after = after;
        }
        Ok(())
    }

    /// Also keeps files that can be made again from the rest, as soon as there is something else to keep.
    pub(crate) fn keep_derived(&mut self, path: &str) -> Result<(), Failure> {
        let before = Content::read(&self.log.root.join(path))?;
        self.derived.push(Write { path: path.into(), before, after: Content::Absent });
        Ok(())
    }

    /// Notes the command that brings back what was replaced on the server.
    pub(crate) fn note_server(&mut self, command: &str) {
        self.entry.server.push(command.to_owned());
    }

    /// Forgets the files after so many, because they were not written after all.
    pub(crate) fn roll_back(&mut self, files: usize) {
        let Some(id) = &self.id else { return };
        self.entry.files.truncate(files);
        if self.entry.files.is_empty() {
            self.log.forget(id);
            self.id = None;
        } else {
            // The manifest that is there names more files, which are found to be what they were.
            let _ = self.write_manifest(&self.log.path_of(id));
        }
    }

    /// Returns how many files were kept so far.
    pub(crate) fn len(&self) -> usize {
        self.entry.files.len()
    }

    /// Completes the entry. What cannot be written now is only what can be made again.
    fn complete(&mut self) {
        let Some(id) = &self.id else { return };
        let folder = self.log.path_of(id);
        let mut is_changed = !self.entry.server.is_empty();
        for file in self.entry.files.iter_mut().filter(|file| file.derived) {
            let written = digest_of(&self.log.root.join(&file.path)).ok().flatten();
            is_changed |= written != file.written;
            file.written = written;
        }
        let before = |file: &KeptFile| file.copy.as_ref().and_then(|copy| digest_of(&folder.join(copy)).ok().flatten());
        let kept = self.entry.files.len();
        // What was created again and came out the same is nothing that the command wrote.
        self.entry.files.retain(|file| !file.derived || before(file) != file.written);
        is_changed |= self.entry.files.len() < kept;
        if is_changed {
            let _ = self.write_manifest(&folder);
        }
    }

    fn write_manifest(&self, folder: &Path) -> io::Result<()> {
        write_whole(&folder.join(MANIFEST), &self.manifest()?)
    }

    fn manifest(&self) -> io::Result<Vec<u8>> {
        Ok(serde_json::to_vec_pretty(&self.entry)?)
    }
}

impl UndoLog {
    /// Returns the entries of a project, which need not have any.
    pub(crate) fn of(root: &Path) -> Self {
        Self { folder: Folder::of(root), root: root.to_owned() }
    }

    /// Returns the project.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the ids of the entries, the newest last.
    pub(crate) fn ids(&self) -> Result<Vec<String>, Failure> {
        let undo = self.path();
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
        ids.sort_by_key(|id| order(id));
        Ok(ids)
    }

    /// Returns one entry.
    pub(crate) fn entry(&self, id: &str) -> Result<Entry, Failure> {
        let path = self.copy_path(id, MANIFEST);
        let text = fs::read(&path).map_err(|error| Failure::io("read", &path.display().to_string(), error))?;
        serde_json::from_slice(&text).map_err(|error| Failure::io("read", &path.display().to_string(), error.into()))
    }

    /// Returns the path of a kept copy.
    pub(crate) fn copy_path(&self, id: &str, copy: &str) -> PathBuf {
        self.path_of(id).join(copy)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(NAME)
    }

    fn path_of(&self, id: &str) -> PathBuf {
        self.path().join(id)
    }

    /// Creates an entry that is newer than every other one, also where the clock was set back.
    fn create(&self, now: Timestamp) -> Result<(String, PathBuf), Failure> {
        let undo = self.folder.make()?.join(NAME);
        let fail = |error: io::Error| Failure::io("write", &undo.display().to_string(), error);
        door::pass(&undo).and_then(|()| fs::create_dir_all(&undo)).map_err(fail)?;
        let now = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let (newest, number) = self.ids()?.last().map(|id| order(id)).unwrap_or_default();
        let (time, first) = if newest >= now { (newest, number + 1) } else { (now, 1) };
        for number in first.. {
            let id = format!("{time}-{number}");
            let folder = undo.join(&id);
            match fs::create_dir(&folder) {
                Ok(()) => return Ok((id, folder)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(fail(error)),
            }
        }
        Err(fail(io::ErrorKind::AlreadyExists.into()))
    }

    fn forget(&self, id: &str) {
        let folder = self.path_of(id);
        // The manifest first: without it the entry counts for nothing, whatever else stays behind.
        let _ = fs::remove_file(folder.join(MANIFEST));
        let _ = fs::remove_dir_all(folder);
    }
}

/// Returns the time and the number of an id, by which entries are ordered.
pub(crate) fn order(id: &str) -> (String, u32) {
    let (time, number) = id.rsplit_once('-').unwrap_or((id, "0"));
    (time.to_owned(), number.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &str, before: Content, after: &str) -> Write {
        Write { path: path.into(), before, after: Content::Bytes(after.into()) }
    }

    #[test]
    fn a_file_that_is_written_twice_keeps_what_was_there_first() {
        let root = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::of(root.path(), "sync");
        recorder.keep(Timestamp::now(), &[write("a", Content::Bytes(b"1".to_vec()), "2")]).unwrap();
        recorder
            .keep(Timestamp::now(), &[write("a", Content::Bytes(b"2".to_vec()), "3"), write("b", Content::Absent, "4")])
            .unwrap();
        let log = UndoLog::of(root.path());
        let id = recorder.id().unwrap();
        let entry = log.entry(id).unwrap();
        let paths: Vec<_> = entry.files.iter().map(|file| file.path.to_str().unwrap()).collect();
        assert_eq!(paths, ["a", "b"]);
        assert_eq!(fs::read(log.copy_path(id, entry.files[0].copy.as_ref().unwrap())).unwrap(), b"1");
        assert_eq!(entry.files[0].written, Some(Digest::of_bytes(b"3")));
        assert_eq!(entry.files[1].copy, None);
    }

    #[test]
    fn what_changes_nothing_is_not_kept() {
        let root = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::of(root.path(), "sync");
        recorder.keep(Timestamp::now(), &[write("a", Content::Bytes(b"1".to_vec()), "1")]).unwrap();
        assert_eq!(recorder.id(), None);
        assert!(UndoLog::of(root.path()).ids().unwrap().is_empty());
    }

    #[test]
    fn the_last_entry_is_the_last_command_also_where_the_clock_was_set_back() {
        let root = tempfile::tempdir().unwrap();
        let at = |seconds: i64| {
            let mut recorder = Recorder::of(root.path(), "sync");
            recorder.keep(Timestamp::from_second(seconds).unwrap(), &[write("a", Content::Absent, "1")]).unwrap();
            recorder.id().unwrap().to_owned()
        };
        let ids = [at(2_000), at(2_000), at(1_000), at(3_000)];
        assert_eq!(UndoLog::of(root.path()).ids().unwrap(), ids);
    }

    #[test]
    fn what_was_not_written_after_all_is_forgotten() {
        let root = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::of(root.path(), "sync pull");
        recorder.keep(Timestamp::now(), &[write("a", Content::Absent, "1")]).unwrap();
        let kept = recorder.len();
        recorder.keep(Timestamp::now(), &[write("b", Content::Absent, "1")]).unwrap();
        recorder.roll_back(kept);
        assert_eq!(UndoLog::of(root.path()).entry(recorder.id().unwrap()).unwrap().files.len(), 1);
        recorder.roll_back(0);
        assert!(recorder.id().is_none() && UndoLog::of(root.path()).ids().unwrap().is_empty());
    }
}
