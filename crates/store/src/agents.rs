//! Agents: making, listing and reading them.

use keepstep_base::AgentId;
use keepstep_base::PersonaVersion;
use keepstep_base::Revision;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::model::{Agent, AgentState, Change, ChangeRow, Persona, PersonaStatus, PersonaSummary, RevisionRow, Scope};
use crate::{Result, Store, StoreError, Transaction, model, rows};

/// An agent to make.
#[derive(Debug, Clone)]
pub struct NewAgent<'a> {
    /// Who owns it. A scope with a project puts it into the project.
    pub scope: &'a Scope,
    /// Its name.
    pub name: &'a str,
    /// Who makes it.
    pub author: Option<&'a str>,
}

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
     WHERE a.id = ?"
);

impl Store {
    /// Returns the agents of a scope in the order of their names.
    ///
    /// # Errors
    /// The database failed.
    pub async fn agents(&self, scope: &Scope) -> Result<Vec<Agent>> {
        let rows = sqlx::query(concat!(
            "SELECT ",
            agent_columns!(),
            " FROM agents a JOIN agent_revisions r ON r.agent_id = a.id AND r.revision = a.revision
              WHERE a.org_id = ?1 AND (?2 IS NULL OR a.project_id = ?2) ORDER BY a.name, a.id"
        ))
        .bind(&scope.org_id)
        .bind(&scope.project_id)
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.iter().map(agent).collect()
    }

    /// Returns an agent.
    ///
    /// # Errors
    /// There is no such agent in the scope, or the database failed.
    pub async fn agent(&self, scope: &Scope, id: &AgentId) -> Result<Agent> {
        read_agent(&mut *self.reader().await?, scope, id).await
    }

    /// Returns true if there is an agent in the scope whose id begins with that and a `_`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn has_agent_of_base(&self, scope: &Scope, base: &str) -> Result<bool> {
        let found = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM agents
             WHERE id >= ?1 || '_' AND id < ?1 || '`' AND org_id = ?2 AND (?3 IS NULL OR project_id = ?3))",
        )
        .bind(base)
        .bind(&scope.org_id)
        .bind(&scope.project_id)
        .fetch_one(&mut *self.reader().await?)
        .await?;
        Ok(found)
    }

    /// Returns everything that a comparison needs to know about an agent.
    ///
    /// # Errors
    /// There is no such agent in the scope, or the database failed.
    pub async fn agent_state(&self, scope: &Scope, id: &AgentId) -> Result<AgentState> {
        read_state(&mut *self.reader().await?, scope, id).await
    }

    /// Returns an agent as it was at a revision.
    ///
    /// # Errors
    /// There is no such agent in the scope, no such revision, or the database failed.
    pub async fn revision(&self, scope: &Scope, id: &AgentId, revision: Revision) -> Result<RevisionRow> {
        let mut reader = self.reader().await?;
        require(&mut reader, scope, id).await?;
        let row = sqlx::query(
            "SELECT r.name, r.model, r.governance, r.author, r.at, r.message, p.persona
             FROM agent_revisions r
             LEFT JOIN persona_versions p ON p.agent_id = r.agent_id AND p.version = r.published_version
             WHERE r.agent_id = ? AND r.revision = ?",
        )
        .bind(id.as_str())
        .bind(number(revision))
        .fetch_optional(&mut *reader)
        .await?
        .ok_or_else(|| StoreError::RevisionNotFound { agent: id.clone(), revision })?;
        let of = id.as_str();
        let definition = model::definition(
            row.try_get::<Option<String>, _>("name")?.as_ref(),
            rows::json(&row, "persona", of)?.as_ref(),
            rows::json(&row, "model", of)?.as_ref(),
            rows::json(&row, "governance", of)?.as_ref(),
        );
        Ok(RevisionRow { revision, definition, changed: change(&row)? })
    }

    /// Returns up to `limit` changes of any agent after the one of that sequence number, oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn changes_after(&self, sequence: i64, limit: u32) -> Result<Vec<ChangeRow>> {
        let rows = sqlx::query(
            "SELECT r.sequence, r.agent_id, a.org_id, a.project_id, r.revision, r.author, r.at, r.message
             FROM agent_revisions r JOIN agents a ON a.id = r.agent_id
             WHERE r.sequence > ? ORDER BY r.sequence LIMIT ?",
        )
        .bind(sequence)
        .bind(limit)
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(ChangeRow {
                    sequence: row.try_get("sequence")?,
                    agent_id: agent_id(row, "agent_id")?,
                    scope: Scope { org_id: row.try_get("org_id")?, project_id: row.try_get("project_id")? },
                    revision: revision(row, "revision")?,
                    changed: change(row)?,
                })
            })
            .collect()
    }

    /// Returns the sequence number of the newest change, 0 if there is none.
    ///
    /// # Errors
    /// The database failed.
    pub async fn newest_change(&self) -> Result<i64> {
        let newest = sqlx::query_scalar("SELECT coalesce(max(sequence), 0) FROM agent_revisions")
            .fetch_one(&mut *self.reader().await?)
            .await?;
        Ok(newest)
    }
}

