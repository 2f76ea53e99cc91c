//! Models that are asked for the sake of a test: `multi_turn.supervisor`, `conversation.simulator`, `judge`.
//!
//! Each names a provider and a model, as the peers have it, or has a `runner` of its own, which is read like the one that is
//! tested.

use std::time::Duration;

use keepstep_workspace::experiments::secrets::Secrets;
use serde_json::{Map, Value, json};

use super::error::ConfigError;
use super::place::ConfigLocation;
use super::section::Section;
use super::target::{self, HttpConfig, TargetConfig, timeout};
use crate::json_path::JsonPath;

/// The time that a model has where nobody set one; the peer's own.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// What makes two models the same one: who answers, not how long one waits for it.
const IDENTITY: [&str; 6] = ["provider", "model", "temperature", "max_tokens", "base_url", "runner"];

/// What of a runner has no influence on what is answered.
const NO_IDENTITY: [&str; 8] =
    ["timeout", "timeout_seconds", "retry", "max_retries", "guards", "ready_pattern", "kill_signal", "kill_timeout"];

/// A model.
#[derive(Debug, Clone)]
pub struct ModelConfig {
    /// What is asked.
    pub target: TargetConfig,
    /// What it is told to be, if the configuration says so.
    pub system_prompt: Option<String>,
    /// The longest time for one answer.
    pub timeout: Duration,
    /// What tells it from other models in recordings: its configuration as it is written, without secrets.
    pub identity: Value,
    /// Its name for people.
    pub name: String,
}

/// Returns the model of a section. `written` is the whole configuration before variables were replaced.
pub(super) fn interpret(
    place: &ConfigLocation<'_>,
    section: &Section<'_>,
    written: &Value,
    defaults: (&str, &str),
) -> Result<ModelConfig, ConfigError> {
    let runner = section.section("runner")?;
    let (target, name) = if runner.exists() {
        let target = target::interpret(place, section, &runner, runner.text("type")?.is_some())?;
        let name = section.text("model")?.unwrap_or("the model").to_owned();
        (target, name)
    } else {
        provided(place, section, defaults)?
    };
    let limit = timeout(&runner)?.or(section.duration("timeout")?).unwrap_or(DEFAULT_TIMEOUT);
    Ok(ModelConfig {
        target,
        system_prompt: section.text("system_prompt")?.map(str::to_owned),
        timeout: limit,
        identity: identity(section, written, defaults),
        name,
    })
}

/// Returns the service of a provider that both peers know.
fn provided(
    place: &ConfigLocation<'_>,
    section: &Section<'_>,
    (provider, model): (&str, &str),
) -> Result<(TargetConfig, String), ConfigError> {
    let provider = section.text("provider")?.unwrap_or(provider);
    let model = section.text("model")?.unwrap_or(model);
    let mut body = Map::new();
    body.insert("model".to_owned(), Value::from(model));
    if let Some(temperature) = section.value("temperature") {
        if !temperature.is_number() {
            return Err(section.wrong("temperature", "a number"));
        }
        body.insert("temperature".to_owned(), temperature.clone());
    }
    let max_tokens = section.number("max_tokens", 1_000_000)?;
    let metadata = section.section("metadata")?;
    let configured = match section.text("api_key")? {
        Some(key) => Some(key),
        None => metadata.text("api_key")?,
    };
    let key = |names: &[&str]| {
        let found = || names.iter().find_map(|name| (place.variable)(name)).filter(|key| !key.is_empty());
        // A name without a value is told about when the model has to be asked, which with recordings is never.
        configured.map(str::to_owned).or_else(found).unwrap_or_else(|| format!("${{{}}}", names[names.len() - 1]))
    };
    let (base, path, headers, output_path) = match provider {
        "openai" => {
            body.insert("messages".to_owned(), json!("$.messages"));
            body.extend(max_tokens.map(|most| ("max_completion_tokens".to_owned(), Value::from(most))));
            let key = key(&["FLUXLOOP_SUPERVISOR_API_KEY", "OPENAI_API_KEY"]);
            let headers = vec![("authorization".to_owned(), format!("Bearer {key}"))];
            ("https://api.openai.com/v1", "/chat/completions", headers, "choices[0].message.content")
        }
        "anthropic" => {
            body.insert("messages".to_owned(), json!("$.turns"));
            body.insert("system".to_owned(), json!("$.system"));
            body.insert("max_tokens".to_owned(), Value::from(max_tokens.unwrap_or(1024)));
            let key = key(&["ANTHROPIC_API_KEY"]);
            let headers = vec![("x-api-key".to_owned(), key), ("anthropic-version".to_owned(), "2023-06-01".to_owned())];
            ("https://api.anthropic.com/v1", "/messages", headers, "content[0].text")
        }
        _ => return Err(section.wrong("provider", "openai or anthropic; any other service is described by `runner`")),
    };
    let base = section.text("base_url")?.unwrap_or(base).trim_end_matches('/');
    let target = HttpConfig {
        method: "POST".to_owned(),
        url: format!("{base}{path}"),
        headers,
        streams: Some(false),
        output_path: Some(JsonPath::parse(output_path).map_err(|problem| section.error("provider", problem))?),
        stream_output_path: None,
        event_filter: None,
        mapping: Value::Object(body),
        attempts: 3,
        backoff: Duration::from_millis(500),
        retry_statuses: vec![429, 500, 502, 503, 504, 529],
        output_char_limit: None,
    };
    Ok((TargetConfig::Http(target), model.to_owned()))
}

fn identity(section: &Section<'_>, written: &Value, (provider, model): (&str, &str)) -> Value {
    let mut identity = Map::new();
    let written = written.pointer(&section.pointer());
    for name in IDENTITY {
        if let Some(value) = written.and_then(|written| written.get(name)).filter(|value| !value.is_null()) {
            identity.insert(name.to_owned(), value.clone());
        }
    }
    if !identity.contains_key("runner") {
        // A default that changes one day is another model.
        identity.entry("provider").or_insert_with(|| provider.into());
        identity.entry("model").or_insert_with(|| model.into());
    }
    if let Some(Value::Object(runner)) = identity.get_mut("runner") {
        forget(runner);
        for kind in ["http", "process"] {
            if let Some(Value::Object(kind)) = runner.get_mut(kind) {
                forget(kind);
            }
        }
    }
    let mut identity = Value::Object(identity);
    Secrets::default().clean_summary(&mut identity);
    identity
}

fn forget(members: &mut Map<String, Value>) {
    members.retain(|name, _| !NO_IDENTITY.contains(&name.as_str()));
}
