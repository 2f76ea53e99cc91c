use keepstep_store::{Patch, PersonaStatus, Role};
use scraper::{Html, Selector};
use serde_json::json;

use crate::site::{Page, Site};

const EVIL: &str =
    "</textarea></title><script>alert(1)</script><img src=x onerror=alert(1)>\"' onfocus=alert(1) {{7*7}} &lt;b&gt;";

/// Checks that nothing of what people wrote became an element or an attribute.
fn check_is_text(path: &str, page: &Page) {
    let html = Html::parse_document(&page.body);
    for selector in ["script:not([src^='/assets/'])", "img", "[onerror]", "[onfocus]", "b", "main style"] {
        assert_eq!(html.select(&Selector::parse(selector).unwrap()).count(), 0, "{selector} in {path}");
    }
}

#[tokio::test]
async fn what_people_write_appears_only_as_text() {
    let site = Site::start().await;
    let agent = site.agent(EVIL).await;
    site.publish(&agent, EVIL).await;
    let patch = Patch {
        fields: serde_json::Map::from_iter([
            ("model".to_owned(), json!(EVIL)),
            ("governance".to_owned(), json!({"mode": EVIL})),
            ("modelSettings".to_owned(), json!({EVIL: EVIL})),
        ]),
        persona: Some(keepstep_store::PersonaChange {
            persona: json!({"base": EVIL, "voice": format!("{EVIL}\n"), "other": EVIL}),
            status: PersonaStatus::Published,
        }),
    };
    site.change(&agent, Some(EVIL), patch).await;

    let mut browser = site.browser();
    let link = site.link(Role::Owner).await;
    let page = browser.get(&link).await;
    let password = crate::site::PASSWORD;
    let filled = [("name", EVIL), ("email", "evil@example.com"), ("password", password), ("repeated", password)];
    browser.submit(&page, &link, "Create my account", &filled).await;
    let edit = format!("/agents/{agent}/edit");
    let paths = [
        "/".to_owned(),
        format!("/agents/{agent}"),
        edit.clone(),
        format!("/agents/{agent}/versions/2"),
        format!("/agents/{agent}/versions/2?text=markdown"),
    ];
    for path in &paths {
        let page = browser.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        check_is_text(path, &page);
        assert!(page.exact("body").contains(EVIL) || page.exact("textarea").contains(EVIL), "{path}");
    }
    let page = browser.get(&edit).await;
    assert_eq!(page.exact("textarea[name=persona_base]"), EVIL);
    assert_eq!(page.attributes("input[name=name]", "value"), [EVIL]);

    // What was typed comes back as text, too: after a stale save, and in an error.
    site.publish(&agent, "Another\n").await;
    let stale = browser.submit(&page, &edit, "Publish", &[("message", EVIL), ("persona_base", &format!("{EVIL}\nx"))]).await;
    assert_eq!(stale.status, 409);
    check_is_text("the stale page", &stale);
    let mut other = site.signed_in(keepstep_store::Role::Editor).await;
    let forged = other.submit(&page, &edit, "Publish", &[]).await;
    check_is_text("the page of another session", &forged);
    assert_eq!((forged.status.as_u16(), forged.exact("textarea").as_str()), (403, EVIL));
    // To strangers, nothing of what they send is shown.
    browser.cookies.clear();
    let ended = browser.submit(&page, &edit, "Publish", &[]).await;
    assert!(ended.status == 401 && !ended.has("textarea"));
    for path in [format!("/{EVIL}").replace(' ', "%20").replace('#', "%23"), "/agents/%3Cb%3E".to_owned()] {
        check_is_text(&path, &browser.get(&path).await);
    }
}

#[tokio::test]
async fn what_cannot_be_seen_is_made_visible() {
    let site = Site::start().await;
    let agent = site.agent("Or\u{202e}ders").await;
    site.publish(&agent, "Be kind.\u{e0041}\u{200b}\u{1b}[31m").await;
    site.publish(&agent, "Be kind.\u{e0041}\u{1b}[31m").await;
    let mut browser = site.signed_in(Role::Editor).await;
    let page = browser.get(&format!("/agents/{agent}")).await;
    assert_eq!(page.exact("h1"), "Or\\u{202e}ders");
    assert!(page.exact("title").starts_with("Or\\u{202e}ders ·"));
    assert_eq!(page.exact("pre.text"), "Be kind.\\u{e0041}\\u{1b}[31m");
    assert_eq!(page.texts("pre.text .control").len(), 2);
    let page = browser.get(&format!("/agents/{agent}/versions/2")).await;
    assert_eq!(page.exact(".diff .removed .content"), "Be kind.\\u{e0041}\\u{200b}\\u{1b}[31m");
    // In a form the text must stay the text.
    let page = browser.get(&format!("/agents/{agent}/edit")).await;
    assert_eq!(page.exact("textarea"), "Be kind.\u{e0041}\u{1b}[31m");
}

#[tokio::test]
async fn an_id_with_marks_of_addresses_works() {
    let site = Site::start().await;
    let page = site.signed_in(Role::Viewer).await.get("/agents/a%3Fb%23c%252e%22%3C%C3%BC").await;
    assert_eq!((page.status.as_u16(), page.text("h1").as_str()), (404, "Agent not found"));
}
