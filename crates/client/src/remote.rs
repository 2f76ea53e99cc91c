//! An agent as the platform has it, in whatever dialect it said so.

use std::collections::BTreeSet;

use keepstep_agent::Definition;
use keepstep_agent::Field;
use keepstep_agent::drift::Server;
use keepstep_api::own::{AgentState, Change, PersonaStatus, PersonaSummary};
use keepstep_base::AgentId;
use keepstep_base::PersonaVersion;
use keepstep_base::Revision;

/// How a server talks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Keepstep's own: revisions, preconditions, idempotent writes.
    Keepstep,
    /// The one of the lua tool: none of these.
    Lua,
}

/// The answer to "what is this agent, if it is not what I already know?".
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is taken apart at once")]
pub enum Fetched {
    /// It still has the revision that was named.
    Unchanged,
    /// It is this.
    Agent(RemoteAgent),
}

/// An agent as the platform has it.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteAgent {
    /// Which agent.
    pub agent_id: AgentId,
    /// Its revision; `None` where the dialect has none.
    pub revision: Option<Revision>,
    /// The fields that are set, with the latest *published* persona. In the lua dialect an empty name is kept, because it
    /// is not the same there as none.
    pub definition: Definition,
    /// The fields that the server keeps, or of which it tells whether they are set.
    pub kept: BTreeSet<Field>,
    /// The latest published persona version.
    pub published: Option<PersonaSummary>,
    /// The version in production; in the lua dialect only if it was published.
    pub current: Option<PersonaSummary>,
    /// The newest draft, if it is newer than the latest published version; the lua dialect does not tell.
    pub newest_draft: Option<PersonaSummary>,
    /// Who put the version into production that is there, where that is another one than the latest published one and the
    /// dialect tells.
    pub deployed: Option<Change>,
    /// Its last change, where the dialect tells.
    pub changed: Option<Change>,
    /// How the server talks.
    pub dialect: Dialect,
}

impl RemoteAgent {
    /// Returns what the platform says of a field, in the form that the comparison wants.
    pub fn side(&self, field: Field) -> Server {
        Server::of(field, self.definition.get(field))
    }
}

/// Returns the fields that every server keeps: those that the peer compares too.
pub(crate) fn common_fields() -> BTreeSet<Field> {
    Field::ALL.into_iter().filter(|field| field.is_always_named()).collect()
}

impl From<AgentState> for RemoteAgent {
    fn from(state: AgentState) -> Self {
        let kept = match state.fields.as_slice() {
            [] => common_fields(),
            // It may be newer and keep fields that this version does not know.
            keys => keys.iter().filter_map(|key| Field::from_key(key)).collect(),
        };
        Self {
            kept,
            agent_id: state.agent_id,
            revision: Some(state.revision),
            definition: state.definition,
            published: state.published,
            current: state.current,
            newest_draft: state.newest_draft,
            deployed: state.deployed,
            changed: Some(state.changed),
            dialect: Dialect::Keepstep,
        }
    }
}

/// Which persona versions to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PersonaQuery {
    /// Only these.
    pub status: Option<PersonaStatus>,
    /// Only older ones than this.
    pub before: Option<PersonaVersion>,
    /// At most so many.
    pub limit: Option<u32>,
}
