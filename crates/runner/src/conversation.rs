//! The user of a conversation with several turns, who says what a script has.

/// What a user says after each answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// How often the agent answers at most.
    pub max_turns: usize,
    /// What the user says after the input, in order.
    pub questions: Vec<String>,
    /// Why the conversation ends when the script does.
    pub reason: String,
    /// What the user says at the end, to which nobody answers.
    pub closing: Option<String>,
}

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

impl Script {
    /// Returns what follows after a number of answers.
    pub fn after(&self, answers: usize) -> Next {
        if answers >= self.max_turns {
            return Next::Ends { reason: "max_turns_reached".to_owned(), closing: None };
        }
        match self.questions.get(answers.saturating_sub(1)) {
            Some(question) => Next::Says(question.clone()),
            None => Next::Ends { reason: self.reason.clone(), closing: self.closing.clone() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_said_in_order_and_ends() {
        let script = Script { max_turns: 2, questions: vec!["a".into(), "b".into()], reason: "done".into(), closing: None };
        assert_eq!(script.after(1), Next::Says("a".into()));
        assert_eq!(script.after(2), Next::Ends { reason: "max_turns_reached".into(), closing: None });
        let script = Script { max_turns: 9, closing: Some("bye".into()), ..script };
        assert_eq!(script.after(2), Next::Says("b".into()));
        assert_eq!(script.after(3), Next::Ends { reason: "done".into(), closing: Some("bye".into()) });
    }
}