impl Transaction {
    /// Makes an agent with a name and nothing else, at revision 1.
    ///
    /// # Errors
    /// The database failed.
    pub async fn create_agent(&mut self, new: NewAgent<'_>) -> Result<AgentState> {
        // The lua dialect takes an id apart at its first `_`; what stands before must be this agent's alone, because
        // the first part is all that some of the dialect's paths name.
        let random = data_encoding::HEXLOWER.encode(&self.surroundings.random::<12>()?);
        let id: AgentId = format!("base{random}_agent").parse().map_err(|_| rows::damaged("id", "a new agent"))?;
        let now = self.now;
        sqlx::query("INSERT INTO agents (id, org_id, project_id, revision, created_at, name) VALUES (?, ?, ?, 1, ?, ?)")
            .bind(id.as_str())
            .bind(&new.scope.org_id)
            .bind(&new.scope.project_id)
            .bind(now)
            .bind(new.name)
            .execute(self.connection())
            .await?;
        sqlx::query("INSERT INTO agent_revisions (agent_id, revision, author, at, name, fields) VALUES (?, 1, ?, ?, ?, '{}')")
            .bind(id.as_str())
            .bind(new.author)
            .bind(now)
            .bind(new.name)
            .execute(self.connection())
            .await?;
        self.agent_state(new.scope, &id).await
    }

    /// Returns an agent as this transaction sees it.
    ///
    /// # Errors
    /// There is no such agent in the scope, or the database failed.
    pub async fn agent(&mut self, scope: &Scope, id: &AgentId) -> Result<Agent> {
        read_agent(self.connection(), scope, id).await
    }

    /// Returns the state of an agent as this transaction sees it.
    ///
    /// # Errors
    /// There is no such agent in the scope, or the database failed.
    pub async fn agent_state(&mut self, scope: &Scope, id: &AgentId) -> Result<AgentState> {
        read_state(self.connection(), scope, id).await
    }
}

/// Fails if the agent is not there or not in the scope.
pub(crate) async fn require(connection: &mut SqliteConnection, scope: &Scope, id: &AgentId) -> Result<()> {
    let row =
        sqlx::query("SELECT org_id, project_id FROM agents WHERE id = ?").bind(id.as_str()).fetch_optional(connection).await?;
    if let Some(row) = row
        && scope.covers(row.try_get("org_id")?, row.try_get("project_id")?)
    {
        return Ok(());
    }
    Err(StoreError::AgentNotFound(id.clone()))
}

pub(crate) async fn read_agent(connection: &mut SqliteConnection, scope: &Scope, id: &AgentId) -> Result<Agent> {
    let row = sqlx::query(concat!(
        "SELECT ",
        agent_columns!(),
        " FROM agents a JOIN agent_revisions r ON r.agent_id = a.id AND r.revision = a.revision WHERE a.id = ?"
    ))
    .bind(id.as_str())
    .fetch_optional(connection)
    .await?;
    let agent = row.as_ref().map(agent).transpose()?;
    agent
        .filter(|agent| scope.covers(&agent.org_id, agent.project_id.as_deref()))
        .ok_or_else(|| StoreError::AgentNotFound(id.clone()))
}

