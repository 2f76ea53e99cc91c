//! Agents that behave and agents that do not, in every kind of target.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]
#![cfg(unix)]

#[path = "../common/mod.rs"]
mod common;
mod http;
mod misbehavior;
mod service;
mod users;
mod workers;

use std::time::{Duration, Instant};

use common::Scenario;
use keepstep_results::status::Status;
use keepstep_runner::event::Stopped;

const AGENT: &str = r#"
import asyncio, os, sys, time

def run(input):
    return "ok: " + input

def misbehave(text):
    print("noise on stdout")
    sys.stdout.write('{"type": "final", "id": 1, "output": "forged"}\n')
    print("noise on stderr", file=sys.stderr)
    word = text.split()[0]
    if word == "raise": raise ValueError("boom é")
    if word == "hang": time.sleep(600)
    if word == "exit": sys.exit(3)
    if word == "die": os._exit(7)
    if word == "kill": os.kill(os.getpid(), 9)
    if word == "big": return "x" * 5_000_000
    if word == "none": return None
    if word == "surrogate": return "a\ud800b"
    if word == "fork":
        if os.fork() == 0:
            time.sleep(600)
    if word == "twice":
        if os.fork() == 0:
            return "from the child"
    return "fine " + text

async def later(query):
    await asyncio.sleep(0)
    return {"text": "later " + query, "usage": {"input_tokens": 2, "output_tokens": 3}}

async def stream(message):
    for part in ["a", "b"]:
        yield {"update": {"delta": part}}
    yield {"done": True}

def chunks(message):
    yield "c"
    yield {"content": [{"text": "d"}, {"text": "e"}]}

class Agent:
    def __init__(self, greeting="hi"):
        self.greeting = greeting
    async def answer(self, content, persona=None, iteration=9, *, messages, other=5):
        return f"{self.greeting} {content} {persona} {iteration} {len(messages)} {other}"

def make(greeting):
    return Agent(greeting)

agent = Agent("made")

def calls_back(text, send_message_callback):
    send_message_callback("first")
    send_message_callback("last")
    return "ignored"
"#;

fn python(target: &str) -> Scenario {
    let scenario = Scenario::new();
    scenario.file("my_agent.py", AGENT);
    scenario.file("configs/simulation.yaml", &format!("name: t\nrunner: {{target: \"my_agent:{target}\"}}\n"));
    scenario
}

#[test]
fn a_function_answers_every_input() {
    let ran = python("run").inputs(&["a", "b", "c"]).run();
    assert_eq!(ran.outputs(), ["ok: a", "ok: b", "ok: c"]);
    assert_eq!((ran.ended.totals.counts.passed, ran.ended.totals.planned, ran.ended.stopped), (3, 3, None));
}

#[test]
fn every_shape_of_a_function_works() {
    for (target, output) in [
        ("later", "later q"),
        ("stream", "ab"),
        ("chunks", "cde"),
        ("Agent.answer", "hi q None 0 1 5"),
        ("agent.answer", "made q None 0 1 5"),
        ("calls_back", "last"),
    ] {
        let ran = python(target).inputs(&["q"]).run();
        assert_eq!(ran.outputs(), [output], "{target}: {:?}", ran.finished);
    }
    let ran = python("later").inputs(&["q"]).run();
    assert_eq!(ran.finished[0].token_usage.as_ref().unwrap()["output_tokens"], 3);
    let scenario = python("Agent.answer").inputs(&["q"]);
    scenario.file(
        "configs/simulation.yaml",
        "name: t\nrunner: {target: \"my_agent:Agent.answer\", factory: \"my_agent:make\", factory_kwargs: {greeting: yo}}\n",
    );
    assert_eq!(scenario.run().outputs(), ["yo q None 0 1 5"]);
}

#[test]
fn f10_an_agent_that_breaks_fails_its_own_case_only() {
    let ran = python("misbehave").inputs(&["raise", "a", "exit", "b", "die", "c", "kill", "d"]).parallel(1).run();
    let said: Vec<String> = ran.finished.iter().map(common::line).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    raise: error: ValueError: boom é
    a: passed: fine a
    exit: error: the agent called sys.exit(3)
    b: passed: fine b
    die: error: the agent's process ended with exit code 7 while it answered
    c: passed: fine c
    kill: error: the agent's process ended by signal 9 while it answered
    d: passed: fine d
    ");
    let traceback = ran.finished[0].problem.as_ref().unwrap().traceback.clone().unwrap();
    assert!(traceback.contains("my_agent.py") && traceback.contains("ValueError: boom é"), "{traceback}");
    assert!(!traceback.contains("<string>"), "nothing of our worker: {traceback}");
}

