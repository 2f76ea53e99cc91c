//! Bodies that come too slowly, and answers that are taken too slowly, are cut off: each holds a connection, and a connection is one of
//! those that all share.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use futures_util::{Stream, ready};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf, Take};
use tokio::time::{Instant, Sleep, sleep_until};

/// How long a peer may be waited for before its rate counts.
const GRACE: Duration = Duration::from_secs(30);

/// The longest pause.
const PAUSE: Duration = Duration::from_secs(60);

/// How many bytes a second a peer has to send or to take, counted over all the time that it was waited for.
const RATE: u64 = 4 * 1024;

/// The time that a peer was waited for, and what it did in it.
#[derive(Debug, Default)]
struct Waiting {
    /// How long it was waited for, without the pause that goes on.
    waited: Duration,
    bytes: u64,
    pause: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Waiting {
    /// The peer did something.
    fn progress(&mut self, bytes: usize) {
        if let Some((began, _)) = self.pause.take() {
            self.waited += began.elapsed();
        }
        self.bytes += bytes as u64;
    }

    /// The peer is waited for. Ready once that has been too long.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let (_, timer) = self.pause.get_or_insert_with(|| {
            let earned = GRACE + Duration::from_secs(self.bytes / RATE);
            let left = earned.saturating_sub(self.waited).min(PAUSE);
            let now = Instant::now();
            (now, Box::pin(sleep_until(now + left)))
        });
        timer.as_mut().poll(context)
    }
}

/// Returns a body that ends with an error where it comes too slowly.
pub fn paced(body: Body) -> Body {
    Body::from_stream(PacedBody { stream: body.into_data_stream(), waiting: Waiting::default() })
}

struct PacedBody {
    stream: BodyDataStream,
    waiting: Waiting,
}

impl Stream for PacedBody {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_next(context) {
            Poll::Ready(piece) => {
                this.waiting.progress(piece.as_ref().and_then(|piece| piece.as_ref().ok()).map_or(0, Bytes::len));
                Poll::Ready(piece.map(|piece| piece.map_err(io::Error::other)))
            }
            Poll::Pending => {
                ready!(this.waiting.wait(context));
                Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())))
            }
        }
    }
}

/// How many connections there are when it begins to matter how much is read of each at a time.
const MANY: usize = 16;

/// How much is read of each then, in bytes. What is read at once stays with a connection, so it counts as often as there are some.
const LITTLE: u64 = 16 * 1024;

/// A connection that ends with an error where its peer takes what is sent too slowly.
#[derive(Debug)]
pub struct PacedConnection<C> {
    connection: Take<C>,
    waiting: Waiting,
    /// How many connections there are.
    open: Arc<AtomicUsize>,
}

impl<C: AsyncRead> PacedConnection<C> {
    /// Returns a connection among so many that are open.
    pub fn new(connection: C, open: Arc<AtomicUsize>) -> Self {
        Self { connection: connection.take(u64::MAX), waiting: Waiting::default(), open }
    }

    fn settle(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(written) => {
                self.waiting.progress(written.as_ref().map_or(0, |bytes| *bytes));
                Poll::Ready(written)
            }
            Poll::Pending => {
                ready!(self.waiting.wait(context));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for PacedConnection<C> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let most = if this.open.load(Ordering::Relaxed) > MANY { LITTLE } else { u64::MAX };
        this.connection.set_limit(most);
        Pin::new(&mut this.connection).poll_read(context, buffer)
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> AsyncWrite for PacedConnection<C> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(this.connection.get_mut()).poll_write(context, bytes);
        this.settle(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(this.connection.get_mut()).poll_write_vectored(context, bytes);
        this.settle(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.get_ref().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().connection.get_mut()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().connection.get_mut()).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use futures_util::stream;

    use super::*;

    /// Reads a body that brings so many bytes after each pause, and returns how much of it came and after how long it was over.
    async fn read(bytes: usize, pause: Duration, pieces: usize) -> (usize, Duration, bool) {
        let began = Instant::now();
        let sent = stream::unfold(0, move |number| async move {
            if number == pieces {
                return None;
            }
            tokio::time::sleep(pause).await;
            Some((Ok::<_, io::Error>(Bytes::from(vec![b' '; bytes])), number + 1))
        });
        let mut body = paced(Body::from_stream(sent)).into_data_stream();
        let (mut read, mut is_whole) = (0, true);
        while let Some(piece) = body.next().await {
            match piece {
                Ok(piece) => read += piece.len(),
                Err(_) => {
                    is_whole = false;
                    break;
                }
            }
        }
        (read, began.elapsed(), is_whole)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_cut_off_and_a_slow_one_is_not() {
        let (read_of_drip, took, is_whole) = read(1, Duration::from_secs(1), 1000).await;
        assert!(!is_whole && read_of_drip < 40 && took < Duration::from_secs(40), "{read_of_drip} {took:?}");
        let (read_of_slow, _, is_whole) = read(8 * 1024, Duration::from_secs(1), 1000).await;
        assert!(is_whole && read_of_slow == 8 * 1024 * 1000);
        let (_, took, is_whole) = read(100 << 20, Duration::from_secs(61), 2).await;
        assert!(!is_whole && took < Duration::from_secs(62), "{took:?}");
    }
}
