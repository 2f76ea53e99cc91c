//! `/api/scenarios`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keepstep_api::fluxloop::{NewScenario, Scenario, ScenarioPatch};
use keepstep_platform::{Platform, harmless};
use keepstep_store::{Role, test_data};
use serde::Deserialize;
use serde_json::Value;

use super::markup::literal;
use super::time;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::reply;
use crate::request::{Input, Parameters, Segments};

/// Which scenarios a client wants.
#[derive(Debug, Deserialize)]
pub(crate) struct ScenariosQuery {
    project_id: Option<String>,
}

/// `GET /api/scenarios?project_id=`
#[utoipa::path(
    get,
    path = "/api/scenarios",
    params(("project_id" = Option<String>, Query, description = "The project")),
    responses((status = 200, description = "The scenarios of the project", body = Vec<Scenario>))
)]
pub(crate) async fn list(
    State(platform): State<Platform>,
    caller: Caller,
    Parameters(wanted): Parameters<ScenariosQuery>,
) -> Result<Json<Vec<Scenario>>, ApiError> {
    caller.require(Role::Viewer)?;
    let project = platform.project_of(&caller, wanted.project_id).await?;
    let scenarios = platform.store.scenarios(&caller.scope, &project).await?;
    Ok(Json(scenarios.into_iter().map(scenario).collect()))
}

/// `GET /api/scenarios/{id}`
#[utoipa::path(
    get,
    path = "/api/scenarios/{id}",
    params(("id" = String, Path, description = "The scenario")),
    responses((status = 200, description = "The scenario", body = Scenario))
)]
pub(crate) async fn show(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Json<Scenario>, ApiError> {
    caller.require(Role::Viewer)?;
    Ok(Json(scenario(platform.store.scenario(&caller.scope, &id).await?)))
}

/// `POST /api/scenarios`
#[utoipa::path(
    post,
    path = "/api/scenarios",
    request_body = NewScenario,
    responses((status = 201, description = "The new scenario", body = Scenario))
)]
pub(crate) async fn create(
    State(platform): State<Platform>,
    caller: Caller,
    input: Input<NewScenario>,
) -> Result<Response, ApiError> {
    let NewScenario { project_id, name, description, config_snapshot } = input.value;
    let description = description.unwrap_or_default();
    let new = test_data::NewScenario { project: &project_id, name: &name, description: &description, config: &config_snapshot };
    Ok(platform.create_scenario(&caller, new, reply::json(input.repeat, StatusCode::CREATED, scenario)).await?)
}

/// `PATCH /api/scenarios/{id}`
#[utoipa::path(
    patch,
    path = "/api/scenarios/{id}",
    params(("id" = String, Path, description = "The scenario")),
    request_body = ScenarioPatch,
    responses((status = 200, description = "The scenario after the change", body = Scenario))
)]
pub(crate) async fn change(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
    input: Input<ScenarioPatch>,
) -> Result<Response, ApiError> {
    let ScenarioPatch { name, description, config_snapshot } = input.value;
    let patch = test_data::ScenarioPatch { name, description, config: config_snapshot };
    Ok(platform.change_scenario(&caller, &id, patch, reply::json(input.repeat, StatusCode::OK, scenario)).await?)
}

fn scenario(stored: test_data::Scenario) -> Scenario {
    // The configuration has them as they are; these are for printing.
    let text = |value: &Value| value.as_str().map(literal);
    let constraints = stored.config.get("constraints").and_then(Value::as_array);
    Scenario {
        scenario_id: stored.id.clone(),
        id: stored.id,
        project_id: stored.project_id,
        name: stored.name,
        description: stored.description,
        goal: stored.config.get("goal").and_then(text),
        constraints: constraints.into_iter().flatten().filter_map(text).collect(),
        config_snapshot: harmless(stored.config),
        created_at: time(stored.created_at),
    }
}
