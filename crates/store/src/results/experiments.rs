//! Experiments as people handle them: found in a list, given a name, tags and a note, pinned, deleted and restored.

use keepstep_base::Digest;
use sqlx::query_builder::QueryBuilder;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite};

use super::counted::ExperimentFigures;
use super::gates::ExperimentGate;
use super::model::{BatchStatus, Counts, RunBatch};
use super::read::{batch, batch_number, counts};
use crate::model::Scope;
use crate::organizations::require_project;
use crate::sql::connection::Connection;
use crate::test_data::in_scope;
use crate::{Result, Store, StoreError, Transaction, rows};

/// How long an experiment can be restored after it was deleted, in milliseconds: a day.
pub const RESTORABLE: i64 = 24 * 60 * 60 * 1000;

/// How many values of a filter are listed to choose from.
const MOST_CHOICES: u32 = 200;

/// In which order experiments are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ExperimentOrder {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
    /// Those with the lowest pass rate first.
    LowestRate,
    /// Those with the highest pass rate first.
    HighestRate,
    /// Those with the most cases first.
    MostCases,
    /// Those first whose 95th percentile of the durations is the longest.
    Slowest,
    /// Those that cost the most first.
    MostExpensive,
    /// Those first that were pinned last.
    LastPinned,
}

/// Which experiments of a project to read, and in which order.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExperimentFilter<'a> {
    /// Only those of a scenario.
    pub scenario: Option<&'a str>,
    /// Only those of an agent, by its id.
    pub agent: Option<&'a str>,
    /// Only those of a persona, in the words of [`Provenance::persona`](keepstep_results::provenance::Provenance::persona).
    pub persona: Option<&'a str>,
    /// Only those of a branch.
    pub branch: Option<&'a str>,
    /// Only those of an author.
    pub author: Option<&'a str>,
    /// Only those with a tag.
    pub tag: Option<&'a str>,
    /// Only those of a status.
    pub status: Option<BatchStatus>,
    /// Only those with this text in their name, id or note. Upper and lower case of ASCII are the same.
    pub text: Option<&'a str>,
    /// Only those that are pinned.
    pub is_pinned: bool,
    /// Only those that came before this one.
    pub before: Option<&'a str>,
    /// In which order.
    pub order: ExperimentOrder,
    /// How many to leave out.
    pub offset: u32,
    /// How many at most.
    pub limit: u32,
}

/// An experiment with what people added to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// What was uploaded.
    pub batch: RunBatch,
    /// The name of its scenario.
    pub scenario_name: String,
    /// What its cases say together, once it has ended.
    pub figures: ExperimentFigures,
    /// What people added.
    pub labels: ExperimentLabels,
    /// When it was pinned, in epoch milliseconds.
    pub pinned_at: Option<i64>,
    /// What came of the gate of its scenario, if it had one.
    pub gate: Option<ExperimentGate>,
}

/// What people add to an experiment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExperimentLabels {
    /// Another name than the client gave it.
    pub name: Option<String>,
    /// A note.
    pub note: String,
    /// Tags, sorted.
    pub tags: Vec<String>,
}

/// An experiment that was deleted and can be restored.
#[derive(Debug, Clone, PartialEq)]
pub struct DeletedExperiment {
    /// The experiment.
    pub experiment: Experiment,
    /// When it was deleted, in epoch milliseconds.
    pub deleted_at: i64,
    /// The name of who deleted it.
    pub deleted_by: String,
}

/// An experiment as a point of a trend.
#[derive(Debug, Clone, PartialEq)]
pub struct TrendPoint {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When it began, in epoch milliseconds.
    pub began_at: i64,
    /// Its runs by their status.
    pub counts: Counts,
    /// What its cases say together.
    pub figures: ExperimentFigures,
    /// Whether it is pinned.
    pub is_pinned: bool,
    /// The persona, in the words of [`Provenance::persona`](keepstep_results::provenance::Provenance::persona).
    pub persona: Option<String>,
    /// The id of the bundle version.
    pub bundle_id: String,
    /// The number of the bundle version, where it was published.
    pub generation: Option<u32>,
    /// The model of the agent, where a client says it.
    pub model: Option<String>,
    /// What was asked: a function, a program or an address.
    pub target: Option<String>,
}

