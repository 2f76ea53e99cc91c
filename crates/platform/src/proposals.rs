//! Proposals: a persona version is reviewed before it is published, where a project asks for it.

use keepstep_agent::canonical::persona_digest;
use keepstep_base::{AgentId, PersonaVersion};
use keepstep_store::test_data::Scenario;
use keepstep_store::{
    Agent, Persona, PersonaChange, PersonaStatus, Project, Proposal, ProposalNote, ProposalState, PublishingRule, Role,
    StoreError, Transaction,
};

use crate::actor::Actor;
use crate::definition::{self, MESSAGE_LIMIT};
use crate::error::Error;
use crate::platform::Platform;
use crate::write::Plain;

/// What somebody says about a proposal.
#[derive(Debug, Clone, Default)]
pub struct Review {
    /// The state that it is to have from then on; none for a remark.
    pub state: Option<ProposalState>,
    /// The line that it is about, from 1.
    pub line: Option<u32>,
    /// What is suggested in the place of the line.
    pub suggestion: Option<String>,
    /// What is said.
    pub comment: String,
}

/// What has to come before the personas of some agents are published.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishingPlace {
    /// The project of the agents; none for those that are in none.
    pub project: Option<Project>,
    /// The rule.
    pub rule: PublishingRule,
    /// The scenarios that it can name.
    pub scenarios: Vec<Scenario>,
    /// The name of the scenario that the rule names, where that is deleted: the rule goes on all the same.
    pub deleted_scenario: Option<String>,
}

impl Platform {
    /// Asks for a review of a persona version that is not published. An editor may.
    ///
    /// # Errors
    /// The actor may not, the version is published, there is no such version for them, or the database failed.
    pub async fn propose(&self, actor: &Actor, agent: &AgentId, version: PersonaVersion) -> Result<(), Error> {
        actor.require(Role::Editor)?;
        self.write(actor, "propose a persona", Plain, async |transaction| {
            let of = transaction.agent(&actor.scope, agent).await?;
            transaction.about("agent", agent.as_str(), of.name().unwrap_or_default());
            let persona = transaction.persona(&actor.scope, agent, version).await?;
            if persona.summary.status == PersonaStatus::Published {
                return Err(Error::Refused(format!("Version {version} is published; a draft can be proposed.")));
            }
            let now = transaction.now();
            let before = transaction.proposal(&actor.scope, agent, version).await?;
            if before.as_ref().is_some_and(|before| matches!(before.state, ProposalState::Open | ProposalState::Approved)) {
                return Ok(());
            }
            let proposal = Proposal {
                agent_id: agent.clone(),
                version,
                author_id: actor.id.clone(),
                author: actor.name.clone(),
                state: ProposalState::Open,
                created_at: before.map_or(now, |before| before.created_at),
                changed_at: now,
            };
            Ok(transaction.put_proposal(&proposal, None).await?)
        })
        .await
    }

    /// Says something about a proposal: a remark, a suggestion for a line, or what is to become of it. An editor may; who approves has the
    /// right to publish and did not write it, and its author alone withdraws it.
    ///
    /// # Errors
    /// The actor may not, nothing is said, there is no such proposal for them, or the database failed.
    pub async fn review(&self, actor: &Actor, agent: &AgentId, version: PersonaVersion, review: Review) -> Result<(), Error> {
        actor.require(Role::Editor)?;
        if review.state == Some(ProposalState::Approved) {
            actor.require_publish()?;
        }
        let length = review.comment.len() + review.suggestion.as_ref().map_or(0, String::len);
        if length > MESSAGE_LIMIT {
            return Err(Error::TooLarge { what: "The comment with its suggestion".into(), limit: MESSAGE_LIMIT as u64 });
        }
        if review.state.is_none() && review.suggestion.is_none() && review.comment.trim().is_empty() {
            return Err(Error::Refused("The comment is empty.".to_owned()));
        }
        self.write(actor, "review a persona", Plain, async |transaction| {
            let of = transaction.agent(&actor.scope, agent).await?;
            transaction.about("agent", agent.as_str(), of.name().unwrap_or_default());
            let found = transaction.proposal(&actor.scope, agent, version).await?;
            let mut proposal = found.ok_or_else(|| Error::NotFound(format!("A proposal of version {version}")))?;
            let persona = transaction.persona(&actor.scope, agent, version).await?;
            if persona.summary.status == PersonaStatus::Published {
                return Err(Error::Refused(format!("Version {version} is published already.")));
            }
            match review.state {
                // What becomes of it would be decided without a review by who withdrew it.
                Some(_) if proposal.state == ProposalState::Withdrawn => {
                    return Err(Error::Refused("This proposal is withdrawn: propose it again.".to_owned()));
                }
                Some(ProposalState::Approved) if is_own_text(actor, &proposal, &persona) => {
                    return Err(Error::Refused("Someone else has to approve what you wrote.".to_owned()));
                }
                Some(ProposalState::Withdrawn) if proposal.author_id != actor.id => {
                    return Err(Error::Refused("Only its author can withdraw a proposal.".to_owned()));
                }
                _ => {}
            }
            let now = transaction.now();
            if let Some(state) = review.state {
                proposal.state = state;
                proposal.changed_at = now;
            }
            let note = ProposalNote {
                number: 0,
                author: actor.name.clone(),
                at: now,
                state: review.state,
                line: review.line,
                suggestion: review.suggestion,
                comment: review.comment.trim().to_owned(),
            };
            Ok(transaction.put_proposal(&proposal, Some(note)).await?)
        })
        .await
    }

