//! Turns that come one by one, also of runs that nobody knows yet.

use std::collections::{BTreeSet, HashMap};

use sqlx::query_builder::QueryBuilder;
use sqlx::{Row as _, Sqlite};

use super::find::BatchKey;
use super::model::{Turn, check_id};
use super::write::{MERGED_TURN, ROWS, RunLocation, on_conflict};
use crate::model::Scope;
use crate::test_data::in_scope;
use crate::{Result, Transaction, rows};

impl Transaction {
    /// Stores turns, each with the id of its run. Those of runs that are not known are kept and belong to the run as
    /// soon as it comes.
    ///
    /// # Errors
    /// An id has no meaning, or the database failed.
    pub async fn record_turns(&mut self, scope: &Scope, turns: &[Turn]) -> Result<()> {
        let now = self.now;
        for chunk in turns.chunks(ROWS) {
            for turn in chunk {
                check_id("a run", &turn.run_id)?;
                check_id("a turn", &turn.turn_id)?;
            }
            let ids: BTreeSet<&str> = chunk.iter().map(|turn| turn.run_id.as_str()).collect();
            let places = self.places_in(scope, &rows::text(&ids)).await?;
            let known: Vec<_> = chunk.iter().filter_map(|turn| Some((places.get(&turn.run_id)?.number, turn))).collect();
            self.put_turns(&known).await?;
            let early: Vec<_> = chunk.iter().filter(|turn| !places.contains_key(&turn.run_id)).collect();
            self.keep_early_turns(scope, &early).await?;
            let batches: BTreeSet<i64> = places.values().map(|place| place.batch).collect();
            sqlx::query(
                "UPDATE stored_batches SET heard_at = max(heard_at, ?2) WHERE number IN (SELECT value FROM json_each(?1))",
            )
            .bind(rows::text(&batches))
            .bind(now)
            .execute(self.connection())
            .await?;
        }
        Ok(())
    }

    /// Returns where runs are, wherever in the scope; of two runs with the same id the one that goes on.
    async fn places_in(&mut self, scope: &Scope, ids: &str) -> Result<HashMap<String, RunLocation>> {
        let rows = sqlx::query(concat!(
            "SELECT r.id, r.number, r.batch, r.status = 'running' AS goes_on FROM runs r JOIN projects p ON p.id = r.project_id
             WHERE ",
            in_scope!(),
            " AND r.id IN (SELECT value FROM json_each(?3))
             UNION ALL
             SELECT a.id, r.number, r.batch, r.status = 'running' FROM replaced_runs a
             JOIN runs r ON r.number = a.run JOIN projects p ON p.id = r.project_id
             WHERE ",
            in_scope!(),
            " AND a.id IN (SELECT value FROM json_each(?3))
             ORDER BY goes_on, number"
        ))
        .bind(&scope.org_id)
        .bind(scope.listed_projects())
        .bind(ids)
        .fetch_all(self.connection())
        .await?;
        let place = |row: &sqlx::sqlite::SqliteRow| {
            Ok((row.try_get("id")?, RunLocation { number: row.try_get("number")?, batch: row.try_get("batch")? }))
        };
        rows.iter().map(place).collect()
    }

    /// Keeps turns of runs that are not known yet, and of which it is therefore not known either to which of several projects they will belong.
    async fn keep_early_turns(&mut self, scope: &Scope, turns: &[&Turn]) -> Result<()> {
        if turns.is_empty() {
            return Ok(());
        }
        let now = self.now;
        let projects = scope.projects().map_or_else(|| vec![""], |projects| projects.iter().map(String::as_str).collect());
        for project in projects {
            let mut query = QueryBuilder::<Sqlite>::new(
                "INSERT INTO early_turns (run_id, org_id, project_id, turn_id, heard_at, sequence, role, said_at, duration_ms, \
                 warnings, content) ",
            );
            query.push_values(turns, |mut values, turn| {
                values
                    .push_bind(&turn.run_id)
                    .push_bind(&scope.org_id)
                    .push_bind(project)
                    .push_bind(&turn.turn_id)
                    .push_bind(now)
                    .push_bind(turn.sequence)
                    .push_bind(turn.role.as_str())
                    .push_bind(turn.timestamp.as_deref())
                    .push_bind(turn.duration_ms)
                    .push_bind(rows::text(&turn.warnings))
                    .push_bind(&turn.content);
            });
            on_conflict(&mut query, "(run_id, org_id, project_id, turn_id)", MERGED_TURN);
            query.build().persistent(false).execute(self.connection()).await?;
        }
        Ok(())
    }

    /// Gives the runs of a batch that was hidden the turns that came while it was.
    pub(super) async fn attach_early_turns_of(&mut self, batch: &BatchKey) -> Result<()> {
        // There are few of these, whatever the batch has.
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT run_id FROM early_turns WHERE org_id = ?1 AND project_id IN ('', ?2)
               AND EXISTS (SELECT 1 FROM runs r WHERE r.id = run_id AND r.project_id = ?2 AND r.batch = ?3)",
        )
        .bind(&batch.org_id)
        .bind(&batch.project_id)
        .bind(batch.number)
        .fetch_all(self.connection())
        .await?;
        if ids.is_empty() { Ok(()) } else { self.attach_early_turns(batch, &rows::text(&ids)).await }
    }

    /// Gives runs, a JSON array of ids, the turns that came before them.
    pub(super) async fn attach_early_turns(&mut self, batch: &BatchKey, ids: &str) -> Result<()> {
        let is_any: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM early_turns)").fetch_one(self.connection()).await?;
        if !is_any {
            return Ok(());
        }
        let mut attach = QueryBuilder::<Sqlite>::new(
            "INSERT INTO turns (run, turn_id, sequence, role, said_at, duration_ms, warnings, content)
             SELECT r.number, turn_id, sequence, role, said_at, early_turns.duration_ms, warnings, content
             FROM early_turns JOIN runs r ON r.id = run_id AND r.project_id = ",
        );
        attach.push_bind(&batch.project_id).push(" WHERE ");
        early(&mut attach, batch, ids);
        on_conflict(&mut attach, "(run, turn_id)", MERGED_TURN);
        attach.build().execute(self.connection()).await?;
        let mut forget = QueryBuilder::<Sqlite>::new("DELETE FROM early_turns WHERE ");
        early(&mut forget, batch, ids);
        forget.build().execute(self.connection()).await?;
        Ok(())
    }
}

/// Adds the condition that turns that came early are of these runs.
fn early(query: &mut QueryBuilder<Sqlite>, batch: &BatchKey, ids: &str) {
    query
        .push("run_id IN (SELECT value FROM json_each(")
        .push_bind(ids)
        .push(")) AND org_id = ")
        .push_bind(&batch.org_id)
        .push(" AND early_turns.project_id IN ('', ")
        .push_bind(&batch.project_id)
        .push(")");
}
