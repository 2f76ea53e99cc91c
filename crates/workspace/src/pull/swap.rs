//! Putting many files in place so that a crash leaves the old ones or the new ones, never some of each.
//!
//! The new files are written in a staging folder inside the scenario's `.state`, so that a rename can put them in place, and beside
//! them a second name of each file that they replace, and a journal that says what is to happen. Once all of that is synced, the new
//! tree is the one that counts: whoever finds the journal goes on where the first one stopped. Only if that is not possible any
//! more, because a staged file did not get to the disk, somebody edited one of the files in between or the disk refuses, everything
//! that was not edited goes back to what it was. Removing the journal ends the swap. The order of the files is kept.
//!
//! The journal has the digests of what is staged, so it needs no sync of its own: a crash before everything was on the disk is found
//! out. Small files elsewhere that say what is in the tree, as `keepstep.lock` does, are never newer than it. So the disk is waited for
//! three times: for everything that is new, for the tree's folders, and for the removal of the journal together with those files.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use keepstep_base::Digest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::PullError;
use super::spool::{Stored, digests_of};
use crate::files::{BeforeStep, Pending, begin_sync, put_all, sync_all};
use crate::{WorkspaceError, door};

/// The staging folder below a scenario's.
const STAGING: &str = ".state/.pull";
const JOURNAL: &str = "journal.json";

/// What was done about a swap that had not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    /// The new files are in place.
    Completed,
    /// The old ones are back.
    TakenBack,
}

/// The file as it was put in place, to recognize it later without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Its length in bytes.
    pub size: u64,
    /// When it was written, in nanoseconds since 1970.
    pub modified: u64,
}

impl Stamp {
    /// Returns the stamp of a file.
    pub fn of(metadata: &fs::Metadata) -> Self {
        let since = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        Self { size: metadata.len(), modified: since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(0)) }
    }
}

/// What happens to a file, a pull's own records among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Below the scenario's folder.
    pub path: String,
    /// The SHA-256 of what is there; `None` where there is nothing.
    pub before: Option<Digest>,
    /// The SHA-256 of what will be there; `None` where the file goes.
    pub after: Option<Digest>,
}

/// Files on their way into a scenario's folder.
pub(super) struct Swap<'a> {
    folder: &'a Path,
    /// Every file that is about to change.
    pub(super) steps: Vec<Change>,
    before_step: BeforeStep<'a>,
}

impl<'a> Swap<'a> {
    /// Begins a swap in a scenario's folder, which is made if it is not there. The caller sees to it that there is only one.
    pub(super) fn begin(folder: &'a Path, before_step: BeforeStep<'a>) -> Result<Self, PullError> {
        let staging = folder.join(STAGING);
        // What a swap left that died before its journal was there.
        discard(&staging).map_err(|source| failed("clear", &staging, source))?;
        let created = before_step().and_then(|()| door::pass(&staging)).and_then(|()| fs::create_dir_all(&staging));
        created.map_err(|source| failed("create", &staging, source))?;
        Ok(Self { folder, steps: Vec::new(), before_step })
    }

    /// Adds a file that is to have a content, or to go, in place of what has the digest `before`.
    pub(super) fn change(
        &mut self,
        path: &str,
        before: Option<Digest>,
        content: Option<&Stored>,
    ) -> Result<Option<Stamp>, PullError> {
        let target = target(self.folder, path)?;
        let mut stamp = None;
        if let Some(content) = content {
            (self.before_step)().map_err(|source| failed("write", &target, source))?;
            let staged = staged(self.folder, "new", self.steps.len());
            stamp = Some(write_staged(&staged, &target, content).map_err(|source| failed("write", &target, source))?);
        }
        let after = content.map(|content| content.digests.exact);
        if before.is_some() || after.is_some() {
            self.steps.push(Change { path: path.to_owned(), before, after });
        }
        Ok(stamp)
    }

    /// Puts everything in place, and then the files `beside` the scenario.
    pub(super) fn commit(mut self, beside: Vec<Pending>) -> Result<(), PullError> {
        // Without a journal the staging folder means nothing.
        self.prepare(&beside).inspect_err(|_| _ = discard(&self.folder.join(STAGING)))?;
        let Self { folder, steps, before_step } = self;
        let all: Vec<(usize, &Change)> = steps.iter().enumerate().collect();
        if let Err(error) = forward(folder, &all, before_step) {
            backward(folder, &steps, before_step)?;
            let _ = finish(folder, Vec::new(), before_step);
            return Err(error);
        }
        finish(folder, beside, before_step)
    }