    /// Returns what has to come before a persona of an agent is published. A viewer may.
    ///
    /// # Errors
    /// The actor may not, or the database failed.
    pub async fn publishing_rule(&self, actor: &Actor, agent: &Agent) -> Result<PublishingRule, Error> {
        actor.require(Role::Viewer)?;
        Ok(self.store.publishing_rule(agent).await?)
    }

    /// Returns the rules for publishing, of agents that are in no project first. An owner may.
    ///
    /// # Errors
    /// The actor may not, or the database failed.
    pub async fn publishing_places(&self, actor: &Actor) -> Result<Vec<PublishingPlace>, Error> {
        actor.require(Role::Owner)?;
        let rules = self.store.publishing_rules(&actor.scope.org_id).await?;
        let rule_of = |project_id: Option<String>| {
            let found = rules.iter().find(|rule| rule.project_id == project_id).cloned();
            found.unwrap_or(PublishingRule { project_id, ..PublishingRule::default() })
        };
        let mut places =
            vec![PublishingPlace { project: None, rule: rule_of(None), scenarios: Vec::new(), deleted_scenario: None }];
        for project in self.store.projects_in(&actor.scope).await? {
            let scenarios = self.store.scenarios(&actor.scope, &project.id).await?;
            // Agents in no project are tested by the scenarios of any.
            places[0].scenarios.extend(scenarios.iter().cloned());
            let rule = rule_of(Some(project.id.clone()));
            places.push(PublishingPlace { project: Some(project), rule, scenarios, deleted_scenario: None });
        }
        for place in &mut places {
            let Some(named) = &place.rule.scenario else { continue };
            if place.scenarios.iter().all(|scenario| scenario.id != *named) {
                place.deleted_scenario = Some(match self.store.scenario_name(&actor.scope, named).await {
                    Ok(name) => name,
                    Err(StoreError::ScenarioNotFound(id)) => id,
                    Err(error) => return Err(error.into()),
                });
            }
        }
        Ok(places)
    }

    /// Sets what has to come before a persona is published. A rule may go on naming a scenario that is deleted meanwhile. An owner may.
    ///
    /// # Errors
    /// The actor may not, there is no such project or scenario for them, or the database failed.
    pub async fn set_publishing_rule(&self, actor: &Actor, rule: &PublishingRule) -> Result<(), Error> {
        actor.require(Role::Owner)?;
        actor.require_whole_organization()?;
        self.write(actor, "set a rule for publishing", Plain, async |transaction| {
            let before = transaction.publishing_rule_of(&actor.scope, rule.project_id.as_deref()).await?;
            if let Some(scenario) = &rule.scenario
                && before.scenario.as_ref() != Some(scenario)
            {
                let scenario = transaction.scenario(&actor.scope, scenario).await?;
                if rule.project_id.as_ref().is_some_and(|project| *project != scenario.project_id) {
                    return Err(Error::Refused("The scenario is of another project.".to_owned()));
                }
            }
            match transaction.set_publishing_rule(&actor.scope, rule).await? {
                Some(project) => transaction.about("project", &project.id, &project.name),
                None => transaction.about("agents", "none", "in no project"),
            }
            Ok(())
        })
        .await
    }
}

/// Returns true where somebody wrote a text or proposes it, so that someone else has to approve it.
pub fn is_own_text(actor: &Actor, proposal: &Proposal, persona: &Persona) -> bool {
    proposal.author_id == actor.id || persona.summary.created.author.as_ref() == Some(&actor.name)
}

/// Passes what may be published: where there is a rule, that is a text that somebody has approved and that has passed its tests, or one
/// that was published before.
pub(crate) async fn require_approval(
    transaction: &mut Transaction,
    actor: &Actor,
    agent: &AgentId,
    persona: Option<&PersonaChange>,
    deploy: Option<PersonaVersion>,
) -> Result<(), Error> {
    let persona = persona.filter(|change| change.status == PersonaStatus::Published);
    if persona.is_none() && deploy.is_none() {
        return Ok(());
    }
    let rule = transaction.publishing_rule(&actor.scope, agent).await?;
    if !rule.review && rule.scenario.is_none() {
        return Ok(());
    }
    let mut digests = Vec::new();
    if let Some(version) = deploy {
        let summary = transaction.persona(&actor.scope, agent, version).await?.summary;
        digests.extend(summary.digest.filter(|_| summary.status == PersonaStatus::Draft));
    }
    if let Some(change) = persona {
        let state = transaction.agent_state(&actor.scope, agent).await?;
        let published = state.published.and_then(|published| published.summary.digest);
        // A persona always has a text, and with it a digest.
        digests.extend(persona_digest(Some(&change.persona)).filter(|digest| Some(*digest) != published));
    }
    for digest in digests {
        if rule.review && !transaction.is_approved(agent, digest).await? {
            return Err(Error::Refused(definition::NOT_APPROVED.to_owned()));
        }
        if let Some(scenario) = &rule.scenario
            && !transaction.has_passed(agent, digest, scenario).await?
        {
            return Err(Error::Refused(definition::NOT_PASSED.to_owned()));
        }
    }
    Ok(())
}
