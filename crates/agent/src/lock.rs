//! `keepstep.lock`: what both sides last agreed on.
//!
//! A TOML file at the project's root that is committed to git. It names, for each scenario, the bundle version that was pulled
//! last with the digest of its content, and for each agent, the platform's revision and the digest of every field's value. The digests alone tell who changed; the text of the revision is only needed to merge,
//! and the platform serves it. The text form is stable (sorted, one line a fact), so that git merges it well, and keys
//! that this version does not know are kept.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::drift::Base;
use crate::field::Field;
use crate::merge::has_conflict_markers;
use keepstep_base::Digest;
use keepstep_base::id::{AgentId, PersonaVersion, Revision};

/// The name of the file.
pub const FILE_NAME: &str = "keepstep.lock";

/// The version of the format that this code writes.
const FORMAT: u64 = 1;

const HEADING: &str = "\
# What the code and the server last agreed on. Written by keepstep; commit it.
";

/// The lock file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lock {
    agents: BTreeMap<String, AgentEntry>,
    scenarios: BTreeMap<String, ScenarioEntry>,
    others: toml::Table,
}

/// Which test data a scenario's folder was pulled from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ScenarioEntry {
    /// The bundle version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
    /// The digest of its content, after `sha256:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    /// The project on the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The scenario on the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    #[serde(flatten)]
    others: toml::Table,
}

impl ScenarioEntry {
    /// Returns the digest of the bundle version's content.
    pub fn digest(&self) -> Option<Digest> {
        self.digest.as_deref()?.strip_prefix("sha256:")?.parse().ok()
    }

    /// Writes down which bundle version was pulled.
    pub fn agree(&mut self, bundle: &str, digest: Digest) {
        self.bundle = Some(bundle.to_owned());
        self.digest = Some(format!("sha256:{digest}"));
    }
}

/// What is agreed on about one agent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AgentEntry {
    /// The platform's revision of that agreement; `None` for a platform that has no revisions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// The version of the persona that was agreed on, where the platform tells it. The digest decides; this is for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persona_version: Option<PersonaVersion>,
    #[serde(flatten)]
    fields: toml::Table,
}

impl AgentEntry {
    /// Returns what was agreed on about a field.
    pub fn base(&self, field: Field) -> Base {
        match self.fields.get(field.key()).and_then(toml::Value::as_str) {
            // Of a field that most agents do without, the file says nothing where no side sets it.
            None if !field.is_always_named() => Base::Agreed(None),
            text => Base::of_text(text),
        }
    }

    /// Returns what was agreed on about the persona.
    pub fn persona(&self) -> Base {
        self.base(Field::PERSONA)
    }

    /// Writes down that both sides agree on a value with this digest; `None` for a field that is not set.
    pub fn agree(&mut self, field: Field, digest: Option<Digest>) {
        if digest.is_none() && !field.is_always_named() {
            self.fields.remove(field.key());
            return;
        }
        if let Some(text) = Base::Agreed(digest).to_text() {
            self.fields.insert(field.key().to_owned(), toml::Value::String(text));
        }
    }
}

/// Why a text is not a lock file that this version can use.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Git left its markers.
    #[error("keepstep.lock holds the markers of an unfinished git merge")]
    MergeMarkers,
    /// It is no TOML of our form.
    #[error("keepstep.lock cannot be read: {0}")]
    Malformed(String),
    /// A newer keepstep wrote it.
    #[error("keepstep.lock has format {found}, and this keepstep knows formats up to {FORMAT}")]
    Newer {
        /// The format that the file names.
        found: u64,
    },
}

impl Lock {
    /// Reads the text of a lock file.
    ///
    /// # Errors
    /// See [`LockError`].
    pub fn parse(text: &str) -> Result<Self, LockError> {
        if has_conflict_markers(text) {
            return Err(LockError::MergeMarkers);
        }
        let malformed = |error: toml::de::Error| LockError::Malformed(error.to_string().trim_end().to_owned());
        let mut table: toml::Table = text.parse().map_err(malformed)?;
        match table.remove("version") {
            Some(toml::Value::Integer(version)) if version == i64::try_from(FORMAT).unwrap_or(1) => {}
            Some(toml::Value::Integer(version)) if version > 0 => {
                return Err(LockError::Newer { found: version.unsigned_abs() });
            }
            _ => return Err(LockError::Malformed("its version is missing".to_owned())),
        }
        let agents = match table.remove("agent") {
            None => BTreeMap::new(),
            Some(agents) => agents.try_into().map_err(malformed)?,
        };
        let scenarios = match table.remove("scenario") {
            None => BTreeMap::new(),
            Some(scenarios) => scenarios.try_into().map_err(malformed)?,
        };
        Ok(Self { agents, scenarios, others: table })
    }

