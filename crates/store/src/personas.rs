//! Reading persona versions.

use std::future::Future;

use keepstep_base::{AgentId, Digest, PersonaVersion};
use serde_json::Value;

use crate::changes::NewPersona;
use crate::model::{Agent, NewerDraft, Persona, PersonaStatus, PersonaSummary, Scope};
use crate::sql::connection::Connection;
use crate::{Result, Store, StoreError, Transaction, agents};

/// Which persona versions to read, newest first.
#[derive(Debug, Clone, Copy)]
pub struct PersonaFilter {
    /// Only those of a status.
    pub status: Option<PersonaStatus>,
    /// Only those that are older than this one.
    pub before: Option<PersonaVersion>,
    /// How many at most.
    pub limit: u32,
}

/// What a database keeps of persona versions. Which of them is in production, an agent says.
pub(crate) trait PersonaRows {
    /// Returns versions without their texts, newest first.
    fn list_summaries(
        &mut self,
        agent: &Agent,
        filter: PersonaFilter,
    ) -> impl Future<Output = Result<Vec<PersonaSummary>>> + Send;

    /// Returns versions with their texts, newest first.
    fn list_personas(&mut self, agent: &Agent, filter: PersonaFilter) -> impl Future<Output = Result<Vec<Persona>>> + Send;

    /// Returns a version.
    fn find_persona(&mut self, agent: &Agent, version: PersonaVersion) -> impl Future<Output = Result<Option<Persona>>> + Send;

    /// Returns the status of a version.
    fn status_of(
        &mut self,
        agent: &AgentId,
        version: PersonaVersion,
    ) -> impl Future<Output = Result<Option<PersonaStatus>>> + Send;

    /// Returns the text of a version, which must be there.
    fn text_of(&mut self, agent: &AgentId, version: PersonaVersion) -> impl Future<Output = Result<Value>> + Send;

    /// Returns the newest version that was never deployed.
    fn newest_draft(&mut self, agent: &AgentId) -> impl Future<Output = Result<Option<PersonaVersion>>> + Send;

    /// Returns the newest draft of each agent of a scope, where it is newer than what is published.
    fn newer_drafts_of(&mut self, scope: &Scope) -> impl Future<Output = Result<Vec<NewerDraft>>> + Send;

    /// Returns the newest version that says what has a digest, for each pair of an agent of a scope and a digest.
    fn versions_saying(
        &mut self,
        scope: &Scope,
        wanted: &[(AgentId, Digest)],
    ) -> impl Future<Output = Result<Vec<(AgentId, Digest, PersonaVersion)>>> + Send;

    /// Returns how many bytes the texts of versions take, without reading them.
    fn sizes_of(
        &mut self,
        scope: &Scope,
        wanted: &[(AgentId, PersonaVersion)],
    ) -> impl Future<Output = Result<Vec<(AgentId, PersonaVersion, u64)>>> + Send;

    /// Returns the texts of versions of several agents of a scope.
    fn texts_of(
        &mut self,
        scope: &Scope,
        wanted: &[(AgentId, PersonaVersion)],
    ) -> impl Future<Output = Result<Vec<(AgentId, PersonaVersion, Value)>>> + Send;

    /// Adds a version.
    fn insert_version(
        &mut self,
        agent: &AgentId,
        new: &NewPersona<'_>,
        author: Option<&str>,
        message: Option<&str>,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Makes a draft a published version.
    fn publish_version(&mut self, agent: &AgentId, version: PersonaVersion) -> impl Future<Output = Result<()>> + Send;
}

impl Store {
    /// Returns persona versions without their texts, newest first.
    ///
    /// # Errors
    /// There is no such agent in the scope, or the database failed.
    pub async fn persona_summaries(&self, scope: &Scope, id: &AgentId, filter: PersonaFilter) -> Result<Vec<PersonaSummary>> {
        let mut reader = self.reader().await?;
        let agent = agents::read_agent(&mut reader, scope, id).await?;
        reader.list_summaries(&agent, filter).await
    }

    /// Returns persona versions with their texts, newest first. `agent` tells which of them is the current one, so that
    /// several pages agree about it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn personas(&self, agent: &Agent, filter: PersonaFilter) -> Result<Vec<Persona>> {
        self.reader().await?.list_personas(agent, filter).await
    }

    /// Returns the newest draft of each agent of a scope, where it is newer than what is published.
    ///
    /// # Errors
    /// The database failed.
    pub async fn newer_drafts(&self, scope: &Scope) -> Result<Vec<NewerDraft>> {
        self.reader().await?.newer_drafts_of(scope).await
    }

    /// Returns the newest version that says what has a digest, for each pair of an agent and a digest; nothing for an agent that is not in the
    /// scope, and for what no version of it says.
    ///
    /// # Errors
    /// The database failed.
    pub async fn versions_saying(
        &self,
        scope: &Scope,
        wanted: &[(AgentId, Digest)],
    ) -> Result<Vec<(AgentId, Digest, PersonaVersion)>> {
        self.reader().await?.versions_saying(scope, wanted).await
    }

    /// Returns how many bytes the texts of versions take, without reading them; nothing for those that are not in the scope.
    ///
    /// # Errors
    /// The database failed.
    pub async fn persona_sizes(
        &self,
        scope: &Scope,
        wanted: &[(AgentId, PersonaVersion)],
    ) -> Result<Vec<(AgentId, PersonaVersion, u64)>> {
        self.reader().await?.sizes_of(scope, wanted).await
    }

    /// Returns the texts of versions of several agents at once; nothing for those that are not in the scope.
    ///
    /// # Errors
    /// The database failed.
    pub async fn persona_texts(
        &self,
        scope: &Scope,
        wanted: &[(AgentId, PersonaVersion)],
    ) -> Result<Vec<(AgentId, PersonaVersion, Value)>> {
        self.reader().await?.texts_of(scope, wanted).await
    }

    /// Returns a persona version.
    ///
    /// # Errors
    /// There is no such agent in the scope, no such version, or the database failed.
    pub async fn persona(&self, scope: &Scope, id: &AgentId, version: PersonaVersion) -> Result<Persona> {
        read_persona(&mut *self.reader().await?, scope, id, version).await
    }
}

impl Transaction {
    /// Returns a persona version as this transaction sees it.
    ///
    /// # Errors
    /// There is no such agent in the scope, no such version, or the database failed.
    pub async fn persona(&mut self, scope: &Scope, id: &AgentId, version: PersonaVersion) -> Result<Persona> {
        read_persona(self.connection(), scope, id, version).await
    }
}

async fn read_persona(connection: &mut Connection, scope: &Scope, id: &AgentId, version: PersonaVersion) -> Result<Persona> {
    let agent = agents::read_agent(connection, scope, id).await?;
    let found = connection.find_persona(&agent, version).await?;
    found.ok_or_else(|| StoreError::VersionNotFound { agent: id.clone(), version })
}
