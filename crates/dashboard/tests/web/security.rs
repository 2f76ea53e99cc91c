use keepstep_store::Role;
use reqwest::StatusCode;

use crate::site::{Page, Site};

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

fn check_headers(path: &str, page: &Page) {
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(page.header(name), value, "{name} of {path}");
    }
    assert!(page.header("content-type").starts_with("text/html"), "{path}");
    for selector in ["style", "[style]", "script:not([src])", "[onclick]", "[onload]"] {
        assert!(!page.has(selector), "{selector} in {path}");
    }
    assert_eq!(page.texts("h1").len(), 1, "{path}");
    assert_eq!(page.attributes("html", "lang"), ["en"], "{path}");
}

#[tokio::test]
async fn every_page_has_the_policy_and_nothing_inline() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One\n").await;
    site.publish(&agent, "Two\n").await;
    let link = site.link(Role::Owner).await;
    let (scenario, _) = crate::test_data::orders(&site, serde_json::json!([{"id": "q", "text": "One"}])).await;
    let project = site.store.projects_in(&site.scope).await.unwrap().remove(0).id;
    let mut browser = site.signed_in(Role::Owner).await;
    for (path, status) in [
        ("/", 200),
        ("/new-agent", 200),
        ("/new-project", 200),
        ("/projects?done=x", 200),
        (&*format!("/projects/{project}?done=x"), 200),
        (&*format!("/projects/{project}/settings"), 200),
        (&*format!("/projects/{project}/delete"), 200),
        (&*format!("/projects/{project}/restore"), 405),
        (&*format!("/projects/{project}/new-scenario"), 200),
        (&*format!("{scenario}?edit=q&text=%25&from=x&tag=x&persona=x&done=x"), 200),
        (&*format!("{scenario}?edit=new&changed=1&from=4294967295"), 200),
        (&*format!("{scenario}?edit=x"), 200),
        (&*format!("{scenario}/inputs"), 405),
        (&*format!("{scenario}/inputs/q"), 405),
        (&*format!("{scenario}/inputs/q/delete?back=%FF"), 200),
        (&*format!("{scenario}/inputs/q/revert"), 200),
        (&*format!("{scenario}/add"), 200),
        (&*format!("{scenario}/add/x"), 404),
        (&*format!("{scenario}/download/x"), 404),
        (&*format!("{scenario}/publish"), 200),
        (&*format!("{scenario}/versions?from=99"), 200),
        (&*format!("{scenario}/versions/1"), 200),
        (&*format!("{scenario}/versions/2"), 404),
        (&*format!("{scenario}/settings"), 200),
        (&*format!("{scenario}/delete"), 200),
        (&*format!("{scenario}/restore"), 405),
        ("/connect", 200),
        ("/projects", 200),
        ("/search", 200),
        ("/search?q=x", 200),
        ("/account/theme", 405),
        ("/account", 200),
        ("/account?done=x", 200),
        ("/account/password", 405),
        ("/members", 200),
        ("/members?done=x", 200),
        ("/publishing", 200),
        ("/changes", 200),
        ("/changes?folder=x&show=x&page=x", 200),
        ("/members/user_x", 404),
        ("/members/links/link_x/revoke", 404),
        ("/sign-in", 303),
        ("/keys", 200),
        ("/keys?done=x", 200),
        ("/keys/key_x/revoke", 404),
        ("/keys/devices/login_x/sign-out", 404),
        ("/connect/devices/login_x/sign-out", 404),
        ("/members/user_x/remove", 404),
        ("/members/user_x/role", 405),
        ("/connect?code=x&done=x", 200),
        ("/connect/decide", 405),
        (&*format!("/agents/{agent}"), 200),
        (&*format!("/agents/{agent}?before=x&done=x"), 200),
        (&*format!("/agents/{agent}/edit"), 200),
        (&*format!("/agents/{agent}/edit?from=1"), 200),
        (&*format!("/agents/{agent}/edit?from=9"), 404),
        (&*format!("/agents/{agent}/versions/2"), 200),
        (&*format!("/agents/{agent}/draft"), 405),
        (&*format!("/agents/{agent}/presence"), 405),
        (&*format!("/agents/{agent}/versions/2?view=split&lines=all"), 200),
        (&*format!("/agents/{agent}/draft/discard"), 303),
        (&*format!("/agents/{agent}/versions/2?text=markdown"), 200),
        (&*format!("/agents/{agent}/versions/2?against=2"), 200),
        (&*format!("/agents/{agent}/versions/2?against=x"), 404),
        (&*format!("/agents/{agent}/versions/3"), 404),
        (&*format!("/agents/{agent}/versions/x"), 404),
        ("/agents/nobody", 404),
        ("/agents/%FF", 404),
        ("/agents/a%20b", 404),
        ("/sign-out", 405),
        ("/nowhere", 404),
        ("/assets/style.css", 404),
        (&link, 200),
        ("/sign-in/link/x", 404),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, status, "{path}");
        if status != 303 {
            check_headers(path, &page);
        }
        if page.status.is_client_error() {
            assert!(page.has("main a, main .command"), "{path} has no way out");
        }
        let page = site.browser().get(path).await;
        check_headers(path, &page);
    }
}

#[tokio::test]
async fn errors_of_the_api_stay_json() {
    let site = Site::start().await;
    for path in ["/api/v1/nowhere", "/developer/nowhere", "/admin/nowhere", "/api/v1/agents"] {
        assert!(site.browser().get(path).await.header("content-type").starts_with("application/json"), "{path}");
    }
}