    /// Returns what is agreed on about an agent.
    pub fn agent(&self, id: &AgentId) -> Option<&AgentEntry> {
        self.agents.get(id.as_str())
    }

    /// Returns the entry of an agent to change, made when there is none.
    pub fn agent_mut(&mut self, id: &AgentId) -> &mut AgentEntry {
        self.agents.entry(id.as_str().to_owned()).or_default()
    }

    /// Returns the scenarios by the names of their folders.
    pub fn scenarios(&self) -> impl Iterator<Item = (&str, &ScenarioEntry)> {
        self.scenarios.iter().map(|(name, entry)| (name.as_str(), entry))
    }

    /// Returns the entry of a scenario to change, made when there is none.
    pub fn scenario_mut(&mut self, name: &str) -> &mut ScenarioEntry {
        self.scenarios.entry(name.to_owned()).or_default()
    }

    /// Returns the lock in which what a command wrote is again what it was before, and what other commands wrote since is kept.
    ///
    /// # Errors
    /// Returns the names of the entries that somebody else changed after the command.
    pub fn restored(&self, written: &Self, before: &Self) -> Result<Self, Vec<String>> {
        let mut changed = Vec::new();
        let agents = restored(&self.agents, &written.agents, &before.agents, "agent", &mut changed);
        let scenarios = restored(&self.scenarios, &written.scenarios, &before.scenarios, "scenario", &mut changed);
        if changed.is_empty() { Ok(Self { agents, scenarios, others: self.others.clone() }) } else { Err(changed) }
    }

    /// Returns the text of the file.
    pub fn to_text(&self) -> String {
        let mut table = toml::Table::new();
        table.insert("version".to_owned(), toml::Value::Integer(1));
        table.extend(self.others.clone());
        if !self.agents.is_empty() {
            let agents = self.agents.iter().map(|(id, entry)| {
                let mut fields = entry.fields.clone();
                if let Some(revision) = entry.revision {
                    fields.insert("revision".to_owned(), toml::Value::Integer(i64::try_from(revision.0).unwrap_or(i64::MAX)));
                }
                if let Some(version) = entry.persona_version {
                    fields.insert("persona_version".to_owned(), toml::Value::Integer(version.0.into()));
                }
                (id.clone(), toml::Value::Table(fields))
            });
            table.insert("agent".to_owned(), toml::Value::Table(agents.collect()));
        }
        if !self.scenarios.is_empty()
            && let Ok(scenarios) = toml::Value::try_from(&self.scenarios)
        {
            table.insert("scenario".to_owned(), scenarios);
        }
        format!("{HEADING}{table}")
    }
}

