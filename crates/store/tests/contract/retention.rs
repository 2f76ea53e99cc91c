//! Which experiments are too old, and how much room they take.

use keepstep_results::provenance::TEST_KEY;
use keepstep_store::results::{Begun, LiveReport, NewArtifact, NewCommit, RunRecord, Status, Upload};
use keepstep_store::test_data::Bundle;
use serde_json::{Map, json};

use crate::world::{START, World};

const DAY: i64 = 24 * 60 * 60 * 1000;

async fn shop(world: &World) -> Bundle {
    let file = json!({"scenario": {"name": "orders"}, "inputs": [{"text": "Where is my order?"}]});
    let mut transaction = world.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, "shop").await.unwrap();
    let bundle = transaction.import(&world.scope, &project.id, &serde_json::from_value(file).unwrap()).await.unwrap();
    transaction.commit().await.unwrap();
    bundle
}

/// Uploads an experiment with one run, and returns its id.
async fn upload(world: &World, bundle: &Bundle, name: &str, branch: &str, is_over: bool) -> String {
    let status = if is_over { Status::Passed } else { Status::Running };
    let runs = [RunRecord::new(name, status)];
    let details = Map::from_iter([("git_branch".to_owned(), json!(branch))]);
    let upload = Upload {
        bundle: &bundle.id,
        experiment_id: Some(name),
        is_over,
        started_at: None,
        completed_at: None,
        details: &details,
        runs: &runs,
        turns: &[],
    };
    let mut transaction = world.store.write().await.unwrap();
    let recorded = transaction.record_upload(&world.scope, &upload).await.unwrap();
    transaction.commit().await.unwrap();
    recorded.batch_id
}

async fn too_old(world: &World, project: &str, before: i64) -> Vec<String> {
    world.store.write().await.unwrap().old_experiments(project, before, 100).await.unwrap()
}

async fn delete(world: &World, id: &str) {
    let mut transaction = world.store.write().await.unwrap();
    transaction.delete_experiment(&world.scope, id, "Retention").await.unwrap();
    transaction.commit().await.unwrap();
}

pub(crate) async fn what_is_old_goes_unless_it_is_still_of_use(world: World) {
    let bundle = shop(&world).await;
    let project = bundle.project_id.as_str();
    let pinned = upload(&world, &bundle, "pinned", "main", true).await;
    let old = upload(&world, &bundle, "old", "main", true).await;
    upload(&world, &bundle, "running", "main", false).await;
    upload(&world, &bundle, "newest of a branch", "feature", true).await;
    upload(&world, &bundle, "newest", "main", true).await;
    let mut transaction = world.store.write().await.unwrap();
    transaction.pin_experiment(&world.scope, &pinned, true, "Ada").await.unwrap();
    transaction.commit().await.unwrap();
    let ids = async |before: i64| too_old(&world, project, before).await;
    assert_eq!(ids(START).await, Vec::<String>::new());
    assert_eq!(ids(START + 1).await, [old.as_str()]);
    let size = world.store.size_of_old_experiments(&world.scope, project, START + 1).await.unwrap();
    assert_eq!((size.experiments, size.cases, size.oldest, size.newest), (1, 1, Some(START), Some(START)));

    // What somebody restored is as new as that.
    delete(&world, &old).await;
    assert_eq!(ids(START + 1).await, Vec::<String>::new());
    world.set_clock(START + DAY / 2);
    let mut transaction = world.store.write().await.unwrap();
    transaction.restore_experiment(&world.scope, &old).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(ids(START + DAY / 2).await, Vec::<String>::new());
    assert_eq!(ids(START + DAY / 2 + 1).await, [old.as_str()]);
}

