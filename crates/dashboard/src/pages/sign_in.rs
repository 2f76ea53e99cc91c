//! `/sign-in`: an e-mail address and a password sign a browser in, or a link to the identity provider. Whoever opens another page first gets the same form there, and then
//! the page that they wanted.

use askama::Template;
use axum::extract::{Query, Request, State};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode, header};
use keepstep_base::api_key::ApiKey;
use keepstep_http::address::Address;
use keepstep_http::addresses::segment;
use keepstep_http::device;
use keepstep_http::session::{self, Cookie};
use keepstep_platform::{Browser, OidcProvider, Platform, SESSION_LIFE};
use keepstep_store::Device;
use serde::Deserialize;

use crate::error_page::{PageError, SignInNeeded, Typed};
use crate::form::before_session::FormToken;
use crate::form::next::page_of_ours;
use crate::form::posted::{FORM_COST, SMALL_FORM, read_form};
use crate::form::problem::Problem;
use crate::parts::frame::Frame;
use crate::parts::view::page;
use crate::parts::visible::Visible;

const TITLE: &str = "Sign in to keepstep";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    frame: Frame,
    title: &'static str,
    explanation: Option<&'static str>,
    csrf: String,
    next: &'a str,
    provider: Option<ShownProvider>,
    email: &'a str,
    problem: Problem,
    typed: Vec<Typed>,
}

/// The identity provider.
pub(crate) struct ShownProvider {
    /// What people call it.
    pub(crate) name: Visible,
    /// Why it cannot be used now, as the end of a sentence.
    pub(crate) failure: Option<Visible>,
    /// Where the way to it begins.
    pub(crate) href: String,
}

impl ShownProvider {
    /// Returns the identity provider, if there is one, with where the way to it begins.
    pub(crate) fn of(platform: &Platform, href: impl FnOnce() -> String) -> Option<Self> {
        let OidcProvider { name, failure, .. } = platform.oidc_provider()?;
        Some(Self { name: Visible::of(name), failure: failure.map(Visible::of), href: href() })
    }
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct SignInQuery {
    next: Option<String>,
}

impl SignInQuery {
    /// Returns the page to open afterwards.
    pub(crate) fn next(&self) -> String {
        page_of_ours(self.next.as_deref().unwrap_or("/")).to_owned()
    }
}

/// The fields of the form. What has a password in it is not shown for debugging.
#[derive(Deserialize)]
struct SignIn {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    next: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
}

/// `GET`: the form. Whoever is signed in goes on at once.
pub(crate) async fn show(
    State(platform): State<Platform>,
    headers: HeaderMap,
    Query(asked): Query<SignInQuery>,
) -> Result<Response, PageError> {
    let next = asked.next();
    if session::of(&headers, &platform).await.is_ok() {
        return Ok(Redirect::to(&next).into_response());
    }
    form(&headers, &platform, (TITLE, None), &next, "", Problem::default(), Vec::new())
}

/// `POST`: begins a session, and opens the page that was wanted.
pub(crate) async fn sign_in(
    State(platform): State<Platform>,
    Address(address): Address,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, PageError> {
    let (sent, _share): (SignIn, _) = read_form(request, &platform, SMALL_FORM, FORM_COST).await?;
    let next = page_of_ours(&sent.next);
    let refuse = |problem| form(&headers, &platform, (TITLE, None), next, &sent.email, problem, Vec::new());
    if !FormToken::is_of(&headers, &platform, &sent.csrf) {
        return refuse(Problem::stale_form());
    }
    let device = Device { name: device::name(&headers), address };
    let previous = Cookie::Session.read(&headers, &platform);
    let browser = Browser { device: &device, previous: previous.as_deref() };
    match platform.sign_in_by_password(&sent.email, &sent.password, browser).await {
        Ok(secret) => signed_in(&secret, next, &platform),
        Err(error) => refuse(error.try_into()?),
    }
}

/// Returns the answer to a browser that has just been signed in.
pub(crate) fn signed_in(secret: &ApiKey, next: &str, platform: &Platform) -> Result<Response, PageError> {
    let cookies = AppendHeaders([
        (header::SET_COOKIE, Cookie::Session.set(secret.reveal(), SESSION_LIFE / 1000, platform)?),
        (header::SET_COOKIE, Cookie::Form.set("", 0, platform)?),
    ]);
    Ok((cookies, Redirect::to(next)).into_response())
}

/// Returns the form once more, with what is wrong.
pub(crate) fn again(headers: &HeaderMap, platform: &Platform, next: &str, problem: Problem) -> Result<Response, PageError> {
    form(headers, platform, (TITLE, None), next, "", problem, Vec::new())
}

/// Returns the form in the place of a page that only somebody who is signed in sees.
pub(crate) fn instead(headers: &HeaderMap, platform: &Platform, needed: SignInNeeded, next: &str) -> Response {
    let words = match (needed.ended, needed.typed.is_empty()) {
        (false, _) => ("Sign in to continue", None),
        (true, true) => ("Your session has ended", Some("Sign in again; then the page that you asked for opens.")),
        (true, false) => ("Your session has ended", Some("Sign in again. What you typed stays on this page meanwhile.")),
    };
    let page = form(headers, platform, words, page_of_ours(next), "", Problem::default(), needed.typed);
    let mut page = page.unwrap_or_else(IntoResponse::into_response);
    if page.status().is_success() {
        *page.status_mut() = StatusCode::UNAUTHORIZED;
    }
    page
}

fn form(
    headers: &HeaderMap,
    platform: &Platform,
    (title, explanation): (&'static str, Option<&'static str>),
    next: &str,
    email: &str,
    problem: Problem,
    typed: Vec<Typed>,
) -> Result<Response, PageError> {
    let token = FormToken::of(headers, platform)?;
    let status = problem.status();
    let csrf = token.csrf.field();
    let provider = ShownProvider::of(platform, || format!("/sign-in/oidc?next={}", segment(next)));
    let page = page(&SignInPage { frame: Frame::default(), title, explanation, csrf, next, provider, email, problem, typed })?;
    Ok((status, [(header::SET_COOKIE, token.cookie)], page).into_response())
}
