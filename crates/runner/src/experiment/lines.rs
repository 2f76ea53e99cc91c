//! A finished case as the lines of the peer's files.

use std::io;

use serde_json::{Map, Value, json};

use super::python_json::write_line;
use keepstep_results::case::Finished;
use keepstep_results::record::{CaseMessage, closes, evaluation, messages, tokens};
use keepstep_results::turn::Turn;

/// The lines of cases, for each file that can be made again from the journal.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) traces: Vec<u8>,
    pub(super) trace_summary: Vec<u8>,
    pub(super) turns: Vec<u8>,
}

impl Lines {
    /// Adds the lines of a case.
    pub(super) fn add(&mut self, finished: &Finished) -> io::Result<()> {
        for turn in &finished.turns {
            write_line(&mut self.turns, &serde_json::to_value(turn)?, false)?;
        }
        // A case that failed is only in errors.json, as the peer has it.
        if finished.status.is_completed() {
            write_line(&mut self.traces, &trace(finished, true), true)?;
            write_line(&mut self.trace_summary, &trace(finished, false), true)?;
        }
        Ok(())
    }
}

/// Returns the line of `traces.jsonl`, or the shorter one of `trace_summary.jsonl`.
fn trace(finished: &Finished, whole: bool) -> Value {
    let mut trace = json!({
        "trace_id": finished.run_id,
        "iteration": finished.iteration,
        "persona": finished.persona,
        "input": finished.input,
        "output": finished.output,
        "duration_ms": finished.duration_ms,
        "success": true,
    });
    let Value::Object(members) = &mut trace else { return trace };
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            members.insert(key.to_owned(), value);
        }
    };
    if whole {
        put("observation_count", (!finished.observations.is_empty()).then(|| finished.observations.len().into()));
        put("callback_messages", finished.callback_messages.clone());
    }
    put("printed", finished.printed.clone().map(Value::from));
    put("token_usage", finished.token_usage.as_ref().and_then(counted));
    put("evaluation", evaluation(finished).map(Value::Object));
    put("conversation", Some(conversation(finished)));
    put("conversation_state", Some(conversation_state(finished)));
    put("termination_reason", finished.termination_reason.clone().map(Value::from));
    if whole {
        put("supervisor_response", finished.simulated.as_ref().and_then(|simulated| simulated.response.clone()));
    }
    trace
}

fn conversation(finished: &Finished) -> Value {
    let entry = |CaseMessage { turn, exchange, source, metadata }: CaseMessage<'_>| json!({"turn_index": exchange, "role": turn.role, "content": turn.content, "source": source, "metadata": metadata});
    messages(finished).map(entry).collect()
}

fn conversation_state(finished: &Finished) -> Value {
    let message = |turn: &Turn| {
        let mut said = Map::new();
        said.insert("role".to_owned(), Value::from(turn.role.as_str()));
        said.insert("content".to_owned(), Value::from(turn.content.as_str()));
        if closes(finished, turn) {
            said.insert("closing".to_owned(), Value::from(true));
        }
        Value::Object(said)
    };
    let mut state = json!({
        "turns": finished.turns.iter().map(message).collect::<Vec<_>>(),
        "metadata": {"iteration": finished.iteration, "persona": finished.persona, "variation": finished.metadata},
    });
    if let Some(simulated) = &finished.simulated {
        state["metadata"]["persona_description"] = json!(simulated.persona_description);
        state["metadata"]["service_context"] = json!(simulated.service_context);
        state["metadata"]["auto_approve_tools"] = json!(simulated.auto_approve_tools);
        state["context"] = json!({});
    }
    state
}

/// Returns token counts under the peer's names.
fn counted(usage: &Value) -> Option<Value> {
    let counts = tokens(usage);
    (!counts.is_empty()).then_some(Value::Object(counts))
}

/// Returns the entry of `errors.json`: the peer's members, and what an upload needs to report the case.
pub(super) fn error_entry(finished: &Finished) -> Value {
    let mut entry = json!({
        "iteration": finished.iteration,
        "persona": finished.persona,
        "input": finished.input,
        "error": finished.problem.as_ref().map_or("", |problem| problem.message.as_str()),
        "trace_id": finished.run_id,
        "status": finished.status,
        "duration_ms": finished.duration_ms,
        "attempts": finished.attempts,
    });
    if let Value::Object(members) = &mut entry {
        for (key, value) in [
            ("input_item_id", finished.item_id.as_deref()),
            ("traceback", finished.problem.as_ref().and_then(|problem| problem.traceback.as_deref())),
        ] {
            if let Some(value) = value {
                members.insert(key.to_owned(), Value::from(value));
            }
        }
        let problem = finished.problem.as_ref();
        let judged = [
            ("error_type", problem.and_then(|problem| problem.kind.clone()).map(Value::from)),
            ("location", problem.and_then(|problem| problem.location.as_ref()).map(|location| json!(location))),
            ("printed", finished.printed.clone().map(Value::from)),
            ("output", finished.output.as_deref().map(Value::from)),
            ("token_usage", finished.token_usage.as_ref().and_then(counted)),
            ("evaluation", evaluation(finished).map(Value::Object)),
        ];
        members.extend(judged.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    }
    entry
}
