//! How many requests each key and each person may make.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// In which time the number of requests is counted.
const WINDOW: Duration = Duration::from_secs(60);

/// After how many requests those are forgotten who have not asked for long.
const FORGOTTEN_AFTER: u32 = 10_000;

/// How far somebody is from the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many requests there may be in the window, also at once.
    pub limit: u32,
    /// In how many seconds.
    pub window: u64,
    /// How many more there may be at once.
    pub remaining: u32,
    /// After how many seconds there may be as many as the limit again.
    pub reset: u64,
    /// After how many seconds there may be another one; 0 where there may be one now.
    pub after: u64,
}

/// Counts requests. This server counts for itself: where several share a database, each has the limit.
#[derive(Debug)]
pub(crate) struct Rates {
    limit: NonZeroU32,
    limiter: RateLimiter<String, HashMapStateStore<String>, MonotonicClock, StateInformationMiddleware>,
    asked: AtomicU32,
}

impl Rates {
    /// Returns a limit of so many requests in a minute, for each who asks.
    pub(crate) fn per_minute(limit: NonZeroU32) -> Self {
        let limiter = RateLimiter::hashmap_with_clock(Quota::per_minute(limit), MonotonicClock).with_middleware();
        Self { limit, limiter, asked: AtomicU32::new(0) }
    }

    /// Counts a request. `who` is the id of a key or of a person.
    ///
    /// # Errors
    /// There were too many.
    pub(crate) fn count(&self, who: &String) -> Result<Rate, Rate> {
        if (self.asked.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(FORGOTTEN_AFTER) {
            self.limiter.retain_recent();
        }
        let limit = self.limit.get();
        // Each request that was made is given back after this part of the window.
        let full_after = |used: u32| u64::from(used).saturating_mul(WINDOW.as_secs()).div_ceil(u64::from(limit));
        let rate = Rate { limit, window: WINDOW.as_secs(), remaining: 0, reset: full_after(limit), after: 0 };
        match self.limiter.check_key(who) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                Ok(Rate { remaining, reset: full_after(limit.saturating_sub(remaining)), ..rate })
            }
            Err(until) => {
                let wait = until.wait_time_from(self.limiter.clock().now());
                Err(Rate { after: wait.as_secs() + u64::from(wait.subsec_nanos() > 0), ..rate })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_the_limit_and_is_told_how_far_it_is() {
        let rates = Rates::per_minute(NonZeroU32::new(2).unwrap());
        let (ci, ada) = ("key_1".to_owned(), "user_1".to_owned());
        let first = rates.count(&ci).unwrap();
        assert_eq!((first.limit, first.window, first.remaining, first.reset, first.after), (2, 60, 1, 30, 0));
        assert_eq!(rates.count(&ci).unwrap().remaining, 0);
        let refused = rates.count(&ci).unwrap_err();
        assert!((1..=30).contains(&refused.after) && refused.remaining == 0, "{refused:?}");
        assert_eq!(rates.count(&ada).unwrap().remaining, 1);
    }
}
