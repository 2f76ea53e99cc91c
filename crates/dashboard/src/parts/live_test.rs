//! How far a test is that goes on.

use keepstep_results::counts::Counts;
use keepstep_store::results::{BatchStatus, LiveState};

use crate::parts::shown_results::grouped;
use crate::parts::view::Moment;

/// After how long nobody believes any more that a test goes on, in milliseconds: our client says every 20 seconds that it is there, others say
/// nothing between two cases.
const SILENCE: i64 = 90 * 1000;
const SILENCE_OF_OTHERS: i64 = 15 * 60 * 1000;

/// How far a test is that goes on, ready to show.
#[derive(Debug)]
pub(crate) struct LiveTest {
    /// How many of its cases have ended.
    pub(crate) ended: String,
    /// How many it has.
    pub(crate) total: String,
    /// How many are left.
    pub(crate) left: String,
    /// None is left, and the upload did not come yet.
    pub(crate) is_waiting: bool,
    /// When something was last heard of it.
    pub(crate) heard: Moment,
    /// The client said that it has stopped.
    pub(crate) is_stopped: bool,
    /// Nothing was heard of it for too long.
    pub(crate) is_silent: bool,
    /// Names what is shown, for whoever waits for more.
    pub(crate) seen: String,
}

impl LiveTest {
    /// Returns how far a test is, and its counts without what stands for the upload. Nothing for one that has ended.
    pub(crate) fn of(state: &LiveState, counts: &Counts, now: i64) -> Option<(Self, Counts)> {
        if state.status != BatchStatus::Running {
            return None;
        }
        let ended = counts.total() - counts.running;
        let mut shown = *counts;
        shown.running = state.planned.map_or(counts.running, |planned| planned.saturating_sub(ended));
        let test = Self {
            ended: grouped(ended),
            total: grouped(ended + shown.running),
            left: grouped(shown.running),
            is_waiting: shown.running == 0,
            heard: Moment::of(state.heard_at),
            is_stopped: state.is_stopped,
            is_silent: is_silent(state, now),
            seen: seen(state, now),
        };
        Some((test, shown))
    }
}

/// Returns the name of what a page shows of a test: another one where it would show something else.
pub(crate) fn seen(state: &LiveState, now: i64) -> String {
    let (status, silent) = (state.status.label(), if is_silent(state, now) { "-silent" } else { "" });
    format!("{}-{status}{silent}", state.heard_at)
}

fn is_silent(state: &LiveState, now: i64) -> bool {
    let longest = if state.planned.is_some() { SILENCE } else { SILENCE_OF_OTHERS };
    state.status == BatchStatus::Running && !state.is_stopped && now - state.heard_at > longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_says_how_many_cases_are_left_and_when_it_was_last_heard_of() {
        let mut state = LiveState { status: BatchStatus::Running, heard_at: 0, planned: Some(10), is_stopped: false };
        let mut counts = Counts { passed: 3, failed: 1, running: 6, ..Counts::default() };
        let (test, _) = LiveTest::of(&state, &counts, SILENCE).unwrap();
        assert_eq!((test.ended.as_str(), test.total.as_str(), test.left.as_str()), ("4", "10", "6"));
        assert!(!test.is_silent && !test.is_waiting);
        assert!(LiveTest::of(&state, &counts, SILENCE + 1).unwrap().0.is_silent);
        assert_ne!(seen(&state, SILENCE), seen(&state, SILENCE + 1));
        // All cases are there, and the upload is not: the one that runs stands for it.
        (counts.passed, counts.running) = (9, 1);
        let (test, shown) = LiveTest::of(&state, &counts, 0).unwrap();
        assert!(test.is_waiting);
        assert_eq!((test.total.as_str(), shown.total()), ("10", 10));
        // Of others only those are known that they announced.
        (state.planned, counts.running) = (None, 2);
        let (test, _) = LiveTest::of(&state, &counts, SILENCE + 1).unwrap();
        assert_eq!((test.left.as_str(), test.is_silent), ("2", false));
        state.status = BatchStatus::Abandoned;
        assert!(LiveTest::of(&state, &counts, 0).is_none());
    }
}
