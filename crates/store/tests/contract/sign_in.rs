//! Links, users and sessions.

use keepstep_store::{Role, StoreError};

use crate::world::{START, World};

pub(crate) async fn a_link_signs_in_once(world: World) {
    let mut transaction = world.store.write().await.unwrap();
    let link = transaction.create_link(&world.scope.org_id, Role::Owner, None, START + 10).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(!world.store.has_users().await.unwrap());
    assert_eq!(world.store.link_target(link.reveal()).await.unwrap().role, Role::Owner);

    let mut transaction = world.store.write().await.unwrap();
    let user = transaction.redeem_link(link.reveal(), "Ada").await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!((user.name.as_str(), user.role), ("Ada", Role::Owner));
    assert!(world.store.has_users().await.unwrap());

    let mut transaction = world.store.write().await.unwrap();
    assert!(matches!(transaction.redeem_link(link.reveal(), "Eve").await, Err(StoreError::LinkUsed)));
    assert!(matches!(transaction.redeem_link("ks_link_x", "Eve").await, Err(StoreError::LinkUnknown)));
    let again = transaction.create_link(&world.scope.org_id, Role::Viewer, Some(&user.id), START + 10).await.unwrap();
    assert_eq!(transaction.redeem_link(again.reveal(), "ignored").await.unwrap(), user);
}

pub(crate) async fn a_link_ends(world: World) {
    let mut transaction = world.store.write().await.unwrap();
    let link = transaction.create_link(&world.scope.org_id, Role::Owner, None, START + 10).await.unwrap();
    transaction.commit().await.unwrap();
    world.set_clock(START + 10);
    let mut transaction = world.store.write().await.unwrap();
    assert!(matches!(transaction.redeem_link(link.reveal(), "Ada").await, Err(StoreError::LinkExpired)));
    drop(transaction);
    assert!(matches!(world.store.link_target(link.reveal()).await, Err(StoreError::LinkExpired)));
}

pub(crate) async fn a_session_ends(world: World) {
    let mut transaction = world.store.write().await.unwrap();
    let user = transaction.create_user(&world.scope.org_id, Role::Editor, "Ada").await.unwrap();
    let (first, session) = transaction.create_session(&user, START + 10).await.unwrap();
    let (second, other) = transaction.create_session(&user, START + 20).await.unwrap();
    transaction.commit().await.unwrap();
    assert_ne!(session.csrf, other.csrf);
    assert_eq!(world.store.session(first.reveal()).await.unwrap(), Some(session));
    assert_eq!(world.store.session(&first.stored_hash()).await.unwrap(), None);

    world.set_clock(START + 10);
    assert_eq!(world.store.session(first.reveal()).await.unwrap(), None);
    assert!(world.store.session(second.reveal()).await.unwrap().is_some());
    let mut transaction = world.store.write().await.unwrap();
    transaction.end_session(second.reveal()).await.unwrap();
    transaction.end_session(second.reveal()).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(world.store.session(second.reveal()).await.unwrap(), None);
}