/// Returns the entries in which those that differ between `written` and `before` are the ones of `before`. Adds the names of
/// those that are neither to `changed`.
fn restored<E: Clone + PartialEq>(
    now: &BTreeMap<String, E>,
    written: &BTreeMap<String, E>,
    before: &BTreeMap<String, E>,
    kind: &str,
    changed: &mut Vec<String>,
) -> BTreeMap<String, E> {
    let mut restored = now.clone();
    let names: BTreeSet<&String> = written.keys().chain(before.keys()).collect();
    for name in names {
        let (now, written, before) = (now.get(name), written.get(name), before.get(name));
        if written == before || now == before {
            continue;
        }
        if now != written {
            changed.push(format!("{kind}.{name}"));
            continue;
        }
        match before {
            Some(entry) => drop(restored.insert(name.clone(), entry.clone())),
            None => drop(restored.remove(name)),
        }
    }
    restored
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn example() -> Lock {
        let mut lock = Lock::default();
        let entry = lock.agent_mut(&"base_1".parse().unwrap());
        entry.revision = Some(Revision(7));
        entry.persona_version = Some(PersonaVersion(3));
        entry.agree(Field::PERSONA, Some(Digest::of_bytes(b"p")));
        entry.agree(Field::MODEL, None);
        lock
    }

    #[test]
    fn the_text_form() {
        insta::assert_snapshot!(example().to_text(), @r#"
        # What the code and the server last agreed on. Written by keepstep; commit it.
        version = 1

        [agent.base_1]
        model = ""
        persona = "sha256:148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940"
        persona_version = 3
        revision = 7
        "#);
    }

    #[test]
    fn it_reads_back() {
        let lock = Lock::parse(&example().to_text()).unwrap();
        assert_eq!(lock.to_text(), example().to_text());
        let entry = lock.agent(&"base_1".parse().unwrap()).unwrap();
        assert_eq!((entry.revision, entry.persona_version), (Some(Revision(7)), Some(PersonaVersion(3))));
        assert_eq!(entry.base(Field::PERSONA), Base::Agreed(Some(Digest::of_bytes(b"p"))));
        assert_eq!(entry.base(Field::MODEL), Base::Agreed(None));
        assert_eq!(entry.base(Field::NAME), Base::None);
        assert_eq!(entry.base(Field::named("batching")), Base::Agreed(None), "most agents do without it");
    }

    #[test]
    fn what_a_newer_minor_version_added_is_kept() {
        let text = "version = 1\n\n[agent.a]\nfuture = 3\nrevision = 1\n\n[scenario.orders]\nbundle = \"x\"\n";
        let lock = Lock::parse(text).unwrap();
        let written = lock.to_text();
        assert!(written.contains("future = 3") && written.contains("[scenario.orders]"), "{written}");
    }

    #[test]
    fn a_scenario_has_the_bundle_that_was_pulled() {
        let mut lock = Lock::default();
        let entry = lock.scenario_mut("orders 2");
        entry.agree("bv_1", Digest::of_bytes(b"d"));
        entry.project = Some("p_1".to_owned());
        insta::assert_snapshot!(lock.to_text(), @r#"
        # What the code and the server last agreed on. Written by keepstep; commit it.
        version = 1

        [scenario."orders 2"]
        bundle = "bv_1"
        digest = "sha256:18ac3e7343f016890c510e93f935261169d9e3f565436429830faf0934f4f8e4"
        project = "p_1"
        "#);
        let mut read = Lock::parse(&lock.to_text()).unwrap();
        assert_eq!(read, lock);
        assert_eq!(read.scenario_mut("orders 2").digest(), Some(Digest::of_bytes(b"d")));
    }

    #[test]
    fn a_broken_one_is_never_taken_for_an_empty_one() {
        assert!(matches!(
            Lock::parse("<<<<<<< HEAD\nversion = 1\n=======\nversion = 1\n>>>>>>> b\n"),
            Err(LockError::MergeMarkers)
        ));
        assert!(matches!(Lock::parse("version = 9"), Err(LockError::Newer { found: 9 })));
        for text in
            ["", "version = 1\n[agent", "agent = 3\nversion = 1", "scenario = 3\nversion = 1", "version = -1", "[agent.a]\n"]
        {
            assert!(matches!(Lock::parse(text), Err(LockError::Malformed(_))), "{text}");
        }
    }

    /// Returns a lock with an agent for each letter, whose revision says who wrote it.
    fn of(entries: &BTreeMap<char, u64>) -> Lock {
        let mut lock = Lock::default();
        for (name, revision) in entries {
            lock.agent_mut(&format!("agent_{name}").parse().unwrap()).revision = Some(Revision(*revision));
        }
        lock
    }

    proptest! {
        #[test]
        fn what_was_written_is_restored_and_nothing_else(
            before in prop::collection::btree_map(prop::char::range('a', 'c'), 0u64..3, 0..4),
            written in prop::collection::btree_map(prop::char::range('a', 'c'), 0u64..3, 0..4),
            later in prop::collection::btree_map(prop::char::range('d', 'f'), 0u64..3, 0..4),
        ) {
            prop_assert_eq!(of(&written).restored(&of(&written), &of(&before)), Ok(of(&before)));
            // What another command added later stays.
            let with_later = |entries: &BTreeMap<char, u64>| of(&entries.iter().chain(&later).map(|(k, v)| (*k, *v)).collect());
            prop_assert_eq!(with_later(&written).restored(&of(&written), &of(&before)), Ok(with_later(&before)));
            // It is done once; the second time there is nothing to do.
            prop_assert_eq!(of(&before).restored(&of(&written), &of(&before)), Ok(of(&before)));
        }

        #[test]
        fn an_entry_that_changed_since_is_never_lost(before in 0u64..3, written in 0u64..3, now in 0u64..3) {
            let lock = |revision| of(&BTreeMap::from([('a', revision)]));
            let expected = if written == before || now == before {
                Ok(lock(now))
            } else if now == written {
                Ok(lock(before))
            } else {
                Err(vec!["agent.agent_a".to_owned()])
            };
            prop_assert_eq!(lock(now).restored(&lock(written), &lock(before)), expected);
        }

        #[test]
        fn any_id_reads_back(id in "[^\\s/\\\\\\p{Cc}]{1,20}", revision in 0u64..1_000_000) {
            let Ok(id) = id.parse::<AgentId>() else { return Ok(()) };
            let mut lock = Lock::default();
            lock.agent_mut(&id).revision = Some(Revision(revision));
            let read = Lock::parse(&lock.to_text()).unwrap();
            prop_assert_eq!(read.agent(&id).and_then(|entry| entry.revision), Some(Revision(revision)));
        }
    }
}
