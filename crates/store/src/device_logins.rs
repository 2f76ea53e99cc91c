//! Devices that sign in as a person: a code that the person approves, keys that are renewed, and taking them back.
//!
//! A device asks for two codes. It keeps the long one; a person who is signed in to the pages types the short one and
//! approves. With the long code the device then gets an access key, which is short-lived and acts as that person, and a
//! refresh key, which gives the next pair and works once. Only hashes of the keys are stored.

use keepstep_base::api_key::{ApiKey, KeyKind, stored_hash};

use crate::asking::{MOST, SILENCE};
use crate::model::{Key, Rights, User};
use crate::rows::Columns as _;
use crate::sql::connection::Connection;
use crate::sql::query::query;
use crate::sql::row::Row;
use crate::{Result, Store, StoreError, Transaction};

const MINUTE: i64 = 60 * 1000;

/// How long the codes of a device hold, in milliseconds: 10 minutes.
pub const CODE_LIFE: i64 = 10 * MINUTE;

/// How long an access key holds, in milliseconds: an hour.
pub const ACCESS_LIFE: i64 = 60 * MINUTE;

/// How long a refresh key holds, in milliseconds: 60 days. Each use gives a new one, so only a device that nobody uses for
/// that long has to be approved again.
pub const REFRESH_LIFE: i64 = 60 * 24 * 60 * MINUTE;

/// How long a refresh key that was used may be used again: two commands that start at the same time hold the same one, and
/// an answer may be lost on its way.
const REPEATABLE: i64 = MINUTE;

/// How many devices of one address may wait at a time. Many people can have one address: that of an office, or of a proxy.
const MOST_OF_ADDRESS: i64 = 100;

/// How many wrong codes a person may type in the time that a code holds.
const MOST_WRONG: i64 = 10;

/// Letters and digits that nobody takes for another one; without vowels they make no words.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const DIGITS: &[u8; 8] = b"23456789";

/// The longest name of a device that is kept, in characters.
const LONGEST_NAME: usize = 80;

/// What a device gets that asks to be signed in.
#[derive(Debug)]
pub struct DeviceCodes {
    /// What the device keeps.
    pub device: ApiKey,
    /// What the person types.
    pub user: String,
    /// When both end.
    pub expires_at: i64,
}

/// A device that waits for a person, or that was let in by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceLogin {
    /// Its id.
    pub id: String,
    /// How it calls itself.
    pub device_name: String,
    /// Where it asked from.
    pub address: String,
    /// When it asked.
    pub created_at: i64,
    /// When it was last used, to within [`USE_NOTED`](crate::USE_NOTED).
    pub used_at: Option<i64>,
    /// What used it then, as it calls itself.
    pub used_by: Option<String>,
    /// The name of the person who let it in.
    pub user_name: Option<String>,
}

/// How far a device's login is.
#[derive(Debug)]
pub enum LoginProgress {
    /// Nobody decided yet.
    Pending,
    /// Somebody said no.
    Denied,
    /// The code is too old, was used, or is nobody's.
    Expired,
    /// Somebody said yes: these are the keys. Nobody gets them a second time.
    Approved(LoginKeys),
}

/// The keys of a device that was let in. This is the only time that they can be read.
#[derive(Debug)]
pub struct LoginKeys {
    /// The key for requests.
    pub access: ApiKey,
    /// The key for the next pair.
    pub refresh: ApiKey,
    /// When the access key ends.
    pub expires_at: i64,
    /// Who it acts as.
    pub user: User,
}

const COLUMNS: &str = "d.id, d.device_name, d.address, d.created_at, d.used_at, d.used_by, u.name AS user_name";

