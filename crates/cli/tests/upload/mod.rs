//! `keepstep sync upload`

#[cfg(unix)]
mod all;
mod bench;
mod fake;
#[cfg(unix)]
mod full_disk;
mod real;

use std::fs::File;
use std::process::Stdio;

use insta::assert_snapshot;
use keepstep_testkit::{Fault, Proxy, closed_port, transcript};
use serde_json::{Value, json};

use self::bench::{Bench, EXPERIMENT, EXPERIMENTS, FIRST, SECOND, SECRET};
use self::fake::Fake;

#[test]
fn f10_f12_f13_the_newest_results_go_up_clean_and_once() {
    let fake = Fake::keepstep();
    let bench = Bench::new(&fake);
    assert_snapshot!(bench.run(&["sync", "upload"]), @"
    exit: 0
    ----- stdout -----
    ✓ Uploaded 2 cases (1 failed) of exp_20261121_232826, 41.6 KiB sent
    View results: https://keepstep.test/batches/rb-1
    ----- stderr -----
    3 secret values left out of what is sent
    ");
    let files = fake.files();
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(names.len(), 9, "{names:?}");
    for (name, content) in &files {
        let text = String::from_utf8_lossy(content);
        assert!(!text.contains(SECRET) && !text.contains("other-secret"), "{name}: {text}");
        let path = name.split_once('/').unwrap().1;
        let original = bench.world.path().join("project").join(EXPERIMENTS).join(EXPERIMENT).join(path);
        if let Ok(original) = std::fs::read_to_string(original)
            && !original.contains("secret")
            && !original.contains(SECRET)
        {
            assert_eq!(text, original, "{name}");
        }
    }
    let runs = fake.runs();
    let told: Vec<Value> =
        runs.iter().map(|run| json!([run["id"], run["status"], run["input_item_id"], run["output"]])).collect();
    assert_eq!(told, [json!([FIRST, "completed", "item-1", "ok [removed]"]), json!([SECOND, "failed", "item-2", ""])]);
    let state: Value = serde_json::from_str(&bench.project().read(".fluxloop/scenarios/orders/.state/sync.json")).unwrap();
    assert_eq!(
        (&state["last_run_batch_id"], &state["last_experiment_id"], &state["own"]),
        (&json!("rb-1"), &json!(EXPERIMENT), &json!(1))
    );

    let received = fake.kept().received;
    assert_snapshot!(bench.run(&["sync", "push", "--json", "--quiet"]), @r#"
    exit: 0
    ----- stdout -----
    {"schema":"keepstep.sync.upload/1","experiment_id":"exp_20261121_232826","scenario":"orders","bundle_version_id":"bv_1","runs":2,"failed":1,"bytes_total":42813,"redacted":3,"broken_lines":0,"run_batch_id":"rb-1","url":"https://keepstep.test/batches/rb-1","bytes_sent":0,"repeated":true,"queued":false}
    "#);
    assert_eq!(fake.kept().received, received, "nothing is sent twice");
    assert_eq!(fake.kept().batches.len(), 1);
    assert_eq!(bench.project().files().iter().filter(|file| file.contains("outbox/0")).count(), 0);
}

#[test]
fn what_the_gate_says_is_a_line_and_changes_no_exit_code() {
    let fake = Fake::keepstep();
    fake.kept().gate = Some(json!({"state": "failed", "reason": "50 % of 90 % \u{1b}[31mwanted"}));
    let bench = Bench::new(&fake);
    let output = bench.run(&["sync", "upload", "--quiet"]);
    assert!(output.starts_with("exit: 0"), "{output}");
    let line = output.lines().find(|line| line.contains("Gate")).unwrap();
    assert_eq!(line, "✗ Gate failed: 50 % of 90 % \\e[31mwanted");
    let output = bench.run(&["sync", "upload", "--quiet", "--json"]);
    assert!(output.contains(r#""gate":{"#), "{output}");
}

#[test]
fn f15_an_upload_that_was_killed_goes_on() {
    let fake = Fake::keepstep();
    let mut bench = Bench::new(&fake);
    let proxy = Proxy::before(fake.server.address());
    let direct = std::mem::replace(&mut bench.url, proxy.url());
    proxy.on("POST", "/commit", Fault::Hold);
    let mut child = bench.command(&["sync", "upload"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    proxy.wait_until_held();
    child.kill().unwrap();
    child.wait().unwrap();
    drop(proxy);
    bench.url = direct;
    let received = fake.kept().received;
    assert!(received > 0 && fake.kept().batches.len() <= 1);
    let output = bench.output(&["sync", "upload"]);
    assert!(output.status.success(), "{}", transcript(&output));
    let kept = fake.kept();
    assert_eq!((kept.received, kept.batches.len()), (received, 1));
}

#[test]
fn f36_every_fault_of_the_network_ends_in_one_batch() {
    std::thread::scope(|scope| {
        for fault in [
            Fault::Drop,
            Fault::CutRequest(300),
            Fault::CutResponse(0),
            Fault::CutResponse(60),
            Fault::Duplicate,
            Fault::status(503, None),
        ] {
            for at in 0..3 {
                let fault = fault.clone();
                scope.spawn(move || {
                    let fake = Fake::keepstep();
                    let mut bench = Bench::new(&fake);
                    let proxy = Proxy::before(fake.server.address());
                    bench.url = proxy.url();
                    proxy.script(std::iter::repeat_n(Fault::Pass, at).chain([fault.clone()]));
                    let first = bench.output(&["sync", "upload"]);
                    assert!(first.status.success(), "{fault:?} at {at}: {}", transcript(&first));
                    let second = bench.output(&["sync", "upload", "--pending", "--strict"]);
                    assert!(second.status.success(), "{fault:?} at {at}: {}", transcript(&second));
                    assert_eq!(fake.kept().batches.len(), 1);
                    assert_eq!(fake.runs().len(), 2);
                });
            }
        }
    });
}

#[test]
fn f24_f38_what_is_not_complete_is_named_and_not_sent() {
    let fake = Fake::keepstep();
    let bench = Bench::new(&fake);
    bench.project().file(&format!("{EXPERIMENTS}/exp_20261121_232827/result.md"), "");
    bench.experiment("exp_20261121_232828");
    let running = bench.project().path().join(EXPERIMENTS).join("exp_20261121_232828/.running");
    let lock = File::create(running).unwrap();
    lock.lock().unwrap();
    let text = bench.run(&["sync", "upload"]);
    assert_snapshot!(text, @"
    exit: 0
    ----- stdout -----
    ✓ Uploaded 2 cases (1 failed) of exp_20261121_232826, 41.6 KiB sent
    View results: https://keepstep.test/batches/rb-1
    ----- stderr -----
    warning: exp_20261121_232828 is still being written and was not sent
    warning: exp_20261121_232827 is incomplete and was not sent: its test did not end
    3 secret values left out of what is sent
    ");
    drop(lock);
    assert_snapshot!(bench.run(&["sync", "upload", "--experiment-dir", "experiments/exp_20261121_232827"]), @"
    exit: 5
    ----- stderr -----
    error: exp_20261121_232827 is incomplete: summary.json or trace_summary.jsonl is missing
    hint: its test did not end; run it again
    ");
    let text = bench.run(&["sync", "upload", "--experiment-dir", "results/latest/"]);
    assert!(text.contains("exp_20261121_232828"), "{text}");
}

#[test]
fn nothing_to_upload_is_told() {
    let fake = Fake::keepstep();
    let bench = Bench::new(&fake);
    std::fs::remove_dir_all(bench.project().path().join(EXPERIMENTS)).unwrap();
    assert_snapshot!(bench.run(&["sync", "upload"]), @"
    exit: 5
    ----- stderr -----
    error: no results of orders to upload
    hint: `keepstep test --scenario orders` creates results
    ");
}

#[test]
fn f19_results_of_another_scenario_are_refused() {
    let fake = Fake::keepstep();
    let bench = Bench::new(&fake);
    bench.project().file(".fluxloop/scenarios/billing/.state/sync.json", json!({"bundle_version_id": "bv_2"}).to_string());
    let path = format!("{EXPERIMENTS}/{EXPERIMENT}");
    assert_snapshot!(bench.run(&["sync", "push", "--scenario", "billing", "--experiment-dir", &path]), @"
    exit: 2
    ----- stderr -----
    error: exp_20261121_232826 is of the scenario orders, not of billing
    hint: name its scenario with `--scenario`
    ");
    let results = ".fluxloop/results/orders-20261121-235103";
    for name in ["summary.json", "trace_summary.jsonl"] {
        bench.project().file(&format!("{results}/{name}"), "{}");
    }
    let output = bench.output(&["sync", "push", "--scenario", "billing"]);
    assert_eq!(output.status.code(), Some(5), "{}", transcript(&output));
    let output = bench.output(&["sync", "push", "--scenario", "billing", "--result-dir", results]);
    assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
    assert!(fake.server.requests().is_empty());
}

#[test]
fn without_a_network_it_waits_and_goes_out_later_in_order() {
    let fake = Fake::keepstep();
    let mut bench = Bench::new(&fake);
    let proxy = Proxy::before(closed_port());
    bench.url = proxy.url();
    proxy.otherwise(Fault::Drop);
    assert_snapshot!(bench.run(&["sync", "upload"]), @"
    exit: 0
    ----- stderr -----
    3 secret values left out of what is sent
    exp_20261121_232826 was NOT uploaded: the connection to [URL] was cut before the answer was complete
    It is kept and goes out with the next sync or upload.
    ");
    bench.experiment("exp_20261121_232829");
    let output = bench.output(&["sync", "upload", "--strict"]);
    assert_eq!(output.status.code(), Some(11), "{}", transcript(&output));
    assert!(fake.kept().batches.is_empty());
    proxy.set_upstream(fake.server.address());
    proxy.otherwise(Fault::Pass);
    assert_snapshot!(bench.run(&["sync", "upload", "--pending"]), @"
    exit: 0
    ----- stdout -----
    View results: https://keepstep.test/batches/rb-1
    View results: https://keepstep.test/batches/rb-1
    ----- stderr -----
    ✓ Uploaded exp_20261121_232826, which was waiting
    ✓ Uploaded exp_20261121_232829, which was waiting
    ");
    let offered: Vec<Value> = fake
        .server
        .requests()
        .iter()
        .filter(|request| request.target == "/api/v1/uploads")
        .map(|request| request.json()["experiment_id"].clone())
        .collect();
    assert_eq!(offered, [json!(EXPERIMENT), json!("exp_20261121_232829")]);
    assert_eq!(fake.kept().batches.len(), 2);
}

#[test]
fn a_limit_of_the_server_is_named() {
    let fake = Fake::keepstep();
    let bench = Bench::new(&fake);
    fake.kept().refuse = Some(413);
    assert_snapshot!(bench.run(&["sync", "upload", "--quiet"]), @"
    exit: 12
    ----- stderr -----
    error: this is too large for [URL], which accepts at most 7 bytes
    ");
    assert_eq!(bench.project().files().iter().filter(|file| file.contains("outbox/0")).count(), 0);
}

#[test]
fn a_broken_line_is_named_and_the_rest_is_kept() {
    let fake = Fake::keepstep();
    let bench = Bench::new(&fake);
    let path = format!("{EXPERIMENTS}/{EXPERIMENT}/trace_summary.jsonl");
    let text = bench.project().read(&path);
    bench.project().file(&path, format!("{{\"cut\n{text}"));
    assert_snapshot!(bench.run(&["sync", "upload", "--dry-run"]), @"
    exit: 0
    ----- stdout -----
    exp_20261121_232826 of orders with 2 cases (1 failed) would go to [URL]:
      summary.json         259 B
      trace_summary.jsonl  253 B
      traces.jsonl         247 B
      observations.jsonl   40.0 KiB
      turns.jsonl          159 B
      errors.json          75 B
      result.md            23 B
      trace_0f22bbd9-b3a6-407d-b432-abb7d215331f.md 6 B
      runs.jsonl           797 B
    ----- stderr -----
    3 secret values left out of what is sent
    warning: 1 line cannot be read; the rest is kept
      trace_summary.jsonl line 1: it is not a JSON object
    ");
    assert!(fake.server.requests().is_empty());
}

#[test]
fn f14_a_platform_of_the_peers_gets_their_protocol() {
    let fake = Fake::peer();
    let bench = Bench::new(&fake);
    let text = bench.run(&["sync", "upload"]);
    assert!(text.contains("Uploaded 2 cases (1 failed)"), "{text}");
    let kept = fake.kept();
    assert_eq!(kept.uploaded["run_batch"], json!({"experiment_id": EXPERIMENT, "execution_target": "local", "status": "failed"}));
    let statuses: Vec<&Value> = kept.uploaded["runs"].as_array().unwrap().iter().map(|run| &run["status"]).collect();
    assert_eq!(statuses, ["completed", "failed"]);
    assert_eq!(kept.uploaded["turns"][0]["run_id"], SECOND);
    assert_eq!(kept.files.len(), 5);
    assert!(kept.files.values().all(|content| !String::from_utf8_lossy(content).contains(SECRET)));
}
