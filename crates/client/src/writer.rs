//! The client that can write.

use keepstep_agent::Field;
use keepstep_agent::canonical;
use keepstep_api::own::{AgentState, DefinitionChange, NewAgent};
use keepstep_base::AgentId;
use keepstep_base::PersonaVersion;
use keepstep_base::Revision;

use crate::dialect::{keepstep, lua};
use crate::error::ClientError;
use crate::options::Options;
use crate::reader::Reader;
use crate::remote::{Dialect, RemoteAgent};
use crate::target::Target;

/// Changes agents on a platform.
#[derive(Debug)]
pub struct Writer {
    reader: Reader,
}

impl Writer {
    /// Prepares a connection; nothing is sent yet.
    ///
    /// # Errors
    /// There are no certificates for an encrypted connection.
    pub fn new(target: &Target, options: &Options) -> Result<Self, ClientError> {
        Ok(Self { reader: Reader::new(target, options)? })
    }

    /// Returns the part that only reads.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Changes fields of an agent and returns the agent after the change.
    ///
    /// A keepstep platform makes the change as a whole or not at all, and only if the agent still has the revision
    /// `expected`; `None` means the one that it has now. In the lua dialect each field is a request of its own, and nothing can be
    /// expected. The `apiKey` in a governance value is never sent (S14), an empty name or persona neither (S8).
    ///
    /// # Errors
    /// Nothing was changed; in the lua dialect [`ClientError::HalfDone`] says what was.
    pub async fn change(
        &self,
        id: &AgentId,
        expected: Option<Revision>,
        change: &DefinitionChange,
    ) -> Result<RemoteAgent, ClientError> {
        let change = fit_to_send(change)?;
        if self.reader.dialect().await? == Dialect::Lua {
            return self.change_one_by_one(id, &change).await;
        }
        let expected = self.expected_or_now(id, expected).await?;
        let call = keepstep::change(id, expected, &change);
        let state: AgentState = self.reader.transport().ask(&call, &format!("agent {id}")).await?;
        Ok(state.into())
    }

    /// Puts a persona version into production and returns the agent after that.
    ///
    /// # Errors
    /// The version is not in production, or was before.
    pub async fn deploy(
        &self,
        id: &AgentId,
        version: PersonaVersion,
        expected: Option<Revision>,
    ) -> Result<RemoteAgent, ClientError> {
        let transport = self.reader.transport();
        if self.reader.dialect().await? == Dialect::Lua {
            lua::deploy(transport, id, version).await?;
            return lua::agent(transport, id).await;
        }
        let expected = self.expected_or_now(id, expected).await?;
        let call = keepstep::deploy(id, version, expected);
        let state: AgentState = transport.ask(&call, &format!("version {version} of agent {id}")).await?;
        Ok(state.into())
    }

    /// Makes an agent and returns it.
    ///
    /// # Errors
    /// The request fails, or the server speaks the lua dialect, in which agents are made elsewhere.
    pub async fn create_agent(&self, agent: &NewAgent) -> Result<RemoteAgent, ClientError> {
        if self.reader.dialect().await? == Dialect::Lua {
            return Err(self.reader.transport().unsupported("agents that a client makes"));
        }
        let state: AgentState = self.reader.transport().ask(&keepstep::create(agent), "place for agents").await?;
        Ok(state.into())
    }

    /// Returns the revision that a write names: the one that was read, so that nothing unseen is replaced, or the one that
    /// the agent has now.
    async fn expected_or_now(&self, id: &AgentId, expected: Option<Revision>) -> Result<Revision, ClientError> {
        match expected {
            Some(revision) => Ok(revision),
            None => {
                let agent = self.reader.agent_now(id).await?;
                agent.revision.ok_or_else(|| self.reader.transport().unsupported("revisions"))
            }
        }
    }

    async fn change_one_by_one(&self, id: &AgentId, change: &DefinitionChange) -> Result<RemoteAgent, ClientError> {
        let transport = self.reader.transport();
        if change.draft {
            return Err(transport.unsupported("drafts"));
        }
        let mut done = Vec::new();
        for field in Field::in_order_of_writing() {
            let Some(value) = change.fields.get(field.key()) else { continue };
            match lua::write(transport, id, field, value).await {
                Ok(()) => done.push(field),
                Err(source) if done.is_empty() => return Err(source),
                Err(source) => return Err(ClientError::HalfDone { done, source: Box::new(source) }),
            }
        }
        lua::agent(transport, id).await.map_err(|source| ClientError::HalfDone { done, source: Box::new(source) })
    }
}

/// Returns the change without what must not be sent.
fn fit_to_send(change: &DefinitionChange) -> Result<DefinitionChange, ClientError> {
    let mut change = change.clone();
    for field in Field::ALL {
        let Some(value) = change.fields.get_mut(field.key()) else { continue };
        if field.is_required() && canonical::canonical(field, Some(value)).is_none() {
            return Err(ClientError::Empty { field });
        }
        *value = field.without_secret(value.take());
    }
    Ok(change)
}
