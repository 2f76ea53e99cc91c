//! `/sign-in/oidc`: an account of the identity provider signs a browser in.
//!
//! The browser is sent to the provider, which sends it back to `/sign-in/oidc/callback`. These are links and no forms, because the policy
//! of our pages lets a form lead to no other host. The way back is a `GET` that signs in: it works only together with the cookie of the
//! browser that has begun, and once.

use axum::extract::{Path, Query, State};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use http::{HeaderMap, header};
use keepstep_http::address::Address;
use keepstep_http::device;
use keepstep_http::session::{self, Cookie};
use keepstep_platform::{BegunSignIn, Browser, Caller, Error, OIDC_LIFE, OidcAnswer, OidcProblem, OidcPurpose, Platform};
use keepstep_store::Device;
use serde::Deserialize;

use super::sign_in::{SignInQuery, signed_in};
use super::{account, sign_in, sign_in_link};
use crate::error_page::PageError;
use crate::form::next::page_of_ours;
use crate::form::problem::Problem;
use crate::origin::PublicAddress;
use crate::signed_in::SignedIn;

/// The path to which the provider sends a browser back.
pub(crate) const CALLBACK: &str = "/sign-in/oidc/callback";

/// What the provider sends a browser back with. What has a code in it is not shown for debugging.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sent {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    iss: Option<String>,
}

/// `GET`: sends the browser to the provider. Whoever is signed in goes on at once.
pub(crate) async fn begin(
    State(platform): State<Platform>,
    PublicAddress(origin): PublicAddress,
    headers: HeaderMap,
    Query(asked): Query<SignInQuery>,
) -> Result<Response, PageError> {
    let next = asked.next();
    if session::of(&headers, &platform).await.is_ok() {
        return Ok(Redirect::to(&next).into_response());
    }
    leave(&platform, &headers, OidcPurpose::Page(next), &origin).await
}

/// `GET /sign-in/link/{token}/oidc`: the same for somebody who was invited.
pub(crate) async fn begin_link(
    State(platform): State<Platform>,
    PublicAddress(origin): PublicAddress,
    headers: HeaderMap,
    Path(token): Path<String>,
) -> Result<Response, PageError> {
    platform.link_target(&token).await?;
    leave(&platform, &headers, OidcPurpose::Link(token), &origin).await
}

/// `GET /sign-in/oidc/callback`: begins a session, and opens the page that was wanted; or links the identity to the account that asked for it.
pub(crate) async fn callback(
    State(platform): State<Platform>,
    Address(address): Address,
    PublicAddress(origin): PublicAddress,
    headers: HeaderMap,
    Query(sent): Query<Sent>,
) -> Result<Response, PageError> {
    let Sent { code, state, error, error_description, iss } = sent;
    let answer = OidcAnswer { code, state, error, error_description, iss };
    let begun = Cookie::Oidc.read(&headers, &platform).and_then(|cookie| BegunSignIn::of_cookie(&cookie));
    let device = Device { name: device::name(&headers), address };
    let caller = Caller { device: device.name.clone(), address: device.address.clone() };
    let previous = Cookie::Session.read(&headers, &platform);
    let browser = Browser { device: &device, previous: previous.as_deref() };
    let redirect_uri = format!("{origin}{CALLBACK}");
    let purpose = begun.as_ref().map_or_else(|| OidcPurpose::Page("/".to_owned()), |begun| begun.purpose().clone());
    let (response, is_stale) = match (begun, &purpose) {
        (Some(begun), OidcPurpose::Account(_)) => {
            let by = SignedIn::from_headers(&headers, &platform).await?;
            let linking = platform.link_by_oidc(&by.session, &begun, &answer, &redirect_uri, &device.address);
            match caller.scope(linking).await {
                Ok(()) => (Redirect::to("/account?done=linked").into_response(), false),
                Err(error) => {
                    let is_stale = is_stale(&error);
                    (account::shown(&platform, &by, None, None, Problem::try_from(error)?).await?, is_stale)
                }
            }
        }
        (begun, _) => {
            let signing_in = platform.sign_in_by_oidc(begun.as_ref(), &answer, &redirect_uri, browser);
            match caller.scope(signing_in).await {
                Ok(secret) => (signed_in(&secret, next_of(&purpose), &platform)?, false),
                Err(error) => {
                    let is_stale = is_stale(&error);
                    (refused(&platform, &headers, &purpose, error).await?, is_stale)
                }
            }
        }
    };
    // Another tab may have begun another one meanwhile, whose answer is still to come.
    if is_stale {
        return Ok(response);
    }
    Ok((AppendHeaders([(header::SET_COOKIE, Cookie::Oidc.set("", 0, &platform)?)]), response).into_response())
}

fn is_stale(error: &Error) -> bool {
    matches!(error, Error::Oidc(OidcProblem::Stale))
}

/// Returns the page that opens after a sign-in.
fn next_of(purpose: &OidcPurpose) -> &str {
    match purpose {
        OidcPurpose::Page(next) => page_of_ours(next),
        OidcPurpose::Link(_) | OidcPurpose::Account(_) => "/",
    }
}

/// Returns the answer that sends a browser to the provider.
async fn leave(platform: &Platform, headers: &HeaderMap, purpose: OidcPurpose, origin: &str) -> Result<Response, PageError> {
    match platform.begin_oidc_sign_in(purpose.clone(), &format!("{origin}{CALLBACK}")).await {
        Ok((begun, address)) => {
            let cookie = Cookie::Oidc.set(begun.cookie(), OIDC_LIFE / 1000, platform)?;
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&address)).into_response())
        }
        Err(error) => refused(platform, headers, &purpose, error).await,
    }
}

/// Returns the page from which it began, with what is wrong.
async fn refused(platform: &Platform, headers: &HeaderMap, purpose: &OidcPurpose, error: Error) -> Result<Response, PageError> {
    let problem = Problem::try_from(error)?;
    match purpose {
        OidcPurpose::Link(token) => sign_in_link::again(headers, platform, token, problem).await,
        OidcPurpose::Page(_) | OidcPurpose::Account(_) => sign_in::again(headers, platform, next_of(purpose), problem),
    }
}
