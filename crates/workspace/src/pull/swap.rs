//! Putting many files in place so that a crash leaves the old ones or the new ones, never some of each.
//!
//! The new files are written in a staging folder inside the scenario's `.state`, so that a rename can put them in place, and beside
//! them a second name of each file that they replace, and a journal that says what is to happen. Once all of that is synced, the new
//! tree is the one that counts: whoever finds the journal goes on where the first one stopped. Only if that is not possible any
//! more, because a staged file did not get to the disk, somebody edited one of the files in between or the disk refuses, everything
//! that was not edited goes back to what it was. Removing the journal ends the swap.
//!
//! The journal needs no sync of its own behind that of the staged files: it has their digests, so a crash before everything was on
//! the disk is found out, and then nothing was put in place either.
//!
//! The order of the files is kept, so a record that is written last says nothing that is not there. Small files elsewhere that say
//! what is in the tree, as `keepstep.lock` does, are written beside their places and synced with what is staged. They are put in
//! place after the tree is on the disk, so they are never newer than it. So the disk is waited for three times: for everything
//! that is new, for the tree's folders, and for the removal of the journal together with those files.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use keepstep_base::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::spool::{Stored, digests_of};
use crate::door;
use crate::files::{Pending, begin_sync};

/// The staging folder below a scenario's.
const STAGING: &str = ".state/.pull";
const JOURNAL: &str = "journal.json";

/// How many files are synced at a time. The system has begun with all of them by then, so more threads would cost more than
/// they save.
const SYNCED_AT_ONCE: usize = 4;

/// Is called before each step that changes the disk: a test fails there, or dies.
pub type BeforeStep<'a> = &'a mut dyn FnMut() -> io::Result<()>;

/// Why files were not put in place. Unless it says otherwise, everything is as it was.
#[derive(Debug, thiserror::Error)]
pub enum SwapError {
    /// The system refused.
    #[error("cannot {doing} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody wrote the file after it was looked at.
    #[error("{} was changed while this ran; nothing was written", .path.display())]
    ChangedMeanwhile {
        /// Which file.
        path: PathBuf,
    },
    /// The file would land somewhere else than its path says.
    #[error("{} is a link or lies behind one that leads out of the scenario; nothing was written", .path.display())]
    Link {
        /// Which file.
        path: PathBuf,
    },
    /// Everything is in place but one of the small files elsewhere.
    #[error("what was pulled is in place, but {} cannot be written: {source}", .path.display())]
    Beside {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A newer keepstep left a swap that this one does not understand.
    #[error("an interrupted pull of a newer keepstep is in {}; finish it with that one", .path.display())]
    Newer {
        /// The staging folder.
        path: PathBuf,
    },
}

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

#[derive(Debug, Serialize, Deserialize)]
struct Journal {
    format: u32,
    steps: Vec<Change>,
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
pub struct Swap<'a> {
    place: ScenarioFolders<'a>,
    steps: Vec<Change>,
    before_step: BeforeStep<'a>,
}

/// A scenario's folder and the staging folder in it.
#[derive(Debug, Clone, Copy)]
struct ScenarioFolders<'a> {
    folder: &'a Path,
}

impl<'a> Swap<'a> {
    /// Begins a swap in a scenario's folder, which is made if it is not there. The caller sees to it that there is only one.
    ///
    /// # Errors
    /// The staging folder cannot be made.
    pub fn begin(folder: &'a Path, before_step: BeforeStep<'a>) -> Result<Self, SwapError> {
        let place = ScenarioFolders { folder };
        let staging = place.staging();
        // What a swap left that died before its journal was there.
        discard(&staging).map_err(|source| failed("clear", &staging, source))?;
        before_step().map_err(|source| failed("make", &staging, source))?;
        door::pass(&staging).map_err(|source| failed("make", &staging, source))?;
        fs::create_dir_all(&staging).map_err(|source| failed("make", &staging, source))?;
        Ok(Self { place, steps: Vec::new(), before_step })
    }

