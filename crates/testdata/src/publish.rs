//! What a scenario's folder says as the file that publishes it: the way up of what a pull brought down.
//!
//! An entry of the list that came from an item is that item with another text, persona or metadata; what the list does not show of an item,
//! such as the other messages of a conversation, stays. An entry without an item is a new one. The file names each input by its id, so that
//! publishing it twice is publishing it once.

use std::collections::{HashMap, HashSet};

use keepstep_base::Digest;
use serde_json::{Map, Value, json};

use super::bundle::{Bundle, Document, id_of};
use super::input_list::{ListText, item_id};
use super::input_text::input_text;

/// The members of an entry's metadata that say which item and which persona it is of.
const ITEM_ID: &str = "input_item_id";
const PERSONA_ID: &str = "persona_id";
const PERSONA: &str = "persona";

/// The members in which an entry says what it says.
const TEXTS: [&str; 4] = ["input", "messages", "text", "content"];

/// What is in a scenario's folder, and what was pulled into it.
#[derive(Debug, Clone, Copy)]
pub struct Local<'a> {
    /// What was pulled last, without its items.
    pub base: &'a Bundle,
    /// Its items.
    pub items: &'a [Value],
    /// The entries of the list of inputs; those that are new have [ids](with_ids).
    pub entries: &'a [Value],
    /// The personas.
    pub personas: &'a [Value],
    /// The criteria.
    pub criteria: &'a [Value],
    /// The name that the scenario has on the server.
    pub scenario: &'a str,
}

/// What is published.
#[derive(Debug, Clone, PartialEq)]
pub struct Upload {
    /// The file, as `bundles import` takes it.
    pub file: Value,
    /// How it differs from what was pulled.
    pub counts: UploadCounts,
}

/// How a folder differs from what was pulled into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UploadCounts {
    /// Inputs that say something else.
    pub changed: usize,
    /// Inputs that are new.
    pub added: usize,
    /// Inputs that are gone.
    pub removed: usize,
    /// Personas that are new or changed.
    pub personas: usize,
    /// Criteria that are new, changed or gone.
    pub criteria: usize,
}

impl UploadCounts {
    /// Returns true where nothing differs.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// Why a folder cannot be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UploadError {
    /// An input says nothing.
    #[error("input {0} has no text")]
    NoText(usize),
    /// An input has members that a server does not keep.
    #[error("input {number} has `{member}`, which a server does not keep; move it into its `metadata`")]
    UnknownMember {
        /// Which, from 1.
        number: usize,
        /// The member.
        member: String,
    },
    /// An input says in two ways what it says.
    #[error("input {number} has both `{first}` and `{second}`: leave one of them")]
    Twice {
        /// Which, from 1.
        number: usize,
        /// A member.
        first: &'static str,
        /// Another one.
        second: &'static str,
    },
    /// The metadata of an input is no mapping.
    #[error("the `metadata` of input {0} is not a mapping")]
    Metadata(usize),
    /// A persona is new or changed, and would be in no bundle version.
    #[error("no input uses persona {0}: name it as `persona` in the `metadata` of one, or undo the change of it")]
    UnusedPersona(String),
    /// A persona or a criterion has no name.
    #[error("{0} has no `name`")]
    NoName(String),
}

/// Gives an id to each entry that is of no item. The same entries get the same ids, and no two the same.
pub fn with_ids(entries: &[Value], scenario: &str, items: &[Value]) -> Vec<Value> {
    let mut taken: HashSet<String> = entries.iter().filter_map(item_id).collect();
    taken.extend(items.iter().filter_map(|item| id_of(item.get("id")?)));
    let named = entries.iter().map(|entry| {
        let mut entry = entry.clone();
        if item_id(&entry).is_some() {
            return entry;
        }
        // A bare text becomes an entry, as a pull writes one.
        if !entry.is_object() {
            entry = json!({ "input": entry });
        }
        let id = new_id(scenario, &entry, &mut taken);
        if let Some(members) = entry.as_object_mut() {
            let metadata = members.entry("metadata").or_insert(Value::Null);
            if metadata.is_null() {
                *metadata = Value::Object(Map::new());
            }
            if let Some(metadata) = metadata.as_object_mut() {
                metadata.insert(ITEM_ID.to_owned(), id.into());
            }
        }
        entry
    });
    named.collect()
}

fn new_id(scenario: &str, entry: &Value, taken: &mut HashSet<String>) -> String {
    let mut occurrence = 0;
    loop {
        let digest = Digest::of_bytes(json!([scenario, entry, occurrence]).to_string().as_bytes()).to_string();
        let digits: String = digest.chars().rev().take_while(char::is_ascii_hexdigit).take(24).collect();
        let id = format!("item_{digits}");
        if taken.insert(id.clone()) {
            return id;
        }
        occurrence += 1;
    }
}

