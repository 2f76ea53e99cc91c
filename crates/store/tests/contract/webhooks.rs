//! Addresses that are told what happens.

use std::collections::BTreeSet;

use keepstep_store::{Attempt, DueDelivery, NewWebhook, Scope, Store, Webhook};
use serde_json::json;

use crate::world::{START, World};

async fn create(world: &World, url: &str, events: &[&str]) -> Webhook {
    let events: Vec<String> = events.iter().map(|event| (*event).to_owned()).collect();
    let new = NewWebhook { org_id: &world.scope.org_id, url, events: &events, secret: "whsec_eA==", created_by: "Ada" };
    let mut transaction = world.store.write().await.unwrap();
    let webhook = transaction.create_webhook(new).await.unwrap();
    transaction.commit().await.unwrap();
    webhook
}

async fn deliver(store: &Store, webhook: &Webhook, count: usize) -> Vec<String> {
    let mut transaction = store.write().await.unwrap();
    let mut ids = Vec::with_capacity(count);
    for number in 0..count {
        ids.push(transaction.deliver(&webhook.id, "drift.seen", &json!(number)).await.unwrap());
    }
    transaction.commit().await.unwrap();
    ids
}

async fn take(store: &Store, most: u32, most_to_one: u32) -> Vec<DueDelivery> {
    take_beside(store, most, most_to_one, &[]).await
}

async fn take_beside(store: &Store, most: u32, most_to_one: u32, under_way: &[&str]) -> Vec<DueDelivery> {
    let mut transaction = store.write().await.unwrap();
    let due = transaction.take_deliveries(most, most_to_one, under_way, 60_000).await.unwrap();
    transaction.commit().await.unwrap();
    due
}

async fn note(store: &Store, of: &DueDelivery, attempt: Attempt) {
    let mut transaction = store.write().await.unwrap();
    transaction.note_attempt(of, attempt, "so").await.unwrap();
    transaction.commit().await.unwrap();
}

fn ids(due: &[DueDelivery]) -> BTreeSet<&str> {
    due.iter().map(|due| due.delivery.id.as_str()).collect()
}

pub(crate) async fn what_happens_is_written_down_for_who_wants_to_know(world: World) {
    let wants = create(&world, "https://one.example", &["drift.seen", "persona.published"]).await;
    let other = create(&world, "https://two.example", &["bundle.published"]).await;
    let announce = async |scope: &Scope| {
        let mut transaction = world.store.write().await.unwrap();
        let told = transaction.announce(scope, "drift.seen", &json!({"a": 1})).await.unwrap();
        transaction.commit().await.unwrap();
        told
    };
    assert_eq!((announce(&world.scope).await, announce(&Scope::organization("org_other")).await), (1, 0));
    let told = world.store.deliveries(&wants.id, 10).await.unwrap();
    assert_eq!((told.len(), told[0].event.as_str(), told[0].next_at), (1, "drift.seen", Some(START)));
    let body: serde_json::Value = serde_json::from_str(&told[0].body).unwrap();
    assert_eq!((&body["type"], &body["data"]), (&json!("drift.seen"), &json!({"a": 1})));
    assert_eq!(world.store.deliveries(&other.id, 10).await.unwrap(), []);
    // An address that is gone is told nothing more.
    let due = take(&world.store, 16, 2).await;
    note(&world.store, &due[0], Attempt::Gone).await;
    assert_eq!(announce(&world.scope).await, 0);
    assert_eq!(world.store.webhook(&world.scope.org_id, &wants.id).await.unwrap().disabled_at, Some(START));
}

pub(crate) async fn what_one_took_is_another_ones_when_its_time_is_over(world: World) {
    let webhook = create(&world, "https://one.example", &["drift.seen"]).await;
    let sent = deliver(&world.store, &webhook, 1).await;
    let first = take(&world.store, 16, 2).await;
    assert_eq!((ids(&first).contains(sent[0].as_str()), first[0].delivery.attempts), (true, 1));
    assert_eq!((first[0].url.as_str(), first[0].secret.as_str()), ("https://one.example", "whsec_eA=="));
    assert_eq!(take(&world.store, 16, 2).await, []);
    assert_eq!(world.store.next_delivery().await.unwrap(), Some(START + 60_000));
    world.set_clock(START + 60_000);
    let again = take(&world.store, 16, 2).await;
    assert_eq!((ids(&again), again[0].delivery.attempts), (ids(&first), 2));
    note(&world.store, &again[0], Attempt::Again(START + 70_000)).await;
    assert_eq!(world.store.next_delivery().await.unwrap(), Some(START + 70_000));
    world.set_clock(START + 70_000);
    let third = take(&world.store, 16, 2).await;
    note(&world.store, &third[0], Attempt::Delivered).await;
    assert_eq!(world.store.next_delivery().await.unwrap(), None);
    let told = world.store.deliveries(&webhook.id, 10).await.unwrap();
    assert_eq!((told[0].delivered_at, told[0].attempts, told[0].outcome.as_deref()), (Some(START + 70_000), 3, Some("so")));
}

