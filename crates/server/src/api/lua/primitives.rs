//! `/developer/skills/{id}` and the lists of the other kinds.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keepstep_api::lua::{Envelope, PrimitiveKind};
use keepstep_platform::{Error, Platform};
use keepstep_store::{Primitive, Role};
use serde_json::{Map, Value, json};

use crate::auth::Caller;
use crate::error::ApiError;
use crate::reply;
use crate::request::{Input, Segments, agent_id};

/// What stands in place of a trigger's address.
const NO_TRIGGERS: &str = "none (this server keeps the names of triggers and does not run them)";

/// `GET /developer/skills/{id}` and its like.
pub(crate) async fn list(
    kind: PrimitiveKind,
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Json<Envelope<Value>>, ApiError> {
    caller.require(Role::Viewer)?;
    let primitives = platform.store.primitives(&caller.scope, &agent_id(&id)?, kind.label()).await?;
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
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
    input: Input<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let agent = agent_id(&id)?;
    let mut body = input.value;
    let Some(Value::String(name)) = body.get("name").cloned() else {
        return Err(Error::Invalid("The body needs a `name`, a string.".to_owned()).into());
    };
    if kind == PrimitiveKind::Trigger {
        // The peer prints this member as the address of a trigger that is live, and "undefined" where there is none.
        body.insert("url".to_owned(), json!(NO_TRIGGERS));
    }
    let reply = reply::json(input.repeat, StatusCode::CREATED, |created| Envelope::of(item(created)));
    Ok(platform.create_primitive(&caller, &agent, kind.label(), &name, body, reply).await?)
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
