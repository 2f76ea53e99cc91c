//! Blobs: making them of parts, and reading them.

use std::ops::Range;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use keepstep_base::Digest;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{FileContent, Objects};
use crate::model::Scope;
use crate::test_data::in_scope;
use crate::{Result, Store, StoreError, Transaction, rows};

/// How many parts are looked up at a time.
const PAGE: u32 = 256;

/// The content of a file, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Its id.
    pub id: String,
    /// The project that it belongs to.
    pub project_id: String,
    /// Its length in bytes.
    pub size: u64,
    /// Says what the content is: equal content that was cut in the same way has the same one.
    pub tree: Digest,
    /// The SHA-256 of the whole, as somebody claims it or as it is proven.
    pub sha256: Digest,
    /// The server has computed the SHA-256 itself.
    pub is_proven: bool,
    number: i64,
}

/// Bytes that can be read.
#[derive(Debug, Clone)]
pub struct Content {
    /// How many there are.
    pub size: u64,
    store: Store,
    objects: Objects,
    source: Source,
}

/// Where the list of parts is.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// Those of a blob.
    Blob(i64),
    /// Those of a file that is being uploaded.
    Upload { project: String, upload: i64, file: i64 },
}

/// A piece of an object.
struct Piece {
    start: u64,
    size: u64,
    object: String,
    offset: u64,
}

impl Store {
    /// Returns a blob.
    ///
    /// # Errors
    /// There is no such blob in the scope, or the database failed.
    pub async fn blob(&self, scope: &Scope, id: &str) -> Result<Blob> {
        let row = sqlx::query(concat!(
            "SELECT b.number, b.id, b.project_id, b.size, b.tree, b.sha256, b.proven
             FROM blobs b JOIN projects p ON p.id = b.project_id WHERE ",
            in_scope!(),
            " AND b.id = ?3"
        ))
        .bind(&scope.org_id)
        .bind(scope.listed_projects())
        .bind(id)
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        row.as_ref().map_or_else(|| Err(StoreError::BlobNotFound(id.to_owned())), blob)
    }

    /// Opens a blob for reading.
    ///
    /// # Errors
    /// There is no such blob in the scope, or the database failed.
    pub async fn open_blob(&self, objects: &Objects, scope: &Scope, id: &str) -> Result<(Blob, Content)> {
        let blob = self.blob(scope, id).await?;
        let content = self.content(objects, blob.size, Source::Blob(blob.number));
        Ok((blob, content))
    }

    pub(super) fn content(&self, objects: &Objects, size: u64, source: Source) -> Content {
        Content { size, store: self.clone(), objects: objects.clone(), source }
    }

    async fn pieces(&self, source: &Source, from: u64) -> Result<Vec<Piece>> {
        let from = i64::try_from(from).unwrap_or(i64::MAX);
        let query = match source {
            Source::Blob(blob) => sqlx::query(
                "SELECT b.start, p.size, p.object, p.offset FROM blob_parts b JOIN parts p ON p.number = b.part
                 WHERE b.blob = ?1 AND b.start >= (SELECT max(start) FROM blob_parts WHERE blob = ?1 AND start <= ?2)
                 ORDER BY b.start LIMIT ?3",
            )
            .bind(blob)
            .bind(from)
            .bind(PAGE),
            Source::Upload { project, upload, file } => sqlx::query(
                "SELECT u.start, p.size, p.object, p.offset
                 FROM upload_parts u JOIN parts p ON p.project_id = ?4 AND p.sha256 = u.sha256
                 WHERE u.upload = ?1 AND u.file = ?5 AND u.start + u.size > ?2 ORDER BY u.start LIMIT ?3",
            )
            .bind(upload)
            .bind(from)
            .bind(PAGE)
            .bind(project)
            .bind(file),
        };
        let found = query.fetch_all(&mut *self.reader().await?).await?;
        found.iter().map(piece).collect()
    }
}

