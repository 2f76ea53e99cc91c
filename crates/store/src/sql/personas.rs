//! The statements of persona versions.

use keepstep_base::{AgentId, Digest, PersonaVersion};
use serde_json::Value;

use super::connection::Connection;
use super::query::query;
use super::row::Row;
use crate::changes::NewPersona;
use crate::model::{Agent, Change, NewerDraft, Persona, PersonaStatus, PersonaSummary, Scope};
use crate::personas::{PersonaFilter, PersonaRows};
use crate::rows::Columns as _;
use crate::{Result, rows};

/// A page of the versions of an agent: with the columns that are named, of all or only of those of a status. Two statements, so that
/// each is answered by one range of one index.
macro_rules! page {
    ($columns:literal) => {
        concat!("SELECT ", $columns, " FROM persona_versions WHERE agent_id = $1 AND version < $2 ORDER BY version DESC LIMIT $3")
    };
    ($columns:literal of a status) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM persona_versions WHERE agent_id = $1 AND version < $2 AND status = $4 ORDER BY version DESC LIMIT $3"
        )
    };
}

impl PersonaRows for Connection {
    async fn list_summaries(&mut self, agent: &Agent, filter: PersonaFilter) -> Result<Vec<PersonaSummary>> {
        let found = match filter.status {
            None => page(self, page!("version, status, digest, author, message, created_at"), agent, filter).await?,
            Some(_) => {
                page(self, page!("version, status, digest, author, message, created_at" of a status), agent, filter).await?
            }
        };
        found.iter().map(|row| summary(row, agent)).collect()
    }

    async fn list_personas(&mut self, agent: &Agent, filter: PersonaFilter) -> Result<Vec<Persona>> {
        let found = match filter.status {
            None => page(self, page!("version, status, digest, author, message, created_at, persona"), agent, filter).await?,
            Some(_) => {
                page(self, page!("version, status, digest, author, message, created_at, persona" of a status), agent, filter)
                    .await?
            }
        };
        found.iter().map(|row| persona(row, agent)).collect()
    }

    async fn find_persona(&mut self, agent: &Agent, version: PersonaVersion) -> Result<Option<Persona>> {
        let found = query(
            "SELECT version, status, digest, author, message, created_at, persona
             FROM persona_versions WHERE agent_id = $1 AND version = $2",
        )
        .bind(agent.id.as_str())
        .bind(version.0)
        .fetch_optional(self)
        .await?;
        found.map(|row| persona(&row, agent)).transpose()
    }

    async fn status_of(&mut self, agent: &AgentId, version: PersonaVersion) -> Result<Option<PersonaStatus>> {
        let found = query("SELECT status FROM persona_versions WHERE agent_id = $1 AND version = $2")
            .bind(agent.as_str())
            .bind(version.0)
            .fetch_optional(self)
            .await?;
        found.map(|row| rows::status(&row, "status", agent.as_str())).transpose()
    }

    async fn text_of(&mut self, agent: &AgentId, version: PersonaVersion) -> Result<Value> {
        let found = query("SELECT persona FROM persona_versions WHERE agent_id = $1 AND version = $2")
            .bind(agent.as_str())
            .bind(version.0)
            .fetch_one(self)
            .await?;
        rows::json(&found, "persona", agent.as_str())?.ok_or_else(|| rows::damaged("persona", agent.as_str()))
    }

    async fn newest_draft(&mut self, agent: &AgentId) -> Result<Option<PersonaVersion>> {
        let found = query("SELECT max(version) AS newest FROM persona_versions WHERE agent_id = $1 AND status = 'draft'")
            .bind(agent.as_str())
            .fetch_one(self)
            .await?;
        rows::version(&found, "newest", agent.as_str())
    }

    async fn newer_drafts_of(&mut self, scope: &Scope) -> Result<Vec<NewerDraft>> {
        let found = query(
            "SELECT a.id, p.version, p.author, p.message, p.created_at
             FROM agents a JOIN persona_versions p ON p.agent_id = a.id AND p.version = a.draft_version
             WHERE a.org_id = $1 AND ($2 IS NULL OR replace($2, ' ' || a.project_id || ' ', '') <> $2)
               AND (a.published_version IS NULL OR a.draft_version > a.published_version)
             ORDER BY p.created_at, a.id",
        )
        .bind(&scope.org_id)
        .bind(scope.listed_projects())
        .fetch_all(self)
        .await?;
        let draft = |row: &Row| {
            let id: String = row.get("id")?;
            Ok(NewerDraft {
                version: rows::version(row, "version", &id)?.ok_or_else(|| rows::damaged("version", &id))?,
                created: change(row)?,
                agent_id: id.parse().map_err(|_| rows::damaged("agent", &id))?,
            })
        };
        found.iter().map(draft).collect()
    }

    async fn versions_saying(
        &mut self,
        scope: &Scope,
        wanted: &[(AgentId, Digest)],
    ) -> Result<Vec<(AgentId, Digest, PersonaVersion)>> {
        let found = of_pairs(self, self.dialect().versions_saying(), scope, rows::text(wanted)).await?;
        let version = |row: &Row| {
            let (id, version) = named(row)?;
            let digest = rows::digest(row, "digest", id.as_str())?.ok_or_else(|| rows::damaged("digest", id.as_str()))?;
            Ok((id, digest, version))
        };
        found.iter().map(version).collect()
    }

