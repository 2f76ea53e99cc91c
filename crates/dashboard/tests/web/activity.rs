use keepstep_store::{ActivityFilter, Role};
use reqwest::StatusCode;

use crate::site::Site;

async fn create_key(browser: &mut crate::site::Browser<'_>, name: &str) {
    let page = browser.get("/keys").await;
    let mut fields = page.fields("/keys", "Create the key", &[("name", name)]);
    fields.extend([("role", "viewer"), ("days", "30")].map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(browser.post("/keys", &[], &fields).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_owner_sees_who_did_what_from_where() {
    let site = Site::start().await;
    let agent = site.agent("Shop <b>").await;
    let mut browser = site.signed_in(Role::Owner).await;
    assert_eq!(browser.get("/activity").await.texts(".empty p"), ["No activity yet."]);
    create_key(&mut browser, "=1+1 <script>").await;
    site.pass(60_000);
    let page = browser.get(&format!("/agents/{agent}/edit")).await;
    let answer = browser.submit(&page, &format!("/agents/{agent}/edit"), "Publish", &[("persona", "Be kind.")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    // Nothing is changed by it, so there is nothing to tell.
    let page = browser.get(&format!("/agents/{agent}/edit")).await;
    browser.submit(&page, &format!("/agents/{agent}/edit"), "Publish", &[("persona", "Be kind.")]).await;

    let page = browser.get("/activity").await;
    assert_eq!(page.texts("tbody th"), ["Publish a persona", "Create a key"], "{}", page.body);
    assert_eq!(page.texts("td[data-label='Who:'] a"), ["Grace", "Grace"]);
    assert_eq!(page.attributes("td[data-label='About:'] > a", "href"), [format!("/agents/{agent}")]);
    assert!(page.texts("td[data-label='About:']")[1].starts_with("key =1+1 <script>"));
    assert!(page.texts("td[data-label='From:']")[0].contains("127.0.0.1"));
    assert_eq!(page.attributes("select[name=action] option", "value"), ["", "create a key", "publish a persona"]);

    let page = browser.get("/activity?action=create+a+key").await;
    assert_eq!(page.texts("tbody th"), ["Create a key"]);
    let only = page.attributes("td[data-label='Who:'] a", "href").remove(0);
    assert_eq!(browser.get(&only).await.texts("tbody th"), ["Create a key"]);
    assert_eq!(browser.get("/activity?who=user_x").await.texts(".empty a"), ["Show all activity"]);
    assert_eq!(browser.get("/activity?from=2023-11-14&to=2023-11-14").await.texts("tbody th").len(), 2);
    assert!(browser.get("/activity?to=2023-11-13").await.has(".empty"));
    assert!(browser.get("/activity?from=2023-11-15").await.has(".empty"));
    for wrong in ["from=yesterday", "before=x", "from=9999-12-31&to=9999-12-31"] {
        let status = browser.get(&format!("/activity?{wrong}")).await.status;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn names_are_visible_also_where_entries_are_confined_to_them() {
    let site = Site::start().await;
    let agent = site.agent("Shop\u{202e}").await;
    let mut browser = site.signed_in(Role::Owner).await;
    let page = browser.get(&format!("/agents/{agent}/edit")).await;
    browser.submit(&page, &format!("/agents/{agent}/edit"), "Publish", &[("persona", "Be kind.")]).await;
    let page = browser.get("/activity").await;
    assert_eq!(page.texts("form label"), ["Action", "From (UTC)", "To (UTC)"]);
    let about = page.attributes("td[data-label='About:'] .about a", "href").remove(0);
    let confinements = [
        (about.as_str(), "about agent Shop\\u{202e}"),
        ("/activity?about=x%E2%80%AE", "about x\\u{202e}"),
        ("/activity?who=x%E2%80%AE", "by x\\u{202e}"),
    ];
    for (path, name) in confinements {
        let confined = browser.get(path).await;
        assert!(confined.texts("form p").contains(&format!("Only entries {name} (show all)")), "{:?}", confined.texts("form p"));
        assert!(!confined.texts("main").concat().contains('\u{202e}'), "{path}");
    }
}

#[tokio::test]
async fn activity_is_exported_without_formulas() {
    let site = Site::start().await;
    let mut browser = site.signed_in(Role::Owner).await;
    create_key(&mut browser, "=1+1, \"quoted\"").await;
    let page = browser.get("/activity").await;
    let csv = browser.get(&page.attributes(".actions a", "href")[0]).await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"activity.csv\"");
    let entry = site.store.activity(&site.scope.org_id, &ActivityFilter::default(), 1).await.unwrap().remove(0);
    let subject = entry.subject.as_ref().unwrap();
    assert_eq!(
        csv.body,
        format!(
            "number,at,actor_id,actor_name,action,subject_kind,subject_id,subject_name,device,address,hash\r\n\
             1,2023-11-14T22:13:20Z,{},Grace,create a key,key,{},\"'=1+1, \"\"quoted\"\"\",an unnamed program,127.0.0.1,{}\r\n",
            entry.actor_id, subject.id, entry.hash
        )
    );
    let lines = browser.get(&page.attributes(".actions a", "href")[1]).await;
    let line: serde_json::Value = serde_json::from_str(lines.body.trim_end()).unwrap();
    assert_eq!((&line["subject"]["name"], &line["hash"]), (&"=1+1, \"quoted\"".into(), &entry.hash.as_str().into()));
    assert_eq!(browser.get("/activity/export?format=xml").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_long_log_has_pages() {
    let site = Site::start().await;
    let mut browser = site.signed_in(Role::Owner).await;
    for number in 0..51 {
        create_key(&mut browser, &format!("key {number}")).await;
    }
    let page = browser.get("/activity?action=create+a+key").await;
    assert_eq!(page.texts("tbody th").len(), 50);
    let older = page.attributes("main > p a", "href").remove(0);
    let page = browser.get(&older).await;
    assert!(page.texts("td[data-label='About:']")[0].starts_with("key key 0"));
    assert!(!page.has("main > p a"));
}

#[tokio::test]
async fn only_owners_see_activity() {
    let site = Site::start().await;
    for role in [Role::Editor, Role::Viewer] {
        let mut browser = site.signed_in(role).await;
        for path in ["/activity", "/activity/export?format=csv"] {
            assert_eq!(browser.get(path).await.status, StatusCode::FORBIDDEN);
        }
    }
}
