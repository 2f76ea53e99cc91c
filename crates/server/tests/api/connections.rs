//! Connections that are silent, slow, or too many.

use std::time::Duration;

use keepstep_platform::{Limits, Settings};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{World, read};

async fn connect(world: &World) -> TcpStream {
    TcpStream::connect(world.url.strip_prefix("http://").unwrap()).await.unwrap()
}

async fn with(limits: Limits) -> World {
    World::start_with(Settings { limits, ..Settings::default() }).await
}

#[tokio::test]
async fn a_head_that_never_ends_ends_the_connection() {
    let world = with(Limits { head: Duration::from_millis(100), ..Limits::default() }).await;
    for begin in ["", "GET /healthz HTTP/1.1\r\nhost: x\r\nx: "] {
        let mut slow = connect(&world).await;
        slow.write_all(begin.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        slow.read_to_end(&mut rest).await.unwrap();
        assert!(rest.is_empty());
    }
    // As does one that waits too long for the next request.
    let mut idle = connect(&world).await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut rest = String::new();
    idle.read_to_string(&mut rest).await.unwrap();
    assert!(rest.starts_with("HTTP/1.1 200 OK"), "{rest}");
}

#[tokio::test]
async fn those_that_only_sit_there_lock_nobody_out() {
    let world = with(Limits { connections: 20, ..Limits::default() }).await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        idle.push(connect(&world).await);
    }
    let answer = read(world.anonymous("GET", "/healthz")).await;
    assert_eq!(answer.status, 200);
    // The longest idle went.
    let mut rest = Vec::new();
    idle.remove(0).read_to_end(&mut rest).await.unwrap();
}

#[tokio::test]
async fn who_is_refused_while_they_send_gets_to_see_why() {
    let world = World::start().await;
    let mut stream = connect(&world).await;
    let head = "POST /api/sync/upload HTTP/1.1\r\nhost: x\r\ncontent-length: 8388608\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; 8 << 20]).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

#[tokio::test]
async fn a_body_of_very_many_values_is_refused_before_it_is_parsed() {
    let world = World::start().await;
    let wide = format!("{{\"name\":\"x\",\"a\":[{}{{}}]}}", "{\"\":0},".repeat(500_000));
    let send = |path: &str, body: String| world.request("POST", path).header("content-type", "application/json").body(body);
    for path in ["/developer/skills/{id}", "/api/sync/upload", "/api/v1/agents/{id}/personas/1/deploy"] {
        let answer = read(send(path, wide.clone()).header("if-match", "\"r1\"")).await;
        assert_eq!((answer.status, answer.code().as_str()), (413, "TOO_LARGE"), "{path}");
    }
    let deep = format!("{{\"name\":\"x\",\"a\":{}{}}}", "[".repeat(101), "]".repeat(101));
    assert_eq!(read(send("/developer/skills/{id}", deep)).await.code(), "INVALID");
    // What is only long is taken, by way of a file.
    let long = json!({"name": "x", "code": "\"}{][,\\".repeat(100_000)});
    let answer = read(send("/developer/skills/{id}", long.to_string())).await;
    assert_eq!(answer.status, 201);
    let listed: Value = world.get("/developer/skills/{id}").await.json();
    assert_eq!(listed["data"]["skills"][0]["code"], long["code"]);
}

#[tokio::test]
async fn every_answer_has_the_number_of_its_request() {
    let world = World::start().await;
    let ours = world.get("/api/v1/whoami").await;
    assert_eq!(ours.header("x-request-id").len(), 16);
    let theirs = read(world.request("GET", "/api/v1/nothing").header("x-request-id", "from-a-proxy")).await;
    assert_eq!(theirs.header("x-request-id"), "from-a-proxy");
}