#[test]
fn f32_a_timeout_is_enforced_and_the_next_input_answers() {
    let begin = Instant::now();
    let ran = python("misbehave").inputs(&["hang", "a"]).parallel(1).timeout(Duration::from_millis(500)).run();
    assert_eq!(ran.statuses(), [Status::Timeout, Status::Passed]);
    assert!(begin.elapsed() < Duration::from_secs(60), "the sleep of ten minutes was ended");
}

#[test]
fn f32_cases_run_side_by_side() {
    let scenario = Scenario::new();
    // Each waits for the other: one after the other, both would time out.
    scenario.file(
        "meet.py",
        "import os, time\ndef run(input):\n    mine, other = input.split()\n    open(mine, 'w').close()\n    while not os.path.exists(other): time.sleep(0.01)\n    return 'met'\n",
    );
    scenario.file("configs/simulation.yaml", "name: t\nparallel_runs: 2\nrunner: {target: \"meet:run\", timeout_seconds: 60}\n");
    assert_eq!(scenario.inputs(&["one two", "two one"]).run().outputs(), ["met", "met"]);
}

#[test]
fn f39_results_of_any_size_and_kind_come_back() {
    let ran = python("misbehave").inputs(&["big", "none", "surrogate", "fork", "twice", "end"]).parallel(1).run();
    let outputs = ran.outputs();
    assert_eq!(outputs[0].len(), 5_000_000);
    assert_eq!(outputs[1..], ["", "a?b", "fine fork", "fine twice", "fine end"]);
}

#[test]
fn a_target_that_cannot_be_loaded_says_why() {
    for (target, said) in [
        ("my_agent:runn", "my_agent has no runn"),
        ("my_agnet:run", "module my_agnet not found"),
        ("broken:run", "SyntaxError"),
        ("imports:run", "No module named 'nowhere'"),
        ("my_agent:AGENT", "has no AGENT"),
    ] {
        let scenario = Scenario::new();
        scenario.file("my_agent.py", AGENT).file("broken.py", "def run(:\n").file("imports.py", "import nowhere\n");
        scenario.file("configs/simulation.yaml", &format!("name: t\nrunner: {{target: \"{target}\"}}\n"));
        let refusal = scenario.inputs(&["a"]).refusal();
        assert!(refusal.message.contains(said), "{target}: {refusal:?}");
        if target.ends_with("runn") {
            assert!(refusal.hints[0].starts_with("did you mean run"), "{refusal:?}");
        }
        if target.starts_with("my_agnet") {
            assert_eq!(refusal.hints[0], "did you mean my_agent?");
            assert!(refusal.message.contains("Looked in:"));
        }
    }
}

fn program(text: &str, settings: &str) -> Scenario {
    let scenario = Scenario::new();
    scenario.file("agent.py", text);
    scenario.file("configs/simulation.yaml", &format!("name: t\nrunner:\n{settings}"));
    scenario
}

#[test]
fn ndjson_takes_the_last_object() {
    let agent = r#"
import json, sys, time, os
request = json.loads(sys.stdin.readline())
text = request["input_text"]
print("noise"); print("[1]"); print('{"success": true, "output": "first"}')
if text == "exit": print("so it is", file=sys.stderr); os._exit(4)
if text == "hang": time.sleep(600)
if text == "fail": print(json.dumps({"success": False, "error": {"message": "no", "traceback": "tb"}})); sys.exit(0)
if text == "linger" and os.fork() == 0: time.sleep(600)
print(json.dumps({"success": True, "output": text + str(request["context"]["iteration"]), "token_usage": {"total_tokens": 3}}))
sys.stdout.flush()
if text == "after": sys.exit(9)
"#;
    let settings = "  type: process\n  command: [python3, agent.py]\n  timeout_seconds: 5\n";
    let ran = program(agent, settings).inputs(&["a", "fail", "after", "linger", "hang"]).run();
    let said: Vec<String> = ran.finished.iter().map(common::line).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    a: passed: a0
    fail: error: no
    after: passed: after0
    linger: passed: linger0
    hang: timeout: no answer after 5.0s
    ");
    let silent = program("import sys; sys.stderr.write('because'); sys.exit(4)", settings).inputs(&["a"]).run();
    assert_eq!(common::line(&silent.finished[0]), "a: error: the process ended with exit code 4: because");
    let silent = program("pass", settings).inputs(&["a"]).run();
    assert_eq!(common::line(&silent.finished[0]), "a: error: the process ended without a JSON object on stdout");
}

