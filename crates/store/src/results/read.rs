//! Reading batches, runs and files.

use keepstep_base::{AgentId, Digest};
use keepstep_results::verdict::Verdict;
use sqlx::query_builder::QueryBuilder;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite};

use super::model::{Artifact, BatchStatus, Counts, Run, RunBatch, RunDetail, RunResult, Status, Turn, miss, not_passed};
use crate::model::Scope;
use crate::organizations::require_project;
use crate::sql::connection::Connection;
use crate::test_data::in_scope;
use crate::{Result, Store, StoreError, Transaction, rows};

/// Which batches to read.
#[derive(Debug, Clone, Copy)]
pub struct BatchFilter<'a> {
    /// Only those of a scenario.
    pub scenario: Option<&'a str>,
    /// How many of the newest to leave out.
    pub offset: u32,
    /// How many at most.
    pub limit: u32,
}

/// Which runs of a batch to read.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunFilter<'a> {
    /// Only those with a status.
    pub status: Option<Status>,
    /// Only those of a persona, an id or a name, as it was sent.
    pub persona: Option<&'a str>,
    /// Only those with this text in their input, output, error or id. Upper and lower case of ASCII are the same.
    pub text: Option<&'a str>,
    /// Only those that did not pass, or only the others.
    pub part: Option<RunPart>,
    /// Only those for which a criterion, by its place among all of the batch, failed or was not judged.
    pub criterion: Option<(i64, Verdict)>,
    /// Those that came last first.
    pub newest_first: bool,
    /// Only those behind this [`Run::number`]: the last one of the page before.
    pub after: Option<i64>,
    /// How many at most.
    pub limit: u32,
}

/// A part of the runs of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunPart {
    /// Those that did not pass.
    NotPassed,
    /// All others.
    Others,
}

/// How many characters of its texts a list has of a run.
const EXCERPT: u32 = 400;

macro_rules! batches {
    ($rest:literal) => {
        concat!(
            "SELECT b.id, b.project_id, u.scenario_id, b.bundle_id, b.experiment_id, b.status, b.started_at, b.completed_at,
               b.created_at, b.details, b.running, b.completed, b.failed, b.error, b.timeout, b.skipped, b.abandoned, b.passed,
               b.not_judged
             FROM run_batches b JOIN bundles u ON u.id = b.bundle_id JOIN projects p ON p.id = b.project_id WHERE ",
            in_scope!(),
            " ",
            $rest
        )
    };
}

/// The batches of a project.
const BATCHES: &str =
    batches!("AND b.project_id = ?3 AND (?4 IS NULL OR u.scenario_id = ?4) ORDER BY b.number DESC LIMIT ?5 OFFSET ?6");

/// Those that tested exactly this persona of an agent.
const BATCHES_OF_PERSONA: &str =
    batches!("AND b.tested_persona = ?3 AND b.details ->> '$.agent' = ?4 ORDER BY b.number DESC LIMIT ?5");

/// The batches of a project that have one of these ids or names.
const BATCHES_NAMED: &str = batches!(
    "AND b.project_id = ?3 AND b.number IN (
       SELECT number FROM run_batches WHERE project_id = ?3 AND experiment_id IN (SELECT value FROM json_each(?4))
       UNION SELECT number FROM run_batches WHERE id IN (SELECT value FROM json_each(?4)))
     ORDER BY b.number DESC LIMIT 1000"
);

/// Those of some runs that are there, with their batches, also under the ids that they were announced with.
const KNOWN_RUNS: &str = "SELECT r.id, b.id AS batch FROM runs r JOIN run_batches b ON b.number = r.batch
     WHERE r.project_id = ?1 AND r.id IN (SELECT value FROM json_each(?2))
     UNION ALL
     SELECT a.id, b.id FROM replaced_runs a JOIN runs r ON r.number = a.run JOIN run_batches b ON b.number = r.batch
     WHERE a.project_id = ?1 AND a.id IN (SELECT value FROM json_each(?2))";

