//! Our own way in: many files are offered, those parts that are missing are sent, and a commit shows all at once.

use keepstep_base::Digest;
use serde::Serialize;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::blobs::{Source, unsigned};
use super::{Content, ContentError, FileContent, KEPT, Objects, OfferedParts, PartName, PartOf};
use crate::model::Scope;
use crate::sql::connection::Connection;
use crate::test_data::in_scope;
use crate::{Result, Store, StoreError, Transaction, rows};

/// How many rows are written by one statement.
const ROWS: usize = 5000;

/// How many rows of files and their parts are written at a time while an upload is offered.
const OFFERED: usize = 500;

/// How many files are forgotten by one transaction.
const FORGOTTEN: u32 = 500;

/// An upload to begin, or to go on with.
#[derive(Debug, Clone, Serialize)]
pub struct NewUpload {
    /// The project.
    pub project_id: String,
    /// The bundle version that was run.
    pub bundle_id: String,
    /// Names the batch.
    pub experiment_id: String,
    /// What there is.
    pub files: Vec<NewUploadFile>,
}

/// An offer that is being written, in one transaction or in several: the last files first, so that it is whole when its first file is there.
/// Its id is told to nobody before.
#[derive(Debug)]
pub struct Offer<'a> {
    new: &'a NewUpload,
    digest: Digest,
    /// How many parts the files before each file have.
    parts_before: Vec<usize>,
    number: i64,
    id: String,
    /// How many files are not written yet.
    left: usize,
}

impl<'a> Offer<'a> {
    /// Returns an offer that is not begun yet.
    pub fn of(new: &'a NewUpload) -> Self {
        let mut parts = 0;
        let parts_before = (new.files.iter())
            .map(|file| {
                let before = parts;
                parts += file.content.parts.len();
                before
            })
            .collect();
        let digest = Digest::of_bytes(rows::text(new).as_bytes());
        Self { new, digest, parts_before, number: 0, id: String::new(), left: 0 }
    }

    /// Returns the id of the upload, once it is begun.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// A file of an upload.
#[derive(Debug, Clone, Serialize)]
pub struct NewUploadFile {
    /// What it is.
    pub file_type: String,
    /// Its name.
    pub name: String,
    /// The run that it belongs to.
    pub run_id: Option<String>,
    /// What is in it.
    pub content: FileContent,
}

/// An upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its id.
    pub id: String,
    /// The project.
    pub project_id: String,
    /// The bundle version that was run.
    pub bundle_id: String,
    /// Names the batch.
    pub experiment_id: String,
    /// Tells this upload from any other: a digest of all that was offered.
    pub digest: Digest,
    /// What it became, once it is committed.
    pub committed: Option<CommittedUpload>,
    number: i64,
}

/// What an upload became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedUpload {
    /// The batch.
    pub batch_id: String,
    /// How many runs it has.
    pub runs: u64,
    /// How many of them failed.
    pub failed: u64,
}

/// A file of an upload that has its blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadFile {
    /// Its place in the offer.
    pub position: i64,
    /// What it is.
    pub file_type: String,
    /// Its name.
    pub name: String,
    /// The run that it belongs to.
    pub run_id: Option<String>,
    /// What is in it.
    pub blob_id: String,
}

/// The columns of an upload in a scope.
macro_rules! select {
    () => {
        concat!(
            "SELECT u.number, u.id, u.project_id, u.bundle_id, u.experiment_id, u.digest, u.batch_id, u.runs, u.failed
             FROM uploads u JOIN projects p ON p.id = u.project_id WHERE ",
            in_scope!(),
            " AND u.id = ?3"
        )
    };
}

impl Store {
    /// Returns an upload.
    ///
    /// # Errors
    /// There is no such upload in the scope, or the database failed.
    pub async fn upload(&self, scope: &Scope, id: &str) -> Result<Upload> {
        read_upload(&mut *self.reader().await?, scope, id).await
    }

    /// Returns the parts of an upload that are missing, each once, in the order of the offer.
    ///
    /// # Errors
    /// The database failed.
    pub async fn missing_parts(&self, upload: &Upload) -> Result<Vec<String>> {
        missing(&mut *self.reader().await?, upload).await
    }