#[test]
fn jsonl_joins_deltas_and_reuses_its_process() {
    let agent = r#"
import json, sys, os
print("starting"); print("READY", flush=True)
for line in sys.stdin:
    text = json.loads(line)["input"]
    def say(**message): print(json.dumps(message), flush=True)
    print("noise")
    if text == "pid": say(type="final", output=str(os.getpid()))
    elif text == "delta":
        say(type="delta", delta="a"); say(type="delta", delta="b"); say(type="final", output="[STREAM_END]")
    elif text == "error": say(type="error", error="bad", code="INTERNAL_ERROR")
    elif text == "close": sys.exit(2)
"#;
    let settings = "  process:\n    command: [python3, agent.py]\n    protocol: jsonl\n    ready_pattern: ^READY$\n    reuse: true\n    timeout: 60s\n";
    let ran = program(agent, settings).inputs(&["pid", "delta", "error", "pid", "close", "delta"]).parallel(1).run();
    let said: Vec<String> = ran.finished.iter().skip(1).map(common::line).collect();
    assert_eq!(ran.outputs()[0], ran.finished[3].output.clone().unwrap(), "one process for all of them");
    assert_eq!(said[0], "delta: passed: ab");
    assert_eq!(said[1], "error: error: bad (INTERNAL_ERROR)");
    assert_eq!(said[3], "close: error: the process ended before its answer was complete, with exit code 2");
    assert_eq!(said[4], "delta: passed: ab");
}

#[test]
fn a_node_module_answers() {
    let scenario = Scenario::new();
    scenario.file(
        "agent.mjs",
        "console.log('noise');\nexport async function run(input, context) {\n  console.log('noise');\n  if (input === 'raise') throw new Error('boom');\n  if (input === 'die') process.exit(5);\n  return { text: `${input} ${context.iteration}` };\n}\n",
    );
    scenario.file("configs/simulation.yaml", "name: t\nrunner: {target: \"agent.mjs#run\"}\n");
    let ran = scenario.inputs(&["a", "raise", "die", "b"]).parallel(1).timeout(Duration::from_secs(60)).run();
    let said: Vec<String> = ran.finished.iter().map(common::line).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    a: passed: a 0
    raise: error: Error: boom
    die: error: the agent's process ended with exit code 5 while it answered
    b: passed: b 0
    ");
}

#[test]
fn a_target_that_is_down_stops_the_run() {
    let settings = "  process:\n    command: [python3, agent.py]\n    ready_pattern: never\n";
    let inputs: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let ran = program("pass", settings).inputs(&inputs).parallel(1).run();
    assert_eq!(ran.ended.stopped, Some(Stopped::TargetDown));
    assert_eq!((ran.ended.totals.counts.error, ran.ended.totals.counts.skipped), (5, 15));
}

#[test]
fn a_case_is_tried_again_and_counts_as_flaky() {
    let scenario = Scenario::new();
    scenario.file(
        "agent.py",
        "import os\ndef run(input):\n    if not os.path.exists('seen'):\n        open('seen', 'w').close()\n        raise ValueError('once')\n    return input\n",
    );
    scenario.file("configs/simulation.yaml", "name: t\nrunner: {target: \"agent:run\"}\n");
    let ran = scenario.inputs(&["a"]).retry(2).run();
    assert_eq!((ran.finished[0].flaky, ran.finished[0].attempts, ran.finished[0].turns.len()), (true, 2, 2));
    assert_eq!(ran.ended.totals.flaky, 1);
}

