//! Our own upload: offer, parts, commit; and reading what came.

use keepstep_api::own::uploads::{Offer, OfferedFile, OfferedPart};
use keepstep_base::Digest;
use keepstep_platform::{Settings, typed_gate};
use keepstep_store::{Device, Role, Scope};
use serde_json::{Value, json};

use crate::world::{Answer, START, World, read};

/// A project with a published bundle. Returns their ids.
pub(crate) async fn shop(world: &World, name: &str) -> (String, String) {
    let file = json!({"scenario": {"name": "orders"}, "inputs": [{"text": "Where is my order?"}]});
    let mut transaction = world.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, name).await.unwrap();
    let bundle = transaction.import(&world.scope, &project.id, &serde_json::from_value(file).unwrap()).await.unwrap();
    transaction.commit().await.unwrap();
    (project.id, bundle.id)
}

fn sha256(bytes: &[u8]) -> String {
    Digest::of_bytes(bytes).to_string()
}

fn offered(file_type: &str, name: &str, bytes: &[u8], part_size: usize) -> OfferedFile {
    let part = |bytes: &[u8]| OfferedPart { sha256: sha256(bytes), size: bytes.len() as u64 };
    OfferedFile {
        file_type: file_type.to_owned(),
        name: name.to_owned(),
        run_id: None,
        size: bytes.len() as u64,
        sha256: sha256(bytes),
        parts: bytes.chunks(part_size).map(part).collect(),
    }
}

/// The lines of the file with the runs.
fn runs(count: usize, failed: usize) -> String {
    let run = |number: usize| {
        let status = if number < failed { "failed" } else { "completed" };
        json!({"id": format!("00000000-0000-4000-8000-{number:012}"), "status": status, "input": "q", "output": "a"}).to_string()
    };
    (0..count).map(run).collect::<Vec<_>>().join("\n")
}

/// An experiment with two runs, one of which failed, and two files.
fn experiment(project: &str, bundle: &str) -> (Offer, Vec<Vec<u8>>) {
    let runs = runs(2, 1).into_bytes();
    let traces: Vec<u8> = (0..250_000_u32).flat_map(u32::to_le_bytes).collect();
    let summary = b"{}".to_vec();
    let mut trace = offered("per_trace_markdown", "a \"b\".md", &summary, 10);
    trace.run_id = Some("00000000-0000-4000-8000-000000000001".to_owned());
    let files = vec![
        offered("runs", "runs.jsonl", &runs, 100_000),
        offered("traces", "traces.jsonl", &traces, 100_000),
        offered("summary", "summary.json", &summary, 10),
        trace,
    ];
    let offer =
        Offer { project_id: project.to_owned(), bundle_version_id: bundle.to_owned(), experiment_id: "exp_1".to_owned(), files };
    let parts = [&runs, &traces, &summary].into_iter().flat_map(|bytes| bytes.chunks(100_000)).map(<[u8]>::to_vec).collect();
    (offer, parts)
}

async fn offer(world: &World, offer: &Offer) -> Answer {
    world.post("/api/v1/uploads", json!(offer)).await
}

async fn send(world: &World, upload: &str, parts: &[Vec<u8>]) -> Answer {
    let names: Vec<String> = parts.iter().map(|part| format!("{}:{}", sha256(part), part.len())).collect();
    let request = world.request("PUT", &format!("/api/v1/uploads/{upload}/parts"));
    read(request.header("keepstep-parts", names.join(",")).body(parts.concat())).await
}

async fn commit(world: &World, upload: &str, offer: &Offer) -> Answer {
    let body =
        json!({"runs_sha256": offer.files[0].sha256, "started_at": "2026-02-01T10:00:00Z", "details": {"target": "local"}});
    world.post(&format!("/api/v1/uploads/{upload}/commit"), body).await
}

