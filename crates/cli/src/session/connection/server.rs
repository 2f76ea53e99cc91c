//! The conversation with a platform. Commands are written one step after the other; what is asynchronous ends here.

use std::cell::OnceCell;
use std::path::Path;
use std::time::Duration;

use keepstep_agent::Definition;
use keepstep_api::own::{DefinitionChange, DriftReport, NewAgent, PersonaStatus, PersonaSummary};
use keepstep_base::AgentId;
use keepstep_base::PersonaVersion;
use keepstep_base::Revision;
use keepstep_client::{
    About, ClientError, Health, Identity, Options, PersonaQuery, Reader, RemoteAgent, Secret, Surroundings, Target,
    TargetOptions, Writer,
};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::session::connection::connecting::{options, surroundings};
use crate::session::connection::renewed_login;
use crate::session::connection::trusted;
use crate::session::context::Context;
use crate::session::runtime;
use crate::shell::failure::Failure;

/// A platform that can be asked. To write takes [`Server::writer`].
#[derive(Debug)]
pub(crate) struct Server {
    runtime: Runtime,
    target: Target,
    options: Options,
    reader: Reader,
    writer: OnceCell<Writer>,
}

/// The same platform, for the steps of a command that may write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WritableServer<'a> {
    server: &'a Server,
    writer: &'a Writer,
}

impl Server {
    /// Prepares a conversation with the platform that the flags, the environment and the project name.
    pub(crate) fn connect(context: &Context, project: Option<&Path>) -> Result<Self, Failure> {
        Self::connect_to(context, target(context, project)?)
    }

    /// Prepares a conversation with a platform.
    pub(crate) fn connect_to(context: &Context, target: Target) -> Result<Self, Failure> {
        let target = renewed_login::renewed(context, target)?;
        let options = options(context);
        let reader = Reader::new(&target, &patience(&options))?;
        Ok(Self { runtime: runtime::single()?, target, options, reader, writer: OnceCell::new() })
    }

    /// Returns the address, as it is shown.
    pub(crate) fn name(&self) -> &str {
        self.reader.server()
    }

    /// Returns the address and the key.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Returns the agent as it is now.
    pub(crate) fn state(&self, agent: &AgentId) -> Result<RemoteAgent, Failure> {
        Ok(self.runtime.block_on(self.reader.agent_now(agent))?)
    }

    /// Returns the definition of a revision.
    pub(crate) fn revision(&self, agent: &AgentId, revision: Revision) -> Result<Definition, Failure> {
        Ok(self.runtime.block_on(self.reader.revision(agent, revision))?)
    }

    /// Returns the text of a persona version.
    pub(crate) fn persona(&self, agent: &AgentId, version: PersonaVersion) -> Result<Value, Failure> {
        Ok(self.runtime.block_on(self.reader.persona(agent, version))?.persona)
    }

    /// Returns all persona versions, the newest first.
    pub(crate) fn personas(&self, agent: &AgentId, status: Option<PersonaStatus>) -> Result<Vec<PersonaSummary>, Failure> {
        let mut query = PersonaQuery { status, ..PersonaQuery::default() };
        let mut versions = Vec::new();
        loop {
            let page = self.runtime.block_on(self.reader.personas(agent, &query))?;
            versions.extend(page.versions);
            match page.next {
                Some(next) => query.before = Some(next),
                None => return Ok(versions),
            }
        }
    }

    /// Returns whose key it is.
    pub(crate) fn whoami(&self) -> Result<Identity, Failure> {
        Ok(self.runtime.block_on(self.reader.whoami())?)
    }

    /// Returns how the platform is, without a key.
    pub(crate) fn health(&self) -> Result<Health, ClientError> {
        self.runtime.block_on(self.reader.health())
    }

    /// Reports what a check has seen, and waits at most so long. Returns whether the report arrived.
    pub(crate) fn report_drift(&self, agent: &AgentId, report: &DriftReport, patience: Duration) -> bool {
        let sent = async { tokio::time::timeout(patience, self.reader.report_drift(agent, report)).await };
        matches!(self.runtime.block_on(sent), Ok(Ok(())))
    }

    /// Returns the platform as one that can be written.
    pub(crate) fn writer(&self) -> Result<WritableServer<'_>, Failure> {
        if self.writer.get().is_none() {
            let writer = Writer::new(&self.target, &self.options)?;
            // Nobody else can have set it: there is one thread.
            let _ = self.writer.set(writer);
        }
        match self.writer.get() {
            Some(writer) => Ok(WritableServer { server: self, writer }),
            None => Err(Failure::usage("the connection could not be prepared")),
        }
    }
}

impl WritableServer<'_> {
    /// Changes an agent that still has the revision, and returns it after the change.
    pub(crate) fn change(
        self,
        agent: &AgentId,
        expected: Option<Revision>,
        change: &DefinitionChange,
    ) -> Result<RemoteAgent, ClientError> {
        self.server.runtime.block_on(self.writer.change(agent, expected, change))
    }

    /// Puts a persona version into production.
    pub(crate) fn deploy(
        self,
        agent: &AgentId,
        version: PersonaVersion,
        expected: Option<Revision>,
    ) -> Result<RemoteAgent, ClientError> {
        self.server.runtime.block_on(self.writer.deploy(agent, version, expected))
    }

    /// Makes an agent.
    pub(crate) fn create_agent(self, name: &str) -> Result<RemoteAgent, ClientError> {
        self.server.runtime.block_on(self.writer.create_agent(&NewAgent { name: name.to_owned() }))
    }
}

/// Returns the same options for somebody who only looks, and whose work must not wait for a server in trouble.
fn patience(options: &Options) -> Options {
    let mut options = options.clone();
    options.policy.total = Duration::from_secs(5);
    options
}

/// Returns the platform and the key that the flags, the environment and the project name.
pub(crate) fn target(context: &Context, project: Option<&Path>) -> Result<Target, Failure> {
    target_of(context, project, context.url.clone())
}

/// Returns the same with another address in place of the flag's.
pub(crate) fn target_of(context: &Context, project: Option<&Path>, url: Option<String>) -> Result<Target, Failure> {
    let wanted = TargetOptions {
        url_flag: url,
        key_flag: context.api_key.as_deref().map(Secret::from),
        called_as: context.program.tool(),
        about: About::Agent,
        login_first: false,
    };
    let surroundings = Surroundings { project: project.map(Path::to_owned), ..surroundings(context) };
    trusted::resolved(context, &wanted, &surroundings)
}
