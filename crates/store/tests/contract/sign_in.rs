//! Links and sessions.

use keepstep_base::api_key::ApiKey;
use keepstep_store::{
    Device, EmailAddress, LinkPurpose, LoginProgress, Membership, NewAccount, NewIdentity, NewLink, Role, StoreError, USE_NOTED,
};

use crate::world::{START, World};

async fn link(world: &World, purpose: LinkPurpose, role: Role, user_id: Option<&str>) -> (ApiKey, String) {
    let mut transaction = world.store.write().await.unwrap();
    let (org_id, expires_at) = (world.scope.org_id.as_str(), START + 10);
    let new = NewLink { org_id, purpose, role, user_id, created_by: None, expires_at };
    let link = transaction.create_link(new).await.unwrap();
    transaction.commit().await.unwrap();
    link
}

pub(crate) async fn a_link_makes_an_account_once(world: World) {
    let (link, id) = link(&world, LinkPurpose::Invite, Role::Editor, None).await;
    assert!(!world.store.has_users().await.unwrap());
    let target = world.store.link_target(link.reveal()).await.unwrap();
    assert_eq!((target.purpose, target.role, target.account), (LinkPurpose::Invite, Role::Editor, None));
    assert_eq!(world.store.open_links(&world.scope.org_id).await.unwrap()[0].id, id);

    let email = EmailAddress::parse("Ada@example.com").unwrap();
    let account = NewAccount { name: "Ada", email: &email, password: "hash" };
    let mut transaction = world.store.write().await.unwrap();
    let user = transaction.redeem_link(link.reveal(), &account).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!((user.name.as_str(), user.role, user.email.as_deref()), ("Ada", Role::Editor, Some("Ada@example.com")));
    assert!(world.store.has_users().await.unwrap());
    let found = world.store.credentials(&EmailAddress::parse("ADA@EXAMPLE.com").unwrap()).await.unwrap().unwrap();
    assert_eq!((found.user, found.password.as_deref()), (user, Some("hash")));

    let mut transaction = world.store.write().await.unwrap();
    assert!(matches!(transaction.redeem_link(link.reveal(), &account).await, Err(StoreError::LinkUsed)));
    assert!(matches!(transaction.redeem_link("ks_link_x", &account).await, Err(StoreError::LinkUnknown)));
    assert!(matches!(transaction.revoke_link(&world.scope.org_id, &id).await, Err(StoreError::LinkUnknown)));
    assert!(world.store.open_links(&world.scope.org_id).await.unwrap().is_empty());
}

pub(crate) async fn a_link_for_a_new_password_ends_the_sessions_of_its_account(world: World) {
    let mut transaction = world.store.write().await.unwrap();
    let user = transaction.create_user(&world.scope.org_id, Role::Viewer, "Ada").await.unwrap();
    let (session, _) = transaction.create_session(&user, START + 10, &Device::default()).await.unwrap();
    transaction.commit().await.unwrap();
    let (link, _) = link(&world, LinkPurpose::Reset, Role::Owner, Some(&user.id)).await;
    let target = world.store.link_target(link.reveal()).await.unwrap();
    assert_eq!((target.role, target.account.unwrap().name.as_str()), (Role::Viewer, "Ada"));
    let email = EmailAddress::parse("ada@example.com").unwrap();
    let mut transaction = world.store.write().await.unwrap();
    let account = NewAccount { name: "ignored", email: &email, password: "hash" };
    let again = transaction.redeem_link(link.reveal(), &account).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!((&again.id, again.name.as_str(), again.role), (&user.id, "Ada", Role::Viewer));
    assert_eq!(world.store.session(session.reveal()).await.unwrap(), None);
    assert!(world.store.ended_session(session.reveal()).await.unwrap().is_some());
}

