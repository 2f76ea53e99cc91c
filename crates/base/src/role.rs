//! Who says something in a conversation.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Who says something. Every word that a file, a row or a request has for it is kept as it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Role {
    /// Who talks to the agent.
    User,
    /// The agent.
    Assistant,
    /// Nobody: what the agent is told beforehand.
    System,
    /// A tool of the agent.
    Tool,
    /// Somebody that others have a word for.
    Other(Box<str>),
}

impl Role {
    /// Returns the word for it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::System => "system",
            Self::Tool => "tool",
            Self::Other(word) => word,
        }
    }

    /// Returns true for who talks to the agent, in the words of others too.
    pub fn is_user(&self) -> bool {
        matches!(self.as_str(), "user" | "human")
    }

    /// Returns true for the agent, in the words of others too.
    pub fn is_agent(&self) -> bool {
        matches!(self.as_str(), "assistant" | "agent")
    }
}

impl Default for Role {
    fn default() -> Self {
        Self::Other(Box::default())
    }
}

impl From<&str> for Role {
    fn from(word: &str) -> Self {
        match word {
            "user" => Self::User,
            "assistant" => Self::Assistant,
            "system" => Self::System,
            "tool" => Self::Tool,
            word => Self::Other(word.into()),
        }
    }
}

impl PartialEq<str> for Role {
    fn eq(&self, word: &str) -> bool {
        self.as_str() == word
    }
}

impl PartialEq<&str> for Role {
    fn eq(&self, word: &&str) -> bool {
        self.as_str() == *word
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;

        impl serde::de::Visitor<'_> for Word {
            type Value = Role;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a role as a string")
            }

            fn visit_str<E>(self, word: &str) -> Result<Role, E> {
                Ok(word.into())
            }
        }

        deserializer.deserialize_str(Word)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_word_is_kept(word in "user|assistant|system|tool|human|agent|[a-zA-Z ]{0,9}") {
            let role = Role::from(word.as_str());
            prop_assert_eq!(role.as_str(), &word);
            prop_assert_eq!(matches!(role, Role::Other(_)), !["user", "assistant", "system", "tool"].contains(&word.as_str()));
        }
    }
}