/// The different personas of a batch. Each step jumps to the next one in the index, however many runs have the same.
const PERSONAS: &str = "WITH RECURSIVE found (persona) AS (
       SELECT min(persona) FROM runs WHERE batch = ?1
       UNION ALL
       SELECT (SELECT min(persona) FROM runs WHERE batch = ?1 AND persona > found.persona) FROM found
       WHERE found.persona NOT NULL
     ) SELECT persona FROM found WHERE persona NOT NULL LIMIT 1000";

/// The turns of a run.
const TURNS: &str = "SELECT turn_id, sequence, role, content, said_at, duration_ms, warnings FROM turns WHERE run = ?
     ORDER BY sequence, turn_id";

/// The runs of a project, batch by batch.
const RUN_IDS: &str = "SELECT r.id, b.id AS batch_id FROM run_batches b JOIN bundles u ON u.id = b.bundle_id
     JOIN runs r ON r.batch = b.number WHERE b.project_id = ?1 AND (?2 IS NULL OR u.scenario_id = ?2)
     ORDER BY b.number, r.number LIMIT ?3 OFFSET ?4";

/// Files with the runs that they belong to.
macro_rules! artifacts {
    ($rest:literal) => {
        concat!(
            "SELECT a.id, r.id AS run_id, a.type, a.name, a.content_type, a.blob_id, a.created_at
             FROM artifacts a LEFT JOIN runs r ON r.number = a.run WHERE ",
            $rest
        )
    };
}

/// The files of a batch.
const ARTIFACTS: &str = artifacts!("a.batch = ? ORDER BY coalesce(a.run, 0), a.type, a.name, a.blob_id LIMIT ? OFFSET ?");

/// The files of a run.
const ARTIFACTS_OF_RUN: &str = artifacts!("a.run = ? ORDER BY a.type, a.name, a.number");

