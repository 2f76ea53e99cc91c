//! The people of an organization: how they are found when they sign in, what they may do, and how one leaves.
//!
//! A person who is removed stays as a row that nobody finds any more: what they wrote keeps their name, and their address is free again.

use keepstep_base::api_key::stored_hash;
use keepstep_base::text::is_hidden;
use unicode_normalization::UnicodeNormalization as _;

use crate::model::{Membership, Role, Scope, User};
use crate::organizations::{check_name, require_project};
use crate::rows;
use crate::sql::connection::Connection;
use crate::sql::query::query;
use crate::sql::row::Row;
use crate::{Result, Store, StoreError, Transaction};

/// The columns of a user, for statements in which `u` is the table.
pub(crate) const COLUMNS: &str = "u.id, u.name, u.email, u.role, u.org_id, u.may_publish, u.confined";

/// The longest address, in bytes: that of mail itself.
const LONGEST_ADDRESS: usize = 254;

/// Failures that are that old count no more, in milliseconds: a day.
const FORGOTTEN: i64 = 24 * 60 * 60 * 1000;

/// An e-mail address, which a person types to sign in. No mail is ever sent there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailAddress {
    /// As it was typed, without outer white space.
    typed: String,
    key: String,
}

impl EmailAddress {
    /// Returns an address from what was typed.
    ///
    /// # Errors
    /// It cannot be one.
    pub fn parse(typed: &str) -> Result<Self> {
        let typed = typed.trim();
        let reason = if typed.is_empty() {
            "it is empty"
        } else if typed.len() > LONGEST_ADDRESS {
            "it is longer than 254 bytes"
        } else if typed.chars().any(|character| character.is_whitespace() || is_hidden(character)) {
            "it has a blank or a hidden character in it"
        } else {
            let key = key_of(typed);
            match key.rsplit_once('@') {
                Some((person, host)) if !person.is_empty() && !host.is_empty() => {
                    return Ok(Self { typed: typed.to_owned(), key });
                }
                _ => "it needs a name, an @ and a host, as in ada@example.com",
            }
        };
        Err(StoreError::InvalidEmail { typed: typed.chars().take(80).collect(), reason })
    }

    /// Returns the address as it was typed.
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// Returns the host of the address, in small letters.
    pub fn host(&self) -> &str {
        self.key.rsplit_once('@').map_or("", |(_, host)| host)
    }

    /// Returns what all spellings of the address have in common: of letters that differ in case or in how Unicode writes them, one.
    pub fn key(&self) -> &str {
        &self.key
    }
}

fn key_of(typed: &str) -> String {
    let mut key: String = typed.nfkc().collect();
    // A small letter may be composed of others than its capital: done again until nothing changes.
    for _ in 0..4 {
        let next: String = key.to_lowercase().nfkc().collect();
        if next == key {
            break;
        }
        key = next;
    }
    key
}

/// What a person says of themselves when they get an account, with the hash of the password that they chose.
#[derive(Debug, Clone)]
pub struct NewAccount<'a> {
    /// Their name.
    pub name: &'a str,
    /// What they type to sign in.
    pub email: &'a EmailAddress,
    /// The hash of their password.
    pub password: &'a str,
}

/// Somebody of an organization, as an owner sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user: User,
    /// True where they have a password.
    pub has_password: bool,
    /// True where they sign in with an account of an identity provider.
    pub has_identity: bool,
    /// Since when.
    pub created_at: i64,
    /// How many of their browsers are signed in.
    pub sessions: i64,
    /// When one of those was last used.
    pub used_at: Option<i64>,
}

/// How somebody signs in with a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Who.
    pub user: User,
    /// The hash of their password; they may have none.
    pub password: Option<String>,
}

/// Whose failures are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempted<'a> {
    /// Those at an account, which need not exist.
    Account(&'a EmailAddress),
    /// Those at an account that has no address: its id.
    User(&'a str),
    /// Those from a network address.
    Network(&'a str),
}

impl Attempted<'_> {
    /// Returns the name of the row. What was typed as an address may be a password, so it is hashed.
    fn subject(self) -> String {
        match self {
            Self::Account(email) => format!("account {}", stored_hash(email.key())),
            Self::User(id) => format!("user {id}"),
            Self::Network(address) => format!("network {address}"),
        }
    }
}

/// Failed attempts of one subject.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Failures {
    /// How many.
    pub count: i64,
    /// When the last one was.
    pub last_at: i64,
}