#[test]
fn a_scripted_user_goes_on_with_the_conversation() {
    let scenario = Scenario::new();
    scenario.file("agent.py", "def run(input, messages):\n    return f'{input} {len(messages)}'\n");
    scenario.file(
        "configs/simulation.yaml",
        "name: t\nrunner: {target: \"agent:run\"}\nmulti_turn:\n  enabled: true\n  supervisor:\n    provider: mock\n    metadata: {scripted_questions: [more, again], mock_closing: bye}\n",
    );
    let ran = scenario.inputs(&["hello"]).run();
    let said: Vec<&str> = ran.finished[0].turns.iter().map(|turn| turn.content.as_str()).collect();
    assert_eq!(said, ["hello", "hello 1", "more", "more 3", "again", "again 5", "bye"]);
    assert_eq!(ran.finished[0].termination_reason.as_deref(), Some("script_complete"));
}

#[test]
fn a_recorded_call_is_made_again_with_another_input() {
    let scenario = Scenario::new();
    scenario.file(
        "agent.py",
        r#"
import asyncio
async def run(data, user, send_message_callback, send_error_callback=None, iteration=9):
    await send_message_callback(f"{data.content} for {user.name} {data.tags[1].x} {iteration}")
    asyncio.ensure_future(send_error_callback("late"))
    await asyncio.sleep(0)

def plain(text, other=None):
    return f"{text} {other}"
"#,
    );
    let recorded = r#"{"target": "agent:run", "kwargs": {"data": {"content": "old", "tags": [1, {"x": 2}]}, "user": {"name": "Bob"}, "send_message_callback": "<builtin:send>", "send_error_callback": "<x:async>"}}"#;
    scenario.file("recordings/args.jsonl", &format!("{{\"kwargs\": {{}}}}\n{recorded}\n\n"));
    let configure = |target: &str, more: &str| {
        scenario.file(
            "configs/simulation.yaml",
            &format!("name: t\nrunner: {{target: \"agent:{target}\"}}\nreplay_args: {{enabled: true, recording_file: recordings/args.jsonl{more}}}\n"),
        );
    };
    configure("run", "");
    scenario.file("inputs/generated.yaml", "[new]");
    let ran = scenario.run();
    assert_eq!(ran.outputs(), ["new for Bob 2 0"], "{:?}", ran.finished[0].problem);
    assert_eq!(ran.finished[0].callback_messages, Some(serde_json::json!({"send": ["new for Bob 2 0"], "error": ["late"]})));
    // A path that leads nowhere binds the input alone.
    scenario.file("recordings/args.jsonl", "{\"kwargs\": {\"other\": 1}}");
    configure("plain", "");
    assert_eq!(scenario.run().outputs(), ["new None"]);
    configure("plain", ", override_param_path: null");
    assert_eq!(scenario.run().outputs(), ["new 1"]);
    scenario.file("recordings/args.jsonl", "{\"kwargs\": {\"data\": {\"content\": 1}, \"callback\": \"<function f>\"}}");
    configure("plain", "");
    assert_eq!(
        common::line(&scenario.run().finished[0]),
        "new: error: TypeError: the recorded argument 'callback' was a function (<function f>), and replay_args.callable_providers has none for it"
    );
    for (text, said) in [("\n", " is empty"), ("{", "is not JSON"), ("[]", "has no arguments (`kwargs`)")] {
        scenario.file("recordings/args.jsonl", text);
        let refusal = scenario.refusal();
        assert!(refusal.message.contains(said), "{refusal:?}");
    }
}

#[test]
fn tokens_are_counted_by_every_kind_of_function() {
    let scenario = Scenario::new();
    scenario.file(
        "agent.py",
        "class Usage:\n    def __init__(self): self.total_tokens, self.details, self.bad = 3, {}, float('nan')\nclass Answer:\n    text, usage = 'a', Usage()\ndef run(input): return Answer()\ndef stream(input):\n    yield {'delta': 'b'}\n    yield {'usage': {'total_tokens': 4}}\n",
    );
    scenario.file(
        "agent.mjs",
        "export const run = () => ({ text: 'a', usage: { total_tokens: 3, details: {}, bad: NaN } });\nexport async function* stream() { yield { delta: 'b' }; yield { usage: { total_tokens: 4 } }; }\n",
    );
    scenario.file("inputs/generated.yaml", "[a]");
    for (target, text, tokens) in
        [("agent:run", "a", 3), ("agent:stream", "b", 4), ("agent.mjs#run", "a", 3), ("agent.mjs#stream", "b", 4)]
    {
        scenario.file("configs/simulation.yaml", &format!("name: t\nrunner: {{target: \"{target}\"}}\n"));
        let ran = scenario.run();
        assert_eq!(ran.outputs(), [text], "{target}");
        assert_eq!(ran.finished[0].token_usage, Some(serde_json::json!({"total_tokens": tokens})), "{target}");
    }
}

