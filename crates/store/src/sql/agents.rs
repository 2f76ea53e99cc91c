//! The statements of agents.

use keepstep_base::AgentId;
use keepstep_base::Revision;
use serde_json::{Map, Value};

use super::connection::Connection;
use super::query::query;
use super::row::Row;
use crate::agents::{AgentRows, NewAgent};
use crate::changes::ChangeRows as _;
use crate::model::{Agent, AgentState, Change, Persona, PersonaStatus, PersonaSummary, Scope};
use crate::rows::Columns as _;
use crate::{Result, rows};

/// The columns of an agent and its last change.
macro_rules! agent_columns {
    () => {
        "a.id, a.org_id, a.project_id, a.revision, a.name, a.model, a.governance, a.fields,
         a.published_version, a.current_version, a.draft_version, r.author, r.at, r.message"
    };
}

/// Everything of a state by five look-ups, however many agents and versions there are.
const STATE: &str = concat!(
    "SELECT ",
    agent_columns!(),
    ", p.digest AS p_digest, p.author AS p_author, p.message AS p_message, p.created_at AS p_at,
       p.persona AS p_persona,
       c.digest AS c_digest, c.author AS c_author, c.message AS c_message, c.created_at AS c_at,
       d.digest AS d_digest, d.author AS d_author, d.message AS d_message, d.created_at AS d_at
     FROM agents a
     JOIN agent_revisions r ON r.agent_id = a.id AND r.revision = a.revision
     LEFT JOIN persona_versions p ON p.agent_id = a.id AND p.version = a.published_version
     LEFT JOIN persona_versions c ON c.agent_id = a.id AND c.version = a.current_version
     LEFT JOIN persona_versions d ON d.agent_id = a.id AND d.version = a.draft_version
     WHERE a.id = $1"
);

impl AgentRows for Connection {
    async fn agents_of(&mut self, scope: &Scope) -> Result<Vec<Agent>> {
        let found = query(concat!(
            "SELECT ",
            agent_columns!(),
            " FROM agents a JOIN agent_revisions r ON r.agent_id = a.id AND r.revision = a.revision
              WHERE a.org_id = $1 AND ($2 IS NULL OR replace($2, ' ' || a.project_id || ' ', '') <> $2) ORDER BY a.name, a.id"
        ))
        .bind(&scope.org_id)
        .bind(scope.listed_projects())
        .fetch_all(self)
        .await?;
        found.iter().map(agent).collect()
    }

    async fn is_base_of_any(&mut self, scope: &Scope, base: &str) -> Result<bool> {
        let found = query(
            "SELECT EXISTS (SELECT 1 FROM agents
             WHERE id >= $1 || '_' AND id < $1 || '`' AND org_id = $2 AND ($3 IS NULL OR replace($3, ' ' || project_id || ' ', '') <> $3)) AS is_any",
        )
        .bind(base)
        .bind(&scope.org_id)
        .bind(scope.listed_projects())
        .fetch_one(self)
        .await?;
        Ok(found.get("is_any")?)
    }

    async fn owner_of(&mut self, id: &AgentId) -> Result<Option<Scope>> {
        let found = query("SELECT org_id, project_id FROM agents WHERE id = $1").bind(id.as_str()).fetch_optional(self).await?;
        found.map(|row| Ok(Scope::of(row.get::<String>("org_id")?, row.get("project_id")?))).transpose()
    }

    async fn find_agent(&mut self, id: &AgentId) -> Result<Option<Agent>> {
        let found = query(concat!(
            "SELECT ",
            agent_columns!(),
            " FROM agents a JOIN agent_revisions r ON r.agent_id = a.id AND r.revision = a.revision WHERE a.id = $1"
        ))
        .bind(id.as_str())
        .fetch_optional(self)
        .await?;
        found.as_ref().map(agent).transpose()
    }

    async fn find_state(&mut self, id: &AgentId) -> Result<Option<AgentState>> {
        match query(STATE).bind(id.as_str()).fetch_optional(self).await? {
            Some(row) => state(self, &row, id).await.map(Some),
            None => Ok(None),
        }
    }

    async fn insert_agent(&mut self, id: &AgentId, new: &NewAgent<'_>, at: i64) -> Result<()> {
        query("INSERT INTO agents (id, org_id, project_id, revision, created_at, name) VALUES ($1, $2, $3, 1, $4, $5)")
            .bind(id.as_str())
            .bind(&new.scope.org_id)
            .bind(new.scope.only_project())
            .bind(at)
            .bind(new.name)
            .execute(self)
            .await?;
        Ok(())
    }
}

