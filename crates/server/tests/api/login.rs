//! Devices that sign in, as the peers do it.

use keepstep_store::{ACCESS_LIFE, CODE_LIFE, Role, User};
use serde_json::{Value, json};

use crate::world::{Answer, START, World, read};

async fn person(world: &World, role: Role) -> User {
    let mut transaction = world.store.write().await.unwrap();
    let user = transaction.create_user(&world.scope.org_id, role, "Grace").await.unwrap();
    transaction.commit().await.unwrap();
    user
}

/// What the page does when somebody approves or refuses a code.
async fn decide(world: &World, user: &User, code: &str, approve: bool) {
    let mut transaction = world.store.write().await.unwrap();
    let device = transaction.device_login(&user.id, code).await.unwrap().unwrap();
    transaction.decide_device_login(&device.id, &user.id, approve).await.unwrap();
    transaction.commit().await.unwrap();
}

async fn post(world: &World, path: &str, body: Value) -> Answer {
    read(world.anonymous("POST", &format!("/api/cli-connect/{path}")).json(&body)).await
}

async fn start(world: &World) -> Value {
    let answer = post(world, "start", json!({})).await;
    assert_eq!(answer.status, 200);
    answer.json()
}

async fn complete(world: &World, started: &Value) -> Value {
    let answer = post(world, "complete", json!({"device_code": started["device_code"]})).await;
    assert_eq!(answer.status, 200);
    answer.json()
}

async fn sign_in(world: &World, user: &User) -> Value {
    let started = start(world).await;
    decide(world, user, started["user_code"].as_str().unwrap(), true).await;
    complete(world, &started).await["credential"].clone()
}

async fn refresh(world: &World, credential: &Value) -> Answer {
    post(world, "refresh", json!({"refresh_token": credential["refresh_token"]})).await
}

async fn whoami(world: &World, credential: &Value) -> Answer {
    read(world.anonymous("GET", "/api/v1/whoami").bearer_auth(credential["access_token"].as_str().unwrap())).await
}

#[tokio::test]
async fn a_device_is_signed_in_once_somebody_approved_its_code() {
    let world = World::start().await;
    let user = person(&world, Role::Editor).await;
    let started = start(&world).await;
    assert_eq!(started["verification_url"], format!("{}/connect", world.url));
    assert_eq!((&started["expires_in"], &started["expires_in_sec"]), (&json!(600), &json!(600)));
    assert_eq!(started["interval"], started["interval_sec"]);
    let code = started["user_code"].as_str().unwrap();
    assert!(code.len() == 9 && code.is_ascii() && code.as_bytes()[4] == b'-', "{code}");

    assert_eq!(complete(&world, &started).await, json!({"status": "pending"}));
    decide(&world, &user, &code.to_lowercase(), true).await;
    let approved = complete(&world, &started).await;
    assert_eq!(approved["status"], "approved");
    let credential = &approved["credential"];
    assert_eq!((&credential["user_id"], &credential["user_email"]), (&json!(user.id), &json!("Grace")));
    assert_eq!(credential["expires_at"], "2023-11-14T23:13:20Z");
    // The keys are handed out once, and nobody finds them in the database.
    assert_eq!(complete(&world, &started).await, json!({"status": "expired"}));
    let file = std::fs::read(world.folder.path().join("keepstep.db-wal")).unwrap();
    for secret in [&credential["access_token"], &credential["refresh_token"], &started["device_code"]] {
        let secret = secret.as_str().unwrap().as_bytes();
        assert!(!file.windows(secret.len()).any(|window| window == secret));
    }

    let me = whoami(&world, credential).await;
    assert_eq!((me.status, &me.json()["role"]), (200, &json!("editor")), "{}", me.text);
    // It may what the person may, in every dialect.
    let with = |method: &str, path: &str| world.anonymous(method, path).bearer_auth(credential["access_token"].as_str().unwrap());
    assert_eq!(read(with("GET", "/api/projects")).await.status, 200);
    assert_eq!(read(with("GET", "/admin/agents/{id}")).await.status, 200);
    let answer = read(with("POST", "/api/projects").json(&json!({"name": "n"}))).await;
    assert_eq!(answer.code(), "KEY_TOO_NARROW");
    world.set_clock(START + ACCESS_LIFE);
    assert_eq!(whoami(&world, credential).await.code(), "KEY_EXPIRED");
}

