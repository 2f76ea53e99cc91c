//! Which experiments are too old, and how much room they take.

use keepstep_store::results::{NewArtifact, RunRecord, Status, Upload};
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
    let ids = async |before: i64| world.store.old_experiments(project, before, 100).await.unwrap();
    assert_eq!(ids(START).await, Vec::<String>::new());
    assert_eq!(ids(START + 1).await, [old.as_str()]);
    let size = world.store.size_of_old_experiments(&world.scope, project, START + 1).await.unwrap();
    assert_eq!((size.experiments, size.cases, size.oldest, size.newest), (1, 1, Some(START), Some(START)));

    // What somebody restored is as new as that.
    let mut transaction = world.store.write().await.unwrap();
    transaction.delete_experiment(&world.scope, &old, "Retention").await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(ids(START + 1).await, Vec::<String>::new());
    world.set_clock(START + DAY / 2);
    let mut transaction = world.store.write().await.unwrap();
    transaction.restore_experiment(&world.scope, &old).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(ids(START + DAY / 2).await, Vec::<String>::new());
    assert_eq!(ids(START + DAY / 2 + 1).await, [old.as_str()]);
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
