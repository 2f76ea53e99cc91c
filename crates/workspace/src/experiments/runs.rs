//! From an experiment's lines to the runs that the platform gets.
//!
//! A run of ours has a journal, and [`write_of_journal`] tells all that is in it. Everything else is read from the files of the peers:
//! `trace_summary.jsonl` has one line for each run that came to an end, `errors.json` one entry for each that did not (0.3.3)
//! or the same ones again (0.4.0), and `turns.jsonl` what was said. They are read one line at a time; what is kept of each run
//! is its id.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;

use keepstep_results::case::Finished;
use keepstep_results::record::{RunRecord, question_and_answer, unjudged};
use keepstep_results::status::Status;
use serde_json::{Map, Value};

use crate::experiments::failures;
use crate::experiments::inputs::{InputIndex, Items};
use crate::experiments::journal;
use crate::experiments::list::TRACE_SUMMARY_FILE;
use crate::experiments::package::{ERRORS_FILE, TURNS_FILE, trace_ids_in};
use crate::experiments::report::Report;
use crate::experiments::run_id::{derived, key, uuid};
use crate::experiments::turns::{TurnIndex, note_time};
use keepstep_base::lines::Lines;

/// The longest run that a platform takes, in bytes.
const LONGEST_RUN: usize = 16 * 1024 * 1024;

/// Where an experiment's runs are read from. The files may be cleaned copies.
#[derive(Debug, Clone, Copy)]
pub struct RunFiles<'a> {
    /// What tells this experiment from all others: its name and whatever else is known of it. Ids are derived from it.
    pub identity: &'a str,
    /// `trace_summary.jsonl`
    pub trace_summary: &'a Path,
    /// `turns.jsonl`, where there is one.
    pub turns: Option<&'a Path>,
    /// `errors.json`, where there is one.
    pub errors: Option<&'a Path>,
}

/// What the runs of an experiment are, in short.
#[derive(Debug, Default)]
pub struct RunsWritten {
    /// How many there are.
    pub runs: u64,
    /// How many of them failed.
    pub failed: u64,
    /// What could not be read.
    pub report: Report,
    /// The first and the last time that is known.
    pub times: Option<(String, String)>,
    /// The first run.
    pub first_run: Option<String>,
    ids: HashSet<u128>,
    /// The runs whose traces have ids that are no UUIDs.
    renamed: HashMap<String, String>,
}

impl RunsWritten {
    fn note(&mut self, run: &RunRecord) {
        self.ids.insert(key(&run.id));
        self.runs += 1;
        self.failed += u64::from(!matches!(run.status.label(), "completed" | "skipped"));
        self.first_run.get_or_insert_with(|| run.id.clone());
    }

    /// Returns the run that a report about one run belongs to, by the name of its file.
    pub fn run_of_report(&self, name: &str) -> Option<String> {
        trace_ids_in(name)
            .into_iter()
            .find_map(|part| uuid(part).filter(|id| self.ids.contains(&key(id))).or_else(|| self.renamed.get(part).cloned()))
    }
}

/// Writes the runs as JSON Lines, each a [`RunRecord`].
///
/// # Errors
/// A file cannot be read or written. What is merely broken is in the report.
pub fn write(files: &RunFiles<'_>, inputs: &mut InputIndex<'_>, output: &mut impl Write) -> io::Result<RunsWritten> {
    each(files, inputs, |run| {
        serde_json::to_writer(&mut *output, run)?;
        output.write_all(b"\n")
    })
}

/// Writes the runs of a journal as JSON Lines. `clean` takes secrets out of a case, of which it is given the line, too.
///
/// # Errors
/// A file cannot be read or written. What is merely broken is in the report.
pub fn write_of_journal(
    file: File,
    mut clean: impl FnMut(&[u8], Finished) -> Finished,
    inputs: &mut InputIndex<'_>,
    output: &mut impl Write,
) -> io::Result<RunsWritten> {
    let mut written = RunsWritten::default();
    let mut report = Report::default();
    let (mut line, mut place) = (Vec::new(), 0);
    journal::each(file, &mut report, |text, case, report| {
        place += 1;
        let mut run = RunRecord::of(clean(text, case));
        if written.ids.contains(&key(&run.id)) {
            report.broken(journal::JOURNAL_FILE, place, "an earlier line has the same run");
            return Ok(());
        }
        run.input_item_id = match run.input_item_id.take() {
            Some(item) => {
                inputs.used(run.iteration, &run.input, &item);
                Some(item)
            }
            None => inputs.take(run.iteration, &run.input, run.persona.as_deref()),
        };
        line.clear();
        serde_json::to_writer(&mut line, &run)?;
        if line.len() >= LONGEST_RUN && run.evaluation.shift_remove("observations").is_some() {
            // They are in a file of their own.
            line.clear();
            serde_json::to_writer(&mut line, &run)?;
        }
        if line.len() >= LONGEST_RUN {
            report.broken(journal::JOURNAL_FILE, place, "it is longer than 16 MiB");
            return Ok(());
        }
        line.push(b'\n');
        output.write_all(&line)?;
        for time in run.turns.iter().filter_map(|turn| turn.timestamp.as_deref()) {
            note_time(&mut written.times, time);
        }
        written.note(&run);
        Ok(())
    })?;
    written.report = report;
    Ok(written)
}

