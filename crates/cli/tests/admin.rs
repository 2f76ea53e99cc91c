//! `keepstep admin …`

use insta::assert_snapshot;

use crate::common::Bench;

#[test]
fn what_is_made_is_printed_alone() {
    let bench = Bench::new();
    let key = bench.platform.admin(&["key", "create", "--name", "ci", "--role", "viewer", "--expires", "90d"]);
    assert!(key.starts_with("ks_api_") && !key.contains(char::is_whitespace), "{key}");
    let project = bench.platform.admin(&["project", "create", "--name", "shop"]);
    assert!(project.starts_with("project_") && !project.contains(char::is_whitespace), "{project}");
    let agent = bench.platform.admin(&["agent", "create", "--name", "Other", "--org", "Second"]);
    assert_eq!(agent.split(' ').count(), 2, "{agent}");
    let link = bench.platform.admin(&["owner-link"]);
    assert!(link.starts_with(&bench.platform.url()), "{link}");
}

#[test]
fn a_key_that_was_taken_back_is_refused_at_once() {
    let bench = Bench::new();
    let listed = bench.platform.admin(&["key", "list"]);
    let id = listed.split_whitespace().next().unwrap();
    bench.platform.admin(&["key", "revoke", id]);
    let output = bench.output(&["sync", "--check"]);
    assert_eq!(output.status.code(), Some(9));
}

