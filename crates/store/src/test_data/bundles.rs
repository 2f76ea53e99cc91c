//! Bundle versions: drafts, publishing, reading.

use keepstep_base::Digest;
use serde_json::{Value, json};

use super::criteria::pinned_packs;
use super::in_scope;
use super::inputs::{InputSet, read_input_set};
use super::personas::read_personas;
use super::scenarios::{Scenario, read_scenario};
use crate::model::Scope;
use crate::organizations::{check_name, require_project};
use crate::rows::Columns as _;
use crate::sql::connection::Connection;
use crate::sql::query::query;
use crate::sql::row::Row;
use crate::{Result, Store, StoreError, Transaction, rows};

/// Whether a bundle version may still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BundleStatus {
    /// It has no content of its own yet, and nobody pulls it.
    Draft,
    /// It never changes.
    Published,
}

impl BundleStatus {
    /// Returns the name under which it is stored.
    pub fn label(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
        }
    }
}

/// A bundle version, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Its id.
    pub id: String,
    /// The project that it belongs to.
    pub project_id: String,
    /// The scenario that it belongs to.
    pub scenario_id: String,
    /// Its inputs.
    pub input_set_id: String,
    /// The version of its inputs.
    pub input_set_version: u32,
    /// How many inputs it has.
    pub input_count: u32,
    /// How many personas it has.
    pub persona_count: u32,
    /// Its name.
    pub name: String,
    /// Whether it may still change.
    pub status: BundleStatus,
    /// Counts the published versions of a scenario; a draft has none.
    pub generation: Option<u32>,
    /// Why it was published; may be empty.
    pub message: String,
    /// Who published it, where that was noted.
    pub published_by: Option<String>,
    /// When it was published, where that was noted.
    pub published_at: Option<i64>,
    /// When it was created.
    pub created_at: i64,
}

/// What a published bundle version pins, besides its inputs. JSON texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleContent {
    /// The scenario as an object: `id`, `name`, `description`, `config_snapshot`.
    pub scenario: String,
    /// The personas as an array.
    pub personas: String,
    /// The criteria as an array.
    pub criteria: String,
}

/// What a draft would pin now.
pub(super) struct Pinned {
    pub(super) content: BundleContent,
    persona_count: usize,
}

/// Which bundle versions to read.
#[derive(Debug, Clone, Copy, Default)]
pub struct BundleFilter<'a> {
    /// Only those of a scenario.
    pub scenario: Option<&'a str>,
    /// Only those of a status.
    pub status: Option<BundleStatus>,
    /// Only those up to a generation.
    pub generation: Option<u32>,
    /// How many to leave out.
    pub offset: u32,
    /// How many at most.
    pub limit: u32,
}

/// A bundle version to make as a draft.
#[derive(Debug, Clone, Copy)]
pub struct NewBundle<'a> {
    /// The project.
    pub project: &'a str,
    /// The scenario; the project's only one where this is left out.
    pub scenario: Option<&'a str>,
    /// The inputs; the scenario's newest where this is left out.
    pub input_set: Option<&'a str>,
    /// Its name; the scenario's where this is left out.
    pub name: Option<&'a str>,
}

/// The columns of a bundle in a scope.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT b.id, s.project_id, b.scenario_id, b.input_set_id, i.version, i.item_count, b.persona_count, b.name,
               b.status, b.generation, b.message, b.published_by, b.published_at, b.created_at
             FROM bundles b JOIN scenarios s ON s.id = b.scenario_id JOIN projects p ON p.id = s.project_id
             JOIN input_sets i ON i.id = b.input_set_id WHERE ",
            in_scope!(),
            " ",
            $rest
        )
    };
}

impl Store {
    /// Returns how many published bundle versions a project has.
    ///
    /// # Errors
    /// The database failed.
    pub async fn count_bundle_versions(&self, project: &str) -> Result<u64> {
        let row = query(
            "SELECT count(*) AS versions FROM scenarios s JOIN bundles b ON b.scenario_id = s.id
             WHERE s.project_id = $1 AND b.sequence IS NOT NULL",
        )
        .bind(project)
        .fetch_one(&mut *self.reader().await?)
        .await?;
        Ok(row.get::<i64>("versions")?.unsigned_abs())
    }

