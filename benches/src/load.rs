//! Many clients that ask for the same thing at once, each over a connection that it keeps.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;

use crate::statistics::quantile;

/// What the clients ask for.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Where the server listens.
    pub(crate) address: SocketAddr,
    /// The path of the request.
    pub(crate) path: String,
    /// The headers of the request.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The only answer that counts.
    pub(crate) status: StatusCode,
}

/// What the clients saw.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    /// Answers in a second, over all clients.
    pub(crate) per_second: u64,
    /// Half of the answers were faster.
    pub(crate) half: Duration,
    /// 99 of 100 answers were faster.
    pub(crate) slowest_hundredth: Duration,
    /// The size of one body.
    pub(crate) bytes: usize,
}

/// How many clients ask, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Clients at the same time.
    pub(crate) clients: usize,
    /// How long is measured, after a quarter of that to warm up.
    pub(crate) time: Duration,
}

/// Lets the clients ask, and returns what they saw. Any answer with another status, and any broken connection, is an
/// error.
pub(crate) fn run(target: &Target, load: Load) -> Result<Answers> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let started = Instant::now();
        let begin = started + load.time / 4;
        let end = begin + load.time;
        let clients: Vec<_> = (0..load.clients).map(|_| tokio::spawn(client(target.clone(), begin, end))).collect();
        let mut latencies = Vec::new();
        let mut bytes = 0;
        for client in clients {
            let (seen, size) = client.await.context("a client ended")??;
            latencies.extend(seen);
            bytes = bytes.max(size);
        }
        let slowest_hundredth = quantile(&latencies, 0.99).context("nothing was answered in time")?;
        let half = quantile(&latencies, 0.5).unwrap_or_default();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a number of requests"
        )]
        let per_second = (latencies.len() as f64 / load.time.as_secs_f64()) as u64;
        Ok(Answers { per_second, half, slowest_hundredth, bytes })
    })
}

/// One client: asks, reads the whole answer, asks again. Returns the time of each answer that arrived between `begin`
/// and `end`, and the size of a body.
async fn client(target: Target, begin: Instant, end: Instant) -> Result<(Vec<Duration>, usize)> {
    let stream = tokio::net::TcpStream::connect(target.address).await.context("cannot connect")?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut latencies = Vec::new();
    loop {
        let mut request = Request::get(&target.path).header("host", target.address.to_string());
        for (name, value) in &target.headers {
            request = request.header(*name, value);
        }
        sender.ready().await?;
        let asked = Instant::now();
        let answer = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        let answered = Instant::now();
        if status != target.status {
            bail!("{} was answered {status}: {}", target.path, String::from_utf8_lossy(&body));
        }
        if answered >= end {
            connection.abort();
            return Ok((latencies, body.len()));
        }
        if answered >= begin {
            latencies.push(answered - asked);
        }
    }
}
