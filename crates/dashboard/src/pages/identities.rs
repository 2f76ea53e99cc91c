//! `/account/identities`: linking an account of the identity provider to one's own, and unlinking it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use http::{StatusCode, header};
use keepstep_http::address::Address;
use keepstep_http::session::Cookie;
use keepstep_platform::{Error, OIDC_LIFE, OidcProblem, Platform};
use serde::Deserialize;

use super::account;
use super::sign_in_oidc::CALLBACK;
use crate::error_page::PageError;
use crate::form::posted::{Confirmed, Fields, Posted};
use crate::form::problem::Problem;
use crate::origin::PublicAddress;
use crate::parts::confirm::Confirm;
use crate::parts::frame::Frame;
use crate::parts::view::page;
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "identity_link.html")]
struct LinkPage {
    frame: Frame,
    provider: Visible,
    href: String,
}

/// The form that begins to link an identity. What has a password in it is not shown for debugging.
#[derive(Deserialize)]
pub(crate) struct LinkForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    password: String,
}

impl Fields for LinkForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// `POST /account/identities/link`: the way to the provider, for whoever knows their password. It is a link, because the policy of our pages
/// lets a form lead to no other host.
pub(crate) async fn link(
    State(platform): State<Platform>,
    Address(address): Address,
    PublicAddress(origin): PublicAddress,
    posted: Posted<LinkForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let provider = platform.oidc_provider().ok_or(Error::from(OidcProblem::NotSetUp))?;
    let redirect_uri = format!("{origin}{CALLBACK}");
    let (begun, href) = match platform.begin_identity_link(&by.session, &form.password, &redirect_uri, &address).await {
        Ok(begun) => begun,
        Err(error) => {
            let problem = match error {
                Error::WrongOldPassword => Problem::at("link-password", "Your password is wrong."),
                error => Problem::try_from(error)?,
            };
            return account::shown(&platform, &by, None, None, problem).await;
        }
    };
    let cookie = Cookie::Oidc.set(begun.cookie(), OIDC_LIFE / 1000, &platform)?;
    let page = page(&LinkPage { frame: Frame::of(&by.session), provider: Visible::of(provider.name), href })?;
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), page).into_response())
}

/// `GET /account/identities/{identity}/unlink`: asks.
pub(crate) async fn ask_unlink(
    State(platform): State<Platform>,
    by: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    ask(&platform, &by, &id, None).await
}

/// `POST /account/identities/{identity}/unlink`.
pub(crate) async fn unlink(
    State(platform): State<Platform>,
    Path(id): Path<String>,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    let by = posted.by;
    match platform.unlink_identity(&by.session, &id).await {
        Ok(()) => Ok(Redirect::to("/account?done=unlinked").into_response()),
        Err(Error::Refused(problem)) => {
            let page = ask(&platform, &by, &id, Some(problem)).await?;
            Ok((StatusCode::CONFLICT, page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// Returns the question before an identity is unlinked.
async fn ask(platform: &Platform, by: &SignedIn, id: &str, problem: Option<String>) -> Result<Response, PageError> {
    let identities = platform.store.identities(&by.session.user.id).await?;
    let identity = identities.into_iter().find(|identity| identity.id == id).ok_or(PageError::NotFound)?;
    let who = identity.email.as_deref().map_or_else(String::new, |email| format!(" as {email}"));
    let consequences = [
        format!("{}{who} signs you in no more.", identity.issuer),
        "You sign in with your password. Who is signed in stays signed in.".to_owned(),
    ];
    page(&Confirm {
        frame: Frame::of(&by.session),
        title: Visible::of("Unlink this identity?"),
        consequences: consequences.into_iter().map(Visible::of).collect(),
        problem,
        action: format!("/account/identities/{}/unlink", identity.id),
        button: "Unlink it",
        back: "/account".to_owned(),
    })
}
