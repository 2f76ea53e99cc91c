//! A bundle as a platform answers with it: typed where we look, verbatim everywhere else.
//!
//! The files that a pull writes hold what was received, also members that this version has never heard of, so every part keeps
//! its whole JSON and offers accessors. Only what a pull cannot do without is checked: the bundle's id, lists that are lists,
//! and that no two items share an id, since an item's id is how its edits are found again.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use serde_json::{Map, Value};

use crate::canonical::Digest;

/// The members of an answer that describe the bundle as a whole.
const DESCRIPTION: [&str; 5] = ["bundle_version", "run_spec_snapshot", "scenario_context", "input_set", "sync_meta"];

/// What a platform answered to a pull.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    id: String,
    /// The answer without its lists.
    members: Map<String, Value>,
    items: Vec<Item>,
    personas: Vec<Persona>,
    criteria: Vec<Criterion>,
}

/// An input of a bundle.
#[derive(Debug, Clone, PartialEq)]
pub struct Item(Value);

/// A persona of a bundle.
#[derive(Debug, Clone, PartialEq)]
pub struct Persona(Value);

/// An entry of a bundle's criteria pack.
#[derive(Debug, Clone, PartialEq)]
pub struct Criterion(Value);

/// An answer is no bundle, or not the one that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The body is not a JSON object.
    #[error("the platform's answer to the pull is no JSON object; nothing was changed")]
    NotAnObject,
    /// There is no id to record.
    #[error("the platform's answer to the pull does not say which bundle version it is; nothing was changed")]
    NoId,
    /// A list is something else.
    #[error("`{member}` of bundle version {bundle} is no list; nothing was changed")]
    NotAList {
        /// Which bundle version.
        bundle: String,
        /// Which member of the answer.
        member: &'static str,
    },
    /// Edits of these items could not be told apart.
    #[error("bundle version {bundle} has two inputs with the id {item}; nothing was changed")]
    DuplicateItem {
        /// Which bundle version.
        bundle: String,
        /// The id.
        item: String,
    },
    /// The platform answered with something else.
    #[error("asked for {what} {asked}, but the platform answered with {answered}; nothing was changed")]
    Another {
        /// What was asked for.
        what: &'static str,
        /// Its id in the request.
        asked: String,
        /// The id in the answer.
        answered: String,
    },
}

impl Bundle {
    /// Reads the answer to a pull.
    ///
    /// # Errors
    /// It is no bundle, or its items cannot be told apart.
    pub fn from_response(response: Value) -> Result<Self, BundleError> {
        let Value::Object(mut members) = response else {
            return Err(BundleError::NotAnObject);
        };
        let id = members.get("bundle_version").and_then(|version| id_of(version.get("id")?)).ok_or(BundleError::NoId)?;
        let items: Vec<Item> = list(&mut members, &id, "input_items")?.into_iter().map(Item).collect();
        let mut seen = BTreeSet::new();
        if let Some(item) = items.iter().filter_map(Item::id).find(|item| !seen.insert(item.clone())) {
            return Err(BundleError::DuplicateItem { bundle: id, item });
        }
        let personas = list(&mut members, &id, "personas")?.into_iter().map(Persona).collect();
        let criteria = list(&mut members, &id, "criteria_pack")?.into_iter().map(Criterion).collect();
        Ok(Self { id, members, items, personas, criteria })
    }

    /// Makes sure that the answer is what was asked for; `None` where any would do.
    ///
    /// # Errors
    /// The bundle version or its scenario is another one.
    pub fn check_asked(&self, bundle_version: Option<&str>, scenario: Option<&str>) -> Result<(), BundleError> {
        let another = |what, asked: &str, answered: &str| {
            Err(BundleError::Another { what, asked: asked.to_owned(), answered: answered.to_owned() })
        };
        if let Some(asked) = bundle_version.filter(|asked| *asked != self.id) {
            return another("bundle version", asked, &self.id);
        }
        match (scenario, self.scenario_id()) {
            (Some(asked), Some(answered)) if asked != answered => another("scenario", asked, &answered),
            _ => Ok(()),
        }
    }

    /// Returns the id of the bundle version.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the id of the project that the bundle belongs to.
    pub fn project_id(&self) -> Option<String> {
        id_of(self.members.get("bundle_version")?.get("project_id")?)
    }

