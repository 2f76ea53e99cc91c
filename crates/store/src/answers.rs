//! Answers that were given, so that a repeated request gets the same one.

use crate::rows::Columns as _;
use crate::sql::query::query;
use crate::{Result, StoreError, Transaction};

/// How long an answer is kept.
const KEPT: i64 = 24 * 60 * 60 * 1000;

/// What makes a repeated request the same request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// Whose idempotency key it is: the id of the API key or user.
    pub owner: String,
    /// The idempotency key.
    pub key: String,
    /// A digest of the request: another request with the same key is a mistake.
    pub request: String,
}

/// The answer to a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResponse {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl Transaction {
    /// Returns the answer that the same request got before.
    ///
    /// # Errors
    /// [`StoreError::OtherRequest`] if the key came with another request; or the database failed.
    pub async fn recall(&mut self, once: &Once) -> Result<Option<StoredResponse>> {
        let oldest = self.now - KEPT;
        let row = query("SELECT request, status, body FROM answers WHERE owner = $1 AND key = $2 AND at > $3")
            .bind(&once.owner)
            .bind(&once.key)
            .bind(oldest)
            .fetch_optional(self.connection())
            .await?;
        let Some(row) = row else { return Ok(None) };
        if row.text("request")?.as_deref() != Some(once.request.as_str()) {
            return Err(StoreError::OtherRequest);
        }
        Ok(Some(StoredResponse { status: row.get("status")?, body: row.get("body")? }))
    }

    /// Keeps an answer for a day, from the moment that the transaction is committed, in the place of one that the same
    /// request got before.
    ///
    /// # Errors
    /// The database failed.
    pub async fn remember(&mut self, once: &Once, answer: &StoredResponse) -> Result<()> {
        let now = self.now;
        query("DELETE FROM answers WHERE at <= $1").bind(now - KEPT).execute(self.connection()).await?;
        query(
            "INSERT INTO answers (owner, key, request, status, body, at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (owner, key) DO UPDATE SET request = excluded.request, status = excluded.status,
               body = excluded.body, at = excluded.at",
        )
        .bind(&once.owner)
        .bind(&once.key)
        .bind(&once.request)
        .bind(u32::from(answer.status))
        .bind(&answer.body)
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
