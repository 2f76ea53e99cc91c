//! Every route of the server.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post, put};
use keepstep_api::lua::PrimitiveKind;
use keepstep_http::access::LEFT_TO_MODELS;
use keepstep_http::{Pages, access};
use keepstep_platform::{Error, Platform, printable};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::api::fluxloop;
use crate::api::lua::{agents as lua_agents, backup, me, personas as lua_personas, primitives};
use crate::api::own::{agents, artifacts, definition, drift, events, import, live, personas, revisions, uploads, whoami};
use crate::api::{health, metrics};
use crate::error::ApiError;
use crate::{observation, openapi, packed_pages, prefix};

/// Returns the whole server as one service: the API, and the pages that it is given.
pub fn router(platform: Platform, pages: Pages) -> Router {
    let api = own().merge(lua()).merge(fluxloop()).merge(operations());
    let api = api
        .method_not_allowed_fallback(method_not_allowed)
        .route_layer(from_fn_with_state(platform.clone(), admit))
        .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
    let public_url = platform.settings.public_url.clone();
    let server = api
        .merge(pages.routes)
        .fallback(move |State(platform): State<Platform>, request: Request| async move {
            not_found(&request, |headers| (pages.not_found)(&platform, headers))
        })
        .with_state(platform.clone())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(platform, observation::observe));
    prefix::below(public_url.as_deref(), server).layer(from_fn(packed_pages::pack))
}

/// Our own additions: see [`keepstep_api::own`].
fn own() -> Router<Platform> {
    Router::new()
        .route("/api/v1/whoami", get(whoami::show))
        .route("/api/v1/agents", get(agents::list).post(agents::create))
        .route("/api/v1/agents/{id}/state", get(agents::state))
        .route("/api/v1/agents/{id}/definition", patch(definition::change))
        .route("/api/v1/agents/{id}/drift", post(drift::report))
        .route("/api/v1/agents/{id}/revisions/{revision}", get(revisions::show))
        .route("/api/v1/agents/{id}/personas", get(personas::list))
        .route("/api/v1/agents/{id}/personas/{version}", get(personas::show))
        .route("/api/v1/agents/{id}/personas/{version}/deploy", post(personas::deploy))
        .route("/api/v1/agents/{id}/personas/{version}/diff/{other}", get(personas::diff))
        .route("/api/v1/uploads", post(uploads::offer::create))
        .route("/api/v1/uploads/{upload}", get(uploads::offer::show))
        .route("/api/v1/uploads/{upload}/parts", put(uploads::parts::put))
        .route("/api/v1/uploads/{upload}/commit", post(uploads::commit::commit))
        .route("/api/v1/artifacts/{artifact}", get(artifacts::show))
        .route("/api/v1/projects/{id}/import", post(import::create))
        .route("/api/v1/projects/{id}/live", post(live::report))
        .route("/api/v1/events", get(events::stream))
}

/// The lua dialect: see [`keepstep_api::lua`].
fn lua() -> Router<Platform> {
    let mut router = Router::new()
        .route("/admin/me/authorization", get(me::authorization))
        .route("/admin/me/authorization/context", get(me::context))
        .route("/admin/me/authorization/orgs/{org}/resources", get(me::resources))
        .route("/admin/agents/{id}", get(lua_agents::show))
        .route("/agents/{id}/sub-agent", patch(lua_agents::change))
        .route("/developer/agents/{id}/persona/versions", get(lua_personas::list))
        .route("/developer/agents/{id}/persona/version", post(lua_personas::create))
        .route("/developer/agents/{id}/persona/version/{version}", post(lua_personas::deploy))
        .route("/developer/agents/{id}/versions", get(lua_agents::snapshots))
        .route("/developer/agents/{id}/backup", get(backup::show))
        .route("/developer/agents/{id}/backup/manifest", get(backup::manifest))
        .route("/developer/agents/{id}/backup/versions", get(backup::versions))
        .route("/developer/agents/{id}/backup/blob-urls", post(backup::blob_urls));
    for kind in PrimitiveKind::ALL {
        let list = get(move |platform, caller, id| primitives::list(kind, platform, caller, id));
        let create = post(move |platform, caller, id, input| primitives::create(kind, platform, caller, id, input));
        router = router.route(kind.path(), list.merge(create));
    }
    router
}

