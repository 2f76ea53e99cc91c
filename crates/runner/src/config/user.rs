//! Who talks to the agent: `multi_turn` of the first dialect and `conversation` of the second.

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::ConfigError;
use super::model;
use super::place::ConfigLocation;
use super::section::Section;
use crate::conversation::{Rule, Rules, Script, SimulatedConfig, Speaker, Then, UserConfig};

/// The peers' own words where a configuration has none.
const MOCK_QUESTION: &str = "Could you provide a bit more detail about that?";
const MOCK_CLOSING: &str = "Thanks for the help. I have no further questions.";

/// Returns the user that a conversation is held with, if there are conversations.
pub(super) fn interpret(
    place: &ConfigLocation<'_>,
    root: &Section<'_>,
    written: &Value,
) -> Result<Option<UserConfig>, ConfigError> {
    let rules_of_personas = rules_of_personas(root)?;
    let first = root.section("multi_turn")?;
    if is_enabled(&first)? {
        let speaker = match own_words(&first)? {
            Some(speaker) => speaker,
            None => supervisor(place, &first, written)?,
        };
        let own_context = first.section("supervisor")?.section("metadata")?.text("service_context")?.map(str::to_owned);
        return Ok(Some(UserConfig {
            max_turns: max_turns(&first, 8)?,
            speaker,
            rules_of_personas,
            persona_override: first.text("persona_override")?.map(str::to_owned),
            service_context: own_context.or(service_context(root)?),
            auto_approve_tools: first.truth("auto_approve_tools")?.unwrap_or(true),
        }));
    }
    let second = root.section("conversation")?;
    if !is_enabled(&second)? {
        return Ok(None);
    }
    let (speaker, default) = match own_words(&second)? {
        Some(speaker) => (speaker, 100),
        None => {
            let simulator = second.section("simulator")?;
            let defaults = ("anthropic", "claude-sonnet-4-5-20250929");
            let model = model::interpret(place, &simulator, written, defaults)?;
            (Speaker::Model(Box::new(SimulatedConfig { model })), 3)
        }
    };
    Ok(Some(UserConfig {
        max_turns: max_turns(&second, default)?,
        speaker,
        rules_of_personas,
        persona_override: None,
        service_context: service_context(root)?,
        auto_approve_tools: true,
    }))
}

/// Returns whether a section is in use: as it says, and where it says nothing if it has something for the user to say.
fn is_enabled(section: &Section<'_>) -> Result<bool, ConfigError> {
    let has_words = || ["script", "rules", "simulator", "supervisor"].iter().any(|key| section.value(key).is_some());
    Ok(section.truth("enabled")?.unwrap_or_else(has_words))
}

fn max_turns(section: &Section<'_>, default: usize) -> Result<usize, ConfigError> {
    let number = section.number("max_turns", 100)?.and_then(|number| usize::try_from(number).ok());
    Ok(number.unwrap_or(default).max(1))
}

/// Returns what a section says itself: `script` or `rules`.
fn own_words(section: &Section<'_>) -> Result<Option<Speaker>, ConfigError> {
    if let Some(questions) = section.texts("script")? {
        let reason = "script_complete".to_owned();
        return Ok(Some(Speaker::Script(Script { questions, repeated: None, reason, closing: None })));
    }
    match rules(section)? {
        Some(mut rules) => {
            rules.otherwise = section.text("otherwise")?.map(str::to_owned);
            Ok(Some(Speaker::Rules(rules)))
        }
        None => Ok(None),
    }
}

/// Returns the user of the first dialect: its mock, or a model.
fn supervisor(place: &ConfigLocation<'_>, multi_turn: &Section<'_>, written: &Value) -> Result<Speaker, ConfigError> {
    let supervisor = multi_turn.section("supervisor")?;
    let metadata = supervisor.section("metadata")?;
    if supervisor.text("provider")? != Some("mock") {
        let model = model::interpret(place, &supervisor, written, ("openai", "gpt-5-mini"))?;
        return Ok(Speaker::Model(Box::new(SimulatedConfig { model })));
    }
    let (reason, closing) = (metadata.text("mock_reason")?, metadata.text("mock_closing")?.map(str::to_owned));
    let script = match metadata.texts("scripted_questions")? {
        Some(questions) => Script { questions, repeated: None, reason: reason.unwrap_or("script_complete").to_owned(), closing },
        None => {
            let goes_on = metadata.text("mock_decision")? == Some("continue");
            let question = metadata.text("mock_next_user_message")?.unwrap_or(MOCK_QUESTION).to_owned();
            Script {
                questions: Vec::new(),
                repeated: goes_on.then_some(question),
                reason: reason.unwrap_or("supervisor_terminate").to_owned(),
                closing: closing.or_else(|| Some(MOCK_CLOSING.to_owned())),
            }
        }
    };
    Ok(Speaker::Script(script))
}

/// Returns what the agent is for, which both peers' templates keep with the scenario.
fn service_context(root: &Section<'_>) -> Result<Option<String>, ConfigError> {
    Ok(root.section("metadata")?.text("service_context")?.map(str::to_owned))
}

fn rules_of_personas(root: &Section<'_>) -> Result<BTreeMap<String, Rules>, ConfigError> {
    let mut found = BTreeMap::new();
    for persona in root.sections("personas")? {
        if let (Some(name), Some(mut rules)) = (persona.text("name")?, rules(&persona)?) {
            rules.otherwise = persona.text("otherwise")?.map(str::to_owned);
            found.insert(name.to_owned(), rules);
        }
    }
    Ok(found)
}

/// Returns the rules of a section: `rules: [{when: REGEX, say: TEXT, end: REASON, once: true}]`.
fn rules(section: &Section<'_>) -> Result<Option<Rules>, ConfigError> {
    if section.value("rules").is_none() {
        return Ok(None);
    }
    let mut rules = Rules::default();
    for rule in section.sections("rules")? {
        let when = rule.text("when")?.ok_or_else(|| rule.error("when", "is missing: what the answer has in it".to_owned()))?;
        let when =
            regex::Regex::new(when).map_err(|error| rule.error("when", format!("is not a valid regular expression: {error}")))?;
        let says = rule.text("say")?.map(str::to_owned);
        let then = match (rule.text("end")?, says) {
            (Some(reason), closing) => Then::End { reason: reason.to_owned(), closing },
            (None, Some(says)) => Then::Say(says),
            (None, None) => return Err(rule.error("say", "is missing: what the user says, or `end` with a reason".to_owned())),
        };
        rules.rules.push(Rule { when, then, once: rule.truth("once")?.unwrap_or(false) });
    }
    Ok(Some(rules))
}