/// What the experiments of a project can be filtered by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExperimentChoices {
    /// Agents, by their ids.
    pub agents: Vec<String>,
    /// Personas.
    pub personas: Vec<String>,
    /// Branches.
    pub branches: Vec<String>,
    /// Authors.
    pub authors: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
}

/// The columns of an experiment; a view of batches follows.
const COLUMNS: &str = "SELECT b.id, b.project_id, u.scenario_id, b.bundle_id, b.experiment_id, b.status, b.started_at, b.completed_at,
       b.created_at, b.details, b.running, b.completed, b.failed, b.error, b.timeout, b.skipped, b.abandoned, b.passed,
       b.not_judged, b.median_ms, b.p95_ms, b.tokens, b.cost_usd, coalesce(s.deleted_name, s.name) AS scenario_name, l.name AS given_name, l.note, l.pinned_at,
       g.gate, g.state AS gate_state, g.reason AS gate_reason, g.baseline AS gate_baseline, g.first_run AS gate_first_run,
       g.seen_by AS gate_seen_by,
       (SELECT json_group_array(tag) FROM (SELECT t.tag FROM experiment_tags t WHERE t.batch = b.number ORDER BY t.tag)) AS tags";

/// The columns of a point of a trend.
const TREND: &str = concat!(
    "SELECT b.id, ",
    shown_name!(),
    " AS name, coalesce(b.started_at, b.created_at) AS began_at,
       b.running, b.completed, b.failed, b.error, b.timeout, b.skipped, b.abandoned, b.passed, b.not_judged, b.median_ms, b.p95_ms,
       b.tokens, b.cost_usd, l.pinned_at, b.persona, b.bundle_id, u.generation, CAST(b.details ->> '$.model' AS TEXT) AS model,
       CAST(b.details ->> '$.target' AS TEXT) AS target"
);

/// What the columns are from.
const JOINS: &str = "JOIN bundles u ON u.id = b.bundle_id JOIN scenarios s ON s.id = u.scenario_id
     LEFT JOIN experiment_labels l ON l.batch = b.number LEFT JOIN experiment_gates g ON g.batch = b.number";

/// The different values of a column of a project's experiments.
macro_rules! choices {
    ($column:literal) => {
        concat!(
            "SELECT DISTINCT ",
            $column,
            " FROM run_batches WHERE project_id = ? AND ",
            $column,
            " NOT NULL AND ",
            $column,
            " <> '' ORDER BY 1 LIMIT ?"
        )
    };
}

const AGENTS: &str = choices!("agent");
const PERSONAS: &str = choices!("persona");
const BRANCHES: &str = choices!("branch");
const AUTHORS: &str = choices!("author");
const TAGS: &str = "SELECT DISTINCT t.tag FROM run_batches b JOIN experiment_tags t ON t.batch = b.number WHERE b.project_id = ?
     ORDER BY 1 LIMIT ?";

impl ExperimentLabels {
    /// Returns what tells these labels from others: whoever changes them says which they saw.
    pub fn digest(&self) -> String {
        Digest::of_bytes(rows::text(&(&self.name, &self.note, &self.tags)).as_bytes()).to_string()
    }
}

impl Experiment {
    /// Returns its name: what people called it, else what the client called it, else its id.
    pub fn name(&self) -> &str {
        let sent = || self.batch.experiment_id.as_deref().map(str::trim).filter(|name| !name.is_empty());
        self.labels.name.as_deref().or_else(sent).unwrap_or(&self.batch.id)
    }
}