impl Store {
    /// Returns the people of an organization in the order of their names, with what an owner wants to know of them.
    ///
    /// # Errors
    /// The database failed.
    pub async fn members(&self, org_id: &str) -> Result<Vec<Member>> {
        let rows = query(sqlx::AssertSqlSafe(format!(
            "{MEMBERS} WHERE u.org_id = $1 AND u.removed_at IS NULL ORDER BY u.name, u.rowid"
        )))
        .bind(org_id)
        .bind(self.now())
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.iter().map(member).collect()
    }

    /// Returns somebody of an organization.
    ///
    /// # Errors
    /// The organization has nobody of that id, or the database failed.
    pub async fn member(&self, org_id: &str, id: &str) -> Result<Member> {
        let row = query(sqlx::AssertSqlSafe(format!("{MEMBERS} WHERE u.org_id = $1 AND u.id = $3 AND u.removed_at IS NULL")))
            .bind(org_id)
            .bind(self.now())
            .bind(id)
            .fetch_optional(&mut *self.reader().await?)
            .await?;
        row.as_ref().map_or_else(|| Err(StoreError::UserNotFound(id.to_owned())), member)
    }

    /// Returns the owners of all organizations, who first came first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn owners(&self) -> Result<Vec<User>> {
        let rows = query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM users u WHERE u.role = 'owner' AND u.confined = 0 AND u.removed_at IS NULL
             ORDER BY u.created_at, u.rowid"
        )))
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.iter().map(user).collect()
    }

    /// Returns what somebody may do in single projects.
    ///
    /// # Errors
    /// The database failed.
    pub async fn memberships(&self, user_id: &str) -> Result<Vec<Membership>> {
        memberships(&mut *self.reader().await?, user_id).await
    }

    /// Returns whoever signs in with an address, if somebody does.
    ///
    /// # Errors
    /// The database failed.
    pub async fn credentials(&self, email: &EmailAddress) -> Result<Option<Credentials>> {
        let row = query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS}, u.password FROM users u WHERE u.email_key = $1 AND u.removed_at IS NULL"
        )))
        .bind(email.key())
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        row.map(|row| Ok(Credentials { user: user(&row)?, password: row.get("password")? })).transpose()
    }

    /// Returns the hash of somebody's password, if they have one.
    ///
    /// # Errors
    /// The database failed.
    pub async fn password(&self, user_id: &str) -> Result<Option<String>> {
        let row =
            query("SELECT password FROM users WHERE id = $1").bind(user_id).fetch_optional(&mut *self.reader().await?).await?;
        Ok(row.map(|row| row.get("password")).transpose()?.flatten())
    }
}

const MEMBERS: &str = "SELECT u.id, u.name, u.email, u.role, u.org_id, u.may_publish, u.confined, u.created_at,
       CAST(CASE WHEN u.password IS NULL THEN 0 ELSE 1 END AS BIGINT) AS has_password,
       (SELECT count(*) FROM identities i WHERE i.user_id = u.id) AS identities,
       (SELECT count(*) FROM sessions s WHERE s.user_id = u.id AND s.ended_at IS NULL AND s.expires_at > $2) AS sessions,
       (SELECT max(s.used_at) FROM sessions s WHERE s.user_id = u.id) AS used_at
     FROM users u";

