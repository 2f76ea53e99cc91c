//! What a draft makes of a scenario, and publishing it.

use std::collections::BTreeSet;

use keepstep_base::Digest;
use serde_json::{Map, Value};

use super::bundles::{Bundle, BundleContent, NewBundle, Pinning, pinned_by, read_bundle, read_content};
use super::draft::published_set;
use super::file::TestDataError;
use super::inputs::Items;
use super::scenarios::read_scenario;
use crate::model::Scope;
use crate::sql::connection::Connection;
use crate::sql::query::query;
use crate::{Result, Store, StoreError, Transaction, rows};

/// What publishing the draft of a scenario would make.
#[derive(Debug, Clone, PartialEq)]
pub struct DraftBundle {
    /// The version that was published last.
    pub newest: Option<Bundle>,
    /// What that one pins.
    pub published: Option<BundleContent>,
    /// What the next one would pin.
    pub content: BundleContent,
    /// Names this draft on top of that version.
    pub digest: Digest,
}

/// Why and as what a draft is published.
#[derive(Debug, Clone, Copy)]
pub struct DraftRelease<'a> {
    /// Why.
    pub message: &'a str,
    /// The draft that somebody has looked at; see [`DraftBundle::digest`].
    pub seen: Option<&'a Digest>,
}

impl Store {
    /// Returns what publishing the draft of a scenario would make.
    ///
    /// # Errors
    /// There is no such scenario in the scope, or the database failed.
    pub async fn draft_bundle(&self, scope: &Scope, scenario: &str) -> Result<DraftBundle> {
        read_draft_bundle(&mut *self.reader().await?, scope, scenario).await
    }
}

impl Transaction {
    /// Returns the version that a scenario published last.
    pub(super) async fn newest_of(&mut self, scope: &Scope, scenario: &str) -> Result<Option<Bundle>> {
        read_newest(self.connection(), scope, scenario).await
    }

    /// Publishes the draft of a scenario as its next bundle version, and begins a new draft. A draft that changes nothing makes none, and
    /// the version that was published last is returned.
    ///
    /// # Errors
    /// There is no such scenario in the scope, the draft is another one than was seen, it has no inputs, or the database failed.
    pub async fn publish_draft(&mut self, scope: &Scope, scenario: &str, release: DraftRelease<'_>) -> Result<Bundle> {
        let draft = read_draft_bundle(self.connection(), scope, scenario).await?;
        if release.seen.is_some_and(|seen| *seen != draft.digest) {
            return Err(StoreError::DraftChanged);
        }
        let items = draft_items(self.connection(), scenario).await?;
        if items.is_empty() {
            return Err(TestDataError::NoInputs.into());
        }
        let project = read_scenario(self.connection(), scope, scenario).await?.project_id;
        self.settle_packs(scenario).await?;
        let set = self.ensure_input_set(scope, scenario, &Items::of(&items)).await?;
        let name = draft.newest.as_ref().map(|newest| newest.name.as_str());
        let new = NewBundle { project: &project, scenario: Some(scenario), input_set: Some(&set.id), name };
        let bundle = self.publish_new_bundle_because(scope, new, Some(release.message)).await?;
        query("DELETE FROM input_edits WHERE scenario_id = $1").bind(scenario).execute(self.connection()).await?;
        Ok(bundle)
    }
}

async fn read_draft_bundle(connection: &mut Connection, scope: &Scope, scenario: &str) -> Result<DraftBundle> {
    let project = read_scenario(connection, scope, scenario).await?.project_id;
    let newest = read_newest(connection, scope, scenario).await?;
    let published = match &newest {
        Some(newest) => Some(read_content(connection, &newest.id).await?),
        None => None,
    };
    let edits = read_edits(connection, scenario).await?;
    let personas = draft_personas(connection, scenario, &edits).await?;
    let pinned =
        pinned_by(connection, scope, Pinning { project: &project, scenario, personas: &personas, drafts_criteria: true }).await?;
    // A published version never changes, so its id stands for its inputs.
    let parts = (
        newest.as_ref().map(|newest| newest.id.as_str()),
        &pinned.content.scenario,
        &pinned.content.personas,
        &pinned.content.criteria,
        &edits,
    );
    let digest = Digest::of_bytes(rows::text(&parts).as_bytes());
    Ok(DraftBundle { newest, published, content: pinned.content, digest })
}

/// Returns the version that a scenario published last.
async fn read_newest(connection: &mut Connection, scope: &Scope, scenario: &str) -> Result<Option<Bundle>> {
    let found = query("SELECT id FROM bundles WHERE scenario_id = $1 AND sequence IS NOT NULL ORDER BY sequence DESC LIMIT 1")
        .bind(scenario)
        .fetch_optional(connection)
        .await?;
    match found {
        Some(row) => Ok(Some(read_bundle(connection, scope, &row.get::<String>("id")?).await?)),
        None => Ok(None),
    }
}

/// Returns what a draft does to inputs: the id of each, and what it is then; nothing where it goes.
async fn read_edits(connection: &mut Connection, scenario: &str) -> Result<Vec<(String, Option<String>)>> {
    let found = query("SELECT input_id, document FROM input_edits WHERE scenario_id = $1 ORDER BY number")
        .bind(scenario)
        .fetch_all(connection)
        .await?;
    found.iter().map(|row| Ok((row.get("input_id")?, row.get("document")?))).collect()
}

/// Returns the ids of the personas that the inputs of a draft name.
async fn draft_personas(connection: &mut Connection, scenario: &str, edits: &[(String, Option<String>)]) -> Result<Vec<String>> {
    let set = published_set(connection, scenario).await?;
    let statement = connection.dialect().personas_of_unedited_items();
    let found = query(statement).bind(&set).bind(scenario).fetch_all(connection).await?;
    let mut personas = found.iter().map(|row| Ok(row.get("persona_id")?)).collect::<Result<BTreeSet<String>>>()?;
    for (id, document) in edits {
        let Some(document) = document else { continue };
        let input: Map<String, Value> = serde_json::from_str(document).map_err(|_| rows::damaged("document", id))?;
        personas.extend(input.get("persona_id").and_then(Value::as_str).map(str::to_owned));
    }
    Ok(personas.into_iter().collect())
}

/// Returns the inputs of a draft: those that are published without what it deletes, and behind them the new ones.
async fn draft_items(connection: &mut Connection, scenario: &str) -> Result<Vec<Map<String, Value>>> {
    let set = published_set(connection, scenario).await?;
    let found = query(
        "SELECT coalesce(e.document, i.document) AS document
         FROM input_items i LEFT JOIN input_edits e ON e.scenario_id = $1 AND e.input_id = i.id
         WHERE i.input_set_id = $2 AND (e.input_id IS NULL OR e.document IS NOT NULL) ORDER BY i.position",
    )
    .bind(scenario)
    .bind(&set)
    .fetch_all(connection)
    .await?;
    let new = query(
        "SELECT e.document FROM input_edits e WHERE e.scenario_id = $1 AND e.document IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM input_items i WHERE i.input_set_id = $2 AND i.id = e.input_id) ORDER BY e.number",
    )
    .bind(scenario)
    .bind(&set)
    .fetch_all(connection)
    .await?;
    found.iter().chain(&new).map(|row| rows::object(row, "document", "an input")).collect()
}
