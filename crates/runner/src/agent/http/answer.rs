//! Text, tokens and tools out of what a service sends.

use serde_json::{Map, Value};

use super::super::child::LONGEST_LINE;
use super::super::interface::AgentAnswer;
use super::super::output::{as_text, limit};
use super::events::Event;
use crate::config::HttpConfig;

/// How much of an answer a message repeats, in characters.
const EXCERPT: usize = 400;

/// Where the text of an answer is looked for if the configuration does not say it: JSON pointers, as all places below.
const PLACES: [&str; 9] = [
    "/output",
    "/answer",
    "/response",
    "/reply",
    "/text",
    "/content",
    "/message",
    "/message/content",
    "/choices/0/message/content",
];

/// Where the text of an event is looked for if the configuration does not say it.
const PLACES_IN_EVENTS: [&str; 8] =
    ["/delta", "/choices/0/delta/content", "/delta/text", "/delta/content", "/text", "/content", "/output", "/message"];

/// Where tokens are counted.
const USAGE: [&str; 4] = ["/token_usage", "/usage", "/message/usage", "/response/usage"];

/// Where tools are named.
const TOOLS: [&str; 3] = ["/tool_calls", "/message/tool_calls", "/choices/0/message/tool_calls"];

/// Returns the answer that a body is, or why it is none.
pub(super) fn of_body(body: &[u8], config: &HttpConfig) -> Result<AgentAnswer, String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        let begins = excerpt(&String::from_utf8_lossy(&body[..body.len().min(4096)]));
        if begins.is_empty() {
            "answered with nothing".to_owned()
        } else {
            format!("did not answer with JSON ({error}): {begins}")
        }
    })?;
    let text = match (&config.output_path, &value) {
        // Null is an empty answer, as where a function returns nothing.
        (Some(path), _) => path.first(&value).map(as_text),
        (None, Value::String(text)) => Some(text.clone()),
        (None, _) => {
            let text = PLACES.iter().find_map(|place| value.pointer(place)?.as_str().map(str::to_owned));
            text.or_else(|| {
                PLACES[..5].iter().find_map(|place| value.pointer(place).filter(|value| is_plain(value)).map(as_text))
            })
        }
    };
    let Some(mut output) = text else {
        let place = match &config.output_path {
            Some(path) => format!("has nothing at \"{path}\" in its answer"),
            None => "has no text in its answer; set `output_path` in `runner.http`".to_owned(),
        };
        return Err(format!("{place}: {}", excerpt(&value.to_string())));
    };
    limit(&mut output, config.output_char_limit);
    let mut usage = None;
    add_usage(&mut usage, &value);
    Ok(AgentAnswer { output, token_usage: usage.map(Value::Object), tool_calls: tools(&value), ..AgentAnswer::default() })
}

/// Returns true for what is an answer as it is, although it is no text: a number, a switch, nothing, an empty collection.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::String(_) => false,
    }
}

/// Returns what an answer without success says.
pub(super) fn error_message(body: &str) -> String {
    let value: Option<Value> = serde_json::from_str(body).ok();
    let text = value.as_ref().and_then(|value| {
        let places = ["/error/message", "/error", "/message", "/detail"];
        places.iter().find_map(|place| value.pointer(place)?.as_str())
    });
    excerpt(text.unwrap_or(body))
}

/// Puts an answer together from events.
pub(super) struct Stream<'a> {
    config: &'a HttpConfig,
    output: String,
    has_text: bool,
    is_done: bool,
    usage: Option<Map<String, Value>>,
    tool_calls: Option<Value>,
}

impl<'a> Stream<'a> {
    pub(super) fn new(config: &'a HttpConfig) -> Self {
        Self { config, output: String::new(), has_text: false, is_done: false, usage: None, tool_calls: None }
    }

    /// Returns true after the event that says so.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// Takes an event, or says why the answer is none.
    pub(super) fn take(&mut self, event: &Event) -> Result<(), String> {
        if self.is_done {
            return Ok(());
        }
        let data = event.data.trim();
        if data == "[DONE]" {
            self.is_done = true;
            return Ok(());
        }
        if event.kind == "error" {
            return Err(format!("sent an error: {}", error_message(data)));
        }
        // A line that is no JSON is somebody's way to keep the connection open.
        let Ok(value) = serde_json::from_str::<Value>(data) else { return Ok(()) };
        add_usage(&mut self.usage, &value);
        self.tool_calls = tools(&value).or(self.tool_calls.take());
        if self.config.event_filter.as_ref().is_some_and(|kind| *kind != event.kind) {
            return Ok(());
        }
        let found = match &self.config.stream_output_path {
            Some(path) => path.first(&value),
            None => PLACES_IN_EVENTS.iter().find_map(|place| value.pointer(place).filter(|text| text.is_string())),
        };
        match found {
            None | Some(Value::Null) => {
                if value.get("error").is_some_and(|error| !error.is_null()) {
                    return Err(format!("sent an error: {}", error_message(data)));
                }
            }
            Some(text) => {
                self.has_text = true;
                // The limit is in characters, of which none has more than four bytes.
                let has_room = |limit: usize| self.output.len() < limit.saturating_mul(4);
                if self.config.output_char_limit.is_none_or(has_room) {
                    self.output.push_str(&as_text(text));
                }
                if self.output.len() > LONGEST_LINE {
                    return Err("answered with more than 64 MiB".to_owned());
                }
            }
        }
        Ok(())
    }

    /// Returns the answer at the end of the stream.
    pub(super) fn answer(mut self) -> Result<AgentAnswer, String> {
        if !self.has_text {
            return Err(match &self.config.stream_output_path {
                Some(path) => {
                    format!("sent no event with anything at \"{path}\", the `stream_output_path`")
                }
                None => "sent no event with a text; set `stream_output_path` in `runner.http`".to_owned(),
            });
        }
        limit(&mut self.output, self.config.output_char_limit);
        Ok(AgentAnswer {
            output: self.output,
            token_usage: self.usage.map(Value::Object),
            tool_calls: self.tool_calls,
            ..AgentAnswer::default()
        })
    }
}

/// Adds what a value says about tokens. What is said later counts.
fn add_usage(usage: &mut Option<Map<String, Value>>, value: &Value) {
    for said in USAGE.iter().filter_map(|place| value.pointer(place)?.as_object()) {
        usage.get_or_insert_default().extend(said.iter().map(|(name, count)| (name.clone(), count.clone())));
    }
}

fn tools(value: &Value) -> Option<Value> {
    TOOLS
        .iter()
        .find_map(|place| value.pointer(place).filter(|tools| tools.as_array().is_some_and(|tools| !tools.is_empty())).cloned())
}

/// Returns the beginning of a text in one line.
pub(super) fn excerpt(text: &str) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(EXCERPT) {
        line.truncate(end);
        line.push('…');
    }
    line
}
