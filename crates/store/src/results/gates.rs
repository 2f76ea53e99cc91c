//! What came of the gate of a scenario in its experiments. The gate is copied when an experiment ends, and what it says is kept beside the
//! figures that are counted then, so that a later change of the gate changes no old answer.

use keepstep_results::gate::{Gate, GateState};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::counted::Uncounted;
use super::read::batch_number;
use crate::model::Scope;
use crate::test_data::in_scope;
use crate::{Result, Store, Transaction, rows};

/// How many failed gates are returned at most.
const MOST_FAILED: u32 = 50;

/// What came of a gate in an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExperimentGate {
    /// The gate, as it was when the experiment ended.
    pub gate: Gate,
    /// What it says; `None` until that is checked.
    pub state: Option<GateState>,
    /// Why, in words.
    pub reason: String,
    /// The id of the experiment that it was compared with.
    pub baseline: Option<String>,
    /// The id of the run that failed first.
    pub first_run: Option<String>,
    /// The name of who has marked the failure as seen.
    pub seen_by: Option<String>,
}

/// A gate that is to be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateToCheck {
    /// The organization.
    pub org_id: String,
    /// The project.
    pub project_id: String,
    /// The experiment.
    pub batch_id: String,
    /// The gate.
    pub gate: Gate,
    /// What it said before.
    pub before: Option<GateState>,
}

/// What a gate says of an experiment, to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckedGate<'a> {
    /// What it says.
    pub state: GateState,
    /// Why, in words.
    pub reason: &'a str,
    /// The id of the experiment that it was compared with.
    pub baseline: Option<&'a str>,
    /// The id of the run that failed first.
    pub first_run: Option<&'a str>,
}

/// An experiment whose gate failed, and of whose scenario and branch none passed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedGate {
    /// Its project.
    pub project_id: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The name of its scenario.
    pub scenario_name: String,
    /// Its branch, where a client says it.
    pub branch: Option<String>,
    /// Why it failed, in words.
    pub reason: String,
    /// The id of the run that failed first.
    pub first_run: Option<String>,
    /// When it came, in epoch milliseconds.
    pub created_at: i64,
}

/// The newest answer of each scenario and branch since a time, where it is a failure that no one has marked as seen.
const FAILED: &str = concat!(
    "SELECT project_id, id, name, scenario_name, branch, reason, first_run, created_at FROM (
       SELECT b.number, b.project_id, b.id, ",
    shown_name!(),
    " AS name, s.name AS scenario_name, b.branch, g.reason, g.first_run, b.created_at, g.state, g.seen_at,
         row_number() OVER (PARTITION BY u.scenario_id, b.branch ORDER BY b.number DESC) AS place
       FROM experiment_gates g JOIN run_batches b ON b.number = g.batch JOIN projects p ON p.id = b.project_id
         JOIN bundles u ON u.id = b.bundle_id JOIN scenarios s ON s.id = u.scenario_id
         LEFT JOIN experiment_labels l ON l.batch = b.number
       WHERE ",
    in_scope!(),
    " AND s.deleted_at IS NULL AND b.created_at > ?3 AND b.running = 0 AND g.state IN ('passed', 'failed'))
     WHERE place = 1 AND state = 'failed' AND seen_at IS NULL ORDER BY created_at, number LIMIT ?4"
);

impl ExperimentGate {
    /// Reads it from the columns that a list of experiments has of it.
    pub(super) fn read(row: &SqliteRow, id: &str) -> Result<Option<Self>> {
        let Some(gate) = row.try_get::<Option<&str>, _>("gate")? else { return Ok(None) };
        Ok(Some(Self {
            gate: serde_json::from_str(gate).map_err(|_| rows::damaged("gate", id))?,
            state: state(row, "gate_state", id)?,
            reason: row.try_get("gate_reason")?,
            baseline: row.try_get("gate_baseline")?,
            first_run: row.try_get("gate_first_run")?,
            seen_by: row.try_get("gate_seen_by")?,
        }))
    }
}

