//! Agents: making them, changing what they are, putting a persona into production.

use keepstep_agent::Field;
use keepstep_base::{AgentId, PersonaVersion, Revision};
use keepstep_store::{
    Agent, AgentState, Intent, NewAgent, Patch, Persona, PersonaChange, PersonaStatus, Primitive, Role, Transaction,
};
use serde_json::{Map, Value, json};

use crate::actor::{Actor, KeyHolder};
use crate::cache::SentState;
use crate::definition;
use crate::error::Error;
use crate::platform::Platform;
use crate::proposals::require_approval;
use crate::write::Reply;

/// Which agent is changed, why, and on which condition.
#[derive(Debug, Clone)]
pub struct Target<'a> {
    /// The agent.
    pub agent: &'a AgentId,
    /// Why.
    pub message: Option<String>,
    /// The revision that the change was made from; `None` accepts any.
    pub expected: Option<Revision>,
}

impl Target<'_> {
    fn intent<'a>(&'a self, actor: &'a Actor, message: Option<&'a str>) -> Intent<'a> {
        Intent { scope: &actor.scope, agent: self.agent, author: Some(&actor.name), message, expected: self.expected }
    }
}

/// An agent after a change.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedAgent {
    /// What it is now.
    pub state: AgentState,
    /// The revision that the change led to.
    pub revision: Revision,
    /// False if everything was so already.
    pub is_new: bool,
}

/// A persona that was saved.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedPersona {
    /// The version that holds the text: a new one, or the one that held it already.
    pub persona: Persona,
    /// The revision of the agent.
    pub revision: Revision,
}

impl Platform {
    /// Returns the state of an agent as it is sent: written by `write` once, for as long as it is true.
    ///
    /// # Errors
    /// There is no such agent for the key, or the database failed.
    pub async fn sent_state(
        &self,
        by: &KeyHolder,
        id: &AgentId,
        write: fn(AgentState) -> Result<Vec<u8>, Error>,
    ) -> Result<SentState, Error> {
        by.actor.require(Role::Viewer)?;
        self.cache.state(&self.store, by.generation, &by.actor.scope, id, write).await
    }

    /// Creates an agent. An owner may.
    ///
    /// # Errors
    /// The actor may not, the name is not one that an agent can have, or the database failed.
    pub async fn create_agent<R: Reply<AgentState>>(&self, actor: &Actor, name: String, reply: R) -> Result<R::Output, Error> {
        actor.require(Role::Owner)?;
        definition::value(Field::NAME, Value::String(name.clone()))?;
        self.write(actor, "create an agent", reply, async |transaction| {
            let new = NewAgent { scope: &actor.scope, name: &name, author: Some(&actor.name) };
            let created = transaction.create_agent(new).await?;
            about(transaction, &created.agent);
            Ok(created)
        })
        .await
    }

    /// Changes any fields of an agent, as a whole: what is published, what is only a draft, and everything else. Where a draft is to be
    /// published without another change, `deploy` names it, and it becomes the published version itself. An editor may.
    ///
    /// The values are those that [`definition::patch`] lets through.
    ///
    /// # Errors
    /// The actor may not, there is no such agent for them, it is at another revision than expected, or the database failed.
    pub async fn change_agent<R: Reply<ChangedAgent>>(
        &self,
        actor: &Actor,
        target: Target<'_>,
        patch: &Patch,
        deploy: Option<PersonaVersion>,
        reply: R,
    ) -> Result<R::Output, Error> {
        actor.require(Role::Editor)?;
        require_rights_for(actor, patch, deploy)?;
        let message = definition::message(target.message.clone())?;
        self.write(actor, what_changes(patch, deploy), reply, async |transaction| {
            change(transaction, actor, &target, message.as_deref(), patch, deploy).await
        })
        .await
    }

    /// Publishes a persona, or saves a draft of it. An editor may.
    ///
    /// # Errors
    /// The actor may not, the text is not one that a persona can have, there is no such agent for them, it is at another revision than
    /// expected, or the database failed.
    pub async fn save_persona<R: Reply<SavedPersona>>(
        &self,
        actor: &Actor,
        target: Target<'_>,
        persona: Value,
        status: PersonaStatus,
        reply: R,
    ) -> Result<R::Output, Error> {
        actor.require(Role::Editor)?;
        if status == PersonaStatus::Published {
            actor.require_publish()?;
        }
        let message = definition::message(target.message.clone())?;
        let change = PersonaChange { persona: definition::persona(persona)?, status };
        let patch = Patch { persona: Some(change), ..Patch::default() };
        self.write(actor, what_changes(&patch, None), reply, async |transaction| {
            require_approval(transaction, actor, target.agent, patch.persona.as_ref(), None).await?;
            let changed = transaction.change(&target.intent(actor, message.as_deref()), &patch).await?;
            let version = changed.persona.ok_or_else(|| Error::Internal("a persona without a version".to_owned()))?;
            let persona = transaction.persona(&actor.scope, target.agent, version).await?;
            let state = transaction.agent_state(&actor.scope, target.agent).await?;
            about(transaction, &state.agent);
            if changed.is_new && status == PersonaStatus::Published {
                announce(transaction, actor, &state, message.as_deref()).await?;
            }
            Ok(SavedPersona { persona, revision: changed.revision })
        })
        .await
    }

