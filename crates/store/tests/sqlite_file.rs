//! The file itself: other people's, newer, damaged, read-only, shared with another process, cut off by a crash.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use keepstep_agent::Field;
use keepstep_base::Revision;
use keepstep_store::{AgentState, Intent, NewAgent, Patch, Scope, Store, StoreError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

async fn raw(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

async fn run(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

async fn agent(store: &Store) -> (Scope, AgentState) {
    let mut transaction = store.write().await.unwrap();
    let scope = Scope::organization(transaction.ensure_organization(None).await.unwrap().id);
    let state = transaction.create_agent(NewAgent { scope: &scope, name: "Shop", author: None }).await.unwrap();
    transaction.commit().await.unwrap();
    (scope, state)
}

/// The message of opening a file, with its folder left out.
async fn refusal(folder: &Path, file: &str) -> String {
    let error = Store::open(&folder.join(file)).await.unwrap_err();
    error.to_string().replace(&*folder.to_string_lossy(), "[folder]")
}

#[tokio::test]
async fn a_newer_database_is_named_with_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("k.db");
    Store::open(&path).await.unwrap().close().await;
    let mut connection = raw(&path).await;
    run(
        &mut connection,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', 1, x'00', 0)",
    )
    .await;
    insta::assert_snapshot!(refusal(folder.path(), "k.db").await, @"[folder]/k.db has the schema 99, created by a newer keepstep; this one knows the schemas up to 52. Use the newer one, or another data folder.");
}

#[tokio::test]
async fn other_files_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.db");
    std::fs::write(&text, "not a database, but long enough to be read as a header of one. ".repeat(20)).unwrap();
    insta::assert_snapshot!(refusal(folder.path(), "text.db").await, @"[folder]/text.db is not a database of keepstep (no SQLite database, or a damaged one). Name another data folder, or move the file away.");
    assert!(std::fs::read_to_string(&text).unwrap().starts_with("not a database"));

    run(&mut raw(&folder.path().join("other.db")).await, "CREATE TABLE mine (x)").await;
    insta::assert_snapshot!(refusal(folder.path(), "other.db").await, @"[folder]/other.db is not a database of keepstep (another program's SQLite database). Name another data folder, or move the file away.");

    insta::assert_snapshot!(refusal(folder.path(), "missing/k.db").await, @"cannot open the database [folder]/missing/k.db: the file cannot be created or opened; check that its folder exists and that you may write there");
    std::fs::create_dir(folder.path().join("folder.db")).unwrap();
    insta::assert_snapshot!(refusal(folder.path(), "folder.db").await, @"cannot open the database [folder]/folder.db: the file cannot be created or opened; check that its folder exists and that you may write there");
}

#[tokio::test]
async fn two_processes_share_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("k.db");
    let (server, admin) = tokio::join!(Store::open(&path), Store::open(&path));
    let (server, admin) = (server.unwrap(), admin.unwrap());
    let before = server.generation().await.unwrap();
    let (scope, state) = agent(&admin).await;
    assert_ne!(server.generation().await.unwrap(), before);
    assert_eq!(server.agent_state(&scope, &state.agent.id).await.unwrap(), state);

    // The second writer waits for the first instead of failing.
    let mut first = server.write().await.unwrap();
    let id = state.agent.id.clone();
    let second = {
        let scope = scope.clone();
        let id = id.clone();
        tokio::spawn(async move {
            let mut second = admin.write().await.unwrap();
            let intent = Intent { scope: &scope, agent: &id, author: None, message: None, expected: None };
            let patch = Patch::of(Field::NAME, "second".into());
            let changed = second.change(&intent, &patch).await.unwrap();
            second.commit().await.unwrap();
            changed.revision
        })
    };
    let intent = Intent { scope: &scope, agent: &id, author: None, message: None, expected: None };
    let patch = Patch::of(Field::NAME, "first".into());
    first.change(&intent, &patch).await.unwrap();
    first.commit().await.unwrap();
    let last = second.await.unwrap();
    let revisions = server.agent(&scope, &id).await.unwrap().revision;
    assert_eq!(revisions, Revision(3));
    assert!(last == Revision(2) || last == Revision(3));
}

#[tokio::test]
async fn two_processes_may_begin_a_file_at_the_same_time() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..20 {
        let path = folder.path().join(format!("{number}.db"));
        let (one, other) = tokio::join!(Store::open(&path), Store::open(&path));
        one.unwrap();
        other.unwrap();
    }
}

