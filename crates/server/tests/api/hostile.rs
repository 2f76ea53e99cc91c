//! Requests that nobody means well.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{World, read};

const NEW_VERSION: &str = "/developer/agents/{id}/persona/version";

/// Checks that an error is our JSON.
fn check(status: u16, text: &str) {
    let body: Value = serde_json::from_str(text).unwrap_or_else(|_| panic!("not JSON: {status} {text:?}"));
    assert_eq!(body["success"], json!(false));
    assert_eq!(body["statusCode"], json!(status), "{body}");
    assert!(body["message"].as_str().is_some_and(|message| message.ends_with('.')), "{body}");
    assert!(body["code"].is_string() && body["error"].is_string(), "{body}");
}

#[tokio::test]
async fn a_body_without_meaning_is_explained() {
    let world = World::start().await;
    let mut shown = String::new();
    for body in ["{", "", "[]", "null", "{\"persona\":1}", "{\"persona\":\"a\",\"status\":\"odd\"}", "\u{feff}{}", "{}{}"] {
        let request = world.request("POST", NEW_VERSION).header("content-type", "application/json").body(body);
        let answer = read(request).await;
        check(answer.status, &answer.text);
        shown += &format!("{body:?}: {} {}\n", answer.status, answer.json()["message"].as_str().unwrap());
    }
    let deep = "[".repeat(100_000);
    let answer = read(world.request("POST", NEW_VERSION).body(format!("{{\"persona\":{deep}"))).await;
    assert_eq!(answer.code(), "INVALID");
    let invalid_utf8 = read(world.request("POST", NEW_VERSION).body(b"{\"persona\":\"\xff\"}".to_vec())).await;
    assert_eq!(invalid_utf8.code(), "INVALID");
    insta::assert_snapshot!(shown, @r#"
    "{": 400 The body is not what this address takes: EOF while parsing an object at line 1 column 1.
    "": 400 The body is not what this address takes: missing field `persona` at line 1 column 2.
    "[]": 400 The body must be a JSON object.
    "null": 400 The body must be a JSON object.
    "{\"persona\":1}": 400 A persona must be a string, or an object with a string for each channel.
    "{\"persona\":\"a\",\"status\":\"odd\"}": 400 The body is not what this address takes: unknown variant `odd`, expected `draft` or `published` at line 1 column 29.
    "\u{feff}{}": 400 The body must be a JSON object.
    "{}{}": 400 The body is not what this address takes: missing field `persona` at line 1 column 2.
    "#);
}

#[tokio::test]
async fn what_is_not_json_by_its_type_is_not_read() {
    let world = World::start().await;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let answer =
            read(world.request("POST", NEW_VERSION).header("content-type", content_type).body("{\"persona\":\"x\"}")).await;
        assert_eq!(answer.status, 415);
        check(415, &answer.text);
    }
    let with_charset = world.request("POST", NEW_VERSION).header("content-type", "Application/JSON; charset=utf-8");
    assert_eq!(read(with_charset.body("{\"persona\":\"x\"}")).await.status, 201);
}

#[tokio::test]
async fn a_huge_body_is_refused_before_it_is_read() {
    let world = World::start().await;
    let address = world.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /developer/agents/{}/persona/version HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         connection: close\r\ncontent-length: 99999999999\r\n\r\n",
        world.agent, world.owner
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 413"), "{text}");
    check(413, text.split("\r\n\r\n").nth(1).unwrap());

    // Without a length it is read up to the limit.
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = head.replace("content-length: 99999999999", "transfer-encoding: chunked");
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let writing = tokio::spawn(async move {
        let chunk = [b"100000\r\n".as_slice(), &vec![b' '; 0x10_0000], b"\r\n"].concat();
        while writer.write_all(&chunk).await.is_ok() {}
    });
    let mut answer = vec![0; 16];
    reader.read_exact(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer));
    writing.abort();
}

#[tokio::test]
async fn odd_addresses_are_not_found() {
    let world = World::start().await;
    for path in [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v2/agents",
        "/admin",
        "/developer/",
        "/api/v1/agents//state",
        "/api/v1/agents/%2e%2e/state",
        "/api/v1/agents/..%2fx/state",
        "/api/v1/agents/a%00b/state",
        "/api/v1/agents/%ff/state",
        "/api/v1/agents/a%0ab/state",
        "/admin/agents/%2fetc%2fpasswd",
        "/developer/skills/%00",
        "/api/v1/agents/{id}/personas/99999999999",
        "/api/v1/agents/{id}/personas/1e3",
        "/agents/x/y/sub-agent",
    ] {
        let answer = world.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        check(404, &answer.text);
        assert!(!answer.text.contains('\u{0}'));
    }
    let long = format!("/api/v1/agents/{}/state", "x".repeat(5000));
    assert_eq!(world.get(&long).await.status, 404);
}

#[tokio::test]
async fn a_wrong_method_is_told_so() {
    let world = World::start().await;
    for (method, path) in [
        ("PUT", "/api/v1/agents/{id}/state"),
        ("DELETE", "/developer/skills/{id}"),
        ("GET", "/agents/{base}/sub-agent"),
        ("POST", "/healthz"),
        ("PROPFIND", "/admin/agents/{id}"),
    ] {
        let answer = read(world.request(method, path)).await;
        assert_eq!((answer.status, answer.code().as_str()), (405, "METHOD_NOT_ALLOWED"), "{method} {path}");
        check(405, &answer.text);
    }
}

#[tokio::test]
async fn names_are_data() {
    let world = World::start().await;
    let name = "'; DROP TABLE agents; --\u{0}\u{1b}[2J\u{202e}<script>";
    let answer = world.patch("/agents/{base}/sub-agent", json!({"id": "agent", "name": name})).await;
    assert_eq!(answer.status, 200);
    assert_eq!(world.get("/admin/agents/{id}").await.json()["data"]["name"], json!(name));
    let answer = world.patch("/agents/{base}/sub-agent", json!({"id": "agent", "name": "x".repeat(10_001)})).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "TOO_LARGE"));
    for id in ["", "../x", "a\u{0}", &"x".repeat(500)] {
        let answer = world.patch("/agents/{base}/sub-agent", json!({"id": id, "name": "x"})).await;
        assert_eq!(answer.status, 404, "{id:?}");
        check(404, &answer.text);
    }
    // The version of the definition is not a field that a dialect may write around its versions.
    let answer = world.patch("/agents/{base}/sub-agent", json!({"id": "agent", "persona": "x"})).await;
    assert_eq!(answer.code(), "REFUSED");
}

#[tokio::test]
async fn odd_headers_are_explained() {
    let world = World::start().await;
    for (name, value) in [("idempotency-key", "".to_owned()), ("x-idempotency-key", "x".repeat(201))] {
        let answer = read(world.request("POST", NEW_VERSION).header(name, value).json(&json!({"persona": "x"}))).await;
        check(400, &answer.text);
    }
    let answer = read(world.anonymous("GET", "/api/v1/whoami").header("authorization", b"Bearer \xff".as_slice())).await;
    assert_eq!(answer.code(), "KEY_MALFORMED");
    let key = world.owner.clone();
    for form in [format!("bearer {key}"), format!("BEARER   {key} ")] {
        assert_eq!(read(world.anonymous("GET", "/api/v1/whoami").header("authorization", form)).await.status, 200);
    }
}