impl Store {
    /// Returns the devices that act as somebody of an organization, of one person or of everybody, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn devices(&self, org_id: &str, user_id: Option<&str>) -> Result<Vec<DeviceLogin>> {
        let rows = query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM device_logins d JOIN users u ON u.id = d.user_id
             WHERE u.org_id = $1 AND ($2 IS NULL OR u.id = $2) AND d.status = 'signed_in' AND d.revoked_at IS NULL
               AND EXISTS (SELECT 1 FROM login_keys k WHERE k.login_id = d.id AND k.expires_at > $3)
             ORDER BY d.created_at DESC, d.rowid DESC"
        )))
        .bind(org_id)
        .bind(user_id)
        .bind(self.now())
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.iter().map(device_login).collect()
    }

    /// Returns whether nobody has decided yet about the device with this code. Devices ask that every few seconds; that they do is
    /// remembered.
    ///
    /// # Errors
    /// The database failed.
    pub async fn is_device_waiting(&self, presented: &str) -> Result<bool> {
        let hash = stored_hash(presented);
        let found = query(
            "SELECT EXISTS (SELECT 1 FROM device_logins WHERE device_hash = $1 AND status = 'pending' AND expires_at > $2) AS is_any",
        )
        .bind(&hash)
        .bind(self.now())
        .fetch_one(&mut *self.reader().await?)
        .await?;
        let waiting = found.get("is_any")?;
        if waiting {
            self.asking().note(hash, self.now());
        }
        Ok(waiting)
    }

    /// Returns the access key that was presented, as a key of the person.
    pub(crate) async fn access_key(&self, hash: &str) -> Result<Option<Key>> {
        let mut reader = self.reader().await?;
        let row = query(sqlx::AssertSqlSafe(format!(
            "SELECT {}, d.id AS login_id, d.created_at, k.expires_at, d.revoked_at, d.used_at, d.used_by
             FROM login_keys k JOIN device_logins d ON d.id = k.login_id JOIN users u ON u.id = d.user_id
             WHERE k.hash = $1 AND k.kind = 'access'",
            crate::people::COLUMNS
        )))
        .bind(hash)
        .fetch_optional(&mut reader)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let user = crate::people::user(&row)?;
        let rights = Rights::of(&user, crate::people::memberships(&mut reader, &user.id).await?);
        Ok(Some(Key {
            id: row.get("login_id")?,
            name: user.name,
            role: rights.role,
            scope: rights.scope,
            created_at: row.get("created_at")?,
            expires_at: Some(row.get("expires_at")?),
            revoked_at: row.get("revoked_at")?,
            created_by: None,
            used_at: row.get("used_at")?,
            used_by: row.get("used_by")?,
            may_publish: rights.may_publish,
            memberships: rights.memberships,
        }))
    }
}

impl Transaction {
    /// Begins a device's login.
    ///
    /// # Errors
    /// [`StoreError::TooManyLogins`] if too many devices wait already, or the database failed.
    pub async fn start_device_login(&mut self, device_name: &str, address: &str) -> Result<DeviceCodes> {
        let now = self.now;
        query("DELETE FROM device_logins WHERE status <> 'signed_in' AND expires_at <= $1")
            .bind(now)
            .execute(self.connection())
            .await?;
        self.make_room(None, MOST).await?;
        self.make_room(Some(address), MOST_OF_ADDRESS).await?;
        let device = ApiKey::from_random(KeyKind::Device, self.surroundings.random()?);
        let mut user = user_code(self.surroundings.random()?);
        while waiting(self.connection(), &user, now).await?.is_some() {
            user = user_code(self.surroundings.random()?);
        }
        let expires_at = now + CODE_LIFE;
        let name: String = device_name.trim().chars().take(LONGEST_NAME).collect();
        query(
            "INSERT INTO device_logins (id, device_hash, user_code, device_name, address, status, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, 'pending', $6, $7)",
        )
        .bind(self.surroundings.id("login_")?)
        .bind(device.stored_hash())
        .bind(&user)
        .bind(name)
        .bind(address)
        .bind(now)
        .bind(expires_at)
        .execute(self.connection())
        .await?;
        Ok(DeviceCodes { device, user, expires_at })
    }

    /// Makes sure that fewer devices than that wait, of one address or of all: the oldest goes that has been silent.
    async fn make_room(&mut self, address: Option<&str>, most: i64) -> Result<()> {
        let now = self.now;
        let waiting =
            query("SELECT count(*) AS count FROM device_logins WHERE status <> 'signed_in' AND ($1 IS NULL OR address = $1)")
                .bind(address)
                .fetch_one(self.connection())
                .await?;
        if waiting.get::<i64>("count")? < most {
            return Ok(());
        }
        let old = query(
            "SELECT id, device_hash FROM device_logins
             WHERE status = 'pending' AND ($1 IS NULL OR address = $1) AND created_at <= $2 ORDER BY created_at, rowid",
        )
        .bind(address)
        .bind(now - SILENCE)
        .fetch_all(self.connection())
        .await?;
        for row in old {
            if self.store.asking().is_silent(&row.get::<String>("device_hash")?, now - SILENCE) {
                query("DELETE FROM device_logins WHERE id = $1")
                    .bind(row.get::<String>("id")?)
                    .execute(self.connection())
                    .await?;
                return Ok(());
            }
        }
        Err(StoreError::TooManyLogins)
    }

