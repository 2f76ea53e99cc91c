//! Runs that nobody sees yet: those of a commit that is not done, a part of which is in the database.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::commit::Commit;
use super::experiments::RESTORABLE;
use super::find::{BatchKey, BatchLookup, key};
use super::model::{RunRecord, check_id};
use super::write::{ROWS, RunLocation, last_of_each};
use crate::{Result, Store, StoreError, Transaction, rows};

/// How many rows one transaction removes.
const REMOVED: u32 = 1000;

impl Transaction {
    /// Opens a commit, or finds the one that was begun before. Returns its number.
    pub(super) async fn open_commit(&mut self, project: &str, digest: &str) -> Result<i64> {
        let now = self.now;
        let number = sqlx::query_scalar(
            "INSERT INTO open_commits (project_id, digest, begun_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (project_id, digest) DO UPDATE SET begun_at = excluded.begun_at RETURNING number",
        )
        .bind(project)
        .bind(digest)
        .bind(now)
        .fetch_one(self.connection())
        .await?;
        Ok(number)
    }

    /// Returns a hidden batch.
    pub(super) async fn hidden_batch(&mut self, wanted: &BatchLookup<'_>, number: i64) -> Result<BatchKey> {
        let row = sqlx::query("SELECT number, id, reported_at FROM stored_batches WHERE number = ?")
            .bind(number)
            .fetch_one(self.connection())
            .await?;
        key(wanted, &row)
    }

    /// Makes the hidden batch of a commit.
    pub(super) async fn hide_batch(&mut self, wanted: &BatchLookup<'_>, commit: i64) -> Result<BatchKey> {
        let batch = self.new_batch(wanted).await?;
        sqlx::query("INSERT INTO hidden_batches (batch) VALUES (?)").bind(batch.number).execute(self.connection()).await?;
        self.set_hidden_batch(commit, Some(batch.number)).await?;
        Ok(batch)
    }

