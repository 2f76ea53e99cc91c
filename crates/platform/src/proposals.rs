//! Proposals: a persona version is reviewed before it is published, where a project asks for it.

use keepstep_agent::canonical::persona_digest;
use keepstep_base::{AgentId, PersonaVersion};
use keepstep_store::{Agent, PersonaChange, PersonaStatus, Project, Proposal, ProposalNote, ProposalState, Role, Transaction};

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

/// A place where personas may be reviewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewPlace {
    /// The project; none for the agents that are in none.
    pub project: Option<Project>,
    /// True where a persona is published only after somebody has approved it.
    pub review: bool,
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
            return Err(Error::TooLarge { what: "The comment".into(), limit: MESSAGE_LIMIT as u64 });
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
            let is_author = proposal.author_id == actor.id || persona.summary.created.author.as_ref() == Some(&actor.name);
            match review.state {
                Some(ProposalState::Approved) if is_author => {
                    return Err(Error::Refused("Somebody else has to approve what you wrote.".to_owned()));
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

    /// Returns true if the personas of an agent are reviewed before they are published. A viewer may.
    ///
    /// # Errors
    /// The actor may not, or the database failed.
    pub async fn is_reviewed(&self, actor: &Actor, agent: &Agent) -> Result<bool, Error> {
        actor.require(Role::Viewer)?;
        let places = self.store.reviewed_places(&agent.org_id).await?;
        Ok(places.iter().any(|place| place == agent.project_id.as_deref().unwrap_or_default()))
    }

    /// Returns where personas may be reviewed, and where they are. An owner may.
    ///
    /// # Errors
    /// The actor may not, or the database failed.
    pub async fn review_places(&self, actor: &Actor) -> Result<Vec<ReviewPlace>, Error> {
        actor.require(Role::Owner)?;
        let reviewed = self.store.reviewed_places(&actor.scope.org_id).await?;
        let is_reviewed = |place: &str| reviewed.iter().any(|reviewed| reviewed == place);
        let projects = self.store.projects_in(&actor.scope).await?.into_iter();
        let projects = projects.map(|project| ReviewPlace { review: is_reviewed(&project.id), project: Some(project) });
        let without = ReviewPlace { project: None, review: is_reviewed("") };
        Ok(std::iter::once(without).chain(projects).collect())
    }

    /// Sets whether personas are reviewed in a project, or, without one, of agents that are in none. An owner may.
    ///
    /// # Errors
    /// The actor may not, there is no such project for them, or the database failed.
    pub async fn set_review(&self, actor: &Actor, project: Option<&str>, review: bool) -> Result<(), Error> {
        actor.require(Role::Owner)?;
        actor.require_whole_organization()?;
        self.write(actor, "set a rule for publishing", Plain, async |transaction| {
            Ok(transaction.set_review(&actor.scope, project, review).await?)
        })
        .await
    }
}

/// Passes what may be published: where personas are reviewed, that is a text that somebody has approved, or one that was published
/// before.
pub(crate) async fn require_approval(
    transaction: &mut Transaction,
    actor: &Actor,
    agent: &AgentId,
    persona: Option<&PersonaChange>,
    deploy: Option<PersonaVersion>,
) -> Result<(), Error> {
    let persona = persona.filter(|change| change.status == PersonaStatus::Published);
    if (persona.is_none() && deploy.is_none()) || !transaction.is_reviewed(&actor.scope, agent).await? {
        return Ok(());
    }
    let mut digests = Vec::new();
    if let Some(version) = deploy {
        let summary = transaction.persona(&actor.scope, agent, version).await?.summary;
        digests.extend(Some(summary.digest).filter(|_| summary.status == PersonaStatus::Draft));
    }
    if let Some(change) = persona {
        let digest = persona_digest(Some(&change.persona));
        let state = transaction.agent_state(&actor.scope, agent).await?;
        let published = state.published.and_then(|published| published.summary.digest);
        digests.extend(Some(digest).filter(|digest| *digest != published));
    }
    for digest in digests {
        let is_approved = match digest {
            Some(digest) => transaction.is_approved(agent, digest).await?,
            None => false,
        };
        if !is_approved {
            return Err(Error::Refused(definition::NOT_APPROVED.to_owned()));
        }
    }
    Ok(())
}
