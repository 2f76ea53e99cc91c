//! `/api/api-keys`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use keepstep_api::fluxloop::{Key, NewKey};
use keepstep_platform::{KeyRequest, Platform};
use keepstep_store::Role;
use serde::Deserialize;

use super::time;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::request::{Input, Parameters, Segments};

/// The name of a key that was given none.
const DEFAULT_NAME: &str = "cli-generated";

/// Which keys a client wants.
#[derive(Debug, Deserialize)]
pub(crate) struct KeysQuery {
    project_id: Option<String>,
}

/// `GET /api/api-keys?project_id=`
#[utoipa::path(
    get,
    path = "/api/api-keys",
    params(("project_id" = Option<String>, Query, description = "The project")),
    responses((status = 200, description = "The keys of the project that open something, newest first", body = Vec<Key>))
)]
pub(crate) async fn list(
    State(platform): State<Platform>,
    caller: Caller,
    Parameters(wanted): Parameters<KeysQuery>,
) -> Result<Json<Vec<Key>>, ApiError> {
    caller.require(Role::Owner)?;
    let project = platform.project_of(&caller, wanted.project_id).await?;
    let project = platform.store.project(&caller.scope, &project).await?;
    let mut keys = platform.store.keys(&project.org_id).await?;
    keys.retain(|key| key.revoked_at.is_none() && key.scope.only_project() == Some(project.id.as_str()));
    Ok(Json(keys.into_iter().map(|stored| key(stored, None)).collect()))
}

/// `POST /api/api-keys`: an editor's key that is confined to the project.
#[utoipa::path(
    post,
    path = "/api/api-keys",
    request_body = NewKey,
    responses((status = 201, description = "The new key; it can be read only now", body = Key))
)]
pub(crate) async fn create(
    State(platform): State<Platform>,
    caller: Caller,
    input: Input<NewKey>,
) -> Result<(StatusCode, Json<Key>), ApiError> {
    let name = input.value.name.as_deref().unwrap_or(DEFAULT_NAME);
    let wanted = KeyRequest { name, role: Role::Editor, project: Some(&input.value.project_id), life: None };
    let (secret, stored) = platform.create_key(&caller, wanted, Some(&input.repeat)).await?;
    Ok((StatusCode::CREATED, Json(key(stored, Some(secret.reveal().to_owned())))))
}

/// `DELETE /api/api-keys/{id}`: takes a key back.
#[utoipa::path(
    delete,
    path = "/api/api-keys/{id}",
    params(("id" = String, Path, description = "The key's id")),
    responses((status = 204, description = "The key is revoked; it may have been revoked before"))
)]
pub(crate) async fn revoke(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<StatusCode, ApiError> {
    platform.revoke_key(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn key(stored: keepstep_store::Key, secret: Option<String>) -> Key {
    Key { id: stored.id, name: stored.name, created_at: time(stored.created_at), key: secret }
}
