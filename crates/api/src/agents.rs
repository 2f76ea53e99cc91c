//! Our additions about agents, under `/api/v1`.
//!
//! | Request | Answer |
//! |---|---|
//! | `GET /api/v1/whoami` | [`WhoAmI`] |
//! | `GET /api/v1/agents` | [`AgentList`] |
//! | `POST /api/v1/agents` [`NewAgent`] | 201 [`AgentState`] |
//! | `GET /api/v1/agents/{id}/state` | [`AgentState`] with `ETag`; 304 for `If-None-Match` of the same revision |
//! | `PATCH /api/v1/agents/{id}/definition` [`DefinitionChange`] with `If-Match` | [`AgentState`] after the change |
//! | `GET /api/v1/agents/{id}/revisions/{n}` | [`RevisionState`] |
//! | `GET /api/v1/agents/{id}/personas?status=&before=&limit=` | [`PersonaList`], newest first |
//! | `GET /api/v1/agents/{id}/personas/{n}` | [`PersonaDocument`] |
//! | `POST /api/v1/agents/{id}/personas/{n}/deploy` with `If-Match` | [`AgentState`] after the change |
//! | `GET /api/v1/agents/{id}/personas/{a}/diff/{b}` | [`PersonaDiff`] |
//! | `GET /api/v1/events[?agent=ID]` | server-sent events; the data of each is a [`ChangeEvent`] |
//!
//! A write without `If-Match` is answered 428 here; the lua dialect's writes have none and are accepted.

use keepstep_agent::Definition;
use keepstep_agent::diff;
use keepstep_base::AgentId;
use keepstep_base::Digest;
use keepstep_base::PersonaVersion;
use keepstep_base::Revision;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Everything that `sync` needs to know about an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentState {
    /// The agent.
    #[schema(value_type = String)]
    pub agent_id: AgentId,
    /// The organisation that owns it.
    pub org_id: String,
    /// The revision of this state. `ETag` has the same number.
    #[schema(value_type = u64)]
    pub revision: Revision,
    /// The fields that are set: the name, the model, the governance and the latest *published* persona.
    #[schema(value_type = Object)]
    pub definition: Definition,
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

/// Who did something, when, and what they said about it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The name of the person or key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Epoch milliseconds.
    pub at: i64,
    /// The message that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A persona version without its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonaSummary {
    /// Its number.
    #[schema(value_type = u32)]
    pub version: PersonaVersion,
    /// Whether it was ever deployed.
    pub status: PersonaStatus,
    /// True for the version in production.
    pub is_current: bool,
    /// The digest of its canonical text.
    #[schema(value_type = Option<String>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Who made it, when, and why.
    pub created: Change,
}

/// The state of a persona version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PersonaStatus {
    /// Made, never deployed.
    Draft,
    /// Deployed at least once.
    Published,
}

/// A change of any of the fields, made as a whole or not at all.
///
/// A key that is missing leaves its field as it is; `null` clears it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DefinitionChange {
    /// The fields to change: an object with any of `name`, `persona`, `model`, `governance`; `null` clears one.
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
#[serde(rename_all = "camelCase")]
pub struct RevisionState {
    /// Which revision.
    #[schema(value_type = u64)]
    pub revision: Revision,
    /// The fields that were set, with the persona that was the latest published one.
    #[schema(value_type = Object)]
    pub definition: Definition,
    /// Who made it, when, and why.
    pub changed: Change,
}

/// A persona version with its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonaDocument {
    /// Everything but the text.
    #[serde(flatten)]
    pub summary: PersonaSummary,
    /// A string, or an object with a string for each channel.
    pub persona: Value,
}

/// A page of persona versions, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonaList {
    /// The versions.
    pub versions: Vec<PersonaSummary>,
    /// Pass this as `before` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    pub next: Option<PersonaVersion>,
}

/// How one persona version differs from another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonaDiff {
    /// The old version.
    #[schema(value_type = u32)]
    pub from: PersonaVersion,
    /// The new version.
    #[schema(value_type = u32)]
    pub to: PersonaVersion,
    /// The lines; nothing where the two are equal.
    #[schema(value_type = Vec<Object>)]
    pub rows: Vec<diff::Row>,
}

/// The agents that a key may see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentList {
    /// In the order of their names.
    pub agents: Vec<AgentSummary>,
}

/// An agent in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentSummary {
    /// Its id.
    #[schema(value_type = String)]
    pub agent_id: AgentId,
    /// The organisation that owns it.
    pub org_id: String,
    /// Its name on the platform.
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
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewAgent {
    /// Its name.
    pub name: String,
}

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WhoAmI {
    /// The name that the key was given.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The organisation.
    pub org_id: String,
    /// The project that it is confined to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// When it ends, in epoch milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

/// What a key or a member may do. Each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Writes agents and test data.
    Editor,
    /// Also makes keys, agents and projects.
    Owner,
}

/// Something changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeEvent {
    /// Which agent.
    #[schema(value_type = String)]
    pub agent_id: AgentId,
    /// The revision that the change made.
    #[schema(value_type = u64)]
    pub revision: Revision,
    /// Who made it, when, and why.
    pub changed: Change,
}
