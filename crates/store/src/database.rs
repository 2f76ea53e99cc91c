//! Opening the file, reading, writing, and noticing that somebody else wrote.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Sqlite};
use tokio::sync::Mutex;

use crate::asking::Asking;
use crate::file_watch::FileWatch;
use crate::test_data::packed;
use crate::{Result, StoreError, Surroundings, private};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Marks the file as ours: the letters `keep`.
const APPLICATION_ID: i64 = 0x6b65_6570;

/// How long a writer waits for one of another process.
const BUSY: Duration = Duration::from_secs(15);

/// SQLite's number for a file that another process writes.
const BUSY_CODE: i32 = 5;

/// How many connections read at the same time.
const READERS: u32 = 4;

/// What a platform knows. Clones are the same store.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    readers: SqlitePool,
    /// Has one connection: the writers of this process queue here, those of other processes at the file's lock.
    writer: SqlitePool,
    watch: Watch,
    file: Arc<FileWatch>,
    /// When waiting devices last asked.
    asking: std::sync::Mutex<Asking>,
    surroundings: Surroundings,
}

/// A change of the database that becomes visible as a whole by [`Transaction::commit`], or not at all when it is dropped.
pub struct Transaction {
    pub(crate) inner: sqlx::Transaction<'static, Sqlite>,
    pub(crate) surroundings: Surroundings,
    /// The time of everything in this transaction.
    pub(crate) now: i64,
    pub(crate) store: Store,
}

impl Store {
    /// Opens the database in a file, and makes or upgrades it.
    ///
    /// # Errors
    /// The file cannot be opened, is not ours, or was made by a newer keepstep.
    pub async fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, Surroundings::of_the_machine()).await
    }

    /// Opens the database in a file with a clock and randomness of the caller's choice.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_with(path: &Path, surroundings: Surroundings) -> Result<Self> {
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
        let writing = options.clone().pragma("cache_size", "-16384").pragma("wal_autocheckpoint", "4000");
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
        let watch = Watch { options: reading.clone(), begun: AtomicU64::new(0), seen: Mutex::new(Seen::default()) };
        // From here on a connection is open, and with it the log beside the file.
        watch.generation().await.map_err(|error| StoreError::CannotOpen { path: path.to_owned(), reason: error.to_string() })?;
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
            .connect_lazy_with(reading);
        Ok(Self { inner: Arc::new(Inner { readers, writer, watch, file, asking: Default::default(), surroundings }) })
    }

    /// Begins a write. Nobody else writes until it is committed or dropped.
    ///
    /// # Errors
    /// Another process has been writing for too long, or the file cannot be written.
    pub async fn write(&self) -> Result<Transaction> {
        self.check_file()?;
        let inner = self.inner.writer.begin_with("BEGIN IMMEDIATE").await?;
        let surroundings = self.inner.surroundings.clone();
        Ok(Transaction { inner, now: surroundings.now(), surroundings, store: self.clone() })
    }

    /// Returns a number that is another one whenever anything was committed since, by whatever process.
    ///
    /// What was read after one call is still true if a later call returns the same number. Calls at the same time share
    /// one question to the database.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn generation(&self) -> Result<u64> {
        self.check_open()?;
        self.inner.watch.generation().await.map_err(|error| self.or_file_gone(error))
    }

    /// Checks that the database answers, that its file is still the one that was opened, and that there is room to write.
    ///
    /// # Errors
    /// One of these does not hold.
    pub async fn check(&self) -> Result<()> {
        self.check_file()?;
        self.inner.file.check_room()?;
        let mut reader = self.reader().await?;
        sqlx::query("SELECT count(*) FROM settings").execute(&mut *reader).await?;
        Ok(())
    }

    /// Returns the time of the store's clock, in epoch milliseconds.
    pub fn now(&self) -> i64 {
        self.inner.surroundings.now()
    }

    /// Returns the clock and the randomness.
    pub fn surroundings(&self) -> &Surroundings {
        &self.inner.surroundings
    }

    /// Finishes what runs and closes the file.
    pub async fn close(&self) {
        self.inner.readers.close().await;
        self.inner.writer.close().await;
        if let Some(connection) = self.inner.watch.seen.lock().await.connection.take() {
            // Whatever it says, nobody asks it again.
            drop(connection.close().await);
        }
    }

    /// Checks that nobody closed the store.
    fn check_open(&self) -> Result<()> {
        if self.inner.readers.is_closed() { Err(StoreError::Database(sqlx::Error::PoolClosed)) } else { Ok(()) }
    }

    /// Checks that the file is still the one that was opened.
    ///
    /// The last connection that closes takes the log away, at a time of its own: a store that was closed says so, and not that its file
    /// is gone.
    fn check_file(&self) -> Result<()> {
        self.check_open()?;
        self.inner.file.check()
    }

    /// Returns why the database did not answer: because its file is gone, or for the reason that it gave.
    fn or_file_gone(&self, error: StoreError) -> StoreError {
        self.check_file().err().unwrap_or(error)
    }

    pub(crate) fn asking(&self) -> std::sync::MutexGuard<'_, Asking> {
        self.inner.asking.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) async fn reader(&self) -> Result<PoolConnection<Sqlite>> {
        // A connection that is open goes on with the file that it has. A new one would be tried for as long as somebody may wait.
        if self.inner.readers.num_idle() == 0 {
            self.check_file()?;
        }
        self.inner.readers.acquire().await.map_err(|error| self.or_file_gone(error.into()))
    }
}