    /// Returns the parts of an upload that names stand for, in their order.
    ///
    /// # Errors
    /// A name stands for none of its parts, there are more than so many, or the database failed.
    pub async fn offered_parts(&self, upload: &Upload, names: &[PartOf], most: usize) -> Result<OfferedParts> {
        if names.len() > most {
            return Err(ContentError::TooMany(most).into());
        }
        let mut reader = self.reader().await?;
        let mut parts = Vec::new();
        for name in names {
            match *name {
                PartOf::Name(part) => {
                    check_offered(&mut reader, upload, part).await?;
                    parts.push(part);
                }
                PartOf::Files { first, last } => {
                    let found = parts_of_files(&mut reader, upload, first, last, most).await?;
                    if found.is_empty() {
                        return Err(ContentError::NoSuchFiles { first, last }.into());
                    }
                    parts.extend(found);
                }
            }
            if parts.len() > most {
                return Err(ContentError::TooMany(most).into());
            }
        }
        Ok(OfferedParts(parts))
    }

    /// Opens a file of an upload whose parts are all there: the first one of a type with that SHA-256.
    ///
    /// # Errors
    /// The upload has no such file, or the database failed.
    pub async fn open_upload_file(
        &self,
        objects: &Objects,
        upload: &Upload,
        file_type: &str,
        sha256: &str,
    ) -> Result<Option<Content>> {
        let row = sqlx::query(
            "SELECT position, size FROM upload_files WHERE upload = ? AND type = ? AND sha256 = ? ORDER BY position LIMIT 1",
        )
        .bind(upload.number)
        .bind(file_type)
        .bind(sha256)
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        row.map(|row| {
            let source =
                Source::Upload { project: upload.project_id.clone(), upload: upload.number, file: row.try_get("position")? };
            Ok(self.content(objects, unsigned(&row, "size", &upload.id)?, source))
        })
        .transpose()
    }
}

impl Transaction {
    /// Begins an upload, or finds the one that the same offer began. What it needs is kept for a week from now. One that was committed
    /// before, as it is, is ended at once: it needs nothing.
    ///
    /// The offer has been checked by [`FileContent::check`]. Its files are for [`Transaction::offer_some`]; transactions before the last of
    /// these may end with [`Transaction::commit_hidden`].
    ///
    /// # Errors
    /// The project or its bundle version is not in the scope, or the database failed.
    pub async fn begin_offer(&mut self, scope: &Scope, offer: &mut Offer<'_>) -> Result<()> {
        let new = offer.new;
        let bundle = crate::test_data::read_bundle(self.connection(), scope, &new.bundle_id).await?;
        if bundle.project_id != new.project_id {
            return Err(StoreError::BundleNotFound(new.bundle_id.clone()));
        }
        let (id, now) = (self.surroundings.id("upload_")?, self.now);
        let row = sqlx::query(
            "INSERT INTO uploads (id, project_id, bundle_id, experiment_id, digest, offered_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (project_id, digest) WHERE batch_id IS NULL DO UPDATE SET offered_at = ?6 RETURNING id, number",
        )
        .bind(&id)
        .bind(&new.project_id)
        .bind(&new.bundle_id)
        .bind(&new.experiment_id)
        .bind(offer.digest.to_string())
        .bind(now)
        .fetch_one(self.connection())
        .await?;
        (offer.number, offer.id, offer.left) = (row.try_get("number")?, row.try_get("id")?, new.files.len());
        // (Where somebody else is writing the same offer, it goes its way.)
        if offer.id == id
            && let Some(before) = self.committed_before(scope, &bundle, &new.experiment_id, &offer.digest.to_string()).await?
        {
            let became = CommittedUpload { batch_id: before.batch_id, runs: before.runs, failed: before.failed };
            self.end(offer.number, &became).await?;
            offer.left = 0;
        }
        Ok(())
    }

    /// Writes some of the files of an offer that was begun, those before the ones that were written. Returns true if there are more.
    ///
    /// An offer that broke off, or that another connection is writing, is the same one: what is there already is not written again.
    ///
    /// # Errors
    /// The database failed.
    pub async fn offer_some(&mut self, offer: &mut Offer<'_>) -> Result<bool> {
        let (mut from, until) = (offer.left, offer.left);
        let mut rows = 0;
        while from > 0 && rows < OFFERED {
            from -= 1;
            rows += 1 + offer.new.files[from].content.parts.len();
        }
        let first: Option<i64> = sqlx::query_scalar("SELECT min(position) FROM upload_files WHERE upload = ?")
            .bind(offer.number)
            .fetch_one(self.connection())
            .await?;
        let first = first.map_or(until, |first| usize::try_from(first).unwrap_or_default().min(until));
        if from < first {
            self.insert_files(offer, from, first).await?;
        }
        // What is there already must still be there when the rest has come.
        self.mark_parts_used(offer.number, &offer.new.project_id, from, until).await?;
        offer.left = from;
        Ok(from > 0)
    }

