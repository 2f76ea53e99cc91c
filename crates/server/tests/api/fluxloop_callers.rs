//! Who may call what in the fluxloop dialect: every route × every kind of caller.

use keepstep_store::test_data::TestDataFile;
use keepstep_store::{Role, Scope};
use serde_json::{Value, json};

use crate::world::{Answer, START, World, read};

/// What somebody gets who is from another project or organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Elsewhere {
    /// What the request names is not there.
    NotFound,
    /// What is theirs.
    Own,
    /// The request is about an organization, so a key of a project is too narrow.
    Narrow,
}

/// An operation: method, path, body, the smallest role that may call it, and what others get.
type Operation = (&'static str, &'static str, Option<Value>, Role, Elsewhere);

/// Every operation that needs a key. Words in braces are replaced by ids of the shop.
fn operations() -> Vec<Operation> {
    use Elsewhere::{Narrow, NotFound, Own};
    use Role::{Editor, Owner, Viewer};
    let named = |name: &str| Some(json!({"project_id": "{project}", "name": name}));
    vec![
        ("GET", "/api/workspaces", None, Viewer, Own),
        ("GET", "/api/projects", None, Viewer, Own),
        ("POST", "/api/projects", Some(json!({"name": "{unique}"})), Owner, Narrow),
        ("GET", "/api/projects/{project}", None, Viewer, NotFound),
        ("GET", "/api/api-keys?project_id={project}", None, Owner, NotFound),
        ("POST", "/api/api-keys", named("k"), Owner, NotFound),
        ("DELETE", "/api/api-keys/{key}", None, Owner, NotFound),
        ("GET", "/api/scenarios?project_id={project}", None, Viewer, NotFound),
        ("POST", "/api/scenarios", named("{unique}"), Editor, NotFound),
        ("GET", "/api/scenarios/{scenario}", None, Viewer, NotFound),
        ("PATCH", "/api/scenarios/{scenario}", Some(json!({"description": "d"})), Editor, NotFound),
        ("GET", "/api/bundles?project_id={project}", None, Viewer, NotFound),
        ("POST", "/api/bundles", Some(json!({"project_id": "{project}", "scenario_id": "{scenario}"})), Editor, NotFound),
        ("GET", "/api/bundles/{bundle}", None, Viewer, NotFound),
        ("PUT", "/api/bundles/{bundle}", Some(json!({"status": "published"})), Editor, NotFound),
        ("POST", "/api/bundles/{bundle}/publish", None, Editor, NotFound),
        ("GET", "/api/inputs?project_id={project}", None, Viewer, NotFound),
        ("GET", "/api/inputs/{inputs}", None, Viewer, NotFound),
        ("GET", "/api/personas?project_id={project}", None, Viewer, NotFound),
        ("POST", "/api/personas", named("p"), Editor, NotFound),
        (
            "POST",
            "/api/storage/presign",
            Some(json!({"project_id": "{project}", "run_id": "r", "artifact_type": "summary", "filename": "summary.json"})),
            Editor,
            NotFound,
        ),
        ("POST", "/api/sync/pull", Some(json!({"bundle_version_id": "{bundle}"})), Viewer, NotFound),
        ("POST", "/api/sync/pull", Some(json!({"project_id": "{project}"})), Viewer, NotFound),
        ("POST", "/api/sync/upload", Some(json!({"bundle_version_id": "{bundle}"})), Editor, NotFound),
        ("POST", "/api/sync/turns", Some(json!({"run_id": "r", "turn_id": "t"})), Editor, Own),
        ("GET", "/api/sync/status?project_id={project}", None, Viewer, NotFound),
        ("GET", "/api/experiments?project_id={project}", None, Viewer, NotFound),
        ("GET", "/api/runs?project_id={project}", None, Viewer, NotFound),
    ]
}

/// Operations that need no key: a device that signs in has none yet, and an address that was signed is a key itself.
const OPEN: [&str; 4] = [
    "POST /api/cli-connect/start",
    "POST /api/cli-connect/complete",
    "POST /api/cli-connect/refresh",
    "PUT /api/storage/upload/{token}",
];

/// The ids of a project with everything in it.
async fn shop(world: &World) -> Vec<(&'static str, String)> {
    let file: TestDataFile =
        serde_json::from_value(json!({"scenario": {"name": "orders"}, "inputs": [{"text": "Hello"}]})).unwrap();
    let mut transaction = world.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, "shop").await.unwrap();
    let bundle = transaction.import(&world.scope, &project.id, &file).await.unwrap();
    transaction.commit().await.unwrap();
    let key = world.post("/api/api-keys", json!({"project_id": project.id, "name": "old"})).await.json();
    vec![
        ("{project}", project.id),
        ("{scenario}", bundle.scenario_id),
        ("{inputs}", bundle.input_set_id),
        ("{bundle}", bundle.id),
        ("{key}", key["id"].as_str().unwrap().to_owned()),
    ]
}

