//! The users that a test plays.

use keepstep_base::Digest;
use serde_json::{Map, Value};

use crate::model::Scope;
use crate::organizations::{check_name, require_project};
use crate::sql::connection::Connection;
use crate::sql::query::query;
use crate::sql::row::Row;
use crate::{Result, Store, StoreError, Transaction, rows};

/// Somebody whom a test plays.
#[derive(Debug, Clone, PartialEq)]
pub struct TestPersona {
    /// Their id.
    pub id: String,
    /// Their name; no two of a project have the same.
    pub name: String,
    /// Everything else that is known: `description`, `difficulty`, …
    pub body: Map<String, Value>,
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
    /// Returns the personas of a project in the order of their names.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn test_personas(&self, scope: &Scope, project: &str) -> Result<Vec<TestPersona>> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        read_personas(&mut reader, project).await
    }

    /// Returns a persona of a project.
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
    /// Makes a persona, or changes the one that has the name. Bundles that are published already keep what they have.
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
        Ok(TestPersona { id: kept.get("id")?, name: name.to_owned(), body: body.clone() })
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

    /// Returns a name that no other persona of the project has.
    async fn check_persona_name<'n>(&mut self, project: &str, id: Option<&str>, name: &'n str) -> Result<&'n str> {
        let name = check_name(name)?;
        let personas = read_personas(self.connection(), project).await?;
        if personas.iter().any(|known| known.name == name && Some(known.id.as_str()) != id) {
            return Err(StoreError::NameTaken { what: "persona", name: name.to_owned() });
        }
        Ok(name)
    }
}

async fn read_persona(connection: &mut Connection, project: &str, id: &str) -> Result<TestPersona> {
    let personas = read_personas(connection, project).await?;
    personas.into_iter().find(|persona| persona.id == id).ok_or_else(|| StoreError::TestPersonaNotFound(id.to_owned()))
}

pub(super) async fn read_personas(connection: &mut Connection, project: &str) -> Result<Vec<TestPersona>> {
    let rows = query("SELECT id, name, body FROM test_personas WHERE project_id = $1 ORDER BY name")
        .bind(project)
        .fetch_all(connection)
        .await?;
    rows.iter().map(persona).collect()
}

fn persona(row: &Row) -> Result<TestPersona> {
    let id: String = row.get("id")?;
    Ok(TestPersona { name: row.get("name")?, body: rows::object(row, "body", &id)?, id })
}
