//! What a person or a program sees of a run while it goes on.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use keepstep_base::human::duration_text;
use keepstep_results::case::Finished;
use keepstep_results::status::Status;
use keepstep_results::tally::Statistics;
use keepstep_results::tally::percent;
use keepstep_results::totals::Totals;
use keepstep_results::turn::Turn;
use keepstep_runner::event::{Event, Stopped};
use keepstep_runner::run::{BREAKER, Ended};
use unicode_width::UnicodeWidthStr as _;

use crate::shell::printer::{Label, Printer, Text, count};
use crate::shell::visible::{shortened, visible_line, word};
use crate::shell::wrap::cut;

/// Up to this number of cases each of them has a line.
const ALL_SHOWN: usize = 50;

/// How often the bar is drawn, and how often a log hears that the run goes on.
const DRAWN: Duration = Duration::from_millis(100);
const LOGGED: Duration = Duration::from_secs(30);

/// A test that takes longer than this is worth a look while it goes on.
const WATCHED: Duration = Duration::from_secs(10);

/// How many criteria, inputs and cases with warnings are listed.
const LISTED: usize = 20;

/// How many lines of a problem and of what was printed are shown of a case. `results show` has all of them.
const PROBLEM_LINES: usize = 12;
const PRINTED_LINES: usize = 3;

/// How wide lines are where there is no terminal.
const WIDTH: usize = 100;

/// The view of a run.
pub(super) struct View<'a> {
    printer: &'a Printer,
    scenario: &'a str,
    target: &'a str,
    streams: bool,
    total: usize,
    /// How many cases were finished before this run.
    resumed: usize,
    done: usize,
    bad: usize,
    unknown: usize,
    warned: usize,
    /// What was said about the answers of cases that go on: a finished case comes without its conversation.
    warnings: HashMap<String, Vec<String>>,
    /// The first case that did not pass.
    first_bad: Option<String>,
    began: Instant,
    said: Instant,
    /// It was said where the test is watched.
    is_watched: bool,
}

impl<'a> View<'a> {
    /// Returns the view of a run that has not begun.
    pub(super) fn new(printer: &'a Printer, scenario: &'a str, target: &'a str, streams: bool) -> Self {
        let now = Instant::now();
        Self {
            printer,
            scenario,
            target,
            streams,
            total: 0,
            resumed: 0,
            done: 0,
            bad: 0,
            unknown: 0,
            warned: 0,
            warnings: HashMap::new(),
            first_bad: None,
            began: now,
            said: now,
            is_watched: false,
        }
    }

    /// Shows what happened.
    pub(super) fn show(&mut self, event: &Event) {
        // Only data that is written as JSON without fail: texts, numbers and lists of these.
        if self.printer.is_json()
            && let Ok(event) = serde_json::to_value(event)
        {
            self.printer.document("test", event);
        }
        match event {
            Event::CaseStarted { case, .. } => drop(self.warnings.remove(case)),
            Event::Turn { case, turn } if !turn.warnings.is_empty() => {
                let texts = turn.warnings.iter().map(|warning| warning.text().into_owned());
                self.warnings.entry(case.clone()).or_default().extend(texts);
            }
            _ => {}
        }
        match event {
            Event::RunStarted { cases, resumed, parallel, .. } => {
                (self.total, self.resumed, self.done) = (*cases, *resumed, *resumed);
                let mut parts = vec![match resumed {
                    0 => count(*cases, "case"),
                    resumed => format!("{} left of {cases} cases", cases - resumed.min(cases)),
                }];
                parts.push(self.target.to_owned());
                if *parallel > 1 {
                    parts.push(format!("{parallel} at once"));
                }
                let heading = Text::of(Label::Heading, self.scenario);
                self.line(heading.and(Label::Unchanged, format!(" · {}", parts.join(" · "))));
            }
            Event::CaseStarted { input, attempt, .. } if *attempt > 1 => {
                self.line(Text::of(Label::Unchanged, format!("  {}: attempt {attempt}", shortened(input, 60))));
            }
            Event::Turn { turn, .. } if self.streams => self.turn(turn),
            Event::CaseFinished(finished) if finished.status != Status::Skipped => self.case(finished),
            Event::Stopping => self.line("Waiting for the cases that run; press Ctrl-C again to stop now"),
            Event::RunFinished { .. } => self.clear(),
            _ => {}
        }
    }

