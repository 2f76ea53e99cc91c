//! `GET /api/v1/events`: what changes.

use keepstep_base::AgentId;
use keepstep_base::Revision;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::agents::Change;

/// Something changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChangeEvent {
    /// Which agent.
    #[schema(value_type = String)]
    pub agent_id: AgentId,
    /// The revision that the change created.
    #[schema(value_type = u64)]
    pub revision: Revision,
    /// Author, time and reason.
    pub changed: Change,
}
