//! The store: reading, writing, and noticing that somebody else wrote.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use tokio::sync::Mutex;

use crate::asking::Asking;
use crate::model::Subject;
use crate::sql::commits::{self, WrittenBefore};
use crate::sql::connection::{Connection, Reader};
use crate::sql::postgres::Server;
use crate::sql::query::query;
use crate::sql::sqlite::{File, Kept};
use crate::{Result, Surroundings};

/// What a platform knows. Clones are the same store.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    database: Database,
    watch: Watch,
    /// When waiting devices last asked.
    asking: std::sync::Mutex<Asking>,
    /// How many writers of this process wait for another one.
    waiting: AtomicU32,
    surroundings: Surroundings,
}

/// The database that a store stands on.
#[derive(Debug)]
enum Database {
    File(File),
    Server(Server),
}

/// A change of the database that becomes visible as a whole by [`Transaction::commit`], or not at all when it is dropped.
pub struct Transaction {
    inner: Connection,
    written_before: WrittenBefore,
    pub(crate) surroundings: Surroundings,
    /// The time of everything in this transaction.
    pub(crate) now: i64,
    /// Who writes, where that is known.
    pub(crate) author: Option<String>,
    pub(crate) store: Store,
    /// What it is about, for the log.
    pub(crate) subject: Option<Subject>,
}

/// A transaction with a part of what becomes visible later. Before anybody is told that all of it is there, a usual one is committed.
pub struct HiddenTransaction(Transaction);

impl Store {
    /// Opens the database in a file, and makes or upgrades it.
    ///
    /// # Errors
    /// The file cannot be opened, is not ours, or was created by a newer keepstep.
    pub async fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, Surroundings::of_the_machine()).await
    }

    /// Opens the database in a file with a clock and randomness of the caller's choice.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_with(path: &Path, surroundings: Surroundings) -> Result<Self> {
        let (file, watcher) = File::open(path).await?;
        Ok(Self::of(Database::File(file), watcher, surroundings))
    }

    /// Connects to a database of a PostgreSQL server, such as `postgres://name:password@host/database`, and makes or upgrades its tables.
    /// Agents, test data and people are kept there; what is asked about results and files fails.
    ///
    /// # Errors
    /// The server does not answer, the database is not ours, or it was created by a newer keepstep.
    pub async fn connect_with(url: &str, surroundings: Surroundings) -> Result<Self> {
        let (server, watcher) = Server::connect(url).await?;
        Ok(Self::of(Database::Server(server), watcher, surroundings))
    }

    fn of(database: Database, watcher: Connection, surroundings: Surroundings) -> Self {
        let watch =
            Watch { begun: AtomicU64::new(0), seen: Mutex::new(Seen { connection: Some(watcher), answered: 0, generation: 0 }) };
        Self { inner: Arc::new(Inner { database, watch, asking: Default::default(), waiting: AtomicU32::new(0), surroundings }) }
    }

    /// Begins a write. Nobody else writes until it is committed or dropped.
    ///
    /// # Errors
    /// Another process has been writing for too long, or the database cannot be written.
    pub async fn write(&self) -> Result<Transaction> {
        self.begin(Kept::Now).await
    }

    /// Begins a write of what nobody sees yet, one of several that end with a usual write. The disk is not waited for: if the machine stops,
    /// what is lost of it is lost with all that came after it, so what is there is always what was there at some time.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_hidden(&self) -> Result<HiddenTransaction> {
        Ok(HiddenTransaction(self.begin(Kept::WithTheNext).await?))
    }

    /// Returns true if somebody else waits to write, as far as this process knows: who writes much lets them.
    pub fn is_awaited(&self) -> bool {
        self.inner.waiting.load(Ordering::Relaxed) > 0
    }

    async fn begin(&self, kept: Kept) -> Result<Transaction> {
        let waits = Waits::begin(&self.inner.waiting);
        let mut inner = self.inner.database.writer(kept).await?;
        let written_before = commits::begin(&mut inner).await?;
        drop(waits);
        let surroundings = self.inner.surroundings.clone();
        Ok(Transaction {
            inner,
            written_before,
            now: surroundings.now(),
            surroundings,
            author: None,
            store: self.clone(),
            subject: None,
        })
    }

    /// Returns a number that is another one whenever anything was committed since, by whatever process.
    ///
    /// What was read after one call is still true if a later call returns the same number. Calls at the same time share
    /// one question to the database.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn generation(&self) -> Result<u64> {
        self.inner.database.check_open()?;
        self.inner.watch.generation(&self.inner.database).await
    }

    /// Checks that the database answers, that its file is still the one that was opened, and that there is room to write.
    ///
    /// # Errors
    /// One of these does not hold.
    pub async fn check(&self) -> Result<()> {
        self.inner.database.check()?;
        let mut reader = self.reader().await?;
        query("SELECT count(*) FROM settings").fetch_one(&mut reader).await?;
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

    /// Finishes what runs and closes the database.
    pub async fn close(&self) {
        self.inner.database.close().await;
        if let Some(connection) = self.inner.watch.seen.lock().await.connection.take() {
            // Whatever it says, nobody asks it again.
            drop(connection.close().await);
        }
    }

    /// Returns the folder that the database is in, where it is a file.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match &self.inner.database {
            Database::File(file) => Some(file.folder()),
            Database::Server(_) => None,
        }
    }

    /// Returns the log beside the database, where there is one.
    pub(crate) fn log_file(&self) -> Option<&Path> {
        match &self.inner.database {
            Database::File(file) => Some(file.log()),
            Database::Server(_) => None,
        }
    }

    pub(crate) fn asking(&self) -> std::sync::MutexGuard<'_, Asking> {
        self.inner.asking.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Returns a connection of its own that reads, for somebody who takes long.
    pub(crate) async fn watcher(&self) -> Result<Connection> {
        Ok(self.inner.database.watcher().await?)
    }

    pub(crate) async fn reader(&self) -> Result<Reader> {
        self.inner.database.reader().await.map(Reader)
    }
}