/// Gives each run to a function, in the order of the files.
///
/// # Errors
/// A file cannot be read, or the function's own. What is merely broken is in the report.
pub fn each(
    files: &RunFiles<'_>,
    inputs: &mut InputIndex<'_>,
    give: impl FnMut(&RunRecord) -> io::Result<()>,
) -> io::Result<RunsWritten> {
    let mut report = Report::default();
    let turns = match files.turns {
        Some(path) => TurnIndex::read(path, TURNS_FILE, &mut report)?,
        None => TurnIndex::default(),
    };
    let mut reader = Reader { files, inputs, give, turns, written: RunsWritten { report, ..RunsWritten::default() } };
    reader.ended()?;
    reader.failed()?;
    let mut written = reader.written;
    written.times = written.times.or(reader.turns.times);
    Ok(written)
}

/// Returns what tells an experiment from all others: the folder of its scenario, its name, and when it was written.
pub fn identity(scenario_folder: &str, experiment: &str, time: &str) -> String {
    format!("{scenario_folder}\0{experiment}\0{time}")
}

/// Returns the id of the first run of an experiment, as an upload has it; `None` where it has no run.
///
/// # Errors
/// A file cannot be read.
pub fn first_run(folder: &Path, identity: &str) -> io::Result<Option<String>> {
    if let Some(file) = journal::open(folder)? {
        let mut first = None;
        let read = journal::each(file, &mut Report::default(), |_, case, _| {
            first = Some(case.run_id);
            Err(io::ErrorKind::Interrupted.into())
        });
        return if first.is_some() { Ok(first) } else { read.map(|()| None) };
    }
    let there = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
    let trace_summary = folder.join(TRACE_SUMMARY_FILE);
    let (turns, errors) = (there(TURNS_FILE), there(ERRORS_FILE));
    let all = RunFiles { identity, trace_summary: &trace_summary, turns: turns.as_deref(), errors: errors.as_deref() };
    // Only where no run came to an end, all files have to be read.
    for files in [RunFiles { turns: None, errors: None, ..all }, all] {
        let mut first = None;
        let read = each(&files, &mut InputIndex::reading(Items::default), |run| {
            first = Some(run.id.clone());
            Err(io::ErrorKind::Interrupted.into())
        });
        match (first, read) {
            (Some(first), _) => return Ok(Some(first)),
            (None, Err(error)) => return Err(error),
            (None, Ok(_)) => {}
        }
    }
    Ok(None)
}

struct Reader<'a, 'i, F> {
    files: &'a RunFiles<'a>,
    inputs: &'a mut InputIndex<'i>,
    give: F,
    turns: TurnIndex,
    written: RunsWritten,
}

impl<F: FnMut(&RunRecord) -> io::Result<()>> Reader<'_, '_, F> {
    /// Gives the runs that came to an end.
    fn ended(&mut self) -> io::Result<()> {
        let file = File::open(self.files.trace_summary)?;
        let mut lines = Lines::new(BufReader::with_capacity(1 << 20, file));
        let mut buffer = Vec::new();
        while let Some(line) = lines.next_into(&mut buffer)? {
            let mut broken = |reason| self.written.report.broken(TRACE_SUMMARY_FILE, line.number, reason);
            if line.is_too_long {
                broken("it is longer than 16 MiB");
                continue;
            }
            if buffer.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let Ok(Value::Object(trace)) = serde_json::from_slice(&buffer) else {
                broken("it is not a JSON object");
                continue;
            };
            let own_id = trace.get("run_id").or_else(|| trace.get("trace_id")).and_then(Value::as_str).unwrap_or_default();
            let id = match uuid(own_id) {
                Some(id) => id,
                None => derived(&[self.files.identity, own_id, &line.number.to_string()]),
            };
            if self.written.ids.contains(&key(&id)) {
                broken("an earlier line has the same run");
                continue;
            }
            if id != own_id && !own_id.is_empty() {
                self.written.renamed.entry(own_id.to_owned()).or_insert_with(|| id.clone());
            }
            let mut run = run_of(&trace, id);
            let text = std::mem::take(&mut run.input);
            run.input_item_id = match item_of(&trace) {
                Some(item) => {
                    self.inputs.used(run.iteration, &text, &item);
                    Some(item)
                }
                None => self.inputs.take(run.iteration, &text, run.persona.as_deref()),
            };
            run.input = text;
            run.turns = self.turns.take(own_id)?;
            if let Some(time) = trace.get("timestamp").and_then(Value::as_str) {
                note_time(&mut self.written.times, time);
            }
            self.give(&run)?;
        }
        Ok(())
    }

