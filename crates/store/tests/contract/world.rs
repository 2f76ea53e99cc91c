//! A fresh store with an organization, and a clock that stands still.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use keepstep_agent::Field;
use keepstep_base::AgentId;
use keepstep_base::PersonaVersion;
use keepstep_base::Revision;
use keepstep_store::artifacts::Objects;
use keepstep_store::{
    AgentState, Changed, Intent, NewAgent, Patch, PersonaChange, PersonaStatus, Result, Scope, Store, Surroundings,
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};
use tempfile::TempDir;

/// When the clock starts.
pub(crate) const START: i64 = 1_800_000_000_000;

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) scope: Scope,
    clock: Arc<AtomicI64>,
    pub(crate) folder: TempDir,
}

impl World {
    /// Begins a world with a store that is opened with its clock.
    pub(crate) async fn begin(folder: TempDir, open: impl AsyncFnOnce(Surroundings) -> Store) -> Self {
        let clock = Arc::new(AtomicI64::new(START));
        let surroundings = {
            let clock = Arc::clone(&clock);
            Surroundings::of_the_machine().with_clock(move || clock.load(Ordering::SeqCst))
        };
        let store = open(surroundings).await;
        let mut transaction = store.write().await.unwrap();
        let organization = transaction.ensure_organization(None).await.unwrap();
        transaction.commit().await.unwrap();
        Self { store, scope: Scope::organization(organization.id), clock, folder }
    }

    pub(crate) fn set_clock(&self, time: i64) {
        self.clock.store(time, Ordering::SeqCst);
    }

    /// Returns the place where the bytes of files are.
    pub(crate) fn objects(&self) -> Objects {
        Objects::in_folder(&self.folder.path().join("objects")).unwrap()
    }

    /// Returns how many rows tables have.
    pub(crate) async fn rows(&self, tables: &[&str]) -> Vec<i64> {
        let url = format!("sqlite://{}?mode=ro", self.folder.path().join("keepstep.db").display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        let mut counts = Vec::new();
        for table in tables {
            let query = sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table}")));
            counts.push(query.fetch_one(&mut connection).await.unwrap());
        }
        counts
    }

    /// Changes rows behind the store's back.
    pub(crate) async fn alter(&self, statement: &'static str) {
        let url = format!("sqlite://{}?mode=rw", self.folder.path().join("keepstep.db").display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        sqlx::query(statement).execute(&mut connection).await.unwrap();
    }

    pub(crate) async fn agent(&self) -> AgentId {
        let mut transaction = self.store.write().await.unwrap();
        let new = NewAgent { scope: &self.scope, name: "Shop", author: Some("ada") };
        let state = transaction.create_agent(new).await.unwrap();
        transaction.commit().await.unwrap();
        state.agent.id
    }

    pub(crate) async fn state(&self, id: &AgentId) -> AgentState {
        self.store.agent_state(&self.scope, id).await.unwrap()
    }

    pub(crate) async fn change(&self, id: &AgentId, expected: Option<u64>, patch: &Patch) -> Result<Changed> {
        let mut transaction = self.store.write().await?;
        let changed = transaction.change(&self.intent(id, expected), patch).await?;
        transaction.commit().await?;
        Ok(changed)
    }

    pub(crate) async fn publish(&self, id: &AgentId, text: &str) -> Changed {
        self.change(id, None, &persona(text, PersonaStatus::Published)).await.unwrap()
    }

    pub(crate) async fn draft(&self, id: &AgentId, text: &str) -> Changed {
        self.change(id, None, &persona(text, PersonaStatus::Draft)).await.unwrap()
    }

    pub(crate) async fn deploy(&self, id: &AgentId, version: u32) -> Result<Changed> {
        let mut transaction = self.store.write().await?;
        let changed = transaction.deploy(&self.intent(id, None), PersonaVersion(version)).await?;
        transaction.commit().await?;
        Ok(changed)
    }

    fn intent<'a>(&'a self, agent: &'a AgentId, expected: Option<u64>) -> Intent<'a> {
        Intent { scope: &self.scope, agent, author: Some("ada"), message: Some("because"), expected: expected.map(Revision) }
    }
}

pub(crate) fn persona(text: &str, status: PersonaStatus) -> Patch {
    Patch { persona: Some(PersonaChange { persona: json!(text), status }), ..Patch::default() }
}

pub(crate) fn name(name: &str) -> Patch {
    Patch::of(Field::NAME, json!(name))
}

pub(crate) fn others(value: Value) -> Patch {
    let Value::Object(fields) = value else { panic!("an object") };
    Patch { fields, ..Patch::default() }
}
