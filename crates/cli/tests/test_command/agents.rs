//! From a scenario to an agent, and what is told of one that breaks.

use keepstep_testkit::terminal::Terminal;
use keepstep_testkit::transcript;
use serde_json::{Value, json};

use super::Orders;

/// Returns a scenario with questions and without a configuration, as a pull leaves it.
fn pulled() -> Orders {
    let orders = Orders::new("");
    orders.inputs(&["hello"]);
    for file in ["configs/scenario.yaml", "configs/simulation.yaml", "agents/my_agent.py"] {
        orders.project().remove(&format!(".fluxloop/scenarios/orders/{file}"));
    }
    orders
}

fn finished(orders: &Orders, more: &[&str]) -> Vec<Value> {
    let output = orders.output(&[&["test", "--skip-upload", "--json"], more].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["event"] == "case_finished").collect()
}

#[test]
fn each_kind_of_agent_is_named_once_and_runs() {
    for (agent, file, text) in [
        (&["shop.agent:run"][..], "shop/agent.py", "def run(input): return 'ok'\n"),
        (&["agent/agent.mjs#answer"], "agent/agent.mjs", "export const answer = () => 'ok';\n"),
        (&["agent/agent.ts#default"], "agent/agent.ts", "export default (input: string): string => 'ok';\n"),
        (&["--", "python3", "program.py"], "program.py", "import json\nprint(json.dumps({'success': True, 'output': 'ok'}))\n"),
    ] {
        let orders = pulled();
        let without = orders.run(&["test", "--skip-upload"]);
        insta::allow_duplicates! {
            insta::assert_snapshot!(without, @r"
            exit: 2
            ----- stderr -----
            error: orders does not name an agent to test
            hint: `keepstep init scenario orders --agent AGENT` names it, such as shop.agent:run, agent/agent.mjs#answer or http://localhost:8000/chat
            ");
        }
        orders.project().file(file, text);
        let output = orders.output(&[&["init", "scenario", "orders", "--agent"], agent].concat());
        assert!(output.status.success(), "{agent:?} {}", transcript(&output));
        let ran = orders.output(&["test", "--skip-upload"]);
        assert_eq!(ran.status.code(), Some(0), "{agent:?} {}", transcript(&ran));
    }
}

#[test]
fn a_mixed_form_is_corrected_wherever_it_is_written() {
    let orders = pulled();
    insta::assert_snapshot!(orders.run(&["init", "scenario", "orders", "--agent", "agent/agent.mjs:answer"]), @r"
    exit: 2
    ----- stderr -----
    error: agent/agent.mjs is a Node module; write it as agent/agent.mjs#answer
    ");
    orders.simulation("runner: {target: \"agent/agent.ts:answer\"}\n");
    let said = orders.run(&["test", "--skip-upload"]);
    assert!(said.contains("agent/agent.ts is a Node module; write it as agent/agent.ts#answer"), "{said}");
}

#[test]
fn a_person_is_asked_what_the_agent_is() {
    let orders = pulled();
    orders.project().file("shop/agent.py", "def run(input): return 'ok'\n");
    let mut session = Terminal::new(80, 24).start(orders.command(&["test", "--skip-upload"]));
    session.wait_for("I write configs/simulation.yaml").press("\r");
    session.wait_for("Which function?").press("shop.agent:run\r");
    let screen = session.end();
    assert_eq!(screen.exit_code(), Some(0), "{screen:?}");
    screen.assert_readable();
    assert!(orders.read("configs/simulation.yaml").contains("target: \"shop.agent:run\""));
}

#[test]
fn the_scaffold_fails_until_an_agent_is_named() {
    let orders = Orders::new("");
    assert!(orders.output(&["init", "scenario", "new"]).status.success());
    orders.project().file(".fluxloop/scenarios/new/inputs/generated.yaml", "inputs:\n- input: hello\n");
    let output = orders.output(&["test", "--scenario", "new", "--skip-upload"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(transcript(&output).contains("NotImplementedError: no agent is called yet"), "{}", transcript(&output));
    // The files that nobody has edited are no obstacle.
    orders.project().file("shop/agent.py", "def run(input): return 'ok'\n");
    let named = orders.output(&["init", "scenario", "new", "--agent", "shop.agent:run"]);
    assert!(named.status.success(), "{}", transcript(&named));
    assert!(orders.output(&["test", "--scenario", "new", "--skip-upload"]).status.success());
}

#[test]
fn an_exception_is_told_with_its_type_its_line_and_what_was_printed() {
    let orders = Orders::new(
        "import sys\n\ndef inner(key):\n    return {}[key]\n\ndef run(input):\n    print('HELLO FROM AGENT')\n    print('and this', file=sys.stderr)\n    if input == 'fine': return 'ok'\n    return inner('missing')\n",
    );
    orders.inputs(&["fine", "Where is it?", "again"]);
    insta::assert_snapshot!(orders.run(&["test", "--skip-upload"]), @"
    exit: 1
    ----- stdout -----
    1 passed of 3 · 2 crashed     33.3% (6 to 79%)     [TIME]
    ----- stderr -----
    orders · 3 cases · python agents.my_agent:run
      ✓ fine  [TIME]
      ✗ Where is it?  [TIME]  #2
          KeyError: 'missing'  agents/my_agent.py:4 in inner
          printed: HELLO FROM AGENT
                   and this
      ✗ again  [TIME]  #3
          KeyError: 'missing'  agents/my_agent.py:4 in inner
          printed: HELLO FROM AGENT
                   and this

    Results   .fluxloop/scenarios/orders/experiments/[EXPERIMENT]
    Again     keepstep test --failed     Why   keepstep results show 2
    ");
    let cases = finished(&orders, &[]);
    let problem = &cases[1]["problem"];
    assert_eq!((&problem["message"], &problem["kind"]), (&json!("KeyError: 'missing'"), &json!("KeyError")));
    assert_eq!(problem["location"], json!({"file": "agents/my_agent.py", "line": 4, "function": "inner"}));
    assert!(problem["traceback"].as_str().unwrap().contains("line 10, in run"), "{problem}");
    for case in &cases {
        assert_eq!(case["printed"], "HELLO FROM AGENT\nand this", "each case has its own");
    }
}

#[test]
fn other_languages_tell_the_same() {
    let orders = Orders::new("");
    orders.inputs(&["a"]);
    orders.file("lib.ts", "export interface Order { id: number }\nexport type Key = string;\n\nexport function find(key: Key): Order {\n  throw new RangeError(`no ${key}`);\n}\n");
    orders.file("agent.ts", "import { find } from './lib.js';\nimport type { Order } from './lib';\n\nenum Color { Red }\nconsole.log('printed', Color.Red);\nexport const run = (input: string): Order => find(input);\n");
    orders
        .file("agent.mjs", "export function run(input) {\n  console.log('printed');\n  throw new TypeError('no ' + input);\n}\n");
    orders.file("agent.sh", "cat >/dev/null\necho noise\necho 'printed' >&2\nexit 3\n");
    for (runner, message, location) in [
        ("{target: agent.ts#run}", "RangeError: no a", json!({"file": "lib.ts", "line": 5, "function": "find"})),
        ("{target: agent.mjs#run}", "TypeError: no a", json!({"file": "agent.mjs", "line": 3, "function": "run"})),
        (
            "{process: {command: [sh, agent.sh], protocol: ndjson, cwd: .}}",
            "the process ended with exit code 3: noise\nprinted",
            Value::Null,
        ),
    ] {
        orders.simulation(&format!("runner: {runner}\n"));
        let case = &finished(&orders, &[])[0];
        assert_eq!(case["problem"]["message"], message, "{runner}: {case}");
        assert_eq!(case["problem"]["location"], location, "{runner}");
        assert!(case["printed"].as_str().unwrap().contains("printed"), "{runner}: {case}");
    }
}

#[test]
fn typescript_that_cannot_be_parsed_is_told_with_its_line() {
    let orders = Orders::new("");
    orders.inputs(&["a"]);
    orders.file("agent.ts", "export const run = (input: string) => {\n  return (;\n};\n");
    orders.simulation("runner: {target: agent.ts#run}\n");
    let said = orders.run(&["test", "--skip-upload"]);
    assert!(said.contains("exit: 2") && said.contains("agent.ts:2"), "{said}");
}

#[test]
fn an_unknown_key_is_an_error_and_a_script_alone_is_a_conversation() {
    let orders = Orders::new("def run(input): return 'ok ' + input\n");
    orders.inputs(&["a"]);
    orders.simulation("runner: {target: \"agents.my_agent:run\", timeout_secnods: 5}\n");
    let said = orders.run(&["test", "--skip-upload"]);
    assert!(said.contains("runner.timeout_secnods is not a known key; did you mean timeout_seconds?"), "{said}");
    orders.simulation("runner: {target: \"agents.my_agent:run\"}\nconversation: {script: [second, third]}\n");
    assert_eq!(finished(&orders, &[])[0]["output"], "ok third");
}

#[test]
fn only_the_cases_that_did_not_pass_are_run_again() {
    let orders = Orders::new(
        "def run(input):\n    if input in ('b', 'd') and not open('fixed').read(): raise ValueError(input)\n    return 'ok'\n",
    );
    orders.project().file("fixed", "");
    orders.inputs(&["a", "b", "c", "d"]);
    assert_eq!(orders.output(&["test", "--failed", "--skip-upload"]).status.code(), Some(5), "nothing was run yet");
    assert_eq!(finished(&orders, &[]).len(), 4);
    let again: Vec<Value> = finished(&orders, &["--failed"]).iter().map(|case| case["input"].clone()).collect();
    assert_eq!(again, ["b", "d"]);
    orders.project().file("fixed", "x");
    assert_eq!(orders.output(&["test", "--failed", "--skip-upload"]).status.code(), Some(0));
    let said = orders.run(&["test", "--failed", "--skip-upload"]);
    assert!(said.contains("exit: 5") && said.contains("all cases of"), "{said}");
}