    /// Adds a file that is to be there, in place of what has the digest `before`.
    ///
    /// # Errors
    /// It cannot be read or written, or its path leads elsewhere.
    pub(super) fn write(&mut self, path: &str, before: Option<Digest>, content: &Stored) -> Result<Stamp, SwapError> {
        let target = self.place.target(path)?;
        (self.before_step)().map_err(|source| failed("write", &target, source))?;
        let staged = self.place.staged(self.steps.len());
        let stamp = write_staged(&staged, &target, content).map_err(|source| failed("write", &target, source))?;
        self.steps.push(Change { path: path.to_owned(), before, after: Some(content.digests().exact) });
        Ok(stamp)
    }

    /// Adds a file that is to go, whose digest is `before`.
    ///
    /// # Errors
    /// Its path leads elsewhere.
    pub fn remove(&mut self, path: &str, before: Digest) -> Result<(), SwapError> {
        self.place.target(path)?;
        self.steps.push(Change { path: path.to_owned(), before: Some(before), after: None });
        Ok(())
    }

    /// Puts everything in place, and then the files `beside` the scenario.
    ///
    /// # Errors
    /// The system refused, or somebody changed one of the files in the meantime. Everything is as it was then, unless the error
    /// says otherwise.
    pub fn commit(mut self, beside: Vec<Pending>) -> Result<(), SwapError> {
        let prepared = self.prepare(&beside);
        if prepared.is_err() {
            // Without a journal the staging folder means nothing.
            let _ = discard(&self.place.staging());
        }
        prepared?;
        let Self { place, steps, before_step } = self;
        let all: Vec<(usize, &Change)> = steps.iter().enumerate().collect();
        if let Err(error) = forward(&place, &all, before_step) {
            backward(&place, &steps, before_step)?;
            let _ = finish(&place, Vec::new(), before_step);
            return Err(error);
        }
        finish(&place, beside, before_step)
    }

    /// Returns every file that is about to change.
    pub(super) fn changes(&self) -> &[Change] {
        &self.steps
    }

    /// Gives up; nothing was put in place.
    pub fn abandon(self) {
        let _ = discard(&self.place.staging());
    }

    /// Does everything that comes before the first change of the tree.
    fn prepare(&mut self, beside: &[Pending]) -> Result<(), SwapError> {
        for (number, step) in self.steps.iter().enumerate() {
            let target = self.place.target(&step.path)?;
            (self.before_step)().map_err(|source| failed("keep", &target, source))?;
            if digest_of(&target).map_err(|source| failed("read", &target, source))? != step.before {
                return Err(SwapError::ChangedMeanwhile { path: target });
            }
            if step.before.is_some() {
                keep(&target, &self.place.kept(number)).map_err(|source| failed("keep", &target, source))?;
            }
            if let Some(parent) = target.parent().filter(|_| step.after.is_some()) {
                fs::create_dir_all(parent).map_err(|source| failed("make", parent, source))?;
            }
        }
        let staging = self.place.staging();
        let journal = Journal { format: 1, steps: self.steps.clone() };
        (self.before_step)().map_err(|source| failed("write", &staging, source))?;
        let path = staging.join(JOURNAL);
        let text = serde_json::to_vec(&journal).map_err(|error| failed("write", &path, error.into()))?;
        write_staged(&path, &path, &Stored::of(text)).map_err(|source| failed("write", &path, source))?;
        (self.before_step)().map_err(|source| failed("write", &path, source))?;
        let staged = self.steps.iter().enumerate().filter(|(_, step)| step.after.is_some());
        let mut paths: Vec<PathBuf> = staged.map(|(number, _)| self.place.staged(number)).collect();
        paths.extend(beside.iter().map(|file| file.written().to_owned()));
        paths.extend([path.clone(), staging]);
        sync_all(&paths).map_err(|source| failed("write", &path, source))
    }
}

/// Puts files in place that change together, without a scenario's.
///
/// # Errors
/// The system refused; those before the one that is named are in place.
pub fn put_in_place(files: Vec<Pending>) -> Result<(), SwapError> {
    put_behind(&[], files)
}

