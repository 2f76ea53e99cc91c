//! Changing an agent: each change makes its next revision, with a row that tells what the agent is then.

use keepstep_agent::Field;
use keepstep_agent::canonical::digest;
use keepstep_base::AgentId;
use keepstep_base::PersonaVersion;
use keepstep_base::Revision;
use serde_json::{Map, Value};
use sqlx::Row as _;

use crate::model::{Agent, PersonaStatus, Scope};
use crate::{Result, StoreError, Transaction, agents, rows};

/// Who wants to change which agent, why, and on which condition.
#[derive(Debug, Clone)]
pub struct Intent<'a> {
    /// What the author may see.
    pub scope: &'a Scope,
    /// The agent.
    pub agent: &'a AgentId,
    /// The name of the person or key.
    pub author: Option<&'a str>,
    /// Why.
    pub message: Option<&'a str>,
    /// The revision that the author looked at; `None` accepts any.
    pub expected: Option<Revision>,
}

/// New values for some of an agent's fields. A field that is `None` stays as it is; `Some(None)` clears it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patch {
    /// The name. There is no clearing it.
    pub name: Option<String>,
    /// The persona.
    pub persona: Option<PersonaChange>,
    /// The model.
    pub model: Option<Option<Value>>,
    /// The governance settings.
    pub governance: Option<Option<Value>>,
    /// Any other fields; a null clears one.
    pub others: Map<String, Value>,
}

/// A new persona.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonaChange {
    /// A string, or an object with a string for each channel.
    pub persona: Value,
    /// Whether it is only stored, or also goes to production.
    pub status: PersonaStatus,
}

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// The revision that the agent has now.
    pub revision: Revision,
    /// False if everything was so already.
    pub is_new: bool,
    /// The persona version that holds the text of the change, where the change has one: a new version, or the one that
    /// held the same text already.
    pub persona: Option<PersonaVersion>,
}

/// An agent's row while it is being changed.
struct Draft {
    agent: Agent,
    newest_version: u32,
    is_changed: bool,
    fields_are_changed: bool,
}

impl Transaction {
    /// Changes any fields of an agent, as a whole. Values that are so already are no change.
    ///
    /// A published persona is the current one at once. A text that the latest published version (or, for a draft, the
    /// newest version) holds already makes no new version.
    ///
    /// # Errors
    /// There is no such agent in the scope, it is at another revision than expected, or the database failed.
    pub async fn change(&mut self, intent: &Intent<'_>, patch: &Patch) -> Result<Changed> {
        let mut draft = self.begin_change(intent).await?;
        if let Some(name) = &patch.name
            && draft.agent.name.as_ref() != Some(name)
        {
            draft.agent.name = Some(name.clone());
            draft.is_changed = true;
        }
        for (new, field) in [(&patch.model, &mut draft.agent.model), (&patch.governance, &mut draft.agent.governance)] {
            if let Some(new) = new
                && new != field
            {
                field.clone_from(new);
                draft.is_changed = true;
            }
        }
        for (key, value) in &patch.others {
            let is_same = match value {
                Value::Null => draft.agent.others.shift_remove(key).is_none(),
                value => draft.agent.others.insert(key.clone(), value.clone()).as_ref() == Some(value),
            };
            draft.is_changed |= !is_same;
            draft.fields_are_changed |= !is_same;
        }
        let persona = match &patch.persona {
            Some(change) => Some(self.change_persona(intent, &mut draft, change).await?),
            None => None,
        };
        self.finish_change(intent, draft, persona).await
    }

    /// Makes a persona version the current one; a draft becomes published. The current one stays what it is.
    ///
    /// # Errors
    /// There is no such agent in the scope, no such version, the agent is at another revision than expected, or the
    /// database failed.
    pub async fn deploy(&mut self, intent: &Intent<'_>, version: PersonaVersion) -> Result<Changed> {
        let mut draft = self.begin_change(intent).await?;
        let row = sqlx::query("SELECT status FROM persona_versions WHERE agent_id = ? AND version = ?")
            .bind(intent.agent.as_str())
            .bind(version.0)
            .fetch_optional(self.connection())
            .await?
            .ok_or_else(|| StoreError::VersionNotFound { agent: intent.agent.clone(), version })?;
        if rows::status(&row, "status", intent.agent.as_str())? == PersonaStatus::Draft {
            sqlx::query("UPDATE persona_versions SET status = 'published' WHERE agent_id = ? AND version = ?")
                .bind(intent.agent.as_str())
                .bind(version.0)
                .execute(self.connection())
                .await?;
            let newest: Option<u32> =
                sqlx::query_scalar("SELECT max(version) FROM persona_versions WHERE agent_id = ? AND status = 'draft'")
                    .bind(intent.agent.as_str())
                    .fetch_one(self.connection())
                    .await?;
            draft.agent.draft = newest.map(PersonaVersion);
        }
        draft.is_changed |= draft.agent.current != Some(version);
        draft.agent.current = Some(version);
        // Deploying an older version is a roll-back: what code is compared with stays the latest that was published.
        draft.agent.published = draft.agent.published.max(Some(version));
        self.finish_change(intent, draft, Some(version)).await
    }

