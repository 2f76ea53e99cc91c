//! Making a backup.

use std::io::{self, Read, Write};
use std::path::Path;

use bytes::{Buf as _, Bytes};
use futures_util::stream::{BoxStream, StreamExt as _};
use sha2::{Digest as _, Sha256};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tokio::runtime::Handle;

use super::hold::Hold;
use super::manifest::{Entry, Manifest, Objects as ObjectsEntry};
use super::{BackupError, DATABASE, FORMAT, HEAD, MANIFEST, OBJECTS};
use crate::artifacts::Objects;
use crate::{Result, Store, StoreError};

/// How well it is packed: most of what it packs is text, and a backup must not take the processor from those who wait for the server.
const LEVEL: i32 = 3;

/// How many names of files are read at a time.
const PAGE: i64 = 1000;

impl Store {
    /// Writes a backup. Others read and write meanwhile; what they write after it began is not in it.
    ///
    /// `beside` is an empty file that only its owner may read, for the state while it is copied; `version` is that of the program. `told` is
    /// called now and then with the number of files and of bytes that were copied so far.
    ///
    /// # Errors
    /// The database is not a file, a file that it names is missing, or a disk failed.
    pub async fn back_up<W: Write + Send + 'static>(
        &self,
        objects: &Objects,
        beside: &Path,
        to: W,
        version: &str,
        told: impl FnMut(u64, u64) + Send + 'static,
    ) -> Result<(Manifest, W)> {
        let _hold = Hold::begin(self).await?;
        let created_at = self.now();
        self.copy_database(beside).await?;
        let options = SqliteConnectOptions::new().filename(beside).read_only(true).immutable(true);
        let mut state = options.connect().await?;
        let mut packing = Packing {
            tar: tar::Builder::new(zstd::Encoder::new(to, LEVEL).map_err(StoreError::from_disk)?),
            handle: Handle::current(),
            objects: objects.clone(),
            listing: Sha256::new(),
            copied: (0, 0),
        };
        let (rows, schema) = (count_rows(&mut state).await?, newest_schema(&mut state).await?);
        let (beside, version) = (beside.to_owned(), version.to_owned());
        let packed = tokio::task::spawn_blocking(move || {
            packing.entry(HEAD, (format!("{FORMAT}\n")).as_bytes(), None)?;
            let database = std::fs::File::open(&beside).map_err(StoreError::from_disk)?;
            let size = database.metadata().map_err(StoreError::from_disk)?.len();
            let database = packing.entry(DATABASE, database, Some(size))?;
            let objects = packing.all_objects(&mut state, told)?;
            let manifest = Manifest { format: FORMAT, version, created_at, schema, database, objects, rows };
            let text = serde_json::to_vec_pretty(&manifest).map_err(|error| StoreError::from_disk(error.into()))?;
            packing.entry(MANIFEST, text.as_slice(), None)?;
            let to = packing.tar.into_inner().and_then(zstd::Encoder::finish).map_err(StoreError::from_disk)?;
            packing.handle.block_on(state.close())?;
            Ok((manifest, to))
        });
        packed.await.map_err(|error| StoreError::Storage(io::Error::other(error)))?
    }

    /// Makes sure that the database is a file.
    fn require_file(&self) -> Result<()> {
        match self.folder() {
            Some(_) => Ok(()),
            None => Err(StoreError::Database(sqlx::Error::Configuration("only a SQLite database can be backed up".into()))),
        }
    }

    /// Copies the state of the database into an empty file, while others write.
    async fn copy_database(&self, to: &Path) -> Result<()> {
        self.require_file()?;
        let Some(to) = to.to_str() else {
            return Err(StoreError::Storage(io::Error::new(io::ErrorKind::InvalidFilename, "its path is not UTF-8")));
        };
        let mut connection = self.watcher().await?;
        // Nothing is written but the copy.
        sqlx::query("PRAGMA query_only = OFF").execute(&mut connection).await?;
        sqlx::query("VACUUM INTO ?").bind(to).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }
}

/// Returns how many rows each table has.
pub(super) async fn count_rows(state: &mut SqliteConnection) -> Result<std::collections::BTreeMap<String, u64>> {
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name")
            .fetch_all(&mut *state)
            .await?;
    let mut rows = std::collections::BTreeMap::new();
    for table in tables {
        let quoted = table.replace('"', "\"\"");
        // The names of tables are those of our own migrations, or of whoever wrote into a restored file: they are quoted.
        let sql = AssertSqlSafe(format!("SELECT count(*) FROM \"{quoted}\""));
        let count: i64 = sqlx::query_scalar(sql).fetch_one(&mut *state).await?;
        rows.insert(table, count.unsigned_abs());
    }
    Ok(rows)
}

