//! The lua dialect: the bodies that `lua-cli` sends and reads.
//!
//! Every success is in an [`Envelope`]; every error is an [`crate::error::ErrorBody`]. The paths are in the server's
//! router; ids in them are not percent-encoded by the peer.

use keepstep_base::AgentId;
use keepstep_base::PersonaVersion;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::agents::PersonaStatus;

/// The envelope of a success.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Envelope<T> {
    /// Always true.
    pub success: bool,
    /// The answer.
    pub data: T,
}

impl<T> Envelope<T> {
    /// Returns the envelope of a success.
    pub fn of(data: T) -> Self {
        Self { success: true, data }
    }
}

/// `GET /admin/agents/{id}`. The peer reads only these; every other field that was ever sent is there as well.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Agent {
    /// The id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name; absent means that the platform has none, which is no drift.
    #[serde(default)]
    pub name: Option<String>,
    /// The model.
    #[serde(default)]
    pub model: Option<Value>,
    /// The governance settings.
    #[serde(default)]
    pub governance: Option<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// `GET /developer/agents/{id}/persona/versions[?status=published|draft]`, newest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PersonaVersions {
    /// The versions.
    pub versions: Vec<PersonaEntry>,
}

/// A persona version. The peer sorts by `createdDate` as a number and compares `version` strictly as a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonaEntry {
    /// Its number.
    #[schema(value_type = u32)]
    pub version: PersonaVersion,
    /// A string, or an object with a string for each channel.
    #[serde(default)]
    pub persona: Value,
    /// Epoch milliseconds. A platform may send a fraction; ours sends none.
    #[serde(default, serialize_with = "whole_where_it_is")]
    pub created_date: f64,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// True for the version in production.
    #[serde(default)]
    pub is_current: bool,
    /// Whether it was ever deployed.
    pub status: PersonaStatus,
}

/// Writes a number without a fraction as one, `1.0` as `1`.
fn whole_where_it_is<S: serde::Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        // The bounds above make the cast exact.
        serializer.serialize_i64(*number as i64)
    } else {
        serializer.serialize_f64(*number)
    }
}

/// `POST /developer/agents/{id}/persona/version`. It publishes, unless `status` says draft (which the peer never sends).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NewPersona {
    /// A string, or an object with a string for each channel.
    pub persona: Value,
    /// Ours: store a draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<PersonaStatus>,
    /// Ours: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// `PATCH /agents/{base}/sub-agent`: any fields of the agent. `null` clears one, an absent one stays as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SubAgentPatch {
    /// What follows `base_` in the agent's id, or `base` itself.
    pub id: String,
    /// The fields.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

/// A kind of things that an agent is made of, besides its definition. The platform keeps their names and versions so
/// that the peer's `sync` finds what it created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PrimitiveKind {
    /// Skills.
    Skill,
    /// Webhooks.
    Webhook,
    /// Triggers.
    Trigger,
    /// Jobs.
    Job,
    /// Preprocessors.
    Preprocessor,
    /// Postprocessors.
    Postprocessor,
    /// MCP servers.
    McpServer,
    /// Devices.
    Device,
    /// Device triggers.
    DeviceTrigger,
    /// Voices.
    Voice,
    /// Workflows.
    Workflow,
}

impl PrimitiveKind {
    /// All kinds.
    pub const ALL: [Self; 11] = [
        Self::Skill,
        Self::Webhook,
        Self::Trigger,
        Self::Job,
        Self::Preprocessor,
        Self::Postprocessor,
        Self::McpServer,
        Self::Device,
        Self::DeviceTrigger,
        Self::Voice,
        Self::Workflow,
    ];

    /// Returns the path of the list, with `{id}` for the agent's id.
    pub fn path(self) -> &'static str {
        match self {
            Self::Skill => "/developer/skills/{id}",
            Self::Webhook => "/developer/webhooks/{id}",
            Self::Trigger => "/developer/triggers/{id}",
            Self::Job => "/developer/jobs/{id}",
            Self::Preprocessor => "/developer/preprocessors/{id}",
            Self::Postprocessor => "/developer/postprocessors/{id}",
            Self::McpServer => "/developer/agents/{id}/mcp-servers",
            Self::Device => "/developer/devices/{id}",
            Self::DeviceTrigger => "/developer/device-triggers/{id}",
            Self::Voice => "/developer/voice-agents/{id}",
            Self::Workflow => "/developer/workflows/{id}",
        }
    }

    /// Returns the key of the list in the answer, or `None` where the answer is the list itself.
    pub fn list_key(self) -> Option<&'static str> {
        match self {
            Self::Skill => Some("skills"),
            Self::Webhook => Some("webhooks"),
            Self::Trigger | Self::DeviceTrigger => Some("triggers"),
            Self::Job => Some("jobs"),
            Self::Preprocessor => Some("preprocessors"),
            Self::Postprocessor => Some("postprocessors"),
            Self::McpServer => None,
            Self::Device => Some("devices"),
            Self::Voice => Some("voices"),
            Self::Workflow => Some("workflows"),
        }
    }

    /// Returns the kind as it is stored and as the manifest of a compiled project names it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Skill => "skill",
            Self::Webhook => "webhook",
            Self::Trigger => "trigger",
            Self::Job => "job",
            Self::Preprocessor => "preprocessor",
            Self::Postprocessor => "postprocessor",
            Self::McpServer => "mcp-server",
            Self::Device => "device",
            Self::DeviceTrigger => "device-trigger",
            Self::Voice => "voice",
            Self::Workflow => "workflow",
        }
    }
}

/// `GET /admin/me/authorization`: whose key it is, in the peer's words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Authorization {
    /// Always 1.
    pub version: u32,
    /// ISO 8601.
    pub generated_at: String,
    /// The subject.
    pub authorization_principal: Value,
    /// The organisations.
    pub orgs: Vec<Value>,
    /// What each profile may do.
    pub capability_profiles: Map<String, Value>,
}

/// `GET /admin/me/authorization/context`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationContext {
    /// An address, for display.
    pub email: String,
    /// A name, for display.
    pub full_name: Option<String>,
}

/// The answer of a write that made or changed an agent, for readers that want more than `success`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Written {
    /// Which agent.
    #[schema(value_type = String)]
    pub agent_id: AgentId,
}
