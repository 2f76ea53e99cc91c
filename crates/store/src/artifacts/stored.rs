//! Files that were put to a signed address, one by one: the way in for the peers.

use keepstep_base::Digest;
use sqlx::Row as _;

use super::ContentError;
use crate::model::Scope;
use crate::sql::connection::Connection;
use crate::test_data::in_scope;
use crate::{Result, Store, StoreError, Transaction, rows};

/// What a storage address begins with.
const URL: &str = "keepstep://stored/";

/// The setting that holds the secret of signed addresses.
const SECRET: &str = "address_secret";

/// A file that may be put, or was: what its address was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedFile {
    /// Its id, which the storage address names. Each works for one content.
    pub id: String,
    /// The project.
    pub project_id: String,
    /// The run that it belongs to.
    pub run_id: String,
    /// What it is.
    pub file_type: String,
    /// Its name.
    pub name: String,
    /// Its media type.
    pub content_type: String,
}

/// What a storage address names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobOfUrl {
    /// The content.
    pub blob_id: String,
    /// The project that it belongs to.
    pub project_id: String,
    /// The name of the file.
    pub name: String,
    /// Its media type.
    pub content_type: String,
}

/// A file of a batch, as somebody who saves it needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactFile {
    /// The name that the client gave it.
    pub name: String,
    /// The content.
    pub blob_id: String,
}

impl SignedFile {
    /// Returns the address that names the file once it is there. It tells nothing and opens nothing by itself.
    pub fn storage_url(&self) -> String {
        format!("{URL}{}", self.id)
    }
}

impl Store {
    /// Returns a file of any batch in the scope.
    ///
    /// # Errors
    /// There is no such file in the scope, or the database failed.
    pub async fn artifact_file(&self, scope: &Scope, id: &str) -> Result<ArtifactFile> {
        let row = sqlx::query(concat!(
            "SELECT a.name, a.blob_id FROM artifacts a JOIN run_batches b ON b.number = a.batch
             JOIN projects p ON p.id = b.project_id WHERE ",
            in_scope!(),
            " AND a.id = ?3"
        ))
        .bind(&scope.org_id)
        .bind(scope.listed_projects())
        .bind(id)
        .fetch_optional(&mut *self.reader().await?)
        .await?
        .ok_or_else(|| StoreError::ArtifactNotFound(id.to_owned()))?;
        Ok(ArtifactFile { name: row.try_get("name")?, blob_id: row.try_get("blob_id")? })
    }

    /// Returns the secret that addresses are signed with. It is made once and never shown.
    ///
    /// # Errors
    /// The database failed.
    pub async fn address_secret(&self) -> Result<Vec<u8>> {
        if let Some(secret) = self.setting(SECRET).await? {
            return data_encoding::HEXLOWER.decode(secret.as_bytes()).map_err(|_| rows::damaged("the secret", SECRET));
        }
        let mut transaction = self.write().await?;
        let made = data_encoding::HEXLOWER.encode(&transaction.surroundings.random::<32>()?);
        // Of two that make one at the same time, the first one counts.
        let secret: String = sqlx::query_scalar(
            "INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = value RETURNING value",
        )
        .bind(SECRET)
        .bind(made)
        .fetch_one(transaction.connection())
        .await?;
        transaction.commit().await?;
        data_encoding::HEXLOWER.decode(secret.as_bytes()).map_err(|_| rows::damaged("the secret", SECRET))
    }

    /// Returns what a storage address names, if it was made for that run and type, and the file has arrived.
    ///
    /// # Errors
    /// The database failed.
    pub async fn blob_of_storage_url(&self, scope: &Scope, run: &str, file_type: &str, url: &str) -> Result<Option<BlobOfUrl>> {
        blob_of_url(&mut *self.reader().await?, scope, run, file_type, url).await
    }
}

impl Transaction {
    /// Returns what a storage address names, if it was made for that run and type, and the file has arrived.
    ///
    /// # Errors
    /// The database failed.
    pub async fn blob_of_storage_url(
        &mut self,
        scope: &Scope,
        run: &str,
        file_type: &str,
        url: &str,
    ) -> Result<Option<BlobOfUrl>> {
        blob_of_url(self.connection(), scope, run, file_type, url).await
    }

    /// Makes a file known if its project has the content already and the server has seen that it does. Returns whether it is.
    ///
    /// # Errors
    /// The address was used for another content, or the database failed.
    pub async fn name_content(&mut self, file: &SignedFile, sha256: &Digest, size: u64) -> Result<bool> {
        let found: Option<String> =
            sqlx::query_scalar("SELECT id FROM blobs WHERE proven AND project_id = ? AND sha256 = ? AND size = ? LIMIT 1")
                .bind(&file.project_id)
                .bind(sha256.to_string())
                .bind(i64::try_from(size).unwrap_or(i64::MAX))
                .fetch_optional(self.connection())
                .await?;
        let Some(blob) = found else { return Ok(false) };
        self.name_blob(file, &blob).await?;
        Ok(true)
    }

    /// Makes a file known whose content is there already.
    ///
    /// # Errors
    /// The address was used for another content, or the database failed.
    pub(super) async fn name_blob(&mut self, file: &SignedFile, blob_id: &str) -> Result<()> {
        let now = self.now;
        let found: String = sqlx::query_scalar(
            "INSERT INTO stored_files (id, project_id, run_id, type, name, content_type, blob_id, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET id = id RETURNING blob_id",
        )
        .bind(&file.id)
        .bind(&file.project_id)
        .bind(&file.run_id)
        .bind(&file.file_type)
        .bind(&file.name)
        .bind(&file.content_type)
        .bind(blob_id)
        .bind(now)
        .fetch_one(self.connection())
        .await?;
        if found == blob_id { Ok(()) } else { Err(ContentError::AddressUsed.into()) }
    }
}

async fn blob_of_url(
    connection: &mut Connection,
    scope: &Scope,
    run: &str,
    file_type: &str,
    url: &str,
) -> Result<Option<BlobOfUrl>> {
    let Some(id) = url.strip_prefix(URL) else { return Ok(None) };
    let row = sqlx::query(concat!(
        "SELECT f.blob_id, f.project_id, f.name, f.content_type FROM stored_files f JOIN projects p ON p.id = f.project_id
         WHERE ",
        in_scope!(),
        " AND f.id = ?3 AND f.run_id = ?4 AND f.type = ?5"
    ))
    .bind(&scope.org_id)
    .bind(scope.listed_projects())
    .bind(id)
    .bind(run)
    .bind(file_type)
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(BlobOfUrl {
            blob_id: row.try_get("blob_id")?,
            project_id: row.try_get("project_id")?,
            name: row.try_get("name")?,
            content_type: row.try_get("content_type")?,
        })
    })
    .transpose()
}
