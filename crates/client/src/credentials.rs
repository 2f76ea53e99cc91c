//! The keys that `login` stored, one for each platform.
//!
//! They are in `credentials.toml` in the folder of our settings. The file is made with mode 0600 before the first byte is
//! in it, and replaced as a whole by renaming, while a lock beside it keeps two logins apart. Whoever reads it sees the
//! old keys or the new ones, never half of them.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use keepstep_base::whole_file::{self, Policy};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::secret::Secret;
use crate::target::{display_url, parse_url, same_server};

const FILE_NAME: &str = "credentials.toml";
const LOCK_NAME: &str = ".credentials.lock";
const FORMAT: u32 = 1;
const HEADING: &str = "# Written by `login` and `logout`. These keys are secrets.\n";

/// Why the stored keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The file or its folder cannot be read or written.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The file is not what `login` writes.
    #[error("{} is broken: {reason}", path.display())]
    Broken {
        /// Which file.
        path: PathBuf,
        /// What is wrong, without any of its text: that is secret.
        reason: String,
    },
    /// A newer version wrote the file.
    #[error("{} was written by a newer version (format {format}, this one reads {FORMAT})", path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
}

impl CredentialsError {
    /// Returns what to do about it.
    pub(crate) fn hint(&self, program: &str) -> Option<String> {
        match self {
            Self::Io { .. } => None,
            Self::Broken { path, .. } => Some(format!("repair it, or remove {} and run `{program} login URL`", path.display())),
            Self::Newer { .. } => Some(format!("update {program}")),
        }
    }
}

/// The stored keys.
#[derive(Debug, Clone)]
pub struct Credentials {
    path: PathBuf,
    default: Option<Url>,
    platforms: Vec<Platform>,
    is_exposed: bool,
}

#[derive(Debug, Clone)]
struct Platform {
    url: Url,
    secret: Secret,
    renewal: Option<Renewal>,
}

/// What a key that ends soon is renewed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// The token for the next key; it can be used once.
    pub token: Secret,
    /// When the present key ends, as an ISO 8601 time.
    pub expires_at: String,
}

impl Credentials {
    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the platform of the last login.
    pub fn default_url(&self) -> Option<&Url> {
        self.default.as_ref()
    }

    /// Returns the platforms in the order in which they were stored.
    pub fn urls(&self) -> impl Iterator<Item = &Url> {
        self.platforms.iter().map(|stored| &stored.url)
    }

    /// Returns the key for exactly this platform.
    pub fn key_for(&self, url: &Url) -> Option<&Secret> {
        self.platform(url).map(|stored| &stored.secret)
    }

    /// Returns what the key for exactly this platform is renewed with, if it ends.
    pub fn renewal_for(&self, url: &Url) -> Option<&Renewal> {
        self.platform(url)?.renewal.as_ref()
    }

    fn platform(&self, url: &Url) -> Option<&Platform> {
        self.platforms.iter().find(|stored| same_server(&stored.url, url))
    }

    fn put(&mut self, url: &Url, secret: Secret, renewal: Option<Renewal>) {
        match self.platforms.iter_mut().find(|stored| same_server(&stored.url, url)) {
            Some(stored) => (stored.secret, stored.renewal) = (secret, renewal),
            None => self.platforms.push(Platform { url: url.clone(), secret, renewal }),
        }
    }

    /// Returns true if others on this machine may read the file, because somebody changed its mode.
    pub fn is_exposed(&self) -> bool {
        self.is_exposed
    }

    /// Returns the platform for which a key is stored.
    pub(crate) fn url_of(&self, secret: &Secret) -> Option<&Url> {
        self.platforms.iter().find(|stored| stored.secret == *secret).map(|stored| &stored.url)
    }
}

#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    #[serde(default, rename = "platform")]
    platforms: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    url: String,
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    renewal_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

/// Returns the stored keys; none where nobody logged in yet.
///
/// # Errors
/// The file cannot be read or understood.
pub fn load(config_dir: &Path) -> Result<Credentials, CredentialsError> {
    let path = config_dir.join(FILE_NAME);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Credentials { path, default: None, platforms: Vec::new(), is_exposed: false });
        }
        Err(source) => return Err(CredentialsError::Io { what: "read", path, source }),
    };
    let broken = |reason: &str| CredentialsError::Broken { path: path.clone(), reason: reason.to_owned() };
    // The error's own text would show the line, and with it a key.
    let document: Document = toml::from_str(&text).map_err(|error| broken(error.message()))?;
    if document.format > FORMAT {
        return Err(CredentialsError::Newer { path, format: document.format });
    }
    let mut platforms = Vec::new();
    for entry in document.platforms {
        let url = parse_url(&entry.url).map_err(|_| broken("a URL in it is not valid"))?;
        let renewal = entry
            .renewal_token
            .map(|token| Renewal { token: Secret::from(token), expires_at: entry.expires_at.unwrap_or_default() });
        platforms.push(Platform { url, secret: Secret::from(entry.key), renewal });
    }
    let default = document.default.map(|url| parse_url(&url).map_err(|_| broken("its default is not a URL"))).transpose()?;
    let is_exposed = is_exposed(&path);
    Ok(Credentials { path, default, platforms, is_exposed })
}

