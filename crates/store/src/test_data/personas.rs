//! The users that a test plays.

use keepstep_base::Digest;
use serde_json::{Map, Value};

use super::deleted::Deleted;
use crate::model::Scope;
use crate::organizations::{check_name, require_project};
use crate::sql::connection::Connection;
use crate::sql::query::query;
use crate::sql::row::Row;
use crate::{Result, Store, StoreError, Transaction, rows};

/// Brings a deleted persona back.
const RESTORE: &str =
    "UPDATE test_personas SET name = deleted_name, deleted_name = NULL, deleted_at = NULL, deleted_by = NULL WHERE id = $1";

/// Somebody whom a test plays.
#[derive(Debug, Clone, PartialEq)]
pub struct TestPersona {
    /// Their id.
    pub id: String,
    /// Their name; no two of a project have the same.
    pub name: String,
    /// Everything else that is known: `description`, `difficulty`, …
    pub body: Map<String, Value>,
    /// True where somebody deleted it: it is no longer offered, and inputs and results that name it still know who it was.
    pub is_deleted: bool,
}

impl TestPersona {
    /// Returns the persona as one object.
    pub fn document(&self) -> Value {
        let mut document = Map::new();
        document.insert("id".to_owned(), Value::String(self.id.clone()));
        document.insert("name".to_owned(), Value::String(self.name.clone()));
        document.extend(self.body.iter().filter(|(key, _)| !matches!(key.as_str(), "id" | "name")).map(owned));
        Value::Object(document)
    }

    /// Returns what names this state of the persona.
    pub fn digest(&self) -> Digest {
        Digest::of_bytes(rows::text(&(&self.name, &self.body)).as_bytes())
    }
}

fn owned((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

impl Store {
    /// Returns the personas of a project in the order of their names, the deleted ones behind the others.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn test_personas(&self, scope: &Scope, project: &str) -> Result<Vec<TestPersona>> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        read_personas(&mut reader, project).await
    }

    /// Returns the deleted personas of a project, the last one first.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn deleted_test_personas(&self, scope: &Scope, project: &str) -> Result<Vec<Deleted>> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        let rows = query(
            "SELECT id, deleted_name, deleted_by, deleted_at FROM test_personas WHERE project_id = $1 AND deleted_at IS NOT NULL
             ORDER BY deleted_at DESC, id",
        )
        .bind(project)
        .fetch_all(&mut reader)
        .await?;
        rows.iter().map(Deleted::from_row).collect()
    }

    /// Returns a persona of a project that is not deleted.
    ///
    /// # Errors
    /// There is no such project in the scope, it has no such persona, or the database failed.
    pub async fn test_persona(&self, scope: &Scope, project: &str, id: &str) -> Result<TestPersona> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        read_persona(&mut reader, project, id).await
    }
}

impl Transaction {
    /// Makes a persona, or changes the one that has the name; one that was deleted is brought back, with its id. Bundles that are published
    /// already keep what they have.
    ///
    /// # Errors
    /// There is no such project in the scope, the name is not one, or the database failed.
    pub async fn put_test_persona(
        &mut self,
        scope: &Scope,
        project: &str,
        name: &str,
        body: &Map<String, Value>,
    ) -> Result<TestPersona> {
        require_project(self.connection(), scope, project).await?;
        let name = check_name(name)?;
        self.restore_persona_named(project, name).await?;
        let (new_id, now) = (self.surroundings.id("persona_")?, self.now);
        let kept = query(
            "INSERT INTO test_personas (id, project_id, name, body, created_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (project_id, name) DO UPDATE SET body = $4 RETURNING id",
        )
        .bind(new_id)
        .bind(project)
        .bind(name)
        .bind(rows::text(body))
        .bind(now)
        .fetch_one(self.connection())
        .await?;
        Ok(TestPersona { id: kept.get("id")?, name: name.to_owned(), body: body.clone(), is_deleted: false })
    }

    /// Makes a persona with a name that no other one has.
    ///
    /// # Errors
    /// There is no such project in the scope, the name is taken or not one, or the database failed.
    pub async fn add_test_persona(
        &mut self,
        scope: &Scope,
        project: &str,
        name: &str,
        body: &Map<String, Value>,
    ) -> Result<TestPersona> {
        require_project(self.connection(), scope, project).await?;
        self.check_persona_name(project, None, name).await?;
        self.put_test_persona(scope, project, name, body).await
    }

