//! The people of an organization.

use keepstep_store::{
    Attempted, Device, EmailAddress, Failures, LinkPurpose, LoginProgress, NewKey, NewLink, Role, StoreError, User,
};

use crate::world::{START, World};

async fn user(world: &World, role: Role, name: &str) -> User {
    let mut transaction = world.store.write().await.unwrap();
    let user = transaction.create_user(&world.scope.org_id, role, name).await.unwrap();
    let email = EmailAddress::parse(&format!("{name}@example.com")).unwrap();
    transaction.set_profile(&user.id, name, &email).await.unwrap();
    let user = transaction.user(&world.scope.org_id, &user.id).await.unwrap();
    transaction.commit().await.unwrap();
    user
}

pub(crate) async fn an_address_belongs_to_one_account(world: World) {
    let ada = user(&world, Role::Owner, "Jos\u{e9}").await;
    let bob = user(&world, Role::Viewer, "Bob").await;
    let other_spelling = EmailAddress::parse("JOSE\u{301}@EXAMPLE.COM").unwrap();
    let mut transaction = world.store.write().await.unwrap();
    let taken = transaction.set_profile(&bob.id, "Bob", &other_spelling).await.unwrap_err();
    assert!(matches!(taken, StoreError::EmailTaken { .. }), "{taken}");
    // Whoever has it may write it in another way.
    transaction.set_profile(&ada.id, "Ada", &other_spelling).await.unwrap();
    transaction.commit().await.unwrap();
    let found = world.store.credentials(&EmailAddress::parse("jos\u{e9}@example.com").unwrap()).await.unwrap().unwrap();
    assert_eq!((found.user.id, found.user.name.as_str(), found.password), (ada.id, "Ada", None));
}

pub(crate) async fn the_last_owner_stays_one(world: World) {
    let (ada, bob) = (user(&world, Role::Owner, "Ada").await, user(&world, Role::Editor, "Bob").await);
    let org = world.scope.org_id.as_str();
    let mut transaction = world.store.write().await.unwrap();
    for refused in
        [transaction.set_rights(org, &ada.id, Some(Role::Editor), true).await, transaction.remove_user(org, &ada.id).await]
    {
        assert!(matches!(refused, Err(StoreError::LastOwner { .. })), "{refused:?}");
    }
    assert_eq!(transaction.set_rights(org, &ada.id, Some(Role::Owner), true).await.unwrap(), ada);
    assert_eq!(transaction.set_rights(org, &bob.id, Some(Role::Owner), true).await.unwrap().role, Role::Owner);
    assert_eq!(transaction.set_rights(org, &ada.id, Some(Role::Viewer), true).await.unwrap().role, Role::Viewer);
    assert!(matches!(transaction.remove_user(org, &bob.id).await, Err(StoreError::LastOwner { .. })));
    transaction.commit().await.unwrap();
    let members = world.store.members(org).await.unwrap();
    assert_eq!(members.iter().map(|member| member.user.role).collect::<Vec<_>>(), [Role::Viewer, Role::Owner]);
}

pub(crate) async fn whoever_is_an_owner_no_more_has_no_open_links(world: World) {
    let (ada, bob) = (user(&world, Role::Owner, "Ada").await, user(&world, Role::Owner, "Bob").await);
    let org = world.scope.org_id.as_str();
    let invitation = |by| NewLink {
        org_id: org,
        purpose: LinkPurpose::Invite,
        role: Role::Owner,
        user_id: None,
        created_by: Some(by),
        expires_at: START + 10,
    };
    let reset = NewLink { purpose: LinkPurpose::Reset, user_id: Some(&ada.id), ..invitation(&bob.id) };
    for role in [Some(Role::Editor), None] {
        let mut transaction = world.store.write().await.unwrap();
        let (his, _) = transaction.create_link(invitation(&bob.id)).await.unwrap();
        let (for_ada, _) = transaction.create_link(reset).await.unwrap();
        let (hers, id) = transaction.create_link(invitation(&ada.id)).await.unwrap();
        // Whoever stays an owner keeps theirs.
        transaction.set_rights(org, &bob.id, Some(Role::Owner), false).await.unwrap();
        transaction.commit().await.unwrap();
        assert!(world.store.link_target(his.reveal()).await.is_ok());
        let mut transaction = world.store.write().await.unwrap();
        transaction.set_rights(org, &bob.id, role, true).await.unwrap();
        transaction.commit().await.unwrap();
        for link in [his, for_ada] {
            assert!(matches!(world.store.link_target(link.reveal()).await, Err(StoreError::LinkRevoked)), "{role:?}");
        }
        assert!(world.store.link_target(hers.reveal()).await.is_ok());
        let mut transaction = world.store.write().await.unwrap();
        transaction.revoke_link(org, &id).await.unwrap();
        transaction.set_rights(org, &bob.id, Some(Role::Owner), true).await.unwrap();
        transaction.commit().await.unwrap();
    }
}