pub(crate) async fn a_link_ends_by_itself_or_is_revoked(world: World) {
    let email = EmailAddress::parse("ada@example.com").unwrap();
    let account = NewAccount { name: "Ada", email: &email, password: "hash" };
    let (revoked, id) = link(&world, LinkPurpose::Invite, Role::Owner, None).await;
    let (expired, _) = link(&world, LinkPurpose::Owner, Role::Owner, None).await;
    let mut transaction = world.store.write().await.unwrap();
    assert!(matches!(transaction.revoke_link("org_other", &id).await, Err(StoreError::LinkUnknown)));
    transaction.revoke_link(&world.scope.org_id, &id).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(matches!(world.store.link_target(revoked.reveal()).await, Err(StoreError::LinkRevoked)));
    world.set_clock(START + 10);
    let mut transaction = world.store.write().await.unwrap();
    assert!(matches!(transaction.redeem_link(expired.reveal(), &account).await, Err(StoreError::LinkExpired)));
    assert!(matches!(transaction.redeem_link(revoked.reveal(), &account).await, Err(StoreError::LinkRevoked)));
    drop(transaction);
    assert!(matches!(world.store.link_target(expired.reveal()).await, Err(StoreError::LinkExpired)));
    assert!(world.store.open_links(&world.scope.org_id).await.unwrap().is_empty());
}

pub(crate) async fn a_link_gives_exactly_what_it_says(world: World) {
    let (link, id) = link(&world, LinkPurpose::Invite, Role::Viewer, None).await;
    let org = world.scope.org_id.as_str();
    let mut transaction = world.store.write().await.unwrap();
    let mut projects = Vec::new();
    for (name, role, may_publish) in [("b", Role::Editor, false), ("a", Role::Viewer, true)] {
        let project_id = transaction.create_project(org, name).await.unwrap().id;
        projects.push(Membership { project_id, role, may_publish });
    }
    let elsewhere = transaction.ensure_organization(Some("Other")).await.unwrap().id;
    let theirs = transaction.create_project(&elsewhere, "theirs").await.unwrap().id;
    let foreign = Membership { project_id: theirs, ..projects[0].clone() };
    let refused = transaction.set_link_rights(&elsewhere, &id, true, true, &[]).await;
    assert!(matches!(refused, Err(StoreError::LinkUnknown)), "{refused:?}");
    let refused = transaction.set_link_rights(org, &id, true, true, &[foreign]).await;
    assert!(matches!(refused, Err(StoreError::ProjectNotFound(_))), "{refused:?}");
    transaction.set_link_rights(org, &id, true, true, &projects).await.unwrap();
    transaction.commit().await.unwrap();

    let rights = world.store.link_target(link.reveal()).await.unwrap().rights;
    assert_eq!(rights.role, None);
    let listed: Vec<_> = rights.projects.iter().map(|project| (project.name.as_str(), project.membership.clone())).collect();
    assert_eq!(listed, [("a", projects[1].clone()), ("b", projects[0].clone())]);
    assert_eq!(world.store.open_links(org).await.unwrap()[0].rights, rights);

    let mut transaction = world.store.write().await.unwrap();
    let user = transaction.redeem_link_without_password(link.reveal(), "Ada", None).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!((user.confined, user.email.clone()), (true, None));
    let mut given = world.store.memberships(&user.id).await.unwrap();
    given.sort_by_key(|membership| membership.role);
    assert_eq!(given, [projects[1].clone(), projects[0].clone()]);
    assert!(world.store.open_links(org).await.unwrap().is_empty());
}