/// Returns the file that publishes what a folder says.
///
/// # Errors
/// Something in it cannot be published.
pub fn upload(local: Local<'_>) -> Result<Upload, UploadError> {
    let mut counts = UploadCounts::default();
    let inputs = inputs(local, &mut counts)?;
    let mut personas = Vec::new();
    for persona in local.personas {
        let known = local.base.personas.iter().any(|known| known.0 == *persona);
        if !known {
            personas.push(named(persona, "a persona")?);
        }
    }
    let used: HashSet<&str> = inputs.iter().filter_map(|input| input.get(PERSONA)?.as_str()).map(str::trim).collect();
    let name = |persona: &Value| persona["name"].as_str().unwrap_or_default().trim().to_owned();
    if let Some(unused) = personas.iter().map(name).find(|name| !used.contains(name.as_str())) {
        return Err(UploadError::UnusedPersona(unused));
    }
    counts.personas = personas.len();
    let criteria = local.criteria.iter().map(|criterion| named(criterion, "a criterion")).collect::<Result<Vec<_>, _>>()?;
    let before = local.base.criteria.iter().map(|criterion| named(&criterion.0, "a criterion")).collect::<Result<Vec<_>, _>>();
    let before = before.unwrap_or_default();
    let changed = criteria.iter().filter(|criterion| !before.contains(criterion)).count();
    let is_there = |old: &&Value| criteria.iter().any(|criterion| criterion["name"] == old["name"]);
    counts.criteria = changed + before.iter().filter(|old| !is_there(old)).count();
    let file = json!({
        "scenario": { "name": local.scenario }, "personas": personas, "inputs": inputs, "criteria": criteria,
    });
    Ok(Upload { file, counts })
}

/// Returns a persona or a criterion without what the server counts and names itself.
fn named(document: &Value, what: &str) -> Result<Value, UploadError> {
    let mut members = document.as_object().cloned().unwrap_or_default();
    members.shift_remove("id");
    members.shift_remove("version");
    match members.get("name").and_then(Value::as_str) {
        Some(name) if !name.trim().is_empty() => Ok(Value::Object(members)),
        _ => Err(UploadError::NoName(what.to_owned())),
    }
}

fn inputs(local: Local<'_>, counts: &mut UploadCounts) -> Result<Vec<Value>, UploadError> {
    let mut list = ListText::new(&local.base.personas);
    // What the list shows of each item; nothing of those that say nothing.
    let shown: Vec<Option<Value>> = local
        .items
        .iter()
        .map(|item| {
            let item = serde_json_borrow::Value::from(item);
            list.entry(super::bundle::Item(&item)).map(Value::from)
        })
        .collect();
    let known: HashMap<String, usize> =
        local.items.iter().enumerate().filter_map(|(at, item)| Some((id_of(item.get("id")?)?, at))).collect();
    let names = Names::new(&local.base.personas, local.personas);
    let mut left: HashSet<usize> = known.values().copied().collect();
    let mut inputs = Vec::with_capacity(local.entries.len());
    for (at, entry) in local.entries.iter().enumerate() {
        let id = item_id(entry);
        let base = id.as_ref().and_then(|id| known.get(id)).copied();
        if let Some(base) = base {
            left.remove(&base);
        }
        let (item, before) = base.map_or((None, None), |base| (Some(&local.items[base]), shown[base].as_ref()));
        match (item, before) {
            (Some(_), Some(before)) if before == entry => {}
            (Some(_), _) => counts.changed += 1,
            (None, _) => counts.added += 1,
        }
        inputs.push(input(at + 1, id, entry, item, before, &names)?);
    }
    // What was never in the list was not taken out of it.
    let mut rest: Vec<usize> = left.into_iter().collect();
    rest.sort_unstable();
    for at in rest {
        if shown[at].is_some() {
            counts.removed += 1;
        } else {
            let (item, entry) = (&local.items[at], json!({}));
            inputs.push(input(0, id_of(&item["id"]), &entry, Some(item), Some(&entry), &names)?);
        }
    }
    Ok(inputs)
}

/// The names of personas by their ids.
struct Names(HashMap<String, String>);

impl Names {
    /// The names that they have here count, and of personas with one id the first.
    fn new(base: &[Document], local: &[Value]) -> Self {
        let base = base.iter().rev().filter_map(|persona| Some((persona.id()?, persona.name()?)));
        let local = local.iter().rev().filter_map(|persona| Some((id_of(persona.get("id")?)?, persona.get("name")?.as_str()?)));
        Self(base.chain(local).map(|(id, name)| (id, name.to_owned())).collect())
    }

