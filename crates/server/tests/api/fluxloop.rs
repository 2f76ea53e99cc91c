//! The fluxloop dialect: the bodies that the peers read.

use keepstep_api::fluxloop::Pulled;
use keepstep_store::test_data::TestDataFile;
use keepstep_store::{Role, Scope};
use serde_json::{Value, json};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{World, read};

/// A project with one published bundle of so many inputs. Returns the ids of the project and the bundle.
async fn shop(world: &World, inputs: usize) -> (String, String) {
    let inputs: Vec<Value> =
        (0..inputs).map(|number| json!({"text": format!("Question {number}"), "persona": "novice"})).collect();
    let file: TestDataFile = serde_json::from_value(json!({
        "scenario": {"name": "orders", "config": {"goal": "g"}},
        "personas": [{"name": "novice", "description": "New"}],
        "inputs": inputs,
        "criteria": [{"name": "Politeness", "items": ["Be polite"]}],
    }))
    .unwrap();
    let mut transaction = world.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, "shop").await.unwrap();
    let bundle = transaction.import(&world.scope, &project.id, &file).await.unwrap();
    transaction.commit().await.unwrap();
    (project.id, bundle.id)
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(members) => members.values().any(has_null),
        _ => false,
    }
}

#[tokio::test]
async fn a_pull_has_no_null_and_each_first_message_is_one_text() {
    let world = World::start().await;
    let (project, bundle) = shop(&world, 2001).await;
    let answer = world.post("/api/sync/pull", json!({"bundle_version_id": null, "project_id": project})).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert!(!has_null(&answer.json()));
    let pulled: Pulled = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(pulled.bundle_version.id, bundle);
    assert_eq!((pulled.input_items.len(), pulled.personas.len(), pulled.criteria_pack.len()), (2001, 1, 1));
    assert!(pulled.input_items.iter().all(|item| item["messages"][0]["content"].is_string()));
    assert_eq!(pulled.scenario_context["scenario"]["name"], "orders");
    assert_eq!(pulled.sync_meta["pulled_at"], "2023-11-14T22:13:20Z");
}

#[tokio::test]
async fn what_is_known_already_is_not_sent_again() {
    let world = World::start().await;
    let (project, bundle) = shop(&world, 1).await;
    let body = json!({"project_id": project});
    let tag = world.post("/api/sync/pull", body.clone()).await.header("etag").to_owned();
    let request = |tag: &str| world.request("POST", "/api/sync/pull").header("if-none-match", tag.to_owned()).json(&body);
    assert_eq!(read(request(&tag)).await.status, 304);
    assert_eq!(read(request(&format!("\"x\", W/{tag}"))).await.status, 304);
    assert_eq!(read(request("\"x\"")).await.status, 200);
    let known = json!({"project_id": project, "known_bundle_version_id": bundle});
    assert_eq!(world.post("/api/sync/pull", known).await.status, 304);
    // A smaller pull is another answer.
    let smaller = json!({"project_id": project, "include_inputs": false});
    let answer = world.post("/api/sync/pull", smaller).await;
    assert_eq!(answer.json()["input_items"], json!([]));
    assert_ne!(answer.header("etag"), tag);
}

#[tokio::test]
async fn a_pull_is_packed_for_who_prefers_that() {
    let world = World::start().await;
    let (project, _) = shop(&world, 20_000).await;
    let body = json!({"project_id": project});
    let request =
        |encodings: &'static str| world.request("POST", "/api/sync/pull").header("accept-encoding", encodings).json(&body);
    let plain = read(request("gzip, deflate, br, zstd")).await;
    assert_eq!((plain.header("vary"), plain.headers.get("content-encoding")), ("accept-encoding", None));
    let packed = request("zstd").send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "zstd");
    assert_eq!(packed.headers()["vary"], "accept-encoding");
    assert_eq!(packed.headers()["etag"], plain.headers["etag"]);
    let packed = packed.bytes().await.unwrap();
    assert!(packed.len() < plain.text.len() / 5, "{} of {}", packed.len(), plain.text.len());
    assert_eq!(String::from_utf8(zstd::decode_all(&*packed).unwrap()).unwrap(), plain.text);
    let small = json!({"project_id": project, "include_inputs": false});
    let small = world.request("POST", "/api/sync/pull").header("accept-encoding", "zstd").json(&small).send().await.unwrap();
    let small: Pulled = serde_json::from_slice(&zstd::decode_all(&*small.bytes().await.unwrap()).unwrap()).unwrap();
    assert_eq!((small.input_items.len(), small.personas.len()), (0, 1));
    let known = read(request("zstd").header("if-none-match", plain.header("etag"))).await;
    assert_eq!((known.status, known.headers.get("content-encoding")), (304, None));
}