async fn read_state(connection: &mut SqliteConnection, scope: &Scope, id: &AgentId) -> Result<AgentState> {
    let row = sqlx::query(STATE)
        .bind(id.as_str())
        .fetch_optional(&mut *connection)
        .await?
        .ok_or_else(|| StoreError::AgentNotFound(id.clone()))?;
    let agent = agent(&row)?;
    if !scope.covers(&agent.org_id, agent.project_id.as_deref()) {
        return Err(StoreError::AgentNotFound(id.clone()));
    }
    let of = id.as_str();
    let published = agent
        .published
        .map(|version| -> Result<Persona> {
            let created =
                Change { author: row.try_get("p_author")?, at: row.try_get("p_at")?, message: row.try_get("p_message")? };
            let summary = PersonaSummary {
                version,
                status: PersonaStatus::Published,
                is_current: agent.current == Some(version),
                digest: rows::digest(&row, "p_digest", of)?,
                created,
            };
            let persona = rows::json(&row, "p_persona", of)?.ok_or_else(|| rows::damaged("persona", of))?;
            Ok(Persona { summary, persona })
        })
        .transpose()?;
    let current = agent
        .current
        .map(|version| -> Result<PersonaSummary> {
            let created =
                Change { author: row.try_get("c_author")?, at: row.try_get("c_at")?, message: row.try_get("c_message")? };
            let digest = rows::digest(&row, "c_digest", of)?;
            Ok(PersonaSummary { version, status: PersonaStatus::Published, is_current: true, digest, created })
        })
        .transpose()?;
    let newest_draft = agent
        .draft
        .filter(|draft| agent.published.is_none_or(|published| *draft > published))
        .map(|version| -> Result<PersonaSummary> {
            let created =
                Change { author: row.try_get("d_author")?, at: row.try_get("d_at")?, message: row.try_get("d_message")? };
            let digest = rows::digest(&row, "d_digest", of)?;
            Ok(PersonaSummary { version, status: PersonaStatus::Draft, is_current: false, digest, created })
        })
        .transpose()?;
    let deployed = match agent.current {
        Some(current) if agent.published != Some(current) => deployed(connection, id, current).await?,
        _ => None,
    };
    Ok(AgentState { agent, published, current, newest_draft, deployed })
}

/// Returns the change since which a version is in production.
async fn deployed(connection: &mut SqliteConnection, id: &AgentId, current: PersonaVersion) -> Result<Option<Change>> {
    let row = sqlx::query(
        "SELECT author, at, message FROM agent_revisions
         WHERE agent_id = ?1 AND revision > COALESCE(
             (SELECT MAX(revision) FROM agent_revisions WHERE agent_id = ?1 AND current_version IS NOT ?2), 0)
         ORDER BY revision LIMIT 1",
    )
    .bind(id.as_str())
    .bind(i64::from(current.0))
    .fetch_optional(connection)
    .await?;
    row.map(|row| change(&row)).transpose()
}

fn agent(row: &SqliteRow) -> Result<Agent> {
    let id = agent_id(row, "id")?;
    let of = id.as_str();
    Ok(Agent {
        org_id: row.try_get("org_id")?,
        project_id: row.try_get("project_id")?,
        revision: revision(row, "revision")?,
        name: row.try_get("name")?,
        model: rows::json(row, "model", of)?,
        governance: rows::json(row, "governance", of)?,
        others: rows::object(row, "fields", of)?,
        published: rows::version(row, "published_version")?,
        current: rows::version(row, "current_version")?,
        draft: rows::version(row, "draft_version")?,
        changed: change(row)?,
        id,
    })
}

fn agent_id(row: &SqliteRow, column: &str) -> Result<AgentId> {
    let id: &str = row.try_get(column)?;
    id.parse().map_err(|_| rows::damaged("id", id))
}

fn revision(row: &SqliteRow, column: &str) -> Result<Revision> {
    let revision: i64 = row.try_get(column)?;
    Ok(Revision(revision.unsigned_abs()))
}

/// Returns a revision as the database has it; one that no database can have matches none there.
pub(crate) fn number(revision: Revision) -> i64 {
    i64::try_from(revision.0).unwrap_or(i64::MAX)
}

fn change(row: &SqliteRow) -> Result<Change> {
    Ok(Change { author: row.try_get("author")?, at: row.try_get("at")?, message: row.try_get("message")? })
}

#[cfg(test)]
mod tests {
    use super::*;

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
