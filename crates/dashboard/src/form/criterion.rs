//! What the form of a criterion says: from the fields that a browser sent to the criterion that a person meant, and back.
//!
//! Which fields there are follows from the table of kinds ([`KINDS`]). What a criterion has besides them is kept, and so is the form in which
//! something is written that nobody changed.

use keepstep_results::criterion::{KINDS, Kind, Shape, kind_of};
use serde::Deserialize;
use serde_json::{Map, Number, Value, json};

use crate::error_page::Typed;
use crate::form::posted::Fields;
use crate::form::problem::Problem;
use crate::form::text::restore_line_ends;

/// The kind of a form that shows a criterion as JSON, because no other form has room for what it says.
pub(crate) const AS_JSON: &str = "json";

/// The keys of a statement, in the order in which a test looks for it.
const STATEMENTS: [&str; 5] = ["judge", "description", "text", "title", "name"];

/// What somebody wants who sends the form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// To save it.
    #[default]
    Save,
    /// The fields of the kind that is chosen.
    Kind,
    /// Another field for a text.
    More,
    /// To see what it says of an answer.
    Try,
}

/// The fields as a browser sent them. Several texts come as several fields `value`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(from = "Vec<(String, String)>")]
pub(crate) struct CriterionForm {
    pub(crate) csrf: String,
    /// The digest of the criterion that the form was made from; empty for a new one.
    pub(crate) seen: String,
    /// What the other criteria of its list were, by the beginnings of their digests, so that the one behind a deleted one is not taken for it.
    pub(crate) others: String,
    pub(crate) wanted: Wanted,
    /// The pack that a new one goes into, by its id; empty for a new pack.
    pub(crate) pack: String,
    /// The name of a new pack.
    pub(crate) pack_name: String,
    pub(crate) kind: String,
    pub(crate) values: Vec<String>,
    /// True where the expected text is the metadata of the input that `values` names.
    pub(crate) is_metadata: bool,
    pub(crate) arguments: String,
    pub(crate) is_conversation: bool,
    pub(crate) ignores_case: bool,
    pub(crate) at_least: String,
    pub(crate) timeout: String,
    /// What a million tokens cost that the model reads, and that it writes.
    pub(crate) prices: [String; 2],
    pub(crate) name: String,
    pub(crate) is_required: bool,
    pub(crate) weight: String,
    pub(crate) when: String,
    /// The case to try it on: its experiment and its id.
    pub(crate) experiment: String,
    pub(crate) case: String,
    /// The answer to try it on, where no case is chosen.
    pub(crate) answer: String,
}

impl From<Vec<(String, String)>> for CriterionForm {
    fn from(fields: Vec<(String, String)>) -> Self {
        let mut form = Self::default();
        for (name, value) in fields {
            match name.as_str() {
                "csrf" => form.csrf = value,
                "seen" => form.seen = value,
                "others" => form.others = value,
                "action" => {
                    form.wanted = match value.as_str() {
                        "kind" => Wanted::Kind,
                        "more" => Wanted::More,
                        "try" => Wanted::Try,
                        _ => Wanted::Save,
                    }
                }
                "pack" => form.pack = value,
                "pack_name" => form.pack_name = value,
                "kind" => form.kind = value,
                "value" => form.values.push(value),
                "expected" => form.is_metadata = value == "metadata",
                "arguments" => form.arguments = value,
                "of" => form.is_conversation = value == "conversation",
                "ignore_case" => form.ignores_case = true,
                "at_least" => form.at_least = value,
                "timeout" => form.timeout = value,
                "price_input" => form.prices[0] = value,
                "price_output" => form.prices[1] = value,
                "name" => form.name = value,
                "required" => form.is_required = true,
                "weight" => form.weight = value,
                "when" => form.when = value,
                "experiment" => form.experiment = value,
                "case" => form.case = value,
                "answer" => form.answer = value,
                _ => {}
            }
        }
        form
    }
}

impl Fields for CriterionForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }

    /// An answer of 5 MiB, each of its characters written as three.
    const LIMIT: usize = 16 * 1024 * 1024;

    /// As it came, decoded, meant, and on a page.
    const COST: usize = 3;

    fn typed(&self) -> Vec<Typed> {
        let values = self.values.iter().map(|value| ("Value", value));
        let more = [("Arguments", &self.arguments), ("Name", &self.name), ("Only for", &self.when)];
        let all = values.chain(more).filter(|(_, text)| !text.is_empty());
        all.map(|(label, text)| Typed { label, text: text.clone() }).collect()
    }
}

