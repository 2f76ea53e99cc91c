//! `/api/v1/events`: what changes, as it happens.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use keepstep_api::own::ChangeEvent;
use keepstep_http::event_stream::{self, Listener};
use keepstep_http::key::bearer;
use keepstep_platform::Platform;
use keepstep_store::Role;
use serde::Deserialize;

use crate::auth::Caller;
use crate::error::ApiError;
use crate::request::{Parameters, agent_id};

/// Which changes a client wants.
#[derive(Debug, Deserialize)]
pub(crate) struct ChangesQuery {
    agent: Option<String>,
}

/// The key of a program that listens.
struct Key(String);

impl Listener for Key {
    async fn is_allowed(&self, platform: &Platform) -> bool {
        platform.holder_of_key(&self.0).await.is_ok_and(|holder| holder.actor.require(Role::Viewer).is_ok())
    }
}

/// `GET /api/v1/events[?agent=ID]`
#[utoipa::path(
    get,
    path = "/api/v1/events",
    params(("agent" = Option<String>, Query, description = "Only changes of this agent")),
    responses((status = 200, description = "Server-sent events; the data of each is a change", body = ChangeEvent, content_type = "text/event-stream"))
)]
pub(crate) async fn stream(
    State(platform): State<Platform>,
    caller: Caller,
    headers: HeaderMap,
    Parameters(wanted): Parameters<ChangesQuery>,
) -> Result<Response, ApiError> {
    caller.require(Role::Viewer)?;
    let agent = wanted.agent.as_deref().map(agent_id).transpose()?;
    if let Some(agent) = &agent {
        platform.store.agent(&caller.scope, agent).await?;
    }
    let changes = platform.events.subscribe(&platform.store, caller.scope.clone(), agent).await?;
    Ok(event_stream::answer(platform, changes, Key(bearer(&headers)?.to_owned())))
}
