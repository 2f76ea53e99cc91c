//! A project as documents have it.

use keepstep_api::fluxloop::Project;
use serde_json::{Value, json};

/// Returns a project as documents have it.
pub(super) fn document(project: &Project) -> Value {
    json!({
        "id": project.id, "name": project.name, "description": project.description,
        "workspace_id": project.workspace_id, "created_at": project.created_at,
    })
}