pub(crate) async fn nothing_waits_for_an_address_that_is_gone(world: World) {
    let gone = create(&world, "https://gone.example", &["drift.seen"]).await;
    let other = create(&world, "https://other.example", &["drift.seen"]).await;
    deliver(&world.store, &gone, 3).await;
    deliver(&world.store, &other, 1).await;
    let due = take(&world.store, 16, 2).await;
    let of_gone: Vec<_> = due.iter().filter(|due| due.webhook_id == gone.id).collect();
    note(&world.store, of_gone[0], Attempt::Gone).await;
    // Another attempt was under way.
    note(&world.store, of_gone[1], Attempt::Again(START + 5_000)).await;
    assert!(world.store.deliveries(&gone.id, 10).await.unwrap().iter().all(|delivery| delivery.next_at.is_none()));
    assert!(world.store.deliveries(&other.id, 10).await.unwrap()[0].next_at.is_some());
}

pub(crate) async fn at_most_two_of_a_webhook_are_taken_at_a_time(world: World) {
    let busy = create(&world, "https://busy.example", &["drift.seen"]).await;
    let other = create(&world, "https://other.example", &["drift.seen"]).await;
    deliver(&world.store, &busy, 20).await;
    world.set_clock(START + 1);
    let last = deliver(&world.store, &other, 1).await;
    let due = take(&world.store, 16, 2).await;
    let of = |webhook: &Webhook| due.iter().filter(|due| due.webhook_id == webhook.id).count();
    assert_eq!((of(&busy), of(&other)), (2, 1));
    assert!(ids(&due).contains(last[0].as_str()));
    assert_eq!(take(&world.store, 1, 2).await.len(), 1);
}

pub(crate) async fn what_is_under_way_counts_among_them(world: World) {
    let busy = create(&world, "https://busy.example", &["drift.seen"]).await;
    let half = create(&world, "https://half.example", &["drift.seen"]).await;
    let free = create(&world, "https://free.example", &["drift.seen"]).await;
    for webhook in [&busy, &half, &free] {
        deliver(&world.store, webhook, 5).await;
    }
    let under_way = [busy.id.as_str(), half.id.as_str(), busy.id.as_str()];
    let due = take_beside(&world.store, 16, 2, &under_way).await;
    let of = |webhook: &Webhook| due.iter().filter(|due| due.webhook_id == webhook.id).count();
    assert_eq!((of(&busy), of(&half), of(&free)), (0, 1, 2));
}

pub(crate) async fn the_newest_thousand_of_a_webhook_are_kept_whether_they_wait_or_not(world: World) {
    let (busy, other) = (
        create(&world, "https://busy.example", &["drift.seen"]).await,
        create(&world, "https://other.example", &["drift.seen"]).await,
    );
    deliver(&world.store, &other, 1).await;
    // All of the same moment, then one that is newer.
    deliver(&world.store, &busy, 1_003).await;
    assert_eq!(world.store.deliveries(&busy.id, 2_000).await.unwrap().len(), 1_000);
    world.set_clock(START + 1);
    let newest = deliver(&world.store, &busy, 1).await;
    let kept = world.store.deliveries(&busy.id, 2_000).await.unwrap();
    assert_eq!((kept.len(), &kept[0].id), (1_000, &newest[0]));
    assert_eq!(world.store.deliveries(&other.id, 2_000).await.unwrap().len(), 1);
}

pub(crate) async fn deliveries_go_with_their_webhook(world: World) {
    let webhook = create(&world, "https://one.example", &["drift.seen"]).await;
    deliver(&world.store, &webhook, 3).await;
    let remove = async |org: &str| {
        let mut transaction = world.store.write().await.unwrap();
        let removed = transaction.remove_webhook(org, &webhook.id).await;
        transaction.commit().await.unwrap();
        removed
    };
    assert!(remove("org_other").await.is_err());
    assert_eq!(world.store.deliveries(&webhook.id, 10).await.unwrap().len(), 3);
    remove(&world.scope.org_id).await.unwrap();
    assert_eq!(world.store.deliveries(&webhook.id, 10).await.unwrap(), []);
    assert_eq!(world.store.next_delivery().await.unwrap(), None);
    assert_eq!(world.store.webhooks(&world.scope.org_id).await.unwrap(), []);
}
