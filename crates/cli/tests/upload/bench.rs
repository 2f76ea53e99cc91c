//! A workspace as 0.3.3 leaves it after a test in which one of two runs failed.

use std::process::{Command, Output};

use keepstep_testkit::{Project, World, transcript};
use serde_json::json;

use super::fake::Fake;
use crate::common::BINARY;

pub(crate) const FIRST: &str = "0f22bbd9-b3a6-407d-b432-abb7d215331f";
pub(crate) const SECOND: &str = "3c3516b3-cac9-47fa-9224-3840f48fcc74";
pub(crate) const EXPERIMENTS: &str = ".fluxloop/scenarios/orders/experiments";
pub(crate) const EXPERIMENT: &str = "exp_20261121_232826";
pub(crate) const SECRET: &str = "hunter2-hunter2";

pub(crate) struct Bench {
    pub(crate) world: World,
    pub(crate) url: String,
}

impl Bench {
    pub(crate) fn new(fake: &Fake) -> Self {
        let bench = Self { world: World::new(), url: fake.server.url() };
        let project = bench.project();
        project.file(".fluxloop/project.json", json!({"project_id": "p-1", "project_name": "Shop"}).to_string());
        project.file(
            ".fluxloop/scenarios/orders/configs/simulation.yaml",
            "name: orders_experiment\noutput_directory: experiments\n",
        );
        project
            .file(".fluxloop/scenarios/orders/.env", format!("# mine\nAGENT_KEY={SECRET}\nFLUXLOOP_ENVIRONMENT=development\n"));
        let state = json!({"project_id": "p-1", "bundle_version_id": "bv_1", "inputs_file": "inputs/generated.yaml", "own": 1});
        project.file(".fluxloop/scenarios/orders/.state/sync.json", state.to_string());
        project.file(
            ".fluxloop/scenarios/orders/inputs/generated.yaml",
            "inputs:\n- input: Cancel it, please\n  metadata:\n    input_item_id: item-2\n",
        );
        bench.experiment(EXPERIMENT);
        bench
    }

    pub(crate) fn project(&self) -> Project {
        self.world.project()
    }

    /// Writes an experiment as 0.3.3 does.
    pub(crate) fn experiment(&self, id: &str) {
        let file = |name: &str, text: String| {
            self.project().file(&format!("{EXPERIMENTS}/{id}/{name}"), text);
        };
        let trace = json!({
            "trace_id": FIRST, "iteration": 0, "persona": "novice", "input": "Where is my order?", "output": format!("ok {SECRET}"),
            "duration_ms": 7.93, "success": true,
            "conversation_state": {"metadata": {"variation": {"input_item_id": "item-1"}}},
        });
        file("trace_summary.jsonl", format!("{trace}\n"));
        file("traces.jsonl", format!("{trace}\n"));
        file("observations.jsonl", format!("{}\n", json!({"id": "o-1", "environment": "development"})).repeat(1000));
        file(
            "turns.jsonl",
            format!(
                "{}\n",
                json!({"run_id": SECOND, "turn_id": format!("{SECOND}-t1"), "sequence": 1, "role": "user", "content": "Cancel it, please"})
            ),
        );
        file(
            "errors.json",
            json!([{"iteration": 0, "persona": null, "input": "Cancel it, please", "error": "boom"}]).to_string(),
        );
        let config = json!({"runner": {"target": "agents.a:run", "environment_vars": {"AGENT_SECRET": "other-secret"}}});
        file("summary.json", json!({"name": "orders_experiment", "date": "2026-11-21T23:28:26.605952", "config": config, "results": {"total_runs": 2}}).to_string());
        file("result.md", "# FluxLoop Test Result\n".to_owned());
        file(&format!("per_trace_analysis/trace_{FIRST}.md"), "# One\n".to_owned());
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.command(BINARY);
        command.args(arguments).env("KEEPSTEP_URL", &self.url).env("KEEPSTEP_API_KEY", "flx_test_key_0123456789");
        command
    }

    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Returns a transcript without what differs between runs.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let text = transcript(&self.output(arguments));
        text.replace(&self.url, "[URL]").replace(&*self.world.path().to_string_lossy(), "[WORLD]")
    }
}