    async fn begin_change(&mut self, intent: &Intent<'_>) -> Result<Draft> {
        let agent = agents::read_agent(self.connection(), intent.scope, intent.agent).await?;
        if let Some(expected) = intent.expected
            && expected != agent.revision
        {
            return Err(StoreError::Stale { current: agent.revision });
        }
        let newest_version = sqlx::query_scalar("SELECT newest_version FROM agents WHERE id = ?")
            .bind(intent.agent.as_str())
            .fetch_one(self.connection())
            .await?;
        Ok(Draft { agent, newest_version, is_changed: false, fields_are_changed: false })
    }

    async fn change_persona(&mut self, intent: &Intent<'_>, draft: &mut Draft, change: &PersonaChange) -> Result<PersonaVersion> {
        let compared = match change.status {
            PersonaStatus::Published => draft.agent.published,
            PersonaStatus::Draft => draft.agent.draft.max(draft.agent.published),
        };
        if let Some(version) = compared
            && self.persona_text(intent.agent, version).await? == change.persona
        {
            if change.status == PersonaStatus::Published && draft.agent.current != Some(version) {
                draft.agent.current = Some(version);
                draft.is_changed = true;
            }
            return Ok(version);
        }

        let version = PersonaVersion(draft.newest_version + 1);
        // The lua dialect sorts versions by their times, so a clock that was set back must not reorder them.
        let at: i64 = sqlx::query_scalar(
            "INSERT INTO persona_versions (agent_id, version, status, digest, author, message, created_at, persona)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6,
                     max(?7, 1 + coalesce((SELECT created_at FROM persona_versions WHERE agent_id = ?1 AND version = ?2 - 1),
                                          ?7 - 1)),
                     ?8)
             RETURNING created_at",
        )
        .bind(intent.agent.as_str())
        .bind(version.0)
        .bind(change.status.label())
        .bind(digest(Field::Persona, Some(&change.persona)).map(|digest| digest.to_string()))
        .bind(intent.author)
        .bind(intent.message)
        .bind(self.now)
        .bind(change.persona.to_string())
        .fetch_one(self.connection())
        .await?;
        tracing::debug!(agent = %intent.agent, %version, at, "persona version made");

        draft.newest_version = version.0;
        draft.is_changed = true;
        match change.status {
            PersonaStatus::Draft => draft.agent.draft = Some(version),
            PersonaStatus::Published => {
                draft.agent.published = Some(version);
                draft.agent.current = Some(version);
            }
        }
        Ok(version)
    }

    async fn persona_text(&mut self, agent: &AgentId, version: PersonaVersion) -> Result<Value> {
        let row = sqlx::query("SELECT persona FROM persona_versions WHERE agent_id = ? AND version = ?")
            .bind(agent.as_str())
            .bind(version.0)
            .fetch_one(self.connection())
            .await?;
        let text: &str = row.try_get("persona")?;
        serde_json::from_str(text).map_err(|_| rows::damaged("persona", agent.as_str()))
    }

    async fn finish_change(&mut self, intent: &Intent<'_>, draft: Draft, persona: Option<PersonaVersion>) -> Result<Changed> {
        let Draft { agent, newest_version, is_changed, fields_are_changed } = draft;
        if !is_changed {
            return Ok(Changed { revision: agent.revision, is_new: false, persona });
        }
        let revision = Revision(agent.revision.0 + 1);
        let model = agent.model.map(|model| model.to_string());
        let governance = agent.governance.map(|governance| governance.to_string());
        let fields = Value::Object(agent.others).to_string();
        let published = agent.published.map(|version| version.0);
        let current = agent.current.map(|version| version.0);
        sqlx::query(
            "UPDATE agents SET revision = ?, newest_version = ?, published_version = ?, current_version = ?,
                               draft_version = ?, name = ?, model = ?, governance = ?, fields = ? WHERE id = ?",
        )
        .bind(agents::number(revision))
        .bind(newest_version)
        .bind(published)
        .bind(current)
        .bind(agent.draft.map(|version| version.0))
        .bind(&agent.name)
        .bind(&model)
        .bind(&governance)
        .bind(&fields)
        .bind(intent.agent.as_str())
        .execute(self.connection())
        .await?;
        let now = self.now;
        sqlx::query(
            "INSERT INTO agent_revisions
                 (agent_id, revision, author, message, at, published_version, current_version, name, model, governance, fields)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(intent.agent.as_str())
        .bind(agents::number(revision))
        .bind(intent.author)
        .bind(intent.message)
        .bind(now)
        .bind(published)
        .bind(current)
        .bind(&agent.name)
        .bind(&model)
        .bind(&governance)
        .bind(fields_are_changed.then_some(&fields))
        .execute(self.connection())
        .await?;
        Ok(Changed { revision, is_new: true, persona })
    }
}
