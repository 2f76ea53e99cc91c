//! The files of a new scenario, as both peers read them.

/// The `.env`: names only, so that nothing in it wins over what is set elsewhere.
pub(super) const ENV: &str = "\
# Variables for runs of this scenario only. Keep this file out of git.
# Server and key belong into ../../.env, where `apikeys create` puts them.
#
# OPENAI_API_KEY=
# ANTHROPIC_API_KEY=
# GEMINI_API_KEY=
";

const SCENARIO: &str = "\
# What is tested. `name` names the runs; the rest is for people and labels.
name: NAME
description: What the agent has to do here
version: 1.0.0
source_root: \"\"
# Traces stay on this machine unless an address stands here.
collector_url: null
collector_api_key: null
tags: [simulation, testing]
metadata: {team: development, environment: local, service_context: \"\"}
";

const INPUT: &str = "\
# Where the inputs are. `sync pull` writes this file; edit it as you like, a later pull merges.
inputs_file: inputs/generated.yaml

# What inputs could be made from. Not read by a run.
base_inputs:
  - {input: \"How do I get started?\", expected_intent: help}
variation_strategies: [rephrase, verbose, error_prone]
variation_count: 2
variation_temperature: 0.7
personas:
  - name: novice_user
    description: Sees the product for the first time
    characteristics: [asks basic questions, needs examples]
    language: en
    expertise_level: novice
    goals: [get started]
  - name: expert_user
    description: Knows the product and is in a hurry
    characteristics: [uses precise words, asks about edge cases]
    language: en
    expertise_level: expert
    goals: [get one exact answer]
input_generation:
  mode: llm
  llm: {enabled: true, provider: openai, model: gpt-5-mini, api_key: null}
";

const SIMULATION: &str = "\
# How a test runs. Paths are relative to this scenario's folder.
name: NAME_experiment
description: Runs every input once
iterations: 1
parallel_runs: 1
run_delay_seconds: 0
seed: 42
";

const RUNNER: &str = "\
runner:
  # module:function, called with the input's text; see agents/my_agent.py.
  module_path: agents.my_agent
  function_name: run
  target: \"agents.my_agent:run\"
  working_directory: .
  python_path: null
  timeout_seconds: 120
  max_retries: 3
";

const REST: &str = "\
# Arguments of a recorded call in place of the plain text.
replay_args: {enabled: false, recording_file: recordings/args_recording.jsonl, override_param_path: data.content}
multi_turn: {enabled: false, max_turns: 8, auto_approve_tools: true}
output_directory: experiments
save_traces: true
save_aggregated_metrics: true
";

const AGENT: &str = "\
\"\"\"Calls the agent that is tested.\"\"\"


def run(input_text: str) -> str:
    # Call your agent here and return what it says. `persona`, `iteration` and `messages` are passed
    # to parameters of these names.
    raise NotImplementedError(\"no agent is called yet: write the call here, in agents/my_agent.py\")
";

const README: &str = "\
# The agent of this scenario

`runner.target` in `configs/simulation.yaml` names the function that a test calls: `agents.my_agent:run` is
the function `run` in `my_agent.py`. It gets an input's text and returns the answer. An exception fails that
run only.
";

const CRITERIA: &str = "\
# What a good answer is. Every file in this folder is read; take the # away from what you need.
# A criterion that is not met fails its case, unless it says `required: false`.
#
# name: Answers
# items:
#   - contains: [order, \"on its way\"]         # all of them; contains_any, not_contains
#   - {regex: 'order \\d+', ignore_case: true}   # not_regex
#   - {equals: {metadata: expected}}           # the input's own `expected`, or a text
#   - {similar: \"It is on its way.\", at_least: 0.8}
#   - {json_schema: schemas/answer.json}       # or the schema itself
#   - {tool_called: {name: lookup, arguments: {id: 7}}}
#   - {tool_not_called: refund, when: {persona: novice_user}}
#   - {latency_at_most: 5s}
#   - {tokens_at_most: 2000, required: false}
#   - {cost_at_most: 0.01, per_million: {input: 0.15, output: 0.6}}
#   - {program: [python3, criteria/tone.py], timeout: 10s}
#   - {judge: The answer is polite, at_least: 0.7}
#
# `judge` and plain texts are judged by the model that `judge:` in configs/simulation.yaml names, such as
# judge: {provider: openai, model: gpt-5-mini}
";

/// Returns the files with their paths below the scenario's folder. `folder` is safe inside YAML: letters, digits, `_`, `-`.
/// `runner` is the section that says what to test; without it a function of the scenario is, which has to be written.
pub(super) fn files(folder: &str, runner: Option<&str>) -> Vec<(&'static str, String)> {
    // A name that YAML would take for a number or a truth value stays a text in quotes.
    let quoted = |text: &str| {
        text.replace("NAME_experiment", &format!("\"{folder}_experiment\"")).replace("NAME", &format!("\"{folder}\""))
    };
    let mut files = vec![
        ("configs/scenario.yaml", quoted(SCENARIO)),
        ("configs/input.yaml", INPUT.to_owned()),
        (SIMULATION_FILE, quoted(SIMULATION) + runner.unwrap_or(RUNNER) + REST),
        ("criteria/answers.yaml", CRITERIA.to_owned()),
    ];
    if runner.is_none() {
        files.extend([
            ("agents/__init__.py", String::new()),
            ("agents/my_agent.py", AGENT.to_owned()),
            ("agents/README.md", README.to_owned()),
        ]);
    }
    files
}

/// Returns the one file that a scenario needs whose questions are there already.
pub(super) fn simulation(folder: &str, runner: &str) -> String {
    let name = serde_json::Value::from(format!("{folder}_experiment"));
    format!(
        "# How a test runs; docs/reference/configuration.md lists the keys.\nname: {name}\niterations: 1\nparallel_runs: 1\n{runner}output_directory: experiments\n"
    )
}

/// The file that says what is tested.
pub(super) const SIMULATION_FILE: &str = "configs/simulation.yaml";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f4_nothing_in_a_new_scenario_names_a_server_or_a_key() {
        assert!(keepstep_client::env_file::parse(ENV).is_empty());
    }

    #[test]
    fn every_configuration_is_yaml_and_names_the_scenario() {
        for (name, text) in files("007", None).into_iter().filter(|(name, _)| name.ends_with(".yaml")) {
            let value = keepstep_workspace::yaml::parse(&text).unwrap();
            match name {
                "configs/scenario.yaml" => assert_eq!(value["name"], "007"),
                "configs/simulation.yaml" => assert_eq!(
                    (&value["name"], &value["runner"]["target"]),
                    (&"007_experiment".into(), &"agents.my_agent:run".into())
                ),
                "criteria/answers.yaml" => assert!(value.is_null()),
                _ => assert_eq!(value["inputs_file"], "inputs/generated.yaml"),
            }
        }
    }
}
