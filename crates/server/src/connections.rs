//! Connections: how many there may be, how long each may be silent, and what happens when the system gives no more of them.
//!
//! Where all places are taken, the connection goes that has been waiting for a request for longest; so a thousand that only sit there
//! lock nobody out. A proxy keeps its connections busy, and connects again where one was closed between two requests.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::ConnectInfo;
use axum::http::{Request, Response, header};
use futures_util::StreamExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use keepstep_http::pace::PacedConnection;
use keepstep_platform::Limits;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};
use tower::Service as _;

use crate::tls::Tls;

/// How much is read of a connection at a time, and how long the head of a request may be. It is held for each connection.
const BUFFER: usize = 96 * 1024;

/// How much of what nobody wanted is still taken from a connection that ends, and for how long, so that a client that is busy sending
/// gets to see its answer.
const LINGER: (usize, Duration) = (16 * 1024 * 1024, Duration::from_secs(5));

/// How long it takes until the system is asked again that had no connection to give.
const PAUSE: Duration = Duration::from_millis(100);

/// All connections that are open.
#[derive(Debug, Default)]
struct Open {
    next: AtomicU64,
    count: Arc<AtomicUsize>,
    by_number: Mutex<HashMap<u64, Arc<Connection>>>,
}

#[derive(Debug)]
struct Connection {
    address: IpAddr,
    began: Instant,
    /// When it began to wait for a request, in milliseconds after it began itself; [`BUSY`] while it has one.
    waits_since: AtomicU64,
    closing: Notify,
}

/// A connection with a request.
const BUSY: u64 = u64::MAX;

impl Connection {
    fn waits(&self, waits: bool) {
        let now = if waits { u64::try_from(self.began.elapsed().as_millis()).unwrap_or_default() } else { BUSY };
        self.waits_since.store(now, Ordering::Relaxed);
    }

    /// Returns for how long it has been waiting for a request.
    fn idle(&self) -> Option<Duration> {
        let since = self.waits_since.load(Ordering::Relaxed);
        (since != BUSY).then(|| self.began.elapsed().saturating_sub(Duration::from_millis(since)))
    }
}

impl Open {
    fn all(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.by_number.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a place for a connection from an address. Returns false if there is none.
    fn admit(self: &Arc<Self>, address: IpAddr, limits: Limits) -> Option<Permit> {
        let mut all = self.all();
        if let Some(most) = limits.per_address.filter(|_| !address.is_loopback()) {
            let of_address = |connection: &&Arc<Connection>| connection.address == address;
            if all.values().filter(of_address).count() >= most
                && !close_idle(&mut all, |connection| connection.address == address)
            {
                return None;
            }
        }
        if all.len() >= limits.connections && !close_idle(&mut all, |_| true) {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let connection =
            Arc::new(Connection { address, began: Instant::now(), waits_since: AtomicU64::new(0), closing: Notify::new() });
        all.insert(number, Arc::clone(&connection));
        self.count.fetch_add(1, Ordering::Relaxed);
        Some(Permit { open: Arc::clone(self), number, connection })
    }
}

/// Closes the connection that has been waiting for a request for longest. Returns false if none waits.
fn close_idle(all: &mut HashMap<u64, Arc<Connection>>, may_go: impl Fn(&Connection) -> bool) -> bool {
    let idle = all.iter().filter(|(_, connection)| may_go(connection));
    let longest = idle.filter_map(|(number, connection)| Some((connection.idle()?, *number))).max();
    let Some(closed) = longest.and_then(|(_, number)| all.remove(&number)) else { return false };
    closed.closing.notify_one();
    true
}

/// The place of a connection, free again when this is dropped.
struct Permit {
    open: Arc<Open>,
    number: u64,
    connection: Arc<Connection>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.open.all().remove(&self.number);
        self.open.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Answers requests until `stop` is done, and returns when those that run are answered. With a certificate, all connections are encrypted.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()> + Send,
) {
    let open = Arc::new(Open::default());
    let (stopping, stopped) = watch::channel(false);
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                survive(&open, &error).await;
                continue;
            }
        };
        let Some(place) = open.admit(address.ip().to_canonical(), limits) else {
            tracing::debug!(%address, "too many connections; one is refused");
            continue;
        };
        // A small answer must not wait for the acknowledgement of the one before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection stays slow");
        }
        let (router, mut stopped) = (router.clone(), stopped.clone());
        match tls.clone() {
            None => tokio::spawn(run(stream, address, place, router, limits.head, stopped)),
            Some(tls) => tokio::spawn(async move {
                let connection = Arc::clone(&place.connection);
                let accepted = tokio::select! {
                    accepted = tls.accept(stream, limits.head) => accepted,
                    () = connection.closing.notified() => return,
                    _ = stopped.wait_for(|stopped| *stopped) => return,
                };
                match accepted {
                    Ok(stream) => run(stream, address, place, router, limits.head, stopped).await,
                    Err(error) => tracing::debug!(%address, %error, "a connection is not encrypted"),
                }
            }),
        };
    }
    drop(listener);
    let _ = stopping.send(true);
    drop(stopped);
    // Each connection has a receiver; the last that ends lets this go on.
    stopping.closed().await;
}

