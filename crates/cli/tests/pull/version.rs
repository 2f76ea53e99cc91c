//! The bundle version that is named is the version that runs.

use serde_json::Value;

use super::{Bench, INPUTS, SCENARIO};

/// A workspace whose agent says what it hears, with two versions of `orders` on the platform and the first one pulled.
struct Versions {
    bench: Bench,
    first: String,
    second: String,
}

impl Versions {
    fn new() -> Self {
        let bench = Bench::new();
        let first = bench.publish("orders", &[("i1", "one"), ("i2", "two")], &[]);
        bench.project().file(&format!("{SCENARIO}/agents/my_agent.py"), "def run(input):\n    return 'heard ' + input\n");
        let configuration = "runner:\n  target: \"agents.my_agent:run\"\n";
        bench.project().file(&format!("{SCENARIO}/configs/simulation.yaml"), configuration);
        bench.ok(&["sync", "pull"]);
        let second = bench.publish("orders", &[("i2", "two"), ("i3", "three")], &[]);
        Self { bench, first, second }
    }

    /// Tests with more arguments, and returns the exit code and what was said to the agent.
    fn test(&self, arguments: &[&str]) -> (i32, Vec<String>) {
        let output = self.bench.output(&[&["test", "--json"], arguments].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let said = events.filter(|event| event["event"] == "turn" && event["role"] == "user");
        let mut said: Vec<String> = said.map(|event| event["content"].as_str().unwrap().to_owned()).collect();
        said.sort();
        (output.status.code().unwrap(), said)
    }

    /// Returns the bundle version and the inputs of the newest results on the server.
    fn on_server(&self) -> (String, Vec<String>) {
        let data = self.bench.platform.data_dir().join("keepstep.db");
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let store = keepstep_store::Store::open(&data).await.unwrap();
            let organizations = store.organizations().await.unwrap();
            let scope = keepstep_store::Scope::organization(&organizations[0].id);
            let filter = keepstep_store::results::BatchFilter { scenario: None, offset: 0, limit: 100 };
            let batches = store.run_batches(&scope, &self.bench.project_id, filter).await.unwrap();
            let filter = keepstep_store::results::RunFilter { limit: 100, ..Default::default() };
            let mut runs = store.runs(&scope, &batches[0].id, &filter).await.unwrap();
            runs.sort_by(|one, other| one.input.cmp(&other.input));
            (batches[0].bundle_id.clone(), runs.into_iter().map(|run| run.input).collect())
        })
    }
}

#[test]
fn the_version_that_is_named_is_pulled_and_runs() {
    let versions = Versions::new();
    let Versions { bench, first, second } = &versions;
    for (named, said) in [(first, ["one", "two"]), (second, ["three", "two"]), (first, ["one", "two"])] {
        assert_eq!(versions.test(&["--bundle-version-id", named]), (0, said.map(str::to_owned).to_vec()));
        assert_eq!(versions.on_server(), (named.clone(), said.map(str::to_owned).to_vec()));
        // It is here now.
        let (code, here) = versions.test(&["--bundle-version-id", named, "--skip-upload"]);
        assert_eq!((code, here.len()), (0, 2));
        assert!(bench.project().read("keepstep.lock").contains(named.as_str()));
    }
}

#[test]
fn a_version_that_is_not_here_and_cannot_be_pulled_does_not_run() {
    let versions = Versions::new();
    let Versions { bench, second, .. } = &versions;
    let named = ["--bundle-version-id", second.as_str()];
    let before = bench.tree();
    assert_eq!(versions.test(&[&named[..], &["--skip-upload"]].concat()).0, 3);
    assert_eq!(versions.test(&["--bundle-version-id", "bundle_none"]).0, 3);
    let mut offline = bench.command(&[&["test"], &named[..]].concat());
    assert_eq!(offline.env("KEEPSTEP_URL", "http://127.0.0.1:9").output().unwrap().status.code(), Some(11));
    assert_eq!(bench.tree(), before);
    // Edits in the way are for a person to decide about.
    bench.edit(INPUTS, "input: one", "input: one, edited");
    let before = bench.tree();
    assert_eq!(versions.test(&named).0, 4);
    assert_eq!(bench.tree(), before);
}

#[test]
fn inputs_from_elsewhere_are_no_version() {
    let versions = Versions::new();
    let Versions { bench, first, .. } = &versions;
    bench.project().file("own.yaml", "runner:\n  target: \"agents.my_agent:run\"\ninputs_file: inputs/own.yaml\n");
    bench.project().file(&format!("{SCENARIO}/inputs/own.yaml"), "inputs:\n- input: mine\n");
    let shown = bench.run(&["test", "--config", "own.yaml", "--bundle-version-id", first]);
    assert!(shown.starts_with("exit: 2\n") && shown.contains("inputs/own.yaml is of no bundle version"), "{shown}");
}

#[test]
fn results_are_sent_as_what_they_are() {
    let versions = Versions::new();
    let Versions { bench, first, second } = &versions;
    assert_eq!(versions.test(&["--skip-upload"]).0, 0);
    // A pull between the test and its upload does not change what was run.
    bench.ok(&["sync", "pull"]);
    assert!(bench.project().read(INPUTS).contains("three"));
    let refused = bench.run(&["sync", "upload", "--bundle-version-id", second]);
    assert!(refused.starts_with("exit: 4\n") && refused.contains("nothing was sent"), "{refused}");
    // Where only the folder says what was run, the server looks at the items.
    let experiments = format!("{SCENARIO}/experiments/");
    let files = bench.project().files();
    let summary = files.iter().find(|path| path.starts_with(&experiments) && path.ends_with("/summary.json")).unwrap();
    let noted = bench.project().read(summary);
    let mut value: Value = serde_json::from_str(&noted).unwrap();
    value.as_object_mut().unwrap().remove("keepstep");
    bench.project().file(summary, value.to_string());
    let refused = bench.run(&["sync", "upload"]);
    assert!(refused.starts_with("exit: 12\n"), "{refused}");
    assert!(refused.contains("it does not have the input i1"), "{refused}");
    bench.project().file(summary, noted);
    bench.ok(&["sync", "upload"]);
    assert_eq!(versions.on_server(), (first.clone(), vec!["one".to_owned(), "two".to_owned()]));
}
