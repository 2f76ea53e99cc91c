//! The criteria of a scenario, in packs, and their draft: how they differ from those that were published last.
//!
//! As with inputs, a draft is a list of edits. An edit names the pack that it was made from, so that nobody overwrites what they have not
//! seen; what is published meanwhile stays until the draft is.

use std::collections::HashSet;

use keepstep_base::Digest;
use serde_json::{Map, Value};

use super::draft::InputState;
use super::file::TestDataError;
use super::scenarios::read_scenario;
use crate::model::Scope;
use crate::organizations::check_name;
use crate::sql::connection::Connection;
use crate::sql::query::query;
use crate::sql::row::Row;
use crate::{Result, Store, StoreError, Transaction, rows};

/// The most packs that a scenario has.
pub const MOST_PACKS: usize = 200;

/// A pack of criteria as the draft of its scenario has it.
#[derive(Debug, Clone, PartialEq)]
pub struct DraftPack {
    /// Its id.
    pub id: String,
    /// What it is in the draft: its `name`, `items`, …; what it was, where the draft deletes it.
    pub document: Map<String, Value>,
    /// What was published last.
    pub published: Option<Map<String, Value>>,
    /// What the draft does to it.
    pub state: InputState,
    /// Who edited it last, and when.
    pub edited: Option<(String, i64)>,
    /// True where another version was published while it was edited: publishing the draft replaces what its author has not seen.
    pub is_overtaken: bool,
    /// Counts its published versions; 0 where there is none.
    version: u32,
}

impl DraftPack {
    /// Returns its name.
    pub fn name(&self) -> &str {
        self.document.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns what names this state of the pack.
    pub fn digest(&self) -> Digest {
        Digest::of_bytes(rows::text(&(self.state == InputState::Deleted, &self.document)).as_bytes())
    }

    /// Returns the pack as a bundle version that pins the draft has it; nothing where the draft deletes it.
    fn pinned(&self) -> Option<Value> {
        let is_changed = matches!(self.state, InputState::New | InputState::Changed);
        let mut pinned: Map<String, Value> = Map::new();
        pinned.insert("name".to_owned(), self.name().into());
        pinned.insert("version".to_owned(), (self.version + u32::from(is_changed)).into());
        let body = self.document.iter().filter(|(key, _)| !matches!(key.as_str(), "id" | "name" | "version"));
        pinned.extend(body.map(|(key, value)| (key.clone(), value.clone())));
        pinned.insert("id".to_owned(), self.id.clone().into());
        (self.state != InputState::Deleted).then_some(Value::Object(pinned))
    }
}

impl Store {
    /// Returns the packs of a scenario as its draft has them: the published ones in their order, and then the new ones.
    ///
    /// # Errors
    /// There is no such scenario in the scope, or the database failed.
    pub async fn draft_packs(&self, scope: &Scope, scenario: &str) -> Result<Vec<DraftPack>> {
        let mut reader = self.reader().await?;
        read_scenario(&mut reader, scope, scenario).await?;
        read_packs(&mut reader, scenario).await
    }

    /// Returns a pack of a scenario as its draft has it.
    ///
    /// # Errors
    /// There is no such scenario in the scope, it has no such pack, or the database failed.
    pub async fn draft_pack(&self, scope: &Scope, scenario: &str, id: &str) -> Result<DraftPack> {
        let packs = self.draft_packs(scope, scenario).await?;
        packs.into_iter().find(|pack| pack.id == id).ok_or_else(|| StoreError::CriteriaNotFound(id.to_owned()))
    }
}

impl Transaction {
    /// Returns a pack of a scenario as its draft has it.
    ///
    /// # Errors
    /// There is no such scenario in the scope, it has no such pack, or the database failed.
    pub async fn pack(&mut self, scope: &Scope, scenario: &str, id: &str) -> Result<DraftPack> {
        read_scenario(self.connection(), scope, scenario).await?;
        let packs = read_packs(self.connection(), scenario).await?;
        packs.into_iter().find(|pack| pack.id == id).ok_or_else(|| StoreError::CriteriaNotFound(id.to_owned()))
    }

    /// Adds a pack to a draft.
    ///
    /// # Errors
    /// There is no such scenario in the scope, its name is taken or not one, there are too many packs, or the database failed.
    pub async fn add_pack(
        &mut self,
        scope: &Scope,
        scenario: &str,
        document: &Map<String, Value>,
        by: &str,
    ) -> Result<DraftPack> {
        read_scenario(self.connection(), scope, scenario).await?;
        let id = self.surroundings.id("criterion_")?;
        let document = self.checked_pack(scenario, &id, document).await?;
        self.keep_pack_edit(scenario, &id, Some(&document), None, by).await?;
        self.pack(scope, scenario, &id).await
    }

