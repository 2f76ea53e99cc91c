//! Who may call what: every route of the API × every kind of caller.

use keepstep_store::{NewAgent, Role, Scope};
use serde_json::{Value, json};

use crate::world::{START, World, read};

/// Every operation of the API: method, path, body, the smallest role that may call it.
fn operations() -> Vec<(&'static str, String, Option<Value>, Option<Role>)> {
    use Role::{Editor, Owner, Viewer};
    let mut operations: Vec<(&'static str, String, Option<Value>, Option<Role>)> = [
        ("GET", "/healthz", None, None),
        ("GET", "/metrics", None, None),
        ("GET", "/api/v1/whoami", None, Some(Viewer)),
        ("GET", "/api/v1/agents", None, Some(Viewer)),
        ("POST", "/api/v1/agents", Some(json!({"name": "New"})), Some(Owner)),
        ("GET", "/api/v1/agents/{id}/state", None, Some(Viewer)),
        ("PATCH", "/api/v1/agents/{id}/definition", Some(json!({"fields": {"name": "Shop"}})), Some(Editor)),
        ("GET", "/api/v1/agents/{id}/revisions/{revision}", None, Some(Viewer)),
        ("POST", "/api/v1/agents/{id}/drift", Some(json!({"repository": "shop", "fields": {}})), Some(Viewer)),
        ("GET", "/api/v1/agents/{id}/personas", None, Some(Viewer)),
        ("GET", "/api/v1/agents/{id}/personas/{version}", None, Some(Viewer)),
        ("POST", "/api/v1/agents/{id}/personas/{version}/deploy", Some(json!({})), Some(Editor)),
        ("GET", "/api/v1/agents/{id}/personas/{version}/diff/{other}", None, Some(Viewer)),
        ("GET", "/api/v1/events", None, Some(Viewer)),
        ("GET", "/admin/me/authorization", None, Some(Viewer)),
        ("GET", "/admin/me/authorization/context", None, Some(Viewer)),
        ("GET", "/admin/agents/{id}", None, Some(Viewer)),
        ("PATCH", "/agents/{id}/sub-agent", Some(json!({"id": "agent", "name": "Shop"})), Some(Editor)),
        ("GET", "/developer/agents/{id}/versions", None, Some(Viewer)),
        ("GET", "/developer/agents/{id}/persona/versions", None, Some(Viewer)),
        ("POST", "/developer/agents/{id}/persona/version", Some(json!({"persona": "one"})), Some(Editor)),
        ("POST", "/developer/agents/{id}/persona/version/{version}", Some(json!({})), Some(Editor)),
        ("GET", "/developer/agents/{id}/backup", None, Some(Viewer)),
        ("GET", "/developer/agents/{id}/backup/manifest", None, Some(Viewer)),
        ("GET", "/developer/agents/{id}/backup/versions", None, Some(Viewer)),
        ("GET", "/admin/me/authorization/orgs/{org}/resources", None, Some(Viewer)),
        ("POST", "/developer/agents/{id}/backup/blob-urls", Some(json!({"hashes": []})), Some(Viewer)),
    ]
    .into_iter()
    .map(|(method, path, body, needs)| (method, path.to_owned(), body, needs))
    .collect();
    for kind in keepstep_api::lua::PrimitiveKind::ALL {
        operations.push(("GET", kind.path().to_owned(), None, Some(Viewer)));
        operations.push(("POST", kind.path().to_owned(), Some(json!({"name": "x"})), Some(Editor)));
    }
    operations
}

