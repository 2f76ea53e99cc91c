//! The statements of activity.

use super::connection::Connection;
use super::query::query;
use super::row::Row;
use crate::Result;
use crate::activity::{Activity, ActivityFilter, ActivityRows, Head};
use crate::model::Subject;

/// Returns the statement that reads entries, with the condition by which an index finds them.
macro_rules! reading {
    ($condition:literal) => {
        concat!(
            "SELECT number, at, actor_id, actor_name, device, address, action, subject_kind, subject_id, subject_name, hash
             FROM activity WHERE org_id = $1 AND ",
            $condition,
            " AND ($2 IS NULL OR actor_id = $2) AND ($3 IS NULL OR action = $3) AND ($4 IS NULL OR subject_id = $4)
             AND at >= $5 AND at < $6 AND number < $7 ORDER BY number DESC LIMIT $8"
        )
    };
}

impl ActivityRows for Connection {
    async fn take_place(&mut self, org_id: &str) -> Result<Head> {
        query("INSERT INTO activity_heads (org_id, number, hash) VALUES ($1, 0, '') ON CONFLICT (org_id) DO NOTHING")
            .bind(org_id)
            .execute(self)
            .await?;
        // Whoever changes the row has it until their transaction ends.
        let row = query("UPDATE activity_heads SET number = number + 1 WHERE org_id = $1 RETURNING number, hash")
            .bind(org_id)
            .fetch_one(self)
            .await?;
        Ok(Head { number: row.get::<i64>("number")? - 1, hash: row.get("hash")? })
    }

    async fn add_activity(&mut self, org_id: &str, entry: &Activity) -> Result<()> {
        let subject = entry.subject.as_ref();
        query(
            "INSERT INTO activity (org_id, number, at, actor_id, actor_name, device, address, action, subject_kind, subject_id, subject_name, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(org_id)
        .bind(entry.number)
        .bind(entry.at)
        .bind(&entry.actor_id)
        .bind(&entry.actor_name)
        .bind(&entry.device)
        .bind(&entry.address)
        .bind(&entry.action)
        .bind(subject.map(|subject| subject.kind.as_str()))
        .bind(subject.map(|subject| subject.id.as_str()))
        .bind(subject.map(|subject| subject.name.as_str()))
        .bind(&entry.hash)
        .execute(self)
        .await?;
        query("UPDATE activity_heads SET hash = $2 WHERE org_id = $1").bind(org_id).bind(&entry.hash).execute(self).await?;
        Ok(())
    }

    async fn activity_head(&mut self, org_id: &str) -> Result<Option<Head>> {
        let row = query("SELECT number, hash FROM activity_heads WHERE org_id = $1").bind(org_id).fetch_optional(self).await?;
        row.map(|row| Ok(Head { number: row.get("number")?, hash: row.get("hash")? })).transpose()
    }

    async fn activity(&mut self, org_id: &str, filter: &ActivityFilter, most: u32) -> Result<Vec<Activity>> {
        let text = match filter {
            ActivityFilter { subject_id: Some(_), .. } => reading!("subject_id = $4"),
            ActivityFilter { actor_id: Some(_), .. } => reading!("actor_id = $2"),
            ActivityFilter { action: Some(_), .. } => reading!("action = $3"),
            _ => reading!("number > 0"),
        };
        let found = query(text)
            .bind(org_id)
            .bind(&filter.actor_id)
            .bind(&filter.action)
            .bind(&filter.subject_id)
            .bind(filter.since.unwrap_or(i64::MIN))
            .bind(filter.until.unwrap_or(i64::MAX))
            .bind(filter.before.unwrap_or(i64::MAX))
            .bind(most)
            .fetch_all(self)
            .await?;
        found.iter().map(entry).collect()
    }

    async fn activity_after(&mut self, org_id: &str, number: i64, most: u32) -> Result<Vec<Activity>> {
        let found = query(
            "SELECT number, at, actor_id, actor_name, device, address, action, subject_kind, subject_id, subject_name, hash
             FROM activity WHERE org_id = $1 AND number > $2 ORDER BY number LIMIT $3",
        )
        .bind(org_id)
        .bind(number)
        .bind(most)
        .fetch_all(self)
        .await?;
        found.iter().map(entry).collect()
    }

    async fn activity_actions(&mut self, org_id: &str) -> Result<Vec<String>> {
        // Each step goes on at the next text, so that the length of the log does not matter.
        let found = query(
            "WITH RECURSIVE actions (action) AS (
                 SELECT min(action) FROM activity WHERE org_id = $1
                 UNION ALL
                 SELECT (SELECT min(a.action) FROM activity a WHERE a.org_id = $1 AND a.action > actions.action)
                 FROM actions WHERE actions.action IS NOT NULL)
             SELECT action FROM actions WHERE action IS NOT NULL ORDER BY action",
        )
        .bind(org_id)
        .fetch_all(self)
        .await?;
        found.iter().map(|row| Ok(row.get("action")?)).collect()
    }
}

fn entry(row: &Row) -> Result<Activity> {
    let kind: Option<String> = row.get("subject_kind")?;
    let subject = match kind {
        Some(kind) => {
            let text = |column| Ok::<_, sqlx::Error>(row.get::<Option<String>>(column)?.unwrap_or_default());
            Some(Subject { kind, id: text("subject_id")?, name: text("subject_name")? })
        }
        None => None,
    };
    Ok(Activity {
        number: row.get("number")?,
        at: row.get("at")?,
        actor_id: row.get("actor_id")?,
        actor_name: row.get("actor_name")?,
        device: row.get("device")?,
        address: row.get("address")?,
        action: row.get("action")?,
        subject,
        hash: row.get("hash")?,
    })
}
