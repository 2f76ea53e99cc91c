//! A SQLite file: opened, made, upgraded, read by several connections and written by one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use include_dir::include_dir;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use super::commits;
use super::connection::{Connection, Held};
use super::migrations::{self, Standing};
use crate::file_watch::FileWatch;
use crate::test_data::packed;
use crate::{Result, StoreError, private};

static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| migrations::of(&include_dir!("$CARGO_MANIFEST_DIR/migrations/sqlite")));

/// Marks the file as ours: the letters `keep`.
const APPLICATION_ID: i64 = 0x6b65_6570;

/// How long a writer waits for one of another process.
const BUSY: Duration = Duration::from_secs(15);

/// SQLite's number for a file that another process writes.
const BUSY_CODE: i32 = 5;

/// How many connections read at the same time.
const READERS: u32 = 4;

/// After how many transactions that write very much the log is brought into the file: before it is so long that the next writer would have
/// to do that in its own time.
const LOGGED: u32 = 10;

/// How many pages of the log are brought into the file while writers wait: a few milliseconds.
const LITTLE: i64 = 1000;

/// A database in a file.
#[derive(Debug)]
pub(crate) struct File {
    readers: SqlitePool,
    /// Has one connection: the writers of this process queue here, those of other processes at the file's lock.
    writer: SqlitePool,
    watch: SqliteConnectOptions,
    file: Arc<FileWatch>,
    /// How many transactions wrote very much.
    logged: AtomicU32,
}

/// When what a transaction wrote is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// When it is committed.
    Now,
    /// With the next one that is kept when it is committed.
    WithTheNext,
}

impl File {
    /// Opens a file, and makes or upgrades it. The connection that comes with it is one to ask for the change number.
    pub(crate) async fn open(path: &Path) -> Result<(Self, Connection)> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .synchronous(SqliteSynchronous::Full)
            // A long read may have made the log large; it need not stay so.
            .pragma("journal_size_limit", "67108864");
        private::prepare_file(path).map_err(|error| StoreError::CannotOpen { path: path.to_owned(), reason: reason(&error) })?;
        prepare(path, &options).await?;

