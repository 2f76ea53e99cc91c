//! Persona versions that are reviewed before they are published, and where that has to be.

use std::future::Future;

use keepstep_base::{AgentId, Digest, PersonaVersion};

use crate::model::Scope;
use crate::sql::connection::Connection;
use crate::{Result, Store, Transaction, agents};

/// How far a proposal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProposalState {
    /// It waits for a review.
    Open,
    /// It may be published.
    Approved,
    /// Its author is asked to change something.
    ChangesRequested,
    /// Its author has taken it back.
    Withdrawn,
}

impl ProposalState {
    const ALL: [Self; 4] = [Self::Open, Self::Approved, Self::ChangesRequested, Self::Withdrawn];

    /// Returns the name under which it is stored.
    pub fn label(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::ChangesRequested => "changes",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Returns the state with this name.
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.label() == label)
    }
}

/// A persona version that somebody wants to be reviewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Which agent.
    pub agent_id: AgentId,
    /// Which version.
    pub version: PersonaVersion,
    /// The id of who proposes it.
    pub author_id: String,
    /// The name of who proposes it.
    pub author: String,
    /// How far it is.
    pub state: ProposalState,
    /// When it was proposed, in epoch milliseconds.
    pub created_at: i64,
    /// Since when it is in its state.
    pub changed_at: i64,
}

/// Something that was said about a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalNote {
    /// Its number, from 1.
    pub number: u32,
    /// The name of who said it.
    pub author: String,
    /// When, in epoch milliseconds.
    pub at: i64,
    /// The state that it led to, where it led to one.
    pub state: Option<ProposalState>,
    /// The line that it is about, from 1.
    pub line: Option<u32>,
    /// What is suggested in the place of the line.
    pub suggestion: Option<String>,
    /// What was said; may be empty.
    pub comment: String,
}

/// What a database keeps of proposals. Who may see an agent is not its business.
pub(crate) trait ProposalRows {
    /// Returns the proposal of a version.
    fn find_proposal(
        &mut self,
        agent: &AgentId,
        version: PersonaVersion,
    ) -> impl Future<Output = Result<Option<Proposal>>> + Send;

    /// Returns what was said about it, the oldest first.
    fn notes_of(&mut self, agent: &AgentId, version: PersonaVersion) -> impl Future<Output = Result<Vec<ProposalNote>>> + Send;

    /// Returns the proposals of the agents of a scope that nobody has withdrawn and whose version is not published, the oldest first.
    fn waiting_proposals(&mut self, scope: &Scope) -> impl Future<Output = Result<Vec<Proposal>>> + Send;

    /// Returns true if a version that says the same was approved.
    fn is_approved(&mut self, agent: &AgentId, digest: Digest) -> impl Future<Output = Result<bool>> + Send;

    /// Keeps a proposal in place of the one of the same version.
    fn put_proposal(&mut self, proposal: &Proposal) -> impl Future<Output = Result<()>> + Send;

    /// Adds what was said.
    fn insert_note(&mut self, of: &Proposal, note: &ProposalNote) -> impl Future<Output = Result<()>> + Send;

    /// Returns the places where personas are reviewed: the ids of projects, and an empty text for agents that are in none.
    fn reviewed_places(&mut self, org_id: &str) -> impl Future<Output = Result<Vec<String>>> + Send;

    /// Sets whether personas are reviewed in a place.
    fn put_rule(&mut self, org_id: &str, place: &str, review: bool) -> impl Future<Output = Result<()>> + Send;
}

impl Store {
    /// Returns the proposal of a version and what was said about it, the oldest first.
    ///
    /// # Errors
    /// There is no such agent in the scope, or the database failed.
    pub async fn proposal(
        &self,
        scope: &Scope,
        agent: &AgentId,
        version: PersonaVersion,
    ) -> Result<Option<(Proposal, Vec<ProposalNote>)>> {
        let mut reader = self.reader().await?;
        agents::require(&mut reader, scope, agent).await?;
        match reader.find_proposal(agent, version).await? {
            Some(proposal) => Ok(Some((proposal, reader.notes_of(agent, version).await?))),
            None => Ok(None),
        }
    }

    /// Returns the proposals of the agents of a scope that nobody has withdrawn and whose version is not published, the oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn waiting_proposals(&self, scope: &Scope) -> Result<Vec<Proposal>> {
        self.reader().await?.waiting_proposals(scope).await
    }

    /// Returns the places where personas are reviewed: the ids of projects, and an empty text for agents that are in none.
    ///
    /// # Errors
    /// The database failed.
    pub async fn reviewed_places(&self, org_id: &str) -> Result<Vec<String>> {
        self.reader().await?.reviewed_places(org_id).await
    }
}

impl Transaction {
    /// Returns the proposal of a version, as this transaction sees it.
    ///
    /// # Errors
    /// There is no such agent in the scope, or the database failed.
    pub async fn proposal(&mut self, scope: &Scope, agent: &AgentId, version: PersonaVersion) -> Result<Option<Proposal>> {
        agents::require(self.connection(), scope, agent).await?;
        self.connection().find_proposal(agent, version).await
    }

    /// Keeps a proposal, and what was said with it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn put_proposal(&mut self, proposal: &Proposal, note: Option<ProposalNote>) -> Result<()> {
        self.connection().put_proposal(proposal).await?;
        if let Some(mut note) = note {
            let before = self.connection().notes_of(&proposal.agent_id, proposal.version).await?;
            note.number = before.last().map_or(1, |last| last.number + 1);
            self.connection().insert_note(proposal, &note).await?;
        }
        Ok(())
    }

    /// Returns true if the personas of an agent are reviewed before they are published.
    ///
    /// # Errors
    /// There is no such agent in the scope, or the database failed.
    pub async fn is_reviewed(&mut self, scope: &Scope, agent: &AgentId) -> Result<bool> {
        let agent = agents::read_agent(self.connection(), scope, agent).await?;
        let places = self.connection().reviewed_places(&agent.org_id).await?;
        Ok(places.contains(&agent.project_id.unwrap_or_default()))
    }

    /// Returns true if a version of an agent that says the same was approved.
    ///
    /// # Errors
    /// The database failed.
    pub async fn is_approved(&mut self, agent: &AgentId, digest: Digest) -> Result<bool> {
        self.connection().is_approved(agent, digest).await
    }

    /// Sets whether personas are reviewed in a project, or, without one, of agents that are in none.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn set_review(&mut self, scope: &Scope, project: Option<&str>, review: bool) -> Result<()> {
        if let Some(project) = project {
            require_project(self.connection(), scope, project).await?;
        }
        self.connection().put_rule(&scope.org_id, project.unwrap_or_default(), review).await
    }
}

async fn require_project(connection: &mut Connection, scope: &Scope, project: &str) -> Result<()> {
    crate::organizations::require_project(connection, scope, project).await.map(drop)
}