    /// Returns the id of the scenario that the bundle belongs to.
    pub fn scenario_id(&self) -> Option<String> {
        let own = self.members.get("bundle_version").and_then(|version| id_of(version.get("scenario_id")?));
        own.or_else(|| id_of(self.members.get("scenario_context")?.get("scenario")?.get("id")?))
    }

    /// Returns the name of the scenario that the bundle belongs to.
    pub fn scenario_name(&self) -> Option<&str> {
        self.members.get("scenario_context")?.get("scenario")?.get("name")?.as_str()
    }

    /// Returns when the platform answered, by its own clock.
    pub fn pulled_at(&self) -> Option<&str> {
        self.members.get("sync_meta")?.get("pulled_at")?.as_str()
    }

    /// Returns the inputs.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Returns the personas.
    pub fn personas(&self) -> &[Persona] {
        &self.personas
    }

    /// Returns the entries of the criteria pack.
    pub fn criteria(&self) -> &[Criterion] {
        &self.criteria
    }

    /// Returns the SHA-256 of what a test runs on: inputs, personas and criteria. Times and names of the bundle do not count.
    pub fn content_digest(&self) -> Digest {
        let mut text = String::new();
        let items = self.items.iter().map(Item::value);
        let personas = self.personas.iter().map(Persona::value);
        for value in items.chain(personas).chain(self.criteria.iter().map(Criterion::value)) {
            write_sorted(&mut text, value);
            text.push('\n');
        }
        // Where one list ends and the next begins counts, too.
        text.push_str(&format!("{} {} {}", self.items.len(), self.personas.len(), self.criteria.len()));
        Digest::of_bytes(text.as_bytes())
    }

    /// Returns the members that describe the bundle as a whole, as received.
    pub(crate) fn description(&self) -> Value {
        let members = DESCRIPTION.iter().filter_map(|key| Some(((*key).to_owned(), self.members.get(*key)?.clone())));
        Value::Object(members.collect())
    }
}

impl Item {
    /// Returns the item's id.
    pub fn id(&self) -> Option<String> {
        id_of(self.0.get("id")?)
    }

    /// Returns the id of the persona that speaks.
    pub fn persona_id(&self) -> Option<String> {
        id_of(self.0.get("persona_id")?)
    }

    /// Returns the item's metadata as received.
    pub fn metadata(&self) -> Option<&Value> {
        self.0.get("metadata")
    }

    /// Returns the item as received.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// Returns what is said to the agent: the first message of a user, else the first message with a text, else a `text`,
    /// `content` or `input` of the item itself. Parts of a message are joined by line feeds.
    pub fn text(&self) -> Option<String> {
        let spoken = match self.0.get("messages") {
            Some(Value::Array(messages)) => {
                let is_user = |message: &&Value| {
                    let role = message.get("role").filter(|role| !role.is_null()).or_else(|| message.get("type"));
                    matches!(role.and_then(Value::as_str), Some("user" | "human"))
                };
                messages.iter().filter(is_user).find_map(text_of).or_else(|| messages.iter().find_map(text_of))
            }
            Some(message) => text_of(message),
            None => None,
        };
        spoken.or_else(|| text_of(&self.0))
    }
}

impl Persona {
    /// Returns the persona's id.
    pub fn id(&self) -> Option<String> {
        id_of(self.0.get("id")?)
    }

    /// Returns the persona's name.
    pub fn name(&self) -> Option<&str> {
        self.0.get("name")?.as_str()
    }

    /// Returns the persona as received.
    pub fn value(&self) -> &Value {
        &self.0
    }
}

impl Criterion {
    /// Returns the entry's id.
    pub fn id(&self) -> Option<String> {
        id_of(self.0.get("id")?)
    }

    /// Returns the entry's name.
    pub fn name(&self) -> Option<&str> {
        self.0.get("name")?.as_str()
    }

    /// Returns the entry as received.
    pub fn value(&self) -> &Value {
        &self.0
    }
}

/// Writes a value as compact JSON with the members of objects sorted by their names.
fn write_sorted(text: &mut String, value: &Value) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(key, _)| *key);
            for (at, (key, value)) in members.into_iter().enumerate() {
                text.push(if at == 0 { '{' } else { ',' });
                let _ = write!(text, "{}:", Quoted(key));
                write_sorted(text, value);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write_sorted(text, item);
                text.push(',');
            }
            text.push(']');
        }
        Value::String(string) => {
            let _ = write!(text, "{}", Quoted(string));
        }
        other => {
            let _ = write!(text, "{other}");
        }
    }
}

/// A text that cannot be mistaken for what stands around it: its length comes first.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\"{}\"", self.0.len(), self.0)
    }
}

