//! Writing runs, what came out of them and what was said, many rows in one statement.

use std::collections::{HashMap, HashSet};

use keepstep_testdata::input_text;
use serde_json::Value;
use sqlx::query_builder::{QueryBuilder, Separated};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite};

use super::find::BatchKey;
use super::model::{Counts, NOT_REPORTED, ResultsError, RunRecord, Status, Turn, check_id, shortened};
use crate::test_data::Bundle;
use crate::{Result, Transaction, rows};

/// How many rows one statement writes: many, and far fewer values than SQLite takes.
pub(super) const ROWS: usize = 250;

/// What becomes of each column of a row that is there, where a row of the same key comes.
pub(super) type Merge = &'static [(&'static str, &'static str)];

/// What becomes of a run that is there: what was known first about its input and its persona stays, because the peers leave
/// that out at the end; an announcement does not undo a report, in whatever order they come.
const MERGED_RUN: Merge = &[
    ("input_item_id", "coalesce(input_item_id, excluded.input_item_id)"),
    ("persona", "coalesce(persona, excluded.persona)"),
    ("iteration", "iif(excluded.status = 'running', iteration, excluded.iteration)"),
    ("error", "iif(excluded.status = 'running', error, excluded.error)"),
    ("verdict", "coalesce(excluded.verdict, verdict)"),
    ("duration_ms", "coalesce(excluded.duration_ms, duration_ms)"),
    ("input", "iif(excluded.input = '', input, excluded.input)"),
    ("output", "iif(excluded.output = '', output, excluded.output)"),
    ("status", "iif(excluded.status = 'running', status, excluded.status)"),
];

/// What becomes of the result of a run: what was known before stays where nothing is said.
const MERGED_RESULT: Merge = &[
    ("metrics", "iif(excluded.metrics = '{}', metrics, excluded.metrics)"),
    ("evaluation", "iif(excluded.evaluation = '{}', evaluation, excluded.evaluation)"),
    ("transcript", "iif(excluded.transcript = '[]', transcript, excluded.transcript)"),
];

/// What becomes of a turn that is there: it is the same turn, of which one way tells more than the other.
pub(super) const MERGED_TURN: Merge = &[
    ("said_at", "coalesce(said_at, excluded.said_at)"),
    ("duration_ms", "coalesce(duration_ms, excluded.duration_ms)"),
    ("warnings", "iif(warnings = '[]', excluded.warnings, warnings)"),
];

/// Which of some input items, a JSON array of their ids, are not in an input set. Each is looked for by itself: a list of the whole set would be
/// made for every few runs.
const MISSING_ITEMS: &str = "SELECT named.value FROM json_each(?1) AS named
     WHERE NOT EXISTS (SELECT 1 FROM input_items i WHERE i.input_set_id = ?2 AND i.id = named.value)";

/// How many input items a refusal names.
const MOST_NAMED: usize = 3;

/// Adds what a statement does with a row whose key, columns in parentheses, is there.
pub(super) fn on_conflict(query: &mut QueryBuilder<Sqlite>, key: &str, merge: Merge) {
    query.push(" ON CONFLICT ").push(key).push(" DO UPDATE SET ");
    let mut columns = query.separated(", ");
    for (column, merged) in merge {
        columns.push(format_args!("{column} = {merged}"));
    }
}

/// Begins a statement with rows as if they were to be written into a table; [`changed_rows`] ends it.
fn compared(columns: &str) -> QueryBuilder<Sqlite> {
    QueryBuilder::new(format!("WITH excluded ({columns}) AS ("))
}

/// Ends a statement that returns a column of those rows that would change something of a table: those that are not there as they would be
/// after [`on_conflict`].
fn changed_rows(query: &mut QueryBuilder<Sqlite>, returned: &str, table: &str, key: &[&str], merge: Merge) {
    query.push(format_args!(") SELECT {returned} FROM excluded WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE "));
    let mut conditions = query.separated(" AND ");
    for column in key {
        conditions.push(format_args!("{table}.{column} = excluded.{column}"));
    }
    // A column without a table is one of the row that is there, as it is after `ON CONFLICT`.
    for (column, merged) in merge {
        conditions.push(format_args!("{column} IS ({merged})"));
    }
    query.push(")");
}

/// Where a run is stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct RunLocation {
    pub(super) number: i64,
    pub(super) batch: i64,
}

/// The columns of a run that [`push_run`] fills.
const RUN_COLUMNS: &str = "input_item_id, persona, iteration, status, verdict, duration_ms, error, input, output";

