//! The server around the routes: listening, telling about changes, and an end that cuts nothing off.

use std::future::Future;
use std::io;
use std::time::Duration;

use keepstep_http::Pages;
use keepstep_platform::{Platform, Settings};
use keepstep_store::Store;
use tokio::net::TcpListener;

use crate::connections;
use crate::router::router;
use crate::tls::Tls;

/// How long running requests may take after the shutdown began.
const PATIENCE: Duration = Duration::from_secs(30);

/// Answers requests, those for `pages` among them, until `shutdown` is done, and then finishes those that run. With a certificate it speaks
/// HTTPS and nothing else.
///
/// # Errors
/// The listener failed, or the database does not answer.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    store: Store,
    settings: Settings,
    pages: fn(&Platform) -> Pages,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let platform = Platform::new(store, Settings { is_encrypted: tls.is_some(), ..settings });
    platform.tidy();
    platform.look_for_oidc_provider();
    let events = platform.events.clone();
    let seen = platform.store.newest_change().await.map_err(io::Error::other)?;
    let watching = tokio::spawn(events.clone().watch(platform.store.clone(), seen));
    let keeping_house = tokio::spawn(platform.clone().keep_house());
    let backing_up = tokio::spawn(platform.clone().keep_backups());
    let renewing = tls.clone().map(|tls| tokio::spawn(tls.keep_current()));
    let messenger = platform.settings.messenger.clone();
    let delivering = messenger.map(|messenger| tokio::spawn(platform.clone().deliver(messenger)));
    let (stopping, mut stopped) = tokio::sync::watch::channel(false);
    let limits = platform.settings.limits;
    let server = connections::serve(listener, tls, router(platform.clone(), pages(&platform)), limits, async move {
        shutdown.await;
        // Streams of events would hold the server open for ever.
        events.close();
        let _ = stopping.send(true);
    });
    let patience = async {
        // The sender is dropped only when the server is done, and then this branch has lost.
        let _ = stopped.wait_for(|stopped| *stopped).await;
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        () = server => {}
        () = patience => tracing::warn!("requests still run after {} seconds; they are cut off", PATIENCE.as_secs()),
    }
    watching.abort();
    keeping_house.abort();
    backing_up.abort();
    if let Some(renewing) = renewing {
        renewing.abort();
    }
    // What is on its way is sent again by the next server, with the same id.
    if let Some(delivering) = delivering {
        delivering.abort();
    }
    platform.store.close().await;
    Ok(())
}