    /// Says once where a test is watched that takes its time.
    pub(super) fn watched_at(&mut self, url: &str) {
        if !self.is_watched && self.began.elapsed() > WATCHED {
            self.is_watched = true;
            self.line(Text::from("  Watch it: ").and(Label::Command, url.to_owned()));
        }
    }

    /// Prints a line above the bar.
    fn line(&self, text: impl Into<Text>) {
        self.clear();
        self.printer.status(text);
    }

    fn clear(&self) {
        if self.printer.has_progress() {
            self.printer.progress("");
        }
    }

    fn turn(&self, turn: &Turn) {
        let label = if turn.role == "user" { Label::Plain } else { Label::Good };
        let mut lines = turn.content.lines();
        self.line(Text::of(label, format!("    {}: {}", turn.role, lines.next().unwrap_or_default())));
        for line in lines {
            self.line(Text::of(label, format!("      {line}")));
        }
    }

    fn case(&mut self, finished: &Finished) {
        self.done += 1;
        let is_bad = !finished.status.is_completed() || finished.has_failed_judge();
        self.bad += usize::from(is_bad);
        self.unknown += usize::from(finished.status == Status::NotJudged);
        let warnings = self.warnings.remove(&finished.case).unwrap_or_default();
        let has_warnings = !warnings.is_empty();
        self.warned += usize::from(has_warnings);
        if is_bad && self.first_bad.is_none() {
            self.first_bad = Some(short_name(finished));
        }
        if is_bad || self.total <= ALL_SHOWN || (has_warnings && self.warned <= LISTED) {
            self.clear();
            self.printer.status(self.heading(finished, is_bad));
            self.details(finished, is_bad, &warnings);
        }
        self.progress();
    }

    /// Returns the line of a case: its question, how long it took, and the name by which `results show` finds it.
    fn heading(&self, finished: &Finished, is_bad: bool) -> Text {
        let (sign, label) = match finished.status {
            _ if is_bad => ("✗", Label::Error),
            Status::NotJudged => ("–", Label::Warning),
            _ => ("✓", Label::Good),
        };
        let mut right = took(finished);
        if finished.flaky {
            right = format!("attempt {}  {right}", finished.attempts);
        }
        if matches!(finished.status, Status::NotJudged | Status::Timeout) {
            right = format!("{}  {right}", finished.status.in_words());
        }
        if is_bad || finished.status == Status::NotJudged {
            right = format!("{right}  #{}", short_name(finished));
        }
        let room = self.width().saturating_sub(right.width() + 6).max(20);
        let question = cut(&visible_line(finished.input.trim()), room);
        let padding =
            if self.printer.width().is_some() { " ".repeat(room.saturating_sub(question.width())) } else { String::new() };
        Text::of(label, format!("  {sign} ")).and(Label::Plain, question).and(Label::Unchanged, format!("{padding}  {right}"))
    }

    /// Prints what is to be said about a case below its line.
    fn details(&self, finished: &Finished, is_bad: bool, warnings: &[String]) {
        let indented = |label: Label, text: String| self.printer.status(Text::of(label, format!("      {text}")));
        let message = finished.problem.as_ref().filter(|_| is_bad).map_or("", |problem| problem.message.as_str());
        for (index, line) in message.lines().filter(|line| !line.trim().is_empty()).take(PROBLEM_LINES).enumerate() {
            let location = finished.problem.as_ref().and_then(|problem| problem.location.as_ref()).filter(|_| index == 0);
            let text = Text::of(Label::Error, format!("      {}", visible_line(&shortened(line, 300))));
            self.printer.status(match location {
                Some(location) => text.and(Label::Unchanged, format!("  {}", visible_line(&location.to_string()))),
                None => text,
            });
        }
        if let Some(printed) = finished.printed.as_deref().filter(|printed| is_bad && !message.contains(printed.trim())) {
            let lines: Vec<&str> = printed.lines().filter(|line| !line.trim().is_empty()).collect();
            let left_out = lines.len().saturating_sub(PRINTED_LINES);
            for (index, line) in lines[left_out..].iter().enumerate() {
                let before = match (index, left_out) {
                    (0, 0) => "printed: ".to_owned(),
                    (0, left_out) => format!("printed (the last of {}): ", count(left_out + PRINTED_LINES, "line")),
                    _ => "         ".to_owned(),
                };
                indented(Label::Unchanged, format!("{before}{}", visible_line(&shortened(line, 200))));
            }
        }
        for warning in warnings.iter().take(PROBLEM_LINES) {
            indented(Label::Warning, format!("warning: {}", visible_line(&shortened(warning, 200))));
        }
    }

