//! Input sets and their items.

use keepstep_base::Digest;
use serde_json::{Map, Value};

use super::{in_scope, packed, words};
use crate::model::Scope;
use crate::organizations::require_project;
use crate::sql::connection::Connection;
use crate::sql::query::query;
use crate::sql::row::Row;
use crate::{Result, Store, StoreError, Transaction, rows};

/// A set of inputs. It never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputSet {
    /// Its id.
    pub id: String,
    /// The project that it belongs to.
    pub project_id: String,
    /// The scenario that it belongs to.
    pub scenario_id: String,
    /// Counts the sets of a scenario.
    pub version: u32,
    /// How many items it has.
    pub item_count: u32,
    /// When it was created.
    pub created_at: i64,
}

/// The items of a set that is to be made, as JSON texts of arrays.
pub(super) struct Items {
    pub(super) text: String,
    /// The id of each.
    pub(super) ids: String,
    /// The persona that each names, or null.
    pub(super) personas: String,
    /// What each is found by.
    pub(super) words: String,
    pub(super) count: usize,
}

impl Items {
    /// Returns the items, which have ids.
    pub(super) fn of(items: &[Map<String, Value>]) -> Self {
        let all = |name: &str| rows::text(&items.iter().map(|item| item.get(name)).collect::<Vec<_>>());
        let words = rows::text(&items.iter().map(words::of).collect::<Vec<_>>());
        Self { text: rows::text(items), ids: all("id"), personas: all("persona_id"), words, count: items.len() }
    }
}

/// The columns of an input set in a scope.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT i.id, s.project_id, i.scenario_id, i.version, i.item_count, i.created_at
             FROM input_sets i JOIN scenarios s ON s.id = i.scenario_id JOIN projects p ON p.id = s.project_id WHERE ",
            in_scope!(),
            " ",
            $rest
        )
    };
}

impl Store {
    /// Returns the input sets of a project, or of one of its scenarios, newest first.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn input_sets(&self, scope: &Scope, project: &str, scenario: Option<&str>) -> Result<Vec<InputSet>> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        let rows = query(select!(
            "AND p.id = $3 AND s.deleted_at IS NULL AND ($4 IS NULL OR s.id = $4) ORDER BY i.created_at DESC, i.rowid DESC"
        ))
        .bind(&scope.org_id)
        .bind(scope.listed_projects())
        .bind(project)
        .bind(scenario)
        .fetch_all(&mut reader)
        .await?;
        rows.iter().map(input_set).collect()
    }

    /// Returns an input set.
    ///
    /// # Errors
    /// There is no such set in the scope, or the database failed.
    pub async fn input_set(&self, scope: &Scope, id: &str) -> Result<InputSet> {
        read_input_set(&mut *self.reader().await?, scope, id).await
    }

    /// Returns up to `limit` items of a set from a position on, each as its JSON text.
    ///
    /// Sets never change, so pages that are read one after the other are of one set.
    ///
    /// # Errors
    /// The database failed.
    pub async fn input_items(&self, set: &str, from: u32, limit: u32) -> Result<Vec<String>> {
        let found =
            query("SELECT document FROM input_items WHERE input_set_id = $1 AND position >= $2 ORDER BY position LIMIT $3")
                .bind(set)
                .bind(from)
                .bind(limit)
                .fetch_all(&mut *self.reader().await?)
                .await?;
        found.iter().map(|row| Ok(row.get("document")?)).collect()
    }
}

impl Transaction {
    /// Returns the scenario's input set with these items, made if there is none.
    pub(super) async fn ensure_input_set(&mut self, scope: &Scope, scenario: &str, items: &Items) -> Result<InputSet> {
        let digest = Digest::of_bytes(items.text.as_bytes()).to_string();
        let known = query("SELECT id FROM input_sets WHERE scenario_id = $1 AND digest = $2 ORDER BY version DESC LIMIT 1")
            .bind(scenario)
            .bind(&digest)
            .fetch_optional(self.connection())
            .await?;
        if let Some(known) = known {
            return read_input_set(self.connection(), scope, &known.get::<String>("id")?).await;
        }
        let (id, now) = (self.surroundings.id("inputs_")?, self.now);
        query(
            "INSERT INTO input_sets (id, scenario_id, version, digest, item_count, created_at)
             SELECT $1, $2, coalesce(max(version), 0) + 1, $3, $4, $5 FROM input_sets WHERE scenario_id = $2",
        )
        .bind(&id)
        .bind(scenario)
        .bind(&digest)
        .bind(i64::try_from(items.count).unwrap_or(i64::MAX))
        .bind(now)
        .execute(self.connection())
        .await?;
        // One statement for all items, however many there are.
        let statement = self.connection().dialect().insert_input_items();
        query(statement).bind(&id).bind(&items.text).bind(&items.ids).bind(&items.personas).execute(self.connection()).await?;
        let statement = self.connection().dialect().insert_input_words();
        query(statement).bind(&id).bind(&items.words).execute(self.connection()).await?;
        // Once here rather than for every pull.
        packed::keep(self.connection(), &id, &items.text).await?;
        read_input_set(self.connection(), scope, &id).await
    }
}

pub(super) async fn read_input_set(connection: &mut Connection, scope: &Scope, id: &str) -> Result<InputSet> {
    let row = query(select!("AND i.id = $3"))
        .bind(&scope.org_id)
        .bind(scope.listed_projects())
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map_or_else(|| Err(StoreError::InputSetNotFound(id.to_owned())), input_set)
}

fn input_set(row: &Row) -> Result<InputSet> {
    Ok(InputSet {
        id: row.get("id")?,
        project_id: row.get("project_id")?,
        scenario_id: row.get("scenario_id")?,
        version: row.get("version")?,
        item_count: row.get("item_count")?,
        created_at: row.get("created_at")?,
    })
}