#[tokio::test]
async fn f16_only_the_bundle_that_was_asked_for_is_sent() {
    let world = World::start().await;
    let (project, bundle) = shop(&world, 1).await;
    let other = world.post("/api/projects", json!({"name": "other"})).await.json()["id"].clone();
    let made = world.post("/api/scenarios", json!({"project_id": project, "name": "billing"})).await.json();
    for body in [
        json!({"project_id": project, "bundle_version_id": "bundle_0"}),
        json!({"project_id": other, "bundle_version_id": bundle}),
        json!({"project_id": other}),
        json!({"project_id": project, "scenario_id": made["id"]}),
        json!({"bundle_version_id": bundle, "scenario_id": made["id"]}),
        json!({"project_id": project, "scenario_name": "billing"}),
        json!({"project_id": project, "scenario_name": "nobody's"}),
        json!({"project_id": project, "bundle_version_id": bundle, "scenario_name": "billing"}),
    ] {
        let answer = world.post("/api/sync/pull", body).await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.json()["detail"], answer.json()["message"]);
    }
    let named = world.post("/api/sync/pull", json!({"project_id": project, "scenario_name": "orders"})).await;
    assert_eq!(named.json()["bundle_version"]["id"], json!(bundle));
}

#[tokio::test]
async fn f17_the_bundle_that_was_published_last_is_the_default() {
    let world = World::start().await;
    let (project, first) = shop(&world, 1).await;
    let draft = world.post("/api/bundles", json!({"project_id": project, "name": "next", "status": "draft"})).await.json();
    let newest = |answer: Value| answer["bundle_version"]["id"].clone();
    assert_eq!(newest(world.post("/api/sync/pull", json!({"project_id": project})).await.json()), json!(first));
    let path = format!("/api/bundles/{}", draft["id"].as_str().unwrap());
    let published = read(world.request("PUT", &path).json(&json!({"status": "published"}))).await.json();
    assert_eq!((&published["status"], &published["generation"]), (&json!("published"), &json!(2)));
    assert_eq!(newest(world.post("/api/sync/pull", json!({"project_id": project})).await.json()), draft["id"]);
    let listed = world.get(&format!("/api/bundles?project_id={project}&limit=1")).await.json();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["id"]), (1, &draft["id"]));
}

#[tokio::test]
async fn lists_are_bare_arrays_with_texts_for_ids() {
    let world = World::start().await;
    let (project, bundle) = shop(&world, 2).await;
    for path in ["workspaces", "projects", "scenarios", "bundles", "personas", "api-keys"] {
        let answer = world.get(&format!("/api/{path}?project_id={project}")).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(
            answer.json().as_array().unwrap().iter().all(|item| item["id"].is_string() && item["name"].is_string()),
            "{path}"
        );
    }
    let sets = world.get(&format!("/api/inputs?project_id={project}")).await.json();
    let set = sets["input_sets"][0]["id"].as_str().unwrap();
    let shown = world.get(&format!("/api/inputs/{set}")).await.json();
    assert_eq!((&shown["count"], &shown["inputs"][1]["text"]), (&json!(2), &json!("Question 1")));
    let items = world.get(&format!("/api/inputs?input_set_id={set}")).await.json();
    assert_eq!(items["items"].as_array().unwrap().len(), 2);
    let shown = world.get(&format!("/api/bundles/{bundle}")).await.json();
    assert_eq!((&shown["input_count"], &shown["bundle_version_id"]), (&json!(2), &json!(bundle)));
}

#[tokio::test]
async fn personas_of_all_projects_are_listed_where_none_is_named() {
    let world = World::start().await;
    let (project, _) = shop(&world, 1).await;
    let other = world.post("/api/projects", json!({"name": "other"})).await.json()["id"].clone();
    assert_eq!(world.post("/api/personas", json!({"project_id": other, "name": "expert"})).await.status, 201);
    // To make one, its project has to be clear.
    assert_eq!(world.post("/api/personas", json!({"name": "expert"})).await.code(), "INVALID");
    let names = |answer: Value| -> Vec<Value> { answer.as_array().unwrap().iter().map(|one| one["name"].clone()).collect() };
    let mut all = names(world.get("/api/personas").await.json());
    all.sort_by_key(Value::to_string);
    assert_eq!(all, ["expert", "novice"]);
    assert_eq!(names(world.get(&format!("/api/personas?project_id={project}")).await.json()), ["novice"]);
}

