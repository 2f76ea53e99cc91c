//! The same write, asked for twice.

use serde_json::json;

use crate::world::{World, read};

const NEW_VERSION: &str = "/developer/agents/{id}/persona/version";

#[tokio::test]
async fn a_repeated_write_gets_the_first_answer() {
    let world = World::start().await;
    for header in ["x-idempotency-key", "idempotency-key"] {
        let create = |text: &str| read(world.request("POST", NEW_VERSION).header(header, header).json(&json!({"persona": text})));
        let text = format!("by {header}");
        let first = create(&text).await;
        // Somebody else writes in between; the answer stays what it was.
        world.post(NEW_VERSION, json!({"persona": format!("between {header}")})).await;
        let second = create(&text).await;
        assert_eq!((first.status, &first.text), (second.status, &second.text));
        let mistake = create("another text").await;
        assert_eq!((mistake.status, mistake.code().as_str()), (422, "IDEMPOTENCY_MISMATCH"));
    }
    let list = world.get("/developer/agents/{id}/persona/versions").await.json();
    assert_eq!(list["data"]["versions"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn a_repeated_write_does_not_fail_for_its_own_change() {
    let world = World::start().await;
    let write = || {
        let request = world.request("PATCH", "/api/v1/agents/{id}/definition").header("if-match", "\"r1\"");
        read(request.header("idempotency-key", "k").json(&json!({"fields": {"name": "New"}})))
    };
    let (first, second) = (write().await, write().await);
    assert_eq!((first.status, second.status), (200, 200));
    assert_eq!(first.text, second.text);
}

#[tokio::test]
async fn at_the_same_time_it_is_done_once() {
    let world = World::start().await;
    let create = || read(world.request("POST", NEW_VERSION).header("idempotency-key", "k").json(&json!({"persona": "x"})));
    let answers = tokio::join!(create(), create(), create(), create());
    for answer in [&answers.0, &answers.1, &answers.2, &answers.3] {
        assert_eq!((answer.status, &answer.text), (201, &answers.0.text));
    }
    assert_eq!(world.get("/api/v1/agents/{id}/state").await.header("etag"), "\"r2\"");
}

#[tokio::test]
async fn a_failed_write_may_be_repeated() {
    let world = World::start().await;
    let deploy = || {
        let path = "/developer/agents/{id}/persona/version/1";
        read(world.request("POST", path).header("x-idempotency-key", "k").json(&json!({})))
    };
    assert_eq!(deploy().await.status, 404);
    world.post(NEW_VERSION, json!({"persona": "x"})).await;
    assert_eq!(deploy().await.status, 200);
}

#[tokio::test]
async fn the_key_of_somebody_else_is_another_key() {
    let world = World::start().await;
    let other = world.key("other", keepstep_store::Role::Editor, &world.scope, None).await;
    let create = |key: &str, text: &str| {
        let request = world.anonymous("POST", NEW_VERSION).bearer_auth(key).header("idempotency-key", "k");
        read(request.json(&json!({"persona": text})))
    };
    assert_eq!(create(&world.owner, "mine").await.json()["data"]["version"], 1);
    assert_eq!(create(&other, "theirs").await.json()["data"]["version"], 2);
}
