//! Which texts must not leave the machine.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// What stands in the place of a secret.
pub const REMOVED: &str = "[removed]";

/// Values shorter than this are too common in ordinary text to be looked for.
const SHORTEST: usize = 6;

/// Variables of the two tools' `.env` files that hold settings and never a secret. Their values (`development`, an address)
/// are ordinary words, which would be missed in what an agent said.
const SETTINGS: &[&str] = &[
    "FLUXLOOP_API_URL",
    "FLUXLOOP_BATCH_SIZE",
    "FLUXLOOP_DEBUG",
    "FLUXLOOP_ENABLED",
    "FLUXLOOP_ENVIRONMENT",
    "FLUXLOOP_FLUSH_INTERVAL",
    "FLUXLOOP_OFFLINE_DIR",
    "FLUXLOOP_OFFLINE_ENABLED",
    "FLUXLOOP_RECORD_ARGS",
    "FLUXLOOP_RECORDING_FILE",
    "FLUXLOOP_SAMPLE_RATE",
    "FLUXLOOP_SERVICE_NAME",
    "FLUXLOOP_SYNC_URL",
    "KEEPSTEP_URL",
    "LUA_API_URL",
];

/// What 0.3.3 writes where a key belongs.
const PLACEHOLDER: &str = "your-api-key-here";

/// The values that must not leave the machine.
#[derive(Clone, Default)]
pub struct Secrets(BTreeSet<String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Secrets({})", self.0.len())
    }
}

impl Secrets {
    /// Adds the variables of a `.env` file.
    pub fn add_variables<'a>(&mut self, variables: impl IntoIterator<Item = (&'a str, &'a str)>) {
        for (name, value) in variables {
            if !SETTINGS.contains(&name) {
                self.add(value);
            }
        }
    }

    /// Adds those of the variables of the environment that are secret: by their name, or because a password is in them.
    pub fn add_exported<'a>(&mut self, variables: impl IntoIterator<Item = (&'a str, &'a str)>) {
        for (name, value) in variables {
            // What every shell calls the folder that it is in. As a member of a document, the name says password.
            let is_folder = name == "PWD";
            if (is_secret(name) && !is_folder) || !passwords(value).is_empty() {
                self.add(value);
            }
        }
    }

    /// Adds one value, unless it is too short to be looked for, or a placeholder. The passwords in it are secrets by
    /// themselves, and so are the lines of a long one: whoever prints it prints line by line.
    pub fn add(&mut self, value: &str) {
        self.add_text(value);
        passwords(value).iter().for_each(|password| self.add_text(password));
        if value.trim().contains('\n') {
            value.lines().filter(|line| !line.starts_with("-----")).for_each(|line| self.add_text(line));
        }
    }

    fn add_text(&mut self, text: &str) {
        let text = text.trim();
        let is_reference = text.starts_with("${") && text.find('}') == Some(text.len() - 1);
        if text.chars().count() >= SHORTEST && text != PLACEHOLDER && text != REMOVED && !is_reference {
            self.0.insert(text.to_owned());
        }
    }

    /// Returns the values.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Takes the secrets that a summary has by their place out of it: the variables and headers of a runner, and every member whose
    /// name says that it is one. What had such a name is added to these values, so that it is found elsewhere, too.
    /// Returns how many values were removed.
    pub fn clean_summary(&mut self, summary: &mut Value) -> u64 {
        match summary {
            Value::Object(members) => self.clean_members(members),
            Value::Array(items) => items.iter_mut().map(|item| self.clean_summary(item)).sum(),
            _ => 0,
        }
    }

    fn clean_members(&mut self, members: &mut Map<String, Value>) -> u64 {
        let mut removed = 0;
        for (name, value) in members.iter_mut() {
            let kind = kind_of(name);
            if let (Some(Kind::Variables), Value::Object(variables)) = (kind, &mut *value) {
                for (name, value) in variables.iter_mut() {
                    removed += if kind_of(name) == Some(Kind::Secret) { self.remove_all(value) } else { remove(value) };
                }
            } else if kind == Some(Kind::Secret) {
                removed += self.remove_all(value);
            } else {
                removed += self.clean_summary(value);
            }
        }
        removed
    }

    /// Removes everything inside a value whose name says that it is a secret.
    fn remove_all(&mut self, value: &mut Value) -> u64 {
        match value {
            Value::Object(members) => members.values_mut().map(|value| self.remove_all(value)).sum(),
            Value::Array(items) => items.iter_mut().map(|value| self.remove_all(value)).sum(),
            other => {
                if let Some(text) = other.as_str() {
                    self.add(text);
                }
                remove(other)
            }
        }
    }
}

