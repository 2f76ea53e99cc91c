//! What people typed into the form of an agent and have not saved yet, and who has it open. A draft is nobody else's, and no version.

use std::future::Future;

use keepstep_agent::Definition;
use keepstep_base::{AgentId, PersonaVersion, Revision};

use crate::model::Scope;
use crate::sql::connection::Connection;
use crate::{Result, Store, Transaction, agents};

/// What somebody typed about an agent, and what they had before them when they began.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// The revision that the form was made from.
    pub base: Revision,
    /// The persona version that the text started from; none where there was none.
    pub from: Option<PersonaVersion>,
    /// The values as they stand in the form; what is missing is not set.
    pub typed: Definition,
    /// Why.
    pub message: Option<String>,
}

/// An edit that is kept for its author.
#[derive(Debug, Clone, PartialEq)]
pub struct EditDraft {
    /// Which agent.
    pub agent_id: AgentId,
    /// Names these words, so that whoever replaces them says that they know them.
    pub tag: String,
    /// The words.
    pub edit: Edit,
    /// When they were kept, in epoch milliseconds.
    pub changed_at: i64,
}

/// Somebody else who edits an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Editor {
    /// Their name.
    pub name: String,
    /// When their page was last there, or when they last typed, in epoch milliseconds.
    pub seen_at: i64,
    /// True where their page is there now.
    pub is_here: bool,
}

/// What a database keeps of drafts. Who may see an agent is not its business.
pub(crate) trait DraftRows {
    /// Returns what somebody typed about an agent.
    fn find_draft(&mut self, agent: &AgentId, user: &str) -> impl Future<Output = Result<Option<EditDraft>>> + Send;

    /// Returns of which agents of a scope somebody has a draft, and since when, the oldest first.
    fn drafts_of(&mut self, scope: &Scope, user: &str) -> impl Future<Output = Result<Vec<(AgentId, i64)>>> + Send;

    /// Keeps a draft in place of the one before.
    fn put_draft(&mut self, user: &str, draft: &EditDraft) -> impl Future<Output = Result<()>> + Send;

    /// Notes that somebody has the form of an agent open, and forgets who was seen before a time.
    fn put_presence(&mut self, agent: &AgentId, user: &str, now: i64, before: i64) -> impl Future<Output = Result<()>> + Send;

    /// Returns who besides somebody has the form of an agent open since a time, or has a draft since another one.
    fn editors_of(
        &mut self,
        agent: &AgentId,
        except: &str,
        seen_since: i64,
        typed_since: i64,
    ) -> impl Future<Output = Result<Vec<Editor>>> + Send;

    /// Removes the draft with a tag, or whichever there is.
    fn delete_draft(&mut self, agent: &AgentId, user: &str, tag: Option<&str>) -> impl Future<Output = Result<()>> + Send;
}

impl Store {
    /// Returns what somebody typed about an agent and has not saved.
    ///
    /// # Errors
    /// There is no such agent in the scope, or the database failed.
    pub async fn edit_draft(&self, scope: &Scope, agent: &AgentId, user: &str) -> Result<Option<EditDraft>> {
        find(&mut *self.reader().await?, scope, agent, user).await
    }

    /// Returns of which agents of a scope somebody has a draft, and since when, the oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn edit_drafts(&self, scope: &Scope, user: &str) -> Result<Vec<(AgentId, i64)>> {
        self.reader().await?.drafts_of(scope, user).await
    }

    /// Returns who besides somebody has the form of an agent open since a time, or has a draft since another one; who is there first.
    ///
    /// # Errors
    /// There is no such agent in the scope, or the database failed.
    pub async fn editors(
        &self,
        scope: &Scope,
        agent: &AgentId,
        except: &str,
        seen_since: i64,
        typed_since: i64,
    ) -> Result<Vec<Editor>> {
        let mut reader = self.reader().await?;
        agents::require(&mut reader, scope, agent).await?;
        reader.editors_of(agent, except, seen_since, typed_since).await
    }
}

impl Transaction {
    /// Notes that somebody has the form of an agent open, and forgets who was seen before a time.
    ///
    /// # Errors
    /// There is no such agent in the scope, or the database failed.
    pub async fn note_editor(&mut self, scope: &Scope, agent: &AgentId, user: &str, forgotten: i64) -> Result<()> {
        agents::require(self.connection(), scope, agent).await?;
        let now = self.now;
        self.connection().put_presence(agent, user, now, forgotten).await
    }

    /// Keeps what somebody typed, in place of the draft that `replaces` names, or of none. Returns the draft that is there then: another
    /// one where somebody replaced it since, which stays.
    ///
    /// # Errors
    /// There is no such agent in the scope, or the database failed.
    pub async fn keep_edit_draft(
        &mut self,
        scope: &Scope,
        agent: &AgentId,
        user: &str,
        edit: &Edit,
        replaces: Option<&str>,
    ) -> Result<EditDraft> {
        if let Some(before) = find(self.connection(), scope, agent, user).await?
            && (before.edit == *edit || replaces != Some(before.tag.as_str()))
        {
            return Ok(before);
        }
        let tag = data_encoding::HEXLOWER.encode(&self.surroundings.random::<8>()?);
        let draft = EditDraft { agent_id: agent.clone(), tag, edit: edit.clone(), changed_at: self.now };
        self.connection().put_draft(user, &draft).await?;
        Ok(draft)
    }

    /// Removes what somebody typed about an agent: the draft with that tag and no other one, or whichever there is.
    ///
    /// # Errors
    /// The database failed.
    pub async fn remove_edit_draft(&mut self, agent: &AgentId, user: &str, tag: Option<&str>) -> Result<()> {
        self.connection().delete_draft(agent, user, tag).await
    }
}

async fn find(connection: &mut Connection, scope: &Scope, agent: &AgentId, user: &str) -> Result<Option<EditDraft>> {
    agents::require(connection, scope, agent).await?;
    connection.find_draft(agent, user).await
}
