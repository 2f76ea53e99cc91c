//! What the attackers send.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout_at};

use super::Secrets;

const MEBIBYTE: usize = 1024 * 1024;

/// An attack.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    sends: fn(&Secrets) -> Sent,
    then: Then,
}

/// A request: its head without the line that ends it, and how its body goes on.
#[derive(Debug, Clone, Default)]
struct Sent {
    head: String,
    body: Body,
}

#[derive(Debug, Clone, Default)]
enum Body {
    #[default]
    None,
    /// So many bytes are announced, and the piece is repeated until they are there.
    Repeated { begin: &'static str, piece: &'static str, end: &'static str, length: usize },
}

/// What an attacker does after it sent the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Sends all, reads the answer, and begins again.
    Again,
    /// Sends one byte after the other, slowly.
    Drips,
    /// Does nothing any more.
    Sits,
    /// Reads one byte after the other, slowly.
    ReadsSlowly,
    /// Reads all that comes, for as long as it comes.
    Listens,
}

fn get(path: &str, key: &str) -> Sent {
    Sent { head: format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"), body: Body::None }
}

fn page(path: &str, cookie: &str) -> Sent {
    Sent { head: format!("GET {path} HTTP/1.1\r\nhost: x\r\ncookie: {cookie}\r\n"), body: Body::None }
}

fn post(path: &str, key: &str, begin: &'static str, piece: &'static str, end: &'static str, length: usize) -> Sent {
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n");
    Sent { head, body: Body::Repeated { begin, piece, end, length } }
}

fn form(path: &str, cookie: &str, length: usize) -> Sent {
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: x\r\ncookie: {cookie}\r\ncontent-type: application/x-www-form-urlencoded\r\n");
    Sent { head, body: Body::Repeated { begin: "base=1&action=publish&persona=", piece: "%3Cb%3E", end: "", length } }
}

fn wide(path: &str, key: &str, begin: &'static str) -> Sent {
    post(path, key, begin, "{\"\":0},", "{}]}", 63 * MEBIBYTE)
}

/// An input that is as long as one may be.
static LONG_INPUT: LazyLock<String> = LazyLock::new(|| format!("{{\"text\":\"{}\"}},", "why? ".repeat(200 * 1024)));

/// All attacks.
pub(super) static ALL: &[Kind] = &[
    Kind { name: "idle connections", sends: |_| Sent::default(), then: Then::Sits },
    Kind {
        name: "heads that never end",
        sends: |_| Sent { head: "GET / HTTP/1.1\r\nhost: x\r\nx: ".to_owned(), body: Body::None },
        then: Then::Drips,
    },
    Kind {
        name: "heads of 60 KiB",
        sends: |s| get(&format!("/api/v1/agents?x={}", "x".repeat(60 * 1024)), &s.viewer),
        then: Then::Again,
    },
    Kind {
        name: "bodies that drip",
        sends: |s| post("/api/sync/upload", &s.editor, "{\"a\":\"", "x", "\"}", 32 * MEBIBYTE),
        then: Then::Drips,
    },
    Kind { name: "63 MiB without a key", sends: |_| wide("/api/sync/upload", "", "{\"runs\":["), then: Then::Again },
    Kind { name: "63 MiB with a viewer's key", sends: |s| wide("/api/sync/upload", &s.viewer, "{\"runs\":["), then: Then::Again },
    Kind {
        name: "wide JSON: uploads",
        sends: |s| wide("/api/sync/upload", &s.editor, "{\"bundle_version_id\":\"x\",\"upload_meta\":{\"a\":0},\"x\":["),
        then: Then::Again,
    },
    Kind {
        name: "wide JSON: import",
        sends: |s| {
            wide(
                &format!("/api/v1/projects/{}/import", s.project),
                &s.editor,
                "{\"scenario\":{\"name\":\"x\",\"config\":{}},\"inputs\":[{\"text\":\"a\",\"metadata\":{\"a\":[",
            )
        },
        then: Then::Again,
    },
    Kind {
        name: "wide JSON: 60 KiB each",
        sends: |s| {
            post(&format!("/developer/skills/{}", s.agent), &s.editor, "{\"name\":\"x\",\"a\":[", "{\"\":0},", "{}]}", 60 * 1024)
        },
        then: Then::Again,
    },
    Kind {
        name: "long texts: import",
        sends: |s| {
            post(
                &format!("/api/v1/projects/{}/import", s.project),
                &s.editor,
                "{\"scenario\":{\"name\":\"x\"},\"inputs\":[{\"text\":\"",
                "why? ",
                "\"}]}",
                60 * MEBIBYTE,
            )
        },
        then: Then::Again,
    },
    Kind {
        name: "long inputs: import",
        sends: |s| {
            let path = format!("/api/v1/projects/{}/import", s.project);
            post(
                &path,
                &s.editor,
                "{\"scenario\":{\"name\":\"x\"},\"inputs\":[",
                &LONG_INPUT,
                "{\"text\":\"x\"}]}",
                60 * MEBIBYTE,
            )
        },
        then: Then::Again,
    },
    Kind {
        name: "many runs",
        sends: |s| {
            post(
                "/api/sync/upload",
                &s.editor,
                "{\"bundle_version_id\":\"x\",\"turns\":[",
                "{\"run_id\":\"r\",\"turn_id\":\"t\"},",
                "{\"run_id\":\"r\",\"turn_id\":\"t\"}]}",
                8 * MEBIBYTE,
            )
        },
        then: Then::Again,
    },
    Kind {
        name: "many files offered",
        sends: |s| {
            post(
                "/api/v1/uploads",
                &s.editor,
                "{\"project_id\":\"x\",\"bundle_version_id\":\"x\",\"experiment_id\":\"x\",\"files\":[",
                "{\"type\":\"traces\",\"name\":\"a\",\"size\":0,\"sha256\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\",\"parts\":[]},",
                "{}]}",
                16 * MEBIBYTE,
            )
        },
        then: Then::Again,
    },
    Kind {
        name: "deep JSON",
        sends: |s| post(&format!("/developer/skills/{}", s.agent), &s.editor, "{\"name\":\"x\",\"a\":", "[", "", 15 * MEBIBYTE),
        then: Then::Again,
    },
    Kind {
        name: "compressed bodies",
        sends: |s| {
            let mut sent = post(&format!("/developer/skills/{}", s.agent), &s.editor, "(\u{b5}/\u{fd}", "\u{0}", "", MEBIBYTE);
            sent.head += "content-encoding: zstd\r\n";
            sent
        },
        then: Then::Again,
    },
    Kind { name: "forms of strangers", sends: |_| form("/new-agent", "keepstep_session=x", 15 * MEBIBYTE), then: Then::Again },
    Kind {
        name: "forms of an owner",
        sends: |s| form(&format!("/agents/{}/edit", s.agent), &s.cookie, 6 * MEBIBYTE),
        then: Then::Again,
    },
    Kind {
        name: "huge diffs",
        sends: |s| get(&format!("/api/v1/agents/{}/personas/2/diff/3", s.agent), &s.viewer),
        then: Then::Again,
    },
    Kind {
        name: "huge diffs on pages",
        sends: |s| page(&format!("/agents/{}/versions/3", s.agent), &s.cookie),
        then: Then::Again,
    },
    Kind {
        name: "all inputs of a set",
        sends: |s| get(&format!("/api/inputs?input_set_id={}", s.set), &s.viewer),
        then: Then::Again,
    },
    Kind {
        name: "all versions with texts",
        sends: |s| get(&format!("/developer/agents/{}/persona/versions", s.agent), &s.viewer),
        then: Then::Again,
    },
    Kind {
        name: "answers that nobody reads",
        sends: |s| get(&format!("/api/v1/agents/{}/personas/2", s.agent), &s.viewer),
        then: Then::ReadsSlowly,
    },
    Kind {
        name: "pulls that nobody reads",
        sends: |s| {
            let head = format!(
                "POST /api/sync/pull HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n",
                s.viewer
            );
            let end: &'static str = format!("{{\"bundle_version_id\":\"{}\"}}", s.bundle).leak();
            Sent { head, body: Body::Repeated { begin: "", piece: " ", end, length: end.len() } }
        },
        then: Then::ReadsSlowly,
    },
    Kind { name: "event streams", sends: |s| get("/api/v1/events", &s.viewer), then: Then::Listens },
];

/// How often something was answered, by its status; 0 for what was cut off.
#[derive(Debug, Default)]
pub(super) struct Counts(BTreeMap<u16, u64>);

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<String> = self.0.iter().map(|(status, count)| format!("{status}×{count}")).collect();
        formatter.write_str(&counts.join(" "))
    }
}

