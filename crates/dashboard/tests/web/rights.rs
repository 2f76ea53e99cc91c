//! The right to publish, and roles in single projects.

use keepstep_base::AgentId;
use keepstep_store::{NewAgent, Role, Scope};
use reqwest::StatusCode;

use crate::site::{Browser, Page, Site};

/// Returns a project with an agent of the same name.
async fn project(site: &Site, name: &str) -> (String, AgentId) {
    let mut transaction = site.store.write().await.unwrap();
    let project = transaction.create_project(&site.scope.org_id, name).await.unwrap().id;
    let scope = Scope::some_projects(&site.scope.org_id, [project.clone()]);
    let agent = transaction.create_agent(NewAgent { scope: &scope, name, author: None }).await.unwrap().agent.id;
    transaction.commit().await.unwrap();
    (project, agent)
}

/// Sends a form of a person's page, with what was chosen in it: the test's browser knows neither lists of choices nor boxes.
async fn send(owner: &mut Browser<'_>, user: &str, form: &str, chosen: &[(&str, &str)]) -> Page {
    let page = owner.get(&format!("/members/{user}")).await;
    let csrf = page.attributes("main input[name=csrf]", "value").remove(0);
    let fields: Vec<_> =
        chosen.iter().chain(&[("csrf", csrf.as_str())]).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    owner.post(&format!("/members/{user}/{form}"), &[], &fields).await
}

