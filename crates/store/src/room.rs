//! What takes the room of a server's data.

use std::fs;

use crate::sql::query::query;
use crate::{Result, Store};

/// What takes the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// How large the database is, in bytes, with what is free inside it.
    pub database: u64,
    /// How much of that is free: what was deleted left it, and what comes takes it.
    pub free: u64,
    /// How large the log beside the database is, where there is one. It is used again and again.
    pub log: u64,
    /// The parts of the database, the largest first. Together with what is free, they are the database.
    pub kinds: Vec<KindSize>,
    /// How large the contents of all files are. A content that several files of a project have is kept once.
    pub files: u64,
}

/// A part of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindSize {
    /// What it keeps.
    pub kind: DataKind,
    /// How large it is with its indexes, in bytes.
    pub bytes: u64,
}

/// What a part of the database keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataKind {
    /// Experiments, cases, turns, and what people say of them.
    Results,
    /// Projects, scenarios, inputs and bundle versions.
    TestData,
    /// Agents and all versions of their personas.
    Agents,
    /// Where the contents of files are, and uploads that are under way.
    Files,
    /// Who did what.
    Activity,
    /// People, sessions, keys, webhooks, and everything else.
    Other,
}

impl DataKind {
    /// Returns its name, for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Results => "results",
            Self::TestData => "test_data",
            Self::Agents => "agents",
            Self::Files => "files",
            Self::Activity => "activity",
            Self::Other => "other",
        }
    }

    /// Returns what a table is part of.
    fn of_table(name: &str) -> Self {
        match name {
            "batch_criteria" | "commits" | "criterion_misses" | "early_turns" | "experiment_gates" | "experiment_labels"
            | "experiment_tags" | "hidden_batches" | "human_verdicts" | "kept_cases" | "live_experiments" | "open_commits"
            | "replaced_runs" | "run_results" | "seen_experiments" | "shares" | "stored_artifacts" | "stored_batches"
            | "stored_runs" | "turns" | "waiting_runs" => Self::Results,
            "bundle_pulls" | "bundles" | "criteria" | "criteria_edits" | "input_columns" | "input_edits" | "input_items"
            | "input_pages" | "input_sets" | "input_sheets" | "input_words" | "packed_inputs" | "project_retention"
            | "projects" | "scenario_gates" | "scenarios" | "test_personas" => Self::TestData,
            "agent_revisions" | "agents" | "drafts" | "drift_reports" | "persona_versions" | "presence" | "primitives"
            | "proposal_notes" | "proposals" | "publishing_rules" => Self::Agents,
            "blob_parts" | "blobs" | "parts" | "stored_files" | "upload_files" | "upload_parts" | "uploads" => Self::Files,
            "activity" | "activity_heads" => Self::Activity,
            _ => Self::Other,
        }
    }
}

impl Store {
    /// Returns what takes the room. On SQLite the whole file is read once, so it takes longer the larger that is; others write meanwhile.
    ///
    /// # Errors
    /// The database failed.
    pub async fn room(&self) -> Result<Room> {
        let mut reader = self.reader().await?;
        let dialect = reader.dialect();
        let mut kinds: Vec<KindSize> = Vec::new();
        for row in query(dialect.table_sizes()).fetch_all(&mut reader).await? {
            let (kind, bytes) = (DataKind::of_table(&row.get::<String>("name")?), row.get::<i64>("bytes")?.unsigned_abs());
            match kinds.iter_mut().find(|known| known.kind == kind) {
                Some(known) => known.bytes += bytes,
                None => kinds.push(KindSize { kind, bytes }),
            }
        }
        kinds.sort_by_key(|known| std::cmp::Reverse(known.bytes));
        let database = query(dialect.database_size()).fetch_one(&mut reader).await?.get::<i64>("bytes")?.unsigned_abs();
        let free = query(dialect.free_size()).fetch_one(&mut reader).await?.get::<i64>("bytes")?.unsigned_abs();
        let files = query("SELECT CAST(coalesce(sum(size), 0) AS BIGINT) AS bytes FROM parts").fetch_one(&mut reader).await?;
        let log = self.log_file().and_then(|log| fs::metadata(log).ok()).map_or(0, |log| log.len());
        Ok(Room { database, free, log, kinds, files: files.get::<i64>("bytes")?.unsigned_abs() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is added to the schema has a kind, or is one of these.
    const OTHERS: &[&str] = &[
        "_sqlx_migrations",
        "answers",
        "change_number",
        "device_logins",
        "identities",
        "keys",
        "link_projects",
        "links",
        "login_keys",
        "members",
        "organisations",
        "sessions",
        "settings",
        "sign_in_failures",
        "sqlite_schema",
        "sqlite_sequence",
        "users",
        "webhook_deliveries",
        "webhooks",
        "wrong_codes",
    ];

    #[tokio::test]
    async fn every_table_has_a_kind_and_all_of_it_is_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("k.db")).await.unwrap();
        let mut reader = store.reader().await.unwrap();
        let tables = query(reader.dialect().table_sizes()).fetch_all(&mut reader).await.unwrap();
        for table in &tables {
            let name: String = table.get("name").unwrap();
            assert_eq!(DataKind::of_table(&name) == DataKind::Other, OTHERS.contains(&name.as_str()), "{name}");
        }
        drop(reader);
        let mut transaction = store.write().await.unwrap();
        transaction.ensure_organization(None).await.unwrap();
        transaction.commit().await.unwrap();
        let room = store.room().await.unwrap();
        let parts: u64 = room.kinds.iter().map(|part| part.bytes).sum();
        assert_eq!((parts + room.free, room.files), (room.database, 0), "{room:?}");
        assert!(room.log > 0);
    }
}