pub(crate) async fn whoever_is_removed_is_out_and_their_address_is_free(world: World) {
    let (ada, bob) = (user(&world, Role::Owner, "Ada").await, user(&world, Role::Editor, "Bob").await);
    let org = world.scope.org_id.as_str();
    let mut transaction = world.store.write().await.unwrap();
    let (session, _) = transaction.create_session(&bob, START + 10, &Device::default()).await.unwrap();
    let new = NewLink {
        org_id: org,
        purpose: LinkPurpose::Reset,
        role: bob.role,
        user_id: Some(&bob.id),
        created_by: Some(&ada.id),
        expires_at: START + 10,
    };
    let (link, _) = transaction.create_link(new).await.unwrap();
    let (device, late) = (
        transaction.start_device_login("laptop", "192.0.2.7").await.unwrap(),
        transaction.start_device_login("late", "x").await.unwrap(),
    );
    for (codes, creator) in [(&device, None), (&late, Some(&bob.id))] {
        let login = transaction.device_login(&bob.id, &codes.user).await.unwrap().unwrap();
        transaction.decide_device_login(&login.id, &bob.id, true).await.unwrap();
        let new = NewKey { name: "deploy", role: Role::Viewer, scope: &world.scope, expires_at: None };
        let (_, key) = transaction.create_key(new).await.unwrap();
        transaction.set_key_creator(&key.id, "Bob", creator.unwrap_or(&login.id)).await.unwrap();
    }
    let (invitation, _) = transaction
        .create_link(NewLink { purpose: LinkPurpose::Invite, role: Role::Owner, user_id: None, created_by: Some(&bob.id), ..new })
        .await
        .unwrap();
    let LoginProgress::Approved(keys) = transaction.complete_device_login(device.device.reveal()).await.unwrap() else {
        panic!()
    };
    assert_eq!(transaction.remove_user(org, &bob.id).await.unwrap(), bob);
    assert!(matches!(transaction.remove_user(org, &bob.id).await, Err(StoreError::UserNotFound(_))));
    assert!(matches!(
        transaction.set_rights("org_other", &ada.id, Some(Role::Viewer), true).await,
        Err(StoreError::UserNotFound(_))
    ));
    // Approved, and not yet asked for.
    assert!(matches!(transaction.complete_device_login(late.device.reveal()).await.unwrap(), LoginProgress::Denied));
    transaction.commit().await.unwrap();

    assert_eq!(world.store.session(session.reveal()).await.unwrap(), None);
    assert!(world.store.ended_session(session.reveal()).await.unwrap().is_some());
    for link in [link, invitation] {
        assert!(matches!(world.store.link_target(link.reveal()).await, Err(StoreError::LinkRevoked)));
    }
    assert_eq!(world.store.keys_created_by(org, &bob.id).await.unwrap().len(), 2, "by themselves, and with a device of theirs");
    assert_eq!(world.store.keys_created_by(org, &ada.id).await.unwrap(), []);
    assert_eq!(world.store.keys_created_by("org_other", &bob.id).await.unwrap(), []);
    assert!(world.store.key(keys.access.reveal()).await.unwrap().unwrap().revoked_at.is_some());
    assert!(world.store.credentials(&EmailAddress::parse("bob@example.com").unwrap()).await.unwrap().is_none());
    assert_eq!(world.store.members(org).await.unwrap().len(), 1);
    assert!(matches!(world.store.member(org, &bob.id).await, Err(StoreError::UserNotFound(_))));
    let again = user(&world, Role::Viewer, "Bob").await;
    assert_ne!(again.id, bob.id);
}

