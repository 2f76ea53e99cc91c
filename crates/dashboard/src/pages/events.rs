//! `/events?agent={id}`: the stream of changes for the page that is open, with the session in the place of a key.

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use keepstep_base::AgentId;
use keepstep_http::event_stream::{self, Listener};
use keepstep_platform::Platform;
use serde::Deserialize;

use crate::error_page::PageError;
use crate::signed_in::SignedIn;

/// Which changes the page wants.
#[derive(Debug, Deserialize)]
pub(crate) struct EventsQuery {
    agent: String,
}

/// The cookies of a browser that listens.
struct Browser(HeaderMap);

impl Listener for Browser {
    async fn is_allowed(&self, platform: &Platform) -> bool {
        SignedIn::from_headers(&self.0, platform).await.is_ok()
    }
}

/// `GET`.
pub(crate) async fn stream(
    State(platform): State<Platform>,
    by: SignedIn,
    headers: HeaderMap,
    Query(wanted): Query<EventsQuery>,
) -> Result<Response, PageError> {
    let agent: AgentId = wanted.agent.parse().map_err(|_| PageError::AgentNotFound)?;
    platform.store.agent(&by.scope, &agent).await?;
    let changes = platform.events.subscribe(&platform.store, by.scope.clone(), Some(agent)).await?;
    Ok(event_stream::answer(platform, changes, Browser(headers)))
}
