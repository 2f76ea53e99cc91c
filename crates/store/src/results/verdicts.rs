//! What people say of answers, beside what the judges say; and what waits for people: experiments that nobody has opened, and answers that
//! nobody has judged.

use std::collections::BTreeMap;

use keepstep_results::record::criteria;
use keepstep_results::statistics::Agreement;
use keepstep_results::verdict::{Judged, Verdict};
use serde_json::{Map, Value};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::model::Status;
use super::read::{batch_number, status};
use crate::model::Scope;
use crate::sql::connection::Connection;
use crate::test_data::in_scope;
use crate::{Result, Store, StoreError, Transaction};

/// What somebody says of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HumanVerdict {
    /// Which criterion it is about; see [`criterion_key`]. Empty for all of the answer.
    pub criterion: String,
    /// Who says it.
    pub user_id: String,
    /// Their name.
    pub user_name: String,
    /// Whether the answer is as it should be.
    pub is_right: bool,
    /// Why.
    pub comment: String,
    /// When, in epoch milliseconds.
    pub said_at: i64,
}

/// Something new that somebody says, or takes back.
#[derive(Debug, Clone, Copy)]
pub struct NewVerdict<'a> {
    /// Which criterion it is about; empty for all of the answer.
    pub criterion: &'a str,
    /// Who says it.
    pub user_id: &'a str,
    /// Their name.
    pub user_name: &'a str,
    /// Whether the answer is as it should be; nothing takes back what they said.
    pub is_right: Option<bool>,
    /// Why.
    pub comment: &'a str,
}

/// An experiment that waits for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingExperiment {
    /// Its project.
    pub project_id: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many of its cases did not pass.
    pub bad: u64,
    /// How many of its answers neither a judge nor a person has judged.
    pub to_label: u64,
    /// Whether nobody has opened it.
    pub is_unseen: bool,
    /// When it came, in epoch milliseconds.
    pub created_at: i64,
}

/// How many experiments that wait are returned at most.
const MOST_WAITING: u32 = 50;

/// The experiments since a time that nobody has opened, or that have answers to label.
const WAITING: &str = concat!(
    "SELECT b.project_id, b.id, ",
    shown_name!(),
    " AS name, b.created_at, v.batch IS NULL AS is_unseen,
       b.failed + b.error + b.timeout + b.completed - b.passed - b.not_judged AS bad,
       b.not_judged - iif(b.not_judged = 0, 0, (SELECT count(*) FROM runs r WHERE r.batch = b.number AND r.status = 'completed'
         AND r.verdict = 'not_judged' AND EXISTS (SELECT 1 FROM human_verdicts h WHERE h.run = r.number))) AS to_label
     FROM run_batches b JOIN projects p ON p.id = b.project_id
       LEFT JOIN experiment_labels l ON l.batch = b.number LEFT JOIN seen_experiments v ON v.batch = b.number
     WHERE ",
    in_scope!(),
    " AND b.running = 0 AND b.created_at > ?3 AND (v.batch IS NULL OR b.not_judged > 0)
     ORDER BY b.created_at, b.number LIMIT ?4"
);

/// What people say of the answers of an experiment, with what the judges say.
const LABELED: &str = "SELECT h.criterion, h.is_right, r.status, r.verdict, m.evaluation -> '$.criteria' AS criteria
     FROM runs r JOIN human_verdicts h ON h.run = r.number LEFT JOIN run_results m ON m.run = r.number WHERE r.batch = ?";

/// Returns the key of a criterion: its pack and its name.
pub fn criterion_key(pack: &str, name: &str) -> String {
    format!("{pack}\u{1f}{name}")
}

impl Store {
    /// Returns what people say of a run, in the order in which they said it.
    ///
    /// # Errors
    /// There is no such experiment in the scope, or the database failed.
    pub async fn human_verdicts(&self, scope: &Scope, batch: &str, run: i64) -> Result<Vec<HumanVerdict>> {
        let mut reader = self.reader().await?;
        let number = batch_number(&mut reader, scope, batch).await?;
        let rows = sqlx::query(
            "SELECT h.criterion, h.user_id, h.user_name, h.is_right, h.comment, h.said_at FROM human_verdicts h
             JOIN runs r ON r.number = h.run WHERE h.run = ? AND r.batch = ? ORDER BY h.said_at, h.criterion, h.user_id",
        )
        .bind(run)
        .bind(number)
        .fetch_all(&mut *reader)
        .await?;
        let said = |row: &SqliteRow| {
            Ok(HumanVerdict {
                criterion: row.try_get("criterion")?,
                user_id: row.try_get("user_id")?,
                user_name: row.try_get("user_name")?,
                is_right: row.try_get("is_right")?,
                comment: row.try_get("comment")?,
                said_at: row.try_get("said_at")?,
            })
        };
        rows.iter().map(said).collect()
    }

    /// Returns how far the judges of an experiment agree with people: of whole answers under an empty key, and by each criterion under
    /// [its key](criterion_key). What a judge did not judge does not count.
    ///
    /// # Errors
    /// There is no such experiment in the scope, or the database failed.
    pub async fn agreement(&self, scope: &Scope, batch: &str) -> Result<BTreeMap<String, Agreement>> {
        let mut reader = self.reader().await?;
        let number = batch_number(&mut reader, scope, batch).await?;
        let rows = sqlx::query(LABELED).bind(number).fetch_all(&mut *reader).await?;
        let mut found: BTreeMap<String, Agreement> = BTreeMap::new();
        for row in &rows {
            let criterion: String = row.try_get("criterion")?;
            let is_right: bool = row.try_get("is_right")?;
            let judged = if criterion.is_empty() { of_status(status(row, "a run")?) } else { of_criterion(row, &criterion)? };
            if let Some(passed) = judged {
                found.entry(criterion).or_default().add(passed, is_right);
            }
        }
        Ok(found)
    }