#[tokio::test]
async fn assets_are_kept_for_ever_and_named_by_their_content() {
    let site = Site::start().await;
    let mut browser = site.signed_in(Role::Viewer).await;
    let agent = site.agent("Orders").await;
    let page = browser.get(&format!("/agents/{agent}")).await;
    let mut addresses = page.attributes("link", "href");
    addresses.extend(page.attributes("script", "src"));
    assert_eq!(addresses.len(), 4);
    for address in addresses {
        let asset = site.browser().get(&address).await;
        assert_eq!(asset.status, StatusCode::OK, "{address}");
        assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(asset.header("x-content-type-options"), "nosniff");
        assert!(!asset.body.is_empty());
    }
}

#[tokio::test]
async fn a_form_without_the_right_token_is_refused() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    let mut browser = site.signed_in(Role::Owner).await;
    let mut other = site.signed_in(Role::Owner).await;
    let edit = format!("/agents/{agent}/edit");
    let page = browser.get(&edit).await;
    let fields = page.fields(&edit, "Publish", &[("persona", "Mine")]);
    let foreign = other.get(&edit).await.fields(&edit, "Publish", &[("persona", "Mine")]);
    let without: Vec<_> = fields.iter().filter(|(name, _)| name != "csrf").cloned().collect();
    for wrong in [&foreign, &without] {
        let answer = browser.post(&edit, &[], wrong).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(answer.exact("textarea"), "Mine", "what was typed is shown again");
    }
    assert_eq!(site.published(&agent).await, serde_json::Value::Null);
    assert_eq!(browser.post(&edit, &[], &fields).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    let mut browser = site.signed_in(Role::Owner).await;
    let edit = format!("/agents/{agent}/edit");
    let fields = browser.get(&edit).await.fields(&edit, "Publish", &[("persona", "Mine")]);
    for header in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let answer = browser.post(&edit, &[header], &fields).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{header:?}");
        assert_eq!(answer.text("h1"), "This form was not accepted");
    }
    let own = [("origin", site.url.as_str()), ("sec-fetch-site", "same-origin")];
    assert_eq!(browser.post(&edit, &own, &fields).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_viewer_sees_no_forms_and_cannot_post() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One").await;
    site.publish(&agent, "Two").await;
    let mut owner = site.signed_in(Role::Owner).await;
    let mut viewer = site.signed_in(Role::Viewer).await;
    let (shown, version, edit) =
        (format!("/agents/{agent}"), format!("/agents/{agent}/versions/1"), format!("/agents/{agent}/edit"));
    for path in ["/", &shown, &version] {
        let page = viewer.get(path).await;
        assert_eq!(page.attributes("form[method=post]", "action"), ["/sign-out"], "{path}");
        assert!(!page.has("a[href$='/edit'], a[href='/new-agent']"), "{path}");
    }
    for path in [&*edit, "/new-agent"] {
        assert_eq!(viewer.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    // A viewer who makes up the forms, with the own token.
    let csrf = viewer.get("/").await.attributes("input[name=csrf]", "value").remove(0);
    let deploy = format!("{version}/deploy");
    let forms = [
        (&*edit, owner.get(&edit).await.fields(&edit, "Publish", &[("persona", "Mine")])),
        (&*deploy, owner.get(&version).await.fields(&deploy, "Put in production", &[])),
        ("/new-agent", owner.get("/new-agent").await.fields("/new-agent", "Create the agent", &[("name", "Mine")])),
    ];
    for (path, mut fields) in forms {
        fields.iter_mut().filter(|(name, _)| name == "csrf").for_each(|(_, value)| value.clone_from(&csrf));
        let answer = viewer.post(path, &[], &fields).await;
        assert_eq!((answer.status, answer.text("h1").as_str()), (StatusCode::FORBIDDEN, "Your role does not allow this"));
    }
    assert_eq!(site.published(&agent).await, "Two");
    assert_eq!(site.store.agents(&site.scope).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_editor_does_not_make_agents() {
    let site = Site::start().await;
    let mut editor = site.signed_in(Role::Editor).await;
    assert!(!editor.get("/").await.has("a[href='/new-agent']"));
    assert_eq!(editor.get("/new-agent").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_agent_of_another_organization_is_not_there() {
    let site = Site::start().await;
    let mut transaction = site.store.write().await.unwrap();
    let other = transaction.ensure_organization(Some("Other")).await.unwrap();
    let scope = keepstep_store::Scope::organization(other.id);
    let new = keepstep_store::NewAgent { scope: &scope, name: "Theirs", author: None };
    let theirs = transaction.create_agent(new).await.unwrap().agent.id;
    transaction.commit().await.unwrap();
    let mut browser = site.signed_in(Role::Owner).await;
    assert!(!browser.get("/").await.body.contains("Theirs"));
    for path in [format!("/agents/{theirs}"), format!("/agents/{theirs}/edit"), format!("/events?agent={theirs}")] {
        assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_failure_of_the_server_tells_no_secrets_and_offers_a_way_out() {
    let site = Site::start().await;
    let mut browser = site.signed_in(Role::Owner).await;
    site.store.close().await;
    let page = browser.get("/").await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    check_headers("/", &page);
    assert_eq!(page.text("h1"), "Something went wrong in keepstep");
    assert_eq!(page.attributes("main a", "href"), ["/"]);
    assert!(!page.body.contains("pool"), "{}", page.body);
}
