//! A bundle as documents have it.

use keepstep_api::fluxloop::Bundle;
use serde_json::{Value, json};

/// Returns a bundle version as documents have it.
pub(super) fn document(bundle: &Bundle) -> Value {
    json!({
        "bundle_version_id": bundle.id, "name": bundle.name, "status": bundle.status, "generation": bundle.generation,
        "project_id": bundle.project_id, "scenario_id": bundle.scenario_id, "input_set_id": bundle.input_set_id,
        "inputs": bundle.input_count, "personas": bundle.personas_count, "created_at": bundle.created_at,
    })
}