        // An upload of a thousand files changes far more pages than fit into the usual 2 MiB; what does not fit is written twice.
        let writing = options.clone().pragma("cache_size", "-16384").pragma("wal_autocheckpoint", "16000");
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(Duration::from_secs(60))
            // After some errors, a full disk among them, SQLite has taken the transaction back by itself. The connection is then
            // believed to be in one for ever, and nobody could write any more.
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
            .connect_lazy_with(writing);
        let reading = options.create_if_missing(false).pragma("query_only", "ON");
        let unreadable = |error: sqlx::Error| {
            let error = StoreError::from(error);
            StoreError::CannotOpen { path: path.to_owned(), reason: error.to_string() }
        };
        // From here on a connection is open, and with it the log beside the file.
        let mut first = Connection::Sqlite(Held::Alone(Box::new(reading.connect().await.map_err(unreadable)?)));
        commits::change_number(&mut first).await.map_err(unreadable)?;
        let file = Arc::new(FileWatch::of(path));
        let opened = Arc::clone(&file);
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(Duration::from_secs(30))
            // Another file in the place of the first must not be read beside it.
            .after_connect(move |_, _| {
                let checked = opened.check().map_err(|error| sqlx::Error::Configuration(Box::new(error)));
                Box::pin(async move { checked })
            })
            .connect_lazy_with(reading.clone());
        Ok((Self { readers, writer, watch: reading, file, logged: AtomicU32::new(0) }, first))
    }

    /// Returns the folder that it is in.
    pub(crate) fn folder(&self) -> &Path {
        self.file.folder()
    }

    /// Returns its log, which is beside it.
    pub(crate) fn log(&self) -> &Path {
        self.file.log()
    }

    /// Returns a connection that reads.
    pub(crate) async fn reader(&self) -> Result<Connection> {
        // A connection that is open goes on with the file that it has. A new one would be tried for as long as somebody may wait.
        if self.readers.num_idle() == 0 {
            self.check_file()?;
        }
        let acquired = self.readers.acquire().await.map_err(|error| self.or_file_gone(error.into()))?;
        Ok(Connection::Sqlite(Held::Reader(acquired)))
    }

    /// Begins a write, as the only one.
    pub(crate) async fn writer(&self, kept: Kept) -> Result<Connection> {
        self.check_file()?;
        // How far a commit is waited for can be said between transactions only, and the connection has been another writer's.
        let begin = match kept {
            Kept::Now => "PRAGMA synchronous = FULL; BEGIN IMMEDIATE",
            Kept::WithTheNext => "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE",
        };
        Ok(Connection::Sqlite(Held::Writer(self.writer.begin_with(begin).await?)))
    }

    /// Brings the log into the file now and then, so that no writer has to do it in its own time.
    ///
    /// Most of it on a connection that no one who writes waits for. What was written meanwhile is little, and is brought on the
    /// writer's: only when nothing is left, the next writer begins the log anew.
    pub(crate) async fn after_much(&self) {
        if !(self.logged.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(LOGGED) {
            return;
        }
        // Where all of them read, it is for the next time, or for the writer.
        let Some(mut reader) = self.readers.try_acquire() else { return };
        let left = bring_log(&mut reader).await;
        drop(reader);
        if left.is_some_and(|left| left <= LITTLE)
            && let Ok(mut writer) = self.writer.acquire().await
        {
            bring_log(&mut writer).await;
        }
    }

    /// Returns another connection to ask for the change number.
    pub(crate) async fn watcher(&self) -> Result<Connection, sqlx::Error> {
        Ok(Connection::Sqlite(Held::Alone(Box::new(self.watch.connect().await?))))
    }

    /// Checks that nobody closed the database.
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.readers.is_closed() { Err(StoreError::Database(sqlx::Error::PoolClosed)) } else { Ok(()) }
    }

    /// Checks that the file is still the one that was opened.
    ///
    /// The last connection that closes takes the log away, at a time of its own: a database that was closed says so, and not that its
    /// file is gone.
    pub(crate) fn check_file(&self) -> Result<()> {
        self.check_open()?;
        self.file.check()
    }

    /// Checks, at the last moment, that what is committed would be kept: what is written to a file that has no name any more is gone
    /// with the process.
    pub(crate) fn check_commit(&self) -> Result<()> {
        self.file.check()
    }

    /// Checks that there is room for a small write.
    pub(crate) fn check_room(&self) -> Result<()> {
        self.file.check_room()
    }

    /// Returns why the database did not answer: because its file is gone, or for the reason that it gave.
    pub(crate) fn or_file_gone(&self, error: StoreError) -> StoreError {
        self.check_file().err().unwrap_or(error)
    }

    /// Finishes what runs and closes the file.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Brings the log into the file, as far as others let it. Returns how many of its pages are left.
async fn bring_log(connection: &mut SqliteConnection) -> Option<i64> {
    let done: Result<(i64, i64, i64), _> = sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(connection).await;
    match done {
        Ok((_, pages, brought)) => Some(pages - brought),
        Err(error) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "the log stays as it is");
            None
        }
    }
}

/// Checks whose file it is, and makes or upgrades the tables.
async fn prepare(path: &Path, options: &SqliteConnectOptions) -> Result<()> {
    let mut connection = options.connect().await.map_err(|error| cannot_open(path, &error))?;
    let outcome = prepare_connected(path, &mut connection).await;
    let closed = connection.close().await;
    outcome?;
    Ok(closed?)
}

async fn prepare_connected(path: &Path, connection: &mut SqliteConnection) -> Result<()> {
    let failed = |error: sqlx::Error| cannot_open(path, &error);
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *connection).await.map_err(failed)?;
    let application: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await.map_err(failed)?;
    if tables > 0 && application != APPLICATION_ID {
        return Err(StoreError::Foreign { path: path.to_owned(), reason: "another program's SQLite database".to_owned() });
    }
    let found = applied(connection).await.map_err(failed)?;
    match migrations::standing(&MIGRATIONS, &found) {
        // A copy that SQLite made is in another mode.
        Standing::Done => set_patiently(connection, "PRAGMA journal_mode = WAL").await.map_err(failed)?,
        Standing::Lacks => migrate(path, connection, found).await?,
        Standing::Newer { found, known } => return Err(StoreError::NewerSchema { path: path.to_owned(), found, known }),
    }
    packed::pack_old_pages(connection).await.map_err(failed)
}