    /// Changes a persona, which keeps its id. Bundles that are published already keep what they have.
    ///
    /// # Errors
    /// There is no such persona in the scope, it is not what it was when somebody read it (`seen`), the name is taken or not one, or the
    /// database failed.
    pub async fn change_test_persona(
        &mut self,
        scope: &Scope,
        project: &str,
        changed: &TestPersona,
        seen: Option<&Digest>,
    ) -> Result<TestPersona> {
        require_project(self.connection(), scope, project).await?;
        let current = read_persona(self.connection(), project, &changed.id).await?;
        if seen.is_some_and(|seen| *seen != current.digest()) {
            return Err(StoreError::TestPersonaChanged);
        }
        let name = self.check_persona_name(project, Some(&changed.id), &changed.name).await?;
        query("UPDATE test_personas SET name = $3, body = $4 WHERE project_id = $1 AND id = $2")
            .bind(project)
            .bind(&changed.id)
            .bind(name)
            .bind(rows::text(&changed.body))
            .execute(self.connection())
            .await?;
        read_persona(self.connection(), project, &changed.id).await
    }

    /// Hides a persona: no input can be given to it any more. Inputs, bundle versions and results that name it keep it. Returns what it was.
    ///
    /// # Errors
    /// There is no such persona in the scope, it is not what it was when somebody read it (`seen`), or the database failed.
    pub async fn delete_test_persona(
        &mut self,
        scope: &Scope,
        project: &str,
        id: &str,
        seen: Option<&Digest>,
        by: &str,
    ) -> Result<TestPersona> {
        require_project(self.connection(), scope, project).await?;
        let current = read_persona(self.connection(), project, id).await?;
        if seen.is_some_and(|seen| *seen != current.digest()) {
            return Err(StoreError::TestPersonaChanged);
        }
        self.hide(
            "UPDATE test_personas SET deleted_name = name, name = $1, deleted_at = $2, deleted_by = $3 WHERE id = $4",
            id,
            by,
        )
        .await?;
        Ok(current)
    }

    /// Brings a deleted persona back.
    ///
    /// # Errors
    /// There is no such persona in the scope, its name is taken meanwhile, or the database failed.
    pub async fn restore_test_persona(&mut self, scope: &Scope, project: &str, id: &str) -> Result<TestPersona> {
        require_project(self.connection(), scope, project).await?;
        let all = read_personas(self.connection(), project).await?;
        let deleted = all.into_iter().find(|persona| persona.id == id && persona.is_deleted);
        let deleted = deleted.ok_or_else(|| StoreError::TestPersonaNotFound(id.to_owned()))?;
        self.check_persona_name(project, None, &deleted.name).await?;
        self.show(RESTORE, id).await?;
        Ok(TestPersona { is_deleted: false, ..deleted })
    }

    /// Brings the persona back that was deleted last under a name, where no other one has it now.
    async fn restore_persona_named(&mut self, project: &str, name: &str) -> Result<()> {
        let deleted = query(
            "SELECT id FROM test_personas WHERE project_id = $1 AND deleted_name = $2
             AND NOT EXISTS (SELECT 1 FROM test_personas t WHERE t.project_id = $1 AND t.name = $2)
             ORDER BY deleted_at DESC, id LIMIT 1",
        )
        .bind(project)
        .bind(name)
        .fetch_optional(self.connection())
        .await?;
        match deleted {
            Some(row) => self.show(RESTORE, &row.get::<String>("id")?).await,
            None => Ok(()),
        }
    }

    /// Returns a name that no other persona of the project has.
    async fn check_persona_name<'n>(&mut self, project: &str, id: Option<&str>, name: &'n str) -> Result<&'n str> {
        let name = check_name(name)?;
        let personas = read_personas(self.connection(), project).await?;
        if personas.iter().any(|known| !known.is_deleted && known.name == name && Some(known.id.as_str()) != id) {
            return Err(StoreError::NameTaken { what: "persona", name: name.to_owned() });
        }
        Ok(name)
    }
}

async fn read_persona(connection: &mut Connection, project: &str, id: &str) -> Result<TestPersona> {
    let personas = read_personas(connection, project).await?;
    personas
        .into_iter()
        .find(|persona| persona.id == id && !persona.is_deleted)
        .ok_or_else(|| StoreError::TestPersonaNotFound(id.to_owned()))
}

/// Returns the personas of a project in the order of their names, the deleted ones behind the others.
pub(super) async fn read_personas(connection: &mut Connection, project: &str) -> Result<Vec<TestPersona>> {
    let text = "SELECT id, coalesce(deleted_name, name) AS name, body, deleted_at IS NOT NULL AS is_deleted
        FROM test_personas WHERE project_id = $1 ORDER BY deleted_at IS NOT NULL, coalesce(deleted_name, name), id";
    let rows = query(text).bind(project).fetch_all(connection).await?;
    rows.iter().map(persona).collect()
}

fn persona(row: &Row) -> Result<TestPersona> {
    let id: String = row.get("id")?;
    Ok(TestPersona { name: row.get("name")?, body: rows::object(row, "body", &id)?, is_deleted: row.get("is_deleted")?, id })
}