pub(crate) async fn an_identity_is_one_persons(world: World) {
    let (link, _) = link(&world, LinkPurpose::Invite, Role::Editor, None).await;
    let org = world.scope.org_id.as_str();
    let email = EmailAddress::parse("Ada@example.com").unwrap();
    let ada = NewIdentity { issuer: "https://id.example", subject: "1", email: Some(&email) };
    let mut transaction = world.store.write().await.unwrap();
    assert_eq!(transaction.use_identity(ada.issuer, ada.subject).await.unwrap(), None);
    let user = transaction.redeem_link_without_password(link.reveal(), "Ada", Some(&email)).await.unwrap();
    assert_eq!((user.role, user.email.as_deref(), user.may_publish), (Role::Editor, Some("Ada@example.com"), true));
    transaction.link_identity(&user.id, ada).await.unwrap();
    assert!(transaction.has_identity_of(&user.id, ada.issuer).await.unwrap());
    assert!(!transaction.has_identity_of(&user.id, "https://other.example").await.unwrap());
    assert!(!transaction.has_password(&user.id).await.unwrap());
    transaction.commit().await.unwrap();

    world.set_clock(START + 5);
    let mut transaction = world.store.write().await.unwrap();
    for (issuer, subject) in [("https://id.example", "2"), ("https://other.example", "1")] {
        assert_eq!(transaction.use_identity(issuer, subject).await.unwrap(), None);
    }
    assert_eq!(transaction.use_identity(ada.issuer, ada.subject).await.unwrap().unwrap().id, user.id);
    // Neither a second one of the same issuer, nor the same for somebody else.
    let bob = transaction.create_user(org, Role::Viewer, "Bob").await.unwrap();
    transaction.commit().await.unwrap();
    for (id, subject) in [(&user.id, "2"), (&bob.id, "1")] {
        let mut transaction = world.store.write().await.unwrap();
        assert!(transaction.link_identity(id, NewIdentity { subject, ..ada }).await.is_err());
    }
    let linked = world.store.identities(&user.id).await.unwrap();
    assert_eq!((linked.len(), linked[0].email.as_deref()), (1, Some("Ada@example.com")));
    assert_eq!((linked[0].created_at, linked[0].used_at), (START, START + 5));
    let members = world.store.members(org).await.unwrap();
    assert_eq!(members.iter().map(|member| member.has_identity).collect::<Vec<_>>(), [true, false]);
    assert_eq!(world.store.owners().await.unwrap(), []);

    let mut transaction = world.store.write().await.unwrap();
    assert_eq!(transaction.unlink_identity(&bob.id, &linked[0].id).await.unwrap(), None);
    assert_eq!(transaction.unlink_identity(&user.id, &linked[0].id).await.unwrap().as_ref(), Some(&linked[0]));
    transaction.link_identity(&user.id, ada).await.unwrap();
    transaction.remove_user(org, &user.id).await.unwrap();
    assert_eq!(transaction.use_identity(ada.issuer, ada.subject).await.unwrap(), None);
    transaction.link_identity(&bob.id, ada).await.unwrap();
    transaction.commit().await.unwrap();
}

pub(crate) async fn a_link_for_an_owner_shuts_out_whoever_had_the_account(world: World) {
    let org = world.scope.org_id.as_str();
    let email = EmailAddress::parse("ada@example.com").unwrap();
    let identity = NewIdentity { issuer: "https://id.example", subject: "eve", email: None };
    let mut transaction = world.store.write().await.unwrap();
    let eve = transaction.create_user(org, Role::Viewer, "Eve").await.unwrap();
    transaction.set_profile(&eve.id, "Eve", &email).await.unwrap();
    transaction.commit().await.unwrap();
    for password in [None, Some("hash")] {
        let mut transaction = world.store.write().await.unwrap();
        transaction.set_password(&eve.id, "hers", None).await.unwrap();
        transaction.link_identity(&eve.id, identity).await.unwrap();
        let (session, _) = transaction.create_session(&eve, START + 10, &Device::default()).await.unwrap();
        let codes = transaction.start_device_login("laptop", "192.0.2.7").await.unwrap();
        let login = transaction.device_login(&eve.id, &codes.user).await.unwrap().unwrap();
        transaction.decide_device_login(&login.id, &eve.id, true).await.unwrap();
        let progress = transaction.complete_device_login(codes.device.reveal()).await.unwrap();
        let LoginProgress::Approved(keys) = progress else { panic!() };
        transaction.commit().await.unwrap();
        let (reset, _) = link(&world, LinkPurpose::Reset, Role::Viewer, Some(&eve.id)).await;
        let (owner, _) = link(&world, LinkPurpose::Owner, Role::Owner, None).await;

        let mut transaction = world.store.write().await.unwrap();
        let user = match password {
            Some(password) => {
                let account = NewAccount { name: "Ada", email: &email, password };
                transaction.redeem_link(owner.reveal(), &account).await.unwrap()
            }
            None => transaction.redeem_link_without_password(owner.reveal(), "Ada", Some(&email)).await.unwrap(),
        };
        assert_eq!((&user.id, user.role), (&eve.id, Role::Owner));
        assert_eq!(transaction.use_identity(identity.issuer, identity.subject).await.unwrap(), None);
        transaction.commit().await.unwrap();
        assert_eq!(world.store.password(&eve.id).await.unwrap().as_deref(), password);
        assert_eq!(world.store.session(session.reveal()).await.unwrap(), None);
        assert!(world.store.key(keys.access.reveal()).await.unwrap().unwrap().revoked_at.is_some());
        assert!(matches!(world.store.link_target(reset.reveal()).await, Err(StoreError::LinkRevoked)));
    }
}

