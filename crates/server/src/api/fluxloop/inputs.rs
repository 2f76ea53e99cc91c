//! `/api/inputs`

use axum::Json;
use axum::extract::State;
use keepstep_api::fluxloop::{InputSet, Inputs};
use keepstep_store::{Role, test_data};
use serde::Deserialize;
use serde_json::{Value, json};

use super::markup::literal;
use super::{project_of, time};
use crate::app::AppState;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::request::{Parameters, Segments};

/// Which inputs a client wants.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
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
    State(state): State<AppState>,
    caller: Caller,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<Inputs>, ApiError> {
    caller.must_be(Role::Viewer)?;
    if let Some(id) = wanted.input_set_id {
        let set = state.store.input_set(caller.scope(), &id).await?;
        return Ok(Json(Inputs { items: Some(items(&state, &set).await?), ..Inputs::default() }));
    }
    let project = project_of(&state, &caller, wanted.project_id).await?;
    let sets = state.store.input_sets(caller.scope(), &project, wanted.scenario_id.as_deref()).await?;
    Ok(Json(Inputs { input_sets: Some(sets.into_iter().map(|set| input_set(set, None)).collect()), ..Inputs::default() }))
}

/// `GET /api/inputs/{id}`
#[utoipa::path(
    get,
    path = "/api/inputs/{id}",
    params(("id" = String, Path, description = "The set")),
    responses((status = 200, description = "The set with its inputs, each as its first text", body = InputSet))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Json<InputSet>, ApiError> {
    caller.must_be(Role::Viewer)?;
    let set = state.store.input_set(caller.scope(), &id).await?;
    let inputs = items(&state, &set).await?.iter().map(line).collect();
    Ok(Json(input_set(set, Some(inputs))))
}

async fn items(state: &AppState, set: &test_data::InputSet) -> Result<Vec<Value>, ApiError> {
    let documents = state.store.input_items(&set.id, 0, set.item_count).await?;
    let parsed: Result<_, _> = documents.iter().map(|document| serde_json::from_str(document).map(printable)).collect();
    parsed.map_err(|error| ApiError::Internal(format!("an item of {} is no JSON: {error}", set.id)))
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
    let text = item["messages"].as_array().into_iter().flatten().find(|message| message["role"] == "user");
    let mut line = json!({ "id": item["id"], "text": text.map_or("", |message| message["content"].as_str().unwrap_or("")) });
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
