//! The servers that a person trusts, each for one project.
//!
//! An address that only a file of a project names was chosen by whoever wrote the file. A key from elsewhere goes there after the person
//! said so once, for that address and that project. It is kept in `trust.toml` in the folder of our settings, beside the keys, where no
//! project can write.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::credentials::{self, CredentialsError};
use crate::target::{display_url, parse_url, same_server};

const FILE_NAME: &str = "trust.toml";
const LOCK_NAME: &str = ".trust.lock";
const FORMAT: u32 = 1;
const HEADING: &str = "# Written by `trust`: which servers named by a project's files may get your keys.\n";

/// One server that is trusted in one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// The server.
    pub url: Url,
    /// The project's folder.
    pub project: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    #[serde(default)]
    trusted: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    url: String,
    project: PathBuf,
}

/// Returns what is trusted, in the order in which it was said.
///
/// # Errors
/// The file cannot be read or understood.
pub fn list(config_dir: &Path) -> Result<Vec<Trusted>, CredentialsError> {
    let path = config_dir.join(FILE_NAME);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(source) => return Err(CredentialsError::Io { what: "read", path, source }),
    };
    let broken = |reason: &str| CredentialsError::Broken { path: path.clone(), reason: reason.to_owned() };
    let document: Document = toml::from_str(&text).map_err(|error| broken(error.message()))?;
    if document.format > FORMAT {
        return Err(CredentialsError::Newer { path, format: document.format });
    }
    let entry = |entry: Entry| {
        let url = parse_url(&entry.url).map_err(|_| broken("an address in it is invalid"))?;
        Ok(Trusted { url, project: entry.project })
    };
    document.trusted.into_iter().map(entry).collect()
}

/// Returns true if a server is trusted in a project.
///
/// # Errors
/// As [`list`].
pub fn is_trusted(config_dir: &Path, url: &Url, project: &Path) -> Result<bool, CredentialsError> {
    let project = real(project);
    Ok(list(config_dir)?.iter().any(|trusted| trusted.project == project && same_server(&trusted.url, url)))
}

/// Trusts a server in a project, and returns the file where that is kept.
///
/// # Errors
/// The file cannot be read, understood or written; then it is as it was.
pub fn add(config_dir: &Path, url: &Url, project: &Path) -> Result<PathBuf, CredentialsError> {
    let project = real(project);
    change(config_dir, |all| {
        if !all.iter().any(|trusted| trusted.project == project && same_server(&trusted.url, url)) {
            all.push(Trusted { url: url.clone(), project });
        }
    })
}

/// Trusts a server no longer, in one project or in all of them, and returns in how many it was trusted.
///
/// # Errors
/// As [`add`].
pub fn remove(config_dir: &Path, url: &Url, project: Option<&Path>) -> Result<usize, CredentialsError> {
    let project = project.map(real);
    let mut removed = 0;
    change(config_dir, |all| {
        let before = all.len();
        all.retain(|trusted| {
            !same_server(&trusted.url, url) || project.as_ref().is_some_and(|project| *project != trusted.project)
        });
        removed = before - all.len();
    })?;
    Ok(removed)
}

/// Returns a folder by its real name: whatever links lead to it, it is the same project.
fn real(project: &Path) -> PathBuf {
    fs::canonicalize(project).unwrap_or_else(|_| project.to_owned())
}

fn change(config_dir: &Path, edit: impl FnOnce(&mut Vec<Trusted>)) -> Result<PathBuf, CredentialsError> {
    let path = config_dir.join(FILE_NAME);
    credentials::locked(config_dir, LOCK_NAME, || {
        let before = list(config_dir)?;
        let mut all = before.clone();
        edit(&mut all);
        if all != before {
            let entries = all.iter().map(|trusted| Entry { url: display_url(&trusted.url), project: trusted.project.clone() });
            let document = Document { format: FORMAT, trusted: entries.collect() };
            let text = toml::to_string(&document).map_err(|error| CredentialsError::Io {
                what: "write",
                path: path.clone(),
                source: std::io::Error::other(error),
            })?;
            credentials::write_private(&path, &format!("{HEADING}{text}"))?;
        }
        Ok(())
    })?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_trusted_in_one_project_only() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config");
        let url: Url = "https://keepstep.example/base".parse().unwrap();
        let (mine, other) = (folder.path().join("mine"), folder.path().join("other"));
        fs::create_dir_all(&mine).unwrap();
        fs::create_dir_all(&other).unwrap();
        assert!(!is_trusted(&config, &url, &mine).unwrap());
        let path = add(&config, &url, &mine).unwrap();
        add(&config, &url, &mine).unwrap();
        assert_eq!(list(&config).unwrap().len(), 1);
        assert!(is_trusted(&config, &"https://keepstep.example/base/".parse().unwrap(), &mine).unwrap());
        for (url, project) in [
            ("https://keepstep.example/base", &other),
            ("https://keepstep.example", &mine),
            ("http://keepstep.example/base", &mine),
        ] {
            assert!(!is_trusted(&config, &url.parse().unwrap(), project).unwrap(), "{url} {project:?}");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::{PermissionsExt as _, symlink};
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            symlink(&mine, folder.path().join("link")).unwrap();
            assert!(is_trusted(&config, &url, &folder.path().join("link")).unwrap());
        }
        add(&config, &url, &other).unwrap();
        assert_eq!((remove(&config, &url, Some(&mine)).unwrap(), remove(&config, &url, None).unwrap()), (1, 1));
        assert_eq!(list(&config).unwrap(), []);
    }
}