impl Store {
    /// Returns experiments of a project.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn experiments(&self, scope: &Scope, project: &str, filter: &ExperimentFilter<'_>) -> Result<Vec<Experiment>> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        let rows = list_query(project, filter).build().fetch_all(&mut *reader).await?;
        rows.iter().map(experiment).collect()
    }

    /// Returns experiments of a project as the points of a trend, in the order of the filter. What they say of themselves is not read.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn trend(&self, scope: &Scope, project: &str, filter: &ExperimentFilter<'_>) -> Result<Vec<TrendPoint>> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        let rows = ordered(QueryBuilder::new(format!("{TREND} FROM run_batches b {JOINS}")), project, filter)
            .build()
            .fetch_all(&mut *reader)
            .await?;
        rows.iter().map(trend_point).collect()
    }

    /// Returns how many experiments of a project there are by a filter, on all pages.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn count_experiments(&self, scope: &Scope, project: &str, filter: &ExperimentFilter<'_>) -> Result<u64> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        let count: i64 = count_query(project, filter).build_query_scalar().fetch_one(&mut *reader).await?;
        Ok(count.unsigned_abs())
    }

    /// Returns an experiment.
    ///
    /// # Errors
    /// There is no such experiment in the scope, or the database failed.
    pub async fn experiment(&self, scope: &Scope, id: &str) -> Result<Experiment> {
        let mut reader = self.reader().await?;
        let number = batch_number(&mut reader, scope, id).await?;
        let mut query = QueryBuilder::<Sqlite>::new(format!("{COLUMNS} FROM run_batches b {JOINS} WHERE b.number = "));
        query.push_bind(number);
        let row = query.build().fetch_optional(&mut *reader).await?;
        row.as_ref().map_or_else(|| Err(StoreError::BatchNotFound(id.to_owned())), experiment)
    }

    /// Returns what the experiments of a project can be filtered by.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn experiment_choices(&self, scope: &Scope, project: &str) -> Result<ExperimentChoices> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        Ok(ExperimentChoices {
            agents: values(&mut reader, AGENTS, project).await?,
            personas: values(&mut reader, PERSONAS, project).await?,
            branches: values(&mut reader, BRANCHES, project).await?,
            authors: values(&mut reader, AUTHORS, project).await?,
            tags: values(&mut reader, TAGS, project).await?,
        })
    }

    /// Returns the experiments of a project that were deleted and can be restored, those that were deleted last first.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn deleted_experiments(&self, scope: &Scope, project: &str) -> Result<Vec<DeletedExperiment>> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        let mut query =
            QueryBuilder::<Sqlite>::new(format!("{COLUMNS}, b.deleted_at, b.deleted_by FROM deleted_batches b {JOINS}"));
        query.push(" WHERE b.project_id = ").push_bind(project);
        query.push(" AND b.deleted_at > ").push_bind(self.now() - RESTORABLE).push(" ORDER BY b.deleted_at DESC LIMIT 1000");
        let rows = query.build().fetch_all(&mut *reader).await?;
        let deleted = |row: &SqliteRow| {
            Ok(DeletedExperiment {
                experiment: experiment(row)?,
                deleted_at: row.try_get("deleted_at")?,
                deleted_by: row.try_get::<Option<String>, _>("deleted_by")?.unwrap_or_default(),
            })
        };
        rows.iter().map(deleted).collect()
    }
}

impl Transaction {
    /// Sets what people say of an experiment, unless it is no more what had the digest `base`. `by` is the name of who does.
    ///
    /// Returns what somebody else said meanwhile: then nothing is set.
    ///
    /// # Errors
    /// There is no such experiment in the scope, or the database failed.
    pub async fn label_experiment(
        &mut self,
        scope: &Scope,
        id: &str,
        labels: &ExperimentLabels,
        base: &str,
        by: &str,
    ) -> Result<Option<ExperimentLabels>> {
        let (number, now) = (batch_number(self.connection(), scope, id).await?, self.now);
        let there = self.labels_of(number).await?;
        if there != *labels && there.digest() != base {
            return Ok(Some(there));
        }
        sqlx::query(
            "INSERT INTO experiment_labels (batch, name, note, changed_by, changed_at) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (batch) DO UPDATE SET name = excluded.name, note = excluded.note, changed_by = excluded.changed_by,
               changed_at = excluded.changed_at",
        )
        .bind(number)
        .bind(&labels.name)
        .bind(&labels.note)
        .bind(by)
        .bind(now)
        .execute(self.connection())
        .await?;
        sqlx::query("DELETE FROM experiment_tags WHERE batch = ?").bind(number).execute(self.connection()).await?;
        sqlx::query("INSERT OR IGNORE INTO experiment_tags (batch, tag) SELECT ?, value FROM json_each(?)")
            .bind(number)
            .bind(rows::text(&labels.tags))
            .execute(self.connection())
            .await?;
        Ok(None)
    }

