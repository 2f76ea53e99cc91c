//! Merges two edits of a list of inputs, item by item.
//!
//! An item is the same one on both sides if it came from the same item of the platform; then texts are merged line by line and
//! other members one by one. An entry without such an id is a person's own and is recognized by its content. Where the two
//! edits of one item cannot both stand, the local one stays in the list and the platform's is reported beside it: a merge never
//! decides against a person.
//!
//! The base of the next merge must be the platform's list of this one. An item in conflict then counts as edited locally, so
//! whoever leaves a conflict unsolved must not record the new base.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};
use serde_json_borrow::Value as Json;

use super::input_list::item_id;
use super::input_text;
use keepstep_agent::Field;
use keepstep_agent::merge::{Merged, Sides, merge as merge_field};
use keepstep_base::Digest;

/// What happened to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

impl Conflict {
    /// Returns the two texts, the local one first. A side that removed the item has none.
    pub fn texts(&self) -> (Option<String>, Option<String>) {
        let text = |entry: &Value| input_text::text(entry).unwrap_or_default();
        (self.local.as_ref().map(text), self.server.as_ref().map(text))
    }
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
    counts: BTreeMap<Outcome, usize>,
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

    fn add(&mut self, outcome: Outcome) {
        *self.counts.entry(outcome).or_default() += 1;
    }
}

impl MergedItems {
    /// Returns how many items had which outcome.
    pub fn counts(&self) -> ItemCounts {
        let mut counts = ItemCounts { local: self.local_count, ..ItemCounts::default() };
        self.outcomes.iter().for_each(|(_, outcome)| counts.add(*outcome));
        counts
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
        let key = match item_id(&entry) {
            Some(id) => fingerprint(&format!("id {id}")),
            None => {
                let count = self.own.entry(content).or_default();
                *count += 1;
                fingerprint(&format!("own {count} {content:?}"))
            }
        };
        self.items.insert(key, content);
    }

    /// Returns what happens to the items where the platform's list replaces this one, which nobody edited.
    pub fn replaced_by(&self, server: &Self) -> ItemCounts {
        let mut counts = ItemCounts { local: self.items.len(), ..ItemCounts::default() };
        for (key, content) in &server.items {
            match self.items.get(key) {
                None => counts.add(Outcome::Added),
                Some(old) if old != content => counts.add(Outcome::Updated),
                Some(_) => {}
            }
        }
        self.items.keys().filter(|key| !server.items.contains_key(*key)).for_each(|_| counts.add(Outcome::Removed));
        counts
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
    let members = match entry.get("metadata") {
        Some(metadata) if !metadata.is_null() => entry.get_mut("metadata"),
        _ => Some(&mut entry),
    };
    if let Some(members) = members.and_then(Value::as_object_mut) {
        // The others keep their order.
        members.shift_remove("input_item_id");
    }
    entry
}

/// How an entry is found again on another side.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// By the id of the platform's item.
    Id(String),
    /// By its content, and which one of those with the same content.
    Own(String, usize),
}

type Keyed<'a> = Vec<(Key, &'a Value)>;

/// Merges three lists of inputs.
pub fn merge(base: &[Value], local: &[Value], server: &[Value]) -> MergedItems {
    if local == server {
        return MergedItems { entries: local.to_vec(), outcomes: Vec::new(), conflicts: Vec::new(), local_count: local.len() };
    }
    let base_keyed = keyed(base, &BTreeMap::new());
    let agreed: BTreeMap<&Key, &Value> = base_keyed.iter().map(|(key, value)| (key, *value)).collect();
    let local_keyed = keyed(local, &agreed);
    let server_keyed = keyed(server, &BTreeMap::new());
    let ours: BTreeMap<&Key, &Value> = local_keyed.iter().map(|(key, value)| (key, *value)).collect();
    let theirs: BTreeMap<&Key, &Value> = server_keyed.iter().map(|(key, value)| (key, *value)).collect();

    let mut merged: BTreeMap<&Key, Value> = BTreeMap::new();
    let mut outcomes = Vec::new();
    let mut conflicts = Vec::new();
    let removed_here = base_keyed.iter().map(|(key, _)| key).filter(|key| !ours.contains_key(key) && !theirs.contains_key(key));
    let only_local = local_keyed.iter().map(|(key, _)| key).filter(|key| !theirs.contains_key(key));
    for key in server_keyed.iter().map(|(key, _)| key).chain(only_local).chain(removed_here) {
        let sides = Item { base: agreed.get(key).copied(), local: ours.get(key).copied(), server: theirs.get(key).copied() };
        let (value, outcome, members) = sides.decide(key);
        let id = match key {
            Key::Id(id) => Some(id.clone()),
            Key::Own(..) => None,
        };
        if outcome == Some(Outcome::Conflict) {
            conflicts.push(Conflict {
                id: id.clone().unwrap_or_default(),
                members,
                local: sides.local.cloned(),
                server: sides.server.cloned(),
            });
        }
        outcomes.extend(outcome.map(|outcome| (id, outcome)));
        merged.extend(value.map(|value| (key, value)));
    }

    // A list that only one side changed is that side's list, whatever its order and its repetitions are.
    let entries = if server == base {
        local.to_vec()
    } else if local == base {
        server.to_vec()
    } else {
        order(&base_keyed, &local_keyed, &server_keyed).into_iter().filter_map(|key| merged.remove(key)).collect()
    };
    MergedItems { entries, outcomes, conflicts, local_count: local.len() }
}

