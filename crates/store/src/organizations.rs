//! Organizations, projects and settings.

use keepstep_base::AgentId;
use serde_json::{Map, Value};

use crate::model::{Organization, Project, Scope};
use crate::rows::Columns as _;
use crate::sql::connection::Connection;
use crate::sql::query::query;
use crate::sql::row::Row;
use crate::{Result, Store, StoreError, Transaction};

/// The name of the organization that is made where none was named.
const DEFAULT_NAME: &str = "Default";

/// The columns of a project.
macro_rules! select {
    () => {
        "SELECT id, org_id, name, description, settings, agent_id, created_at FROM projects"
    };
}

/// What to change of a project; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ProjectPatch {
    /// Another name.
    pub name: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Another agent that it tests, or none.
    pub agent: Option<Option<AgentId>>,
}

impl Store {
    /// Returns the organizations, oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn organizations(&self) -> Result<Vec<Organization>> {
        let rows =
            query("SELECT id, name FROM organisations ORDER BY created_at, rowid").fetch_all(&mut *self.reader().await?).await?;
        rows.iter().map(organization).collect()
    }

    /// Returns the projects of an organization in the order of their names.
    ///
    /// # Errors
    /// The database failed.
    pub async fn projects(&self, org_id: &str) -> Result<Vec<Project>> {
        let rows = query(concat!(select!(), " WHERE org_id = $1 AND deleted_at IS NULL ORDER BY name"))
            .bind(org_id)
            .fetch_all(&mut *self.reader().await?)
            .await?;
        rows.iter().map(project).collect()
    }

    /// Returns the projects of a scope in the order of their names.
    ///
    /// # Errors
    /// The database failed.
    pub async fn projects_in(&self, scope: &Scope) -> Result<Vec<Project>> {
        let mut projects = self.projects(&scope.org_id).await?;
        projects.retain(|project| scope.covers(&project.org_id, Some(&project.id)));
        Ok(projects)
    }

    /// Returns a project.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn project(&self, scope: &Scope, id: &str) -> Result<Project> {
        require_project(&mut *self.reader().await?, scope, id).await
    }

    /// Returns an organization.
    ///
    /// # Errors
    /// There is no such organization, or the database failed.
    pub async fn organization(&self, id: &str) -> Result<Organization> {
        let row =
            query("SELECT id, name FROM organisations WHERE id = $1").bind(id).fetch_optional(&mut *self.reader().await?).await?;
        row.as_ref().map_or_else(|| Err(StoreError::OrganizationNotFound(id.to_owned())), organization)
    }

    /// Returns a setting.
    ///
    /// # Errors
    /// The database failed.
    pub async fn setting(&self, key: &str) -> Result<Option<String>> {
        let found =
            query("SELECT value FROM settings WHERE key = $1").bind(key).fetch_optional(&mut *self.reader().await?).await?;
        Ok(found.map(|row| row.get("value")).transpose()?)
    }
}

impl Transaction {
    /// Returns the organization of that name, made if there is none; without a name the oldest one.
    ///
    /// # Errors
    /// The name is not one, or the database failed.
    pub async fn ensure_organization(&mut self, name: Option<&str>) -> Result<Organization> {
        let row = match name {
            Some(name) => {
                query("SELECT id, name FROM organisations WHERE name = $1")
                    .bind(check_name(name)?)
                    .fetch_optional(self.connection())
                    .await?
            }
            None => {
                query("SELECT id, name FROM organisations ORDER BY created_at, rowid LIMIT 1")
                    .fetch_optional(self.connection())
                    .await?
            }
        };
        if let Some(row) = row {
            return organization(&row);
        }
        let id = self.surroundings.id("org_")?;
        let name = name.unwrap_or(DEFAULT_NAME).trim().to_owned();
        let now = self.now;
        query("INSERT INTO organisations (id, name, created_at) VALUES ($1, $2, $3)")
            .bind(&id)
            .bind(&name)
            .bind(now)
            .execute(self.connection())
            .await?;
        Ok(Organization { id, name })
    }

    /// Makes a project.
    ///
    /// # Errors
    /// The organization has a project of that name, the name is not one, or the database failed.
    pub async fn create_project(&mut self, org_id: &str, name: &str) -> Result<Project> {
        let name = check_name(name)?.to_owned();
        let id = self.surroundings.id("project_")?;
        let now = self.now;
        // Not by an error of the database: after one, PostgreSQL takes no more statements of the transaction.
        let added = query(
            "INSERT INTO projects (id, org_id, name, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (org_id, name) DO NOTHING",
        )
        .bind(&id)
        .bind(org_id)
        .bind(&name)
        .bind(now)
        .execute(self.connection())
        .await?;
        if added == 0 {
            return Err(StoreError::NameTaken { what: "project", name });
        }
        let (description, settings) = (String::new(), Map::new());
        Ok(Project { id, org_id: org_id.to_owned(), name, description, settings, agent: None, created_at: now })
    }

