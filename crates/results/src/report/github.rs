//! A run as GitHub Actions shows it: annotations beside the inputs that did not pass, and the summary of a job.
//!
//! A line of the log that begins with two colons is a command to GitHub's runner. What agents say is data: it only gets there
//! escaped ([`command`]), and everything else that is printed passes [`harmless`].

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, BufRead};
use std::time::Duration;

use keepstep_base::human::duration_text;

use crate::case::Finished;
use crate::counts::Counts;
use crate::status::Status;
use crate::tally::Statistics;
use crate::totals::Totals;

/// How many annotations of a kind GitHub shows for one step.
const ANNOTATIONS: usize = 10;

/// How many cases the summary of a job lists.
const LISTED: usize = 50;

/// The longest text of a case in an annotation or a summary, in characters.
const LONGEST: usize = 1000;

/// A case that did not pass.
#[derive(Debug, Clone, PartialEq)]
struct Bad {
    case: String,
    item: Option<String>,
    input: String,
    output: String,
    status: Status,
    problem: String,
    line: Option<usize>,
}

/// What is told to GitHub about a run.
#[derive(Debug, Default)]
pub struct Report {
    bad: Vec<Bad>,
    more: usize,
    ended: Option<(Totals, Statistics, Duration)>,
}

impl Report {
    /// Notes a case that ended.
    pub fn add(&mut self, finished: &Finished) {
        if !is_bad(finished) {
            return;
        }
        if self.bad.len() == LISTED {
            self.more += 1;
            return;
        }
        let problem = finished.problem.as_ref().map_or("", |problem| problem.message.as_str());
        self.bad.push(Bad {
            case: finished.case.clone(),
            item: finished.item_id.clone(),
            input: cut(&finished.input),
            output: cut(finished.output.as_deref().unwrap_or_default()),
            status: finished.status,
            problem: cut(problem),
            line: None,
        });
    }

    /// Notes what the whole run says.
    pub fn end(&mut self, totals: Totals, statistics: &Statistics, duration_seconds: f64) {
        let duration = Duration::try_from_secs_f64(duration_seconds).unwrap_or_default();
        self.ended = Some((totals, statistics.clone(), duration));
    }

    /// Looks for the lines of the file with the inputs that the cases are from: those with the platform's id, else those with the
    /// beginning of the question.
    ///
    /// # Errors
    /// Reading failed.
    pub fn find_lines(&mut self, inputs: impl BufRead) -> io::Result<()> {
        let mut by_text = vec![None; self.bad.len()];
        for (number, line) in (1..).zip(inputs.lines()) {
            let line = line?;
            for (bad, by_text) in self.bad.iter_mut().zip(&mut by_text).take(ANNOTATIONS) {
                if bad.line.is_none() && bad.item.as_deref().is_some_and(|item| has_word(&line, item)) {
                    bad.line = Some(number);
                }
                let begin: String = bad.input.lines().next().unwrap_or_default().chars().take(60).collect();
                if by_text.is_none() && !begin.trim().is_empty() && line.contains(&begin) {
                    *by_text = Some(number);
                }
            }
        }
        for (bad, by_text) in self.bad.iter_mut().zip(by_text) {
            bad.line = bad.line.or(by_text);
        }
        Ok(())
    }

