//! As much of a browser as a measurement needs: one connection, a session, packed answers, and the files that a page names.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::runtime::Runtime;

/// What a current browser takes.
const PACKED: &str = "gzip, deflate, br, zstd";

/// A connection of somebody who is signed in.
pub(super) struct Browser {
    runtime: Runtime,
    sender: SendRequest<Empty<Bytes>>,
    address: SocketAddr,
    cookie: String,
}

/// An answer.
pub(super) struct Answer {
    /// Until its last byte.
    pub(super) took: Duration,
    /// As it was sent.
    pub(super) body: Bytes,
}

/// What is sent for the first page that somebody opens.
pub(super) struct Weight {
    /// The bytes of the page.
    pub(super) page: usize,
    /// The bytes of the files that it needs.
    pub(super) files: usize,
    /// The names of these files.
    pub(super) names: Vec<String>,
}

impl Browser {
    /// Connects to a server.
    pub(super) fn open(address: SocketAddr, cookie: &str) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let sender = runtime.block_on(connection(address))?;
        Ok(Self { runtime, sender, address, cookie: cookie.to_owned() })
    }

    /// Asks for a page, which is sent packed.
    pub(super) fn get(&mut self, path: &str) -> Result<Answer> {
        self.request(path, "text/html", PACKED)
    }

    /// Asks for what a script gets there.
    pub(super) fn get_json(&mut self, path: &str) -> Result<Answer> {
        self.request(path, "application/json", PACKED)
    }

    /// Returns what comes with the first page.
    pub(super) fn weight(&mut self, path: &str) -> Result<Weight> {
        let page = self.get(path)?.body.len();
        let text = self.text(path)?;
        // Modules import others by addresses of their own.
        let mut open: Vec<String> = assets(&text);
        let mut seen = BTreeSet::new();
        let mut files = 0;
        while let Some(file) = open.pop() {
            if !seen.insert(file.clone()) {
                continue;
            }
            files += self.get(&file)?.body.len();
            open.extend(assets(&self.text(&file)?));
        }
        Ok(Weight { page, files, names: seen.iter().map(|file| name(file)).collect() })
    }

    fn text(&mut self, path: &str) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.request(path, "text/html", "identity")?.body).into_owned())
    }

    fn request(&mut self, path: &str, accept: &str, encoding: &str) -> Result<Answer> {
        let request = Request::get(path)
            .header("host", self.address.to_string())
            .header("cookie", &self.cookie)
            .header("accept", accept)
            .header("accept-encoding", encoding)
            .body(Empty::new())?;
        let Self { runtime, sender, address, .. } = self;
        runtime.block_on(async {
            // While data is filled in, nobody asks, and the server closes what is idle.
            if sender.is_closed() {
                *sender = connection(*address).await?;
            }
            sender.ready().await?;
            let asked = Instant::now();
            let answer = sender.send_request(request).await?;
            let status = answer.status();
            let body = answer.into_body().collect().await?.to_bytes();
            let took = asked.elapsed();
            ensure!(status == StatusCode::OK, "{path} was answered {status}");
            Ok(Answer { took, body })
        })
    }
}

async fn connection(address: SocketAddr) -> Result<SendRequest<Empty<Bytes>>> {
    let stream = tokio::net::TcpStream::connect(address).await.context("cannot connect")?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// Returns the addresses of files that a page or a module names.
fn assets(text: &str) -> Vec<String> {
    let is_end = |letter: char| matches!(letter, '"' | '\'' | ')' | '<' | ' ');
    let after = |mark: &'static str| {
        let of = move |rest: &str| format!("/assets/{}", rest.split(is_end).next().unwrap_or_default());
        text.split(mark).skip(1).map(of)
    };
    after("\"/assets/").chain(after("from \"./")).filter(|file| file.contains('.')).collect()
}

/// Returns the name of a file without the hash that its address has.
fn name(address: &str) -> String {
    let name = address.trim_start_matches("/assets/");
    match name.split('.').collect::<Vec<_>>()[..] {
        [stem, _, extension] => format!("{stem}.{extension}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_page_are_those_that_it_names() {
        let page = r#"<link href="/assets/style.1a.css"><script src="/assets/page.2b.js"></script><p>/assets/</p>"#;
        assert_eq!(assets(page), ["/assets/style.1a.css", "/assets/page.2b.js"]);
        assert_eq!(assets(r#"import { letters } from "./keys.3c.js";"#), ["/assets/keys.3c.js"]);
        assert_eq!(name("/assets/keys.3c.js"), "keys.js");
    }
}