    /// Puts a persona version into production. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such agent or version for them, the agent is at another revision than expected, or the database
    /// failed.
    pub async fn deploy_persona<R: Reply<ChangedAgent>>(
        &self,
        actor: &Actor,
        target: Target<'_>,
        version: PersonaVersion,
        reply: R,
    ) -> Result<R::Output, Error> {
        actor.require_publish()?;
        let message = definition::message(target.message.clone())?;
        self.write(actor, "deploy a persona", reply, async |transaction| {
            require_approval(transaction, actor, target.agent, None, Some(version)).await?;
            let deployed = transaction.deploy(&target.intent(actor, message.as_deref()), version).await?;
            let state = transaction.agent_state(&actor.scope, target.agent).await?;
            about(transaction, &state.agent);
            if deployed.is_new {
                announce(transaction, actor, &state, message.as_deref()).await?;
            }
            Ok(ChangedAgent { state, revision: deployed.revision, is_new: deployed.is_new })
        })
        .await
    }

    /// Creates a primitive of an agent, or replaces the body of the one that has the name. An editor may.
    ///
    /// # Errors
    /// The actor may not, the name is empty or too long, there is no such agent for them, or the database failed.
    pub async fn create_primitive<R: Reply<Primitive>>(
        &self,
        actor: &Actor,
        agent: &AgentId,
        kind: &str,
        name: &str,
        body: Map<String, Value>,
        reply: R,
    ) -> Result<R::Output, Error> {
        actor.require(Role::Editor)?;
        if name.trim().is_empty() {
            return Err(Error::Refused("The name is empty.".to_owned()));
        }
        if name.len() > definition::NAME_LIMIT {
            return Err(Error::TooLarge { what: "The name".into(), limit: definition::NAME_LIMIT as u64 });
        }
        self.write(actor, "create a primitive", reply, async |transaction| {
            transaction.about("agent", agent.as_str(), name);
            Ok(transaction.put_primitive(&actor.scope, agent, kind, name, body).await?)
        })
        .await
    }
}

/// Passes who may make a change. What has no draft is changed for everybody at once.
pub(crate) fn require_rights_for(actor: &Actor, patch: &Patch, deploy: Option<PersonaVersion>) -> Result<(), Error> {
    let publishes = patch.persona.as_ref().is_some_and(|persona| persona.status == PersonaStatus::Published);
    if publishes || deploy.is_some() || !patch.fields.is_empty() { actor.require_publish() } else { Ok(()) }
}

/// Changes any fields of an agent as a part of a transaction; see [`Platform::change_agent`].
pub(crate) async fn change(
    transaction: &mut Transaction,
    actor: &Actor,
    target: &Target<'_>,
    message: Option<&str>,
    patch: &Patch,
    deploy: Option<PersonaVersion>,
) -> Result<ChangedAgent, Error> {
    require_approval(transaction, actor, target.agent, patch.persona.as_ref(), deploy).await?;
    let intent = target.intent(actor, message);
    let mut changed = transaction.change(&intent, patch).await?;
    if let Some(version) = deploy {
        // The first change was made in this transaction, so nobody can have come between.
        let intent = Intent { expected: Some(changed.revision), ..intent };
        let deployed = transaction.deploy(&intent, version).await?;
        changed.is_new |= deployed.is_new;
        changed.revision = deployed.revision;
    }
    let state = transaction.agent_state(&actor.scope, target.agent).await?;
    about(transaction, &state.agent);
    let publishes = patch.persona.as_ref().is_some_and(|persona| persona.status == PersonaStatus::Published);
    if changed.is_new && (publishes || deploy.is_some()) {
        announce(transaction, actor, &state, message).await?;
    }
    Ok(ChangedAgent { state, revision: changed.revision, is_new: changed.is_new })
}

/// Tells who wants to know that another persona is in production.
async fn announce(transaction: &mut Transaction, actor: &Actor, state: &AgentState, message: Option<&str>) -> Result<(), Error> {
    let data = json!({
        "agent": { "id": state.agent.id.as_str(), "name": state.agent.name() },
        "version": state.current.as_ref().map(|current| current.version.0),
        "revision": state.agent.revision.0,
        "by": actor.name,
        "message": message,
    });
    transaction.announce(&actor.scope, "persona.published", &data).await?;
    Ok(())
}

/// Says in the log which agent a write is about.
fn about(transaction: &mut Transaction, agent: &Agent) {
    transaction.about("agent", agent.id.as_str(), agent.name().unwrap_or_default());
}

/// Returns what a change of an agent is called in the log.
pub(crate) fn what_changes(patch: &Patch, deploy: Option<PersonaVersion>) -> &'static str {
    match &patch.persona {
        _ if deploy.is_some() => "publish a draft of a persona",
        Some(PersonaChange { status: PersonaStatus::Published, .. }) => "publish a persona",
        Some(PersonaChange { status: PersonaStatus::Draft, .. }) => "save a draft of a persona",
        None => "change an agent",
    }
}