#[tokio::test]
async fn what_was_committed_survives_a_crash_and_the_rest_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("k.db");
    let store = Store::open(&path).await.unwrap();
    let (scope, state) = agent(&store).await;
    let mut unfinished = store.write().await.unwrap();
    let intent = Intent { scope: &scope, agent: &state.agent.id, author: None, message: None, expected: None };
    unfinished.change(&intent, &Patch::of(Field::NAME, "lost".into())).await.unwrap();

    // What a machine finds after a kill: the files as they are now, without anybody having closed them.
    let after = tempfile::tempdir().unwrap();
    for name in ["k.db", "k.db-wal"] {
        std::fs::copy(folder.path().join(name), after.path().join(name)).unwrap();
    }
    let reopened = Store::open(&after.path().join("k.db")).await.unwrap();
    assert_eq!(reopened.agent_state(&scope, &state.agent.id).await.unwrap(), state);
}

#[tokio::test]
async fn opening_twice_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("k.db");
    let store = Store::open(&path).await.unwrap();
    let (scope, state) = agent(&store).await;
    store.close().await;
    let store = Store::open(&path).await.unwrap();
    assert_eq!(store.agent_state(&scope, &state.agent.id).await.unwrap(), state);
}

/// Each schema that was ever released has a file here, written by the program of its time.
#[tokio::test]
async fn databases_of_every_release_are_upgraded() {
    for dump in [include_str!("databases/0001.sql"), include_str!("databases/0002.sql"), include_str!("databases/0006.sql")] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.db");
        run(&mut raw(&path).await, dump).await;
        let store = Store::open(&path).await.unwrap();
        let (scope, id) = (Scope::organization("org_0001"), "base0001_agent".parse().unwrap());
        let state = store.agent_state(&scope, &id).await.unwrap();
        insta::allow_duplicates! {
            insta::assert_snapshot!(serde_json::to_string(&state.definition()).unwrap(), @r#"{"name":"Shop","persona":{"base":"two","voice":"v"},"model":"m","governance":{"mode":"sdk"},"voices":[]}"#);
        }
        let number = |version: Option<keepstep_base::PersonaVersion>| version.map(|version| version.0);
        assert_eq!(number(state.agent.published), Some(2));
        assert_eq!(number(state.agent.current), Some(1));
        assert_eq!(state.newest_draft.unwrap().created.message.as_deref(), Some("an idea"));
        let before = store.revision(&scope, &id, Revision(2)).await.unwrap();
        assert_eq!(before.definition.get(keepstep_agent::Field::PERSONA), Some(&"one".into()));
        assert_eq!(store.primitives(&scope, &id, "skill").await.unwrap().len(), 1);
    }
}

/// Test data came with the second schema.
#[tokio::test]
async fn test_data_of_every_release_is_upgraded() {
    for (dump, devices) in [(include_str!("databases/0002.sql"), 0), (include_str!("databases/0006.sql"), 1)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.db");
        run(&mut raw(&path).await, dump).await;
        let store = Store::open(&path).await.unwrap();
        let scope = Scope::organization("org_0001");
        let project = store.projects_in(&scope).await.unwrap().remove(0);
        let bundle = store.newest_bundle(&scope, &project.id, None).await.unwrap();
        assert_eq!((bundle.name.as_str(), bundle.generation, bundle.input_count), ("orders", Some(1), 2));
        let content = store.bundle_content(&scope, &bundle.id).await.unwrap();
        assert!(content.personas.contains("novice") && content.criteria.contains("Be polite"));
        let items = store.input_items(&bundle.input_set_id, 0, 10).await.unwrap();
        assert!(items[0].contains("Where is my order?") && items[1].contains("Cancel it, please"));
        assert_eq!(pages(&store, &bundle.input_set_id).await, [(2, items.join(","))]);
        assert_eq!(store.keys("org_0001").await.unwrap().len(), 1);
        let signed_in = sqlx::query_scalar("SELECT count(*) FROM device_logins WHERE status = 'signed_in'");
        let signed_in: i64 = signed_in.fetch_one(&mut raw(&path).await).await.unwrap();
        assert_eq!(signed_in, devices);
    }
}

/// The pages of a set: how many items they have, and their texts.
async fn pages(store: &Store, set: &str) -> Vec<(u32, String)> {
    let pages = store.input_pages(set, 0).await.unwrap();
    pages.iter().map(|page| (page.item_count, page.text().unwrap())).collect()
}

