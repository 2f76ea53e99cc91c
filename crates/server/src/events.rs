//! What changes, as it happens.
//!
//! Changes are read from the database, in their order, whoever made them: this process, another one, or a command on
//! the same data. A write of this process is looked for at once, any other within a second.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt as _, future, stream};
use keepstep_api::agents::ChangeEvent;
use keepstep_core::AgentId;
use keepstep_store::{ChangeRow, Role, Scope, Store};
use serde::Deserialize;
use tokio::sync::{Notify, broadcast, watch};
use tokio_stream::wrappers::BroadcastStream;

use crate::app::AppState;
use crate::auth::{Caller, bearer};
use crate::error::ApiError;
use crate::request::{Parameters, agent_id};
use crate::web::session::SignedIn;
use crate::wire;

/// How often it is asked again whether somebody who listens still may, where nothing else makes that necessary. A key can end by itself.
const ASKED_AGAIN: Duration = Duration::from_secs(5);

/// How often changes of other processes are looked for.
const INTERVAL: Duration = Duration::from_secs(1);

/// How many changes a slow reader may be behind before it misses some.
const BACKLOG: usize = 1024;

/// How many changes are read at a time.
const PAGE: u32 = 256;

/// Hands changes from the database to everybody who listens.
#[derive(Debug, Clone)]
pub struct Events {
    sender: broadcast::Sender<Arc<ChangeRow>>,
    wake: Arc<Notify>,
    closed: watch::Sender<bool>,
    /// The state of the database that was looked at last.
    generation: watch::Sender<u64>,
}

/// Somebody who listens, and has to be allowed to for as long as they do.
#[derive(Debug, Clone)]
pub(crate) enum Listener {
    /// A program with this key.
    Key(String),
    /// A browser with these cookies.
    Browser(HeaderMap),
}

impl Listener {
    async fn is_allowed(&self, state: &AppState) -> bool {
        match self {
            Self::Key(key) => Caller::of_key(key, state).await.is_ok_and(|caller| caller.must_be(Role::Viewer).is_ok()),
            Self::Browser(headers) => SignedIn::from_headers(headers, state).await.is_ok(),
        }
    }
}

impl Events {
    pub(crate) fn new() -> Self {
        Self {
            sender: broadcast::channel(BACKLOG).0,
            wake: Arc::new(Notify::new()),
            closed: watch::channel(false).0,
            generation: watch::channel(0).0,
        }
    }

    /// Looks for changes now, because there is one.
    pub fn look(&self) {
        self.wake.notify_one();
    }

    /// Ends all streams; the server stops.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    /// Returns the changes inside a scope from now on, of one agent or of all. The stream ends when the server stops, and
    /// when its reader is so slow that it missed some: a client that connects again reads the state anew.
    ///
    /// # Errors
    /// The database failed.
    pub async fn subscribe(
        &self,
        store: &Store,
        scope: Scope,
        agent: Option<AgentId>,
    ) -> keepstep_store::Result<impl Stream<Item = Arc<ChangeRow>> + use<>> {
        let received = BroadcastStream::new(self.sender.subscribe());
        // What was written before may not have been handed out yet.
        let before = store.newest_change().await?;
        let mut closed = self.closed.subscribe();
        let stop = async move {
            // An error means that the sender is gone, and then the stream is over as well.
            let _ = closed.wait_for(|closed| *closed).await;
        };
        Ok(received
            .take_while(|received| future::ready(received.is_ok()))
            .filter_map(|received| future::ready(received.ok()))
            .filter(move |change| {
                let is_seen = change.sequence > before
                    && scope.covers(&change.scope.org_id, change.scope.project_id.as_deref())
                    && agent.as_ref().is_none_or(|agent| *agent == change.agent_id);
                future::ready(is_seen)
            })
            .take_until(stop))
    }

    /// Reads the changes after `seen` and hands them out, for as long as the server runs.
    pub(crate) async fn watch(self, store: Store, mut seen: i64) {
        let mut generation = 0;
        loop {
            if let Err(error) = self.read(&store, &mut seen, &mut generation).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot read the changes; trying again");
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
    }

    async fn read(&self, store: &Store, seen: &mut i64, generation: &mut u64) -> keepstep_store::Result<()> {
        let now = store.generation().await?;
        if now == *generation {
            return Ok(());
        }
        loop {
            let changes = store.changes_after(*seen, PAGE).await?;
            let Some(last) = changes.last() else { break };
            *seen = last.sequence;
            for change in changes {
                // Nobody listening is no error.
                let _ = self.sender.send(Arc::new(change));
            }
        }
        *generation = now;
        self.generation.send_replace(now);
        Ok(())
    }
}

/// Which changes a client wants.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    agent: Option<String>,
}

/// `GET /api/v1/events[?agent=ID]`
#[utoipa::path(
    get,
    path = "/api/v1/events",
    params(("agent" = Option<String>, Query, description = "Only changes of this agent")),
    responses((status = 200, description = "Server-sent events; the data of each is a change", body = ChangeEvent, content_type = "text/event-stream"))
)]
pub(crate) async fn stream(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, ApiError> {
    caller.must_be(Role::Viewer)?;
    let agent = wanted.agent.as_deref().map(agent_id).transpose()?;
    if let Some(agent) = &agent {
        state.store.agent(caller.scope(), agent).await?;
    }
    let changes = state.events.subscribe(&state.store, caller.scope().clone(), agent).await?;
    Ok(answer(state, changes, Listener::Key(bearer(&headers)?.to_owned())))
}

/// Returns a stream of events for as long as its listener is allowed to have it: their key may be revoked or expire, and they may
/// sign out. That is asked before every change that they are told, whenever anything was written, and from time to time.
pub(crate) fn answer(
    state: AppState,
    changes: impl Stream<Item = Arc<ChangeRow>> + Send + 'static,
    listener: Listener,
) -> Response {
    let generations = state.events.generation.subscribe();
    let begin = (Box::pin(changes), generations, state, listener);
    let events = stream::unfold(begin, |(mut changes, mut generations, state, listener)| async move {
        loop {
            let change = tokio::select! {
                change = changes.next() => Some(change?),
                changed = generations.changed() => {
                    changed.ok()?;
                    None
                }
                () = tokio::time::sleep(ASKED_AGAIN) => None,
            };
            if !listener.is_allowed(&state).await {
                return None;
            }
            if let Some(change) = change {
                return Some((Ok::<_, Infallible>(event(&change)), (changes, generations, state, listener)));
            }
        }
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response()
}

fn event(change: &ChangeRow) -> Event {
    let sent = ChangeEvent {
        agent_id: change.agent_id.clone(),
        revision: change.revision,
        changed: wire::change(change.changed.clone()),
    };
    let event = Event::default().event("change").id(change.sequence.to_string());
    event.json_data(sent).unwrap_or_else(|_| Event::default().comment("a change that cannot be shown"))
}
