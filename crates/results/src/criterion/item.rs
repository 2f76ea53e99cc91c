//! One criterion as it is written.

use std::fmt;
use std::time::Duration;

use keepstep_base::human::{self, duration_text};
use keepstep_base::nearest::nearest;
use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::bounds::Bounds;
use super::check::{self, Check, Cost, Expected, Finding, Schema, Text, Tool, shortened};
use super::kinds::{KINDS, is_addition, kind_of, known_keys};
use super::too_much::too_much;
use crate::case::{Finished, input_name};

/// The time that a program has where nobody set one.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest text that says what is expected.
const LONGEST: usize = 500;

/// A criterion.
#[derive(Debug)]
pub struct Criterion {
    /// Its name: its own, else what it expects.
    pub name: String,
    /// What kind it is, such as `contains`.
    pub kind: &'static str,
    /// What is expected.
    pub expected: String,
    /// What is looked at.
    pub check: Check,
    /// Whether a case fails with it.
    pub required: bool,
    /// How much it counts in the score of its pack.
    pub weight: f64,
    /// Which cases it is about.
    when: Map<String, Value>,
}

/// Reads a file of the scenario as a JSON document.
pub type ReadDocument<'a> = &'a dyn Fn(&str) -> Result<Value, String>;

/// Where a criterion is from.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// Reads files of the scenario, which a person's own criterion may name; `None` for criteria of a platform.
    pub files: Option<ReadDocument<'a>>,
    /// True for an entry of `details`, whose `priority` says whether it is required.
    pub is_detail: bool,
    /// What it may take; `None` where whoever wrote it also runs it.
    pub bounds: Option<Bounds>,
}

impl fmt::Debug for Source<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Source");
        shown.field("has_files", &self.files.is_some()).field("is_detail", &self.is_detail).field("bounds", &self.bounds).finish()
    }
}

