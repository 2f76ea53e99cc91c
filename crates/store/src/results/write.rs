//! Writing runs, what came out of them and what was said, many rows in one statement.

use std::collections::{HashMap, HashSet};

use keepstep_testdata::input_text;
use serde_json::Value;
use sqlx::query_builder::QueryBuilder;
use sqlx::{Row as _, Sqlite};

use super::find::BatchKey;
use super::model::{Counts, NOT_REPORTED, ResultsError, RunRecord, Status, Turn, check_id, shortened};
use super::read::status;
use crate::test_data::Bundle;
use crate::{Result, Transaction, rows};

/// How many rows one statement writes: many, and far fewer values than SQLite takes.
pub(super) const ROWS: usize = 250;

/// What becomes of a run that is there: what was known first about its input and its persona stays, because the peers leave
/// that out at the end; an announcement does not undo a report, in whatever order they come.
const KNOWN_RUN: &str = " ON CONFLICT (number) DO UPDATE SET
    input_item_id = coalesce(input_item_id, excluded.input_item_id),
    persona = coalesce(persona, excluded.persona),
    iteration = iif(excluded.status = 'running', iteration, excluded.iteration),
    error = iif(excluded.status = 'running', error, excluded.error),
    verdict = coalesce(excluded.verdict, verdict),
    duration_ms = coalesce(excluded.duration_ms, duration_ms),
    input = iif(excluded.input = '', input, excluded.input),
    output = iif(excluded.output = '', output, excluded.output),
    status = iif(excluded.status = 'running', status, excluded.status)";

/// What becomes of a turn that is there: it is the same turn, of which one way tells more than the other.
pub(super) const KNOWN_TURN: &str = " DO UPDATE SET said_at = coalesce(said_at, excluded.said_at),
    duration_ms = coalesce(duration_ms, excluded.duration_ms), warnings = iif(warnings = '[]', excluded.warnings, warnings)";

/// How many input items a refusal names.
const MOST_NAMED: usize = 3;

/// Where a run is stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct RunLocation {
    pub(super) number: i64,
    pub(super) batch: i64,
}

/// Returns the runs, each once. One that is named twice is what was said last.
pub(super) fn last_of_each(runs: &[RunRecord]) -> Result<Vec<&RunRecord>> {
    let mut last: HashMap<&str, usize> = HashMap::with_capacity(runs.len());
    for (index, run) in runs.iter().enumerate() {
        last.insert(check_id("a run", &run.id)?, index);
    }
    let runs = runs.iter().enumerate().filter(|(index, run)| last.get(run.id.as_str()) == Some(index));
    Ok(runs.map(|(_, run)| run).collect())
}

impl Transaction {
    /// Makes sure that the input items that runs name are in the bundle version that they are said to be of. A run of an input
    /// that somebody wrote where it was tested names none, and one that is known already stays what it is.
    pub(super) async fn check_items(&mut self, bundle: &Bundle, runs: &[RunRecord]) -> Result<()> {
        let item_of = |run: &RunRecord| run.input_item_id.clone().filter(|id| !id.is_empty());
        let named: HashSet<String> = runs.iter().filter_map(item_of).collect();
        if named.is_empty() {
            return Ok(());
        }
        let missing: HashSet<String> = sqlx::query_scalar(
            "SELECT value FROM json_each(?1) WHERE value NOT IN (SELECT id FROM input_items WHERE input_set_id = ?2)",
        )
        .bind(rows::text(&named))
        .bind(&bundle.input_set_id)
        .fetch_all(self.connection())
        .await?
        .into_iter()
        .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let doubtful = runs.iter().filter_map(|run| Some((run, item_of(run).filter(|id| missing.contains(id))?)));
        let doubtful: Vec<(&RunRecord, String)> = doubtful.collect();
        let ids = rows::text(&doubtful.iter().map(|(run, _)| run.id.as_str()).collect::<Vec<_>>());
        let known = self.places(&bundle.project_id, &ids).await?;
        let unknown = doubtful.into_iter().filter(|(run, _)| !known.contains_key(&run.id));
        let mut items: Vec<String> = unknown.map(|(_, item)| shortened(&item)).collect::<HashSet<_>>().into_iter().collect();
        if items.is_empty() {
            return Ok(());
        }
        items.sort_unstable();
        let more = items.len() > MOST_NAMED;
        items.truncate(MOST_NAMED);
        Err(ResultsError::OtherVersion { bundle: bundle.id.clone(), items, more }.into())
    }

    /// Stores runs of a batch. A run that is there already, in whatever batch of the project, is stored where it is.
    pub(super) async fn put_runs(&mut self, batch: &BatchKey, runs: &[RunRecord]) -> Result<()> {
        for chunk in runs.chunks(ROWS) {
            self.put_chunk(batch, &last_of_each(chunk)?).await?;
        }
        Ok(())
    }