impl Transaction {
    /// Makes everything in the transaction visible and durable.
    ///
    /// # Errors
    /// Nothing was written.
    pub async fn commit(self) -> Result<()> {
        // What is written to a file that has no name any more is gone with the process.
        self.store.inner.file.check()?;
        Ok(self.inner.commit().await?)
    }

    /// Returns the time of the transaction, in epoch milliseconds.
    pub fn now(&self) -> i64 {
        self.now
    }

    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.inner
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
    let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default();
    let found = applied(connection).await.map_err(failed)?;
    if let Some(found) = found
        && found > known
    {
        return Err(StoreError::NewerSchema { path: path.to_owned(), found, known });
    }
    if found != Some(known) {
        migrate(path, connection, found).await?;
    }
    packed::pack_old_pages(connection).await.map_err(failed)
}

/// Makes or upgrades the tables of a file that has the migrations up to a number.
async fn migrate(path: &Path, connection: &mut SqliteConnection, mut found: Option<i64>) -> Result<()> {
    let failed = |error: sqlx::Error| cannot_open(path, &error);
    set_patiently(connection, "PRAGMA application_id = 1801807216").await.map_err(failed)?;
    set_patiently(connection, "PRAGMA journal_mode = WAL").await.map_err(failed)?;
    // Two processes that open a file at the same time both begin; the second finds a step done and goes on from there.
    while let Err(error) = MIGRATIONS.run(&mut *connection).await {
        let now = applied(connection).await.map_err(failed)?;
        if now == found {
            return Err(StoreError::CannotOpen { path: path.to_owned(), reason: format!("its upgrade failed: {error}") });
        }
        found = now;
    }
    Ok(())
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

/// Returns the newest migration that the file has.
async fn applied(connection: &mut SqliteConnection) -> Result<Option<i64>, sqlx::Error> {
    let table: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'")
        .fetch_one(&mut *connection)
        .await?;
    if table == 0 {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success").fetch_one(connection).await
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
            reason: "the file cannot be made or opened; check that its folder exists and that you may write there".to_owned(),
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
            "the file cannot be made or opened; check that its folder exists and that you may write there".to_owned()
        }
        std::io::ErrorKind::ReadOnlyFilesystem => "the file or its folder is read-only".to_owned(),
        std::io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        _ => error.to_string(),
    }
}