impl Store {
    /// Returns the batches of a project, newest first.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn run_batches(&self, scope: &Scope, project: &str, filter: BatchFilter<'_>) -> Result<Vec<RunBatch>> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        let rows = sqlx::query(BATCHES)
            .bind(&scope.org_id)
            .bind(scope.listed_projects())
            .bind(project)
            .bind(filter.scenario)
            .bind(filter.limit)
            .bind(filter.offset)
            .fetch_all(&mut *reader)
            .await?;
        rows.iter().map(batch).collect()
    }

    /// Returns the batches of a project that have one of these ids or names, newest first.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn run_batches_named(&self, scope: &Scope, project: &str, names: &[&str]) -> Result<Vec<RunBatch>> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        let rows = sqlx::query(BATCHES_NAMED)
            .bind(&scope.org_id)
            .bind(scope.listed_projects())
            .bind(project)
            .bind(rows::text(names))
            .fetch_all(&mut *reader)
            .await?;
        rows.iter().map(batch).collect()
    }

    /// Returns the batches that tested exactly this persona of an agent, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn run_batches_of_persona(
        &self,
        scope: &Scope,
        agent: &AgentId,
        digest: Digest,
        limit: u32,
    ) -> Result<Vec<RunBatch>> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(BATCHES_OF_PERSONA)
            .bind(&scope.org_id)
            .bind(scope.listed_projects())
            .bind(digest.to_string())
            .bind(agent.as_str())
            .bind(limit)
            .fetch_all(&mut *reader)
            .await?;
        rows.iter().map(batch).collect()
    }

    /// Returns which of these runs a project has, each with its batch.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn known_runs(&self, scope: &Scope, project: &str, ids: &[&str]) -> Result<Vec<(String, RunBatch)>> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        let rows = sqlx::query(KNOWN_RUNS).bind(project).bind(rows::text(ids)).fetch_all(&mut *reader).await?;
        let found = rows.iter().map(|row| Ok((row.try_get("id")?, row.try_get("batch")?)));
        let found: Vec<(String, String)> = found.collect::<Result<_>>()?;
        drop(reader);
        let names: Vec<&str> = found.iter().map(|(_, batch)| batch.as_str()).collect();
        let batches = self.run_batches_named(scope, project, &names).await?;
        let batch_of = |id: &str| batches.iter().find(|batch| batch.id == id).cloned();
        Ok(found.into_iter().filter_map(|(run, batch)| Some((run, batch_of(&batch)?))).collect())
    }

    /// Returns a batch.
    ///
    /// # Errors
    /// There is no such batch in the scope, or the database failed.
    pub async fn run_batch(&self, scope: &Scope, id: &str) -> Result<RunBatch> {
        read_batch(&mut *self.reader().await?, scope, id).await
    }

    /// Returns runs of a batch in the order in which they came.
    ///
    /// # Errors
    /// There is no such batch in the scope, or the database failed.
    pub async fn runs(&self, scope: &Scope, batch: &str, filter: &RunFilter<'_>) -> Result<Vec<Run>> {
        let mut reader = self.reader().await?;
        let number = batch_number(&mut reader, scope, batch).await?;
        let rows = runs_query(number, batch, filter).build().fetch_all(&mut *reader).await?;
        rows.iter().map(run).collect()
    }

    /// Returns the different personas of a batch's runs, as they were sent.
    ///
    /// # Errors
    /// There is no such batch in the scope, or the database failed.
    pub async fn personas_of_runs(&self, scope: &Scope, batch: &str) -> Result<Vec<String>> {
        let mut reader = self.reader().await?;
        let number = batch_number(&mut reader, scope, batch).await?;
        let personas = sqlx::query_scalar(PERSONAS).bind(number).fetch_all(&mut *reader).await?;
        Ok(personas)
    }

    /// Returns everything about a run.
    ///
    /// # Errors
    /// There is no such batch in the scope, it has no such run, or the database failed.
    pub async fn run(&self, scope: &Scope, batch: &str, id: &str) -> Result<RunDetail> {
        let mut reader = self.reader().await?;
        let number = batch_number(&mut reader, scope, batch).await?;
        let mut query = runs_select(batch, None);
        query.push(" WHERE r.id = ").push_bind(id).push(" AND r.batch = ").push_bind(number);
        let row = query.build().fetch_optional(&mut *reader).await?;
        let Some(row) = row else { return Err(StoreError::RunNotFound { batch: batch.to_owned(), run: id.to_owned() }) };
        let run = run(&row)?;
        let result = sqlx::query("SELECT metrics, evaluation, transcript FROM run_results WHERE run = ?")
            .bind(run.number)
            .fetch_optional(&mut *reader)
            .await?;
        let result = result.as_ref().map_or_else(|| Ok(RunResult::default()), |row| run_result(row, id))?;
        let turns = sqlx::query(TURNS).bind(run.number).fetch_all(&mut *reader).await?;
        let turns = turns.iter().map(turn).collect::<Result<_>>()?;
        let artifacts = sqlx::query(ARTIFACTS_OF_RUN).bind(run.number).fetch_all(&mut *reader).await?;
        let artifacts = artifacts.iter().map(artifact).collect::<Result<_>>()?;
        Ok(RunDetail { run, result, turns, artifacts })
    }

    /// Returns the ids of runs of a project, each with the id of its batch, in the order of the batches.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn run_ids(&self, scope: &Scope, project: &str, filter: BatchFilter<'_>) -> Result<Vec<(String, String)>> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        let rows = sqlx::query(RUN_IDS)
            .bind(project)
            .bind(filter.scenario)
            .bind(filter.limit)
            .bind(filter.offset)
            .fetch_all(&mut *reader)
            .await?;
        rows.iter().map(|row| Ok((row.try_get("id")?, row.try_get("batch_id")?))).collect()
    }

    /// Returns files of a batch from a position on: first its own, then those of its runs.
    ///
    /// # Errors
    /// There is no such batch in the scope, or the database failed.
    pub async fn artifacts(&self, scope: &Scope, batch: &str, offset: u32, limit: u32) -> Result<Vec<Artifact>> {
        let mut reader = self.reader().await?;
        let number = batch_number(&mut reader, scope, batch).await?;
        let rows = sqlx::query(ARTIFACTS).bind(number).bind(limit).bind(offset).fetch_all(&mut *reader).await?;
        rows.iter().map(artifact).collect()
    }

    /// Returns a file of a batch.
    ///
    /// # Errors
    /// There is no such batch in the scope, it has no such file, or the database failed.
    pub async fn artifact(&self, scope: &Scope, batch: &str, id: &str) -> Result<Artifact> {
        let mut reader = self.reader().await?;
        let number = batch_number(&mut reader, scope, batch).await?;
        let row = sqlx::query(artifacts!("a.id = ? AND a.batch = ?")).bind(id).bind(number).fetch_optional(&mut *reader).await?;
        row.as_ref().map_or_else(|| Err(StoreError::ArtifactNotFound(id.to_owned())), artifact)
    }
}

