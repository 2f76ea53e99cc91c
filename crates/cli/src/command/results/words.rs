//! Figures for people.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use keepstep_results::compare::Figure;
use keepstep_results::head::Head;
use keepstep_results::statistics::Interval;
use keepstep_results::status::Status;
use keepstep_results::tally::Rate;
pub(super) use keepstep_results::tally::percent;
use keepstep_results::totals::Totals;
use keepstep_workspace::experiments::State;

use crate::shell::age::ago_in_table;
use crate::shell::printer::Label;

/// Returns the pass rate with the interval in which it lies.
pub(super) fn rate(totals: &Totals) -> Option<Rate> {
    Rate::of(totals.counts.passed, totals.counts.judged())
}

/// Returns an interval.
pub(super) fn interval(interval: Interval) -> String {
    format!("{} to {}", percent(interval.low), percent(interval.high))
}

/// Returns a number of seconds as a duration, also where it is nonsense.
pub(super) fn seconds(number: f64) -> Duration {
    Duration::try_from_secs_f64(number).unwrap_or_default()
}

/// Returns a sum of money.
pub(super) fn dollars(cost: f64) -> String {
    if cost != 0.0 && cost < 0.1 { format!("${cost:.4}") } else { format!("${cost:.2}") }
}

/// Returns a number of tokens.
pub(super) fn whole(number: f64) -> String {
    format!("{number:.0}")
}

/// Returns a figure in both runs, and by how much it has grown.
pub(super) fn change(figure: Figure, words: fn(f64) -> String) -> Option<String> {
    let known = |number: Option<f64>| number.map_or_else(|| "not known".to_owned(), words);
    if figure.before.is_none() && figure.after.is_none() {
        return None;
    }
    let growth = figure.growth().map_or_else(String::new, |growth| format!("  {:+.1}%", without_sign_of_zero(growth * 100.0)));
    Some(format!("{} → {}{growth}", known(figure.before), known(figure.after)))
}

/// Returns what is 0.0 when it is shown, as 0: a figure that did not change has not got smaller.
fn without_sign_of_zero(number: f64) -> f64 {
    if number.abs() < 0.05 { 0.0 } else { number }
}

/// Returns when a run began, for people.
pub(super) fn date(head: &Head) -> String {
    head.date.as_deref().map_or_else(String::new, |date| date.chars().take(19).collect::<String>().replace('T', " "))
}

/// Returns how long ago a run began, for people; where its own time cannot be read, that.
pub(super) fn when(head: &Head, now: Timestamp) -> String {
    let Some(written) = head.date.as_deref() else { return String::new() };
    let local = |text: &str| text.parse::<DateTime>().ok()?.to_zoned(TimeZone::system()).ok().map(|time| time.timestamp());
    match written.parse::<Timestamp>().ok().or_else(|| local(written)) {
        Some(time) => ago_in_table(now, time, || date(head).chars().take(10).collect()),
        None => date(head),
    }
}

/// Returns how far a run is.
pub(super) fn state(state: State) -> &'static str {
    match state {
        State::Uploaded => "uploaded",
        State::Pending => "not uploaded",
        State::Incomplete => "incomplete",
        State::Running => "running",
    }
}

/// Returns the sign and the look of a case that ended so.
pub(super) fn mark(status: Status) -> (&'static str, Label) {
    match status {
        Status::Passed => ("✓", Label::Good),
        Status::Skipped | Status::Running | Status::Abandoned => ("-", Label::Unchanged),
        Status::NotJudged => ("–", Label::Warning),
        Status::Failed | Status::NotPassed | Status::Error | Status::Timeout => ("✗", Label::Error),
    }
}
