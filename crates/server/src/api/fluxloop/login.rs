//! `/api/cli-connect`: a device signs in as the person who approves its code on the page `/connect`.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use keepstep_api::fluxloop::{Credential, LoginComplete, LoginProgress, LoginRefresh, LoginRefreshed, LoginStart, LoginStarted};
use keepstep_base::api_key::{KeyForm, form_of};
use keepstep_store::{CODE_LIFE, LoginKeys, LoginProgress as Progress};

use super::time;
use crate::address::Address;
use crate::app::AppState;
use crate::error::{ApiError, KeyProblem};
use crate::request::Input;

/// How long a device waits between two questions, in seconds.
const INTERVAL: u64 = 2;

/// The largest body in bytes: anybody may send one, without a key.
const LIMIT: usize = 16 * 1024;

/// The name of a device that gave none.
const UNNAMED: &str = "a command line";

/// The address under which the client reached the platform; the public one where there is one.
pub(crate) struct Origin(pub(crate) String);

impl FromRequestParts<AppState> for Origin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        if let Some(url) = &state.settings.public_url {
            return Ok(Self(url.trim_end_matches('/').to_owned()));
        }
        let host = parts.headers.get(axum::http::header::HOST).and_then(|host| host.to_str().ok());
        let host = host.or_else(|| parts.uri.authority().map(axum::http::uri::Authority::as_str)).unwrap_or_default();
        // It is printed and opened in a browser, so it is an authority or nothing.
        match host.parse::<axum::http::uri::Authority>() {
            Ok(host) if !host.as_str().contains('@') => Ok(Self(format!("http://{host}"))),
            _ => Err(ApiError::Invalid("The request does not say which host it is for.".to_owned())),
        }
    }
}

/// `POST /api/cli-connect/start`
#[utoipa::path(
    post,
    path = "/api/cli-connect/start",
    request_body = LoginStart,
    responses((status = 200, description = "The codes: one to keep, one for the person", body = LoginStarted))
)]
pub(crate) async fn start(
    State(state): State<AppState>,
    Address(address): Address,
    Origin(origin): Origin,
    input: Input<LoginStart, LIMIT>,
) -> Result<Json<LoginStarted>, ApiError> {
    let name = input.value.device_name.filter(|name| !name.trim().is_empty());
    let mut transaction = state.store.write().await?;
    let codes = transaction.start_device_login(name.as_deref().unwrap_or(UNNAMED), &address).await?;
    transaction.commit().await?;
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
    State(state): State<AppState>,
    input: Input<LoginComplete, LIMIT>,
) -> Result<Json<LoginProgress>, ApiError> {
    let code = input.value.device_code;
    if form_of(&code) != KeyForm::Ours {
        return Err(ApiError::Invalid("This device code is incomplete or mistyped.".to_owned()));
    }
    // Waiting devices must not keep writers waiting.
    let progress = if state.store.is_device_waiting(&code).await? {
        Progress::Pending
    } else {
        let mut transaction = state.store.write().await?;
        let progress = transaction.complete_device_login(&code).await?;
        transaction.commit().await?;
        progress
    };
    let (status, keys) = match progress {
        Progress::Pending => ("pending", None),
        Progress::Denied => ("denied", None),
        Progress::Expired => ("expired", None),
        Progress::Approved(keys) => {
            tracing::info!(user = %keys.user.id, "a device signed in");
            ("approved", Some(keys))
        }
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
pub(crate) async fn refresh(State(state): State<AppState>, input: Input<LoginRefresh, LIMIT>) -> Result<Response, ApiError> {
    let key = input.value.refresh_token;
    match form_of(&key) {
        KeyForm::Ours => {}
        KeyForm::Malformed => return Err(KeyProblem::Malformed.into()),
        KeyForm::Foreign => return Err(KeyProblem::Unknown.into()),
    }
    let mut transaction = state.store.write().await?;
    let keys = transaction.refresh_device_login(&key).await?;
    // Also where there are none: a key that was used before has just ended the login.
    transaction.commit().await?;
    let keys = keys.ok_or(KeyProblem::LoginEnded)?;
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