/// Commits an experiment of one run, as `keepstep upload` does, and returns its id.
async fn commit(world: &World, bundle: &Bundle, name: &str, test: Option<&str>) -> String {
    let details = test.map(|test| (TEST_KEY.to_owned(), json!(test)));
    let new = NewCommit {
        project: &bundle.project_id,
        bundle: &bundle.id,
        experiment_id: name,
        digest: name,
        source: "runs.jsonl",
        started_at: None,
        completed_at: None,
        details: &Map::from_iter(details),
    };
    let mut transaction = world.store.write().await.unwrap();
    let committed = match transaction.begin_commit(&world.scope, &new).await.unwrap() {
        Begun::Repeated(committed) => committed,
        Begun::New(mut commit) => {
            transaction.commit_runs(&mut commit, &[RunRecord::new(name, Status::Passed)]).await.unwrap();
            transaction.finish_commit(commit).await.unwrap()
        }
    };
    transaction.commit().await.unwrap();
    committed.batch_id
}

pub(crate) async fn what_is_uploaded_again_after_it_was_deleted_is_as_new_as_that(world: World) {
    let bundle = shop(&world).await;
    let project = bundle.project_id.as_str();
    // Told of by a peer, committed, and committed as the end of a test that was told of: each comes back in another way.
    let by_peer = upload(&world, &bundle, "peer", "main", true).await;
    let by_commit = commit(&world, &bundle, "commit", None).await;
    let details = Map::new();
    let report = LiveReport {
        bundle: &bundle.id,
        experiment_id: "live",
        key: "key",
        planned: 1,
        started_at: None,
        details: &details,
        runs: &[],
        is_stopped: false,
    };
    let mut transaction = world.store.write().await.unwrap();
    let by_test = transaction.record_live(&world.scope, project, &report).await.unwrap().unwrap();
    transaction.abandon_runs(START + 1).await.unwrap();
    transaction.commit().await.unwrap();
    upload(&world, &bundle, "newest", "main", true).await;
    commit(&world, &bundle, "newest without a branch", None).await;
    let all = [&by_peer, &by_commit, &by_test];
    world.set_clock(START + 40 * DAY);
    for id in all {
        assert!(too_old(&world, project, START + 1).await.contains(id), "{id}");
        delete(&world, id).await;
    }
    let again = [
        upload(&world, &bundle, "peer", "main", true).await,
        commit(&world, &bundle, "commit", None).await,
        commit(&world, &bundle, "live", Some("key")).await,
    ];
    assert_eq!(again.each_ref(), all);
    assert_eq!(too_old(&world, project, START + 40 * DAY).await.iter().filter(|id| all.contains(id)).count(), 0);
    let late = too_old(&world, project, START + 40 * DAY + 1).await;
    assert!(all.iter().all(|id| late.contains(id)), "{late:?}");
}

pub(crate) async fn files_are_counted_once_and_again_where_one_comes(world: World) {
    let bundle = shop(&world).await;
    let project = bundle.project_id.as_str();
    let id = upload(&world, &bundle, "one", "main", true).await;
    let size = async || world.store.size_of_experiments(&world.scope, project).await.unwrap();
    assert_eq!((size().await.experiments, size().await.uncounted), (1, 1));
    assert!(world.store.count_file_bytes(10).await.unwrap());
    assert!(!world.store.count_file_bytes(10).await.unwrap());
    assert_eq!(size().await.uncounted, 0);
    let file = NewArtifact {
        run_id: None,
        artifact_type: "summary".to_owned(),
        name: "summary.json".to_owned(),
        content_type: "application/json".to_owned(),
        blob_id: "blob_1".to_owned(),
    };
    let mut transaction = world.store.write().await.unwrap();
    transaction.attach_artifacts(&world.scope, &id, &[file]).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(size().await.uncounted, 1);
    assert!(world.store.count_file_bytes(10).await.unwrap());
    let months = world.store.experiments_by_month(&[project.to_owned()], 12).await.unwrap();
    assert_eq!((months.len(), months[0].month.as_str(), months[0].size.experiments), (1, "2027-01", 1));
}