    /// Returns the bundle versions of a project: drafts first, then those that were published last.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn bundles(&self, scope: &Scope, project: &str, filter: BundleFilter<'_>) -> Result<Vec<Bundle>> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        let rows = query(select!(
            "AND p.id = $3 AND s.deleted_at IS NULL AND ($4 IS NULL OR s.id = $4) AND ($5 IS NULL OR b.status = $5)
             AND ($6 IS NULL OR b.generation <= $6)
             ORDER BY b.sequence DESC NULLS FIRST, b.rowid DESC LIMIT $7 OFFSET $8"
        ))
        .bind(&scope.org_id)
        .bind(scope.listed_projects())
        .bind(project)
        .bind(filter.scenario)
        .bind(filter.status.map(BundleStatus::label))
        .bind(filter.generation)
        .bind(filter.limit)
        .bind(filter.offset)
        .fetch_all(&mut reader)
        .await?;
        rows.iter().map(bundle).collect()
    }

    /// Returns a bundle version.
    ///
    /// # Errors
    /// There is no such version in the scope, or the database failed.
    pub async fn bundle(&self, scope: &Scope, id: &str) -> Result<Bundle> {
        read_bundle(&mut *self.reader().await?, scope, id).await
    }

    /// Returns the bundle version of a project, or of one of its scenarios, that was published last.
    ///
    /// # Errors
    /// There is no such project in the scope, nothing is published, or the database failed.
    pub async fn newest_bundle(&self, scope: &Scope, project: &str, scenario: Option<&str>) -> Result<Bundle> {
        let filter = BundleFilter { scenario, status: Some(BundleStatus::Published), limit: 1, ..BundleFilter::default() };
        let newest = self.bundles(scope, project, filter).await?.into_iter().next();
        newest.ok_or_else(|| StoreError::NothingPublished(scenario.unwrap_or(project).to_owned()))
    }

    /// Returns what a published bundle version pins, besides its inputs.
    ///
    /// # Errors
    /// It is a draft, there is no such version in the scope, or the database failed.
    pub async fn bundle_content(&self, scope: &Scope, id: &str) -> Result<BundleContent> {
        let mut reader = self.reader().await?;
        if read_bundle(&mut reader, scope, id).await?.status == BundleStatus::Draft {
            return Err(StoreError::BundleIsDraft(id.to_owned()));
        }
        read_content(&mut reader, id).await
    }
}

impl Transaction {
    /// Makes a bundle version as a draft.
    ///
    /// # Errors
    /// The project, the scenario or the inputs are not in the scope or not of each other, which scenario is meant is not
    /// clear, the name is not one, or the database failed.
    pub async fn create_bundle(&mut self, scope: &Scope, new: NewBundle<'_>) -> Result<Bundle> {
        require_project(self.connection(), scope, new.project).await?;
        let scenario = self.scenario_of(scope, new).await?;
        let set = self.input_set_of(scope, &scenario, new.input_set).await?;
        let (id, now) = (self.surroundings.id("bundle_")?, self.now);
        let name = check_name(new.name.unwrap_or(&scenario.name))?;
        let personas = self.named_personas(&set.id).await?.len();
        query(
            "INSERT INTO bundles (id, scenario_id, input_set_id, name, status, created_at, persona_count)
             VALUES ($1, $2, $3, $4, 'draft', $5, $6)",
        )
        .bind(&id)
        .bind(&scenario.id)
        .bind(&set.id)
        .bind(name)
        .bind(now)
        .bind(i64::try_from(personas).unwrap_or(i64::MAX))
        .execute(self.connection())
        .await?;
        read_bundle(self.connection(), scope, &id).await
    }

    /// Publishes a bundle version with the scenario, the personas and the criteria as they are now. One that is published
    /// already stays as it is.
    ///
    /// # Errors
    /// There is no such version in the scope, or the database failed.
    pub async fn publish_bundle(&mut self, scope: &Scope, id: &str) -> Result<Bundle> {
        let draft = read_bundle(self.connection(), scope, id).await?;
        if draft.status == BundleStatus::Published {
            return Ok(draft);
        }
        let pinned = self.pinned_by(scope, &draft).await?;
        self.publish(scope, &draft, &pinned, None).await
    }

    /// Makes a bundle version and publishes it, unless the one that the scenario published last is the same: then that
    /// one is returned.
    ///
    /// # Errors
    /// As [`Transaction::create_bundle`].
    pub async fn publish_new_bundle(&mut self, scope: &Scope, new: NewBundle<'_>) -> Result<Bundle> {
        self.publish_new_bundle_because(scope, new, None).await
    }

