//! `GET /api/openapi.json`: the API, described for programs.

use axum::Json;
use axum::response::{IntoResponse, Response};
use keepstep_api::error::ErrorBody;
use keepstep_api::lua::PrimitiveKind;
use serde_json::{Value, json};
use utoipa::OpenApi;

use crate::api::fluxloop::{
    bundles, experiments, inputs, keys, login, personas as fluxloop_personas, projects, pull, runs, scenarios, storage,
    sync_status, turns, upload, workspaces,
};
use crate::api::lua::{agents as lua_agents, backup, me, personas as lua_personas};
use crate::api::own::uploads::{commit, offer, parts};
use crate::api::own::{agents, artifacts, definition, drift, events, import, live, personas, revisions, whoami};
use crate::api::{health, metrics};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "keepstep",
        description = "An agent's definition in step between code and server. What is under /api/v1 is keepstep's own; \
                       /admin, /agents and /developer are the dialect of lua-cli; \
                       the rest of /api is that of fluxloop-cli.",
        license(name = "Apache-2.0 OR MIT")
    ),
    paths(
        whoami::show,
        agents::list,
        agents::create,
        agents::state,
        definition::change,
        drift::report,
        revisions::show,
        personas::list,
        personas::show,
        personas::deploy,
        personas::diff,
        offer::create,
        offer::show,
        parts::put,
        commit::commit,
        artifacts::show,
        events::stream,
        import::create,
        live::report,
        me::authorization,
        me::context,
        me::resources,
        lua_agents::show,
        lua_agents::change,
        lua_agents::snapshots,
        lua_personas::list,
        lua_personas::create,
        lua_personas::deploy,
        backup::show,
        backup::manifest,
        backup::versions,
        backup::blob_urls,
        login::start,
        login::complete,
        login::refresh,
        workspaces::list,
        projects::list,
        projects::show,
        projects::create,
        keys::list,
        keys::create,
        keys::revoke,
        scenarios::list,
        scenarios::show,
        scenarios::create,
        scenarios::change,
        bundles::list,
        bundles::show,
        bundles::create,
        bundles::change,
        bundles::publish,
        inputs::list,
        inputs::show,
        fluxloop_personas::list,
        fluxloop_personas::create,
        storage::presign,
        storage::put,
        pull::pull,
        upload::upload,
        turns::add,
        sync_status::show,
        experiments::list,
        runs::list,
        health::show,
        metrics::show,
    ),
    components(schemas(ErrorBody))
)]
struct Described;

/// Addresses that anybody may read.
const OPEN: [&str; 6] = [
    "/api/storage/upload/{token}",
    "/healthz",
    "/metrics",
    "/api/cli-connect/start",
    "/api/cli-connect/complete",
    "/api/cli-connect/refresh",
];

/// Returns the description of the API.
pub fn document() -> Value {
    let described = serde_json::to_value(Described::openapi()).unwrap_or_default();
    let Value::Object(mut document) = described else { return Value::Null };
    if let Some(Value::Object(info)) = document.get_mut("info") {
        info.insert("version".to_owned(), json!(env!("CARGO_PKG_VERSION")));
    }
    if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
        components.insert("securitySchemes".to_owned(), json!({ "key": { "type": "http", "scheme": "bearer" } }));
    }
    let mut paths = document.remove("paths").and_then(|paths| paths.as_object().cloned()).unwrap_or_default();
    for kind in PrimitiveKind::ALL {
        paths.insert(kind.path().to_owned(), primitive(kind));
    }
    for (path, item) in &mut paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            complete(method, path, operation);
        }
    }
    document.insert("paths".to_owned(), Value::Object(paths));
    document.insert("security".to_owned(), json!([{ "key": [] }]));
    Value::Object(document)
}

/// Returns the description of a kind's list.
fn primitive(kind: PrimitiveKind) -> Value {
    let parameters = json!([
        { "name": "id", "in": "path", "required": true, "description": "The agent", "schema": { "type": "string" } }
    ]);
    let items = json!({ "type": "array", "items": { "type": "object" } });
    let list = match kind.list_key() {
        Some(key) => json!({ "type": "object", "required": [key], "properties": { key: items } }),
        None => items,
    };
    let envelope = |data: Value| {
        json!({ "application/json": { "schema": {
            "type": "object",
            "required": ["success", "data"],
            "properties": { "success": { "type": "boolean" }, "data": data },
        } } })
    };
    let new = json!({
        "type": "object",
        "required": ["name"],
        "properties": { "name": { "type": "string", "minLength": 1 } },
    });
    let made = json!({ "type": "object", "required": ["id"], "properties": { "id": { "type": "string" } } });
    json!({
        "get": {
            "parameters": parameters,
            "responses": { "200": { "description": "The list", "content": envelope(list) } },
        },
        "post": {
            "parameters": parameters,
            "requestBody": { "required": true, "content": { "application/json": { "schema": new } } },
            "responses": { "201": { "description": "What was created", "content": envelope(made) } },
        },
    })
}

/// Adds what holds for every operation: a name of its own, the error, and that no key is needed where none is.
fn complete(method: &str, path: &str, operation: &mut Value) {
    let Some(operation) = operation.as_object_mut() else { return };
    let words = path.split(['/', '{', '}', '.']).filter(|word| !word.is_empty());
    let name = words.fold(method.to_owned(), |name, word| format!("{name}-{word}"));
    operation.insert("operationId".to_owned(), json!(name));
    if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
        let error = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/ErrorBody" } } });
        responses.insert("default".to_owned(), json!({ "description": "Why it is not done", "content": error }));
    }
    if OPEN.contains(&path) {
        operation.insert("security".to_owned(), json!([]));
    }
}

/// `GET /api/openapi.json`
pub(crate) async fn show() -> Response {
    Json(document()).into_response()
}
