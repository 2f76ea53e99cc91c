//! `keepstep test`

mod agents;
mod crash;
mod documented;
mod judging;
mod live;
mod network;
mod provenance;
mod run;
mod secrets;
mod views;

use std::process::{Command, Output, Stdio};

use keepstep_testkit::{Project, World, transcript};
use serde_json::{Value, json};

use crate::common::BINARY;

/// A workspace with the scenario `orders` selected, as the peer 0.3.3 leaves it after a pull.
pub(crate) struct Orders {
    world: World,
}

impl Orders {
    /// Returns a workspace whose agent is a Python module in the scenario's folder.
    pub(crate) fn new(agent: &str) -> Self {
        let orders = Self { world: World::new() };
        orders.project().file(".fluxloop/project.json", r#"{"project_id": "p-1", "project_name": "Shop"}"#).file(
            ".fluxloop/context.json",
            r#"{"current_scenario": {"id": "s-1", "name": "orders", "local_path": "scenarios/orders"}}"#,
        );
        orders.file("agents/my_agent.py", agent);
        orders.file("configs/scenario.yaml", "name: orders\nsource_root: \"\"\ntags: [simulation]\n");
        orders.simulation("runner:\n  target: \"agents.my_agent:run\"\n  timeout_seconds: 60\n");
        orders.file(".state/sync.json", r#"{"bundle_version_id": "bv_0001", "project_id": "p-1"}"#);
        orders
    }

    pub(crate) fn project(&self) -> Project {
        self.world.project()
    }

    /// Writes a file of the scenario.
    pub(crate) fn file(&self, path: &str, text: impl AsRef<[u8]>) -> &Self {
        self.project().file(&format!(".fluxloop/scenarios/orders/{path}"), text);
        self
    }

    /// Reads a file of the scenario.
    pub(crate) fn read(&self, path: &str) -> String {
        self.project().read(&format!(".fluxloop/scenarios/orders/{path}"))
    }

    /// Writes `simulation.yaml` with something beside what is always there.
    pub(crate) fn simulation(&self, more: &str) -> &Self {
        self.file(
            "configs/simulation.yaml",
            format!("name: orders_experiment\niterations: 1\nparallel_runs: 1\noutput_directory: experiments\n{more}"),
        )
    }

    /// Writes the inputs as a pull does.
    pub(crate) fn inputs(&self, texts: &[&str]) -> &Self {
        let entries: Vec<Value> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| json!({"input": text, "metadata": {"input_item_id": format!("item-{}", index + 1), "persona": "novice"}}))
            .collect();
        self.file("inputs/generated.yaml", json!({ "inputs": entries }).to_string())
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.command(BINARY);
        command.args(arguments).stdin(Stdio::null());
        command
    }

    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command and returns its transcript, without what differs between runs.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        self.filtered(&transcript(&self.output(arguments)))
    }

    fn filtered(&self, text: &str) -> String {
        let mut out = String::new();
        for line in text.replace(&*self.world.path().to_string_lossy(), "[WORLD]").lines() {
            let words = line.split(' ').map(|word| {
                let is_seconds = word.trim_end_matches(',').strip_suffix('s').is_some_and(|number| number.parse::<f64>().is_ok());
                let is_short = word.strip_prefix('…').is_some_and(|end| end.starts_with('_'));
                match word.find("exp_2") {
                    _ if is_short => "[SHORT]".to_owned(),
                    Some(at) => format!("{}[EXPERIMENT]", &word[..at]),
                    None if is_seconds => "[TIME]".to_owned(),
                    None => word.to_owned(),
                }
            });
            out.push_str(words.collect::<Vec<_>>().join(" ").trim_end());
            out.push('\n');
        }
        out
    }

    /// Returns the names of the experiment folders, sorted.
    pub(crate) fn experiments(&self) -> Vec<String> {
        let folder = self.project().path().join(".fluxloop/scenarios/orders/experiments");
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Returns the journal of an experiment, empty where there is none yet.
    fn journal(&self, name: &str) -> String {
        let folder = self.project().path().join(".fluxloop/scenarios/orders/experiments");
        std::fs::read_to_string(folder.join(name).join(".cases.jsonl")).unwrap_or_default()
    }

    /// Returns a file of the only experiment.
    fn of_experiment(&self, file: &str) -> String {
        let names = self.experiments();
        assert_eq!(names.len(), 1, "{names:?}");
        self.read(&format!("experiments/{}/{file}", names[0]))
    }

    fn lines(&self, file: &str) -> Vec<Value> {
        self.of_experiment(file).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// An agent that breaks when it is told to.
const AGENT: &str = r#"
import os, time
def run(input, persona=None, iteration=0):
    if input == "boom": raise ValueError("boom")
    if input == "sorry": return "sorry, done"
    if input == "wait":
        while not os.path.exists("go"): time.sleep(0.01)
    if input == "hang": time.sleep(600)
    return "ok: " + input
"#;