/// Stores the key for a platform in the place of the one it had, makes it the platform of the last login, and returns the
/// file.
///
/// # Errors
/// The file cannot be read, understood or written; then it is as it was.
pub fn store(config_dir: &Path, url: &Url, secret: &Secret) -> Result<PathBuf, CredentialsError> {
    store_renewable(config_dir, url, secret, None)
}

/// Stores a key as [`store`] does, with what it is renewed with.
///
/// # Errors
/// As [`store`].
pub fn store_renewable(
    config_dir: &Path,
    url: &Url,
    secret: &Secret,
    renewal: Option<Renewal>,
) -> Result<PathBuf, CredentialsError> {
    change(config_dir, |credentials| {
        credentials.put(url, secret.clone(), renewal);
        credentials.default = Some(url.clone());
        true
    })
    .map(|(path, _)| path)
}

/// Renews the key for a platform if that is due, and returns the key that holds then; `None` where there is none.
///
/// A token can be used once, so nobody else renews while `ask` does: of two commands that start together, the second finds
/// what the first got. Where `ask` gets nothing, the old key stays.
///
/// # Errors
/// The file cannot be read, understood or written; then it is as it was.
pub fn renew(
    config_dir: &Path,
    url: &Url,
    is_due: impl FnOnce(&Renewal) -> bool,
    ask: impl FnOnce(&Renewal) -> Option<(Secret, Renewal)>,
) -> Result<Option<Secret>, CredentialsError> {
    let mut key = None;
    change(config_dir, |credentials| {
        let renewed = credentials.renewal_for(url).filter(|renewal| is_due(renewal)).and_then(ask);
        let is_changed = renewed.is_some();
        if let Some((secret, renewal)) = renewed {
            credentials.put(url, secret, Some(renewal));
        }
        key = credentials.key_for(url).cloned();
        is_changed
    })?;
    Ok(key)
}

/// Removes the key for a platform and returns whether there was one. Another stored platform, the newest one, becomes the
/// one that is used without being named.
///
/// # Errors
/// The file cannot be read, understood or written; then it is as it was.
pub fn remove(config_dir: &Path, url: &Url) -> Result<bool, CredentialsError> {
    let path = config_dir.join(FILE_NAME);
    if !path.exists() {
        return Ok(false);
    }
    change(config_dir, |credentials| {
        let before = credentials.platforms.len();
        credentials.platforms.retain(|stored| !same_server(&stored.url, url));
        if credentials.default.as_ref().is_some_and(|default| same_server(default, url)) {
            credentials.default = credentials.platforms.last().map(|stored| stored.url.clone());
        }
        credentials.platforms.len() < before
    })
    .map(|(_, was_there)| was_there)
}

fn change(config_dir: &Path, edit: impl FnOnce(&mut Credentials) -> bool) -> Result<(PathBuf, bool), CredentialsError> {
    locked(config_dir, LOCK_NAME, || {
        let mut credentials = load(config_dir)?;
        let is_changed = edit(&mut credentials);
        if is_changed {
            write(&credentials)?;
        }
        Ok((credentials.path, is_changed))
    })
}

/// Does something in the folder of our settings while nobody else does the like.
pub(crate) fn locked<T>(
    config_dir: &Path,
    name: &str,
    action: impl FnOnce() -> Result<T, CredentialsError>,
) -> Result<T, CredentialsError> {
    make_folder(config_dir)?;
    // Unlocked when it is closed, also by a crash.
    let _lock = lock(&config_dir.join(name))?;
    action()
}

fn write(credentials: &Credentials) -> Result<(), CredentialsError> {
    let document = Document {
        format: FORMAT,
        default: credentials.default.as_ref().map(display_url),
        platforms: (credentials.platforms.iter())
            .map(|stored| Entry {
                url: display_url(&stored.url),
                key: stored.secret.reveal().to_owned(),
                renewal_token: stored.renewal.as_ref().map(|renewal| renewal.token.reveal().to_owned()),
                expires_at: stored.renewal.as_ref().map(|renewal| renewal.expires_at.clone()),
            })
            .collect(),
    };
    let fail = |source| CredentialsError::Io { what: "write", path: credentials.path.clone(), source };
    let text = toml::to_string(&document).map_err(|error| fail(std::io::Error::other(error)))?;
    write_private(&credentials.path, &format!("{HEADING}{text}"))
}

/// Replaces a file as a whole with one that only its owner may read.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), CredentialsError> {
    let write = || whole_file::write(&whole_file::behind_link(path), text.as_bytes(), Policy::Private);
    write().map_err(|source| CredentialsError::Io { what: "write", path: path.to_owned(), source })
}

fn make_folder(folder: &Path) -> Result<(), CredentialsError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| CredentialsError::Io { what: "create", path: folder.to_owned(), source })
}

fn lock(path: &Path) -> Result<File, CredentialsError> {
    let fail = |source| CredentialsError::Io { what: "lock", path: path.to_owned(), source };
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(fail)?;
    file.lock().map_err(fail)?;
    Ok(file)
}

#[cfg(unix)]
fn is_exposed(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_exposed(_path: &Path) -> bool {
    false
}