/// The same for files that are about others, which were written and have to be on the disk before them.
///
/// # Errors
/// As those of [`put_in_place`].
pub fn put_behind(others: &[PathBuf], files: Vec<Pending>) -> Result<(), SwapError> {
    let Some(first) = files.first() else { return Ok(()) };
    let written = Vec::from_iter(others.iter().cloned().chain(files.iter().map(|file| file.written().to_owned())));
    sync_all(&written).map_err(|source| failed("write", first.path(), source))?;
    let (folders, put) = put_all(files, &mut || Ok(()));
    let _ = sync_all(&folders);
    put
}

/// Puts files in place as far as that is possible, and returns the folders that have to be synced.
fn put_all(files: Vec<Pending>, before_step: BeforeStep<'_>) -> (Vec<PathBuf>, Result<(), SwapError>) {
    let mut folders = Vec::new();
    for file in files {
        let path = file.path().to_owned();
        folders.push(file.folder().to_owned());
        if let Err(source) = before_step().and_then(|()| file.put()) {
            return (folders, Err(SwapError::Beside { path, source }));
        }
    }
    folders.sort_unstable();
    folders.dedup();
    (folders, Ok(()))
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
    ScenarioFolders { folder }.staging().join(JOURNAL).exists()
}

/// Ends a swap that was interrupted: completes it, or takes it back where somebody edited a file in the meantime. `None` if
/// there is nothing to end. The caller sees to it that no other swap is at work.
///
/// # Errors
/// The system refused; the next call tries again.
pub fn recover(folder: &Path, before_step: BeforeStep<'_>) -> Result<Option<Recovered>, SwapError> {
    let place = &ScenarioFolders { folder };
    let path = place.staging().join(JOURNAL);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed("read", &path, source)),
    };
    let Ok(journal) = serde_json::from_slice::<Value>(&text) else {
        // It was not whole when the swap died, so nothing was put in place yet.
        let staging = place.staging();
        discard(&staging).map_err(|source| failed("clear", &staging, source))?;
        return Ok(None);
    };
    if journal.get("format") != Some(&1.into()) {
        return Err(SwapError::Newer { path: place.staging() });
    }
    let journal: Journal = serde_json::from_value(journal).map_err(|error| failed("read", &path, error.into()))?;
    let pending = pending(place, &journal.steps)?;
    let recovered = if pending.is_some_and(|pending| forward(place, &pending, before_step).is_ok()) {
        Recovered::Completed
    } else {
        backward(place, &journal.steps, before_step)?;
        Recovered::TakenBack
    };
    finish(place, Vec::new(), before_step)?;
    Ok(Some(recovered))
}

/// Returns the steps that an interrupted swap still has to do; `None` if one of them cannot be done any more.
fn pending<'s>(place: &ScenarioFolders<'_>, steps: &'s [Change]) -> Result<Option<Vec<(usize, &'s Change)>>, SwapError> {
    let mut pending = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let target = place.target(&step.path)?;
        let now = digest_of(&target).map_err(|source| failed("read", &target, source))?;
        let staged = digest_of(&place.staged(number)).map_err(|source| failed("read", &target, source))?;
        if now == step.after {
            continue;
        }
        match (step.after, staged) {
            (Some(_), Some(_)) if now == step.before && staged == step.after => pending.push((number, step)),
            (None, _) if now == step.before => pending.push((number, step)),
            // What was staged did not get to the disk, or is in the way of an edit.
            (Some(_), None) if now == step.before => return Ok(None),
            (Some(_), Some(_)) => return Ok(None),
            // It was done, and the file was edited since; or it was to go, and was edited.
            (Some(_), None) | (None, _) => {}
        }
    }
    Ok(Some(pending))
}

/// Puts the new files in place.
fn forward(place: &ScenarioFolders<'_>, steps: &[(usize, &Change)], before_step: BeforeStep<'_>) -> Result<(), SwapError> {
    for (number, step) in steps {
        let target = place.target(&step.path)?;
        before_step().map_err(|source| failed("replace", &target, source))?;
        let done = match step.after {
            Some(_) => fs::rename(place.staged(*number), &target),
            None => gone(fs::remove_file(&target)),
        };
        done.map_err(|source| failed("replace", &target, source))?;
    }
    sync_folders_of(place, steps.iter().map(|(_, step)| *step));
    Ok(())
}

