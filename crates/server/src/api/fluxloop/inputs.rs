//! `/api/inputs`

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use keepstep_api::fluxloop::{InputSet, Inputs};
use keepstep_platform::{Error, Pages, Platform};
use keepstep_store::{Role, test_data};
use keepstep_testdata::input_text;
use serde::Deserialize;
use serde_json::{Value, json};

use super::markup::literal;
use super::time;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::request::{Parameters, Segments};

/// How many items are in memory at a time; fewer where they are long.
const PAGE: u32 = 500;

/// Which inputs a client wants.
#[derive(Debug, Deserialize)]
pub(crate) struct InputsQuery {
    project_id: Option<String>,
    scenario_id: Option<String>,
    input_set_id: Option<String>,
}

/// `GET /api/inputs?project_id=&scenario_id=` for the sets, or `?input_set_id=` for the items of one.
#[utoipa::path(
    get,
    path = "/api/inputs",
    params(("project_id" = Option<String>, Query, description = "The project"), ("scenario_id" = Option<String>, Query, description = "Only those of a scenario"), ("input_set_id" = Option<String>, Query, description = "The items of this set instead")),
    responses((status = 200, description = "The sets, newest first, or the items", body = Inputs))
)]
pub(crate) async fn list(
    State(platform): State<Platform>,
    caller: Caller,
    Parameters(wanted): Parameters<InputsQuery>,
) -> Result<Response, ApiError> {
    caller.require(Role::Viewer)?;
    if let Some(id) = wanted.input_set_id {
        let set = platform.store.input_set(&caller.scope, &id).await?;
        return streamed(platform, set.id, r#"{"items":["#.to_owned(), printable);
    }
    let project = platform.project_of(&caller, wanted.project_id).await?;
    let sets = platform.store.input_sets(&caller.scope, &project, wanted.scenario_id.as_deref()).await?;
    let sets = sets.into_iter().map(|set| input_set(set, None)).collect();
    Ok(Json(Inputs { input_sets: Some(sets), ..Inputs::default() }).into_response())
}

/// `GET /api/inputs/{id}`
#[utoipa::path(
    get,
    path = "/api/inputs/{id}",
    params(("id" = String, Path, description = "The set")),
    responses((status = 200, description = "The set with its inputs, each as its first text", body = InputSet))
)]
pub(crate) async fn show(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Response, ApiError> {
    caller.require(Role::Viewer)?;
    let set = platform.store.input_set(&caller.scope, &id).await?;
    let id = set.id.clone();
    let text = serde_json::to_string(&input_set(set, Some(Vec::new()))).map_err(|error| Error::Internal(error.to_string()))?;
    // The inputs are the last member.
    let begin = text.strip_suffix("]}").ok_or_else(|| Error::Internal("a set without its inputs".to_owned()))?;
    streamed(platform, id, begin.to_owned(), |item| line(&printable(item)))
}

/// Returns a JSON text that ends with a list of a set's items, each changed in some way. They are read as they are sent: a set may
/// have a hundred thousand.
fn streamed(platform: Platform, set: String, begin: String, change: fn(Value) -> Value) -> Result<Response, ApiError> {
    let begin = (Some(begin), 0_u32, Pages::of_at_most(PAGE));
    let body = stream::try_unfold(begin, move |(begin, from, mut pages)| {
        let (platform, set) = (platform.clone(), set.clone());
        async move {
            let Some(mut text) = begin else { return Ok::<_, ApiError>(None) };
            let documents = platform.store.input_items(&set, from, pages.next()).await?;
            for (index, document) in documents.iter().enumerate() {
                let item = serde_json::from_str(document)
                    .map_err(|error| Error::Internal(format!("an item of {set} is not JSON: {error}")))?;
                if from > 0 || index > 0 {
                    text.push(',');
                }
                text.push_str(&change(item).to_string());
                pages.note(document.len());
            }
            let next = from + u32::try_from(documents.len()).unwrap_or(u32::MAX);
            let rest = if documents.is_empty() {
                text.push_str("]}");
                None
            } else {
                Some(String::new())
            };
            Ok(Some((Bytes::from(text), (rest, next, pages))))
        }
    });
    let json = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, json)], Body::from_stream(body)).into_response())
}

/// Returns an item as it is listed: the peers print what is said in it. A pull has it as it is.
fn printable(mut item: Value) -> Value {
    for message in item["messages"].as_array_mut().into_iter().flatten() {
        if let Some(content) = message.get_mut("content")
            && let Some(text) = content.as_str()
        {
            *content = literal(text).into();
        }
    }
    item
}

/// Returns an item as one line of a list.
fn line(item: &Value) -> Value {
    let mut line = json!({ "id": item["id"], "text": input_text::text(item).unwrap_or_default() });
    if let Some(persona) = item.get("persona_id") {
        line["persona_id"] = persona.clone();
    }
    line
}

fn input_set(stored: test_data::InputSet, inputs: Option<Vec<Value>>) -> InputSet {
    InputSet {
        input_set_id: stored.id.clone(),
        id: stored.id,
        scenario_id: stored.scenario_id,
        version: stored.version,
        count: stored.item_count,
        input_count: stored.item_count,
        created_at: time(stored.created_at),
        inputs,
    }
}
