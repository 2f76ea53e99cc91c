//! How often devices ask whether they are signed in.

use std::collections::HashMap;

/// How many devices may wait at a time.
pub(crate) const MOST: i64 = 2000;

/// A device asks every few seconds whether it was let in. One that has not for so long, in milliseconds, makes room for another, so that
/// nobody keeps people from signing in by asking for codes and leaving them.
pub(crate) const SILENCE: i64 = 10 * 1000;

/// When waiting devices last asked. Only this process knows it, and a device that it does not know asks again soon.
#[derive(Debug, Default)]
pub(crate) struct Asking(HashMap<String, i64>);

impl Asking {
    /// Remembers that a device asked.
    pub(crate) fn note(&mut self, device_hash: String, now: i64) {
        if self.0.len() >= usize::try_from(2 * MOST).unwrap_or(usize::MAX) {
            self.0.retain(|_, asked| *asked > now - SILENCE);
        }
        self.0.insert(device_hash, now);
    }

    /// Returns whether a device has not asked since.
    pub(crate) fn is_silent(&self, device_hash: &str, since: i64) -> bool {
        self.0.get(device_hash).is_none_or(|asked| *asked <= since)
    }
}