/// Puts the old files back where the new ones are. A file that is neither was edited since, and stays.
fn backward(place: &ScenarioFolders<'_>, steps: &[Change], before_step: BeforeStep<'_>) -> Result<(), SwapError> {
    for (number, step) in steps.iter().enumerate() {
        let target = place.target(&step.path)?;
        // The system may refuse once more; then the journal stays and the next command tries again.
        let _ = before_step();
        let now = digest_of(&target).map_err(|source| failed("read", &target, source))?;
        if now != step.after || now == step.before {
            continue;
        }
        let done = match step.before {
            Some(_) => fs::rename(place.kept(number), &target),
            None => gone(fs::remove_file(&target)),
        };
        done.map_err(|source| failed("put back", &target, source))?;
    }
    sync_folders_of(place, steps);
    Ok(())
}

/// Ends the swap, whose files are on the disk, and puts those beside it in place.
fn finish(place: &ScenarioFolders<'_>, beside: Vec<Pending>, before_step: BeforeStep<'_>) -> Result<(), SwapError> {
    let staging = place.staging();
    let journal = staging.join(JOURNAL);
    before_step().map_err(|source| failed("remove", &journal, source))?;
    fs::remove_file(&journal).map_err(|source| failed("remove", &journal, source))?;
    let (mut folders, put) = put_all(beside, before_step);
    folders.push(staging.clone());
    let _ = sync_all(&folders);
    // What stays behind without a journal means nothing, and the next swap clears it.
    let _ = discard(&staging);
    put
}

impl ScenarioFolders<'_> {
    fn staging(&self) -> PathBuf {
        self.folder.join(STAGING)
    }

    fn staged(&self, number: usize) -> PathBuf {
        self.staging().join(format!("new-{number}"))
    }

    fn kept(&self, number: usize) -> PathBuf {
        self.staging().join(format!("old-{number}"))
    }

    /// Returns where a file is. Neither it nor a folder on its way may be a link that leads out of the scenario: the folder may
    /// come from somebody else.
    fn target(&self, path: &str) -> Result<PathBuf, SwapError> {
        let target = self.folder.join(path);
        let is_plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        let is_link = fs::symlink_metadata(&target).is_ok_and(|metadata| metadata.is_symlink());
        if !is_plain || is_link || door::stays_inside(&target, self.folder).is_err() {
            return Err(SwapError::Link { path: target });
        }
        Ok(target)
    }
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

/// Syncs files and folders, at the same time: the disk then writes its own journal once for all of them rather than once for each.
fn sync_all(paths: &[PathBuf]) -> io::Result<()> {
    #[cfg(test)]
    tests::note_sync(paths);
    let next = AtomicUsize::new(0);
    let sync_some = || std::iter::from_fn(|| paths.get(next.fetch_add(1, Ordering::Relaxed))).try_for_each(|path| sync(path));
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..SYNCED_AT_ONCE.min(paths.len())).map(|_| scope.spawn(sync_some)).collect();
        let first = sync_some();
        let others = others.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into())));
        others.fold(first, io::Result::and)
    })
}

fn sync(path: &Path) -> io::Result<()> {
    match File::options().read(true).write(cfg!(windows)).open(path).and_then(|file| file.sync_all()) {
        // Not every file system can sync a folder.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        other => other,
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

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn discard(staging: &Path) -> io::Result<()> {
    // Usually it is empty or not there.
    gone(fs::remove_dir(staging).or_else(|_| fs::remove_dir_all(staging)))
}

/// Syncs the folders whose entries changed, up to the scenario's, which may have new ones. Best effort: the journal is there
/// until then.
fn sync_folders_of<'s>(place: &ScenarioFolders<'_>, steps: impl IntoIterator<Item = &'s Change>) {
    let mut folders = BTreeSet::new();
    for step in steps {
        let target = place.folder.join(&step.path);
        let parents = target.ancestors().skip(1).take_while(|parent| parent.starts_with(place.folder));
        folders.extend(parents.map(Path::to_owned));
    }
    let _ = sync_all(&Vec::from_iter(folders));
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> SwapError {
    SwapError::Io { doing, path: path.to_owned(), source }
}

#[cfg(test)]
#[path = "swap_tests.rs"]
mod tests;