    /// Says where the runs of a commit are. A hidden batch that no commit has is removed some time.
    pub(super) async fn set_hidden_batch(&mut self, commit: i64, batch: Option<i64>) -> Result<()> {
        sqlx::query("UPDATE open_commits SET batch = ?2 WHERE number = ?1")
            .bind(commit)
            .bind(batch)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Returns the number of the hidden batch of a commit, if it has one.
    ///
    /// # Errors
    /// Somebody else did the same commit meanwhile.
    pub(super) async fn open_batch(&mut self, commit: i64) -> Result<Option<i64>> {
        let found: Option<Option<i64>> = sqlx::query_scalar("SELECT batch FROM open_commits WHERE number = ?")
            .bind(commit)
            .fetch_optional(self.connection())
            .await?;
        found.ok_or(StoreError::CommitOvertaken)
    }

    /// Shows a hidden batch: this is the moment at which all of it is there.
    pub(super) async fn show_batch(&mut self, batch: i64) -> Result<()> {
        sqlx::query("DELETE FROM hidden_batches WHERE batch = ?").bind(batch).execute(self.connection()).await?;
        Ok(())
    }

    /// Restores what was deleted and is brought again: the experiments that have one of the runs. The ids are a JSON array.
    pub(super) async fn restore_runs(&mut self, project: &str, ids: &str) -> Result<()> {
        let has_deleted: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM hidden_batches WHERE deleted_at NOT NULL)")
            .fetch_one(self.connection())
            .await?;
        if !has_deleted {
            return Ok(());
        }
        let restored = sqlx::query_scalar(
            "DELETE FROM hidden_batches WHERE deleted_at NOT NULL AND batch IN (
               SELECT batch FROM stored_runs WHERE project_id = ?1 AND id IN (SELECT value FROM json_each(?2))
               UNION ALL
               SELECT r.batch FROM replaced_runs a JOIN stored_runs r ON r.number = a.run
               WHERE a.project_id = ?1 AND a.id IN (SELECT value FROM json_each(?2)))
             RETURNING batch",
        )
        .bind(project)
        .bind(ids)
        .fetch_all(self.connection())
        .await?;
        self.note_restored(&restored).await
    }

    /// Restores the experiment of a commit that was done before, if it was deleted.
    pub(super) async fn restore_commit(&mut self, project: &str, digest: &str) -> Result<()> {
        let restored = sqlx::query_scalar(
            "DELETE FROM hidden_batches WHERE deleted_at NOT NULL
               AND batch IN (SELECT batch FROM commits WHERE project_id = ? AND digest = ?)
             RETURNING batch",
        )
        .bind(project)
        .bind(digest)
        .fetch_all(self.connection())
        .await?;
        self.note_restored(&restored).await
    }

    /// Forgets that a commit was begun which turned out to be done already. What it left behind is removed some time.
    pub(super) async fn forget_commit(&mut self, project: &str, digest: &str) -> Result<()> {
        sqlx::query("DELETE FROM open_commits WHERE project_id = ? AND digest = ?")
            .bind(project)
            .bind(digest)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets that a commit was begun.
    pub(super) async fn close_commit(&mut self, commit: i64) -> Result<()> {
        sqlx::query("DELETE FROM waiting_runs WHERE commit_number = ?").bind(commit).execute(self.connection()).await?;
        sqlx::query("DELETE FROM open_commits WHERE number = ?").bind(commit).execute(self.connection()).await?;
        Ok(())
    }

    /// Stores runs in the hidden batch of a commit. Those that are seen already, in whatever batch, wait: they are changed when the
    /// commit is seen.
    pub(super) async fn put_hidden_runs(&mut self, commit: &mut Commit, batch: &BatchKey, runs: &[RunRecord]) -> Result<()> {
        for chunk in runs.chunks(ROWS) {
            let runs = last_of_each(chunk)?;
            let ids = rows::text(&runs.iter().map(|run| run.id.as_str()).collect::<Vec<_>>());
            let (known, hidden) = self.all_places(&batch.project_id, &ids).await?;
            let (mine, others): (HashMap<String, RunLocation>, HashMap<String, RunLocation>) =
                hidden.into_iter().partition(|(_, place)| place.batch == batch.number);
            let stronger = self.later_commits(commit.number, others.values()).await?;
            // Of two commits with the same run, the one that began first waits with it; else each might chase the other for ever.
            let waits = |run: &RunRecord| {
                known.contains_key(&run.id) || others.get(&run.id).is_some_and(|place| stronger.contains(&place.batch))
            };
            let (waiting, own): (Vec<&RunRecord>, Vec<&RunRecord>) = runs.into_iter().partition(|run| waits(run));
            let displaced: Vec<&RunLocation> = others.values().filter(|place| !stronger.contains(&place.batch)).collect();
            if !displaced.is_empty() {
                self.displace(displaced).await?;
            }
            if let Some(last) = self.put_numbered(batch, &own, &mine).await? {
                self.add_inputs(batch.number, &commit.bundle.input_set_id, last).await?;
            }
            for run in &own {
                commit.counts.add(run.status.judged(run.verdict()), 1);
            }
            commit.is_waiting |= !waiting.is_empty();
            if !waiting.is_empty() {
                let ids: Vec<&str> = waiting.iter().map(|run| run.id.as_str()).collect();
                self.name_runs(&batch.project_id, &rows::text(&ids)).await?;
            }
            let waiting = self.that_change(commit.number, &known, waiting).await?;
            self.keep_waiting(commit, waiting).await?;
        }
        Ok(())
    }

    /// Keeps those runs for the end of a commit that change something. The first ones are kept in any case: by them the batch is found
    /// again.
    pub(super) async fn put_waiting_runs(&mut self, commit: &mut Commit, runs: &[RunRecord]) -> Result<()> {
        commit.is_waiting |= !runs.is_empty();
        let (first, rest) = runs.split_at(runs.len().min(ROWS.saturating_sub(commit.kept)));
        self.keep_waiting(commit, first).await?;
        for chunk in rest.chunks(ROWS) {
            let runs = last_of_each(chunk)?;
            let ids = rows::text(&runs.iter().map(|run| run.id.as_str()).collect::<Vec<_>>());
            let (known, hidden) = self.all_places(&commit.bundle.project_id, &ids).await?;
            let known = known.into_iter().filter(|(id, _)| !hidden.contains_key(id)).collect();
            self.name_runs(&commit.bundle.project_id, &ids).await?;
            let runs = self.that_change(commit.number, &known, runs).await?;
            self.keep_waiting(commit, runs).await?;
        }
        Ok(())
    }

    /// Returns those of the runs that change something of what is seen: a run that is there as it is said to be need not be stored again. If
    /// someone changes it before the commit is seen, that came later.
    async fn that_change<'a>(
        &mut self,
        commit: i64,
        known: &HashMap<String, RunLocation>,
        runs: Vec<&'a RunRecord>,
    ) -> Result<Vec<&'a RunRecord>> {
        let numbered: Vec<(i64, &RunRecord)> =
            runs.iter().filter_map(|run| known.get(&run.id).map(|place| (place.number, *run))).collect();
        let changed = self.changed_runs(&numbered).await?;
        // What was said of it before in the same commit waits, and would be the last word.
        let ids = rows::text(&numbered.iter().map(|(_, run)| run.id.as_str()).collect::<Vec<_>>());
        let waiting: HashSet<String> = sqlx::query_scalar(
            "SELECT run_id FROM waiting_runs WHERE commit_number = ? AND run_id IN (SELECT value FROM json_each(?))",
        )
        .bind(commit)
        .bind(ids)
        .fetch_all(self.connection())
        .await?
        .into_iter()
        .collect();
        let is_new =
            |run: &RunRecord| waiting.contains(&run.id) || known.get(&run.id).is_none_or(|place| changed.contains(&place.number));
        Ok(runs.into_iter().filter(|run| is_new(run)).collect())
    }

    /// Keeps runs for the moment at which their commit is seen.
    pub(super) async fn keep_waiting<'a>(
        &mut self,
        commit: &mut Commit,
        runs: impl IntoIterator<Item = &'a RunRecord>,
    ) -> Result<()> {
        let mut list = Vec::new();
        for run in runs {
            check_id("a run", &run.id)?;
            for turn in &run.turns {
                check_id("a turn", &turn.turn_id)?;
            }
            list.push((&run.id, rows::text(run)));
        }
        if list.is_empty() {
            return Ok(());
        }
        commit.kept += list.len();
        sqlx::query(
            "INSERT INTO waiting_runs (commit_number, run_id, record)
             SELECT ?1, json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?2) WHERE TRUE
             ON CONFLICT (commit_number, run_id) DO UPDATE SET record = excluded.record",
        )
        .bind(commit.number)
        .bind(rows::text(&list))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Returns the next runs that wait, after one of their numbers, and the number of the last.
    pub(super) async fn waiting_runs(&mut self, commit: i64, after: i64) -> Result<Option<(Vec<RunRecord>, i64)>> {
        let found: Vec<(i64, String, String)> = sqlx::query_as(
            "SELECT number, run_id, record FROM waiting_runs WHERE commit_number = ? AND number > ? ORDER BY number LIMIT ?",
        )
        .bind(commit)
        .bind(after)
        .bind(ROWS as i64)
        .fetch_all(self.connection())
        .await?;
        let Some((last, ..)) = found.last() else { return Ok(None) };
        let last = *last;
        let record = |(_, id, text): &(i64, String, String)| serde_json::from_str(text).map_err(|_| rows::damaged("record", id));
        Ok(Some((found.iter().map(record).collect::<Result<_>>()?, last)))
    }

    /// Returns the hidden batches, among those of some runs, of commits that were begun after one.
    async fn later_commits(&mut self, commit: i64, places: impl Iterator<Item = &RunLocation>) -> Result<BTreeSet<i64>> {
        let batches: BTreeSet<i64> = places.map(|place| place.batch).collect();
        if batches.is_empty() {
            return Ok(batches);
        }
        let later: Vec<i64> =
            sqlx::query_scalar("SELECT batch FROM open_commits WHERE number > ?1 AND batch IN (SELECT value FROM json_each(?2))")
                .bind(commit)
                .bind(rows::text(&batches))
                .fetch_all(self.connection())
                .await?;
        Ok(later.into_iter().collect())
    }

    /// Removes hidden runs, because somebody else brings them. The commits that brought them begin again: what they would have found
    /// now is another thing than what they found.
    pub(super) async fn displace<'a>(&mut self, places: impl IntoIterator<Item = &'a RunLocation>) -> Result<()> {
        let (batches, numbers): (BTreeSet<i64>, Vec<i64>) = places.into_iter().map(|place| (place.batch, place.number)).unzip();
        sqlx::query("UPDATE open_commits SET batch = NULL WHERE batch IN (SELECT value FROM json_each(?))")
            .bind(rows::text(&batches))
            .execute(self.connection())
            .await?;
        self.remove_runs(&numbers).await
    }

    pub(super) async fn remove_runs(&mut self, numbers: &[i64]) -> Result<()> {
        let list = rows::text(numbers);
        for sql in [
            "DELETE FROM stored_artifacts WHERE run IN (SELECT value FROM json_each(?))",
            "DELETE FROM turns WHERE run IN (SELECT value FROM json_each(?))",
            "DELETE FROM run_results WHERE run IN (SELECT value FROM json_each(?))",
            "DELETE FROM replaced_runs WHERE run IN (SELECT value FROM json_each(?))",
            "DELETE FROM stored_runs WHERE number IN (SELECT value FROM json_each(?))",
        ] {
            sqlx::query(sql).bind(&list).execute(self.connection()).await?;
        }
        Ok(())
    }

    /// Removes some of what no commit goes on with, and of what was deleted too long ago to be restored. Returns false if there is
    /// nothing left.
    async fn remove_hidden(&mut self) -> Result<bool> {
        let restorable = self.now - RESTORABLE;
        let waiting = sqlx::query(
            "DELETE FROM waiting_runs WHERE number IN
               (SELECT number FROM waiting_runs WHERE commit_number NOT IN (SELECT number FROM open_commits) LIMIT ?)",
        )
        .bind(REMOVED)
        .execute(self.connection())
        .await?;
        if waiting.rows_affected() > 0 {
            return Ok(true);
        }
        let batch: Option<(i64, bool)> = sqlx::query_as(
            "SELECT batch, deleted_at NOT NULL FROM hidden_batches
             WHERE batch NOT IN (SELECT batch FROM open_commits WHERE batch NOT NULL)
               AND (deleted_at IS NULL OR deleted_at <= ?) LIMIT 1",
        )
        .bind(restorable)
        .fetch_optional(self.connection())
        .await?;
        let Some((batch, is_deleted)) = batch else { return Ok(false) };
        if is_deleted {
            // Before the first part of it is gone: from now on nothing restores it, and who brings the same again brings all of it.
            for sql in ["UPDATE hidden_batches SET deleted_at = NULL WHERE batch = ?", "DELETE FROM commits WHERE batch = ?"] {
                sqlx::query(sql).bind(batch).execute(self.connection()).await?;
            }
            return Ok(true);
        }
        let files = sqlx::query(
            "DELETE FROM stored_artifacts WHERE number IN (SELECT number FROM stored_artifacts WHERE batch = ? LIMIT ?)",
        )
        .bind(batch)
        .bind(REMOVED)
        .execute(self.connection())
        .await?;
        if files.rows_affected() > 0 {
            return Ok(true);
        }
        let runs: Vec<i64> = sqlx::query_scalar("SELECT number FROM stored_runs WHERE batch = ? LIMIT ?")
            .bind(batch)
            .bind(REMOVED)
            .fetch_all(self.connection())
            .await?;
        if !runs.is_empty() {
            self.remove_runs(&runs).await?;
            return Ok(true);
        }
        self.show_batch(batch).await?;
        sqlx::query("DELETE FROM stored_batches WHERE number = ?").bind(batch).execute(self.connection()).await?;
        Ok(true)
    }
}