    fn width(&self) -> usize {
        self.printer.width().unwrap_or(WIDTH)
    }

    /// Draws the bar, or now and then a line in a log of a long run.
    fn progress(&mut self) {
        if self.done >= self.total || self.printer.is_json() {
            return;
        }
        let draws = self.printer.has_progress();
        if self.said.elapsed() < if draws { DRAWN } else { LOGGED } {
            return;
        }
        self.said = Instant::now();
        let mut state = format!("{}/{}", self.done, self.total);
        if self.bad > 0 {
            state += &format!("   {} failed", self.bad);
        }
        if self.unknown > 0 {
            state += &format!("   {} not judged", self.unknown);
        }
        let rate = (self.done - self.resumed) as f64 / self.began.elapsed().as_secs_f64().max(0.001);
        let left = Duration::try_from_secs_f64((self.total - self.done) as f64 / rate.max(0.001)).unwrap_or_default();
        state += &format!("   {rate:.0}/s, {} left", duration_text(left));
        if draws {
            const BAR: usize = 20;
            let full = self.done * BAR / self.total.max(1);
            self.printer.progress(&format!("  {}{}  {state}", "█".repeat(full), "░".repeat(BAR - full)));
        } else {
            self.printer.status(Text::of(Label::Unchanged, format!("  {state}")));
        }
    }

    /// Sums up the run.
    pub(super) fn sum_up(&self, ended: &Ended, folder: &str) {
        let totals = &ended.totals;
        self.clear();
        let why = match ended.stopped {
            None => None,
            Some(Stopped::Interrupted) => Some("interrupted; `keepstep test --resume` runs what is left".to_owned()),
            Some(Stopped::FailFast) => Some("stopped at the first case that failed (--fail-fast)".to_owned()),
            Some(Stopped::TargetDown) => Some(format!(
                "stopped: the agent was not reachable, {BREAKER} times in a row; `keepstep test --resume` runs what is left"
            )),
        };
        if let Some(why) = why {
            self.printer.warning(&why);
        }
        for criterion in ended.statistics.not_judged().take(LISTED) {
            let name = visible_line(&shortened(&criterion.name, 80));
            self.printer.warning(&format!("{name}: {}", shortened(&criterion.in_words(), 200)));
        }
        if self.warned > LISTED && self.total > ALL_SHOWN {
            let (more, total) = (count(self.warned - LISTED, "more case"), self.total);
            let text = format!("  … and warnings in {more}: `keepstep results show --all --limit {total}` shows them");
            self.printer.status(Text::of(Label::Warning, self.printer.own_words(&text)));
        }
        self.printer.status("");
        let label = match totals.counts.passed {
            passed if passed == totals.planned => Label::Good,
            passed if passed + totals.without_judge() == totals.planned => Label::Warning,
            _ => Label::Error,
        };
        let mut more = String::new();
        // One case says nothing about a rate.
        if let Some(rate) = ended.statistics.pass_rate.filter(|rate| rate.of > 1) {
            let whole = |share: f64| format!("{:.0}", share * 100.0);
            more = format!("     {} ({} to {}%)", percent(rate.rate), whole(rate.interval.low), whole(rate.interval.high));
        }
        let counted = summary(totals);
        let took = format!("     {}", duration_text(ended.duration));
        // What does not fit on one line is two, and not one that is broken in the middle of the rate.
        let is_narrow = self.printer.width().is_some_and(|width| counted.width() + more.width() + took.width() > width);
        if is_narrow {
            self.printer.answer(Text::of(label, counted));
            let rest = format!("{}{}", more.trim_start(), if more.is_empty() { took.trim_start() } else { &took });
            self.printer.answer(Text::of(Label::Plain, format!("  {rest}")));
        } else {
            self.printer.answer(Text::of(label, counted).and(Label::Plain, more).and(Label::Unchanged, took));
        }
        self.statistics(&ended.statistics);
        self.printer.status(Text::of(Label::Unchanged, "Results   ").and(Label::Plain, folder));
        if let Some(first) = &self.first_bad {
            let mut line = Text::of(Label::Unchanged, "Again     ").and(Label::Command, self.printer.typed("test --failed"));
            line = line
                .and(Label::Unchanged, "     Why   ")
                .and(Label::Command, self.printer.typed(&format!("results show {}", word(first))));
            self.printer.status(line);
        }
    }

