//! Criteria that need nobody but the case itself.

use std::fmt;
use std::time::Duration;

use jsonschema::{PatternOptions, ValidationError, ValidationOptions, Validator};
use regex::Regex;
use serde_json::{Map, Value, json};
use similar::TextDiff;

use super::bounds::{Bounds, CACHE_OF_A_PATTERN, PATTERN_OF_A_SCHEMA, PATTERN_TOO_LARGE, measured, values_of};
use crate::case::Finished;
use crate::usage::Usage;
use crate::verdict::Verdict;

/// The longest text that is compared letter by letter; longer ones are compared word by word.
const BY_LETTERS: usize = 4_000;

/// The longest text that is compared at all.
const LONGEST: usize = 400_000;

/// How much of an answer is shown.
const SHOWN: usize = 200;

/// How many faults of a JSON document are told.
const FAULTS: usize = 3;

/// How often a part of a schema may meet a value where all faults are found within bounds: there are at most so many.
const FAULTS_FOUND: u64 = 50_000;

/// What is looked at.
#[derive(Debug)]
pub enum Check {
    /// Texts that stand in the answer.
    Contains {
        /// The texts.
        texts: Vec<String>,
        /// True where one of them is enough.
        any: bool,
        /// True where none of them may stand there.
        negated: bool,
        /// True where upper and lower case are the same.
        ignore_case: bool,
        /// Which answers.
        of: Text,
    },
    /// A regular expression.
    Pattern {
        /// The expression.
        pattern: Regex,
        /// True where it must not match.
        negated: bool,
        /// Which answers.
        of: Text,
    },
    /// The whole answer.
    Equals {
        /// What it is to be.
        wanted: Expected,
        /// True where upper and lower case are the same.
        ignore_case: bool,
    },
    /// How like a text the answer is.
    Similar {
        /// The text.
        wanted: Expected,
        /// How like it has to be, from 0 to 1.
        at_least: f64,
        /// True where upper and lower case are the same.
        ignore_case: bool,
    },
    /// A JSON schema.
    Schema(Box<Schema>),
    /// A tool that has to be called.
    Called(Tool),
    /// A tool that must not be called.
    NotCalled(Tool),
    /// How long an answer may take.
    Latency(Duration),
    /// How many tokens it may take.
    Tokens(f64),
    /// How much it may cost.
    Cost(Cost),
    /// A program that judges.
    Program {
        /// The program and its arguments.
        command: Vec<String>,
        /// How long it may take.
        timeout: Duration,
    },
    /// A statement that a model judges.
    Statement {
        /// The statement.
        text: String,
        /// The least score.
        at_least: Option<f64>,
    },
    /// Nothing that this version can use, and why.
    Unusable(String),
}

/// Which answers are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// The last one.
    Last,
    /// All of them.
    Conversation,
}

/// An expected text.
#[derive(Debug)]
pub enum Expected {
    /// This one.
    Text(String),
    /// What the input has in its metadata under this name.
    Metadata(String),
}

/// A tool, with arguments that a call must have at least.
#[derive(Debug)]
pub struct Tool {
    pub(super) name: String,
    pub(super) arguments: Option<Value>,
}

/// A limit in US dollars.
#[derive(Debug)]
pub struct Cost {
    pub(super) limit: f64,
    /// What a million tokens cost that the model reads, and that it writes.
    pub(super) per_million: Option<[f64; 2]>,
}

/// A compiled schema.
pub struct Schema {
    validator: Validator,
    /// How it judges within bounds; nothing where it has none.
    within: Option<Within>,
}

/// What is known of a schema that judges within bounds; see [`bounds`](super::bounds).
#[derive(Debug, Clone, Copy)]
struct Within {
    size: u64,
    has_alternatives: bool,
}

/// What was found out.
#[derive(Debug, PartialEq)]
pub struct Finding {
    /// How it ended.
    pub verdict: Verdict,
    /// What was found, or why nothing was looked for.
    pub found: String,
    /// How good it is, from 0 to 1.
    pub score: Option<f64>,
}

impl Finding {
    /// Returns what was found where it passed, or did not.
    pub fn of(passed: bool, found: impl Into<String>) -> Self {
        let verdict = if passed { Verdict::Passed } else { Verdict::Failed };
        Self { verdict, found: found.into(), score: Some(f64::from(u8::from(passed))) }
    }

    /// Returns that it is not about the case.
    pub fn not_applicable(reason: impl Into<String>) -> Self {
        Self { verdict: Verdict::NotApplicable, found: reason.into(), score: None }
    }

