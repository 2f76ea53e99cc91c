use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use keepstep_platform::{Message, Messenger, Settings};
use keepstep_store::Role;
use reqwest::StatusCode;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::site::{Browser, Page, Site};

/// A receiver that says what it gets, and answers what the test says.
struct Receiver {
    sent: UnboundedSender<Message>,
    answer: fn(&Message, usize) -> Result<u16, String>,
    /// The ids that it was sent.
    ids: Mutex<Vec<String>>,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Receiver")
    }
}

impl Messenger for Receiver {
    fn send(&self, message: Message) -> BoxFuture<'static, Result<u16, String>> {
        let mut ids = self.ids.lock().unwrap();
        ids.push(message.headers[0].1.clone());
        let answer = (self.answer)(&message, ids.iter().filter(|id| **id == message.headers[0].1).count());
        self.sent.send(message).unwrap();
        async { answer }.boxed()
    }
}

/// Returns a site whose messages are answered as a function says, which gets the message and how often it was sent.
async fn site(answer: fn(&Message, usize) -> Result<u16, String>) -> (Site, UnboundedReceiver<Message>) {
    let (sent, received) = unbounded_channel();
    let receiver = Receiver { sent, answer, ids: Mutex::default() };
    (Site::start_with(Settings { messenger: Some(Arc::new(receiver)), ..Settings::default() }).await, received)
}

async fn create(browser: &mut Browser<'_>, url: &str, events: &[&str]) -> Page {
    let page = browser.get("/webhooks").await;
    let mut fields = page.fields("/webhooks", "Create the webhook", &[("url", url)]);
    fields.retain(|(name, _)| !name.contains('.'));
    fields.extend(events.iter().map(|event| ((*event).to_owned(), "1".to_owned())));
    browser.post("/webhooks", &[], &fields).await
}