fn push_run(values: &mut Separated<'_, Sqlite, &'static str>, run: &RunRecord, is_late: bool) {
    let (status, error) = match run.status {
        _ if is_late => (Status::Failed, Some(NOT_REPORTED)),
        status if status.is_reported() => (status, run.error.as_deref()),
        _ => (Status::Running, None),
    };
    values
        .push_bind(run.input_item_id.as_deref().filter(|id| !id.is_empty()))
        .push_bind(run.persona.as_deref().filter(|persona| !persona.is_empty()))
        .push_bind(run.iteration)
        .push_bind(status.label())
        .push_bind(run.verdict())
        .push_bind(run.metrics.get("duration_ms").and_then(Value::as_f64))
        .push_bind(error)
        .push_bind(&run.input)
        .push_bind(&run.output);
}

const RESULT_COLUMNS: &str = "run, metrics, evaluation, transcript";

/// Returns true if something is said of what came out of a run.
fn has_result(run: &RunRecord) -> bool {
    !(run.metrics.is_empty() && run.evaluation.is_empty() && run.transcript.is_empty())
}

fn push_result(mut values: Separated<'_, Sqlite, &'static str>, number: i64, run: &RunRecord) {
    values
        .push_bind(number)
        .push_bind(rows::text(&run.metrics))
        .push_bind(rows::text(&run.evaluation))
        .push_bind(rows::text(&run.transcript));
}

const TURN_COLUMNS: &str = "run, turn_id, sequence, role, said_at, duration_ms, warnings, content";

fn push_turn(mut values: Separated<'_, Sqlite, &'static str>, run: i64, turn: &Turn) {
    values
        .push_bind(run)
        .push_bind(&turn.turn_id)
        .push_bind(turn.sequence)
        .push_bind(turn.role.as_str())
        .push_bind(turn.timestamp.as_deref())
        .push_bind(turn.duration_ms)
        .push_bind(rows::text(&turn.warnings))
        .push_bind(&turn.content);
}

