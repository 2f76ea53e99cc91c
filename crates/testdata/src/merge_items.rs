//! Merges two edits of a list of inputs, item by item.
//!
//! An item is the same one on both sides if it came from the same item of the platform; then texts are merged line by line and
//! other members one by one. An entry without such an id is a person's own and is recognized by its content. Where the two
//! edits of one item cannot both stand, the local one stays in the list and the platform's is reported beside it: a merge never
//! decides against a person.
//!
//! The base of the next merge must be the platform's list of this one. An item in conflict then counts as edited locally, so
//! whoever leaves a conflict unsolved must not record the new base.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::{Map, Value};
use serde_json_borrow::Value as Json;

use super::input_list::item_id;
use keepstep_agent::Field;
use keepstep_agent::merge::{Merged, Sides, merge as merge_field};
use keepstep_base::Digest;

/// What happened to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The local edit stays; also that of somebody who removed the item.
    KeptLocal,
    /// Somebody wrote the item by hand; it stays.
    KeptOwn,
    /// The platform's new item is added.
    Added,
    /// The platform's edit replaces what nobody touched here.
    Updated,
    /// The platform removed what nobody touched here.
    Removed,
    /// Both edits are in the item now.
    Merged,
    /// Both edits cannot stand in one item; the local one stays.
    Conflict,
}

/// An item that both sides changed so that only a person can decide.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// The item's id on the platform.
    pub id: String,
    /// The members that disagree, as `input` or `metadata.category`; none where one side removed the item.
    pub members: Vec<String>,
    /// The local item; `None` if it was removed here.
    pub local: Option<Value>,
    /// The platform's item; `None` if it was removed there.
    pub server: Option<Value>,
}

/// The outcome of a merge.
#[derive(Debug, Clone, PartialEq)]
pub struct MergedItems {
    /// The merged list.
    pub entries: Vec<Value>,
    /// What happened to each item that is not the same everywhere: its id, or `None` for one without.
    pub outcomes: Vec<(Option<String>, Outcome)>,
    /// What a person has to decide.
    pub conflicts: Vec<Conflict>,
    /// How many items there were locally.
    pub local_count: usize,
}

/// How many items had which outcome.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemCounts {
    counts: HashMap<Outcome, usize>,
    /// How many items there were locally.
    pub local: usize,
}

impl ItemCounts {
    /// Returns how many items had an outcome.
    pub fn of(&self, outcome: Outcome) -> usize {
        self.counts.get(&outcome).copied().unwrap_or_default()
    }

    /// Returns true if the platform takes away more than half of the local items: more likely a mistake than an edit. Items that
    /// others come in place of are a new set, not a smaller one.
    pub fn removes_more_than_half(&self) -> bool {
        self.of(Outcome::Removed).saturating_sub(self.of(Outcome::Added)) * 2 > self.local
    }

    fn new(local: usize, outcomes: impl Iterator<Item = Outcome>) -> Self {
        let mut counts = HashMap::new();
        outcomes.for_each(|outcome| *counts.entry(outcome).or_default() += 1);
        Self { counts, local }
    }
}

/// A list of inputs as digests, for comparing lists that may be larger than memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fingerprints {
    /// By the digest of an item's id, or of its content and how often that was there before; the first half is enough.
    items: HashMap<[u8; 16], [u8; 16]>,
    /// How often the contents without an id were there.
    own: HashMap<[u8; 16], usize>,
}

impl Fingerprints {
    /// Adds the next entry.
    pub fn add(&mut self, entry: &Json<'_>) {
        let mut entry = Value::from(entry);
        entry.sort_all_objects();
        let content = fingerprint(&entry.to_string());
        let key = item_id(&entry).map(|id| format!("id {id}")).unwrap_or_else(|| {
            let count = self.own.entry(content).or_default();
            *count += 1;
            format!("own {count} {content:?}")
        });
        self.items.insert(fingerprint(&key), content);
    }

    /// Returns what happens to the items where the platform's list replaces this one, which nobody edited.
    pub fn replaced_by(&self, server: &Self) -> ItemCounts {
        let outcome = |(key, content): (&[u8; 16], &[u8; 16])| match self.items.get(key) {
            None => Some(Outcome::Added),
            Some(old) => (old != content).then_some(Outcome::Updated),
        };
        let removed = self.items.keys().filter(|key| !server.items.contains_key(*key)).map(|_| Outcome::Removed);
        ItemCounts::new(self.items.len(), server.items.iter().filter_map(outcome).chain(removed))
    }
}