/// Returns an id as text. Some platforms count theirs; inside they are texts everywhere.
pub(crate) fn id_of(value: &Value) -> Option<String> {
    match value {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// Returns the text of a message, of a part of one, or of several parts. A blank text is none.
fn text_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(text_of).collect::<Vec<_>>().join("\n"),
        Value::Object(members) => return ["content", "text", "input"].iter().find_map(|key| text_of(members.get(*key)?)),
        _ => return None,
    };
    (!text.trim().is_empty()).then_some(text)
}

/// Takes a list out of an answer. A missing one has no entries.
fn list(members: &mut Map<String, Value>, bundle: &str, member: &'static str) -> Result<Vec<Value>, BundleError> {
    match members.get_mut(member).map(Value::take) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(BundleError::NotAList { bundle: bundle.to_owned(), member }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(value: Value) -> Item {
        Item(value)
    }

    #[test]
    fn f3_an_answer_without_a_bundle_is_an_error() {
        for answer in [json!({"bundle_version": null}), json!({}), json!({"bundle_version": {"id": ""}})] {
            assert_eq!(Bundle::from_response(answer), Err(BundleError::NoId));
        }
        assert_eq!(Bundle::from_response(json!([])), Err(BundleError::NotAnObject));
        let error = Bundle::from_response(json!({"bundle_version": {"id": "b"}, "personas": {}})).unwrap_err();
        insta::assert_snapshot!(error, @"`personas` of bundle version b is no list; nothing was changed");
        let twice = json!({"bundle_version": {"id": "b"}, "input_items": [{"id": 1}, {"id": "1"}]});
        insta::assert_snapshot!(
            Bundle::from_response(twice).unwrap_err(),
            @"bundle version b has two inputs with the id 1; nothing was changed"
        );
    }

    #[test]
    fn the_digest_is_that_of_the_content() {
        let digest = |answer: Value| Bundle::from_response(answer).unwrap().content_digest();
        let answer = json!({"bundle_version": {"id": "b"}, "input_items": [{"id": "1", "text": "a"}], "personas": [{"id": "p"}]});
        let mut same = answer.clone();
        same["bundle_version"]["id"] = json!("c");
        same["sync_meta"] = json!({"pulled_at": "now"});
        same["input_items"] = json!([{"text": "a", "id": "1"}]);
        assert_eq!(digest(answer.clone()), digest(same));
        let mut moved = answer.clone();
        moved["personas"] = json!([]);
        moved["criteria_pack"] = json!([{"id": "p"}]);
        assert_ne!(digest(answer), digest(moved));
    }

    #[test]
    fn f16_another_bundle_or_scenario_than_asked_for_is_an_error() {
        let answer = json!({"bundle_version": {"id": "bv_0001", "scenario_id": "orders"}});
        let bundle = Bundle::from_response(answer).unwrap();
        insta::assert_snapshot!(
            bundle.check_asked(Some("bv_12345"), None).unwrap_err(),
            @"asked for bundle version bv_12345, but the platform answered with bv_0001; nothing was changed"
        );
        assert!(bundle.check_asked(None, Some("billing")).is_err());
        assert_eq!(bundle.check_asked(Some("bv_0001"), Some("orders")), Ok(()));
    }

    #[test]
    fn f31_every_form_of_a_text_is_found() {
        let text = |value: Value| item(value).text();
        let user =
            |content: Value| json!({"messages": [{"role": "assistant", "content": "a"}, {"role": "user", "content": content}]});
        assert_eq!(text(user(json!("b"))).as_deref(), Some("b"));
        assert_eq!(text(user(json!(["b", {"type": "text", "text": "c"}, {"type": "image"}]))).as_deref(), Some("b\nc"));
        assert_eq!(text(json!({"messages": [{"type": "human", "content": "b"}]})).as_deref(), Some("b"));
        assert_eq!(text(json!({"messages": [{"role": "system", "content": "s"}]})).as_deref(), Some("s"));
        assert_eq!(text(json!({"messages": {"content": "b"}})).as_deref(), Some("b"));
        assert_eq!(text(json!({"messages": "b"})).as_deref(), Some("b"));
        assert_eq!(text(json!({"text": "b"})).as_deref(), Some("b"));
        assert_eq!(text(json!({"messages": [], "content": "b"})).as_deref(), Some("b"));
        assert_eq!(text(json!({"messages": [{"role": "user", "content": " "}]})), None);
    }
}
