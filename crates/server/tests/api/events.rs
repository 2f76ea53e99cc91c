//! Changes, as they happen.

use futures_util::StreamExt as _;
use keepstep_agent::Field;
use keepstep_store::{Intent, Patch};
use serde_json::json;

use crate::world::World;

/// Reads a stream of events up to the first that has data.
async fn next(response: reqwest::Response) -> String {
    let mut stream = response.bytes_stream();
    let mut text = String::new();
    while !text.contains("\n\n") || !text.contains("data:") {
        let chunk = stream.next().await.expect("the stream ended").unwrap();
        text += std::str::from_utf8(&chunk).unwrap();
    }
    text
}

#[tokio::test]
async fn a_change_is_told_to_who_listens() {
    let world = World::start().await;
    let response = world.request("GET", "/api/v1/events?agent={id}").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let other = world.post("/api/v1/agents", json!({"name": "Other"})).await;
    assert_eq!(other.status, 201);
    world.post("/developer/agents/{id}/persona/version", json!({"persona": "x", "message": "why"})).await;
    insta::assert_snapshot!(world.stable(&next(response).await), @r#"
    event: change
    id: 3
    data: {"agent_id":"[base]_agent","revision":2,"changed":{"author":"olga","at":1700000000000,"message":"why"}}
    "#);
}

#[tokio::test]
async fn a_change_of_another_process_is_told_as_well() {
    let world = World::start().await;
    let response = world.request("GET", "/api/v1/events").send().await.unwrap();
    let other = keepstep_store::Store::open(&world.folder.path().join("keepstep.db")).await.unwrap();
    let mut transaction = other.write().await.unwrap();
    let intent = Intent { scope: &world.scope, agent: &world.agent, author: Some("admin"), message: None, expected: None };
    transaction.change(&intent, &Patch::of(Field::NAME, "New".into())).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(next(response).await.contains("\"author\":\"admin\""));
}

#[tokio::test]
async fn an_unknown_agent_has_no_events() {
    let world = World::start().await;
    assert_eq!(world.get("/api/v1/events?agent=unknown").await.code(), "AGENT_NOT_FOUND");
    assert_eq!(world.get("/api/v1/events?agent=%00").await.code(), "NOT_FOUND");
}

/// Reads a stream of events to its end, and returns what it said.
async fn rest(response: reqwest::Response) -> String {
    String::from_utf8(response.bytes().await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn a_stream_ends_with_the_key_that_opened_it() {
    let world = World::start().await;
    let key = world.key("short", keepstep_store::Role::Viewer, &world.scope, None).await;
    let expiring = world.key("expiring", keepstep_store::Role::Viewer, &world.scope, Some(crate::world::START + 5)).await;
    let listen = |key: &str| world.anonymous("GET", "/api/v1/events").bearer_auth(key).send();
    let (revoked, expired) = (listen(&key).await.unwrap(), listen(&expiring).await.unwrap());
    let id = world.store.key(&key).await.unwrap().unwrap().id;
    let mut transaction = world.store.write().await.unwrap();
    transaction.revoke_key(&world.scope.org_id, &id).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(rest(revoked).await, "");
    world.set_clock(crate::world::START + 5);
    // Nothing that happens after the end is told.
    world.post("/developer/agents/{id}/persona/version", json!({"persona": "secret"})).await;
    assert_eq!(rest(expired).await, "");
}