    /// Returns the commands that annotate the file with the inputs, each for one line of the log.
    pub fn annotations(&self, file: Option<&str>) -> Vec<String> {
        let of = |bad: &Bad| {
            let title = format!("{} {}", bad.case, words(bad.status));
            let line = file.and(bad.line).map(|line| line.to_string());
            let properties: Vec<(&str, &str)> = [("file", file), ("line", line.as_deref()), ("title", Some(title.as_str()))]
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)))
                .collect();
            let problem = if bad.problem.is_empty() { words(bad.status) } else { &bad.problem };
            command("error", &properties, &format!("{problem}\n\ninput: {}", bad.input))
        };
        let mut commands: Vec<String> = self.bad.iter().take(ANNOTATIONS).map(of).collect();
        let unknown = self.ended.iter().flat_map(|(_, statistics, _)| statistics.not_judged());
        commands.extend(unknown.take(ANNOTATIONS).map(|criterion| {
            let text = format!("{}: {}", cut(&criterion.name), cut(&criterion.in_words()));
            command("warning", &[("title", "not judged")], &text)
        }));
        let more = self.bad.len().saturating_sub(ANNOTATIONS) + self.more;
        if more > 0 {
            commands.push(command("notice", &[], &format!("{more} more cases did not pass")));
        }
        commands
    }

    /// Returns the summary of the job, as Markdown.
    pub fn summary(&self, scenario: &str) -> String {
        let mut text = format!("## {}\n\n", markdown(scenario));
        if let Some((totals, statistics, duration)) = &self.ended {
            let sign = match totals.planned {
                0 => "❌",
                planned if totals.counts.passed == planned => "✅",
                planned if totals.counts.passed + totals.without_judge() == planned => "⚠️",
                _ => "❌",
            };
            let _ = writeln!(
                text,
                "{sign} **{} of {} cases passed** in {}\n",
                totals.counts.passed,
                totals.planned,
                duration_text(*duration)
            );
            let _ = writeln!(
                text,
                "| Passed | Failed | Crashed | Timed out | Not judged | Not run | Flaky |\n|---|---|---|---|---|---|---|"
            );
            let (not_run, flaky) = (totals.not_run(), totals.flaky);
            let Counts { passed, failed, error, timeout, not_judged, .. } = totals.counts;
            let _ = writeln!(text, "| {passed} | {failed} | {error} | {timeout} | {not_judged} | {not_run} | {flaky} |\n");
            if let Some(rate) = &statistics.pass_rate {
                let _ = writeln!(text, "Pass rate: {}\n", markdown(&rate.in_words()));
            }
            for criterion in statistics.not_judged().take(LISTED) {
                let _ = writeln!(text, "⚠️ {}: {}\n", markdown(&cut(&criterion.name)), markdown(&cut(&criterion.in_words())));
            }
        }
        if !self.bad.is_empty() {
            text.push_str("| Case | | Input | What was found | Answer |\n|---|---|---|---|---|\n");
            for bad in &self.bad {
                let cells = [&bad.case, words(bad.status), &bad.input, &bad.problem, &bad.output].map(markdown);
                let _ = writeln!(text, "| {} |", cells.join(" | "));
            }
            if self.more > 0 {
                let _ = writeln!(text, "\n… and {} more", self.more);
            }
        }
        text
    }
}

/// Returns a command to GitHub's runner. What is in it cannot end it and cannot be another one.
pub fn command(name: &str, properties: &[(&str, &str)], message: &str) -> String {
    let properties: Vec<String> = properties
        .iter()
        .map(|(name, value)| format!("{name}={}", escaped(value).replace(':', "%3A").replace(',', "%2C")))
        .collect();
    let space = if properties.is_empty() { "" } else { " " };
    format!("::{name}{space}{}::{}", properties.join(","), escaped(message))
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Returns a text for the log in which no line is a command to GitHub's runner, in neither of the two forms that it knows. The
/// older one counts anywhere in a line.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let is_command = |line: &str| line.trim_start().starts_with("::");
    if !text.contains("##[") && !text.split(['\n', '\r']).any(is_command) {
        return Cow::Borrowed(text);
    }
    let safe = |line: &str| {
        let line = line.replace("##[", "## [");
        if is_command(&line) { line.replacen("::", ": :", 1) } else { line }
    };
    let mut out = String::with_capacity(text.len() + 8);
    for line in text.split_inclusive(['\n', '\r']) {
        out.push_str(&safe(line));
    }
    Cow::Owned(out)
}

/// Returns a text as Markdown that shows exactly it, on one line.
pub fn markdown(text: &(impl AsRef<str> + ?Sized)) -> String {
    let mut out = String::new();
    for character in text.as_ref().trim_end().chars() {
        match character {
            '\n' => out.push_str("<br>"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            character if character.is_ascii_punctuation() => {
                out.push('\\');
                out.push(character);
            }
            character if character.is_control() => out.push(' '),
            character => out.push(character),
        }
    }
    out
}

fn words(status: Status) -> &'static str {
    match status {
        Status::Passed => "passed",
        Status::Failed | Status::NotPassed => "failed",
        Status::Error => "crashed",
        Status::Timeout => "timed out",
        Status::NotJudged => "was not judged",
        Status::Skipped | Status::Running | Status::Abandoned => "was not run",
    }
}

