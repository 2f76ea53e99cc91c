//! Publishing personas while something else goes on, and beside it what the disk takes for the same.

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use keepstep_base::AgentId;
use serde_json::json;

use crate::platform::Platform;
use crate::statistics::quantile;

/// How long somebody who publishes again and again rests in between.
const REST: Duration = Duration::from_millis(5);

/// How many bytes a bare write has: a page.
const BARE: usize = 4096;

/// How long publishing took, each time, and bare writes to the same disk meanwhile: none of it can be faster than those.
#[derive(Debug)]
pub(crate) struct Publishing {
    pub(crate) published: Latencies,
    pub(crate) bare: Latencies,
}

/// How long something took, each time.
#[derive(Debug)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    /// Returns how often it was done.
    pub(crate) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// Returns the time that this share of them took at most.
    pub(crate) fn within(&self, share: f64) -> Duration {
        quantile(&self.0, share).unwrap_or_default()
    }
}

/// Writes a page and waits for the disk, again and again.
struct BareWrites {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<std::io::Result<Vec<Duration>>>,
}

impl BareWrites {
    fn begin(path: &Path) -> Result<Self> {
        let file = File::create(path)?;
        // The file has its length: what is waited for is the page alone.
        file.write_all_at(&[0; BARE], 0)?;
        file.sync_all()?;
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let mut latencies = Vec::new();
            while !seen.load(Ordering::Relaxed) {
                let begun = Instant::now();
                file.write_all_at(&[0; BARE], 0)?;
                file.sync_data()?;
                latencies.push(begun.elapsed());
                std::thread::sleep(REST);
            }
            Ok(latencies)
        });
        Ok(Self { is_over, thread })
    }

    fn end(self) -> Result<Latencies> {
        self.is_over.store(true, Ordering::Relaxed);
        let latencies = self.thread.join().ok().context("the bare writes stopped")??;
        Ok(Latencies(latencies))
    }
}

/// Publishes one persona after the other for as long as a command runs, which must end well; without a command, so many of them.
pub(crate) fn publish(platform: &Platform, agent: &AgentId, during: Option<Command>, count: usize) -> Result<Publishing> {
    let bare = BareWrites::begin(&platform.path("bare-writes"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let published = runtime.block_on(async {
        let address = platform.server.address();
        let mut client = connect(address).await?;
        let mut child = match during {
            Some(mut command) => Some(command.stdout(Stdio::null()).spawn().context("cannot start what goes on meanwhile")?),
            None => None,
        };
        let mut latencies = Vec::new();
        loop {
            let text = format!("You are version {}. You help.", latencies.len());
            latencies.push(one(&mut client, address, platform, agent, &text).await?);
            match &mut child {
                None if latencies.len() >= count => break,
                None => {}
                Some(child) => {
                    if let Some(status) = child.try_wait()? {
                        ensure!(status.success(), "what went on meanwhile failed: {status}");
                        break;
                    }
                }
            }
            tokio::time::sleep(REST).await;
        }
        anyhow::Ok(Latencies(latencies))
    })?;
    Ok(Publishing { published, bare: bare.end()? })
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>> {
    let stream = tokio::net::TcpStream::connect(address).await.context("cannot connect")?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn one(
    client: &mut SendRequest<Full<Bytes>>,
    address: SocketAddr,
    platform: &Platform,
    agent: &AgentId,
    text: &str,
) -> Result<Duration> {
    let request = Request::post(format!("/developer/agents/{agent}/persona/version"))
        .header("host", address.to_string())
        .header("authorization", format!("Bearer {}", platform.key))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(json!({ "persona": text }).to_string())))?;
    client.ready().await?;
    let asked = Instant::now();
    let answer = client.send_request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    let took = asked.elapsed();
    ensure!(status == StatusCode::CREATED, "publishing was answered {status}: {}", String::from_utf8_lossy(&body));
    Ok(took)
}
