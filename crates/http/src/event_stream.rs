//! Changes as server-sent events, for as long as whoever listens may have them.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt as _, stream};
use keepstep_api::own::ChangeEvent;
use keepstep_platform::Platform;
use keepstep_store::ChangeRow;

/// How often it is asked again whether the listener is still allowed, where nothing else makes that necessary. A key can expire.
const ASKED_AGAIN: Duration = Duration::from_secs(5);

/// Who reads a stream of changes.
pub trait Listener: Send + Sync + 'static {
    /// Returns whether they still may.
    fn is_allowed(&self, platform: &Platform) -> impl Future<Output = bool> + Send;
}

/// Returns a stream of events for as long as its listener is allowed to have it: their key may be revoked or expire, and they may
/// sign out. That is asked before every change that they are told, whenever anything was written, and from time to time.
pub fn answer(
    platform: Platform,
    changes: impl Stream<Item = Arc<ChangeRow>> + Send + 'static,
    listener: impl Listener,
) -> Response {
    let generations = platform.events.generations();
    let begin = (Box::pin(changes), generations, platform, listener);
    let events = stream::unfold(begin, |(mut changes, mut generations, platform, listener)| async move {
        loop {
            let change = tokio::select! {
                change = changes.next() => Some(change?),
                changed = generations.changed() => {
                    changed.ok()?;
                    None
                }
                () = tokio::time::sleep(ASKED_AGAIN) => None,
            };
            if !listener.is_allowed(&platform).await {
                return None;
            }
            if let Some(change) = change {
                return Some((Ok::<_, Infallible>(event(&change)), (changes, generations, platform, listener)));
            }
        }
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response()
}

fn event(change: &ChangeRow) -> Event {
    let sent = ChangeEvent { agent_id: change.agent_id.clone(), revision: change.revision, changed: change.changed.clone() };
    let event = Event::default().event("change").id(change.sequence.to_string());
    event.json_data(sent).unwrap_or_else(|_| Event::default().comment("a change that cannot be shown"))
}
