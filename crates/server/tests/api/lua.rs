//! The lua dialect: the bodies that the peer reads.

use serde_json::{Value, json};

use crate::world::{START, World, read};

const VERSIONS: &str = "/developer/agents/{id}/persona/versions";
const NEW_VERSION: &str = "/developer/agents/{id}/persona/version";

fn numbers(answer: &Value) -> Vec<i64> {
    answer["data"]["versions"].as_array().unwrap().iter().map(|entry| entry["version"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn the_bodies_of_a_small_agent() {
    let world = World::start().await;
    let mut shown = String::new();
    for (method, path, body) in [
        ("GET", VERSIONS, Value::Null),
        ("POST", NEW_VERSION, json!({"persona": "srv"})),
        ("POST", NEW_VERSION, json!({"persona": "dr", "status": "draft"})),
        ("GET", VERSIONS, Value::Null),
        ("POST", "/developer/agents/{id}/persona/version/2", json!({})),
        ("PATCH", "/agents/{base}/sub-agent", json!({"id": "agent", "model": "m", "voices": [{"voiceId": "v"}]})),
        ("GET", "/admin/agents/{id}", Value::Null),
        ("GET", "/developer/agents/{id}/versions?limit=1", Value::Null),
        ("GET", "/developer/agents/{id}/backup", Value::Null),
        ("GET", "/developer/agents/{id}/backup/manifest", Value::Null),
        ("GET", "/developer/agents/{id}/backup/manifest?version=1", Value::Null),
        ("GET", "/developer/agents/{id}/backup/versions", Value::Null),
        ("POST", "/developer/agents/{id}/backup/blob-urls", json!({"hashes": ["00"]})),
        ("GET", "/admin/me/authorization/context", Value::Null),
    ] {
        let request = world.request(method, path);
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = read(request).await;
        shown += &format!("{method} {path}\n{} {}\n", answer.status, world.stable(&answer.text));
    }
    insta::assert_snapshot!(shown, @r#"
    GET /developer/agents/{id}/persona/versions
    200 {"success":true,"data":{"versions":[]}}
    POST /developer/agents/{id}/persona/version
    201 {"success":true,"data":{"version":1,"persona":"srv","createdDate":1700000000000,"createdBy":"olga","isCurrent":true,"status":"published"}}
    POST /developer/agents/{id}/persona/version
    201 {"success":true,"data":{"version":2,"persona":"dr","createdDate":1700000000001,"createdBy":"olga","isCurrent":false,"status":"draft"}}
    GET /developer/agents/{id}/persona/versions
    200 {"success":true,"data":{"versions":[{"version":2,"persona":"dr","createdDate":1700000000001,"createdBy":"olga","isCurrent":false,"status":"draft"},{"version":1,"persona":"srv","createdDate":1700000000000,"createdBy":"olga","isCurrent":true,"status":"published"}]}}
    POST /developer/agents/{id}/persona/version/2
    200 {"success":true,"data":{"agentId":"[base]_agent"}}
    PATCH /agents/{base}/sub-agent
    200 {"success":true,"data":{"agentId":"[base]_agent"}}
    GET /admin/agents/{id}
    200 {"success":true,"data":{"id":"[base]_agent","name":"Shop","model":"m","governance":null,"voices":[{"voiceId":"v"}]}}
    GET /developer/agents/{id}/versions?limit=1
    200 {"success":true,"data":[]}
    GET /developer/agents/{id}/backup
    200 {"success":true,"data":{"fileCount":0,"projectHash":"","createdAt":"2023-11-14T22:13:20Z"}}
    GET /developer/agents/{id}/backup/manifest
    200 {"projectHash":"","createdAt":"2023-11-14T22:13:20Z","files":[],"success":true,"data":{"projectHash":"","createdAt":"2023-11-14T22:13:20Z","files":[]}}
    GET /developer/agents/{id}/backup/manifest?version=1
    200 {"projectHash":"","createdAt":"2023-11-14T22:13:20Z","files":[],"success":true,"data":{"projectHash":"","createdAt":"2023-11-14T22:13:20Z","files":[]}}
    GET /developer/agents/{id}/backup/versions
    200 {"versions":[],"success":true,"data":{"versions":[]}}
    POST /developer/agents/{id}/backup/blob-urls
    200 {"urls":{},"success":true,"data":{"urls":{}}}
    GET /admin/me/authorization/context
    200 {"success":true,"data":{"email":"olga","fullName":"olga"}}
    "#);
}

#[tokio::test]
async fn an_empty_list_of_every_kind_has_the_key_that_the_peer_reads() {
    let world = World::start().await;
    let mut shown = String::new();
    for kind in keepstep_api::lua::PrimitiveKind::ALL {
        let answer = world.get(kind.path()).await;
        shown += &format!("{} {}\n", kind.path(), answer.text);
    }
    insta::assert_snapshot!(shown, @r#"
    /developer/skills/{id} {"success":true,"data":{"skills":[]}}
    /developer/webhooks/{id} {"success":true,"data":{"webhooks":[]}}
    /developer/triggers/{id} {"success":true,"data":{"triggers":[]}}
    /developer/jobs/{id} {"success":true,"data":{"jobs":[]}}
    /developer/preprocessors/{id} {"success":true,"data":{"preprocessors":[]}}
    /developer/postprocessors/{id} {"success":true,"data":{"postprocessors":[]}}
    /developer/agents/{id}/mcp-servers {"success":true,"data":[]}
    /developer/devices/{id} {"success":true,"data":{"devices":[]}}
    /developer/device-triggers/{id} {"success":true,"data":{"triggers":[]}}
    /developer/voice-agents/{id} {"success":true,"data":{"voices":[]}}
    /developer/workflows/{id} {"success":true,"data":{"workflows":[]}}
    "#);
}

#[tokio::test]
async fn s16_every_listed_item_has_its_versions() {
    let world = World::start().await;
    for kind in keepstep_api::lua::PrimitiveKind::ALL {
        let made = world.post(kind.path(), json!({"name": "mine", "description": "d", "schedule": {"type": "cron"}})).await;
        assert_eq!(made.status, 201);
        let id = made.json()["data"]["id"].as_str().unwrap().to_owned();
        let list = world.get(kind.path()).await.json();
        let items = kind.list_key().map_or(&list["data"], |key| &list["data"][key]);
        let item = &items.as_array().unwrap()[0];
        assert_eq!((&item["id"], &item["name"]), (&json!(id), &json!("mine")), "{kind:?}");
        assert!(item["versions"].is_array(), "{kind:?}");
        assert_eq!(item["schedule"], json!({"type": "cron"}), "{kind:?}");
        // The same name again is the same thing.
        assert_eq!(world.post(kind.path(), json!({"name": "mine"})).await.json()["data"]["id"], json!(id));
    }
}

#[tokio::test]
async fn the_status_filter_is_applied_by_the_server() {
    let world = World::start().await;
    for (number, status) in ["published", "draft", "published", "draft"].into_iter().enumerate() {
        world.post(NEW_VERSION, json!({"persona": format!("text {number}"), "status": status})).await;
    }
    assert_eq!(numbers(&world.get(VERSIONS).await.json()), [4, 3, 2, 1]);
    assert_eq!(numbers(&world.get(&format!("{VERSIONS}?status=published")).await.json()), [3, 1]);
    assert_eq!(numbers(&world.get(&format!("{VERSIONS}?status=draft")).await.json()), [4, 2]);
    assert_eq!(world.get(&format!("{VERSIONS}?status=odd")).await.code(), "INVALID");
}

#[tokio::test]
async fn s15_a_push_publishes_and_is_current_at_once() {
    let world = World::start().await;
    world.post(NEW_VERSION, json!({"persona": "one"})).await;
    world.post(NEW_VERSION, json!({"persona": "two"})).await;
    let versions = world.get(&format!("{VERSIONS}?status=published")).await.json()["data"]["versions"].clone();
    assert_eq!((&versions[0]["persona"], &versions[0]["isCurrent"]), (&json!("two"), &json!(true)));
    assert_eq!(versions[1]["isCurrent"], json!(false));
    assert_eq!(versions[0]["createdBy"], "olga");
    // Strictly later, as a whole number, also when the clock stands still: the peer sorts by it.
    assert_eq!((versions[1]["createdDate"].as_i64(), versions[0]["createdDate"].as_i64()), (Some(START), Some(START + 1)));
}

#[tokio::test]
async fn a_roll_back_moves_production_and_not_the_comparison() {
    let world = World::start().await;
    for text in ["one", "two"] {
        world.post(NEW_VERSION, json!({"persona": text})).await;
    }
    assert_eq!(world.post("/developer/agents/{id}/persona/version/1", json!({})).await.status, 200);
    let versions = world.get(&format!("{VERSIONS}?status=published")).await.json()["data"]["versions"].clone();
    assert_eq!((&versions[0]["version"], &versions[0]["isCurrent"]), (&json!(2), &json!(false)));
    assert_eq!(versions[1]["isCurrent"], json!(true));
    let state = world.get("/api/v1/agents/{id}/state").await.json();
    assert_eq!((&state["definition"]["persona"], &state["current"]["version"]), (&json!("two"), &json!(1)));
    // Again is no change.
    assert_eq!(world.post("/developer/agents/{id}/persona/version/1", json!({})).await.header("etag"), "\"r4\"");
    assert_eq!(world.post("/developer/agents/{id}/persona/version/9", json!({})).await.code(), "VERSION_NOT_FOUND");
}

#[tokio::test]
async fn s8_nothing_empties_an_agent() {
    let world = World::start().await;
    world.post(NEW_VERSION, json!({"persona": "kept"})).await;
    for persona in [json!(""), json!(" \n"), json!({}), json!({"base": ""}), json!(null)] {
        let answer = world.post(NEW_VERSION, json!({"persona": persona})).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "REFUSED"));
    }
    let answer = world.patch("/agents/{base}/sub-agent", json!({"id": "agent", "name": ""})).await;
    insta::assert_snapshot!(world.shown(&answer), @r#"
    400
    {
      "success": false,
      "message": "An agent needs a name; an empty one is not stored.",
      "detail": "An agent needs a name; an empty one is not stored.",
      "error": "Bad Request",
      "code": "REFUSED",
      "statusCode": 400
    }
    "#);
    let state = world.get("/api/v1/agents/{id}/state").await.json();
    assert_eq!(state["definition"], json!({"name": "Shop", "persona": "kept"}));
}

#[tokio::test]
async fn s7_an_empty_model_clears_it() {
    let world = World::start().await;
    for cleared in [json!(""), json!(null)] {
        world.patch("/agents/{base}/sub-agent", json!({"id": "agent", "model": "m"})).await;
        world.patch("/agents/{base}/sub-agent", json!({"id": "agent", "model": cleared})).await;
        assert_eq!(world.get("/admin/agents/{id}").await.json()["data"]["model"], json!(null));
    }
}

#[tokio::test]
async fn other_fields_come_back_untouched() {
    let world = World::start().await;
    let fields = json!({
        "id": "agent",
        "modelSettings": {"temperature": 1.0, "z": [null]},
        "batchingConfig": null,
        "browser": true,
        "modelResolver": "H4sI",
        "description": "",
    });
    assert_eq!(world.patch("/agents/{base}/sub-agent", fields).await.status, 200);
    let data = world.get("/admin/agents/{id}").await.json()["data"].clone();
    assert_eq!(data["modelSettings"].to_string(), r#"{"temperature":1.0,"z":[null]}"#);
    assert_eq!((&data["browser"], &data["description"]), (&json!(true), &json!("")));
    assert_eq!(data["id"], json!(world.agent.as_str()));
    assert_eq!(data.get("batchingConfig"), None);
}

#[tokio::test]
async fn unknown_agents_are_a_message_that_the_peer_shows() {
    let world = World::start().await;
    let answer = world.get("/developer/skills/baseAgent_agent_1").await;
    insta::assert_snapshot!(world.shown(&answer), @r#"
    404
    {
      "success": false,
      "message": "Agent baseAgent_agent_1 not found.",
      "detail": "Agent baseAgent_agent_1 not found.",
      "error": "Not Found",
      "code": "AGENT_NOT_FOUND",
      "statusCode": 404,
      "hint": "Check the agent's id and the key's project."
    }
    "#);
    let answer = world.patch("/agents/baseAgent/sub-agent", json!({"id": "agent_1", "name": "x"})).await;
    assert_eq!(answer.code(), "AGENT_NOT_FOUND");
    assert_eq!(world.get("/developer/unheard-of/x").await.code(), "NOT_FOUND");
    assert_eq!(world.get("/admin/unheard-of").await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn an_id_may_be_percent_encoded_or_not() {
    let world = World::start().await;
    let encoded: String = world.agent.as_str().bytes().map(|byte| format!("%{byte:02X}")).collect();
    for path in [format!("/admin/agents/{encoded}"), format!("/api/v1/agents/{encoded}/state")] {
        assert_eq!(world.get(&path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_long_history_is_one_list() {
    let world = World::start().await;
    for number in 0..100 {
        world.post(NEW_VERSION, json!({"persona": format!("text {number}")})).await;
    }
    let list = world.get(VERSIONS).await.json();
    assert_eq!(numbers(&list), (1..=100).rev().collect::<Vec<_>>());
    assert_eq!(list["data"]["versions"].as_array().unwrap().iter().filter(|entry| entry["isCurrent"] == true).count(), 1);
}