    /// Returns the device that waits with a code that a person typed; `None` for a code that is nobody's. The transaction
    /// is to be committed in both cases, because wrong codes are counted.
    ///
    /// # Errors
    /// [`StoreError::TooManyCodes`] if the person typed too many wrong ones, or the database failed.
    pub async fn device_login(&mut self, user_id: &str, typed: &str) -> Result<Option<DeviceLogin>> {
        let now = self.now;
        query("DELETE FROM wrong_codes WHERE at <= $1").bind(now - CODE_LIFE).execute(self.connection()).await?;
        let wrong = query("SELECT count(*) AS count FROM wrong_codes WHERE user_id = $1")
            .bind(user_id)
            .fetch_one(self.connection())
            .await?;
        if wrong.get::<i64>("count")? >= MOST_WRONG {
            return Err(StoreError::TooManyCodes);
        }
        let found = match written(typed) {
            Some(code) => waiting(self.connection(), &code, now).await?,
            None => None,
        };
        if found.is_none() {
            query("INSERT INTO wrong_codes (user_id, at) VALUES ($1, $2)")
                .bind(user_id)
                .bind(now)
                .execute(self.connection())
                .await?;
        }
        Ok(found)
    }

    /// Lets a waiting device in as a person, or not.
    ///
    /// # Errors
    /// The database failed.
    pub async fn decide_device_login(&mut self, id: &str, user_id: &str, approve: bool) -> Result<()> {
        query("UPDATE device_logins SET status = $1, user_id = $2, user_code = NULL WHERE id = $3 AND status = 'pending'")
            .bind(if approve { "approved" } else { "denied" })
            .bind(user_id)
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Returns how far a device's login is. Once it is approved, the device gets its keys, and the code is used up.
    ///
    /// # Errors
    /// The database failed.
    pub async fn complete_device_login(&mut self, presented: &str) -> Result<LoginProgress> {
        let row = query("SELECT id, status, user_id, expires_at FROM device_logins WHERE device_hash = $1")
            .bind(stored_hash(presented))
            .fetch_optional(self.connection())
            .await?;
        let Some(row) = row else { return Ok(LoginProgress::Expired) };
        if row.get::<i64>("expires_at")? <= self.now {
            return Ok(LoginProgress::Expired);
        }
        match row.text("status")?.as_deref() {
            Some("pending") => Ok(LoginProgress::Pending),
            Some("denied") => Ok(LoginProgress::Denied),
            Some("approved") => {
                let id: String = row.get("id")?;
                let user = self.user_of_login(&id).await?;
                Ok(LoginProgress::Approved(self.issue(&id, user).await?))
            }
            _ => Ok(LoginProgress::Expired),
        }
    }

    /// Gives a device its next keys; `None` if the refresh key is not one, has ended, or was used before. In the last case
    /// somebody else has it, and the whole login ends: the transaction is to be committed in any case.
    ///
    /// # Errors
    /// The database failed.
    pub async fn refresh_device_login(&mut self, presented: &str) -> Result<Option<LoginKeys>> {
        let hash = stored_hash(presented);
        let row = query(
            "SELECT k.login_id, k.expires_at, k.used_at, d.revoked_at FROM login_keys k JOIN device_logins d ON d.id = k.login_id
             WHERE k.hash = $1 AND k.kind = 'refresh'",
        )
        .bind(&hash)
        .fetch_optional(self.connection())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let now = self.now;
        let login: String = row.get("login_id")?;
        if row.get::<Option<i64>>("revoked_at")?.is_some() || row.get::<i64>("expires_at")? <= now {
            return Ok(None);
        }
        if row.get::<Option<i64>>("used_at")?.is_some_and(|used| now - used > REPEATABLE) {
            self.end_login(&login).await?;
            return Ok(None);
        }
        query("UPDATE login_keys SET used_at = coalesce(used_at, $1) WHERE hash = $2")
            .bind(now)
            .bind(&hash)
            .execute(self.connection())
            .await?;
        let user = self.user_of_login(&login).await?;
        Ok(Some(self.issue(&login, user).await?))
    }

    /// Takes back what a device may do, of one person or of anybody. Doing it again changes nothing.
    ///
    /// # Errors
    /// There is no such device, or the database failed.
    pub async fn revoke_device(&mut self, org_id: &str, user_id: Option<&str>, id: &str) -> Result<()> {
        let found = query(
            "SELECT EXISTS (SELECT 1 FROM device_logins d JOIN users u ON u.id = d.user_id
             WHERE d.id = $1 AND u.org_id = $2 AND ($3 IS NULL OR u.id = $3)) AS is_any",
        )
        .bind(id)
        .bind(org_id)
        .bind(user_id)
        .fetch_one(self.connection())
        .await?;
        if found.get("is_any")? { self.end_login(id).await } else { Err(StoreError::KeyNotFound(id.to_owned())) }
    }