#[tokio::test]
async fn a_key_of_a_project_sees_only_that() {
    let world = World::start().await;
    let (project, bundle) = shop(&world, 1).await;
    let other = world.post("/api/projects", json!({"name": "other"})).await.json()["id"].as_str().unwrap().to_owned();
    let made = world.post("/api/api-keys", json!({"project_id": other})).await;
    let key = made.json()["key"].as_str().unwrap().to_owned();
    let with = |method: &str, path: &str| world.anonymous(method, path).bearer_auth(&key);
    assert_eq!(read(with("GET", "/api/projects")).await.json().as_array().unwrap().len(), 1);
    for path in ["projects/", "bundles/", "scenarios?project_id=", "bundles?project_id=", "inputs?project_id="] {
        let id = if path == "bundles/" { &bundle } else { &project };
        assert_eq!(read(with("GET", &format!("/api/{path}{id}"))).await.status, 404, "{path}");
    }
    let pull = with("POST", "/api/sync/pull").json(&json!({"project_id": project, "bundle_version_id": bundle}));
    assert_eq!(read(pull).await.status, 404);
    // An editor makes neither keys nor projects; an owner of a project makes no other project.
    assert_eq!(read(with("POST", "/api/api-keys").json(&json!({"project_id": other}))).await.status, 403);
    let scope = Scope::of(&world.scope.org_id, Some(other));
    let owner = world.key("petra", Role::Owner, &scope, None).await;
    let request = world.anonymous("POST", "/api/projects").bearer_auth(owner).json(&json!({"name": "third"}));
    assert_eq!(read(request).await.code(), "KEY_TOO_NARROW");
}

#[tokio::test]
async fn a_viewer_writes_nothing() {
    let world = World::start().await;
    let (project, bundle) = shop(&world, 1).await;
    let viewer = world.key("vera", Role::Viewer, &world.scope, None).await;
    for (method, path, body) in [
        ("POST", "/api/projects".to_owned(), json!({"name": "n"})),
        ("POST", "/api/api-keys".to_owned(), json!({"project_id": project})),
        ("POST", "/api/scenarios".to_owned(), json!({"project_id": project, "name": "n"})),
        ("PATCH", "/api/scenarios/x".to_owned(), json!({"name": "n"})),
        ("POST", "/api/bundles".to_owned(), json!({"project_id": project})),
        ("PUT", format!("/api/bundles/{bundle}"), json!({"status": "published"})),
        ("POST", "/api/personas".to_owned(), json!({"project_id": project, "name": "n"})),
    ] {
        let answer = read(world.anonymous(method, &path).bearer_auth(&viewer).json(&body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "KEY_TOO_NARROW"), "{method} {path}");
    }
}

#[tokio::test]
async fn a_file_is_imported_once_as_a_whole_by_an_editor() {
    let world = World::start().await;
    let (project, _) = shop(&world, 1).await;
    let path = format!("/api/v1/projects/{project}/import");
    let file = json!({"scenario": {"name": "billing"}, "inputs": [{"text": "Hello", "persona": "novice"}]});
    let request = || world.request("POST", &path).header("idempotency-key", "once").json(&file);
    let (first, second) = (read(request()).await, read(request()).await);
    assert_eq!((first.status, &first.text), (201, &second.text));
    assert_eq!((&first.json()["status"], &first.json()["input_count"]), (&json!("published"), &json!(1)));
    // What has no meaning changes nothing, and says why.
    for (file, said) in [
        (json!({"scenario": {"name": "third"}}), "inputs"),
        (json!({"scenario": {"name": "third"}, "inputs": []}), "No inputs"),
        (json!({"scenario": {"name": "third"}, "inputs": [{"text": "x", "persona": "nobody"}]}), "nobody"),
    ] {
        let answer = world.post(&path, file).await;
        assert_eq!(answer.status, 422, "{}", answer.text);
        assert!(answer.json()["detail"].as_str().unwrap().contains(said), "{}", answer.text);
    }
    assert_eq!(world.get(&format!("/api/scenarios?project_id={project}")).await.json().as_array().unwrap().len(), 2);
    assert_eq!(world.post("/api/v1/projects/project_0/import", file.clone()).await.status, 404);
    let viewer = world.key("vera", Role::Viewer, &world.scope, None).await;
    let answer = read(world.anonymous("POST", &path).bearer_auth(&viewer).json(&file)).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "KEY_TOO_NARROW"));
    assert_eq!(read(world.anonymous("POST", &path).json(&file)).await.status, 401);
}