    /// Gives up; nothing was put in place.
    pub(super) fn abandon(self) {
        let _ = discard(&self.folder.join(STAGING));
    }

    /// Does everything that comes before the first change of the tree.
    fn prepare(&mut self, beside: &[Pending]) -> Result<(), PullError> {
        for (number, step) in self.steps.iter().enumerate() {
            let target = target(self.folder, &step.path)?;
            (self.before_step)().map_err(|source| failed("keep", &target, source))?;
            if digest_of(&target).map_err(|source| failed("read", &target, source))? != step.before {
                return Err(PullError::ChangedMeanwhile(target));
            }
            if step.before.is_some() {
                keep(&target, &staged(self.folder, "old", number)).map_err(|source| failed("keep", &target, source))?;
            }
            if let Some(parent) = target.parent().filter(|_| step.after.is_some()) {
                fs::create_dir_all(parent).map_err(|source| failed("create", parent, source))?;
            }
        }
        let staging = self.folder.join(STAGING);
        let journal = json!({ "format": 1, "steps": self.steps });
        (self.before_step)().map_err(|source| failed("write", &staging, source))?;
        let path = staging.join(JOURNAL);
        write_staged(&path, &path, &Stored::of(journal.to_string().into_bytes()))
            .map_err(|source| failed("write", &path, source))?;
        (self.before_step)().map_err(|source| failed("write", &path, source))?;
        let new = self.steps.iter().enumerate().filter(|(_, step)| step.after.is_some());
        let mut paths: Vec<PathBuf> = new.map(|(number, _)| staged(self.folder, "new", number)).collect();
        paths.extend(beside.iter().map(|file| file.written().to_owned()));
        paths.extend([path.clone(), staging]);
        sync_all(&paths).map_err(|source| failed("write", &path, source))
    }
}

/// Writes a file with the permissions that its target has. It is not synced yet.
fn write_staged(staged: &Path, target: &Path, content: &Stored) -> io::Result<Stamp> {
    let mut file = File::create(staged)?;
    content.copy_to(&mut file)?;
    begin_sync(&file);
    if let Ok(metadata) = fs::metadata(target) {
        let _ = file.set_permissions(metadata.permissions());
    }
    Ok(Stamp::of(&file.metadata()?))
}

/// Returns true if a swap in the scenario's folder did not end. Costs one look at the disk.
pub fn is_interrupted(folder: &Path) -> bool {
    folder.join(STAGING).join(JOURNAL).exists()
}

/// Ends a swap that was interrupted: completes it, or takes it back where somebody edited a file in the meantime. `None` if
/// there is nothing to end. The caller sees to it that no other swap is at work.
///
/// # Errors
/// The system refused; the next call tries again.
pub fn recover(folder: &Path, before_step: BeforeStep<'_>) -> Result<Option<Recovered>, PullError> {
    let staging = folder.join(STAGING);
    let path = staging.join(JOURNAL);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed("read", &path, source)),
    };
    let Ok(mut journal) = serde_json::from_slice::<Value>(&text) else {
        // It was not whole when the swap died, so nothing was put in place yet.
        discard(&staging).map_err(|source| failed("clear", &staging, source))?;
        return Ok(None);
    };
    if journal.get("format") != Some(&1.into()) {
        return Err(PullError::Newer(staging));
    }
    let steps: Vec<Change> =
        serde_json::from_value(journal["steps"].take()).map_err(|error| failed("read", &path, error.into()))?;
    let pending = pending(folder, &steps)?;
    let recovered = if pending.is_some_and(|pending| forward(folder, &pending, before_step).is_ok()) {
        Recovered::Completed
    } else {
        backward(folder, &steps, before_step)?;
        Recovered::TakenBack
    };
    finish(folder, Vec::new(), before_step)?;
    Ok(Some(recovered))
}

/// Returns the steps that an interrupted swap still has to do; `None` if one of them cannot be done any more.
fn pending<'s>(folder: &Path, steps: &'s [Change]) -> Result<Option<Vec<(usize, &'s Change)>>, PullError> {
    let mut pending = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let target = target(folder, &step.path)?;
        let now = digest_of(&target).map_err(|source| failed("read", &target, source))?;
        let staged = digest_of(&staged(folder, "new", number)).map_err(|source| failed("read", &target, source))?;
        let is_there = step.after.is_none() || staged == step.after;
        if now != step.after && now == step.before && is_there {
            pending.push((number, step));
        } else if now != step.after && step.after.is_some() && (now == step.before || staged.is_some()) {
            // What was staged did not get to the disk, or is in the way of an edit.
            return Ok(None);
        }
        // Otherwise it was done, perhaps edited since; or it was to go, and was edited.
    }
    Ok(Some(pending))
}