    /// As [`Transaction::publish_new_bundle`], with the reason.
    pub(super) async fn publish_new_bundle_because(
        &mut self,
        scope: &Scope,
        new: NewBundle<'_>,
        message: Option<&str>,
    ) -> Result<Bundle> {
        let draft = self.create_bundle(scope, new).await?;
        let pinned = self.pinned_by(scope, &draft).await?;
        let newest = query(
            "SELECT id, digest FROM bundles WHERE scenario_id = $1 AND sequence IS NOT NULL ORDER BY sequence DESC LIMIT 1",
        )
        .bind(&draft.scenario_id)
        .fetch_optional(self.connection())
        .await?;
        if let Some(newest) = newest
            && newest.text("digest")?.as_deref() == Some(pinned.content.digest(&draft).as_str())
        {
            let id: String = newest.get("id")?;
            query("DELETE FROM bundles WHERE id = $1").bind(&draft.id).execute(self.connection()).await?;
            return read_bundle(self.connection(), scope, &id).await;
        }
        self.publish(scope, &draft, &pinned, message).await
    }

    async fn publish(&mut self, scope: &Scope, draft: &Bundle, pinned: &Pinned, message: Option<&str>) -> Result<Bundle> {
        let content = &pinned.content;
        let (now, author) = (self.now, self.author.clone());
        query(
            "UPDATE bundles SET status = 'published', scenario = $2, personas = $3, criteria = $4, persona_count = $5, digest = $6,
               generation = (SELECT coalesce(max(generation), 0) + 1 FROM bundles WHERE scenario_id = $7),
               sequence = (SELECT coalesce(max(sequence), 0) + 1 FROM bundles), message = $8, published_by = $9, published_at = $10
             WHERE id = $1",
        )
        .bind(&draft.id)
        .bind(&content.scenario)
        .bind(&content.personas)
        .bind(&content.criteria)
        .bind(i64::try_from(pinned.persona_count).unwrap_or(i64::MAX))
        .bind(content.digest(draft))
        .bind(&draft.scenario_id)
        .bind(message)
        .bind(author)
        .bind(now)
        .execute(self.connection())
        .await?;
        self.drop_settled_edits(&draft.scenario_id, &draft.input_set_id).await?;
        self.drop_settled_packs(&draft.scenario_id).await?;
        read_bundle(self.connection(), scope, &draft.id).await
    }

    /// Returns what a draft would pin now: the personas are those that its inputs name.
    async fn pinned_by(&mut self, scope: &Scope, draft: &Bundle) -> Result<Pinned> {
        let personas = self.named_personas(&draft.input_set_id).await?;
        let of =
            Pinning { project: &draft.project_id, scenario: &draft.scenario_id, personas: &personas, drafts_criteria: false };
        pinned_by(self.connection(), scope, of).await
    }

    /// Returns the ids of the personas that the items of a set name, each once.
    async fn named_personas(&mut self, set: &str) -> Result<Vec<String>> {
        let statement = self.connection().dialect().personas_of_items();
        let found = query(statement).bind(set).fetch_all(self.connection()).await?;
        found.iter().map(|row| Ok(row.get("persona_id")?)).collect()
    }

    async fn scenario_of(&mut self, scope: &Scope, new: NewBundle<'_>) -> Result<Scenario> {
        let id = match new.scenario {
            Some(id) => id.to_owned(),
            None => {
                let found = query("SELECT id FROM scenarios WHERE project_id = $1 AND deleted_at IS NULL LIMIT 2")
                    .bind(new.project)
                    .fetch_all(self.connection())
                    .await?;
                match found.as_slice() {
                    [only] => only.get("id")?,
                    _ => return Err(StoreError::WhichScenario(new.project.to_owned())),
                }
            }
        };
        let scenario = read_scenario(self.connection(), scope, &id).await?;
        if scenario.project_id == new.project { Ok(scenario) } else { Err(StoreError::ScenarioNotFound(id)) }
    }

    async fn input_set_of(&mut self, scope: &Scope, scenario: &Scenario, id: Option<&str>) -> Result<InputSet> {
        let id = match id {
            Some(id) => id.to_owned(),
            None => query("SELECT id FROM input_sets WHERE scenario_id = $1 ORDER BY version DESC LIMIT 1")
                .bind(&scenario.id)
                .fetch_optional(self.connection())
                .await?
                .ok_or_else(|| StoreError::NoInputs(scenario.name.clone()))?
                .get("id")?,
        };
        let set = read_input_set(self.connection(), scope, &id).await?;
        if set.scenario_id == scenario.id { Ok(set) } else { Err(StoreError::InputSetNotFound(id)) }
    }
}

