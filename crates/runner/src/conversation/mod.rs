//! The user of a conversation with several turns: a script, rules, or a model.

mod decision;
mod rules;
mod simulated;

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub use decision::{Conversation, Decision, Next};
pub use rules::{Rule, Rules, Then};
pub use simulated::{PROMPT_VERSION, SimulatedConfig};

use crate::config::ModelConfig;
use crate::model::Model;
use keepstep_results::problem::Problem;

/// Who talks to the agent, and for how long.
#[derive(Debug, Clone)]
pub struct UserConfig {
    /// How often the agent answers at most.
    pub max_turns: usize,
    /// What decides what is said.
    pub speaker: Speaker,
    /// The rules of personas that have their own, by their names.
    pub rules_of_personas: BTreeMap<String, Rules>,
    /// The persona of the configuration that speaks in place of the input's.
    pub persona_override: Option<String>,
    /// What the agent is for.
    pub service_context: Option<String>,
    /// Whether the agent is told that its tools need nobody's approval.
    pub auto_approve_tools: bool,
}

/// What decides what a user says.
#[derive(Debug, Clone)]
pub enum Speaker {
    /// A list of messages.
    Script(Script),
    /// What the agent said last.
    Rules(Rules),
    /// A model.
    Model(Box<SimulatedConfig>),
}

/// What a user says after each answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// What the user says after the input, in order.
    pub questions: Vec<String>,
    /// What the user says whenever there is nothing left in the script, instead of ending the conversation.
    pub repeated: Option<String>,
    /// Why the conversation ends when the script does.
    pub reason: String,
    /// What the user says at the end, to which nobody answers.
    pub closing: Option<String>,
}

/// The user, for all slots of a run.
pub struct User {
    config: UserConfig,
    model: Option<Model>,
    personas: Vec<Value>,
}

impl User {
    /// Returns a user. `personas` are those that a model can be told about, and `model` makes the model, if there is one.
    pub fn new(config: UserConfig, personas: Vec<Value>, model: impl FnOnce(ModelConfig) -> Model) -> Self {
        let model = match &config.speaker {
            Speaker::Model(simulated) => Some(model(simulated.model.clone())),
            _ => None,
        };
        Self { config, model, personas }
    }

    /// Returns how the user is configured.
    pub fn config(&self) -> &UserConfig {
        &self.config
    }

    /// Returns the model, if it is one.
    pub fn model(&self) -> Option<&Model> {
        self.model.as_ref()
    }

    /// Returns what follows an answer.
    ///
    /// # Errors
    /// The model has no answer, or none that says what follows.
    pub async fn after(&self, conversation: &Conversation<'_>) -> Result<Decision, Problem> {
        if conversation.answers >= self.config.max_turns {
            return Ok(Next::Ends { reason: "max_turns_reached".to_owned(), closing: None }.into());
        }
        if let Some(rules) = conversation.persona.and_then(|persona| self.config.rules_of_personas.get(persona)) {
            return Ok(rules.after(conversation.messages).into());
        }
        match (&self.config.speaker, &self.model) {
            (Speaker::Script(script), _) => Ok(script.after(conversation.answers)),
            (Speaker::Rules(rules), _) => Ok(rules.after(conversation.messages).into()),
            (Speaker::Model(simulated), Some(model)) => {
                let context = self.config.service_context.as_deref();
                simulated.after(model, conversation, &self.personas, context).await
            }
            (Speaker::Model(_), None) => Err(Problem::new("no model is configured for the user")),
        }
    }
}

impl Script {
    fn after(&self, answers: usize) -> Decision {
        let (place, length) = (answers.saturating_sub(1), self.questions.len());
        let (next, response) = match (self.questions.get(place), &self.repeated) {
            (Some(question), _) => {
                let response = json!({"mock": true, "scripted": true, "script_index": place, "script_length": length});
                (Next::Says(question.clone()), response)
            }
            (None, Some(question)) => (Next::Says(question.clone()), json!({"mock": true})),
            (None, None) => {
                let response = match length {
                    0 => json!({"mock": true}),
                    _ => json!({"mock": true, "scripted": true, "script_complete": true, "script_length": length}),
                };
                (Next::Ends { reason: self.reason.clone(), closing: self.closing.clone() }, response)
            }
        };
        Decision { next, response: Some(response) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_said_in_order_and_ends() {
        let script = Script {
            questions: vec!["a".into(), "b".into()],
            repeated: None,
            reason: "done".into(),
            closing: Some("bye".into()),
        };
        assert_eq!(script.after(1).next, Next::Says("a".into()));
        assert_eq!(script.after(2).next, Next::Says("b".into()));
        let end = script.after(3);
        assert_eq!(end.next, Next::Ends { reason: "done".into(), closing: Some("bye".into()) });
        assert_eq!(end.response, Some(json!({"mock": true, "scripted": true, "script_complete": true, "script_length": 2})));
        let script = Script { repeated: Some("more".into()), ..script };
        assert_eq!(script.after(9).next, Next::Says("more".into()));
    }
}
