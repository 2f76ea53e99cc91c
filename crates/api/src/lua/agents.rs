//! Agents.

use keepstep_base::AgentId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// `GET /admin/agents/{id}`. The peer reads only these; every other field that was ever sent is there as well.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Agent {
    /// The id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name; absent where the server has none, which is not drift.
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

impl Agent {
    /// Returns the answer for an agent with these fields.
    pub fn of(id: &AgentId, mut fields: Map<String, Value>) -> Self {
        let name = fields.shift_remove("name").and_then(|name| name.as_str().map(str::to_owned));
        let [model, governance] = ["model", "governance"].map(|key| fields.shift_remove(key));
        Self { id: Some(id.to_string()), name, model, governance, others: fields }
    }

    /// Returns all fields that the answer has, null where one is not set. The three that every server tells are always there.
    pub fn into_fields(self) -> Map<String, Value> {
        let mut fields = self.others;
        fields.insert("name".to_owned(), self.name.map_or(Value::Null, Value::String));
        fields.insert("model".to_owned(), self.model.unwrap_or_default());
        fields.insert("governance".to_owned(), self.governance.unwrap_or_default());
        fields
    }
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

/// The answer of a write that made or changed an agent, for readers that want more than `success`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Written {
    /// Which agent.
    #[schema(value_type = String)]
    pub agent_id: AgentId,
}