impl Criterion {
    /// Reads a criterion.
    ///
    /// # Errors
    /// It has no meaning; the text says why.
    pub fn read(value: &Value, source: Source<'_>) -> Result<Self, String> {
        let nothing = Map::new();
        let members = match value {
            Value::String(text) if !text.trim().is_empty() => return Self::statement(text.trim(), &nothing, true),
            Value::Object(members) => members,
            _ => return Err("must be a text, or a mapping with one of its kinds".to_owned()),
        };
        let kinds: Vec<&'static str> =
            KINDS.iter().map(|kind| kind.key).filter(|key| members.get(*key).is_some_and(|v| !v.is_null())).collect();
        let is_ours = source.files.is_some();
        if is_ours && let Some(key) = members.keys().find(|key| kind_of(key).is_none() && !is_addition(key)) {
            let near = nearest(key, known_keys()).map_or_else(String::new, |near| format!("; did you mean {near}?"));
            return Err(format!("has an unknown key: {key}{near}"));
        }
        let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        let described = ["description", "text", "title"].into_iter().find_map(text);
        let required = match (members.get("required"), text("priority")) {
            (Some(Value::Bool(required)), _) => *required,
            (None | Some(Value::Null), Some(priority)) => is_required(priority),
            (None | Some(Value::Null), None) => true,
            _ => return Err("required must be true or false".to_owned()),
        };
        let mut criterion = match kinds[..] {
            [] => {
                let unknown = members.keys().find(|key| !is_addition(key));
                let said = described.or_else(|| text("name").filter(|_| unknown.is_none())).ok_or_else(|| match unknown {
                    Some(key) => format!("is of a kind that this version does not know: {key}"),
                    None => format!("has none of {}", KINDS.map(|kind| kind.key).join(", ")),
                })?;
                Self::statement(said, members, required)?
            }
            [kind] => {
                let (check, expected) = check_of(kind, &members[kind], members, source)?;
                let name = if let Check::Statement { text, .. } = &check { text.clone() } else { expected.clone() };
                Self { kind, check, name, ..Self::new(expected, required) }
            }
            _ => return Err(format!("has more than one kind: {}", kinds.join(", "))),
        };
        if let Some(name) = text("name").or(described) {
            criterion.name = name.to_owned();
        }
        criterion.weight = match members.get("weight") {
            None | Some(Value::Null) => 1.0,
            Some(weight) => {
                weight.as_f64().filter(|weight| (0.0..=1e6).contains(weight)).ok_or("weight must be a number from 0 on")?
            }
        };
        criterion.when = match members.get("when") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(when)) => when.clone(),
            Some(_) => return Err("when must be a mapping, such as {persona: novice}".to_owned()),
        };
        if source.is_detail && criterion.name.is_empty() {
            return Err("says nothing".to_owned());
        }
        Ok(criterion)
    }

    /// Returns what a criterion of a platform is that this version cannot use.
    pub fn unusable(value: &Value, reason: String) -> Self {
        let name = value.get("name").or_else(|| value.get("description")).and_then(Value::as_str).unwrap_or("a criterion");
        let member = |name: &str| value.get(name);
        let required = match (member("required").and_then(Value::as_bool), member("priority").and_then(Value::as_str)) {
            (Some(required), _) => required,
            (None, priority) => priority.is_none_or(is_required),
        };
        Self { kind: "unknown", check: Check::Unusable(reason), ..Self::new(name.to_owned(), required) }
    }

    /// Returns why it is not about a case, if it is not.
    pub fn why_not_applicable(&self, case: &Finished) -> Option<String> {
        let is = |key: &str, wanted: &Value| {
            let one = |wanted: &Value| match key {
                "persona" => case.persona.as_deref() == wanted.as_str(),
                "item" => case.item_id.as_deref() == wanted.as_str() || wanted.as_str() == Some(input_name(case)),
                _ => case.metadata.get(key).is_some_and(|value| check::holds(value, wanted)),
            };
            wanted.as_array().map_or_else(|| one(wanted), |any| any.iter().any(one))
        };
        let (key, wanted) = self.when.iter().find(|(key, wanted)| !is(key, wanted))?;
        Some(format!("it is for cases whose {key} is {wanted}"))
    }

    /// Returns what it says of a case within bounds; nothing where a program or a model has to be asked.
    pub fn bounded_check(&self, case: &Finished) -> Option<Finding> {
        if let Some(reason) = self.why_not_applicable(case) {
            return Some(Finding::not_applicable(reason));
        }
        match too_much(&self.check, case) {
            Some(reason) => Some(Finding::not_judged(reason)),
            None => self.check.check(case),
        }
    }

    fn statement(text: &str, members: &Map<String, Value>, required: bool) -> Result<Self, String> {
        let check = Check::Statement { text: text.to_owned(), at_least: share(members, "at_least")? };
        Ok(Self { kind: "judge", check, name: text.to_owned(), ..Self::new(format!("{text:?}"), required) })
    }

    fn new(expected: String, required: bool) -> Self {
        // It is repeated with each case.
        let expected = shortened(&expected, LONGEST);
        Self {
            name: expected.clone(),
            kind: "unknown",
            expected,
            check: Check::Unusable(String::new()),
            required,
            weight: 1.0,
            when: Map::new(),
        }
    }
}

/// Returns true for a priority of a server that decides about a case.
pub fn is_required(priority: &str) -> bool {
    matches!(priority, "required" | "must" | "critical" | "high")
}