/// What decides about the content of a bundle version, besides its inputs.
pub(super) struct Pinning<'a> {
    pub(super) project: &'a str,
    pub(super) scenario: &'a str,
    /// The ids of the personas that the inputs name.
    pub(super) personas: &'a [String],
    /// True where the criteria are those of the draft.
    pub(super) drafts_criteria: bool,
}

pub(super) async fn pinned_by(connection: &mut Connection, scope: &Scope, of: Pinning<'_>) -> Result<Pinned> {
    let scenario = read_scenario(connection, scope, of.scenario).await?;
    let mut personas = read_personas(connection, of.project).await?;
    personas.retain(|persona| of.personas.contains(&persona.id));
    let personas: Vec<Value> = personas.iter().map(super::TestPersona::document).collect();
    let criteria = match of.drafts_criteria {
        true => pinned_packs(connection, of.scenario).await?,
        false => read_criteria(connection, of.scenario).await?,
    };
    let content = BundleContent {
        scenario: rows::text(&json!({
            "id": scenario.id,
            "name": scenario.name,
            "description": scenario.description,
            "config_snapshot": scenario.config,
        })),
        personas: rows::text(&personas),
        criteria: rows::text(&criteria),
    };
    Ok(Pinned { content, persona_count: personas.len() })
}

async fn read_criteria(connection: &mut Connection, scenario: &str) -> Result<Vec<Value>> {
    let criteria = query("SELECT id, name, version, body FROM criteria WHERE scenario_id = $1 ORDER BY position, name")
        .bind(scenario)
        .fetch_all(connection)
        .await?;
    criteria.iter().map(criterion).collect()
}

pub(super) async fn read_content(connection: &mut Connection, id: &str) -> Result<BundleContent> {
    let row = query("SELECT scenario, personas, criteria FROM bundles WHERE id = $1").bind(id).fetch_one(connection).await?;
    Ok(BundleContent { scenario: row.get("scenario")?, personas: row.get("personas")?, criteria: row.get("criteria")? })
}

impl BundleContent {
    /// Returns a digest of everything that a person could change about a bundle version.
    fn digest(&self, bundle: &Bundle) -> String {
        let parts = [&bundle.name, &bundle.input_set_id, &self.scenario, &self.personas, &self.criteria];
        Digest::of_bytes(rows::text(&parts).as_bytes()).to_string()
    }
}

pub(crate) async fn read_bundle(connection: &mut Connection, scope: &Scope, id: &str) -> Result<Bundle> {
    let row = query(select!("AND b.id = $3"))
        .bind(&scope.org_id)
        .bind(scope.listed_projects())
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map_or_else(|| Err(StoreError::BundleNotFound(id.to_owned())), bundle)
}

fn bundle(row: &Row) -> Result<Bundle> {
    let id: String = row.get("id")?;
    Ok(Bundle {
        project_id: row.get("project_id")?,
        scenario_id: row.get("scenario_id")?,
        input_set_id: row.get("input_set_id")?,
        input_set_version: row.get("version")?,
        input_count: row.get("item_count")?,
        persona_count: row.get("persona_count")?,
        name: row.get("name")?,
        status: match row.text("status")?.as_deref() {
            Some("draft") => BundleStatus::Draft,
            Some("published") => BundleStatus::Published,
            _ => return Err(rows::damaged("status", &id)),
        },
        generation: row.get("generation")?,
        message: row.get::<Option<String>>("message")?.unwrap_or_default(),
        published_by: row.get("published_by")?,
        published_at: row.get("published_at")?,
        created_at: row.get("created_at")?,
        id,
    })
}

/// Returns a criterion as one object.
fn criterion(row: &Row) -> Result<Value> {
    let id: String = row.get("id")?;
    let mut document = serde_json::Map::new();
    document.insert("name".to_owned(), row.get::<String>("name")?.into());
    document.insert("version".to_owned(), row.get::<u32>("version")?.into());
    let body = rows::object(row, "body", &id)?;
    document.extend(body.into_iter().filter(|(key, _)| !matches!(key.as_str(), "id" | "name" | "version")));
    document.insert("id".to_owned(), id.into());
    Ok(Value::Object(document))
}
