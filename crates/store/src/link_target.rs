//! What a one-time link would do, asked without using it up.

use keepstep_base::api_key::stored_hash;

use crate::model::Role;
use crate::sql::query::query;
use crate::{Result, Store, StoreError, rows};

/// Whom a link signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkTarget {
    /// The role that the link gives.
    pub role: Role,
    /// The name of the user that there is already; `None` for a link that makes one.
    pub user_name: Option<String>,
}

impl Store {
    /// Returns whom a link signs in, without using it up.
    ///
    /// # Errors
    /// The link is not known, was used or is too old, or the database failed.
    pub async fn link_target(&self, presented: &str) -> Result<LinkTarget> {
        let row = query(
            "SELECT coalesce(u.role, l.role) AS role, u.name AS user_name, l.expires_at, l.redeemed_at
             FROM links l LEFT JOIN users u ON u.id = l.user_id WHERE l.hash = $1",
        )
        .bind(stored_hash(presented))
        .fetch_optional(&mut *self.reader().await?)
        .await?
        .ok_or(StoreError::LinkUnknown)?;
        if row.get::<Option<i64>>("redeemed_at")?.is_some() {
            return Err(StoreError::LinkUsed);
        }
        if row.get::<i64>("expires_at")? <= self.now() {
            return Err(StoreError::LinkExpired);
        }
        Ok(LinkTarget { role: rows::role(&row, "a link")?, user_name: row.get("user_name")? })
    }
}
