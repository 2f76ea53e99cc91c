//! What results say about what was tested.

use std::process::Command;

use serde_json::{Value, json};

use super::{AGENT, Orders};
use crate::common::{Bench, FIRST, code};

/// Returns what the newest results in a folder say.
fn ours(bench: &Bench) -> Value {
    let project = bench.project();
    let mut found: Vec<String> = project.files().into_iter().filter(|path| path.ends_with("summary.json")).collect();
    found.sort();
    let summary: Value = serde_json::from_str(&project.read(found.last().unwrap())).unwrap();
    summary["keepstep"].clone()
}

#[test]
fn results_say_which_version_of_the_persona_was_agreed_on_and_whether_it_was_edited() {
    let bench = Bench::in_step();
    bench.code("Mine");
    bench.ok(&["sync", "--push"]);
    let project = bench.project();
    let scenario = ".fluxloop/scenarios/orders";
    project.file(".fluxloop/project.json", r#"{"project_id": "p-1"}"#);
    project.file(&format!("{scenario}/configs/scenario.yaml"), "name: orders\n");
    project.file(
        &format!("{scenario}/configs/simulation.yaml"),
        "name: t\niterations: 1\noutput_directory: experiments\nrunner: {type: process, command: [sh, -c, 'echo \"{\\\"output\\\": 1}\"']}\n",
    );
    project.file(&format!("{scenario}/inputs/generated.yaml"), "- input: a\n");
    let test = || drop(bench.ok(&["test", "--skip-upload", "--scenario", "orders", "--no-fail"]));
    test();
    let told = ours(&bench);
    assert_eq!((&told["agent"], &told["persona_version"]), (&json!(bench.agent), &json!(2)), "{told}");
    assert_eq!(told["persona_modified"], false);
    let agreed = told["persona_digest"].clone();
    assert_eq!(told["code_persona_digest"], agreed, "what was tested is what both sides have");
    project.file("src/index.ts", code(FIRST));
    test();
    let told = ours(&bench);
    assert_eq!((&told["persona_version"], &told["persona_modified"]), (&json!(2), &json!(true)));
    assert_ne!(told["code_persona_digest"], agreed);
    let shown = bench.ok(&["results", "show", "latest", "--scenario", "orders"]);
    assert!(shown.contains("v2, edited"), "{shown}");
}

#[test]
fn results_say_whether_files_of_the_commit_were_changed() {
    let orders = Orders::new(AGENT);
    orders.inputs(&["a"]);
    let project = orders.project();
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(project.path()).env("GIT_CONFIG_GLOBAL", "/dev/null").args([
            "-c",
            "user.name=a",
            "-c",
            "user.email=b",
        ]);
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let told = || {
        assert!(orders.output(&["test", "--skip-upload"]).status.success());
        let newest = orders.experiments().pop().unwrap();
        let summary: Value = serde_json::from_str(&orders.read(&format!("experiments/{newest}/summary.json"))).unwrap();
        let ours = |name: &str| summary["keepstep"][name].clone();
        (ours("git_commit"), ours("git_dirty"), ours("git_author"), ours("git_branch"))
    };
    assert_eq!(told(), (Value::Null, Value::Null, Value::Null, Value::Null));
    git(&["init", "-q", "-b", "trunk"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "all"]);
    // What a repository wants to be run is not run.
    git(&["config", "core.fsmonitor", "touch owned; false"]);
    let commit = git(&["rev-parse", "HEAD"]);
    assert_eq!(told(), (json!(commit), json!(false), json!("a"), json!("trunk")));
    orders.file("agents/my_agent.py", AGENT.to_owned() + "# edited\n");
    assert_eq!(told(), (json!(commit), json!(true), json!("a"), json!("trunk")));
    assert!(!project.has("owned"));
    // A repository that git does not take says nothing about its files.
    project.file(".git/config", "[core]\n\trepositoryformatversion = 9\n");
    assert_eq!(told(), (json!(commit), Value::Null, Value::Null, json!("trunk")));
}
