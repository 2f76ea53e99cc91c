//! For how long the experiments of a project are kept. Which they are is in [`results`](crate::results).

use crate::model::Scope;
use crate::organizations::require_project;
use crate::sql::query::query;
use crate::sql::row::Row;
use crate::{Result, Store, Transaction};

/// For how long the experiments of a project are kept, and who decided that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// For how many days.
    pub days: u32,
    /// Who decided it.
    pub changed_by: String,
    /// When, in epoch milliseconds.
    pub changed_at: i64,
}

/// A project whose experiments are not kept for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetainedProject {
    /// Its organization.
    pub org_id: String,
    /// Its id.
    pub project_id: String,
    /// For how many days they are kept.
    pub days: u32,
}

fn days(row: &Row) -> Result<u32> {
    Ok(u32::try_from(row.get::<i64>("days")?).unwrap_or(u32::MAX))
}

impl Store {
    /// Returns for how long the experiments of a project are kept; nothing where they stay.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn retention(&self, scope: &Scope, project: &str) -> Result<Option<Retention>> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        let row = query("SELECT days, changed_by, changed_at FROM project_retention WHERE project_id = $1")
            .bind(project)
            .fetch_optional(&mut reader)
            .await?;
        let retention = |row: Row| {
            Ok(Retention { days: days(&row)?, changed_by: row.get("changed_by")?, changed_at: row.get("changed_at")? })
        };
        row.map(retention).transpose()
    }

    /// Returns the projects whose experiments are not kept for ever.
    ///
    /// # Errors
    /// The database failed.
    pub async fn retained_projects(&self) -> Result<Vec<RetainedProject>> {
        let rows = query(
            "SELECT p.org_id, p.id, r.days FROM project_retention r JOIN projects p ON p.id = r.project_id
             WHERE p.deleted_at IS NULL ORDER BY p.id",
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        let project =
            |row: &Row| Ok(RetainedProject { org_id: row.get("org_id")?, project_id: row.get("id")?, days: days(row)? });
        rows.iter().map(project).collect()
    }
}

impl Transaction {
    /// Returns for how many days the experiments of a project are kept; nothing where they stay, and nothing of a project that was deleted.
    ///
    /// # Errors
    /// The database failed.
    pub async fn retention_days(&mut self, project: &str) -> Result<Option<u32>> {
        let row = query(
            "SELECT r.days FROM project_retention r JOIN projects p ON p.id = r.project_id
             WHERE r.project_id = $1 AND p.deleted_at IS NULL",
        )
        .bind(project)
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| days(&row)).transpose()
    }

    /// Sets for how many days the experiments of a project are kept, or that they stay, unless that is no more what it was said to be.
    /// Returns false where it is not: then nothing is set.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn set_retention(
        &mut self,
        scope: &Scope,
        project: &str,
        before: Option<u32>,
        days: Option<u32>,
        by: &str,
    ) -> Result<bool> {
        require_project(self.connection(), scope, project).await?;
        if self.retention_days(project).await? != before {
            return Ok(false);
        }
        query("DELETE FROM project_retention WHERE project_id = $1").bind(project).execute(self.connection()).await?;
        if let Some(days) = days {
            let now = self.now;
            query("INSERT INTO project_retention (project_id, days, changed_by, changed_at) VALUES ($1, $2, $3, $4)")
                .bind(project)
                .bind(i64::from(days))
                .bind(by)
                .bind(now)
                .execute(self.connection())
                .await?;
        }
        Ok(true)
    }
}
