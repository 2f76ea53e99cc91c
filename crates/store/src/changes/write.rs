//! Carrying a change out.

use keepstep_base::PersonaVersion;

use super::draft::{Draft, Finished, NewRevision};
use super::model::{Changed, Intent, Patch, PersonaChange};
use super::rows::ChangeRows as _;
use crate::agents;
use crate::model::PersonaStatus;
use crate::personas::PersonaRows as _;
use crate::{Result, StoreError, Transaction};

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
        draft.set_fields(patch);
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
        let status = self.connection().status_of(intent.agent, version).await?;
        let status = status.ok_or_else(|| StoreError::VersionNotFound { agent: intent.agent.clone(), version })?;
        if status == PersonaStatus::Draft {
            self.connection().publish_version(intent.agent, version).await?;
            draft.set_newest_draft(self.connection().newest_draft(intent.agent).await?);
        }
        draft.deploy(version);
        self.finish_change(intent, draft, Some(version)).await
    }

    async fn begin_change(&mut self, intent: &Intent<'_>) -> Result<Draft> {
        let agent = agents::read_agent(self.connection(), intent.scope, intent.agent).await?;
        let newest = self.connection().newest_persona(intent.agent).await?;
        Draft::begin(agent, newest, intent.expected)
    }

    async fn change_persona(&mut self, intent: &Intent<'_>, draft: &mut Draft, change: &PersonaChange) -> Result<PersonaVersion> {
        if let Some(version) = draft.compared(change.status)
            && self.connection().text_of(intent.agent, version).await? == change.persona
        {
            draft.keep_persona(version, change.status);
            return Ok(version);
        }
        let new = draft.add_persona(change, self.now);
        self.connection().insert_version(intent.agent, &new, intent.author, intent.message).await?;
        tracing::debug!(agent = %intent.agent, version = %new.version, at = new.created_at, "persona version created");
        Ok(new.version)
    }

    async fn finish_change(&mut self, intent: &Intent<'_>, draft: Draft, persona: Option<PersonaVersion>) -> Result<Changed> {
        let Finished { agent, newest_version, changed_fields } = match draft.finish() {
            Ok(finished) => finished,
            Err(revision) => return Ok(Changed { revision, is_new: false, persona }),
        };
        let new = NewRevision {
            revision: agent.revision,
            author: intent.author,
            message: intent.message,
            at: self.now,
            published: agent.published,
            current: agent.current,
            fields: &agent.fields,
            changed: Some(&changed_fields),
        };
        self.connection().update_agent(&agent, newest_version).await?;
        self.connection().insert_revision(intent.agent, &new).await?;
        Ok(Changed { revision: agent.revision, is_new: true, persona })
    }
}