impl Store {
    /// Returns the gate of an experiment that is about to be counted, if it has one.
    ///
    /// # Errors
    /// The database failed.
    pub async fn gate_to_check(&self, uncounted: Uncounted) -> Result<Option<GateToCheck>> {
        let row = sqlx::query(
            "SELECT p.org_id, b.project_id, b.id, g.gate, g.state FROM experiment_gates g JOIN run_batches b ON b.number = g.batch
             JOIN projects p ON p.id = b.project_id WHERE g.batch = ? AND p.deleted_at IS NULL",
        )
        .bind(uncounted.number())
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let batch_id: String = row.try_get("id")?;
        Ok(Some(GateToCheck {
            org_id: row.try_get("org_id")?,
            project_id: row.try_get("project_id")?,
            gate: serde_json::from_str(row.try_get("gate")?).map_err(|_| rows::damaged("gate", &batch_id))?,
            before: state(&row, "state", &batch_id)?,
            batch_id,
        }))
    }

    /// Returns the experiments since a time whose gate failed, the oldest first: the newest of each scenario and branch, unless it passed
    /// or somebody has marked it as seen.
    ///
    /// # Errors
    /// The database failed.
    pub async fn failed_gates(&self, scope: &Scope, since: i64) -> Result<Vec<FailedGate>> {
        let mut reader = self.reader().await?;
        // Results are not kept by every database.
        let Ok(connection) = reader.sqlite() else { return Ok(Vec::new()) };
        let rows = sqlx::query(FAILED)
            .bind(&scope.org_id)
            .bind(scope.listed_projects())
            .bind(since)
            .bind(MOST_FAILED)
            .fetch_all(connection)
            .await?;
        let failed = |row: &SqliteRow| {
            Ok(FailedGate {
                project_id: row.try_get("project_id")?,
                id: row.try_get("id")?,
                name: row.try_get("name")?,
                scenario_name: row.try_get("scenario_name")?,
                branch: row.try_get("branch")?,
                reason: row.try_get("reason")?,
                first_run: row.try_get("first_run")?,
                created_at: row.try_get("created_at")?,
            })
        };
        rows.iter().map(failed).collect()
    }
}

impl Transaction {
    /// Copies the gate of its scenario to an experiment that has ended. One that had ended before its scenario had a gate gets none, and
    /// one that has a copy keeps it.
    pub(super) async fn copy_gate(&mut self, batch: i64) -> Result<()> {
        let now = self.now;
        sqlx::query(
            "INSERT INTO experiment_gates (batch, gate) SELECT b.number, g.gate FROM run_batches b JOIN bundles u ON u.id = b.bundle_id
               JOIN scenario_gates g ON g.scenario_id = u.scenario_id
             WHERE b.number = ?1 AND coalesce(b.reported_at, ?2) >= g.changed_at ON CONFLICT (batch) DO NOTHING",
        )
        .bind(batch)
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Keeps what the gate of an experiment says, whose figures are kept in the same transaction.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keep_gate(&mut self, uncounted: Uncounted, checked: &CheckedGate<'_>) -> Result<()> {
        // A failure that was seen is another one where it had passed meanwhile.
        sqlx::query(
            "UPDATE experiment_gates SET state = ?2, reason = ?3, baseline = ?4, first_run = ?5,
               seen_by = iif(state IS ?2, seen_by, NULL), seen_at = iif(state IS ?2, seen_at, NULL) WHERE batch = ?1",
        )
        .bind(uncounted.number())
        .bind(checked.state.label())
        .bind(checked.reason)
        .bind(checked.baseline)
        .bind(checked.first_run)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes that somebody has seen that the gate of an experiment failed. `by` is their name.
    ///
    /// # Errors
    /// There is no such experiment in the scope, or the database failed.
    pub async fn see_gate(&mut self, scope: &Scope, batch: &str, by: &str) -> Result<()> {
        let (number, now) = (batch_number(self.connection(), scope, batch).await?, self.now);
        sqlx::query(
            "UPDATE experiment_gates SET seen_by = ?2, seen_at = ?3 WHERE batch = ?1 AND state = 'failed' AND seen_at IS NULL",
        )
        .bind(number)
        .bind(by)
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

fn state(row: &SqliteRow, column: &str, id: &str) -> Result<Option<GateState>> {
    let label: Option<&str> = row.try_get(column)?;
    label.map(|label| GateState::from_label(label).ok_or_else(|| rows::damaged("gate", id))).transpose()
}
