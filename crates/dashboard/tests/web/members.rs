use keepstep_store::Role;
use reqwest::StatusCode;

use crate::site::{Browser, PASSWORD, Page, Site};

/// Invites somebody, and returns the path of the link that is shown.
async fn invite(owner: &mut Browser<'_>, role: &str) -> (Page, String) {
    let page = owner.get("/members").await;
    // The test's browser does not know lists of choices; it adds what a person would choose.
    let mut fields = page.fields("/members", "Create an invitation", &[]);
    fields.push(("role".to_owned(), role.to_owned()));
    let page = owner.post("/members", &[], &fields).await;
    let path = page.text(".notice .command").split_once("/sign-in/").map(|(_, rest)| format!("/sign-in/{rest}"));
    (page, path.unwrap())
}

#[tokio::test]
async fn an_owner_invites_somebody() {
    let site = Site::start().await;
    let mut owner = site.member(Role::Owner, "Ada").await;
    let (page, link) = invite(&mut owner, "viewer").await;
    assert!(page.text(".notice .command").starts_with(&format!("{}/sign-in/link/ks_link_", site.url)));
    let page = owner.get("/members").await;
    assert!(!page.has(".notice"), "it is shown once");
    assert!(!page.body.contains("ks_link_"));
    assert_eq!(page.texts("#links ~ .card tbody th").len(), 1, "{}", page.body);
    assert_eq!(page.texts("td[data-label='Created by:']"), ["Ada"]);

    let mut guest = site.browser();
    let page = guest.get(&link).await;
    assert_eq!(page.texts("form p")[0], "You were invited by Ada, with the role viewer.");
    let filled = [("name", "<i>Bob\u{202e}"), ("email", "bob@example.com"), ("password", PASSWORD), ("repeated", PASSWORD)];
    assert_eq!(guest.submit(&page, &link, "Create my account", &filled).await.status, StatusCode::SEE_OTHER);
    let page = owner.get("/members").await;
    assert_eq!(page.texts("#links ~ .empty p").len(), 1);
    assert!(page.texts("tbody th a").contains(&"<i>Bob\\u{202e}".to_owned()), "{:?}", page.texts("tbody th a"));
}

