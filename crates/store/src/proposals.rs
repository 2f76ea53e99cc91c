//! Persona versions that are reviewed before they are published, and where that has to be.

use std::future::Future;

use keepstep_base::{AgentId, Digest, PersonaVersion};

use crate::model::{Agent, Project, Scope};
use crate::organizations::require_project;
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

/// What has to come before a persona is published.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublishingRule {
    /// The project that it is about; none for the agents that are in none.
    pub project_id: Option<String>,
    /// True where somebody else has to approve it.
    pub review: bool,
    /// The scenario in which exactly this text has to have passed.
    pub scenario: Option<String>,
}

impl PublishingRule {
    /// Returns what has to come before a persona of an agent is published: what the rule of its project says, or that of the agents in none,
    /// and what those of the projects that test it say.
    fn that_holds(rules: &[Self], agent: &Agent, testing: &[String]) -> Self {
        let own = rules.iter().filter(|rule| rule.project_id == agent.project_id);
        let of_tests = rules.iter().filter(|rule| {
            rule.project_id != agent.project_id && rule.project_id.as_ref().is_some_and(|project| testing.contains(project))
        });
        let mut holds = Self { project_id: agent.project_id.clone(), ..Self::default() };
        for rule in own.chain(of_tests) {
            holds.review |= rule.review;
            holds.scenario = holds.scenario.or_else(|| rule.scenario.clone());
        }
        holds
    }
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

    /// Returns the proposals of the agents of a scope that wait, the oldest first: not those that were withdrawn, that are older than what
    /// is published, or whose changes are in a newer draft.
    fn waiting_proposals(&mut self, scope: &Scope) -> impl Future<Output = Result<Vec<Proposal>>> + Send;

    /// Returns true if a version that says the same was approved.
    fn is_approved(&mut self, agent: &AgentId, digest: Digest) -> impl Future<Output = Result<bool>> + Send;

    /// Keeps a proposal in place of the one of the same version.
    fn put_proposal(&mut self, proposal: &Proposal) -> impl Future<Output = Result<()>> + Send;

    /// Adds what was said.
    fn insert_note(&mut self, of: &Proposal, note: &ProposalNote) -> impl Future<Output = Result<()>> + Send;

    /// Returns the rules of an organization.
    fn rules_of(&mut self, org_id: &str) -> impl Future<Output = Result<Vec<PublishingRule>>> + Send;

    /// Returns the projects that test an agent.
    fn projects_that_test(&mut self, agent: &AgentId) -> impl Future<Output = Result<Vec<String>>> + Send;

    /// Sets a rule in place of the one before.
    fn put_rule(&mut self, org_id: &str, rule: &PublishingRule) -> impl Future<Output = Result<()>> + Send;
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

    /// Returns the proposals of the agents of a scope that wait, the oldest first: not those that were withdrawn, that are older than what
    /// is published, or whose changes are in a newer draft.
    ///
    /// # Errors
    /// The database failed.
    pub async fn waiting_proposals(&self, scope: &Scope) -> Result<Vec<Proposal>> {
        self.reader().await?.waiting_proposals(scope).await
    }

    /// Returns the rules of an organization.
    ///
    /// # Errors
    /// The database failed.
    pub async fn publishing_rules(&self, org_id: &str) -> Result<Vec<PublishingRule>> {
        self.reader().await?.rules_of(org_id).await
    }

    /// Returns what has to come before a persona of an agent is published.
    ///
    /// # Errors
    /// The database failed.
    pub async fn publishing_rule(&self, agent: &Agent) -> Result<PublishingRule> {
        let mut reader = self.reader().await?;
        let (rules, testing) = (reader.rules_of(&agent.org_id).await?, reader.projects_that_test(&agent.id).await?);
        Ok(PublishingRule::that_holds(&rules, agent, &testing))
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

    /// Returns what has to come before a persona of an agent is published.
    ///
    /// # Errors
    /// There is no such agent in the scope, or the database failed.
    pub async fn publishing_rule(&mut self, scope: &Scope, agent: &AgentId) -> Result<PublishingRule> {
        let agent = agents::read_agent(self.connection(), scope, agent).await?;
        let rules = self.connection().rules_of(&agent.org_id).await?;
        let testing = self.connection().projects_that_test(&agent.id).await?;
        Ok(PublishingRule::that_holds(&rules, &agent, &testing))
    }

    /// Returns true if a version of an agent that says the same was approved.
    ///
    /// # Errors
    /// The database failed.
    pub async fn is_approved(&mut self, agent: &AgentId, digest: Digest) -> Result<bool> {
        self.connection().is_approved(agent, digest).await
    }

    /// Returns the rule of a project, or of the agents that are in none.
    ///
    /// # Errors
    /// The database failed.
    pub async fn publishing_rule_of(&mut self, scope: &Scope, project: Option<&str>) -> Result<PublishingRule> {
        let rules = self.connection().rules_of(&scope.org_id).await?;
        Ok(rules.into_iter().find(|rule| rule.project_id.as_deref() == project).unwrap_or_default())
    }

    /// Sets what has to come before a persona is published. Returns the project that it is about.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn set_publishing_rule(&mut self, scope: &Scope, rule: &PublishingRule) -> Result<Option<Project>> {
        let project = match &rule.project_id {
            Some(project) => Some(require_project(self.connection(), scope, project).await?),
            None => None,
        };
        self.connection().put_rule(&scope.org_id, rule).await?;
        Ok(project)
    }
}
