//! How the inputs of many experiments ended, and the cases to look at.

use std::collections::HashMap;

use keepstep_results::compare::history::Outcomes;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::model::Scope;
use crate::organizations::require_project;
use crate::{Result, Store, rows};

/// A case to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCase {
    /// The id of its run.
    pub run_id: String,
    /// The experiment that it is in.
    pub batch_id: String,
    /// What was asked.
    pub input: String,
}

/// The outcomes of experiments that are counted.
const OUTCOMES: &str = "SELECT b.id, k.outcomes FROM run_batches b JOIN kept_cases k ON k.batch = b.number
     WHERE b.project_id = ?1 AND b.id IN (SELECT value FROM json_each(?2)) AND b.is_counted = 1 AND b.running = 0 AND k.outcomes NOT NULL";

/// Cases by their numbers.
const CASES: &str = "SELECT r.number, r.id, r.input, b.id AS batch FROM runs r JOIN run_batches b ON b.number = r.batch
     WHERE r.number IN (SELECT value FROM json_each(?2)) AND b.project_id = ?1";

impl Store {
    /// Returns how the inputs of some experiments of a project ended, by their ids: of those that are counted and not too large to keep.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn outcomes(&self, scope: &Scope, project: &str, experiments: &[&str]) -> Result<HashMap<String, Outcomes>> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        let found = sqlx::query(OUTCOMES).bind(project).bind(rows::text(experiments)).fetch_all(&mut *reader).await?;
        let mut outcomes = HashMap::with_capacity(found.len());
        for row in &found {
            // What another version kept is not known, until it is counted again.
            if let Some(known) = Outcomes::of_bytes(row.try_get("outcomes")?) {
                outcomes.insert(row.try_get("id")?, known);
            }
        }
        Ok(outcomes)
    }

    /// Returns cases of a project by the numbers that outcomes have. One that is not there any more is left out.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn shown_cases(&self, scope: &Scope, project: &str, numbers: &[i64]) -> Result<HashMap<i64, ShownCase>> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        let found = sqlx::query(CASES).bind(project).bind(rows::text(numbers)).fetch_all(&mut *reader).await?;
        let case = |row: &SqliteRow| {
            let case = ShownCase { run_id: row.try_get("id")?, batch_id: row.try_get("batch")?, input: row.try_get("input")? };
            Ok((row.try_get("number")?, case))
        };
        found.iter().map(case).collect()
    }
}
