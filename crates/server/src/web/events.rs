//! `/events?agent={id}`: the stream of changes for the page that is open, with the session in the place of a key.

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use keepstep_base::AgentId;
use serde::Deserialize;

use super::error_page::PageError;
use super::session::SignedIn;
use crate::app::AppState;
use crate::event_stream::{self, Listener};

/// Which changes the page wants.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    agent: String,
}

/// The cookies of a browser that listens.
struct Browser(HeaderMap);

impl Listener for Browser {
    async fn is_allowed(&self, state: &AppState) -> bool {
        SignedIn::from_headers(&self.0, state).await.is_ok()
    }
}

/// `GET`.
pub(crate) async fn stream(
    State(state): State<AppState>,
    by: SignedIn,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PageError> {
    let agent: AgentId = wanted.agent.parse().map_err(|_| PageError::AgentNotFound)?;
    state.store.agent(&by.scope, &agent).await?;
    let changes = state.events.subscribe(&state.store, by.scope, Some(agent)).await?;
    Ok(event_stream::answer(state, changes, Browser(headers)))
}