fn fingerprint(text: &str) -> [u8; 16] {
    Digest::of_bytes(text.as_bytes()).half()
}

/// How a person decides about a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// What is here stays.
    Local,
    /// The platform's replaces it.
    Server,
    /// Both stay: of an input what is here as an entry of its own, of a file the merged text.
    Both,
}

impl MergedItems {
    /// Returns how many items had which outcome.
    pub fn counts(&self) -> ItemCounts {
        ItemCounts::new(self.local_count, self.outcomes.iter().map(|(_, outcome)| *outcome))
    }

    /// Settles the conflict about an item. An item that was removed here and is taken after all comes last.
    pub fn settle(&mut self, id: &str, choice: Choice) {
        let Some(at) = self.conflicts.iter().position(|conflict| conflict.id == id) else { return };
        let Conflict { local, server, .. } = self.conflicts.remove(at);
        let outcome = match (choice, &server) {
            (Choice::Local, _) => Outcome::KeptLocal,
            (_, Some(_)) => Outcome::Updated,
            (_, None) => Outcome::Removed,
        };
        if choice != Choice::Local || server.is_none() {
            let place = self.entries.iter().position(|entry| Some(entry) == local.as_ref());
            let place = place.map_or(self.entries.len()..self.entries.len(), |place| place..place + 1);
            // What is kept beside the platform's, or is not there any more, is a person's own from now on.
            let own = local.filter(|_| choice != Choice::Server).map(without_item_id);
            self.entries.splice(place, server.into_iter().chain(own));
        }
        for (_, settled) in self.outcomes.iter_mut().filter(|(item, _)| item.as_deref() == Some(id)) {
            *settled = outcome;
        }
    }
}

/// Returns an entry as a person's own, which no item of the platform stands behind.
fn without_item_id(mut entry: Value) -> Value {
    let members = if entry["metadata"].is_null() { &mut entry } else { &mut entry["metadata"] };
    if let Some(members) = members.as_object_mut() {
        // The others keep their order.
        members.shift_remove("input_item_id");
    }
    entry
}

/// How an entry is found again on another side.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Key {
    /// By the id of the platform's item.
    Id(String),
    /// By its content, and which one of those with the same content.
    Own(String, usize),
}

type Keyed<'a> = IndexMap<Key, &'a Value>;

/// A value of the base, of the local side and of the server; `None` where it is absent.
type Versions<'a> = [Option<&'a Value>; 3];

/// Merges three lists of inputs.
pub fn merge(base: &[Value], local: &[Value], server: &[Value]) -> MergedItems {
    let (outcomes, conflicts) = (Vec::new(), Vec::new());
    let mut merged = MergedItems { entries: local.to_vec(), outcomes, conflicts, local_count: local.len() };
    if local == server {
        return merged;
    }
    let agreed = keyed(base, &Keyed::new());
    let ours = keyed(local, &agreed);
    let theirs = keyed(server, &Keyed::new());
    let mut values: HashMap<&Key, Value> = HashMap::new();
    for key in theirs.keys().chain(ours.keys().filter(|key| !theirs.contains_key(*key))) {
        let versions = [&agreed, &ours, &theirs].map(|list| list.get(key).copied());
        let mut members = Vec::new();
        let value = merge_value("", versions, &mut members);
        // Of an item in conflict all that is here stays.
        let value = if members.is_empty() { value } else { versions[1].cloned() };
        values.extend(value.map(|value| (key, value)));
        let Some(outcome) = outcome(key, versions, &members) else { continue };
        let id = match key {
            Key::Id(id) => Some(id.clone()),
            Key::Own(..) => None,
        };
        if outcome == Outcome::Conflict {
            let [_, local, server] = versions.map(|version| version.cloned());
            merged.conflicts.push(Conflict { id: id.clone().unwrap_or_default(), members, local, server });
        }
        merged.outcomes.push((id, outcome));
    }
    // A list that only one side changed is that side's list, whatever its order and its repetitions are.
    if local == base {
        merged.entries = server.to_vec();
    } else if server != base {
        merged.entries = order(&agreed, &ours, &theirs).into_iter().filter_map(|key| values.remove(key)).collect();
    }
    merged
}