impl Deref for HiddenTransaction {
    type Target = Transaction;

    fn deref(&self) -> &Transaction {
        &self.0
    }
}

impl DerefMut for HiddenTransaction {
    fn deref_mut(&mut self) -> &mut Transaction {
        &mut self.0
    }
}

impl HiddenTransaction {
    /// Ends it: it is kept with the next usual write.
    ///
    /// # Errors
    /// Nothing was written.
    pub async fn commit(self) -> Result<()> {
        self.0.commit_hidden().await
    }
}

impl Transaction {
    /// Makes everything in the transaction visible and durable.
    ///
    /// # Errors
    /// Nothing was written.
    pub async fn commit(mut self) -> Result<()> {
        self.store.inner.database.check_commit()?;
        commits::count(&mut self.inner, self.written_before).await?;
        Ok(self.inner.commit().await?)
    }

    /// Makes everything in the transaction durable, where nobody sees anything of it yet: what was read before is still true, and the
    /// change number stays.
    ///
    /// # Errors
    /// Nothing was written.
    pub async fn commit_hidden(self) -> Result<()> {
        self.store.inner.database.check_commit()?;
        self.inner.commit().await?;
        self.store.inner.database.after_much().await;
        Ok(())
    }

    /// Notes who writes: what is published keeps it.
    pub fn note_author(&mut self, name: &str) {
        self.author = Some(name.to_owned());
    }

    /// Returns whether anything was changed yet.
    ///
    /// # Errors
    /// The database failed.
    pub async fn has_written(&mut self) -> Result<bool> {
        Ok(commits::has_written(&mut self.inner, self.written_before).await?)
    }

    /// Returns the time of the transaction, in epoch milliseconds.
    pub fn now(&self) -> i64 {
        self.now
    }

    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.inner
    }
}

impl Database {
    async fn reader(&self) -> Result<Connection> {
        match self {
            Self::File(file) => file.reader().await,
            Self::Server(server) => server.reader().await,
        }
    }

    async fn writer(&self, kept: Kept) -> Result<Connection> {
        match self {
            Self::File(file) => file.writer(kept).await,
            Self::Server(server) => server.writer().await,
        }
    }

    async fn watcher(&self) -> Result<Connection, sqlx::Error> {
        match self {
            Self::File(file) => file.watcher().await,
            Self::Server(server) => server.watcher().await,
        }
    }

    fn check_open(&self) -> Result<()> {
        match self {
            Self::File(file) => file.check_open(),
            Self::Server(server) => server.check_open(),
        }
    }

    /// Checks what can be seen without asking the database anything.
    fn check(&self) -> Result<()> {
        match self {
            Self::File(file) => file.check_file().and_then(|()| file.check_room()),
            Self::Server(server) => server.check_open(),
        }
    }

