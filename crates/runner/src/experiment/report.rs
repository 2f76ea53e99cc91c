//! What is written when a run has ended: `observations.jsonl`, `errors.json`, `result.md` and, last, `summary.json`.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use keepstep_workspace::experiments::secrets::Secrets;
use keepstep_workspace::files;
use serde::Serialize as _;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Map, Value, json};

use super::python_json::write_line;
use super::{Experiment, ExperimentError, SUMMARY, io_error, lines, write_whole};
use keepstep_results::case::Finished;
use keepstep_results::guardrails::Warning;
use keepstep_results::status::Status;
use keepstep_results::tally::Statistics;
use keepstep_results::tally::percent;
use keepstep_results::totals::Totals;
use keepstep_results::turn::Turn;

/// What the summary says beside the counts.
#[derive(Debug, Clone)]
pub struct Summary<'a> {
    /// The name of the configuration.
    pub name: &'a str,
    /// The configuration as it was written.
    pub config: &'a Value,
    /// How many cases ended how.
    pub totals: Totals,
    /// What they say together.
    pub statistics: &'a Statistics,
    /// How long the run took.
    pub duration_seconds: f64,
    /// What else is known about what was tested: versions, commits, digests.
    pub provenance: Map<String, Value>,
    /// False for a run that is to go on later: it gets no summary, so that nobody takes it for a whole one.
    pub is_complete: bool,
}

impl Experiment {
    /// Writes what a finished run leaves.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn report(&self, summary: &Summary<'_>) -> Result<(), ExperimentError> {
        self.write_observations()?;
        self.write_errors(summary.totals)?;
        self.write_result(summary)?;
        if summary.is_complete {
            let document = pretty(&self.summary(summary)).map_err(io_error("write", self.folder()))?;
            write_whole(&self.folder().join(SUMMARY), &document)?;
        }
        Ok(())
    }

    fn summary(&self, summary: &Summary<'_>) -> Value {
        let totals = &summary.totals;
        let ran = totals.counts.finished();
        let rate = |part: f64, whole: u64| if whole == 0 { 0.0 } else { part / whole as f64 };
        let mut ours = summary.provenance.clone();
        ours.insert("counts".to_owned(), json!(totals));
        ours.insert("statistics".to_owned(), json!(summary.statistics));
        ours.insert("run".to_owned(), json!(self.run));
        // By the rule that an upload follows, so that nothing is left for it to find here.
        let mut config = summary.config.clone();
        Secrets::default().clean_summary(&mut config);
        json!({
            "name": summary.name,
            "date": self.run.date,
            "config": config,
            "results": {
                "total_runs": ran,
                "successful": totals.counts.passed,
                "failed": totals.counts.bad(),
                "not_judged": totals.counts.not_judged,
                "success_rate": rate(totals.counts.passed as f64, totals.counts.judged()),
                "avg_duration_ms": rate(totals.passed_ms, totals.counts.passed),
                "duration_seconds": summary.duration_seconds,
            },
            "keepstep": ours,
        })
    }

    fn write_observations(&self) -> Result<(), ExperimentError> {
        self.write_streamed(&self.folder().join("observations.jsonl"), |out| {
            self.each_finished(|finished| {
                // As in the traces, a case that failed is only in errors.json.
                let observations = finished.observations.iter().filter(|_| finished.status.is_completed());
                let mut lines = Vec::new();
                observations.into_iter().try_for_each(|observation| write_line(&mut lines, observation, true))?;
                out.write_all(&lines)
            })
            .map_err(io::Error::other)
        })
    }

    fn write_errors(&self, totals: Totals) -> Result<(), ExperimentError> {
        let path = self.folder().join("errors.json");
        if totals.counts.bad() == 0 {
            return match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("remove", &path)(error)),
                _ => Ok(()),
            };
        }
        self.write_streamed(&path, |out| {
            let mut first = true;
            out.write_all(b"[")?;
            self.each_finished(|finished| {
                if finished.status.is_completed() {
                    return Ok(());
                }
                out.write_all(if std::mem::take(&mut first) { b"\n" } else { b",\n" })?;
                let entry = pretty(&lines::error_entry(&finished))?;
                for (index, line) in entry.split(|byte| *byte == b'\n').enumerate() {
                    out.write_all(if index == 0 { b"  " } else { b"\n  " })?;
                    out.write_all(line)?;
                }
                Ok(())
            })
            .map_err(io::Error::other)?;
            out.write_all(b"\n]\n")
        })
    }

    fn write_result(&self, summary: &Summary<'_>) -> Result<(), ExperimentError> {
        let totals = summary.totals;
        self.write_streamed(&self.folder().join("result.md"), |out| {
            writeln!(out, "# FluxLoop Test Result\n\n## Summary\n")?;
            writeln!(out, "- Turns: {} ({} warning turns)", totals.turns, totals.warning_turns)?;
            writeln!(out, "- Warnings: {}", totals.warnings)?;
            writeln!(out, "- Cases: {} of {} passed", totals.counts.passed, totals.planned)?;
            for (name, number) in [
                ("Failed", totals.counts.failed),
                ("Errors", totals.counts.error),
                ("Timeouts", totals.counts.timeout),
                ("Not judged", totals.counts.not_judged),
                ("Flaky", totals.flaky),
                ("Not run", totals.not_run()),
            ] {
                if number > 0 {
                    writeln!(out, "- {name}: {number}")?;
                }
            }
            write_rates(out, summary.statistics)?;
            writeln!(out, "\n## Turn Details")?;
            self.each_finished(|finished| {
                for turn in &finished.turns {
                    write_turn(out, turn)?;
                }
                write_ending(out, &finished)
            })
            .map_err(io::Error::other)?;
            write_criteria(out, summary.statistics)
        })
    }

    /// Writes a file of any length: to a temporary name beside it, synced, renamed.
    pub(super) fn write_streamed(
        &self,
        path: &Path,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), ExperimentError> {
        files::replace_streamed(path, write).map_err(io_error("write", path))
    }
}

