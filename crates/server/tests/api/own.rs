//! Our own additions.

use keepstep_agent::Field;
use serde_json::{Value, json};

use crate::world::{World, read};

const STATE: &str = "/api/v1/agents/{id}/state";
const DEFINITION: &str = "/api/v1/agents/{id}/definition";

#[tokio::test]
async fn one_request_tells_everything_that_a_comparison_needs() {
    let world = World::start().await;
    let fields = json!({"persona": {"base": "b"}, "model": "m", "governance": {"mode": "sdk"}});
    assert_eq!(world.define(fields).await.status, 200);
    let draft = json!({"persona": "later", "status": "draft", "message": "an idea"});
    assert_eq!(world.post("/developer/agents/{id}/persona/version", draft).await.status, 201);
    let answer = world.get(STATE).await;
    assert_eq!(answer.header("etag"), "\"r3\"");
    let all = json!(Field::ALL);
    assert_eq!(answer.json()["fields"], all, "the fields that the server keeps");
    insta::assert_snapshot!(world.shown(&answer).replace(&format!("{all:#}").replace('\n', "\n  "), "[ALL]"), @r#"
    200
    {
      "agent_id": "[base]_agent",
      "org_id": "[org]",
      "revision": 3,
      "definition": {
        "name": "Shop",
        "persona": {
          "base": "b"
        },
        "model": "m",
        "governance": {
          "mode": "sdk"
        }
      },
      "fields": [ALL],
      "published": {
        "version": 1,
        "status": "published",
        "is_current": true,
        "digest": "15bf12fd9f9147173fd7ed4440d0e18fa2c4cb8861df030d765ec71fa35fe68d",
        "created": {
          "author": "olga",
          "at": 1700000000000
        }
      },
      "current": {
        "version": 1,
        "status": "published",
        "is_current": true,
        "digest": "15bf12fd9f9147173fd7ed4440d0e18fa2c4cb8861df030d765ec71fa35fe68d",
        "created": {
          "author": "olga",
          "at": 1700000000000
        }
      },
      "newest_draft": {
        "version": 2,
        "status": "draft",
        "is_current": false,
        "digest": "03fa3c711c3abd7a72387c2b602c3ac99332afadaf0c401b57c520ba83b19809",
        "created": {
          "author": "olga",
          "at": 1700000000001,
          "message": "an idea"
        }
      },
      "changed": {
        "author": "olga",
        "at": 1700000000000,
        "message": "an idea"
      }
    }
    "#);
}

#[tokio::test]
async fn an_unchanged_state_is_not_sent_again() {
    let world = World::start().await;
    for tag in ["\"r1\"", "W/\"r1\"", "\"other\", \"r1\""] {
        let answer = read(world.request("GET", STATE).header("if-none-match", tag)).await;
        assert_eq!((answer.status, answer.text.as_str()), (304, ""), "{tag}");
        assert_eq!(answer.header("etag"), "\"r1\"");
    }
    world.define(json!({"name": "Store"})).await;
    let answer = read(world.request("GET", STATE).header("if-none-match", "\"r1\"")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["definition"]["name"], "Store");
}

#[tokio::test]
async fn a_write_names_the_revision_that_it_replaces() {
    let world = World::start().await;
    let body = json!({"fields": {"name": "Mine"}});
    let answer = world.patch(DEFINITION, body.clone()).await;
    insta::assert_snapshot!(world.shown(&answer), @r#"
    428
    {
      "success": false,
      "message": "This write must name the revision that it replaces.",
      "detail": "This write must name the revision that it replaces.",
      "error": "Precondition Required",
      "code": "INVALID",
      "statusCode": 428,
      "hint": "Send the ETag that you read as `If-Match`, for example `If-Match: \"r7\"`."
    }
    "#);

    world.define(json!({"name": "Theirs"})).await;
    let answer = read(world.request("PATCH", DEFINITION).header("if-match", "\"r1\"").json(&body)).await;
    assert_eq!(answer.header("etag"), "\"r2\"");
    insta::assert_snapshot!(world.shown(&answer), @r#"
    412
    {
      "success": false,
      "message": "The agent has changed: it is at revision 2.",
      "detail": "The agent has changed: it is at revision 2.",
      "error": "Precondition Failed",
      "code": "STALE",
      "statusCode": 412,
      "hint": "Read the agent again and decide again.",
      "current_revision": 2
    }
    "#);
    assert_eq!(world.get(STATE).await.json()["definition"]["name"], "Theirs");

    for tag in ["*", "r1", "\"1\"", ""] {
        let answer = read(world.request("PATCH", DEFINITION).header("if-match", tag).json(&body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID"), "{tag}");
    }
}

#[tokio::test]
async fn of_two_writers_exactly_one_wins() {
    let world = World::start().await;
    for round in 1..=10 {
        let write = |name: String| {
            let tag = format!("\"r{round}\"");
            read(world.request("PATCH", DEFINITION).header("if-match", tag).json(&json!({"fields": {"name": name}})))
        };
        let (left, right) = tokio::join!(write(format!("left {round}")), write(format!("right {round}")));
        let mut statuses = [left.status, right.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412]);
    }
}

#[tokio::test]
async fn a_change_is_made_as_a_whole_or_not_at_all() {
    let world = World::start().await;
    let refused = [
        (json!({"name": "New", "persona": " "}), 400, "REFUSED"),
        (json!({"name": "New", "persona": null}), 400, "REFUSED"),
        (json!({"name": "New", "persona": 5}), 400, "INVALID"),
        (json!({"name": "New", "persona": {"base": 5}}), 400, "INVALID"),
        (json!({"name": "New", "persona": "<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n"}), 400, "REFUSED"),
        (json!({"name": "New", "persona": "x".repeat(1024 * 1024 + 1)}), 413, "TOO_LARGE"),
        (json!({"name": "New", "model": 5}), 400, "INVALID"),
        (json!({"name": "New", "governance": "strict"}), 400, "INVALID"),
        (json!({"name": "New", "unknown": "x"}), 400, "INVALID"),
        (json!({"name": ""}), 400, "REFUSED"),
        (json!({"name": null}), 400, "REFUSED"),
        (json!({"name": ["x"]}), 400, "INVALID"),
        (json!({}), 400, "INVALID"),
    ];
    for (fields, status, code) in refused {
        let shown: String = fields.to_string().chars().take(80).collect();
        let answer = world.define(fields).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{shown}");
    }
    let answer = world.get(STATE).await;
    assert_eq!(answer.header("etag"), "\"r1\"");
    assert_eq!(answer.json()["definition"], json!({"name": "Shop"}));
    let too_large = world.define(json!({"persona": "x".repeat(1024 * 1024 + 1)})).await;
    assert_eq!(too_large.json()["limit"], 1024 * 1024);
}

#[tokio::test]
async fn a_null_clears_and_the_same_again_changes_nothing() {
    let world = World::start().await;
    world.define(json!({"model": "m", "governance": {"mode": "sdk"}})).await;
    let answer = world.define(json!({"model": null, "governance": null})).await;
    assert_eq!(answer.json()["definition"], json!({"name": "Shop"}));
    assert_eq!(answer.header("etag"), "\"r3\"");
    let again = world.define(json!({"model": null, "name": "Shop"})).await;
    assert_eq!((again.status, again.header("etag")), (200, "\"r3\""));
}

#[tokio::test]
async fn a_draft_is_for_the_persona_alone() {
    let world = World::start().await;
    let draft = |fields: Value| {
        let body = json!({"fields": fields, "draft": true, "message": "try"});
        read(world.request("PATCH", DEFINITION).header("if-match", "\"r1\"").json(&body))
    };
    assert_eq!(draft(json!({"persona": "p", "name": "n"})).await.code(), "REFUSED");
    let answer = draft(json!({"persona": "p"})).await.json();
    assert_eq!(answer["definition"], json!({"name": "Shop"}));
    assert_eq!(answer["newest_draft"]["version"], 1);
    assert_eq!(answer["newest_draft"]["created"]["message"], "try");
}

#[tokio::test]
async fn versions_are_listed_shown_compared_and_deployed() {
    let world = World::start().await;
    for text in ["one\nsame", "two\nsame", "three\nsame"] {
        world.define(json!({"persona": text})).await;
    }
    let list = world.get("/api/v1/agents/{id}/personas?limit=2").await.json();
    let numbers = |list: &Value| -> Vec<i64> {
        list["versions"].as_array().unwrap().iter().map(|entry| entry["version"].as_i64().unwrap()).collect()
    };
    assert_eq!((numbers(&list), &list["next"]), (vec![3, 2], &json!(2)));
    let rest = world.get("/api/v1/agents/{id}/personas?limit=2&before=2").await.json();
    assert_eq!((numbers(&rest), rest.get("next")), (vec![1], None));
    assert_eq!(numbers(&world.get("/api/v1/agents/{id}/personas?status=draft").await.json()), [0; 0]);
    assert_eq!(world.get("/api/v1/agents/{id}/personas?status=odd").await.code(), "INVALID");

    let shown = world.get("/api/v1/agents/{id}/personas/2").await.json();
    assert_eq!(shown["persona"], "two\nsame");
    insta::assert_snapshot!(world.shown(&world.get("/api/v1/agents/{id}/personas/1/diff/2").await), @r#"
    200
    {
      "from": 1,
      "to": 2,
      "rows": [
        {
          "kind": "line",
          "tag": "removed",
          "segments": [
            {
              "text": "one",
              "changed": false
            }
          ]
        },
        {
          "kind": "line",
          "tag": "added",
          "segments": [
            {
              "text": "two",
              "changed": false
            }
          ]
        },
        {
          "kind": "line",
          "tag": "unchanged",
          "segments": [
            {
              "text": "same",
              "changed": false
            }
          ]
        }
      ]
    }
    "#);

    let deploy = |version: u32, tag: &'static str| {
        let path = format!("/api/v1/agents/{{id}}/personas/{version}/deploy");
        read(world.request("POST", &path).header("if-match", tag))
    };
    assert_eq!(deploy(1, "\"r1\"").await.code(), "STALE");
    assert_eq!(deploy(9, "\"r4\"").await.code(), "VERSION_NOT_FOUND");
    let state = deploy(1, "\"r4\"").await.json();
    assert_eq!((&state["current"]["version"], &state["published"]["version"]), (&json!(1), &json!(3)));
    assert_eq!(world.post("/api/v1/agents/{id}/personas/1/deploy", json!({})).await.status, 428);
}

#[tokio::test]
async fn the_text_of_any_revision_is_served() {
    let world = World::start().await;
    world.define(json!({"persona": "one"})).await;
    world.define(json!({"persona": "two", "name": "Store"})).await;
    let revision = |number: &'static str| {
        let world = &world;
        async move { world.get(&format!("/api/v1/agents/{{id}}/revisions/{number}")).await }
    };
    assert_eq!(revision("2").await.json()["definition"], json!({"name": "Shop", "persona": "one"}));
    assert_eq!(revision("3").await.json()["definition"], json!({"name": "Store", "persona": "two"}));
    assert_eq!(revision("4").await.code(), "VERSION_NOT_FOUND");
    assert_eq!(revision("x").await.code(), "NOT_FOUND");
    assert_eq!(revision("-1").await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn an_agent_is_made_and_listed() {
    let world = World::start().await;
    let answer = world.post("/api/v1/agents", json!({"name": "Another"})).await;
    assert_eq!((answer.status, answer.header("etag")), (201, "\"r1\""));
    let list = world.get("/api/v1/agents").await.json();
    let names: Vec<_> = list["agents"].as_array().unwrap().iter().map(|agent| agent["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Another", "Shop"]);
    assert_eq!(world.post("/api/v1/agents", json!({"name": " "})).await.code(), "REFUSED");
    assert_eq!(world.post("/api/v1/agents", json!({"name": "x", "id": "mine"})).await.code(), "INVALID");
}

#[tokio::test]
async fn every_response_says_what_answers() {
    let world = World::start().await;
    for (method, path) in [("GET", STATE), ("GET", "/nothing"), ("GET", "/api/nothing"), ("PUT", STATE), ("GET", "/healthz")] {
        let answer = read(world.request(method, path)).await;
        assert_eq!(answer.header("keepstep-version"), env!("CARGO_PKG_VERSION"), "{path}");
        assert_eq!(answer.header("keepstep-api"), "1", "{path}");
    }
    assert_eq!(world.get(STATE).await.header("cache-control"), "no-store");
}