/// Makes or upgrades the tables of a file that has some of the migrations.
async fn migrate(path: &Path, connection: &mut SqliteConnection, mut found: BTreeSet<i64>) -> Result<()> {
    let failed = |error: sqlx::Error| cannot_open(path, &error);
    set_patiently(connection, "PRAGMA application_id = 1801807216").await.map_err(failed)?;
    set_patiently(connection, "PRAGMA journal_mode = WAL").await.map_err(failed)?;
    // Two processes that open a file at the same time both begin; the second finds a step done and goes on from there.
    while let Err(error) = run_migrations(connection, found.is_empty()).await {
        let now = applied(connection).await.map_err(failed)?;
        if now == found {
            return Err(StoreError::CannotOpen { path: path.to_owned(), reason: format!("its upgrade failed: {error}") });
        }
        found = now;
    }
    Ok(())
}

/// Runs the migrations: each as a transaction of its own, or, where the file is new, all as one, which the disk is waited for once.
async fn run_migrations(connection: &mut SqliteConnection, is_new: bool) -> Result<(), MigrateError> {
    if !is_new {
        return MIGRATIONS.run(connection).await;
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    MIGRATIONS.run(&mut *transaction).await?;
    Ok(transaction.commit().await?)
}

/// Sets something for the whole file. Where two processes do that at the same time, SQLite refuses one of them at once instead of
/// having it wait: each might hold what the other one needs.
async fn set_patiently(connection: &mut SqliteConnection, pragma: &'static str) -> Result<(), sqlx::Error> {
    let begun = Instant::now();
    loop {
        match sqlx::query(pragma).execute(&mut *connection).await {
            Err(error) if is_busy(&error) && begun.elapsed() < BUSY => tokio::time::sleep(BUSY / 1000).await,
            outcome => return outcome.map(|_| ()),
        }
    }
}

/// Returns the migrations that the file has.
async fn applied(connection: &mut SqliteConnection) -> Result<BTreeSet<i64>, sqlx::Error> {
    let table: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'")
        .fetch_one(&mut *connection)
        .await?;
    if table == 0 {
        return Ok(BTreeSet::new());
    }
    let found: Vec<i64> = sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success").fetch_all(connection).await?;
    Ok(found.into_iter().collect())
}

fn is_busy(error: &sqlx::Error) -> bool {
    code(error) == Some(BUSY_CODE)
}

/// Returns SQLite's number of an error, without what it adds to say more.
fn code(error: &sqlx::Error) -> Option<i32> {
    let code = i32::from_str(&error.as_database_error()?.code()?).ok()?;
    Some(code & 0xff)
}

fn cannot_open(path: &Path, error: &sqlx::Error) -> StoreError {
    let path = PathBuf::from(path);
    match code(error) {
        Some(11 | 26) => StoreError::Foreign { path, reason: "no SQLite database, or a damaged one".to_owned() },
        Some(8) => StoreError::CannotOpen { path, reason: "the file or its folder is read-only".to_owned() },
        Some(13) => StoreError::CannotOpen { path, reason: "the disk is full".to_owned() },
        Some(14) => StoreError::CannotOpen {
            path,
            reason: "the file cannot be created or opened; check that its folder exists and that you may write there".to_owned(),
        },
        Some(BUSY_CODE | 6) => {
            StoreError::CannotOpen { path, reason: "another process has been writing for too long".to_owned() }
        }
        _ => StoreError::CannotOpen { path, reason: error.to_string() },
    }
}

/// Returns why a file could not be made or opened, for people.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::IsADirectory => {
            "the file cannot be created or opened; check that its folder exists and that you may write there".to_owned()
        }
        std::io::ErrorKind::ReadOnlyFilesystem => "the file or its folder is read-only".to_owned(),
        std::io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn tables(path: &Path) -> Vec<(String, Option<String>)> {
        let mut connection = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
        sqlx::query_as("SELECT name, sql FROM sqlite_schema ORDER BY name").fetch_all(&mut connection).await.unwrap()
    }

    /// The numbers from 44 on came into the program after 50.
    #[tokio::test]
    async fn a_file_gets_the_migrations_that_it_lacks_also_those_before_its_newest() {
        let folder = tempfile::tempdir().unwrap();
        let (early, new) = (folder.path().join("early.db"), folder.path().join("new.db"));
        let mut connection =
            SqliteConnectOptions::new().filename(&early).create_if_missing(true).foreign_keys(true).connect().await.unwrap();
        sqlx::query("PRAGMA application_id = 1801807216").execute(&mut connection).await.unwrap();
        let there = MIGRATIONS.iter().filter(|migration| !(44..50).contains(&migration.version));
        Migrator::with_migrations(there.cloned().collect()).run(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        for path in [&early, &new] {
            File::open(path).await.unwrap().0.close().await;
        }
        assert_eq!(tables(&early).await, tables(&new).await);
    }
}