/// Returns true if a variable's or member's name says that its value is a secret.
pub fn is_secret(name: &str) -> bool {
    kind_of(name) == Some(Kind::Secret)
}

/// Returns the passwords in an address or in the words of a connection (`host=h password=p`), as written and as meant.
fn passwords(value: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (start, sign) in value.match_indices("://") {
        let rest = &value[start + sign.len()..];
        let rest = &rest[..rest.find(char::is_whitespace).unwrap_or(rest.len())];
        // An unescaped `/` in a password ends the address early for a parser, not for a reader.
        let host = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let end = rest[..host].rfind('@').or_else(|| rest.rfind('@'));
        found.extend(end.and_then(|end| rest[..end].split_once(':')).map(|(_, password)| password.to_owned()));
    }
    let lowercase = value.to_ascii_lowercase();
    for name in ["password=", "pwd="] {
        for (start, _) in lowercase.match_indices(name) {
            let rest = &value[start + name.len()..];
            let end = rest.find([';', '&', ' ', '\n']).unwrap_or(rest.len());
            found.push(rest[..end].trim_matches(['\'', '"']).to_owned());
        }
    }
    let meant: Vec<String> =
        found.iter().map(|password| percent_encoding::percent_decode_str(password).decode_utf8_lossy().into_owned()).collect();
    found.extend(meant);
    found.retain(|password| !password.is_empty());
    found
}

