//! `/api/bundles`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keepstep_api::fluxloop::{Bundle, BundleChange, NewBundle};
use keepstep_platform::{Error, Platform};
use keepstep_store::Role;
use keepstep_store::test_data::{self, BundleFilter, BundleStatus};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::time;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::reply;
use crate::request::{Input, Parameters, Segments};

/// How many bundle versions a list has at most.
const MOST: u32 = 1000;

/// Which bundle versions a client wants.
#[derive(Debug, Deserialize)]
pub(crate) struct BundlesQuery {
    project_id: Option<String>,
    scenario_id: Option<String>,
    status: Option<String>,
    limit: Option<u32>,
}

/// `GET /api/bundles?project_id=&scenario_id=&status=&limit=`
///
/// Published ones only, unless `status` says otherwise: one of the peers takes the first for what it should pull.
#[utoipa::path(
    get,
    path = "/api/bundles",
    params(("project_id" = Option<String>, Query, description = "The project"), ("scenario_id" = Option<String>, Query, description = "Only those of a scenario"), ("status" = Option<String>, Query, description = "`published`, which is the default, or `draft`"), ("limit" = Option<u32>, Query, description = "At most this many")),
    responses((status = 200, description = "The bundle versions, the one that was published last first", body = Vec<Bundle>))
)]
pub(crate) async fn list(
    State(platform): State<Platform>,
    caller: Caller,
    Parameters(wanted): Parameters<BundlesQuery>,
) -> Result<Json<Vec<Bundle>>, ApiError> {
    caller.require(Role::Viewer)?;
    let project = platform.project_of(&caller, wanted.project_id).await?;
    let filter = BundleFilter {
        scenario: wanted.scenario_id.as_deref(),
        status: Some(status(wanted.status.as_deref())?),
        limit: wanted.limit.unwrap_or(MOST).clamp(1, MOST),
        ..BundleFilter::default()
    };
    let bundles = platform.store.bundles(&caller.scope, &project, filter).await?;
    Ok(Json(bundles.into_iter().map(bundle).collect()))
}

/// `GET /api/bundles/{id}`
#[utoipa::path(
    get,
    path = "/api/bundles/{id}",
    params(("id" = String, Path, description = "The bundle version")),
    responses((status = 200, description = "The bundle version without its content", body = Bundle))
)]
pub(crate) async fn show(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Json<Bundle>, ApiError> {
    caller.require(Role::Viewer)?;
    Ok(Json(bundle(platform.store.bundle(&caller.scope, &id).await?)))
}

/// `POST /api/bundles`
#[utoipa::path(
    post,
    path = "/api/bundles",
    request_body = NewBundle,
    responses((status = 201, description = "The bundle version", body = Bundle))
)]
pub(crate) async fn create(
    State(platform): State<Platform>,
    caller: Caller,
    input: Input<NewBundle>,
) -> Result<Response, ApiError> {
    let asked = input.value;
    let status = status(asked.status.as_deref())?;
    let new = test_data::NewBundle {
        project: &asked.project_id,
        scenario: asked.scenario_id.as_deref(),
        input_set: asked.input_set_id.as_deref(),
        name: asked.name.as_deref(),
    };
    Ok(platform.create_bundle(&caller, new, status, reply::json(input.repeat, StatusCode::CREATED, bundle)).await?)
}

/// `PUT /api/bundles/{id}`
#[utoipa::path(
    put,
    path = "/api/bundles/{id}",
    params(("id" = String, Path, description = "The bundle version")),
    request_body = BundleChange,
    responses((status = 200, description = "The bundle version, published", body = Bundle))
)]
pub(crate) async fn change(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
    input: Input<BundleChange>,
) -> Result<Response, ApiError> {
    if status(Some(&input.value.status))? == BundleStatus::Draft {
        return Err(Error::Refused("What is published stays so; only publishing can be asked for.".to_owned()).into());
    }
    Ok(platform.publish_bundle(&caller, &id, reply::json(input.repeat, StatusCode::OK, bundle)).await?)
}

/// `POST /api/bundles/{id}/publish`, with which the peer's release 0.3.11 publishes: without a body and without a content type.
#[utoipa::path(
    post,
    path = "/api/bundles/{id}/publish",
    params(("id" = String, Path, description = "The bundle version")),
    responses((status = 200, description = "The bundle version, published", body = Bundle))
)]
pub(crate) async fn publish(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
    input: Input<Map<String, Value>>,
) -> Result<Response, ApiError> {
    Ok(platform.publish_bundle(&caller, &id, reply::json(input.repeat, StatusCode::OK, bundle)).await?)
}

/// Returns the status that a request names.
fn status(text: Option<&str>) -> Result<BundleStatus, Error> {
    match text {
        None | Some("published") => Ok(BundleStatus::Published),
        Some("draft") => Ok(BundleStatus::Draft),
        Some(_) => Err(Error::Invalid("A bundle's status is `draft` or `published`.".to_owned())),
    }
}

/// Returns a bundle version in the dialect's words.
pub(crate) fn bundle(stored: test_data::Bundle) -> Bundle {
    Bundle {
        bundle_version_id: stored.id.clone(),
        id: stored.id,
        project_id: stored.project_id,
        scenario_id: stored.scenario_id,
        input_set_id: stored.input_set_id,
        name: stored.name,
        status: stored.status.label().to_owned(),
        generation: stored.generation,
        input_count: stored.input_count,
        personas_count: stored.persona_count,
        created_at: time(stored.created_at),
    }
}