fn id(answer: &Answer) -> String {
    answer.json()["upload_id"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

#[tokio::test]
async fn f13_an_experiment_is_there_once_and_as_a_whole() {
    let world = World::start().await;
    let (project, bundle) = shop(&world, "shop").await;
    let (experiment, parts) = experiment(&project, &bundle);
    let answer = offer(&world, &experiment).await;
    let upload = id(&answer);
    assert_eq!(answer.json()["missing"].as_array().unwrap().len(), 12);
    // A cut and a repetition: what came stays, and the same offer goes on with it.
    assert_eq!(send(&world, &upload, &parts[..5]).await.status, 204);
    assert_eq!(send(&world, &upload, &parts[3..5]).await.status, 204);
    let early = commit(&world, &upload, &experiment).await;
    assert_eq!((early.status, early.code().as_str()), (409, "INCOMPLETE"));
    let again = offer(&world, &experiment).await;
    assert_eq!((id(&again), &again.json()["missing"]), (upload.clone(), &early.json()["missing"]));
    assert_eq!(world.get(&format!("/api/v1/uploads/{upload}")).await.json(), again.json());
    assert_eq!(send(&world, &upload, &parts[5..]).await.status, 204);

    let first = commit(&world, &upload, &experiment).await;
    assert_eq!(first.status, 200, "{first:?}");
    let batch = first.json()["run_batch_id"].as_str().unwrap().to_owned();
    let expected = |repeated: bool| {
        let url = format!("{}/projects/{project}/experiments/{batch}", world.url);
        json!({"run_batch_id": batch, "url": url, "runs": 2, "failed": 1, "repeated": repeated})
    };
    assert_eq!(first.json(), expected(false));
    assert_eq!(commit(&world, &upload, &experiment).await.json(), expected(true));
    // Another upload of the same folder sends nothing and makes nothing.
    let answer = offer(&world, &experiment).await;
    assert_eq!(answer.json()["missing"], json!([]));
    assert_ne!(id(&answer), upload);
    assert_eq!(commit(&world, &id(&answer), &experiment).await.json(), expected(true));

    let artifacts = world.store.artifacts(&world.scope, &batch, 0, 100).await.unwrap();
    let shown: Vec<_> = artifacts.iter().map(|file| (file.artifact_type.as_str(), file.run_id.is_some())).collect();
    assert_eq!(shown, [("summary", false), ("traces", false), ("per_trace_markdown", true)]);
    let response = world.request("GET", &format!("/api/v1/artifacts/{}", artifacts[1].id)).send().await.unwrap();
    assert!(response.bytes().await.unwrap() == parts[1..11].concat());
}

#[tokio::test]
async fn a_commit_tells_what_the_gate_of_the_scenario_says() {
    let world = World::start().await;
    let (project, bundle) = shop(&world, "shop").await;
    let scenario = world.store.bundle(&world.scope, &bundle).await.unwrap().scenario_id;
    let mut transaction = world.store.write().await.unwrap();
    let gate = typed_gate("90", false).unwrap();
    transaction.set_gate(&world.scope, &scenario, gate.as_ref(), "Ada").await.unwrap();
    transaction.commit().await.unwrap();
    let (experiment, parts) = experiment(&project, &bundle);
    let upload = id(&offer(&world, &experiment).await);
    assert_eq!(send(&world, &upload, &parts).await.status, 204);
    for repeated in [false, true] {
        let answer = commit(&world, &upload, &experiment).await.json();
        assert_eq!((&answer["repeated"], &answer["runs"]), (&json!(repeated), &json!(2)));
        assert_eq!(answer["gate"], json!({"state": "failed", "reason": "50 % passed, 90 % required"}));
    }
}

#[tokio::test]
async fn a_file_is_saved_and_never_shown() {
    let world = World::start().await;
    let (project, bundle) = shop(&world, "shop").await;
    let (experiment, parts) = experiment(&project, &bundle);
    let upload = id(&offer(&world, &experiment).await);
    assert_eq!(send(&world, &upload, &parts).await.status, 204);
    let batch = commit(&world, &upload, &experiment).await.json()["run_batch_id"].as_str().unwrap().to_owned();
    let artifacts = world.store.artifacts(&world.scope, &batch, 0, 100).await.unwrap();
    let path = format!("/api/v1/artifacts/{}", artifacts[2].id);
    let answer = world.get(&path).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "{}"));
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"a _b_.md\"; filename*=UTF-8''a%20%22b%22.md");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let tag = answer.header("etag").to_owned();
    assert_eq!(read(world.request("GET", &path).header("if-none-match", &tag)).await.status, 304);
    let part = read(world.request("GET", &path).header("range", "bytes=1-")).await;
    assert_eq!((part.status, part.header("content-range"), part.text.as_str()), (206, "bytes 1-1/2", "}"));
    let old = read(world.request("GET", &path).header("range", "bytes=1-").header("if-range", "\"old\"")).await;
    assert_eq!(old.status, 200);
    assert_eq!(read(world.request("GET", &path).header("range", "bytes=2-")).await.status, 416);

    // Who may read it: those of the project, with a key or in a browser.
    let confined = Scope::of(&world.scope.org_id, Some(shop(&world, "other").await.0));
    let other = world.key("other", Role::Owner, &confined, None).await;
    let with = |key: &str| read(world.anonymous("GET", &path).bearer_auth(key));
    assert_eq!(with(&other).await.status, 404);
    let viewer = world.key("viewer", Role::Viewer, &world.scope, None).await;
    assert_eq!(with(&viewer).await.status, 200);
    assert_eq!(read(world.anonymous("GET", &path)).await.code(), "KEY_MISSING");
    let mut transaction = world.store.write().await.unwrap();
    let user = transaction.create_user(&world.scope.org_id, Role::Viewer, "vera").await.unwrap();
    let (secret, _) = transaction.create_session(&user, START + 1000, &Device::default()).await.unwrap();
    transaction.commit().await.unwrap();
    let browser = |cookie: String| read(world.anonymous("GET", &path).header("cookie", cookie));
    assert_eq!(browser(format!("keepstep_session={}", secret.reveal())).await.status, 200);
    assert_eq!(browser("keepstep_session=guessed".to_owned()).await.status, 401);
    // Who only reads uploads nothing, and who is elsewhere sees no upload.
    let write = |key: &str| read(world.anonymous("POST", "/api/v1/uploads").bearer_auth(key).json(&json!(experiment)));
    assert_eq!((write(&viewer).await.status, write(&other).await.status), (403, 404));
    let path = format!("/api/v1/uploads/{upload}");
    assert_eq!(read(world.anonymous("GET", &path).bearer_auth(&other)).await.status, 404);
    let part = format!("{}:{}", sha256(&parts[0]), parts[0].len());
    let send = |key: &str| {
        let request = world.anonymous("PUT", &format!("{path}/parts")).bearer_auth(key).header("keepstep-parts", &part);
        read(request.body(parts[0].clone()))
    };
    assert_eq!((send(&viewer).await.status, send(&other).await.status), (403, 404));
    let body = json!({"runs_sha256": experiment.files[0].sha256});
    let commit = |key: &str| read(world.anonymous("POST", &format!("{path}/commit")).bearer_auth(key).json(&body));
    assert_eq!((commit(&viewer).await.status, commit(&other).await.status), (403, 404));
}