#[tokio::test]
async fn what_needs_a_model_is_refused_in_words() {
    let world = World::start().await;
    let answer = world.post("/api/inputs/synthesize", json!({"project_id": "x"})).await;
    insta::assert_snapshot!(world.shown(&answer), @r#"
    422
    {
      "success": false,
      "message": "This server does not synthesize inputs: no language model is set up.",
      "detail": "This server does not synthesize inputs: no language model is set up.",
      "error": "Unprocessable Entity",
      "code": "NOT_OFFERED",
      "statusCode": 422,
      "hint": "Write it by hand; `keepstep admin import --project ID FILE` brings a file here."
    }
    "#);
}

#[tokio::test]
async fn a_draft_is_published_by_a_request_without_a_body() {
    let world = World::start().await;
    let (project, _) = shop(&world, 1).await;
    let scenario = world.get(&format!("/api/scenarios?project_id={project}")).await.json()[0]["id"].clone();
    let draft = json!({"project_id": project, "scenario_id": scenario, "name": "next", "status": "draft"});
    let id = world.post("/api/bundles", draft).await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(world.get(&format!("/api/bundles/{id}")).await.json()["status"], "draft");
    let published = read(world.request("POST", &format!("/api/bundles/{id}/publish"))).await;
    assert_eq!((published.status, &published.json()["status"]), (200, &json!("published")));
    assert_eq!(world.get(&format!("/api/bundles/{id}")).await.json()["status"], "published");
    // The same again is done already, and what is not there is said so.
    assert_eq!(read(world.request("POST", &format!("/api/bundles/{id}/publish"))).await.status, 200);
    assert_eq!(read(world.request("POST", "/api/bundles/bundle_0/publish")).await.status, 404);
}

#[tokio::test]
async fn what_is_set_for_a_project_is_kept_for_both_releases() {
    let world = World::start().await;
    for (number, sent) in ["default_language", "language"].into_iter().enumerate() {
        let new = json!({"name": format!("shop {number}"), "settings": {sent: "ko", "other": [1]}});
        let made = world.post("/api/projects", new).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let read = world.get(&format!("/api/projects/{}", made.json()["id"].as_str().unwrap())).await.json();
        assert_eq!(read["settings"], made.json()["settings"]);
        for name in ["default_language", "language"] {
            assert_eq!(read["settings"][name], "ko", "{sent}");
        }
        assert_eq!(read["settings"]["other"], json!([1]));
    }
    let large = json!({"name": "large", "settings": {"x": "x".repeat(20_000)}});
    assert_eq!(world.post("/api/projects", large).await.code(), "REFUSED");
}

/// Unmodified clients print the status line of a refusal and nothing of its body.
#[tokio::test]
async fn the_status_line_of_a_refusal_says_why() {
    let world = World::start().await;
    let address = world.url.strip_prefix("http://").unwrap().to_owned();
    let status_line = async |request: String| {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.lines().next().unwrap_or_default().to_owned()
    };
    let key = &world.owner;
    let request = |method: &str, path: &str| {
        format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )
    };
    insta::assert_snapshot!(
        status_line(request("POST", "/api/inputs/synthesize")).await,
        @"HTTP/1.1 422 This server does not synthesize inputs: no language model is set up"
    );
    insta::assert_snapshot!(
        status_line(request("GET", "/api/bundles/b%C3%A4r%0Ax")).await,
        @"HTTP/1.1 404 Bundle version b?r?x not found"
    );
    assert_eq!(status_line(request("GET", "/api/projects")).await, "HTTP/1.1 200 OK");
}