    async fn sizes_of(
        &mut self,
        scope: &Scope,
        wanted: &[(AgentId, PersonaVersion)],
    ) -> Result<Vec<(AgentId, PersonaVersion, u64)>> {
        let found = of_pairs(self, self.dialect().sizes_of_personas(), scope, rows::text(wanted)).await?;
        let size = |row: &Row| {
            let (id, version) = named(row)?;
            let bytes = row.integer("bytes")?.and_then(|bytes| u64::try_from(bytes).ok());
            Ok((id, version, bytes.unwrap_or_default()))
        };
        found.iter().map(size).collect()
    }

    async fn texts_of(
        &mut self,
        scope: &Scope,
        wanted: &[(AgentId, PersonaVersion)],
    ) -> Result<Vec<(AgentId, PersonaVersion, Value)>> {
        let found = of_pairs(self, self.dialect().texts_of_personas(), scope, rows::text(wanted)).await?;
        let text = |row: &Row| {
            let (id, version) = named(row)?;
            let persona = rows::json(row, "persona", id.as_str())?.ok_or_else(|| rows::damaged("persona", id.as_str()))?;
            Ok((id, version, persona))
        };
        found.iter().map(text).collect()
    }

    async fn insert_version(
        &mut self,
        agent: &AgentId,
        new: &NewPersona<'_>,
        author: Option<&str>,
        message: Option<&str>,
    ) -> Result<()> {
        query(
            "INSERT INTO persona_versions (agent_id, version, status, digest, author, message, created_at, persona)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(agent.as_str())
        .bind(new.version.0)
        .bind(new.status.label())
        .bind(new.digest.map(|digest| digest.to_string()))
        .bind(author)
        .bind(message)
        .bind(new.created_at)
        .bind(new.persona.to_string())
        .execute(self)
        .await?;
        Ok(())
    }

    async fn publish_version(&mut self, agent: &AgentId, version: PersonaVersion) -> Result<()> {
        query("UPDATE persona_versions SET status = 'published' WHERE agent_id = $1 AND version = $2")
            .bind(agent.as_str())
            .bind(version.0)
            .execute(self)
            .await?;
        Ok(())
    }
}

async fn page(connection: &mut Connection, text: &'static str, agent: &Agent, filter: PersonaFilter) -> Result<Vec<Row>> {
    let statement =
        query(text).bind(agent.id.as_str()).bind(filter.before.map_or(i64::MAX, |before| i64::from(before.0))).bind(filter.limit);
    let statement = match filter.status {
        Some(status) => statement.bind(status.label()),
        None => statement,
    };
    Ok(statement.fetch_all(connection).await?)
}

/// Asks for pairs of an agent and something, which are a JSON array of arrays.
async fn of_pairs(connection: &mut Connection, text: &'static str, scope: &Scope, pairs: String) -> Result<Vec<Row>> {
    let statement = query(text).bind(pairs).bind(&scope.org_id).bind(scope.listed_projects());
    Ok(statement.fetch_all(connection).await?)
}

/// Returns which version of which agent a row is about.
fn named(row: &Row) -> Result<(AgentId, PersonaVersion)> {
    let id: String = row.get("agent_id")?;
    let version = rows::version(row, "version", &id)?.ok_or_else(|| rows::damaged("version", &id))?;
    Ok((id.parse().map_err(|_| rows::damaged("agent", &id))?, version))
}

fn persona(row: &Row, agent: &Agent) -> Result<Persona> {
    let persona = rows::json(row, "persona", agent.id.as_str())?.ok_or_else(|| rows::damaged("persona", agent.id.as_str()))?;
    Ok(Persona { summary: summary(row, agent)?, persona })
}

fn summary(row: &Row, agent: &Agent) -> Result<PersonaSummary> {
    let of = agent.id.as_str();
    let version = rows::version(row, "version", of)?.ok_or_else(|| rows::damaged("version", of))?;
    Ok(PersonaSummary {
        version,
        status: rows::status(row, "status", of)?,
        is_current: agent.current == Some(version),
        digest: rows::digest(row, "digest", of)?,
        created: change(row)?,
    })
}

fn change(row: &Row) -> Result<Change> {
    Ok(Change { author: row.get("author")?, at: row.get("created_at")?, message: row.get("message")? })
}

#[cfg(test)]
mod tests {
    use sqlx::Row as _;

    use crate::Store;
    use crate::sql::dialect::Dialect;

    /// However many versions there are: the page with the diffs of many agents asks for them.
    #[tokio::test]
    async fn texts_of_many_agents_are_read_by_look_ups_only() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("k.db")).await.unwrap();
        let dialect = Dialect::Sqlite;
        for (sql, index) in [
            (dialect.versions_saying(), "persona_versions_by_digest (agent_id=? AND digest=?)"),
            (dialect.sizes_of_personas(), "sqlite_autoindex_persona_versions_1 (agent_id=? AND version=?)"),
            (dialect.texts_of_personas(), "sqlite_autoindex_persona_versions_1 (agent_id=? AND version=?)"),
        ] {
            let sql = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
            let rows = sqlx::query(sql).fetch_all(&mut *store.reader().await.unwrap()).await.unwrap();
            let steps: Vec<String> = rows.iter().map(|row| row.try_get("detail").unwrap()).collect();
            assert!(steps.iter().any(|step| step.starts_with("SEARCH p USING") && step.ends_with(index)), "{steps:#?}");
            assert!(!steps.iter().any(|step| step.starts_with("SCAN p") || step.starts_with("SCAN a")), "{steps:#?}");
        }
    }
}
