//! Input sets and their items.

use keepstep_base::Digest;
use sha2::{Digest as _, Sha256};

use super::file::TestDataError;
use super::new_items::NewItems;
use super::packed::Packer;
use super::{in_scope, words};
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
    ///
    /// # Errors
    /// There are no items, or the database failed.
    pub(super) async fn ensure_input_set(
        &mut self,
        scope: &Scope,
        scenario: &str,
        items: &mut impl NewItems,
    ) -> Result<InputSet> {
        let (digest, count) = digest_of(self.connection(), items).await?;
        if count == 0 {
            return Err(TestDataError::NoInputs.into());
        }
        let known = query("SELECT id FROM input_sets WHERE scenario_id = $1 AND digest = $2 ORDER BY version DESC LIMIT 1")
            .bind(scenario)
            .bind(digest.to_string())
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
        .bind(digest.to_string())
        .bind(count)
        .bind(now)
        .execute(self.connection())
        .await?;
        insert_items(self.connection(), &id, items).await?;
        read_input_set(self.connection(), scope, &id).await
    }
}

/// Returns the digest of items, as that of the JSON text of an array, and how many they are.
async fn digest_of(connection: &mut Connection, items: &mut impl NewItems) -> Result<(Digest, i64)> {
    let (mut hash, mut count) = (Sha256::new(), 0);
    items.rewind();
    loop {
        let page = items.next(connection).await?;
        if page.is_empty() {
            break;
        }
        for item in &page {
            hash.update(if count == 0 { "[" } else { "," });
            hash.update(rows::text(item));
            count += 1;
        }
    }
    hash.update("]");
    Ok((Digest::from_bytes(hash.finalize().into()), count))
}

/// Adds the items of a set, and packs them once here rather than for every pull.
async fn insert_items(connection: &mut Connection, set: &str, items: &mut impl NewItems) -> Result<()> {
    let (mut packer, mut position) = (Packer::new(set), 0);
    items.rewind();
    loop {
        let page = items.next(connection).await?;
        if page.is_empty() {
            break;
        }
        let texts: Vec<String> = page.iter().map(rows::text).collect();
        let all = |name: &str| rows::text(&page.iter().map(|item| item.get(name)).collect::<Vec<_>>());
        // One statement for all of a page.
        let statement = connection.dialect().insert_input_items();
        let insert = query(statement).bind(set).bind(format!("[{}]", texts.join(","))).bind(all("id")).bind(all("persona_id"));
        insert.bind(position).execute(connection).await?;
        let words = rows::text(&page.iter().map(words::of).collect::<Vec<_>>());
        let statement = connection.dialect().insert_input_words();
        query(statement).bind(set).bind(words).bind(position).execute(connection).await?;
        for text in &texts {
            packer.add(connection, text).await?;
        }
        position += page.len() as i64;
    }
    Ok(packer.end(connection).await?)
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