/// Returns the status and the code of one operation with a key, or without one.
async fn call(world: &World, method: &str, template: &str, body: Option<&Value>, authorization: Option<&str>) -> (u16, String) {
    let first_part = template == "/agents/{id}/sub-agent";
    let path = template
        .replace("{id}", if first_part { "{base}" } else { "{id}" })
        .replace("{org}", &world.scope.org_id)
        .replace("{revision}", "1")
        .replace("{version}", "1")
        .replace("{other}", "1");
    let mut request = world.anonymous(method, &path).header("if-match", "\"r2\"");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    if template == "/api/v1/events" {
        // The body of a stream does not end.
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        return if status == 200 { (status, String::new()) } else { (status, code(&response.text().await.unwrap())) };
    }
    let answer = read(request).await;
    (answer.status, code(&answer.text))
}

fn code(text: &str) -> String {
    serde_json::from_str::<Value>(text).ok().and_then(|body| Some(body["code"].as_str()?.to_owned())).unwrap_or_default()
}

#[tokio::test]
async fn every_route_answers_every_kind_of_caller_as_it_should() {
    let world = World::start().await;
    // The version that the paths name; the agent is at revision 2 from here on.
    assert_eq!(world.post("/developer/agents/{id}/persona/version", json!({"persona": "one"})).await.status, 201);

    let mut transaction = world.store.write().await.unwrap();
    let elsewhere = Scope::organization(transaction.ensure_organization(Some("Other")).await.unwrap().id);
    let project = transaction.create_project(&world.scope.org_id, "p").await.unwrap();
    transaction.commit().await.unwrap();
    let confined = Scope::of(&world.scope.org_id, Some(project.id));

    let revoked = world.key("revoked", Role::Owner, &world.scope, None).await;
    let keys = world.store.keys(&world.scope.org_id).await.unwrap();
    let id = keys.into_iter().find(|key| key.name == "revoked").unwrap().id;
    let mut transaction = world.store.write().await.unwrap();
    transaction.revoke_key(&world.scope.org_id, &id).await.unwrap();
    transaction.commit().await.unwrap();

    let expired = world.key("expired", Role::Owner, &world.scope, Some(START)).await;
    let foreign_kind = keepstep_base::api_key::ApiKey::from_random(keepstep_base::api_key::KeyKind::Api, [7; 32]);
    let refused = [
        (None, "KEY_MISSING"),
        (Some("Bearer".to_owned()), "KEY_MISSING"),
        (Some(format!("Basic {}", world.owner)), "KEY_MALFORMED"),
        (Some(format!("Bearer {}", &world.owner[..20])), "KEY_MALFORMED"),
        (Some(format!("Bearer {}", foreign_kind.reveal())), "KEY_UNKNOWN"),
        (Some("Bearer api_of_somebody_else".to_owned()), "KEY_UNKNOWN"),
        (Some(format!("Bearer {expired}")), "KEY_EXPIRED"),
        (Some(format!("Bearer {revoked}")), "KEY_REVOKED"),
    ];
    let roles = [
        (Role::Viewer, world.key("v", Role::Viewer, &world.scope, None).await),
        (Role::Editor, world.key("e", Role::Editor, &world.scope, None).await),
        (Role::Owner, world.owner.clone()),
    ];
    let outside =
        [world.key("other", Role::Owner, &elsewhere, None).await, world.key("confined", Role::Owner, &confined, None).await];

    for (method, path, body, needs) in operations() {
        let call = |authorization: Option<String>| {
            let (world, path, body) = (&world, path.clone(), body.clone());
            async move { call(world, method, &path, body.as_ref(), authorization.as_deref()).await }
        };
        let Some(needs) = needs else {
            assert_eq!(call(None).await.0, 200, "{method} {path}");
            continue;
        };
        for (authorization, code) in &refused {
            assert_eq!(call(authorization.clone()).await, (401, (*code).to_owned()), "{method} {path} {authorization:?}");
        }
        for key in &outside {
            let (status, code) = call(Some(format!("Bearer {key}"))).await;
            if path.contains("{id}") {
                assert_eq!((status, code.as_str()), (404, "AGENT_NOT_FOUND"), "{method} {path}");
            } else if path.contains("{org}") && key == &outside[0] {
                assert_eq!((status, code.as_str()), (404, "NOT_FOUND"), "{method} {path}");
            } else {
                assert!(status < 300, "{method} {path}: {status}");
            }
        }
        for (role, key) in &roles {
            let (status, code) = call(Some(format!("Bearer {key}"))).await;
            if *role < needs {
                assert_eq!((status, code.as_str()), (403, "KEY_TOO_NARROW"), "{method} {path} as {role}");
            } else {
                assert!(status < 300, "{method} {path} as {role}: {status} {code}");
            }
        }
    }
}

