//! The statements of the changes of agents.

use keepstep_base::AgentId;
use keepstep_base::PersonaVersion;
use keepstep_base::Revision;

use super::agents::{FieldColumns, agent_id, change, fields, number, revision as revision_of};
use super::connection::Connection;
use super::query::query;
use crate::changes::{ChangeRows, NewRevision, NewestPersona};
use crate::model::{self, Agent, Change, ChangeRow, RevisionRow, Scope};
use crate::{Result, rows};

impl ChangeRows for Connection {
    async fn newest_persona(&mut self, agent: &AgentId) -> Result<NewestPersona> {
        let found = query(
            "SELECT a.newest_version, p.created_at FROM agents a
             LEFT JOIN persona_versions p ON p.agent_id = a.id AND p.version = a.newest_version WHERE a.id = $1",
        )
        .bind(agent.as_str())
        .fetch_one(self)
        .await?;
        Ok(NewestPersona { version: found.get("newest_version")?, created_at: found.get("created_at")? })
    }

    async fn update_agent(&mut self, agent: &Agent, newest_version: u32) -> Result<()> {
        let columns = FieldColumns::of(&agent.fields);
        query(
            "UPDATE agents SET revision = $1, newest_version = $2, published_version = $3, current_version = $4,
                               draft_version = $5, name = $6, model = $7, governance = $8, fields = $9 WHERE id = $10",
        )
        .bind(number(agent.revision))
        .bind(newest_version)
        .bind(agent.published.map(|version| version.0))
        .bind(agent.current.map(|version| version.0))
        .bind(agent.draft.map(|version| version.0))
        .bind(columns.name)
        .bind(columns.model)
        .bind(columns.governance)
        .bind(rows::text(&columns.others))
        .bind(agent.id.as_str())
        .execute(self)
        .await?;
        Ok(())
    }

    async fn insert_revision(&mut self, agent: &AgentId, new: &NewRevision<'_>) -> Result<()> {
        let columns = FieldColumns::of(new.fields);
        // Null stands for "as before".
        let has_news = new.changed.is_none_or(|changed| changed.iter().any(|key| !FieldColumns::is_column(key)));
        query(
            "INSERT INTO agent_revisions
                 (agent_id, revision, author, message, at, published_version, current_version, name, model, governance, fields)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(agent.as_str())
        .bind(number(new.revision))
        .bind(new.author)
        .bind(new.message)
        .bind(new.at)
        .bind(new.published.map(|version| version.0))
        .bind(new.current.map(|version| version.0))
        .bind(columns.name)
        .bind(columns.model)
        .bind(columns.governance)
        .bind(has_news.then(|| rows::text(&columns.others)))
        .execute(self)
        .await?;
        Ok(())
    }

    async fn find_revision(&mut self, agent: &AgentId, revision: Revision) -> Result<Option<RevisionRow>> {
        let found = query(
            "SELECT r.name, r.model, r.governance, r.author, r.at, r.message, p.persona,
                 (SELECT f.fields FROM agent_revisions f
                  WHERE f.agent_id = r.agent_id AND f.revision <= r.revision AND f.fields IS NOT NULL
                  ORDER BY f.revision DESC LIMIT 1) AS fields
             FROM agent_revisions r
             LEFT JOIN persona_versions p ON p.agent_id = r.agent_id AND p.version = r.published_version
             WHERE r.agent_id = $1 AND r.revision = $2",
        )
        .bind(agent.as_str())
        .bind(number(revision))
        .fetch_optional(self)
        .await?;
        let Some(row) = found else { return Ok(None) };
        let of = agent.as_str();
        let definition = model::definition(&fields(&row, of)?, rows::json(&row, "persona", of)?.as_ref());
        Ok(Some(RevisionRow { revision, definition, changed: change(&row)? }))
    }

    async fn deployed_since(&mut self, agent: &AgentId, current: PersonaVersion) -> Result<Option<Change>> {
        let found = query(
            "SELECT author, at, message FROM agent_revisions
             WHERE agent_id = $1 AND revision > coalesce(
                 (SELECT max(revision) FROM agent_revisions WHERE agent_id = $1 AND current_version IS DISTINCT FROM $2), 0)
             ORDER BY revision LIMIT 1",
        )
        .bind(agent.as_str())
        .bind(current.0)
        .fetch_optional(self)
        .await?;
        found.as_ref().map(change).transpose()
    }

    async fn list_changes(&mut self, sequence: i64, limit: u32) -> Result<Vec<ChangeRow>> {
        let found = query(
            "SELECT r.sequence, r.agent_id, a.org_id, a.project_id, r.revision, r.author, r.at, r.message
             FROM agent_revisions r JOIN agents a ON a.id = r.agent_id
             WHERE r.sequence > $1 ORDER BY r.sequence LIMIT $2",
        )
        .bind(sequence)
        .bind(limit)
        .fetch_all(self)
        .await?;
        found
            .iter()
            .map(|row| {
                Ok(ChangeRow {
                    sequence: row.get("sequence")?,
                    agent_id: agent_id(row, "agent_id")?,
                    scope: Scope::of(row.get::<String>("org_id")?, row.get("project_id")?),
                    revision: revision_of(row, "revision")?,
                    changed: change(row)?,
                })
            })
            .collect()
    }

    async fn newest_sequence(&mut self) -> Result<i64> {
        let found = query("SELECT coalesce(max(sequence), 0) AS newest FROM agent_revisions").fetch_one(self).await?;
        Ok(found.get("newest")?)
    }
}
