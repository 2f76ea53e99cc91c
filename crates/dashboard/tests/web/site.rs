//! A platform on a free port, and browsers that look at it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use keepstep_agent::Field;
use keepstep_base::AgentId;
use keepstep_platform::{SESSION_LIFE, Settings};
use keepstep_server::serve;
use keepstep_store::{
    Device, Intent, LinkPurpose, NewAgent, NewLink, Organization, Patch, PersonaChange, PersonaStatus, Role, Scope, Store,
    Surroundings,
};
use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, StatusCode, redirect};
use scraper::{ElementRef, Html, Selector};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// 14 November 2023, 22:13 UTC.
const START: i64 = 1_700_000_000_000;

/// A platform with one organization and a clock that the test moves.
pub(crate) struct Site {
    pub(crate) url: String,
    pub(crate) store: Store,
    pub(crate) scope: Scope,
    clock: Arc<AtomicI64>,
    client: Client,
    server: JoinHandle<std::io::Result<()>>,
    _folder: TempDir,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::start_with(Settings::default()).await
    }

    pub(crate) async fn start_with(settings: Settings) -> Self {
        // Another test may have been first; there is one provider for the process.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicI64::new(START));
        let read = Arc::clone(&clock);
        let surroundings = Surroundings::of_the_machine().with_clock(move || read.load(Ordering::SeqCst));
        let store = Store::open_with(&folder.path().join("keepstep.db"), surroundings).await.unwrap();
        let mut transaction = store.write().await.unwrap();
        let Organization { id, .. } = transaction.ensure_organization(None).await.unwrap();
        transaction.commit().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server =
            tokio::spawn(serve(listener, None, store.clone(), settings, keepstep_dashboard::pages, std::future::pending()));
        let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
        Self { url, store, scope: Scope::organization(id), clock, client, server, _folder: folder }
    }

    pub(crate) fn pass(&self, milliseconds: i64) {
        self.clock.fetch_add(milliseconds, Ordering::SeqCst);
    }

    /// Returns the path of a new invitation that works for a minute.
    pub(crate) async fn link(&self, role: Role) -> String {
        self.link_for(LinkPurpose::Invite, role, None).await
    }

    /// Returns the path of a new link that works for a minute.
    pub(crate) async fn link_for(&self, purpose: LinkPurpose, role: Role, user_id: Option<&str>) -> String {
        let mut transaction = self.store.write().await.unwrap();
        let expires_at = transaction.now() + 60_000;
        let new = NewLink { org_id: &self.scope.org_id, purpose, role, user_id, created_by: None, expires_at };
        let (secret, _) = transaction.create_link(new).await.unwrap();
        transaction.commit().await.unwrap();
        format!("/sign-in/link/{}", secret.reveal())
    }

    pub(crate) async fn agent(&self, name: &str) -> AgentId {
        let mut transaction = self.store.write().await.unwrap();
        let made = transaction.create_agent(NewAgent { scope: &self.scope, name, author: Some("Ada") }).await.unwrap();
        transaction.commit().await.unwrap();
        made.agent.id
    }

    /// Changes an agent as somebody else.
    pub(crate) async fn change(&self, agent: &AgentId, message: Option<&str>, patch: Patch) {
        let intent = Intent { scope: &self.scope, agent, author: Some("Bob"), message, expected: None };
        let mut transaction = self.store.write().await.unwrap();
        transaction.change(&intent, &patch).await.unwrap();
        transaction.commit().await.unwrap();
    }

    pub(crate) async fn persona(&self, agent: &AgentId, persona: Value, status: PersonaStatus) {
        let persona = Some(PersonaChange { persona, status });
        self.change(agent, None, Patch { persona, ..Patch::default() }).await;
    }

    pub(crate) async fn publish(&self, agent: &AgentId, persona: &str) {
        self.persona(agent, json!(persona), PersonaStatus::Published).await;
    }

    pub(crate) async fn published(&self, agent: &AgentId) -> Value {
        let state = self.store.agent_state(&self.scope, agent).await.unwrap();
        state.definition().get(Field::PERSONA).cloned().unwrap_or_default()
    }

    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser { site: self, cookies: Vec::new() }
    }

    /// Calls the API with a key, as a program that calls itself `agent`, and returns the status.
    pub(crate) async fn call(&self, path: &str, key: &str, agent: &str) -> StatusCode {
        let request = self.client.get(format!("{}{path}", self.url)).bearer_auth(key).header("user-agent", agent);
        request.send().await.unwrap().status()
    }

    /// Returns another browser with the cookies of one.
    pub(crate) fn browser_with(&self, other: &Browser<'_>) -> Browser<'_> {
        Browser { site: self, cookies: other.cookies.clone() }
    }

    /// Returns a browser that is signed in as a new user of that role, who has no password.
    pub(crate) async fn signed_in(&self, role: Role) -> Browser<'_> {
        let mut transaction = self.store.write().await.unwrap();
        let user = transaction.create_user(&self.scope.org_id, role, "Grace").await.unwrap();
        let expires_at = transaction.now() + SESSION_LIFE;
        let device = Device { name: "Firefox on Linux".to_owned(), address: "192.0.2.1".to_owned() };
        let (secret, _) = transaction.create_session(&user, expires_at, &device).await.unwrap();
        transaction.commit().await.unwrap();
        let mut browser = self.browser();
        browser.cookies.push(("keepstep_session".to_owned(), secret.reveal().to_owned()));
        browser
    }

    /// Returns a browser that is signed in as somebody who came by an invitation, with the address `NAME@example.com` and [`PASSWORD`].
    pub(crate) async fn member(&self, role: Role, name: &str) -> Browser<'_> {
        let mut browser = self.browser();
        let link = self.link(role).await;
        let page = browser.get(&link).await;
        let email = format!("{}@example.com", name.to_lowercase());
        let filled = [("name", name), ("email", &email), ("password", PASSWORD), ("repeated", PASSWORD)];
        let answer = browser.submit(&page, &link, "Create my account", &filled).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"), "{}", answer.body);
        browser
    }

    /// Returns the id of somebody.
    pub(crate) async fn id_of(&self, name: &str) -> String {
        let members = self.store.members(&self.scope.org_id).await.unwrap();
        members.into_iter().find(|member| member.user.name == name).unwrap().user.id
    }
}

