//! Backups: what is copied while others write, what is restored, and what is not taken for a backup.

use std::io::Write as _;
use std::path::Path;

use keepstep_store::artifacts::{KEPT, Objects};
use keepstep_store::backup::{BackupError, DATABASE, Manifest, OBJECTS, check_restored, unpack};
use keepstep_store::{About, Store};
use tempfile::TempDir;

use crate::artifacts::{attach, bundle, commit, file, offer, send};
use crate::world::{START, World};

/// An agent with two versions, and an experiment with a file of two parts.
async fn fill(world: &World) -> String {
    let agent = world.agent().await;
    world.publish(&agent, "Be brief.").await;
    let bundle = bundle(world, "Shop").await;
    let upload = offer(world, &bundle, vec![file("a.jsonl", b"first second", 6)]).await;
    send(world, &upload, &[b"first ", b"second"]).await.unwrap();
    let blob = commit(world, &upload).await.remove(0);
    attach(world, &bundle, &blob).await;
    blob
}

async fn back_up(world: &World) -> (Manifest, Vec<u8>) {
    let beside = tempfile::NamedTempFile::new().unwrap();
    world.store.back_up(&world.objects(), beside.path(), Vec::new(), "1.2.3", |_, _| {}).await.unwrap()
}

fn restored(archive: &[u8]) -> (Result<Manifest, BackupError>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (unpack(archive, folder.path()), folder)
}

async fn open(folder: &Path) -> (Store, Objects) {
    (Store::open(&folder.join(DATABASE)).await.unwrap(), Objects::in_folder(&folder.join(OBJECTS)).unwrap())
}

pub(crate) async fn a_backup_is_restored_with_every_row_and_every_byte(world: World) {
    let blob = fill(&world).await;
    let (manifest, archive) = back_up(&world).await;
    assert_eq!((manifest.version.as_str(), manifest.created_at, manifest.objects.count), ("1.2.3", START, 1));
    assert_eq!((manifest.objects.size, manifest.rows["persona_versions"], manifest.rows["blobs"]), (12, 1, 1));
    let (found, folder) = restored(&archive);
    assert_eq!(found.unwrap(), manifest);
    check_restored(folder.path(), &manifest).await.unwrap();
    let (store, objects) = open(folder.path()).await;
    let (_, content) = store.open_blob(&objects, &world.scope, &blob).await.unwrap();
    assert_eq!(content.size, 12);
    let examined = store.examine(&objects, true).await.unwrap();
    assert_eq!((examined.problems.as_slice(), examined.objects, examined.contents), ([].as_slice(), 1, 1));
    // What was written goes on from there, and others that come later are not in the copy.
    world.publish(&world.agent().await, "Later.").await;
    assert_eq!(store.changes_after(0, 100).await.unwrap().len() + 2, world.store.changes_after(0, 100).await.unwrap().len());
    // The copy can be written.
    let mut transaction = store.write().await.unwrap();
    transaction.set_setting("a", "b").await.unwrap();
    transaction.commit().await.unwrap();
}

#[cfg(unix)]
pub(crate) async fn only_its_owner_may_read_what_is_restored(world: World) {
    use std::os::unix::fs::PermissionsExt as _;
    fill(&world).await;
    let (_, archive) = back_up(&world).await;
    let (manifest, folder) = restored(&archive);
    manifest.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.path().join(DATABASE)), 0o600);
    let mut folders = vec![folder.path().join(OBJECTS)];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
                files += 1;
            }
        }
    }
    assert_eq!(files, 1);
}

/// Takes the bytes of a backup, and halts before the first of them until it may go on.
struct Halting {
    written: Vec<u8>,
    begun: std::sync::mpsc::Sender<()>,
    goes_on: std::sync::mpsc::Receiver<()>,
}