    /// Changes a pack in a draft, or brings one back that the draft deletes.
    ///
    /// # Errors
    /// There is no such pack in the scope, it is not what it was when somebody read it (`seen`), its name is taken or not one, or the
    /// database failed.
    pub async fn change_pack(
        &mut self,
        scope: &Scope,
        scenario: &str,
        id: &str,
        seen: Option<&Digest>,
        document: &Map<String, Value>,
        by: &str,
    ) -> Result<DraftPack> {
        let current = self.seen_pack(scope, scenario, id, seen).await?;
        let document = self.checked_pack(scenario, id, document).await?;
        if current.published.as_ref() == Some(&document) {
            self.drop_pack_edit(scenario, id).await?;
        } else {
            self.keep_pack_edit(scenario, id, Some(&document), current.published.as_ref(), by).await?;
        }
        self.pack(scope, scenario, id).await
    }

    /// Deletes a pack in a draft. One that was never published is gone.
    ///
    /// # Errors
    /// There is no such pack in the scope, it is not what it was when somebody read it (`seen`), or the database failed.
    pub async fn delete_pack(&mut self, scope: &Scope, scenario: &str, id: &str, seen: Option<&Digest>, by: &str) -> Result<()> {
        match &self.seen_pack(scope, scenario, id, seen).await?.published {
            Some(published) => self.keep_pack_edit(scenario, id, None, Some(published), by).await,
            None => self.drop_pack_edit(scenario, id).await,
        }
    }

    /// Forgets what a draft does to a pack, which is again what is published. One that was never published stays.
    ///
    /// # Errors
    /// As [`Transaction::delete_pack`].
    pub async fn revert_pack(&mut self, scope: &Scope, scenario: &str, id: &str, seen: Option<&Digest>) -> Result<()> {
        match self.seen_pack(scope, scenario, id, seen).await?.published {
            Some(_) => self.drop_pack_edit(scenario, id).await,
            None => Ok(()),
        }
    }

    /// Makes the criteria of a scenario what its draft says, and ends the draft.
    pub(super) async fn settle_packs(&mut self, scenario: &str) -> Result<()> {
        let packs = read_packs(self.connection(), scenario).await?;
        let mut names = HashSet::new();
        for pack in packs.iter().filter(|pack| pack.state != InputState::Deleted) {
            if !names.insert(pack.name()) {
                return Err(TestDataError::Twice { what: "criteria", name: pack.name().chars().take(80).collect() }.into());
            }
        }
        // Two packs may have swapped their names.
        for pack in packs.iter().filter(|pack| matches!(pack.state, InputState::Changed | InputState::Deleted)) {
            let statement = match pack.state {
                InputState::Deleted => "DELETE FROM criteria WHERE scenario_id = $1 AND id = $2",
                _ => "UPDATE criteria SET name = id WHERE scenario_id = $1 AND id = $2",
            };
            query(statement).bind(scenario).bind(&pack.id).execute(self.connection()).await?;
        }
        for pack in &packs {
            let statement = match pack.state {
                InputState::Changed => {
                    "UPDATE criteria SET name = $3, body = $4, version = version + 1 WHERE scenario_id = $1 AND id = $2"
                }
                InputState::New => {
                    "INSERT INTO criteria (id, scenario_id, name, version, body, position)
                     SELECT $2, $1, $3, 1, $4, (SELECT coalesce(max(position), -1) + 1 FROM criteria WHERE scenario_id = $1)"
                }
                InputState::Published | InputState::Deleted => continue,
            };
            let mut body = pack.document.clone();
            body.shift_remove("name");
            let write = query(statement).bind(scenario).bind(&pack.id).bind(pack.name()).bind(rows::text(&body));
            write.execute(self.connection()).await?;
        }
        query("DELETE FROM criteria_edits WHERE scenario_id = $1").bind(scenario).execute(self.connection()).await?;
        Ok(())
    }

    /// Forgets edits of packs that are published as they are.
    pub(super) async fn drop_settled_packs(&mut self, scenario: &str) -> Result<()> {
        for pack in read_packs(self.connection(), scenario).await? {
            if pack.edited.is_some() && pack.state == InputState::Published {
                self.drop_pack_edit(scenario, &pack.id).await?;
            }
        }
        let gone = "DELETE FROM criteria_edits WHERE scenario_id = $1 AND document IS NULL
                    AND NOT EXISTS (SELECT 1 FROM criteria c WHERE c.id = criteria_edits.criterion_id)";
        query(gone).bind(scenario).execute(self.connection()).await?;
        Ok(())
    }

    async fn seen_pack(&mut self, scope: &Scope, scenario: &str, id: &str, seen: Option<&Digest>) -> Result<DraftPack> {
        let current = self.pack(scope, scenario, id).await?;
        if seen.is_some_and(|seen| *seen != current.digest()) {
            return Err(StoreError::CriteriaChanged);
        }
        Ok(current)
    }