impl Content {
    /// Returns a range of the bytes as a stream. What is after the end is not there.
    pub fn stream(self, range: Range<u64>) -> BoxStream<'static, Result<Bytes>> {
        let end = range.end.min(self.size);
        let state = (self, range.start, Vec::<Piece>::new().into_iter());
        let pieces = stream::try_unfold(state, move |(content, from, mut page)| async move {
            if from >= end {
                return Ok(None);
            }
            let next = match page.next() {
                Some(piece) => Some(piece),
                None => {
                    page = content.store.pieces(&content.source, from).await?.into_iter();
                    page.next()
                }
            };
            // A list with a gap must not become a file with a gap.
            let piece = next.filter(|piece| piece.start <= from && from < piece.start + piece.size);
            let piece = piece.ok_or_else(|| rows::damaged("the list of parts", "a file"))?;
            let skip = from - piece.start;
            let until = end.min(piece.start + piece.size);
            let bytes = content.objects.read(&piece.object, piece.offset + skip, until - from);
            Ok::<_, StoreError>(Some((bytes, (content, until, page))))
        });
        pieces.try_flatten().boxed()
    }

    /// Returns all bytes as a stream.
    pub fn whole(self) -> BoxStream<'static, Result<Bytes>> {
        let size = self.size;
        self.stream(0..size)
    }
}

impl Transaction {
    /// Makes the blob of a content whose parts are all there, unless there is one. Returns its id.
    pub(super) async fn put_blob(&mut self, project: &str, content: &FileContent, is_proven: bool) -> Result<String> {
        let (id, now) = (self.surroundings.id("blob_")?, self.now);
        let row = sqlx::query(
            "INSERT INTO blobs (id, project_id, tree, size, sha256, proven, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (project_id, tree) DO UPDATE SET
               sha256 = CASE WHEN ?6 THEN ?5 ELSE sha256 END, proven = max(proven, ?6)
             RETURNING number, id",
        )
        .bind(&id)
        .bind(project)
        .bind(content.tree().to_string())
        .bind(i64::try_from(content.size).unwrap_or(i64::MAX))
        .bind(content.sha256.to_string())
        .bind(is_proven)
        .bind(now)
        .fetch_one(self.connection())
        .await?;
        let (number, found): (i64, String) = (row.try_get("number")?, row.try_get("id")?);
        if found == id {
            let mut start = 0;
            let list: Vec<(u64, String)> = content
                .parts
                .iter()
                .map(|part| {
                    let at = start;
                    start += part.size;
                    (at, part.sha256.to_string())
                })
                .collect();
            sqlx::query(
                "INSERT INTO blob_parts (blob, start, part) SELECT ?1, value ->> 0, p.number
                 FROM json_each(?3) JOIN parts p ON p.project_id = ?2 AND p.sha256 = value ->> 1",
            )
            .bind(number)
            .bind(project)
            .bind(rows::text(&list))
            .execute(self.connection())
            .await?;
        }
        Ok(found)
    }
}

fn blob(row: &SqliteRow) -> Result<Blob> {
    let id: String = row.try_get("id")?;
    let digest = |column| rows::digest(row, column, &id)?.ok_or_else(|| rows::damaged(column, &id));
    Ok(Blob {
        project_id: row.try_get("project_id")?,
        size: unsigned(row, "size", &id)?,
        tree: digest("tree")?,
        sha256: digest("sha256")?,
        is_proven: row.try_get("proven")?,
        number: row.try_get("number")?,
        id,
    })
}

fn piece(row: &SqliteRow) -> Result<Piece> {
    let object: String = row.try_get("object")?;
    Ok(Piece {
        start: unsigned(row, "start", &object)?,
        size: unsigned(row, "size", &object)?,
        offset: unsigned(row, "offset", &object)?,
        object,
    })
}

/// Returns a size or a place in a file.
pub(super) fn unsigned(row: &SqliteRow, column: &'static str, of: &str) -> Result<u64> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|_| rows::damaged(column, of))
}
