//! Names with `/` are folders, in the lists of agents and of scenarios.

use keepstep_store::test_data::NewScenario;
use keepstep_store::{NewAgent, Role};
use reqwest::StatusCode;

use crate::site::Site;

async fn agents(site: &Site, names: impl IntoIterator<Item = String>) {
    let mut transaction = site.store.write().await.unwrap();
    for name in names {
        transaction.create_agent(NewAgent { scope: &site.scope, name: &name, author: None }).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn agents_are_in_folders() {
    let site = Site::start().await;
    let names = ["Shop", "support/Refunds", "support/<b>billing/EU", "support/<b>billing/US", "a//b"];
    agents(&site, names.map(str::to_owned)).await;
    let mut browser = site.signed_in(Role::Viewer).await;
    let page = browser.get("/").await;
    assert_eq!(page.texts("main > .card tbody th a"), ["support/", "Shop", "a//b"]);
    assert_eq!(page.texts("main > .card tbody th .muted"), ["3 agents"]);
    assert!(!page.has(".crumbs"));
    let folder = page.attributes("main > .card tbody th a", "href").remove(0);
    assert_eq!(folder, "/?folder=support#all");
    let page = browser.get("/?folder=support").await;
    assert_eq!(page.texts("main > .card tbody th a"), ["<b>billing/", "Refunds"]);
    assert_eq!(page.text(".crumbs"), "All agents / support");
    let folder = page.attributes("main > .card tbody th a", "href").remove(0);
    let page = browser.get(folder.split('#').next().unwrap()).await;
    assert_eq!(page.texts("main > .card tbody th a"), ["EU", "US"]);
    assert_eq!(page.text(".crumbs"), "All agents / support / <b>billing");
    assert_eq!(page.attributes(".crumbs a", "href"), ["/#all", "/?folder=support#all"]);
    assert_eq!(browser.get("/?folder=other").await.status, StatusCode::NOT_FOUND);
    // Whatever folder it is in, it is found by its whole name.
    let page = browser.get("/search?q=billing+EU").await;
    assert!(page.body.contains("support/&lt;b&gt;billing/EU"), "{}", page.body);
}

#[tokio::test]
async fn a_thousand_agents_have_pages() {
    let site = Site::start().await;
    agents(&site, (0..1000).map(|number| if number < 500 { format!("one/{number:04}") } else { format!("{number:04}") })).await;
    let mut browser = site.signed_in(Role::Viewer).await;
    let (mut path, mut seen) = ("/".to_owned(), Vec::new());
    for rest in (0..6).rev() {
        let page = browser.get(&path).await;
        seen.extend(page.texts("main > .card tbody th a"));
        let next = page.attributes(".pager a", "href").pop().unwrap();
        assert_eq!(
            page.texts(".pager a").last().map(String::as_str),
            Some(if rest == 0 { "← Agents before" } else { "More agents →" })
        );
        path = next.split('#').next().unwrap().to_owned();
    }
    let mut all = vec!["one/".to_owned()];
    all.extend((500..1000).map(|number| format!("{number:04}")));
    assert_eq!(seen, all);
    let page = browser.get("/?folder=one&page=5").await;
    assert_eq!(page.texts("main > .card tbody th a").last().map(String::as_str), Some("0499"));
    assert_eq!(page.attributes(".pager a", "href"), ["/?folder=one&page=4#all"]);
}

#[tokio::test]
async fn scenarios_are_in_folders() {
    let site = Site::start().await;
    let mut transaction = site.store.write().await.unwrap();
    let project = transaction.create_project(&site.scope.org_id, "p").await.unwrap().id;
    for name in ["Plain", "orders/Late", "orders/Lost"] {
        let new = NewScenario { project: &project, name, description: "", config: &serde_json::Map::new() };
        transaction.create_scenario(&site.scope, new).await.unwrap();
    }
    transaction.commit().await.unwrap();
    let mut browser = site.signed_in(Role::Viewer).await;
    let list = format!("/projects/{project}");
    let page = browser.get(&list).await;
    assert_eq!(page.texts("#scenarios ~ article h3, .section-head ~ article h3"), ["Plain"]);
    let folder = page.attributes(".section-head ~ .card th a", "href");
    assert_eq!(folder, [format!("{list}?folder=orders#scenarios")]);
    let page = browser.get(&format!("{list}?folder=orders")).await;
    assert_eq!(page.texts(".section-head ~ article h3"), ["Late", "Lost"]);
    assert_eq!(page.texts(".crumbs").last().map(String::as_str), Some("All scenarios / orders"));
    assert_eq!(browser.get(&format!("{list}?folder=other")).await.status, StatusCode::NOT_FOUND);
}