impl CriterionForm {
    /// Returns the form of a new criterion of a kind.
    pub(crate) fn new_of(kind: &str) -> Self {
        let kind = kind_of(kind).unwrap_or(&KINDS[0]);
        Self { kind: kind.key.to_owned(), values: vec![String::new()], is_required: true, ..Self::default() }
    }

    /// Returns the form of a criterion. `is_required` is what a test takes it for.
    pub(crate) fn of(criterion: &Value, is_required: bool) -> Self {
        let nothing = Map::new();
        let members = criterion.as_object().unwrap_or(&nothing);
        let text = |key: &str| members.get(key).map(text_of).unwrap_or_default();
        let mut form = Self {
            is_required,
            name: text("name"),
            weight: text("weight"),
            when: members.get("when").filter(|when| !when.is_null()).map(pretty).unwrap_or_default(),
            at_least: text("at_least"),
            timeout: text("timeout"),
            is_conversation: text("of") == "conversation",
            ignores_case: members.get("ignore_case") == Some(&Value::Bool(true)),
            ..Self::default()
        };
        match shown(criterion, &mut form) {
            Some(kind) => form.kind = kind.to_owned(),
            None => (form.kind, form.values) = (AS_JSON.to_owned(), vec![pretty(criterion)]),
        }
        form
    }

