//! The cases of an experiment as they are compared: each is read once, and of its texts only digests stay.

use std::collections::HashMap;

use futures_util::stream::TryStreamExt as _;
use keepstep_results::compare::CaseKey;
use keepstep_results::compare::figures::{Collector, Figures, Keys};
use keepstep_results::record::RunRecord;
use serde_json::Map;
use sqlx::Row as _;

use super::read::{batch_number, status};
use crate::model::Scope;
use crate::{Result, Store, rows};

/// The cases of an experiment, without their texts.
#[derive(Debug, Clone, Default)]
pub struct ComparedCases {
    /// How they ended.
    pub figures: Figures,
    /// The id of the run of each case.
    pub runs: HashMap<CaseKey, String>,
}

/// The texts of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunTexts {
    /// What was asked.
    pub input: String,
    /// What was answered.
    pub output: String,
    /// What went wrong.
    pub error: Option<String>,
}

/// The cases of an experiment.
const CASES: &str = "SELECT r.id, r.input_item_id, r.persona, r.iteration, r.status, r.verdict, r.input, r.output, r.duration_ms,
       m.metrics
     FROM runs r LEFT JOIN run_results m ON m.run = r.number WHERE r.batch = ? ORDER BY r.number";

impl Store {
    /// Returns the cases of an experiment as they are compared.
    ///
    /// # Errors
    /// There is no such experiment in the scope, or the database failed.
    pub async fn compared_cases(&self, scope: &Scope, batch: &str) -> Result<ComparedCases> {
        let mut reader = self.reader().await?;
        let number = batch_number(&mut reader, scope, batch).await?;
        let (mut collector, mut keys, mut runs) = (Collector::default(), Keys::default(), HashMap::new());
        let mut found = sqlx::query(CASES).bind(number).fetch(&mut *reader);
        let mut index = 0;
        while let Some(row) = found.try_next().await? {
            let id: String = row.try_get("id")?;
            let status = status(&row, &id)?;
            let metrics = row.try_get::<Option<&str>, _>("metrics")?.map(serde_json::from_str).transpose();
            let mut metrics: Map<_, _> = metrics.map_err(|_| rows::damaged("metrics", &id))?.unwrap_or_default();
            if let Some(duration) = row.try_get::<Option<f64>, _>("duration_ms")? {
                metrics.insert("duration_ms".to_owned(), duration.into());
            }
            let case = RunRecord {
                input_item_id: row.try_get("input_item_id")?,
                persona: row.try_get("persona")?,
                iteration: row.try_get("iteration")?,
                input: row.try_get("input")?,
                output: row.try_get("output")?,
                metrics,
                ..RunRecord::new(id.clone(), status)
            };
            let case = case.into_case(index);
            index += 1;
            // One that is not over is not compared, which is another thing than one that failed.
            if !status.is_reported() {
                continue;
            }
            collector.add(&case);
            runs.insert(keys.of(&case), id);
        }
        Ok(ComparedCases { figures: collector.finish(), runs })
    }

    /// Returns the texts of some runs of an experiment, by their ids.
    ///
    /// # Errors
    /// There is no such experiment in the scope, or the database failed.
    pub async fn run_texts(&self, scope: &Scope, batch: &str, ids: &[&str]) -> Result<HashMap<String, RunTexts>> {
        let mut reader = self.reader().await?;
        let number = batch_number(&mut reader, scope, batch).await?;
        let found = sqlx::query(
            "SELECT id, input, output, error FROM runs WHERE project_id = (SELECT project_id FROM run_batches WHERE number = ?1)
               AND id IN (SELECT value FROM json_each(?2)) AND batch = ?1",
        )
        .bind(number)
        .bind(rows::text(ids))
        .fetch_all(&mut *reader)
        .await?;
        let texts = found.iter().map(|row| {
            let texts = RunTexts { input: row.try_get("input")?, output: row.try_get("output")?, error: row.try_get("error")? };
            Ok((row.try_get("id")?, texts))
        });
        texts.collect()
    }
}