#[tokio::test]
async fn an_editor_without_the_right_to_publish_saves_drafts() {
    let site = Site::start().await;
    let mut owner = site.member(Role::Owner, "Ada").await;
    let mut bob = site.member(Role::Editor, "Bob").await;
    let agent = site.agent("Orders").await;
    let edit = format!("/agents/{agent}/edit");
    let form = bob.get(&edit).await;
    let user = site.id_of("Bob").await;
    assert!(owner.get(&format!("/members/{user}")).await.has("input[name=publish][checked]"));
    send(&mut owner, &user, "role", &[("role", "editor")]).await;
    assert!(!owner.get(&format!("/members/{user}")).await.has("form[action$='/role'] input[name=publish][checked]"));

    // The form that was open before.
    let answer = bob.submit(&form, &edit, "Publish", &[("persona", "Hours of work")]).await;
    assert_eq!((answer.status, answer.text("h1").as_str()), (StatusCode::FORBIDDEN, "You may not publish"));
    assert_eq!(answer.exact("textarea"), "Hours of work");
    let form = bob.get(&edit).await;
    assert!(!form.has("button[value=publish]"));
    let answer = bob.submit(&form, &edit, "Save draft", &[("persona", "Hours of work")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let version = format!("/agents/{agent}/versions/1");
    let page = bob.get(&version).await;
    assert!(page.has("a[href*='/edit?from=1']") && !page.has("form[action$='/deploy']"));
    let page = owner.get(&version).await;
    let deploy = format!("{version}/deploy");
    let mut fields = page.fields(&deploy, "Publish", &[]);
    let csrf = bob.get("/").await.attributes("input[name=csrf]", "value").remove(0);
    fields.iter_mut().filter(|(name, _)| name == "csrf").for_each(|(_, value)| value.clone_from(&csrf));
    assert_eq!(bob.post(&deploy, &[], &fields).await.text("h1"), "You may not publish");
    assert_eq!(site.published(&agent).await, serde_json::Value::Null);
    assert_eq!(owner.submit(&page, &deploy, "Publish", &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.published(&agent).await, "Hours of work");
}

#[tokio::test]
async fn whoever_has_no_role_in_the_organization_sees_their_projects_and_nothing_else() {
    let site = Site::start().await;
    let mut owner = site.member(Role::Owner, "Ada").await;
    let mut bob = site.member(Role::Viewer, "Bob").await;
    let user = site.id_of("Bob").await;
    let (mine, my_agent) = project(&site, "<b>mine").await;
    let (read, read_agent) = project(&site, "read").await;
    let (other, other_agent) = project(&site, "other").await;
    let outside = site.agent("outside").await;
    let set = [("project", mine.as_str()), ("role", "editor"), ("publish", "yes")];
    assert_eq!(send(&mut owner, &user, "projects", &set).await.status, StatusCode::SEE_OTHER);
    send(&mut owner, &user, "projects", &[("project", &read), ("role", "viewer")]).await;
    let page = owner.get(&format!("/members/{user}")).await;
    assert_eq!(page.texts("#projects ~ .card tbody th").len(), 2);
    assert!(page.texts("#projects ~ .card tbody th").contains(&"<b>mine".to_owned()));
    // Until the role in the organization is taken away, everything is seen.
    assert!(bob.get("/").await.body.contains("outside"));
    assert_eq!(send(&mut owner, &user, "role", &[("role", "")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(owner.get("/members").await.texts("td[data-label='Role:']")[1], "none");

    let page = bob.get("/projects").await;
    assert_eq!(page.texts("tbody th a"), ["<b>mine", "read"]);
    for (path, status) in [
        (format!("/projects/{mine}"), StatusCode::OK),
        (format!("/projects/{read}"), StatusCode::OK),
        (format!("/projects/{other}"), StatusCode::NOT_FOUND),
        (format!("/agents/{my_agent}"), StatusCode::OK),
        (format!("/agents/{my_agent}/edit"), StatusCode::OK),
        (format!("/agents/{read_agent}"), StatusCode::OK),
        (format!("/agents/{read_agent}/edit"), StatusCode::FORBIDDEN),
        (format!("/agents/{other_agent}"), StatusCode::NOT_FOUND),
        (format!("/agents/{other_agent}/edit"), StatusCode::FORBIDDEN),
        (format!("/agents/{outside}"), StatusCode::NOT_FOUND),
        ("/members".to_owned(), StatusCode::FORBIDDEN),
        ("/keys".to_owned(), StatusCode::FORBIDDEN),
        ("/account".to_owned(), StatusCode::OK),
    ] {
        assert_eq!(bob.get(&path).await.status, status, "{path}");
    }
    let edit = format!("/agents/{my_agent}/edit");
    let form = bob.get(&edit).await;
    assert_eq!(bob.submit(&form, &edit, "Publish", &[("persona", "Mine")]).await.status, StatusCode::SEE_OTHER);
    // The form of one agent sent to the addresses of others changes nothing there.
    for agent in [&read_agent, &other_agent, &outside] {
        let fields = form.fields(&edit, "Publish", &[("persona", "Stolen")]);
        let answer = bob.post(&format!("/agents/{agent}/edit"), &[], &fields).await;
        assert!(matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND), "{}", answer.status);
        assert_eq!(site.published(agent).await, serde_json::Value::Null);
    }
    // The role in a project ends, and with it what is seen of it.
    send(&mut owner, &user, "projects", &[("project", &mine), ("role", "")]).await;
    assert_eq!(bob.get(&edit).await.status, StatusCode::FORBIDDEN);
    assert_eq!(bob.get("/projects").await.texts("tbody th a"), ["read"]);
    let king = send(&mut owner, &user, "projects", &[("project", &mine), ("role", "owner")]).await;
    assert_eq!(king.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_viewer_may_more_in_one_project() {
    let site = Site::start().await;
    let mut owner = site.member(Role::Owner, "Ada").await;
    let mut bob = site.member(Role::Viewer, "Bob").await;
    let user = site.id_of("Bob").await;
    let (mine, my_agent) = project(&site, "mine").await;
    let (_, other_agent) = project(&site, "other").await;
    send(&mut owner, &user, "projects", &[("project", &mine), ("role", "editor")]).await;
    let mine = format!("/agents/{my_agent}");
    let page = bob.get(&mine).await;
    assert!(page.has("a[href$='/edit']"));
    assert_eq!(page.text(".who-name"), "Bob · editor");
    let edit = format!("{mine}/edit");
    let page = bob.get(&edit).await;
    assert!(!page.has("button[value=publish]"), "they save drafts there");
    assert_eq!(bob.submit(&page, &edit, "Save draft", &[("persona", "Draft")]).await.status, StatusCode::SEE_OTHER);
    let other = format!("/agents/{other_agent}");
    let page = bob.get(&other).await;
    assert_eq!((page.status, page.has("a[href$='/edit']")), (StatusCode::OK, false));
    assert_eq!(bob.get(&format!("{other}/edit")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(bob.get("/").await.text(".who-name"), "Bob · viewer");
}
