//! How often somebody may try to sign in: counted in the database, so that it holds over a restart and over many servers.

use keepstep_store::{Attempted, Failures};

use crate::error::Error;
use crate::platform::Platform;

/// How many attempts at one account may fail before one has to wait.
const FREE_OF_ACCOUNT: i64 = 5;

/// How many from one network address: a whole office, or everybody behind a proxy, can have the same.
const FREE_OF_NETWORK: i64 = 50;

const SECOND: i64 = 1000;

/// The longest wait, in milliseconds: 15 minutes.
const LONGEST: i64 = 15 * 60 * SECOND;

/// An attempt that was let through. It counts as failed until it is said to have succeeded.
pub(crate) struct Attempt<'a> {
    platform: &'a Platform,
    /// None where it is known only afterwards who tries.
    account: Option<Attempted<'a>>,
    network: Attempted<'a>,
}

impl Platform {
    /// Lets an attempt through, or says how long to wait.
    ///
    /// # Errors
    /// There were too many that failed, or the database failed.
    pub(crate) async fn attempt<'a>(
        &'a self,
        account: impl Into<Option<Attempted<'a>>>,
        address: &'a str,
    ) -> Result<Attempt<'a>, Error> {
        let (account, network) = (account.into(), Attempted::Network(address));
        let counted = [account.map(|account| (account, FREE_OF_ACCOUNT)), Some((network, FREE_OF_NETWORK))];
        let mut transaction = self.store.write().await?;
        let now = transaction.now();
        for (of, free) in counted.into_iter().flatten() {
            if let Some(wait) = wait(transaction.failures(of).await?, free, now) {
                return Err(Error::TooManyAttempts { seconds: wait.unsigned_abs().div_ceil(SECOND.unsigned_abs()) });
            }
        }
        for (of, _) in counted.into_iter().flatten() {
            transaction.count_failure(of).await?;
        }
        transaction.commit().await?;
        Ok(Attempt { platform: self, account, network })
    }
}

impl Attempt<'_> {
    /// Takes the attempt for one that succeeded.
    ///
    /// # Errors
    /// The database failed.
    pub(crate) async fn succeeded(self) -> Result<(), Error> {
        let mut transaction = self.platform.store.write().await?;
        if let Some(account) = self.account {
            transaction.forget_failures(account).await?;
        }
        transaction.uncount_failure(self.network).await?;
        Ok(transaction.commit().await?)
    }
}

/// Returns how long to wait still, in milliseconds. Each failure beyond those that are free doubles the wait.
fn wait(failures: Failures, free: i64, now: i64) -> Option<i64> {
    let beyond = failures.count - free;
    if beyond < 0 {
        return None;
    }
    let doubled = u32::try_from(beyond).ok().and_then(|beyond| 1_i64.checked_shl(beyond.min(20)));
    let whole = doubled.unwrap_or(LONGEST).saturating_mul(SECOND).min(LONGEST);
    // A clock that was set back does not keep anybody out for longer than the wait is.
    let passed = now.saturating_sub(failures.last_at).max(0);
    (whole > passed).then_some(whole - passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_doubles_up_to_a_quarter_of_an_hour() {
        let after = |count| wait(Failures { count, last_at: 0 }, 5, 0).unwrap_or_default() / SECOND;
        let waits: Vec<i64> = (4..17).map(after).collect();
        assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(after(i64::MAX), 900);
        assert_eq!(wait(Failures { count: 6, last_at: 0 }, 5, 1500), Some(500));
        assert_eq!(wait(Failures { count: 6, last_at: 0 }, 5, 2000), None);
        assert_eq!(wait(Failures { count: 6, last_at: 9_000_000 }, 5, 0), Some(2000));
    }
}
