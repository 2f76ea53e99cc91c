//! `/connect`: a person lets a device in that shows a code.
//!
//! Typing the code shows which device it is and where it asked from; only then can it be approved or refused. Codes are
//! looked for in forms alone, and wrong ones are counted, so that nobody finds a stranger's device by guessing.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use keepstep_store::{DeviceLogin, StoreError};
use serde::Deserialize;

use super::error_page::{PageError, capitalized};
use super::frame::Frame;
use super::session::{Fields, Posted, SignedIn};
use super::view::{Moment, page};
use super::visible::Visible;
use crate::app::AppState;

#[derive(Template)]
#[template(path = "connect.html")]
struct Connect<'a> {
    frame: Frame,
    code: &'a str,
    problem: Option<String>,
    done: Option<&'static str>,
    devices: Vec<Device>,
}

#[derive(Template)]
#[template(path = "connect_device.html")]
struct ConnectDevice<'a> {
    frame: Frame,
    code: &'a str,
    device: Device,
    role: &'static str,
}

/// A device, ready to show.
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) name: Visible,
    pub(crate) address: Visible,
    pub(crate) asked: Moment,
    pub(crate) used: Option<Moment>,
}

impl From<DeviceLogin> for Device {
    fn from(login: DeviceLogin) -> Self {
        Self {
            name: Visible::of(login.device_name),
            address: Visible::of(login.address),
            asked: Moment::of(login.created_at),
            used: login.used_at.map(Moment::of),
            id: login.id,
        }
    }
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    code: Option<String>,
    done: Option<String>,
}

/// The fields of all forms here.
#[derive(Debug, Deserialize)]
pub(crate) struct ConnectForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    decision: String,
}

impl Fields for ConnectForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// `GET`: asks for the code. One in the address is only written into the form.
pub(crate) async fn show(State(state): State<AppState>, by: SignedIn, Query(asked): Query<Asked>) -> Result<Response, PageError> {
    let done = match asked.done.as_deref() {
        Some("approved") => Some("The device is signed in as you. Go back to it; it continues by itself."),
        Some("denied") => Some("The device was refused. It can do nothing."),
        Some("signed-out") => Some("That device is signed out."),
        _ => None,
    };
    let code: String = asked.code.unwrap_or_default().chars().take(20).collect();
    form(&state, &by, &code, None, done).await
}

/// `POST`: shows the device of a code.
pub(crate) async fn find(State(state): State<AppState>, posted: Posted<ConnectForm>) -> Result<Response, PageError> {
    let Posted { by, form: sent, .. } = posted;
    match device_of(&state, &by, &sent.code).await? {
        Ok(device) => page(&ConnectDevice {
            frame: Frame::of(&by.session),
            code: sent.code.trim(),
            device: device.into(),
            role: by.session.user.role.label(),
        }),
        Err(problem) => refuse(&state, &by, &sent.code, problem).await,
    }
}

/// `POST /connect/decide`: approves or refuses the device of a code.
pub(crate) async fn decide(State(state): State<AppState>, posted: Posted<ConnectForm>) -> Result<Response, PageError> {
    let Posted { by, form: sent, .. } = posted;
    let approve = match sent.decision.as_str() {
        "approve" => true,
        "deny" => false,
        _ => return Err(PageError::Invalid("A device is approved or refused.".to_owned())),
    };
    let device = match device_of(&state, &by, &sent.code).await? {
        Ok(device) => device,
        Err(problem) => return refuse(&state, &by, &sent.code, problem).await,
    };
    let mut transaction = state.store.write().await?;
    transaction.decide_device_login(&device.id, &by.session.user.id, approve).await?;
    transaction.commit().await?;
    tracing::info!(user = %by.session.user.id, login = %device.id, approve, "a device was decided about");
    Ok(Redirect::to(if approve { "/connect?done=approved" } else { "/connect?done=denied" }).into_response())
}

/// The form that signs an own device out.
#[derive(Debug, Deserialize)]
pub(crate) struct SignOutForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    device: String,
}

impl Fields for SignOutForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// `POST /connect/sign-out`: takes back what an own device may do.
pub(crate) async fn sign_out(State(state): State<AppState>, posted: Posted<SignOutForm>) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let user = &by.session.user;
    let mut transaction = state.store.write().await?;
    transaction.revoke_device(&user.org_id, Some(&user.id), &form.device).await?;
    transaction.commit().await?;
    Ok(Redirect::to("/connect?done=signed-out").into_response())
}

/// Returns the device that waits with a code, or why there is none.
async fn device_of(state: &AppState, by: &SignedIn, code: &str) -> Result<Result<DeviceLogin, String>, PageError> {
    let mut transaction = state.store.write().await?;
    let found = match transaction.device_login(&by.session.user.id, code).await {
        Err(error @ StoreError::TooManyCodes) => return Ok(Err(format!("{}.", capitalized(&error.to_string())))),
        found => found?,
    };
    transaction.commit().await?;
    Ok(found.ok_or_else(|| {
        "No device waits with this code. A code works once and for ten minutes; compare it with the one on the device.".to_owned()
    }))
}

async fn refuse(state: &AppState, by: &SignedIn, code: &str, problem: String) -> Result<Response, PageError> {
    let code: String = code.chars().take(20).collect();
    let page = form(state, by, &code, Some(problem), None).await?;
    Ok((StatusCode::BAD_REQUEST, page).into_response())
}

async fn form(
    state: &AppState,
    by: &SignedIn,
    code: &str,
    problem: Option<String>,
    done: Option<&'static str>,
) -> Result<Response, PageError> {
    let user = &by.session.user;
    let devices = state.store.devices(&user.org_id, Some(&user.id)).await?;
    let devices = devices.into_iter().map(Device::from).collect();
    page(&Connect { frame: Frame::of(&by.session), code, problem, done, devices })
}