impl Transaction {
    /// Makes a user without an address and a password.
    ///
    /// # Errors
    /// The name is not one, or the database failed.
    pub async fn create_user(&mut self, org_id: &str, role: Role, name: &str) -> Result<User> {
        let user = User {
            id: self.surroundings.id("user_")?,
            name: check_name(name)?.to_owned(),
            email: None,
            role,
            org_id: org_id.to_owned(),
            may_publish: true,
            confined: false,
        };
        let now = self.now;
        query("INSERT INTO users (id, org_id, name, role, created_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(&user.id)
            .bind(&user.org_id)
            .bind(&user.name)
            .bind(role.label())
            .bind(now)
            .execute(self.connection())
            .await?;
        Ok(user)
    }

    /// Returns somebody of an organization.
    ///
    /// # Errors
    /// The organization has nobody of that id, or the database failed.
    pub async fn user(&mut self, org_id: &str, id: &str) -> Result<User> {
        let row = query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM users u WHERE u.org_id = $1 AND u.id = $2 AND u.removed_at IS NULL"
        )))
        .bind(org_id)
        .bind(id)
        .fetch_optional(self.connection())
        .await?;
        row.as_ref().map_or_else(|| Err(StoreError::UserNotFound(id.to_owned())), user)
    }

    /// Returns whoever has an address, of whatever organization.
    ///
    /// # Errors
    /// The database failed.
    pub async fn user_of_email(&mut self, email: &EmailAddress) -> Result<Option<User>> {
        let row = query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM users u WHERE u.email_key = $1")))
            .bind(email.key())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(user).transpose()
    }

    /// Changes under which name and address somebody is known.
    ///
    /// # Errors
    /// The name is not one, somebody else has the address, or the database failed.
    pub async fn set_profile(&mut self, id: &str, name: &str, email: &EmailAddress) -> Result<()> {
        let name = check_name(name)?.to_owned();
        if self.user_of_email(email).await?.is_some_and(|other| other.id != id) {
            return Err(StoreError::EmailTaken { email: email.as_str().to_owned() });
        }
        query("UPDATE users SET name = $1, email = $2, email_key = $3 WHERE id = $4")
            .bind(name)
            .bind(email.as_str())
            .bind(email.key())
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Sets the hash of somebody's password. Their sessions end, but for one.
    ///
    /// # Errors
    /// The database failed.
    pub async fn set_password(&mut self, id: &str, password: &str, kept_session: Option<&str>) -> Result<()> {
        query("UPDATE users SET password = $1 WHERE id = $2").bind(password).bind(id).execute(self.connection()).await?;
        self.end_sessions(id, kept_session).await
    }

    /// Sets what somebody may do in the organization: nothing without a role, so that only their projects count. Open links of somebody who
    /// is an owner no more are revoked: with one they could become one again.
    ///
    /// # Errors
    /// Nobody else is an owner, the organization has nobody of that id, or the database failed.
    pub async fn set_rights(&mut self, org_id: &str, id: &str, role: Option<Role>, may_publish: bool) -> Result<User> {
        let before = self.user(org_id, id).await?;
        if role != Some(Role::Owner) {
            self.require_another_owner(&before).await?;
        }
        query("UPDATE users SET role = $1, confined = $2, may_publish = $3 WHERE id = $4")
            .bind(role.unwrap_or(Role::Viewer).label())
            .bind(i64::from(role.is_none()))
            .bind(i64::from(may_publish))
            .bind(id)
            .execute(self.connection())
            .await?;
        let after = self.user(org_id, id).await?;
        if before.is_owner() && !after.is_owner() {
            self.revoke_links_by(id).await?;
        }
        Ok(after)
    }

    /// Sets what somebody may do in a project, beside their role in the organization: nothing more without a role.
    ///
    /// # Errors
    /// The organization has nobody of that id or no such project, or the database failed.
    pub async fn set_membership(&mut self, org_id: &str, id: &str, project: &str, rights: Option<(Role, bool)>) -> Result<()> {
        let user = self.user(org_id, id).await?;
        let project = require_project(self.connection(), &Scope::organization(org_id), project).await?;
        query("DELETE FROM members WHERE user_id = $1 AND project_id = $2")
            .bind(&user.id)
            .bind(&project.id)
            .execute(self.connection())
            .await?;
        if let Some((role, may_publish)) = rights {
            query("INSERT INTO members (user_id, project_id, role, may_publish) VALUES ($1, $2, $3, $4)")
                .bind(&user.id)
                .bind(&project.id)
                .bind(role.label())
                .bind(i64::from(may_publish))
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }

    /// Removes somebody: they cannot sign in, their browsers and devices are signed out, links for them and links that they made end, so that
    /// none of these brings them back, and the address is free.
    ///
    /// # Errors
    /// Nobody else is an owner, the organization has nobody of that id, or the database failed.
    pub async fn remove_user(&mut self, org_id: &str, id: &str) -> Result<User> {
        let removed = self.user(org_id, id).await?;
        self.require_another_owner(&removed).await?;
        let now = self.now;
        query("UPDATE users SET removed_at = $1, email = NULL, email_key = NULL WHERE id = $2")
            .bind(now)
            .bind(id)
            .execute(self.connection())
            .await?;
        self.close_account(id).await?;
        self.revoke_links_by(id).await?;
        // Nobody else could ever read what they had not saved.
        for statement in ["DELETE FROM members WHERE user_id = $1", "DELETE FROM drafts WHERE user_id = $1"] {
            query(statement).bind(id).execute(self.connection()).await?;
        }
        Ok(removed)
    }

    /// Has nothing open an account any more that did so far: no password, no identity, no browser, no device, and no link for it.
    pub(crate) async fn close_account(&mut self, id: &str) -> Result<()> {
        let now = self.now;
        for statement in [
            "UPDATE sessions SET ended_at = coalesce(ended_at, $1) WHERE user_id = $2",
            "UPDATE links SET revoked_at = coalesce(revoked_at, $1) WHERE user_id = $2 AND redeemed_at IS NULL",
            "UPDATE device_logins SET revoked_at = coalesce(revoked_at, $1),
                 status = CASE WHEN status = 'approved' THEN 'denied' ELSE status END
             WHERE user_id = $2",
        ] {
            query(statement).bind(now).bind(id).execute(self.connection()).await?;
        }
        for statement in ["UPDATE users SET password = NULL WHERE id = $1", "DELETE FROM identities WHERE user_id = $1"] {
            query(statement).bind(id).execute(self.connection()).await?;
        }
        Ok(())
    }

    /// Revokes the links that somebody has created and that nobody has used.
    async fn revoke_links_by(&mut self, id: &str) -> Result<()> {
        let now = self.now;
        query("UPDATE links SET revoked_at = coalesce(revoked_at, $1) WHERE created_by = $2 AND redeemed_at IS NULL")
            .bind(now)
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Passes where the organization has an owner besides somebody, or where they are none.
    async fn require_another_owner(&mut self, user: &User) -> Result<()> {
        if !user.is_owner() {
            return Ok(());
        }
        let others = query(
            "SELECT count(*) AS count FROM users
             WHERE org_id = $1 AND id <> $2 AND role = 'owner' AND confined = 0 AND removed_at IS NULL",
        )
        .bind(&user.org_id)
        .bind(&user.id)
        .fetch_one(self.connection())
        .await?;
        if others.get::<i64>("count")? == 0 { Err(StoreError::LastOwner { name: user.name.clone() }) } else { Ok(()) }
    }

    /// Returns how often an attempt of a subject has failed lately.
    ///
    /// # Errors
    /// The database failed.
    pub async fn failures(&mut self, of: Attempted<'_>) -> Result<Failures> {
        let since = self.now - FORGOTTEN;
        let row = query("SELECT count, last_at FROM sign_in_failures WHERE subject = $1 AND last_at > $2")
            .bind(of.subject())
            .bind(since)
            .fetch_optional(self.connection())
            .await?;
        row.map_or(Ok(Failures::default()), |row| Ok(Failures { count: row.get("count")?, last_at: row.get("last_at")? }))
    }

    /// Counts an attempt as one that failed, before it is known: of many at the same time, no more pass than of as many in a row.
    ///
    /// # Errors
    /// The database failed.
    pub async fn count_failure(&mut self, of: Attempted<'_>) -> Result<()> {
        let now = self.now;
        query("DELETE FROM sign_in_failures WHERE last_at <= $1").bind(now - FORGOTTEN).execute(self.connection()).await?;
        query(
            "INSERT INTO sign_in_failures (subject, count, last_at) VALUES ($1, 1, $2)
             ON CONFLICT (subject) DO UPDATE SET count = sign_in_failures.count + 1, last_at = $2",
        )
        .bind(of.subject())
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes one attempt back that was counted and did not fail.
    ///
    /// # Errors
    /// The database failed.
    pub async fn uncount_failure(&mut self, of: Attempted<'_>) -> Result<()> {
        query("UPDATE sign_in_failures SET count = count - 1 WHERE subject = $1 AND count > 0")
            .bind(of.subject())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets all attempts of a subject that failed.
    ///
    /// # Errors
    /// The database failed.
    pub async fn forget_failures(&mut self, of: Attempted<'_>) -> Result<()> {
        query("DELETE FROM sign_in_failures WHERE subject = $1").bind(of.subject()).execute(self.connection()).await?;
        Ok(())
    }
}

/// Returns what somebody may do in single projects.
pub(crate) async fn memberships(connection: &mut Connection, user_id: &str) -> Result<Vec<Membership>> {
    let rows = query("SELECT project_id, role, may_publish FROM members WHERE user_id = $1 ORDER BY project_id")
        .bind(user_id)
        .fetch_all(connection)
        .await?;
    let membership = |row: &Row| {
        let project_id: String = row.get("project_id")?;
        Ok(Membership { role: rows::role(row, &project_id)?, may_publish: row.get::<i64>("may_publish")? != 0, project_id })
    };
    rows.iter().map(membership).collect()
}

pub(crate) fn user(row: &Row) -> Result<User> {
    let id: String = row.get("id")?;
    Ok(User {
        name: row.get("name")?,
        email: row.get("email")?,
        role: rows::role(row, &id)?,
        org_id: row.get("org_id")?,
        may_publish: row.get::<i64>("may_publish")? != 0,
        confined: row.get::<i64>("confined")? != 0,
        id,
    })
}

fn member(row: &Row) -> Result<Member> {
    Ok(Member {
        user: user(row)?,
        has_password: row.get::<i64>("has_password")? != 0,
        has_identity: row.get::<i64>("identities")? != 0,
        created_at: row.get("created_at")?,
        sessions: row.get("sessions")?,
        used_at: row.get("used_at")?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(typed: &str) -> String {
        EmailAddress::parse(typed).unwrap().key
    }

    #[test]
    fn an_address_is_the_same_in_all_its_spellings() {
        for (one, other) in [
            ("ada@example.com", " ADA@Example.COM\n"),
            ("jos\u{e9}@example.com", "Jose\u{301}@example.com"),
            ("ada@example.com", "\u{ff21}da@example.com"),
            ("stra\u{df}e@example.com", "stra\u{1e9e}e@example.com"),
        ] {
            assert_eq!(key(one), key(other));
        }
        assert_ne!(key("ada@example.com"), key("ada@example.org"));
        assert_eq!(EmailAddress::parse(" Ada@Example.com ").unwrap().as_str(), "Ada@Example.com");
    }

    #[test]
    fn what_cannot_be_an_address_says_why() {
        for (typed, reason) in [
            ("", "it is empty"),
            ("ada", "it needs a name, an @ and a host, as in ada@example.com"),
            ("@example.com", "it needs a name, an @ and a host, as in ada@example.com"),
            ("ada@", "it needs a name, an @ and a host, as in ada@example.com"),
            ("ada lovelace@example.com", "it has a blank or a hidden character in it"),
            ("ada\u{200b}@example.com", "it has a blank or a hidden character in it"),
            (&format!("{}@example.com", "a".repeat(250)), "it is longer than 254 bytes"),
        ] {
            let error = EmailAddress::parse(typed).unwrap_err();
            assert!(matches!(&error, StoreError::InvalidEmail { reason: told, .. } if *told == reason), "{typed}: {error}");
        }
    }

    proptest! {
        #[test]
        fn the_key_of_a_key_is_itself(person in "[^\\s@]{1,20}", host in "[a-zA-Z.\u{df}-\u{24f}]{1,20}") {
            if let Ok(address) = EmailAddress::parse(&format!("{person}@{host}")) {
                prop_assert_eq!(key_of(address.key()), address.key());
            }
        }
    }
}
