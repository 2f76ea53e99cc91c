//! A test that is watched on the server while it goes on.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use keepstep_store::results::{BatchFilter, BatchStatus, RunBatch, RunFilter};
use keepstep_store::{Scope, Store};
use keepstep_testkit::{Fault, Platform, Proxy, transcript};
use serde_json::json;

use super::{AGENT, Orders};
use crate::common::BINARY;

/// A workspace whose scenario is of a bundle version of a platform.
struct Watched {
    orders: Orders,
    platform: Platform,
    key: String,
    org: String,
    project: String,
}

impl Watched {
    fn new(inputs: &[&str]) -> Self {
        let platform = Platform::start(Path::new(BINARY));
        let (_, org) = platform.agent("Helper");
        let key = platform.key("owner");
        let project = platform.admin(&["project", "create", "--name", "shop"]);
        let orders = Orders::new(AGENT);
        orders.inputs(inputs);
        let items: Vec<_> =
            inputs.iter().enumerate().map(|(index, text)| json!({"id": format!("item-{}", index + 1), "text": text})).collect();
        orders.project().file("import.json", json!({"scenario": {"name": "orders"}, "inputs": items}).to_string());
        let file = orders.project().path().join("import.json");
        let bundle = platform.admin(&["import", "--project", &project, file.to_str().unwrap()]);
        orders.project().file(".fluxloop/project.json", json!({"project_id": project, "project_name": "Shop"}).to_string());
        orders.file(".state/sync.json", json!({"bundle_version_id": bundle, "project_id": project}).to_string());
        orders.file(".env", "SHOP_PASSWORD=correct-horse-battery\n");
        Self { orders, platform, key, org, project }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.orders.command(arguments);
        command.env("KEEPSTEP_URL", self.platform.url()).env("KEEPSTEP_API_KEY", &self.key);
        command
    }

    fn begin(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Returns the experiments, and of the newest the id and the texts of each run.
    fn experiments(&self) -> (Vec<RunBatch>, Vec<(String, String)>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = Store::open(&self.platform.data_dir().join("keepstep.db")).await.unwrap();
            let scope = Scope::organization(self.org.as_str());
            let all = BatchFilter { scenario: None, offset: 0, limit: 10 };
            let batches = store.run_batches(&scope, &self.project, all).await.unwrap();
            let mut runs = Vec::new();
            if let Some(newest) = batches.first() {
                let filter = RunFilter { limit: 100, ..RunFilter::default() };
                let found = store.runs(&scope, &newest.id, &filter).await.unwrap();
                runs.extend(found.into_iter().map(|run| (run.input, run.output)));
            }
            store.close().await;
            (batches, runs)
        })
    }

    /// Looks until the server knows of an experiment of which so many cases have ended.
    fn wait_for(&self, ended: u64) -> (RunBatch, Vec<(String, String)>) {
        loop {
            let (mut batches, runs) = self.experiments();
            if let Some(batch) = batches.pop().filter(|batch| batch.counts.total() - batch.counts.running == ended) {
                assert_eq!(batches, []);
                return (batch, runs);
            }
        }
    }
}

#[test]
fn a_test_is_seen_on_the_server_while_it_runs_and_its_upload_is_the_same_experiment() {
    let mut watched = Watched::new(&["hello", "correct-horse-battery", "wait"]);
    let mut child = watched.begin(&["test", "--parallel", "1", "--no-skip-upload"]);
    let (live, runs) = watched.wait_for(2);
    assert_eq!((live.status, live.counts.passed + live.counts.not_judged, live.counts.running), (BatchStatus::Running, 2, 1));
    assert!(runs.iter().any(|(_, output)| output == "ok: hello"), "{runs:?}");
    assert!(!format!("{runs:?}").contains("battery"), "a secret has left: {runs:?}");
    // A server that dies in the middle takes nothing with it.
    watched.platform.restart();
    watched.orders.project().file("go", "");
    assert!(child.wait().unwrap().success());
    let (batches, runs) = watched.experiments();
    assert_eq!((batches.len(), runs.len()), (1, 3));
    assert_eq!((batches[0].id.as_str(), batches[0].counts.running, batches[0].counts.total()), (live.id.as_str(), 0, 3));
}

#[test]
fn a_test_that_was_killed_is_resumed_in_the_same_experiment() {
    let watched = Watched::new(&["hello", "wait"]);
    let mut child = watched.begin(&["test", "--parallel", "1", "--no-skip-upload"]);
    let (live, _) = watched.wait_for(1);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(watched.experiments().0[0].status, BatchStatus::Running);
    watched.orders.project().file("go", "");
    // Without reports, too, its upload is the end of what was told of.
    let resumed = watched.command(&["test", "--resume", "--no-skip-upload", "--no-report"]).output().unwrap();
    assert!(resumed.status.success(), "{}", transcript(&resumed));
    let (batches, runs) = watched.experiments();
    assert_eq!((batches.len(), batches[0].id.as_str(), batches[0].counts.running, runs.len()), (1, live.id.as_str(), 0, 2));
}

#[test]
fn a_server_that_hangs_keeps_no_test_waiting_and_fails_none() {
    let watched = Watched::new(&["hello", "wait"]);
    let proxy = Proxy::before(watched.platform.address());
    // More than it sends: none of its reports is answered, ever.
    for _ in 0..100 {
        proxy.on("POST", "/live", Fault::Hold);
    }
    let mut command = watched.command(&["test", "--parallel", "1", "--no-skip-upload"]);
    let command = command.env("KEEPSTEP_URL", proxy.url()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    proxy.wait_until_held();
    watched.orders.project().file("go", "");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", transcript(&output));
    let (batches, runs) = watched.experiments();
    assert_eq!((batches.len(), batches[0].counts.running, runs.len()), (1, 0, 2));
}

#[test]
fn a_test_that_is_to_report_nothing_sends_nothing_before_its_end() {
    let quiet = [Some("--no-report"), None].map(|flag| {
        let watched = Watched::new(&["hello", "wait"]);
        let proxy = Proxy::before(watched.platform.address());
        let mut command = watched.command(&["test", "--parallel", "1", "--no-skip-upload"]);
        match flag {
            Some(flag) => command.arg(flag),
            None => command.env("KEEPSTEP_NO_REPORT", "1"),
        };
        let child = command.env("KEEPSTEP_URL", proxy.url()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while !watched.orders.experiments().iter().any(|name| watched.orders.journal(name).contains("ok: hello")) {}
        (watched, proxy, child)
    });
    // One that began later and reports has reported by now.
    let clock = Watched::new(&["hello", "wait"]);
    let mut child = clock.begin(&["test", "--parallel", "1", "--no-skip-upload"]);
    clock.wait_for(1);
    clock.orders.project().file("go", "");
    assert!(child.wait().unwrap().success());
    for (watched, proxy, mut child) in quiet {
        let sent: Vec<String> = proxy.requests().iter().map(|request| request.summary()).collect();
        assert_eq!(sent, Vec::<String>::new());
        watched.orders.project().file("go", "");
        assert!(child.wait().unwrap().success());
        assert!(!proxy.requests().iter().any(|request| request.target.contains("/live")));
        let (batches, runs) = watched.experiments();
        assert_eq!((batches.len(), runs.len()), (1, 2));
    }
}