#[tokio::test]
async fn the_table_and_the_description_name_the_same_operations() {
    let document = keepstep_server::openapi_document();
    let mut described: Vec<String> = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        // Uploads and files are about other things than an agent; who may call them is told in `uploads`.
        if path.starts_with("/api/v1/uploads") || path.starts_with("/api/v1/artifacts") {
            continue;
        }
        // The fluxloop dialect and the import are about other things than an agent; who may call them is told in `fluxloop`.
        if path.starts_with("/api/v1/projects") || (path.starts_with("/api/") && !path.starts_with("/api/v1/")) {
            continue;
        }
        for method in item.as_object().unwrap().keys() {
            described.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    let mut listed: Vec<String> = operations().iter().map(|(method, path, _, _)| format!("{method} {path}")).collect();
    described.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, described);
}

#[tokio::test]
async fn an_agent_of_a_project_is_seen_by_the_keys_of_the_project() {
    let world = World::start().await;
    let mut transaction = world.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, "p").await.unwrap();
    let confined = Scope::of(&world.scope.org_id, Some(project.id));
    let inside = transaction.create_agent(NewAgent { scope: &confined, name: "Inside", author: None }).await.unwrap();
    transaction.commit().await.unwrap();
    let key = world.key("confined", Role::Viewer, &confined, None).await;
    let list = read(world.anonymous("GET", "/api/v1/agents").bearer_auth(&key)).await.json();
    assert_eq!(list["agents"].as_array().unwrap().len(), 1);
    assert_eq!(list["agents"][0]["agent_id"], json!(inside.agent.id));
    let path = format!("/api/v1/agents/{}/state", inside.agent.id);
    assert_eq!(read(world.anonymous("GET", &path).bearer_auth(&key)).await.status, 200);
    // Also when a wider key has just put it into the cache.
    assert_eq!(world.get("/api/v1/agents/{id}/state").await.status, 200);
    assert_eq!(read(world.anonymous("GET", "/api/v1/agents/{id}/state").bearer_auth(&key)).await.status, 404);
}

