//! Figures of experiments that have ended: counted once, kept beside them, and counted again when something comes.

use std::collections::HashMap;

use futures_util::stream::TryStreamExt as _;
use keepstep_results::compare::CaseKey;
use keepstep_results::compare::history::Outcomes;
use keepstep_results::record::criteria;
use keepstep_results::statistics::quantile;
use keepstep_results::tally::{CriterionTally, Tally};
use keepstep_results::usage::Usage;
use keepstep_results::verdict::Verdict;
use serde_json::{Map, Value};
use sqlx::Row as _;
use sqlx::query_builder::QueryBuilder;
use sqlx::sqlite::SqliteRow;

use super::compared::CaseReader;
use super::model::{Status, miss};
use super::read::{batch_number, status};
use super::write::ROWS;
use crate::model::Scope;
use crate::{Result, Store, Transaction};

/// An experiment that has ended and is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uncounted {
    number: i64,
    /// How many cases it has.
    pub cases: u64,
}

impl Uncounted {
    pub(super) fn number(self) -> i64 {
        self.number
    }
}

/// What the cases of an experiment say together.
#[derive(Debug, Clone, PartialEq)]
pub struct CountedCases {
    number: i64,
    heard_at: i64,
    figures: ExperimentFigures,
    criteria: Vec<CriterionTally>,
    /// The position of a criterion, what it says, and the run.
    misses: Vec<(usize, Verdict, i64)>,
    /// The cases as they are compared; nothing where there are too many to keep.
    kept: Option<Kept>,
}

/// The cases of an experiment as they are compared, packed, and how each input ended.
#[derive(Debug, Clone, PartialEq)]
struct Kept {
    cases: Vec<u8>,
    outcomes: Vec<u8>,
}

/// Reads cases as they are compared, with the number of each.
#[derive(Default)]
struct Keeper {
    cases: CaseReader,
    numbers: HashMap<CaseKey, i64>,
}

/// How many cases are kept as they are compared. To count a larger experiment must not take the memory of all its cases.
pub const MOST_KEPT: u64 = 20_000;

/// Figures of all cases of an experiment, where they are known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ExperimentFigures {
    /// Half of the cases took at most this long, in milliseconds.
    pub median_ms: Option<f64>,
    /// 95 of 100 cases took at most this long.
    pub p95_ms: Option<f64>,
    /// The tokens of all cases that count them.
    pub tokens: Option<f64>,
    /// What all cases cost that say it, in US dollars.
    pub cost_usd: Option<f64>,
}

/// The experiments of a project that have ended and are not counted.
const UNCOUNTED: &str = "SELECT number, cases FROM run_batches WHERE project_id = ? AND is_counted = 0 AND running = 0 LIMIT ?";

/// What is counted of the cases of an experiment. Their texts are read only where they are compared.
const CASES: &str = "SELECT r.number, r.id, r.input_item_id, r.persona, r.iteration, r.status, r.verdict,
       iif(?2, r.input, NULL) AS input, iif(?2, r.output, NULL) AS output, r.duration_ms, m.metrics, m.evaluation -> '$.criteria' AS criteria
     FROM runs r LEFT JOIN run_results m ON m.run = r.number WHERE r.batch = ?1 ORDER BY r.number";

impl Keeper {
    fn add(&mut self, row: &SqliteRow) -> Result<()> {
        if let Some(key) = self.cases.add(row)? {
            self.numbers.insert(key, row.try_get("number")?);
        }
        Ok(())
    }

    fn finish(self) -> Option<Kept> {
        let Self { cases, numbers } = self;
        let cases = cases.finish();
        let outcomes = Outcomes::of(&cases.figures.inputs, |input, iteration| numbers.get(&(input, iteration)).copied());
        Some(Kept { cases: cases.to_kept()?, outcomes: outcomes.to_bytes() })
    }
}

impl ExperimentFigures {
    pub(super) fn read(row: &SqliteRow) -> Result<Self> {
        Ok(Self {
            median_ms: row.try_get("median_ms")?,
            p95_ms: row.try_get("p95_ms")?,
            tokens: row.try_get("tokens")?,
            cost_usd: row.try_get("cost_usd")?,
        })
    }
}

impl Store {
    /// Returns experiments of a project that have ended and are not counted.
    ///
    /// # Errors
    /// The database failed.
    pub async fn uncounted_experiments(&self, project: &str, limit: u32) -> Result<Vec<Uncounted>> {
        let rows = sqlx::query(UNCOUNTED).bind(project).bind(limit).fetch_all(&mut *self.reader().await?).await?;
        let uncounted = |row: &SqliteRow| {
            Ok(Uncounted { number: row.try_get("number")?, cases: row.try_get::<i64, _>("cases")?.unsigned_abs() })
        };
        rows.iter().map(uncounted).collect()
    }

