//! Agents: making, listing and reading them.

use std::future::Future;

use keepstep_agent::Field;
use keepstep_base::AgentId;
use keepstep_base::Revision;
use serde_json::{Map, Value};

use crate::changes::{ChangeRows as _, NewRevision};
use crate::model::{Agent, AgentState, ChangeRow, RevisionRow, Scope};
use crate::sql::connection::Connection;
use crate::{Result, Store, StoreError, Transaction, rows};

/// An agent to make.
#[derive(Debug, Clone)]
pub struct NewAgent<'a> {
    /// Who owns it. A scope with a project puts it into the project.
    pub scope: &'a Scope,
    /// Its name.
    pub name: &'a str,
    /// Who makes it.
    pub author: Option<&'a str>,
}

/// What a database keeps of agents. Who may see an agent is not its business.
pub(crate) trait AgentRows {
    /// Returns the agents of a scope in the order of their names.
    fn agents_of(&mut self, scope: &Scope) -> impl Future<Output = Result<Vec<Agent>>> + Send;

    /// Returns true if there is an agent in the scope whose id begins with that and a `_`.
    fn is_base_of_any(&mut self, scope: &Scope, base: &str) -> impl Future<Output = Result<bool>> + Send;

    /// Returns the organization and the project of an agent.
    fn owner_of(&mut self, id: &AgentId) -> impl Future<Output = Result<Option<Scope>>> + Send;

    /// Returns an agent.
    fn find_agent(&mut self, id: &AgentId) -> impl Future<Output = Result<Option<Agent>>> + Send;

    /// Returns everything that a comparison needs to know about an agent.
    fn find_state(&mut self, id: &AgentId) -> impl Future<Output = Result<Option<AgentState>>> + Send;

    /// Adds an agent at revision 1.
    fn insert_agent(&mut self, id: &AgentId, new: &NewAgent<'_>, at: i64) -> impl Future<Output = Result<()>> + Send;
}

impl Store {
    /// Returns the agents of a scope in the order of their names.
    ///
    /// # Errors
    /// The database failed.
    pub async fn agents(&self, scope: &Scope) -> Result<Vec<Agent>> {
        self.reader().await?.agents_of(scope).await
    }

    /// Returns an agent.
    ///
    /// # Errors
    /// There is no such agent in the scope, or the database failed.
    pub async fn agent(&self, scope: &Scope, id: &AgentId) -> Result<Agent> {
        read_agent(&mut *self.reader().await?, scope, id).await
    }

    /// Returns true if there is an agent in the scope whose id begins with that and a `_`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn has_agent_of_base(&self, scope: &Scope, base: &str) -> Result<bool> {
        self.reader().await?.is_base_of_any(scope, base).await
    }

    /// Returns everything that a comparison needs to know about an agent.
    ///
    /// # Errors
    /// There is no such agent in the scope, or the database failed.
    pub async fn agent_state(&self, scope: &Scope, id: &AgentId) -> Result<AgentState> {
        read_state(&mut *self.reader().await?, scope, id).await
    }

    /// Returns an agent as it was at a revision.
    ///
    /// # Errors
    /// There is no such agent in the scope, no such revision, or the database failed.
    pub async fn revision(&self, scope: &Scope, id: &AgentId, revision: Revision) -> Result<RevisionRow> {
        let mut reader = self.reader().await?;
        require(&mut reader, scope, id).await?;
        let found = reader.find_revision(id, revision).await?;
        found.ok_or_else(|| StoreError::RevisionNotFound { agent: id.clone(), revision })
    }

    /// Returns up to `limit` changes of any agent after the one of that sequence number, oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn changes_after(&self, sequence: i64, limit: u32) -> Result<Vec<ChangeRow>> {
        self.reader().await?.list_changes(sequence, limit).await
    }

    /// Returns the sequence number of the newest change, 0 if there is none.
    ///
    /// # Errors
    /// The database failed.
    pub async fn newest_change(&self) -> Result<i64> {
        self.reader().await?.newest_sequence().await
    }
}

impl Transaction {
    /// Makes an agent with a name and nothing else, at revision 1.
    ///
    /// # Errors
    /// The database failed.
    pub async fn create_agent(&mut self, new: NewAgent<'_>) -> Result<AgentState> {
        // The lua dialect takes an id apart at its first `_`; what stands before must be this agent's alone, because
        // the first part is all that some of the dialect's paths name.
        let random = data_encoding::HEXLOWER.encode(&self.surroundings.random::<12>()?);
        let id: AgentId = format!("base{random}_agent").parse().map_err(|_| rows::damaged("id", "a new agent"))?;
        let now = self.now;
        self.connection().insert_agent(&id, &new, now).await?;
        let fields = Map::from_iter([(Field::NAME.sent_as().to_owned(), Value::from(new.name))]);
        let first = NewRevision::first(&fields, new.author, now);
        self.connection().insert_revision(&id, &first).await?;
        self.agent_state(new.scope, &id).await
    }

    /// Returns an agent as this transaction sees it.
    ///
    /// # Errors
    /// There is no such agent in the scope, or the database failed.
    pub async fn agent(&mut self, scope: &Scope, id: &AgentId) -> Result<Agent> {
        read_agent(self.connection(), scope, id).await
    }

    /// Returns the state of an agent as this transaction sees it.
    ///
    /// # Errors
    /// There is no such agent in the scope, or the database failed.
    pub async fn agent_state(&mut self, scope: &Scope, id: &AgentId) -> Result<AgentState> {
        read_state(self.connection(), scope, id).await
    }
}

/// Fails if the agent is not there or not in the scope.
pub(crate) async fn require(connection: &mut Connection, scope: &Scope, id: &AgentId) -> Result<()> {
    let owner = connection.owner_of(id).await?;
    if owner.is_some_and(|owner| scope.covers(&owner.org_id, owner.only_project())) {
        return Ok(());
    }
    Err(StoreError::AgentNotFound(id.clone()))
}

/// Returns an agent, if it is in the scope.
pub(crate) async fn read_agent(connection: &mut Connection, scope: &Scope, id: &AgentId) -> Result<Agent> {
    let found = connection.find_agent(id).await?.filter(|agent| is_inside(scope, agent));
    found.ok_or_else(|| StoreError::AgentNotFound(id.clone()))
}

async fn read_state(connection: &mut Connection, scope: &Scope, id: &AgentId) -> Result<AgentState> {
    let found = connection.find_state(id).await?.filter(|state| is_inside(scope, &state.agent));
    found.ok_or_else(|| StoreError::AgentNotFound(id.clone()))
}

fn is_inside(scope: &Scope, agent: &Agent) -> bool {
    scope.covers(&agent.org_id, agent.project_id.as_deref())
}
