//! Deleting projects, scenarios and personas, and bringing them back.
//!
//! What is deleted is hidden and keeps everything: results of a deleted scenario stay, and know its name. A name that nothing else can have
//! stands in place of its own, which is free meanwhile.

use super::in_scope;
use super::scenarios::{Scenario, read_scenario};
use crate::model::{Project, Scope};
use crate::organizations::require_project;
use crate::sql::query::query;
use crate::sql::row::Row;
use crate::{Result, Store, StoreError, Transaction};

/// A project, a scenario or a persona that is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// Its id.
    pub id: String,
    /// The name that it had.
    pub name: String,
    /// Who deleted it.
    pub by: String,
    /// When.
    pub at: i64,
}

/// No name has a control character in it, so nothing has the name of a deleted thing.
fn name_of_deleted(id: &str) -> String {
    format!("\u{7f}{id}")
}

impl Deleted {
    /// Returns what the columns `id`, `deleted_name`, `deleted_by` and `deleted_at` say.
    pub(super) fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { id: row.get("id")?, name: row.get("deleted_name")?, by: row.get("deleted_by")?, at: row.get("deleted_at")? })
    }
}

impl Store {
    /// Returns the deleted projects of a scope, the last one first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn deleted_projects(&self, scope: &Scope) -> Result<Vec<Deleted>> {
        let rows = query(
            "SELECT id, deleted_name, deleted_by, deleted_at FROM projects WHERE org_id = $1 AND deleted_at IS NOT NULL
             ORDER BY deleted_at DESC, id",
        )
        .bind(&scope.org_id)
        .fetch_all(&mut *self.reader().await?)
        .await?;
        let all: Vec<Deleted> = rows.iter().map(Deleted::from_row).collect::<Result<_>>()?;
        Ok(all.into_iter().filter(|project| scope.covers(&scope.org_id, Some(&project.id))).collect())
    }

    /// Returns the deleted scenarios of a project, the last one first.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn deleted_scenarios(&self, scope: &Scope, project: &str) -> Result<Vec<Deleted>> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        let rows = query(
            "SELECT id, deleted_name, deleted_by, deleted_at FROM scenarios WHERE project_id = $1 AND deleted_at IS NOT NULL
             ORDER BY deleted_at DESC, id",
        )
        .bind(project)
        .fetch_all(&mut reader)
        .await?;
        rows.iter().map(Deleted::from_row).collect()
    }
}

impl Transaction {
    /// Hides a project with everything in it. Returns what it was.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn delete_project(&mut self, scope: &Scope, id: &str, by: &str) -> Result<Project> {
        let project = require_project(self.connection(), scope, id).await?;
        self.hide("UPDATE projects SET deleted_name = name, name = $1, deleted_at = $2, deleted_by = $3 WHERE id = $4", id, by)
            .await?;
        Ok(project)
    }

    /// Brings a deleted project back.
    ///
    /// # Errors
    /// There is no such project in the scope, its name is taken meanwhile, or the database failed.
    pub async fn restore_project(&mut self, scope: &Scope, id: &str) -> Result<Project> {
        let row = query("SELECT org_id, deleted_name FROM projects WHERE id = $1 AND deleted_at IS NOT NULL")
            .bind(id)
            .fetch_optional(self.connection())
            .await?;
        let not_found = || StoreError::ProjectNotFound(id.to_owned());
        let row = row.ok_or_else(not_found)?;
        let (organization, name): (String, String) = (row.get("org_id")?, row.get("deleted_name")?);
        if !scope.covers(&organization, Some(id)) {
            return Err(not_found());
        }
        let taken = query("SELECT id FROM projects WHERE org_id = $1 AND name = $2")
            .bind(&organization)
            .bind(&name)
            .fetch_optional(self.connection())
            .await?;
        if taken.is_some() {
            return Err(StoreError::NameTaken { what: "project", name });
        }
        self.show(
            "UPDATE projects SET name = deleted_name, deleted_name = NULL, deleted_at = NULL, deleted_by = NULL WHERE id = $1",
            id,
        )
        .await?;
        self.project(id).await
    }

    /// Hides a scenario with its inputs, criteria and bundle versions. Returns what it was.
    ///
    /// # Errors
    /// There is no such scenario in the scope, or the database failed.
    pub async fn delete_scenario(&mut self, scope: &Scope, id: &str, by: &str) -> Result<Scenario> {
        let scenario = read_scenario(self.connection(), scope, id).await?;
        self.hide("UPDATE scenarios SET deleted_name = name, name = $1, deleted_at = $2, deleted_by = $3 WHERE id = $4", id, by)
            .await?;
        Ok(scenario)
    }

    /// Brings a deleted scenario back.
    ///
    /// # Errors
    /// There is no such scenario in the scope, its name is taken meanwhile, or the database failed.
    pub async fn restore_scenario(&mut self, scope: &Scope, id: &str) -> Result<Scenario> {
        let row = query(concat!(
            "SELECT s.project_id, s.deleted_name FROM scenarios s JOIN projects p ON p.id = s.project_id WHERE ",
            in_scope!(),
            " AND s.id = $3 AND s.deleted_at IS NOT NULL"
        ))
        .bind(&scope.org_id)
        .bind(scope.listed_projects())
        .bind(id)
        .fetch_optional(self.connection())
        .await?;
        let row = row.ok_or_else(|| StoreError::ScenarioNotFound(id.to_owned()))?;
        let (project, name): (String, String) = (row.get("project_id")?, row.get("deleted_name")?);
        let taken = query("SELECT id FROM scenarios WHERE project_id = $1 AND name = $2")
            .bind(&project)
            .bind(&name)
            .fetch_optional(self.connection())
            .await?;
        if taken.is_some() {
            return Err(StoreError::NameTaken { what: "scenario", name });
        }
        self.show(
            "UPDATE scenarios SET name = deleted_name, deleted_name = NULL, deleted_at = NULL, deleted_by = NULL WHERE id = $1",
            id,
        )
        .await?;
        read_scenario(self.connection(), scope, id).await
    }

    pub(super) async fn hide(&mut self, statement: &'static str, id: &str, by: &str) -> Result<()> {
        let now = self.now;
        query(statement).bind(name_of_deleted(id)).bind(now).bind(by).bind(id).execute(self.connection()).await?;
        Ok(())
    }

    pub(super) async fn show(&mut self, statement: &'static str, id: &str) -> Result<()> {
        query(statement).bind(id).execute(self.connection()).await?;
        Ok(())
    }
}