#[tokio::test]
async fn an_invitation_is_revoked_after_a_question() {
    let site = Site::start().await;
    let mut owner = site.member(Role::Owner, "Ada").await;
    let (_, link) = invite(&mut owner, "owner").await;
    let page = owner.get("/members").await;
    let revoke = page.attributes("a[href$='/revoke']", "href").remove(0);
    let page = owner.get(&revoke).await;
    assert_eq!(page.text("h1"), "Revoke this link?");
    assert!(page.texts("form p")[0].starts_with("Invitation: owner. Created on"), "{:?}", page.texts("form p"));
    assert_eq!(site.browser().get(&link).await.status, StatusCode::OK, "looking revokes nothing");
    let answer = owner.submit(&page, &revoke, "Revoke the link", &[]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/members?done=revoked"));
    let page = site.browser().get(&link).await;
    assert_eq!((page.status, page.text("h1").as_str()), (StatusCode::GONE, "This sign-in link was revoked"));
    assert_eq!(owner.get(&revoke).await.status, StatusCode::NOT_FOUND);
    assert_eq!(owner.get("/members/links/link_x/revoke").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_with_a_link_of_an_owner() {
    let site = Site::start().await;
    let mut owner = site.member(Role::Owner, "Ada").await;
    let mut bob = site.member(Role::Editor, "Bob").await;
    let path = format!("/members/{}", site.id_of("Bob").await);
    let page = owner.get(&path).await;
    assert_eq!(page.text("h1"), "Bob");
    let page = owner.submit(&page, &format!("{path}/reset"), "Create a link for a new password", &[]).await;
    let link = page.text(".notice .command").split_once("/sign-in/").map(|(_, rest)| format!("/sign-in/{rest}")).unwrap();

    let mut browser = site.browser();
    let page = browser.get(&link).await;
    assert_eq!(page.text("h1"), "Choose a new password");
    assert_eq!(page.attributes("input[name=email]", "value"), ["bob@example.com"]);
    assert!(bob.get("/").await.status.is_success(), "looking changes nothing");
    // The address of the account stays, whatever the form sends.
    let filled = [("email", "eve@example.com"), ("password", "a new password"), ("repeated", "a new password")];
    assert_eq!(browser.submit(&page, &link, "Set the password", &filled).await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get("/").await.text(".who-name"), "Bob · editor");
    assert_eq!(bob.get("/").await.status, StatusCode::UNAUTHORIZED);
    for (password, status) in [(PASSWORD, StatusCode::BAD_REQUEST), ("a new password", StatusCode::SEE_OTHER)] {
        let mut browser = site.browser();
        let page = browser.get("/sign-in").await;
        let filled = [("email", "bob@example.com"), ("password", password)];
        assert_eq!(browser.submit(&page, "/sign-in", "Sign in", &filled).await.status, status);
    }
}

#[tokio::test]
async fn only_owners_see_members_and_nobody_sees_those_of_others() {
    let site = Site::start().await;
    let mut editor = site.signed_in(Role::Editor).await;
    let csrf = editor.get("/").await.attributes("input[name=csrf]", "value").remove(0);
    let mut transaction = site.store.write().await.unwrap();
    let other = transaction.ensure_organization(Some("Other")).await.unwrap();
    let theirs = transaction.create_user(&other.id, Role::Owner, "Theirs").await.unwrap().id;
    transaction.commit().await.unwrap();
    let fields = [("csrf".to_owned(), csrf), ("role".to_owned(), "owner".to_owned())];
    for path in ["/members", &format!("/members/{theirs}")] {
        assert_eq!(editor.get(path).await.status, StatusCode::FORBIDDEN);
    }
    for path in ["/members", &format!("/members/{theirs}/reset"), "/members/links/link_x/revoke"] {
        assert_eq!(editor.post(path, &[], &fields).await.status, StatusCode::FORBIDDEN);
    }
    let mut owner = site.signed_in(Role::Owner).await;
    let csrf = owner.get("/").await.attributes("input[name=csrf]", "value").remove(0);
    assert!(!owner.get("/members").await.body.contains("Theirs"));
    assert_eq!(owner.get(&format!("/members/{theirs}")).await.status, StatusCode::NOT_FOUND);
    let fields = [("csrf".to_owned(), csrf)];
    assert_eq!(owner.post(&format!("/members/{theirs}/reset"), &[], &fields).await.status, StatusCode::NOT_FOUND);
}

/// Sends the form that changes a role.
async fn set_role(owner: &mut Browser<'_>, user: &str, role: &str) -> Page {
    let page = owner.get(&format!("/members/{user}")).await;
    let path = format!("/members/{user}/role");
    // The test's browser does not know lists of choices; it adds what a person would choose.
    let mut fields = page.fields(&path, "Change the role", &[]);
    fields.push(("role".to_owned(), role.to_owned()));
    owner.post(&path, &[], &fields).await
}

#[tokio::test]
async fn a_role_is_changed_and_holds_at_once() {
    let site = Site::start().await;
    let mut owner = site.member(Role::Owner, "Ada").await;
    let mut bob = site.member(Role::Editor, "Bob").await;
    let user = site.id_of("Bob").await;
    assert_eq!(set_role(&mut owner, &user, "king").await.status, StatusCode::BAD_REQUEST);
    let answer = set_role(&mut owner, &user, "viewer").await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, format!("/members/{user}?done=role").as_str()));
    assert_eq!(bob.get("/").await.text(".who-name"), "Bob · viewer");
    set_role(&mut owner, &user, "owner").await;
    assert_eq!(bob.get("/members").await.status, StatusCode::OK);
    // Now the first one can become less.
    let ada = site.id_of("Ada").await;
    assert_eq!(set_role(&mut owner, &ada, "editor").await.location(), "/");
    assert_eq!(owner.get("/members").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_last_owner_stays() {
    let site = Site::start().await;
    let mut owner = site.member(Role::Owner, "Ada").await;
    drop(site.member(Role::Editor, "Bob").await);
    let ada = site.id_of("Ada").await;
    let answer = set_role(&mut owner, &ada, "editor").await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!(answer.text(".notice.bad"), "Ada is the only owner: make another member an owner first.");
    let remove = format!("/members/{ada}/remove");
    let page = owner.get(&remove).await;
    let answer = owner.submit(&page, &remove, "Remove them", &[]).await;
    assert_eq!((answer.status, answer.text("h1").as_str()), (StatusCode::CONFLICT, "Remove Ada?"));
    assert_eq!(answer.text(".notice.bad"), "Ada is the only owner: make another member an owner first.");
    assert_eq!(owner.get("/members").await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoever_is_removed_is_out_at_once_and_loses_no_words() {
    let site = Site::start().await;
    let mut owner = site.member(Role::Owner, "Ada").await;
    let mut bob = site.member(Role::Owner, "<u>Bob").await;
    let agent = site.agent("Orders").await;
    let edit = format!("/agents/{agent}/edit");
    let page = bob.get(&edit).await;
    bob.submit(&page, &edit, "Publish", &[("persona", "Be kind.")]).await;
    let form = bob.get(&edit).await;
    let keys = bob.get("/keys").await;
    let mut fields = keys.fields("/keys", "Create the key", &[("name", "deploy")]);
    fields.extend([("role", "viewer"), ("project", ""), ("days", "30")].map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(bob.post("/keys", &[], &fields).await.status, StatusCode::OK);

    let (_, invitation) = invite(&mut bob, "owner").await;

    let remove = format!("/members/{}/remove", site.id_of("<u>Bob").await);
    let page = owner.get(&remove).await;
    assert_eq!(page.text("h1"), "Remove <u>Bob?");
    assert_eq!(
        page.texts("form p"),
        [
            "<u>Bob (<u>bob@example.com), role owner, can no longer sign in.",
            "1 browser and 0 devices are signed out at once. Open links for them, and invitations that they created, are revoked.",
            "What they wrote stays, with their name. They can be invited again.",
            "Keys that they created keep working, until you revoke them: deploy.",
        ]
    );
    assert!(bob.get("/").await.status.is_success(), "looking removes nobody");
    let answer = owner.submit(&page, &remove, "Remove them", &[]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/members?done=removed"));

    let answer = bob.submit(&form, &edit, "Publish", &[("persona", "Hours of work")]).await;
    assert_eq!((answer.status, answer.exact("textarea").as_str()), (StatusCode::UNAUTHORIZED, "Hours of work"));
    assert_eq!(bob.get("/").await.status, StatusCode::UNAUTHORIZED);
    assert!(!site.browser().get(&invitation).await.status.is_success(), "their own invitation does not bring them back");
    let page = bob.get("/sign-in").await;
    let filled = [("email", "<u>bob@example.com"), ("password", PASSWORD)];
    assert_eq!(bob.submit(&page, "/sign-in", "Sign in", &filled).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.published(&agent).await, "Be kind.");
    assert!(owner.get(&format!("/agents/{agent}")).await.body.contains("&lt;u&gt;Bob"), "what they wrote keeps their name");
    assert_eq!(owner.get("/members").await.texts("#people ~ .card tbody th").len(), 1);
    assert_eq!(owner.get(&remove).await.status, StatusCode::NOT_FOUND);
    // The address can be invited again.
    drop(site.member(Role::Viewer, "<u>Bob").await);
}

#[tokio::test]
async fn of_two_owners_who_remove_each_other_one_stays() {
    for _ in 0..5 {
        let site = Site::start().await;
        let mut ada = site.member(Role::Owner, "Ada").await;
        let mut bob = site.member(Role::Owner, "Bob").await;
        let (remove_ada, remove_bob) =
            (format!("/members/{}/remove", site.id_of("Ada").await), format!("/members/{}/remove", site.id_of("Bob").await));
        let (by_ada, by_bob) = (ada.get(&remove_bob).await, bob.get(&remove_ada).await);
        let (first, second) = tokio::join!(
            ada.submit(&by_ada, &remove_bob, "Remove them", &[]),
            bob.submit(&by_bob, &remove_ada, "Remove them", &[])
        );
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [StatusCode::SEE_OTHER, StatusCode::UNAUTHORIZED]);
        let members = site.store.members(&site.scope.org_id).await.unwrap();
        assert_eq!(members.iter().map(|member| member.user.role).collect::<Vec<_>>(), [Role::Owner]);
    }
}

#[tokio::test]
async fn an_owner_signs_a_browser_of_somebody_out() {
    let site = Site::start().await;
    let mut owner = site.member(Role::Owner, "Ada").await;
    let mut bob = site.member(Role::Viewer, "Bob").await;
    let path = format!("/members/{}", site.id_of("Bob").await);
    let page = owner.get(&path).await;
    assert_eq!(page.texts("td[data-label='From:']"), ["127.0.0.1"]);
    let answer = owner.submit(&page, &format!("{path}/sessions/end"), "Sign out", &[]).await;
    assert_eq!(answer.location(), format!("{path}?done=signed-out"));
    assert_eq!(bob.get("/").await.text("h1"), "Your session has ended");
    assert!(owner.get(&path).await.has("#sessions ~ .empty"));
    // A session of somebody else is not ended by the address of this person.
    let own = site.store.sessions(&site.id_of("Ada").await).await.unwrap().remove(0).id;
    let mut fields = page.fields(&format!("{path}/sessions/end"), "Sign out", &[]);
    fields.iter_mut().filter(|(name, _)| name == "session").for_each(|(_, value)| value.clone_from(&own));
    owner.post(&format!("{path}/sessions/end"), &[], &fields).await;
    assert_eq!(owner.get("/").await.status, StatusCode::OK);
}
