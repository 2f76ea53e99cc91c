//! What the store promises, on PostgreSQL: the cases of the subjects that it keeps.
//!
//! `cargo xtask test --only PostgreSQL` starts a server and runs this. With a server of your own:
//!
//! ```sh
//! KEEPSTEP_TEST_POSTGRES=postgres://NAME@HOST/postgres cargo test --workspace --test contract_postgres
//! ```

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(dead_code, reason = "what only the cases of other subjects use")]

#[macro_use]
mod cases;

mod activity;
mod agents;
mod answers;
mod criteria;
mod drafts;
mod drift_reports;
mod input_drafts;
mod keys;
mod people;
mod personas;
mod proposals;
mod retention_rules;
mod sign_in;
mod test_data;
mod webhooks;
mod world;

use std::sync::atomic::{AtomicU32, Ordering};

use keepstep_store::{Scope, Store, StoreError, Surroundings};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use url::Url;

use crate::world::World;

/// Names the server. What is made there stays, so it is one for tests.
const SERVER: &str = "KEEPSTEP_TEST_POSTGRES";

static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Returns the address of a database of its own, in which nothing is yet.
async fn fresh_database() -> Url {
    let server =
        std::env::var(SERVER).unwrap_or_else(|_| panic!("{SERVER} is not set: run `cargo xtask test --only PostgreSQL`"));
    let mut url: Url = server.parse().unwrap();
    let name = format!("keepstep_{}_{}", std::process::id(), DATABASES.fetch_add(1, Ordering::SeqCst));
    let mut connection = raw(&url).await;
    run(
        &mut connection,
        &format!(
            // With an order of texts that is not that of their bytes, as a database of somebody has it.
            "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
        ),
    )
    .await;
    connection.close().await.unwrap();
    url.set_path(&name);
    url
}

async fn raw(url: &Url) -> PgConnection {
    url.as_str().parse::<PgConnectOptions>().unwrap().connect().await.unwrap()
}

async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.unwrap();
}

/// Returns a fresh store in a database of the server.
async fn postgres() -> World {
    let url = fresh_database().await;
    let connect = async |surroundings| Store::connect_with(url.as_str(), surroundings).await.unwrap();
    World::begin(tempfile::tempdir().unwrap(), connect).await
}

shared_cases! { postgres }

#[tokio::test]
async fn a_newer_and_a_foreign_database_are_refused() {
    let newer = fresh_database().await;
    Store::connect_with(newer.as_str(), Surroundings::of_the_machine()).await.unwrap().close().await;
    let mut connection = raw(&newer).await;
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', true, '', 0)";
    run(&mut connection, later).await;
    let error = Store::connect_with(newer.as_str(), Surroundings::of_the_machine()).await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found: 99, .. }), "{error}");

    let foreign = fresh_database().await;
    run(&mut raw(&foreign).await, "CREATE TABLE mine (x int)").await;
    let error = Store::connect_with(foreign.as_str(), Surroundings::of_the_machine()).await.unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
}

#[tokio::test]
async fn servers_that_begin_and_write_at_the_same_time_wait_for_each_other() {
    let url = fresh_database().await;
    let connect = || Store::connect_with(url.as_str(), Surroundings::of_the_machine());
    let (one, other) = tokio::join!(connect(), connect());
    let (one, other) = (one.unwrap(), other.unwrap());
    let before = one.generation().await.unwrap();
    let names: Vec<String> = (0..20).map(|number| format!("organization {number}")).collect();
    let writes = names.iter().zip([&one, &other].into_iter().cycle()).map(|(name, store)| async move {
        let mut transaction = store.write().await.unwrap();
        transaction.ensure_organization(Some(name)).await.unwrap();
        transaction.commit().await.unwrap();
    });
    futures_util::future::join_all(writes).await;
    assert_eq!(one.generation().await.unwrap(), before + 20);
    assert_eq!(other.generation().await.unwrap(), before + 20);
    assert_eq!(one.organizations().await.unwrap().len(), 20);
}

#[tokio::test]
async fn what_is_not_kept_yet_says_so() {
    let world = postgres().await;
    let scope = Scope::organization("org_1");
    let error = world.store.run_batch(&scope, "experiment_1").await.unwrap_err();
    let StoreError::Database(cause) = error else { panic!("{error}") };
    assert!(cause.to_string().contains("not supported on PostgreSQL yet"), "{cause}");
}

#[tokio::test]
async fn texts_are_in_the_order_of_their_bytes() {
    let world = postgres().await;
    let mut transaction = world.store.write().await.unwrap();
    for name in ["a", "B", "\u{e9}", "Z", "_"] {
        transaction.create_project(&world.scope.org_id, name).await.unwrap();
    }
    transaction.commit().await.unwrap();
    let names: Vec<String> =
        world.store.projects(&world.scope.org_id).await.unwrap().into_iter().map(|project| project.name).collect();
    assert_eq!(names, ["B", "Z", "_", "a", "\u{e9}"]);
}
