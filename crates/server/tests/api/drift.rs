//! Reports of drift.

use keepstep_store::Role;
use serde_json::{Value, json};

use crate::world::{START, World, read};

const DRIFT: &str = "/api/v1/agents/{id}/drift";

fn report() -> Value {
    json!({
        "repository": "git.example/acme/shop", "branch": "main", "commit": "0123456789abcdef0123456789abcdef01234567",
        "fields": { "persona": { "code": "", "base": "" }, "of another version": { "code": "x" } },
    })
}

#[tokio::test]
async fn a_key_that_only_reads_may_report_and_the_latest_report_of_a_branch_stays() {
    let world = World::start().await;
    let key = world.key("ci", Role::Viewer, &world.scope, None).await;
    let send = |body: Value| {
        let request = world.anonymous("POST", DRIFT).header("authorization", format!("Bearer {key}")).json(&body);
        async { read(request).await.status }
    };
    assert_eq!(send(report()).await, 204);
    world.set_clock(START + 1000);
    let mut other = report();
    other["branch"] = json!("topic");
    assert_eq!(send(other).await, 204);
    world.set_clock(START + 2000);
    let mut next = report();
    next["commit"] = json!("fedcba9");
    assert_eq!(send(next).await, 204);
    let found = world.store.drift_reports(&world.scope, None).await.unwrap();
    let rows: Vec<_> = found
        .iter()
        .map(|(report, _)| (report.branch.as_str(), report.commit.as_deref(), report.reported_by.as_str(), report.reported_at))
        .collect();
    let first = Some("0123456789abcdef0123456789abcdef01234567");
    assert_eq!(rows, [("main", Some("fedcba9"), "ci", START + 2000), ("topic", first, "ci", START + 1000)]);
    assert_eq!(found[0].0.fields.keys().collect::<Vec<_>>(), ["persona"], "what nobody knows is not kept");
}

#[tokio::test]
async fn the_same_report_is_not_written_again_for_a_while() {
    let world = World::start().await;
    for (after, kept) in [(0, 0), (599_999, 0), (600_000, 600_000)] {
        world.set_clock(START + after);
        assert_eq!(world.post(DRIFT, report()).await.status, 204);
        let found = world.store.drift_reports(&world.scope, None).await.unwrap();
        assert_eq!(found[0].0.reported_at, START + kept);
    }
}

#[tokio::test]
async fn only_the_latest_branches_are_kept() {
    let world = World::start().await;
    for number in 0..25 {
        world.set_clock(START + number);
        let mut report = report();
        report["branch"] = json!(format!("branch-{number}"));
        assert_eq!(world.post(DRIFT, report).await.status, 204);
    }
    let found = world.store.drift_reports(&world.scope, None).await.unwrap();
    assert_eq!((found.len(), found[0].0.branch.as_str(), found[19].0.branch.as_str()), (20, "branch-24", "branch-5"));
}

#[tokio::test]
async fn what_cannot_be_a_report_is_refused() {
    let world = World::start().await;
    let changed = |key: &str, value: Value| {
        let mut report = report();
        report[key] = value;
        report
    };
    for body in [
        changed("repository", json!("")),
        changed("repository", json!("a\u{1b}[31m")),
        changed("repository", json!("a".repeat(301))),
        changed("branch", json!("a\nb")),
        changed("commit", json!("main")),
        changed("commit", json!("0".repeat(65))),
        changed("fields", json!([])),
        changed("fields", json!({ "persona": "text" })),
    ] {
        let answer = world.post(DRIFT, body.clone()).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
    }
    assert_eq!(world.post("/api/v1/agents/baseAgent_agent_0_x/drift", report()).await.status, 404);
    assert!(world.store.drift_reports(&world.scope, None).await.unwrap().is_empty());
}
