//! `/connect`: a person lets a device in that shows a code.
//!
//! Typing the code shows which device it is and where it asked from; only then can it be approved or refused. Codes are
//! looked for in forms alone, and wrong ones are counted, so that nobody finds a stranger's device by guessing.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use keepstep_platform::{Error, Platform};
use keepstep_store::{DeviceLogin, StoreError};
use serde::Deserialize;

use crate::error_page::{PageError, capitalized};
use crate::form::posted::{Confirmed, Fields, Posted};
use crate::parts::devices::ShownDevice;
use crate::parts::frame::Frame;
use crate::parts::view::page;
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "connect.html")]
struct Connect<'a> {
    frame: Frame,
    code: &'a str,
    problem: Option<String>,
    done: Option<&'static str>,
    devices: Vec<ShownDevice>,
}

#[derive(Template)]
#[template(path = "connect_device.html")]
struct ConnectDevice<'a> {
    frame: Frame,
    code: &'a str,
    device: ShownDevice,
    role: &'static str,
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct ConnectQuery {
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
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    Query(asked): Query<ConnectQuery>,
) -> Result<Response, PageError> {
    let done = match asked.done.as_deref() {
        Some("approved") => Some("The device is signed in as you. Go back to it; it continues by itself."),
        Some("denied") => Some("The device was refused. It has no access."),
        Some("signed-out") => Some("That device is signed out."),
        _ => None,
    };
    let code: String = asked.code.unwrap_or_default().chars().take(20).collect();
    form(&platform, &by, &code, None, done).await
}

/// `POST`: shows the device of a code.
pub(crate) async fn find(State(platform): State<Platform>, posted: Posted<ConnectForm>) -> Result<Response, PageError> {
    let Posted { by, form: sent, .. } = posted;
    match found(platform.device_of_code(&by, &sent.code).await)? {
        Ok(device) => page(&ConnectDevice {
            frame: Frame::of(&by.session),
            code: sent.code.trim(),
            device: device.into(),
            role: by.session.user.role.label(),
        }),
        Err(problem) => refuse(&platform, &by, &sent.code, problem).await,
    }
}

/// `POST /connect/decide`: approves or refuses the device of a code.
pub(crate) async fn decide(State(platform): State<Platform>, posted: Posted<ConnectForm>) -> Result<Response, PageError> {
    let Posted { by, form: sent, .. } = posted;
    let approve = match sent.decision.as_str() {
        "approve" => true,
        "deny" => false,
        _ => return Err(PageError::Invalid("A device is approved or refused.".to_owned())),
    };
    match found(platform.decide_device_login(&by, &sent.code, approve).await)? {
        Ok(_) if approve => Ok(Redirect::to("/connect?done=approved").into_response()),
        Ok(_) => Ok(Redirect::to("/connect?done=denied").into_response()),
        Err(problem) => refuse(&platform, &by, &sent.code, problem).await,
    }
}

/// `GET /connect/devices/{device}/sign-out`: asks.
pub(crate) async fn ask_sign_out(
    State(platform): State<Platform>,
    by: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let user = &by.session.user;
    let devices = platform.store.devices(&user.org_id, Some(&user.id)).await?;
    let device = ShownDevice::find(devices, &id)?;
    page(&device.ask_sign_out(Frame::of(&by.session), "/connect"))
}

/// `POST /connect/devices/{device}/sign-out`: takes back what an own device may do.
pub(crate) async fn sign_out(
    State(platform): State<Platform>,
    Path(id): Path<String>,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    platform.sign_out_device(&posted.by, &id).await?;
    Ok(Redirect::to("/connect?done=signed-out").into_response())
}

/// Returns the device that waits with a code, or why there is none.
fn found(device: Result<Option<DeviceLogin>, Error>) -> Result<Result<DeviceLogin, String>, PageError> {
    match device {
        Ok(Some(device)) => Ok(Ok(device)),
        Ok(None) => {
            Ok(Err("No device waits with this code. A code works once and for ten minutes; compare it with the one on the \
                            device."
                .to_owned()))
        }
        Err(Error::Store(error @ StoreError::TooManyCodes)) => Ok(Err(format!("{}.", capitalized(&error.to_string())))),
        Err(error) => Err(error.into()),
    }
}

async fn refuse(platform: &Platform, by: &SignedIn, code: &str, problem: String) -> Result<Response, PageError> {
    let code: String = code.chars().take(20).collect();
    let page = form(platform, by, &code, Some(problem), None).await?;
    Ok((StatusCode::BAD_REQUEST, page).into_response())
}

async fn form(
    platform: &Platform,
    by: &SignedIn,
    code: &str,
    problem: Option<String>,
    done: Option<&'static str>,
) -> Result<Response, PageError> {
    let user = &by.session.user;
    let devices = platform.store.devices(&user.org_id, Some(&user.id)).await?;
    let devices = devices.into_iter().map(ShownDevice::from).collect();
    page(&Connect { frame: Frame::of(&by.session), code, problem, done, devices })
}
