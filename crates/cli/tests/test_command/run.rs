//! What a run does and leaves.

use serde_json::{Value, json};

use super::{AGENT, Orders};

#[test]
fn f6_the_selected_scenario_is_tested_wherever_one_is() {
    let orders = Orders::new(AGENT);
    orders.inputs(&["Where is my order?"]);
    orders.project().file("src/deep/x.txt", "");
    for folder in [".", "src/deep", ".fluxloop/scenarios/orders"] {
        let output = orders.output(&["test", "--skip-upload", "-C", folder]);
        assert!(output.status.success(), "{folder}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(orders.experiments().len(), 3);
    assert!(!orders.project().has("src/deep/.fluxloop"));
}

#[test]
fn a_conversation_leaves_what_the_peer_leaves() {
    let orders =
        Orders::new("def run(input, persona, persona_prompt, auto_approve):\n    return f'{persona_prompt} {auto_approve}'\n");
    orders.inputs(&["Where is my order?"]);
    orders.simulation(
        r#"runner: {target: "agents.my_agent:run"}
personas: [{name: hurried, description: Wants it now}]
multi_turn:
  enabled: true
  auto_approve_tools: false
  persona_override: hurried
  supervisor: {provider: mock, metadata: {scripted_questions: [And now?], mock_closing: Bye, service_context: A shop}}
"#,
    );
    assert_eq!(orders.output(&["test", "--skip-upload"]).status.code(), Some(0));
    let mut trace = orders.lines("traces.jsonl")[0].clone();
    trace["trace_id"] = json!("[RUN]");
    trace["duration_ms"] = json!(0);
    let (asks, answers) =
        (|text: &str| json!({"role": "user", "content": text}), || json!({"role": "assistant", "content": "Wants it now False"}));
    let user = |turn: u32, text: &str, source: &str, metadata: Value| json!({"turn_index": turn, "role": "user", "content": text, "source": source, "metadata": metadata});
    let agent = |turn: u32| json!({"turn_index": turn, "role": "assistant", "content": "Wants it now False", "source": "agent", "metadata": {}});
    assert_eq!(
        trace,
        json!({
            "trace_id": "[RUN]", "iteration": 0, "persona": "hurried", "input": "Where is my order?",
            "output": "Wants it now False", "duration_ms": 0, "success": true, "termination_reason": "script_complete",
            "supervisor_response": {"mock": true, "scripted": true, "script_complete": true, "script_length": 1},
            "conversation": [
                user(1, "Where is my order?", "input", json!({"persona": "hurried"})), agent(1),
                user(2, "And now?", "supervisor", json!({"persona": "hurried"})), agent(2),
                user(3, "Bye", "supervisor", json!({"persona": "hurried", "closing": true})),
            ],
            "conversation_state": {
                "turns": [
                    asks("Where is my order?"), answers(), asks("And now?"), answers(),
                    {"role": "user", "content": "Bye", "closing": true},
                ],
                "metadata": {
                    "iteration": 0, "persona": "hurried", "persona_description": "Wants it now", "service_context": "A shop",
                    "auto_approve_tools": false, "variation": {"input_item_id": "item-1", "persona": "novice"},
                },
                "context": {},
            },
        })
    );
    assert!(orders.lines("trace_summary.jsonl")[0].get("supervisor_response").is_none());
}

#[test]
fn a_run_leaves_what_the_peer_leaves() {
    let orders = Orders::new(AGENT);
    orders.inputs(&["Where is my order?", "sorry"]);
    orders.file(".state/criteria/p.yaml", "name: Politeness\nitems:\n- Be polite\n- description: Short\n");
    orders.simulation("runner:\n  target: \"agents.my_agent:run\"\n  environment_vars: {AGENT_SECRET: s-e-c-r-e-t}\n");
    assert_eq!(orders.output(&["test", "--skip-upload"]).status.code(), Some(0));

    let traces = orders.lines("traces.jsonl");
    let run = traces[0]["trace_id"].as_str().unwrap().to_owned();
    assert_eq!(run.len(), 36);
    let mut trace = traces[0].clone();
    trace["trace_id"] = json!("[RUN]");
    trace["duration_ms"] = json!(0);
    // What the peer does not say: nobody has judged it.
    let evaluation = trace.as_object_mut().unwrap().remove("evaluation").unwrap();
    assert_eq!((&evaluation["verdict"], &evaluation["scores"]), (&json!("not_judged"), &json!({})));
    assert_eq!(
        trace,
        json!({
            "trace_id": "[RUN]", "iteration": 0, "persona": "novice", "input": "Where is my order?",
            "output": "ok: Where is my order?", "duration_ms": 0, "success": true,
            "conversation": [
                {"turn_index": 1, "role": "user", "content": "Where is my order?", "source": "input", "metadata": {"persona": "novice"}},
                {"turn_index": 1, "role": "assistant", "content": "ok: Where is my order?", "source": "agent", "metadata": {}},
            ],
            "conversation_state": {
                "turns": [
                    {"role": "user", "content": "Where is my order?"},
                    {"role": "assistant", "content": "ok: Where is my order?"},
                ],
                "metadata": {"iteration": 0, "persona": "novice", "variation": {"input_item_id": "item-1", "persona": "novice"}},
            },
        })
    );
    assert_eq!(orders.lines("trace_summary.jsonl")[0]["trace_id"], run.as_str());
    let turns = orders.lines("turns.jsonl");
    assert_eq!(turns.len(), 4);
    assert_eq!((&turns[1]["turn_id"], &turns[1]["sequence"]), (&json!(format!("{run}-t2")), &json!(2)));
    assert_eq!(turns[3]["warnings"][0]["type"], "forbidden_words");
    assert!(turns[0]["timestamp"].as_str().unwrap().ends_with("+00:00"), "{}", turns[0]);

    let summary: Value = serde_json::from_str(&orders.of_experiment("summary.json")).unwrap();
    assert_eq!(summary["name"], "orders_experiment");
    assert_eq!((&summary["results"]["total_runs"], &summary["results"]["not_judged"]), (&json!(2), &json!(2)));
    assert_eq!(summary["config"]["runner"]["environment_vars"]["AGENT_SECRET"], "[removed]");
    assert_eq!(summary["keepstep"]["bundle_version_id"], "bv_0001");
    assert!(!orders.of_experiment("summary.json").contains("s-e-c-r-e-t"));
    assert!(orders.of_experiment("observations.jsonl").is_empty());
    let names = orders.experiments();
    let files = orders.project().files();
    let has = |file: &str| files.iter().any(|path| path.ends_with(&format!("{}/{file}", names[0])));
    assert!(!has("errors.json") && !has(".running"), "{files:?}");

    let text = orders.read(".state/latest_result.md");
    let text: Vec<&str> = text.lines().filter(|line| !line.starts_with("- Duration")).collect();
    insta::assert_snapshot!(text.join("\n"), @r"
    # FluxLoop Test Result

    ## Summary

    - Turns: 4 (1 warning turns)
    - Warnings: 1
    - Cases: 0 of 2 passed
    - Not judged: 2

    ## Turn Details

    ### Turn 1

    - Role: user
    - Status: ✓

    **Content:**

    > Where is my order?

    ### Turn 2

    - Role: assistant
    - Status: ✓

    **Content:**

    > ok: Where is my order?

    ### item-1 (not judged)

    **Not judged:**

    > Be polite was not judged: no model is set as judge: the section `judge` of the configuration names one
    > Short was not judged: no model is set as judge: the section `judge` of the configuration names one

    ### Turn 1

    - Role: user
    - Status: ✓

    **Content:**

    > sorry

    ### Turn 2

    - Role: assistant
    - Status: ⚠️ Warning

    **Content:**

    > sorry, done

    **Warnings:**

    - forbidden_words: the answer has 'sorry' in it

    ### item-2 (not judged)

    **Not judged:**

    > Be polite was not judged: no model is set as judge: the section `judge` of the configuration names one
    > Short was not judged: no model is set as judge: the section `judge` of the configuration names one

    ## Evaluation Criteria

    - Be polite: 2 not judged (no model is set as judge: the section `judge` of the configuration names one)
    - Short: 2 not judged (no model is set as judge: the section `judge` of the configuration names one)
    ");
}

#[test]
fn f10_a_case_that_breaks_is_reported() {
    let orders = Orders::new(AGENT);
    orders.inputs(&["Where?", "boom"]);
    assert_eq!(orders.output(&["test", "--skip-upload"]).status.code(), Some(1));
    let errors: Value = serde_json::from_str(&orders.of_experiment("errors.json")).unwrap();
    assert_eq!(errors.as_array().unwrap().len(), 1);
    let keys = ["iteration", "persona", "input", "error", "status", "input_item_id", "attempts"];
    let shown: Vec<&Value> = keys.iter().map(|key| &errors[0][*key]).collect();
    assert_eq!(json!(shown), json!([0, "novice", "boom", "ValueError: boom", "error", "item-2", 1]));
    assert_eq!(orders.lines("trace_summary.jsonl").len(), 1);
    let summary: Value = serde_json::from_str(&orders.of_experiment("summary.json")).unwrap();
    assert_eq!((&summary["results"]["successful"], &summary["results"]["failed"]), (&json!(1), &json!(1)));
    assert_eq!(orders.output(&["test", "--skip-upload", "--no-fail"]).status.code(), Some(0));
}

#[test]
fn f24_a_target_that_cannot_be_loaded_leaves_nothing() {
    let orders = Orders::new("def runn(input):\n    return input\n");
    orders.inputs(&["a"]);
    insta::assert_snapshot!(orders.run(&["test", "--skip-upload"]), @r"
    exit: 2
    ----- stderr -----
    error: the target agents.my_agent:run cannot be loaded: agents.my_agent has no run
    hint: did you mean runn? `runner.target` in configs/simulation.yaml says what to run
    ");
    assert_eq!(orders.experiments(), [""; 0]);
    assert!(!orders.project().has(".fluxloop/scenarios/orders/.state/latest_result.md"));
}

#[test]
fn f27_two_runs_of_one_second_share_nothing() {
    let orders = Orders::new(AGENT);
    orders.inputs(&["a", "b"]);
    let runs: Vec<_> = (0..4).map(|_| orders.command(&["test", "--skip-upload", "--quiet"]).spawn().unwrap()).collect();
    for mut run in runs {
        assert!(run.wait().unwrap().success());
    }
    let names = orders.experiments();
    assert_eq!(names.len(), 4);
    for name in names {
        assert_eq!(orders.read(&format!("experiments/{name}/traces.jsonl")).lines().count(), 2);
    }
}

#[test]
fn what_to_run_can_be_chosen() {
    let orders = Orders::new(AGENT);
    orders.inputs(&["a", "b", "c"]);
    let count = |arguments: &[&str]| {
        let output = orders.output(&[&["test", "--skip-upload", "--json"], arguments].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().filter(|line| line.contains("\"event\":\"case_started\"")).count()
    };
    assert_eq!(count(&["--smoke"]), 1);
    assert_eq!(count(&["-i", "2"]), 6);
    assert_eq!(count(&["--filter", "item-2"]), 1);
    assert_eq!(count(&["--shard", "1/2", "--seed", "7"]) + count(&["--shard", "2/2", "--seed", "7"]), 3);
    orders.simulation("runner: {target: \"agents.my_agent:run\"}\ntest: {default_mode: smoke}\n");
    assert_eq!(count(&[]), 1);
    assert_eq!(count(&["--full"]), 3);
    assert_eq!(orders.output(&["test", "--smoke", "--full"]).status.code(), Some(2));
    let none = orders.run(&["test", "--skip-upload", "--filter", "nothing"]);
    insta::assert_snapshot!(none, @r#"
    exit: 5
    ----- stderr -----
    error: no case has "nothing" in its name, input or persona
    hint: the filter ignores case
    "#);
}

#[test]
fn the_second_dialect_runs_unchanged() {
    let orders = Orders::new("");
    orders.project().file(".fluxloop/context.json", r#"{"current_scenario": "orders", "current_scenario_id": "s-1"}"#);
    orders.project().file("my_agent.py", "import os\ndef handler(text):\n    return os.environ['WHO'] + text\n");
    orders.project().remove(".fluxloop/scenarios/orders/configs/scenario.yaml");
    orders.file(".env", "WHO=me \n");
    orders.file(
        "configs/simulation.yaml",
        "name: orders\nrunner: {type: function, target: \"my_agent:handler\"}\niterations: 1\ninput: {source: inline, items: [{text: Hello}]}\n",
    );
    assert_eq!(orders.output(&["test", "--skip-push", "--skip-pull"]).status.code(), Some(0));
    assert_eq!(orders.lines("traces.jsonl")[0]["output"], "meHello");
}

#[test]
fn f20_only_local_files_say_what_is_run() {
    // What a hostile platform can put there by a pull: items, personas and a scenario with a configuration of its own.
    let orders = Orders::new(AGENT);
    let hostile = json!({"runner": {"type": "process", "command": ["sh", "-c", "touch owned"]}});
    orders.file("pulled/sync_meta.json", json!({"scenario_context": {"scenario": {"config_snapshot": hostile}}}).to_string());
    orders.file(
        "inputs/generated.yaml",
        json!({"runner": hostile["runner"], "inputs": [{"input": "a", "runner": hostile}]}).to_string(),
    );
    assert_eq!(orders.output(&["test", "--skip-upload"]).status.code(), Some(0));
    assert!(!orders.project().has("owned"));
}

#[test]
fn broken_files_are_named_with_their_line() {
    let orders = Orders::new(AGENT);
    orders.inputs(&["a"]);
    let mut said = String::new();
    for text in [
        "name: x\nrunner:\n\ttarget: a\n",
        "name: x\nname: y\n",
        "name: x\nrunner:\n  target: \"agents.my_agent:run\"\n  timeout_seconds: soon\n",
        "name: x\nrunner: {target: nothing}\n",
        "name: x\nrunner:\n  http:\n    url: http://127.0.0.1:1/\n    output_path: \"$.output[?@.type\"\n",
        "name: x\n",
        "- a list\n",
    ] {
        orders.file("configs/simulation.yaml", text);
        said += &orders.run(&["test", "--skip-upload"]);
    }
    insta::assert_snapshot!(said, @r#"
    exit: 2
    ----- stderr -----
    error: [WORLD]/project/.fluxloop/scenarios/orders/configs/simulation.yaml is not valid YAML: line 3, column 2: a tab is used for indentation; YAML is indented with spaces
    exit: 2
    ----- stderr -----
    error: [WORLD]/project/.fluxloop/scenarios/orders/configs/simulation.yaml is not valid YAML: line 2, column 1: the key `name` is there twice; keep one of them
    exit: 2
    ----- stderr -----
    error: [WORLD]/project/.fluxloop/scenarios/orders/configs/simulation.yaml:4: runner.timeout_seconds must be a duration such as 30, [TIME] or 500ms, not this text
    exit: 2
    ----- stderr -----
    error: [WORLD]/project/.fluxloop/scenarios/orders/configs/simulation.yaml:2: runner.target must name a module and a function, such as "my_agent:run"
    exit: 2
    ----- stderr -----
    error: [WORLD]/project/.fluxloop/scenarios/orders/configs/simulation.yaml:5: runner.http.output_path is not a valid JSONPath, at position 16: in long-hand segment, expected closing ']'
    exit: 2
    ----- stderr -----
    error: orders does not name an agent to test
    hint: `keepstep init scenario orders --agent AGENT` names it, such as shop.agent:run, agent/agent.mjs#answer or http://localhost:8000/chat
    exit: 2
    ----- stderr -----
    error: [WORLD]/project/.fluxloop/scenarios/orders/configs/simulation.yaml must be a mapping: `key: value` lines
    "#);
}

#[cfg(target_os = "linux")]
#[test]
fn very_many_inputs_take_little_memory() {
    let orders = Orders::new(AGENT);
    let texts: Vec<String> =
        (0..60_000).map(|number| format!("Question {number}: where is my order, and who brings it?")).collect();
    orders.inputs(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let begun = "import subprocess, sys, resource; ended = subprocess.run(sys.argv[1:]).returncode; \
                 print(ended, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
    let keepstep = orders.command(&["test", "--skip-upload", "--filter", "Question 59999:", "--smoke"]);
    let mut command = std::process::Command::new("python3");
    command.env_clear().args(["-c", begun]).arg(keepstep.get_program()).args(keepstep.get_args());
    command.current_dir(orders.project().path()).stdin(std::process::Stdio::null());
    for (name, value) in keepstep.get_envs() {
        value.map(|value| command.env(name, value));
    }
    let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let (code, kibibytes) = output.lines().last().unwrap().split_once(' ').unwrap();
    // As a tree of values these inputs alone would take more than 100 MiB. The unoptimized program itself takes 35 MiB.
    assert!(code == "5" && kibibytes.parse::<u64>().unwrap() < 90 * 1024, "{output}");
}