pub(crate) async fn somebody_has_roles_in_projects(world: World) {
    let (ada, bob) = (user(&world, Role::Owner, "Ada").await, user(&world, Role::Editor, "Bob").await);
    let org = world.scope.org_id.as_str();
    let mut transaction = world.store.write().await.unwrap();
    let one = transaction.create_project(org, "one").await.unwrap().id;
    let two = transaction.create_project(org, "two").await.unwrap().id;
    let elsewhere = transaction.ensure_organization(Some("Other")).await.unwrap().id;
    let theirs = transaction.create_project(&elsewhere, "theirs").await.unwrap().id;
    transaction.set_membership(org, &bob.id, &one, Some((Role::Viewer, true))).await.unwrap();
    transaction.set_membership(org, &bob.id, &two, Some((Role::Editor, false))).await.unwrap();
    transaction.set_membership(org, &bob.id, &one, Some((Role::Editor, true))).await.unwrap();
    let foreign = transaction.set_membership(org, &bob.id, &theirs, Some((Role::Viewer, true))).await;
    assert!(matches!(foreign, Err(StoreError::ProjectNotFound(_))), "{foreign:?}");
    let confined = transaction.set_rights(org, &bob.id, None, true).await.unwrap();
    assert!(confined.confined);
    let last = transaction.set_rights(org, &ada.id, None, true).await;
    assert!(matches!(last, Err(StoreError::LastOwner { .. })), "{last:?}");
    let (secret, _) = transaction.create_session(&confined, START + 10, &Device::default()).await.unwrap();
    transaction.commit().await.unwrap();

    let session = world.store.session(secret.reveal()).await.unwrap().unwrap();
    let rights = &session.rights;
    assert_eq!((rights.role, rights.may_publish, rights.memberships.len()), (Role::Editor, false, 2));
    assert!(rights.scope.covers(org, Some(&one)) && rights.scope.covers(org, Some(&two)) && !rights.scope.covers(org, None));
    let inside = rights.inside(Some(&one));
    assert!(inside.may_publish && inside.scope.covers(org, Some(&one)) && !inside.scope.covers(org, Some(&two)));

    let mut transaction = world.store.write().await.unwrap();
    transaction.set_membership(org, &bob.id, &two, None).await.unwrap();
    transaction.set_rights(org, &bob.id, Some(Role::Viewer), false).await.unwrap();
    transaction.commit().await.unwrap();
    let rights = world.store.session(secret.reveal()).await.unwrap().unwrap().rights;
    assert_eq!((rights.role, rights.scope.clone()), (Role::Viewer, world.scope.clone()));
    // More in one project than elsewhere, and then only there.
    let inside = rights.inside(Some(&one));
    assert_eq!((inside.role, inside.may_publish, inside.scope.covers(org, Some(&two))), (Role::Editor, true, false));
    assert_eq!(rights.inside(Some(&two)), rights);
    assert_eq!(rights.inside(None), rights);
}

pub(crate) async fn failures_are_counted_for_a_day(world: World) {
    let email = EmailAddress::parse("Ada@example.com").unwrap();
    let other = EmailAddress::parse("ada@EXAMPLE.com").unwrap();
    let mut transaction = world.store.write().await.unwrap();
    for of in [Attempted::Account(&email), Attempted::Account(&other), Attempted::Network("192.0.2.7"), Attempted::User("user_1")]
    {
        transaction.count_failure(of).await.unwrap();
    }
    let twice = Failures { count: 2, last_at: START };
    assert_eq!(transaction.failures(Attempted::Account(&email)).await.unwrap(), twice);
    assert_eq!(transaction.failures(Attempted::Network("192.0.2.7")).await.unwrap().count, 1);
    transaction.uncount_failure(Attempted::Network("192.0.2.7")).await.unwrap();
    transaction.uncount_failure(Attempted::Network("192.0.2.7")).await.unwrap();
    assert_eq!(transaction.failures(Attempted::Network("192.0.2.7")).await.unwrap().count, 0);
    transaction.forget_failures(Attempted::User("user_1")).await.unwrap();
    assert_eq!(transaction.failures(Attempted::User("user_1")).await.unwrap(), Failures::default());
    transaction.commit().await.unwrap();
    world.set_clock(START + 24 * 60 * 60 * 1000);
    let mut transaction = world.store.write().await.unwrap();
    assert_eq!(transaction.failures(Attempted::Account(&email)).await.unwrap(), Failures::default());
}
