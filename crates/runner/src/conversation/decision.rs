//! What a user decides after an answer.

use serde_json::Value;

use crate::agent::Message;

/// What follows an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The user says this, and the agent answers.
    Says(String),
    /// The conversation ends.
    Ends {
        /// Why.
        reason: String,
        /// The user's last words.
        closing: Option<String>,
    },
}

/// What a user decides after an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What follows.
    pub next: Next,
    /// The decision as the model wrote it, or what the peer notes of its script.
    pub response: Option<Value>,
}

impl From<Next> for Decision {
    fn from(next: Next) -> Self {
        Self { next, response: None }
    }
}

/// A conversation up to an answer.
#[derive(Debug, Clone, Copy)]
pub struct Conversation<'a> {
    /// How often the agent has answered.
    pub answers: usize,
    /// Everything that was said.
    pub messages: &'a [Message],
    /// The name of the persona.
    pub persona: Option<&'a str>,
    /// The platform's id of the persona.
    pub persona_id: Option<&'a str>,
    /// Counted from 0. A model is asked anew in each.
    pub iteration: u32,
}
