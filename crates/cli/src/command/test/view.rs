//! What a person or a program sees of a run while it goes on.

use std::path::Path;
use std::time::{Duration, Instant};

use keepstep_runner::duration::spoken;
use keepstep_runner::event::{Event, Stopped};
use keepstep_runner::outcome::{Counts, Finished, Status, Turn};
use keepstep_runner::run::{BREAKER, Ended};
use keepstep_runner::tally::Statistics;

use crate::printer::{Label, Printer, Text, count};
use crate::visible::shortened;

/// Up to this number of cases each of them has a line.
const ALL_SHOWN: usize = 50;

/// How often the others are summed up.
const EVERY: Duration = Duration::from_secs(2);

/// How many of the cases that did not pass are repeated at the end.
const REPEATED: usize = 20;

/// The view of a run.
pub(super) struct View<'a> {
    printer: &'a Printer,
    scenario: &'a str,
    streams: bool,
    total: usize,
    done: usize,
    bad: usize,
    said: Instant,
    repeated: Vec<Text>,
}

impl<'a> View<'a> {
    /// Returns the view of a run that has not begun.
    pub(super) fn new(printer: &'a Printer, scenario: &'a str, streams: bool) -> Self {
        Self { printer, scenario, streams, total: 0, done: 0, bad: 0, said: Instant::now(), repeated: Vec::new() }
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
            Event::RunStarted { experiment, cases, resumed, parallel, .. } => {
                (self.total, self.done) = (*cases, *resumed);
                let left = cases - resumed.min(cases);
                let before = if *resumed > 0 { format!(" that are left of {cases}") } else { String::new() };
                let at_once = if *parallel > 1 { format!(", {parallel} at once") } else { String::new() };
                self.printer.status(
                    Text::of(Label::Heading, format!("Running {}{before} of {}{at_once}", count(left, "case"), self.scenario))
                        .and(Label::Unchanged, format!("  {experiment}")),
                );
            }
            Event::CaseStarted { case, attempt, .. } if *attempt > 1 => {
                self.printer.status(Text::of(Label::Unchanged, format!("  {case}: again, attempt {attempt}")));
            }
            Event::Turn { case, turn } if self.streams => self.turn(case, turn),
            Event::CaseFinished(finished) if finished.status != Status::Skipped => self.case(finished),
            _ => {}
        }
    }

    fn turn(&self, case: &str, turn: &Turn) {
        let label = if turn.role == "user" { Label::Plain } else { Label::Good };
        let mut lines = turn.content.lines();
        let first = lines.next().unwrap_or_default();
        self.printer.status(Text::of(Label::Unchanged, format!("  {case} ")).and(label, format!("{}: {first}", turn.role)));
        for line in lines {
            self.printer.status(Text::of(label, format!("    {line}")));
        }
    }

    fn case(&mut self, finished: &Finished) {
        self.done += 1;
        let is_bad = finished.status != Status::Passed;
        self.bad += usize::from(is_bad);
        if is_bad {
            let text = told(finished);
            self.printer.status(text.clone());
            if self.repeated.len() < REPEATED {
                self.repeated.push(text);
            }
        } else if self.total <= ALL_SHOWN {
            let flaky = if finished.flaky { format!(", at attempt {}", finished.attempts) } else { String::new() };
            self.printer.status(
                Text::of(Label::Good, "  ✓ ")
                    .and(Label::Plain, shortened(&finished.input, 60))
                    .and(Label::Unchanged, format!("  {}{flaky}", took(finished))),
            );
        }
        if self.total > ALL_SHOWN && self.said.elapsed() >= EVERY && self.done < self.total {
            self.said = Instant::now();
            let bad = if self.bad > 0 { format!(", {} not passed", self.bad) } else { String::new() };
            self.printer.status(Text::of(Label::Unchanged, format!("  {} of {}{bad}", self.done, self.total)));
        }
    }

    /// Sums up the run.
    pub(super) fn sum_up(&self, ended: &Ended, folder: &Path) {
        let counts = &ended.counts;
        // What scrolled away by then is said again.
        if self.total > ALL_SHOWN && !self.repeated.is_empty() {
            self.printer.status("");
            self.repeated.iter().for_each(|text| self.printer.status(text.clone()));
            if counts.bad() > self.repeated.len() {
                self.printer.status(format!("  … and {} more in errors.json", counts.bad() - self.repeated.len()));
            }
        }
        let why = match ended.stopped {
            None => None,
            Some(Stopped::Interrupted) => Some("interrupted; `keepstep test --resume` runs what is left".to_owned()),
            Some(Stopped::FailFast) => Some("stopped at the first case that did not pass (--fail-fast)".to_owned()),
            Some(Stopped::TargetDown) => Some(format!(
                "stopped: there was no target to ask, {BREAKER} times in a row; `keepstep test --resume` runs what is left"
            )),
        };
        if let Some(why) = why {
            self.printer.warning(&why);
        }
        for criterion in ended.statistics.not_judged().take(REPEATED) {
            let name = shortened(&criterion.name, 80);
            self.printer.warning(&format!("not judged: {name}: {}", shortened(&criterion.spoken(), 200)));
        }
        let label = if counts.passed == counts.total { Label::Good } else { Label::Error };
        self.printer.answer(Text::of(label, summary(counts)).and(Label::Unchanged, format!(" in {}", spoken(ended.duration))));
        if counts.warnings > 0 {
            self.printer.answer(Text::of(
                Label::Warning,
                format!("{} in {}", count(counts.warnings, "warning"), count(counts.warning_turns, "answer")),
            ));
        }
        self.statistics(&ended.statistics);
        self.printer.status(Text::of(Label::Unchanged, format!("{}", folder.display())));
    }

    /// Tells how sure the result is, and which criteria did not hold.
    fn statistics(&self, statistics: &Statistics) {
        for criterion in statistics.criteria.iter().filter(|criterion| criterion.is_notable()).take(REPEATED) {
            let label = if criterion.failed + criterion.error > 0 { Label::Error } else { Label::Warning };
            let name = shortened(&criterion.name, 80);
            self.printer.answer(Text::of(label, format!("  {name}: {}", shortened(&criterion.spoken(), 200))));
        }
        let unsteady = statistics.inputs.iter().filter(|input| input.rate.passed > 0 && input.rate.passed < input.rate.of);
        for input in unsteady.take(REPEATED) {
            self.printer.answer(Text::of(Label::Warning, format!("  {}: {}", shortened(&input.input, 60), input.spoken())));
        }
        // One case says nothing about a rate.
        if let Some(rate) = statistics.pass_rate.filter(|rate| rate.of > 1) {
            self.printer.answer(Text::of(Label::Unchanged, format!("pass rate {}", rate.spoken())));
        }
        if let Some(most) = statistics.repeats.last() {
            self.printer.answer(Text::of(Label::Unchanged, most.spoken()));
        }
    }
}

