//! Agents and their definitions.

use keepstep_agent::Definition;
pub use keepstep_agent::versions::Change;
use keepstep_base::AgentId;
use keepstep_base::Revision;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::personas::PersonaSummary;

/// Everything that `sync` needs to know about an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AgentState {
    /// The agent.
    #[schema(value_type = String)]
    pub agent_id: AgentId,
    /// The organization that owns it.
    pub org_id: String,
    /// The revision of this state. `ETag` has the same number.
    #[schema(value_type = u64)]
    pub revision: Revision,
    /// The fields that are set, with the latest *published* persona.
    #[schema(value_type = Object)]
    pub definition: Definition,
    /// The keys of all fields that the server keeps. What is not among them cannot be compared. An old server does not tell; it keeps the
    /// name, the persona, the model and the governance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// The latest published persona version, without its text (that is in `definition`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<PersonaSummary>,
    /// The version that is in production now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<PersonaSummary>,
    /// The newest draft, if it is newer than the latest published version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_draft: Option<PersonaSummary>,
    /// Who put the version into production that is there, where that is another one than the latest published one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployed: Option<Change>,
    /// When the agent last changed, and by whom.
    pub changed: Change,
}

/// A change of any of the fields, made as a whole or not at all.
///
/// A key that is missing leaves its field as it is; `null` clears it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DefinitionChange {
    /// The fields to change, by the keys that the state of an agent lists in `fields`; `null` clears one.
    pub fields: Map<String, Value>,
    /// True to store the persona as a draft instead of publishing it. The other fields have no drafts and are refused
    /// together with this.
    #[serde(default)]
    pub draft: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// An agent as it was at a revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RevisionState {
    /// Which revision.
    #[schema(value_type = u64)]
    pub revision: Revision,
    /// The fields that were set, with the persona that was the latest published one.
    #[schema(value_type = Object)]
    pub definition: Definition,
    /// Author, time and reason.
    pub changed: Change,
}

/// The agents that a key can read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AgentList {
    /// In the order of their names.
    pub agents: Vec<AgentSummary>,
}

/// An agent in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AgentSummary {
    /// Its id.
    #[schema(value_type = String)]
    pub agent_id: AgentId,
    /// The organization that owns it.
    pub org_id: String,
    /// Its name on the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its revision.
    #[schema(value_type = u64)]
    pub revision: Revision,
    /// Its last change.
    pub changed: Change,
}

/// An agent to make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAgent {
    /// Its name.
    pub name: String,
}