/// Goes on after the system refused a connection.
async fn survive(open: &Arc<Open>, error: &io::Error) {
    // Somebody went away while they were waited for.
    if matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    ) {
        return;
    }
    let closed = close_idle(&mut open.all(), |_| true);
    tracing::warn!(%error, closed, "the system gives no more connections; trying again");
    sleep(PAUSE).await;
}

/// A connection that has a request, until this is dropped.
struct Busy(Arc<Connection>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.waits(true);
    }
}

/// Returns the answer, which keeps its connection busy until it is sent. A small one is as good as sent.
fn until_sent(answer: Response<Body>, busy: Busy) -> Response<Body> {
    let size = answer.body().size_hint().exact();
    if size.is_some_and(|size| size <= BUFFER as u64) {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    if let Some(size) = size {
        // As a stream, the body does not tell any more.
        parts.headers.entry(header::CONTENT_LENGTH).or_insert_with(|| size.into());
    }
    let body = body.into_data_stream().map(move |piece| {
        let _busy = &busy;
        piece
    });
    Response::from_parts(parts, Body::from_stream(body))
}

type ResponseFuture = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

async fn run(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin,
    address: SocketAddr,
    place: Permit,
    router: Router,
    head: Duration,
    mut stopped: watch::Receiver<bool>,
) {
    let connection = &place.connection;
    let busy = Arc::clone(connection);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| -> ResponseFuture {
        busy.waits(false);
        let busy = Arc::clone(&busy);
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(address));
        let answer = router.clone().call(request);
        Box::pin(async move { Ok(until_sent(answer.await?, Busy(busy))) })
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(head).max_buf_size(BUFFER);
    let mut served = builder.serve_connection(TokioIo::new(PacedConnection::new(stream, Arc::clone(&place.open.count))), service);
    let mut is_stopping = false;
    let outcome = loop {
        tokio::select! {
            outcome = poll_fn(|context| served.poll_without_shutdown(context)) => break outcome,
            _ = stopped.wait_for(|stopped| *stopped), if !is_stopping => {
                is_stopping = true;
                Pin::new(&mut served).graceful_shutdown();
            }
            () = connection.closing.notified() => return,
        }
    };
    if let Err(error) = &outcome {
        tracing::trace!(%error, "a connection ended");
    }
    let mut stream = served.into_parts().io.into_inner();
    // Whatever goes wrong at the end of a connection, it is the end.
    let _ = timeout(LINGER.1, async {
        stream.shutdown().await?;
        let (mut left, mut buffer) = (LINGER.0, vec![0; 16 * 1024]);
        while left > 0 && !is_stopping && outcome.is_ok() {
            match stream.read(&mut buffer).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        io::Result::Ok(())
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_idle_goes_and_a_busy_one_stays() {
        let open = Arc::new(Open::default());
        let limits = Limits { connections: 3, per_address: None, ..Limits::default() };
        let busy = open.admit(address(1), limits).unwrap();
        busy.connection.waits(false);
        let long = open.admit(address(1), limits).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        let short = open.admit(address(1), limits).unwrap();
        let new = open.admit(address(2), limits).unwrap();
        assert!(long.connection.closing.notified().now_or_never().is_some());
        drop(long);
        assert_eq!(open.all().len(), 3);
        for place in [&short, &new] {
            place.connection.waits(false);
        }
        assert!(open.admit(address(3), limits).is_none(), "all are busy");
        drop(short);
        assert!(open.admit(address(3), limits).is_some());
    }

    #[tokio::test]
    async fn one_address_takes_its_own_places_only() {
        let open = Arc::new(Open::default());
        let limits = Limits { connections: 100, per_address: Some(2), ..Limits::default() };
        let places: Vec<_> = (0..2).map(|_| open.admit(address(1), limits).unwrap()).collect();
        places.iter().for_each(|place| place.connection.waits(false));
        assert!(open.admit(address(1), limits).is_none());
        assert!(open.admit(address(2), limits).is_some());
        let local: Vec<_> = (0..5).map(|_| open.admit(IpAddr::from([127, 0, 0, 1]), limits)).collect();
        assert!(local.iter().all(Option::is_some));
    }

    use futures_util::FutureExt as _;
}