#[test]
fn postgres_is_not_there_yet() {
    let bench = Bench::new();
    assert_snapshot!(bench.run(&["admin", "key", "list", "--database-url", "postgres://localhost/x"]), @"
    exit: 2
    ----- stderr -----
    error: this keepstep keeps its data in SQLite only: --database-url accepts sqlite://PATH
    hint: leave --database-url out to use the database in the data folder
    ");
}

#[test]
fn a_mistyped_folder_is_not_made() {
    let bench = Bench::new();
    for command in [&["list"][..], &["revoke", "key_1"]] {
        let output = bench.output(&[&["admin", "key"], command, &["--data", "daat"]].concat());
        assert_eq!(output.status.code(), Some(3));
        assert!(!bench.project().has("daat"));
    }
}

#[test]
fn nothing_is_created_on_a_path_without_a_platform() {
    let bench = Bench::new();
    bench.project().file("orders.yaml", "scenario: {name: orders}\ninputs: [{text: a}]\n");
    for command in [
        &["key", "create", "--name", "k"][..],
        &["owner-link"],
        &["agent", "create", "--name", "a"],
        &["project", "create", "--name", "p"],
        &["import", "--project", "p", "orders.yaml"],
    ] {
        let output = bench.output(&[&["admin"], command, &["--data", "daat"]].concat());
        assert_eq!(output.status.code(), Some(3), "{command:?}");
        assert!(output.stdout.is_empty() && String::from_utf8_lossy(&output.stderr).contains("--create"), "{command:?}");
        assert!(!bench.project().has("daat"));
    }
    assert_eq!(bench.output(&["admin", "key", "create", "--name", "k", "--data", "daat", "--create"]).status.code(), Some(0));
}

/// What cannot be made leaves no organization behind that only it would have had.
#[test]
fn a_name_that_cannot_be_is_refused_before_anything_is_made() {
    let bench = Bench::new();
    for (what, name) in [("project", " "), ("project", "a\u{1}"), ("agent", " ")] {
        let data = format!("data-{what}-{}", name.len());
        let create = |what: &str, name: &str, more: &[&str]| {
            bench.json(&[&["admin", what, "create", "--create", "--data", &data, "--name", name], more].concat())
        };
        let (exit, refused) = create(what, name, &["--org", "Second"]);
        assert_ne!(exit, 0, "{what} {name:?}: {refused}");
        // The oldest organization is another one than the one that was named.
        let (_, first) = create("project", "shop", &[]);
        let (_, second) = create("project", "shop", &["--org", "Second"]);
        assert_ne!(first["org_id"], second["org_id"], "{what} {name:?}");
    }
}

#[test]
fn an_agent_without_a_name_is_not_made() {
    let bench = Bench::new();
    assert_eq!(bench.output(&["admin", "agent", "create", "--data", "data", "--create", "--name", ""]).status.code(), Some(2));
}

#[test]
fn a_log_that_was_changed_is_found() {
    let mut bench = Bench::new();
    bench.platform.admin(&["key", "create", "--name", "original"]);
    let data = bench.platform.data_dir();
    let verify = ["admin", "verify-log", "--data", data.to_str().unwrap()];
    assert_snapshot!(bench.run(&verify), @"
    exit: 0
    ----- stdout -----
    Default: 4 entries, none changed
    ");
    // Whoever has the file can write into it.
    bench.platform.terminate();
    let file = data.join("keepstep.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let places: Vec<usize> = (0..bytes.len() - 8).filter(|place| bytes[*place..].starts_with(b"original")).collect();
    assert!(places.len() > 1, "the key and what is told of it");
    for place in places {
        bytes[place..place + 8].copy_from_slice(b"modified");
    }
    std::fs::write(&file, bytes).unwrap();
    assert_snapshot!(bench.run(&verify), @"
    exit: 1
    ----- stdout -----
    Default: entry 4 was changed, or an entry before it was added or removed
    ----- stderr -----
    hint: compare with a backup of the data, or with a file that `Activity` in the dashboard exported earlier
    ");
}

#[test]
fn what_takes_the_room_is_shown() {
    let bench = Bench::new();
    let project = bench.platform.admin(&["project", "create", "--name", "Shop"]);
    let data = bench.platform.data_dir();
    let stats = ["admin", "stats", "--data", data.to_str().unwrap()];
    let (exit, said) = bench.json(&stats);
    assert_eq!(exit, 0, "{said}");
    let bytes = |value: &serde_json::Value| value.as_u64().unwrap();
    let kinds: u64 = said["kinds"].as_array().unwrap().iter().map(|kind| bytes(&kind["bytes"])).sum();
    assert_eq!(kinds + bytes(&said["free_bytes"]), bytes(&said["database_bytes"]), "{said}");
    let listed = said["projects"].as_array().unwrap().iter().find(|listed| listed["id"] == project.as_str()).unwrap();
    assert_eq!(
        (&listed["name"], &listed["experiments"], &listed["kept_days"]),
        (&"Shop".into(), &0.into(), &serde_json::Value::Null)
    );
    let shown = bench.run(&stats);
    let heads: Vec<&str> = shown.lines().filter_map(|line| line.split("  ").next()).collect();
    for wanted in ["WHAT", "Database", "Files", "No project has experiments."] {
        assert!(heads.contains(&wanted), "{wanted}: {shown}");
    }
}

#[test]
fn a_backup_is_made_while_the_server_runs_and_is_served_again() {
    let mut bench = Bench::new();
    bench.platform.admin(&["key", "create", "--name", "kept"]);
    let data = bench.platform.data_dir();
    let data = data.to_str().unwrap();
    let (exit, made) = bench.json(&["admin", "backup", "--data", data, "mine.backup"]);
    assert_eq!((exit, made["manifest"]["format"].as_u64()), (0, Some(1)), "{made}");
    let (exit, refused) = bench.json(&["admin", "backup", "--data", data, "mine.backup"]);
    assert_eq!((exit, refused["error"]["message"].as_str().unwrap().ends_with("mine.backup exists")), (2, true), "{refused}");
    assert_eq!(bench.json(&["admin", "backup", "--data", data, "mine.backup", "--replace"]).0, 0);
    let (exit, checked) = bench.json(&["admin", "restore", "mine.backup", "--check"]);
    assert_eq!((exit, checked["problems"].as_array().map(Vec::len)), (0, Some(0)), "{checked}");
    // Nothing else stays in the folder.
    let names = |folder: &std::path::Path| {
        let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let folder = bench.project().path().to_owned();
    let others = names(&folder).into_iter().filter(|name| name.to_string_lossy().contains("keepstep-"));
    assert_eq!(others.collect::<Vec<_>>(), Vec::<std::ffi::OsString>::new());

    bench.platform.terminate();
    // Into a folder that does not exist, and into one that is empty: it may be a disk.
    std::fs::create_dir(folder.join("empty")).unwrap();
    for target in ["empty", "restored"] {
        let (exit, restored) = bench.json(&["admin", "restore", "mine.backup", "--data", target]);
        assert_eq!((exit, names(&folder.join(target)).len()), (0, 2), "{restored}");
    }
    assert_eq!(names(&folder.join("restored")), ["keepstep.db", "objects"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |folder: std::path::PathBuf| std::fs::metadata(folder).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folder.join("restored")), 0o700);
    }
    let refused = bench.output(&["admin", "restore", "mine.backup", "--data", "restored"]);
    assert_eq!(refused.status.code(), Some(2), "a folder with something in it");
    assert_snapshot!(bench.run(&["admin", "fsck", "--data", "restored", "--content"]), @"
    exit: 0
    ----- stdout -----
    Looked at the database, 0 experiments, 0 files and 4 entries of the activity log.
    No problems found.
    ");
    let keys = bench.output(&["admin", "key", "list", "--data", "restored"]);
    assert!(String::from_utf8_lossy(&keys.stdout).contains("kept"));
}

#[test]
fn what_is_no_backup_is_refused_with_its_name() {
    let bench = Bench::new();
    bench.project().file("notes.txt", "not a backup");
    assert_snapshot!(bench.run(&["admin", "restore", "notes.txt", "--data", "there"]), @"
    exit: 2
    ----- stderr -----
    error: [WORLD]/project/notes.txt: this is not a backup of keepstep: it cannot be unpacked (Unknown frame descriptor)
    ");
    assert!(!bench.project().has("there"));
    assert_eq!(bench.output(&["admin", "restore", "none.backup", "--check"]).status.code(), Some(2));
    assert_eq!(bench.output(&["admin", "restore", "notes.txt"]).status.code(), Some(2), "neither a folder nor --check");
    assert_eq!(bench.output(&["admin", "backup", "--data", "none", "mine.backup"]).status.code(), Some(3));
    assert!(!bench.project().has("mine.backup"));
}