#[tokio::test]
async fn the_device_of_a_person_may_what_they_may_in_each_project() {
    let world = World::start().await;
    let org = world.scope.org_id.as_str();
    let mut transaction = world.store.write().await.unwrap();
    let mut agents = Vec::new();
    let user = transaction.create_user(org, Role::Viewer, "Grace").await.unwrap();
    for (name, rights) in [
        ("write", Some((Role::Editor, true))),
        ("draft", Some((Role::Editor, false))),
        ("read", Some((Role::Viewer, true))),
        ("other", None),
    ] {
        let project = transaction.create_project(org, name).await.unwrap().id;
        let scope = Scope::some_projects(org, [project.clone()]);
        agents.push(transaction.create_agent(NewAgent { scope: &scope, name, author: None }).await.unwrap().agent.id);
        transaction.set_membership(org, &user.id, &project, rights).await.unwrap();
    }
    transaction.set_rights(org, &user.id, None, true).await.unwrap();
    let codes = transaction.start_device_login("laptop", "192.0.2.7").await.unwrap();
    let device = transaction.device_login(&user.id, &codes.user).await.unwrap().unwrap();
    transaction.decide_device_login(&device.id, &user.id, true).await.unwrap();
    let progress = transaction.complete_device_login(codes.device.reveal()).await.unwrap();
    transaction.commit().await.unwrap();
    let keepstep_store::LoginProgress::Approved(keys) = progress else { panic!("not approved") };
    let call = async |method: &str, path: &str, body: Option<Value>| {
        let request = world.anonymous(method, path).bearer_auth(keys.access.reveal()).header("if-match", "\"r1\"");
        read(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    };
    let list = call("GET", "/api/v1/agents", None).await.json();
    let mut seen: Vec<_> = list["agents"].as_array().unwrap().iter().map(|agent| agent["name"].as_str().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, ["draft", "read", "write"]);
    assert_eq!(call("GET", "/api/v1/whoami", None).await.json()["role"], "viewer");
    for (agent, read_status, write_status, code) in [
        (&agents[0], 200, 200, ""),
        (&agents[1], 200, 403, "KEY_TOO_NARROW"),
        (&agents[2], 200, 403, "KEY_TOO_NARROW"),
        (&agents[3], 404, 403, "KEY_TOO_NARROW"),
    ] {
        assert_eq!(call("GET", &format!("/api/v1/agents/{agent}/state"), None).await.status, read_status, "{agent}");
        let body = json!({"fields": {"model": "openai/gpt-4o"}});
        let answer = call("PATCH", &format!("/api/v1/agents/{agent}/definition"), Some(body)).await;
        assert_eq!(answer.status, write_status, "{agent} {}", answer.text);
        if write_status != 200 {
            assert_eq!(answer.code(), code);
        }
    }
    // Who may only write drafts there does that, whatever the dialect.
    let path = format!("/developer/agents/{}/persona/version", agents[1]);
    assert_eq!(call("POST", &path, Some(json!({"persona": "one"}))).await.code(), "KEY_TOO_NARROW");
    assert_eq!(call("POST", &path, Some(json!({"persona": "one", "status": "draft"}))).await.status, 201);
}

#[tokio::test]
async fn a_revoked_key_is_refused_by_the_next_request() {
    let world = World::start().await;
    let key = world.key("short", Role::Viewer, &world.scope, None).await;
    let request = || world.anonymous("GET", "/api/v1/whoami").bearer_auth(&key);
    assert_eq!(read(request()).await.status, 200);
    // As `keepstep admin` does it: another process on the same file.
    let other = keepstep_store::Store::open(&world.folder.path().join("keepstep.db")).await.unwrap();
    let id = other.key(&key).await.unwrap().unwrap().id;
    let mut transaction = other.write().await.unwrap();
    transaction.revoke_key(&world.scope.org_id, &id).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(read(request()).await.code(), "KEY_REVOKED");
}

#[tokio::test]
async fn the_five_problems_of_a_key_read_differently() {
    let world = World::start().await;
    let expired = world.key("expired", Role::Owner, &world.scope, Some(START + 5)).await;
    let viewer = world.key("ci", Role::Viewer, &world.scope, None).await;
    world.set_clock(START + 5);
    let mut messages = Vec::new();
    for authorization in [None, Some("ks_api_cut"), Some("sk-other"), Some(expired.as_str()), Some(viewer.as_str())] {
        let mut request = world.anonymous("POST", "/api/v1/agents").json(&json!({"name": "x"}));
        if let Some(key) = authorization {
            request = request.bearer_auth(key);
        }
        let body = read(request).await.json();
        messages.push(format!("{} {} {}", body["statusCode"], body["message"].as_str().unwrap(), body["hint"].as_str().unwrap()));
    }
    insta::assert_snapshot!(messages.join("\n"), @r#"
    401 This request came without a key. Send it as `Authorization: Bearer ks_api_…`.
    401 This key is incomplete or mistyped. Copy the whole key again.
    401 This server does not know this key. Check that the key belongs to this server.
    401 This key has expired. Ask an owner for a new one: `keepstep admin key create --name NAME`.
    403 The key "ci" has the role viewer, and this needs the role owner. Ask an owner for a key with that role.
    "#);
}