    async fn put_chunk(&mut self, batch: &BatchKey, runs: &[&RunRecord]) -> Result<()> {
        let ids = rows::text(&runs.iter().map(|run| run.id.as_str()).collect::<Vec<_>>());
        let (mut known, hidden) = self.all_places(&batch.project_id, &ids).await?;
        if !hidden.is_empty() {
            self.displace(hidden.values()).await?;
        }
        if batch.takes_over {
            self.take_over(batch, runs, &ids, &mut known).await?;
        }
        if self.put_numbered(batch, runs, &known).await?.is_some() {
            self.attach_early_turns(batch, &ids).await?;
        }
        let elsewhere: HashSet<i64> = known.values().map(|place| place.batch).filter(|number| *number != batch.number).collect();
        for number in elsewhere {
            self.recount(number).await?;
        }
        Ok(())
    }

    /// Stores runs, those that are known where they are. Returns the last number before those of new ones, if there are any.
    pub(super) async fn put_numbered(
        &mut self,
        batch: &BatchKey,
        runs: &[&RunRecord],
        known: &HashMap<String, RunLocation>,
    ) -> Result<Option<i64>> {
        let last: i64 =
            sqlx::query_scalar("SELECT coalesce(max(number), 0) FROM stored_runs").fetch_one(self.connection()).await?;
        let mut next = last;
        let numbered: Vec<(i64, bool, &RunRecord)> = runs
            .iter()
            .map(|run| match known.get(&run.id) {
                Some(place) => (place.number, false, *run),
                None => {
                    next += 1;
                    (next, true, *run)
                }
            })
            .collect();
        self.put_rows(batch, &numbered).await?;
        self.put_results(&numbered).await?;
        let turns: Vec<(i64, &Turn)> =
            numbered.iter().flat_map(|(number, _, run)| run.turns.iter().map(|turn| (*number, turn))).collect();
        self.put_turns(&turns).await?;
        Ok((next > last).then_some(last))
    }

    /// Returns where the runs of a project are, for those of the ids, a JSON array, that are known.
    pub(super) async fn places(&mut self, project: &str, ids: &str) -> Result<HashMap<String, RunLocation>> {
        Ok(self.all_places(project, ids).await?.0)
    }

    /// Returns where the runs of a project are, for those of the ids, a JSON array: those that are known, and those that are in
    /// hidden batches.
    pub(super) async fn all_places(
        &mut self,
        project: &str,
        ids: &str,
    ) -> Result<(HashMap<String, RunLocation>, HashMap<String, RunLocation>)> {
        let rows = sqlx::query(
            "SELECT id, number, batch, batch IN (SELECT batch FROM hidden_batches) AS is_hidden
             FROM stored_runs WHERE project_id = ?1 AND id IN (SELECT value FROM json_each(?2))
             UNION ALL
             SELECT a.id, r.number, r.batch, FALSE FROM replaced_runs a JOIN runs r ON r.number = a.run
             WHERE a.project_id = ?1 AND a.id IN (SELECT value FROM json_each(?2))",
        )
        .bind(project)
        .bind(ids)
        .fetch_all(self.connection())
        .await?;
        let (mut known, mut hidden) = (HashMap::with_capacity(rows.len()), HashMap::new());
        for row in &rows {
            let places = if row.try_get("is_hidden")? { &mut hidden } else { &mut known };
            let place = RunLocation { number: row.try_get("number")?, batch: row.try_get("batch")? };
            places.insert(row.try_get("id")?, place);
        }
        Ok((known, hidden))
    }

    /// Gives runs that were announced the ids under which they are reported: one for each run that nobody knows, of the
    /// same input. The old ids stay known.
    async fn take_over(
        &mut self,
        batch: &BatchKey,
        runs: &[&RunRecord],
        ids: &str,
        known: &mut HashMap<String, RunLocation>,
    ) -> Result<()> {
        for run in runs {
            let Some(item) = run.input_item_id.as_deref().filter(|_| !known.contains_key(&run.id)) else { continue };
            let announced = sqlx::query(
                "SELECT number, id FROM stored_runs WHERE batch = ?1 AND status = 'running' AND input_item_id = ?2
                   AND id NOT IN (SELECT value FROM json_each(?3)) ORDER BY number LIMIT 1",
            )
            .bind(batch.number)
            .bind(item)
            .bind(ids)
            .fetch_optional(self.connection())
            .await?;
            let Some(announced) = announced else { continue };
            let number: i64 = announced.try_get("number")?;
            sqlx::query("INSERT INTO replaced_runs (id, project_id, run) VALUES (?, ?, ?)")
                .bind(announced.try_get::<&str, _>("id")?)
                .bind(&batch.project_id)
                .bind(number)
                .execute(self.connection())
                .await?;
            // It is not announced any more, so that the next run of the same input takes the next one.
            sqlx::query("UPDATE stored_runs SET id = ?2, status = 'failed' WHERE number = ?1")
                .bind(number)
                .bind(&run.id)
                .execute(self.connection())
                .await?;
            self.attach_early_turns(batch, &rows::text(&[&run.id])).await?;
            known.insert(run.id.clone(), RunLocation { number, batch: batch.number });
        }
        Ok(())
    }

