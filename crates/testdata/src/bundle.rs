//! A bundle as a platform answers with it: typed where we look, verbatim everywhere else.
//!
//! The files that a pull writes hold what was received, also members that this version has never heard of, so every part keeps
//! its whole JSON and offers accessors. Only what a pull cannot do without is checked: the bundle's id, lists that are lists,
//! and that no two items share an id, since an item's id is how its edits are found again.
//!
//! There may be more items than memory holds. [`Bundle::read`] hands each of them on and keeps none, so a [`Bundle`] is everything
//! but its items.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::hash::BuildHasher as _;
use std::io::{self, Read};

use serde_json::{Map, Value};
use serde_json_borrow::{ObjectAsVec, Value as Json};

pub use super::answer::BundleError;
use super::answer::{self, Part};
use super::input_text::{InputText, text_in};
use keepstep_base::Digest;

/// The members of an answer that describe the bundle as a whole.
const DESCRIPTION: [&str; 5] = ["bundle_version", "run_spec_snapshot", "scenario_context", "input_set", "sync_meta"];

const ITEMS: &str = "input_items";
const PERSONAS: &str = "personas";
const CRITERIA: &str = "criteria_pack";

const LISTS: [&str; 3] = [ITEMS, PERSONAS, CRITERIA];

/// What a platform answered to a pull, without the items.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// The id of the bundle version.
    pub id: String,
    /// The answer without its lists.
    members: Map<String, Value>,
    /// How many inputs there are.
    pub item_count: usize,
    /// The personas.
    pub personas: Vec<Document>,
    /// The entries of the criteria pack.
    pub criteria: Vec<Document>,
}

/// An input of a bundle, as received.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a>(pub &'a Json<'a>);

/// A persona of a bundle, or an entry of its criteria pack, as received.
#[derive(Debug, Clone, PartialEq)]
pub struct Document(pub Value);