    /// Returns its kind; nothing where it is shown as JSON.
    pub(crate) fn kind(&self) -> Option<&'static Kind> {
        kind_of(&self.kind)
    }

    /// Returns the criterion that a person meant, who had `old` before them.
    ///
    /// # Errors
    /// A field is not JSON where it has to be. Whether a test can use the criterion is not known yet.
    pub(crate) fn meant(&self, old: Option<&Value>) -> Result<Value, Problem> {
        let Some(kind) = self.kind() else {
            let text = self.values.first().map(String::as_str).unwrap_or_default();
            return serde_json::from_str(text).map_err(|error| Problem::at("value", format!("Not JSON: {error}.")));
        };
        if let Some(old) = old
            && self.says_only_a_statement(kind)
            && let Value::String(before) = old
        {
            let statement = self.text(Some(before));
            return Ok(Value::String(statement));
        }
        let before = old.and_then(Value::as_object).cloned().unwrap_or_default();
        let mut members = before.clone();
        // What only another kind has goes with it.
        let others = KINDS.iter().filter(|other| other.key != kind.key).flat_map(|other| other.keys.iter().chain([&other.key]));
        for key in others {
            if !kind.keys.contains(key) {
                members.shift_remove(*key);
            }
        }
        let key = match kind.shape {
            Shape::Statement => {
                STATEMENTS.into_iter().find(|key| before.get(*key).is_some_and(Value::is_string)).unwrap_or("judge")
            }
            _ => kind.key,
        };
        let value = self.value(kind, before.get(key))?;
        if members.contains_key(key) {
            members.insert(key.to_owned(), value);
        } else {
            // The kind stands before what is said about it.
            members.shift_insert(0, key.to_owned(), value);
        }
        if kind.keys.contains(&"of") {
            put(&mut members, "of", self.is_conversation.then(|| "conversation".into()), &[json!("answer")]);
        }
        if kind.keys.contains(&"ignore_case") {
            put(&mut members, "ignore_case", self.ignores_case.then_some(true.into()), &[json!(false)]);
        }
        // A text that is compared may have its share beside it.
        if kind.keys.contains(&"at_least") && !members[key].is_object() {
            put(&mut members, "at_least", number(&self.at_least, before.get("at_least")), &[]);
        }
        if kind.keys.contains(&"timeout") {
            put(&mut members, "timeout", typed_text(&self.timeout, before.get("timeout")), &[]);
        }
        if kind.keys.contains(&"per_million") {
            let old = before.get("per_million").and_then(Value::as_object).cloned().unwrap_or_default();
            let mut prices = old.clone();
            for (name, price) in ["input", "output"].into_iter().zip(&self.prices) {
                put(&mut prices, name, number(price, old.get(name)), &[]);
            }
            put(&mut members, "per_million", (!prices.is_empty()).then_some(Value::Object(prices)), &[]);
        }
        if key != "name" {
            let name = Some(self.name.trim()).filter(|name| !name.is_empty());
            put(&mut members, "name", name.map(Value::from), &[]);
        }
        let was_required = old.is_none_or(is_required);
        if was_required != self.is_required {
            // Without a word, and without a priority, it is required.
            let is_said = !self.is_required || before.get("priority").is_some_and(|priority| !priority.is_null());
            put(&mut members, "required", is_said.then_some(self.is_required.into()), &[]);
        }
        put(&mut members, "weight", number(&self.weight, before.get("weight")), &[]);
        let when = self.when.trim();
        let when = if when.is_empty() { None } else { Some(json_of(when, "when", before.get("when"))?) };
        put(&mut members, "when", when, &[json!({})]);
        Ok(Value::Object(members))
    }

    /// Returns what stands under the key of the kind.
    fn value(&self, kind: &Kind, old: Option<&Value>) -> Result<Value, Problem> {
        let first = self.values.first().map(String::as_str).unwrap_or_default();
        Ok(match kind.shape {
            Shape::Texts | Shape::Command => {
                let before = old.map(texts_of).unwrap_or_default();
                let texts = self.values.iter().enumerate().filter(|(_, text)| !text.is_empty());
                let texts: Vec<String> =
                    texts.map(|(at, text)| restore_line_ends(before.get(at).map(String::as_str), text)).collect();
                match old {
                    Some(old) if texts == before => old.clone(),
                    _ if texts.len() == 1 && kind.shape == Shape::Texts && !old.is_some_and(Value::is_array) => json!(texts[0]),
                    _ => json!(texts),
                }
            }
            Shape::Pattern | Shape::Statement => {
                let before = old.map(text_of);
                let text = self.text(before.as_deref());
                if before.as_ref() == Some(&text) { old.cloned().unwrap_or_default() } else { text.into() }
            }
            Shape::Expected => {
                // A text that is compared may stand inside, beside its share.
                let inside = old.and_then(Value::as_object).filter(|members| members.contains_key("to"));
                let wanted = match self.is_metadata {
                    true => json!({ "metadata": first.trim() }),
                    false => {
                        let old = inside.map_or(old, |members| members.get("to")).filter(|old| !old.is_object());
                        let before = old.map(text_of);
                        let text = self.text(before.as_deref());
                        if before.as_ref() == Some(&text) { old.cloned().unwrap_or_default() } else { text.into() }
                    }
                };
                match inside {
                    Some(members) => {
                        let mut changed = members.clone();
                        changed.insert("to".to_owned(), wanted);
                        put(&mut changed, "at_least", number(&self.at_least, members.get("at_least")), &[]);
                        Value::Object(changed)
                    }
                    None => wanted,
                }
            }
            Shape::Schema => json_of(first, "value", old)?,
            Shape::Tool => {
                let name = first.trim();
                let arguments = self.arguments.trim();
                let before = old.and_then(|old| old.get("arguments"));
                let arguments = if arguments.is_empty() { None } else { Some(json_of(arguments, "arguments", before)?) };
                match old.and_then(Value::as_object).cloned() {
                    None if arguments.is_none() => name.into(),
                    members => {
                        let mut members = members.unwrap_or_default();
                        members.insert("name".to_owned(), name.into());
                        put(&mut members, "arguments", arguments, &[]);
                        Value::Object(members)
                    }
                }
            }
            Shape::Duration => typed_text(first, old).unwrap_or_default(),
            Shape::Number => number(first, old).unwrap_or_default(),
        })
    }

    /// Returns the text of the first field, with the line ends of the text before.
    fn text(&self, before: Option<&str>) -> String {
        restore_line_ends(before, self.values.first().map(String::as_str).unwrap_or_default())
    }

    /// Returns true where a text says all of it.
    fn says_only_a_statement(&self, kind: &Kind) -> bool {
        let more = [&self.name, &self.weight, &self.when, &self.at_least];
        kind.shape == Shape::Statement && self.is_required && more.iter().all(|field| field.trim().is_empty())
    }
}

/// Returns the field that an error of a criterion is about, which begins with a key.
pub(crate) fn problem_of(error: &str, kind: Option<&Kind>) -> Problem {
    const FIELDS: [&str; 8] = ["at_least", "timeout", "per_million", "weight", "when", "required", "of", "ignore_case"];
    let first: &str = error.split([' ', '.']).next().unwrap_or_default();
    let field = if error.contains(".arguments ") {
        "arguments"
    } else if kind.is_some_and(|kind| kind.key == first) {
        "value"
    } else {
        FIELDS.into_iter().find(|field| *field == first).unwrap_or(if kind.is_none() { "value" } else { "form" })
    };
    Problem::at(field, format!("{error}."))
}

/// Returns true where a case fails with a criterion, as a test reads it.
pub(crate) fn is_required(criterion: &Value) -> bool {
    match (criterion.get("required"), criterion.get("priority").and_then(Value::as_str)) {
        (Some(Value::Bool(required)), _) => *required,
        (_, Some(priority)) => keepstep_results::criterion::is_required(priority),
        _ => true,
    }
}

