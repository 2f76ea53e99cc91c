//! Removing what nobody needs.

use futures_util::stream::TryStreamExt as _;

use super::{KEPT, Objects};
use crate::{Result, Store, rows};

/// How long an object without a row is left alone, in milliseconds: its row may be about to be written.
const GRACE: i64 = 24 * 60 * 60 * 1000;

/// How many objects are compared with the database at a time.
const PAGE: usize = 1000;

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Uploads that nobody finished, or that were finished a week ago.
    pub uploads: u64,
    /// Parts that no blob is made of.
    pub parts: u64,
    /// Objects.
    pub objects: u64,
}

impl Store {
    /// Removes what nobody has relied on for a week: uploads, parts that no blob is made of, objects without parts.
    ///
    /// It may be called at any time, also while others write: a part that an offer relies on was marked as used in the
    /// transaction of the offer, and rows go before the bytes that they stand for.
    ///
    /// # Errors
    /// The database or the disk failed; the next time goes on from there.
    pub async fn collect(&self, objects: &Objects) -> Result<Collected> {
        let mut collected = Collected::default();
        let mut transaction = self.write().await?;
        let now = transaction.now();
        collected.uploads = transaction.forget_uploads().await?;
        let removed: Vec<String> = sqlx::query_scalar(
            "DELETE FROM parts WHERE used_at <= ? AND NOT EXISTS (SELECT 1 FROM blob_parts b WHERE b.part = parts.number)
             RETURNING object",
        )
        .bind(now - KEPT)
        .fetch_all(transaction.connection())
        .await?;
        transaction.commit().await?;
        collected.parts = removed.len() as u64;
        let mut candidates: Vec<String> = removed;
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

    /// Removes those of the objects that have no part. Names are never used again, so none can get one meanwhile.
    async fn remove_unknown(&self, objects: &Objects, keys: &[String]) -> Result<u64> {
        let unknown: Vec<String> =
            sqlx::query_scalar("SELECT value FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM parts p WHERE p.object = value)")
                .bind(rows::text(keys))
                .fetch_all(&mut *self.reader().await?)
                .await?;
        for key in &unknown {
            objects.remove(key).await?;
        }
        Ok(unknown.len() as u64)
    }
}
