use keepstep_store::Role;
use keepstep_store::results::Status;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::experiments::tested;
use crate::results::{run, shop};
use crate::site::{Browser, Page, Site};

/// Asks as the palette does.
async fn palette(browser: &Browser<'_>, site: &Site, path: &str) -> Vec<Value> {
    let cookies: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request =
        client.get(format!("{}{path}", site.url)).header("accept", "application/json").header("cookie", cookies.join("; "));
    let text = request.send().await.unwrap().text().await.unwrap();
    let answer: Value = serde_json::from_str(&text).unwrap();
    answer["results"].as_array().unwrap().clone()
}

fn names(page: &Page) -> Vec<String> {
    page.texts("tbody th a")
}

#[tokio::test]
async fn what_somebody_may_see_is_found_by_its_name() {
    let site = Site::start().await;
    let agent = site.agent("Orders & <b>more").await;
    site.agent("Invoices").await;
    let mut transaction = site.store.write().await.unwrap();
    transaction.create_project(&site.scope.org_id, "Orders of shoes").await.unwrap();
    transaction.commit().await.unwrap();
    let mut browser = site.signed_in(Role::Viewer).await;
    let page = browser.get("/search?q=ORDERS").await;
    assert_eq!(names(&page), ["Orders & <b>more", "Orders of shoes"]);
    let page = browser.get("/search?q=shoes+orders").await;
    assert_eq!(names(&page), ["Orders of shoes"]);
    assert_eq!(page.attributes("input[name='q']", "value"), ["shoes orders"]);
    assert!(browser.get("/search?q=nothing+of+this").await.text(".empty").contains("Nothing has that in its name"));

    let found = palette(&browser, &site, "/search?q=more").await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["title"], "Orders & <b>more");
    assert_eq!(found[0]["path"], format!("/agents/{agent}"));
    assert_eq!(found[0]["kind"], "Agent");
    // The palette says by this that the session has ended.
    assert_eq!(site.browser().get("/search?q=more").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_experiment_is_found_however_many_came_after_it() {
    let site = Site::start().await;
    let (_, bundle) = shop(&site).await;
    for number in 0..201 {
        let name = if number == 0 { "the needle".to_owned() } else { format!("hay {number}") };
        tested(&site, &bundle, &name, json!({}), &[run(&format!("r{number}"), Status::Passed, "asked", "answered")]).await;
    }
    let mut browser = site.signed_in(Role::Viewer).await;
    assert_eq!(names(&browser.get("/search?q=NEEDLE+shop").await), ["the needle"]);
    assert_eq!(names(&browser.get("/search?q=hay").await).len(), 10);
}

#[tokio::test]
async fn every_project_is_looked_through() {
    let site = Site::start().await;
    for number in 0..60 {
        let mut transaction = site.store.write().await.unwrap();
        let project = transaction.create_project(&site.scope.org_id, &format!("Shop {number}")).await.unwrap();
        let file = json!({"scenario": {"name": format!("100% of {number}")}, "inputs": [{"id": "1", "text": "Where?"}]});
        let file = serde_json::from_value(file).unwrap();
        let bundle = transaction.import(&site.scope, &project.id, &file).await.unwrap();
        transaction.commit().await.unwrap();
        let runs = [run(&format!("r{number}"), Status::Passed, "asked", "answered")];
        tested(&site, &bundle.id, &format!("nightly {number}"), json!({}), &runs).await;
    }
    let mut browser = site.signed_in(Role::Viewer).await;
    for number in [0, 59] {
        let found = names(&browser.get(&format!("/search?q=NIGHTLY+{number}")).await);
        assert!(found.contains(&format!("nightly {number}")), "{found:?}");
        let scenario = format!("100% of {number}");
        let found = names(&browser.get(&format!("/search?q=100%25+Shop+{number}")).await);
        assert!(found.contains(&scenario), "{found:?}");
    }
    // Marks of patterns are letters.
    assert!(names(&browser.get("/search?q=n_ghtly").await).is_empty());
}

#[tokio::test]
async fn actions_are_those_that_the_role_allows() {
    let site = Site::start().await;
    let (mut viewer, mut owner) = (site.signed_in(Role::Viewer).await, site.signed_in(Role::Owner).await);
    assert!(names(&viewer.get("/search?q=new+key").await).is_empty());
    assert_eq!(names(&owner.get("/search?q=new+key").await), ["New key"]);
    // Every action leads to a page that there is.
    for path in owner.get("/search").await.attributes("tbody th a", "href") {
        assert!(owner.get(&path).await.status.is_success(), "{path}");
    }
    for path in viewer.get("/search").await.attributes("tbody th a", "href") {
        assert!(viewer.get(&path).await.status.is_success(), "{path}");
    }
}