    /// Gives the runs that did not.
    fn failed(&mut self) -> io::Result<()> {
        let Some(path) = self.files.errors else { return Ok(()) };
        let mut begun: HashMap<String, VecDeque<String>> = HashMap::new();
        for (input, id) in self.turns.begun()? {
            begun.entry(input).or_default().push_back(id);
        }
        let mut place = 0u64;
        let mut result = Ok(());
        let read = failures::each(BufReader::new(File::open(path)?), |failure| {
            place += 1;
            if let (Ok(()), Value::Object(failure)) = (&result, &failure) {
                result = self.failure(failure, place, &mut begun);
            }
        });
        result?;
        match read {
            Err(error) if error.is_io() => Err(error.into()),
            Err(error) => {
                self.written.report.broken(ERRORS_FILE, error.line() as u64, "it is not a list of failures");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn failure(
        &mut self,
        failure: &Map<String, Value>,
        place: u64,
        begun: &mut HashMap<String, VecDeque<String>>,
    ) -> io::Result<()> {
        let input = text_of(failure, "input");
        let own_id = match failure.get("run_id").or_else(|| failure.get("trace_id")).and_then(Value::as_str) {
            Some(id) => id.to_owned(),
            // 0.3.3 writes no id, but a run that began has said its input.
            None => begun.get_mut(&input).and_then(VecDeque::pop_front).unwrap_or_default(),
        };
        let id = uuid(&own_id).unwrap_or_else(|| derived(&[self.files.identity, ERRORS_FILE, &own_id, &place.to_string()]));
        if self.written.ids.contains(&key(&id)) || self.written.renamed.contains_key(&own_id) {
            return Ok(());
        }
        let mut run = run_of(failure, id);
        if run.status == Status::Passed {
            run.status = Status::Failed;
            run.evaluation = unjudged(false);
        }
        run.input_item_id = item_of(failure).or_else(|| self.inputs.take(run.iteration, &input, run.persona.as_deref()));
        run.turns = self.turns.take(&own_id)?;
        self.give(&run)
    }

    fn give(&mut self, run: &RunRecord) -> io::Result<()> {
        (self.give)(run)?;
        self.written.note(run);
        Ok(())
    }
}

/// Returns the run that a line or a failure tells of, without its item and its turns.
fn run_of(trace: &Map<String, Value>, id: String) -> RunRecord {
    let error = error_of(trace);
    // A line of 0.3.3 always says that it succeeded; a failure does not say that it did not.
    let succeeded = trace.get("success").and_then(Value::as_bool).unwrap_or(error.is_none());
    let status =
        trace.get("status").and_then(|status| status.as_str()?.parse().ok()).filter(|status: &Status| status.is_reported());
    let status = status.unwrap_or(if succeeded { Status::Passed } else { Status::Failed });
    let input = text_of(trace, "input");
    let output = text_of(trace, "output");
    let mut evaluation = trace.get("evaluation").and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, value) in unjudged(status == Status::Passed) {
        evaluation.entry(name).or_insert(value);
    }
    for name in ["static_results", "contract_results", "error_type", "location", "traceback", "printed"] {
        if let Some(value) = trace.get(name).filter(|value| !value.is_null()) {
            evaluation.entry(name).or_insert_with(|| value.clone());
        }
    }
    RunRecord {
        id,
        input_item_id: None,
        persona: persona_of(trace),
        iteration: trace.get("iteration").and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok()).unwrap_or(0),
        status,
        transcript: transcript(trace, &input, &output),
        input,
        output,
        error,
        metrics: metrics(trace),
        evaluation,
        turns: Vec::new(),
    }
}

fn text_of(trace: &Map<String, Value>, name: &str) -> String {
    match trace.get(name) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

fn error_of(trace: &Map<String, Value>) -> Option<String> {
    match trace.get("error")? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Object(error) => Some(error.get("message").and_then(Value::as_str).unwrap_or("no message").to_owned()),
        other => Some(other.to_string()),
    }
}

/// Returns the metadata of the input that 0.3.3 carries along.
fn variation(trace: &Map<String, Value>) -> Option<&Map<String, Value>> {
    trace.get("conversation_state")?.get("metadata")?.get("variation")?.as_object()
}

fn persona_of(trace: &Map<String, Value>) -> Option<String> {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let of_variation = || variation(trace)?.get("persona_id").and_then(text);
    of_variation().or_else(|| trace.get("persona").and_then(text))
}

fn item_of(trace: &Map<String, Value>) -> Option<String> {
    let id = |value: &Value| match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let of_variation = || variation(trace)?.get("input_item_id").and_then(id);
    let of_metadata = || trace.get("input_metadata")?.get("id").and_then(id);
    trace.get("input_item_id").and_then(id).or_else(of_variation).or_else(of_metadata)
}

fn metrics(trace: &Map<String, Value>) -> Map<String, Value> {
    let mut metrics = trace.get("metrics").and_then(Value::as_object).cloned().unwrap_or_default();
    for name in ["duration_ms", "turn_count", "termination_reason"] {
        if let Some(value) = trace.get(name).filter(|value| !value.is_null()) {
            metrics.entry(name).or_insert_with(|| value.clone());
        }
    }
    let usage = trace.get("token_usage").and_then(Value::as_object).into_iter().flatten();
    for (name, value) in usage.filter(|(_, value)| value.is_number()) {
        let name = match name.as_str() {
            "input_tokens" => "prompt_tokens",
            "output_tokens" => "completion_tokens",
            other => other,
        };
        metrics.entry(name).or_insert_with(|| value.clone());
    }
    metrics
}

fn transcript(trace: &Map<String, Value>, input: &str, output: &str) -> Vec<Value> {
    let said = trace.get("conversation").or_else(|| trace.get("conversation_state")?.get("turns"));
    if let Some(messages) = said.and_then(Value::as_array).filter(|messages| !messages.is_empty()) {
        return messages.iter().filter_map(|message| message_of(message.as_object()?)).collect();
    }
    question_and_answer(input, output)
}

fn message_of(message: &Map<String, Value>) -> Option<Value> {
    let role = message.get("role")?.as_str()?;
    let mut kept = Map::from_iter([
        ("role".to_owned(), Value::from(role)),
        ("content".to_owned(), message.get("content").cloned().unwrap_or_default()),
    ]);
    if let Some(metadata) =
        message.get("metadata").filter(|metadata| metadata.as_object().is_some_and(|members| !members.is_empty()))
    {
        kept.insert("metadata".to_owned(), metadata.clone());
    }
    Some(Value::Object(kept))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::experiments::inputs::Items;

    const FIRST: &str = "0f22bbd9-b3a6-407d-b432-abb7d215331f";
    const SECOND: &str = "3c3516b3-cac9-47fa-9224-3840f48fcc74";

    fn written_of(trace_summary: &str, turns: &str, errors: &str, inputs: Value) -> (Vec<RunRecord>, RunsWritten) {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let (trace_summary, turns, errors) =
            (file("trace_summary.jsonl", trace_summary), file("turns.jsonl", turns), file("errors.json", errors));
        let files = RunFiles { identity: "exp_1", trace_summary: &trace_summary, turns: Some(&turns), errors: Some(&errors) };
        let mut items = Items::default();
        inputs.as_array().unwrap().iter().for_each(|entry| items.add(entry));
        let mut index = InputIndex::new(Arc::new(items));
        let mut output = Vec::new();
        let written = write(&files, &mut index, &mut output).unwrap();
        let text = String::from_utf8(output).unwrap();
        (text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), written)
    }

