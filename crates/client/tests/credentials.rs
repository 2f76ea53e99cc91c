//! The file in which keys are stored.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may panic, also in its helpers")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use keepstep_client::credentials::{CredentialsError, load, remove, store};
use keepstep_client::{Secret, same_server};
use url::Url;

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn keys_are_stored_for_each_platform_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("new/keepstep");
    assert_eq!(load(&config).unwrap().urls().count(), 0);
    let (one, two) = (url("https://one.example/"), url("http://127.0.0.1:4747/base/"));
    let path = store(&config, &one, &Secret::from("key one")).unwrap();
    store(&config, &two, &Secret::from("key two")).unwrap();
    store(&config, &url("https://one.example"), &Secret::from("key \"three\"\\")).unwrap();
    let stored = load(&config).unwrap();
    assert_eq!(stored.urls().count(), 2);
    assert_eq!(stored.key_for(&one).map(Secret::reveal), Some("key \"three\"\\"));
    assert_eq!(stored.key_for(&url("http://127.0.0.1:4747/base")).map(Secret::reveal), Some("key two"));
    assert_eq!(stored.key_for(&url("http://127.0.0.1:4747/")), None, "another path may be another platform");
    assert!(same_server(stored.default_url().unwrap(), &one));
    assert_eq!(path, stored.path());

    assert!(remove(&config, &one).unwrap());
    assert!(!remove(&config, &one).unwrap());
    assert!(same_server(load(&config).unwrap().default_url().unwrap(), &two));
    assert!(remove(&config, &two).unwrap());
    assert_eq!(load(&config).unwrap().default_url(), None);
    assert!(!remove(&folder.path().join("nobody"), &one).unwrap());
    assert!(!folder.path().join("nobody").exists(), "a log-out makes no folder");
}

#[test]
fn nobody_else_can_read_them() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("keepstep");
    let path = store(&config, &url("https://one.example"), &Secret::from("k")).unwrap();
    assert_eq!((mode(&config), mode(&path)), (0o700, 0o600));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(load(&config).unwrap().is_exposed());
    store(&config, &url("https://one.example"), &Secret::from("k2")).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert!(!load(&config).unwrap().is_exposed());
}

#[test]
fn a_link_to_the_file_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let (config, elsewhere) = (folder.path().join("keepstep"), folder.path().join("dotfiles"));
    fs::create_dir_all(&config).unwrap();
    fs::create_dir_all(&elsewhere).unwrap();
    fs::write(elsewhere.join("keys.toml"), "format = 1\n").unwrap();
    symlink(elsewhere.join("keys.toml"), config.join("credentials.toml")).unwrap();
    store(&config, &url("https://one.example"), &Secret::from("k")).unwrap();
    assert!(fs::symlink_metadata(config.join("credentials.toml")).unwrap().is_symlink());
    assert!(fs::read_to_string(elsewhere.join("keys.toml")).unwrap().contains("one.example"));
    assert_eq!(mode(&elsewhere.join("keys.toml")), 0o600);
}

#[test]
fn writers_at_the_same_time_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            scope.spawn(move || {
                for number in 0..5 {
                    let url = url(&format!("https://{writer}-{number}.example"));
                    store(config, &url, &Secret::from(format!("key {writer} {number}"))).unwrap();
                    // Readers need no lock: they see one whole state or another.
                    assert!(load(config).unwrap().key_for(&url).is_some());
                }
            });
        }
    });
    assert_eq!(load(config).unwrap().urls().count(), 40);
    let files: Vec<_> = fs::read_dir(config).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files.len(), 2, "no temporary file is left: {files:?}");
}

#[test]
fn a_broken_file_is_never_replaced_and_its_secrets_are_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials.toml");
    for text in [
        "format = 1\n[[platform]]\nurl = \"https://a.example\"\nkey = \"ks_secret\n",
        "format = 1\n[[platform]]\nurl = \"ks_secret\"\nkey = \"ks_secret\"\n",
        "format = 2\n",
    ] {
        fs::write(&path, text).unwrap();
        let error = store(folder.path(), &url("https://one.example"), &Secret::from("k")).unwrap_err();
        assert!(!error.to_string().contains("ks_secret"), "{error}");
        assert_eq!(matches!(error, CredentialsError::Newer { format: 2, .. }), text.ends_with("2\n"));
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}