/// Attacks from many connections for some time.
pub(super) async fn run(
    kind: &'static Kind,
    address: SocketAddr,
    connections: usize,
    time: Duration,
    secrets: &Secrets,
) -> Counts {
    let sent = Arc::new((kind.sends)(secrets));
    let end = Instant::now() + time;
    let tasks: Vec<_> = (0..connections).map(|_| tokio::spawn(attack(Arc::clone(&sent), kind.then, address, end))).collect();
    let mut counts = Counts::default();
    for task in tasks {
        for (status, count) in task.await.unwrap_or_default() {
            *counts.0.entry(status).or_default() += count;
        }
    }
    counts
}

async fn attack(sent: Arc<Sent>, then: Then, address: SocketAddr, end: Instant) -> BTreeMap<u16, u64> {
    let mut counts = BTreeMap::new();
    while Instant::now() < end {
        let status = match timeout_at(end, once(&sent, then, address)).await {
            Ok(Ok(status)) => status,
            Ok(Err(_)) => 0,
            Err(_) => break,
        };
        *counts.entry(status).or_default() += 1;
        if status == 0 {
            // The server may have no place; nobody gains from asking a thousand times a second.
            sleep(Duration::from_millis(50)).await;
        }
    }
    counts
}

/// Makes one connection and one request on it, and returns the status of the answer.
async fn once(sent: &Sent, then: Then, address: SocketAddr) -> io::Result<u16> {
    let mut stream = TcpStream::connect(address).await?;
    if then == Then::Sits {
        return sit(&mut stream).await;
    }
    let mut head = sent.head.clone();
    if let Body::Repeated { length, .. } = &sent.body {
        head += &format!("content-length: {length}\r\n");
    }
    if then == Then::Drips && matches!(sent.body, Body::None) {
        stream.write_all(head.as_bytes()).await?;
        return drip(&mut stream).await;
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).await?;
    if then == Then::Drips {
        return drip(&mut stream).await;
    }
    let (mut reader, mut writer) = stream.split();
    // The answer may come before all is sent.
    tokio::select! {
        status = status(&mut reader, then) => status,
        Err(_) = send(&mut writer, &sent.body) => status(&mut reader, then).await,
    }
}

