//! Values that must not leave the machine, taken out of a configuration before it is written anywhere.

use serde_json::Value;

/// What stands in place of a value.
const REDACTED: &str = "[redacted]";

/// Mappings of variables, in whose values anything may be.
const VARIABLES: [&str; 3] = ["environment_vars", "env", "headers"];

/// Parts of the names of what is secret.
const SECRET: [&str; 8] = ["api_key", "apikey", "secret", "password", "passwd", "authorization", "credential", "private_key"];

/// Returns a configuration without its secrets.
pub(crate) fn redacted(config: &Value) -> Value {
    match config {
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| {
                let value = if VARIABLES.contains(&key.as_str()) || is_secret(key) { hidden(value) } else { redacted(value) };
                (key.clone(), value)
            })
            .collect(),
        Value::Array(items) => items.iter().map(redacted).collect(),
        other => other.clone(),
    }
}

fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase().replace('-', "_");
    SECRET.iter().any(|part| key.contains(part)) || key == "token" || key.ends_with("_token")
}

/// Returns a value with every text and number replaced.
fn hidden(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), hidden(value))).collect(),
        Value::Array(items) => items.iter().map(hidden).collect(),
        Value::String(_) | Value::Number(_) => Value::from(REDACTED),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn f12_no_value_of_a_variable_or_key_is_left() {
        let config = json!({
            "name": "n",
            "collector_api_key": "c-1",
            "runner": {"target": "a:b", "environment_vars": {"AGENT_SECRET": "s-1", "PORT": 80, "EMPTY": null},
                "process": {"env": {"X": "s-2"}}, "http": {"headers": {"Authorization": "Bearer s-3"}}},
            "input_generation": {"llm": {"api_key": "s-4", "max_tokens": 5}},
            "list": [{"accessToken": "kept", "access_token": "s-5"}],
        });
        let text = redacted(&config).to_string();
        for secret in ["c-1", "s-1", "s-2", "s-3", "s-4", "s-5", "80"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        for kept in ["AGENT_SECRET", "a:b", "\"max_tokens\":5", "\"EMPTY\":null"] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
    }
}
