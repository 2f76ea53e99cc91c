//! Results in the fluxloop dialect: what 0.3.3 and 0.4.0 upload, and what they and we read of it.

use keepstep_api::fluxloop::{Experiment, RunOfExperiment, SyncStatus, Uploaded};
use keepstep_store::results::{RunDetail, RunFilter, Status};
use keepstep_store::test_data::{Bundle, TestDataFile};
use keepstep_store::{Role, Scope};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{Answer, START, World, read};

const A: &str = "0f22bbd9-b3a6-407d-b432-abb7d215331f";
const B: &str = "d255729b-0000-4000-8000-000000000000";

async fn shop(world: &World) -> Bundle {
    let file: TestDataFile = serde_json::from_value(json!({
        "scenario": {"name": "orders"},
        "personas": [{"name": "novice"}],
        "inputs": [{"id": "item-1", "text": "Where is my order?"}, {"id": "item-2", "text": "Cancel it, please"}],
    }))
    .unwrap();
    let mut transaction = world.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, "shop").await.unwrap();
    let bundle = transaction.import(&world.scope, &project.id, &file).await.unwrap();
    transaction.commit().await.unwrap();
    bundle
}

/// What 0.3.3 sends before a test.
fn announcement(bundle: &Bundle) -> Value {
    json!({
        "bundle_version_id": bundle.id,
        "run_batch": {"experiment_id": "exp_1", "execution_target": "local", "status": "running"},
        "runs": [
            {"id": A, "input_item_id": "item-1", "persona_id": "p-1", "status": "running"},
            {"id": B, "input_item_id": "item-2", "persona_id": null, "status": "running"},
        ],
        "run_results": [],
        "artifacts": [],
        "upload_meta": {"mode": "precreate"},
    })
}

/// What 0.3.3 sends after a test in which the agent failed for the second input.
fn report(bundle: &Bundle) -> Value {
    json!({
        "bundle_version_id": bundle.id,
        "run_batch": {"experiment_id": "exp_1", "execution_target": "local", "status": "completed"},
        "runs": [{"id": A, "input_item_id": "item-1", "persona_id": null, "status": "completed"}],
        "run_results": [{
            "run_id": A,
            "status": "completed",
            "metrics": {"duration_ms": 7.93},
            "transcript": [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "ok: Where?"}],
            "local_eval_summary": {"verdict": "pass", "scores": {}, "failures": []},
        }],
        "artifacts": [],
        "turns": [{"run_id": A, "turn_id": "t1", "sequence": 1, "role": "user", "content": "Where?", "timestamp": "2026-11-21T23:28:26.584243+00:00"}],
        "turn_summaries": [{"run_id": A, "total_turns": 2}],
        "upload_meta": {},
    })
}