    /// Returns that nobody could judge.
    pub fn not_judged(reason: impl Into<String>) -> Self {
        Self { verdict: Verdict::NotJudged, found: reason.into(), score: None }
    }

    /// Returns that the judge failed.
    pub fn error(reason: impl Into<String>) -> Self {
        Self { verdict: Verdict::Error, found: reason.into(), score: None }
    }
}

impl Check {
    /// Returns true if it says what the last answer has to be, and not only what it must not be or how it came about.
    pub fn wants_text(&self) -> bool {
        match self {
            Self::Contains { negated, of, .. } | Self::Pattern { negated, of, .. } => !negated && *of == Text::Last,
            Self::Equals { .. } | Self::Similar { .. } | Self::Schema(_) | Self::Program { .. } | Self::Statement { .. } => true,
            Self::Called(_) | Self::NotCalled(_) | Self::Latency(_) | Self::Tokens(_) | Self::Cost(_) | Self::Unusable(_) => {
                false
            }
        }
    }

    /// Returns what the case itself says; `None` where somebody else has to be asked.
    pub fn check(&self, case: &Finished) -> Option<Finding> {
        let answer = case.output.as_deref().unwrap_or_default();
        Some(match self {
            Self::Contains { texts, any, negated, ignore_case, of } => {
                let said = answers_of(case, *of);
                let whole = if *ignore_case { said.to_lowercase() } else { said.clone() };
                let form = |wanted: &str| if *ignore_case { wanted.to_lowercase() } else { wanted.to_owned() };
                let has = |wanted: &&String| whole.contains(&form(wanted));
                let (there, missing): (Vec<&String>, Vec<&String>) = texts.iter().partition(has);
                let passed = if *negated {
                    there.is_empty()
                } else if *any {
                    !there.is_empty()
                } else {
                    missing.is_empty()
                };
                let found = match (negated, there.first(), missing.first()) {
                    (true, Some(text), _) => format!("{text:?} in {}", around(&whole, &form(text))),
                    (false, _, Some(text)) if !passed => format!("no {text:?} in {}", quote_excerpt(&said)),
                    _ => quote_excerpt(&said),
                };
                Finding::of(passed, found)
            }
            Self::Pattern { pattern, negated, of } => {
                let text = answers_of(case, *of);
                match pattern.find(&text) {
                    Some(found) => {
                        Finding::of(!negated, format!("{} in {}", quote_excerpt(found.as_str()), quote_excerpt(&text)))
                    }
                    None => Finding::of(*negated, format!("no match in {}", quote_excerpt(&text))),
                }
            }
            Self::Equals { wanted, ignore_case } => {
                let Some(wanted) = wanted.of(case) else { return Some(wanted.missing()) };
                let (wanted, answer) = (wanted.trim(), answer.trim());
                let equal = if *ignore_case { wanted.to_lowercase() == answer.to_lowercase() } else { wanted == answer };
                Finding::of(equal, quote_excerpt(answer))
            }
            Self::Similar { wanted, at_least, ignore_case } => {
                let Some(wanted) = wanted.of(case) else { return Some(wanted.missing()) };
                match likeness(&wanted, answer, *ignore_case) {
                    Some(likeness) => Finding {
                        score: Some(likeness),
                        ..Finding::of(
                            likeness >= *at_least,
                            format!("{:.0}% in {}", (likeness * 100.0).floor(), quote_excerpt(answer)),
                        )
                    },
                    None => Finding::error("the texts are too long to compare"),
                }
            }
            Self::Schema(schema) => schema.check(answer),
            Self::Called(tool) => match calls(case) {
                Err(reason) => Finding::not_judged(reason),
                Ok(calls) => Finding::of(calls.iter().any(|call| tool.is(call)), call_list(&calls)),
            },
            Self::NotCalled(tool) => match calls(case) {
                Err(reason) => Finding::not_judged(reason),
                Ok(calls) => Finding::of(!calls.iter().any(|call| tool.is(call)), call_list(&calls)),
            },
            Self::Latency(limit) => {
                let slowest = case.turns.iter().filter_map(|turn| turn.duration_ms).max_by(f64::total_cmp);
                let slowest = slowest.unwrap_or(case.duration_ms);
                Finding::of(slowest <= limit.as_secs_f64() * 1000.0, format!("{:.3}s", slowest / 1000.0))
            }
            Self::Tokens(limit) => match case.token_usage.as_ref().map(Usage::of).and_then(|usage| usage.total) {
                Some(total) => Finding::of(total <= *limit, format!("{total} tokens")),
                None => Finding::not_judged("the target did not report its token usage"),
            },
            Self::Cost(cost) => cost.check(case),
            Self::Unusable(reason) => Finding::not_judged(reason.clone()),
            Self::Program { .. } | Self::Statement { .. } => return None,
        })
    }
}

