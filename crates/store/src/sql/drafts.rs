//! The statements of drafts.

use keepstep_base::{AgentId, Revision};

use super::connection::Connection;
use super::query::query;
use super::row::Row;
use crate::drafts::{DraftRows, Edit, EditDraft, Editor};
use crate::model::Scope;
use crate::rows::Columns as _;
use crate::{Result, rows};

impl DraftRows for Connection {
    async fn find_draft(&mut self, agent: &AgentId, user: &str) -> Result<Option<EditDraft>> {
        let found = query(
            "SELECT tag, base_revision, from_version, fields, message, changed_at
             FROM drafts WHERE agent_id = $1 AND user_id = $2",
        )
        .bind(agent.as_str())
        .bind(user)
        .fetch_optional(self)
        .await?;
        found.map(|row| draft(&row, agent)).transpose()
    }

    async fn drafts_of(&mut self, scope: &Scope, user: &str) -> Result<Vec<(AgentId, i64)>> {
        let found = query(
            "SELECT d.agent_id, d.changed_at FROM drafts d JOIN agents a ON a.id = d.agent_id
             WHERE d.user_id = $1 AND a.org_id = $2 AND ($3 IS NULL OR replace($3, ' ' || a.project_id || ' ', '') <> $3)
             ORDER BY d.changed_at, d.agent_id",
        )
        .bind(user)
        .bind(&scope.org_id)
        .bind(scope.listed_projects())
        .fetch_all(self)
        .await?;
        let draft = |row: &Row| {
            let id: String = row.get("agent_id")?;
            Ok((id.parse().map_err(|_| rows::damaged("agent", &id))?, row.get("changed_at")?))
        };
        found.iter().map(draft).collect()
    }

    async fn put_draft(&mut self, user: &str, draft: &EditDraft) -> Result<()> {
        query(
            "INSERT INTO drafts (agent_id, user_id, tag, base_revision, from_version, fields, message, changed_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (agent_id, user_id) DO UPDATE
             SET tag = $3, base_revision = $4, from_version = $5, fields = $6, message = $7, changed_at = $8",
        )
        .bind(draft.agent_id.as_str())
        .bind(user)
        .bind(&draft.tag)
        .bind(i64::try_from(draft.edit.base.0).unwrap_or(i64::MAX))
        .bind(draft.edit.from.map(|version| version.0))
        .bind(rows::text(&draft.edit.typed))
        .bind(&draft.edit.message)
        .bind(draft.changed_at)
        .execute(self)
        .await?;
        Ok(())
    }

    async fn put_presence(&mut self, agent: &AgentId, user: &str, now: i64, before: i64) -> Result<()> {
        query("DELETE FROM presence WHERE seen_at < $1").bind(before).execute(self).await?;
        query(
            "INSERT INTO presence (agent_id, user_id, seen_at) VALUES ($1, $2, $3)
             ON CONFLICT (agent_id, user_id) DO UPDATE SET seen_at = $3",
        )
        .bind(agent.as_str())
        .bind(user)
        .bind(now)
        .execute(self)
        .await?;
        Ok(())
    }

    async fn editors_of(&mut self, agent: &AgentId, except: &str, seen_since: i64, typed_since: i64) -> Result<Vec<Editor>> {
        let found = query(
            "SELECT u.name, p.seen_at AS seen_at, CAST(1 AS BIGINT) AS here FROM presence p JOIN users u ON u.id = p.user_id
             WHERE p.agent_id = $1 AND p.user_id <> $2 AND p.seen_at >= $3 AND u.removed_at IS NULL
             UNION ALL
             SELECT u.name, d.changed_at AS seen_at, CAST(0 AS BIGINT) AS here FROM drafts d JOIN users u ON u.id = d.user_id
             WHERE d.agent_id = $1 AND d.user_id <> $2 AND d.changed_at >= $4 AND u.removed_at IS NULL
               AND NOT EXISTS (
                   SELECT 1 FROM presence p WHERE p.agent_id = d.agent_id AND p.user_id = d.user_id AND p.seen_at >= $3)
             ORDER BY here DESC, seen_at DESC, name",
        )
        .bind(agent.as_str())
        .bind(except)
        .bind(seen_since)
        .bind(typed_since)
        .fetch_all(self)
        .await?;
        let editor = |row: &Row| {
            Ok(Editor { name: row.get("name")?, seen_at: row.get("seen_at")?, is_here: row.get::<i64>("here")? == 1 })
        };
        found.iter().map(editor).collect()
    }

    async fn delete_draft(&mut self, agent: &AgentId, user: &str, tag: Option<&str>) -> Result<()> {
        query("DELETE FROM drafts WHERE agent_id = $1 AND user_id = $2 AND ($3 IS NULL OR tag = $3)")
            .bind(agent.as_str())
            .bind(user)
            .bind(tag)
            .execute(self)
            .await?;
        Ok(())
    }
}

fn draft(row: &Row, agent: &AgentId) -> Result<EditDraft> {
    let damaged = || rows::damaged("draft", agent.as_str());
    let fields = row.text("fields")?.unwrap_or_default();
    let base: i64 = row.get("base_revision")?;
    Ok(EditDraft {
        agent_id: agent.clone(),
        tag: row.get("tag")?,
        edit: Edit {
            base: Revision(base.try_into().map_err(|_| damaged())?),
            from: rows::version(row, "from_version", agent.as_str())?,
            typed: serde_json::from_str(&fields).map_err(|_| damaged())?,
            message: row.get("message")?,
        },
        changed_at: row.get("changed_at")?,
    })
}