pub(crate) async fn a_link_for_an_owner_makes_one_of_whoever_has_proved_who_they_are(world: World) {
    let org = world.scope.org_id.as_str();
    let mut transaction = world.store.write().await.unwrap();
    let ada = transaction.create_user(org, Role::Viewer, "Ada").await.unwrap();
    let elsewhere = transaction.ensure_organization(Some("Other")).await.unwrap().id;
    let bob = transaction.create_user(&elsewhere, Role::Viewer, "Bob").await.unwrap();
    transaction.commit().await.unwrap();
    let (invitation, _) = link(&world, LinkPurpose::Invite, Role::Owner, None).await;
    let (owner, _) = link(&world, LinkPurpose::Owner, Role::Owner, None).await;
    let mut transaction = world.store.write().await.unwrap();
    assert_eq!(transaction.redeem_owner_link(invitation.reveal(), &ada).await.unwrap(), None);
    assert_eq!(transaction.redeem_owner_link(owner.reveal(), &bob).await.unwrap(), None);
    let made = transaction.redeem_owner_link(owner.reveal(), &ada).await.unwrap().unwrap();
    assert_eq!((&made.id, made.role), (&ada.id, Role::Owner));
    assert!(matches!(transaction.redeem_owner_link(owner.reveal(), &ada).await, Err(StoreError::LinkUsed)));
    transaction.commit().await.unwrap();
    assert!(world.store.link_target(invitation.reveal()).await.is_ok());
}

pub(crate) async fn a_session_ends(world: World) {
    let mut transaction = world.store.write().await.unwrap();
    let user = transaction.create_user(&world.scope.org_id, Role::Editor, "Ada").await.unwrap();
    let device = Device { name: "Firefox on Linux".to_owned(), address: "192.0.2.7".to_owned() };
    let (first, session) = transaction.create_session(&user, START + 10, &device).await.unwrap();
    let (second, other) = transaction.create_session(&user, START + 20, &Device::default()).await.unwrap();
    transaction.commit().await.unwrap();
    assert_ne!(session.csrf, other.csrf);
    assert_eq!(world.store.session(first.reveal()).await.unwrap(), Some(session.clone()));
    assert_eq!(world.store.session(&first.stored_hash()).await.unwrap(), None);
    let listed = world.store.sessions(&user.id).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().any(|listed| listed.id == session.id && listed.device == device));

    world.set_clock(START + 10);
    assert_eq!(world.store.session(first.reveal()).await.unwrap(), None);
    assert_eq!(world.store.ended_session(first.reveal()).await.unwrap(), Some(session));
    assert!(world.store.session(second.reveal()).await.unwrap().is_some());
    let mut transaction = world.store.write().await.unwrap();
    transaction.end_session(second.reveal()).await.unwrap();
    transaction.end_session(second.reveal()).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(world.store.session(second.reveal()).await.unwrap(), None);
    assert!(world.store.sessions(&user.id).await.unwrap().is_empty());
}

pub(crate) async fn the_use_of_a_session_is_noted_now_and_then(world: World) {
    let mut transaction = world.store.write().await.unwrap();
    let user = transaction.create_user(&world.scope.org_id, Role::Editor, "Ada").await.unwrap();
    let (_, session) = transaction.create_session(&user, i64::MAX, &Device::default()).await.unwrap();
    transaction.commit().await.unwrap();
    for (later, noted) in [(USE_NOTED - 1, 0), (USE_NOTED, USE_NOTED), (USE_NOTED + 1, USE_NOTED)] {
        world.set_clock(START + later);
        let mut transaction = world.store.write().await.unwrap();
        transaction.note_session_use(&session.id).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(world.store.sessions(&user.id).await.unwrap()[0].used_at, START + noted);
    }
}