    async fn end_login(&mut self, id: &str) -> Result<()> {
        let now = self.now;
        query("UPDATE device_logins SET revoked_at = coalesce(revoked_at, $1) WHERE id = $2")
            .bind(now)
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    async fn user_of_login(&mut self, id: &str) -> Result<User> {
        let row = query(sqlx::AssertSqlSafe(format!(
            "SELECT {} FROM device_logins d JOIN users u ON u.id = d.user_id WHERE d.id = $1",
            crate::people::COLUMNS
        )))
        .bind(id)
        .fetch_one(self.connection())
        .await?;
        crate::people::user(&row)
    }

    /// Makes the next keys of a login. Those that ended are swept out.
    async fn issue(&mut self, login: &str, user: User) -> Result<LoginKeys> {
        let now = self.now;
        let access = ApiKey::from_random(KeyKind::Access, self.surroundings.random()?);
        let refresh = ApiKey::from_random(KeyKind::Refresh, self.surroundings.random()?);
        query("DELETE FROM login_keys WHERE login_id = $1 AND expires_at <= $2")
            .bind(login)
            .bind(now)
            .execute(self.connection())
            .await?;
        for (key, kind, life) in [(&access, "access", ACCESS_LIFE), (&refresh, "refresh", REFRESH_LIFE)] {
            query("INSERT INTO login_keys (hash, login_id, kind, expires_at) VALUES ($1, $2, $3, $4)")
                .bind(key.stored_hash())
                .bind(login)
                .bind(kind)
                .bind(now + life)
                .execute(self.connection())
                .await?;
        }
        query("UPDATE device_logins SET status = 'signed_in', used_at = $1 WHERE id = $2")
            .bind(now)
            .bind(login)
            .execute(self.connection())
            .await?;
        Ok(LoginKeys { access, refresh, expires_at: now + ACCESS_LIFE, user })
    }
}

async fn waiting(connection: &mut Connection, code: &str, now: i64) -> Result<Option<DeviceLogin>> {
    let row = query(sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM device_logins d LEFT JOIN users u ON u.id = d.user_id
         WHERE d.user_code = $1 AND d.status = 'pending' AND d.expires_at > $2"
    )))
    .bind(code)
    .bind(now)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(device_login).transpose()
}

fn device_login(row: &Row) -> Result<DeviceLogin> {
    Ok(DeviceLogin {
        id: row.get("id")?,
        device_name: row.get("device_name")?,
        address: row.get("address")?,
        created_at: row.get("created_at")?,
        used_at: row.get("used_at")?,
        used_by: row.get("used_by")?,
        user_name: row.get("user_name")?,
    })
}

/// Returns a code such as `BCDF-2345`. The small bias of the remainder costs a fraction of a bit.
fn user_code(random: [u8; 8]) -> String {
    let pick = |alphabet: &[u8], byte: u8| char::from(alphabet[usize::from(byte) % alphabet.len()]);
    let (letters, digits) = random.split_at(4);
    let letters = letters.iter().map(|byte| pick(LETTERS, *byte));
    let digits = digits.iter().map(|byte| pick(DIGITS, *byte));
    letters.chain(['-']).chain(digits).collect()
}

/// Returns a code as it is stored, however it was typed; `None` if it cannot be one.
fn written(typed: &str) -> Option<String> {
    let typed: String = typed.chars().filter(char::is_ascii_alphanumeric).take(9).collect();
    (typed.len() == 8).then(|| format!("{}-{}", &typed[..4], &typed[4..]).to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_code_is_found_however_it_is_typed(random: [u8; 8]) {
            let code = user_code(random);
            for typed in [code.clone(), code.to_lowercase(), code.replace('-', ""), format!(" {} ", code.replace('-', " – "))] {
                prop_assert_eq!(written(&typed), Some(code.clone()));
            }
            prop_assert_eq!(written(&code[1..]), None);
            prop_assert_eq!(written(&format!("{code}2")), None);
        }
    }
}
