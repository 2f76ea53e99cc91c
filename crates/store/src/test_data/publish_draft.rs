//! What a draft makes of a scenario, and publishing it.

use std::collections::BTreeSet;

use keepstep_base::Digest;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::bundles::{Bundle, BundleContent, NewBundle, Pinning, pinned_by, read_bundle, read_content};
use super::draft::published_set;
use super::new_items::{DraftItems, edits_behind};
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
        let project = read_scenario(self.connection(), scope, scenario).await?.project_id;
        self.settle_packs(scenario).await?;
        let published = published_set(self.connection(), scenario).await?;
        let set = self.ensure_input_set(scope, scenario, &mut DraftItems::new(scenario, &published)).await?;
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
    let (personas, edits) = read_edits(connection, scenario).await?;
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

/// Returns the ids of the personas that the inputs of a draft name, and what names its edits.
async fn read_edits(connection: &mut Connection, scenario: &str) -> Result<(Vec<String>, Digest)> {
    let set = published_set(connection, scenario).await?;
    let statement = connection.dialect().personas_of_unedited_items();
    let found = query(statement).bind(&set).bind(scenario).fetch_all(connection).await?;
    let mut personas = found.iter().map(|row| Ok(row.get("persona_id")?)).collect::<Result<BTreeSet<String>>>()?;
    let (mut hash, mut behind) = (Sha256::new(), -1);
    loop {
        let page = edits_behind(connection, scenario, behind).await?;
        let Some((last, ..)) = page.last() else { break };
        behind = *last;
        for (_, id, document) in &page {
            hash.update(rows::text(&(id, document)));
            let Some(document) = document else { continue };
            let input: Map<String, Value> = serde_json::from_str(document).map_err(|_| rows::damaged("document", id))?;
            personas.extend(input.get("persona_id").and_then(Value::as_str).map(str::to_owned));
        }
    }
    Ok((personas.into_iter().collect(), Digest::from_bytes(hash.finalize().into())))
}
