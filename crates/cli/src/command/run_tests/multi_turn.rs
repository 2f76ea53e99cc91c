//! What the command line says about conversations, over the section `multi_turn` of the configuration.

use clap::{ArgAction, Args};
use serde_json::{Map, Value, json};

/// The variable that stands in the configuration for a key of the command line, so that the key itself is written nowhere.
pub(super) const KEY_VARIABLE: &str = "KEEPSTEP_SUPERVISOR_KEY";

/// The options, with the names that release 0.3.11 of the peer gave them.
#[derive(Debug, Default, Args)]
pub(in crate::command) struct MultiTurn {
    /// Hold conversations of several turns
    #[arg(long, overrides_with = "no_multi_turn", action = ArgAction::SetTrue)]
    multi_turn: bool,
    /// Ask each input once, also where the configuration has conversations
    #[arg(long, overrides_with = "multi_turn", action = ArgAction::SetTrue)]
    no_multi_turn: bool,
    /// End a conversation after N turns
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    max_turns: Option<u8>,
    /// The provider of the model that speaks for the user: openai, anthropic, mock
    #[arg(long, value_name = "NAME", hide = true)]
    supervisor_provider: Option<String>,
    /// That model
    #[arg(long, value_name = "NAME", hide = true)]
    supervisor_model: Option<String>,
    /// The key for it; better kept in the provider's variable, as command lines are visible to others
    #[arg(long, value_name = "KEY", hide = true)]
    supervisor_api_key: Option<String>,
}

impl MultiTurn {
    /// Returns what is to be merged over the configuration; null where nothing was typed.
    pub(super) fn overrides(&self) -> Value {
        let mut supervisor = Map::new();
        let words = [("provider", &self.supervisor_provider), ("model", &self.supervisor_model)];
        for (name, word) in words {
            if let Some(word) = word {
                supervisor.insert(name.to_owned(), json!(word));
            }
        }
        if self.supervisor_api_key.is_some() {
            supervisor.insert("api_key".to_owned(), json!(format!("${{{KEY_VARIABLE}}}")));
        }
        let mut section = Map::new();
        if self.multi_turn || self.no_multi_turn {
            section.insert("enabled".to_owned(), json!(self.multi_turn));
        }
        if let Some(turns) = self.max_turns {
            section.insert("max_turns".to_owned(), json!(turns));
        }
        if !supervisor.is_empty() {
            section.insert("supervisor".to_owned(), Value::Object(supervisor));
        }
        if section.is_empty() {
            return Value::Null;
        }
        let mut overrides = json!({ "multi_turn": section });
        if self.no_multi_turn {
            // The other release's word for the same.
            overrides["conversation"] = json!({ "enabled": false });
        }
        overrides
    }

    /// Returns the key of the command line.
    pub(super) fn key(&self) -> Option<&str> {
        self.supervisor_api_key.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        multi_turn: MultiTurn,
    }

    fn overrides(line: &str) -> Value {
        Line::parse_from(["test"].into_iter().chain(line.split_whitespace())).multi_turn.overrides()
    }

    #[test]
    fn only_what_was_typed_is_said() {
        assert_eq!(overrides(""), Value::Null);
        assert_eq!(overrides("--max-turns 3"), json!({"multi_turn": {"max_turns": 3}}));
        assert_eq!(overrides("--no-multi-turn --multi-turn"), json!({"multi_turn": {"enabled": true}}));
        assert_eq!(
            overrides("--multi-turn --no-multi-turn"),
            json!({"multi_turn": {"enabled": false}, "conversation": {"enabled": false}})
        );
        assert_eq!(
            overrides("--multi-turn --supervisor-provider mock --supervisor-model m --supervisor-api-key secret"),
            json!({"multi_turn": {"enabled": true, "supervisor": {"provider": "mock", "model": "m", "api_key": "${KEEPSTEP_SUPERVISOR_KEY}"}}})
        );
    }
}
