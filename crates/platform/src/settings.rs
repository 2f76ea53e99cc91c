//! What the person who runs the server decided.

use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use keepstep_store::artifacts::Objects;

use crate::messenger::Messenger;
use crate::oidc::OidcSettings;
use crate::secret_key::SecretKey;

/// What the person who runs the server decided.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The URL under which browsers reach the platform, where that is not the address that it listens on: behind a
    /// proxy, for example `https://keepstep.example`. An `https` one makes cookies secure.
    pub public_url: Option<String>,
    /// Whether the server itself encrypts its connections.
    pub is_encrypted: bool,
    /// Where the bytes of files are kept. A platform without such a place takes no files.
    pub objects: Option<Objects>,
    /// The largest upload and the largest single file in bytes; 64 GiB where this is left out.
    pub upload_limit: Option<u64>,
    /// Where large requests lie while they come, in files without names; the system's folder for such things where this is left out.
    pub scratch: Option<PathBuf>,
    /// How many connections there may be.
    pub limits: Limits,
    /// How many requests each key and each person may make in a minute; any number where this is left out.
    pub requests_per_minute: Option<NonZeroU32>,
    /// Encrypts secrets that the server has to read again. Without it they stand in the database as they are.
    pub secret_key: Option<SecretKey>,
    /// Brings messages to webhooks. Without it they wait.
    pub messenger: Option<Arc<dyn Messenger>>,
    /// The identity provider that people sign in with, beside passwords.
    pub oidc: Option<OidcSettings>,
    /// Which backups it makes by itself.
    pub backups: Option<BackupPlan>,
    /// Whether the description of the API is answered only to keys.
    pub is_description_closed: bool,
    /// Is told about every request.
    pub request_log: Option<RequestLog>,
}

impl Settings {
    /// Returns how the address begins under which browsers reach the platform: with `http` or with `https`.
    pub fn scheme(&self) -> &str {
        match &self.public_url {
            Some(url) => url.split_once("://").map_or("http", |(scheme, _)| scheme),
            None if self.is_encrypted => "https",
            None => "http",
        }
    }
}

/// Where the server puts backups, how often, and how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupPlan {
    /// The folder, which is there.
    pub folder: PathBuf,
    /// How old the newest one may become.
    pub every: Duration,
    /// How many of them stay.
    pub keep: usize,
}

/// How many connections there may be, and for how long they may be silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In all.
    pub connections: usize,
    /// From one address that is not this machine's; none where a proxy stands before the server, which has one for all.
    pub per_address: Option<usize>,
    /// How long the head of a request may take; as long may a connection wait for the next one.
    pub head: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 4096, per_address: Some(256), head: Duration::from_secs(30) }
    }
}

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its number.
    pub id: String,
    /// The method.
    pub method: &'static str,
    /// The path, without the query and without what is secret in it.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// How long it took until the answer began.
    pub took: Duration,
    /// The name of the key or of the person.
    pub caller: Option<String>,
}

/// Is told about every request.
#[derive(Clone)]
pub struct RequestLog(Arc<dyn Fn(Answered) + Send + Sync>);

impl RequestLog {
    /// Returns a log that calls a function, which must not take long.
    pub fn new(log: impl Fn(Answered) + Send + Sync + 'static) -> Self {
        Self(Arc::new(log))
    }

    /// Tells about a request.
    pub fn record(&self, answered: Answered) {
        (self.0)(answered);
    }
}

impl fmt::Debug for RequestLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RequestLog")
    }
}