#[test]
fn a_node_module_that_cannot_be_loaded_says_why() {
    let mut all = String::new();
    for target in ["agent.mjs#runn", "agnet.mjs#run", "broken.mjs#run", "imports.mjs#run"] {
        let scenario = Scenario::new();
        scenario.file("agent.mjs", "export function run() {}\nexport function other() {}\n");
        scenario.file("broken.mjs", "export function (\n").file("imports.mjs", "import './nowhere.mjs';\n");
        scenario.file("configs/simulation.yaml", &format!("name: t\nrunner: {{target: \"{target}\"}}\n"));
        let scenario = scenario.inputs(&["a"]);
        let refusal = scenario.refusal();
        let message = refusal.message.replace(&*scenario.path().to_string_lossy(), "[FOLDER]");
        let first = message.lines().next().unwrap_or_default();
        all += &format!("{first} | {} | {}\n", refusal.hints[0], refusal.message.contains("Looked in:"));
    }
    insta::assert_snapshot!(all, @"
    the target agent.mjs#runn cannot be loaded: agent.mjs has no function runn | did you mean run? | false
    the target agnet.mjs#run cannot be loaded: file agnet.mjs not found | did you mean agent.mjs? | true
    the target broken.mjs#run cannot be loaded: Function statements require a function name | `runner.target` in configs/simulation.yaml says what to run | true
    the target imports.mjs#run cannot be loaded: Cannot find module '[FOLDER]/nowhere.mjs' imported from [FOLDER]/imports.mjs | `runner.target` in configs/simulation.yaml says what to run | true
    ");
}

#[test]
fn what_the_peers_sdk_notes_belongs_to_its_run() {
    let scenario = Scenario::new();
    // As much of the SDK as the worker uses.
    scenario.file(
        "fluxloop.py",
        r#"
import contextlib
class Observation:
    def __init__(self, **members): self.members = members
    def model_dump(self, mode, exclude_none): return self.members
class Noted:
    def __init__(self): self.observations = []
current = None
@contextlib.contextmanager
def instrument(name, trace_id):
    global current
    current = Noted()
    current.trace = str(trace_id)
    yield current
def note(**members): current.observations.append(Observation(trace_id=current.trace, **members))
"#,
    );
    scenario.file(
        "agent.py",
        r#"
import os, fluxloop
def run(input):
    fluxloop.note(type="tool", name="look é", total_tokens=2)
    if input == "raise": raise ValueError("boom")
    fluxloop.note(type="agent", name="a", output={"text": "noted " + input}, total_tokens=3)
    fluxloop.note(type="agent", name="b", output="<generator object run at 0x1>", bad=float("nan"))
    return os.environ["FLUXLOOP_OFFLINE_ENABLED"]
"#,
    );
    scenario.file("configs/simulation.yaml", "name: t\nrunner: {target: \"agent:run\"}\n");
    scenario.file("criteria/tools.yaml", "- {tool_called: look é}\n- {tool_not_called: a}\n");
    let scenario = scenario.inputs(&["x", "raise"]);
    let ran = scenario.run();
    assert_eq!(ran.outputs(), ["noted x", ""]);
    assert_eq!(ran.statuses()[0], Status::Passed, "{:?}", ran.finished[0].criteria);
    assert_eq!(ran.finished[0].token_usage, Some(serde_json::json!({"total_tokens": 5})));
    let ids: Vec<&str> = ran.finished[0].observations.iter().filter_map(|noted| noted["trace_id"].as_str()).collect();
    assert_eq!(ids, [&ran.finished[0].run_id, &ran.finished[0].run_id]);
    assert_eq!(ran.finished[0].actions, [["agent:a", "tool:look é"]]);
}