impl Expected {
    pub(super) fn of(&self, case: &Finished) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Metadata(name) => match case.metadata.get(name)? {
                Value::Null => None,
                Value::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            },
        }
    }

    fn missing(&self) -> Finding {
        match self {
            Self::Text(_) => Finding::not_applicable("nothing to compare with"),
            Self::Metadata(name) => Finding::not_applicable(format!("the input has no {name} in its metadata")),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => formatter.write_str(&quote_excerpt(text)),
            Self::Metadata(name) => write!(formatter, "the input's {name}"),
        }
    }
}

impl Schema {
    /// Compiles a schema, or says why that would take too much. References to other documents are never followed.
    pub(super) fn new(schema: &Value, bounds: Option<Bounds>) -> Result<Result<Self, &'static str>, String> {
        let measured = match bounds.map(|bounds| measured(schema, bounds)).transpose() {
            Ok(measured) => measured,
            Err(reason) => return Ok(Err(reason)),
        };
        match options(measured.is_some()).build(schema) {
            Ok(validator) => {
                let within = measured.map(|found| Within { size: found.size, has_alternatives: found.has_alternatives });
                Ok(Ok(Self { validator, within }))
            }
            Err(_) if measured.is_some_and(|found| found.patterns.into_iter().any(is_too_large)) => Ok(Err(PATTERN_TOO_LARGE)),
            Err(error) => Err(format!("json_schema is not a valid schema: {}", quote_excerpt(&error.to_string()))),
        }
    }

    /// Returns how large it is with all that it refers to.
    pub(super) fn size(&self) -> u64 {
        self.within.map_or(u64::MAX, |within| within.size)
    }

    fn check(&self, answer: &str) -> Finding {
        let document: Value = match serde_json::from_str(answer) {
            Ok(document) => document,
            Err(error) => return Finding::of(false, format!("no JSON ({error}): {}", quote_excerpt(answer))),
        };
        let faults = self.faults(&document, answer);
        if faults.is_empty() { Finding::of(true, quote_excerpt(answer)) } else { Finding::of(false, faults.join("; ")) }
    }

    /// Returns what is wrong with a document.
    fn faults(&self, document: &Value, answer: &str) -> Vec<String> {
        let told = |fault: ValidationError<'_>| {
            let place = fault.instance_path().to_string();
            let place = if place.is_empty() { String::new() } else { format!(" at {place}") };
            format!("{}{place}", shortened(&fault.to_string(), SHOWN))
        };
        // All faults are in memory before the first is told, and each takes more than the value that it is about.
        match self.within {
            Some(_) if self.validator.is_valid(document) => Vec::new(),
            Some(within) if within.size.saturating_mul(values_of(answer)) > FAULTS_FOUND => {
                let first = if within.has_alternatives { None } else { self.validator.validate(document).err() };
                vec![first.map_or_else(|| "it does not fit the schema".to_owned(), told)]
            }
            _ => self.validator.iter_errors(document).take(FAULTS).map(told).collect(),
        }
    }
}

pub(super) fn options(is_bounded: bool) -> ValidationOptions<'static> {
    // The engine for patterns is the one whose time is linear in its input.
    let patterns = match is_bounded {
        true => PatternOptions::regex().size_limit(PATTERN_OF_A_SCHEMA).dfa_size_limit(CACHE_OF_A_PATTERN),
        false => PatternOptions::regex(),
    };
    jsonschema::options().offline().with_pattern_options(patterns)
}

/// Returns true for a pattern that is one, and larger than a bounded schema may have it.
fn is_too_large(pattern: &str) -> bool {
    let schema = json!({ "pattern": pattern });
    options(true).build(&schema).is_err() && options(false).build(&schema).is_ok()
}

impl fmt::Debug for Schema {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Schema")
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.arguments {
            Some(arguments) => write!(formatter, "{} with {arguments}", self.name),
            None => formatter.write_str(&self.name),
        }
    }
}

impl Tool {
    fn is(&self, call: &Call) -> bool {
        self.name == call.name && self.arguments.as_ref().is_none_or(|wanted| holds(&call.arguments, wanted))
    }
}

/// A call of a tool.
struct Call {
    name: String,
    arguments: Value,
}

