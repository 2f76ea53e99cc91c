//! Who may call is decided before anything of a body is read: every route × every kind of caller, with 64 MiB announced and none sent.

use std::time::Duration;

use keepstep_http::access::{Route, Who, routes};
use keepstep_store::test_data::TestDataFile;
use keepstep_store::{Device, LinkPurpose, NewLink, Role, Scope};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{START, World};

/// Sends the head of a request that announces 64 MiB, and returns the status of the answer.
async fn status(world: &World, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
    let mut stream = TcpStream::connect(world.url.strip_prefix("http://").unwrap()).await.unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 67108864\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    let read = tokio::time::timeout(Duration::from_secs(30), stream.read_exact(&mut answer)).await;
    read.unwrap_or_else(|_| panic!("{method} {path} {headers:?} waits for a body")).unwrap();
    std::str::from_utf8(&answer).unwrap().strip_prefix("HTTP/1.1 ").unwrap().parse().unwrap()
}

/// Returns the routes that take a body, each with a path that names what is there.
async fn writing(world: &World) -> Vec<(Route, String)> {
    let file: TestDataFile =
        serde_json::from_value(json!({"scenario": {"name": "orders"}, "inputs": [{"text": "Hello"}]})).unwrap();
    let mut transaction = world.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, "shop").await.unwrap();
    let bundle = transaction.import(&world.scope, &project.id, &file).await.unwrap();
    let org_id = world.scope.org_id.as_str();
    let (purpose, role, expires_at) = (LinkPurpose::Owner, Role::Owner, START + 1000);
    let new = NewLink { org_id, purpose, role, user_id: None, created_by: None, expires_at };
    let (link, _) = transaction.create_link(new).await.unwrap();
    transaction.commit().await.unwrap();
    let fill = |route: &Route| {
        let id = match route.path {
            "/agents/{id}/sub-agent" => world.agent.base_and_rest().0,
            path if path.starts_with("/api/v1/projects") => &project.id,
            path if path.starts_with("/api/scenarios") => &bundle.scenario_id,
            path if path.starts_with("/api/bundles") => &bundle.id,
            _ => world.agent.as_str(),
        };
        let token = if route.path.starts_with("/sign-in/link") { link.reveal() } else { "forged.forged" };
        route.path.replace("{id}", id).replace("{version}", "1").replace("{token}", token).replace("{upload}", "upload_x")
    };
    let all = routes().into_iter().filter(|route| !matches!(route.method, "GET" | "DELETE"));
    all.map(|route| (route, fill(&route))).collect()
}

#[tokio::test]
async fn programs() {
    let world = World::start().await;
    let routes = writing(&world).await;
    let mut transaction = world.store.write().await.unwrap();
    let elsewhere = Scope::organization(transaction.ensure_organization(Some("Other")).await.unwrap().id);
    transaction.commit().await.unwrap();
    let expired = world.key("expired", Role::Owner, &world.scope, Some(START)).await;
    let viewer = world.key("v", Role::Viewer, &world.scope, None).await;
    let editor = world.key("e", Role::Editor, &world.scope, None).await;
    let foreign = world.key("f", Role::Owner, &elsewhere, None).await;
    let unknown = keepstep_base::api_key::ApiKey::from_random(keepstep_base::api_key::KeyKind::Api, [7; 32]);
    let strangers = ["", "Bearer ks_api_cut", "Bearer sk-other", unknown.reveal(), &expired];

    let mut seen = 0;
    for (route, path) in &routes {
        let Who::Key(needs) = route.who else { continue };
        seen += 1;
        for stranger in strangers {
            let authorization = if stranger.starts_with("ks_") { format!("Bearer {stranger}") } else { stranger.to_owned() };
            let headers: &[_] = if stranger.is_empty() { &[] } else { &[("authorization", authorization.as_str())] };
            assert_eq!(status(&world, route.method, path, headers).await, 401, "{path} {stranger}");
        }
        for (role, key) in [(Role::Viewer, &viewer), (Role::Editor, &editor)] {
            if role < needs {
                let key = format!("Bearer {key}");
                assert_eq!(status(&world, route.method, path, &[("authorization", &key)]).await, 403, "{path} {role}");
            }
        }
        if route.path.contains('{') {
            let key = format!("Bearer {foreign}");
            assert_eq!(status(&world, route.method, path, &[("authorization", &key)]).await, 404, "{path}");
        }
    }
    assert!(seen > 30, "{seen}");
}

#[tokio::test]
async fn pages() {
    let world = World::start().await;
    let routes = writing(&world).await;
    let mut transaction = world.store.write().await.unwrap();
    let elsewhere = transaction.ensure_organization(Some("Other")).await.unwrap().id;
    let mut cookie = async |organization: &str, role: Role| {
        let user = transaction.create_user(organization, role, "somebody").await.unwrap();
        let (secret, _) = transaction.create_session(&user, START + 1000, &Device::default()).await.unwrap();
        format!("keepstep_session={}", secret.reveal())
    };
    let (viewer, foreign) = (cookie(&world.scope.org_id, Role::Viewer).await, cookie(&elsewhere, Role::Owner).await);
    transaction.commit().await.unwrap();

    for (route, path) in &routes {
        match route.who {
            Who::Person(needs) => {
                for headers in [&[][..], &[("cookie", "keepstep_session=x")]] {
                    assert_eq!(status(&world, route.method, path, headers).await, 401, "{path} {headers:?}");
                }
                let other_site = [("cookie", viewer.as_str()), ("origin", "https://evil.example")];
                assert_eq!(status(&world, route.method, path, &other_site).await, 403, "{path}");
                if needs > Role::Viewer {
                    assert_eq!(status(&world, route.method, path, &[("cookie", &viewer)]).await, 403, "{path}");
                }
                if route.path.contains("{id}") {
                    assert_eq!(status(&world, route.method, path, &[("cookie", &foreign)]).await, 404, "{path}");
                }
            }
            Who::SignedAddress => assert_eq!(status(&world, route.method, path, &[]).await, 400, "{path}"),
            // Anybody may send these; nobody may send that much.
            Who::Anybody | Who::Link => assert_eq!(status(&world, route.method, path, &[]).await, 413, "{path}"),
            Who::Key(_) => {}
            Who::KeyOrPerson | Who::Operator | Who::AnybodyUnlessClosed => panic!("{path} takes no body"),
        }
    }
    let link = "/sign-in/link/ks_link_x";
    assert_eq!(status(&world, "POST", link, &[]).await, 404);
}

/// What is described has to be in the table; what is not in it answers nobody.
#[tokio::test]
async fn the_table_and_the_description_name_the_same_routes_of_the_api() {
    let document = keepstep_server::openapi_document();
    let mut described = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        described.extend(item.as_object().unwrap().keys().map(|method| format!("{} {path}", method.to_uppercase())));
    }
    let table: Vec<String> = routes().iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    let missing: Vec<_> = described.iter().filter(|route| !table.contains(route)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
