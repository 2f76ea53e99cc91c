//! A run as an upload has it: what the platform is told about a case, and what it keeps.
//!
//! [`RunRecord::of`] is the way from a case that ended, [`RunRecord::into_case`] the way back. What the peers upload becomes the same.

use keepstep_base::Digest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::case::{self, Finished, MOST_ITERATIONS};
use crate::problem::Problem;
use crate::status::{self, Status};
use crate::turn::Turn;
use crate::usage::Usage;
use crate::verdict::{Judged, Verdict};

/// One run, with everything that is known about it: a line of the file with the runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RunRecord {
    /// Its id, a UUID.
    pub id: String,
    /// The input that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_item_id: Option<String>,
    /// Who spoke: an id or a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persona: Option<String>,
    /// Which repetition it was, from 0.
    #[serde(default)]
    pub iteration: u32,
    /// `completed`, `failed`, `error`, `timeout`, `skipped`; whether one that is completed passed is in the evaluation.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    #[serde(with = "status::label")]
    pub status: Status,
    /// The input's text.
    #[serde(default)]
    pub input: String,
    /// The answer's text.
    #[serde(default)]
    pub output: String,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// `duration_ms`, `prompt_tokens`, `completion_tokens`, `total_tokens`, `turn_count`, `termination_reason`, …
    #[serde(default)]
    pub metrics: Map<String, Value>,
    /// What was said: `[{role, content, metadata?}]`.
    #[serde(default)]
    pub transcript: Vec<Value>,
    /// `{verdict, scores, failures}` and whatever else the judges said.
    #[serde(default)]
    pub evaluation: Map<String, Value>,
    /// What was said turn by turn, where that is known.
    #[serde(default)]
    pub turns: Vec<Turn>,
}

impl RunRecord {
    /// Returns a run of which nothing but its id and status is known.
    pub fn new(id: impl Into<String>, status: Status) -> Self {
        Self {
            id: id.into(),
            input_item_id: None,
            persona: None,
            iteration: 0,
            status,
            input: String::new(),
            output: String::new(),
            error: None,
            metrics: Map::new(),
            transcript: Vec::new(),
            evaluation: Map::new(),
            turns: Vec::new(),
        }
    }

    /// Returns what the platform is told about a case. The item is the platform's, which the input's metadata name.
    pub fn of(case: Finished) -> Self {
        let text =
            |name: &str| case.metadata.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        let item = match case.metadata.get("input_item_id") {
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => text("input_item_id"),
        };
        Self {
            input_item_id: item,
            persona: text("persona_id").or_else(|| case.persona.clone()),
            iteration: case.iteration,
            status: case.status,
            error: case.problem.as_ref().filter(|_| !case.status.is_completed()).map(|problem| problem.message.clone()),
            metrics: metrics(&case),
            transcript: transcript(&case),
            evaluation: evaluation_and_details(&case),
            turns: case.turns.into_iter().map(|turn| Turn { run_id: String::new(), ..turn }).collect(),
            id: case.run_id,
            input: case.input,
            output: case.output.unwrap_or_default(),
        }
    }

    /// Returns what the judges say in one word, as they say it.
    pub fn verdict(&self) -> Option<&str> {
        self.evaluation.get("verdict")?.as_str()
    }