    fn turn(run: &str, sequence: u32, role: &str, content: &str) -> String {
        let time = format!("2026-11-21T23:28:2{sequence}.5+00:00");
        let turn = json!({"run_id": run, "turn_id": format!("{run}-t{sequence}"), "sequence": sequence, "role": role, "content": content, "timestamp": time});
        format!("{turn}\n")
    }

    #[test]
    fn f10_a_run_that_failed_is_one_that_failed() {
        let trace = json!({
            "trace_id": FIRST, "iteration": 0, "persona": "novice", "input": "Where?", "output": "ok", "duration_ms": 7.9, "success": true,
            "token_usage": {"prompt_tokens": 1.0, "total_tokens": 2.0},
            "conversation": [{"turn_index": 1, "role": "user", "content": "Where?", "source": "input", "metadata": {"persona": "novice"}}],
            "conversation_state": {"metadata": {"variation": {"input_item_id": "item-1", "persona_id": "p-1"}}},
        });
        let turns =
            [turn(SECOND, 1, "user", "Cancel"), turn(FIRST, 2, "assistant", "ok"), turn(FIRST, 1, "user", "Where?")].concat();
        let errors = json!([{"iteration": 0, "persona": null, "input": "Cancel", "error": "boom"}, {"iteration": 1, "input": "Cancel", "error": "again"}]);
        let inputs = json!([{"input": "Cancel", "metadata": {"input_item_id": "item-2"}}]);
        let (runs, written) = written_of(&format!("{trace}\n"), &turns, &errors.to_string(), inputs);
        assert_eq!((written.runs, written.failed), (3, 2));
        let told: Vec<_> = runs
            .iter()
            .map(|run| (run.status.label(), run.input_item_id.as_deref(), run.error.as_deref(), run.turns.len()))
            .collect();
        let expected = [
            ("completed", Some("item-1"), None, 2),
            ("failed", Some("item-2"), Some("boom"), 1),
            ("failed", Some("item-2"), Some("again"), 0),
        ];
        assert_eq!(told, expected);
        assert_eq!(runs[1].id, SECOND, "the run that was announced before it ran is the one that failed");
        assert_eq!(runs[1].evaluation["verdict"], "fail");
        assert_eq!(runs[0].persona.as_deref(), Some("p-1"));
        assert_eq!(Value::from(runs[0].metrics.clone()), json!({"duration_ms": 7.9, "prompt_tokens": 1.0, "total_tokens": 2.0}));
        assert_eq!(runs[0].transcript, [json!({"role": "user", "content": "Where?", "metadata": {"persona": "novice"}})]);
        assert_eq!(written.times, Some(("2026-11-21T23:28:21.5+00:00".to_owned(), "2026-11-21T23:28:22.5+00:00".to_owned())));
    }