    /// Changes a project. The agent has to be in the scope, unless it is the one that the project tests already.
    ///
    /// # Errors
    /// There is no such project or agent in the scope, the new name is taken or not one, or the database failed.
    pub async fn change_project(&mut self, scope: &Scope, id: &str, patch: ProjectPatch) -> Result<Project> {
        let mut project = require_project(self.connection(), scope, id).await?;
        if let Some(name) = &patch.name {
            project.name = check_name(name)?.to_owned();
            let named = query("SELECT id FROM projects WHERE org_id = $1 AND name = $2 AND id <> $3")
                .bind(&project.org_id)
                .bind(&project.name)
                .bind(id)
                .fetch_optional(self.connection())
                .await?;
            if named.is_some() {
                return Err(StoreError::NameTaken { what: "project", name: project.name });
            }
        }
        project.description = patch.description.unwrap_or(project.description);
        if let Some(agent) = patch.agent.filter(|agent| *agent != project.agent) {
            if let Some(agent) = &agent {
                self.agent(scope, agent).await?;
            }
            project.agent = agent;
        }
        query("UPDATE projects SET name = $1, description = $2, agent_id = $3 WHERE id = $4")
            .bind(&project.name)
            .bind(&project.description)
            .bind(project.agent.as_ref().map(AgentId::as_str))
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(project)
    }

    /// Says what a project is about.
    ///
    /// # Errors
    /// There is no such project, or the database failed.
    pub async fn describe_project(&mut self, id: &str, description: &str) -> Result<Project> {
        query("UPDATE projects SET description = $1 WHERE id = $2").bind(description).bind(id).execute(self.connection()).await?;
        self.project(id).await
    }

    /// Replaces what is set for a project.
    ///
    /// # Errors
    /// The settings are too large, there is no such project, or the database failed.
    pub async fn set_project_settings(&mut self, id: &str, settings: &Map<String, Value>) -> Result<Project> {
        const LARGEST: usize = 16 * 1024;
        let text = Value::from(settings.clone()).to_string();
        if text.len() > LARGEST {
            return Err(StoreError::SettingsTooLarge { limit: LARGEST });
        }
        query("UPDATE projects SET settings = $1 WHERE id = $2").bind(text).bind(id).execute(self.connection()).await?;
        self.project(id).await
    }

    /// Returns a project.
    ///
    /// # Errors
    /// There is none of that id, or the database failed.
    pub async fn project(&mut self, id: &str) -> Result<Project> {
        read_project(self.connection(), id).await
    }

    /// Sets a setting.
    ///
    /// # Errors
    /// The database failed.
    pub async fn set_setting(&mut self, key: &str, value: &str) -> Result<()> {
        query("INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = $2")
            .bind(key)
            .bind(value)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

/// Returns the name of an organization, a project, a key or a person without outer white space, if it is one: it
/// stands in lists, logs and terminals.
///
/// # Errors
/// It is none.
pub fn check_name(name: &str) -> Result<&str> {
    const LONGEST: usize = 200;
    let name = name.trim();
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.len() > LONGEST {
        "it is longer than 200 bytes"
    } else if name.chars().any(char::is_control) {
        "it holds control characters"
    } else if name.contains("[/") {
        // The peers print names as markup, and this would be the end of something that never began: they crash.
        "it holds `[/`, which the command lines of other makers cannot print"
    } else {
        return Ok(name);
    };
    Err(StoreError::InvalidName { name: name.chars().take(80).collect(), reason })
}

fn organization(row: &Row) -> Result<Organization> {
    Ok(Organization { id: row.get("id")?, name: row.get("name")? })
}

/// Returns a project, if it is in a scope.
pub(crate) async fn require_project(connection: &mut Connection, scope: &Scope, id: &str) -> Result<Project> {
    let project = read_project(connection, id).await?;
    if scope.covers(&project.org_id, Some(&project.id)) { Ok(project) } else { Err(StoreError::ProjectNotFound(id.to_owned())) }
}

async fn read_project(connection: &mut Connection, id: &str) -> Result<Project> {
    let row = query(concat!(select!(), " WHERE id = $1 AND deleted_at IS NULL")).bind(id).fetch_optional(connection).await?;
    row.as_ref().map_or_else(|| Err(StoreError::ProjectNotFound(id.to_owned())), project)
}

fn project(row: &Row) -> Result<Project> {
    Ok(Project {
        id: row.get("id")?,
        org_id: row.get("org_id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        settings: settings(&row.text("settings")?.unwrap_or_default()),
        // An id is kept as it was made, so one that cannot be read is none.
        agent: row.text("agent_id")?.and_then(|id| id.parse().ok()),
        created_at: row.get("created_at")?,
    })
}

/// Returns settings as they were sent. What cannot be read is none: nothing depends on them.
fn settings(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}