    /// Returns the case that it is of, so far as it tells. `index` is its position among all.
    pub fn into_case(self, index: usize) -> Finished {
        let status = match self.status.judged(self.verdict()) {
            Status::NotPassed | Status::Running | Status::Abandoned => Status::Failed,
            status => status,
        };
        let iteration = self.iteration.min(MOST_ITERATIONS - 1);
        let input = match &self.input_item_id {
            Some(item) => item.clone(),
            None => format!("input-{}", &Digest::of_bytes(self.input.as_bytes()).to_string()[..8]),
        };
        let text = |name: &str| self.evaluation.get(name).and_then(Value::as_str).map(str::to_owned);
        let usage: Map<String, Value> = self
            .metrics
            .iter()
            .filter(|(name, value)| value.is_number() && (name.ends_with("tokens") || name.contains("cost")))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let place = self.evaluation.get("location");
        Finished {
            case: case::name(&input, iteration),
            index,
            iteration,
            status,
            flaky: false,
            unreached: false,
            attempts: 1,
            duration_ms: self.metrics.get("duration_ms").and_then(Value::as_f64).unwrap_or_default(),
            problem: self.error.map(|message| Problem {
                kind: text("error_type"),
                traceback: text("traceback"),
                location: place.and_then(|place| serde_json::from_value(place.clone()).ok()),
                ..Problem::new(message)
            }),
            printed: text("printed"),
            token_usage: (!usage.is_empty()).then_some(Value::Object(usage)),
            termination_reason: self.metrics.get("termination_reason").and_then(Value::as_str).map(str::to_owned),
            criteria: criteria(&self.evaluation),
            tool_calls: self.evaluation.get("tool_calls").filter(|calls| !calls.is_null()).cloned(),
            observations: list(&self.evaluation, "observations").cloned().unwrap_or_default(),
            callback_messages: None,
            actions: Vec::new(),
            simulated: None,
            metadata: Map::new(),
            turns: self.turns.into_iter().map(|turn| Turn { run_id: self.id.clone(), ..turn }).collect(),
            persona: self.persona,
            item_id: self.input_item_id,
            run_id: self.id,
            input: self.input,
            output: Some(self.output).filter(|output| !output.is_empty()),
        }
    }
}

/// Returns what each criterion says, of those that say it in our form.
pub fn criteria(evaluation: &Map<String, Value>) -> Vec<Judged> {
    let criteria = list(evaluation, "criteria").into_iter().flatten();
    criteria.filter_map(|criterion| serde_json::from_value(criterion.clone()).ok()).collect()
}

fn list<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Vec<Value>> {
    members.get(name)?.as_array()
}

/// Returns what was said about a case, in the form of the peers' `local_eval_summary`; `None` where nothing was judged.
pub fn evaluation(case: &Finished) -> Option<Map<String, Value>> {
    if case.criteria.iter().all(|judged| judged.verdict == Verdict::NotApplicable) {
        return None;
    }
    let scores: Map<String, Value> =
        case.criteria.iter().filter_map(|judged| Some((judged.name.clone(), Value::from(judged.score?)))).collect();
    let failures: Vec<&str> =
        case.criteria.iter().filter(|judged| judged.verdict == Verdict::Failed).map(|judged| judged.name.as_str()).collect();
    let verdict = match case.status {
        Status::Passed => "pass",
        Status::Error => "error",
        Status::NotJudged => "not_judged",
        _ => "fail",
    };
    Some(Map::from_iter([
        ("verdict".to_owned(), Value::from(verdict)),
        ("scores".to_owned(), Value::Object(scores)),
        ("failures".to_owned(), json!(failures)),
        ("criteria".to_owned(), json!(case.criteria)),
    ]))
}

/// Returns what is said about a run that nobody judged.
pub fn unjudged(is_completed: bool) -> Map<String, Value> {
    Map::from_iter([
        ("verdict".to_owned(), Value::from(if is_completed { "pass" } else { "fail" })),
        ("scores".to_owned(), Value::Object(Map::new())),
        ("failures".to_owned(), Value::Array(Vec::new())),
    ])
}