/// Looks at a page until its deliveries have an outcome and these states.
async fn look_until(browser: &mut Browser<'_>, path: &str, states: &[&str]) -> Page {
    let looking = async {
        loop {
            let page = browser.get(path).await;
            let has_outcomes = !page.texts("td[data-label='Answer:']").contains(&"none yet".to_owned());
            if has_outcomes && page.texts("tbody .badge") == states {
                return page;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), looking).await.unwrap_or_else(|_| panic!("never {states:?}"))
}

#[tokio::test]
async fn what_happens_is_told_until_it_arrives() {
    let (site, mut received) = site(|message, times| match times {
        _ if message.body.contains("webhook.test") => Err("the server refused the connection <b>".to_owned()),
        1 => Ok(500),
        _ => Ok(204),
    })
    .await;
    let agent = site.agent("Shop").await;
    let mut browser = site.signed_in(Role::Owner).await;
    let page = create(&mut browser, "https://example.com/secret/hook", &["persona.published", "drift.seen"]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let secret = page.text(".notice .command");
    assert!(secret.starts_with("whsec_"), "{secret}");
    let page = browser.get("/webhooks").await;
    assert!(!page.body.contains(&secret) && !page.body.contains("secret/hook"));
    assert_eq!(page.texts("tbody th"), ["example.com"]);
    assert_eq!(page.texts("td[data-label='Events:']"), ["drift.seen, persona.published"]);
    let path = page.attributes("tbody th a", "href").remove(0);

    let form = format!("/agents/{agent}/edit");
    let page = browser.get(&form).await;
    browser.submit(&page, &form, "Publish", &[("persona", "Be kind."), ("message", "kinder")]).await;
    let first = received.recv().await.unwrap();
    assert_eq!(first.url, "https://example.com/secret/hook");
    let body: serde_json::Value = serde_json::from_str(&first.body).unwrap();
    assert_eq!((&body["type"], &body["timestamp"]), (&"persona.published".into(), &"2023-11-14T22:13:20Z".into()));
    assert_eq!((&body["data"]["agent"]["name"], &body["data"]["version"]), (&"Shop".into(), &1.into()));
    assert_eq!((&body["data"]["by"], &body["data"]["message"]), (&"Grace".into(), &"kinder".into()));
    assert!(!first.body.contains("Be kind."), "texts stay here");
    let page = look_until(&mut browser, &path, &["waiting"]).await;
    assert_eq!(page.texts("td[data-label='Answer:']"), ["status 500"]);
    assert_eq!(page.texts("tbody .about"), ["next at 14 Nov 2023, 22:13 UTC"]);

    // Again by itself after five seconds: any write has the server look what is due.
    site.pass(5_000);
    browser.submit(&page, &format!("{path}/test"), "Send a test", &[]).await;
    let both = [received.recv().await.unwrap(), received.recv().await.unwrap()];
    let again = both.iter().find(|message| message.headers[0] == first.headers[0]).expect("the same message");
    assert_eq!((&again.body, &again.headers[1].1), (&first.body, &"1700000005".to_owned()), "at another time");
    assert_ne!(again.headers[2], first.headers[2], "which is signed");
    let page = look_until(&mut browser, &path, &["waiting", "delivered"]).await;
    let answers = ["the server refused the connection <b>", "status 204after 2 attempts"];
    assert_eq!(page.texts("td[data-label='Answer:']"), answers);

    // And at once, because somebody says so.
    let send = page.attributes("tbody tr:last-child form", "action").remove(0);
    let answer = browser.submit(&page, &send, "Send again", &[]).await;
    assert_eq!(answer.location(), format!("{path}?done=again"));
    assert_eq!(received.recv().await.unwrap().headers[0], first.headers[0]);
}

#[tokio::test]
async fn an_address_that_is_gone_is_told_nothing_more() {
    let (site, mut received) = site(|_, _| Ok(410)).await;
    let mut browser = site.signed_in(Role::Owner).await;
    create(&mut browser, "http://127.0.0.1:9/x", &["persona.published"]).await;
    let path = browser.get("/webhooks").await.attributes("tbody th a", "href").remove(0);
    let page = browser.get(&path).await;
    let answer = browser.submit(&page, &format!("{path}/test"), "Send a test", &[]).await;
    assert_eq!(answer.location(), format!("{path}?done=test"));
    received.recv().await.unwrap();
    let page = look_until(&mut browser, &path, &["failed"]).await;
    assert_eq!(page.texts("td[data-label='Answer:']"), ["status 410: the address is gone"]);
    assert!(page.text(".notice.bad").starts_with("Disabled since"));
    assert_eq!(browser.get("/webhooks").await.texts("tbody .badge"), ["disabled"]);
    // Nor by hand, from a page that was open before.
    assert!(!page.texts("main button").iter().any(|label| label.starts_with("Send")), "{:?}", page.texts("main button"));
    let delivery = page.text("tbody .id");
    let token = page.attributes("input[name=csrf]", "value").remove(0);
    for path in [format!("{path}/test"), format!("{path}/deliveries/{delivery}/send")] {
        let refused = browser.post(&path, &[], &[("csrf".to_owned(), token.clone())]).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(refused.body.contains("This webhook is disabled: its address said that it is gone."), "{}", refused.body);
    }
    let agent = site.agent("Shop").await;
    let form = format!("/agents/{agent}/edit");
    let page = browser.get(&form).await;
    browser.submit(&page, &form, "Publish", &[("persona", "Be kind.")]).await;
    assert_eq!(browser.get(&path).await.texts("tbody th").len(), 1, "only the test");

    let page = browser.get(&format!("{path}/delete")).await;
    assert_eq!(page.text("h1"), "Delete the webhook to 127.0.0.1:9?");
    let answer = browser.submit(&page, &format!("{path}/delete"), "Delete the webhook", &[]).await;
    assert_eq!(answer.location(), "/webhooks?done=deleted");
    assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND);
    let told = browser.get("/activity").await.texts("tbody th");
    assert_eq!(told[..2], ["Delete a webhook", "Publish a persona"]);
}

#[tokio::test]
async fn an_address_that_cannot_be_one_is_shown_again() {
    let site = Site::start().await;
    let mut browser = site.signed_in(Role::Owner).await;
    for (url, events, problem) in [
        ("ftp://example.com", &["drift.seen"][..], "An address begins with https:// or http:// and has no spaces."),
        ("https://a:b@example.com", &["drift.seen"], "An address has no name and no password in it."),
        ("https://example.com", &[], "Choose at least one event."),
        ("https://example.com", &["every.thing"], "\"every.thing\" is not an event."),
    ] {
        let page = create(&mut browser, url, events).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{url}");
        assert!(page.text(".problem").starts_with(problem), "{}", page.text(".problem"));
        assert_eq!(page.attributes("input[name=url]", "value"), [url]);
    }
    assert_eq!(site.store.webhooks(&site.scope.org_id).await.unwrap(), []);
}

#[tokio::test]
async fn only_owners_see_webhooks() {
    let site = Site::start().await;
    let mut owner = site.signed_in(Role::Owner).await;
    create(&mut owner, "https://example.com", &["drift.seen"]).await;
    let path = owner.get("/webhooks").await.attributes("tbody th a", "href").remove(0);
    let mut editor = site.signed_in(Role::Editor).await;
    for path in ["/webhooks", &path, &format!("{path}/delete")] {
        assert_eq!(editor.get(path).await.status, StatusCode::FORBIDDEN);
    }
}
