use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use proptest::prelude::*;

use super::*;
use crate::files::tests::SYNCED;

type Tree = BTreeMap<String, String>;

fn read(folder: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().flatten() {
            let path = entry.path();
            if path.ends_with(".pull") {
                continue;
            } else if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                tree.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }
    tree
}

fn write(folder: &Path, tree: &Tree) {
    for (path, text) in tree {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn digest(text: &String) -> Digest {
    Digest::of_bytes(text.as_bytes())
}

fn stage(swap: &mut Swap<'_>, path: &str, before: Option<Digest>, text: &str) -> Result<(), PullError> {
    swap.change(path, before, Some(&Stored::of(text.into()))).map(drop)
}

fn swap(folder: &Path, old: &Tree, new: &Tree, before_step: BeforeStep<'_>) -> Result<(), PullError> {
    swap_with(folder, old, new, Vec::new(), before_step)
}

fn swap_with(folder: &Path, old: &Tree, new: &Tree, beside: Vec<Pending>, before_step: BeforeStep<'_>) -> Result<(), PullError> {
    let mut swap = Swap::begin(folder, before_step)?;
    for (path, text) in new {
        stage(&mut swap, path, old.get(path).map(digest), text)?;
    }
    for (path, text) in old.iter().filter(|(path, _)| !new.contains_key(*path)) {
        swap.change(path, Some(digest(text)), None)?;
    }
    swap.commit(beside)
}

/// Does something that dies before a certain step; returns false if it was done before.
fn dies(at: u32, action: impl FnOnce(BeforeStep<'_>)) -> bool {
    let mut left = at;
    let mut before_step = || {
        if left == 0 {
            resume_unwind(Box::new("died"));
        }
        left -= 1;
        Ok(())
    };
    catch_unwind(AssertUnwindSafe(|| action(&mut before_step))).is_err()
}

fn trees() -> impl Strategy<Value = Tree> {
    prop::collection::btree_map("[ab]/[a-d]", "[xyz]{1,3}", 0..6)
}

proptest! {
    // Each case syncs the disk many times.
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn f3_f37_a_crash_leaves_the_old_tree_or_the_new_one(old in trees(), new in trees(), first in 0u32..60, second in 0u32..30) {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write(folder, &old);
        let died = dies(first, |hook| swap(folder, &old, &new, hook).unwrap());
        // The one that tidies up may die, too.
        dies(second, |hook| assert!(recover(folder, hook).is_ok()));
        recover(folder, &mut || Ok(())).unwrap();
        let now = read(folder);
        prop_assert!(now == new || (died && now == old), "{now:?}");
        prop_assert!(!is_interrupted(folder));
    }

    #[test]
    fn f37_what_lies_beside_is_never_newer_than_the_tree(old in trees(), new in trees(), first in 0u32..60, second in 0u32..30) {
        let world = tempfile::tempdir().unwrap();
        let (folder, lock) = (world.path().join("scenario"), world.path().join("lock"));
        let folder = folder.as_path();
        write(folder, &old);
        fs::create_dir_all(folder).unwrap();
        fs::write(&lock, "old").unwrap();
        let is_new = || fs::read_to_string(&lock).unwrap() == "new";
        let died = dies(first, |hook| {
            let beside = vec![Pending::write(&lock, b"new").unwrap()];
            swap_with(folder, &old, &new, beside, hook).unwrap();
        });
        prop_assert!(is_new() || died);
        prop_assert!(!is_new() || read(folder) == new);
        dies(second, |hook| assert!(recover(folder, hook).is_ok()));
        recover(folder, &mut || Ok(())).unwrap();
        prop_assert!(!is_new() || read(folder) == new);
        // The tree and the lock; a tree that was empty before and after need not be there.
        let left: Vec<_> = fs::read_dir(world.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        prop_assert!(left.iter().all(|name| name == "scenario" || name == "lock"), "{left:?}");
    }

    #[test]
    fn f37_a_disk_that_refuses_leaves_the_old_tree(old in trees(), new in trees(), at in 0u32..60) {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write(folder, &old);
        let mut left = at;
        let mut before_step = || {
            left = left.checked_sub(1).unwrap_or(u32::MAX);
            if left == u32::MAX { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        };
        let done = swap(folder, &old, &new, &mut before_step);
        let was_ended = done.is_ok() || !is_interrupted(folder);
        recover(folder, &mut || Ok(())).unwrap();
        let now = read(folder);
        // Where only the very last step fails, everything is in place already, and the journal says so.
        prop_assert!(if done.is_ok() || !was_ended { now == new } else { now == old }, "{done:?} {now:?}");
    }

    #[test]
    fn f1_what_somebody_edits_after_a_crash_stays(old in trees(), new in trees(), at in 0u32..60, edited in "[ab]/[a-d]") {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write(folder, &old);
        dies(at, |hook| swap(folder, &old, &new, hook).unwrap());
        write(folder, &Tree::from([(edited.clone(), "edited".to_owned())]));
        recover(folder, &mut || Ok(())).unwrap();
        prop_assert_eq!(&read(folder)[&edited], "edited");
    }
}

#[test]
fn f1_a_file_that_changed_meanwhile_stops_the_swap() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let tree = |text: &str| Tree::from([("a/a".to_owned(), text.to_owned())]);
    write(folder, &tree("edited"));
    let error = swap(folder, &tree("looked at"), &tree("new"), &mut || Ok(())).unwrap_err();
    assert!(matches!(error, PullError::ChangedMeanwhile(_)), "{error}");
    assert_eq!(read(folder), tree("edited"));
}

/// Leaves a swap as it is where the power fails while the journal and what is staged are on their way to the disk.
fn cut_short(folder: &Path, spoil: impl FnOnce(&Path)) -> Option<Recovered> {
    let tree = |text: &str| Tree::from(["a/a", "a/b"].map(|path| (path.to_owned(), text.to_owned())));
    write(folder, &tree("old"));
    // The staging folder is made, two files are staged, two are kept, the journal is written, and then everything is to be synced.
    assert!(dies(1 + 5 + 1, |hook| swap(folder, &tree("old"), &tree("new"), hook).unwrap()));
    assert!(is_interrupted(folder));
    spoil(&folder.join(STAGING));
    let recovered = recover(folder, &mut || Ok(())).unwrap();
    assert_eq!(read(folder), tree("old"));
    assert!(!is_interrupted(folder));
    recovered
}

#[test]
fn f37_what_did_not_get_to_the_disk_is_not_put_in_place() {
    let world = tempfile::tempdir().unwrap();
    let half = |path: PathBuf| fs::write(&path, &fs::read(&path).unwrap()[..2]).unwrap();
    let journal = cut_short(&world.path().join("1"), |staging| half(staging.join(JOURNAL)));
    assert_eq!(journal, None);
    let staged = cut_short(&world.path().join("2"), |staging| half(staging.join("new-1")));
    assert_eq!(staged, Some(Recovered::TakenBack));
    let missing = cut_short(&world.path().join("3"), |staging| fs::remove_file(staging.join("new-1")).unwrap());
    assert_eq!(missing, Some(Recovered::TakenBack));
}

#[cfg(unix)]
#[test]
fn f34_links_lead_nowhere() {
    let world = tempfile::tempdir().unwrap();
    let (folder, outside) = (world.path().join("scenario"), world.path().join("outside"));
    fs::create_dir_all(&folder).unwrap();
    fs::create_dir_all(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, folder.join("inputs")).unwrap();
    std::os::unix::fs::symlink(outside.join("x"), folder.join("file")).unwrap();
    for path in ["inputs/a", "inputs/b/c", "file", "../outside/x", "/etc/x"] {
        let mut hook = || Ok(());
        let mut swap = Swap::begin(&folder, &mut hook).unwrap();
        assert!(matches!(stage(&mut swap, path, None, "x"), Err(PullError::Link(_))), "{path}");
    }
    assert_eq!(fs::read_dir(outside).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn a_long_text_of_two_paths_becomes_two_files_with_permissions_of_their_own() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let old = Tree::from([("a/a".to_owned(), "old".to_owned())]);
    write(folder, &old);
    fs::set_permissions(folder.join("a/a"), fs::Permissions::from_mode(0o640)).unwrap();
    let text = "x".repeat(300_000);
    let content = Stored::of(text.clone().into());
    let mut hook = || Ok(());
    let mut swap = Swap::begin(folder, &mut hook).unwrap();
    let before = old.get("a/a").map(digest);
    let files = [("a/a", before), ("a/b", None), ("c", None)];
    let stamps = files.map(|(path, before)| swap.change(path, before, Some(&content)).unwrap().unwrap());
    swap.commit(Vec::new()).unwrap();
    assert_eq!(read(folder), files.map(|(path, _)| (path.to_owned(), text.clone())).into_iter().collect());
    let metadata = files.map(|(path, _)| fs::metadata(folder.join(path)).unwrap());
    let inodes: BTreeSet<u64> = metadata.iter().map(fs::Metadata::ino).collect();
    assert_eq!((inodes.len(), metadata.each_ref().map(fs::Metadata::nlink)), (3, [1; 3]));
    assert_eq!(metadata[0].permissions().mode() & 0o777, 0o640);
    // A new file has the permissions that the system gives any other.
    fs::write(folder.join("other"), "x").unwrap();
    let other = fs::metadata(folder.join("other")).unwrap().permissions();
    assert_eq!((metadata[1].permissions(), metadata[2].permissions()), (other.clone(), other));
    assert_eq!(stamps, metadata.each_ref().map(Stamp::of));
}

#[test]
fn f37_the_disk_is_waited_for_three_times_and_nothing_is_put_in_place_before_it_is_there() {
    let world = tempfile::tempdir().unwrap();
    let (folder, lock) = (world.path().join("scenario"), world.path().join("lock"));
    let folder = folder.as_path();
    let tree = |text: &str| Tree::from(["a/a", "b/b"].map(|path| (path.to_owned(), text.to_owned())));
    write(folder, &Tree::from([("a/a".to_owned(), "old".to_owned())]));
    let beside = vec![Pending::write(&lock, b"new").unwrap()];
    let written = beside[0].written().to_owned();
    let syncs = || SYNCED.with_borrow(Vec::len);
    let begun = syncs();
    let mut seen = Vec::new();
    let mut hook = || {
        let is_tree =
            [("a/a", "old"), ("b/b", "")].map(|(path, old)| fs::read_to_string(folder.join(path)).unwrap_or_default() != old);
        seen.push((syncs() - begun, is_tree, lock.exists()));
        Ok(())
    };
    swap_with(folder, &Tree::from([("a/a".to_owned(), "old".to_owned())]), &tree("new"), beside, &mut hook).unwrap();
    seen.dedup();
    let expected = [
        (0, [false, false], false),
        (1, [false, false], false),
        (1, [true, false], false),
        // The journal is removed, then what lies beside is put in place.
        (2, [true, true], false),
    ];
    assert_eq!(seen, expected);
    let staging = folder.join(STAGING);
    let set = |paths: &[PathBuf]| paths.iter().cloned().collect::<BTreeSet<_>>();
    let waves = [
        set(&[staging.join("new-0"), staging.join("new-1"), staging.join(JOURNAL), written, staging.clone()]),
        set(&[folder.to_owned(), folder.join("a"), folder.join("b")]),
        set(&[staging, world.path().to_owned()]),
    ];
    assert_eq!(SYNCED.with_borrow(|synced| synced[begun..].to_vec()), waves);
    assert_eq!((read(folder), fs::read_to_string(lock).unwrap()), (tree("new"), "new".to_owned()));
}

#[test]
fn what_cannot_be_put_beside_leaves_the_new_tree() {
    let world = tempfile::tempdir().unwrap();
    let (folder, lock) = (world.path().join("scenario"), world.path().join("lock"));
    let new = Tree::from([("a/a".to_owned(), "new".to_owned())]);
    let beside = vec![Pending::write(&lock, b"new").unwrap()];
    fs::create_dir(&lock).unwrap();
    let error = swap_with(&folder, &Tree::new(), &new, beside, &mut || Ok(())).unwrap_err();
    assert!(matches!(&error, PullError::Beside(path, _) if *path == lock), "{error}");
    assert_eq!(read(&folder), new);
    assert!(!is_interrupted(&folder) && fs::read_dir(world.path()).unwrap().count() == 2);
}