#[tokio::test]
async fn programs_are_answered_in_json_wherever_they_ask() {
    let world = World::start().await;
    for request in [
        world.request("GET", "/chat/stream"),
        world.anonymous("GET", "/chat/stream").header("accept", "application/json"),
        world.anonymous("GET", "/api/nothing"),
    ] {
        let answer = read(request).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "NOT_FOUND"));
    }
    let page = read(world.anonymous("GET", "/chat/stream").header("accept", "text/html,application/json;q=0.9")).await;
    assert_eq!(page.status, 404);
    assert!(page.header("content-type").starts_with("text/html"), "{}", page.text);
}

#[tokio::test]
async fn f35_a_repeated_write_with_a_key_is_done_once() {
    let world = World::start().await;
    let (project, _) = shop(&world, 1).await;
    let body = json!({"project_id": project, "name": "billing", "config_snapshot": {"goal": "g"}});
    let request = || world.request("POST", "/api/scenarios").header("idempotency-key", "once").json(&body);
    let (first, second) = (read(request()).await, read(request()).await);
    assert_eq!((first.status, &first.text), (201, &second.text));
    assert_eq!(read(world.request("POST", "/api/scenarios").json(&body)).await.status, 409);
    // The same content published again is the same version.
    let publish = || world.post("/api/bundles", json!({"project_id": project, "scenario_id": null, "name": "n"}));
    assert_eq!(publish().await.code(), "REFUSED");
    let orders = world.get(&format!("/api/scenarios?project_id={project}")).await.json();
    let orders = orders.as_array().unwrap().iter().find(|scenario| scenario["name"] == "orders").unwrap()["id"].clone();
    let publish = || world.post("/api/bundles", json!({"project_id": project, "scenario_id": orders, "name": "n"}));
    assert_eq!(publish().await.json()["id"], publish().await.json()["id"]);
}

#[tokio::test]
async fn f20_what_a_client_would_run_is_never_sent() {
    let world = World::start().await;
    let (project, _) = shop(&world, 1).await;
    let scenarios = world.get(&format!("/api/scenarios?project_id={project}")).await.json();
    let path = format!("/api/scenarios/{}", scenarios[0]["id"].as_str().unwrap());
    let evil = json!({"goal": "g", "runner": {"type": "process", "command": ["sh", "-c", "touch stolen"]}});
    let changed = world.patch(&path, json!({"config_snapshot": evil})).await;
    assert_eq!((changed.status, &changed.json()["config_snapshot"]), (200, &json!({"goal": "g"})));
    let made = json!({"project_id": project, "name": "other", "config_snapshot": evil});
    let made = world.post("/api/scenarios", made).await;
    assert_eq!((made.status, &made.json()["config_snapshot"]), (201, &json!({"goal": "g"})));
    let published = world.post("/api/bundles", json!({"project_id": project, "scenario_id": scenarios[0]["id"]})).await;
    assert_eq!(published.status, 201, "{}", published.text);
    let body = json!({"project_id": project, "bundle_version_id": published.json()["id"]});
    for answer in [
        world.get(&path).await,
        world.get(&format!("/api/scenarios?project_id={project}")).await,
        world.post("/api/sync/pull", body).await,
    ] {
        assert!(answer.status == 200 && !answer.text.contains("stolen") && answer.text.contains("\"goal\""), "{}", answer.text);
    }
    // It is kept, also when somebody writes back what they read.
    world.patch(&path, json!({"config_snapshot": {"goal": "h"}})).await;
    let id = path.rsplit('/').next().unwrap();
    let stored = world.store.scenario(&world.scope, id).await.unwrap().config;
    assert_eq!((&stored["goal"], &stored["runner"]["type"]), (&json!("h"), &json!("process")));
}

#[tokio::test]
async fn f29_a_name_that_crashes_the_peers_is_refused() {
    let world = World::start().await;
    let (project, _) = shop(&world, 1).await;
    for (path, body) in [
        ("/api/projects", json!({"name": "Shop [/v2]"})),
        ("/api/scenarios", json!({"project_id": project, "name": "Shop [/v2]"})),
        ("/api/personas", json!({"project_id": project, "name": "Shop [/v2]"})),
        ("/api/api-keys", json!({"project_id": project, "name": "Shop [/v2]"})),
        ("/api/bundles", json!({"project_id": project, "name": "Shop [/v2]"})),
    ] {
        let answer = world.post(path, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "REFUSED"), "{path}: {}", answer.text);
        assert!(answer.json()["detail"].as_str().unwrap().contains("`[/`"));
    }
    assert_eq!(world.post("/api/projects", json!({"name": "Shop [v2]"})).await.status, 201);
}

