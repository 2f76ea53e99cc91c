//! The dashboard: pages that are made on the server and work without a script.
//!
//! `pages` has a file and a template for each address, `parts` what several of them show, `form` what comes back from a browser. A page
//! reads from the store inside of what its reader may see, and calls the use cases of [`keepstep_platform`]; it opens no transaction.
//!
//! What protects them: templates escape everything (`parts::visible` also shows what cannot be seen), a strict policy for what
//! a page may load (`security_headers`), a session in a cookie that no script can read ([`keepstep_http::session`]), and two checks of
//! where a form comes from (there, and `form::csrf`). A write names the revision that the page was made from; a stale one is refused and
//! what was typed is shown again (`pages::edit`).

mod addressed;
mod error_page;
mod form;
mod origin;
mod pages;
mod parts;
mod security_headers;
mod signed_in;

use std::any::Any;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use http::header::CONNECTION;
use http::{HeaderMap, Method};
use keepstep_http::{Pages, access};
use keepstep_platform::Platform;
use tower_http::catch_panic::CatchPanicLayer;

use crate::error_page::{PageError, SignInNeeded};
use crate::parts::theme;

/// Returns all pages.
pub fn pages(platform: &Platform) -> Pages {
    use pages::{
        account, activity, add_inputs, agent, agents, asset, bundle, bundles, case, changes, compare, connect, criteria,
        criteria_pack, criterion, download_inputs, draft, edit, events, experiment, experiment_delete, experiment_labels,
        experiment_list, experiments, export, gate, identities, inputs, invite, keys, member, members, new_agent, new_project,
        new_scenario, personas, presence, project_settings, projects, publish, publishing, retention, review, scenario,
        scenario_settings, search, server, share, sheet, sign_in, sign_in_link, sign_in_oidc, sign_out, trend_inputs, trends,
        version, webhooks,
    };
    let routes = Router::new()
        .route("/", get(agents::show))
        .route("/changes", get(changes::show))
        .route("/new-agent", get(new_agent::show).post(new_agent::create))
        .route("/agents/{id}", get(agent::show))
        .route("/agents/{id}/edit", get(edit::show).post(edit::save))
        .route("/agents/{id}/draft", put(draft::keep))
        .route("/agents/{id}/draft/discard", get(draft::ask_discard).post(draft::discard))
        .route("/agents/{id}/presence", put(presence::renew))
        .route("/agents/{id}/versions/{version}", get(version::show))
        .route("/agents/{id}/versions/{version}/deploy", post(version::deploy))
        .route("/agents/{id}/versions/{version}/propose", post(review::propose))
        .route("/agents/{id}/versions/{version}/review", post(review::review))
        .route("/publishing", get(publishing::show).post(publishing::save))
        .route("/sign-in/link/{token}", get(sign_in_link::show).post(sign_in_link::redeem))
        .route("/sign-in/link/{token}/oidc", get(sign_in_oidc::begin_link))
        .route("/sign-in/oidc", get(sign_in_oidc::begin))
        .route("/sign-in/oidc/callback", get(sign_in_oidc::callback))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/account", get(account::show).post(account::save))
        .route("/account/password", post(account::set_password))
        .route("/account/theme", post(account::set_theme))
        .route("/account/sessions/end", post(account::end_session))
        .route("/account/identities/link", post(identities::link))
        .route("/account/identities/{identity}/unlink", get(identities::ask_unlink).post(identities::unlink))
        .route("/members", get(members::show).post(members::invite))
        .route("/members/invite", get(invite::show).post(invite::invite))
        .route("/members/links/{link}/revoke", get(members::ask_revoke).post(members::revoke))
        .route("/members/{user}", get(member::show))
        .route("/members/{user}/reset", post(member::reset))
        .route("/members/{user}/role", post(member::set_role))
        .route("/members/{user}/projects", post(member::set_membership))
        .route("/members/{user}/sessions/end", post(member::end_session))
        .route("/members/{user}/remove", get(member::ask_remove).post(member::remove))
        .route("/sign-out", post(sign_out::sign_out))
        .route("/projects", get(projects::show))
        .route("/new-project", get(new_project::show).post(new_project::create))
        .route("/projects/{project}", get(experiments::show))
        .route("/projects/{project}/settings", get(project_settings::show).post(project_settings::save))
        .route("/projects/{project}/retention", get(retention::show).post(retention::turn_off))
        .route("/projects/{project}/retention/delete", get(retention::ask_delete).post(retention::delete))
        .route("/projects/{project}/delete", get(project_settings::ask_delete).post(project_settings::delete))
        .route("/projects/{project}/restore", post(project_settings::restore))
        .route("/projects/{project}/new-scenario", get(new_scenario::show).post(new_scenario::create))
        .route("/projects/{project}/personas", get(personas::show))
        .route("/projects/{project}/personas/new", get(personas::show_new).post(personas::create))
        .route("/projects/{project}/personas/{persona}", get(personas::show_one).post(personas::save))
        .route("/projects/{project}/personas/{persona}/delete", get(personas::ask_delete).post(personas::delete))
        .route("/projects/{project}/personas/{persona}/restore", post(personas::restore))
        .route("/projects/{project}/scenarios/{scenario}", get(scenario::show))
        .route("/projects/{project}/scenarios/{scenario}/settings", get(scenario_settings::show).post(scenario_settings::save))
        .route(
            "/projects/{project}/scenarios/{scenario}/delete",
            get(scenario_settings::ask_delete).post(scenario_settings::delete),
        )
        .route("/projects/{project}/scenarios/{scenario}/restore", post(scenario_settings::restore))
        .route("/projects/{project}/scenarios/{scenario}/gate", post(gate::save))
        .route("/projects/{project}/scenarios/{scenario}/add", get(add_inputs::show).post(add_inputs::bring))
        .route("/projects/{project}/scenarios/{scenario}/add/{sheet}", get(sheet::show).post(sheet::send))
        .route("/projects/{project}/scenarios/{scenario}/download/{format}", get(download_inputs::download))
        .route("/projects/{project}/scenarios/{scenario}/publish", get(publish::show).post(publish::publish))
        .route("/projects/{project}/scenarios/{scenario}/versions", get(bundles::show))
        .route("/projects/{project}/scenarios/{scenario}/versions/{version}", get(bundle::show))
        .route("/projects/{project}/scenarios/{scenario}/inputs", post(inputs::add))
        .route("/projects/{project}/scenarios/{scenario}/inputs/{input}", post(inputs::change))
        .route("/projects/{project}/scenarios/{scenario}/inputs/{input}/delete", get(inputs::ask_delete).post(inputs::delete))
        .route("/projects/{project}/scenarios/{scenario}/inputs/{input}/revert", get(inputs::ask_revert).post(inputs::revert))
        .route("/projects/{project}/scenarios/{scenario}/criteria", get(criteria::show))
        .route("/projects/{project}/scenarios/{scenario}/criteria/new", get(criterion::show_new).post(criterion::create))
        .route("/projects/{project}/scenarios/{scenario}/criteria/{pack}", get(criteria_pack::show).post(criteria_pack::save))
        .route(
            "/projects/{project}/scenarios/{scenario}/criteria/{pack}/delete",
            get(criteria_pack::ask_delete).post(criteria_pack::delete),
        )
        .route(
            "/projects/{project}/scenarios/{scenario}/criteria/{pack}/revert",
            get(criteria_pack::ask_revert).post(criteria_pack::revert),
        )
        .route("/projects/{project}/scenarios/{scenario}/criteria/{pack}/{criterion}", get(criterion::show).post(criterion::save))
        .route(
            "/projects/{project}/scenarios/{scenario}/criteria/{pack}/{criterion}/delete",
            get(criterion::ask_delete).post(criterion::delete),
        )
        .route("/projects/{project}/trends", get(trends::show))
        .route("/projects/{project}/trends/inputs", get(trend_inputs::show))
        .route("/projects/{project}/compare", get(compare::show))
        .route("/projects/{project}/experiments", get(experiment_list::show))
        .route("/projects/{project}/experiments/{experiment}", get(experiment::show))
        .route("/projects/{project}/experiments/{experiment}/export/{format}", get(export::download))
        .route("/projects/{project}/experiments/{experiment}/labels", get(experiment_labels::show).post(experiment_labels::save))
        .route("/projects/{project}/experiments/{experiment}/pin", post(experiment_labels::pin))
        .route("/projects/{project}/experiments/{experiment}/unpin", post(experiment_labels::unpin))
        .route("/projects/{project}/experiments/{experiment}/gate/seen", post(gate::see))
        .route("/projects/{project}/experiments/{experiment}/delete", get(experiment_delete::ask).post(experiment_delete::delete))
        .route("/projects/{project}/experiments/{experiment}/shares", get(share::list).post(share::create))
        .route("/projects/{project}/experiments/{experiment}/shares/{share}/revoke", get(share::ask_revoke).post(share::revoke))
        .route("/shared/{token}", get(share::open))
        .route("/projects/{project}/experiments/{experiment}/restore", post(experiment_delete::restore))
        .route("/projects/{project}/experiments/{experiment}/cases/{case}", get(case::show))
        .route("/projects/{project}/experiments/{experiment}/cases/{case}/verdict", post(case::say))
        .route("/projects/{project}/experiments/{experiment}/cases/{case}/input", post(case::make_input))
        .route("/projects/{project}/experiments/{experiment}/cases/{case}/messages/{number}", get(case::raw))
        .route("/projects/{project}/experiments/{experiment}/runs/{case}", get(case::redirect))
        .route("/connect", get(connect::show).post(connect::find))
        .route("/connect/decide", post(connect::decide))
        .route("/connect/devices/{device}/sign-out", get(connect::ask_sign_out).post(connect::sign_out))
        .route("/keys", get(keys::show).post(keys::create))
        .route("/keys/{key}/revoke", get(keys::ask_revoke).post(keys::revoke))
        .route("/keys/devices/{device}/sign-out", get(keys::ask_sign_out).post(keys::sign_out))
        .route("/search", get(search::show))
        .route("/webhooks", get(webhooks::show).post(webhooks::create))
        .route("/webhooks/{webhook}", get(webhooks::show_one))
        .route("/webhooks/{webhook}/test", post(webhooks::test))
        .route("/webhooks/{webhook}/deliveries/{delivery}/send", post(webhooks::send_again))
        .route("/webhooks/{webhook}/delete", get(webhooks::ask_delete).post(webhooks::delete))
        .route("/activity", get(activity::show))
        .route("/activity/export", get(activity::export))
        .route("/server", get(server::show))
        .route("/usage", get(server::usage))
        .route("/events", get(events::stream))
        .route("/assets/{file}", get(asset::show))
        .method_not_allowed_fallback(method_not_allowed)
        .route_layer(from_fn_with_state(platform.clone(), admit))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(platform.clone(), theme::remember))
        .layer(from_fn(security_headers::add))
        // Each form says itself how large it may be.
        .layer(DefaultBodyLimit::disable());
    Pages { routes, not_found }
}

async fn admit(State(platform): State<Platform>, request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    // What was sent cannot be opened again, but for the page with the form.
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let wanted = match (request.method(), request.uri().path_and_query()) {
        (&Method::GET, Some(wanted)) => wanted.as_str().to_owned(),
        (_, Some(wanted)) if access::is_page(path) => wanted.as_str().to_owned(),
        _ => "/".to_owned(),
    };
    let mut answer = access::decide(&platform, request, next, |error| PageError::from(error).into_response()).await;
    match answer.extensions_mut().remove::<SignInNeeded>() {
        Some(needed) => {
            let connection = answer.headers_mut().remove(CONNECTION);
            let mut page = pages::sign_in::instead(&headers, &platform, needed, &wanted);
            page.headers_mut().extend(connection.map(|value| (CONNECTION, value)));
            page
        }
        None => answer,
    }
}

/// Returns the page for an address that is nobody's.
fn not_found(platform: &Platform, headers: &HeaderMap) -> Response {
    theme::made_for(headers, platform, || with_headers(PageError::NotFound))
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