/// The fluxloop dialect: see [`keepstep_api::fluxloop`].
fn fluxloop() -> Router<Platform> {
    use fluxloop::{
        bundles, experiments, inputs, keys, login, models, personas, projects, pull, runs, scenarios, storage, sync_status,
        turns, upload, workspaces,
    };
    let mut router = Router::new()
        .route("/api/cli-connect/start", post(login::start))
        .route("/api/cli-connect/complete", post(login::complete))
        .route("/api/cli-connect/refresh", post(login::refresh))
        .route("/api/workspaces", get(workspaces::list))
        .route("/api/projects", get(projects::list).post(projects::create))
        .route("/api/projects/{id}", get(projects::show))
        .route("/api/api-keys", get(keys::list).post(keys::create))
        .route("/api/api-keys/{id}", delete(keys::revoke))
        .route("/api/scenarios", get(scenarios::list).post(scenarios::create))
        .route("/api/scenarios/{id}", get(scenarios::show).patch(scenarios::change))
        .route("/api/bundles", get(bundles::list).post(bundles::create))
        .route("/api/bundles/{id}", get(bundles::show).put(bundles::change))
        .route("/api/bundles/{id}/publish", post(bundles::publish))
        .route("/api/inputs", get(inputs::list))
        .route("/api/inputs/{id}", get(inputs::show))
        .route("/api/personas", get(personas::list).post(personas::create))
        .route("/api/storage/presign", post(storage::presign))
        .route("/api/storage/upload/{token}", put(storage::put))
        .route("/api/sync/pull", post(pull::pull))
        .route("/api/sync/upload", post(upload::upload))
        .route("/api/sync/turns", post(turns::add))
        .route("/api/sync/status", get(sync_status::show))
        .route("/api/experiments", get(experiments::list))
        .route("/api/runs", get(runs::list))
        .route("/api/evaluations/jobs", get(|caller| models::not_offered("evaluate experiments", caller)));
    for (path, what) in LEFT_TO_MODELS {
        router = router.route(path, post(move |caller| models::not_offered(what, caller)));
    }
    router
}

/// For those who run the server.
fn operations() -> Router<Platform> {
    Router::new()
        .route("/healthz", get(health::show))
        .route("/metrics", get(metrics::show))
        .route("/api/openapi.json", get(openapi::show))
}

/// Returns true for addresses that programs use: their errors are JSON.
fn is_api(path: &str) -> bool {
    ["/api", "/admin", "/developer", "/healthz", "/metrics"]
        .iter()
        .any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        || path.ends_with("/sub-agent")
}

/// Returns true if a request comes from a program and not from a browser: it brings a key, or wants JSON and no page.
fn is_from_program(headers: &HeaderMap) -> bool {
    let accepts = |kind: &str| {
        let values = headers.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|one| one.trim().starts_with(kind))
    };
    headers.contains_key(header::AUTHORIZATION) || (accepts("application/json") && !accepts("text/html"))
}

fn not_found(request: &Request, page: impl FnOnce(&HeaderMap) -> Response) -> Response {
    let path = request.uri().path();
    if path.starts_with("/developer/") {
        ApiError(Error::NotKept(printable(path))).into_response()
    } else if is_api(path) || is_from_program(request.headers()) {
        ApiError(Error::NotFound(printable(path))).into_response()
    } else {
        page(request.headers())
    }
}

async fn admit(State(platform): State<Platform>, request: Request, next: Next) -> Response {
    access::decide(&platform, request, next, |error| ApiError(error).into_response()).await
}

async fn method_not_allowed(request: Request) -> ApiError {
    Error::MethodNotAllowed { method: printable(request.method().as_str()), path: printable(request.uri().path()) }.into()
}

fn panicked(cause: Box<dyn std::any::Any + Send>) -> Response {
    let cause = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied());
    ApiError(Error::Internal(format!("a handler panicked: {}", cause.unwrap_or("without a message")))).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_our_json_and_its_cause_stays_here() {
        let response = panicked(Box::new("the secret cause"));
        assert_eq!(response.status(), 500);
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["code"], "INTERNAL");
        assert!(!body.to_string().contains("secret"));
    }

    #[test]
    fn errors_are_json_where_programs_ask() {
        for path in ["/api", "/api/x", "/admin/agents/x", "/developer/x", "/agents/x/sub-agent", "/metrics"] {
            assert!(is_api(path), "{path}");
        }
        for path in ["/", "/apiary", "/agents/x", "/administrator", "/sub-agents"] {
            assert!(!is_api(path), "{path}");
        }
    }
}