    /// Ends an offer: what it needs is kept for a week from now.
    ///
    /// # Errors
    /// The database failed.
    pub async fn end_offer(&mut self, offer: &Offer<'_>) -> Result<()> {
        let now = self.now;
        let query = sqlx::query("UPDATE uploads SET offered_at = ?2 WHERE number = ?1").bind(offer.number).bind(now);
        query.execute(self.connection()).await?;
        Ok(())
    }

    /// Notes that the parts of some files of an upload are relied on.
    async fn mark_parts_used(&mut self, upload: i64, project: &str, from: usize, until: usize) -> Result<()> {
        let now = self.now;
        sqlx::query(
            "UPDATE parts SET used_at = ?3 WHERE project_id = ?2 AND used_at < ?3 AND sha256 IN
               (SELECT sha256 FROM upload_parts WHERE upload = ?1 AND file >= ?4 AND file < ?5)",
        )
        .bind(upload)
        .bind(project)
        .bind(now)
        .bind(i64::try_from(from).unwrap_or(i64::MAX))
        .bind(i64::try_from(until).unwrap_or(i64::MAX))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn insert_files(&mut self, offer: &Offer<'_>, from: usize, until: usize) -> Result<()> {
        let files = || (from..until).map(|number| (number, &offer.new.files[number]));
        let list: Vec<_> = files()
            .map(|(number, file)| {
                let content = &file.content;
                (number, &file.file_type, &file.name, &file.run_id, content.size, content.sha256, content.tree())
            })
            .collect();
        sqlx::query(
            "INSERT INTO upload_files (upload, position, type, name, run_id, size, sha256, tree)
             SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
             FROM json_each(?2)",
        )
        .bind(offer.number)
        .bind(rows::text(&list))
        .execute(self.connection())
        .await?;
        let mut parts = Vec::new();
        for (number, file) in files() {
            let mut start = 0;
            for (position, part) in (offer.parts_before[number]..).zip(&file.content.parts) {
                parts.push((position, number, start, part.sha256, part.size));
                start += part.size;
            }
        }
        for some in parts.chunks(ROWS) {
            self.insert_parts(offer.number, some).await?;
        }
        Ok(())
    }

    async fn insert_parts(&mut self, upload: i64, parts: &[(usize, usize, u64, Digest, u64)]) -> Result<()> {
        sqlx::query(
            "INSERT INTO upload_parts (upload, position, file, start, sha256, size)
             SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?2)",
        )
        .bind(upload)
        .bind(rows::text(parts))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Keeps an upload that is about to be committed, and what it needs, for a week from now.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keep_upload(&mut self, upload: &Upload) -> Result<()> {
        let now = self.now;
        // In practice it was offered a moment ago, and nothing is to be done.
        let kept = sqlx::query("UPDATE uploads SET offered_at = ?2 WHERE number = ?1 AND offered_at < ?3")
            .bind(upload.number)
            .bind(now)
            .bind(now - KEPT / 7)
            .execute(self.connection())
            .await?;
        if kept.rows_affected() > 0 {
            self.mark_parts_used(upload.number, &upload.project_id, 0, usize::MAX).await?;
        }
        Ok(())
    }

    /// Returns files of an upload whose parts are all there, with their blobs, which are made: those at a position in the offer and at
    /// the next ones, without those of one type. Nothing where the offer ends before that position.
    ///
    /// # Errors
    /// The database failed.
    pub async fn take_files(&mut self, upload: &Upload, without: &str, from: i64, count: u32) -> Result<Option<Vec<UploadFile>>> {
        let until = from + i64::from(count);
        let is_over: bool =
            sqlx::query_scalar("SELECT NOT EXISTS (SELECT 1 FROM upload_files WHERE upload = ? AND position >= ?)")
                .bind(upload.number)
                .bind(from)
                .fetch_one(self.connection())
                .await?;
        if is_over {
            return Ok(None);
        }
        self.make_blobs(upload, without, from, until).await?;
        let found = sqlx::query(
            "SELECT f.position, f.type, f.name, f.run_id, b.id FROM upload_files f
             JOIN blobs b ON b.project_id = ?2 AND b.tree = f.tree
             WHERE f.upload = ?1 AND f.type <> ?3 AND f.position >= ?4 AND f.position < ?5 ORDER BY f.position",
        )
        .bind(upload.number)
        .bind(&upload.project_id)
        .bind(without)
        .bind(from)
        .bind(until)
        .fetch_all(self.connection())
        .await?;
        found.iter().map(upload_file).collect::<Result<_>>().map(Some)
    }

    async fn make_blobs(&mut self, upload: &Upload, without: &str, from: i64, until: i64) -> Result<()> {
        let now = self.now;
        // A name for each row without bringing the rows here: something random, and the place in the offer.
        let salt = self.surroundings.id("")?;
        sqlx::query(
            "INSERT INTO blobs (id, project_id, tree, size, sha256, proven, created_at)
             SELECT 'blob_' || substr(?5, 1, 16) || printf('%08x', min(f.position)), ?2, f.tree, f.size, f.sha256,
               (SELECT count(*) FROM upload_parts u WHERE u.upload = ?1 AND u.file = f.position) < 2, ?3
             FROM upload_files f WHERE f.upload = ?1 AND f.type <> ?4 AND f.position >= ?6 AND f.position < ?7 GROUP BY f.tree
             ON CONFLICT (project_id, tree) DO NOTHING",
        )
        .bind(upload.number)
        .bind(&upload.project_id)
        .bind(now)
        .bind(without)
        .bind(salt)
        .bind(from)
        .bind(until)
        .execute(self.connection())
        .await?;
        sqlx::query(
            "INSERT INTO blob_parts (blob, start, part) SELECT b.number, u.start, p.number
             FROM upload_files f JOIN blobs b ON b.project_id = ?2 AND b.tree = f.tree
             JOIN upload_parts u ON u.upload = ?1 AND u.file = f.position
             JOIN parts p ON p.project_id = ?2 AND p.sha256 = u.sha256
             WHERE f.upload = ?1 AND f.type <> ?3 AND f.position >= ?4 AND f.position < ?5 ON CONFLICT (blob, start) DO NOTHING",
        )
        .bind(upload.number)
        .bind(&upload.project_id)
        .bind(without)
        .bind(from)
        .bind(until)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Ends an upload: from now on it only says what it became. Its files are for [`Transaction::forget_files`].
    ///
    /// # Errors
    /// The database failed.
    pub async fn end_upload(&mut self, upload: &Upload, became: &CommittedUpload) -> Result<()> {
        self.end(upload.number, became).await
    }

    async fn end(&mut self, number: i64, became: &CommittedUpload) -> Result<()> {
        sqlx::query("UPDATE uploads SET batch_id = ?, runs = ?, failed = ? WHERE number = ?")
            .bind(&became.batch_id)
            .bind(i64::try_from(became.runs).unwrap_or(i64::MAX))
            .bind(i64::try_from(became.failed).unwrap_or(i64::MAX))
            .bind(number)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets some of the files of an upload that is ended, and returns true if there are more.
    ///
    /// # Errors
    /// The database failed.
    pub async fn forget_files(&mut self, upload: &Upload) -> Result<bool> {
        self.forget_some_files(upload.number).await
    }

    /// Forgets some of the files of the first upload that nobody has gone on with since a time, and the upload with the last of them.
    /// Returns how many uploads that were; nothing where there is none.
    pub(super) async fn forget_some_of_upload(&mut self, since: i64) -> Result<Option<u64>> {
        let old: Option<i64> = sqlx::query_scalar("SELECT number FROM uploads WHERE offered_at <= ? LIMIT 1")
            .bind(since)
            .fetch_optional(self.connection())
            .await?;
        let Some(upload) = old else { return Ok(None) };
        if self.forget_some_files(upload).await? {
            return Ok(Some(0));
        }
        sqlx::query("DELETE FROM uploads WHERE number = ?").bind(upload).execute(self.connection()).await?;
        Ok(Some(1))
    }

    async fn forget_some_files(&mut self, upload: i64) -> Result<bool> {
        let next: Option<i64> =
            sqlx::query_scalar("SELECT position FROM upload_files WHERE upload = ? ORDER BY position LIMIT 1 OFFSET ?")
                .bind(upload)
                .bind(FORGOTTEN)
                .fetch_optional(self.connection())
                .await?;
        for sql in [
            "DELETE FROM upload_parts WHERE upload = ? AND file < ?",
            "DELETE FROM upload_files WHERE upload = ? AND position < ?",
        ] {
            sqlx::query(sql).bind(upload).bind(next.unwrap_or(i64::MAX)).execute(self.connection()).await?;
        }
        Ok(next.is_some())
    }
}

/// Checks that an upload has a part.
async fn check_offered(connection: &mut Connection, upload: &Upload, part: PartName) -> Result<()> {
    let found: i64 =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM upload_parts WHERE upload = ? AND sha256 = ? AND size = ?)")
            .bind(upload.number)
            .bind(part.sha256.to_string())
            .bind(i64::try_from(part.size).unwrap_or(i64::MAX))
            .fetch_one(connection)
            .await?;
    if found == 1 { Ok(()) } else { Err(ContentError::NotOffered { sha256: part.sha256, size: part.size }.into()) }
}

/// Returns the parts of files that follow one another, one more than so many at most.
async fn parts_of_files(
    connection: &mut Connection,
    upload: &Upload,
    first: u32,
    last: u32,
    most: usize,
) -> Result<Vec<PartName>> {
    // As one text: a row for each would cost more than everything else.
    let list: String = sqlx::query_scalar(
        "SELECT json_group_array(json_array(sha256, size)) FROM
           (SELECT sha256, size FROM upload_parts WHERE upload = ? AND file BETWEEN ? AND ? ORDER BY file, start LIMIT ?)",
    )
    .bind(upload.number)
    .bind(first)
    .bind(last)
    .bind(i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1))
    .fetch_one(connection)
    .await?;
    let list: Vec<(Digest, u64)> = serde_json::from_str(&list).map_err(|_| rows::damaged("the parts", &upload.id))?;
    Ok(list.into_iter().map(|(sha256, size)| PartName { sha256, size }).collect())
}

async fn read_upload(connection: &mut Connection, scope: &Scope, id: &str) -> Result<Upload> {
    let row =
        sqlx::query(select!()).bind(&scope.org_id).bind(scope.listed_projects()).bind(id).fetch_optional(connection).await?;
    row.as_ref().map_or_else(|| Err(StoreError::UploadNotFound(id.to_owned())), upload)
}

async fn missing(connection: &mut Connection, upload: &Upload) -> Result<Vec<String>> {
    // As one text, likewise.
    let missing: String = sqlx::query_scalar(
        "SELECT json_group_array(sha256) FROM
           (SELECT u.sha256 FROM upload_parts u
            WHERE u.upload = ?1 AND NOT EXISTS
              (SELECT 1 FROM parts p WHERE p.project_id = ?2 AND p.sha256 = u.sha256 AND p.size = u.size)
            GROUP BY u.sha256 ORDER BY min(u.position))",
    )
    .bind(upload.number)
    .bind(&upload.project_id)
    .fetch_one(connection)
    .await?;
    serde_json::from_str(&missing).map_err(|_| rows::damaged("the missing parts", &upload.id))
}

fn upload(row: &SqliteRow) -> Result<Upload> {
    let id: String = row.try_get("id")?;
    let batch: Option<String> = row.try_get("batch_id")?;
    let committed = batch.map(|batch_id| {
        let (runs, failed) = (unsigned(row, "runs", &batch_id)?, unsigned(row, "failed", &batch_id)?);
        Ok::<_, StoreError>(CommittedUpload { batch_id, runs, failed })
    });
    Ok(Upload {
        project_id: row.try_get("project_id")?,
        bundle_id: row.try_get("bundle_id")?,
        experiment_id: row.try_get("experiment_id")?,
        digest: rows::digest(row, "digest", &id)?.ok_or_else(|| rows::damaged("digest", &id))?,
        committed: committed.transpose()?,
        number: row.try_get("number")?,
        id,
    })
}

fn upload_file(row: &SqliteRow) -> Result<UploadFile> {
    Ok(UploadFile {
        position: row.try_get("position")?,
        file_type: row.try_get("type")?,
        name: row.try_get("name")?,
        run_id: row.try_get("run_id")?,
        blob_id: row.try_get("id")?,
    })
}
