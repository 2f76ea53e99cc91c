//! `/api/cli-connect`: a device signs in as the person who approves its code on the page `/connect`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use keepstep_api::fluxloop::{Credential, LoginComplete, LoginProgress, LoginRefresh, LoginRefreshed, LoginStart, LoginStarted};
use keepstep_http::address::Address;
use keepstep_platform::Platform;
use keepstep_store::{CODE_LIFE, LoginKeys, LoginProgress as Progress};

use super::time;
use crate::error::ApiError;
use crate::origin::Origin;
use crate::request::Input;

/// How long a device waits between two questions, in seconds.
const INTERVAL: u64 = 2;

/// The largest body in bytes: anybody may send one, without a key.
const LIMIT: usize = 16 * 1024;

/// `POST /api/cli-connect/start`
#[utoipa::path(
    post,
    path = "/api/cli-connect/start",
    request_body = LoginStart,
    responses((status = 200, description = "The codes: one to keep, one for the person", body = LoginStarted))
)]
pub(crate) async fn start(
    State(platform): State<Platform>,
    Address(address): Address,
    Origin(origin): Origin,
    input: Input<LoginStart, LIMIT>,
) -> Result<Json<LoginStarted>, ApiError> {
    let codes = platform.start_device_login(input.value.device_name.as_deref(), &address).await?;
    let seconds = CODE_LIFE.unsigned_abs() / 1000;
    Ok(Json(LoginStarted {
        device_code: codes.device.reveal().to_owned(),
        user_code: codes.user,
        verification_url: format!("{origin}/connect"),
        expires_in: seconds,
        expires_in_sec: seconds,
        interval: INTERVAL,
        interval_sec: INTERVAL,
    }))
}

/// `POST /api/cli-connect/complete`: 200 for every well-formed request, because the peers give up at anything else.
#[utoipa::path(
    post,
    path = "/api/cli-connect/complete",
    request_body = LoginComplete,
    responses((status = 200, description = "How far the login is, with the keys once it is approved", body = LoginProgress))
)]
pub(crate) async fn complete(
    State(platform): State<Platform>,
    input: Input<LoginComplete, LIMIT>,
) -> Result<Json<LoginProgress>, ApiError> {
    let (status, keys) = match platform.complete_device_login(&input.value.device_code).await? {
        Progress::Pending => ("pending", None),
        Progress::Denied => ("denied", None),
        Progress::Expired => ("expired", None),
        Progress::Approved(keys) => ("approved", Some(keys)),
    };
    Ok(Json(LoginProgress { status: status.to_owned(), credential: keys.map(credential) }))
}

/// `POST /api/cli-connect/refresh`
#[utoipa::path(
    post,
    path = "/api/cli-connect/refresh",
    request_body = LoginRefresh,
    responses((status = 200, description = "The next keys; the old refresh key works no more", body = LoginRefreshed))
)]
pub(crate) async fn refresh(State(platform): State<Platform>, input: Input<LoginRefresh, LIMIT>) -> Result<Response, ApiError> {
    let keys = platform.refresh_device_login(&input.value.refresh_token).await?;
    Ok((StatusCode::OK, Json(LoginRefreshed { credential: credential(keys) })).into_response())
}

/// Returns keys as they are sent. A person has no address here; the name takes its place, because the peers print it.
fn credential(keys: LoginKeys) -> Credential {
    Credential {
        access_token: keys.access.reveal().to_owned(),
        refresh_token: keys.refresh.reveal().to_owned(),
        expires_at: time(keys.expires_at),
        user_id: keys.user.id,
        user_email: keys.user.name,
    }
}
