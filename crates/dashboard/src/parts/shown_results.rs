//! What the pages of test data and results show in the same way.

use std::borrow::Cow;

use keepstep_http::addresses::segment;
use keepstep_results::provenance::Provenance;
use keepstep_results::statistics::Interval;
use keepstep_results::tally;
use keepstep_results::verdict::Verdict;
use keepstep_store::results::{Artifact, BatchStatus, Counts, RunBatch, Status};
use serde_json::{Map, Value};

use crate::parts::visible::Visible;

/// How many characters of one text stand on a page. Whoever wants all of it downloads the file.
pub(crate) const LONGEST_TEXT: usize = 50_000;

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

impl Badge {
    /// Returns the badge of what a criterion says.
    pub(crate) fn of_verdict(verdict: Verdict) -> Self {
        let class = match verdict {
            Verdict::Passed => "good",
            Verdict::Failed => "bad",
            Verdict::Error | Verdict::NotJudged => "draft",
            Verdict::NotApplicable => "",
        };
        Self { label: verdict.words(), class }
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
    pub(crate) has_skipped: bool,
    /// The part of the runs that passed, once all have ended.
    pub(crate) rate: Option<String>,
    /// Where the rate may lie, once all have ended.
    pub(crate) interval: Option<String>,
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
            has_skipped: counts.skipped > 0,
            rate: counts.pass_rate().map(percent),
            interval: counts.interval().map(shown_interval),
            bar,
        }
    }
}

/// Returns an interval of rates, with what it is.
pub(crate) fn shown_interval(interval: Interval) -> String {
    // To a tenth, as the rate: neither is outside of the other. Here a sign stands behind the last number alone, and no line ends before it.
    let [low, high] = [interval.low, interval.high].map(tally::percent);
    format!("95\u{a0}%: {} to {}\u{a0}%", low.trim_end_matches('%'), high.trim_end_matches('%'))
}

/// Returns a rate as a person reads it. Only all is 100 %, and only none is 0 %.
pub(crate) fn percent(rate: f64) -> String {
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

/// A tag, with the list of what has it.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) path: String,
    pub(crate) name: Visible,
}

/// Returns tags, each with its filter of the list at an address.
pub(crate) fn shown_tags(list: &str, tags: &[String]) -> Vec<Tag> {
    let shown = |tag: &String| {
        let name = Visible::of(tag);
        Tag { path: format!("{list}?tag={}", segment(name.plain())), name }
    };
    tags.iter().map(shown).collect()
}

/// Returns what was tested in one line: agent, persona, branch and commit, author.
pub(crate) fn provenance_line(batch: &RunBatch, agent_name: &impl Fn(&str) -> String) -> String {
    let provenance = Provenance::of(&batch.details);
    let commit = provenance.git_commit.as_ref().map(|commit| commit.chars().take(8).collect::<String>());
    let code = match (&provenance.git_branch, commit) {
        (Some(branch), Some(commit)) => Some(format!("{branch} at {commit}")),
        (branch, commit) => branch.clone().or(commit),
    };
    let parts = [
        provenance.agent.as_deref().map(agent_name),
        provenance.persona().map(|persona| format!("persona {persona}")),
        code,
        provenance.git_author.clone(),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().map(|part| excerpt(&part, 80)).collect();
    parts.join(" · ")
}

/// Returns a number without its fraction.
pub(crate) fn whole(number: f64) -> String {
    // What is too large is the largest.
    grouped(number.round() as u64)
}

/// Returns an amount of US dollars: cents, and of less than ten cents as much as says something.
pub(crate) fn dollars(amount: f64) -> String {
    if amount.abs() >= 0.1 || amount == 0.0 { format!("${amount:.2}") } else { format!("${amount:.4}") }
}

/// Returns the beginning of a text, and whether that is all of it.
pub(crate) fn clipped(text: &str) -> (Visible, bool) {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => (Visible::of(&text[..end]), false),
        None => (Visible::of(text), true),
    }
}

/// How many characters texts of a page may have together. Where none are left, the beginning of each still stands there.
#[derive(Debug)]
pub(crate) struct Room(usize);

impl Room {
    /// How much of a text is shown in any case.
    const LEAST: usize = 200;

    pub(crate) fn of(characters: usize) -> Self {
        Self(characters)
    }

    /// Returns as much of a text as there is room for, with a mark where something is missing.
    pub(crate) fn clipped(&mut self, text: &str) -> Visible {
        let longest = self.0.clamp(Self::LEAST, LONGEST_TEXT);
        let shown = match text.char_indices().nth(longest) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.to_owned(),
        };
        self.0 = self.0.saturating_sub(shown.chars().count());
        Visible::of(shown)
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

/// Returns the members of an object: texts and numbers as they are, everything else line by line.
pub(crate) fn facts(members: &Map<String, Value>, without: &[&str]) -> Vec<Fact> {
    let shown = members.iter().filter(|(name, value)| !without.contains(&name.as_str()) && !is_nothing(value));
    shown.map(|(name, value)| Fact { name: Visible::of(title(name)), value: clipped(&readable(value)).0 }).collect()
}

/// Returns the name of a member for people: `git_commit` is "Git commit". What is not written so stays as it is.
fn title(name: &str) -> Cow<'_, str> {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if !name.split('_').all(is_word) {
        return name.into();
    }
    let (first, rest) = name.split_at(1);
    (first.to_ascii_uppercase() + &rest.replace('_', " ")).into()
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

