//! A platform on a free port, with keys of every kind.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use keepstep_base::AgentId;
use keepstep_platform::Settings;
use keepstep_server::serve;
use keepstep_store::artifacts::Objects;
use keepstep_store::{NewAgent, NewKey, Role, Scope, Store, Surroundings};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// 14 November 2023, 22:13:20 UTC.
pub(crate) const START: i64 = 1_700_000_000_000;

/// A platform whose clock stands still.
pub(crate) struct World {
    pub(crate) url: String,
    pub(crate) store: Store,
    pub(crate) scope: Scope,
    pub(crate) agent: AgentId,
    pub(crate) owner: String,
    clock: Arc<AtomicI64>,
    client: Client,
    server: JoinHandle<std::io::Result<()>>,
    pub(crate) folder: TempDir,
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// An answer that was read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {} {:?}", self.status, self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(Settings::default()).await
    }

    /// Starts a platform with other settings. It keeps files in the folder `objects`.
    pub(crate) async fn start_with(settings: Settings) -> Self {
        // Another test may have been first; there is one provider for the process.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicI64::new(START));
        let read = Arc::clone(&clock);
        let surroundings = Surroundings::of_the_machine().with_clock(move || read.load(Ordering::SeqCst));
        let store = Store::open_with(&folder.path().join("keepstep.db"), surroundings).await.unwrap();
        let mut transaction = store.write().await.unwrap();
        let scope = Scope::organization(transaction.ensure_organization(None).await.unwrap().id);
        let agent = transaction.create_agent(NewAgent { scope: &scope, name: "Shop", author: None }).await.unwrap();
        transaction.commit().await.unwrap();
        let objects = Objects::in_folder(&folder.path().join("objects")).unwrap();
        let settings = Settings { objects: Some(objects), ..settings };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server =
            tokio::spawn(serve(listener, None, store.clone(), settings, keepstep_dashboard::pages, std::future::pending()));
        let client = Client::builder().no_proxy().build().unwrap();
        let mut world = Self { url, store, scope, agent: agent.agent.id, owner: String::new(), clock, client, server, folder };
        world.owner = world.key("olga", Role::Owner, &world.scope.clone(), None).await;
        world
    }

    pub(crate) fn set_clock(&self, time: i64) {
        self.clock.store(time, Ordering::SeqCst);
    }

    pub(crate) async fn key(&self, name: &str, role: Role, scope: &Scope, expires_at: Option<i64>) -> String {
        let mut transaction = self.store.write().await.unwrap();
        let (secret, _) = transaction.create_key(NewKey { name, role, scope, expires_at }).await.unwrap();
        transaction.commit().await.unwrap();
        secret.reveal().to_owned()
    }

    /// Returns a request with the owner's key. `{id}` and `{base}` in the path stand for the agent's id and its first part.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(&self.owner)
    }

    pub(crate) fn anonymous(&self, method: &str, path: &str) -> RequestBuilder {
        let path = path.replace("{id}", self.agent.as_str()).replace("{base}", self.agent.base_and_rest().0);
        self.client.request(method.parse::<Method>().unwrap(), format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        read(self.request("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        read(self.request("POST", path).json(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        read(self.request("PATCH", path).json(&body)).await
    }

    /// Changes the definition from the revision that it has.
    pub(crate) async fn define(&self, fields: Value) -> Answer {
        let etag = self.get("/api/v1/agents/{id}/state").await.header("etag").to_owned();
        let body = serde_json::json!({ "fields": fields });
        read(self.request("PATCH", "/api/v1/agents/{id}/definition").header("if-match", etag).json(&body)).await
    }

    /// Returns a text with what is random in it replaced by its name.
    pub(crate) fn stable(&self, text: &str) -> String {
        let (base, _) = self.agent.base_and_rest();
        text.replace(base, "[base]").replace(&self.scope.org_id, "[org]").replace(&self.url, "[url]")
    }

    /// Returns the JSON of an answer, indented, with what is random in it replaced.
    pub(crate) fn shown(&self, answer: &Answer) -> String {
        self.stable(&format!("{}\n{:#}", answer.status, answer.json()))
    }
}

pub(crate) async fn read(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}