#[tokio::test]
async fn a_code_that_was_refused_or_is_too_old_signs_nobody_in() {
    let world = World::start().await;
    let user = person(&world, Role::Owner).await;
    let (refused, old) = (start(&world).await, start(&world).await);
    decide(&world, &user, refused["user_code"].as_str().unwrap(), false).await;
    assert_eq!(complete(&world, &refused).await, json!({"status": "denied"}));
    world.set_clock(START + CODE_LIFE);
    assert_eq!(complete(&world, &old).await, json!({"status": "expired"}));
    start(&world).await;
    assert_eq!(complete(&world, &old).await, json!({"status": "expired"}), "also when it was swept out");
}

#[tokio::test]
async fn a_request_without_meaning_is_refused() {
    let world = World::start().await;
    for body in [json!({}), json!({"device_code": ""}), json!({"device_code": "x"}), json!({"device_code": world.owner[..20]})] {
        let answer = post(&world, "complete", body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID"));
    }
    assert_eq!(post(&world, "refresh", json!({"refresh_token": "x"})).await.status, 401);
    // Neither key does what the other does.
    let credential = sign_in(&world, &person(&world, Role::Owner).await).await;
    let swapped = json!({"refresh_token": credential["access_token"]});
    assert_eq!(post(&world, "refresh", swapped).await.status, 401);
    let request = world.anonymous("GET", "/api/v1/whoami").bearer_auth(credential["refresh_token"].as_str().unwrap());
    assert_eq!(read(request).await.code(), "KEY_UNKNOWN");
}

#[tokio::test]
async fn a_refresh_key_works_once() {
    let world = World::start().await;
    let first = sign_in(&world, &person(&world, Role::Viewer).await).await;
    world.set_clock(START + ACCESS_LIFE);
    let second = refresh(&world, &first).await.json()["credential"].clone();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(whoami(&world, &second).await.status, 200);
    // Two commands that were started together hold the same one.
    let twin = refresh(&world, &first).await.json()["credential"].clone();
    assert_eq!((whoami(&world, &twin).await.status, whoami(&world, &second).await.status), (200, 200));
    // Later it can only be stolen: what came from it ends, with the thief's keys.
    world.set_clock(START + ACCESS_LIFE + 61_000);
    assert_eq!(refresh(&world, &first).await.status, 401);
    assert_eq!(whoami(&world, &second).await.code(), "KEY_REVOKED");
    assert_eq!(refresh(&world, &second).await.status, 401);
    assert_eq!(refresh(&world, &twin).await.status, 401);
}

#[tokio::test]
async fn a_device_that_was_signed_out_may_nothing() {
    let world = World::start().await;
    let user = person(&world, Role::Owner).await;
    let credential = sign_in(&world, &user).await;
    let mut transaction = world.store.write().await.unwrap();
    let device = world.store.devices(&world.scope.org_id, None).await.unwrap().remove(0);
    assert!(transaction.revoke_device(&world.scope.org_id, Some("user_other"), &device.id).await.is_err());
    transaction.revoke_device(&world.scope.org_id, Some(&user.id), &device.id).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(whoami(&world, &credential).await.code(), "KEY_REVOKED");
    assert_eq!(refresh(&world, &credential).await.status, 401);
    assert_eq!(world.store.devices(&world.scope.org_id, None).await.unwrap(), []);
}

#[tokio::test]
async fn one_address_does_not_fill_the_waiting_room() {
    let world = World::start().await;
    let refused = async || {
        let answer = post(&world, "start", json!({})).await;
        assert_eq!((answer.status, answer.code().as_str(), answer.header("retry-after")), (429, "TOO_MANY", "60"));
    };
    let device = start(&world).await;
    for _ in 1..100 {
        start(&world).await;
    }
    refused().await;
    // Those that never ask how far they are make room for others; a device asks, and stays.
    world.set_clock(START + 10_000);
    assert_eq!(complete(&world, &device).await, json!({"status": "pending"}));
    for _ in 1..100 {
        start(&world).await;
    }
    refused().await;
    assert_eq!(complete(&world, &device).await, json!({"status": "pending"}));
    world.set_clock(START + 10_000 + CODE_LIFE);
    start(&world).await;
}

/// Anybody may ask, so nobody may send much.
#[tokio::test]
async fn a_login_is_a_small_request() {
    let world = World::start().await;
    for path in ["start", "complete", "refresh"] {
        let answer = post(&world, path, json!({"device_name": "x".repeat(20_000)})).await;
        assert_eq!((answer.status, answer.code().as_str()), (413, "TOO_LARGE"), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_device_that_waits_keeps_no_writer_waiting() {
    let world = World::start().await;
    let started = start(&world).await;
    // While somebody writes, nobody else can begin to.
    let writing = world.store.write().await.unwrap();
    assert_eq!(complete(&world, &started).await, json!({"status": "pending"}));
    drop(writing);
}