#[tokio::test]
async fn an_offer_without_meaning_is_told_before_anything_is_sent() {
    let world = World::start_with(Settings { upload_limit: Some(2_000_000), ..Settings::default() }).await;
    let (project, bundle) = shop(&world, "shop").await;
    let (good, _) = experiment(&project, &bundle);
    let mut shown = String::new();
    for (at, value) in [
        ("/files/1/size", json!(1_999_999)),
        ("/files/1/size", json!(2_000_001)),
        ("/files/1/size", json!(5)),
        ("/files/1/parts/0/size", json!(0)),
        ("/files/2/sha256", json!("0".repeat(64))),
        ("/files/2/sha256", json!("../etc/passwd")),
        ("/files/2/name", json!("../summary.json")),
        ("/files/2/name", json!("a\u{1b}[31m")),
        ("/files/2/type", json!("virus")),
        ("/experiment_id", json!("")),
        ("/bundle_version_id", json!("bundle_nobody")),
    ] {
        let mut broken = json!(good);
        *broken.pointer_mut(at).unwrap() = value;
        let answer = world.post("/api/v1/uploads", broken).await.json();
        shown += &format!("{} {} {}\n", answer["statusCode"], answer["message"].as_str().unwrap(), answer["limit"]);
    }
    insta::assert_snapshot!(shown, @r#"
    413 The upload is larger than 2000000 bytes. 2000000
    413 The upload is larger than 2000000 bytes. 2000000
    422 The file "traces.jsonl" is not accepted: its parts do not add up to its size. null
    422 The file "traces.jsonl" is not accepted: a part is empty or larger than a part may be. null
    422 The file "summary.json" is not accepted: its SHA-256 is not that of its content. null
    400 Invalid SHA-256 "../etc/passwd": write 64 lowercase hexadecimal digits. null
    400 "../summary.json" is not the name of a file: 1 to 200 bytes without folders and control characters. null
    400 "a\u{1b}[31m" is not the name of a file: 1 to 200 bytes without folders and control characters. null
    400 "virus" is not the type of a file of an experiment: traces, trace_summary, observations, summary, turns, errors, result, per_trace_markdown, per_trace_index, runs. null
    400 An experiment's id has 1 to 200 bytes without control characters; "" has not. null
    404 Bundle version bundle_nobody not found. null
    "#);
}

#[tokio::test]
async fn a_pack_that_is_not_what_it_says_leaves_nothing() {
    let world = World::start().await;
    let (project, bundle) = shop(&world, "shop").await;
    let (experiment, parts) = experiment(&project, &bundle);
    let upload = id(&offer(&world, &experiment).await);
    let put = |header: String, body: Vec<u8>| {
        let request = world.request("PUT", &format!("/api/v1/uploads/{upload}/parts"));
        async move { read(request.header("keepstep-parts", header).body(body)).await }
    };
    let name = format!("{}:{}", sha256(&parts[0]), parts[0].len());
    let mut wrong = parts[0].clone();
    wrong[3] ^= 1;
    assert_eq!(put(name.clone(), wrong).await.status, 422);
    assert_eq!(put(name.clone(), [parts[0].as_slice(), b"x"].concat()).await.status, 422);
    assert_eq!(put(name.clone(), parts[0][1..].to_vec()).await.status, 422);
    assert_eq!(put(format!("{}:3", sha256(b"new")), b"new".to_vec()).await.status, 422);
    for nonsense in ["nonsense", "1-", "-1", "1-2-3", "0-99999999999"] {
        assert_eq!(put(nonsense.to_owned(), Vec::new()).await.status, 400);
    }
    // The files of the offer are 0 to 3, and not these.
    for stranger in ["4-4", "2-1", "7-4000000000"] {
        assert_eq!(put(stranger.to_owned(), Vec::new()).await.status, 422, "{stranger}");
    }
    assert_eq!(put(format!("{}:9000000", sha256(b"new")), vec![0; 9_000_000]).await.status, 413);
    assert_eq!(world.get(&format!("/api/v1/uploads/{upload}")).await.json()["missing"].as_array().unwrap().len(), 12);
    assert_eq!(put(name, parts[0].clone()).await.status, 204);
}

#[tokio::test]
async fn parts_are_named_by_the_places_of_their_files() {
    let world = World::start().await;
    let (project, bundle) = shop(&world, "shop").await;
    let (experiment, parts) = experiment(&project, &bundle);
    let upload = id(&offer(&world, &experiment).await);
    let put = |header: &str, parts: &[Vec<u8>]| {
        let request = world.request("PUT", &format!("/api/v1/uploads/{upload}/parts"));
        let (header, body) = (header.to_owned(), parts.concat());
        async move { read(request.header("keepstep-parts", header).body(body)).await.status }
    };
    // The parts of the files lie one behind another, and the first file has one.
    let last = parts.len() - 1;
    assert_eq!(put("0-2", &parts[..last]).await, 422, "one part is missing");
    assert_eq!(
        put(
            &format!("2-2,0-0,{}:{}", sha256(&parts[3]), parts[3].len()),
            &[parts[last].clone(), parts[0].clone(), parts[3].clone()]
        )
        .await,
        204
    );
    let missing = world.get(&format!("/api/v1/uploads/{upload}")).await.json()["missing"].as_array().unwrap().len();
    assert_eq!(missing, parts.len() - 3);
    assert_eq!(put("0-2", &parts).await, 204);
    assert_eq!(commit(&world, &upload, &experiment).await.status, 200);
}

#[tokio::test]
async fn a_broken_line_is_told_by_its_number_and_nothing_becomes_visible() {
    let world = World::start().await;
    let (project, bundle) = shop(&world, "shop").await;
    let mut shown = String::new();
    for line in
        ["{\"id\":", "{\"id\": \"x\"}", "{\"id\": \"x\", \"status\": \"good\"}", "{\"id\": \"x\", \"status\": \"running\"}"]
    {
        // So many lines that the first ones are already in the database when the bad one comes.
        let text = format!("{}\n\n{line}\n", runs(600, 0));
        let experiment = Offer {
            project_id: project.clone(),
            bundle_version_id: bundle.clone(),
            experiment_id: "exp_1".to_owned(),
            files: vec![offered("runs", "runs.jsonl", text.as_bytes(), 1_000_000)],
        };
        let upload = id(&offer(&world, &experiment).await);
        assert_eq!(send(&world, &upload, &[text.into_bytes()]).await.status, 204);
        let answer = commit(&world, &upload, &experiment).await;
        shown += &format!("{} {}\n", answer.status, answer.json()["message"].as_str().unwrap());
    }
    insta::assert_snapshot!(shown, @r#"
    422 Line 602 of the file with the runs is not a run: EOF while parsing a value at line 1 column 6.
    422 Line 602 of the file with the runs is not a run: missing field `status` at line 1 column 11.
    422 Line 602 of the file with the runs is not a run: "good" is not the status of a run: it is running, completed, failed, error, timeout, skipped or abandoned at line 1 column 29.
    422 Line 602 of the file with the runs is not a run: it has not ended.
    "#);
    let everything = keepstep_store::results::BatchFilter { scenario: None, offset: 0, limit: 10 };
    let batches = world.store.run_batches(&world.scope, &project, everything).await.unwrap();
    assert!(batches.is_empty());
}

#[tokio::test]
async fn f15_a_disk_that_fails_is_a_sentence_and_what_came_before_stays() {
    let world = World::start().await;
    let (project, bundle) = shop(&world, "shop").await;
    let (experiment, parts) = experiment(&project, &bundle);
    let upload = id(&offer(&world, &experiment).await);
    assert_eq!(send(&world, &upload, &parts[..6]).await.status, 204);
    let (place, aside) = (world.folder.path().join("objects/parts"), world.folder.path().join("objects/aside"));
    std::fs::rename(&place, &aside).unwrap();
    std::fs::write(&place, "").unwrap();
    let answer = send(&world, &upload, &parts[6..]).await;
    insta::assert_snapshot!(format!("{} {}", answer.status, answer.json()["message"]), @r#"503 "The disk with the data failed; nothing was written.""#);
    std::fs::remove_file(&place).unwrap();
    std::fs::rename(&aside, &place).unwrap();
    let answer = offer(&world, &experiment).await;
    assert_eq!(answer.json()["missing"].as_array().unwrap().len(), 6);
    assert_eq!(send(&world, &upload, &parts[6..]).await.status, 204);
    let committed: Value = commit(&world, &upload, &experiment).await.json();
    assert_eq!(committed["runs"], json!(2));
}

#[tokio::test]
async fn f14_many_small_files_come_in_few_requests() {
    let world = World::start().await;
    let (project, bundle) = shop(&world, "shop").await;
    let text = runs(1, 0).into_bytes();
    let contents: Vec<Vec<u8>> = (0..2000).map(|number| format!("trace {number}").into_bytes()).collect();
    let mut files = vec![offered("runs", "runs.jsonl", &text, 1_000_000)];
    files.extend(
        (0..)
            .zip(contents.iter().cycle().take(20_000))
            .map(|(number, bytes): (u32, _)| offered("per_trace_markdown", &format!("{number}.md"), bytes, 100)),
    );
    let experiment = Offer { project_id: project, bundle_version_id: bundle, experiment_id: "exp_1".to_owned(), files };
    let upload = id(&offer(&world, &experiment).await);
    for pack in [vec![text], contents].concat().chunks(1000) {
        assert_eq!(send(&world, &upload, pack).await.status, 204);
    }
    let batch = commit(&world, &upload, &experiment).await.json()["run_batch_id"].as_str().unwrap().to_owned();
    assert_eq!(world.store.artifacts(&world.scope, &batch, 19_999, 10).await.unwrap().len(), 1);
}