/// The password of everybody who has one.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A browser without a script: it keeps cookies and sends forms as they are on the page.
pub(crate) struct Browser<'a> {
    site: &'a Site,
    pub(crate) cookies: Vec<(String, String)>,
}

/// What a browser was answered.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Browser<'_> {
    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.send(Method::GET, path, &[], None).await
    }

    /// Sends the form on a page that goes to `action`, with the button of that label and some fields filled in.
    pub(crate) async fn submit(&mut self, page: &Page, action: &str, button: &str, filled: &[(&str, &str)]) -> Page {
        let fields = page.fields(action, button, filled);
        let origin = self.site.url.clone();
        self.send(Method::POST, action, &[("origin", &origin)], Some(&fields)).await
    }

    /// Sends the fields of a form as a script does.
    pub(crate) async fn put(&mut self, path: &str, fields: &[(String, String)]) -> Page {
        let origin = self.site.url.clone();
        self.send(Method::PUT, path, &[("origin", &origin)], Some(fields)).await
    }

    pub(crate) async fn post(&mut self, path: &str, headers: &[(&str, &str)], fields: &[(String, String)]) -> Page {
        self.send(Method::POST, path, headers, Some(fields)).await
    }

    /// Returns an answer whose body does not end.
    pub(crate) async fn stream(&self, path: &str) -> reqwest::Response {
        let request = self.site.client.get(format!("{}{path}", self.site.url)).header(COOKIE, self.cookie_line());
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response
    }

    fn cookie_line(&self) -> String {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        cookies.join("; ")
    }

    /// Sends a body as it is.
    pub(crate) async fn post_body(&mut self, path: &str, kind: &str, body: Vec<u8>) -> Page {
        let request = self.site.client.post(format!("{}{path}", self.site.url)).header(COOKIE, self.cookie_line());
        self.answer(request.header("content-type", kind).body(body)).await
    }

    async fn send(&mut self, method: Method, path: &str, headers: &[(&str, &str)], fields: Option<&[(String, String)]>) -> Page {
        let mut request = self.site.client.request(method, format!("{}{path}", self.site.url));
        if !self.cookies.is_empty() {
            request = request.header(COOKIE, self.cookie_line());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(fields) = fields {
            request = request.header("content-type", "application/x-www-form-urlencoded").body(encoded(fields));
        }
        self.answer(request).await
    }

    async fn answer(&mut self, request: reqwest::RequestBuilder) -> Page {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        for line in headers.get_all(SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !line.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        Page { status, headers, body: response.text().await.unwrap() }
    }
}

fn encoded(fields: &[(String, String)]) -> String {
    let encode = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    fn html(&self) -> Html {
        Html::parse_document(&self.body)
    }

    /// Returns the texts of all elements that match, without the white space around them.
    pub(crate) fn texts(&self, selector: &str) -> Vec<String> {
        let html = self.html();
        html.select(&Selector::parse(selector).unwrap()).map(|found| words(&found)).collect()
    }

    /// Returns the text of the one element that matches.
    pub(crate) fn text(&self, selector: &str) -> String {
        let mut texts = self.texts(selector);
        assert_eq!(texts.len(), 1, "{selector} in {}", self.body);
        texts.remove(0)
    }

    /// Returns the text of the first element that matches, every character of it.
    pub(crate) fn exact(&self, selector: &str) -> String {
        let html = self.html();
        let found = html.select(&Selector::parse(selector).unwrap()).next();
        found.unwrap_or_else(|| panic!("no {selector} in {}", self.body)).text().collect()
    }

    pub(crate) fn has(&self, selector: &str) -> bool {
        !self.texts(selector).is_empty()
    }

    pub(crate) fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        let html = self.html();
        let selector = Selector::parse(selector).unwrap();
        html.select(&selector).filter_map(|found| found.value().attr(name)).map(str::to_owned).collect()
    }

    /// Returns what a browser would send for a form: its fields as they are on the page, but for those that were filled in.
    pub(crate) fn fields(&self, action: &str, button: &str, filled: &[(&str, &str)]) -> Vec<(String, String)> {
        let html = self.html();
        let form = html
            .select(&Selector::parse("form[method=post]").unwrap())
            .find(|form| form.value().attr("action") == Some(action))
            .unwrap_or_else(|| panic!("no form to {action} in {}", self.body));
        let mut fields = Vec::new();
        for field in form.select(&Selector::parse("input, textarea, button").unwrap()) {
            let Some(name) = field.value().attr("name") else { continue };
            let value = match field.value().name() {
                "button" if words(&field) != button => continue,
                "textarea" => field.text().collect(),
                _ => field.value().attr("value").unwrap_or_default().to_owned(),
            };
            let is_filled = |filled: &(&str, &str)| filled.0 == name && Some(filled.1) == field.value().attr("value");
            if field.value().attr("type") == Some("radio")
                && field.value().attr("checked").is_none()
                && !filled.iter().any(is_filled)
            {
                continue;
            }
            let value = filled.iter().find(|(filled, _)| *filled == name).map_or(value, |(_, value)| (*value).to_owned());
            // Browsers send every line end as CRLF.
            let value = value.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
            fields.push((name.to_owned(), value));
        }
        let buttons = form.select(&Selector::parse("button").unwrap()).map(|button| words(&button)).collect::<Vec<_>>();
        assert!(buttons.iter().any(|label| label == button), "no button {button:?} among {buttons:?}");
        fields
    }
}

fn words(element: &ElementRef<'_>) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}