impl Store {
    /// Removes what commits left behind that were begun before a time and never ended. A piece at a time: others write in between.
    pub(crate) async fn collect_commits(&self, before: i64) -> Result<u64> {
        let mut transaction = self.write().await?;
        let old = sqlx::query("DELETE FROM open_commits WHERE begun_at <= ?")
            .bind(before)
            .execute(transaction.connection())
            .await?
            .rows_affected();
        transaction.commit_hidden().await?;
        loop {
            let mut transaction = self.write().await?;
            let is_more = transaction.remove_hidden().await?;
            transaction.commit_hidden().await?;
            if !is_more {
                return Ok(old);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use serde_json::{Map, json};

    use super::super::commit::{Begun, NewCommit};
    use super::*;
    use crate::model::Scope;
    use crate::results::Status;
    use crate::surroundings::Surroundings;

    async fn commit(store: &Store, scope: &Scope, project: &str, bundle: &str, runs: &[RunRecord]) -> (String, u64, bool) {
        let mut transaction = store.write().await.unwrap();
        let new = NewCommit {
            project,
            bundle,
            experiment_id: "one",
            digest: "d",
            source: "file",
            started_at: None,
            completed_at: None,
            details: &Map::new(),
        };
        let done = match transaction.begin_commit(scope, &new).await.unwrap() {
            Begun::Repeated(done) => done,
            Begun::New(mut commit) => {
                transaction.commit_runs(&mut commit, runs).await.unwrap();
                transaction.finish_commit(commit).await.unwrap()
            }
        };
        transaction.commit().await.unwrap();
        (done.batch_id, done.runs, done.repeated)
    }

    /// An experiment is removed piece by piece, and others write between the pieces.
    #[tokio::test]
    async fn what_is_being_removed_is_never_said_to_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let time = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&time);
        let surroundings = Surroundings::of_the_machine().with_clock(move || clock.load(Ordering::SeqCst));
        let store = Store::open_with(&folder.path().join("k.db"), surroundings).await.unwrap();
        let mut transaction = store.write().await.unwrap();
        let scope = Scope::organization(transaction.ensure_organization(None).await.unwrap().id);
        let project = transaction.create_project(&scope.org_id, "Shop").await.unwrap();
        let file = json!({"scenario": {"name": "orders"}, "inputs": [{"id": "1", "text": "Where is my order?"}]});
        let bundle = transaction.import(&scope, &project.id, &serde_json::from_value(file).unwrap()).await.unwrap();
        transaction.commit().await.unwrap();

        let runs: Vec<RunRecord> = (0..REMOVED + 10).map(|number| RunRecord::new(number.to_string(), Status::Passed)).collect();
        let count = runs.len() as u64;
        for pieces in 0..4 {
            let (batch, ..) = commit(&store, &scope, &project.id, &bundle.id, &runs).await;
            let mut transaction = store.write().await.unwrap();
            transaction.delete_experiment(&scope, &batch, "Ada").await.unwrap();
            transaction.commit().await.unwrap();
            time.fetch_add(2 * RESTORABLE, Ordering::SeqCst);
            for _ in 0..pieces {
                let mut transaction = store.write().await.unwrap();
                assert!(transaction.remove_hidden().await.unwrap());
                transaction.commit_hidden().await.unwrap();
            }
            // The same comes again meanwhile.
            let (batch, said, is_repeated) = commit(&store, &scope, &project.id, &bundle.id, &runs).await;
            assert_eq!((said, is_repeated), (count, pieces == 0), "after {pieces} pieces");
            let there = store.experiment(&scope, &batch).await.unwrap().batch.counts.total();
            let kept = store.run_records(&scope, &batch, i64::MIN, 2 * REMOVED).await.unwrap().len() as u64;
            assert_eq!((there, kept), (count, count), "after {pieces} pieces");
        }
    }
}
