//! `/events?agent={id}`: the stream of changes for the page that is open, with the session in the place of a key.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use keepstep_core::AgentId;
use serde::Deserialize;

use super::error_page::PageError;
use super::session::SignedIn;
use crate::app::AppState;
use crate::events::event;

/// Which changes the page wants.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    agent: String,
}

/// `GET`.
pub(crate) async fn stream(
    State(state): State<AppState>,
    by: SignedIn,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PageError> {
    let agent: AgentId = wanted.agent.parse().map_err(|_| PageError::AgentNotFound)?;
    state.store.agent(&by.scope, &agent).await?;
    let changes = state.events.subscribe(&state.store, by.scope, Some(agent)).await?;
    let events = changes.map(|change| Ok::<_, Infallible>(event(&change)));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response())
}
