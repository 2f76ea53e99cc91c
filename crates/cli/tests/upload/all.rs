//! `keepstep sync upload --all`, and what `sync status` counts: the server is asked.

use std::process::{Command, Output, Stdio};

use keepstep_testkit::{Platform, World, closed_port, transcript};
use serde_json::{Value, json};

use crate::common::BINARY;

/// A workspace of a project with test data, in which tests can be run.
struct Bench {
    platform: Platform,
    world: World,
    key: String,
}

impl Bench {
    fn new() -> Self {
        let platform = Platform::start(BINARY.as_ref());
        let project = platform.admin(&["project", "create", "--name", "Shop"]);
        let key = platform.admin(&["key", "create", "--name", "test", "--role", "owner", "--project", &project]);
        let bench = Self { platform, world: World::new(), key };
        let file = bench.world.project_named("data");
        file.file("q.yaml", "scenario: {name: q}\ninputs:\n  - {text: one}\n  - {text: two}\n");
        bench.platform.admin(&["import", "--project", &project, &file.path().join("q.yaml").to_string_lossy()]);
        bench.ok(&["projects", "select", &project]);
        bench.ok(&["sync", "pull", "--scenario", "q"]);
        let scenario = ".fluxloop/scenarios/q";
        bench.world.project().file(&format!("{scenario}/bot.py"), "def run(input):\n    return 'ok'\n").file(
            &format!("{scenario}/configs/simulation.yaml"),
            "name: q\niterations: 1\ninputs_file: inputs/generated.yaml\nrunner:\n  target: \"bot:run\"\noutput_directory: experiments\n",
        );
        bench
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.command(BINARY);
        command.env("KEEPSTEP_URL", self.platform.url()).env("KEEPSTEP_API_KEY", &self.key).args(arguments).stdin(Stdio::null());
        command
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?}\n{}", transcript(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[arguments, &["--json"]].concat())).unwrap()
    }

    fn states(&self) -> Vec<Value> {
        let status = self.json(&["sync", "status", "--scenario", "q"]);
        let experiments = status["test_data"]["scenarios"][0]["experiments"].as_array().unwrap().clone();
        experiments.into_iter().map(|experiment| experiment["state"].clone()).collect()
    }

    /// Forgets what was sent from here: the workspace of somebody else with the same results.
    fn forget(&self) {
        std::fs::remove_file(self.world.project().path().join(".fluxloop/scenarios/q/.state/uploads.json")).unwrap();
    }
}

#[test]
fn all_that_the_server_does_not_have_is_sent_once() {
    let bench = Bench::new();
    for _ in 0..3 {
        bench.ok(&["test", "--scenario", "q", "--skip-upload"]);
    }
    assert_eq!(bench.states(), ["pending", "pending", "pending"]);
    bench.ok(&["sync", "upload", "--scenario", "q"]);
    assert_eq!(bench.states(), ["uploaded", "pending", "pending"]);
    let status = bench.output(&["sync", "status", "--scenario", "q"]);
    let shown = transcript(&status);
    assert!(
        shown.contains("1 uploaded, 2 not uploaded: exp_") && shown.contains("`keepstep sync upload --all --scenario q`"),
        "{shown}"
    );

    let planned = bench.json(&["sync", "upload", "--all", "--scenario", "q", "--dry-run"]);
    assert_eq!(planned["experiments"].as_array().unwrap().len(), 2);
    let sent = bench.json(&["sync", "upload", "--all", "--scenario", "q"]);
    assert_eq!((&sent["uploaded"], &sent["present"], &sent["unreachable"]), (&json!(2), &json!(1), &json!(false)));
    assert_eq!(bench.states(), ["uploaded", "uploaded", "uploaded"]);
    let again = bench.ok(&["sync", "upload", "--all", "--scenario", "q"]);
    assert_eq!(again, "3 experiments, all on the server already\n");

    bench.forget();
    assert_eq!(bench.states(), ["uploaded", "uploaded", "uploaded"], "what another machine sent is uploaded");
    let listed = bench.json(&["results", "list", "--scenario", "q"]);
    assert!(listed["results"].as_array().unwrap().iter().all(|result| result["state"] == "uploaded"), "and noted");
}

#[test]
fn what_was_sent_and_is_gone_is_sent_again() {
    let mut bench = Bench::new();
    bench.ok(&["test", "--scenario", "q", "--skip-upload"]);
    let data = bench.platform.data_dir();
    let kept = bench.world.path().join("kept");
    bench.platform.terminate();
    std::fs::create_dir(&kept).unwrap();
    let names = ["keepstep.db", "keepstep.db-wal", "keepstep.db-shm"];
    for name in names.into_iter().filter(|name| data.join(name).exists()) {
        std::fs::copy(data.join(name), kept.join(name)).unwrap();
    }
    bench.platform.restart();
    bench.ok(&["sync", "upload", "--scenario", "q"]);
    assert_eq!(bench.states(), ["uploaded"]);
    // The operator goes back to yesterday's copy.
    bench.platform.terminate();
    for name in names {
        let _ = std::fs::remove_file(data.join(name));
        if kept.join(name).exists() {
            std::fs::copy(kept.join(name), data.join(name)).unwrap();
        }
    }
    bench.platform.restart();
    assert_eq!(bench.states(), ["pending"]);
    assert_eq!(bench.json(&["sync", "upload", "--all", "--scenario", "q"])["uploaded"], 1);
    assert_eq!(bench.states(), ["uploaded"]);
}

#[test]
fn without_the_server_nothing_is_lost_and_the_hint_says_how_to_go_on() {
    let bench = Bench::new();
    bench.ok(&["test", "--scenario", "q", "--skip-upload"]);
    let url = format!("http://{}", closed_port());
    let all = ["sync", "upload", "--all", "--scenario", "q"];
    let output = bench.command(&all).env("KEEPSTEP_URL", &url).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", transcript(&output));
    assert!(transcript(&output).contains("hint: `keepstep sync upload --all --scenario q`"), "{}", transcript(&output));
    let strict = bench.command(&[&all[..], &["--strict"]].concat()).env("KEEPSTEP_URL", &url).output().unwrap();
    assert_eq!(strict.status.code(), Some(11));
    assert_eq!(bench.json(&all)["uploaded"], 1);
}