impl Transaction {
    /// Returns true if all cases of an experiment of a scenario passed that tested exactly this persona of an agent.
    ///
    /// # Errors
    /// The database failed.
    pub async fn has_passed(&mut self, agent: &AgentId, digest: Digest, scenario: &str) -> Result<bool> {
        let found = sqlx::query(
            "SELECT b.id FROM run_batches b JOIN bundles u ON u.id = b.bundle_id
             WHERE b.tested_persona = ?1 AND b.details ->> '$.agent' = ?2 AND u.scenario_id = ?3 AND b.passed > 0
               AND b.passed = b.completed AND b.running + b.failed + b.error + b.timeout + b.skipped + b.abandoned = 0 LIMIT 1",
        )
        .bind(digest.to_string())
        .bind(agent.as_str())
        .bind(scenario)
        .fetch_optional(self.connection())
        .await?;
        Ok(found.is_some())
    }
}

pub(super) async fn read_batch(connection: &mut Connection, scope: &Scope, id: &str) -> Result<RunBatch> {
    let row = sqlx::query(batches!("AND b.id = ?3"))
        .bind(&scope.org_id)
        .bind(scope.listed_projects())
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map_or_else(|| Err(StoreError::BatchNotFound(id.to_owned())), batch)
}

pub(super) async fn batch_number(connection: &mut Connection, scope: &Scope, id: &str) -> Result<i64> {
    let number = sqlx::query_scalar(concat!(
        "SELECT b.number FROM run_batches b JOIN projects p ON p.id = b.project_id WHERE ",
        in_scope!(),
        " AND b.id = ?3"
    ))
    .bind(&scope.org_id)
    .bind(scope.listed_projects())
    .bind(id)
    .fetch_optional(connection)
    .await?;
    number.ok_or_else(|| StoreError::BatchNotFound(id.to_owned()))
}

/// Returns the columns of runs, with whole texts or only the beginnings.
fn runs_select(batch: &str, excerpt: Option<u32>) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(
        "SELECT r.number, r.id, r.input_item_id, r.persona, coalesce(t.deleted_name, t.name) AS persona_name, r.iteration, r.status, r.verdict,
           r.duration_ms, r.error, ",
    );
    match excerpt {
        Some(length) => {
            query.push("substr(r.input, 1, ").push_bind(length).push(") AS input, substr(r.output, 1, ");
            query.push_bind(length).push(") AS output, ")
        }
        None => query.push("r.input, r.output, "),
    };
    query
        .push_bind(batch)
        .push(" AS batch_id FROM runs r LEFT JOIN test_personas t ON t.id = r.persona AND t.project_id = r.project_id");
    query
}

