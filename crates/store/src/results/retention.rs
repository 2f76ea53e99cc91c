//! Which experiments are too old to be kept, and how much room all of them take.
//!
//! An experiment goes by its age, but for those that are still of use: what is pinned, the newest of each scenario and branch, and what goes on.
//! What was restored, by somebody or by an upload of the same, is as new as that.

use sqlx::Row as _;

use crate::model::Scope;
use crate::organizations::require_project;
use crate::{Result, Store, Transaction, rows};

/// The experiments of the project `?1` that are from before `?2` and are not kept for another reason.
macro_rules! too_old {
    () => {
        "run_batches b LEFT JOIN experiment_labels l ON l.batch = b.number
         WHERE b.project_id = ?1 AND b.created_at < ?2 AND coalesce(b.restored_at, b.created_at) < ?2 AND b.running = 0
           AND l.pinned_at IS NULL
           AND b.number NOT IN (SELECT max(n.number) FROM run_batches n JOIN bundles u ON u.id = n.bundle_id
                                WHERE n.project_id = ?1 GROUP BY u.scenario_id, n.branch)"
    };
}

/// Some experiments, in short.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExperimentsSize {
    /// How many there are.
    pub experiments: u64,
    /// How many cases they have.
    pub cases: u64,
    /// How large their files are, as far as they are counted. A content that several of them have counts for each.
    pub bytes: u64,
    /// Of how many the files are not counted yet.
    pub uncounted: u64,
    /// When the oldest came, in epoch milliseconds.
    pub oldest: Option<i64>,
    /// When the newest came.
    pub newest: Option<i64>,
}

/// The experiments that came in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthSize {
    /// The month, such as `2026-02`, in UTC.
    pub month: String,
    /// What came in it.
    pub size: ExperimentsSize,
}

/// What is summed up, of rows `b` of experiments.
macro_rules! size {
    () => {
        "count(*) AS experiments, coalesce(sum(b.cases), 0) AS cases, coalesce(sum(b.file_bytes), 0) AS bytes,
         count(*) - count(b.file_bytes) AS uncounted, min(b.created_at) AS oldest, max(b.created_at) AS newest"
    };
}

fn size(row: &sqlx::sqlite::SqliteRow) -> Result<ExperimentsSize> {
    let number = |name: &str| row.try_get::<i64, _>(name).map(i64::unsigned_abs);
    Ok(ExperimentsSize {
        experiments: number("experiments")?,
        cases: number("cases")?,
        bytes: number("bytes")?,
        uncounted: number("uncounted")?,
        oldest: row.try_get("oldest")?,
        newest: row.try_get("newest")?,
    })
}

impl Store {
    /// Returns what goes of a project where its experiments from before a time, in epoch milliseconds, are too old.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn size_of_old_experiments(&self, scope: &Scope, project: &str, before: i64) -> Result<ExperimentsSize> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        let row = sqlx::query(concat!("SELECT ", size!(), " FROM ", too_old!()))
            .bind(project)
            .bind(before)
            .fetch_one(&mut *reader)
            .await?;
        size(&row)
    }

    /// Returns how much the experiments of a project are. One index has all of it.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn size_of_experiments(&self, scope: &Scope, project: &str) -> Result<ExperimentsSize> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        let row = sqlx::query(concat!("SELECT ", size!(), " FROM run_batches b WHERE b.project_id = ?"))
            .bind(project)
            .fetch_one(&mut *reader)
            .await?;
        size(&row)
    }

    /// Returns what came of experiments in each of the last months, the newest first, over some projects.
    ///
    /// # Errors
    /// The database failed.
    pub async fn experiments_by_month(&self, projects: &[String], months: u32) -> Result<Vec<MonthSize>> {
        let rows = sqlx::query(concat!(
            "SELECT strftime('%Y-%m', b.created_at / 1000, 'unixepoch') AS month, ",
            size!(),
            " FROM run_batches b WHERE b.project_id IN (SELECT value FROM json_each(?1)) GROUP BY 1 ORDER BY 1 DESC LIMIT ?2"
        ))
        .bind(rows::text(projects))
        .bind(months)
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.iter().map(|row| Ok(MonthSize { month: row.try_get("month")?, size: size(row)? })).collect()
    }

    /// Counts how large the files of some experiments are that nobody has counted yet. Returns false where none is left.
    ///
    /// # Errors
    /// The database failed.
    pub async fn count_file_bytes(&self, most: u32) -> Result<bool> {
        let numbers: Vec<i64> =
            sqlx::query_scalar("SELECT number FROM run_batches WHERE file_bytes IS NULL AND running = 0 LIMIT ?")
                .bind(most)
                .fetch_all(&mut *self.reader().await?)
                .await?;
        if numbers.is_empty() {
            return Ok(false);
        }
        // In one transaction: a file that comes meanwhile is not forgotten.
        let mut transaction = self.write().await?;
        sqlx::query(
            "UPDATE stored_batches SET file_bytes =
               (SELECT coalesce(sum(size), 0) FROM blobs
                WHERE id IN (SELECT blob_id FROM stored_artifacts a WHERE a.batch = stored_batches.number))
             WHERE number IN (SELECT value FROM json_each(?))",
        )
        .bind(rows::text(&numbers))
        .execute(transaction.connection())
        .await?;
        transaction.commit_hidden().await?;
        Ok(true)
    }
}

impl Transaction {
    /// Returns the ids of some experiments that are too old, the oldest first. They are looked for where they are deleted: one that somebody
    /// pinned a moment ago is none of them.
    ///
    /// # Errors
    /// The database failed.
    pub async fn old_experiments(&mut self, project: &str, before: i64, limit: u32) -> Result<Vec<String>> {
        let found = sqlx::query_scalar(concat!("SELECT b.id FROM ", too_old!(), " ORDER BY b.number LIMIT ?3"))
            .bind(project)
            .bind(before)
            .bind(limit)
            .fetch_all(self.connection())
            .await?;
        Ok(found)
    }

    /// Notes that a file of a batch has come, so that their size is to be counted again.
    pub(super) async fn forget_file_bytes(&mut self, batch: i64) -> Result<()> {
        sqlx::query("UPDATE stored_batches SET file_bytes = NULL WHERE number = ? AND file_bytes NOT NULL")
            .bind(batch)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Notes that batches were restored, by somebody or because they were uploaded again: from now on their age counts anew, or they would be
    /// deleted again at once.
    pub(super) async fn note_restored(&mut self, batches: &[i64]) -> Result<()> {
        if batches.is_empty() {
            return Ok(());
        }
        let now = self.now;
        sqlx::query("UPDATE stored_batches SET restored_at = ?2 WHERE number IN (SELECT value FROM json_each(?1))")
            .bind(rows::text(batches))
            .bind(now)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