/// Returns a case that did not pass, with why.
fn told(finished: &Finished) -> Text {
    const LINES: usize = 12;
    let mut text = Text::of(Label::Error, "  ✗ ")
        .and(Label::Plain, shortened(&finished.case, 60))
        .and(Label::Error, format!("  {}", finished.status.word()))
        .and(Label::Unchanged, format!("  {}", took(finished)))
        .and(Label::Unchanged, format!("\n    input: {}", shortened(&finished.input, 100)));
    if let Some(problem) = &finished.problem {
        for line in problem.message.lines().take(LINES) {
            text = text.and(Label::Plain, format!("\n    {}", shortened(line, 200)));
        }
    }
    text
}

fn took(finished: &Finished) -> String {
    spoken(Duration::from_secs_f64(finished.duration_ms.max(0.0) / 1000.0))
}

/// Returns how many cases ended how.
fn summary(counts: &Counts) -> String {
    let mut parts = vec![format!("{} passed", counts.passed)];
    for (number, word) in [
        (counts.failed, "failed"),
        (counts.error, "broke"),
        (counts.timeout, "timed out"),
        (counts.not_judged, "not judged"),
        (counts.skipped, "not run"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    if counts.flaky > 0 {
        parts.push(format!("{} flaky", counts.flaky));
    }
    format!("{} of {}", parts.join(", "), count(counts.total, "case"))
}
