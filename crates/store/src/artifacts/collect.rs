//! Removing what nobody needs.

use futures_util::stream::TryStreamExt as _;

use super::{KEPT, Objects};
use crate::{Result, Store, Transaction, rows};

/// How long an object without a row is left alone, in milliseconds: its row may be about to be written.
const GRACE: i64 = 24 * 60 * 60 * 1000;

/// How many objects are compared with the database at a time.
const PAGE: usize = 1000;

/// Which blobs nobody needs: no batch has them, and no address named them since a time (`?1`).
macro_rules! not_needed {
    () => {
        "b.created_at <= ?1 AND NOT EXISTS (SELECT 1 FROM stored_artifacts a WHERE a.blob_id = b.id)
         AND NOT EXISTS (SELECT 1 FROM stored_files f WHERE f.blob_id = b.id AND f.created_at > ?1)"
    };
}

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Uploads that nobody finished, or that were finished a week ago.
    pub uploads: u64,
    /// Commits that nobody finished.
    pub commits: u64,
    /// Contents that were put to a signed address and that no batch ever took.
    pub blobs: u64,
    /// Parts that no blob is made of.
    pub parts: u64,
    /// Objects.
    pub objects: u64,
}

impl Store {
    /// Removes what nobody has relied on for a week: uploads, contents that were put to a signed address and are in no batch,
    /// parts that no blob is made of, objects without parts.
    ///
    /// It may be called at any time, also while others write: no transaction removes very much. A part that an offer relies on was marked as used in the
    /// transaction of the offer; a content that is put or asked for again gets a new name in the transaction that finds it;
    /// and rows go before the bytes that they stand for.
    ///
    /// # Errors
    /// The database or the disk failed; the next time goes on from there.
    pub async fn collect(&self, objects: &Objects) -> Result<Collected> {
        let mut collected = Collected { blobs: self.collect_blobs(self.now() - KEPT).await?, ..Collected::default() };
        let now = self.now();
        collected.commits = self.collect_commits(now - KEPT).await?;
        collected.uploads = self.collect_uploads(now - KEPT).await?;
        let mut candidates = self.collect_parts(now - KEPT).await?;
        collected.parts = candidates.len() as u64;
        candidates.sort_unstable();
        candidates.dedup();
        for some in candidates.chunks(PAGE) {
            collected.objects += self.remove_unknown(objects, some).await?;
        }
        let mut page = Vec::new();
        let mut list = objects.list();
        while let Some((key, changed)) = list.try_next().await? {
            if changed <= now - GRACE {
                page.push(key);
            }
            if page.len() == PAGE {
                collected.objects += self.remove_unknown(objects, &page).await?;
                page.clear();
            }
        }
        collected.objects += self.remove_unknown(objects, &page).await?;
        collected.objects += objects.sweep(now - GRACE).await?;
        Ok(collected)
    }

    /// Removes the blobs that nobody has needed since a time. A page at a time: others write in between.
    async fn collect_blobs(&self, before: i64) -> Result<u64> {
        let (mut removed, mut last) = (0, 0);
        loop {
            // To look for them takes long and nothing away, so it is done without keeping anybody from writing.
            let found: Vec<i64> = sqlx::query_scalar(concat!(
                "SELECT b.number FROM blobs b WHERE ",
                not_needed!(),
                " AND b.number > ?2 ORDER BY b.number LIMIT 1000"
            ))
            .bind(before)
            .bind(last)
            .fetch_all(&mut *self.reader().await?)
            .await?;
            let Some(newest) = found.last() else { return Ok(removed) };
            last = *newest;
            let mut transaction = self.write().await?;
            removed += transaction.remove_blobs(&found, before).await?;
            transaction.commit().await?;
        }
    }

    async fn collect_uploads(&self, before: i64) -> Result<u64> {
        let mut removed = 0;
        loop {
            let mut transaction = self.write().await?;
            let Some(some) = transaction.forget_some_of_upload(before).await? else { return Ok(removed) };
            transaction.commit().await?;
            removed += some;
        }
    }

    /// Removes the parts that nobody has used since a time, and returns the object of each.
    async fn collect_parts(&self, before: i64) -> Result<Vec<String>> {
        let mut objects = Vec::new();
        loop {
            let mut transaction = self.write().await?;
            let removed: Vec<String> = sqlx::query_scalar(
                "DELETE FROM parts WHERE number IN (SELECT p.number FROM parts p WHERE p.used_at <= ?
                   AND NOT EXISTS (SELECT 1 FROM blob_parts b WHERE b.part = p.number) LIMIT 1000)
                 RETURNING object",
            )
            .bind(before)
            .fetch_all(transaction.connection())
            .await?;
            transaction.commit().await?;
            if removed.is_empty() {
                return Ok(objects);
            }
            objects.extend(removed);
        }
    }

    /// Removes those of the objects that have no part. Names are never used again, so none can get one meanwhile. While somebody copies
    /// files, none is removed: a later round finds them again.
    async fn remove_unknown(&self, objects: &Objects, keys: &[String]) -> Result<u64> {
        let unknown: Vec<String> =
            sqlx::query_scalar("SELECT value FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM parts p WHERE p.object = value)")
                .bind(rows::text(keys))
                .fetch_all(&mut *self.reader().await?)
                .await?;
        // After the rows were asked for, and not before: see `backup::hold`.
        if self.are_files_held().await? {
            return Ok(0);
        }
        for key in &unknown {
            objects.remove(key).await?;
        }
        Ok(unknown.len() as u64)
    }
}

impl Transaction {
    /// Removes those of the blobs that nobody has needed since a time, with the names that they had.
    async fn remove_blobs(&mut self, numbers: &[i64], before: i64) -> Result<u64> {
        // Somebody may have come to need one since they were looked for.
        let gone: Vec<(i64, String)> = sqlx::query_as(concat!(
            "SELECT b.number, b.id FROM blobs b WHERE ",
            not_needed!(),
            " AND b.number IN (SELECT value FROM json_each(?2))"
        ))
        .bind(before)
        .bind(rows::text(numbers))
        .fetch_all(self.connection())
        .await?;
        let (numbers, ids): (Vec<i64>, Vec<String>) = gone.into_iter().unzip();
        for (sql, list) in [
            ("DELETE FROM stored_files WHERE blob_id IN (SELECT value FROM json_each(?))", rows::text(&ids)),
            ("DELETE FROM blob_parts WHERE blob IN (SELECT value FROM json_each(?))", rows::text(&numbers)),
            ("DELETE FROM blobs WHERE number IN (SELECT value FROM json_each(?))", rows::text(&numbers)),
        ] {
            sqlx::query(sql).bind(list).execute(self.connection()).await?;
        }
        Ok(numbers.len() as u64)
    }
}
