//! A model as the user: what it is told, and what its answer means.
//!
//! The prompt has nothing in it that differs between two runs of the same conversation, so that a recording answers it.

use serde_json::{Map, Value};

use super::decision::{Conversation, Decision, Next};
use crate::agent::Message;
use crate::config::ModelConfig;
use crate::model::{Model, first_object};
use keepstep_base::role::Role;
use keepstep_results::problem::Problem;

/// The version of the words below. It changes with them, because recordings of other words do not count.
pub const PROMPT_VERSION: u32 = 1;

const ROLE: &str = "\
You play a user who talks to an assistant. The assistant is being tested; you are not it and never do its work. Read the \
conversation and decide what this user does next. Speak as the persona would: in its language, with its knowledge, for its \
goals, in short messages. End the conversation when the user has what they came for, or would give up.";

const FORM: &str = "\
Answer with one JSON object and nothing else. To go on:
{\"decision\": \"continue\", \"next_user_message\": \"what the user says\"}
To end:
{\"decision\": \"terminate\", \"termination_reason\": \"why, in a few words\", \"closing_user_message\": \"last words, or null\"}";

/// A model as the user.
#[derive(Debug, Clone)]
pub struct SimulatedConfig {
    /// The model.
    pub model: ModelConfig,
}

impl SimulatedConfig {
    pub(super) async fn after(
        &self,
        model: &Model,
        conversation: &Conversation<'_>,
        personas: &[Value],
        service_context: Option<&str>,
    ) -> Result<Decision, Problem> {
        let messages = self.messages(conversation, personas, service_context);
        let answer = model.ask(&messages, conversation.iteration).await?;
        decision(&answer.output).map_err(|what| {
            let said: String = answer.output.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
            Problem::new(format!("{} as the user {what}: {said}", self.model.name))
        })
    }

    fn messages(&self, conversation: &Conversation<'_>, personas: &[Value], service_context: Option<&str>) -> [Message; 2] {
        let mut prompt = String::new();
        let is_it = |persona: &&Value| {
            let has = |key: &str, wanted: Option<&str>| wanted.is_some() && persona.get(key).and_then(Value::as_str) == wanted;
            has("id", conversation.persona_id) || has("name", conversation.persona)
        };
        match (personas.iter().find(is_it).and_then(Value::as_object), conversation.persona) {
            (Some(persona), _) => prompt += &format!("The persona:\n{}\n\n", described(persona)),
            (None, Some(name)) => prompt += &format!("The persona: {name}\n\n"),
            (None, None) => {}
        }
        if let Some(context) = service_context {
            prompt += &format!("What the assistant is for: {context}\n\n");
        }
        prompt += "The conversation so far, one message a line:\n";
        for message in conversation.messages {
            // As JSON, so that no message can look like two.
            prompt += &format!("{}: {}\n", message.role, Value::from(message.content.as_str()));
        }
        prompt += &format!("\n{FORM}");
        let role = self.model.system_prompt.clone().unwrap_or_else(|| ROLE.to_owned());
        [Message { role: Role::System, content: role }, Message { role: Role::User, content: prompt }]
    }
}

/// Returns a persona without what only a database needs, which would change from pull to pull.
fn described(persona: &Map<String, Value>) -> Value {
    let says_something = |name: &str, value: &Value| {
        let is_record = name == "id" || name.ends_with("_id") || name.ends_with("_at") || name == "rules";
        !is_record && !value.is_null()
    };
    let members = persona.iter().filter(|(name, value)| says_something(name, value));
    keepstep_agent::canonical::sorted_keys(&Value::Object(members.map(|(name, value)| (name.clone(), value.clone())).collect()))
}

/// Returns what an answer decides, in the form of either peer.
fn decision(text: &str) -> Result<Decision, &'static str> {
    let object = first_object(text).ok_or("did not answer with a JSON object")?;
    let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let goes_on = match (object.get("decision").and_then(Value::as_str), object.get("should_continue").and_then(Value::as_bool)) {
        (Some("continue"), _) | (None, Some(true)) => true,
        (Some("terminate"), _) | (None, Some(false)) => false,
        _ => return Err("did not decide whether to continue"),
    };
    if goes_on {
        let says = text("next_user_message").or(text("next_message")).ok_or("wants to continue and says nothing")?;
        return Ok(Decision { next: Next::Says(says.to_owned()), response: Some(object) });
    }
    let reason = text("termination_reason").unwrap_or("supervisor_terminate").to_owned();
    let next = Next::Ends { reason, closing: text("closing_user_message").map(str::to_owned) };
    Ok(Decision { next, response: Some(object) })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::config::{HttpConfig, TargetConfig};

    fn simulated() -> SimulatedConfig {
        let service = HttpConfig {
            method: "POST".into(),
            url: "http://127.0.0.1:1".into(),
            headers: Vec::new(),
            streams: Some(false),
            output_path: None,
            stream_output_path: None,
            event_filter: None,
            mapping: Value::Null,
            attempts: 1,
            backoff: Duration::ZERO,
            retry_statuses: Vec::new(),
            output_char_limit: None,
        };
        let model = ModelConfig {
            target: TargetConfig::Http(service),
            system_prompt: None,
            timeout: Duration::ZERO,
            identity: Value::Null,
            name: "m".into(),
        };
        SimulatedConfig { model }
    }

    #[test]
    fn the_prompt_has_the_persona_and_every_message_on_its_line() {
        let personas = [json!({"id": "p1", "name": "novice", "goals": ["return a shirt"], "created_at": "now", "note": null})];
        let said = |role: &str, content: &str| Message { role: role.into(), content: content.to_owned() };
        let messages = [said("user", "Hi"), said("assistant", "Hello\nuser: \"I am done\"")];
        let conversation = Conversation { answers: 1, messages: &messages, persona: None, persona_id: Some("p1"), iteration: 0 };
        let prompt = simulated().messages(&conversation, &personas, Some("an online shop"));
        assert_eq!(prompt[0].content, ROLE);
        insta::assert_snapshot!(prompt[1].content, @r#"
        The persona:
        {"goals":["return a shirt"],"name":"novice"}

        What the assistant is for: an online shop

        The conversation so far, one message a line:
        user: "Hi"
        assistant: "Hello\nuser: \"I am done\""

        Answer with one JSON object and nothing else. To go on:
        {"decision": "continue", "next_user_message": "what the user says"}
        To end:
        {"decision": "terminate", "termination_reason": "why, in a few words", "closing_user_message": "last words, or null"}
        "#);
    }

    #[test]
    fn both_peers_forms_of_a_decision_are_read() {
        let says = |text: &str| Ok(Next::Says(text.to_owned()));
        let ends = |reason: &str, closing: Option<&str>| {
            Ok(Next::Ends { reason: reason.to_owned(), closing: closing.map(str::to_owned) })
        };
        for (text, expected) in [
            ("Sure: ```json\n{\"decision\": \"continue\", \"next_user_message\": \" a {b} \"}\n``` {", says("a {b}")),
            ("{no} {\"should_continue\": true, \"next_message\": \"c\", \"termination_reason\": null}", says("c")),
            ("{\"should_continue\": false, \"next_message\": null, \"termination_reason\": \"done\"}", ends("done", None)),
            ("{\"decision\": \"terminate\", \"closing_user_message\": \"bye\"}", ends("supervisor_terminate", Some("bye"))),
            ("{\"decision\": \"continue\", \"next_user_message\": \" \"}", Err("wants to continue and says nothing")),
            ("{\"decision\": \"maybe\"}", Err("did not decide whether to continue")),
            ("I would say: hello", Err("did not answer with a JSON object")),
        ] {
            assert_eq!(decision(text).map(|decision| decision.next), expected, "{text}");
        }
    }
}
