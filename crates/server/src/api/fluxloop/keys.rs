//! `/api/api-keys`
//!
//! The text of a key is not kept, so a repeated request cannot be answered with the same one. It gets a new key instead,
//! and the one that nobody received is taken back: however often a request with an idempotency key is sent, one key works.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use keepstep_api::fluxloop::{Key, NewKey};
use keepstep_store::{Answer, Once, Role, Scope, StoreError};
use serde::Deserialize;

use super::{project_of, time};
use crate::app::AppState;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::request::{Input, Parameters, Segments};

/// The name of a key that was given none.
const DEFAULT_NAME: &str = "cli-generated";

/// Which keys a client wants.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
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
    State(state): State<AppState>,
    caller: Caller,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<Vec<Key>>, ApiError> {
    caller.must_be(Role::Owner)?;
    let project = project_of(&state, &caller, wanted.project_id).await?;
    let project = state.store.project(caller.scope(), &project).await?;
    let mut keys = state.store.keys(&project.org_id).await?;
    keys.retain(|key| key.revoked_at.is_none() && key.scope.project_id.as_deref() == Some(&project.id));
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
    State(state): State<AppState>,
    caller: Caller,
    input: Input<NewKey>,
) -> Result<(StatusCode, Json<Key>), ApiError> {
    caller.must_be(Role::Owner)?;
    let project = state.store.project(caller.scope(), &input.value.project_id).await?;
    let scope = Scope { org_id: project.org_id, project_id: Some(project.id) };
    let name = input.value.name.as_deref().unwrap_or(DEFAULT_NAME);
    let once = input.repeat.key.map(|key| Once { owner: caller.key.id.clone(), key, request: input.repeat.request.to_string() });
    let mut transaction = state.store.write().await?;
    if let Some(once) = &once
        && let Some(before) = transaction.recall(once).await?
    {
        transaction.revoke_key(&scope.org_id, &before.body).await?;
    }
    let new = keepstep_store::NewKey { name, role: Role::Editor, scope: &scope, expires_at: None };
    let (secret, stored) = transaction.create_key(new).await?;
    if let Some(once) = &once {
        // What is kept is the id: with the key itself, it would be there in readable form.
        let answer = Answer { status: StatusCode::CREATED.as_u16(), body: stored.id.clone() };
        transaction.remember(once, &answer).await?;
    }
    transaction.commit().await?;
    state.metrics.wrote();
    Ok((StatusCode::CREATED, Json(key(stored, Some(secret.reveal().to_owned())))))
}

/// `DELETE /api/api-keys/{id}`: takes a key back.
#[utoipa::path(
    delete,
    path = "/api/api-keys/{id}",
    params(("id" = String, Path, description = "The key's id")),
    responses((status = 204, description = "The key opens nothing any more; it may have been so before"))
)]
pub(crate) async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<StatusCode, ApiError> {
    caller.must_be(Role::Owner)?;
    let keys = state.store.keys(&caller.scope().org_id).await?;
    let is_inside = |key: &keepstep_store::Key| caller.scope().covers(&key.scope.org_id, key.scope.project_id.as_deref());
    if !keys.iter().any(|key| key.id == id && is_inside(key)) {
        return Err(StoreError::KeyNotFound(id).into());
    }
    let mut transaction = state.store.write().await?;
    transaction.revoke_key(&caller.scope().org_id, &id).await?;
    transaction.commit().await?;
    state.metrics.wrote();
    Ok(StatusCode::NO_CONTENT)
}

fn key(stored: keepstep_store::Key, secret: Option<String>) -> Key {
    Key { id: stored.id, name: stored.name, created_at: time(stored.created_at), key: secret }
}