/// The three versions of an item; `None` where it is absent.
#[derive(Clone, Copy)]
struct Item<'a> {
    base: Option<&'a Value>,
    local: Option<&'a Value>,
    server: Option<&'a Value>,
}

impl Item<'_> {
    /// Returns the item that results, what happened to it, and the members in conflict.
    fn decide(self, key: &Key) -> (Option<Value>, Option<Outcome>, Vec<String>) {
        let clean = |value: Option<&Value>, outcome| (value.cloned(), Some(outcome), Vec::new());
        let Self { base, local, server } = self;
        if local == server {
            return (local.cloned(), None, Vec::new());
        }
        if base == server {
            let is_own = matches!(key, Key::Own(..)) && base.is_none();
            return clean(local, if is_own { Outcome::KeptOwn } else { Outcome::KeptLocal });
        }
        if base == local {
            let outcome = match (local, server) {
                (None, _) => Outcome::Added,
                (_, None) => Outcome::Removed,
                _ => Outcome::Updated,
            };
            return clean(server, outcome);
        }
        let (Some(local), Some(server)) = (local, server) else {
            return clean(local, Outcome::Conflict);
        };
        let mut conflicts = Vec::new();
        let merged = merge_value("", base, local, server, &mut conflicts);
        if conflicts.is_empty() {
            return clean(Some(&merged), Outcome::Merged);
        }
        (Some(local.clone()), Some(Outcome::Conflict), conflicts)
    }
}

/// Merges a value that all sides but the base must have. Conflicts are added by the path of their member, and their value is
/// the local one.
fn merge_value(path: &str, base: Option<&Value>, local: &Value, server: &Value, conflicts: &mut Vec<String>) -> Value {
    match (local, server) {
        (Value::Object(local), Value::Object(server)) => {
            Value::Object(merge_members(path, base.and_then(Value::as_object), local, server, conflicts))
        }
        _ => {
            // Only what is said is a text of lines; a value of metadata is changed as a whole.
            if path == "input" {
                let sides = Sides { base, local: Some(local), server: Some(server) };
                if let Merged::Clean(Some(text)) = merge_field(Field::PERSONA, sides) {
                    return text;
                }
            }
            conflicts.push(path.to_owned());
            local.clone()
        }
    }
}

fn merge_members(
    path: &str,
    base: Option<&Map<String, Value>>,
    local: &Map<String, Value>,
    server: &Map<String, Value>,
    conflicts: &mut Vec<String>,
) -> Map<String, Value> {
    let mut merged = Map::new();
    let added = server.keys().filter(|key| !local.contains_key(*key));
    for key in local.keys().chain(added) {
        let base = base.and_then(|members| members.get(key));
        let (ours, theirs) = (local.get(key), server.get(key));
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let value = if ours == theirs || base == theirs {
            ours.cloned()
        } else if base == ours {
            theirs.cloned()
        } else if let (Some(ours), Some(theirs)) = (ours, theirs) {
            Some(merge_value(&path, base, ours, theirs, conflicts))
        } else {
            conflicts.push(path);
            ours.cloned()
        };
        if let Some(value) = value {
            merged.insert(key.clone(), value);
        }
    }
    merged
}

/// Gives each entry a key that is unique in its list.
///
/// People copy an entry with its id and change the copy. The one that is as it was agreed on is the item then, or else the
/// first; the others are entries of their own.
fn keyed<'a>(entries: &'a [Value], agreed: &BTreeMap<&Key, &Value>) -> Keyed<'a> {
    let mut item_at: BTreeMap<String, usize> = BTreeMap::new();
    for (at, entry) in entries.iter().enumerate() {
        if let Some(id) = item_id(entry) {
            let is_agreed = |at: usize| agreed.get(&Key::Id(id.clone())).is_some_and(|agreed| **agreed == entries[at]);
            match item_at.get(&id) {
                Some(&first) if is_agreed(first) || !is_agreed(at) => {}
                _ => {
                    item_at.insert(id, at);
                }
            }
        }
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
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
fn order<'a>(base: &'a Keyed<'_>, local: &'a Keyed<'_>, server: &'a Keyed<'_>) -> Vec<&'a Key> {
    let is_reordered = |side: &'a Keyed<'_>| {
        let here: BTreeSet<&Key> = side.iter().map(|(key, _)| key).collect();
        let there: BTreeSet<&Key> = base.iter().map(|(key, _)| key).collect();
        let common =
            |keys: &'a Keyed<'_>| keys.iter().map(|(key, _)| key).filter(|key| here.contains(key) && there.contains(key));
        !common(base).eq(common(side))
    };
    let (first, second) = if is_reordered(local) && !is_reordered(server) { (local, server) } else { (server, local) };
    let known: BTreeSet<&Key> = first.iter().map(|(key, _)| key).collect();
    // What follows which key of the first list; `None` is its beginning.
    let mut followers: BTreeMap<Option<&Key>, Vec<&Key>> = BTreeMap::new();
    let mut predecessor = None;
    for (key, _) in second {
        if known.contains(key) {
            predecessor = Some(key);
        } else {
            followers.entry(predecessor).or_default().push(key);
        }
    }
    let mut keys = followers.remove(&None).unwrap_or_default();
    for (key, _) in first {
        keys.push(key);
        keys.extend(followers.remove(&Some(key)).unwrap_or_default());
    }
    keys
}

#[cfg(test)]
#[path = "merge_items_tests.rs"]
mod tests;