/// The seventh schema had pages of text.
#[tokio::test]
async fn pages_of_text_are_packed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("k.db");
    let store = Store::open(&path).await.unwrap();
    let mut sets = Vec::new();
    for count in [1, 500, 1200] {
        let inputs: Vec<_> = (0..count).map(|number| serde_json::json!({"text": format!("Question {number}")})).collect();
        let file = serde_json::json!({"scenario": {"name": format!("of {count}")}, "inputs": inputs});
        let mut transaction = store.write().await.unwrap();
        let scope = Scope::organization(transaction.ensure_organization(None).await.unwrap().id);
        let project = transaction.create_project(&scope.org_id, &format!("shop {count}")).await.unwrap();
        let file = serde_json::from_value(file).unwrap();
        sets.push(transaction.import(&scope, &project.id, &file).await.unwrap().input_set_id);
        transaction.commit().await.unwrap();
    }
    store.close().await;
    let mut connection = raw(&path).await;
    run(&mut connection, "DELETE FROM packed_inputs").await;
    let older = include_str!("../migrations/sqlite/0007_input_pages.sql");
    let (_, older) = older.split_once(");").unwrap();
    run(&mut connection, older).await;
    connection.close().await.unwrap();

    // Two processes at once.
    let (store, other) = tokio::join!(Store::open(&path), Store::open(&path));
    let (store, _other) = (store.unwrap(), other.unwrap());
    for (set, counts) in sets.iter().zip([vec![1], vec![500], vec![500, 500, 200]]) {
        let items = store.input_items(set, 0, u32::MAX).await.unwrap();
        let (found, texts): (Vec<_>, Vec<_>) = pages(&store, set).await.into_iter().unzip();
        assert_eq!((found, texts.concat()), (counts, items.join(",")));
    }
    let left = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM input_pages").fetch_one(&mut raw(&path).await).await;
    assert_eq!(left.unwrap(), 0);
}

/// Results and files came with the sixth schema.
#[tokio::test]
async fn results_of_every_release_are_upgraded() {
    for dump in [include_str!("databases/0006.sql")] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.db");
        run(&mut raw(&path).await, dump).await;
        let store = Store::open(&path).await.unwrap();
        let scope = Scope::organization("org_0001");
        let project = store.projects_in(&scope).await.unwrap().remove(0);
        let batch = store.run_batches_named(&scope, &project.id, &["exp_1"]).await.unwrap().remove(0);
        assert_eq!((batch.status.label(), batch.counts.completed(), batch.counts.failed), ("failed", 1, 1));
        let first = store.run(&scope, &batch.id, "run_1").await.unwrap();
        assert_eq!((first.run.input.as_str(), first.run.output.as_str()), ("Where is my order?", "On its way"));
        assert_eq!((first.result.evaluation["verdict"].as_str(), first.turns.len()), (Some("pass"), 1));
        let second = store.run(&scope, &batch.id, "run_2").await.unwrap();
        assert_eq!(second.run.error.as_deref(), Some("not_reported"));
        let blob = store.blob(&scope, &first.artifacts[0].blob_id).await.unwrap();
        assert_eq!((blob.size, blob.is_proven), (2, true));
        // An upload goes on where it was.
        let id: String = sqlx::query_scalar("SELECT id FROM uploads").fetch_one(&mut raw(&path).await).await.unwrap();
        let upload = store.upload(&scope, &id).await.unwrap();
        assert_eq!(store.missing_parts(&upload).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_creation_that_was_cut_off_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.db");
    std::fs::write(&empty, "").unwrap();
    agent(&Store::open(&empty).await.unwrap()).await;
    let marked = folder.path().join("marked.db");
    run(&mut raw(&marked).await, "PRAGMA application_id = 1801807216; PRAGMA journal_mode = WAL").await;
    agent(&Store::open(&marked).await.unwrap()).await;
}

#[tokio::test]
async fn a_store_that_was_closed_says_so_with_its_log_and_without() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("k.db");
    let store = Store::open(&path).await.unwrap();
    let (scope, _) = agent(&store).await;
    store.close().await;
    let log = folder.path().join("k.db-wal");
    for there in [true, false] {
        if there {
            std::fs::write(&log, "").unwrap();
        } else {
            std::fs::remove_file(&log).unwrap();
        }
        let errors = [
            store.write().await.err(),
            store.check().await.err(),
            store.generation().await.err(),
            store.agents(&scope).await.err(),
        ];
        for error in errors {
            let error = error.expect("a closed store answers nothing");
            assert!(matches!(error, StoreError::Database(sqlx::Error::PoolClosed)), "log {there}: {error:?}");
        }
    }
}