/// Returns the query of a page of runs. Only the conditions that there are stand in it, so that the database can see
/// which index is the right one.
fn runs_query(number: i64, batch: &str, filter: &RunFilter<'_>) -> QueryBuilder<Sqlite> {
    let mut query = runs_select(batch, Some(EXCERPT));
    query.push(" WHERE r.batch = ").push_bind(number);
    if let Some(status) = filter.status {
        query.push(" AND r.status = ").push_bind(status.label());
        match status {
            Status::Passed => drop(query.push(" AND coalesce(r.verdict, '') NOT IN ('fail', 'failed', 'not_judged')")),
            Status::NotPassed => drop(query.push(" AND r.verdict IN ('fail', 'failed')")),
            Status::NotJudged => drop(query.push(" AND r.verdict = 'not_judged'")),
            _ => {}
        }
    }
    if let Some(persona) = filter.persona {
        query.push(" AND r.persona = ").push_bind(persona);
    }
    match filter.part {
        Some(RunPart::NotPassed) => drop(query.push(" AND ").push(not_passed!())),
        Some(RunPart::Others) => drop(query.push(" AND ").push(not_passed!()).push(" IS NOT TRUE")),
        None => {}
    }
    if let Some((position, verdict)) = filter.criterion {
        query.push(" AND r.number IN (SELECT m.run FROM batch_criteria c JOIN criterion_misses m ON m.criterion = c.number WHERE c.batch = ");
        query.push_bind(number).push(" AND c.position = ").push_bind(position);
        query.push(" AND m.verdict = ").push_bind(miss(verdict)).push(")");
    }
    if let Some(after) = filter.after {
        query.push(if filter.newest_first { " AND r.number < " } else { " AND r.number > " }).push_bind(after);
    }
    if let Some(text) = filter.text {
        let pattern = containing(text);
        query.push(" AND (");
        for (index, column) in ["r.input", "r.output", "r.error", "r.id"].into_iter().enumerate() {
            query.push(if index > 0 { " OR " } else { "" }).push(column).push(" LIKE ").push_bind(&pattern);
            query.push(" ESCAPE '\\'");
        }
        query.push(")");
    }
    let order = if filter.newest_first { " ORDER BY r.number DESC LIMIT " } else { " ORDER BY r.number LIMIT " };
    query.push(order).push_bind(filter.limit);
    query
}

