//! Backups that the server makes by itself, again and again, the oldest of which go.
//!
//! When the next one is due is found in the folder, by the names of those that are there: so a restart loses nothing, and a backup that somebody
//! moved into another folder is made again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use keepstep_base::human::size_text;
use keepstep_base::whole_file::{Policy, TEMPORARY, WholeFile};
use keepstep_store::StoreError;

use crate::error::Error;
use crate::housekeeping::Chore;
use crate::platform::Platform;
use crate::settings::BackupPlan;

/// When the first one is looked for, after the server has begun to answer.
const FIRST: Duration = Duration::from_secs(60);

/// How long it rests at most until it looks again, and after one that failed.
const REST: Duration = Duration::from_secs(10 * 60);

/// How old a file under a temporary name becomes before it is removed.
const LEFT: Duration = Duration::from_secs(24 * 60 * 60);

/// How the name of a backup that the server made begins and ends, around the time of its state.
const PREFIX: &str = "keepstep-";
const SUFFIX: &str = ".backup";
const TIME: &str = "%Y-%m-%dT%H-%M-%SZ";

impl Platform {
    /// Makes backups as they are due, for as long as the server runs.
    pub async fn keep_backups(self) {
        let Some(plan) = self.settings.backups.clone() else { return };
        let mut rest = FIRST;
        loop {
            tokio::time::sleep(rest).await;
            rest = match self.back_up_if_due(&plan).await {
                Ok((made, next)) => {
                    if let Some(made) = made {
                        self.note_chore(Chore::Backup, Ok(made));
                    }
                    next.min(REST)
                }
                Err(error) => {
                    self.note_chore(Chore::Backup, Err(error));
                    REST
                }
            };
        }
    }

    /// Makes a backup if it is time for one, and removes those that are too many. Returns what was made, in words, and how long it is until
    /// the next one.
    ///
    /// # Errors
    /// The folder is not there, or a disk or the database failed; the backups that were there still are.
    pub async fn back_up_if_due(&self, plan: &BackupPlan) -> Result<(Option<String>, Duration), Error> {
        let now = self.store.now();
        let newest = backups(&plan.folder).map_err(StoreError::from_disk)?.into_iter().map(|(at, _)| at).max();
        // One from the future was made before the clock was set back: it says nothing of how old the next one becomes.
        let age = newest.filter(|newest| *newest <= now).map(|newest| Duration::from_millis((now - newest).unsigned_abs()));
        if let Some(left) = age.and_then(|age| plan.every.checked_sub(age)).filter(|left| !left.is_zero()) {
            return Ok((None, left));
        }
        remove_left(&plan.folder).map_err(StoreError::from_disk)?;
        let file = WholeFile::begin(&plan.folder.join(name_of(now)), Policy::Private).map_err(StoreError::from_disk)?;
        let beside = WholeFile::begin(&plan.folder.join("state"), Policy::Private).map_err(StoreError::from_disk)?;
        let objects = self.objects()?;
        let (manifest, file) =
            self.store.back_up(objects, beside.written().1, file, env!("CARGO_PKG_VERSION"), |_, _| {}).await?;
        let size = file.written().0.metadata().map_err(StoreError::from_disk)?.len();
        file.put().map_err(StoreError::from_disk)?;
        let removed = remove_oldest(&plan.folder, plan.keep).map_err(StoreError::from_disk)?;
        let files = manifest.objects.count;
        tracing::info!(bytes = size, files, removed, "a backup is made");
        Ok((Some(format!("{} with {files} files, {removed} older removed", size_text(size))), plan.every))
    }
}

/// Returns the name of the backup of a time.
fn name_of(at: i64) -> String {
    let time = Timestamp::from_millisecond(at).unwrap_or_default().to_zoned(TimeZone::UTC);
    format!("{PREFIX}{}{SUFFIX}", time.strftime(TIME))
}

/// Returns the time of a backup by its name; nothing for any other file.
fn time_of(name: &str) -> Option<i64> {
    let time = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let time = jiff::civil::DateTime::strptime(TIME, time).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

/// Returns the backups in a folder that the server made, each with its time.
fn backups(folder: &Path) -> io::Result<Vec<(i64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        found.extend(entry.file_name().to_str().and_then(time_of).map(|at| (at, entry.path())));
    }
    Ok(found)
}

/// Removes what a server left behind that was killed while it made a backup. A day later nobody goes on with it.
fn remove_left(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_left = entry.file_name().to_string_lossy().starts_with(TEMPORARY);
        if is_left && entry.metadata()?.modified()?.elapsed().is_ok_and(|age| age > LEFT) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Removes the oldest backups, so that no more than some are left. Returns how many it removed.
fn remove_oldest(folder: &Path, keep: usize) -> io::Result<usize> {
    let mut found = backups(folder)?;
    found.sort_unstable();
    let too_many = found.len().saturating_sub(keep.max(1));
    for (_, path) in &found[..too_many] {
        fs::remove_file(path)?;
    }
    Ok(too_many)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use keepstep_store::artifacts::Objects;
    use keepstep_store::{Store, Surroundings};

    use super::*;
    use crate::Settings;

    const HOUR: i64 = 60 * 60 * 1000;

    #[test]
    fn the_name_of_a_backup_says_its_time() {
        let at = 1_796_046_420_000;
        assert_eq!(name_of(at), "keepstep-2026-11-30T13-47-00Z.backup");
        assert_eq!(time_of(&name_of(at)), Some(at));
        for other in ["keepstep-.backup", "keepstep-2026-11-30.backup", "mine.backup", "keepstep-2026-11-30T13-47-00Z.backup.old"]
        {
            assert_eq!(time_of(other), None, "{other}");
        }
    }

    #[tokio::test]
    async fn backups_are_made_as_they_are_due_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicI64::new(1_796_046_420_000));
        let time = Arc::clone(&clock);
        let surroundings = Surroundings::of_the_machine().with_clock(move || time.load(Ordering::SeqCst));
        let store = Store::open_with(&folder.path().join("keepstep.db"), surroundings).await.unwrap();
        let objects = Some(Objects::in_folder(&folder.path().join("objects")).unwrap());
        let platform = Platform::new(store, Settings { objects, ..Settings::default() });
        let kept = folder.path().join("backups");
        let plan = BackupPlan { folder: kept.clone(), every: Duration::from_secs(24 * 3600), keep: 2 };
        assert!(platform.back_up_if_due(&plan).await.is_err(), "a folder that is not there is not made: a disk may be missing");
        fs::create_dir(&kept).unwrap();
        fs::write(kept.join("notes.txt"), "mine").unwrap();
        // Of a server that was killed two days ago, and of one that is at it now.
        fs::write(kept.join(".keepstep-7-now"), "").unwrap();
        let left = fs::File::create(kept.join(".keepstep-7-left")).unwrap();
        left.set_modified(std::time::SystemTime::now() - 2 * LEFT).unwrap();
        let mut made = Vec::new();
        for _ in 0..80 {
            made.push(platform.back_up_if_due(&plan).await.unwrap().0.is_some());
            clock.fetch_add(HOUR, Ordering::SeqCst);
        }
        let at: Vec<usize> = made.iter().enumerate().filter(|(_, made)| **made).map(|(hour, _)| hour).collect();
        assert_eq!(at, [0, 24, 48, 72]);
        let mut names: Vec<_> =
            fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(
            names,
            [".keepstep-7-now", "keepstep-2026-12-02T13-47-00Z.backup", "keepstep-2026-12-03T13-47-00Z.backup", "notes.txt",]
        );
    }
}