    #[test]
    fn f13_ids_that_are_no_uuids_become_the_same_ones_each_time() {
        let lines =
            "{\"trace_id\":\"t-1\",\"input\":\"a\",\"success\":true}\n{\"trace_id\":\"t-2\",\"input\":\"a\",\"success\":true}\n";
        let turns = turn("t-2", 1, "user", "a");
        let (first, written) = written_of(lines, &turns, "[]", json!([]));
        let (second, _) = written_of(lines, &turns, "[]", json!([]));
        assert_eq!(first, second);
        assert_ne!(first[0].id, first[1].id);
        assert_eq!((first[0].turns.len(), first[1].turns.len()), (0, 1), "turns follow their run to its new id");
        assert_eq!(written.run_of_report("report_t-2.md").as_ref(), Some(&first[1].id));
        assert_eq!(written.run_of_report("report_t-3.md"), None);
    }

    #[test]
    fn the_results_of_0_4_0_are_read() {
        let line = json!({
            "run_id": FIRST, "iteration": 0, "persona": "novice", "input": "Where?", "input_item_id": "", "input_metadata": {"id": "item-1"},
            "output": "ok when?", "success": false, "duration_ms": 59, "turn_count": 2, "termination_reason": "simulator_error",
            "token_usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}, "error": {"message": "boom", "traceback": "…"},
        });
        let errors = json!({"experiment_name": "orders", "failures": [{"run_id": FIRST, "input": "Where?", "error": {"message": "boom"}}]});
        let (runs, written) = written_of(&line.to_string(), "", &errors.to_string(), json!([]));
        assert_eq!((written.runs, written.failed), (1, 1), "a failure that has a line is not counted twice");
        assert_eq!(runs[0].input_item_id.as_deref(), Some("item-1"));
        assert_eq!(runs[0].error.as_deref(), Some("boom"));
        assert_eq!(runs[0].metrics["prompt_tokens"], 1);
        assert_eq!(runs[0].transcript.len(), 2);
    }

    #[test]
    fn what_is_broken_is_named_and_the_rest_is_kept() {
        let lines = format!("{{\"trace_id\":\"{FIRST}\",\"success\":true}}\n{{cut\n\n{{\"trace_id\":\"{FIRST}\"}}\n[1]\n");
        let (runs, written) = written_of(&lines, "no json\n", "[{\"input\": \"a\"}, {", json!([]));
        assert_eq!(runs.len(), 2);
        let named: Vec<String> = written.report.named().iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(named.join("\n"), @"
        turns.jsonl line 1: it is not a JSON object with a `run_id`
        trace_summary.jsonl line 2: it is not a JSON object
        trace_summary.jsonl line 4: an earlier line has the same run
        trace_summary.jsonl line 5: it is not a JSON object
        errors.json line 1: it is not a list of failures
        ");
    }
}
