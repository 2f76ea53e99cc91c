//! `.keepstep/outbox/`: what is on its way to a platform.
//!
//! Each batch is a folder with a number, so that they go in order. Its files stay where the test wrote them; only the runs
//! and cleaned copies are in the folder, and the manifest, which is written last: a folder without one is what a killed
//! command left, and counts for nothing. Every upload goes through here, also one that succeeds at once, so that it can be
//! killed at any moment and the next command goes on with it.
//!
//! One keepstep at a time sends: whoever holds the lock.

pub(crate) mod hashes;
mod send;

pub(crate) use send::{Courier, Deliveries, Delivery, deliver, deliver_all, send_pending};

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Component, Path, PathBuf};

use keepstep_client::upload::Manifest;
use keepstep_workspace::door;
use serde::{Deserialize, Serialize};

use crate::session::checkout::files::write_whole;
use crate::session::checkout::keepstep_folder::Folder;
use crate::shell::failure::Failure;
use crate::shell::printer::Printer;

const NAME: &str = "outbox";
const MANIFEST: &str = "manifest.json";
const LOCK: &str = "lock";
const FORMAT: u32 = 1;

/// The outbox of a workspace.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    path: PathBuf,
}

/// The outbox while nobody else can use it.
#[derive(Debug)]
pub(crate) struct Locked {
    outbox: Outbox,
    _lock: File,
}

/// A batch that is to be sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Queued {
    /// The version of this form.
    format: u32,
    /// The platform that it is for. It is never sent to another one.
    pub(crate) server: String,
    /// The scenario's folder, where it is noted what was sent.
    pub(crate) scenario_dir: PathBuf,
    /// The scenario's name.
    pub(crate) scenario: String,
    /// The experiment's folder.
    pub(crate) experiment_dir: PathBuf,
    /// How many runs there are.
    pub(crate) runs: u64,
    /// How many of them failed.
    pub(crate) failed: u64,
    /// Why the platform did not take it when it was last sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<String>,
    /// What is sent.
    pub(crate) manifest: Manifest,
}

/// A batch in the outbox.
#[derive(Debug)]
pub(crate) struct Entry {
    folder: PathBuf,
    /// What it is.
    pub(crate) queued: Queued,
}

/// A folder in the outbox for a batch that is being prepared.
#[derive(Debug)]
pub(crate) struct Draft {
    folder: PathBuf,
}

impl Outbox {
    /// Returns the outbox of the project at a folder, which need not be there yet.
    pub(crate) fn of(root: &Path) -> Self {
        Self { path: Folder::of(root).path().join(NAME) }
    }

    /// Returns true if something may be waiting.
    pub(crate) fn has_entries(&self) -> bool {
        numbered(&self.path).is_ok_and(|entries| !entries.is_empty())
    }

    /// Takes an experiment out. Only for whoever has the lock, which is still held then.
    pub(crate) fn remove(&self, experiment: &Path) {
        for (_, folder) in numbered(&self.path).unwrap_or_default() {
            let queued = fs::read(folder.join(MANIFEST)).ok().and_then(|text| serde_json::from_slice::<Queued>(&text).ok());
            if let Some(queued) = queued.filter(|queued| queued.experiment_dir == experiment) {
                Entry { folder, queued }.remove();
            }
        }
    }

    /// Waits until nobody else uses the outbox.
    pub(crate) fn lock(&self, root: &Path, printer: &Printer) -> Result<Locked, Failure> {
        let file = self.open_lock(root)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                printer.status("another keepstep is uploading from this workspace; waiting for it");
                file.lock().map_err(|error| self.failure("lock", error))?;
            }
            Err(TryLockError::Error(error)) => return Err(self.failure("lock", error)),
        }
        Ok(Locked { outbox: self.clone(), _lock: file })
    }

    /// Takes the outbox if nobody else uses it.
    pub(crate) fn try_lock(&self, root: &Path) -> Result<Option<Locked>, Failure> {
        let file = self.open_lock(root)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Locked { outbox: self.clone(), _lock: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(self.failure("lock", error)),
        }
    }

    fn open_lock(&self, root: &Path) -> Result<File, Failure> {
        Folder::of(root).make()?;
        door::pass(&self.path).and_then(|()| fs::create_dir_all(&self.path)).map_err(|error| self.failure("write", error))?;
        let path = self.path.join(LOCK);
        File::options().create(true).truncate(false).write(true).open(path).map_err(|error| self.failure("lock", error))
    }

    fn failure(&self, doing: &'static str, error: io::Error) -> Failure {
        Failure::io(doing, &self.path.display().to_string(), error)
    }
}

