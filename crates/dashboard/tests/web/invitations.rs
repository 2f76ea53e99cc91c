//! Invitations to some projects.

use keepstep_store::Role;
use reqwest::StatusCode;
use serde_json::json;

use crate::issuer::Issuer;
use crate::site::{Browser, PASSWORD, Page, Site};

async fn project(site: &Site, name: &str) -> String {
    let mut transaction = site.store.write().await.unwrap();
    let project = transaction.create_project(&site.scope.org_id, name).await.unwrap().id;
    transaction.commit().await.unwrap();
    project
}

/// Sends the form with what was chosen in it: the test's browser knows neither lists of choices nor boxes.
async fn invite(owner: &mut Browser<'_>, path: &str, chosen: &[(String, &str)]) -> Page {
    let page = owner.get(path).await;
    let csrf = page.attributes("main input[name=csrf]", "value").remove(0);
    let mut fields: Vec<_> = chosen.iter().map(|(name, value)| (name.clone(), (*value).to_owned())).collect();
    fields.push(("csrf".to_owned(), csrf));
    owner.post(path, &[], &fields).await
}

/// Returns the path of the link that a page shows.
fn link(page: &Page) -> String {
    page.text(".notice .command").split_once("/sign-in/").map(|(_, rest)| format!("/sign-in/{rest}")).unwrap()
}

/// Accepts an invitation with a password.
async fn accept<'a>(site: &'a Site, link: &str, name: &str) -> Browser<'a> {
    let mut browser = site.browser();
    let page = browser.get(link).await;
    let email = format!("{name}@example.com");
    let filled = [("name", name), ("email", &email), ("password", PASSWORD), ("repeated", PASSWORD)];
    let answer = browser.submit(&page, link, "Create my account", &filled).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    browser
}

#[tokio::test]
async fn an_invitation_to_projects_gives_exactly_these_rights() {
    let issuer = Issuer::new();
    let site = Site::start_with(issuer.settings()).await;
    let mut owner = site.member(Role::Owner, "Ada").await;
    assert!(owner.get("/members/invite").await.has(".empty"));
    let (drafts, read, hidden) =
        (project(&site, "<b>drafts").await, project(&site, "read").await, project(&site, "hidden").await);
    let page = owner.get("/members/invite").await;
    assert_eq!(page.texts("tbody th"), ["<b>drafts", "hidden", "read"]);
    let chosen = [
        (format!("role.{drafts}"), "editor"),
        (format!("role.{read}"), "viewer"),
        (format!("publish.{read}"), "yes"),
        (format!("role.{hidden}"), ""),
    ];
    let invitation = link(&invite(&mut owner, "/members/invite", &chosen).await);
    let page = owner.get("/members").await;
    assert_eq!(page.texts("td[data-label='Gives:']"), ["editor who saves drafts in <b>drafts, viewer in read"]);
    let other = link(&invite(&mut owner, "/members/invite", &chosen).await);

    let page = site.browser().get(&invitation).await;
    assert_eq!(
        page.texts("form p")[0],
        "You were invited by Ada: editor who saves drafts in <b>drafts, viewer in read. You see these projects, and nothing else."
    );
    let by_password = accept(&site, &invitation, "bob").await;
    let mut by_identity = site.browser();
    let person = json!({ "sub": "carl", "email": "carl@example.com", "email_verified": true, "name": "carl" });
    assert_eq!(issuer.sign_in(&mut by_identity, &format!("{other}/oidc"), &person).await.location(), "/");
    for (mut guest, name) in [(by_password, "bob"), (by_identity, "carl")] {
        assert_eq!(guest.get("/projects").await.texts("tbody th a"), ["<b>drafts", "read"]);
        for (path, status) in [
            (format!("/projects/{drafts}"), StatusCode::OK),
            (format!("/projects/{read}"), StatusCode::OK),
            (format!("/projects/{hidden}"), StatusCode::NOT_FOUND),
            (format!("/projects/{drafts}/new-scenario"), StatusCode::OK),
            (format!("/projects/{read}/new-scenario"), StatusCode::FORBIDDEN),
            ("/members".to_owned(), StatusCode::FORBIDDEN),
            ("/members/invite".to_owned(), StatusCode::FORBIDDEN),
        ] {
            assert_eq!(guest.get(&path).await.status, status, "{name} {path}");
        }
        let page = owner.get(&format!("/members/{}", site.id_of(name).await)).await;
        let mut roles = page.texts("#projects ~ .card td[data-label='Role:']");
        roles.sort();
        assert_eq!(roles, ["editor", "viewer"]);
        assert_eq!(page.texts("#projects ~ .card td[data-label='Publishes:']"), ["no", "no"]);
    }
    assert!(owner.get("/members").await.texts("td[data-label='Role:']").ends_with(&["none".to_owned(), "none".to_owned()]));
}

