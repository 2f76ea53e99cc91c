//! Reading persona versions.

use keepstep_base::AgentId;
use keepstep_base::PersonaVersion;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Row as _};

use crate::model::{Agent, Change, Persona, PersonaStatus, PersonaSummary, Scope};
use crate::{Result, Store, StoreError, Transaction, agents, rows};

/// Which persona versions to read, newest first.
#[derive(Debug, Clone, Copy)]
pub struct PersonaFilter {
    /// Only those of a status.
    pub status: Option<PersonaStatus>,
    /// Only those that are older than this one.
    pub before: Option<PersonaVersion>,
    /// How many at most.
    pub limit: u32,
}

impl Store {
    /// Returns persona versions without their texts, newest first.
    ///
    /// # Errors
    /// There is no such agent in the scope, or the database failed.
    pub async fn persona_summaries(&self, scope: &Scope, id: &AgentId, filter: PersonaFilter) -> Result<Vec<PersonaSummary>> {
        let mut reader = self.reader().await?;
        let agent = agents::read_agent(&mut reader, scope, id).await?;
        let rows = select(&mut reader, "version, status, digest, author, message, created_at", id, filter).await?;
        rows.iter().map(|row| summary(row, &agent)).collect()
    }

    /// Returns persona versions with their texts, newest first. `agent` tells which of them is the current one, so that
    /// several pages agree about it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn personas(&self, agent: &Agent, filter: PersonaFilter) -> Result<Vec<Persona>> {
        let mut reader = self.reader().await?;
        let columns = "version, status, digest, author, message, created_at, persona";
        let rows = select(&mut reader, columns, &agent.id, filter).await?;
        rows.iter().map(|row| persona(row, agent)).collect()
    }

    /// Returns a persona version.
    ///
    /// # Errors
    /// There is no such agent in the scope, no such version, or the database failed.
    pub async fn persona(&self, scope: &Scope, id: &AgentId, version: PersonaVersion) -> Result<Persona> {
        read_persona(&mut *self.reader().await?, scope, id, version).await
    }
}

impl Transaction {
    /// Returns a persona version as this transaction sees it.
    ///
    /// # Errors
    /// There is no such agent in the scope, no such version, or the database failed.
    pub async fn persona(&mut self, scope: &Scope, id: &AgentId, version: PersonaVersion) -> Result<Persona> {
        read_persona(self.connection(), scope, id, version).await
    }
}

async fn read_persona(
    connection: &mut SqliteConnection,
    scope: &Scope,
    id: &AgentId,
    version: PersonaVersion,
) -> Result<Persona> {
    let agent = agents::read_agent(connection, scope, id).await?;
    let row = sqlx::query(
        "SELECT version, status, digest, author, message, created_at, persona
         FROM persona_versions WHERE agent_id = ? AND version = ?",
    )
    .bind(id.as_str())
    .bind(version.0)
    .fetch_optional(connection)
    .await?
    .ok_or_else(|| StoreError::VersionNotFound { agent: id.clone(), version })?;
    persona(&row, &agent)
}

async fn select(
    connection: &mut SqliteConnection,
    columns: &'static str,
    id: &AgentId,
    filter: PersonaFilter,
) -> Result<Vec<SqliteRow>> {
    // Two statements, so that each is answered by one range of one index.
    let status = if filter.status.is_some() { "AND status = ?4" } else { "" };
    let query = sqlx::query(AssertSqlSafe(format!(
        "SELECT {columns} FROM persona_versions WHERE agent_id = ?1 AND version < ?2 {status} ORDER BY version DESC LIMIT ?3"
    )))
    .bind(id.as_str())
    .bind(filter.before.map_or(i64::MAX, |before| i64::from(before.0)))
    .bind(filter.limit);
    let query = match filter.status {
        Some(status) => query.bind(status.label()),
        None => query,
    };
    Ok(query.fetch_all(connection).await?)
}

fn persona(row: &SqliteRow, agent: &Agent) -> Result<Persona> {
    let persona = rows::json(row, "persona", agent.id.as_str())?.ok_or_else(|| rows::damaged("persona", agent.id.as_str()))?;
    Ok(Persona { summary: summary(row, agent)?, persona })
}

fn summary(row: &SqliteRow, agent: &Agent) -> Result<PersonaSummary> {
    let version = PersonaVersion(row.try_get("version")?);
    Ok(PersonaSummary {
        version,
        status: rows::status(row, "status", agent.id.as_str())?,
        is_current: agent.current == Some(version),
        digest: rows::digest(row, "digest", agent.id.as_str())?,
        created: Change { author: row.try_get("author")?, at: row.try_get("created_at")?, message: row.try_get("message")? },
    })
}