async fn upload(world: &World, body: Value) -> Uploaded {
    let answer = world.post("/api/sync/upload", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    serde_json::from_str(&answer.text).unwrap()
}

async fn detail(world: &World, batch: &str, run: &str) -> RunDetail {
    world.store.run(&world.scope, batch, run).await.unwrap()
}

async fn experiments(world: &World, bundle: &Bundle) -> Vec<Experiment> {
    let answer = world.get(&format!("/api/experiments?project_id={}", bundle.project_id)).await;
    serde_json::from_str(&answer.text).unwrap()
}

#[tokio::test]
async fn f10_a_failed_run_is_a_failed_run() {
    let world = World::start().await;
    let bundle = shop(&world).await;
    let before = upload(&world, announcement(&bundle)).await;
    assert_eq!((before.run_ids.len(), before.quick_gate.len()), (2, 0));
    let after = upload(&world, report(&bundle)).await;
    assert_eq!((&after.run_batch_id, after.run_ids), (&before.run_batch_id, vec![A.to_owned()]));
    assert_eq!(after.quick_gate["gate_pass_rate"], json!(0.5));
    assert_eq!(after.url, format!("{}/projects/{}/experiments/{}", world.url, bundle.project_id, after.run_batch_id));

    let first = detail(&world, &after.run_batch_id, A).await;
    assert_eq!((first.run.persona.as_deref(), first.run.duration_ms), (Some("p-1"), Some(7.93)));
    assert_eq!((first.run.input.as_str(), first.run.output.as_str()), ("Where?", "ok: Where?"));
    assert_eq!((first.turns.len(), first.result.transcript.len()), (1, 2));
    let second = detail(&world, &after.run_batch_id, B).await.run;
    assert_eq!((second.status, second.error.as_deref()), (Status::Failed, Some("not_reported")));
    let listed = experiments(&world, &bundle).await;
    assert_eq!((listed[0].status.as_str(), listed[0].evaluation.verdict.as_deref()), ("failed", Some("fail")));
}

#[tokio::test]
async fn f11_a_conversation_that_comes_under_other_ids_leaves_no_orphans() {
    let world = World::start().await;
    let bundle = shop(&world).await;
    let before = upload(&world, announcement(&bundle)).await;
    let turn = json!({"run_id": "n-1", "turn_id": "n-1-t0", "sequence": 0, "content": "Where?", "role": "user", "warnings": []});
    assert_eq!(world.post("/api/sync/turns", turn).await.status, 200);
    let mut body = report(&bundle);
    body["runs"] = json!([
        {"id": "n-1", "input_item_id": "item-1", "persona_id": null, "status": "completed"},
        {"id": "n-2", "input_item_id": "item-2", "persona_id": null, "status": "completed"},
    ]);
    (body["run_results"], body["turns"]) = (json!([]), json!([]));
    let after = upload(&world, body).await;
    assert_eq!((after.run_batch_id.as_str(), &after.quick_gate["gate_pass_rate"]), (before.run_batch_id.as_str(), &json!(1.0)));
    let first = detail(&world, &after.run_batch_id, "n-1").await;
    assert_eq!((first.run.persona.as_deref(), first.turns[0].content.as_str()), (Some("p-1"), "Where?"));
    assert_eq!(experiments(&world, &bundle).await[0].summary.total_runs, 2);
}

#[tokio::test]
async fn f13_an_upload_that_comes_again_is_the_same_batch() {
    let world = World::start().await;
    let bundle = shop(&world).await;
    let first = upload(&world, report(&bundle)).await;
    assert_eq!(upload(&world, report(&bundle)).await, first);
    assert_eq!(upload(&world, announcement(&bundle)).await.run_batch_id, first.run_batch_id);
    assert_eq!(experiments(&world, &bundle).await.len(), 1);
}

#[tokio::test]
async fn f23_lists_are_never_null() {
    let world = World::start().await;
    let bundle = shop(&world).await;
    let answer =
        world.post("/api/sync/upload", json!({"bundle_version_id": bundle.id, "run_batch": {"status": "completed"}})).await;
    let body = answer.json();
    assert_eq!((&body["run_ids"], &body["quick_gate"]), (&json!([]), &json!({})));
    assert!(body["run_batch_id"].is_string() && body["url"].is_string());
    // A test in which nothing ran is no success.
    assert_eq!(experiments(&world, &bundle).await[0].status, "failed");
}

#[tokio::test]
async fn f36_a_push_without_a_name_is_known_by_its_runs() {
    let world = World::start().await;
    let bundle = shop(&world).await;
    let push = |runs: &[&str]| {
        let runs: Vec<Value> = runs
            .iter()
            .map(|id| json!({"id": id, "input_item_id": "", "persona_id": "novice", "status": "failed",
                "input_snapshot": {"messages": [{"role": "user", "content": "Cancel it, please"}], "metadata": {}, "id": "item-2"}}))
            .collect();
        json!({
            "bundle_version_id": bundle.id,
            "run_batch": {"execution_target": "local", "status": "completed",
                "started_at": "2026-11-21T23:38:39.773591+00:00", "completed_at": "2026-11-21T23:38:39.773591+00:00"},
            "runs": runs,
            "turns": [{"run_id": B, "turn_id": "b-t0", "sequence": 0, "role": "user", "content": "Cancel it, please",
                "timestamp": "2026-11-21T23:51:03.581896+00:00", "duration_ms": null}],
            "run_results": [{"run_id": B, "status": "failed", "metrics": {"duration_ms": 17, "turn_count": 2},
                "transcript": [{"role": "assistant", "content": "boom"}]}],
        })
    };
    let first = upload(&world, push(&[B])).await;
    assert_eq!(upload(&world, push(&[B])).await, first);
    // F38: what was pushed after an interruption is the same batch when the rest follows.
    assert_eq!(upload(&world, push(&[B, A])).await.run_batch_id, first.run_batch_id);
    let batch = world.store.run_batch(&world.scope, &first.run_batch_id).await.unwrap();
    assert_eq!((batch.counts.failed, batch.status.label(), batch.experiment_id), (2, "failed", None));
    assert_eq!(batch.started_at, Some("2026-11-21T23:38:39.773Z".parse::<jiff::Timestamp>().unwrap().as_millisecond()));
    let run = detail(&world, &batch.id, B).await;
    assert_eq!((run.run.input.as_str(), run.run.output.as_str(), run.turns.len()), ("Cancel it, please", "boom", 1));
    assert_eq!((run.run.input_item_id, run.run.persona.as_deref()), (None, Some("novice")));
}

#[tokio::test]
async fn f36_an_upload_with_an_idempotency_key_is_answered_once() {
    let world = World::start().await;
    let bundle = shop(&world).await;
    let send = |body: Value| read(world.request("POST", "/api/sync/upload").header("idempotency-key", "k").json(&body));
    let (first, second) = (send(report(&bundle)).await, send(report(&bundle)).await);
    assert_eq!((first.status, &first.text), (200, &second.text));
    assert_eq!(send(announcement(&bundle)).await.code(), "IDEMPOTENCY_MISMATCH");
}

#[tokio::test]
async fn f24_a_test_that_broke_off_is_abandoned_after_a_day() {
    let world = World::start().await;
    let bundle = shop(&world).await;
    upload(&world, announcement(&bundle)).await;
    assert_eq!(experiments(&world, &bundle).await[0].evaluation.verdict, None);
    let day = 24 * 60 * 60 * 1000;
    world.set_clock(START + day);
    assert_eq!(experiments(&world, &bundle).await[0].status, "running");
    world.set_clock(START + day + 1);
    let path = format!("/api/sync/status?project_id={}&experiment_ids=exp_1", bundle.project_id);
    assert_eq!(world.get(&path).await.json()["experiments"][0]["status"], "abandoned");
}

#[tokio::test]
async fn f26_a_turn_is_taken_whenever_it_comes() {
    let world = World::start().await;
    let bundle = shop(&world).await;
    let turn = |sequence: i64| {
        json!({"turn_id": format!("t{sequence}"), "sequence": sequence, "content": format!("turn {sequence}"), "duration_ms": 5,
            "warnings": [], "role": "assistant", "timestamp": "2026-11-21T23:28:26.591424+00:00", "run_id": A})
    };
    let send = async |sequence: i64| {
        let request = world.request("POST", "/api/sync/turns").header("idempotency-key", format!("{A}:t{sequence}"));
        let answer = read(request.json(&turn(sequence))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    for sequence in [3, 2] {
        send(sequence).await;
    }
    upload(&world, announcement(&bundle)).await;
    send(0).await;
    let batch = upload(&world, report(&bundle)).await.run_batch_id;
    for sequence in [1, 0] {
        send(sequence).await;
    }
    let turns = detail(&world, &batch, A).await.turns;
    assert_eq!(turns.iter().map(|turn| turn.turn_id.as_str()).collect::<Vec<_>>(), ["t0", "t1", "t2", "t3"]);
    assert_eq!(turns[1].duration_ms, Some(5.0));
}

#[tokio::test]
async fn a_file_is_only_one_that_was_uploaded_here() {
    let world = World::start().await;
    let bundle = shop(&world).await;
    let mut body = report(&bundle);
    for url in ["s3://bucket/8a0b", "file:///etc/passwd", "../../etc", "keepstep://stored/0", "\u{1b}[2J"] {
        body["artifacts"] = json!([{"run_id": A, "type": "summary", "storage_url": url}]);
        let answer = world.post("/api/sync/upload", body.clone()).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "REFUSED"), "{url}");
        assert!(answer.json()["detail"].as_str().unwrap().contains("presign") && !answer.text.contains("u001b["));
    }
    // Nothing of a refused upload is kept.
    assert_eq!(experiments(&world, &bundle).await, []);
}

#[tokio::test]
async fn an_upload_without_meaning_is_explained() {
    let world = World::start().await;
    let bundle = shop(&world).await;
    let mut shown = String::new();
    for change in [
        json!({"bundle_version_id": "bv_0"}),
        json!({"bundle_version_id": null}),
        json!({"run_batch": {"experiment_id": "a\nb"}}),
        json!({"runs": [{"id": ""}]}),
        json!({"runs": [{"id": "r".repeat(201)}]}),
        json!({"turns": [{"run_id": "r", "turn_id": "\u{202e}\u{7}"}]}),
    ] {
        let mut body = report(&bundle);
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = world.post("/api/sync/upload", body).await;
        shown += &format!("{} {}\n", answer.status, answer.json()["detail"].as_str().unwrap());
    }
    insta::assert_snapshot!(shown, @r#"
    404 Bundle version bv_0 not found.
    400 The body is not what this address takes: invalid type: null, expected a string at line 1 column 25.
    422 "a\nb" is not the id of an experiment: it is empty, longer than 200 bytes, or holds control characters.
    422 "" is not the id of a run: it is empty, longer than 200 bytes, or holds control characters.
    422 "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr" is not the id of a run: it is empty, longer than 200 bytes, or holds control characters.
    422 "\u{202e}\u{7}" is not the id of a turn: it is empty, longer than 200 bytes, or holds control characters.
    "#);
    assert_eq!(experiments(&world, &bundle).await, []);
}

#[tokio::test]
async fn a_status_that_nobody_knows_is_no_success() {
    let world = World::start().await;
    let bundle = shop(&world).await;
    let mut body = report(&bundle);
    body["runs"] = json!([
        {"id": "odd", "status": "splendid"},
        {"id": "none"},
        {"id": "both", "status": "completed"},
        {"id": "late", "status": "timeout"},
    ]);
    body["run_results"] = json!([{"run_id": "both", "status": "error"}, {"run_id": "alone", "status": "completed"}]);
    let batch = upload(&world, body).await.run_batch_id;
    let page = RunFilter { limit: 10, ..RunFilter::default() };
    let runs = world.store.runs(&world.scope, &batch, &page).await.unwrap();
    let shown: Vec<String> = runs.iter().map(|run| format!("{} {}", run.id, run.status)).collect();
    assert_eq!(shown, ["odd failed", "none failed", "both error", "late timeout", "alone completed"]);
}

#[tokio::test]
async fn an_upload_may_be_larger_than_other_bodies_and_its_limit_is_said() {
    let world = World::start().await;
    let bundle = shop(&world).await;
    let mut body = report(&bundle);
    body["run_results"][0]["transcript"][1]["content"] = json!("x".repeat(17 << 20));
    upload(&world, body).await;
    let mut stream = TcpStream::connect(world.url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "POST /api/sync/upload HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
         content-length: 67108865\r\n\r\n",
        world.owner
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let body: Value = serde_json::from_str(text.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!((&body["statusCode"], &body["limit"]), (&json!(413), &json!(67_108_864)));
    assert_eq!(body["detail"], "The body is larger than 67108864 bytes.");
}

#[tokio::test]
async fn results_of_another_project_are_not_there() {
    let world = World::start().await;
    let bundle = shop(&world).await;
    let batch = upload(&world, report(&bundle)).await.run_batch_id;
    let other = world.post("/api/projects", json!({"name": "other"})).await.json()["id"].as_str().unwrap().to_owned();
    let scope = Scope::of(&world.scope.org_id, Some(other.clone()));
    let key = world.key("confined", Role::Owner, &scope, None).await;
    let with = |method: &str, path: &str| world.anonymous(method, path).bearer_auth(&key);
    assert_eq!(read(with("POST", "/api/sync/upload").json(&report(&bundle))).await.status, 404);
    for path in ["experiments", "runs", "sync/status"] {
        let path = format!("/api/{path}?project_id={}&experiment_ids=exp_1,{batch}", bundle.project_id);
        assert_eq!(read(with("GET", &path)).await.status, 404, "{path}");
    }
    let own = read(with("GET", &format!("/api/sync/status?experiment_ids=exp_1,{batch}&bundle_version_id={}", bundle.id))).await;
    assert_eq!(own.json(), json!({"bundle_known": false, "experiments": []}));
    // A turn for a run of another project says nothing about it, and does not reach it.
    let turn = json!({"run_id": A, "turn_id": "theirs", "content": "x"});
    assert_eq!(read(with("POST", "/api/sync/turns").json(&turn)).await.status, 200);
    assert_eq!(detail(&world, &batch, A).await.turns.len(), 1);
    let viewer = world.key("vera", Role::Viewer, &world.scope, None).await;
    for (path, body) in [("/api/sync/upload", report(&bundle)), ("/api/sync/turns", turn)] {
        let answer = read(world.anonymous("POST", path).bearer_auth(&viewer).json(&body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "KEY_TOO_NARROW"), "{path}");
    }
}

#[tokio::test]
async fn experiments_runs_and_status_are_listed() {
    let world = World::start().await;
    let bundle = shop(&world).await;
    let first = upload(&world, report(&bundle)).await.run_batch_id;
    let mut second = report(&bundle);
    second["run_batch"]["experiment_id"] = json!("exp_2");
    second["runs"] = json!([{"id": B, "status": "completed"}, {"id": "c", "status": "completed"}]);
    (second["run_results"], second["turns"]) = (json!([]), json!([]));
    let second = upload(&world, second).await.run_batch_id;
    let project = &bundle.project_id;
    let get = async |path: String| -> Answer { world.get(&path).await };
    let named = |answer: Answer| -> Vec<String> {
        let list: Vec<Experiment> = serde_json::from_str(&answer.text).unwrap();
        list.into_iter().map(|experiment| experiment.experiment_id).collect()
    };
    assert_eq!(named(get(format!("/api/experiments?project_id={project}")).await), [second.clone(), first.clone()]);
    assert_eq!(named(get(format!("/api/experiments?project_id={project}&limit=1&offset=1")).await), std::slice::from_ref(&first));
    assert_eq!(named(get(format!("/api/experiments?project_id={project}&scenario_id=x")).await), [""; 0]);
    let one = experiments(&world, &bundle).await.swap_remove(1);
    assert_eq!((one.name.as_str(), one.summary.total_runs, one.summary.completed_runs), ("exp_1", 1, 1));
    assert_eq!((one.evaluation.verdict.as_deref(), one.created_at.as_str()), (Some("pass"), "2023-11-14T22:13:20Z"));

    let runs = get(format!("/api/runs?project_id={project}&limit=2&offset=1")).await;
    let runs: Vec<RunOfExperiment> = serde_json::from_str(&runs.text).unwrap();
    let run = |id: &str| RunOfExperiment { id: id.to_owned(), experiment_id: second.clone() };
    assert_eq!(runs, [run(B), run("c")]);

    let path =
        format!("/api/sync/status?project_id={project}&bundle_version_id={}&experiment_ids=exp_2,,%20{first},x", bundle.id);
    let status: SyncStatus = serde_json::from_str(&get(path).await.text).unwrap();
    assert_eq!((status.latest_bundle.unwrap().id, status.bundle_known), (bundle.id.clone(), true));
    let found: Vec<_> = status.experiments.iter().map(|found| (found.experiment_id.as_str(), found.runs)).collect();
    assert_eq!(found, [("exp_2", 2), ("exp_1", 1)]);
    assert_eq!(status.experiments[0].url, format!("{}/projects/{project}/experiments/{second}", world.url));

    let path = format!("/api/sync/status?project_id={project}&run_ids={B},nobody,%20c");
    let status: SyncStatus = serde_json::from_str(&get(path).await.text).unwrap();
    let mut known: Vec<_> = status.runs.unwrap().into_iter().map(|run| (run.run_id, run.run_batch_id)).collect();
    known.sort();
    let mut expected = vec![(B.to_owned(), second.clone()), ("c".to_owned(), second.clone())];
    expected.sort();
    assert_eq!(known, expected);
    let too_many = vec!["x"; 101].join(",");
    assert_eq!(get(format!("/api/sync/status?project_id={project}&run_ids={too_many}")).await.status, 400);

    for (method, path) in [("POST", "/api/evaluations"), ("GET", "/api/evaluations/jobs")] {
        let answer = read(world.request(method, path)).await;
        assert_eq!(
            (answer.status, answer.json()["detail"].as_str().unwrap().to_owned()),
            (422, "This server does not evaluate experiments: no language model is set up.".to_owned())
        );
    }
}