async fn state(connection: &mut Connection, row: &Row, id: &AgentId) -> Result<AgentState> {
    let (agent, of) = (agent(row)?, id.as_str());
    let published = agent
        .published
        .map(|version| -> Result<Persona> {
            let created = Change { author: row.get("p_author")?, at: row.get("p_at")?, message: row.get("p_message")? };
            let summary = PersonaSummary {
                version,
                status: PersonaStatus::Published,
                is_current: agent.current == Some(version),
                digest: rows::digest(row, "p_digest", of)?,
                created,
            };
            let persona = rows::json(row, "p_persona", of)?.ok_or_else(|| rows::damaged("persona", of))?;
            Ok(Persona { summary, persona })
        })
        .transpose()?;
    let current = agent
        .current
        .map(|version| -> Result<PersonaSummary> {
            let created = Change { author: row.get("c_author")?, at: row.get("c_at")?, message: row.get("c_message")? };
            let digest = rows::digest(row, "c_digest", of)?;
            Ok(PersonaSummary { version, status: PersonaStatus::Published, is_current: true, digest, created })
        })
        .transpose()?;
    let newest_draft = agent
        .draft
        .filter(|draft| agent.published.is_none_or(|published| *draft > published))
        .map(|version| -> Result<PersonaSummary> {
            let created = Change { author: row.get("d_author")?, at: row.get("d_at")?, message: row.get("d_message")? };
            let digest = rows::digest(row, "d_digest", of)?;
            Ok(PersonaSummary { version, status: PersonaStatus::Draft, is_current: false, digest, created })
        })
        .transpose()?;
    let deployed = match agent.current {
        Some(current) if agent.published != Some(current) => connection.deployed_since(id, current).await?,
        _ => None,
    };
    Ok(AgentState { agent, published, current, newest_draft, deployed })
}

fn agent(row: &Row) -> Result<Agent> {
    let id = agent_id(row, "id")?;
    let of = id.as_str();
    Ok(Agent {
        org_id: row.get("org_id")?,
        project_id: row.get("project_id")?,
        revision: revision(row, "revision")?,
        fields: fields(row, of)?,
        published: rows::version(row, "published_version", of)?,
        current: rows::version(row, "current_version", of)?,
        draft: rows::version(row, "draft_version", of)?,
        changed: change(row)?,
        id,
    })
}

/// The fields that have a column of their own, and all others.
pub(super) struct FieldColumns {
    pub(super) name: Option<String>,
    pub(super) model: Option<String>,
    pub(super) governance: Option<String>,
    pub(super) others: Map<String, Value>,
}

impl FieldColumns {
    const NAMES: [&str; 3] = ["name", "model", "governance"];

    pub(super) fn is_column(key: &str) -> bool {
        Self::NAMES.contains(&key)
    }

    pub(super) fn of(fields: &Map<String, Value>) -> Self {
        let mut others = fields.clone();
        let [name, model, governance] = Self::NAMES.map(|column| others.shift_remove(column));
        // A name is compared and ordered as the text that it is, not as JSON.
        let name = name.and_then(|name| name.as_str().map(str::to_owned));
        let [model, governance] = [model, governance].map(|value| value.as_ref().map(Value::to_string));
        Self { name, model, governance, others }
    }
}

/// Returns all fields of an agent but the persona.
pub(super) fn fields(row: &Row, of: &str) -> Result<Map<String, Value>> {
    let name = row.get::<Option<String>>("name")?.map(Value::String);
    let columns = [name, rows::json(row, "model", of)?, rows::json(row, "governance", of)?];
    let mut fields: Map<String, Value> =
        FieldColumns::NAMES.into_iter().zip(columns).filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
    fields.extend(rows::object(row, "fields", of)?);
    Ok(fields)
}

pub(super) fn agent_id(row: &Row, column: &str) -> Result<AgentId> {
    let id = row.text(column)?.unwrap_or_default();
    id.parse().map_err(|_| rows::damaged("id", &id))
}

pub(super) fn revision(row: &Row, column: &str) -> Result<Revision> {
    Ok(Revision(row.get::<i64>(column)?.unsigned_abs()))
}

/// Returns a revision as the database has it; one that no database can have matches none there.
pub(super) fn number(revision: Revision) -> i64 {
    i64::try_from(revision.0).unwrap_or(i64::MAX)
}

pub(super) fn change(row: &Row) -> Result<Change> {
    Ok(Change { author: row.get("author")?, at: row.get("at")?, message: row.get("message")? })
}

#[cfg(test)]
mod tests {
    use sqlx::Row as _;

    use super::*;
    use crate::Store;

    /// Returns the steps by which SQLite answers a query.
    async fn plan(store: &Store, sql: &'static str) -> String {
        let sql = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let rows = sqlx::query(sql).fetch_all(&mut *store.reader().await.unwrap()).await.unwrap();
        let steps: Vec<String> = rows.iter().map(|row| row.try_get("detail").unwrap()).collect();
        steps.join("\n")
    }

    #[tokio::test]
    async fn a_state_is_read_by_look_ups_only() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("k.db")).await.unwrap();
        insta::assert_snapshot!(plan(&store, STATE).await, @"
    SEARCH a USING INDEX sqlite_autoindex_agents_1 (id=?)
    SEARCH r USING INDEX sqlite_autoindex_agent_revisions_1 (agent_id=? AND revision=?)
    SEARCH p USING INDEX sqlite_autoindex_persona_versions_1 (agent_id=? AND version=?) LEFT-JOIN
    SEARCH c USING INDEX sqlite_autoindex_persona_versions_1 (agent_id=? AND version=?) LEFT-JOIN
    SEARCH d USING INDEX sqlite_autoindex_persona_versions_1 (agent_id=? AND version=?) LEFT-JOIN
    ");
    }
}