fn forward(folder: &Path, steps: &[(usize, &Change)], before_step: BeforeStep<'_>) -> Result<(), PullError> {
    for (number, step) in steps {
        let target = target(folder, &step.path)?;
        before_step().map_err(|source| failed("replace", &target, source))?;
        let done = match step.after {
            Some(_) => fs::rename(staged(folder, "new", *number), &target),
            None => ignore_not_found(fs::remove_file(&target)),
        };
        done.map_err(|source| failed("replace", &target, source))?;
    }
    sync_folders_of(folder, steps.iter().map(|(_, step)| *step));
    Ok(())
}

/// Puts the old files back where the new ones are. A file that is neither was edited since, and stays.
fn backward(folder: &Path, steps: &[Change], before_step: BeforeStep<'_>) -> Result<(), PullError> {
    for (number, step) in steps.iter().enumerate() {
        let target = target(folder, &step.path)?;
        // The system may refuse once more; then the journal stays and the next command tries again.
        let _ = before_step();
        let now = digest_of(&target).map_err(|source| failed("read", &target, source))?;
        if now != step.after || now == step.before {
            continue;
        }
        let done = match step.before {
            Some(_) => fs::rename(staged(folder, "old", number), &target),
            None => ignore_not_found(fs::remove_file(&target)),
        };
        done.map_err(|source| failed("put back", &target, source))?;
    }
    sync_folders_of(folder, steps);
    Ok(())
}

/// Ends the swap, whose files are on the disk, and puts those beside it in place.
fn finish(folder: &Path, beside: Vec<Pending>, before_step: BeforeStep<'_>) -> Result<(), PullError> {
    let staging = folder.join(STAGING);
    let journal = staging.join(JOURNAL);
    before_step().map_err(|source| failed("remove", &journal, source))?;
    fs::remove_file(&journal).map_err(|source| failed("remove", &journal, source))?;
    let (mut folders, put) = put_all(beside, before_step);
    folders.push(staging.clone());
    let _ = sync_all(&folders);
    // What stays behind without a journal means nothing, and the next swap clears it.
    let _ = discard(&staging);
    put.map_err(|(path, source)| PullError::Beside(path, source))
}

/// Returns where the new file of a step is, or the second name of the old one.
fn staged(folder: &Path, which: &str, number: usize) -> PathBuf {
    folder.join(STAGING).join(format!("{which}-{number}"))
}

/// Returns where a file is. Neither it nor a folder on its way may be a link that leads out of the scenario: the folder may come from
/// somebody else.
fn target(folder: &Path, path: &str) -> Result<PathBuf, PullError> {
    let target = folder.join(path);
    let is_plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    let is_link = fs::symlink_metadata(&target).is_ok_and(|metadata| metadata.is_symlink());
    if !is_plain || is_link || door::stays_inside(&target, folder).is_err() {
        return Err(PullError::Link(target));
    }
    Ok(target)
}

/// Returns the SHA-256 of a file, which may be larger than memory; `None` where there is none.
///
/// # Errors
/// It cannot be read.
pub fn digest_of(path: &Path) -> io::Result<Option<Digest>> {
    match File::open(path).and_then(digests_of) {
        Ok(digests) => Ok(Some(digests.exact)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Gives a file a second name, or copies it where the file system has no such thing.
fn keep(target: &Path, kept: &Path) -> io::Result<()> {
    if fs::hard_link(target, kept).is_ok() {
        return Ok(());
    }
    fs::copy(target, kept)?;
    File::open(kept)?.sync_all()
}

fn ignore_not_found(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn discard(staging: &Path) -> io::Result<()> {
    // Usually it is empty or not there.
    ignore_not_found(fs::remove_dir(staging).or_else(|_| fs::remove_dir_all(staging)))
}

/// Syncs the folders whose entries changed, up to the scenario's, which may have new ones. Best effort: the journal is there
/// until then.
fn sync_folders_of<'s>(folder: &Path, steps: impl IntoIterator<Item = &'s Change>) {
    let mut folders = BTreeSet::new();
    for step in steps {
        let target = folder.join(&step.path);
        let parents = target.ancestors().skip(1).take_while(|parent| parent.starts_with(folder));
        folders.extend(parents.map(Path::to_owned));
    }
    let _ = sync_all(&Vec::from_iter(folders));
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> PullError {
    WorkspaceError::io(doing, path, source).into()
}

#[cfg(test)]
#[path = "swap_tests.rs"]
mod tests;