#[tokio::test]
async fn an_invitation_to_the_organization_says_whether_they_publish() {
    let site = Site::start().await;
    let mut owner = site.member(Role::Owner, "Ada").await;
    for (publish, gives) in [(None, "editor who saves drafts"), (Some("yes"), "editor")] {
        let mut chosen = vec![("role".to_owned(), "editor")];
        chosen.extend(publish.map(|publish| ("publish".to_owned(), publish)));
        let invitation = link(&invite(&mut owner, "/members", &chosen).await);
        assert_eq!(owner.get("/members").await.texts("td[data-label='Gives:']"), [gives]);
        let page = site.browser().get(&invitation).await;
        assert_eq!(page.texts("form p")[0], format!("You were invited by Ada, with the role {gives}."));
        drop(accept(&site, &invitation, gives.rsplit(' ').next().unwrap()).await);
    }
    let members = site.store.members(&site.scope.org_id).await.unwrap();
    let rights: Vec<_> =
        members.iter().map(|member| (member.user.name.as_str(), member.user.may_publish, member.user.confined)).collect();
    assert_eq!(rights, [("Ada", true, false), ("drafts", false, false), ("editor", true, false)]);
}

#[tokio::test]
async fn an_invitation_to_nothing_or_to_what_is_not_theirs_is_refused() {
    let site = Site::start().await;
    let mut owner = site.member(Role::Owner, "Ada").await;
    let mine = project(&site, "mine").await;
    let mut transaction = site.store.write().await.unwrap();
    let elsewhere = transaction.ensure_organization(Some("Other")).await.unwrap().id;
    let theirs = transaction.create_project(&elsewhere, "theirs").await.unwrap().id;
    transaction.commit().await.unwrap();
    let answer = invite(&mut owner, "/members/invite", &[(format!("role.{mine}"), "")]).await;
    assert_eq!(
        (answer.status, answer.text(".notice.bad").as_str()),
        (StatusCode::BAD_REQUEST, "Choose a role in at least one project.")
    );
    let answer = invite(&mut owner, "/members/invite", &[(format!("role.{mine}"), "owner")]).await;
    assert_eq!(
        (answer.status, answer.text(".notice.bad").as_str()),
        (StatusCode::BAD_REQUEST, "A role in a project is viewer or editor.")
    );
    for (name, value, status) in [
        (format!("role.{theirs}"), "viewer", StatusCode::NOT_FOUND),
        ("role.project_x".to_owned(), "viewer", StatusCode::NOT_FOUND),
        (format!("role.{mine}"), "king", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(invite(&mut owner, "/members/invite", &[(name.clone(), value)]).await.status, status, "{name}");
    }
    assert!(site.store.open_links(&site.scope.org_id).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_invitation_to_projects_is_revoked_and_outlives_a_project() {
    let site = Site::start().await;
    let mut owner = site.member(Role::Owner, "Ada").await;
    let gone = project(&site, "gone").await;
    let invitation = link(&invite(&mut owner, "/members/invite", &[(format!("role.{gone}"), "viewer")]).await);
    let page = owner.get("/members").await;
    let revoke = page.attributes("a[href$='/revoke']", "href").remove(0);
    let page = owner.get(&revoke).await;
    assert!(page.texts("form p")[0].starts_with("Invitation: viewer in gone. Created on"), "{:?}", page.texts("form p"));

    let ask = format!("/projects/{gone}/delete");
    let delete = owner.get(&ask).await;
    let button = delete.text("main button.danger");
    assert_eq!(owner.submit(&delete, &ask, &button, &[]).await.status, StatusCode::SEE_OTHER);
    let said = site.browser().get(&invitation).await.texts("form p")[0].clone();
    assert!(said.contains("to projects that were deleted since"), "{said}");
    let other = link(&invite(&mut owner, "/members", &[("role".to_owned(), "viewer")]).await);
    assert_eq!(owner.submit(&page, &revoke, "Revoke the link", &[]).await.location(), "/members?done=revoked");
    assert_eq!(site.browser().get(&invitation).await.status, StatusCode::GONE);
    assert_eq!(site.browser().get(&other).await.status, StatusCode::OK);
}
