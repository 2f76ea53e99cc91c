//! Backups that are made while others write: each of them is a whole and sound state.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::stream;
use keepstep_base::Digest;
use keepstep_platform::{Actor, Plain, Platform, Settings, Target};
use keepstep_store::artifacts::{FileContent, NewUpload, NewUploadFile, Objects, PartName, PartOf};
use keepstep_store::backup::{DATABASE, OBJECTS, check_restored, unpack};
use keepstep_store::{NewAgent, PersonaStatus, Scope, Store};
use serde_json::json;

/// How many backups are made.
const BACKUPS: usize = 5;

async fn upload(platform: &Platform, actor: &Actor, project: &str, bundle: &str, number: usize) {
    let bytes = format!("trace {number} ").repeat(2000).into_bytes();
    let part = PartName { sha256: Digest::of_bytes(&bytes), size: bytes.len() as u64 };
    let content = FileContent { size: part.size, sha256: part.sha256, parts: vec![part] };
    let file = NewUploadFile { file_type: "traces".into(), name: "traces.jsonl".into(), run_id: None, content };
    let new = NewUpload {
        project_id: project.to_owned(),
        bundle_id: bundle.to_owned(),
        experiment_id: format!("exp_{number}"),
        files: vec![file],
    };
    let offered = platform.offer_upload(actor, &new).await.unwrap();
    let body = stream::iter([Ok(Bytes::from(bytes))]);
    platform.put_parts(actor, &offered.id, &[PartOf::Name(part)], body).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_backup_of_a_busy_server_is_whole_and_sound() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join(DATABASE)).await.unwrap();
    let objects = Objects::in_folder(&folder.path().join(OBJECTS)).unwrap();
    let platform = Platform::new(store, Settings { objects: Some(objects.clone()), ..Settings::default() });
    let mut transaction = platform.store.write().await.unwrap();
    let scope = Scope::organization(transaction.ensure_organization(None).await.unwrap().id);
    let agent = transaction.create_agent(NewAgent { scope: &scope, name: "Shop", author: None }).await.unwrap().agent.id;
    let project = transaction.create_project(&scope.org_id, "Shop").await.unwrap().id;
    let file = json!({"scenario": {"name": "orders"}, "inputs": [{"text": "Where is my order?"}]});
    let bundle = transaction.import(&scope, &project, &serde_json::from_value(file).unwrap()).await.unwrap().id;
    transaction.commit().await.unwrap();
    let actor = platform.operator(None).await.unwrap();

    let is_done = Arc::new(AtomicBool::new(false));
    let writing = {
        let (platform, is_done, agent) = (platform.clone(), Arc::clone(&is_done), agent.clone());
        tokio::spawn(async move {
            let mut written = 0;
            while !is_done.load(Ordering::SeqCst) {
                let target = Target { agent: &agent, expected: None, message: None };
                let text = json!(format!("Version {written}."));
                platform.save_persona(&actor, target, text, PersonaStatus::Published, Plain).await.unwrap();
                upload(&platform, &actor, &project, &bundle, written).await;
                written += 1;
            }
            written
        })
    };
    let mut seen = Vec::new();
    for _ in 0..BACKUPS {
        let beside = tempfile::NamedTempFile::new().unwrap();
        let (manifest, archive) = platform.store.back_up(&objects, beside.path(), Vec::new(), "1", |_, _| {}).await.unwrap();
        let restored = tempfile::tempdir().unwrap();
        assert_eq!(unpack(archive.as_slice(), restored.path()).unwrap(), manifest);
        check_restored(restored.path(), &manifest).await.unwrap();
        let copy = Store::open(&restored.path().join(DATABASE)).await.unwrap();
        let examined = copy.examine(&Objects::in_folder(&restored.path().join(OBJECTS)).unwrap(), true).await.unwrap();
        assert!(examined.is_sound(), "{examined:?}");
        seen.push(manifest.rows["persona_versions"]);
    }
    is_done.store(true, Ordering::SeqCst);
    let written = writing.await.unwrap() as u64;
    assert!(seen.is_sorted() && seen.last().is_some_and(|last| *last <= written), "{seen:?} of {written}");
}
