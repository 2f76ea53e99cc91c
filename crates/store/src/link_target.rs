//! One-time links: what one would do, asked without using it up, and which are open.

use keepstep_base::api_key::stored_hash;

use crate::link_rights::{LinkProject, LinkRights, link_projects};
use crate::model::Role;
use crate::rows::Columns as _;
use crate::sql::query::query;
use crate::sql::row::Row;
use crate::{Result, Store, StoreError, rows};

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPurpose {
    /// Makes somebody an owner: a new account, or one that there is. Whoever runs the server makes such links.
    Owner,
    /// Makes an account with a role.
    Invite,
    /// Sets the password of an account.
    Reset,
}

impl LinkPurpose {
    /// Returns its name.
    pub fn label(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Invite => "invite",
            Self::Reset => "reset",
        }
    }
}

/// What a link does for whoever opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkTarget {
    /// What for.
    pub purpose: LinkPurpose,
    /// The role that the link gives.
    pub role: Role,
    /// What the link gives whom it makes an account.
    pub rights: LinkRights,
    /// The account that there is already; `None` for a link that makes one.
    pub account: Option<LinkAccount>,
    /// The name of the person who made the link.
    pub created_by: Option<String>,
}

/// The account that a link is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkAccount {
    /// The id of the user.
    pub id: String,
    /// Their name.
    pub name: String,
    /// What they type to sign in, if they ever said that.
    pub email: Option<String>,
}

/// A link that nobody has used yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenLink {
    /// Names it where it is listed and revoked; it opens nothing.
    pub id: String,
    /// What for.
    pub purpose: LinkPurpose,
    /// The role that it gives.
    pub role: Role,
    /// What it gives whom it makes an account.
    pub rights: LinkRights,
    /// The name of the person it is for, where there is an account already.
    pub user_name: Option<String>,
    /// The name of the person who made it; none where that was whoever runs the server.
    pub created_by: Option<String>,
    /// When it was created.
    pub created_at: i64,
    /// When it ends.
    pub expires_at: i64,
}

const COLUMNS: &str =
    "l.id, l.purpose, coalesce(u.role, l.role) AS role, l.user_id, u.name AS user_name, u.email, c.name AS created_by,
     l.created_at, l.expires_at, l.redeemed_at, l.revoked_at, l.org_id, l.may_publish, l.confined
     FROM links l LEFT JOIN users u ON u.id = l.user_id LEFT JOIN users c ON c.id = l.created_by";

impl Store {
    /// Returns what a link does, without using it up.
    ///
    /// # Errors
    /// The link is not known, was used, revoked or has expired, or the database failed.
    pub async fn link_target(&self, presented: &str) -> Result<LinkTarget> {
        let mut reader = self.reader().await?;
        let row = query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} WHERE l.hash = $1")))
            .bind(stored_hash(presented))
            .fetch_optional(&mut reader)
            .await?
            .ok_or(StoreError::LinkUnknown)?;
        require_open(&row, self.now())?;
        let account = match row.get::<Option<String>>("user_id")? {
            Some(id) => Some(LinkAccount { id, name: row.get("user_name")?, email: row.get("email")? }),
            None => None,
        };
        let (id, org_id): (String, String) = (row.get("id")?, row.get("org_id")?);
        let projects = link_projects(&mut reader, &org_id, Some(&id)).await?;
        Ok(LinkTarget {
            purpose: purpose(&row)?,
            role: rows::role(&row, "a link")?,
            rights: rights(&row, &id, &projects)?,
            account,
            created_by: row.get("created_by")?,
        })
    }

    /// Returns the links of an organization that somebody could still use, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn open_links(&self, org_id: &str) -> Result<Vec<OpenLink>> {
        let mut reader = self.reader().await?;
        let rows = query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} WHERE l.org_id = $1 AND l.expires_at > $2 AND l.redeemed_at IS NULL AND l.revoked_at IS NULL
             ORDER BY l.created_at DESC, l.id"
        )))
        .bind(org_id)
        .bind(self.now())
        .fetch_all(&mut reader)
        .await?;
        let projects = link_projects(&mut reader, org_id, None).await?;
        let open = |row: &Row| {
            let id: String = row.get("id")?;
            Ok(OpenLink {
                rights: rights(row, &id, &projects)?,
                purpose: purpose(row)?,
                role: rows::role(row, "a link")?,
                user_name: row.get("user_name")?,
                created_by: row.get("created_by")?,
                created_at: row.get("created_at")?,
                expires_at: row.get("expires_at")?,
                id,
            })
        };
        rows.iter().map(open).collect()
    }
}

/// Returns what a link gives, of what all links give in projects.
fn rights(row: &Row, id: &str, projects: &[(String, LinkProject)]) -> Result<LinkRights> {
    let is_confined = row.get::<i64>("confined")? != 0;
    let of_link = projects.iter().filter(|(link, _)| link == id);
    Ok(LinkRights {
        role: if is_confined { None } else { Some(rows::role(row, "a link")?) },
        may_publish: row.get::<i64>("may_publish")? != 0,
        projects: of_link.map(|(_, project)| project.clone()).collect(),
    })
}

/// Passes a link that can still be used.
pub(crate) fn require_open(row: &Row, now: i64) -> Result<()> {
    if row.get::<Option<i64>>("redeemed_at")?.is_some() {
        return Err(StoreError::LinkUsed);
    }
    if row.get::<Option<i64>>("revoked_at")?.is_some() {
        return Err(StoreError::LinkRevoked);
    }
    if row.get::<i64>("expires_at")? <= now { Err(StoreError::LinkExpired) } else { Ok(()) }
}

/// A link to a person that an older server made is one that sets their password.
pub(crate) fn purpose(row: &Row) -> Result<LinkPurpose> {
    let is_of_user = row.text("user_id")?.is_some();
    match row.text("purpose")?.as_deref() {
        Some("invite") => Ok(LinkPurpose::Invite),
        Some("owner") if !is_of_user => Ok(LinkPurpose::Owner),
        Some("reset" | "owner") => Ok(LinkPurpose::Reset),
        _ => Err(rows::damaged("purpose", "a link")),
    }
}