/// Fills the fields of the kind that a criterion has, and returns its key; nothing where there is no room for what it says.
fn shown(criterion: &Value, form: &mut CriterionForm) -> Option<&'static str> {
    let members = match criterion {
        Value::String(statement) => {
            form.values = vec![statement.clone()];
            return Some("judge");
        }
        Value::Object(members) => members,
        _ => return None,
    };
    let mut kinds = KINDS.iter().filter(|kind| members.get(kind.key).is_some_and(|value| !value.is_null()));
    let (kind, value) = match (kinds.next(), kinds.next()) {
        (Some(kind), None) => (kind, &members[kind.key]),
        (None, _) => {
            let key = STATEMENTS.into_iter().find(|key| members.get(*key).is_some_and(Value::is_string))?;
            // What no version of ours knows may be a kind of criterion.
            let is_known = |key: &String| keepstep_results::criterion::is_addition(key);
            if key == "name" && !members.keys().all(is_known) {
                return None;
            }
            if key == "name" {
                form.name.clear();
            }
            (kind_of("judge")?, &members[key])
        }
        _ => return None,
    };
    let is_text = |value: &Value| matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_));
    form.values = match (kind.shape, value) {
        (Shape::Texts | Shape::Command, Value::Array(texts)) if texts.iter().all(is_text) => texts_of(value),
        (Shape::Texts | Shape::Pattern | Shape::Statement | Shape::Duration | Shape::Number, value) if is_text(value) => {
            vec![text_of(value)]
        }
        (Shape::Expected, value) => {
            let inside = value.as_object().filter(|inside| inside.contains_key("to"));
            if let Some(at_least) = inside.and_then(|inside| inside.get("at_least")) {
                form.at_least = text_of(at_least);
            }
            match inside.map_or(value, |inside| &inside["to"]) {
                Value::Object(named) if named.len() == 1 => {
                    form.is_metadata = true;
                    vec![named.get("metadata")?.as_str()?.to_owned()]
                }
                value if is_text(value) => vec![text_of(value)],
                _ => return None,
            }
        }
        (Shape::Schema, Value::Object(_) | Value::Bool(_)) => vec![pretty(value)],
        (Shape::Tool, Value::Object(tool)) => {
            form.arguments = tool.get("arguments").filter(|value| !value.is_null()).map(pretty).unwrap_or_default();
            vec![tool.get("name")?.as_str()?.to_owned()]
        }
        (Shape::Tool, value) if is_text(value) => vec![text_of(value)],
        _ => return None,
    };
    match members.get("per_million") {
        None | Some(Value::Null) => {}
        Some(Value::Object(prices)) => {
            form.prices = ["input", "output"].map(|name| prices.get(name).map(text_of).unwrap_or_default());
        }
        Some(_) => return None,
    }
    Some(kind.key)
}

/// Puts a value in place of the old one. What says what holds anyway stays where it says so.
fn put(members: &mut Map<String, Value>, key: &str, value: Option<Value>, otherwise: &[Value]) {
    match value {
        Some(value) => drop(members.insert(key.to_owned(), value)),
        None if members.get(key).is_some_and(|old| otherwise.contains(old)) => {}
        None => drop(members.shift_remove(key)),
    }
}

/// Returns a typed number, as it was written where it is the same; what is none stays a text, which a test refuses.
fn number(typed: &str, old: Option<&Value>) -> Option<Value> {
    let typed = typed.trim();
    if old.is_some_and(|old| text_of(old) == typed) {
        return old.cloned();
    }
    let number = || {
        let whole = typed.parse::<i64>().ok().map(Number::from);
        whole.or_else(|| typed.parse::<f64>().ok().and_then(Number::from_f64)).map(Value::Number)
    };
    (!typed.is_empty()).then(|| number().unwrap_or_else(|| typed.into()))
}

fn typed_text(typed: &str, old: Option<&Value>) -> Option<Value> {
    let typed = typed.trim();
    match old {
        Some(old) if text_of(old) == typed => Some(old.clone()),
        _ => (!typed.is_empty()).then(|| typed.into()),
    }
}

/// Returns typed JSON, as it was written where it is the same.
fn json_of(typed: &str, field: &'static str, old: Option<&Value>) -> Result<Value, Problem> {
    match old {
        Some(old) if restore_line_ends(None, typed).trim() == pretty(old) => Ok(old.clone()),
        _ => serde_json::from_str(typed).map_err(|error| Problem::at(field, format!("Not JSON: {error}."))),
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn texts_of(value: &Value) -> Vec<String> {
    value.as_array().map_or_else(|| vec![text_of(value)], |texts| texts.iter().map(text_of).collect())
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

#[cfg(test)]
#[path = "criterion_tests.rs"]
mod tests;
