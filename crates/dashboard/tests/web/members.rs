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
    assert!(page.texts("form p")[0].starts_with("Invitation for the role owner, created on"), "{:?}", page.texts("form p"));
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
