//! The rules of changing an agent. No database is asked here: what a rule needs to know is an argument.

use std::collections::BTreeSet;

use keepstep_agent::canonical::persona_digest;
use keepstep_base::Digest;
use keepstep_base::PersonaVersion;
use keepstep_base::Revision;
use serde_json::{Map, Value};

use super::model::{Patch, PersonaChange};
use crate::model::{Agent, PersonaStatus};
use crate::{Result, StoreError};

/// The persona version of an agent that was made last; number 0 if there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct NewestPersona {
    pub(crate) version: u32,
    pub(crate) created_at: Option<i64>,
}

/// A persona version to keep.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NewPersona<'a> {
    pub(crate) version: PersonaVersion,
    pub(crate) status: PersonaStatus,
    pub(crate) digest: Option<Digest>,
    pub(crate) created_at: i64,
    pub(crate) persona: &'a Value,
}

/// A revision to keep: what the agent is from now on, and who made it so.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NewRevision<'a> {
    pub(crate) revision: Revision,
    pub(crate) author: Option<&'a str>,
    pub(crate) message: Option<&'a str>,
    pub(crate) at: i64,
    pub(crate) published: Option<PersonaVersion>,
    pub(crate) current: Option<PersonaVersion>,
    /// All fields but the persona.
    pub(crate) fields: &'a Map<String, Value>,
    /// The keys of those that are new; `None` where all are.
    pub(crate) changed: Option<&'a BTreeSet<String>>,
}

impl<'a> NewRevision<'a> {
    /// Returns the first revision of an agent.
    pub(crate) fn first(fields: &'a Map<String, Value>, author: Option<&'a str>, at: i64) -> Self {
        Self { revision: Revision(1), author, message: None, at, published: None, current: None, fields, changed: None }
    }
}

/// An agent while it is being changed.
#[derive(Debug)]
pub(crate) struct Draft {
    agent: Agent,
    newest: NewestPersona,
    is_changed: bool,
    changed_fields: BTreeSet<String>,
}

/// What a finished change leaves to keep.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The agent, at its next revision.
    pub(crate) agent: Agent,
    pub(crate) newest_version: u32,
    pub(crate) changed_fields: BTreeSet<String>,
}

impl Draft {
    /// Begins to change an agent on the condition that it is at a revision.
    ///
    /// # Errors
    /// It is at another one.
    pub(crate) fn begin(agent: Agent, newest: NewestPersona, expected: Option<Revision>) -> Result<Self> {
        match expected {
            Some(expected) if expected != agent.revision => Err(StoreError::Stale { current: agent.revision }),
            _ => Ok(Self { agent, newest, is_changed: false, changed_fields: BTreeSet::new() }),
        }
    }

    /// Sets every field but the persona. Values that are so already are no change.
    pub(crate) fn set_fields(&mut self, patch: &Patch) {
        for (key, value) in &patch.fields {
            let is_same = match value {
                Value::Null => self.agent.fields.shift_remove(key).is_none(),
                value => self.agent.fields.insert(key.clone(), value.clone()).as_ref() == Some(value),
            };
            if !is_same {
                self.changed_fields.insert(key.clone());
                self.is_changed = true;
            }
        }
    }

    /// Returns the version that may hold the text of a new persona already: the latest published one, or for a draft the newest.
    pub(crate) fn compared(&self, status: PersonaStatus) -> Option<PersonaVersion> {
        match status {
            PersonaStatus::Published => self.agent.published,
            PersonaStatus::Draft => self.agent.draft.max(self.agent.published),
        }
    }

    /// Takes a version that holds the text already: publishing it brings it into production, where it is not there.
    pub(crate) fn keep_persona(&mut self, version: PersonaVersion, status: PersonaStatus) {
        if status == PersonaStatus::Published && self.agent.current != Some(version) {
            self.agent.current = Some(version);
            self.is_changed = true;
        }
    }