/// Notices that anything was committed, on a connection of its own: SQLite tells a connection about all others.
#[derive(Debug)]
struct Watch {
    options: SqliteConnectOptions,
    /// How many questions were begun.
    begun: AtomicU64,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    connection: Option<SqliteConnection>,
    /// The number of the last question that was answered.
    answered: u64,
    data_version: Option<i64>,
    generation: u64,
}

impl Watch {
    async fn generation(&self) -> Result<u64> {
        let arrived = self.begun.load(Ordering::SeqCst);
        let mut seen = self.seen.lock().await;
        // Somebody asked after we came: that answer is ours, too.
        if seen.answered > arrived {
            return Ok(seen.generation);
        }
        let question = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let seen = &mut *seen;
        let connection = match &mut seen.connection {
            Some(connection) => connection,
            // The number of a new connection cannot be compared with that of the one before.
            None => {
                seen.data_version = None;
                seen.connection.insert(self.options.connect().await?)
            }
        };
        let data_version = match sqlx::query_scalar("PRAGMA data_version").fetch_one(connection).await {
            Ok(data_version) => Some(data_version),
            Err(error) => {
                seen.connection = None;
                return Err(error.into());
            }
        };
        if data_version != seen.data_version {
            seen.generation += 1;
            seen.data_version = data_version;
        }
        seen.answered = question;
        Ok(seen.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Intent, NewAgent, Patch, Scope};

    #[tokio::test]
    async fn a_full_disk_is_said_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("k.db")).await.unwrap();
        let mut transaction = store.write().await.unwrap();
        let scope = Scope::organisation(transaction.ensure_organisation(None).await.unwrap().id);
        let state = transaction.create_agent(NewAgent { scope: &scope, name: "Shop", author: None }).await.unwrap();
        transaction.commit().await.unwrap();

        let mut transaction = store.write().await.unwrap();
        sqlx::query("PRAGMA max_page_count = 1").execute(transaction.connection()).await.unwrap();
        let intent = Intent { scope: &scope, agent: &state.agent.id, author: None, message: None, expected: None };
        let patch = Patch { name: Some("x".repeat(1_000_000)), ..Patch::default() };
        let error = transaction.change(&intent, &patch).await.unwrap_err();
        assert!(matches!(error, StoreError::Full), "{error:?}");
        drop(transaction);
        assert_eq!(store.agent_state(&scope, &state.agent.id).await.unwrap(), state);
    }

    #[tokio::test]
    async fn after_the_database_took_a_transaction_back_others_can_write() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("k.db")).await.unwrap();
        for _ in 0..3 {
            let mut transaction = store.write().await.unwrap();
            transaction.set_setting("a", "lost").await.unwrap();
            // As the database does where the disk is full in the middle of a statement.
            sqlx::query("ROLLBACK").execute(transaction.connection()).await.unwrap();
            drop(transaction);
            let mut transaction = store.write().await.unwrap();
            transaction.set_setting("b", "kept").await.unwrap();
            transaction.commit().await.unwrap();
        }
        assert_eq!((store.setting("a").await.unwrap(), store.setting("b").await.unwrap().as_deref()), (None, Some("kept")));
    }

    #[tokio::test]
    async fn commits_are_durable_and_readers_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("k.db")).await.unwrap();
        let mut transaction = store.write().await.unwrap();
        let pragma = |sql: &'static str| sqlx::query_scalar::<_, String>(sql);
        let mode = pragma("SELECT journal_mode FROM pragma_journal_mode").fetch_one(transaction.connection()).await;
        assert_eq!(mode.unwrap(), "wal");
        // 2 is FULL: a commit waits until the log is on the disk.
        let sql = "SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous";
        assert_eq!(pragma(sql).fetch_one(transaction.connection()).await.unwrap(), "2");

        let mut reader = store.reader().await.unwrap();
        let error = sqlx::query("DELETE FROM agents").execute(&mut *reader).await.unwrap_err();
        assert!(matches!(StoreError::from(error), StoreError::ReadOnly));
    }
}