    fn check_commit(&self) -> Result<()> {
        match self {
            Self::File(file) => file.check_commit(),
            Self::Server(_) => Ok(()),
        }
    }

    /// Puts in order what transactions that write very much leave behind. Others write meanwhile.
    async fn after_much(&self) {
        match self {
            Self::File(file) => file.after_much().await,
            Self::Server(_) => {}
        }
    }

    /// Returns why the database did not answer: because its file is gone, or for the reason that it gave.
    fn why(&self, error: sqlx::Error) -> crate::StoreError {
        match self {
            Self::File(file) => file.or_file_gone(error.into()),
            Self::Server(_) => error.into(),
        }
    }

    async fn close(&self) {
        match self {
            Self::File(file) => file.close().await,
            Self::Server(server) => server.close().await,
        }
    }
}

/// A writer that waits for its turn, until this is dropped.
struct Waits<'a>(&'a AtomicU32);

impl<'a> Waits<'a> {
    fn begin(waiting: &'a AtomicU32) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Notices that anything was committed, on a connection of its own, which no long read keeps waiting: each commit that changed anything
/// has counted itself in a row.
#[derive(Debug)]
struct Watch {
    /// How many questions were begun.
    begun: AtomicU64,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    connection: Option<Connection>,
    /// The number of the last question that was answered.
    answered: u64,
    generation: u64,
}

impl Watch {
    async fn generation(&self, database: &Database) -> Result<u64> {
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
            None => seen.connection.insert(database.watcher().await.map_err(|error| database.why(error))?),
        };
        match commits::change_number(connection).await {
            Ok(number) => seen.generation = number.unsigned_abs(),
            Err(error) => {
                seen.connection = None;
                return Err(database.why(error));
            }
        }
        seen.answered = question;
        Ok(seen.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Intent, NewAgent, Patch, Scope, StoreError};

    #[tokio::test]
    async fn a_full_disk_is_said_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("k.db")).await.unwrap();
        let mut transaction = store.write().await.unwrap();
        let scope = Scope::organization(transaction.ensure_organization(None).await.unwrap().id);
        let state = transaction.create_agent(NewAgent { scope: &scope, name: "Shop", author: None }).await.unwrap();
        transaction.commit().await.unwrap();

        let mut transaction = store.write().await.unwrap();
        sqlx::query("PRAGMA max_page_count = 1").execute(transaction.connection()).await.unwrap();
        let intent = Intent { scope: &scope, agent: &state.agent.id, author: None, message: None, expected: None };
        let patch = Patch::of(keepstep_agent::Field::NAME, "x".repeat(1_000_000).into());
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
    async fn who_writes_much_learns_that_somebody_waits() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("k.db")).await.unwrap();
        let transaction = store.write_hidden().await.unwrap();
        assert!(!store.is_awaited());
        let other = tokio::spawn({
            let store = store.clone();
            async move { drop(store.write().await.unwrap()) }
        });
        while !store.is_awaited() {
            tokio::task::yield_now().await;
        }
        drop(transaction);
        other.await.unwrap();
        assert!(!store.is_awaited());
    }

    /// Each commit writes 100 pages; the log begins anew after some of them.
    #[tokio::test]
    async fn the_log_of_very_many_writes_stays_short() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.db");
        let store = Store::open(&path).await.unwrap();
        for number in 0..60 {
            let mut hidden = store.write_hidden().await.unwrap();
            hidden.set_setting("much", &format!("{number}{}", "x".repeat(400_000))).await.unwrap();
            hidden.commit().await.unwrap();
        }
        let log = std::fs::metadata(crate::private::beside(&path, "-wal")).unwrap().len();
        assert!(log < 10_000_000, "{log}");
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
        drop(transaction);
        // What nobody sees yet is not waited for, and what comes after it is.
        let mut hidden = store.write_hidden().await.unwrap();
        assert_eq!(pragma(sql).fetch_one(hidden.connection()).await.unwrap(), "1");
        hidden.commit().await.unwrap();
        let mut transaction = store.write().await.unwrap();
        assert_eq!(pragma(sql).fetch_one(transaction.connection()).await.unwrap(), "2");

        let mut reader = store.reader().await.unwrap();
        let error = sqlx::query("DELETE FROM agents").execute(&mut *reader).await.unwrap_err();
        assert!(matches!(StoreError::from(error), StoreError::ReadOnly));
    }
}
