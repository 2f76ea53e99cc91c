//! A bundle as a platform answers with it: typed where we look, verbatim everywhere else.
//!
//! The files that a pull writes hold what was received, also members that this version has never heard of, so every part keeps
//! its whole JSON and offers accessors. Only what a pull cannot do without is checked: the bundle's id, lists that are lists,
//! and that no two items share an id, since an item's id is how its edits are found again.
//!
//! There may be more items than memory holds. [`BundleReader`] hands each of them on while the answer arrives and keeps none,
//! so a [`Bundle`] is everything but its items.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use serde_json::{Map, Value};
use siphasher::sip128::SipHasher13;

use super::answer::{Answer, NoAnswer, Part, Stop};
use super::input_text::{InputText, input_text_in};
use super::json::{Json, Member, set};
use keepstep_base::Digest;
use keepstep_base::text::push_number;

/// The members of an answer that describe the bundle as a whole.
const DESCRIPTION: [&str; 5] = ["bundle_version", "run_spec_snapshot", "scenario_context", "input_set", "sync_meta"];

const ITEMS: &str = "input_items";
const PERSONAS: &str = "personas";
const CRITERIA: &str = "criteria_pack";

/// The members of an answer that are lists.
const LISTS: [&str; 3] = [ITEMS, PERSONAS, CRITERIA];

/// Up to how many members an object has few of them.
const FEW: usize = 8;

/// What a platform answered to a pull, without the items.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    id: String,
    /// The answer without its lists.
    members: Map<String, Value>,
    item_count: usize,
    personas: Vec<Persona>,
    criteria: Vec<Criterion>,
}

/// An input of a bundle.
#[derive(Debug, Clone)]
pub struct Item<'a> {
    value: Json<'a>,
    arena: &'a Bump,
}

/// A persona of a bundle.
#[derive(Debug, Clone, PartialEq)]
pub struct Persona(Value);

/// An entry of a bundle's criteria pack.
#[derive(Debug, Clone, PartialEq)]
pub struct Criterion(Value);

/// An answer is no bundle, or not the one that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The body is no JSON, or ends too early.
    #[error("the server's answer to the pull cannot be read: {0}; nothing was changed")]
    Unreadable(NoAnswer),
    /// The body is not a JSON object.
    #[error("the server's answer to the pull is not a JSON object; nothing was changed")]
    NotAnObject,
    /// There is no id to record.
    #[error("the server's answer to the pull does not say which bundle version it is; nothing was changed")]
    NoId,
    /// A list is something else.
    #[error("`{member}` of bundle version {bundle} is not a list; nothing was changed")]
    NotAList {
        /// Which bundle version.
        bundle: String,
        /// Which member of the answer.
        member: &'static str,
    },
    /// One of two lists would have to be ignored.
    #[error("`{member}` is twice in the server's answer to the pull; nothing was changed")]
    Twice {
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
    #[error("asked for {what} {asked}, but the server answered with {answered}; nothing was changed")]
    Another {
        /// What was asked for.
        what: &'static str,
        /// Its id in the request.
        asked: String,
        /// The id in the answer.
        answered: String,
    },
}

impl From<NoAnswer> for BundleError {
    fn from(error: NoAnswer) -> Self {
        match error {
            NoAnswer::NotAnObject => Self::NotAnObject,
            other => Self::Unreadable(other),
        }
    }
}

/// Reads only the items of an answer.
#[derive(Debug)]
pub struct ItemReader {
    answer: Answer,
    is_items: bool,
}

impl Default for ItemReader {
    fn default() -> Self {
        Self { answer: Answer::new(&LISTS), is_items: false }
    }
}