impl Locked {
    /// Returns the folder.
    pub(crate) fn path(&self) -> &Path {
        &self.outbox.path
    }

    /// Returns what is to be sent, in order. What a killed command left is removed on the way.
    pub(crate) fn entries(&self) -> Result<Vec<Entry>, Failure> {
        let mut entries = Vec::new();
        for (_, folder) in numbered(self.path()).map_err(|error| self.outbox.failure("read", error))? {
            let path = folder.join(MANIFEST);
            let text = match fs::read(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    // The next one tries again.
                    let _ = fs::remove_dir_all(&folder);
                    continue;
                }
                Err(error) => return Err(Failure::io("read", &path.display().to_string(), error)),
            };
            let queued: Queued = serde_json::from_slice(&text).map_err(|error| {
                Failure::usage(format!("{} cannot be read: {error}; remove its folder to continue without it", path.display()))
            })?;
            if queued.format > FORMAT {
                return Err(Failure::usage(format!("{} was written by a newer keepstep", path.display())));
            }
            if let Err(outside) = self.names_only_the_project(&queued) {
                return Err(Failure::usage(format!(
                    "{} names a file outside of the project: {}; remove its folder to continue without it",
                    path.display(),
                    outside.display()
                )));
            }
            entries.push(Entry { folder, queued });
        }
        Ok(entries)
    }

    /// Refuses a batch with files from elsewhere: whoever wrote the repository may have written the batch, too. The error is such a file.
    fn names_only_the_project(&self, queued: &Queued) -> Result<(), PathBuf> {
        let root = self.path().parent().and_then(Path::parent).and_then(|root| fs::canonicalize(root).ok());
        let named = [&queued.scenario_dir, &queued.experiment_dir].into_iter();
        for path in named.chain(queued.manifest.files.iter().map(|file| &file.path)) {
            // What is not there any more is found so when it is sent; its folder must be inside all the same.
            let real = path.ancestors().find_map(|part| fs::canonicalize(part).ok());
            let is_plain = !path.components().any(|part| part == Component::ParentDir);
            if !is_plain || !root.as_ref().is_some_and(|root| real.is_some_and(|real| real.starts_with(root))) {
                return Err(path.clone());
            }
        }
        Ok(())
    }

    /// Makes a folder for one more batch.
    pub(crate) fn draft(&self) -> Result<Draft, Failure> {
        let fail = |error| self.outbox.failure("write", error);
        let last = numbered(self.path()).map_err(fail)?.last().map_or(0, |(number, _)| *number);
        let folder = self.path().join(format!("{:06}", last + 1));
        fs::create_dir(&folder).map_err(fail)?;
        Ok(Draft { folder })
    }
}

impl Draft {
    /// Returns the folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes it a batch that is sent, even if this program is killed now.
    pub(crate) fn queue(self, queued: Queued) -> Result<Entry, Failure> {
        let entry = Entry { folder: self.folder.clone(), queued };
        entry.write()?;
        // Nothing is left for the draft to remove.
        std::mem::forget(self);
        Ok(entry)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Queued {
    /// Returns a batch that is to be sent.
    pub(crate) fn new(
        server: String,
        scenario_dir: PathBuf,
        scenario: String,
        experiment_dir: PathBuf,
        manifest: Manifest,
    ) -> Self {
        Self { format: FORMAT, server, scenario_dir, scenario, experiment_dir, runs: 0, failed: 0, refused: None, manifest }
    }
}

impl Entry {
    /// Writes the manifest, as a whole.
    pub(crate) fn write(&self) -> Result<(), Failure> {
        let path = self.folder.join(MANIFEST);
        let text = serde_json::to_vec(&self.queued).map_err(io::Error::from);
        text.and_then(|text| write_whole(&path, &text)).map_err(|error| Failure::io("write", &path.display().to_string(), error))
    }

    /// Takes it out of the outbox.
    pub(crate) fn remove(self) {
        // The manifest first: without it the rest counts for nothing. If even that fails it is sent again, which is harmless.
        let _ = fs::remove_file(self.folder.join(MANIFEST));
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Returns the numbered folders in order.
fn numbered(path: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            found.push((number, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}
