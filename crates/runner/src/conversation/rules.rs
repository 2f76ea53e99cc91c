//! A user who reacts to what the agent says, by rules.

use regex::Regex;

use super::decision::Next;
use crate::agent::Message;

/// Rules, of which the first that applies counts.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// The rules in order.
    pub rules: Vec<Rule>,
    /// What is said if none applies; without it the conversation ends.
    pub otherwise: Option<String>,
}

/// What is said after an answer of some form.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What the answer has in it.
    pub when: Regex,
    /// What follows.
    pub then: Then,
    /// Whether it applies only once in a conversation.
    pub once: bool,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// The user says this.
    Say(String),
    /// The conversation ends.
    End {
        /// Why.
        reason: String,
        /// The user's last words.
        closing: Option<String>,
    },
}

impl Rules {
    /// Returns what follows the last answer of a conversation.
    pub(super) fn after(&self, messages: &[Message]) -> Next {
        let mut used = vec![false; self.rules.len()];
        let mut found = None;
        // Which rules are used up follows from what was said, so that nothing is to be remembered.
        for answer in messages.iter().filter(|message| message.role == "assistant") {
            let is_left = |(index, rule): &(usize, &Rule)| !(rule.once && used[*index]) && rule.when.is_match(&answer.content);
            found = self.rules.iter().enumerate().find(is_left);
            if let Some((index, _)) = found {
                used[index] = true;
            }
        }
        match (found, &self.otherwise) {
            (Some((_, Rule { then: Then::Say(text), .. })), _) => Next::Says(text.clone()),
            (Some((_, Rule { then: Then::End { reason, closing }, .. })), _) => {
                Next::Ends { reason: reason.clone(), closing: closing.clone() }
            }
            (None, Some(text)) => Next::Says(text.clone()),
            (None, None) => Next::Ends { reason: "no_rule_applies".to_owned(), closing: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(rules: &Rules, answers: &[&str]) -> Next {
        let messages: Vec<Message> = answers
            .iter()
            .flat_map(|answer| [("user", "number"), ("assistant", answer)])
            .map(|(role, content)| Message { role: role.into(), content: content.to_owned() })
            .collect();
        rules.after(&messages)
    }

    #[test]
    fn the_first_rule_that_applies_counts_and_some_only_once() {
        let rule = |when: &str, then, once| Rule { when: Regex::new(when).unwrap(), then, once };
        let mut rules = Rules {
            rules: vec![
                rule("(?i)number", Then::Say("It is 7.".into()), true),
                rule("number", Then::Say("I said it.".into()), false),
                rule("^Done", Then::End { reason: "goal_reached".into(), closing: Some("Bye".into()) }, false),
            ],
            otherwise: None,
        };
        assert_eq!(after(&rules, &["Number?"]), Next::Says("It is 7.".into()));
        assert_eq!(after(&rules, &["Number?", "Your number?"]), Next::Says("I said it.".into()));
        assert_eq!(
            after(&rules, &["Number?", "Done."]),
            Next::Ends { reason: "goal_reached".into(), closing: Some("Bye".into()) }
        );
        assert_eq!(after(&rules, &["Hm"]), Next::Ends { reason: "no_rule_applies".into(), closing: None });
        rules.otherwise = Some("Go on.".into());
        assert_eq!(after(&rules, &["Hm"]), Next::Says("Go on.".into()));
    }
}
