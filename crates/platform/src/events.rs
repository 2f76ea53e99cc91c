//! What changes, as it happens.
//!
//! Changes are read from the database, in their order, whoever made them: this process, another one, or a command on
//! the same data. A write of this process is looked for at once, any other within a second.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, future};
use keepstep_base::AgentId;
use keepstep_store::{ChangeRow, Scope, Store};
use tokio::sync::{Notify, broadcast, watch};
use tokio_stream::wrappers::BroadcastStream;

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
    pub fn check_now(&self) {
        self.wake.notify_one();
    }

    /// Returns the state of the database that was looked at last, as it changes.
    pub fn generations(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// Returns when the server stops.
    pub fn closing(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut closed = self.closed.subscribe();
        async move {
            // An error means that the sender is gone, and then it is over as well.
            let _ = closed.wait_for(|closed| *closed).await;
        }
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
        Ok(received
            .take_while(|received| future::ready(received.is_ok()))
            .filter_map(|received| future::ready(received.ok()))
            .filter(move |change| {
                let is_seen = change.sequence > before
                    && scope.covers(&change.scope.org_id, change.scope.only_project())
                    && agent.as_ref().is_none_or(|agent| *agent == change.agent_id);
                future::ready(is_seen)
            })
            .take_until(self.closing()))
    }

    /// Reads the changes after `seen` and hands them out, for as long as the server runs.
    pub async fn watch(self, store: Store, mut seen: i64) {
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
