//! A scenario as documents have it.

use keepstep_api::fluxloop::Scenario;
use serde_json::{Value, json};

/// Returns a scenario as documents have it.
pub(super) fn document(scenario: &Scenario) -> Value {
    json!({
        "id": scenario.id, "name": scenario.name, "description": scenario.description,
        "project_id": scenario.project_id, "created_at": scenario.created_at,
    })
}
