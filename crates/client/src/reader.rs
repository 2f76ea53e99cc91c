//! The client that cannot write.

use std::sync::OnceLock;

use keepstep_agent::Definition;
use keepstep_api::own::{
    AgentList, AgentState, AgentSummary, DriftReport, PersonaDocument, PersonaList, RevisionState, Role, WhoAmI,
};
use keepstep_base::AgentId;
use keepstep_base::PersonaVersion;
use keepstep_base::Revision;

use crate::dialect::{keepstep, lua};
use crate::error::ClientError;
use crate::options::Options;
use crate::remote::{Dialect, Fetched, PersonaQuery, RemoteAgent};
use crate::target::Target;
use crate::transport::{Transport, WholeResponse};

/// Asks a platform. It has no method that changes an agent or anything else that others work with, so that a command that only looks is
/// safe by its type. The one thing that it may leave there is what it has seen.
#[derive(Debug)]
pub struct Reader {
    transport: Transport,
    dialect: OnceLock<Dialect>,
}

/// Whose key it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// The key's name; in the lua dialect an address.
    pub name: String,
    /// What the key may do, where the dialect tells.
    pub role: Option<Role>,
    /// The organization, where the dialect tells.
    pub org_id: Option<String>,
    /// The project that the key is confined to.
    pub project_id: Option<String>,
    /// When the key ends, in epoch milliseconds.
    pub expires_at: Option<i64>,
    /// How the server talks.
    pub dialect: Dialect,
}

/// That somebody answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// How the server talks. Everything that answers and is not ours counts as the lua dialect.
    pub dialect: Dialect,
    /// The version of the server's program, if it is ours.
    pub version: Option<String>,
    /// What the server's clock says, in epoch seconds, if it tells.
    pub time: Option<i64>,
    /// What is strange about the answer, where it is none that a server of either dialect gives.
    pub problem: Option<String>,
}

impl Reader {
    /// Prepares a connection; nothing is sent yet.
    ///
    /// # Errors
    /// There are no certificates for an encrypted connection.
    pub fn new(target: &Target, options: &Options) -> Result<Self, ClientError> {
        Ok(Self { transport: Transport::new(target, options)?, dialect: OnceLock::new() })
    }

    /// Returns the server as messages show it.
    pub fn server(&self) -> &str {
        self.transport.server()
    }

    /// Returns how the server talks, once an answer has shown it.
    pub fn known_dialect(&self) -> Option<Dialect> {
        self.dialect.get().copied()
    }

