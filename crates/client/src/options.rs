//! How to connect, and who is told meanwhile.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::retry::{Pace, Policy, RealPace};

/// How to connect.
#[derive(Clone)]
pub struct Options {
    /// A file with the certificates to trust in place of the system's, `SSL_CERT_FILE`.
    pub certificate_file: Option<PathBuf>,
    /// A folder with the certificates to trust in place of the system's, `SSL_CERT_DIR`.
    pub certificate_folder: Option<PathBuf>,
    /// How long silence may last: until there is a connection, until the first byte of an answer, and between its bytes.
    pub silence: Duration,
    /// The largest answer that is read into memory, in bytes.
    pub answer_limit: usize,
    /// The largest answer that is read into a [`Sink`](crate::Sink), in bytes.
    pub sink_limit: usize,
    /// When it is first said that a server keeps us waiting; after that, each half of this time.
    pub said_after: Duration,
    /// Is told when a server keeps us waiting.
    pub waiting: Option<Arc<dyn Waiting>>,
    /// The servers that were silent until we gave up, so that the next connection of the same command does not wait as long again.
    pub silent: Arc<Silent>,
    /// When to try again.
    pub policy: Policy,
    /// Time and chance.
    pub pace: Arc<dyn Pace>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            certificate_file: None,
            certificate_folder: None,
            silence: Duration::from_secs(15),
            answer_limit: 32 * 1024 * 1024,
            sink_limit: 512 * 1024 * 1024,
            said_after: Duration::from_secs(2),
            waiting: None,
            silent: Arc::default(),
            policy: Policy::default(),
            pace: Arc::new(RealPace::default()),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Options").field("silence", &self.silence).field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// Is told that a server keeps us waiting, and that it does no longer.
pub trait Waiting: Send + Sync {
    /// Nothing has come for so long. Said about once a second, from the second one on.
    fn still(&self, server: &str, waited: Duration);

    /// Something came, or we gave up.
    fn over(&self);
}

/// The servers that were silent until we gave up.
#[derive(Debug, Default)]
pub struct Silent(Mutex<BTreeSet<String>>);

impl Silent {
    pub(crate) fn contains(&self, server: &str) -> bool {
        self.0.lock().is_ok_and(|servers| servers.contains(server))
    }

    pub(crate) fn add(&self, server: &str) {
        if let Ok(mut servers) = self.0.lock() {
            servers.insert(server.to_owned());
        }
    }
}