/// Returns the ids of runs, as a JSON array.
pub(super) fn run_ids(runs: &[RunRecord]) -> String {
    rows::text(&runs.iter().map(|run| run.id.as_str()).collect::<Vec<_>>())
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
        let missing: HashSet<String> = sqlx::query_scalar(MISSING_ITEMS)
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
            self.put_chunk(batch, &last_of_each(chunk)?, None).await?;
        }
        Ok(())
    }

    /// Stores runs of a batch likewise, and brings in step what follows from them alone: their inputs, and the counts of the batch. Its other
    /// runs are not looked at, however many there are.
    pub(super) async fn put_few_runs(
        &mut self,
        batch: &BatchKey,
        bundle: &Bundle,
        runs: &[RunRecord],
        counts: &mut Counts,
    ) -> Result<()> {
        for chunk in runs.chunks(ROWS) {
            let numbers = self.put_chunk(batch, &last_of_each(chunk)?, Some(counts)).await?;
            self.add_inputs_of(&numbers, &bundle.input_set_id).await?;
        }
        Ok(())
    }

    /// Stores runs, and returns the numbers of those that are in this batch, if its counts are to be kept in step.
    pub(super) async fn put_chunk(
        &mut self,
        batch: &BatchKey,
        runs: &[&RunRecord],
        mut counts: Option<&mut Counts>,
    ) -> Result<Vec<i64>> {
        let ids = rows::text(&runs.iter().map(|run| run.id.as_str()).collect::<Vec<_>>());
        let (mut known, hidden) = self.all_places(&batch.project_id, &ids).await?;
        if !hidden.is_empty() {
            self.displace(hidden.values()).await?;
        }
        let own = |known: &HashMap<String, RunLocation>| -> Vec<i64> {
            known.values().filter(|place| place.batch == batch.number).map(|place| place.number).collect()
        };
        let before = own(&known);
        if let Some(counts) = &mut counts {
            for (status, count) in self.statuses(&before).await? {
                counts.remove(status, count);
            }
        }
        if batch.takes_over {
            self.take_over(batch, runs, &ids, &mut known).await?;
        }
        let mut numbers = own(&known);
        let last = self.put_numbered(batch, runs, &known).await?;
        if last.is_some() {
            self.attach_early_turns(batch, &ids).await?;
        }
        if let Some(counts) = counts {
            counts.remove(Status::Running, (numbers.len() - before.len()) as u64);
            if let Some(last) = last {
                numbers.extend(self.numbers_after(batch.number, last).await?);
            }
            for (status, count) in self.statuses(&numbers).await? {
                counts.add(status, count);
            }
        }
        let elsewhere: HashSet<i64> = known.values().map(|place| place.batch).filter(|number| *number != batch.number).collect();
        for number in elsewhere {
            self.recount(number).await?;
        }
        Ok(numbers)
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
        let mut query =
            QueryBuilder::<Sqlite>::new(format!("INSERT INTO stored_runs (number, batch, project_id, id, {RUN_COLUMNS}) "));
        query.push_values(runs, |mut values, (number, is_new, run)| {
            // What is announced after the end was said to be there does not run any more.
            let is_late = *is_new && batch.is_reported && !run.status.is_reported();
            values.push_bind(*number).push_bind(batch.number).push_bind(&batch.project_id).push_bind(&run.id);
            push_run(&mut values, run, is_late);
        });
        on_conflict(&mut query, "(number)", MERGED_RUN);
        // Only full chunks have a statement that comes again.
        query.build().persistent(runs.len() == ROWS).execute(self.connection()).await?;
        Ok(())
    }

    async fn put_results(&mut self, runs: &[(i64, bool, &RunRecord)]) -> Result<()> {
        let results: Vec<_> = runs.iter().filter(|(_, _, run)| has_result(run)).map(|(number, _, run)| (*number, *run)).collect();
        if results.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::<Sqlite>::new(format!("INSERT INTO run_results ({RESULT_COLUMNS}) "));
        query.push_values(&results, |values, (number, run)| push_result(values, *number, run));
        on_conflict(&mut query, "(run)", MERGED_RESULT);
        query.build().persistent(results.len() == ROWS).execute(self.connection()).await?;
        Ok(())
    }

    /// Stores turns of runs, which are named by their numbers.
    pub(super) async fn put_turns(&mut self, turns: &[(i64, &Turn)]) -> Result<()> {
        for chunk in turns.chunks(ROWS) {
            for (_, turn) in chunk {
                check_id("a turn", &turn.turn_id)?;
            }
            let mut query = QueryBuilder::<Sqlite>::new(format!("INSERT INTO turns ({TURN_COLUMNS}) "));
            query.push_values(chunk, |values, (run, turn)| push_turn(values, *run, turn));
            on_conflict(&mut query, "(run, turn_id)", MERGED_TURN);
            query.build().persistent(chunk.len() == ROWS).execute(self.connection()).await?;
        }
        Ok(())
    }

    /// Returns the numbers of those of the runs that storing them would change; the others are there as they are said to be.
    pub(super) async fn changed_runs(&mut self, runs: &[(i64, &RunRecord)]) -> Result<HashSet<i64>> {
        if runs.is_empty() {
            return Ok(HashSet::new());
        }
        let mut query = compared(&format!("number, {RUN_COLUMNS}"));
        query.push_values(runs, |mut values, (number, run)| {
            values.push_bind(*number);
            push_run(&mut values, run, false);
        });
        changed_rows(&mut query, "number", "stored_runs", &["number"], MERGED_RUN);
        let mut changed: HashSet<i64> = query.build_query_scalar().fetch_all(self.connection()).await?.into_iter().collect();

        let results: Vec<_> = runs.iter().filter(|(_, run)| has_result(run)).collect();
        if !results.is_empty() {
            let mut query = compared(RESULT_COLUMNS);
            query.push_values(results, |values, (number, run)| push_result(values, *number, run));
            changed_rows(&mut query, "run", "run_results", &["run"], MERGED_RESULT);
            changed.extend(query.build_query_scalar::<i64>().fetch_all(self.connection()).await?);
        }
        let turns: Vec<(i64, &Turn)> =
            runs.iter().flat_map(|(number, run)| run.turns.iter().map(|turn| (*number, turn))).collect();
        for chunk in turns.chunks(ROWS) {
            let mut query = compared(TURN_COLUMNS);
            query.push_values(chunk, |values, (run, turn)| push_turn(values, *run, turn));
            changed_rows(&mut query, "run", "turns", &["run", "turn_id"], MERGED_TURN);
            changed.extend(query.build_query_scalar::<i64>().fetch_all(self.connection()).await?);
        }
        Ok(changed)
    }

    /// Ends a batch: what was announced and not reported failed.
    pub(super) async fn close_batch(&mut self, batch: &BatchKey, bundle: &Bundle) -> Result<Counts> {
        self.end_announced(batch).await?;
        self.settle_batch(batch, bundle).await
    }

    /// Ends a batch likewise, of which everything else is in step.
    pub(super) async fn close_counted(&mut self, batch: &BatchKey, counts: &mut Counts) -> Result<()> {
        let ended = self.end_announced(batch).await?;
        counts.remove(Status::Running, ended);
        counts.add(Status::Failed, ended);
        self.hear(batch.number).await?;
        self.set_counts(batch.number, counts).await
    }

    /// Ends what was announced and not reported, where it is certain that nothing else is meant. Returns how many runs that were.
    async fn end_announced(&mut self, batch: &BatchKey) -> Result<u64> {
        if !batch.is_certain {
            return Ok(0);
        }
        let now = self.now;
        let ended = sqlx::query("UPDATE stored_runs SET status = 'failed', error = ?2 WHERE batch = ?1 AND status = 'running'")
            .bind(batch.number)
            .bind(NOT_REPORTED)
            .execute(self.connection())
            .await?;
        sqlx::query("UPDATE stored_batches SET reported_at = coalesce(reported_at, ?2) WHERE number = ?1")
            .bind(batch.number)
            .bind(now)
            .execute(self.connection())
            .await?;
        Ok(ended.rows_affected())
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
            let Some(row) = rows.last() else { return Ok(()) };
            last = row.try_get("number")?;
            self.set_inputs(&rows).await?;
        }
    }

    /// Says it for some runs, which are named by their numbers.
    pub(super) async fn add_inputs_of(&mut self, runs: &[i64], input_set: &str) -> Result<()> {
        let rows = sqlx::query(
            "SELECT r.number, i.document FROM stored_runs r JOIN input_items i ON i.input_set_id = ?2 AND i.id = r.input_item_id
             WHERE r.number IN (SELECT value FROM json_each(?1)) AND r.input = ''",
        )
        .bind(rows::text(runs))
        .bind(input_set)
        .fetch_all(self.connection())
        .await?;
        self.set_inputs(&rows).await
    }

    async fn set_inputs(&mut self, rows: &[SqliteRow]) -> Result<()> {
        let mut texts: Vec<(i64, String)> = Vec::with_capacity(rows.len());
        for row in rows {
            let item: Value =
                serde_json::from_str(row.try_get("document")?).map_err(|_| rows::damaged("document", "an input"))?;
            let number = row.try_get("number")?;
            texts.extend(input_text::text(&item).map(|text| (number, text)));
        }
        if texts.is_empty() {
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
        Ok(())
    }

    /// Returns the numbers of a batch's runs after a number.
    async fn numbers_after(&mut self, batch: i64, after: i64) -> Result<Vec<i64>> {
        let numbers = sqlx::query_scalar("SELECT number FROM stored_runs WHERE batch = ? AND number > ?")
            .bind(batch)
            .bind(after)
            .fetch_all(self.connection())
            .await?;
        Ok(numbers)
    }

    /// Returns how many runs a batch has.
    pub(super) async fn count_runs(&mut self, batch: i64) -> Result<u64> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM stored_runs WHERE batch = ?")
            .bind(batch)
            .fetch_one(self.connection())
            .await?;
        Ok(count.unsigned_abs())
    }

    /// Sets what is known of a batch by its runs. Where nothing goes on, `heard_at` grows: it tells what is counted now from what was
    /// there a moment ago, also within one millisecond.
    pub(super) async fn set_counts(&mut self, batch: i64, counts: &Counts) -> Result<()> {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        sqlx::query(
            "UPDATE stored_batches SET status = ?2, running = ?3, completed = ?4, failed = ?5, error = ?6, timeout = ?7,
               skipped = ?8, abandoned = ?9, passed = ?10, not_judged = ?11, is_counted = 0,
               heard_at = heard_at + iif(?3 = 0, 1, 0) WHERE number = ?1",
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

#[cfg(test)]
mod tests {
    use sqlx::AssertSqlSafe;

    use super::*;
    use crate::Store;

    /// An upload of 100,000 runs took three times as long when each of its chunks listed all items of the version.
    #[tokio::test]
    async fn an_input_item_is_looked_for_by_its_id() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("k.db")).await.unwrap();
        let query = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {MISSING_ITEMS}")));
        let plan = query.fetch_all(&mut *store.reader().await.unwrap()).await.unwrap();
        let steps: Vec<&str> = plan.iter().map(|step| step.try_get("detail").unwrap()).collect();
        assert!(steps.iter().any(|step| step.ends_with("(input_set_id=? AND id=?)")), "{steps:#?}");
    }
}