    /// Counts the cases of an experiment. Others write meanwhile.
    ///
    /// # Errors
    /// The database failed.
    pub async fn count_cases(&self, uncounted: Uncounted) -> Result<CountedCases> {
        let number = uncounted.number;
        let mut reader = self.reader().await?;
        let heard_at = sqlx::query_scalar("SELECT heard_at FROM run_batches WHERE number = ?")
            .bind(number)
            .fetch_optional(&mut *reader)
            .await?
            .unwrap_or(i64::MIN);
        let mut counted = CountedCases {
            number,
            heard_at,
            figures: ExperimentFigures::default(),
            criteria: Vec::new(),
            misses: Vec::new(),
            kept: None,
        };
        let (mut tally, mut durations) = (Tally::default(), Vec::new());
        let mut compared = (uncounted.cases <= MOST_KEPT).then(Keeper::default);
        let mut cases = sqlx::query(CASES).bind(number).bind(compared.is_some()).fetch(&mut *reader);
        while let Some(row) = cases.try_next().await? {
            let status = status(&row, "a run")?;
            // One that cannot be read is told when they are compared.
            compared = compared.and_then(|mut cases| cases.add(&row).ok().map(|()| cases));
            if !matches!(status, Status::Skipped | Status::Error | Status::Running | Status::Abandoned) {
                durations.extend(row.try_get::<Option<f64>, _>("duration_ms")?);
            }
            let metrics = row.try_get::<Option<&str>, _>("metrics")?.unwrap_or("{}");
            let usage = Usage::of(&serde_json::from_str::<Value>(metrics).unwrap_or_default());
            for (sum, number) in [(&mut counted.figures.tokens, usage.total), (&mut counted.figures.cost_usd, usage.cost)] {
                if let Some(number) = number {
                    *sum.get_or_insert(0.0) += number;
                }
            }
            let (Some(judged), false) = (row.try_get::<Option<&str>, _>("criteria")?, status == Status::Skipped) else {
                continue;
            };
            let judged = serde_json::from_str(judged).unwrap_or_default();
            let run = row.try_get("number")?;
            for judged in criteria(&Map::from_iter([("criteria".to_owned(), judged)])) {
                let position = tally.judge(&judged);
                if !matches!(judged.verdict, Verdict::Passed | Verdict::NotApplicable) {
                    counted.misses.push((position, judged.verdict, run));
                }
            }
        }
        durations.sort_by(f64::total_cmp);
        counted.figures.median_ms = quantile(&durations, 0.5);
        counted.figures.p95_ms = quantile(&durations, 0.95);
        counted.criteria = tally.into_criteria();
        counted.kept = compared.and_then(Keeper::finish);
        Ok(counted)
    }

    /// Returns how often each criterion of an experiment ended in which way, in the order of the files.
    ///
    /// # Errors
    /// There is no such experiment in the scope, or the database failed.
    pub async fn criteria_of(&self, scope: &Scope, batch: &str) -> Result<Vec<CriterionTally>> {
        let mut reader = self.reader().await?;
        let number = batch_number(&mut reader, scope, batch).await?;
        let rows = sqlx::query(
            "SELECT pack, name, kind, passed, failed, error, not_judged, not_applicable, reason FROM batch_criteria
             WHERE batch = ? ORDER BY position",
        )
        .bind(number)
        .fetch_all(&mut *reader)
        .await?;
        rows.iter().map(criterion).collect()
    }
}

impl Transaction {
    /// Keeps what was counted, unless something came meanwhile. Returns whether it did.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keep_counted(&mut self, counted: &CountedCases) -> Result<bool> {
        let CountedCases { number, heard_at, figures, criteria, misses, kept: cases } = counted;
        let kept = sqlx::query(
            "UPDATE stored_batches SET is_counted = 1, median_ms = ?3, p95_ms = ?4, tokens = ?5, cost_usd = ?6
             WHERE number = ?1 AND heard_at = ?2 AND running = 0 AND is_counted = 0",
        )
        .bind(number)
        .bind(heard_at)
        .bind(figures.median_ms)
        .bind(figures.p95_ms)
        .bind(figures.tokens)
        .bind(figures.cost_usd)
        .execute(self.connection())
        .await?;
        if kept.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query("DELETE FROM batch_criteria WHERE batch = ?").bind(number).execute(self.connection()).await?;
        sqlx::query("DELETE FROM kept_cases WHERE batch = ?").bind(number).execute(self.connection()).await?;
        if let Some(cases) = cases {
            sqlx::query("INSERT INTO kept_cases (batch, cases, outcomes) VALUES (?, ?, ?)")
                .bind(number)
                .bind(&cases.cases)
                .bind(&cases.outcomes)
                .execute(self.connection())
                .await?;
        }
        let mut numbers = Vec::with_capacity(criteria.len());
        for (position, tally) in criteria.iter().enumerate() {
            let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            let criterion: i64 = sqlx::query_scalar(
                "INSERT INTO batch_criteria (batch, position, pack, name, kind, passed, failed, error, not_judged, not_applicable, reason)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number",
            )
            .bind(number)
            .bind(i64::try_from(position).unwrap_or(i64::MAX))
            .bind(&tally.pack)
            .bind(&tally.name)
            .bind(&tally.kind)
            .bind(count(tally.passed))
            .bind(count(tally.failed))
            .bind(count(tally.error))
            .bind(count(tally.not_judged))
            .bind(count(tally.not_applicable))
            .bind(&tally.reason)
            .fetch_one(self.connection())
            .await?;
            numbers.push(criterion);
        }
        for chunk in misses.chunks(ROWS) {
            let mut query = QueryBuilder::new("INSERT OR IGNORE INTO criterion_misses (criterion, verdict, run) ");
            query.push_values(chunk, |mut values, (position, verdict, run)| {
                values.push_bind(numbers.get(*position).copied()).push_bind(miss(*verdict)).push_bind(*run);
            });
            query.build().execute(self.connection()).await?;
        }
        Ok(true)
    }
}

fn criterion(row: &SqliteRow) -> Result<CriterionTally> {
    let count = |column: &str| Ok::<_, crate::StoreError>(row.try_get::<i64, _>(column)?.unsigned_abs());
    Ok(CriterionTally {
        pack: row.try_get("pack")?,
        name: row.try_get("name")?,
        kind: row.try_get("kind")?,
        passed: count("passed")?,
        failed: count("failed")?,
        error: count("error")?,
        not_judged: count("not_judged")?,
        not_applicable: count("not_applicable")?,
        reason: row.try_get("reason")?,
    })
}
