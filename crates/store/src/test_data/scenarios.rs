//! Scenarios: making, changing and reading them.

use serde_json::{Map, Value};

use super::in_scope;
use crate::model::Scope;
use crate::organizations::check_name;
use crate::sql::connection::Connection;
use crate::sql::query::query;
use crate::sql::row::Row;
use crate::{Result, Store, StoreError, Transaction, rows};

/// What is tested: the things that an agent is asked for in one situation.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Its id.
    pub id: String,
    /// The project that it belongs to.
    pub project_id: String,
    /// Its name; no two of a project have the same.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// The goal, the constraints, whatever else its author set.
    pub config: Map<String, Value>,
    /// When it was created.
    pub created_at: i64,
}

/// A scenario to make.
#[derive(Debug, Clone)]
pub struct NewScenario<'a> {
    /// The project.
    pub project: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What it is about.
    pub description: &'a str,
    /// Its configuration.
    pub config: &'a Map<String, Value>,
}

/// What to change of a scenario; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ScenarioPatch {
    /// Another name.
    pub name: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Another configuration.
    pub config: Option<Map<String, Value>>,
}

/// The columns of a scenario in a scope.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT s.id, s.project_id, s.name, s.description, s.config_snapshot, s.created_at
             FROM scenarios s JOIN projects p ON p.id = s.project_id WHERE s.deleted_at IS NULL AND ",
            in_scope!(),
            " ",
            $rest
        )
    };
}

impl Store {
    /// Returns the scenarios of a project in the order of their names.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn scenarios(&self, scope: &Scope, project: &str) -> Result<Vec<Scenario>> {
        let mut reader = self.reader().await?;
        crate::organizations::require_project(&mut reader, scope, project).await?;
        let rows = query(select!("AND p.id = $3 ORDER BY s.name"))
            .bind(&scope.org_id)
            .bind(scope.listed_projects())
            .bind(project)
            .fetch_all(&mut reader)
            .await?;
        rows.iter().map(scenario).collect()
    }

    /// Returns the name of a scenario, also of one that is deleted: results keep it.
    ///
    /// # Errors
    /// There is no such scenario in the scope, or the database failed.
    pub async fn scenario_name(&self, scope: &Scope, id: &str) -> Result<String> {
        let row = query(concat!(
            "SELECT coalesce(s.deleted_name, s.name) AS name FROM scenarios s JOIN projects p ON p.id = s.project_id WHERE ",
            in_scope!(),
            " AND s.id = $3"
        ))
        .bind(&scope.org_id)
        .bind(scope.listed_projects())
        .bind(id)
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        Ok(row.ok_or_else(|| StoreError::ScenarioNotFound(id.to_owned()))?.get("name")?)
    }

    /// Returns a scenario.
    ///
    /// # Errors
    /// There is no such scenario in the scope, or the database failed.
    pub async fn scenario(&self, scope: &Scope, id: &str) -> Result<Scenario> {
        read_scenario(&mut *self.reader().await?, scope, id).await
    }
}

impl Transaction {
    /// Returns a scenario, as this transaction sees it.
    ///
    /// # Errors
    /// There is no such scenario in the scope, or the database failed.
    pub async fn scenario(&mut self, scope: &Scope, id: &str) -> Result<Scenario> {
        read_scenario(self.connection(), scope, id).await
    }

    /// Makes a scenario.
    ///
    /// # Errors
    /// There is no such project in the scope, it has a scenario of that name, the name is not one, or the database failed.
    pub async fn create_scenario(&mut self, scope: &Scope, new: NewScenario<'_>) -> Result<Scenario> {
        let project = crate::organizations::require_project(self.connection(), scope, new.project).await?;
        let scenario = Scenario {
            id: self.surroundings.id("scenario_")?,
            project_id: project.id,
            name: check_name(new.name)?.to_owned(),
            description: new.description.to_owned(),
            config: new.config.clone(),
            created_at: self.now,
        };
        let added = query(
            "INSERT INTO scenarios (id, project_id, name, description, config_snapshot, created_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (project_id, name) DO NOTHING",
        )
        .bind(&scenario.id)
        .bind(&scenario.project_id)
        .bind(&scenario.name)
        .bind(&scenario.description)
        .bind(rows::text(&scenario.config))
        .bind(scenario.created_at)
        .execute(self.connection())
        .await?;
        if added == 0 { Err(name_taken(&scenario.name)) } else { Ok(scenario) }
    }

    /// Changes a scenario. Bundles that are published already keep what they have.
    ///
    /// # Errors
    /// There is no such scenario in the scope, the new name is taken or not one, or the database failed.
    pub async fn change_scenario(&mut self, scope: &Scope, id: &str, patch: ScenarioPatch) -> Result<Scenario> {
        let mut scenario = read_scenario(self.connection(), scope, id).await?;
        if let Some(name) = &patch.name {
            scenario.name = check_name(name)?.to_owned();
            let named = named_scenario(self.connection(), scope, &scenario.project_id, &scenario.name).await?;
            if named.is_some_and(|named| named.id != scenario.id) {
                return Err(name_taken(&scenario.name));
            }
        }
        scenario.description = patch.description.unwrap_or(scenario.description);
        scenario.config = patch.config.unwrap_or(scenario.config);
        query("UPDATE scenarios SET name = $1, description = $2, config_snapshot = $3 WHERE id = $4")
            .bind(&scenario.name)
            .bind(&scenario.description)
            .bind(rows::text(&scenario.config))
            .bind(&scenario.id)
            .execute(self.connection())
            .await?;
        Ok(scenario)
    }
}

fn name_taken(name: &str) -> StoreError {
    StoreError::NameTaken { what: "scenario", name: name.to_owned() }
}

pub(super) async fn read_scenario(connection: &mut Connection, scope: &Scope, id: &str) -> Result<Scenario> {
    let row = query(select!("AND s.id = $3"))
        .bind(&scope.org_id)
        .bind(scope.listed_projects())
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map_or_else(|| Err(StoreError::ScenarioNotFound(id.to_owned())), scenario)
}

/// Returns the scenario of that name, if the project has one.
pub(super) async fn named_scenario(
    connection: &mut Connection,
    scope: &Scope,
    project: &str,
    name: &str,
) -> Result<Option<Scenario>> {
    let row = query(select!("AND p.id = $3 AND s.name = $4"))
        .bind(&scope.org_id)
        .bind(scope.listed_projects())
        .bind(project)
        .bind(name)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(scenario).transpose()
}

fn scenario(row: &Row) -> Result<Scenario> {
    let id: String = row.get("id")?;
    Ok(Scenario {
        project_id: row.get("project_id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        config: rows::object(row, "config_snapshot", &id)?,
        created_at: row.get("created_at")?,
        id,
    })
}
