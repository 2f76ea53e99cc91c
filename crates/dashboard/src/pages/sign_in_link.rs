//! `/sign-in/link/{token}`: a one-time link makes an account, or gives one back.
//!
//! Opening the link changes nothing: mail and chat programs open links to look for malware or to draw a preview. Only the
//! button uses it up.

use askama::Template;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use keepstep_http::address::Address;
use keepstep_http::device;
use keepstep_http::session::Cookie;
use keepstep_platform::{Browser, LinkForm, Platform, SHORTEST_PASSWORD};
use keepstep_store::{Device, LinkPurpose, LinkTarget};
use serde::Deserialize;

use super::sign_in::{ShownProvider, signed_in};
use crate::error_page::PageError;
use crate::form::before_session::FormToken;
use crate::form::posted::{FORM_COST, SMALL_FORM, read_form};
use crate::form::problem::Problem;
use crate::parts::frame::Frame;
use crate::parts::link_rights::rights_text;
use crate::parts::view::page;
use crate::parts::visible::Visible;

#[derive(Template)]
#[template(path = "sign_in_link.html")]
struct SignInLink<'a> {
    frame: Frame,
    title: &'static str,
    explanation: String,
    button: &'static str,
    action: String,
    provider: Option<ShownProvider>,
    csrf: String,
    has_name: bool,
    user_name: Visible,
    name: &'a str,
    has_email: bool,
    email: &'a str,
    shortest: usize,
    problem: Problem,
}

/// The fields of the form. What has a password in it is not shown for debugging.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Sent {
    csrf: String,
    name: String,
    email: String,
    password: String,
    repeated: String,
}

/// `GET`: says what the link does, with the button that does it.
pub(crate) async fn show(
    State(platform): State<Platform>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let target = platform.link_target(&token).await?;
    form(&headers, &platform, &token, &target, &Sent::default(), Problem::default())
}

/// `POST`: uses the link up and starts a session.
pub(crate) async fn redeem(
    State(platform): State<Platform>,
    Path(token): Path<String>,
    Address(address): Address,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, PageError> {
    let (sent, _share): (Sent, _) = read_form(request, &platform, SMALL_FORM, FORM_COST).await?;
    let target = platform.link_target(&token).await?;
    let refuse = |problem| form(&headers, &platform, &token, &target, &sent, problem);
    if !FormToken::is_of(&headers, &platform, &sent.csrf) {
        return refuse(Problem::stale_form());
    }
    if sent.password != sent.repeated {
        return refuse(Problem::at("repeated", "The two passwords differ."));
    }
    let device = Device { name: device::name(&headers), address };
    let previous = Cookie::Session.read(&headers, &platform);
    let browser = Browser { device: &device, previous: previous.as_deref() };
    let filled = LinkForm { name: sent.name.trim(), email: &sent.email, password: &sent.password };
    match platform.sign_in_by_link(&token, filled, browser).await {
        Ok(secret) => signed_in(&secret, "/", &platform),
        Err(error) => refuse(error.try_into()?),
    }
}

/// Returns the form once more, with what is wrong.
pub(crate) async fn again(
    headers: &HeaderMap,
    platform: &Platform,
    token: &str,
    problem: Problem,
) -> Result<Response, PageError> {
    let target = platform.link_target(token).await?;
    form(headers, platform, token, &target, &Sent::default(), problem)
}

fn form(
    headers: &HeaderMap,
    platform: &Platform,
    token: &str,
    target: &LinkTarget,
    sent: &Sent,
    problem: Problem,
) -> Result<Response, PageError> {
    let form_token = FormToken::of(headers, platform)?;
    let (title, explanation, button) = match target.purpose {
        LinkPurpose::Owner => (
            "Welcome to keepstep",
            "This link makes you an owner of this server. Where there is an account with the address that you type, it is \
             yours again, with this password, and whatever else opened it does so no more."
                .to_owned(),
            "Sign in as an owner",
        ),
        LinkPurpose::Invite => {
            let by = target.created_by.as_deref().map_or_else(String::new, |by| format!(" by {}", Visible::of(by).plain()));
            let gives = rights_text(&target.rights);
            let explanation = match target.rights.role {
                Some(_) => format!("You were invited{by}, with the role {gives}."),
                None if target.rights.projects.is_empty() => {
                    format!("You were invited{by} to projects that were deleted since. Ask for another invitation.")
                }
                None => format!("You were invited{by}: {gives}. You see these projects, and nothing else."),
            };
            ("You are invited to keepstep", explanation, "Create my account")
        }
        LinkPurpose::Reset => (
            "Choose a new password",
            "It takes the place of the old one. All browsers that are signed in with this account are signed out.".to_owned(),
            "Set the password",
        ),
    };
    let account = target.account.as_ref();
    // A link for an account sets its password, and nothing else.
    let provider = match target.purpose {
        LinkPurpose::Invite | LinkPurpose::Owner => ShownProvider::of(platform, || format!("/sign-in/link/{token}/oidc")),
        LinkPurpose::Reset => None,
    };
    let known_email = account.and_then(|account| account.email.as_deref());
    let status = problem.status();
    let page = page(&SignInLink {
        frame: Frame::default(),
        title,
        explanation,
        button,
        // The form of a token was checked: it holds nothing that means something in an address.
        action: format!("/sign-in/link/{token}"),
        provider,
        csrf: form_token.csrf.field(),
        has_name: account.is_some(),
        user_name: Visible::of(account.map_or("", |account| account.name.as_str())),
        name: &sent.name,
        has_email: known_email.is_some(),
        email: known_email.unwrap_or(&sent.email),
        shortest: SHORTEST_PASSWORD,
        problem,
    })?;
    Ok((status, [(header::SET_COOKIE, form_token.cookie)], page).into_response())
}