async fn call(world: &World, operation: &Operation, ids: &[(&str, String)], authorization: Option<&str>) -> Answer {
    let (method, path, body, ..) = operation;
    let fill = |text: &str| ids.iter().fold(text.to_owned(), |text, (word, id)| text.replace(word, id));
    let mut request = world.anonymous(method, &fill(path));
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    if let Some(body) = body {
        request = request.json(&serde_json::from_str::<Value>(&fill(&body.to_string())).unwrap());
    }
    read(request).await
}

#[tokio::test]
async fn every_route_answers_every_kind_of_caller_as_it_should() {
    let world = World::start().await;
    let mut ids = shop(&world).await;
    let mut transaction = world.store.write().await.unwrap();
    let other = Scope::organization(transaction.ensure_organization(Some("Other")).await.unwrap().id);
    let elsewhere = transaction.create_project(&world.scope.org_id, "elsewhere").await.unwrap();
    transaction.commit().await.unwrap();
    let confined = Scope::of(&world.scope.org_id, Some(elsewhere.id));

    let expired = world.key("expired", Role::Owner, &world.scope, Some(START)).await;
    let unknown = keepstep_base::api_key::ApiKey::from_random(keepstep_base::api_key::KeyKind::Access, [7; 32]);
    let refused = [
        (None, "KEY_MISSING"),
        (Some(format!("Bearer {}", &world.owner[..20])), "KEY_MALFORMED"),
        (Some(format!("Bearer {}", unknown.reveal())), "KEY_UNKNOWN"),
        (Some(format!("Bearer {expired}")), "KEY_EXPIRED"),
    ];
    let roles = [
        (Role::Viewer, world.key("v", Role::Viewer, &world.scope, None).await),
        (Role::Editor, world.key("e", Role::Editor, &world.scope, None).await),
        (Role::Owner, world.owner.clone()),
    ];
    let foreign = world.key("other", Role::Owner, &other, None).await;
    let confined = world.key("confined", Role::Owner, &confined, None).await;

    ids.push(("{unique}", String::new()));
    for (number, operation) in operations().iter().enumerate() {
        let (method, path, _, needs, outside) = operation;
        let unique = |ids: &mut Vec<(&str, String)>, caller: &str| {
            if let Some(last) = ids.last_mut() {
                last.1 = format!("{caller} {number}");
            }
        };
        for (authorization, code) in &refused {
            let answer = call(&world, operation, &ids, authorization.as_deref()).await;
            assert_eq!((answer.status, answer.code().as_str()), (401, *code), "{method} {path}");
        }
        for (caller, key) in [("foreign", &foreign), ("confined", &confined)] {
            unique(&mut ids, caller);
            let answer = call(&world, operation, &ids, Some(&format!("Bearer {key}"))).await;
            match outside {
                Elsewhere::NotFound => assert_eq!(answer.status, 404, "{method} {path} as {caller}: {}", answer.text),
                Elsewhere::Narrow if caller == "confined" => assert_eq!(answer.status, 403, "{method} {path}"),
                _ => assert!(answer.status < 300 && !answer.text.contains("shop"), "{method} {path}: {}", answer.text),
            }
        }
        for (role, key) in &roles {
            unique(&mut ids, role.label());
            let answer = call(&world, operation, &ids, Some(&format!("Bearer {key}"))).await;
            if role < needs {
                assert_eq!((answer.status, answer.code().as_str()), (403, "KEY_TOO_NARROW"), "{method} {path} as {role}");
            } else {
                assert!(answer.status < 300, "{method} {path} as {role}: {} {}", answer.status, answer.text);
            }
        }
    }
}

/// A route of a peer that is described must be in the table above, so that nobody adds one without saying who may call it.
#[tokio::test]
async fn the_table_and_the_description_name_the_same_operations() {
    let document = keepstep_server::openapi_document();
    let mut described = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        if path.starts_with("/api/") && !path.starts_with("/api/v1/") {
            described.extend(item.as_object().unwrap().keys().map(|method| format!("{} {path}", method.to_uppercase())));
        }
    }
    let mut listed: Vec<String> = OPEN.iter().map(|operation| (*operation).to_owned()).collect();
    for (method, path, ..) in operations() {
        let path = path.split('?').next().unwrap();
        // The description calls every id in a path `{id}`.
        let path = ["{project}", "{key}", "{scenario}", "{bundle}", "{inputs}"]
            .iter()
            .fold(path.to_owned(), |path, id| path.replace(id, "{id}"));
        listed.push(format!("{method} {path}"));
    }
    described.sort_unstable();
    listed.sort_unstable();
    listed.dedup();
    assert_eq!(listed, described);
}
