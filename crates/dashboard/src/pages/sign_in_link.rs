//! `/sign-in/link/{token}`: a one-time link signs a browser in.
//!
//! Opening the link changes nothing: mail and chat programs open links to look for malware or to draw a preview. Only the
//! button uses it up.

use askama::Template;
use axum::extract::{Path, Request, State};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode, header};
use keepstep_base::api_key::{ApiKey, KeyKind};
use keepstep_http::session::Cookie;
use keepstep_platform::{Error, Platform, SESSION_LIFE};
use keepstep_store::{LinkTarget, StoreError};
use serde::Deserialize;

use crate::error_page::{PageError, capitalized};
use crate::form::csrf::CsrfToken;
use crate::form::posted::{SMALL_FORM, read_form};
use crate::parts::frame::Frame;
use crate::parts::view::page;
use crate::parts::visible::Visible;

/// How long the form can be left open, in seconds.
const FORM_LIFE: i64 = 60 * 60;

#[derive(Template)]
#[template(path = "sign_in_link.html")]
struct SignInLink<'a> {
    frame: Frame,
    action: String,
    csrf: &'a str,
    user_name: Option<Visible>,
    role: &'static str,
    typed_name: &'a str,
    problem: Option<String>,
}

/// The fields of the form.
#[derive(Debug, Deserialize)]
struct SignIn {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    name: String,
}

/// `GET`: says what the link does, with the button that does it.
pub(crate) async fn show(State(platform): State<Platform>, Path(token): Path<String>) -> Result<Response, PageError> {
    let target = platform.link_target(&token).await?;
    // Where there is no session yet, a random cookie and its hash in the form take the place of the session's token.
    let secret = ApiKey::from_random(KeyKind::Session, platform.store.surroundings().random()?);
    let cookie = Cookie::Form.set(secret.reveal(), FORM_LIFE, &platform)?;
    let csrf = CsrfToken::of_secret(secret.reveal());
    Ok(([(header::SET_COOKIE, cookie)], form(&token, &target, &csrf, "", None)?).into_response())
}

/// `POST`: uses the link up and starts a session.
pub(crate) async fn redeem(
    State(platform): State<Platform>,
    Path(token): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, PageError> {
    let (sent, _share): (SignIn, _) = read_form(request, &platform, SMALL_FORM).await?;
    let csrf = Cookie::Form.read(&headers, &platform).map(|secret| CsrfToken::of_secret(&secret));
    let csrf = csrf.filter(|csrf| csrf.matches(&sent.csrf)).ok_or(PageError::Forged)?;
    let target = platform.link_target(&token).await?;

    let previous = Cookie::Session.read(&headers, &platform);
    let secret = match platform.sign_in_by_link(&token, &sent.name, previous.as_deref()).await {
        Err(Error::Store(error @ StoreError::InvalidName { .. })) => {
            let problem = Some(capitalized(&error.to_string()));
            return Ok((StatusCode::BAD_REQUEST, form(&token, &target, &csrf, &sent.name, problem)?).into_response());
        }
        secret => secret?,
    };
    let cookies = AppendHeaders([
        (header::SET_COOKIE, Cookie::Session.set(secret.reveal(), SESSION_LIFE / 1000, &platform)?),
        (header::SET_COOKIE, Cookie::Form.set("", 0, &platform)?),
    ]);
    Ok((cookies, Redirect::to("/")).into_response())
}

fn form(
    token: &str,
    target: &LinkTarget,
    csrf: &CsrfToken,
    typed_name: &str,
    problem: Option<String>,
) -> Result<Response, PageError> {
    page(&SignInLink {
        frame: Frame::default(),
        // The form of a token was checked: it holds nothing that means something in an address.
        action: format!("/sign-in/link/{token}"),
        csrf: csrf.as_str(),
        user_name: target.user_name.as_deref().map(Visible::of),
        role: target.role.label(),
        typed_name,
        problem,
    })
}
