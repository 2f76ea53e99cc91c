//! The demo's platform, in this process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use keepstep_api::own::DefinitionChange;
use keepstep_base::AgentId;
use keepstep_client::{Key, KeyOrigin, Options, Secret, Target, UrlOrigin, Writer};
use keepstep_platform::{KeyRequest, Plain, Settings, Target as Changed};
use keepstep_store::artifacts::Objects;
use keepstep_store::backup::OBJECTS;
use keepstep_store::{PersonaStatus, Role, Store};
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use url::Url;

use super::month;
use crate::command::admin::make_link;
use crate::session::data_file;
use crate::session::platform_data::{alone, make_private};
use crate::shell::failure::Failure;
use crate::shell::interrupt;

/// A platform that serves beside the tour.
pub(super) struct Platform {
    runtime: Runtime,
    url: String,
    store: Store,
    database: PathBuf,
    shutdown: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Platform {
    /// Starts it.
    pub(super) fn start(listen: SocketAddr, data: &Path) -> Result<Self, Failure> {
        make_private(data).map_err(|error| Failure::io("create", &data.display().to_string(), error))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| Failure::io("start", "the server", error))?;
        let (shutdown, asked) = oneshot::channel::<()>();
        let database = data.join("keepstep.db");
        let fail = |error| Failure::io("listen on", &listen.to_string(), error);
        let (listener, store) = runtime.block_on(async {
            let listener = TcpListener::bind(listen).await.map_err(fail)?;
            Ok::<_, Failure>((listener, Store::open(&database).await?))
        })?;
        let url = format!("http://{}", listener.local_addr().map_err(fail)?);
        let served = store.clone();
        let settings = Settings { objects: Some(Objects::in_folder(&data.join(OBJECTS))?), ..Settings::default() };
        let serving = runtime.spawn(keepstep_server::serve(listener, None, served, settings, keepstep_dashboard::pages, async {
            // Also when the sender is dropped: then nobody is left to serve for.
            let _ = asked.await;
        }));
        Ok(Self { runtime, url, store, database, shutdown, serving })
    }

    /// Returns its address.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Writes down what has happened before: there is something to look at.
    pub(super) fn remember_a_month(&self) -> Result<(), Failure> {
        self.runtime.block_on(month::write(&self.database))
    }

    /// Returns a link that signs a browser in.
    pub(super) fn owner_link(&self) -> Result<String, Failure> {
        self.runtime.block_on(make_link(&alone(self.store.clone()), &self.url))
    }

    /// Makes a key for somebody.
    pub(super) fn key(&self, name: &str) -> Result<String, Failure> {
        self.runtime.block_on(async {
            let platform = alone(self.store.clone());
            let wanted = KeyRequest { name, role: Role::Owner, project: None, life: None };
            let (secret, _) = platform.create_key(&platform.operator(None).await?, wanted, None).await?;
            Ok(secret.reveal().to_owned())
        })
    }

    /// Publishes a persona as somebody else would.
    pub(super) fn publish(&self, key: &str, agent: &AgentId, persona: &str, message: &str) -> Result<(), Failure> {
        let url = Url::parse(&self.url).map_err(|error| Failure::usage(error.to_string()))?;
        let key = Some(Key { secret: Secret::from(key), origin: KeyOrigin::Flag });
        let target = Target { url, url_origin: UrlOrigin::Flag, key, withheld: Vec::new(), named_only_by: None };
        let writer = Writer::new(&target, &Options::default())?;
        let fields: Map<String, Value> = [("persona".to_owned(), Value::from(persona))].into_iter().collect();
        let change = DefinitionChange { fields, draft: false, message: Some(message.to_owned()) };
        self.runtime.block_on(async {
            let before = writer.reader().agent_now(agent).await?;
            writer.change(agent, before.revision, &change).await?;
            Ok(())
        })
    }

    /// Saves a draft of a persona and asks for a review of it, as somebody else would.
    pub(super) fn propose(&self, key: &str, agent: &AgentId, persona: &str) -> Result<(), Failure> {
        self.runtime.block_on(async {
            let platform = alone(self.store.clone());
            let by = platform.holder_of_key(key).await?.actor;
            let target = Changed { agent, message: Some("For questions in other languages".to_owned()), expected: None };
            let saved = platform.save_persona(&by, target, Value::from(persona), PersonaStatus::Draft, Plain).await?;
            platform.propose(&by, agent, saved.persona.summary.version).await?;
            Ok(())
        })
    }

    /// Publishes test data from the text of a file, as somebody else would.
    pub(super) fn import(&self, project: &str, text: &str) -> Result<(), Failure> {
        let file = data_file::test_data(text, std::path::Path::new("questions.yaml"), None)?;
        self.runtime.block_on(async {
            let platform = alone(self.store.clone());
            platform.import(&platform.operator_of(project).await?, project, &file, Plain).await?;
            Ok(())
        })
    }

    /// Serves until Ctrl-C.
    pub(super) fn serve_on(&self) {
        let _pause = interrupt::pause();
        self.runtime.block_on(async {
            // Without a handler the signal ends the process, which is what it asks for.
            let _ = tokio::signal::ctrl_c().await;
        });
    }

    /// Ends it.
    pub(super) fn end(self) {
        let _ = self.shutdown.send(());
        // What it served is thrown away; an error at the end tells nobody anything.
        let _ = self.runtime.block_on(self.serving);
    }
}
