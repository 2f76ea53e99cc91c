//! `/events?agent={id}` and `/events?project={id}&experiment={id}`: what changes while a page is open, with the session in the place of a key.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, stream};
use keepstep_base::AgentId;
use keepstep_http::event_stream::{self, Listener};
use keepstep_platform::Platform;
use keepstep_store::results::BatchStatus;
use keepstep_store::{Agent, ChangeRow, Scope};
use serde::Deserialize;
use tokio::time::sleep;

use crate::error_page::PageError;
use crate::parts::live_test;
use crate::signed_in::SignedIn;

/// How long two events about a test lie apart at least: however many cases end, who watches is told once.
const REST: Duration = Duration::from_secs(1);

/// How often a test is looked at where nothing was written: it falls silent by itself, and sessions end.
const LOOKED_AGAIN: Duration = Duration::from_secs(5);

/// The header with the last event that a browser got, when it connects again.
const LAST_EVENT: &str = "last-event-id";

/// What the page is about.
#[derive(Debug, Deserialize)]
pub(crate) struct EventsQuery {
    agent: Option<String>,
    project: Option<String>,
    experiment: Option<String>,
    /// What of the experiment the page shows already, or which revision of the agent.
    seen: Option<String>,
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
    if let (Some(project), Some(experiment)) = (wanted.project, wanted.experiment) {
        let watched = Watched { platform, headers, project, experiment };
        return watched.stream(by, wanted.seen).await;
    }
    let agent: AgentId = wanted.agent.unwrap_or_default().parse().map_err(|_| PageError::AgentNotFound)?;
    let changes = platform.events.subscribe(&platform.store, by.scope.clone(), Some(agent.clone())).await?;
    let agent = platform.store.agent(&by.scope, &agent).await?;
    let missed = wanted.seen.and_then(|seen| missed(agent, seen.parse().ok()?));
    Ok(event_stream::answer(platform, stream::iter(missed).chain(changes), Browser(headers)))
}

/// Returns the last change of an agent, where a page shows an earlier revision: it came while nothing listened.
fn missed(agent: Agent, seen: u64) -> Option<Arc<ChangeRow>> {
    let is_behind = agent.revision.0 > seen;
    is_behind.then(|| {
        let scope = Scope::of(agent.org_id, agent.project_id);
        // It has no number among the changes: it is told for the sake of its revision.
        Arc::new(ChangeRow { sequence: 0, agent_id: agent.id, scope, revision: agent.revision, changed: agent.changed })
    })
}

/// A test that somebody watches.
struct Watched {
    platform: Platform,
    headers: HeaderMap,
    project: String,
    experiment: String,
}

impl Watched {
    /// Returns a stream that says whenever the page would show something else. It ends with the test, with the session, and where the test is
    /// not to be seen any more.
    async fn stream(self, by: SignedIn, seen: Option<String>) -> Result<Response, PageError> {
        let (now, goes_on) = self.look(&by).await?;
        let last = self.headers.get(LAST_EVENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let seen = last.or(seen).unwrap_or_default();
        if !goes_on && now == seen {
            // A browser that gets this does not connect again.
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        let closing = self.platform.events.closing();
        let generations = self.platform.events.generations();
        let begin = (self, generations, seen, true);
        let events = stream::unfold(begin, |(watched, mut generations, mut seen, is_first)| async move {
            if !is_first {
                sleep(REST).await;
            }
            loop {
                // What was written while this looks is noticed by the next wait.
                generations.mark_unchanged();
                let by = SignedIn::from_headers(&watched.headers, &watched.platform).await.ok()?;
                let (now, goes_on) = watched.look(&by).await.ok()?;
                if now != seen {
                    seen.clone_from(&now);
                    return Some((Ok::<_, Infallible>(event(now)), (watched, generations, seen, false)));
                }
                if !goes_on {
                    return None;
                }
                tokio::select! {
                    changed = generations.changed() => changed.ok()?,
                    () = sleep(LOOKED_AGAIN) => {}
                }
                sleep(REST).await;
            }
        });
        let events = events.take_until(closing);
        Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response())
    }

    /// Returns what the page would show now, and whether the test goes on.
    async fn look(&self, by: &SignedIn) -> Result<(String, bool), PageError> {
        let experiment = self.platform.store.run_batch(&by.scope, &self.experiment).await?;
        if experiment.project_id != self.project {
            return Err(PageError::NotFound);
        }
        let state = self.platform.store.live_state(&by.scope, &self.experiment).await?;
        Ok((live_test::seen(&state, self.platform.store.now()), state.status == BatchStatus::Running))
    }
}

fn event(seen: String) -> Event {
    // A browser hears of no event without data.
    Event::default().event("change").data(&seen).id(seen)
}