    /// Returns the experiments since a time that wait for people, the oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn waiting_experiments(&self, scope: &Scope, since: i64) -> Result<Vec<WaitingExperiment>> {
        let mut reader = self.reader().await?;
        // Results are not kept by every database.
        let Ok(connection) = reader.sqlite() else { return Ok(Vec::new()) };
        let rows = sqlx::query(WAITING)
            .bind(&scope.org_id)
            .bind(scope.listed_projects())
            .bind(since)
            .bind(MOST_WAITING)
            .fetch_all(connection)
            .await?;
        let count = |row: &SqliteRow, column: &str| Ok::<_, StoreError>(row.try_get::<i64, _>(column)?.max(0).unsigned_abs());
        let waiting = |row: &SqliteRow| {
            Ok(WaitingExperiment {
                project_id: row.try_get("project_id")?,
                id: row.try_get("id")?,
                name: row.try_get("name")?,
                bad: count(row, "bad")?,
                to_label: count(row, "to_label")?,
                is_unseen: row.try_get("is_unseen")?,
                created_at: row.try_get("created_at")?,
            })
        };
        let mut waiting = rows.iter().map(waiting).collect::<Result<Vec<WaitingExperiment>>>()?;
        waiting.retain(|experiment| experiment.is_unseen || experiment.to_label > 0);
        Ok(waiting)
    }

    /// Returns true if somebody has opened an experiment.
    ///
    /// # Errors
    /// There is no such experiment in the scope, or the database failed.
    pub async fn is_seen(&self, scope: &Scope, batch: &str) -> Result<bool> {
        let mut reader = self.reader().await?;
        let number = batch_number(&mut reader, scope, batch).await?;
        let seen = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM seen_experiments WHERE batch = ?)")
            .bind(number)
            .fetch_one(&mut *reader)
            .await?;
        Ok(seen)
    }
}

impl Transaction {
    /// Notes what somebody says of a run, in the place of what they said before.
    ///
    /// # Errors
    /// There is no such experiment in the scope, it has no such run, or the database failed.
    pub async fn say_verdict(&mut self, scope: &Scope, batch: &str, run: &str, new: &NewVerdict<'_>) -> Result<()> {
        let number = batch_number(self.connection(), scope, batch).await?;
        let run_number = run_number(self.connection(), number, batch, run).await?;
        let now = self.now;
        let Some(is_right) = new.is_right else {
            sqlx::query("DELETE FROM human_verdicts WHERE run = ? AND criterion = ? AND user_id = ?")
                .bind(run_number)
                .bind(new.criterion)
                .bind(new.user_id)
                .execute(self.connection())
                .await?;
            return Ok(());
        };
        sqlx::query(
            "INSERT INTO human_verdicts (run, criterion, user_id, user_name, is_right, comment, said_at) VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (run, criterion, user_id) DO UPDATE SET user_name = excluded.user_name, is_right = excluded.is_right,
               comment = excluded.comment, said_at = excluded.said_at",
        )
        .bind(run_number)
        .bind(new.criterion)
        .bind(new.user_id)
        .bind(new.user_name)
        .bind(is_right)
        .bind(new.comment)
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes that somebody has opened an experiment.
    ///
    /// # Errors
    /// There is no such experiment in the scope, or the database failed.
    pub async fn see_experiment(&mut self, scope: &Scope, batch: &str, by: &str) -> Result<()> {
        let (number, now) = (batch_number(self.connection(), scope, batch).await?, self.now);
        sqlx::query("INSERT OR IGNORE INTO seen_experiments (batch, seen_by, seen_at) VALUES (?, ?, ?)")
            .bind(number)
            .bind(by)
            .bind(now)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

async fn run_number(connection: &mut Connection, number: i64, batch: &str, run: &str) -> Result<i64> {
    let found: Option<i64> = sqlx::query_scalar("SELECT number FROM runs WHERE batch = ? AND id = ?")
        .bind(number)
        .bind(run)
        .fetch_optional(connection)
        .await?;
    found.ok_or_else(|| StoreError::RunNotFound { batch: batch.to_owned(), run: run.to_owned() })
}

/// Returns what the judges say of a whole answer, if they say anything.
fn of_status(status: Status) -> Option<bool> {
    match status {
        Status::Passed => Some(true),
        Status::Failed | Status::NotPassed => Some(false),
        _ => None,
    }
}

fn of_criterion(row: &SqliteRow, key: &str) -> Result<Option<bool>> {
    let judged = row.try_get::<Option<&str>, _>("criteria")?.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let judged: Vec<Judged> = criteria(&Map::from_iter([("criteria".to_owned(), judged.unwrap_or_default())]));
    let judged = judged.into_iter().find(|judged| criterion_key(&judged.pack, &judged.name) == key);
    Ok(judged.and_then(|judged| match judged.verdict {
        Verdict::Passed => Some(true),
        Verdict::Failed => Some(false),
        Verdict::Error | Verdict::NotJudged | Verdict::NotApplicable => None,
    }))
}
