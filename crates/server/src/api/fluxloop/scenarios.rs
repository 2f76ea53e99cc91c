//! `/api/scenarios`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keepstep_api::fluxloop::{NewScenario, Scenario, ScenarioPatch};
use keepstep_store::{Role, test_data};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::markup::literal;
use super::{project_of, time};
use crate::app::AppState;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::request::{Input, Parameters, Segments};
use crate::write::{Begun, Write};

/// Which scenarios a client wants.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
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
    State(state): State<AppState>,
    caller: Caller,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<Vec<Scenario>>, ApiError> {
    caller.must_be(Role::Viewer)?;
    let project = project_of(&state, &caller, wanted.project_id).await?;
    let scenarios = state.store.scenarios(caller.scope(), &project).await?;
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
    State(state): State<AppState>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Json<Scenario>, ApiError> {
    caller.must_be(Role::Viewer)?;
    Ok(Json(scenario(state.store.scenario(caller.scope(), &id).await?)))
}

/// `POST /api/scenarios`
#[utoipa::path(
    post,
    path = "/api/scenarios",
    request_body = NewScenario,
    responses((status = 201, description = "The new scenario", body = Scenario))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    input: Input<NewScenario>,
) -> Result<Response, ApiError> {
    caller.must_be(Role::Editor)?;
    let mut write = match Write::begin(&state, &caller, input.repeat).await? {
        Begun::Repeated(answer) => return Ok(answer),
        Begun::New(write) => write,
    };
    let NewScenario { project_id, name, description, config_snapshot } = input.value;
    let description = description.unwrap_or_default();
    let new = test_data::NewScenario { project: &project_id, name: &name, description: &description, config: &config_snapshot };
    let made = write.transaction.create_scenario(caller.scope(), new).await?;
    write.finish(StatusCode::CREATED, &scenario(made), None).await
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
    State(state): State<AppState>,
    caller: Caller,
    Segments(id): Segments<String>,
    input: Input<ScenarioPatch>,
) -> Result<Response, ApiError> {
    caller.must_be(Role::Editor)?;
    let mut write = match Write::begin(&state, &caller, input.repeat).await? {
        Begun::Repeated(answer) => return Ok(answer),
        Begun::New(write) => write,
    };
    let ScenarioPatch { name, description, mut config_snapshot } = input.value;
    // What is never sent cannot come back, and is not meant to be gone.
    if let Some(config) = &mut config_snapshot
        && let Some(runner) = state.store.scenario(caller.scope(), &id).await?.config.remove(RUNNER)
    {
        config.entry(RUNNER).or_insert(runner);
    }
    let patch = test_data::ScenarioPatch { name, description, config: config_snapshot };
    let changed = write.transaction.change_scenario(caller.scope(), &id, patch).await?;
    write.finish(StatusCode::OK, &scenario(changed), None).await
}

/// The member of a configuration that says what is run. It is stored and never sent: one of the peers writes it into the
/// file that it runs from, so whoever may edit a scenario here could run commands on the machines of all who select it.
const RUNNER: &str = "runner";

/// Returns a configuration without what a client would run.
pub(super) fn harmless(mut config: Map<String, Value>) -> Map<String, Value> {
    config.remove(RUNNER);
    config
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
