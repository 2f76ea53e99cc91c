//! What the store promises, on SQLite. `postgres.rs` beside this file runs the same cases on PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod cases;

mod activity;
mod agents;
mod answers;
mod artifacts;
mod backup;
mod commits;
mod criteria;
mod drafts;
mod drift_reports;
mod experiments;
mod input_drafts;
mod keys;
mod live;
mod people;
mod personas;
mod proposals;
mod results;
mod results_model;
mod retention;
mod retention_rules;
mod sign_in;
mod test_data;
mod webhooks;
mod world;

use keepstep_store::Store;

use crate::world::World;

/// Returns a fresh store in a file.
async fn sqlite() -> World {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keepstep.db");
    World::begin(folder, async |surroundings| Store::open_with(&path, surroundings).await.unwrap()).await
}

shared_cases! { sqlite }
sqlite_cases! { sqlite }
