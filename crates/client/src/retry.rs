//! When to try again, and how long to wait before.
//!
//! Only here. A request is repeated if that cannot do harm (it reads, or it carries an idempotency key) and the failure
//! may pass: the network failed, or the server said 429, 502, 503 or 504. There are up to three more tries. The wait
//! before each is random up to a limit that doubles, so that many clients do not come back at the same moment; a
//! `Retry-After` is obeyed instead.
//!
//! Two limits keep a command from hanging. A server that cannot be reached at all is given up after about 3 seconds,
//! because nobody's work should wait for it. And all waiting together stays under a minute: a server that wants a longer
//! pause gets it by our giving up and saying so.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// Time and chance, so that a test can stand in for both.
pub trait Pace: Send + Sync {
    /// Returns how much time has passed since some fixed moment. It never goes back.
    fn elapsed(&self) -> Duration;
    /// Returns what the clock on the wall says, in epoch seconds. It may be wrong.
    fn now(&self) -> i64;
    /// Waits.
    fn sleep(&self, wait: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
    /// Returns a random number from 0 to 1.
    fn chance(&self) -> f64;
}

/// The real time and chance.
#[derive(Debug, Clone, Copy)]
pub struct RealPace {
    start: Instant,
}

impl Default for RealPace {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Pace for RealPace {
    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }

    fn sleep(&self, wait: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(wait))
    }

    fn chance(&self) -> f64 {
        // Without randomness every client waits the middle of its time, which is no harm.
        let random = getrandom::u32().unwrap_or(u32::MAX / 2);
        f64::from(random) / f64::from(u32::MAX)
    }
}

/// How a try failed, as far as trying again is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Nobody answers.
    Silence,
    /// Somebody began to answer, or hung up.
    Broken,
    /// The server says that it cannot now, and perhaps when to come back.
    Busy(Option<Duration>),
}

/// The limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How many more tries there are after the first.
    pub more_tries: u32,
    /// The wait before the second try is random up to this; before each later one up to twice the one before.
    pub first_wait: Duration,
    /// After this much time a server that does not answer is given up.
    pub silence: Duration,
    /// After this much time everything else is given up.
    pub total: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            more_tries: 3,
            first_wait: Duration::from_millis(250),
            silence: Duration::from_secs(3),
            total: Duration::from_secs(60),
        }
    }
}

impl Policy {
    /// Returns how long to wait before the next try, or `None` to give up. `tries` were made so far, the first one `spent`
    /// ago.
    pub fn wait(&self, failure: Failure, tries: u32, spent: Duration, chance: f64) -> Option<Duration> {
        if tries > self.more_tries {
            return None;
        }
        let limit = self.first_wait * 2u32.saturating_pow(tries.saturating_sub(1));
        let random = limit.mul_f64(chance.clamp(0.0, 1.0));
        let (wait, budget) = match failure {
            Failure::Silence => (random, self.silence),
            Failure::Broken | Failure::Busy(None) => (random, self.total),
            // A little more than asked for, so that those who were told the same do not come back together.
            Failure::Busy(Some(after)) => (after.checked_add(random)?, self.total),
        };
        (spent.checked_add(wait)? <= budget).then_some(wait)
    }
}

/// Returns how long the server asks us to stay away.
///
/// A date is compared with the server's own `Date`, so that a clock that is wrong on either side does not matter; with our
/// clock only where there is none. A date that has passed means now.
pub fn retry_after(headers: &HeaderMap, now: i64) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit mean a very long time, not none.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let until = epoch_seconds(text)?;
    let seconds = until.saturating_sub(server_time(headers).unwrap_or(now));
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// Returns what the server's clock says in `Date`, in epoch seconds.
pub(crate) fn server_time(headers: &HeaderMap) -> Option<i64> {
    epoch_seconds(headers.get(DATE)?.to_str().ok()?)
}

fn epoch_seconds(date: &str) -> Option<i64> {
    // HTTP writes the zone as `GMT`, which is a valid, if old, zone of mail dates, too.
    let parser = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true);
    parser.parse_timestamp(date).ok().map(jiff::Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_700_000_000; // Tue, 14 Nov 2023 22:13:20 GMT

    fn after(retry_after_text: &str, date: Option<&str>, now: i64) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(retry_after_text).unwrap());
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_str(date).unwrap());
        }
        retry_after(&headers, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(after("7", None, NOW), Some(7));
        assert_eq!(after(" 0 ", None, NOW), Some(0));
        assert_eq!(after("99999999999999999999999", None, NOW), Some(u64::MAX));
        assert_eq!(after("Tue, 14 Nov 2023 22:13:30 GMT", None, NOW), Some(10));
        assert_eq!(after("Tue, 14 Nov 2023 22:13:00 GMT", None, NOW), Some(0));
        for nonsense in ["soon", "-5", "", "1.5"] {
            assert_eq!(after(nonsense, None, NOW), None, "{nonsense:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), NOW), None);
    }

    #[test]
    fn a_wrong_clock_does_not_make_it_wait_for_years() {
        let (until, date) = ("Tue, 14 Nov 2023 22:13:30 GMT", "Tue, 14 Nov 2023 22:13:20 GMT");
        for wrong_now in [0, NOW - 86_400, NOW + 86_400, i64::MAX, i64::MIN] {
            assert_eq!(after(until, Some(date), wrong_now), Some(10));
        }
        // Without the server's own date ours is all there is; then the limit on all waiting decides.
        let wait = after(until, None, 0).map(Duration::from_secs);
        assert_eq!(Policy::default().wait(Failure::Busy(wait), 1, Duration::ZERO, 0.0), None);
    }

    #[test]
    fn the_waits_grow_and_end() {
        let policy = Policy::default();
        let wait =
            |failure, tries, spent| policy.wait(failure, tries, Duration::from_millis(spent), 1.0).map(|wait| wait.as_millis());
        assert_eq!([1, 2, 3, 4].map(|tries| wait(Failure::Broken, tries, 0)), [Some(250), Some(500), Some(1000), None]);
        assert_eq!(wait(Failure::Silence, 1, 2900), None);
        assert_eq!(wait(Failure::Broken, 1, 2900), Some(250));
        let asked = |seconds| Failure::Busy(Some(Duration::from_secs(seconds)));
        assert_eq!(wait(asked(5), 1, 0), Some(5250));
        assert_eq!(wait(asked(59), 1, 900), None);
        assert_eq!(wait(asked(u64::MAX), 1, 0), None);
    }

    proptest! {
        #[test]
        fn all_waiting_together_has_a_limit(chances in proptest::collection::vec(0.0f64..=1.0, 8), asked in proptest::collection::vec(proptest::option::of(0u64..100), 8)) {
            let policy = Policy::default();
            let (mut spent, mut tries) = (Duration::ZERO, 0);
            for (chance, asked) in chances.into_iter().zip(asked) {
                tries += 1;
                match policy.wait(Failure::Busy(asked.map(Duration::from_secs)), tries, spent, chance) {
                    Some(wait) => spent += wait,
                    None => break,
                }
            }
            prop_assert!(spent <= policy.total && tries <= policy.more_tries + 1);
        }
    }
}
