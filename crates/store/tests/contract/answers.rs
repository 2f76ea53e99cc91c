//! Repeated requests.

use keepstep_store::{Once, StoreError, StoredResponse};

use crate::world::{START, World};

fn once(key: &str, request: &str) -> Once {
    Once { owner: "key_1".to_owned(), key: key.to_owned(), request: request.to_owned() }
}

fn answer() -> StoredResponse {
    StoredResponse { status: 201, body: "{\"version\":1}".to_owned() }
}

async fn remembered(world: &World) {
    let mut transaction = world.store.write().await.unwrap();
    assert_eq!(transaction.recall(&once("k", "r")).await.unwrap(), None);
    transaction.remember(&once("k", "r"), &answer()).await.unwrap();
    transaction.commit().await.unwrap();
}

pub(crate) async fn the_same_request_gets_the_same_answer(world: World) {
    remembered(&world).await;
    let mut transaction = world.store.write().await.unwrap();
    assert_eq!(transaction.recall(&once("k", "r")).await.unwrap(), Some(answer()));
    let other_owner = Once { owner: "key_2".to_owned(), ..once("k", "r") };
    assert_eq!(transaction.recall(&other_owner).await.unwrap(), None);
}

pub(crate) async fn another_request_with_the_same_key_is_a_mistake(world: World) {
    remembered(&world).await;
    let mut transaction = world.store.write().await.unwrap();
    let error = transaction.recall(&once("k", "other")).await.unwrap_err();
    assert!(matches!(error, StoreError::OtherRequest), "{error}");
}

pub(crate) async fn an_answer_is_forgotten_with_its_transaction(world: World) {
    let mut transaction = world.store.write().await.unwrap();
    transaction.remember(&once("k", "r"), &answer()).await.unwrap();
    drop(transaction);
    let mut transaction = world.store.write().await.unwrap();
    assert_eq!(transaction.recall(&once("k", "r")).await.unwrap(), None);
}

pub(crate) async fn an_answer_is_kept_for_a_day(world: World) {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    remembered(&world).await;
    world.set_clock(START + DAY - 1);
    let mut transaction = world.store.write().await.unwrap();
    assert!(transaction.recall(&once("k", "r")).await.unwrap().is_some());
    drop(transaction);
    world.set_clock(START + DAY);
    let mut transaction = world.store.write().await.unwrap();
    assert_eq!(transaction.recall(&once("k", "other")).await.unwrap(), None);
    transaction.remember(&once("k", "other"), &answer()).await.unwrap();
    transaction.commit().await.unwrap();
}