/// Writes rates with their intervals, and what repeats say.
fn write_rates(out: &mut dyn Write, statistics: &Statistics) -> io::Result<()> {
    let Some(rate) = statistics.pass_rate else { return Ok(()) };
    writeln!(out, "- Pass rate: {}", rate.in_words())?;
    if !statistics.repeats.is_empty() {
        writeln!(out, "\n## Repeats\n\n| Answers (k) | At least one good (pass@k) | All good (pass^k) |\n|---|---|---|")?;
        for repeats in &statistics.repeats {
            writeln!(out, "| {} | {} | {} |", repeats.k, percent(repeats.pass_at_k), percent(repeats.pass_hat_k))?;
        }
    }
    let unsteady: Vec<_> = statistics.inputs.iter().filter(|input| input.rate.passed < input.rate.of).collect();
    if !unsteady.is_empty() {
        writeln!(out, "\n## Inputs that did not always pass\n")?;
        for input in unsteady {
            writeln!(out, "- {}: {}", inline(&input.input), input.in_words())?;
        }
        if statistics.inputs_left_out > 0 {
            writeln!(out, "- and perhaps some of {} more", statistics.inputs_left_out)?;
        }
    }
    Ok(())
}

/// Writes how a case ended, unless it simply passed.
fn write_ending(out: &mut dyn Write, finished: &Finished) -> io::Result<()> {
    if let Some(problem) = &finished.problem {
        let heading = match finished.status {
            Status::Failed => "Not as expected",
            Status::NotJudged => "Not judged",
            _ => "Error",
        };
        writeln!(out, "\n### {} ({})\n\n**{heading}:**\n", inline(&finished.case), finished.status.word())?;
        write_quoted(out, &problem.message)?;
    }
    Ok(())
}

/// Writes how often each criterion held.
fn write_criteria(out: &mut dyn Write, statistics: &Statistics) -> io::Result<()> {
    if statistics.criteria.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Evaluation Criteria\n")?;
    for criterion in &statistics.criteria {
        writeln!(out, "- {}: {}", inline(&criterion.name), inline(&criterion.in_words()))?;
    }
    Ok(())
}

fn write_turn(out: &mut dyn Write, turn: &Turn) -> io::Result<()> {
    writeln!(out, "\n### Turn {}\n\n- Role: {}", turn.sequence, turn.role)?;
    if let Some(duration) = turn.duration_ms {
        writeln!(out, "- Duration: {duration} ms")?;
    }
    writeln!(out, "- Status: {}\n\n**Content:**\n", if turn.warnings.is_empty() { "✓" } else { "⚠️ Warning" })?;
    write_quoted(out, &turn.content)?;
    if !turn.warnings.is_empty() {
        writeln!(out, "\n**Warnings:**\n")?;
        for warning in &turn.warnings {
            match warning {
                Warning::Known(found) => writeln!(out, "- {}: {}", found.kind, inline(&found.message))?,
                other @ Warning::Other(_) => writeln!(out, "- {}", inline(&other.text()))?,
            }
        }
    }
    Ok(())
}

fn write_quoted(out: &mut dyn Write, text: &str) -> io::Result<()> {
    for line in text.lines() {
        writeln!(out, "> {line}")?;
    }
    if text.is_empty() { writeln!(out, ">") } else { Ok(()) }
}

fn inline(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns JSON with an indent of two spaces.
fn pretty(value: &Value) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut out, PrettyFormatter::with_indent(b"  ")))?;
    Ok(out)
}