/// Returns the calls of a case, in any of the forms that agents and services use. Where the agent does not tell them, those
/// count that the peer's SDK noted.
fn calls(case: &Finished) -> Result<Vec<Call>, String> {
    let list: Vec<&Value> = match &case.tool_calls {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(_) => return Err("the target's tool calls are not a list".to_owned()),
        None if case.observations.is_empty() => return Err("the target did not report its tool calls".to_owned()),
        None => {
            let is_tool = |noted: &&Value| noted.get("type").and_then(Value::as_str) == Some("tool");
            case.observations.iter().filter(is_tool).collect()
        }
    };
    let read = |call: &Value| {
        let inner = call.get("function").filter(|inner| inner.is_object()).unwrap_or(call);
        let member = |names: &[&str]| names.iter().find_map(|name| inner.get(*name)).cloned();
        let name = match call {
            Value::String(name) => name.clone(),
            _ => member(&["name", "tool", "tool_name"])?.as_str()?.to_owned(),
        };
        let arguments = match member(&["arguments", "args", "input", "parameters"]).unwrap_or_default() {
            // Services send them as a text with JSON in it.
            Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
            other => other,
        };
        Some(Call { name, arguments })
    };
    Ok(list.into_iter().filter_map(read).collect())
}

fn call_list(calls: &[Call]) -> String {
    if calls.is_empty() {
        return "no call of any tool".to_owned();
    }
    let said =
        |call: &Call| if call.arguments.is_null() { call.name.clone() } else { format!("{} {}", call.name, call.arguments) };
    shortened(&format!("calls: {}", calls.iter().map(said).collect::<Vec<_>>().join(", ")), 2 * SHOWN)
}

/// Returns true if a value has everything that is wanted; objects may have more.
pub(super) fn holds(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Object(value), Value::Object(wanted)) => has_all(value, wanted),
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        _ => value == wanted,
    }
}

fn has_all(value: &Map<String, Value>, wanted: &Map<String, Value>) -> bool {
    wanted.iter().all(|(key, wanted)| value.get(key).is_some_and(|value| holds(value, wanted)))
}

impl Cost {
    fn check(&self, case: &Finished) -> Finding {
        let Some(usage) = case.token_usage.as_ref().map(Usage::of) else {
            return Finding::not_judged("the target did not report its token usage");
        };
        let of_tokens = || {
            let [input, output] = self.per_million?;
            Some((usage.input? * input + usage.output? * output) / 1e6)
        };
        match usage.cost.or_else(of_tokens) {
            Some(cost) => Finding::of(cost <= self.limit, format!("${}", (cost * 1e6).round() / 1e6)),
            None => Finding::not_judged("the target did not report its cost, and the criterion does not set `per_million`"),
        }
    }
}

/// Returns how alike two texts are, from 0 to 1: twice what they share, of both together.
fn likeness(wanted: &str, answer: &str, ignore_case: bool) -> Option<f64> {
    let form = |text: &str| if ignore_case { text.trim().to_lowercase() } else { text.trim().to_owned() };
    let (wanted, answer) = (form(wanted), form(answer));
    match wanted.len().max(answer.len()) {
        _ if wanted == answer => Some(1.0),
        length if length <= BY_LETTERS => Some(f64::from(TextDiff::from_chars(&*wanted, &*answer).ratio())),
        length if length <= LONGEST => Some(f64::from(TextDiff::from_words(&*wanted, &*answer).ratio())),
        _ => None,
    }
}

/// Returns the answers that a criterion is about.
pub(super) fn answers_of(case: &Finished, of: Text) -> String {
    match of {
        Text::Last => case.output.clone().unwrap_or_default(),
        Text::Conversation => {
            let answers = case.turns.iter().filter(|turn| turn.role == "assistant");
            answers.map(|turn| turn.content.as_str()).collect::<Vec<_>>().join("\n")
        }
    }
}

/// Returns a text in quotes, shortened.
pub(super) fn quote_excerpt(text: &str) -> String {
    format!("{:?}", shortened(text, SHOWN))
}

/// Returns the part of a text where something stands, in quotes.
fn around(text: &str, wanted: &str) -> String {
    const BEFORE: usize = 40;
    let at = text.find(wanted).unwrap_or(0);
    let start = text[..at].char_indices().rev().nth(BEFORE).map_or(0, |(start, _)| start);
    let dots = if start > 0 { "…" } else { "" };
    format!("{:?}", format!("{dots}{}", shortened(&text[start..], SHOWN)))
}

/// Returns the beginning of a text.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
