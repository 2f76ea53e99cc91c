//! Signed addresses: how the peers bring files.

use keepstep_base::Digest;
use keepstep_platform::Settings;
use serde_json::{Value, json};

use crate::uploads::shop;
use crate::world::{Answer, START, World, read};

const HOUR: i64 = 60 * 60 * 1000;

fn request(project: &str, more: Value) -> Value {
    let mut body = json!({
        "project_id": project, "run_id": "run_1", "artifact_type": "summary", "filename": "summary.json",
        "content_type": "application/json",
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn presign(world: &World, project: &str, more: Value) -> (String, String) {
    let answer = world.post("/api/storage/presign", request(project, more)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let text = |key: &str| answer.json()[key].as_str().unwrap().to_owned();
    (text("upload_url").strip_prefix(&world.url).unwrap_or_default().to_owned(), text("storage_url"))
}

/// Puts a file as the peers do: without a key.
async fn put(world: &World, path: &str, body: impl Into<Vec<u8>>) -> Answer {
    read(world.anonymous("PUT", path).body(body.into())).await
}

async fn stored(world: &World, url: &str) -> Option<String> {
    let found = world.store.blob_of_storage_url(&world.scope, "run_1", "summary", url).await.unwrap();
    found.map(|file| file.blob_id)
}

#[tokio::test]
async fn f13_an_address_takes_one_file_also_when_it_is_sent_twice() {
    let world = World::start().await;
    let (project, _) = shop(&world, "shop").await;
    let (path, url) = presign(&world, &project, json!({})).await;
    assert_eq!(stored(&world, &url).await, None);
    assert_eq!(put(&world, &path, "one").await.status, 200);
    let blob = stored(&world, &url).await.unwrap();
    assert_eq!(put(&world, &path, "one").await.status, 200);
    let other = put(&world, &path, "two").await;
    insta::assert_snapshot!(format!("{} {}", other.status, other.json()["detail"]), @r#"422 "This address was used for another file; ask for a new one.""#);
    assert_eq!(stored(&world, &url).await, Some(blob.clone()));
    // What is known already is not sent again.
    let known = json!({"size": 3, "sha256": Digest::of_bytes(b"one")});
    let answer = world.post("/api/storage/presign", request(&project, known)).await.json();
    assert_eq!((&answer["exists"], &answer["upload_url"]), (&json!(true), &json!("")));
    assert_eq!(stored(&world, answer["storage_url"].as_str().unwrap()).await, Some(blob));
    // Another project knows nothing of it.
    let (elsewhere, _) = shop(&world, "other").await;
    let known = json!({"size": 3, "sha256": Digest::of_bytes(b"one")});
    assert_eq!(world.post("/api/storage/presign", request(&elsewhere, known)).await.json()["exists"], json!(false));
}

#[tokio::test]
async fn a_file_of_any_size_comes_in_parts() {
    let world = World::start().await;
    let (project, _) = shop(&world, "shop").await;
    let large: Vec<u8> = (0..5_000_000_u32).flat_map(u32::to_le_bytes).collect();
    for body in [Vec::new(), large] {
        let (path, url) = presign(&world, &project, json!({"filename": "traces.jsonl"})).await;
        let expected = Digest::of_bytes(&body);
        assert_eq!(put(&world, &path, body).await.status, 200);
        let blob = world.store.blob(&world.scope, &stored(&world, &url).await.unwrap()).await.unwrap();
        assert_eq!((blob.sha256, blob.is_proven), (expected, true));
    }
}

#[tokio::test]
async fn an_address_that_is_changed_old_or_used_for_something_else_takes_nothing() {
    let world = World::start_with(Settings { upload_limit: Some(1000), ..Settings::default() }).await;
    let (project, _) = shop(&world, "shop").await;
    let mut shown = String::new();
    let mut tell = |answer: Answer| shown += &format!("{} {}\n", answer.status, answer.json()["detail"].as_str().unwrap());

    let (path, url) = presign(&world, &project, json!({"size": 3, "sha256": Digest::of_bytes(b"one")})).await;
    tell(put(&world, &path, "four").await);
    tell(put(&world, &path, "two").await);
    let (free, free_url) = presign(&world, &project, json!({})).await;
    tell(put(&world, &free, vec![0; 1001]).await);
    let mut changed = free.clone().into_bytes();
    let place = "/api/storage/upload/".len() + 5;
    changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
    tell(put(&world, &String::from_utf8(changed).unwrap(), "x").await);
    tell(put(&world, "/api/storage/upload/e30.AAAA", "x").await);
    world.set_clock(START + HOUR);
    tell(put(&world, &free, "x").await);
    insta::assert_snapshot!(shown, @"
    422 The body has 4 bytes, not 3; nothing of it is kept.
    422 The body has the SHA-256 3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3, not 7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed; nothing of this body is kept.
    413 The file is larger than 1000 bytes.
    400 This upload address is invalid: it was changed, or another server created it.
    400 This upload address is invalid: it was changed, or another server created it.
    400 This address is too old: it can be used for an hour. Ask for a new one.
    ");
    assert_eq!((stored(&world, &url).await, stored(&world, &free_url).await), (None, None));
}

#[tokio::test]
async fn what_is_asked_for_has_meaning() {
    let world = World::start_with(Settings { upload_limit: Some(1000), ..Settings::default() }).await;
    let (project, _) = shop(&world, "shop").await;
    let status = async |more: Value| world.post("/api/storage/presign", request(&project, more)).await.status;
    assert_eq!(status(json!({"filename": "../../etc/passwd"})).await, 400);
    assert_eq!(status(json!({"run_id": ""})).await, 400);
    assert_eq!(status(json!({"artifact_type": "a\nb"})).await, 400);
    assert_eq!(status(json!({"sha256": "x"})).await, 400);
    assert_eq!(status(json!({"size": 1001})).await, 413);
    assert_eq!(status(json!({"project_id": "project_nobody"})).await, 404);
    // The peer does not always know its project; the only one is meant.
    assert_eq!(status(json!({"project_id": null})).await, 200);
}
