//! `/api/projects`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keepstep_api::fluxloop::{NewProject, Project};
use keepstep_platform::Platform;
use keepstep_store::Role;
use serde_json::{Map, Value};

use super::time;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::reply;
use crate::request::{Input, Segments};

/// `GET /api/projects`
#[utoipa::path(
    get,
    path = "/api/projects",
    responses((status = 200, description = "The projects that the key can read", body = Vec<Project>))
)]
pub(crate) async fn list(State(platform): State<Platform>, caller: Caller) -> Result<Json<Vec<Project>>, ApiError> {
    caller.require(Role::Viewer)?;
    let projects = platform.store.projects_in(&caller.scope).await?;
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
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Json<Project>, ApiError> {
    caller.require(Role::Viewer)?;
    Ok(Json(project(platform.store.project(&caller.scope, &id).await?)))
}

/// `POST /api/projects`
#[utoipa::path(
    post,
    path = "/api/projects",
    request_body = NewProject,
    responses((status = 201, description = "The new project", body = Project))
)]
pub(crate) async fn create(
    State(platform): State<Platform>,
    caller: Caller,
    input: Input<NewProject>,
) -> Result<Response, ApiError> {
    let NewProject { name, workspace_id: organization, description, settings, .. } = input.value;
    let new = keepstep_platform::NewProject { organization, name, description, settings, agent: None };
    Ok(platform.create_project(&caller, new, reply::json(input.repeat, StatusCode::CREATED, project)).await?)
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