/// What takes the items of a bundle, with the personas that came before; `None` where these are still to come.
pub type TakeItem<'t> = &'t mut dyn FnMut(Item<'_>, Option<&[Document]>) -> io::Result<()>;

#[derive(Debug, Default)]
struct Parts {
    members: Map<String, Value>,
    /// The lists that came. The items are counted only.
    lists: BTreeMap<&'static str, Vec<Document>>,
    item_count: usize,
    /// The keyed hashes of the items' ids: nobody knows the key, so no two are the same by intent or by chance.
    seen: HashSet<u64>,
    /// What is wrong with the lists: first those that are something else, then those that came twice, then items with one id.
    wrong: [Option<String>; 3],
}

impl Parts {
    fn take(&mut self, part: Part<'_>, take: TakeItem<'_>) -> io::Result<()> {
        let (name, value) = match part {
            Part::Entry(item) => return self.item(Item(item), take),
            Part::Member(name, value) => (name, value),
        };
        match (LISTS.into_iter().find(|list| *list == name), value) {
            (Some(_), Value::Null) => {}
            (Some(list), Value::Array(documents)) => {
                if self.lists.insert(list, documents.into_iter().map(Document).collect()).is_some() {
                    self.wrong[1].get_or_insert(list.to_owned());
                }
            }
            (Some(list), _) => _ = self.wrong[0].get_or_insert(list.to_owned()),
            // Of what nobody asks for later nothing is kept.
            (None, value) if DESCRIPTION.contains(&name) => _ = self.members.insert(name.to_owned(), value),
            (None, _) => {}
        }
        Ok(())
    }

    fn item(&mut self, item: Item<'_>, take: TakeItem<'_>) -> io::Result<()> {
        self.item_count += 1;
        if let Some(id) = item.id() {
            let seen = self.seen.hasher().hash_one(&*id);
            if !self.seen.insert(seen) {
                self.wrong[2].get_or_insert(id.into_owned());
            }
        }
        take(item, self.lists.get(PERSONAS).map(Vec::as_slice))
    }

    fn into_bundle(mut self) -> Result<Bundle, BundleError> {
        let id = self.members.get("bundle_version").and_then(|version| id_of(version.get("id")?));
        let id = id
            .ok_or_else(|| BundleError::Refused("the bundle version is missing in the server's answer to the pull".to_owned()))?;
        let mut list = |name| self.lists.remove(name).unwrap_or_default();
        let (personas, criteria) = (list(PERSONAS), list(CRITERIA));
        match self.wrong {
            [Some(list), ..] => Err(BundleError::Refused(format!("`{list}` of bundle version {id} is not a list"))),
            [_, Some(list), _] => Err(BundleError::Refused(format!("`{list}` is twice in the server's answer to the pull"))),
            [.., Some(item)] => Err(BundleError::Refused(format!("bundle version {id} has two inputs with the id {item}"))),
            [None, None, None] => Ok(Bundle { id, members: self.members, item_count: self.item_count, personas, criteria }),
        }
    }
}

impl Bundle {
    /// Reads an answer, and hands on its items.
    ///
    /// # Errors
    /// It is no bundle (then the error has a [`BundleError`] in it), it cannot be read, or `take` refuses.
    pub fn read(answer: impl Read, take: TakeItem<'_>) -> io::Result<Self> {
        let mut parts = Parts::default();
        answer::read(answer, ITEMS, &mut |part| parts.take(part, take))?;
        Ok(parts.into_bundle()?)
    }

    /// Makes sure that the answer is what was asked for; `None` where any would do.
    ///
    /// # Errors
    /// The bundle version, its scenario or its project is another one.
    pub fn check_asked(&self, version: Option<&str>, scenario: Option<&str>, project: Option<&str>) -> Result<(), BundleError> {
        let asked = [("bundle version", version), ("scenario", scenario), ("project", project)];
        let answered = [Some(self.id.clone()), self.scenario_id(), self.project_id()];
        for ((what, asked), answered) in asked.into_iter().zip(answered) {
            if let Some((asked, answered)) = asked.zip(answered).filter(|(asked, answered)| asked != answered) {
                return Err(BundleError::Refused(format!("requested {what} {asked}, but the server answered with {answered}")));
            }
        }
        Ok(())
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

    /// Returns the SHA-256 of what a test runs on: the list of inputs, whose digest is `list`, the personas and the criteria.
    /// Times and names of the bundle do not count.
    pub fn content_digest(&self, list: Digest) -> Digest {
        let mut text = format!("{list}\n");
        for document in self.personas.iter().chain(&self.criteria) {
            write_sorted(&mut text, &document.0);
            text.push('\n');
        }
        // Where one list ends and the next begins counts, too.
        let _ = write!(text, "{} {} {}", self.item_count, self.personas.len(), self.criteria.len());
        Digest::of_bytes(text.as_bytes())
    }

    /// Returns the members that describe the bundle as a whole, as received.
    pub(crate) fn description(&self) -> Value {
        DESCRIPTION.iter().filter_map(|key| Some((*key, self.members.get(*key)?.clone()))).collect()
    }
}

impl<'a> Item<'a> {
    /// Returns the item's id.
    pub fn id(self) -> Option<Cow<'a, str>> {
        id_in(self.0.as_object()?.get("id")?)
    }

    /// Returns what the item says to the agent.
    pub fn input_text(self) -> Option<InputText<Cow<'a, str>>> {
        text_in(self.0)
    }

    /// Returns the item as an entry of the list of inputs that says `text`. `persona` says which name belongs to an id.
    pub(super) fn entry(self, text: Cow<'a, str>, persona: impl FnOnce(&str) -> Option<String>) -> Json<'a> {
        let member = |name| self.0.as_object().and_then(|members| members.get(name));
        let mut metadata = match member("metadata") {
            Some(Json::Object(members)) => members.clone(),
            Some(Json::Null) | None => ObjectAsVec::default(),
            Some(other) => vec![("metadata", other.clone())].into(),
        };
        if let Some(id) = self.id() {
            metadata.insert("input_item_id", Json::Str(id));
        }
        if let Some(id) = member("persona_id").and_then(id_in) {
            let name = persona(&id);
            metadata.insert("persona_id", Json::Str(id));
            if let Some(name) = name.filter(|_| !metadata.contains_key("persona")) {
                metadata.insert("persona", name.into());
            }
        }
        Json::Object(vec![("input", Json::Str(text)), ("metadata", Json::Object(metadata))].into())
    }
}

impl Document {
    /// Returns its id.
    pub fn id(&self) -> Option<String> {
        id_of(self.0.get("id")?)
    }

    /// Returns its name.
    pub fn name(&self) -> Option<&str> {
        self.0.get("name")?.as_str()
    }
}

/// Writes a value as compact JSON with the members of objects sorted by their names, and the length of a text before it, so that it
/// cannot be mistaken for what stands around it.
fn write_sorted(text: &mut String, value: &Value) {
    let quote = |text: &mut String, quoted: &str| _ = write!(text, "{}\"{quoted}\"", quoted.len());
    match value {
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            for (at, (name, value)) in members.into_iter().enumerate() {
                text.push(if at == 0 { '{' } else { ',' });
                quote(text, name);
                text.push(':');
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
        Value::String(string) => quote(text, string),
        Value::Number(_) | Value::Bool(_) | Value::Null => _ = write!(text, "{value}"),
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

/// The same for an item's, which is not copied.
fn id_in<'a>(value: &'a Json<'a>) -> Option<Cow<'a, str>> {
    match value {
        Json::Str(id) if !id.is_empty() => Some(Cow::Borrowed(id)),
        Json::Number(id) => Some(Cow::Owned(serde_json::Number::from(*id).to_string())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_text(answer: &[u8]) -> Result<Bundle, BundleError> {
        Bundle::read(answer, &mut |_, _| Ok(())).map_err(|error| error.downcast().unwrap())
    }

    fn read(answer: &Value) -> Result<Bundle, BundleError> {
        read_text(answer.to_string().as_bytes())
    }

    #[test]
    fn f3_an_answer_without_a_bundle_is_an_error() {
        for answer in [json!({"bundle_version": null}), json!({}), json!({"bundle_version": {"id": ""}})] {
            let error = read(&answer).unwrap_err().to_string();
            assert_eq!(error, "the bundle version is missing in the server's answer to the pull; nothing was changed");
        }
        insta::assert_snapshot!(
            read(&json!([])).unwrap_err(),
            @"the server's answer to the pull is not a JSON object; nothing was changed"
        );
        let error = read(&json!({"bundle_version": {"id": "b"}, "personas": {}})).unwrap_err();
        insta::assert_snapshot!(error, @"`personas` of bundle version b is not a list; nothing was changed");
        let twice = json!({"bundle_version": {"id": "b"}, "input_items": [{"id": 1}, {"id": "1"}]});
        insta::assert_snapshot!(
            read(&twice).unwrap_err(),
            @"bundle version b has two inputs with the id 1; nothing was changed"
        );
        let twice = br#"{"bundle_version": {"id": "b"}, "input_items": [], "personas": null, "input_items": []}"#;
        let error = read_text(twice).unwrap_err();
        insta::assert_snapshot!(error, @"`input_items` is twice in the server's answer to the pull; nothing was changed");
    }

    #[test]
    fn the_digest_is_that_of_the_content() {
        let list = Digest::of_bytes(b"the list");
        let digest = |answer: &Value| read(answer).unwrap().content_digest(list);
        let answer = json!({"bundle_version": {"id": "b"}, "personas": [{"id": "p", "name": "n"}]});
        let mut same = answer.clone();
        same["bundle_version"]["id"] = json!("c");
        same["sync_meta"] = json!({"pulled_at": "now"});
        same["personas"] = json!([{"name": "n", "id": "p"}]);
        assert_eq!(digest(&answer), digest(&same));
        let mut moved = answer.clone();
        moved["personas"] = json!([]);
        moved["criteria_pack"] = answer["personas"].clone();
        assert_ne!(digest(&answer), digest(&moved));
        assert_ne!(digest(&answer), read(&answer).unwrap().content_digest(Digest::of_bytes(b"another list")));
    }

    #[test]
    fn f16_another_bundle_or_scenario_than_asked_for_is_an_error() {
        let answer = json!({"bundle_version": {"id": "bv_0001", "scenario_id": "orders"}});
        let bundle = read(&answer).unwrap();
        insta::assert_snapshot!(
            bundle.check_asked(Some("bv_12345"), None, None).unwrap_err(),
            @"requested bundle version bv_12345, but the server answered with bv_0001; nothing was changed"
        );
        assert!(bundle.check_asked(None, Some("billing"), None).is_err());
        assert_eq!(bundle.check_asked(Some("bv_0001"), Some("orders"), Some("any")), Ok(()));
    }
}