/// Returns what happens to an item; `None` where it is the same on both sides. `members` are those in conflict.
fn outcome(key: &Key, [base, local, server]: Versions<'_>, members: &[String]) -> Option<Outcome> {
    Some(match (local, server) {
        _ if local == server => return None,
        _ if base == server && base.is_none() && matches!(key, Key::Own(..)) => Outcome::KeptOwn,
        _ if base == server => Outcome::KeptLocal,
        (None, _) if base == local => Outcome::Added,
        (_, None) if base == local => Outcome::Removed,
        _ if base == local => Outcome::Updated,
        (Some(_), Some(_)) if members.is_empty() => Outcome::Merged,
        _ => Outcome::Conflict,
    })
}

/// Merges an item, or a member of it. The paths of members in conflict are added.
fn merge_value(path: &str, versions: Versions<'_>, conflicts: &mut Vec<String>) -> Option<Value> {
    let [base, local, server] = versions;
    match (local, server) {
        _ if local == server || base == server => return local.cloned(),
        _ if base == local => return server.cloned(),
        (Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
            let mut merged = Map::new();
            for key in ours.keys().chain(theirs.keys().filter(|key| !ours.contains_key(*key))) {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let value = merge_value(&path, versions.map(|version| version?.get(key)), conflicts);
                merged.extend(value.map(|value| (key.clone(), value)));
            }
            return Some(Value::Object(merged));
        }
        // Only what is said is a text of lines; a value of metadata is changed as a whole.
        (Some(_), Some(_)) if path == "input" => {
            if let Merged::Clean(Some(text)) = merge_field(Field::PERSONA, Sides { base, local, server }) {
                return Some(text);
            }
        }
        _ => {}
    }
    // An item that one side removed has no members that disagree.
    conflicts.extend((!path.is_empty()).then(|| path.to_owned()));
    local.cloned()
}

/// Gives each entry a key that is unique in its list.
///
/// People copy an entry with its id and change the copy. The one that is as it was agreed on is the item then, or else the
/// first; the others are entries of their own.
fn keyed<'a>(entries: &'a [Value], agreed: &Keyed<'_>) -> Keyed<'a> {
    let is_agreed = |id: &str, at: usize| agreed.get(&Key::Id(id.to_owned())).is_some_and(|agreed| **agreed == entries[at]);
    let mut item_at: HashMap<String, usize> = HashMap::new();
    for (at, entry) in entries.iter().enumerate() {
        let Some(id) = item_id(entry) else { continue };
        if item_at.get(&id).is_none_or(|first| is_agreed(&id, at) && !is_agreed(&id, *first)) {
            item_at.insert(id, at);
        }
    }
    let mut counts: HashMap<String, usize> = HashMap::new();
    let key_of = |(at, entry): (usize, &'a Value)| {
        if let Some(id) = item_id(entry).filter(|id| item_at.get(id) == Some(&at)) {
            return (Key::Id(id), entry);
        }
        let content = entry.to_string();
        let count = counts.entry(content.clone()).or_default();
        *count += 1;
        (Key::Own(content, *count), entry)
    };
    entries.iter().enumerate().map(key_of).collect()
}

/// Returns all keys in the order of the merged list: the platform's, unless only somebody here changed the order. What the other
/// side has in addition follows what it follows there.
fn order<'a>(base: &Keyed<'_>, local: &'a Keyed<'_>, server: &'a Keyed<'_>) -> Vec<&'a Key> {
    let is_reordered = |side: &Keyed<'_>| {
        let common = base.keys().filter(|key| side.contains_key(*key));
        !common.eq(side.keys().filter(|key| base.contains_key(*key)))
    };
    let (first, second) = if is_reordered(local) && !is_reordered(server) { (local, server) } else { (server, local) };
    // What follows which key of the first list; `None` is its beginning.
    let mut followers: HashMap<Option<&Key>, Vec<&Key>> = HashMap::new();
    let mut predecessor = None;
    for key in second.keys() {
        if first.contains_key(key) {
            predecessor = Some(key);
        } else {
            followers.entry(predecessor).or_default().push(key);
        }
    }
    let mut keys = followers.remove(&None).unwrap_or_default();
    for key in first.keys() {
        keys.push(key);
        keys.extend(followers.remove(&Some(key)).unwrap_or_default());
    }
    keys
}

#[cfg(test)]
#[path = "merge_items_tests.rs"]
mod tests;
