//! What the pages of test data and results show in the same way.

use keepstep_http::addresses::segment;
use keepstep_store::results::{Artifact, BatchStatus, Counts, RunBatch, Status};
use serde_json::{Map, Value};

use crate::parts::visible::Visible;

/// How many characters of one text stand on a page. Whoever wants all of it downloads the file.
const LONGEST_TEXT: usize = 50_000;

/// A status, ready to show: a word and the class of its color.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Badge {
    pub(crate) label: &'static str,
    pub(crate) class: &'static str,
}

impl From<BatchStatus> for Badge {
    fn from(status: BatchStatus) -> Self {
        match status {
            BatchStatus::Running => Self { label: "running", class: "going" },
            BatchStatus::Completed => Self { label: "completed", class: "good" },
            BatchStatus::Failed => Self { label: "with failures", class: "bad" },
            BatchStatus::Abandoned => Self { label: "abandoned", class: "draft" },
        }
    }
}

impl Badge {
    /// Returns the badge of a run: what a judge said counts more than that it ended well.
    pub(crate) fn of_run(status: Status) -> Self {
        let class = match status {
            Status::Running => "going",
            Status::Passed => "good",
            Status::NotPassed | Status::Failed | Status::Error | Status::Timeout => "bad",
            Status::NotJudged | Status::Abandoned => "draft",
            Status::Skipped => "",
        };
        let label = if status == Status::Timeout { status.in_words() } else { status.word() };
        Self { label, class }
    }
}

/// The counts of a batch, ready to show.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) total: String,
    pub(crate) passed: String,
    pub(crate) not_passed: String,
    pub(crate) not_judged: String,
    pub(crate) has_not_judged: bool,
    pub(crate) skipped: String,
    pub(crate) running: String,
    pub(crate) has_skipped: bool,
    pub(crate) is_running: bool,
    /// The part of the runs that passed, once all have ended.
    pub(crate) rate: Option<String>,
    /// Where the parts of a bar of 1000 begin and how wide they are: passed, not passed, running.
    pub(crate) bar: [(u64, u64); 3],
}

impl From<&Counts> for Figures {
    fn from(counts: &Counts) -> Self {
        let total = counts.total();
        let not_passed = total.saturating_sub(counts.passed + counts.not_judged + counts.running + counts.skipped);
        // A single failure among very many is still to be seen.
        let width = |count: u64| (count * 1000).checked_div(total).unwrap_or_default().max(u64::from(count > 0) * 15);
        let (bad, going) = (width(not_passed), width(counts.running));
        let good = width(counts.passed).min(1000_u64.saturating_sub(bad + going));
        let bar = [(0, good), (good, bad), (good + bad, going)];
        Self {
            total: grouped(total),
            passed: grouped(counts.passed),
            not_passed: grouped(not_passed),
            not_judged: grouped(counts.not_judged),
            has_not_judged: counts.not_judged > 0,
            skipped: grouped(counts.skipped),
            running: grouped(counts.running),
            has_skipped: counts.skipped > 0,
            is_running: counts.running > 0,
            rate: counts.pass_rate().map(percent),
            bar,
        }
    }
}

/// Returns a rate as a person reads it. Only all is 100 %, and only none is 0 %.
fn percent(rate: f64) -> String {
    let shown = (rate * 1000.0).round() / 10.0;
    let shown = if rate < 1.0 { shown.min(99.9) } else { shown };
    let shown = if rate > 0.0 { shown.max(0.1) } else { shown };
    format!("{shown} %")
}

/// Returns a number with spaces between its thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{a0}');
        }
        out.push(digit);
    }
    out
}

/// Returns the name of a batch: what the client called it, or its id.
pub(crate) fn experiment_name(batch: &RunBatch) -> &str {
    batch.experiment_id.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(&batch.id)
}

/// Returns the beginning of a text, and whether that is all of it.
pub(crate) fn clipped(text: &str) -> (Visible, bool) {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => (Visible::of(&text[..end]), false),
        None => (Visible::of(text), true),
    }
}

/// Returns the first line of a text, not longer than a line should be; "(empty)" where there is nothing.
pub(crate) fn excerpt(text: &str, longest: usize) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    if line.is_empty() {
        return "(empty)".to_owned();
    }
    let mut short: String = line.chars().take(longest).collect();
    if short.len() < text.trim().len() {
        short.push('…');
    }
    short
}

/// A member of an object, ready to show.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) name: Visible,
    pub(crate) value: Visible,
}

/// Returns the members of an object: texts and numbers as they are, everything else as JSON.
pub(crate) fn facts(members: &Map<String, Value>, without: &[&str]) -> Vec<Fact> {
    let shown = members.iter().filter(|(name, value)| !without.contains(&name.as_str()) && !is_nothing(value));
    shown.map(|(name, value)| Fact { name: Visible::of(name), value: clipped(&plain(value)).0 }).collect()
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// Returns a value as a text: a text as it is, everything else as JSON.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(_) | Value::Object(_) => serde_json::to_string_pretty(value).unwrap_or_default(),
        other => other.to_string(),
    }
}

/// A file, ready to show.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) name: Visible,
    pub(crate) kind: Visible,
}

impl File {
    /// Returns a file. Its address is that of the API, which also takes the cookie of a browser.
    pub(crate) fn of(artifact: &Artifact) -> Self {
        Self {
            path: format!("/api/v1/artifacts/{}", segment(&artifact.id)),
            name: Visible::of(&artifact.name),
            kind: Visible::of(&artifact.artifact_type),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(
            ["0", "999", "1\u{a0}000", "1\u{a0}234\u{a0}567"],
            [0, 999, 1000, 1_234_567].map(grouped).map(|s| s.leak() as &str)
        );
        assert_eq!(
            [0.4, 7.93, 999.4, 1500.0, 59_940.0, 61_000.0, 3_660_000.0, f64::NAN].map(keepstep_base::human::milliseconds_words),
            ["0 ms", "8 ms", "999 ms", "1.5 s", "59.9 s", "1 min 1 s", "1 h 1 min", "unknown"]
        );
    }

    #[test]
    fn a_rate_is_never_rounded_to_all_or_nothing() {
        assert_eq!([0.0, 0.0001, 0.5, 0.9999, 1.0].map(percent), ["0 %", "0.1 %", "50 %", "99.9 %", "100 %"]);
    }

    #[test]
    fn one_failure_among_many_is_seen_in_the_bar() {
        let figures = Figures::from(&Counts { passed: 99_999, failed: 1, ..Counts::default() });
        assert_eq!(figures.bar, [(0, 985), (985, 15), (1000, 0)]);
        let none = Figures::from(&Counts::default());
        assert_eq!((none.bar, none.rate), ([(0, 0); 3], None));
    }
}
