//! A bundle as documents have it.

use keepstep_api::fluxloop::Bundle;
use serde_json::{Value, json};

/// Returns a bundle version as documents have it.
pub(super) fn document(bundle: &Bundle) -> Value {
    json!({
        "bundleVersionId": bundle.id, "name": bundle.name, "status": bundle.status, "generation": bundle.generation,
        "projectId": bundle.project_id, "scenarioId": bundle.scenario_id, "inputSetId": bundle.input_set_id,
        "inputs": bundle.input_count, "personas": bundle.personas_count, "createdAt": bundle.created_at,
    })
}
