//! The changes of agents as a database keeps them.

use std::future::Future;

use keepstep_base::AgentId;
use keepstep_base::PersonaVersion;
use keepstep_base::Revision;

use super::draft::{NewRevision, NewestPersona};
use crate::Result;
use crate::model::{Agent, Change, ChangeRow, RevisionRow};

/// What a database keeps of the changes of agents.
pub(crate) trait ChangeRows {
    /// Returns the persona version of an agent that was made last.
    fn newest_persona(&mut self, agent: &AgentId) -> impl Future<Output = Result<NewestPersona>> + Send;

    /// Writes everything that can change about an agent.
    fn update_agent(&mut self, agent: &Agent, newest_version: u32) -> impl Future<Output = Result<()>> + Send;

    /// Adds what an agent is at a revision.
    fn insert_revision(&mut self, agent: &AgentId, new: &NewRevision<'_>) -> impl Future<Output = Result<()>> + Send;

    /// Returns an agent as it was at a revision.
    fn find_revision(&mut self, agent: &AgentId, revision: Revision) -> impl Future<Output = Result<Option<RevisionRow>>> + Send;

    /// Returns the change since which a version is in production.
    fn deployed_since(&mut self, agent: &AgentId, current: PersonaVersion)
    -> impl Future<Output = Result<Option<Change>>> + Send;

    /// Returns up to `limit` changes of any agent after a sequence number, oldest first.
    fn list_changes(&mut self, sequence: i64, limit: u32) -> impl Future<Output = Result<Vec<ChangeRow>>> + Send;

    /// Returns the sequence number of the newest change, 0 if there is none.
    fn newest_sequence(&mut self) -> impl Future<Output = Result<i64>> + Send;
}
