//! For how long the experiments of a project are kept.

use keepstep_store::{Scope, StoreError};

use crate::world::{START, World};

pub(crate) async fn a_rule_of_retention_is_set_by_who_knows_the_one_before(world: World) {
    let mut transaction = world.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, "shop").await.unwrap().id;
    transaction.commit().await.unwrap();
    let set = async |before: Option<u32>, days: Option<u32>| {
        let mut transaction = world.store.write().await.unwrap();
        let is_set = transaction.set_retention(&world.scope, &project, before, days, "Ada").await.unwrap();
        transaction.commit().await.unwrap();
        is_set
    };
    assert_eq!(world.store.retention(&world.scope, &project).await.unwrap(), None);
    assert!(set(None, Some(30)).await);
    assert!(!set(None, Some(10)).await);
    let there = world.store.retention(&world.scope, &project).await.unwrap().unwrap();
    assert_eq!((there.days, there.changed_by.as_str(), there.changed_at), (30, "Ada", START));
    let retained = world.store.retained_projects().await.unwrap();
    assert_eq!((retained.len(), retained[0].project_id.as_str(), retained[0].days), (1, project.as_str(), 30));
    let days = async || world.store.write().await.unwrap().retention_days(&project).await.unwrap();
    assert_eq!(days().await, Some(30));
    let elsewhere = Scope::organization("org_other");
    let other = world.store.retention(&elsewhere, &project).await;
    assert!(matches!(other, Err(StoreError::ProjectNotFound(_))), "{other:?}");
    assert!(set(Some(30), None).await);
    assert_eq!((world.store.retained_projects().await.unwrap(), days().await), (vec![], None));

    // The rule of a project that was deleted rests until somebody restores it.
    assert!(set(None, Some(30)).await);
    let mut transaction = world.store.write().await.unwrap();
    transaction.delete_project(&world.scope, &project, "Ada").await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!((world.store.retained_projects().await.unwrap(), days().await), (vec![], None));
}

pub(crate) async fn the_database_says_how_it_is(world: World) {
    let state = world.store.state().await.unwrap();
    assert!(state.bytes > 0 && state.migration >= state.migrations && state.migrations > 10, "{state:?}");
    assert_eq!((state.waiting_deliveries, state.first_delivery), (0, None));
}
