//! What is sent: a template in which each JSONPath becomes a part of the question.

use serde_json::{Map, Value, json};

use super::super::output::as_text;
use super::super::{Message, Question};
use crate::json_path::JsonPath;

/// What a path can begin with.
const NAMES: [&str; 12] = [
    "input",
    "messages",
    "turns",
    "system",
    "persona",
    "persona_id",
    "persona_config",
    "iteration",
    "scenario",
    "run_id",
    "session_id",
    "metadata",
];

/// Returns what is wrong with the paths in a template: each problem, and what to do.
pub(super) fn problems(template: &Value) -> Vec<(String, String)> {
    match template {
        Value::String(text) if is_path(text) => {
            let name = text[2..].split(['.', '[']).next().unwrap_or_default();
            if !NAMES.contains(&name) {
                let known = NAMES.map(|name| format!("$.{name}")).join(", ");
                let problem = format!("the body of the request has $.{name} in it, which is unknown");
                return vec![(problem, format!("known are {known}"))];
            }
            let problem = |problem| (format!("{text} in the body of the request {problem}"), String::new());
            JsonPath::parse(text).err().map(problem).into_iter().collect()
        }
        Value::String(text) => json_in(text).map(|inner| problems(&inner)).unwrap_or_default(),
        Value::Array(items) => items.iter().flat_map(problems).collect(),
        Value::Object(members) => members.values().flat_map(problems).collect(),
        _ => Vec::new(),
    }
}

/// Returns a template with the values of a question in it.
pub(super) fn filled(template: &Value, question: &Question) -> Value {
    fill(template, &values(question))
}

/// Returns a filled template as the parameters of an address.
pub(super) fn parameters(filled: &Value) -> Vec<(&str, String)> {
    let members = filled.as_object().into_iter().flatten();
    members.filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.as_str(), as_text(value))).collect()
}

fn values(question: &Question) -> Value {
    let is_system = |message: &&Message| message.role == "system";
    let system: Vec<&str> = question.messages.iter().filter(is_system).map(|message| message.content.as_str()).collect();
    let turns: Vec<&Message> = question.messages.iter().filter(|message| !is_system(message)).collect();
    json!({
        "input": question.input,
        "messages": question.messages,
        "turns": turns,
        "system": system.join("\n\n"),
        "persona": question.persona,
        "persona_id": question.persona_id,
        "persona_config": question.persona_config,
        "iteration": question.iteration,
        "scenario": question.scenario,
        "run_id": question.run_id,
        // The same for all turns of a conversation, and for no other one.
        "session_id": question.run_id,
        "metadata": question.metadata,
    })
}

fn fill(template: &Value, values: &Value) -> Value {
    match template {
        Value::String(text) if is_path(text) => {
            JsonPath::parse(text).ok().and_then(|path| path.first(values).cloned()).unwrap_or_default()
        }
        Value::String(text) => json_in(text).map_or_else(|| template.clone(), |inner| fill(&inner, values)),
        Value::Array(items) => items.iter().map(|item| fill(item, values)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), fill(value, values))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// Returns true for a text such as `$.messages[-1].content`, and false for `$.50`.
fn is_path(text: &str) -> bool {
    text.strip_prefix("$.").is_some_and(|path| path.starts_with(|first: char| first.is_ascii_alphabetic()))
}

/// Returns the JSON that a text holds, if there is a path in it.
fn json_in(text: &str) -> Option<Value> {
    let may_hold = text.trim_start().starts_with(['{', '[']) && text.contains("\"$.");
    may_hold.then(|| serde_json::from_str(text).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> Question {
        let said = |role: &str, content: &str| Message { role: role.into(), content: content.to_owned() };
        Question {
            run_id: "run-1".into(),
            input: "a \"quoted\" $.persona".into(),
            iteration: 2,
            scenario: "orders".into(),
            persona: Some("novice".into()),
            persona_id: None,
            persona_config: None,
            auto_approve_tools: true,
            messages: vec![said("system", "s"), said("user", "a"), said("assistant", "b"), said("user", "c")],
            metadata: json!({"k": {"n": 7}}).as_object().unwrap().clone(),
        }
    }

    #[test]
    fn paths_become_values_wherever_they_are() {
        let template = json!({
            "q": "$.input", "last": "$.messages[-1].content", "n": "$.metadata.k.n", "all": "$.turns", "s": "$.system",
            "list": [{"who": "$.persona"}, "$.persona_id"], "price": "$.50", "model": "gpt-4",
            "inner": "{\"session\": \"$.session_id\"}", "text": "{not json", "json": "{\"a\": 1}",
        });
        insta::assert_snapshot!(filled(&template, &question()), @r#"{"q":"a \"quoted\" $.persona","last":"c","n":7,"all":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}],"s":"s","list":[{"who":"novice"},null],"price":"$.50","model":"gpt-4","inner":{"session":"run-1"},"text":"{not json","json":"{\"a\": 1}"}"#);
        assert_eq!(problems(&template), []);
        let problems = problems(&json!(["$.imput", "[\"$.message\"]", "$.input.x", "$.messages[?"]));
        let problems: Vec<String> = problems.into_iter().map(|(problem, _)| problem).collect();
        insta::assert_snapshot!(problems.join("\n"), @"
        the body of the request has $.imput in it, which is unknown
        the body of the request has $.message in it, which is unknown
        $.messages[? in the body of the request is not a valid JSONPath, at position 12: in long-hand segment, parser error
        ");
    }

    #[test]
    fn parameters_are_texts() {
        let filled = json!({"q": "a b", "n": 1, "none": null, "list": [1]});
        let expected = [("q", "a b"), ("n", "1"), ("list", "[1]")].map(|(name, value)| (name, value.to_owned()));
        assert_eq!(parameters(&filled), expected);
    }
}