    async fn put_rows(&mut self, batch: &BatchKey, runs: &[(i64, bool, &RunRecord)]) -> Result<()> {
        if runs.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO stored_runs (number, batch, project_id, id, input_item_id, persona, iteration, status, verdict, duration_ms, \
             error, input, output) ",
        );
        query.push_values(runs, |mut values, (number, is_new, run)| {
            // What is announced after the end was said to be there does not run any more.
            let is_late = *is_new && batch.is_reported && !run.status.is_reported();
            let (status, error) = match run.status {
                _ if is_late => (Status::Failed, Some(NOT_REPORTED)),
                status if status.is_reported() => (status, run.error.as_deref()),
                _ => (Status::Running, None),
            };
            let duration = run.metrics.get("duration_ms").and_then(Value::as_f64);
            values
                .push_bind(*number)
                .push_bind(batch.number)
                .push_bind(&batch.project_id)
                .push_bind(&run.id)
                .push_bind(run.input_item_id.as_deref().filter(|id| !id.is_empty()))
                .push_bind(run.persona.as_deref().filter(|persona| !persona.is_empty()))
                .push_bind(run.iteration)
                .push_bind(status.label())
                .push_bind(run.verdict())
                .push_bind(duration)
                .push_bind(error)
                .push_bind(&run.input)
                .push_bind(&run.output);
        });
        query.push(KNOWN_RUN);
        // Only full chunks have a statement that comes again.
        query.build().persistent(runs.len() == ROWS).execute(self.connection()).await?;
        Ok(())
    }

    async fn put_results(&mut self, runs: &[(i64, bool, &RunRecord)]) -> Result<()> {
        // What was known before stays where nothing is said.
        let says = |run: &RunRecord| !(run.metrics.is_empty() && run.evaluation.is_empty() && run.transcript.is_empty());
        let results: Vec<_> = runs.iter().filter(|(_, _, run)| says(run)).map(|(number, _, run)| (number, run)).collect();
        if results.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO run_results (run, metrics, evaluation, transcript) ");
        query.push_values(&results, |mut values, (number, result)| {
            values
                .push_bind(**number)
                .push_bind(rows::text(&result.metrics))
                .push_bind(rows::text(&result.evaluation))
                .push_bind(rows::text(&result.transcript));
        });
        query.push(
            " ON CONFLICT (run) DO UPDATE SET metrics = iif(excluded.metrics = '{}', metrics, excluded.metrics),
                evaluation = iif(excluded.evaluation = '{}', evaluation, excluded.evaluation),
                transcript = iif(excluded.transcript = '[]', transcript, excluded.transcript)",
        );
        query.build().persistent(results.len() == ROWS).execute(self.connection()).await?;
        Ok(())
    }

    /// Stores turns of runs, which are named by their numbers.
    pub(super) async fn put_turns(&mut self, turns: &[(i64, &Turn)]) -> Result<()> {
        for chunk in turns.chunks(ROWS) {
            for (_, turn) in chunk {
                check_id("a turn", &turn.turn_id)?;
            }
            let mut query = QueryBuilder::<Sqlite>::new(
                "INSERT INTO turns (run, turn_id, sequence, role, said_at, duration_ms, warnings, content) ",
            );
            query.push_values(chunk, |mut values, (run, turn)| {
                values
                    .push_bind(*run)
                    .push_bind(&turn.turn_id)
                    .push_bind(turn.sequence)
                    .push_bind(turn.role.as_str())
                    .push_bind(turn.timestamp.as_deref())
                    .push_bind(turn.duration_ms)
                    .push_bind(rows::text(&turn.warnings))
                    .push_bind(&turn.content);
            });
            query.push(" ON CONFLICT (run, turn_id)").push(KNOWN_TURN);
            query.build().persistent(chunk.len() == ROWS).execute(self.connection()).await?;
        }
        Ok(())
    }

    /// Ends a batch: what was announced and not reported failed.
    pub(super) async fn close_batch(&mut self, batch: &BatchKey, bundle: &Bundle) -> Result<Counts> {
        let now = self.now;
        if batch.is_certain {
            sqlx::query("UPDATE stored_runs SET status = 'failed', error = ?2 WHERE batch = ?1 AND status = 'running'")
                .bind(batch.number)
                .bind(NOT_REPORTED)
                .execute(self.connection())
                .await?;
            sqlx::query("UPDATE stored_batches SET reported_at = coalesce(reported_at, ?2) WHERE number = ?1")
                .bind(batch.number)
                .bind(now)
                .execute(self.connection())
                .await?;
        }
        self.settle_batch(batch, bundle).await
    }

    /// Brings everything in step that follows from the runs of a batch.
    pub(super) async fn settle_batch(&mut self, batch: &BatchKey, bundle: &Bundle) -> Result<Counts> {
        self.add_inputs(batch.number, &bundle.input_set_id, i64::MIN).await?;
        self.hear(batch.number).await?;
        self.recount(batch.number).await
    }

    /// Notes that something of a batch came in.
    pub(super) async fn hear(&mut self, batch: i64) -> Result<()> {
        let now = self.now;
        sqlx::query("UPDATE stored_batches SET heard_at = max(heard_at, ?2) WHERE number = ?1")
            .bind(batch)
            .bind(now)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Says what the inputs of a batch's runs after a number were: the peers do not say it where the bundle version does.
    pub(super) async fn add_inputs(&mut self, batch: i64, input_set: &str, after: i64) -> Result<()> {
        let mut last = after;
        loop {
            let rows = sqlx::query(
                "SELECT r.number, i.document FROM stored_runs r JOIN input_items i ON i.input_set_id = ?2 AND i.id = r.input_item_id
                 WHERE r.batch = ?1 AND r.input = '' AND r.number > ?3 ORDER BY r.number LIMIT ?4",
            )
            .bind(batch)
            .bind(input_set)
            .bind(last)
            .bind(ROWS as i64)
            .fetch_all(self.connection())
            .await?;
            let mut texts: Vec<(i64, String)> = Vec::with_capacity(rows.len());
            for row in &rows {
                last = row.try_get("number")?;
                let item: Value =
                    serde_json::from_str(row.try_get("document")?).map_err(|_| rows::damaged("document", "an input"))?;
                texts.extend(input_text::text(&item).map(|text| (last, text)));
            }
            if rows.is_empty() {
                return Ok(());
            }
            sqlx::query(
                "UPDATE stored_runs SET input = said.text
                 FROM (SELECT json_extract(value, '$[0]') AS number, json_extract(value, '$[1]') AS text FROM json_each(?1)) AS said
                 WHERE stored_runs.number = said.number",
            )
            .bind(rows::text(&texts))
            .execute(self.connection())
            .await?;
        }
    }

    /// Returns how many runs a batch has.
    pub(super) async fn count_runs(&mut self, batch: i64) -> Result<u64> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM stored_runs WHERE batch = ?")
            .bind(batch)
            .fetch_one(self.connection())
            .await?;
        Ok(count.unsigned_abs())
    }

    /// Counts the runs of a batch again.
    pub(super) async fn recount(&mut self, batch: i64) -> Result<Counts> {
        let rows = sqlx::query(
            // Other verdicts say nothing, and there may be very many of them.
            "SELECT status, iif(verdict IN ('fail', 'failed', 'not_judged'), verdict, NULL) AS verdict, count(*) AS found
             FROM stored_runs WHERE batch = ? GROUP BY 1, 2",
        )
        .bind(batch)
        .fetch_all(self.connection())
        .await?;
        let mut counts = Counts::default();
        for row in &rows {
            counts.add(status(row, "a run")?, row.try_get::<i64, _>("found")?.unsigned_abs());
        }
        self.set_counts(batch, &counts).await?;
        Ok(counts)
    }

    /// Sets what is known of a batch by its runs.
    pub(super) async fn set_counts(&mut self, batch: i64, counts: &Counts) -> Result<()> {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        sqlx::query(
            "UPDATE stored_batches SET status = ?2, running = ?3, completed = ?4, failed = ?5, error = ?6, timeout = ?7,
               skipped = ?8, abandoned = ?9, passed = ?10, not_judged = ?11 WHERE number = ?1",
        )
        .bind(batch)
        .bind(counts.status().label())
        .bind(number(counts.running))
        .bind(number(counts.completed()))
        .bind(number(counts.failed))
        .bind(number(counts.error))
        .bind(number(counts.timeout))
        .bind(number(counts.skipped))
        .bind(number(counts.abandoned))
        .bind(number(counts.passed))
        .bind(number(counts.not_judged))
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
