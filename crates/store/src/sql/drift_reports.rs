//! The statements of reports of drift.

use keepstep_base::{AgentId, Digest};

use super::connection::Connection;
use super::query::query;
use super::row::Row;
use crate::drift_reports::{DriftReport, DriftReportRows};
use crate::model::Scope;
use crate::rows::Columns as _;
use crate::{Result, rows};

impl DriftReportRows for Connection {
    async fn reports_of(&mut self, scope: &Scope, agent: Option<&AgentId>) -> Result<Vec<(DriftReport, Option<Digest>)>> {
        let found = query(
            "SELECT d.agent_id, d.repository, d.branch, d.commit_id, d.fields, d.reported_by, d.reported_at, d.since, p.digest
             FROM agents a
             JOIN drift_reports d ON d.agent_id = a.id
             LEFT JOIN persona_versions p ON p.agent_id = a.id AND p.version = a.published_version
             WHERE a.org_id = $1 AND ($2 IS NULL OR replace($2, ' ' || a.project_id || ' ', '') <> $2) AND ($3 IS NULL OR a.id = $3)
             ORDER BY d.reported_at DESC, d.agent_id, d.repository, d.branch",
        )
        .bind(&scope.org_id)
        .bind(scope.listed_projects())
        .bind(agent.map(AgentId::as_str))
        .fetch_all(self)
        .await?;
        found.iter().map(|row| Ok((report(row)?, rows::digest(row, "digest", "a persona")?))).collect()
    }

    async fn find_report(&mut self, agent: &AgentId, repository: &str, branch: &str) -> Result<Option<DriftReport>> {
        let found = query(
            "SELECT agent_id, repository, branch, commit_id, fields, reported_by, reported_at, since
             FROM drift_reports WHERE agent_id = $1 AND repository = $2 AND branch = $3",
        )
        .bind(agent.as_str())
        .bind(repository)
        .bind(branch)
        .fetch_optional(self)
        .await?;
        found.as_ref().map(report).transpose()
    }

    async fn put_report(&mut self, new: &DriftReport) -> Result<()> {
        query(
            "INSERT INTO drift_reports (agent_id, repository, branch, commit_id, fields, reported_by, reported_at, since)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (agent_id, repository, branch) DO UPDATE
             SET commit_id = $4, fields = $5, reported_by = $6, reported_at = $7, since = $8",
        )
        .bind(new.agent_id.as_str())
        .bind(&new.repository)
        .bind(&new.branch)
        .bind(&new.commit)
        .bind(rows::text(&new.fields))
        .bind(&new.reported_by)
        .bind(new.reported_at)
        .bind(new.since)
        .execute(self)
        .await?;
        Ok(())
    }

    async fn keep_latest_reports(&mut self, agent: &AgentId, kept: u32) -> Result<()> {
        query(
            "DELETE FROM drift_reports WHERE agent_id = $1 AND reported_at < (
                 SELECT reported_at FROM drift_reports WHERE agent_id = $1
                 ORDER BY reported_at DESC LIMIT 1 OFFSET $2)",
        )
        .bind(agent.as_str())
        .bind(kept.saturating_sub(1))
        .execute(self)
        .await?;
        Ok(())
    }
}

fn report(row: &Row) -> Result<DriftReport> {
    let agent: String = row.get("agent_id")?;
    let fields = row.text("fields")?.unwrap_or_default();
    Ok(DriftReport {
        fields: serde_json::from_str(&fields).map_err(|_| rows::damaged("report of drift", &agent))?,
        agent_id: agent.parse().map_err(|_| rows::damaged("agent", &agent))?,
        repository: row.get("repository")?,
        branch: row.get("branch")?,
        commit: row.get("commit_id")?,
        reported_by: row.get("reported_by")?,
        reported_at: row.get("reported_at")?,
        since: row.get("since")?,
    })
}
