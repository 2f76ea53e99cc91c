//! The pages.
//!
//! They are made on the server and work without a script. A page is a handler and a template of the same name:
//!
//! | Address | File | What |
//! |---|---|---|
//! | `/` | [`agents`] | the list of agents |
//! | `/new-agent` | [`new_agent`] | a form that makes one |
//! | `/agents/{id}` | [`agent`] | its persona and its versions |
//! | `/agents/{id}/edit` | [`edit`] | a form that saves a draft or publishes |
//! | `/agents/{id}/versions/{n}` | [`version`] | a version and how it differs from another; deploying it |
//! | `/sign-in/link/{token}` | [`sign_in_link`] | a one-time link signs a browser in |
//! | `/sign-out` | [`sign_out`] | and out |
//! | `/projects` | [`projects`] | the list of projects |
//! | `/projects/{id}` | [`experiments`] | its experiments and its test data |
//! | `/projects/{id}/experiments/{batch}` | [`experiment`] | figures, runs and files of an experiment |
//! | `/projects/{id}/experiments/{batch}/runs/{run}` | [`run`] | what was said in a run, and how it was judged |
//! | `/connect` | [`connect`] | lets a device in that shows a code |
//! | `/keys` | [`keys`] | for owners: keys, devices, people |
//! | `/events` | [`events`] | the stream of changes, for the page that is open |
//! | `/assets/{file}` | [`asset`] | style sheet, icon, module |
//!
//! What protects them: templates escape everything ([`visible`] also shows what cannot be seen), a strict policy for what
//! a page may load ([`security_headers`]), a session in a cookie that no script can read ([`session`]), and two checks of
//! where a form comes from ([`csrf`]). A write names the revision that the page was made from; a stale one is refused and
//! what was typed is shown again ([`edit`]).

mod addressed;
mod agent;
mod agents;
mod asset;
mod assets;
mod connect;
mod csrf;
mod diff_view;
mod edit;
mod edit_form;
pub(crate) mod error_page;
mod events;
mod experiment;
mod experiments;
mod form_text;
mod frame;
mod keys;
mod new_agent;
mod path;
mod projects;
mod run;
mod security_headers;
pub(crate) mod session;
mod shown_results;
pub(crate) mod sign_in_link;
mod sign_out;
mod version;
mod view;
mod visible;

use std::any::Any;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use keepstep_platform::Platform;
use tower_http::catch_panic::CatchPanicLayer;

use self::error_page::PageError;
use crate::access;

/// Returns the routes of all pages.
pub(crate) fn router(platform: &Platform) -> Router<Platform> {
    Router::new()
        .route("/", get(agents::show))
        .route("/new-agent", get(new_agent::show).post(new_agent::create))
        .route("/agents/{id}", get(agent::show))
        .route("/agents/{id}/edit", get(edit::show).post(edit::save))
        .route("/agents/{id}/versions/{version}", get(version::show))
        .route("/agents/{id}/versions/{version}/deploy", post(version::deploy))
        .route("/sign-in/link/{token}", get(sign_in_link::show).post(sign_in_link::redeem))
        .route("/sign-out", post(sign_out::sign_out))
        .route("/projects", get(projects::show))
        .route("/projects/{project}", get(experiments::show))
        .route("/projects/{project}/experiments/{batch}", get(experiment::show))
        .route("/projects/{project}/experiments/{batch}/runs/{run}", get(run::show))
        .route("/connect", get(connect::show).post(connect::find))
        .route("/connect/decide", post(connect::decide))
        .route("/connect/sign-out", post(connect::sign_out))
        .route("/keys", get(keys::show).post(keys::create))
        .route("/keys/revoke", post(keys::revoke))
        .route("/events", get(events::stream))
        .route("/assets/{file}", get(asset::show))
        .method_not_allowed_fallback(method_not_allowed)
        .route_layer(from_fn_with_state(platform.clone(), admit))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(security_headers::add))
        // Each form says itself how large it may be.
        .layer(DefaultBodyLimit::disable())
}

async fn admit(State(platform): State<Platform>, request: Request, next: Next) -> Response {
    access::decide(&platform, request, next, |error| PageError::from(error).into_response()).await
}

/// Returns the page for an address that is nobody's.
pub(crate) fn not_found() -> Response {
    with_headers(PageError::NotFound)
}

async fn method_not_allowed() -> Response {
    with_headers(PageError::MethodNotAllowed)
}

fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let cause = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied());
    PageError::internal(&cause.unwrap_or("a panic without a message")).into_response()
}

fn with_headers(error: PageError) -> Response {
    let mut response = error.into_response();
    security_headers::add_to(response.headers_mut());
    response
}
