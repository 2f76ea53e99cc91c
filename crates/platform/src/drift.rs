//! Reports of drift: what checks have seen of the code of agents.

use std::collections::{BTreeMap, HashMap};

use keepstep_agent::drift::SeenField;
use keepstep_agent::{Field, State};
use keepstep_base::{AgentId, Digest};
use keepstep_store::{Agent, DriftReport, Role, ServerSide, Transaction};
use serde_json::json;

use crate::actor::Actor;
use crate::error::Error;
use crate::platform::Platform;

/// For how long a report that says the same is not written again, in milliseconds: a check may run on every save of a file.
const SAME_FOR: i64 = 10 * 60 * 1000;

/// For how long a report counts, in milliseconds: 30 days. A branch that is gone is never reported again.
const COUNTS_FOR: i64 = 30 * 24 * 60 * 60 * 1000;

/// The longest name of a repository or a branch, in bytes.
const LONGEST: usize = 300;

/// What a check has seen.
#[derive(Debug, Clone)]
pub struct SeenDrift {
    /// Where the code is.
    pub repository: String,
    /// The branch that is checked out.
    pub branch: Option<String>,
    /// The commit that is checked out.
    pub commit: Option<String>,
    /// The fields that were compared, by their keys.
    pub fields: BTreeMap<String, SeenField>,
}

/// How the code of an agent stands, on a branch of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeState {
    /// What was reported.
    pub report: DriftReport,
    /// Each field that was reported, compared with what the platform has now.
    pub states: Vec<(Field, State)>,
    /// Since when the code differs; none where it is in step.
    pub since: Option<i64>,
}

impl CodeState {
    /// Returns the fields that differ.
    pub fn drifted(&self) -> impl Iterator<Item = (Field, State)> + '_ {
        self.states.iter().copied().filter(|(_, state)| state.is_drift())
    }

    /// Returns how the code stands as a whole: as its fields do, where those that differ agree; unreadable where one was not read.
    pub fn overall(&self) -> State {
        let mut drifted = self.drifted().map(|(_, state)| state);
        match drifted.next() {
            None if self.states.iter().any(|(_, state)| *state == State::Unreadable) => State::Unreadable,
            None => State::InStep,
            Some(first) if drifted.all(|state| state == first) => first,
            Some(_) => State::Diverged,
        }
    }
}

impl Platform {
    /// Keeps what a check has seen of an agent's code. A viewer may.
    ///
    /// # Errors
    /// The actor may not, a name cannot be one, there is no such agent for them, or the database failed.
    pub async fn report_drift(&self, actor: &Actor, agent: &AgentId, seen: SeenDrift) -> Result<(), Error> {
        actor.require(Role::Viewer)?;
        let mut report = checked(agent, actor, seen)?;
        let known = self.store.agent(&actor.scope, agent).await?;
        let before = self.store.drift_report(agent, &report.repository, &report.branch).await?;
        report.reported_at = self.store.now();
        if let Some(before) = &before {
            let is_same =
                before.fields == report.fields && before.commit == report.commit && before.reported_by == report.reported_by;
            if is_same && (before.reported_at..before.reported_at.saturating_add(SAME_FOR)).contains(&report.reported_at) {
                return Ok(());
            }
        }
        let mut transaction = self.store.write().await?;
        let persona = published_digest(&mut transaction, actor, &known).await?;
        let states = report.states(ServerSide { agent: &known, persona });
        let differs = states.iter().any(|(_, state)| state.is_drift());
        // Once for what is seen, not at each check that sees it again.
        let is_news = differs && before.as_ref().is_none_or(|before| before.since.is_none() || before.fields != report.fields);
        report.since = differs.then(|| before.and_then(|before| before.since).unwrap_or(report.reported_at));
        transaction.put_drift_report(&report).await?;
        if is_news {
            let drifted = states.iter().filter(|(_, state)| state.is_drift());
            let data = json!({
                "agent": { "id": agent.as_str(), "name": known.name() },
                "repository": report.repository,
                "branch": Some(&report.branch).filter(|branch| !branch.is_empty()),
                "commit": report.commit,
                "fields": drifted.map(|(field, state)| json!({ "field": field.key(), "state": state })).collect::<Vec<_>>(),
                "reported_by": report.reported_by,
            });
            transaction.announce(&actor.scope, "drift.seen", &data).await?;
        }
        // A check of each commit of each branch is not what somebody did to the agent.
        self.commit_unnoted(transaction, actor, "report drift").await
    }

    /// Returns how the code of these agents stands, the latest report first.
    ///
    /// # Errors
    /// The actor may not, or the database failed.
    pub async fn code_states(&self, actor: &Actor, agents: &[Agent]) -> Result<HashMap<AgentId, Vec<CodeState>>, Error> {
        actor.require(Role::Viewer)?;
        let oldest = self.store.now().saturating_sub(COUNTS_FOR);
        let mut found: HashMap<AgentId, Vec<CodeState>> = HashMap::new();
        let only = match agents {
            [agent] => Some(&agent.id),
            _ => None,
        };
        let reports = self.store.drift_reports(&actor.scope, only).await?;
        let agents: HashMap<&AgentId, &Agent> = agents.iter().map(|agent| (&agent.id, agent)).collect();
        for (report, persona) in reports {
            let Some(agent) = agents.get(&report.agent_id).filter(|_| report.reported_at >= oldest) else { continue };
            let states = report.states(ServerSide { agent, persona });
            let differs = states.iter().any(|(_, state)| state.is_drift());
            // What was in step when it was reported differs since the agent changed.
            let since = differs.then(|| report.since.unwrap_or(agent.changed.at));
            found.entry(report.agent_id.clone()).or_default().push(CodeState { report, states, since });
        }
        Ok(found)
    }
}

async fn published_digest(transaction: &mut Transaction, actor: &Actor, agent: &Agent) -> Result<Option<Digest>, Error> {
    let Some(published) = agent.published else { return Ok(None) };
    Ok(transaction.persona(&actor.scope, &agent.id, published).await?.summary.digest)
}

fn checked(agent: &AgentId, actor: &Actor, seen: SeenDrift) -> Result<DriftReport, Error> {
    let repository = name("repository", &seen.repository)?;
    let branch = seen.branch.map_or_else(|| Ok(String::new()), |branch| name("branch", &branch))?;
    if let Some(commit) = &seen.commit
        && !((7..=64).contains(&commit.len()) && commit.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        return Err(Error::Invalid("The commit must be 7 to 64 hexadecimal digits.".to_owned()));
    }
    // A client that is newer may report fields that this version does not know.
    let fields = seen.fields.into_iter().filter(|(key, _)| Field::from_key(key).is_some()).collect();
    Ok(DriftReport {
        agent_id: agent.clone(),
        repository,
        branch,
        commit: seen.commit,
        fields,
        reported_by: actor.name.clone(),
        reported_at: 0,
        since: None,
    })
}

fn name(what: &str, text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(Error::Invalid(format!("The name of the {what} must have 1 to {LONGEST} bytes and no control characters.")));
    }
    Ok(text.to_owned())
}