impl ItemReader {
    /// Takes more of the answer, and hands on the items in it.
    ///
    /// # Errors
    /// It is no answer, or `take` refuses.
    pub fn feed<E>(&mut self, bytes: &[u8], take: &mut dyn FnMut(Item<'_>) -> Result<(), E>) -> Result<(), Stop<E>> {
        let is_items = &mut self.is_items;
        self.answer.feed(bytes, &mut |part| item_of(part, is_items, take))
    }

    /// Ends the answer, and hands on the items that were not yet.
    ///
    /// # Errors
    /// It is no whole answer, or `take` refuses.
    pub fn end<E>(&mut self, take: &mut dyn FnMut(Item<'_>) -> Result<(), E>) -> Result<(), Stop<E>> {
        let is_items = &mut self.is_items;
        self.answer.end(&mut |part| item_of(part, is_items, take))
    }
}

/// Hands a part on if it is an item, and notes whether items are what comes.
fn item_of<E>(part: Part<'_>, is_items: &mut bool, take: &mut dyn FnMut(Item<'_>) -> Result<(), E>) -> Result<(), E> {
    match part {
        Part::Entry(value, arena) if *is_items => take(Item { value, arena })?,
        Part::List(name) => *is_items = name == ITEMS,
        Part::Entry(..) | Part::Member(..) => {}
    }
    Ok(())
}

/// Reads the answer to a pull while it arrives.
#[derive(Debug)]
pub struct BundleReader {
    answer: Answer,
    parts: Parts,
}

/// What takes the items of a bundle, with the personas that came before; `None` where these are still to come.
pub type TakeItem<'t, E> = &'t mut dyn FnMut(Item<'_>, Option<&[Persona]>) -> Result<(), E>;

/// What has been read of a bundle.
#[derive(Debug)]
struct Parts {
    members: Map<String, Value>,
    /// The lists that came, in their order; the last one may still be coming.
    lists: Vec<&'static str>,
    /// The members that should be lists.
    no_list: Option<&'static str>,
    item_count: usize,
    seen: Seen,
    /// The first id that came twice.
    twice: Option<String>,
    personas: Vec<Persona>,
    criteria: Vec<Criterion>,
}

impl Default for BundleReader {
    fn default() -> Self {
        let parts = Parts {
            members: Map::new(),
            lists: Vec::new(),
            no_list: None,
            item_count: 0,
            seen: Seen::default(),
            twice: None,
            personas: Vec::new(),
            criteria: Vec::new(),
        };
        Self { answer: Answer::new(&LISTS), parts }
    }
}

impl BundleReader {
    /// Takes more of the answer, and hands on the items in it.
    ///
    /// # Errors
    /// It is no answer, or `take` refuses.
    pub fn feed<E>(&mut self, bytes: &[u8], take: TakeItem<'_, E>) -> Result<(), Stop<E>> {
        let parts = &mut self.parts;
        self.answer.feed(bytes, &mut |part| parts.take(part, take))
    }

    /// Ends the answer.
    ///
    /// # Errors
    /// It is no whole answer, or `take` refuses.
    pub fn end<E>(&mut self, take: TakeItem<'_, E>) -> Result<(), Stop<E>> {
        let parts = &mut self.parts;
        self.answer.end(&mut |part| parts.take(part, take))
    }

    /// Returns the bundle that a whole answer is.
    ///
    /// # Errors
    /// It is none, or its items cannot be told apart.
    pub fn into_bundle(self) -> Result<Bundle, BundleError> {
        self.parts.into_bundle()
    }
}

impl Parts {
    fn take<E>(&mut self, part: Part<'_>, take: TakeItem<'_, E>) -> Result<(), E> {
        match part {
            // Of what nobody asks for later nothing is kept.
            Part::Member(name, value) if DESCRIPTION.contains(&name) => {
                self.members.insert(name.to_owned(), value);
            }
            Part::Member(name, value) => {
                let member = LISTS.into_iter().find(|list| *list == name).filter(|_| !value.is_null());
                self.no_list = self.no_list.or(member);
            }
            Part::List(name) => self.lists.extend(LISTS.into_iter().find(|list| *list == name)),
            Part::Entry(value, arena) => match self.lists.last().copied() {
                Some(ITEMS) => self.item(Item { value, arena }, take)?,
                Some(PERSONAS) => self.personas.push(Persona(value.to_value())),
                _ => self.criteria.push(Criterion(value.to_value())),
            },
        }
        Ok(())
    }

    fn item<E>(&mut self, item: Item<'_>, take: TakeItem<'_, E>) -> Result<(), E> {
        self.item_count += 1;
        if let Some(id) = item.id()
            && !self.seen.insert(id)
            && self.twice.is_none()
        {
            self.twice = Some(id.to_owned());
        }
        let personas = self.lists.contains(&PERSONAS).then_some(self.personas.as_slice());
        take(item, personas)
    }

    fn into_bundle(self) -> Result<Bundle, BundleError> {
        let id = self.members.get("bundle_version").and_then(|version| id_of(version.get("id")?)).ok_or(BundleError::NoId)?;
        if let Some(member) = self.no_list {
            return Err(BundleError::NotAList { bundle: id, member });
        }
        if let Some(member) = LISTS.into_iter().find(|list| self.lists.iter().filter(|other| *other == list).count() > 1) {
            return Err(BundleError::Twice { member });
        }
        if let Some(item) = self.twice {
            return Err(BundleError::DuplicateItem { bundle: id, item });
        }
        let Self { members, item_count, personas, criteria, .. } = self;
        Ok(Bundle { id, members, item_count, personas, criteria })
    }
}

/// The ids that came, as hashes of 128 bits with a secret: nobody can make two of them equal.
#[derive(Debug)]
struct Seen {
    secret: SipHasher13,
    hashes: HashSet<u128, BuildHasherDefault<HashedBefore>>,
}

impl Default for Seen {
    fn default() -> Self {
        let random = RandomState::new();
        let secret = SipHasher13::new_with_keys(random.hash_one(0), random.hash_one(1));
        Self { secret, hashes: HashSet::default() }
    }
}

/// The hash of what is a hash with a secret already: a part of it.
#[derive(Debug, Default)]
struct HashedBefore(u64);

impl Hasher for HashedBefore {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(hash) = bytes.first_chunk() {
            self.0 = u64::from_ne_bytes(*hash);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Seen {
    /// Returns true if the id is a new one.
    fn insert(&mut self, id: &str) -> bool {
        self.hashes.insert(self.secret.hash(id.as_bytes()).as_u128())
    }
}

impl Bundle {
    /// Reads a whole answer, and hands on its items.
    ///
    /// # Errors
    /// It is no bundle, or its items cannot be told apart.
    pub fn from_response(response: &[u8], mut take: impl FnMut(Item<'_>)) -> Result<Self, BundleError> {
        let mut take = |item: Item<'_>, _: Option<&[Persona]>| -> Result<(), std::convert::Infallible> {
            take(item);
            Ok(())
        };
        let mut reader = BundleReader::default();
        match reader.feed(response, &mut take).and_then(|()| reader.end(&mut take)) {
            Ok(()) => reader.into_bundle(),
            Err(Stop::NoAnswer(error)) => Err(error.into()),
            Err(Stop::Taker(never)) => match never {},
        }
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

    /// Returns how many inputs there are.
    pub fn item_count(&self) -> usize {
        self.item_count
    }

    /// Returns the personas.
    pub fn personas(&self) -> &[Persona] {
        &self.personas
    }

    /// Returns the entries of the criteria pack.
    pub fn criteria(&self) -> &[Criterion] {
        &self.criteria
    }

    /// Returns the SHA-256 of what a test runs on: the list of inputs, whose digest is `list`, the personas and the criteria.
    /// Times and names of the bundle do not count.
    pub fn content_digest(&self, list: Digest) -> Digest {
        let mut text = format!("{list}\n");
        let arena = Bump::new();
        for value in self.personas.iter().map(Persona::value).chain(self.criteria.iter().map(Criterion::value)) {
            write_sorted(&mut text, &Json::of(value, &arena));
            text.push('\n');
        }
        // Where one list ends and the next begins counts, too.
        let _ = write!(text, "{} {} {}", self.item_count, self.personas.len(), self.criteria.len());
        Digest::of_bytes(text.as_bytes())
    }

    /// Returns the members that describe the bundle as a whole, as received.
    pub(crate) fn description(&self) -> Value {
        let members = DESCRIPTION.iter().filter_map(|key| Some(((*key).to_owned(), self.members.get(*key)?.clone())));
        Value::Object(members.collect())
    }
}

impl<'a> Item<'a> {
    /// Returns the item that a value is. What is made of it lies in the arena.
    pub fn of(value: &'a Value, arena: &'a Bump) -> Self {
        Self { value: Json::of(value, arena), arena }
    }

    /// Returns the item's id.
    pub fn id(&self) -> Option<&'a str> {
        id_in(self.value.get("id")?, self.arena)
    }

    /// Returns the item as received.
    pub fn value(&self) -> &Json<'a> {
        &self.value
    }

    /// Returns what the item says to the agent.
    pub fn input_text(&self) -> Option<InputText<&'a str>> {
        input_text_in(&self.value, self.arena)
    }

    /// Returns the item as an entry of the list of inputs; `None` if it has nothing to say. `persona` says which name belongs to
    /// an id.
    pub(super) fn entry<'n: 'a>(&self, persona: impl FnOnce(&str) -> Option<&'n str>) -> Option<Json<'a>> {
        let text = self.input_text()?.text;
        let mut metadata = ArenaVec::new_in(self.arena);
        match self.value.get("metadata") {
            Some(Json::Members(members)) => {
                metadata.reserve_exact(members.len() + 3);
                metadata.extend_from_slice(members);
            }
            Some(Json::Null) | None => {}
            Some(other) => metadata.push(("metadata", other.clone())),
        }
        if let Some(id) = self.id() {
            set(&mut metadata, "input_item_id", Json::Text(id));
        }
        if let Some(id) = self.value.get("persona_id").and_then(|id| id_in(id, self.arena)) {
            set(&mut metadata, "persona_id", Json::Text(id));
            if let Some(name) = persona(id)
                && !metadata.iter().any(|(key, _)| *key == "persona")
            {
                metadata.push(("persona", Json::Text(name)));
            }
        }
        let members = [("input", Json::Text(text)), ("metadata", Json::Members(metadata.into_bump_slice()))];
        Some(Json::Members(self.arena.alloc(members)))
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
pub(super) fn write_sorted(text: &mut String, value: &Json<'_>) {
    match value {
        Json::Members(members) => {
            // An item has a few objects with a few members each, so those are sorted without an allocation.
            match *members {
                [] => {}
                few if few.len() <= FEW => {
                    let mut sorted = [&few[0]; FEW];
                    sorted.iter_mut().zip(few).for_each(|(place, member)| *place = member);
                    write_in_order(text, &mut sorted[..few.len()]);
                }
                many => write_in_order(text, &mut many.iter().collect::<Vec<_>>()),
            }
            text.push('}');
        }
        Json::List(items) => {
            text.push('[');
            for item in *items {
                write_sorted(text, item);
                text.push(',');
            }
            text.push(']');
        }
        Json::Text(string) => write_quoted(text, string),
        Json::Number(number) => match number.as_u64() {
            Some(number) => push_number(text, number),
            None => _ = write!(text, "{number}"),
        },
        Json::Bool(is_true) => text.push_str(if *is_true { "true" } else { "false" }),
        Json::Null => text.push_str("null"),
    }
}

fn write_in_order(text: &mut String, members: &mut [&Member<'_>]) {
    members.sort_unstable_by_key(|(name, _)| *name);
    for (at, (key, value)) in members.iter().enumerate() {
        text.push(if at == 0 { '{' } else { ',' });
        write_quoted(text, key);
        text.push(':');
        write_sorted(text, value);
    }
}

/// Writes a text so that it cannot be mistaken for what stands around it: its length comes first.
fn write_quoted(text: &mut String, quoted: &str) {
    push_number(text, quoted.len() as u64);
    text.push('"');
    text.push_str(quoted);
    text.push('"');
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
fn id_in<'a>(value: &Json<'a>, arena: &'a Bump) -> Option<&'a str> {
    match value {
        Json::Text(id) if !id.is_empty() => Some(id),
        Json::Number(id) => Some(arena.alloc_str(&id.to_string())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(answer: &Value) -> Result<Bundle, BundleError> {
        Bundle::from_response(answer.to_string().as_bytes(), |_| ())
    }

    #[test]
    fn f3_an_answer_without_a_bundle_is_an_error() {
        for answer in [json!({"bundle_version": null}), json!({}), json!({"bundle_version": {"id": ""}})] {
            assert_eq!(read(&answer), Err(BundleError::NoId));
        }
        assert_eq!(read(&json!([])), Err(BundleError::NotAnObject));
        let error = read(&json!({"bundle_version": {"id": "b"}, "personas": {}})).unwrap_err();
        insta::assert_snapshot!(error, @"`personas` of bundle version b is not a list; nothing was changed");
        let twice = json!({"bundle_version": {"id": "b"}, "input_items": [{"id": 1}, {"id": "1"}]});
        insta::assert_snapshot!(
            read(&twice).unwrap_err(),
            @"bundle version b has two inputs with the id 1; nothing was changed"
        );
        let twice = br#"{"bundle_version": {"id": "b"}, "input_items": [], "personas": null, "input_items": []}"#;
        let error = Bundle::from_response(twice, |_| ()).unwrap_err();
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
            bundle.check_asked(Some("bv_12345"), None).unwrap_err(),
            @"asked for bundle version bv_12345, but the server answered with bv_0001; nothing was changed"
        );
        assert!(bundle.check_asked(None, Some("billing")).is_err());
        assert_eq!(bundle.check_asked(Some("bv_0001"), Some("orders")), Ok(()));
    }
}