    /// Returns a pack with a name that no other one of the draft has.
    async fn checked_pack(&mut self, scenario: &str, id: &str, document: &Map<String, Value>) -> Result<Map<String, Value>> {
        let name = check_name(document.get("name").and_then(Value::as_str).unwrap_or_default())?;
        let packs = read_packs(self.connection(), scenario).await?;
        let others = packs.iter().filter(|pack| pack.id != id);
        if others.clone().any(|pack| pack.state != InputState::Deleted && pack.name() == name) {
            return Err(StoreError::NameTaken { what: "pack of criteria", name: name.to_owned() });
        }
        if others.count() >= MOST_PACKS {
            return Err(TestDataError::Said("a scenario has at most 200 packs of criteria").into());
        }
        // In the order in which a bundle has them, so that the same pack is the same text.
        let mut checked = Map::from_iter([("name".to_owned(), Value::from(name))]);
        let body = document.iter().filter(|(key, _)| !matches!(key.as_str(), "id" | "name" | "version"));
        checked.extend(body.map(|(key, value)| (key.clone(), value.clone())));
        Ok(checked)
    }

    async fn keep_pack_edit(
        &mut self,
        scenario: &str,
        id: &str,
        document: Option<&Map<String, Value>>,
        base: Option<&Map<String, Value>>,
        by: &str,
    ) -> Result<()> {
        let now = self.now;
        query(
            "INSERT INTO criteria_edits (scenario_id, criterion_id, document, base, edited_by, edited_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (scenario_id, criterion_id) DO UPDATE SET document = $3, base = $4, edited_by = $5, edited_at = $6",
        )
        .bind(scenario)
        .bind(id)
        .bind(document.map(rows::text))
        .bind(base.map(rows::text))
        .bind(by)
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn drop_pack_edit(&mut self, scenario: &str, id: &str) -> Result<()> {
        let text = "DELETE FROM criteria_edits WHERE scenario_id = $1 AND criterion_id = $2";
        query(text).bind(scenario).bind(id).execute(self.connection()).await?;
        Ok(())
    }
}

/// Returns the criteria that a bundle version would pin which has the draft of a scenario.
pub(super) async fn pinned_packs(connection: &mut Connection, scenario: &str) -> Result<Vec<Value>> {
    Ok(read_packs(connection, scenario).await?.iter().filter_map(DraftPack::pinned).collect())
}

async fn read_packs(connection: &mut Connection, scenario: &str) -> Result<Vec<DraftPack>> {
    let published = query(
        "SELECT c.id, c.name, c.version, c.body, e.document, e.base, e.edited_by, e.edited_at
         FROM criteria c LEFT JOIN criteria_edits e ON e.scenario_id = c.scenario_id AND e.criterion_id = c.id
         WHERE c.scenario_id = $1 ORDER BY c.position, c.name",
    )
    .bind(scenario)
    .fetch_all(connection)
    .await?;
    let added = query(
        "SELECT e.criterion_id AS id, e.document, e.base, e.edited_by, e.edited_at FROM criteria_edits e
         WHERE e.scenario_id = $1 AND e.document IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM criteria c WHERE c.scenario_id = $1 AND c.id = e.criterion_id) ORDER BY e.number",
    )
    .bind(scenario)
    .fetch_all(connection)
    .await?;
    let mut packs = published.iter().map(|row| pack(row, true)).collect::<Result<Vec<_>>>()?;
    for row in &added {
        packs.push(pack(row, false)?);
    }
    Ok(packs)
}

fn pack(row: &Row, is_published: bool) -> Result<DraftPack> {
    let id: String = row.get("id")?;
    let object = |column: &'static str| -> Result<Option<Map<String, Value>>> {
        let text: Option<String> = row.get(column)?;
        text.map(|text| serde_json::from_str(&text).map_err(|_| rows::damaged(column, &id))).transpose()
    };
    let (edited, base) = (object("document")?, object("base")?);
    let (mut published, mut version) = (None, 0);
    if is_published {
        version = row.get("version")?;
        let mut document = Map::from_iter([("name".to_owned(), Value::from(row.get::<String>("name")?))]);
        let body = rows::object(row, "body", &id)?;
        document.extend(body.into_iter().filter(|(key, _)| !matches!(key.as_str(), "id" | "name" | "version")));
        published = Some(document);
    }
    let at: Option<i64> = row.get("edited_at")?;
    let by: Option<String> = row.get("edited_by")?;
    let state = match (&published, &edited, at) {
        (_, _, None) => InputState::Published,
        (None, _, _) => InputState::New,
        (Some(published), Some(edited), _) if published == edited => InputState::Published,
        (Some(_), Some(_), _) => InputState::Changed,
        (Some(_), None, _) => InputState::Deleted,
    };
    Ok(DraftPack {
        is_overtaken: at.is_some() && base != published && state != InputState::Published,
        document: edited.or_else(|| published.clone()).ok_or_else(|| rows::damaged("document", &id))?,
        published,
        state,
        edited: by.zip(at),
        id,
        version,
    })
}
