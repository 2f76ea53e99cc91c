use keepstep_agent::Field;
use keepstep_store::{Patch, PersonaStatus, Role};
use reqwest::StatusCode;
use serde_json::json;

use crate::site::{Page, Site};

#[tokio::test]
async fn an_empty_platform_says_what_to_do() {
    let site = Site::start().await;
    let page = site.signed_in(Role::Owner).await.get("/").await;
    assert_eq!(page.text(".empty h2"), "No agents yet");
    assert_eq!(page.text(".empty code"), "keepstep admin agent create --data DIR --name \"My agent\"");
    assert!(page.has(".empty a[href='/new-agent']"));
    let page = site.signed_in(Role::Viewer).await.get("/").await;
    assert!(!page.has("a[href='/new-agent']"));
}

#[tokio::test]
async fn an_owner_makes_an_agent() {
    let site = Site::start().await;
    let mut browser = site.signed_in(Role::Owner).await;
    let page = browser.get("/new-agent").await;
    let refused = browser.submit(&page, "/new-agent", "Create the agent", &[("name", "  ")]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.text(".problem"), "An agent needs a name; an empty one is not stored.");
    let answer = browser.submit(&refused, "/new-agent", "Create the agent", &[("name", "Orders")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let page = browser.get(answer.location()).await;
    assert_eq!(page.text("h1"), "Orders");
    assert_eq!(
        page.text(".notice[role=status]:not([hidden])"),
        "The agent was created. Next: write its persona here, or push the one in its code."
    );
    assert_eq!(page.text(".empty h3"), "No persona is published yet");
}

#[tokio::test]
async fn the_list_tells_who_changed_what_and_when() {
    let site = Site::start().await;
    let orders = site.agent("Orders").await;
    site.agent("Billing").await;
    site.publish(&orders, "One").await;
    let model = Patch::of(Field::MODEL, json!("openai/gpt-4o"));
    site.change(&orders, Some("A better model"), model).await;
    site.persona(&orders, json!("Two"), PersonaStatus::Draft).await;
    let page = site.signed_in(Role::Viewer).await.get("/").await;
    let list = "main > .card tbody";
    let rows = page.texts(&format!("{list} tr"));
    assert_eq!(rows.len(), 2);
    assert!(rows[0].starts_with("Billing"), "{rows:?}");
    assert_eq!(
        page.texts(&format!("{list} tr:last-child td")),
        ["Version 1 draft 2", "not reported", "14 Nov 2023, 22:13 UTC", "Bob"]
    );
    assert_eq!(page.text(&format!("{list} tr:last-child .id")), orders.as_str());
    assert_eq!(page.attributes(&format!("{list} a"), "href")[1], format!("/agents/{orders}"));
}

#[tokio::test]
async fn an_agent_shows_what_a_check_compares_with() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "You help.\n").await;
    site.persona(&agent, json!("You help a lot.\n"), PersonaStatus::Draft).await;
    let mut browser = site.signed_in(Role::Editor).await;
    let page = browser.get(&format!("/agents/{agent}")).await;
    assert_eq!(page.exact("pre.text"), "You help.\n");
    assert_eq!(page.texts(".facts dd")[1..4], ["Version 1", "Version 1", "Version 2"]);
    let versions = page.texts("#versions ~ .card tbody tr");
    assert!(versions[0].contains("Version 2") && versions[0].contains("draft"), "{versions:?}");
    assert!(versions[1].contains("in production") && versions[1].contains("published"), "{versions:?}");
    assert_eq!(page.text("a.primary"), "Continue the draft");
}

#[tokio::test]
async fn a_rolled_back_agent_warns_that_checks_compare_with_another_version() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One").await;
    site.publish(&agent, "Two").await;
    let mut browser = site.signed_in(Role::Editor).await;
    let version = format!("/agents/{agent}/versions/1");
    let page = browser.get(&version).await;
    let answer = browser.submit(&page, &format!("{version}/deploy"), "Put in production", &[]).await;
    let page = browser.get(answer.location()).await;
    assert!(page.text(".notice.warn:not([hidden])").starts_with("In production is version 1, not the latest published one."));
    assert_eq!(page.exact("pre.text"), "Two");
}

#[tokio::test]
async fn versions_come_in_pages() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    for version in 1..=35 {
        site.publish(&agent, &format!("Version {version}")).await;
    }
    let mut browser = site.signed_in(Role::Viewer).await;
    let page = browser.get(&format!("/agents/{agent}")).await;
    assert_eq!(page.texts("#versions ~ .card tbody tr").len(), 30);
    let next = page.attributes(".pager a", "href").remove(0);
    let page = browser.get(&next).await;
    let numbers = page.texts("#versions ~ .card tbody th");
    assert_eq!(numbers, ["Version 5", "Version 4", "Version 3", "Version 2", "Version 1"]);
    assert_eq!(page.texts(".pager a"), ["← Newest versions"]);
}

#[tokio::test]
async fn a_version_shows_its_difference_with_marks_on_the_words() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "You are a friendly helper.\nBye\n").await;
    site.publish(&agent, "You are a formal helper.\nBye\n").await;
    site.publish(&agent, "You are a formal helper.\nSee you\n").await;
    let mut browser = site.signed_in(Role::Viewer).await;
    let page = browser.get(&format!("/agents/{agent}/versions/2")).await;
    assert_eq!(page.text("#changes"), "Changes from version 1");
    assert_eq!(page.texts(".diff tr"), ["1−You are a friendly helper.", "1+You are a formal helper.", "22Bye"]);
    assert_eq!(page.texts(".diff mark"), ["friendly", "formal"]);
    let page = browser.get(&format!("/agents/{agent}/versions/1?against=3")).await;
    assert_eq!(page.texts(".diff tr.removed .content"), ["You are a formal helper.", "See you"]);
    let page = browser.get(&format!("/agents/{agent}/versions/1")).await;
    assert!(!page.has(".diff"));
    assert_eq!(page.attributes(".pager a", "href"), [format!("/agents/{agent}/versions/2")]);
}