/// Returns a check and what it expects.
fn check_of(kind: &str, value: &Value, members: &Map<String, Value>, source: Source<'_>) -> Result<(Check, String), String> {
    let ignore_case = flag(members, "ignore_case")?;
    let of = of(members)?;
    let whose = if of == Text::Conversation { "all answers" } else { "the answer" };
    let quoted = |texts: &[String], word: &str| {
        texts.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(&format!(" {word} "))
    };
    Ok(match kind {
        "contains" | "contains_any" | "not_contains" => {
            let texts = texts(kind, value)?;
            let (expected, any, negated) = match kind {
                "contains" => (format!("{whose} to contain {}", quoted(&texts, "and")), false, false),
                "contains_any" => (format!("{whose} to contain {}", quoted(&texts, "or")), true, false),
                _ => (format!("{whose} not to contain {}", quoted(&texts, "or")), true, true),
            };
            (Check::Contains { texts, any, negated, ignore_case, of }, expected)
        }
        "regex" | "not_regex" => {
            let pattern = text(kind, value)?;
            let negated = kind == "not_regex";
            let not = if negated { "not " } else { "" };
            let expected = format!("{whose} {not}to match /{pattern}/");
            let check = match pattern_of(kind, &pattern, ignore_case, source.bounds)? {
                Some(pattern) => Check::Pattern { pattern, negated, of },
                None => Check::Unusable("the pattern is too large for an answer of this length".to_owned()),
            };
            (check, expected)
        }
        "equals" => {
            let wanted = expected_text(kind, value)?;
            let expected = format!("the answer to be {wanted}");
            (Check::Equals { wanted, ignore_case }, expected)
        }
        "similar" => {
            let (wanted, at_least) = match value {
                Value::Object(members) if members.contains_key("to") => {
                    (expected_text("similar.to", &members["to"])?, share(members, "at_least")?)
                }
                _ => (expected_text(kind, value)?, share(members, "at_least")?),
            };
            let at_least = at_least.unwrap_or(0.8);
            let expected = format!("the answer to be at least {:.0}% like {wanted}", at_least * 100.0);
            (Check::Similar { wanted, at_least, ignore_case }, expected)
        }
        "json_schema" => {
            let (schema, name) = schema(value, source)?;
            let check = schema.map_or_else(|reason| Check::Unusable(reason.to_owned()), |schema| Check::Schema(Box::new(schema)));
            (check, format!("the answer to be JSON that fits {name}"))
        }
        "tool_called" => {
            let tool = tool(kind, value)?;
            let expected = format!("a call of {tool}");
            (Check::Called(tool), expected)
        }
        "tool_not_called" => {
            let tool = tool(kind, value)?;
            let expected = format!("no call of {tool}");
            (Check::NotCalled(tool), expected)
        }
        "latency_at_most" => {
            let limit = duration(kind, value)?;
            (Check::Latency(limit), format!("every answer within {}", format_exactly(limit)))
        }
        "tokens_at_most" => {
            let limit = value.as_f64().filter(|limit| *limit >= 0.0).ok_or("tokens_at_most must be a number")?;
            (Check::Tokens(limit), format!("at most {limit} tokens"))
        }
        "cost_at_most" => {
            let limit = value.as_f64().filter(|limit| *limit >= 0.0).ok_or("cost_at_most must be a number of US dollars")?;
            (Check::Cost(Cost { limit, per_million: prices(members)? }), format!("a cost of at most ${limit}"))
        }
        "program" => {
            let command = texts(kind, value)?;
            if !value.is_array() || command.first().is_none_or(String::is_empty) {
                return Err("program must be a list: the program and its arguments; it is never given to a shell".to_owned());
            }
            let timeout = members.get("timeout").filter(|v| !v.is_null()).map(|v| duration("timeout", v)).transpose()?;
            let expected = format!("{} to agree", Value::from(command.clone()));
            (Check::Program { command, timeout: timeout.unwrap_or(DEFAULT_TIMEOUT) }, expected)
        }
        _ => {
            let said = text(kind, value)?;
            let expected = format!("{said:?}");
            (Check::Statement { text: said, at_least: share(members, "at_least")? }, expected)
        }
    })
}

fn text(key: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) if !text.is_empty() => Ok(text.clone()),
        // What looks like a number or a switch in YAML is still a text to look for.
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        _ => Err(format!("{key} must be a text")),
    }
}

fn texts(key: &str, value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::Array(items) if !items.is_empty() => items.iter().map(|item| text(key, item)).collect(),
        Value::Array(_) => Err(format!("{key} has an empty list")),
        _ => Ok(vec![text(key, value)?]),
    }
}

fn flag(members: &Map<String, Value>, key: &str) -> Result<bool, String> {
    match members.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(format!("{key} must be true or false")),
    }
}

fn of(members: &Map<String, Value>) -> Result<Text, String> {
    match members.get("of").map(Value::as_str) {
        None => Ok(Text::Last),
        Some(Some("answer")) => Ok(Text::Last),
        Some(Some("conversation")) => Ok(Text::Conversation),
        Some(_) => Err("of must be answer (the last one) or conversation (all of them)".to_owned()),
    }
}

