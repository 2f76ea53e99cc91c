//! Webhooks of a running server, with a receiver that is one.

use std::sync::mpsc;
use std::time::Duration;

use keepstep_store::{NewWebhook, Store};
use keepstep_testkit::{Canned, Reply, Request};

use crate::common::Bench;

/// Creates a webhook in the data of a server that runs, as its page does.
fn create(bench: &Bench, url: &str) {
    let data = bench.platform.data_dir().join("keepstep.db");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(&data).await.unwrap();
        let org = store.organizations().await.unwrap().remove(0);
        let mut transaction = store.write().await.unwrap();
        let events = ["persona.published".to_owned(), "drift.seen".to_owned()];
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let new = NewWebhook { org_id: &org.id, url, events: &events, secret, created_by: "Ada" };
        transaction.create_webhook(new).await.unwrap();
        transaction.commit().await.unwrap();
        store.close().await;
    });
}

#[test]
fn a_receiver_is_told_of_a_publication_and_of_drift() {
    let bench = Bench::in_step();
    let (sender, received) = mpsc::channel::<Request>();
    let receiver = Canned::start(move |request| {
        sender.send(request.clone()).unwrap();
        Reply::new(204, &[], "")
    });
    create(&bench, &format!("{}/hook?token=x", receiver.url()));
    bench.colleague("Be kind.");
    let request = received.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/hook?token=x"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert!(request.header("webhook-id").is_some_and(|id| id.starts_with("msg_")));
    assert!(request.header("webhook-signature").is_some_and(|signature| signature.starts_with("v1,")));
    let body = request.json();
    assert_eq!((&body["type"], &body["data"]["agent"]["name"]), (&"persona.published".into(), &"Helper".into()), "{body}");

    // What a check sees is told once, however often it is seen.
    bench.code("Be quick.");
    assert_eq!(bench.output(&["sync", "--check"]).status.code(), Some(1));
    let request = received.recv_timeout(Duration::from_secs(30)).unwrap();
    let body = request.json();
    assert_eq!(body["type"], "drift.seen");
    assert_eq!(body["data"]["fields"], serde_json::json!([{ "field": "persona", "state": "diverged" }]));
    assert_eq!(bench.output(&["sync", "--check"]).status.code(), Some(1));
    bench.colleague("Be kind again.");
    let request = received.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!(request.json()["type"], "persona.published");
}