    /// Tells which criteria held how often, and how sure the result is.
    fn statistics(&self, statistics: &Statistics) {
        let listed: Vec<_> = statistics.criteria.iter().take(LISTED).collect();
        let names: Vec<String> = listed.iter().map(|criterion| visible_line(&shortened(&criterion.name, 40))).collect();
        let widest = names.iter().map(|name| name.width()).max().unwrap_or(0);
        for (criterion, name) in listed.iter().zip(&names) {
            let label = match (criterion.failed + criterion.error, criterion.not_judged) {
                (0, 0) => Label::Unchanged,
                (0, _) => Label::Warning,
                _ => Label::Error,
            };
            let told = match criterion.passed + criterion.failed {
                // Why it was not judged is in the warning above.
                0 => shortened(&criterion.format_counts(), 200),
                of => {
                    let unknown = criterion.not_judged + criterion.error;
                    let more = if unknown > 0 { format!(", {unknown} not judged") } else { String::new() };
                    format!("{} of {of}{more}", criterion.passed)
                }
            };
            let padding = " ".repeat(widest.saturating_sub(name.width()));
            self.printer.answer(Text::of(Label::Plain, format!("  {name}{padding}   ")).and(label, told));
        }
        if statistics.criteria.len() > LISTED {
            self.printer
                .answer(Text::of(Label::Unchanged, format!("  … and {} more criteria", statistics.criteria.len() - LISTED)));
        }
        let unsteady = statistics.inputs.iter().filter(|input| input.rate.passed > 0 && input.rate.passed < input.rate.of);
        for input in unsteady.take(LISTED) {
            self.printer.answer(Text::of(Label::Warning, format!("  {}: {}", shortened(&input.input, 60), input.in_words())));
        }
        if let Some(most) = statistics.repeats.last() {
            self.printer.answer(Text::of(Label::Unchanged, most.in_words()));
        }
    }
}

/// How much of a digest names a case.
pub(in crate::command) const SHORT_DIGEST: usize = 8;

/// Returns the shortest name by which `results show` finds a case: the end of its name, as far as that is one word.
fn short_name(finished: &Finished) -> String {
    let name = finished.case.as_str();
    if finished.iteration > 0 || name.contains('@') {
        return name.to_owned();
    }
    let end = name.rsplit(|character: char| !character.is_alphanumeric()).next().filter(|end| !end.is_empty()).unwrap_or(name);
    let is_digest = end.len() > SHORT_DIGEST && end.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_digest { end[end.len() - SHORT_DIGEST..].to_owned() } else { end.to_owned() }
}

fn took(finished: &Finished) -> String {
    duration_text(Duration::from_secs_f64(finished.duration_ms.max(0.0) / 1000.0))
}

/// Returns how many cases ended how.
fn summary(totals: &Totals) -> String {
    let mut parts = vec![format!("{} passed of {}", totals.counts.passed, totals.planned)];
    for (number, word) in [
        (totals.counts.failed, "failed"),
        (totals.counts.error, "crashed"),
        (totals.counts.timeout, "timed out"),
        (totals.counts.not_judged, "not judged"),
        (totals.counts.skipped, "not run"),
        (totals.flaky, "flaky"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    parts.join(" · ")
}
