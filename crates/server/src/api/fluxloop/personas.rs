//! `/api/personas`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keepstep_api::fluxloop::NewPersona;
use keepstep_platform::Platform;
use keepstep_store::Role;
use keepstep_store::test_data::TestPersona;
use serde::Deserialize;
use serde_json::{Value, json};

use super::markup::literal;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::reply;
use crate::request::{Input, Parameters};

/// Which personas a client wants.
#[derive(Debug, Deserialize)]
pub(crate) struct PersonasQuery {
    project_id: Option<String>,
    scenario_id: Option<String>,
}

/// `GET /api/personas?project_id=&scenario_id=`
#[utoipa::path(
    get,
    path = "/api/personas",
    params(("project_id" = Option<String>, Query, description = "The project"), ("scenario_id" = Option<String>, Query, description = "The project of this scenario instead")),
    responses((status = 200, description = "The personas of the project, or of all that the key can see", body = Vec<Object>))
)]
pub(crate) async fn list(
    State(platform): State<Platform>,
    caller: Caller,
    Parameters(wanted): Parameters<PersonasQuery>,
) -> Result<Json<Vec<Value>>, ApiError> {
    caller.require(Role::Viewer)?;
    let projects = match (wanted.scenario_id, wanted.project_id) {
        (Some(scenario), _) => vec![platform.store.scenario(&caller.scope, &scenario).await?.project_id],
        (None, Some(project)) => vec![project],
        // One of the peers never says which project it means.
        (None, None) => platform.store.projects_in(&caller.scope).await?.into_iter().map(|project| project.id).collect(),
    };
    let mut personas = Vec::new();
    for project in projects {
        let known = platform.store.test_personas(&caller.scope, &project).await?;
        personas.extend(known.into_iter().filter(|persona| !persona.is_deleted));
    }
    Ok(Json(personas.iter().map(persona).collect()))
}

/// `POST /api/personas`: creates one, or changes the one that has the name.
#[utoipa::path(
    post,
    path = "/api/personas",
    request_body = NewPersona,
    responses((status = 201, description = "The persona", body = Object))
)]
pub(crate) async fn create(
    State(platform): State<Platform>,
    caller: Caller,
    input: Input<NewPersona>,
) -> Result<Response, ApiError> {
    let NewPersona { project_id, name, others } = input.value;
    let reply = reply::json(input.repeat, StatusCode::CREATED, |stored| persona(&stored));
    Ok(platform.put_test_persona(&caller, project_id, &name, &others, reply).await?)
}

/// Returns a persona as the dialect lists it: the peers want texts where they show a column.
fn persona(stored: &TestPersona) -> Value {
    let mut document = stored.document();
    document["persona_id"] = json!(stored.id);
    for column in ["description", "difficulty", "type"] {
        document[column] = json!(document[column].as_str().map(literal).unwrap_or_default());
    }
    document
}
