//! Messages to webhooks: whoever is silent keeps nobody else waiting.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, pending};
use keepstep_platform::{Actor, Message, Messenger, Platform, SecretKey, Settings, is_sealed};
use keepstep_store::{NewWebhook, Scope, Store};
use serde_json::json;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Answers at once, but for one address, which never answers.
#[derive(Debug)]
struct Receivers {
    sent: UnboundedSender<String>,
    /// How many messages each address was sent.
    counts: Mutex<BTreeMap<String, usize>>,
}

impl Messenger for Receivers {
    fn send(&self, message: Message) -> BoxFuture<'static, Result<u16, String>> {
        *self.counts.lock().unwrap().entry(message.url.clone()).or_default() += 1;
        self.sent.send(message.url.clone()).unwrap();
        if message.url.contains("silent") { pending().boxed() } else { async { Ok(204) }.boxed() }
    }
}

async fn webhook(store: &Store, scope: &Scope, url: &str, waiting: usize) -> String {
    let events = ["drift.seen".to_owned()];
    let new = NewWebhook { org_id: &scope.org_id, url, events: &events, secret: "whsec_eA==", created_by: "Ada" };
    let mut transaction = store.write().await.unwrap();
    let webhook = transaction.create_webhook(new).await.unwrap();
    for number in 0..waiting {
        transaction.deliver(&webhook.id, "drift.seen", &json!(number)).await.unwrap();
    }
    transaction.commit().await.unwrap();
    webhook.id
}

#[tokio::test]
async fn a_receiver_that_never_answers_keeps_no_other_one_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("keepstep.db")).await.unwrap();
    let mut transaction = store.write().await.unwrap();
    let scope = Scope::organization(transaction.ensure_organization(None).await.unwrap().id);
    transaction.commit().await.unwrap();
    webhook(&store, &scope, "https://silent.example", 30).await;
    let answering = webhook(&store, &scope, "https://answers.example", 20).await;

    let (sent, mut received) = unbounded_channel();
    let receivers = Arc::new(Receivers { sent, counts: Mutex::default() });
    let platform = Platform::new(store.clone(), Settings::default());
    let delivering = tokio::spawn(platform.deliver(receivers.clone()));
    let mut answered = 0;
    while answered < 20 {
        answered += usize::from(received.recv().await.unwrap().contains("answers"));
    }
    // The last of them is noted.
    while store.deliveries(&answering, 100).await.unwrap().iter().any(|delivery| delivery.delivered_at.is_none()) {
        tokio::task::yield_now().await;
    }
    delivering.abort();
    // The silent one got no more than its two, and each message was sent once.
    let expected = [("https://answers.example".to_owned(), 20), ("https://silent.example".to_owned(), 2)];
    assert_eq!(*receivers.counts.lock().unwrap(), BTreeMap::from(expected));
}

/// Also those of a server that had no key.
#[tokio::test]
async fn what_signs_messages_stands_encrypted_in_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("keepstep.db")).await.unwrap();
    let mut transaction = store.write().await.unwrap();
    let scope = Scope::organization(transaction.ensure_organization(None).await.unwrap().id);
    transaction.commit().await.unwrap();
    let old = webhook(&store, &scope, "https://old.example", 1).await;

    let settings = Settings { secret_key: Some(SecretKey::new([7; 32])), ..Settings::default() };
    let platform = Platform::new(store.clone(), settings);
    let operator = Actor::operator(scope);
    let (_, secret) = platform.create_webhook(&operator, "https://new.example", &["drift.seen".to_owned()]).await.unwrap();
    let kept = async || {
        let secrets = store.webhook_secrets().await.unwrap().into_iter();
        secrets.map(|webhook| (webhook.url, webhook.secret)).collect::<BTreeMap<_, _>>()
    };
    let before = kept().await;
    assert!(is_sealed(&before["https://new.example"]) && !before["https://new.example"].contains(&secret["whsec_".len()..]));
    assert_eq!(before["https://old.example"], "whsec_eA==");
    assert_eq!((platform.seal_secrets().await.unwrap(), platform.seal_secrets().await.unwrap()), (1, 0));
    let after = kept().await;
    assert!(after.values().all(|secret| is_sealed(secret)));
    assert_eq!(after["https://new.example"], before["https://new.example"]);

    let (sent, mut received) = unbounded_channel();
    let delivering = tokio::spawn(platform.deliver(Arc::new(Receivers { sent, counts: Mutex::default() })));
    assert_eq!(received.recv().await.unwrap(), "https://old.example");
    while store.deliveries(&old, 1).await.unwrap()[0].delivered_at.is_none() {
        tokio::task::yield_now().await;
    }
    delivering.abort();
}
