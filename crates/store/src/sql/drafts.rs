//! The statements of drafts.

use keepstep_base::{AgentId, Revision};

use super::connection::Connection;
use super::query::query;
use super::row::Row;
use crate::drafts::{DraftRows, Edit, EditDraft};
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
