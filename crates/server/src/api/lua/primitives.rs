//! `/developer/skills/{id}` and the lists of the other kinds.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keepstep_api::lua::{Envelope, PrimitiveKind};
use keepstep_store::{Primitive, Role};
use serde_json::{Map, Value, json};

use crate::app::AppState;
use crate::auth::Caller;
use crate::definition::NAME_LIMIT;
use crate::error::ApiError;
use crate::request::{Input, Segments, agent_id};
use crate::write::{Begun, Write};

/// What stands in place of a trigger's address.
const NO_TRIGGERS: &str = "none (this server keeps the names of triggers and does not run them)";

/// `GET /developer/skills/{id}` and its like.
pub(crate) async fn list(
    kind: PrimitiveKind,
    State(state): State<AppState>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Json<Envelope<Value>>, ApiError> {
    caller.must_be(Role::Viewer)?;
    let primitives = state.store.primitives(caller.scope(), &agent_id(&id)?, kind.label()).await?;
    let items: Vec<Value> = primitives.into_iter().map(item).collect();
    let data = match kind.list_key() {
        Some(key) => json!({ key: items }),
        None => Value::Array(items),
    };
    Ok(Json(Envelope::of(data)))
}

/// `POST /developer/skills/{id}` and its like.
pub(crate) async fn create(
    kind: PrimitiveKind,
    State(state): State<AppState>,
    caller: Caller,
    Segments(id): Segments<String>,
    input: Input<Map<String, Value>>,
) -> Result<Response, ApiError> {
    caller.must_be(Role::Editor)?;
    let agent = agent_id(&id)?;
    let mut body = input.value;
    let name = match body.get("name") {
        Some(Value::String(name)) if name.trim().is_empty() => {
            return Err(ApiError::Refused("The name is empty.".to_owned()));
        }
        Some(Value::String(name)) if name.len() > NAME_LIMIT => {
            return Err(ApiError::TooLarge { what: "The name", limit: NAME_LIMIT as u64 });
        }
        Some(Value::String(name)) => name.clone(),
        _ => return Err(ApiError::Invalid("The body needs a `name`, a string.".to_owned())),
    };
    if kind == PrimitiveKind::Trigger {
        // The peer prints this member as the address of a trigger that is live, and "undefined" where there is none.
        body.insert("url".to_owned(), json!(NO_TRIGGERS));
    }
    let mut write = match Write::begin(&state, &caller, input.repeat).await? {
        Begun::Repeated(answer) => return Ok(answer),
        Begun::New(write) => write,
    };
    let made = write.transaction.put_primitive(caller.scope(), &agent, kind.label(), &name, body).await?;
    write.finish(StatusCode::CREATED, &Envelope::of(item(made)), None).await
}

/// Returns a primitive as the dialect lists it: everything that a client sent, and what the lists must have.
fn item(primitive: Primitive) -> Value {
    let mut item = primitive.body;
    item.insert("id".to_owned(), json!(primitive.id));
    item.insert("name".to_owned(), json!(primitive.name));
    // The peer fails on an item without this list; versions of code are not kept yet.
    item.entry("versions").or_insert_with(|| json!([]));
    item.entry("active").or_insert_with(|| json!(true));
    Value::Object(item)
}