/// Free texts are taken as they are. Where the peers print them, and nothing else, they are escaped for that.
#[tokio::test]
async fn f29_a_text_that_crashes_the_peers_is_escaped_where_they_print_it() {
    const TEXT: &str = "see [/orders]";
    const PRINTED: &str = r"see \[/orders]";
    let world = World::start().await;
    let file: TestDataFile = serde_json::from_value(json!({
        "scenario": {"name": "orders", "config": {"goal": TEXT, "constraints": [TEXT]}},
        "personas": [{"name": "novice", "description": TEXT, "difficulty": TEXT}],
        "inputs": [{"text": TEXT}],
    }))
    .unwrap();
    let mut transaction = world.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, "shop").await.unwrap().id;
    let bundle = transaction.import(&world.scope, &project, &file).await.unwrap();
    transaction.commit().await.unwrap();

    let personas = world.get(&format!("/api/personas?project_id={project}")).await.json();
    assert_eq!(
        (&personas[0]["description"], &personas[0]["difficulty"], &personas[0]["type"]),
        (&json!(PRINTED), &json!(PRINTED), &json!(""))
    );
    let scenario = world.get(&format!("/api/scenarios/{}", bundle.scenario_id)).await.json();
    assert_eq!((&scenario["goal"], &scenario["constraints"]), (&json!(PRINTED), &json!([PRINTED])));
    assert_eq!(scenario["config_snapshot"]["goal"], TEXT);
    let inputs = world.get(&format!("/api/inputs/{}", bundle.input_set_id)).await.json();
    assert_eq!(inputs["inputs"][0]["text"], PRINTED);
    let items = world.get(&format!("/api/inputs?input_set_id={}", bundle.input_set_id)).await.json();
    assert_eq!(items["items"][0]["messages"][0]["content"], PRINTED);
    let pulled = world.post("/api/sync/pull", json!({"project_id": project})).await.text;
    assert!(pulled.contains(TEXT) && !pulled.contains(r"\["), "{pulled}");
}

#[tokio::test]
async fn f35_however_often_a_key_is_asked_for_one_works() {
    let world = World::start().await;
    let (project, _) = shop(&world, 1).await;
    let body = json!({"project_id": project, "name": "ci"});
    let request = || read(world.request("POST", "/api/api-keys").header("idempotency-key", "once").json(&body));
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(request().await.json());
    }
    let whoami = async |answer: &Value| {
        let key = answer["key"].as_str().unwrap();
        read(world.anonymous("GET", "/api/v1/whoami").bearer_auth(key)).await.status
    };
    let mut opens = Vec::new();
    for answer in &answers {
        opens.push(whoami(answer).await);
    }
    assert_eq!(opens, [401, 401, 200]);
    let listed = world.get(&format!("/api/api-keys?project_id={project}")).await.json();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["id"]), (1, &answers[2]["id"]));
    // Without an idempotency key each is another one, and the list tells: any can be taken back.
    assert_eq!(world.post("/api/api-keys", body.clone()).await.status, 201);
    assert_eq!(world.get(&format!("/api/api-keys?project_id={project}")).await.json().as_array().unwrap().len(), 2);
    let path = format!("/api/api-keys/{}", answers[2]["id"].as_str().unwrap());
    for _ in 0..2 {
        assert_eq!(read(world.request("DELETE", &path)).await.status, 204);
    }
    assert_eq!(whoami(&answers[2]).await, 401);
    assert_eq!(world.get(&format!("/api/api-keys?project_id={project}")).await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_owner_of_a_project_takes_back_keys_of_that_only() {
    let world = World::start().await;
    let (project, _) = shop(&world, 1).await;
    let inside = world.post("/api/api-keys", json!({"project_id": project})).await.json()["id"].as_str().unwrap().to_owned();
    let outside = world.store.keys(&world.scope.org_id).await.unwrap().into_iter().find(|key| key.name == "olga").unwrap().id;
    let scope = Scope::of(&world.scope.org_id, Some(project));
    let owner = world.key("petra", Role::Owner, &scope, None).await;
    for (id, status) in [(&*inside, 204), (&*outside, 404), ("key_x", 404)] {
        let request = world.anonymous("DELETE", &format!("/api/api-keys/{id}")).bearer_auth(&owner);
        assert_eq!(read(request).await.status, status);
    }
}
