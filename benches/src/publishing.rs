//! Publishing personas while something else goes on.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
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

/// How long publishing took, each time.
#[derive(Debug)]
pub(crate) struct Publishing {
    latencies: Vec<Duration>,
}

impl Publishing {
    /// Returns how often something was published.
    pub(crate) fn count(&self) -> u64 {
        self.latencies.len() as u64
    }

    /// Returns the time that this share of them took at most.
    pub(crate) fn within(&self, share: f64) -> Duration {
        quantile(&self.latencies, share).unwrap_or_default()
    }
}

/// Publishes one persona after the other for as long as a command runs, which must end well; without a command, so many of them.
pub(crate) fn publish(platform: &Platform, agent: &AgentId, during: Option<Command>, count: usize) -> Result<Publishing> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
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
        Ok(Publishing { latencies })
    })
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