/// How many lines a value becomes at most.
const MOST_LINES: usize = 500;

/// Returns a value for people: a text as it is, an object or a list with a line for each of its values, `order.items.1: tea`. A text that
/// is a JSON document is that document: services send arguments so.
pub(crate) fn readable(value: &Value) -> String {
    let parsed = match value {
        Value::String(text) if text.starts_with(['{', '[']) => serde_json::from_str::<Value>(text).ok(),
        _ => None,
    };
    match parsed.as_ref().unwrap_or(value) {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        value @ (Value::Array(_) | Value::Object(_)) => {
            let mut lines = Vec::new();
            push_lines(&mut lines, "", value);
            if lines.len() > MOST_LINES {
                lines.truncate(MOST_LINES);
                lines.push("…".to_owned());
            }
            lines.join("\n")
        }
        other => other.to_string(),
    }
}

fn push_lines(lines: &mut Vec<String>, path: &str, value: &Value) {
    if lines.len() > MOST_LINES {
        return;
    }
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let is_plain = |value: &Value| !value.is_array() && !value.is_object();
    let line = |text: String| if path.is_empty() { text } else { format!("{path}: {text}") };
    match value {
        Value::Array(items) if items.iter().all(is_plain) => {
            lines.push(line(items.iter().map(scalar).collect::<Vec<_>>().join(", ")));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| push_lines(lines, &below(&(index + 1).to_string()), item));
        }
        Value::Object(members) if members.is_empty() => lines.push(line("nothing".to_owned())),
        Value::Object(members) => members.iter().for_each(|(name, value)| push_lines(lines, &below(name), value)),
        value => lines.push(line(scalar(value))),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "nothing".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
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
    fn names_of_members_are_words() {
        let shown = ["git_commit", "id", "p95_ms", "modelName", "a__b", "", "Größe", "x y"].map(title);
        assert_eq!(shown, ["Git commit", "Id", "P95 ms", "modelName", "a__b", "", "Größe", "x y"]);
    }

    #[test]
    fn values_are_read_without_braces() {
        use serde_json::json;
        assert_eq!(readable(&json!("a {b}")), "a {b}");
        let order =
            json!({"id": 7, "items": [{"name": "tea", "sizes": [1, 2]}, {"name": "cup"}], "gift": true, "to": {}, "note": null});
        let lines = "id: 7\nitems.1.name: tea\nitems.1.sizes: 1, 2\nitems.2.name: cup\ngift: yes\nto: nothing\nnote: nothing";
        assert_eq!(readable(&order), lines);
        assert_eq!(readable(&json!(order.to_string())), lines);
        assert_eq!(
            (readable(&json!(["a", "b"])), readable(&json!([])), readable(&json!(2.5))),
            ("a, b".into(), String::new(), "2.5".into())
        );
        assert!(readable(&json!((0..2000).map(|n| json!({"n": n})).collect::<Vec<_>>())).ends_with("\n…"));
    }

    #[test]
    fn texts_have_a_room_together() {
        let mut room = Room::of(LONGEST_TEXT + 1000);
        let long = "ä".repeat(LONGEST_TEXT + 1);
        let length = |text: &str| room.clipped(text).plain().chars().count();
        assert_eq!([&long, &long, &long, "short"].map(length), [LONGEST_TEXT + 1, 1000, Room::LEAST + 1, 5]);
    }

    #[test]
    fn an_interval_has_the_rate_in_it() {
        for (passed, of, shown, rate) in [
            (9_999, 10_000, "95\u{a0}%: 99.9 to 100.0\u{a0}%", "99.9 %"),
            (2, 4, "95\u{a0}%: 15.0 to 85.0\u{a0}%", "50 %"),
            (0, 3, "95\u{a0}%: 0.0 to 56.1\u{a0}%", "0 %"),
        ] {
            let counts = Counts { passed, failed: of - passed, ..Counts::default() };
            let figures = Figures::from(&counts);
            assert_eq!((figures.interval.as_deref(), figures.rate.as_deref()), (Some(shown), Some(rate)));
        }
    }

    #[test]
    fn money_and_tokens_are_short() {
        assert_eq!([0.0, 0.0123, 0.1, 12.345].map(dollars), ["$0.00", "$0.0123", "$0.10", "$12.35"]);
        assert_eq!(whole(12_345.6), "12\u{a0}346");
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