impl std::io::Write for Halting {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.written.is_empty() {
            self.begun.send(()).unwrap();
            self.goes_on.recv().unwrap();
        }
        self.written.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(crate) async fn files_stay_while_they_are_copied(world: World) {
    let blob = fill(&world).await;
    let (beside, objects) = (tempfile::NamedTempFile::new().unwrap(), world.objects());
    world.set_clock(START + KEPT + 1);
    // The state is fixed before the first bytes come; then the experiment goes, and with it all that names the file.
    let (begun, has_begun) = std::sync::mpsc::channel();
    let (go_on, goes_on) = std::sync::mpsc::channel();
    let backing_up = {
        let (store, objects, path) = (world.store.clone(), objects.clone(), beside.path().to_owned());
        let to = Halting { written: Vec::new(), begun, goes_on };
        tokio::spawn(async move { store.back_up(&objects, &path, to, "1", |_, _| {}).await.unwrap() })
    };
    tokio::task::spawn_blocking(move || has_begun.recv().unwrap()).await.unwrap();
    world.alter("DELETE FROM stored_artifacts").await;
    let collected = world.store.collect(&objects).await.unwrap();
    go_on.send(()).unwrap();
    let (manifest, to) = backing_up.await.unwrap();
    assert_eq!((collected.blobs, collected.parts, collected.objects, manifest.objects.count), (1, 2, 0, 1));
    let (found, folder) = restored(&to.written);
    assert_eq!(found.unwrap(), manifest);
    let (store, copied) = open(folder.path()).await;
    assert!(store.open_blob(&copied, &world.scope, &blob).await.is_ok());
    // Once nobody copies any more, it goes.
    world.set_clock(START + 2 * KEPT);
    assert_eq!(world.store.collect(&objects).await.unwrap().objects, 1);
}

pub(crate) async fn what_is_cut_or_changed_is_not_restored(world: World) {
    fill(&world).await;
    let (_, archive) = back_up(&world).await;
    for end in [archive.len() / 2, archive.len() - 200] {
        let error = restored(&archive[..end]).0.unwrap_err();
        assert!(matches!(error, BackupError::Cut | BackupError::Differs(_)), "{end}: {error:?}");
    }
    for (place, bytes) in
        [("empty", Vec::new()), ("text", b"not a backup at all".repeat(100)), ("zstd", zstd::encode_all(&b"x"[..], 1).unwrap())]
    {
        assert!(matches!(restored(&bytes).0, Err(BackupError::Foreign(_))), "{place}");
    }
    // Another byte anywhere in what is packed is noticed.
    let mut plain = zstd::decode_all(archive.as_slice()).unwrap();
    let at = plain.windows(12).rposition(|window| window == b"first second").unwrap();
    plain[at] ^= 1;
    let changed = zstd::encode_all(plain.as_slice(), 1).unwrap();
    let error = restored(&changed).0.unwrap_err();
    assert_eq!(error.to_string(), "this backup is damaged: its files are not those that were copied");
}

pub(crate) async fn a_hostile_archive_writes_nothing_anywhere_else(world: World) {
    drop(world);
    let head = ("keepstep-backup", tar::EntryType::Regular, b"1\n".as_slice());
    let newer = pack(&[("keepstep-backup", tar::EntryType::Regular, b"2\n")]);
    assert!(matches!(restored(&newer).0, Err(BackupError::Newer { found: 2 })));
    for (name, kind) in [
        ("../out", tar::EntryType::Regular),
        ("/tmp/out", tar::EntryType::Regular),
        ("objects/parts/p/../../../x", tar::EntryType::Regular),
        ("objects/parts/p/ab/c\u{1b}[2J", tar::EntryType::Regular),
        ("objects/parts/p/ab/cd", tar::EntryType::Symlink),
        ("objects/parts/p/ab/cd", tar::EntryType::Directory),
        ("objects/parts/p/ab/cd", tar::EntryType::Char),
        // A file before the database, and a database that comes twice.
        ("objects/parts/p/ab/cd", tar::EntryType::Regular),
        ("keepstep-backup", tar::EntryType::Regular),
        ("notes.txt", tar::EntryType::Regular),
    ] {
        let (outcome, folder) = restored(&pack(&[head, (name, kind, b"x")]));
        assert!(matches!(outcome, Err(BackupError::Unexpected(_))), "{name}: {outcome:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{name}");
    }
    let database = ("keepstep.db", tar::EntryType::Regular, b"x".as_slice());
    assert!(matches!(restored(&pack(&[head, database, database])).0, Err(BackupError::Unexpected(_))));
    let manifest = ("manifest.json", tar::EntryType::Regular, b"{}".as_slice());
    assert!(matches!(restored(&pack(&[head, database, manifest])).0, Err(BackupError::Differs(_))));
    assert!(matches!(restored(&pack(&[head, database])).0, Err(BackupError::Cut)));
}

/// Packs entries, whatever their names are.
fn pack(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut bytes = zstd::Encoder::new(Vec::new(), 1).unwrap();
    for (name, kind, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        let content = if *kind == tar::EntryType::Regular { content } else { &b""[..] };
        header.set_size(content.len() as u64);
        if *kind == tar::EntryType::Symlink {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        bytes.write_all(header.as_bytes()).unwrap();
        bytes.write_all(content).unwrap();
        bytes.write_all(&vec![0; content.len().next_multiple_of(512) - content.len()]).unwrap();
    }
    bytes.write_all(&[0; 1024]).unwrap();
    bytes.finish().unwrap()
}

pub(crate) async fn what_is_broken_is_found_and_named(world: World) {
    let blob = fill(&world).await;
    let objects = world.objects();
    let sound = world.store.examine(&objects, true).await.unwrap();
    assert_eq!((sound.is_sound(), sound.experiments, sound.objects), (true, 1, 1), "{sound:?}");

    // Counts are mended.
    world.alter("UPDATE stored_batches SET passed = 7, completed = 7").await;
    let found = world.store.examine(&objects, false).await.unwrap();
    assert_eq!(found.problems.iter().map(|problem| problem.about).collect::<Vec<_>>(), [About::Counts]);
    assert!(
        found.is_mendable() && found.problems[0].what.contains("says that it has 7 cases, 7 of them passed, and has 0 cases")
    );
    assert_eq!(world.store.mend(&found).await.unwrap(), 1);
    assert!(world.store.examine(&objects, false).await.unwrap().is_sound());

    // A file that somebody shortened, changed, removed.
    let object = object(&world.folder.path().join("objects/parts"));
    let bytes = std::fs::read(&object).unwrap();
    let what = async |bytes: Option<&[u8]>, reads: bool| {
        match bytes {
            Some(bytes) => std::fs::write(&object, bytes).unwrap(),
            None => std::fs::remove_file(&object).unwrap(),
        }
        let found = world.store.examine(&objects, reads).await.unwrap();
        let problems: Vec<String> = found.problems.iter().map(|problem| problem.what.clone()).collect();
        assert!(!found.is_mendable());
        problems.join("; ")
    };
    let of = format!(": it is part of \"summary.json\" of the experiment {blob:?}");
    assert!(what(Some(&bytes[..5]), false).await.ends_with(&format!("has 5 of 12 bytes{of}")));
    assert_eq!(what(Some(b"first sXcond"), false).await, "");
    assert!(
        what(Some(b"first sXcond"), true).await.ends_with(&format!("has other bytes than were uploaded, from byte 6 on{of}"))
    );
    assert!(what(None, false).await.ends_with(&format!("is missing{of}")));
    // A backup of it says so, too, and is none.
    let beside = tempfile::NamedTempFile::new().unwrap();
    let error = world.store.back_up(&objects, beside.path(), Vec::new(), "1", |_, _| {}).await.unwrap_err();
    let said = error.to_string();
    assert!(said.starts_with("the server's data is damaged, so no backup was made: the file parts/"), "{said}");
    std::fs::write(&object, &bytes).unwrap();

    // Rows that name nothing.
    world.alter("DELETE FROM blob_parts").await;
    assert!(what(Some(&bytes), false).await.contains("has 0 of its 12 bytes"));
    world.alter("PRAGMA foreign_keys = OFF; DELETE FROM projects").await;
    let found = world.store.examine(&objects, false).await.unwrap();
    assert!(found.problems.iter().any(|problem| problem.about == About::Reference), "{found:?}");
}

pub(crate) async fn what_is_hidden_is_no_damage(world: World) {
    fill(&world).await;
    // As an experiment is that somebody deleted, or of which not all has come.
    world.alter("INSERT INTO hidden_batches (batch) SELECT number FROM stored_batches").await;
    world.alter("UPDATE stored_batches SET passed = 7, completed = 7").await;
    let found = world.store.examine(&world.objects(), true).await.unwrap();
    assert_eq!((found.problems.as_slice(), found.experiments, found.objects), ([].as_slice(), 0, 1));
}

/// Returns the only file below a folder.
fn object(folder: &Path) -> std::path::PathBuf {
    let entry = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    if entry.is_dir() { object(&entry) } else { entry }
}