#[tokio::test]
async fn deploying_from_an_old_page_is_refused() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One").await;
    site.persona(&agent, json!("Two"), PersonaStatus::Draft).await;
    let mut browser = site.signed_in(Role::Editor).await;
    let version = format!("/agents/{agent}/versions/2");
    let deploy = format!("{version}/deploy");
    let page = browser.get(&version).await;
    site.publish(&agent, "Three").await;
    let answer = browser.submit(&page, &deploy, "Publish", &[]).await;
    assert_eq!((answer.status, answer.text("h1").as_str()), (StatusCode::CONFLICT, "The agent has changed"));
    assert_eq!(answer.attributes("main a", "href"), [format!("/agents/{agent}")]);
    assert_eq!(site.published(&agent).await, "Three");

    let page = browser.get(&version).await;
    assert_eq!(browser.submit(&page, &deploy, "Publish", &[]).await.status, StatusCode::SEE_OTHER);
    assert!(browser.get(&version).await.has(".badge.current"));
}

#[tokio::test]
async fn an_open_page_hears_of_a_change() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    let browser = site.signed_in(Role::Viewer).await;
    let mut stream = browser.stream(&format!("/events?agent={agent}")).await;
    // The watcher reads where the changes are before it can tell of the next; a change that it missed is not told, so the
    // test goes on changing until it hears one.
    let mut heard = String::new();
    for round in 0.. {
        site.publish(&agent, &format!("Round {round}")).await;
        let chunk = tokio::time::timeout(std::time::Duration::from_secs(3), stream.chunk()).await;
        if let Ok(chunk) = chunk {
            heard.push_str(std::str::from_utf8(&chunk.unwrap().unwrap()).unwrap());
            break;
        }
        assert!(round < 10, "nothing was heard");
    }
    assert!(heard.starts_with("event: change\n") || heard.contains("\nevent: change\n"), "{heard}");
    assert!(heard.contains(agent.as_str()) && heard.contains("\"author\":\"Bob\""), "{heard}");
    assert_eq!(site.browser().get(&format!("/events?agent={agent}")).await.status, StatusCode::UNAUTHORIZED);
}

/// A proxy whose server starts again refuses the stream for a moment, and the agent changes meanwhile.
#[tokio::test]
async fn a_page_that_listens_again_hears_at_once_what_it_missed() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    let mut browser = site.signed_in(Role::Viewer).await;
    let shown = browser.get(&format!("/agents/{agent}")).await.attributes("#changed", "data-revision");
    let stream = format!("/events?agent={agent}&seen={}", shown[0]);
    site.publish(&agent, "Two").await;
    let heard = browser.stream(&stream).await.chunk().await.unwrap().unwrap();
    let heard = std::str::from_utf8(&heard).unwrap();
    assert!(heard.starts_with("event: change\n") && heard.contains("\"author\":\"Bob\""), "{heard}");
}

#[tokio::test]
async fn any_two_versions_are_compared_inline_and_side_by_side() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    let lines = |first: &str, last: &str| format!("{first}\n{}{last}\n", "same\n".repeat(9));
    site.publish(&agent, &lines("You are friendly.", "Bye")).await;
    site.publish(&agent, "between\n").await;
    site.publish(&agent, &lines("You are formal.", "Bye\nSee you")).await;
    let mut browser = site.signed_in(Role::Viewer).await;
    let version = format!("/agents/{agent}/versions/3?against=1");
    let page = browser.get(&version).await;
    assert_eq!(page.text(".diff .folded"), "4 unchanged lines");
    let address = |page: &Page, label: &str| {
        let labels = page.texts("nav a.chip");
        page.attributes("nav a.chip", "href").remove(labels.iter().position(|found| found == label).unwrap())
    };
    let split = browser.get(&address(&page, "Side by side")).await;
    assert_eq!(split.texts(".diff.split mark"), ["friendly", "formal"]);
    assert_eq!(split.texts(".diff tr")[..2], ["1You are friendly.1You are formal.", "2same2same"]);
    assert_eq!(split.text(".diff .folded"), "4 unchanged lines");
    let all = browser.get(&address(&split, "All lines")).await;
    assert!(!all.has(".diff .folded") && all.has(".diff.split"), "what is chosen stays");
    assert_eq!(all.texts(".diff tr").last().unwrap(), "12See you");
    let markdown = browser.get(&address(&all, "Markdown")).await;
    assert!(markdown.has(".markdown p") && markdown.has(".diff.split") && !markdown.has(".folded"));
    assert_eq!(markdown.text("#changes"), "Changes from version 1");
}

#[tokio::test]
async fn a_roll_back_says_what_it_replaces() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One").await;
    site.pass(60_000);
    let persona = keepstep_store::PersonaChange { persona: json!("Two"), status: PersonaStatus::Published };
    site.change(&agent, Some("Shorter"), Patch { persona: Some(persona), ..Patch::default() }).await;
    let page = site.signed_in(Role::Editor).await.get(&format!("/agents/{agent}/versions/1")).await;
    let said = "Putting it in production replaces version 2, by Bob on 14 Nov 2023, 22:14 UTC (“Shorter”).";
    assert_eq!(page.text("main > p.small"), said);
    assert_eq!(page.attributes("main > p.small a", "href"), [format!("/agents/{agent}/versions/1?against=2#changes")]);
    let page = site.signed_in(Role::Viewer).await.get(&format!("/agents/{agent}/versions/1")).await;
    assert!(!page.has("main > p.small"));
}
