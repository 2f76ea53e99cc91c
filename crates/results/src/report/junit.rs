//! A run as JUnit XML.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::case::Finished;
use crate::status::Status;
use crate::totals::Totals;

/// The longest text of an answer or problem that goes into a report.
const LONGEST: usize = 16 * 1024;

/// What a report says about a run beside its cases.
#[derive(Debug, Clone, Copy)]
pub struct Suite<'a> {
    /// The name of the scenario.
    pub name: &'a str,
    /// How many cases ended how.
    pub totals: Totals,
    /// How long the run took.
    pub duration_seconds: f64,
    /// Whether a case that was not judged is a failure.
    pub strict: bool,
}

/// Writes a report, case by case.
#[derive(Debug)]
pub struct Report<W> {
    out: W,
    /// The name of the suite, as XML has it.
    name: String,
    strict: bool,
}

impl<W: Write> Report<W> {
    /// Begins a report. `date` is when the run began, as ISO 8601.
    ///
    /// # Errors
    /// Writing failed.
    pub fn begin(mut out: W, suite: &Suite<'_>, date: &str) -> io::Result<Self> {
        let Suite { name, totals, duration_seconds, strict } = suite;
        // What has no judge is yellow, or red where the run is strict; a judge that failed is an error as any other.
        let unknown = totals.without_judge();
        let (red, yellow) = if *strict { (unknown, 0) } else { (0, unknown) };
        let numbers = format!(
            "tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{duration_seconds:.3}\"",
            totals.planned,
            totals.counts.failed + red,
            totals.counts.error + totals.counts.timeout + totals.judge_failed,
        );
        // Only a suite has this number; readers that go by the schema refuse it above.
        let skipped_cases = totals.counts.skipped + yellow;
        let name = escaped(name);
        let head = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"keepstep\" {numbers}>\n  \
             <testsuite name=\"{name}\" timestamp=\"{}\" {numbers} skipped=\"{skipped_cases}\">\n",
            &date[..date.len().min(19)],
        );
        out.write_all(head.as_bytes())?;
        Ok(Self { out, name, strict: *strict })
    }

    /// Writes a case that ended.
    ///
    /// # Errors
    /// Writing failed.
    pub fn add(&mut self, finished: &Finished) -> io::Result<()> {
        self.out.write_all(case(&self.name, finished, self.strict).as_bytes())
    }

    /// Writes a case that was not run.
    ///
    /// # Errors
    /// Writing failed.
    pub fn skip(&mut self, case: &str) -> io::Result<()> {
        let line = format!(
            "    <testcase classname=\"{}\" name=\"{}\" time=\"0.000\">\n      <skipped message=\"the experiment ended early\"/>\n    \
             </testcase>\n",
            self.name,
            escaped(case)
        );
        self.out.write_all(line.as_bytes())
    }

    /// Ends the report.
    ///
    /// # Errors
    /// Writing failed.
    pub fn end(mut self) -> io::Result<W> {
        self.out.write_all(b"  </testsuite>\n</testsuites>\n")?;
        Ok(self.out)
    }
}

fn case(suite: &str, finished: &Finished, strict: bool) -> String {
    let seconds = finished.duration_ms / 1000.0;
    let mut xml = format!("    <testcase classname=\"{suite}\" name=\"{}\" time=\"{seconds:.3}\">\n", escaped(&finished.case));
    let problem = finished.problem.as_ref();
    let message = problem.map_or("", |problem| problem.message.as_str());
    let traceback = problem.and_then(|problem| problem.traceback.as_deref());
    let body = traceback.map_or_else(|| message.to_owned(), |traceback| format!("{message}\n\n{traceback}"));
    let element = match finished.status {
        Status::Failed | Status::NotPassed => Some("failure"),
        Status::Error | Status::Timeout => Some("error"),
        Status::NotJudged if finished.has_failed_judge() => Some("error"),
        Status::NotJudged if strict => Some("failure"),
        Status::NotJudged => Some("skipped"),
        Status::Passed | Status::Skipped | Status::Running | Status::Abandoned => None,
    };
    if let Some(element) = element {
        let first = escaped(message.lines().next().unwrap_or_default());
        let kind = escaped(problem.and_then(|problem| problem.kind.as_deref()).unwrap_or(finished.status.word()));
        // The schema has no type of what was skipped.
        let kind = if element == "skipped" { String::new() } else { format!(" type=\"{kind}\"") };
        let _ = writeln!(xml, "      <{element}{kind} message=\"{first}\">{}</{element}>", escaped(&body));
    }
    let _ = writeln!(xml, "      <system-out>{}</system-out>\n    </testcase>", escaped(&conversation_text(finished)));
    xml
}

/// Returns what was asked, answered, and judged.
fn conversation_text(finished: &Finished) -> String {
    let mut text = format!("> {}\n{}", finished.input, finished.output.as_deref().unwrap_or_default());
    if let Some(printed) = &finished.printed {
        let _ = write!(text, "\n[printed]\n{}", printed.trim_end());
    }
    for judged in &finished.criteria {
        let _ = write!(text, "\n[{}] {}: {}", judged.verdict.words(), judged.name, judged.found);
    }
    text
}

/// Returns a text for XML: what XML cannot hold is replaced, and a very long text is cut.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LONGEST) + 16);
    for character in text.chars() {
        if out.len() > LONGEST {
            out.push('…');
            break;
        }
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(character),
            character if character < ' ' || matches!(character, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}') => {
                out.push('\u{fffd}');
            }
            character => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_markup() {
        assert_eq!(escaped("<a b=\"c\">&\0\u{1b}[31m]]>"), "&lt;a b=&quot;c&quot;&gt;&amp;\u{fffd}\u{fffd}[31m]]&gt;");
        assert!(escaped(&"x".repeat(LONGEST * 2)).len() < LONGEST + 10);
    }
}
