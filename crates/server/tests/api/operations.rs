//! Health, metrics and the description of the API.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::{World, read};

#[tokio::test]
async fn health_asks_the_database() {
    let world = World::start().await;
    let answer = read(world.anonymous("GET", "/healthz")).await;
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("ok")));
    world.store.close().await;
    let answer = read(world.anonymous("GET", "/healthz")).await;
    assert_eq!((answer.status, &answer.json()["status"]), (503, &json!("failing")));
    let answer = world.get("/api/v1/whoami").await;
    assert_eq!((answer.status, answer.code().as_str()), (500, "INTERNAL"));
    assert_eq!(answer.json()["message"], "The server failed; see its log.");
}

#[tokio::test]
async fn metrics_name_routes_and_never_ids() {
    let world = World::start().await;
    world.get("/api/v1/agents/{id}/state").await;
    world.get("/api/nothing").await;
    world.post("/developer/agents/{id}/persona/version", json!({"persona": "x"})).await;
    let text = read(world.anonymous("GET", "/metrics")).await.text;
    for line in [
        r#"keepstep_http_requests_total{method="GET",route="/api/v1/agents/{id}/state",status="200"} 1"#,
        r#"keepstep_http_requests_total{method="GET",route="none",status="404"} 1"#,
        r#"keepstep_http_request_duration_seconds_count{route="/developer/agents/{id}/persona/version"} 1"#,
        "keepstep_writes_total 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(!text.contains(world.agent.as_str()));
}

#[tokio::test]
async fn metrics_are_for_this_machine_and_for_keys() {
    let world = World::start().await;
    let forwarded = |request: reqwest::RequestBuilder| request.header("x-forwarded-for", "192.0.2.7");
    assert_eq!(read(forwarded(world.anonymous("GET", "/metrics"))).await.status, 401);
    assert_eq!(read(forwarded(world.request("GET", "/metrics"))).await.status, 200);
    let settings = keepstep_platform::Settings { public_url: Some("https://x.example".to_owned()), ..Default::default() };
    let behind = World::start_with(settings).await;
    assert_eq!(read(behind.anonymous("GET", "/metrics")).await.status, 401);
}

#[tokio::test]
async fn the_description_can_be_closed() {
    let world = World::start_with(keepstep_platform::Settings { is_description_closed: true, ..Default::default() }).await;
    assert_eq!(read(world.anonymous("GET", "/api/openapi.json")).await.status, 401);
    assert_eq!(read(world.request("GET", "/api/openapi.json")).await.status, 200);
    assert_eq!(read(world.anonymous("GET", "/healthz")).await.status, 200);
}

/// The limit is of each key: what another one asks is not counted.
#[tokio::test]
async fn who_asks_too_often_is_told_for_how_long_to_wait() {
    let settings = keepstep_platform::Settings {
        requests_per_minute: std::num::NonZeroU32::new(2),
        ..keepstep_platform::Settings::default()
    };
    let world = World::start_with(settings).await;
    let ask = async || world.request("GET", "/api/v1/whoami").send().await.unwrap();
    let field = |answer: &reqwest::Response, name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    let first = ask().await;
    assert_eq!(first.status(), 200);
    assert_eq!(
        (field(&first, "ratelimit-policy"), field(&first, "ratelimit")),
        (r#""requests";q=2;w=60"#.into(), r#""requests";r=1;t=30"#.into())
    );
    assert_eq!(ask().await.status(), 200);
    let refused = ask().await;
    assert_eq!((refused.status(), field(&refused, "ratelimit")), (429.try_into().unwrap(), r#""requests";r=0;t=60"#.into()));
    let after: u64 = field(&refused, "retry-after").parse().unwrap();
    assert!((1..=30).contains(&after), "{after}");
    let body: Value = refused.json().await.unwrap();
    assert_eq!((&body["code"], &body["detail"]), (&json!("TOO_MANY"), &json!("There were more than 2 requests in a minute.")));
    // What is asked with a key is counted wherever it is asked.
    assert_eq!(read(world.request("GET", "/api/v1/artifacts/artifact_1")).await.status, 429);
    // Who is not known is not counted, and what does not need a key is answered.
    assert_eq!(read(world.anonymous("GET", "/healthz")).await.status, 200);
    assert_eq!(read(world.anonymous("GET", "/api/v1/whoami")).await.status, 401);
}

#[tokio::test]
async fn a_database_that_is_taken_away_is_noticed() {
    let world = World::start().await;
    // A server that has not begun yet would find no database.
    assert_eq!(read(world.anonymous("GET", "/healthz")).await.status, 200);
    let database = world.folder.path().join("keepstep.db");
    std::fs::rename(&database, world.folder.path().join("elsewhere.db")).unwrap();
    let answer = read(world.anonymous("GET", "/healthz")).await;
    let reason = "the database file was deleted while the server was using it";
    assert_eq!((answer.status, &answer.json()["reason"]), (503, &json!(reason)));
    let write = world.post("/developer/agents/{id}/persona/version", json!({"persona": "lost"})).await;
    assert_eq!((write.status, write.code().as_str()), (503, "UNAVAILABLE"));
    assert!(write.json()["message"].as_str().unwrap().contains("was deleted while the server was using it"));
    // Another one in its place is no better.
    std::fs::copy(world.folder.path().join("elsewhere.db"), &database).unwrap();
    assert!(read(world.anonymous("GET", "/healthz")).await.json()["reason"].as_str().unwrap().contains("replaced"));
    std::fs::rename(world.folder.path().join("elsewhere.db"), &database).unwrap();
    assert_eq!(read(world.anonymous("GET", "/healthz")).await.status, 200);
    std::fs::remove_file(world.folder.path().join("keepstep.db-wal")).unwrap();
    assert_eq!(read(world.anonymous("GET", "/healthz")).await.status, 503);
}

#[tokio::test]
async fn the_description_is_complete() {
    let world = World::start().await;
    let document = read(world.anonymous("GET", "/api/openapi.json")).await.json();
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let text = document.to_string();
    // Every reference leads somewhere.
    for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
    }
    let mut names = Vec::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            names.push(operation["operationId"].as_str().unwrap());
            assert!(operation["responses"]["default"].is_object());
        }
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

/// Adds the schemas that a part of the description refers to, and what these refer to.
fn schemas(part: &Value, document: &Value, found: &mut BTreeSet<String>) {
    match part {
        Value::Object(members) => {
            if let Some(name) = members.get("$ref").and_then(|name| name.as_str()?.strip_prefix("#/components/schemas/"))
                && found.insert(name.to_owned())
            {
                schemas(&document["components"]["schemas"][name], document, found);
            }
            members.values().for_each(|member| schemas(member, document, found));
        }
        Value::Array(items) => items.iter().for_each(|item| schemas(item, document, found)),
        _ => {}
    }
}

#[tokio::test]
async fn json_of_our_own_routes_is_snake_case() {
    let world = World::start().await;
    let document = read(world.anonymous("GET", "/api/openapi.json")).await.json();
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        if path.starts_with("/api/v1/") {
            schemas(item, &document, &mut found);
        }
    }
    assert!(found.len() > 20, "{found:?}");
    let keys = found.iter().flat_map(|name| {
        let properties = document["components"]["schemas"][name]["properties"].as_object();
        properties.into_iter().flatten().map(move |(key, _)| format!("{name}.{key}"))
    });
    let is_snake = |key: &String| !key.split_once('.').unwrap().1.contains(|letter: char| letter.is_ascii_uppercase());
    let wrong: Vec<String> = keys.filter(|key| !is_snake(key)).collect();
    // Errors have one form for all dialects, and a peer reads this key.
    assert_eq!(wrong, ["ErrorBody.statusCode"]);
}