async fn send(writer: &mut (impl tokio::io::AsyncWrite + Unpin), body: &Body) -> io::Result<()> {
    if let Body::Repeated { begin, piece, end, length } = body {
        writer.write_all(begin.as_bytes()).await?;
        let mut left = length.saturating_sub(begin.len() + end.len());
        let block = piece.repeat((64 * 1024 / piece.len()).max(1));
        while left >= block.len() {
            writer.write_all(block.as_bytes()).await?;
            left -= block.len();
        }
        writer.write_all(piece.repeat(left / piece.len()).as_bytes()).await?;
        writer.write_all(" ".repeat(left % piece.len()).as_bytes()).await?;
        writer.write_all(end.as_bytes()).await?;
    }
    std::future::pending().await
}

/// Reads the answer, and returns its status.
async fn status(reader: &mut (impl tokio::io::AsyncRead + Unpin), then: Then) -> io::Result<u16> {
    let mut head = [0; 12];
    reader.read_exact(&mut head).await?;
    let status = std::str::from_utf8(&head[9..]).ok().and_then(|status| status.parse().ok()).unwrap_or_default();
    match then {
        Then::ReadsSlowly => loop {
            sleep(Duration::from_secs(1)).await;
            if reader.read(&mut [0; 16]).await? == 0 {
                return Ok(status);
            }
        },
        Then::Listens => while reader.read(&mut [0; 1024]).await? > 0 {},
        // The rest of the answer is thrown away with the connection, once most of it is here.
        _ => {
            let mut rest = [0; 16 * 1024];
            let soon = Instant::now() + Duration::from_millis(200);
            while let Ok(Ok(1..)) = timeout_at(soon, reader.read(&mut rest)).await {}
        }
    }
    Ok(status)
}

/// Sends a byte a second until the server has had enough.
async fn drip(stream: &mut TcpStream) -> io::Result<u16> {
    loop {
        stream.write_all(b"x").await?;
        sleep(Duration::from_secs(1)).await;
    }
}

async fn sit(stream: &mut TcpStream) -> io::Result<u16> {
    let mut nothing = [0; 1];
    while stream.read(&mut nothing).await? > 0 {}
    Ok(0)
}