/// Returns true for a case that is told one by one. Those that have no judge are told together.
fn is_bad(finished: &Finished) -> bool {
    match finished.status {
        Status::Passed | Status::Skipped | Status::Running | Status::Abandoned => false,
        Status::NotJudged => finished.has_failed_judge(),
        Status::Failed | Status::NotPassed | Status::Error | Status::Timeout => true,
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Returns true if a line has a name that is not just a part of another one.
fn has_word(line: &str, word: &str) -> bool {
    let is_part =
        |character: Option<char>| character.is_some_and(|character| character.is_alphanumeric() || "-_".contains(character));
    !word.is_empty()
        && line
            .match_indices(word)
            .any(|(at, _)| !is_part(line[..at].chars().next_back()) && !is_part(line[at + word.len()..].chars().next()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What GitHub's runner does with a line of the log.
    fn is_command(line: &str) -> bool {
        line.trim_start().starts_with("::") || line.contains("##[")
    }

    #[test]
    fn properties_and_messages_are_escaped() {
        let text = command("error", &[("file", "a:b,c%.yaml"), ("line", "3")], "50%: x,\r\n::set-output name=a::b");
        assert_eq!(text, "::error file=a%3Ab%2Cc%25.yaml,line=3::50%25: x,%0D%0A::set-output name=a::b");
    }

    #[test]
    fn what_agents_say_is_no_command() {
        assert_eq!(harmless("a\n  ::add-mask::x\nb ::c"), "a\n  : :add-mask::x\nb ::c");
        assert_eq!(harmless("x ##[set-output name=a]b"), "x ## [set-output name=a]b");
        assert!(matches!(harmless("a::b"), Cow::Borrowed(_)));
        assert_eq!(markdown("a|b <img> `x`\n# @you"), "a\\|b &lt;img&gt; \\`x\\`<br>\\# \\@you");
    }

    #[test]
    fn cases_are_found_in_the_file() {
        let bad = |case: &str, item: Option<&str>, input: &str| Bad {
            case: case.to_owned(),
            item: item.map(str::to_owned),
            input: input.to_owned(),
            output: String::new(),
            status: Status::Failed,
            problem: "no".to_owned(),
            line: None,
        };
        let all = [bad("i1", Some("i1"), "x"), bad("input-2", None, "Where is it?"), bad("i9", Some("i9"), "nowhere")];
        let mut report = Report { bad: all.into(), ..Report::default() };
        report.find_lines("- input: a\n  id: i10\n- input: b\n  id: i1\n- input: Where is it?\n".as_bytes()).unwrap();
        assert_eq!(report.bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [Some(4), Some(5), None]);
        assert_eq!(report.annotations(Some("a.yaml"))[0], "::error file=a.yaml,line=4,title=i1 failed::no%0A%0Ainput: x");
        assert_eq!(report.annotations(None)[1], "::error title=input-2 failed::no%0A%0Ainput: Where is it?");
    }

    proptest! {
        #[test]
        fn nothing_that_is_printed_is_a_command(text in "([ \t:#\\[a\n\r]|::|##\\[|\\PC){0,30}") {
            let safe = harmless(&text);
            prop_assert!(!safe.split(['\n', '\r']).any(is_command), "{safe:?}");
            let one = command("error", &[("title", &text)], &text);
            prop_assert!(!one.contains(['\n', '\r']));
            prop_assert_eq!(one.split("::").nth(1).unwrap().matches(',').count(), 0);
        }

        #[test]
        fn markdown_stays_in_its_cell(text in "\\PC{0,30}") {
            let shown = markdown(&text);
            prop_assert!(!shown.contains('\n'));
            prop_assert_eq!(shown.matches('|').count(), shown.matches("\\|").count());
        }
    }
}