/// Returns the number of the newest schema.
pub(super) async fn newest_schema(state: &mut SqliteConnection) -> Result<i64> {
    let newest = sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations WHERE success");
    Ok(newest.fetch_one(state).await?)
}

/// An archive that is being written, by a thread that may wait.
struct Packing<W: Write> {
    tar: tar::Builder<zstd::Encoder<'static, W>>,
    handle: Handle,
    objects: Objects,
    listing: Sha256,
    copied: (u64, u64),
}

impl<W: Write> Packing<W> {
    /// Writes an entry. Its length is that of a slice, or is said.
    fn entry(&mut self, name: &str, content: impl Read, size: Option<u64>) -> Result<Entry> {
        let mut content = Hashed { content, hash: Sha256::new(), size: 0 };
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o600);
        let written = match size {
            Some(size) => {
                header.set_size(size);
                self.tar.append_data(&mut header, name, content.by_ref().take(size))
            }
            None => {
                let mut bytes = Vec::new();
                content.read_to_end(&mut bytes).and_then(|size| {
                    header.set_size(size as u64);
                    self.tar.append_data(&mut header, name, bytes.as_slice())
                })
            }
        };
        written.map_err(StoreError::from_disk)?;
        let entry = Entry { size: content.size, sha256: hexadecimal(content.hash) };
        if size.is_some_and(|size| size != entry.size) {
            return Err(StoreError::Damaged { what: "length", of: name.to_owned() });
        }
        Ok(entry)
    }

    fn all_objects(&mut self, state: &mut SqliteConnection, mut told: impl FnMut(u64, u64)) -> Result<ObjectsEntry> {
        let mut last = String::new();
        loop {
            let names = sqlx::query_scalar("SELECT DISTINCT object FROM parts WHERE object > ? ORDER BY object LIMIT ?");
            let names: Vec<String> = self.handle.block_on(names.bind(&last).bind(PAGE).fetch_all(&mut *state))?;
            let Some(newest) = names.last() else { break };
            last.clone_from(newest);
            for name in names {
                self.object(&name)?;
                told(self.copied.0, self.copied.1);
            }
        }
        let (count, size) = self.copied;
        Ok(ObjectsEntry { count, size, sha256: hexadecimal(std::mem::take(&mut self.listing)) })
    }

    fn object(&mut self, name: &str) -> Result<()> {
        let size = self.handle.block_on(self.objects.size(name))?;
        let Some(size) = size else {
            return Err(StoreError::Backup(BackupError::Missing(name.to_owned())));
        };
        let bytes = self.objects.read(name, 0, size);
        let content = Object { handle: self.handle.clone(), bytes, piece: Bytes::new() };
        let path = format!("{OBJECTS}/{name}");
        let entry = self.entry(&path, content, Some(size))?;
        self.listing.update(listed(&entry, &path));
        self.copied.0 += 1;
        self.copied.1 += entry.size;
        Ok(())
    }
}

/// Returns the line of the list of files.
pub(super) fn listed(entry: &Entry, name: &str) -> String {
    format!("{} {} {name}\n", entry.sha256, entry.size)
}

pub(super) fn hexadecimal(hash: Sha256) -> String {
    data_encoding::HEXLOWER.encode(&hash.finalize())
}

/// Something that is hashed while it is read.
pub(super) struct Hashed<R> {
    pub(super) content: R,
    pub(super) hash: Sha256,
    pub(super) size: u64,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(into)?;
        self.hash.update(&into[..read]);
        self.size += read as u64;
        Ok(read)
    }
}

/// The bytes of an object, for a thread that may wait.
struct Object {
    handle: Handle,
    bytes: BoxStream<'static, Result<Bytes>>,
    piece: Bytes,
}

impl Read for Object {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.handle.block_on(self.bytes.next()) {
                Some(piece) => self.piece = piece.map_err(io::Error::other)?,
                None => return Ok(0),
            }
        }
        let length = self.piece.len().min(into.len());
        into[..length].copy_from_slice(&self.piece[..length]);
        self.piece.advance(length);
        Ok(length)
    }
}