    fn of(&self, id: &str) -> Option<String> {
        self.0.get(id).cloned()
    }
}

/// Returns an entry as an input of the file: what of it differs from what the list showed of its item, on top of the item.
fn input(
    number: usize,
    id: Option<String>,
    entry: &Value,
    item: Option<&Value>,
    before: Option<&Value>,
    names: &Names,
) -> Result<Value, UploadError> {
    let is_same = before == Some(entry);
    let empty = Map::new();
    let members = entry.as_object().unwrap_or(&empty);
    let is_known = |member: &&String| member.as_str() == "metadata" || TEXTS.contains(&member.as_str());
    if let Some(member) = members.keys().find(|member| !is_known(member)) {
        return Err(UploadError::UnknownMember { number, member: member.clone() });
    }
    let mut said = TEXTS.into_iter().filter(|name| members.get(*name).is_some_and(|said| !said.is_null()));
    if !is_same && let (Some(first), Some(second)) = (said.next(), said.next()) {
        return Err(UploadError::Twice { number, first, second });
    }
    if !is_same && members.get("metadata").is_some_and(|metadata| !metadata.is_null() && !metadata.is_object()) {
        return Err(UploadError::Metadata(number));
    }
    let old_metadata = item.and_then(|item| item.get("metadata")).and_then(Value::as_object);
    let metadata = if is_same {
        old_metadata.cloned().unwrap_or_default()
    } else {
        let mut metadata = members.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
        metadata.shift_remove(ITEM_ID);
        metadata.shift_remove(PERSONA_ID);
        // A name that the list added is no metadata of the item.
        if !old_metadata.is_some_and(|old| old.contains_key(PERSONA)) {
            metadata.shift_remove(PERSONA);
        }
        metadata
    };
    let messages = match (item, is_same) {
        (Some(item), true) => messages_of(item),
        _ => {
            let said = input_text(entry).ok_or(UploadError::NoText(number))?.text;
            let was = before.and_then(input_text).map(|said| said.text);
            match (item, members.get("messages").and_then(Value::as_array)) {
                (Some(item), None) if was.as_deref() == Some(said.as_str()) => messages_of(item),
                (Some(item), None) => reworded(messages_of(item), &said),
                (_, Some(messages)) => messages.clone(),
                (None, None) => vec![json!({ "role": "user", "content": said })],
            }
        }
    };
    let mut input = Map::new();
    input.extend(id.map(|id| ("id".to_owned(), Value::String(id))));
    input.insert("messages".to_owned(), messages.into());
    input.extend(persona(members, item, before, names).map(|name| (PERSONA.to_owned(), Value::String(name))));
    input.insert("metadata".to_owned(), metadata.into());
    Ok(Value::Object(input))
}

fn messages_of(item: &Value) -> Vec<Value> {
    match item.get("messages").and_then(Value::as_array) {
        Some(messages) if !messages.is_empty() => messages.clone(),
        _ => input_text(item).map(|said| json!({ "role": "user", "content": said.text })).into_iter().collect(),
    }
}

/// Returns messages in which the one that the list shows says something else.
fn reworded(mut messages: Vec<Value>, said: &str) -> Vec<Value> {
    let is_of_user = |message: &Value| message["role"].as_str().is_some_and(|role| matches!(role, "user" | "human"));
    let at = messages.iter().position(|message| is_of_user(message) && input_text(message).is_some());
    match at.or_else(|| messages.iter().position(|message| input_text(message).is_some())) {
        Some(at) if messages[at].is_object() => messages[at]["content"] = said.into(),
        _ => messages = vec![json!({ "role": "user", "content": said })],
    }
    messages
}

/// Returns the name of the persona of an entry: what somebody changed, else that of the item.
fn persona(members: &Map<String, Value>, item: Option<&Value>, before: Option<&Value>, names: &Names) -> Option<String> {
    let text = |entry: Option<&Map<String, Value>>, name: &str| -> Option<String> {
        id_of(entry?.get("metadata")?.as_object()?.get(name)?)
    };
    let (entry, old) = (Some(members), before.and_then(Value::as_object));
    let (name, old_name) = (text(entry, PERSONA), text(old, PERSONA));
    let (id, old_id) = (text(entry, PERSONA_ID), text(old, PERSONA_ID));
    let of_item = || names.of(&id_of(item?.get(PERSONA_ID)?)?);
    if before.is_some_and(|before| before.as_object() == Some(members)) {
        return of_item();
    }
    match (id, name) {
        (id, Some(name)) if Some(&name) != old_name.as_ref() && (id == old_id || id.is_none()) => Some(name),
        (Some(id), name) => names.of(&id).or(name),
        (None, name) => name,
    }
}

#[cfg(test)]
#[path = "publish_tests.rs"]
mod tests;
