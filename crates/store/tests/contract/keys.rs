//! Keys, organizations and projects.

use keepstep_base::api_key::{KeyForm, form_of};
use keepstep_store::{NewKey, Role, Scope, StoreError, USE_NOTED};

use crate::world::{START, World};

pub(crate) async fn a_key_is_found_by_its_text_only(world: World) {
    let mut transaction = world.store.write().await.unwrap();
    let new = NewKey { name: " ci ", role: Role::Editor, scope: &world.scope, expires_at: Some(START + 1) };
    let (secret, key) = transaction.create_key(new).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(form_of(secret.reveal()), KeyForm::Ours);
    assert_eq!(world.store.key(secret.reveal()).await.unwrap(), Some(key.clone()));
    assert_eq!(world.store.key(&secret.stored_hash()).await.unwrap(), None);
    assert_eq!(world.store.key("").await.unwrap(), None);
    assert_eq!((key.name.as_str(), key.role, key.expires_at), ("ci", Role::Editor, Some(START + 1)));
}

pub(crate) async fn the_use_of_a_key_is_noted_now_and_then(world: World) {
    let mut transaction = world.store.write().await.unwrap();
    let new = NewKey { name: "ci", role: Role::Viewer, scope: &world.scope, expires_at: None };
    let (secret, key) = transaction.create_key(new).await.unwrap();
    transaction.set_key_creator(&key.id, "Ada", "user_ada").await.unwrap();
    transaction.commit().await.unwrap();
    for (later, by, noted) in
        [(0, "curl", (0, "curl")), (USE_NOTED - 1, "git", (0, "curl")), (USE_NOTED, "git", (USE_NOTED, "git"))]
    {
        world.set_clock(START + later);
        let mut transaction = world.store.write().await.unwrap();
        transaction.note_key_use(&key.id, by).await.unwrap();
        transaction.commit().await.unwrap();
        let key = world.store.key(secret.reveal()).await.unwrap().unwrap();
        assert_eq!(
            (key.created_by.as_deref(), key.used_at, key.used_by.as_deref()),
            (Some("Ada"), Some(START + noted.0), Some(noted.1))
        );
    }
}

pub(crate) async fn a_revoked_key_stays_in_the_list(world: World) {
    let mut transaction = world.store.write().await.unwrap();
    let new = NewKey { name: "ci", role: Role::Viewer, scope: &world.scope, expires_at: None };
    let (secret, key) = transaction.create_key(new).await.unwrap();
    let elsewhere = transaction.revoke_key("org_other", &key.id).await.unwrap_err();
    assert!(matches!(elsewhere, StoreError::KeyNotFound(_)));
    transaction.revoke_key(&world.scope.org_id, &key.id).await.unwrap();
    transaction.revoke_key(&world.scope.org_id, &key.id).await.unwrap();
    transaction.commit().await.unwrap();
    let keys = world.store.keys(&world.scope.org_id).await.unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].revoked_at, Some(START));
    assert_eq!(world.store.key(secret.reveal()).await.unwrap().unwrap().revoked_at, Some(START));
}

pub(crate) async fn a_name_is_one_line(world: World) {
    for name in ["", "  ", "a\nb", "a\u{1b}[31m", "a\0", &"x".repeat(201)] {
        let mut transaction = world.store.write().await.unwrap();
        let new = NewKey { name, role: Role::Viewer, scope: &world.scope, expires_at: None };
        assert!(matches!(transaction.create_key(new).await, Err(StoreError::InvalidName { .. })), "{name:?}");
        assert!(matches!(transaction.create_project(&world.scope.org_id, name).await, Err(StoreError::InvalidName { .. })));
        assert!(matches!(transaction.ensure_organization(Some(name)).await, Err(StoreError::InvalidName { .. })));
    }
}

pub(crate) async fn the_default_organization_is_made_once(world: World) {
    let mut transaction = world.store.write().await.unwrap();
    let default = transaction.ensure_organization(None).await.unwrap();
    assert_eq!(default.id, world.scope.org_id);
    let acme = transaction.ensure_organization(Some("Acme")).await.unwrap();
    assert_eq!(transaction.ensure_organization(Some(" Acme ")).await.unwrap(), acme);
    assert_eq!(transaction.ensure_organization(None).await.unwrap(), default);
    transaction.commit().await.unwrap();
    assert_eq!(world.store.organizations().await.unwrap(), [default, acme]);
}

pub(crate) async fn a_project_has_a_name_of_its_own(world: World) {
    let mut transaction = world.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, "orders").await.unwrap();
    let error = transaction.create_project(&world.scope.org_id, "orders").await.unwrap_err();
    assert!(matches!(error, StoreError::NameTaken { what: "project", .. }), "{error}");
    assert_eq!(transaction.project(&project.id).await.unwrap(), project);
    assert!(matches!(transaction.project("project_x").await, Err(StoreError::ProjectNotFound(_))));
    let scope = Scope::of(&world.scope.org_id, Some(project.id.clone()));
    let new = NewKey { name: "ci", role: Role::Viewer, scope: &scope, expires_at: None };
    transaction.create_key(new).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(world.store.projects(&world.scope.org_id).await.unwrap(), [project]);
}