    async fn labels_of(&mut self, number: i64) -> Result<ExperimentLabels> {
        let said: Option<(Option<String>, String)> = sqlx::query_as("SELECT name, note FROM experiment_labels WHERE batch = ?")
            .bind(number)
            .fetch_optional(self.connection())
            .await?;
        let tags = sqlx::query_scalar("SELECT tag FROM experiment_tags WHERE batch = ? ORDER BY tag")
            .bind(number)
            .fetch_all(self.connection())
            .await?;
        let (name, note) = said.unwrap_or_default();
        Ok(ExperimentLabels { name, note, tags })
    }

    /// Pins an experiment, or takes the pin away. One that is pinned is what others of its scenario are compared with.
    ///
    /// # Errors
    /// There is no such experiment in the scope, or the database failed.
    pub async fn pin_experiment(&mut self, scope: &Scope, id: &str, is_pinned: bool, by: &str) -> Result<()> {
        let (number, now) = (batch_number(self.connection(), scope, id).await?, self.now);
        sqlx::query(
            "INSERT INTO experiment_labels (batch, pinned_at, changed_by, changed_at) VALUES (?, ?, ?, ?)
             ON CONFLICT (batch) DO UPDATE SET pinned_at = excluded.pinned_at, changed_by = excluded.changed_by,
               changed_at = excluded.changed_at",
        )
        .bind(number)
        .bind(is_pinned.then_some(now))
        .bind(by)
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Deletes an experiment: from now on it is not there, and a day later its rows and files are removed.
    ///
    /// # Errors
    /// There is no such experiment in the scope, or the database failed.
    pub async fn delete_experiment(&mut self, scope: &Scope, id: &str, by: &str) -> Result<()> {
        let (number, now) = (batch_number(self.connection(), scope, id).await?, self.now);
        sqlx::query("INSERT INTO hidden_batches (batch, deleted_at, deleted_by) VALUES (?, ?, ?)")
            .bind(number)
            .bind(now)
            .bind(by)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Restores an experiment that was deleted. Returns its name.
    ///
    /// # Errors
    /// There is no such experiment in the scope that can be restored, or the database failed.
    pub async fn restore_experiment(&mut self, scope: &Scope, id: &str) -> Result<String> {
        let oldest = self.now - RESTORABLE;
        let found: Option<(i64, String)> = sqlx::query_as(concat!(
            "SELECT b.number, ",
            shown_name!(),
            " FROM deleted_batches b JOIN projects p ON p.id = b.project_id
               LEFT JOIN experiment_labels l ON l.batch = b.number WHERE ",
            in_scope!(),
            " AND b.id = ?3 AND b.deleted_at > ?4"
        ))
        .bind(&scope.org_id)
        .bind(scope.listed_projects())
        .bind(id)
        .bind(oldest)
        .fetch_optional(self.connection())
        .await?;
        let (number, name) = found.ok_or_else(|| StoreError::BatchNotFound(id.to_owned()))?;
        self.show_batch(number).await?;
        self.note_restored(&[number]).await?;
        Ok(name)
    }
}

async fn values(connection: &mut Connection, sql: &'static str, project: &str) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(sql).bind(project).bind(MOST_CHOICES).fetch_all(connection).await?)
}

/// Adds the conditions of a filter. Only those that there are stand in the query, so that the database can see which index is the right
/// one.
fn push_conditions(query: &mut QueryBuilder<Sqlite>, project: &str, filter: &ExperimentFilter<'_>) {
    query.push(" WHERE b.project_id = ").push_bind(project.to_owned());
    let equal = [
        (" AND u.scenario_id = ", filter.scenario),
        (" AND b.agent = ", filter.agent),
        (" AND b.persona = ", filter.persona),
        (" AND b.branch = ", filter.branch),
        (" AND b.author = ", filter.author),
        (" AND b.status = ", filter.status.map(BatchStatus::label)),
    ];
    for (condition, value) in equal {
        if let Some(value) = value {
            query.push(condition).push_bind(value.to_owned());
        }
    }
    if let Some(tag) = filter.tag {
        query.push(" AND b.number IN (SELECT batch FROM experiment_tags WHERE tag = ").push_bind(tag.to_owned()).push(")");
    }
    if filter.is_pinned {
        query.push(" AND b.number IN (SELECT batch FROM experiment_labels WHERE pinned_at NOT NULL)");
    }
    if let Some(before) = filter.before {
        query.push(" AND b.number < (SELECT o.number FROM run_batches o WHERE o.id = ").push_bind(before.to_owned()).push(")");
    }
    if let Some(text) = filter.text {
        let pattern = super::read::containing(text);
        query.push(" AND (");
        for (index, column) in ["l.name", "b.experiment_id", "l.note", "b.id"].into_iter().enumerate() {
            query.push(if index > 0 { " OR " } else { "" }).push(column).push(" LIKE ").push_bind(pattern.clone());
            query.push(" ESCAPE '\\'");
        }
        query.push(")");
    }
}

fn list_query(project: &str, filter: &ExperimentFilter<'_>) -> QueryBuilder<Sqlite> {
    ordered(QueryBuilder::new(format!("{COLUMNS} FROM run_batches b {JOINS}")), project, filter)
}

fn ordered(mut query: QueryBuilder<Sqlite>, project: &str, filter: &ExperimentFilter<'_>) -> QueryBuilder<Sqlite> {
    push_conditions(&mut query, project, filter);
    query.push(match filter.order {
        ExperimentOrder::Newest => " ORDER BY b.number DESC",
        ExperimentOrder::Oldest => " ORDER BY b.number",
        ExperimentOrder::LowestRate => " ORDER BY b.pass_rate NULLS LAST, b.number",
        ExperimentOrder::HighestRate => " ORDER BY b.pass_rate DESC, b.number DESC",
        ExperimentOrder::MostCases => " ORDER BY b.cases DESC, b.number DESC",
        ExperimentOrder::Slowest => " ORDER BY b.p95_ms DESC, b.number DESC",
        ExperimentOrder::MostExpensive => " ORDER BY b.cost_usd DESC, b.number DESC",
        ExperimentOrder::LastPinned => " ORDER BY l.pinned_at DESC, b.number DESC",
    });
    query.push(" LIMIT ").push_bind(filter.limit).push(" OFFSET ").push_bind(filter.offset);
    query
}

fn count_query(project: &str, filter: &ExperimentFilter<'_>) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(format!("SELECT count(*) FROM run_batches b {JOINS}"));
    push_conditions(&mut query, project, filter);
    query
}

fn trend_point(row: &SqliteRow) -> Result<TrendPoint> {
    Ok(TrendPoint {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        began_at: row.try_get("began_at")?,
        counts: counts(row)?,
        figures: ExperimentFigures::read(row)?,
        is_pinned: row.try_get::<Option<i64>, _>("pinned_at")?.is_some(),
        persona: row.try_get("persona")?,
        bundle_id: row.try_get("bundle_id")?,
        generation: row.try_get("generation")?,
        model: row.try_get("model")?,
        target: row.try_get("target")?,
    })
}

fn experiment(row: &SqliteRow) -> Result<Experiment> {
    let batch = batch(row)?;
    let tags: &str = row.try_get("tags")?;
    Ok(Experiment {
        scenario_name: row.try_get("scenario_name")?,
        figures: ExperimentFigures::read(row)?,
        labels: ExperimentLabels {
            name: row.try_get("given_name")?,
            note: row.try_get::<Option<String>, _>("note")?.unwrap_or_default(),
            tags: serde_json::from_str(tags).map_err(|_| rows::damaged("tags", &batch.id))?,
        },
        pinned_at: row.try_get("pinned_at")?,
        gate: ExperimentGate::read(row, &batch.id)?,
        batch,
    })
}

#[cfg(test)]
mod tests {
    use sqlx::AssertSqlSafe;

    use super::*;

    /// A list must not become slower with what other projects have.
    #[tokio::test]
    async fn every_list_is_read_by_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("k.db")).await.unwrap();
        let none = ExperimentFilter::default();
        let mut queries: Vec<String> = [
            none,
            ExperimentFilter { order: ExperimentOrder::LowestRate, ..none },
            ExperimentFilter { order: ExperimentOrder::HighestRate, ..none },
            ExperimentFilter { order: ExperimentOrder::MostCases, ..none },
            ExperimentFilter { order: ExperimentOrder::Slowest, ..none },
            ExperimentFilter { order: ExperimentOrder::MostExpensive, ..none },
            ExperimentFilter { agent: Some("a"), ..none },
            ExperimentFilter { persona: Some("v1"), ..none },
            ExperimentFilter { branch: Some("main"), ..none },
            ExperimentFilter { author: Some("Ada"), ..none },
            ExperimentFilter { tag: Some("t"), text: Some("x"), ..none },
            ExperimentFilter { scenario: Some("s"), is_pinned: true, ..none },
            ExperimentFilter { scenario: Some("s"), is_pinned: true, order: ExperimentOrder::LastPinned, ..none },
            ExperimentFilter { scenario: Some("s"), before: Some("b"), ..none },
        ]
        .iter()
        .map(|filter| list_query("p", filter).sql().as_str().to_owned())
        .collect();
        queries.extend([AGENTS, PERSONAS, BRANCHES, AUTHORS, TAGS].map(str::to_owned));
        let mut reader = store.reader().await.unwrap();
        let mut shown = String::new();
        for query in queries {
            let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"))).fetch_all(&mut *reader).await.unwrap();
            let steps: Vec<&str> = plan.iter().map(|step| step.try_get("detail").unwrap()).collect();
            let is_scan = |step: &&&str| step.starts_with("SCAN");
            let scans: Vec<_> = steps.iter().filter(is_scan).filter(|step| !step.contains("(subquery")).collect();
            assert!(scans.is_empty(), "{query}\n{steps:#?}");
            shown += &format!("{}\n", steps[0]);
        }
        insta::assert_snapshot!(shown, @"
        SEARCH stored_batches USING INDEX run_batches_in_order (project_id=?)
        SEARCH stored_batches USING INDEX run_batches_by_rate (project_id=?)
        SEARCH stored_batches USING INDEX run_batches_by_rate (project_id=?)
        SEARCH stored_batches USING INDEX run_batches_by_cases (project_id=?)
        SEARCH stored_batches USING INDEX run_batches_by_p95 (project_id=?)
        SEARCH stored_batches USING INDEX run_batches_by_cost (project_id=?)
        SEARCH stored_batches USING INDEX run_batches_by_agent (project_id=? AND agent=?)
        SEARCH stored_batches USING INDEX run_batches_by_persona (project_id=? AND persona=?)
        SEARCH stored_batches USING INDEX run_batches_by_branch (project_id=? AND branch=?)
        SEARCH stored_batches USING INDEX run_batches_by_author (project_id=? AND author=?)
        SEARCH stored_batches USING INDEX run_batches_in_order (project_id=? AND rowid=?)
        SEARCH s USING INDEX sqlite_autoindex_scenarios_1 (id=?)
        SEARCH s USING INDEX sqlite_autoindex_scenarios_1 (id=?)
        SEARCH s USING INDEX sqlite_autoindex_scenarios_1 (id=?)
        SEARCH stored_batches USING INDEX run_batches_by_agent (project_id=? AND agent>?)
        SEARCH stored_batches USING INDEX run_batches_by_persona (project_id=? AND persona>?)
        SEARCH stored_batches USING INDEX run_batches_by_branch (project_id=? AND branch>?)
        SEARCH stored_batches USING INDEX run_batches_by_author (project_id=? AND author>?)
        SEARCH stored_batches USING COVERING INDEX run_batches_usage (project_id=?)
        ");
    }
}