    /// Returns how the server talks, and asks it if that is not known yet.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn dialect(&self) -> Result<Dialect, ClientError> {
        match self.known_dialect() {
            Some(dialect) => Ok(dialect),
            None => Ok(self.health().await?.dialect),
        }
    }

    /// Asks whether somebody answers. No key is needed or sent.
    ///
    /// # Errors
    /// The server does not answer, or not well.
    pub async fn health(&self) -> Result<Health, ClientError> {
        let answer = self.transport.send(&keepstep::health()).await?;
        let dialect = if self.note(&answer) { Dialect::Keepstep } else { Dialect::Lua };
        if dialect == Dialect::Keepstep && !answer.status.is_success() {
            return Err(self.transport.refusal(&answer, "health check"));
        }
        let is_strange = dialect == Dialect::Lua && answer.value().is_none();
        let problem = is_strange.then(|| self.transport.not_ours(&answer).to_string());
        Ok(Health { dialect, version: answer.server_version(), time: answer.time(), problem })
    }

    /// Returns whose key it is.
    ///
    /// # Errors
    /// The server does not answer, or does not know the key.
    pub async fn whoami(&self) -> Result<Identity, ClientError> {
        if let Some(answer) = self.ours(&keepstep::who_am_i()).await? {
            let who: WhoAmI = self.transport.read(&answer, "whoami")?;
            return Ok(Identity {
                name: who.name,
                role: Some(who.role),
                org_id: Some(who.org_id),
                project_id: who.project_id,
                expires_at: who.expires_at,
                dialect: Dialect::Keepstep,
            });
        }
        let name = self.settle(lua::email(&self.transport).await)?.unwrap_or_default();
        Ok(Identity { name, role: None, org_id: None, project_id: None, expires_at: None, dialect: Dialect::Lua })
    }

    /// Returns the agents that the key can read.
    ///
    /// # Errors
    /// The request fails, or the server speaks the lua dialect, which has no list.
    pub async fn agents(&self) -> Result<Vec<AgentSummary>, ClientError> {
        let Some(answer) = self.ours(&keepstep::agents()).await? else {
            return Err(self.transport.unsupported("lists of agents"));
        };
        let list: AgentList = self.transport.read(&answer, "list of agents")?;
        Ok(list.agents)
    }

    /// Returns everything that a comparison needs to know about an agent, or that it still has the revision `known`.
    ///
    /// # Errors
    /// The request fails. In the lua dialect a failure of either of its two requests is one.
    pub async fn agent(&self, id: &AgentId, known: Option<Revision>) -> Result<Fetched, ClientError> {
        if let Some(answer) = self.ours(&keepstep::state(id, known)).await? {
            if answer.status == http::StatusCode::NOT_MODIFIED && known.is_some() {
                return Ok(Fetched::Unchanged);
            }
            let state: AgentState = self.transport.read(&answer, &format!("agent {id}"))?;
            return Ok(Fetched::Agent(state.into()));
        }
        self.settle(lua::agent(&self.transport, id).await).map(Fetched::Agent)
    }

    /// Returns an agent as it is now.
    ///
    /// # Errors
    /// As [`Reader::agent`].
    pub async fn agent_now(&self, id: &AgentId) -> Result<RemoteAgent, ClientError> {
        match self.agent(id, None).await? {
            Fetched::Agent(agent) => Ok(agent),
            // Only an answer to a named revision can say that.
            Fetched::Unchanged => Err(ClientError::Cut { server: self.server().to_owned() }),
        }
    }

    /// Returns the definition of an agent as it was at a revision.
    ///
    /// # Errors
    /// The request fails, or the server speaks the lua dialect, which has no revisions.
    pub async fn revision(&self, id: &AgentId, revision: Revision) -> Result<Definition, ClientError> {
        let Some(answer) = self.ours(&keepstep::revision(id, revision)).await? else {
            return Err(self.transport.unsupported("revisions"));
        };
        let state: RevisionState = self.transport.read(&answer, &format!("revision {revision} of agent {id}"))?;
        Ok(state.definition)
    }

    /// Returns a page of persona versions, newest first.
    ///
    /// # Errors
    /// The request fails.
    pub async fn personas(&self, id: &AgentId, query: &PersonaQuery) -> Result<PersonaList, ClientError> {
        if let Some(answer) = self.ours(&keepstep::personas(id, query)).await? {
            return self.transport.read(&answer, &format!("agent {id}"));
        }
        let documents = self.settle(lua::personas(&self.transport, id).await)?;
        let is_wanted = |document: &PersonaDocument| {
            query.status.is_none_or(|status| document.summary.status == status)
                && query.before.is_none_or(|before| document.summary.version < before)
        };
        let mut versions: Vec<_> = documents.into_iter().filter(is_wanted).map(|document| document.summary).collect();
        versions.sort_by_key(|version| std::cmp::Reverse(version.version));
        let limit = query.limit.map_or(usize::MAX, |limit| limit as usize);
        let has_more = versions.len() > limit;
        versions.truncate(limit);
        let next = versions.last().filter(|_| has_more).map(|last| last.version);
        Ok(PersonaList { versions, next })
    }

    /// Returns a persona version with its text.
    ///
    /// # Errors
    /// The request fails, or there is no such version.
    pub async fn persona(&self, id: &AgentId, version: PersonaVersion) -> Result<PersonaDocument, ClientError> {
        let what = format!("version {version} of agent {id}");
        if let Some(answer) = self.ours(&keepstep::persona(id, version)).await? {
            return self.transport.read(&answer, &what);
        }
        let documents = self.settle(lua::personas(&self.transport, id).await)?;
        let found = documents.into_iter().find(|document| document.summary.version == version);
        found.ok_or_else(|| ClientError::NotFound { server: self.server().to_owned(), what, message: None })
    }

    /// Reports what a check has seen. Only to a server that is known to be ours: no other one is asked for it.
    ///
    /// # Errors
    /// The request fails, or the server is none of ours or too old.
    pub async fn report_drift(&self, id: &AgentId, report: &DriftReport) -> Result<(), ClientError> {
        if self.known_dialect() != Some(Dialect::Keepstep) {
            return Err(self.transport.unsupported("reports of drift"));
        }
        let answer = self.transport.send(&keepstep::report(id, report)).await?;
        if answer.status.is_success() { Ok(()) } else { Err(self.transport.refusal(&answer, &format!("agent {id}"))) }
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Sends one of keepstep's own requests. `None` means that the server does not speak that dialect: it answered as
    /// servers answer that never heard of the address. An answer of our own server is final whatever its status; another
    /// program's error that is not of that kind is an error here, too.
    async fn ours(&self, call: &crate::transport::Call) -> Result<Option<WholeResponse>, ClientError> {
        if self.known_dialect() == Some(Dialect::Lua) {
            return Ok(None);
        }
        let answer = self.transport.send(call).await?;
        if self.note(&answer) {
            return Ok(Some(answer));
        }
        let is_unheard_of = answer.status.is_success()
            || matches!(answer.status.as_u16(), 401 | 403 | 404 | 405)
            || (answer.status.is_client_error() && answer.value().is_none());
        if is_unheard_of { Ok(None) } else { Err(self.transport.refusal(&answer, "server")) }
    }

    /// Remembers that the server is ours, if the answer shows it.
    fn note(&self, answer: &WholeResponse) -> bool {
        let is_ours = answer.is_ours();
        if is_ours {
            self.dialect.get_or_init(|| Dialect::Keepstep);
        }
        is_ours
    }

    /// Remembers that the server speaks the lua dialect, once it gave a good answer in it.
    fn settle<T>(&self, result: Result<T, ClientError>) -> Result<T, ClientError> {
        if result.is_ok() {
            self.dialect.get_or_init(|| Dialect::Lua);
        }
        result
    }
}