/// Returns the pattern of `LIKE`, with a backslash as its escape, of everything that has a text in it.
pub(crate) fn containing(text: &str) -> String {
    format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

/// Returns how many runs of a batch have which status, as its row says it.
pub(super) async fn read_counts(connection: &mut Connection, batch: i64) -> Result<Counts> {
    let row = sqlx::query(
        "SELECT running, completed, failed, error, timeout, skipped, abandoned, passed, not_judged FROM run_batches WHERE number = ?",
    )
    .bind(batch)
    .fetch_one(connection)
    .await?;
    counts(&row)
}

pub(super) fn counts(row: &SqliteRow) -> Result<Counts> {
    let count = |column: &str| Ok::<_, StoreError>(row.try_get::<i64, _>(column)?.unsigned_abs());
    Ok(Counts {
        running: count("running")?,
        failed: count("failed")?,
        error: count("error")?,
        timeout: count("timeout")?,
        skipped: count("skipped")?,
        abandoned: count("abandoned")?,
        passed: count("passed")?,
        not_judged: count("not_judged")?,
        // The row has the whole that these are the parts of.
        not_passed: count("completed")?.saturating_sub(count("passed")? + count("not_judged")?),
    })
}

pub(super) fn batch(row: &SqliteRow) -> Result<RunBatch> {
    let id: String = row.try_get("id")?;
    Ok(RunBatch {
        project_id: row.try_get("project_id")?,
        scenario_id: row.try_get("scenario_id")?,
        bundle_id: row.try_get("bundle_id")?,
        experiment_id: row.try_get("experiment_id")?,
        status: BatchStatus::from_label(row.try_get("status")?).ok_or_else(|| rows::damaged("status", &id))?,
        counts: counts(row)?,
        started_at: row.try_get("started_at")?,
        completed_at: row.try_get("completed_at")?,
        created_at: row.try_get("created_at")?,
        details: rows::object(row, "details", &id)?,
        id,
    })
}

fn run(row: &SqliteRow) -> Result<Run> {
    let id: String = row.try_get("id")?;
    Ok(Run {
        number: row.try_get("number")?,
        batch_id: row.try_get("batch_id")?,
        input_item_id: row.try_get("input_item_id")?,
        persona: row.try_get("persona")?,
        persona_name: row.try_get("persona_name")?,
        iteration: row.try_get("iteration")?,
        status: status(row, &id)?,
        verdict: row.try_get("verdict")?,
        duration_ms: row.try_get("duration_ms")?,
        error: row.try_get("error")?,
        input: row.try_get("input")?,
        output: row.try_get("output")?,
        id,
    })
}

/// Returns how far a run is, by what the client and the judges say.
pub(super) fn status(row: &SqliteRow, of: &str) -> Result<Status> {
    Status::of(row.try_get("status")?, row.try_get("verdict")?).map_err(|_| rows::damaged("status", of))
}

pub(super) fn run_result(row: &SqliteRow, id: &str) -> Result<RunResult> {
    Ok(RunResult {
        metrics: rows::object(row, "metrics", id)?,
        transcript: values(row, "transcript", id)?,
        evaluation: rows::object(row, "evaluation", id)?,
    })
}

pub(super) fn turn(row: &SqliteRow) -> Result<Turn> {
    let id: String = row.try_get("turn_id")?;
    Ok(Turn {
        run_id: String::new(),
        sequence: row.try_get("sequence")?,
        role: row.try_get::<&str, _>("role")?.into(),
        content: row.try_get("content")?,
        timestamp: row.try_get("said_at")?,
        duration_ms: row.try_get("duration_ms")?,
        warnings: values(row, "warnings", &id)?,
        turn_id: id,
    })
}

fn artifact(row: &SqliteRow) -> Result<Artifact> {
    Ok(Artifact {
        id: row.try_get("id")?,
        run_id: row.try_get("run_id")?,
        artifact_type: row.try_get("type")?,
        name: row.try_get("name")?,
        content_type: row.try_get("content_type")?,
        blob_id: row.try_get("blob_id")?,
        created_at: row.try_get("created_at")?,
    })
}

/// Returns the JSON array of a column.
fn values<T: serde::de::DeserializeOwned>(row: &SqliteRow, column: &'static str, of: &str) -> Result<Vec<T>> {
    serde_json::from_str(row.try_get(column)?).map_err(|_| rows::damaged(column, of))
}

#[cfg(test)]
mod tests {
    use sqlx::AssertSqlSafe;

    use super::*;

    /// A page must not become slower with what is in other batches, nor with the pages before it.
    #[tokio::test]
    async fn every_list_is_read_by_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("k.db")).await.unwrap();
        let filters = [
            RunFilter::default(),
            RunFilter { after: Some(7), ..RunFilter::default() },
            RunFilter { status: Some(Status::Failed), after: Some(7), ..RunFilter::default() },
            RunFilter { status: Some(Status::NotJudged), after: Some(7), ..RunFilter::default() },
            RunFilter { persona: Some("p"), after: Some(7), ..RunFilter::default() },
            RunFilter { text: Some("t"), ..RunFilter::default() },
            RunFilter { part: Some(RunPart::NotPassed), after: Some(7), ..RunFilter::default() },
            RunFilter { part: Some(RunPart::Others), after: Some(7), ..RunFilter::default() },
            RunFilter { criterion: Some((2, Verdict::Failed)), after: Some(7), ..RunFilter::default() },
        ];
        let mut queries: Vec<String> =
            filters.iter().map(|filter| runs_query(1, "b", filter).sql().as_str().to_owned()).collect();
        queries.extend(
            [BATCHES, BATCHES_NAMED, BATCHES_OF_PERSONA, RUN_IDS, ARTIFACTS, ARTIFACTS_OF_RUN, TURNS, PERSONAS]
                .map(str::to_owned),
        );
        let mut reader = store.reader().await.unwrap();
        let mut shown = String::new();
        for query in queries {
            let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"))).fetch_all(&mut *reader).await.unwrap();
            let steps: Vec<&str> = plan.iter().map(|step| step.try_get("detail").unwrap()).collect();
            let is_scan = |step: &&&str| step.starts_with("SCAN") && !step.contains("json_each") && !step.contains("found");
            assert_eq!(steps.iter().find(is_scan), None, "{query}\n{steps:#?}");
            // What a page of runs shows comes in its order already.
            if query.contains("r.duration_ms") {
                shown += &format!("{}\n", steps.join("; "));
            }
        }
        insta::assert_snapshot!(shown, @"
        SEARCH stored_runs USING INDEX runs_of_batch (batch=?); USING ROWID SEARCH ON TABLE hidden_batches FOR IN-OPERATOR; SEARCH t USING INDEX sqlite_autoindex_test_personas_1 (id=?) LEFT-JOIN
        SEARCH stored_runs USING INDEX runs_of_batch (batch=? AND rowid>?); USING ROWID SEARCH ON TABLE hidden_batches FOR IN-OPERATOR; SEARCH t USING INDEX sqlite_autoindex_test_personas_1 (id=?) LEFT-JOIN
        SEARCH stored_runs USING INDEX runs_by_status (batch=? AND status=? AND rowid>?); USING ROWID SEARCH ON TABLE hidden_batches FOR IN-OPERATOR; SEARCH t USING INDEX sqlite_autoindex_test_personas_1 (id=?) LEFT-JOIN
        SEARCH stored_runs USING INDEX runs_by_status (batch=? AND status=? AND rowid>?); USING ROWID SEARCH ON TABLE hidden_batches FOR IN-OPERATOR; SEARCH t USING INDEX sqlite_autoindex_test_personas_1 (id=?) LEFT-JOIN
        SEARCH stored_runs USING INDEX runs_by_persona (batch=? AND persona=? AND rowid>?); USING ROWID SEARCH ON TABLE hidden_batches FOR IN-OPERATOR; SEARCH t USING INDEX sqlite_autoindex_test_personas_1 (id=?) LEFT-JOIN
        SEARCH stored_runs USING INDEX runs_of_batch (batch=?); USING ROWID SEARCH ON TABLE hidden_batches FOR IN-OPERATOR; SEARCH t USING INDEX sqlite_autoindex_test_personas_1 (id=?) LEFT-JOIN
        SEARCH stored_runs USING INDEX runs_not_passed (batch=? AND rowid>?); USING ROWID SEARCH ON TABLE hidden_batches FOR IN-OPERATOR; SEARCH t USING INDEX sqlite_autoindex_test_personas_1 (id=?) LEFT-JOIN
        SEARCH stored_runs USING INDEX runs_of_batch (batch=? AND rowid>?); USING ROWID SEARCH ON TABLE hidden_batches FOR IN-OPERATOR; SEARCH t USING INDEX sqlite_autoindex_test_personas_1 (id=?) LEFT-JOIN
        SEARCH stored_runs USING INDEX runs_of_batch (batch=? AND rowid=?); LIST SUBQUERY 1; SEARCH c USING COVERING INDEX sqlite_autoindex_batch_criteria_1 (batch=? AND position=?); SEARCH m USING PRIMARY KEY (criterion=? AND verdict=?); CREATE BLOOM FILTER; USING ROWID SEARCH ON TABLE hidden_batches FOR IN-OPERATOR; SEARCH t USING INDEX sqlite_autoindex_test_personas_1 (id=?) LEFT-JOIN
        ");
    }
}