/// Returns all that is to be told about a case beside what was said.
fn evaluation_and_details(case: &Finished) -> Map<String, Value> {
    let mut told = evaluation(case).unwrap_or_else(|| match case.status {
        // Nobody judged it, although somebody had to.
        Status::NotJudged => Map::from_iter([("verdict".to_owned(), Value::from("not_judged"))]),
        status => unjudged(status.is_completed()),
    });
    let problem = case.problem.as_ref().filter(|_| !case.status.is_completed());
    let beside = [
        ("error_type", problem.and_then(|problem| problem.kind.clone()).map(Value::from)),
        ("location", problem.and_then(|problem| problem.location.as_ref()).map(|location| json!(location))),
        ("traceback", problem.and_then(|problem| problem.traceback.clone()).map(Value::from)),
        ("printed", case.printed.clone().map(Value::from)),
        ("tool_calls", case.tool_calls.clone().filter(|calls| !calls.is_null())),
        ("observations", (!case.observations.is_empty()).then(|| Value::from(case.observations.clone()))),
    ];
    told.extend(beside.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    told
}

/// Returns token counts under the peers' names.
pub fn tokens(usage: &Value) -> Map<String, Value> {
    let usage = Usage::of(usage);
    let counts = [("prompt_tokens", usage.input), ("completion_tokens", usage.output), ("total_tokens", usage.total)];
    counts.into_iter().filter_map(|(name, count)| Some((name.to_owned(), Value::from(count?)))).collect()
}

fn metrics(case: &Finished) -> Map<String, Value> {
    let mut metrics = Map::from_iter([("duration_ms".to_owned(), Value::from(case.duration_ms))]);
    if let Some(reason) = &case.termination_reason {
        metrics.insert("termination_reason".to_owned(), Value::from(reason.as_str()));
    }
    if let Some(usage) = &case.token_usage {
        metrics.extend(tokens(usage));
        if let Some(cost) = Usage::of(usage).cost {
            metrics.insert("cost_usd".to_owned(), Value::from(cost));
        }
    }
    metrics
}

/// A message of a case, with what the peers note beside it.
#[derive(Debug)]
pub struct CaseMessage<'a> {
    /// The message.
    pub turn: &'a Turn,
    /// Which exchange it belongs to, from 1.
    pub exchange: usize,
    /// `input`, `supervisor` or `agent`.
    pub source: &'static str,
    /// Who speaks, what the agent did, and whether these are the last words.
    pub metadata: Map<String, Value>,
}

/// Returns what was said in a case.
pub fn messages(case: &Finished) -> impl Iterator<Item = CaseMessage<'_>> {
    let mut answers = 0;
    case.turns.iter().map(move |turn| {
        let exchange = answers + 1;
        let mut metadata = Map::new();
        let source = if turn.role == "user" {
            if let Some(persona) = &case.persona {
                metadata.insert("persona".to_owned(), Value::from(persona.as_str()));
            }
            if turn.sequence == 1 { "input" } else { "supervisor" }
        } else {
            answers += 1;
            if let Some(actions) = case.actions.get(answers - 1).filter(|actions| !actions.is_empty()) {
                metadata.insert("actions".to_owned(), Value::from(actions.clone()));
            }
            "agent"
        };
        if closes(case, turn) {
            metadata.insert("closing".to_owned(), Value::from(true));
        }
        CaseMessage { turn, exchange, source, metadata }
    })
}

/// Returns true for the last words of a user, to which nobody answers.
pub fn closes(case: &Finished, turn: &Turn) -> bool {
    turn.role == "user" && turn.sequence > 1 && usize::try_from(turn.sequence) == Ok(case.turns.len())
}

fn transcript(case: &Finished) -> Vec<Value> {
    if case.turns.is_empty() {
        return question_and_answer(&case.input, case.output.as_deref().unwrap_or_default());
    }
    let written = |message: CaseMessage<'_>| {
        let mut written = json!({"role": message.turn.role, "content": message.turn.content});
        if !message.metadata.is_empty() {
            written["metadata"] = Value::Object(message.metadata);
        }
        written
    };
    messages(case).map(written).collect()
}

/// Returns the transcript of which only the question and the answer are known.
pub fn question_and_answer(input: &str, output: &str) -> Vec<Value> {
    let said = [("user", input), ("assistant", output)].into_iter().filter(|(_, text)| !text.is_empty());
    said.map(|(role, text)| json!({"role": role, "content": text})).collect()
}
