//! A database of a PostgreSQL server: connected, made, upgraded, read by several connections and written by one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::LazyLock;
use std::time::Duration;

use include_dir::include_dir;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};

use super::connection::{Connection, Held};
use super::migrations::{self, Standing};
use crate::{Result, StoreError};

static MIGRATIONS: LazyLock<Migrator> =
    LazyLock::new(|| migrations::of(&include_dir!("$CARGO_MANIFEST_DIR/migrations/postgres")));

/// How long a writer waits for another one, in PostgreSQL's words.
const BUSY: &str = "15s";

/// How many connections read at the same time.
const READERS: u32 = 4;

/// A database of a server.
#[derive(Debug)]
pub(crate) struct Server {
    readers: PgPool,
    /// Has one connection: the writers of this process queue here, those of other processes at the place for writers.
    writer: PgPool,
    watch: PgConnectOptions,
}

impl Server {
    /// Connects to a database, and makes or upgrades its tables. The connection that comes with it is one to ask for the change number.
    pub(crate) async fn connect(url: &str) -> Result<(Self, Connection)> {
        let options = match PgConnectOptions::from_str(url) {
            Ok(options) => options.application_name("keepstep").options([("lock_timeout", BUSY)]),
            // The address may hold a password.
            Err(_) => {
                let reason = "invalid address: write postgres://NAME:PASSWORD@HOST/DATABASE".to_owned();
                return Err(StoreError::CannotOpen { path: PathBuf::from("PostgreSQL"), reason });
            }
        };
        let name = name(&options);
        let failed = |error: sqlx::Error| StoreError::CannotOpen { path: name.clone(), reason: error.to_string() };
        let mut connection = options.connect().await.map_err(failed)?;
        let outcome = prepare(&name, &mut connection).await;
        let closed = connection.close().await;
        outcome?;
        closed?;

        let pool = || PgPoolOptions::new().idle_timeout(None).max_lifetime(None);
        let writer = pool().max_connections(1).acquire_timeout(Duration::from_secs(60)).connect_lazy_with(options.clone());
        let reading = options.options([("default_transaction_read_only", "on")]);
        let watcher = Connection::Postgres(Held::Alone(Box::new(reading.connect().await.map_err(failed)?)));
        let readers = pool().max_connections(READERS).acquire_timeout(Duration::from_secs(30)).connect_lazy_with(reading.clone());
        Ok((Self { readers, writer, watch: reading }, watcher))
    }

    /// Returns a connection that reads.
    pub(crate) async fn reader(&self) -> Result<Connection> {
        Ok(Connection::Postgres(Held::Reader(self.readers.acquire().await?)))
    }

    /// Begins a write.
    pub(crate) async fn writer(&self) -> Result<Connection> {
        Ok(Connection::Postgres(Held::Writer(self.writer.begin().await?)))
    }

    /// Returns another connection to ask for the change number.
    pub(crate) async fn watcher(&self) -> Result<Connection, sqlx::Error> {
        Ok(Connection::Postgres(Held::Alone(Box::new(self.watch.connect().await?))))
    }

    /// Checks that nobody closed the database.
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.readers.is_closed() { Err(StoreError::Database(sqlx::Error::PoolClosed)) } else { Ok(()) }
    }

    /// Finishes what runs and closes the connections.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Returns what a database is called in messages: its address without any password.
fn name(options: &PgConnectOptions) -> PathBuf {
    let database = options.get_database().unwrap_or(options.get_username());
    PathBuf::from(format!("postgres://{}/{database}", options.get_host()))
}

/// Checks whose database it is, and makes or upgrades the tables. Two processes that do so at the same time wait for each other.
async fn prepare(name: &Path, connection: &mut PgConnection) -> Result<()> {
    let failed = |error: sqlx::Error| StoreError::CannotOpen { path: name.to_owned(), reason: error.to_string() };
    let tables: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name <> '_sqlx_migrations'",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(failed)?;
    let found = applied(connection).await.map_err(failed)?;
    if tables > 0 && found.is_empty() {
        return Err(StoreError::Foreign { path: name.to_owned(), reason: "another program's tables".to_owned() });
    }
    match migrations::standing(&MIGRATIONS, &found) {
        Standing::Newer { found, known } => Err(StoreError::NewerSchema { path: name.to_owned(), found, known }),
        Standing::Done => Ok(()),
        Standing::Lacks => MIGRATIONS
            .run(connection)
            .await
            .map_err(|error| StoreError::CannotOpen { path: name.to_owned(), reason: format!("its upgrade failed: {error}") }),
    }
}

/// Returns the migrations that the database has.
async fn applied(connection: &mut PgConnection) -> Result<BTreeSet<i64>, sqlx::Error> {
    let is_there: bool =
        sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(&mut *connection).await?;
    if !is_there {
        return Ok(BTreeSet::new());
    }
    let found: Vec<i64> = sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success").fetch_all(connection).await?;
    Ok(found.into_iter().collect())
}