/// Returns a text that is written here, or the name of the input's metadata that has it.
fn expected_text(key: &str, value: &Value) -> Result<Expected, String> {
    match value {
        Value::Object(members) => match (members.get("metadata").and_then(Value::as_str), members.len()) {
            (Some(name), 1) => Ok(Expected::Metadata(name.to_owned())),
            _ => Err(format!("{key} must be a text, or {{metadata: NAME}} for a text that the input has under that name")),
        },
        // An empty text says that the answer has to be empty.
        Value::String(empty) if empty.is_empty() => Ok(Expected::Text(String::new())),
        _ => Ok(Expected::Text(text(key, value)?)),
    }
}

fn share(members: &Map<String, Value>, key: &str) -> Result<Option<f64>, String> {
    match members.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let share = value.as_f64().filter(|share| (0.0..=1.0).contains(share));
            share.map(Some).ok_or_else(|| format!("{key} must be a number from 0 to 1"))
        }
    }
}

/// Returns the time that a value says: a text such as `500ms`, or a number of seconds.
pub fn duration_of(value: &Value) -> Option<Duration> {
    match value {
        Value::String(text) => human::parse_duration(text).ok(),
        other => human::seconds(other.as_f64()?),
    }
}

fn duration(key: &str, value: &Value) -> Result<Duration, String> {
    duration_of(value).ok_or_else(|| format!("{key} must be a duration such as 2s or 500ms"))
}

/// Returns a limit as it was typed, which a rounded one would not be.
fn format_exactly(limit: Duration) -> String {
    if limit < Duration::from_secs(10) { format!("{}s", limit.as_secs_f64()) } else { duration_text(limit) }
}

/// Returns a compiled pattern; nothing where it is larger than it may be.
fn pattern_of(key: &str, pattern: &str, ignore_case: bool, bounds: Option<Bounds>) -> Result<Option<Regex>, String> {
    if bounds.is_some() && Bounds::is_too_long(pattern) {
        return Ok(None);
    }
    let mut builder = RegexBuilder::new(pattern);
    builder.case_insensitive(ignore_case);
    if let Some(bounds) = bounds {
        builder.size_limit(bounds.pattern);
    }
    match builder.build() {
        Ok(pattern) => Ok(Some(pattern)),
        Err(regex::Error::CompiledTooBig(_)) if bounds.is_some() => Ok(None),
        Err(error) => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Err(format!("{key} is not a valid regular expression: {last}"))
        }
    }
}

fn tool(key: &str, value: &Value) -> Result<Tool, String> {
    match value {
        Value::Object(members) => {
            let name = members.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
            let name = name.ok_or_else(|| format!("{key} needs a name"))?.to_owned();
            let arguments = match members.get("arguments") {
                None | Some(Value::Null) => None,
                Some(arguments @ Value::Object(_)) => Some(arguments.clone()),
                Some(_) => return Err(format!("{key}.arguments must be a mapping")),
            };
            Ok(Tool { name, arguments })
        }
        _ => Ok(Tool { name: text(key, value)?, arguments: None }),
    }
}

fn prices(members: &Map<String, Value>) -> Result<Option<[f64; 2]>, String> {
    let wrong = || "per_million must have the price of a million tokens: {input: 0.15, output: 0.6}".to_owned();
    let Some(prices) = members.get("per_million").filter(|prices| !prices.is_null()) else { return Ok(None) };
    let price = |name: &str| prices.get(name).and_then(Value::as_f64).filter(|price| *price >= 0.0).ok_or_else(wrong);
    Ok(Some([price("input")?, price("output")?]))
}

fn schema(value: &Value, source: Source<'_>) -> Result<(Result<Schema, &'static str>, String), String> {
    match (value, source.files) {
        (Value::Object(_) | Value::Bool(_), _) => Ok((Schema::new(value, source.bounds)?, "the schema".to_owned())),
        (Value::String(path), Some(read)) => Ok((Schema::new(&read(path)?, source.bounds)?, path.clone())),
        // A name from a platform is never a path.
        (Value::String(_), None) => Err("json_schema from a server must be the schema itself, not a file".to_owned()),
        _ => Err("json_schema must be a schema, or the file of one".to_owned()),
    }
}
