//! `/api/projects`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keepstep_api::fluxloop::{NewProject, Project};
use keepstep_store::{Role, StoreError};
use serde_json::{Map, Value};

use super::time;
use crate::app::AppState;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::request::{Input, Segments};
use crate::write::{Begun, Write};

/// `GET /api/projects`
#[utoipa::path(
    get,
    path = "/api/projects",
    responses((status = 200, description = "The projects that the key may see", body = Vec<Project>))
)]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Vec<Project>>, ApiError> {
    caller.must_be(Role::Viewer)?;
    let projects = state.store.projects_in(caller.scope()).await?;
    Ok(Json(projects.into_iter().map(project).collect()))
}

/// `GET /api/projects/{id}`
#[utoipa::path(
    get,
    path = "/api/projects/{id}",
    params(("id" = String, Path, description = "The project")),
    responses((status = 200, description = "The project", body = Project))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Json<Project>, ApiError> {
    caller.must_be(Role::Viewer)?;
    Ok(Json(project(state.store.project(caller.scope(), &id).await?)))
}

/// `POST /api/projects`
#[utoipa::path(
    post,
    path = "/api/projects",
    request_body = NewProject,
    responses((status = 201, description = "The new project", body = Project))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    input: Input<NewProject>,
) -> Result<Response, ApiError> {
    caller.must_be(Role::Owner)?;
    if caller.scope().project_id.is_some() {
        return Err(ApiError::Confined(caller.name().to_owned()));
    }
    let new = input.value;
    let organisation = &caller.scope().org_id;
    if let Some(other) = new.workspace_id.filter(|id| !id.is_empty() && id != organisation) {
        return Err(StoreError::OrganisationNotFound(other).into());
    }
    let mut write = match Write::begin(&state, &caller, input.repeat).await? {
        Begun::Repeated(answer) => return Ok(answer),
        Begun::New(write) => write,
    };
    let mut made = write.transaction.create_project(organisation, &new.name).await?;
    if let Some(description) = new.description {
        made = write.transaction.describe_project(&made.id, &description).await?;
    }
    if let Some(settings) = new.settings.filter(|settings| !settings.is_empty()) {
        made = write.transaction.set_project_settings(&made.id, &settings).await?;
    }
    write.finish(StatusCode::CREATED, &project(made), None).await
}

/// Returns settings in which a language stands under the names of both releases of the peer: each reads its own only, and
/// takes English where it finds none.
fn with_both_languages(mut settings: Map<String, Value>) -> Map<String, Value> {
    const NAMES: [&str; 2] = ["default_language", "language"];
    if let Some(language) = NAMES.iter().find_map(|name| settings.get(*name)).cloned() {
        for name in NAMES {
            settings.entry(name).or_insert_with(|| language.clone());
        }
    }
    settings
}

fn project(stored: keepstep_store::Project) -> Project {
    Project {
        id: stored.id,
        name: stored.name,
        status: "active".to_owned(),
        workspace_id: stored.org_id,
        description: stored.description,
        settings: with_both_languages(stored.settings),
        created_at: time(stored.created_at),
    }
}