    /// Makes the next persona version.
    pub(crate) fn add_persona<'a>(&mut self, change: &'a PersonaChange, now: i64) -> NewPersona<'a> {
        let version = PersonaVersion(self.newest.version + 1);
        // The lua dialect sorts versions by their times, so a clock that was set back must not reorder them.
        let created_at = self.newest.created_at.map_or(now, |before| now.max(before + 1));
        self.newest = NewestPersona { version: version.0, created_at: Some(created_at) };
        self.is_changed = true;
        match change.status {
            PersonaStatus::Draft => self.agent.draft = Some(version),
            PersonaStatus::Published => {
                self.agent.published = Some(version);
                self.agent.current = Some(version);
            }
        }
        let digest = persona_digest(Some(&change.persona));
        NewPersona { version, status: change.status, digest, created_at, persona: &change.persona }
    }

    /// Notes which draft is the newest, after one was published.
    pub(crate) fn set_newest_draft(&mut self, draft: Option<PersonaVersion>) {
        self.agent.draft = draft;
    }

    /// Brings a published version into production.
    pub(crate) fn deploy(&mut self, version: PersonaVersion) {
        self.is_changed |= self.agent.current != Some(version);
        self.agent.current = Some(version);
        // Deploying an older version is a roll-back: what code is compared with stays the latest that was published.
        self.agent.published = self.agent.published.max(Some(version));
    }

    /// Returns the agent at its next revision; or the revision that it has, if nothing changed.
    pub(crate) fn finish(mut self) -> Result<Finished, Revision> {
        if !self.is_changed {
            return Err(self.agent.revision);
        }
        self.agent.revision = Revision(self.agent.revision.0 + 1);
        Ok(Finished { agent: self.agent, newest_version: self.newest.version, changed_fields: self.changed_fields })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::Change;

    fn agent() -> Agent {
        Agent {
            id: "base1_agent".parse().unwrap(),
            org_id: "org_1".to_owned(),
            project_id: None,
            revision: Revision(1),
            fields: Map::new(),
            published: None,
            current: None,
            draft: None,
            changed: Change::default(),
        }
    }

    /// What is done to an agent, each in a change of its own.
    #[derive(Debug, Clone)]
    enum Step {
        Publish(PersonaStatus, i64),
        Deploy(usize),
        Rename(u8),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let status = prop_oneof![Just(PersonaStatus::Draft), Just(PersonaStatus::Published)];
        let step = prop_oneof![
            (status, -5_i64..5).prop_map(|(status, now)| Step::Publish(status, now)),
            (0_usize..4).prop_map(Step::Deploy),
            (0_u8..2).prop_map(Step::Rename),
        ];
        prop::collection::vec(step, 0..20)
    }

    proptest! {
        /// Whatever is done in whatever order: numbers and times of versions only grow, a revision is new exactly where something
        /// changed, and what is in production was published and is not newer than what code is compared with.
        #[test]
        fn any_order_of_changes_keeps_the_rules(steps in steps()) {
            let (mut agent, mut newest) = (agent(), NewestPersona::default());
            for step in steps {
                let before = agent.clone();
                let mut draft = Draft::begin(agent, newest, Some(before.revision)).unwrap();
                match step {
                    Step::Publish(status, now) => {
                        let change = PersonaChange { persona: json!(now), status };
                        let new = draft.add_persona(&change, now);
                        prop_assert_eq!(new.version.0, newest.version + 1);
                        prop_assert!(newest.created_at.is_none_or(|time| time < new.created_at));
                        newest = NewestPersona { version: new.version.0, created_at: Some(new.created_at) };
                    }
                    Step::Deploy(version) => {
                        let version = PersonaVersion(u32::try_from(version).unwrap());
                        if version.0 == 0 || version.0 > newest.version {
                            agent = before;
                            continue;
                        }
                        if before.draft == Some(version) {
                            draft.set_newest_draft(None);
                        }
                        draft.deploy(version);
                    }
                    Step::Rename(name) => {
                        let fields = Map::from_iter([("name".to_owned(), json!(name.to_string()))]);
                        draft.set_fields(&Patch { fields, ..Patch::default() });
                    }
                }
                agent = match draft.finish() {
                    Ok(Finished { agent, newest_version, .. }) => {
                        prop_assert_eq!(agent.revision.0, before.revision.0 + 1);
                        prop_assert_eq!(newest_version, newest.version);
                        agent
                    }
                    Err(revision) => {
                        prop_assert_eq!(revision, before.revision);
                        before
                    }
                };
                prop_assert!(agent.current <= agent.published);
            }
        }
    }

    #[test]
    fn a_stale_change_does_not_begin() {
        let error = Draft::begin(agent(), NewestPersona::default(), Some(Revision(2))).unwrap_err();
        assert!(matches!(error, StoreError::Stale { current: Revision(1) }), "{error}");
    }
}
