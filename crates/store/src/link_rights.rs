//! What an invitation gives: a role in the whole organization, or roles in some of its projects, each with the right to publish or without.

use crate::model::{Membership, Role, Scope, User};
use crate::organizations::require_project;
use crate::rows;
use crate::sql::connection::Connection;
use crate::sql::query::query;
use crate::sql::row::Row;
use crate::{Result, StoreError, Transaction};

/// What an invitation gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRights {
    /// The role in the whole organization; without one only the projects count.
    pub role: Option<Role>,
    /// Whether they may publish there, where their role lets them write.
    pub may_publish: bool,
    /// The projects in which they have a role of their own, by name.
    pub projects: Vec<LinkProject>,
}

/// What an invitation gives in a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkProject {
    /// The project's name.
    pub name: String,
    /// The role there, and whether they may publish.
    pub membership: Membership,
}

impl Transaction {
    /// Sets what an invitation gives in place of the role that it was made with: that role in the whole organization with the right to publish
    /// or without, or, where it is confined, roles in projects and nothing else.
    ///
    /// # Errors
    /// The organization has no such project or no such link, or the database failed.
    pub async fn set_link_rights(
        &mut self,
        org_id: &str,
        id: &str,
        confined: bool,
        may_publish: bool,
        projects: &[Membership],
    ) -> Result<()> {
        let changed = query("UPDATE links SET confined = $1, may_publish = $2 WHERE id = $3 AND org_id = $4")
            .bind(i64::from(confined))
            .bind(i64::from(may_publish))
            .bind(id)
            .bind(org_id)
            .execute(self.connection())
            .await?;
        if changed == 0 {
            return Err(StoreError::LinkUnknown);
        }
        for membership in projects {
            let project = require_project(self.connection(), &Scope::organization(org_id), &membership.project_id).await?;
            query("INSERT INTO link_projects (link_id, project_id, role, may_publish) VALUES ($1, $2, $3, $4)")
                .bind(id)
                .bind(&project.id)
                .bind(membership.role.label())
                .bind(i64::from(membership.may_publish))
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }

    /// Gives a new account exactly what the link says by which it came.
    pub(crate) async fn give_link_rights(&mut self, id: &str, user: &User) -> Result<()> {
        query(
            "UPDATE users SET may_publish = (SELECT may_publish FROM links WHERE id = $1),
                 confined = (SELECT confined FROM links WHERE id = $1)
             WHERE id = $2",
        )
        .bind(id)
        .bind(&user.id)
        .execute(self.connection())
        .await?;
        // A project that was deleted meanwhile may come back, with who had a role in it.
        query(
            "INSERT INTO members (user_id, project_id, role, may_publish)
             SELECT $1, project_id, role, may_publish FROM link_projects WHERE link_id = $2",
        )
        .bind(&user.id)
        .bind(id)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

/// Returns what links give in projects, each with the id of its link: of one link, or of all of an organization.
pub(crate) async fn link_projects(
    connection: &mut Connection,
    org_id: &str,
    id: Option<&str>,
) -> Result<Vec<(String, LinkProject)>> {
    let rows = query(
        "SELECT m.link_id, m.project_id, p.name, m.role, m.may_publish
         FROM link_projects m JOIN links l ON l.id = m.link_id JOIN projects p ON p.id = m.project_id
         WHERE l.org_id = $1 AND (m.link_id = $2 OR $2 = '') AND l.redeemed_at IS NULL AND p.deleted_at IS NULL
         ORDER BY p.name, p.id",
    )
    .bind(org_id)
    .bind(id.unwrap_or_default())
    .fetch_all(connection)
    .await?;
    let project = |row: &Row| {
        let project_id: String = row.get("project_id")?;
        let (role, may_publish) = (rows::role(row, &project_id)?, row.get::<i64>("may_publish")? != 0);
        Ok((
            row.get("link_id")?,
            LinkProject { name: row.get("name")?, membership: Membership { project_id, role, may_publish } },
        ))
    };
    rows.iter().map(project).collect()
}
