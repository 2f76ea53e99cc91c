//! `keepstep sync pull`, and the test data of `keepstep sync status`

mod hostile;
mod merging;
mod prompts;
mod publishing;
mod version;
mod workspace;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use keepstep_testkit::{Platform, Project, World, transcript};
use serde_json::Value;

use crate::common::BINARY;

const SCENARIO: &str = ".fluxloop/scenarios/orders";
const INPUTS: &str = ".fluxloop/scenarios/orders/inputs/generated.yaml";

/// A platform with test data, and a folder to pull it to.
struct Bench {
    platform: Platform,
    world: World,
    key: String,
    project_id: String,
}

impl Bench {
    fn new() -> Self {
        let platform = Platform::start(Path::new(BINARY));
        let project_id = platform.admin(&["project", "create", "--name", "Shop"]);
        let key = platform.admin(&["key", "create", "--name", "test", "--role", "owner", "--project", &project_id]);
        let bench = Self { platform, world: World::new(), key, project_id };
        bench
            .project()
            .file(".fluxloop/project.json", format!(r#"{{"project_id": "{}", "project_name": "Shop"}}"#, bench.project_id));
        bench
    }

    /// Returns a folder with the first bundle version of `orders`.
    fn pulled() -> Self {
        let bench = Self::new();
        bench.publish("orders", &[("i1", "one"), ("i2", "two"), ("i3", "three")], &["Be polite"]);
        bench.ok(&["sync", "pull"]);
        bench
    }

    /// Publishes a bundle version and returns its id.
    fn publish(&self, scenario: &str, inputs: &[(&str, &str)], criteria: &[&str]) -> String {
        let inputs: String = inputs.iter().map(|(id, text)| format!("  - {{id: {id}, text: {text}}}\n")).collect();
        let criteria: String = criteria.iter().map(|text| format!("  - {{name: {text}, items: [{text}]}}\n")).collect();
        let criteria = if criteria.is_empty() { String::new() } else { format!("criteria:\n{criteria}") };
        let project = self.world.project_named("colleague");
        project.file("data.yaml", format!("scenario: {{name: {scenario}}}\ninputs:\n{inputs}{criteria}"));
        let path = project.path().join("data.yaml");
        self.platform.admin(&["import", "--project", &self.project_id, &path.to_string_lossy()])
    }

    fn project(&self) -> Project {
        self.world.project()
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

    fn code(&self, arguments: &[&str]) -> i32 {
        self.output(arguments).status.code().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// Runs a command and returns its transcript, without what differs between runs.
    fn run(&self, arguments: &[&str]) -> String {
        let text = transcript(&self.output(arguments));
        let text = text.replace(&self.platform.url(), "[URL]").replace(&*self.world.path().to_string_lossy(), "[WORLD]");
        let words = |line: &str| line.split(' ').map(filtered).collect::<Vec<_>>().join(" ") + "\n";
        text.lines().map(words).collect()
    }

    fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.project().read(path);
        assert!(text.contains(from), "{text}");
        self.project().file(path, text.replace(from, to));
    }

    /// Returns everything in the folder but what belongs to this checkout only.
    fn tree(&self) -> Vec<(String, Vec<u8>)> {
        let files = self.project().files().into_iter().filter(|path| !path.starts_with(".keepstep/"));
        files.map(|path| (path.clone(), self.project().bytes(&path))).collect()
    }
}

/// Takes out of a word what differs between runs: ids, times and the ids of copies.
fn filtered(word: &str) -> String {
    let bare = word.trim_matches(['(', ')', ':', ',', '`']);
    let is_id = ["bundle_", "scenario_", "project_"].iter().any(|start| bare.starts_with(start));
    let is_time = bare.len() > 15 && bare.starts_with("20") && bare.contains('T');
    let replacement = match bare.split_once('_') {
        Some((kind, _)) if is_id => format!("[{}]", kind.to_uppercase()),
        _ if is_time => "[TIME]".to_owned(),
        _ => return word.to_owned(),
    };
    word.replace(bare, &replacement)
}