fn remove(value: &mut Value) -> u64 {
    match value {
        // Nothing is no secret, and that a variable is not set may matter to a reader.
        Value::Null => 0,
        Value::String(text) if text.is_empty() || text == REMOVED => 0,
        _ => {
            *value = Value::from(REMOVED);
            1
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Variables,
    Secret,
}

/// Returns what the name of a member says about its value.
fn kind_of(name: &str) -> Option<Kind> {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|character| character.to_ascii_lowercase()).collect();
    const PARTS: &[&str] = &[
        "accesskey",
        "apikey",
        "authorization",
        "clientkey",
        "cookie",
        "credential",
        "passphrase",
        "passwd",
        "password",
        "privatekey",
        "secret",
        "signingkey",
    ];
    match plain.as_str() {
        "environmentvars" | "env" | "headers" => Some(Kind::Variables),
        // `total_tokens` and `token_usage` are figures.
        _ if plain.ends_with("token") || plain == "pwd" || plain == "bearer" => Some(Kind::Secret),
        _ if PARTS.iter().any(|part| plain.contains(part)) => Some(Kind::Secret),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn f12_a_summary_loses_variables_and_what_is_called_a_secret() {
        let mut summary = json!({
            "name": "orders",
            "config": {
                "runner": {"target": "a:b", "environment_vars": {"AGENT_SECRET": "hunter2hunter2", "MODE": "test", "EMPTY": ""}},
                "collector_api_key": null,
                "multi_turn": {"supervisor": {"api_key": "sk-12345678", "max_tokens": 5}},
                "http": {"headers": {"Authorization": "Bearer abcdef", "X-Api-Key": ["k-1234567"]}},
                "pin": {"password": 123_456},
            },
            "results": {"total_tokens": 12, "token_usage": {"total_tokens": 12.0}},
        });
        let mut secrets = Secrets::default();
        assert_eq!(secrets.clean_summary(&mut summary), 6);
        insta::assert_snapshot!(summary, @r#"{"name":"orders","config":{"runner":{"target":"a:b","environment_vars":{"AGENT_SECRET":"[removed]","MODE":"[removed]","EMPTY":""}},"collector_api_key":null,"multi_turn":{"supervisor":{"api_key":"[removed]","max_tokens":5}},"http":{"headers":{"Authorization":"[removed]","X-Api-Key":["[removed]"]}},"pin":{"password":"[removed]"}},"results":{"total_tokens":12,"token_usage":{"total_tokens":12.0}}}"#);
        let values: Vec<&str> = secrets.values().collect();
        assert_eq!(values, ["Bearer abcdef", "hunter2hunter2", "k-1234567", "sk-12345678"]);
        assert_eq!(secrets.clean_summary(&mut summary), 0, "what is clean stays as it is");
    }

    #[test]
    fn f12_no_value_of_a_variable_or_key_is_left() {
        let mut config = json!({
            "name": "n",
            "collector_api_key": "c-1",
            "runner": {"target": "a:b", "environment_vars": {"AGENT_SECRET": "s-1", "PORT": 80, "EMPTY": null},
                "process": {"env": {"X": "s-2"}}, "http": {"headers": {"Authorization": "Bearer s-3", "X-Tenant": "s-6"}}},
            "input_generation": {"llm": {"api_key": "s-4", "max_tokens": 5}},
            "list": [{"accessToken": "s-7", "access_token": "s-5"}],
        });
        let mut secrets = Secrets::default();
        assert_eq!(secrets.clean_summary(&mut config), 9);
        let text = config.to_string();
        for secret in ["c-1", "s-1", "s-2", "s-3", "s-4", "s-5", "s-6", "s-7", "80"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        for kept in ["AGENT_SECRET", "a:b", "\"max_tokens\":5", "\"EMPTY\":null"] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        let found: Vec<String> = secrets.values().map(str::to_owned).collect();
        assert_eq!(secrets.clean_summary(&mut config), 0);
        assert_eq!(secrets.values().collect::<Vec<_>>(), found, "what stands in the place of a secret is none");
    }

    #[test]
    fn the_folder_of_a_shell_is_no_password() {
        let mut secrets = Secrets::default();
        secrets.add_exported([("PWD", "/home/me/shop"), ("OLDPWD", "/home/me"), ("DB_PASSWORD", "hunter2hunter2")]);
        assert_eq!(secrets.values().collect::<Vec<_>>(), ["hunter2hunter2"]);
    }

    #[test]
    fn a_password_in_an_address_is_a_secret_by_itself() {
        let found = |value: &str| {
            let mut secrets = Secrets::default();
            secrets.add_exported([("SETTING", value)]);
            secrets.values().map(str::to_owned).collect::<Vec<_>>()
        };
        let address = "postgres://app:s3cr%40t-pw@db.example/orders?sslmode=require";
        assert_eq!(found(address), [address, "s3cr%40t-pw", "s3cr@t-pw"]);
        let address = "redis://:with/slash@host:6379/0";
        assert_eq!(found(address), [address, "with/slash"]);
        assert_eq!(found("host=h user=u password='hunter-22' dbname=d").last().unwrap(), "hunter-22");
        assert_eq!(found("Server=h;PWD=hunter-23;Database=d").last().unwrap(), "hunter-23");
        for plain in ["https://example.com/a@b", "https://user@example.com/", "mailto:someone@example.com", "plain words"] {
            assert_eq!(found(plain), Vec::<String>::new(), "{plain}");
        }
    }

    #[test]
    fn the_lines_of_a_long_secret_are_secrets() {
        let mut secrets = Secrets::default();
        secrets.add("-----BEGIN KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n-----END KEY-----\n");
        let values: Vec<&str> = secrets.values().collect();
        assert_eq!(values.len(), 3);
        assert!(values.contains(&"MIIEvQIBADAN") && values.contains(&"BgkqhkiG9w0B"));
    }

    #[test]
    fn settings_and_short_values_are_no_secrets() {
        let mut secrets = Secrets::default();
        let variables = [
            ("FLUXLOOP_ENVIRONMENT", "development"),
            ("FLUXLOOP_SYNC_API_KEY", "your-api-key-here"),
            ("OTHER_KEY", "a-real-key"),
            ("SHORT", "12345"),
            ("REFERENCE", "${OPENAI_API_KEY}"),
        ];
        secrets.add_variables(variables);
        assert_eq!(secrets.values().collect::<Vec<_>>(), ["a-real-key"]);
        assert_eq!(format!("{secrets:?}"), "Secrets(1)");
    }
}
