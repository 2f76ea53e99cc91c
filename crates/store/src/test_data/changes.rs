//! How the inputs of one set differ from those of another.

use crate::sql::query::query;
use crate::sql::row::Row;
use crate::{Result, Store};

/// An input that is not the same in two sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputChange {
    /// Its id.
    pub id: String,
    /// Its JSON text before; `None` where it is new.
    pub before: Option<String>,
    /// Its JSON text after; `None` where it is gone.
    pub after: Option<String>,
}

/// How the inputs of a set differ from those of the one before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InputChanges {
    /// The first of those that differ, in their order.
    pub first: Vec<InputChange>,
    /// How many differ.
    pub count: u32,
}

/// The inputs in which the set `$1` differs from the set `$2`.
macro_rules! changes {
    () => {
        "SELECT n.id AS id, o.document AS before, n.document AS after, n.position AS place
         FROM input_items n LEFT JOIN input_items o ON o.input_set_id = $1 AND o.id = n.id
         WHERE n.input_set_id = $2 AND (o.id IS NULL OR o.document <> n.document)
         UNION ALL
         SELECT o.id, o.document, NULL, o.position FROM input_items o
         WHERE o.input_set_id = $1 AND NOT EXISTS (SELECT 1 FROM input_items n WHERE n.input_set_id = $2 AND n.id = o.id)"
    };
}

impl Store {
    /// Returns the first inputs in which a set differs from the one before, and how many do. Whoever asks may see both.
    ///
    /// # Errors
    /// The database failed.
    pub async fn input_changes(&self, before: &str, after: &str, limit: u32) -> Result<InputChanges> {
        // Both sets are looked through once.
        let rows = query(concat!(
            "SELECT id, before, after, count(*) OVER () AS found FROM (",
            changes!(),
            ") AS changes ORDER BY place, id LIMIT $3"
        ))
        .bind(before)
        .bind(after)
        .bind(limit)
        .fetch_all(&mut *self.reader().await?)
        .await?;
        let change = |row: &Row| Ok(InputChange { id: row.get("id")?, before: row.get("before")?, after: row.get("after")? });
        Ok(InputChanges {
            first: rows.iter().map(change).collect::<Result<_>>()?,
            count: rows.first().map(|row| row.get("found")).transpose()?.unwrap_or_default(),
        })
    }
}
