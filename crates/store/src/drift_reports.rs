//! What checks have seen of the code of agents.

use std::collections::BTreeMap;
use std::future::Future;

use keepstep_agent::drift::{SeenField, Server};
use keepstep_agent::{Field, State};
use keepstep_base::{AgentId, Digest};

use crate::model::{Agent, Scope};
use crate::{Result, Store, Transaction};

/// How many reports are kept of an agent; the oldest go first. Branches come and go.
const REPORTS_OF_AN_AGENT: u32 = 20;

/// What a check has seen of the code of an agent, on a branch of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftReport {
    /// Which agent.
    pub agent_id: AgentId,
    /// Where the code is.
    pub repository: String,
    /// The branch; empty where there is none.
    pub branch: String,
    /// The commit.
    pub commit: Option<String>,
    /// What the code has.
    pub fields: BTreeMap<String, SeenField>,
    /// The name of who reported it.
    pub reported_by: String,
    /// When it was reported, in epoch milliseconds.
    pub reported_at: i64,
    /// Since when the code has differed without a break, as far as the reports tell; none where it was in step.
    pub since: Option<i64>,
}

/// What the platform has of an agent, as digests.
#[derive(Debug, Clone, Copy)]
pub struct ServerSide<'a> {
    /// The agent.
    pub agent: &'a Agent,
    /// The digest of the latest published persona.
    pub persona: Option<Digest>,
}

impl DriftReport {
    /// Returns how each field that was seen compares with what the platform has now: also where that has changed since.
    pub fn states(&self, server: ServerSide<'_>) -> Vec<(Field, State)> {
        let state = |field: Field| Some((field, self.fields.get(field.key())?.state(server.digest(field))));
        Field::ALL.into_iter().filter_map(state).collect()
    }
}

impl ServerSide<'_> {
    fn digest(&self, field: Field) -> Option<Option<Digest>> {
        if field.has_versions() {
            return self.persona.map(Some);
        }
        Server::of(field, self.agent.fields.get(field.sent_as())).digest(field)
    }
}

/// What a database keeps of reports. Who may see an agent is not its business.
pub(crate) trait DriftReportRows {
    /// Returns the reports of the agents of a scope, or of one of them, the latest first, each with the digest of the latest published
    /// persona.
    fn reports_of(
        &mut self,
        scope: &Scope,
        agent: Option<&AgentId>,
    ) -> impl Future<Output = Result<Vec<(DriftReport, Option<Digest>)>>> + Send;

    /// Returns the report of a branch of a repository.
    fn find_report(
        &mut self,
        agent: &AgentId,
        repository: &str,
        branch: &str,
    ) -> impl Future<Output = Result<Option<DriftReport>>> + Send;

    /// Keeps a report in place of the one of the same branch.
    fn put_report(&mut self, report: &DriftReport) -> impl Future<Output = Result<()>> + Send;

    /// Removes all reports of an agent but the latest ones.
    fn keep_latest_reports(&mut self, agent: &AgentId, kept: u32) -> impl Future<Output = Result<()>> + Send;
}

impl Store {
    /// Returns what checks have seen of the agents of a scope, or of one of them, the latest first, each with the digest of the latest
    /// published persona.
    ///
    /// # Errors
    /// The database failed.
    pub async fn drift_reports(&self, scope: &Scope, agent: Option<&AgentId>) -> Result<Vec<(DriftReport, Option<Digest>)>> {
        self.reader().await?.reports_of(scope, agent).await
    }

    /// Returns what a check has last seen of a branch of a repository.
    ///
    /// # Errors
    /// The database failed.
    pub async fn drift_report(&self, agent: &AgentId, repository: &str, branch: &str) -> Result<Option<DriftReport>> {
        self.reader().await?.find_report(agent, repository, branch).await
    }
}

impl Transaction {
    /// Keeps what a check has seen, in place of what was seen before of the same branch.
    ///
    /// # Errors
    /// The database failed.
    pub async fn put_drift_report(&mut self, report: &DriftReport) -> Result<()> {
        self.connection().put_report(report).await?;
        self.connection().keep_latest_reports(&report.agent_id, REPORTS_OF_AN_AGENT).await
    }
}
