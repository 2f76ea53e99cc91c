//! One table of misbehaviors, run against every kind of target.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::common::{self, Scenario};
use super::service::{Reply, Service, whole};

/// The words that an agent is told to misbehave by, in this order. After each of them it is asked something harmless.
const WORDS: [&str; 15] = [
    "noise", "raise", "exit", "kill", "hang", "twice", "early", "linger", "big", "none", "nan", "cycle", "bytes", "half",
    "unread",
];

const PYTHON: &str = r#"
import os, sys, time
def run(input):
    word = input[:20].strip()
    if word == "noise": print("noise"); os.write(1, b'{"type": "final", "output": "forged"}\n\xff\n')
    if word == "raise": raise ValueError("boom")
    if word == "exit": sys.exit(3)
    if word == "kill": os.kill(os.getpid(), 9)
    if word == "hang": time.sleep(600)
    if word == "twice" and os.fork() == 0: return "from the child"
    if word == "early": os.closerange(0, 64); os._exit(0)
    if word == "linger":
        child = os.fork()
        if child == 0: time.sleep(600)
        open("lingering", "w").write(str(child))
    if word == "big": return "x" * 5_000_000
    if word == "none": return None
    if word == "nan": return float("nan")
    if word == "cycle": a = {}; a["a"] = a; return a
    if word == "bytes": return b"\xff"
    if word == "half": return "a\ud800b"
    return word
"#;

const NODE: &str = r#"
import { spawn } from "node:child_process";
import { writeFileSync, writeSync, closeSync } from "node:fs";
export async function run(input) {
  const word = input.slice(0, 20).trim();
  if (word === "noise") { console.log("noise"); writeSync(1, Buffer.from([255, 10])); }
  if (word === "raise") throw new Error("boom");
  if (word === "exit") process.exit(3);
  if (word === "kill") process.kill(process.pid, "SIGKILL");
  if (word === "hang") await new Promise(() => setInterval(() => {}, 1000));
  if (word === "early") { closeSync(4); process.exit(0); }
  if (word === "linger") writeFileSync("lingering", String(spawn("sleep", ["600"]).pid));
  if (word === "big") return "x".repeat(5_000_000);
  if (word === "none") return undefined;
  if (word === "nan") return NaN;
  if (word === "cycle") { const a = {}; a.a = a; return a; }
  if (word === "bytes") return Buffer.from([255]).toString();
  if (word === "half") return "a\ud800b";
  return word;
}
"#;

/// `answer` is defined before it for each protocol.
const SHELL: &str = r#"
run() {
  case "$1" in
    *'"noise'*) echo noise; echo '{"no'; echo '[1]'; answer noise;;
    *'"raise'*) fail;;
    *'"exit'*) echo because >&2; exit 3;;
    *'"kill'*) kill -9 $$;;
    *'"hang'*) sleep 600;;
    *'"twice'*) both=$(answer one; answer two); echo "$both";;
    *'"early'*) exec 1>&-; sleep 600;;
    *'"linger'*) sleep 600 & echo $! > lingering; answer linger;;
    *'"big'*) printf "$BEFORE"; head -c 5000000 /dev/zero | tr '\0' x; printf '"}\n';;
    *'"none'*) answer "";;
    *'"nan'*) printf "$BEFORE"'"%s}\n' , | sed 's/:""/:NaN/;s/,}/}/';;
    *'"cycle'*) answer cycle;;
    *'"bytes'*) answer "$(printf '\377')";;
    *'"half'*) printf "$BEFORE"'ha'; exit 0;;
    *'"unread'*) answer unread;;
    *'"fine'*) answer fine;;
    *) answer other;;
  esac
}
"#;

const NDJSON: &str = r#"
BEFORE='{"success":true,"output":"'
answer() { printf '{"success":true,"output":"%s"}\n' "$1"; }
fail() { echo '{"success":false,"error":{"message":"boom"}}'; }
"#;

const JSONL: &str = r#"
BEFORE='{"type":"final","output":"'
answer() { printf '{"type":"final","output":"%s"}\n' "$1"; }
fail() { echo '{"type":"error","error":"boom"}'; }
"#;

fn scenario(files: &[(&str, &str)], runner: &str) -> Scenario {
    let scenario = Scenario::new();
    for (path, text) in files {
        scenario.file(path, text);
    }
    scenario.file("configs/simulation.yaml", &format!("name: t\nrunner: {runner}\n"));
    scenario
}

/// Runs every misbehavior and returns what became of each. An input that follows one must be answered.
fn table(scenario: Scenario, words: &[&str]) -> String {
    // More than any pipe holds, for agents that do not read it all. A shell reads it byte by byte, within the time limit.
    let long = |word: &str| format!("{word:20}{}", if word == "unread" { "y".repeat(200_000) } else { String::new() });
    let inputs: Vec<String> = words.iter().flat_map(|word| [long(word), long("fine")]).collect();
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let scenario = scenario.inputs(&inputs).parallel(1).timeout(Duration::from_secs(3));
    let ran = scenario.run();
    let mut table = String::new();
    for (finished, word) in ran.finished.iter().step_by(2).zip(words) {
        // Newer versions of Python also say which float.
        let line = common::line(finished).replace(&"x".repeat(5_000_000), "[5 MB]").replace("compliant: nan", "compliant");
        table += &format!("{word}: {}\n", line.split_once(": ").map_or("", |(_, line)| line));
    }
    for (fine, word) in ran.finished.iter().skip(1).step_by(2).zip(words) {
        assert_eq!(fine.output.as_deref(), Some("fine"), "after {word}: {:?}", fine.problem);
    }
    nobody_lingers(scenario.path());
    table
}

/// Checks that what an agent has left running runs no more.
fn nobody_lingers(folder: &Path) {
    let Ok(id) = fs::read_to_string(folder.join("lingering")) else { return };
    let Ok(stat) = fs::read_to_string(format!("/proc/{}/stat", id.trim())) else { return };
    let state = stat.rsplit(") ").next().unwrap().chars().next();
    assert!(matches!(state, Some('Z' | 'X')), "{stat}");
}

#[test]
fn a_python_function_that_misbehaves() {
    let scenario = scenario(&[("agent.py", PYTHON)], "{target: \"agent:run\"}");
    insta::assert_snapshot!(table(scenario, &WORDS), @"
    noise: passed: noise
    raise: error: ValueError: boom
    exit: error: the agent called sys.exit(3)
    kill: error: the agent's process ended by signal 9 while it answered
    hang: timeout: no answer after 3.0s
    twice: passed: twice
    early: error: the agent's process ended with exit code 0 while it answered
    linger: passed: linger
    big: passed: [5 MB]
    none: error: empty answer
    nan: error: ValueError: the agent returned what cannot be written as JSON: Out of range float values are not JSON compliant
    cycle: error: ValueError: the agent returned what cannot be written as JSON: Circular reference detected
    bytes: passed: �
    half: passed: a?b
    unread: passed: unread
    ");
}

#[test]
fn a_node_module_that_misbehaves() {
    let scenario = scenario(&[("agent.mjs", NODE)], "{target: \"agent.mjs#run\"}");
    insta::assert_snapshot!(table(scenario, &WORDS), @"
    noise: passed: noise
    raise: error: Error: boom
    exit: error: the agent's process ended with exit code 3 while it answered
    kill: error: the agent's process ended by signal 9 while it answered
    hang: timeout: no answer after 3.0s
    twice: passed: twice
    early: error: the agent's process ended with exit code 0 while it answered
    linger: passed: linger
    big: passed: [5 MB]
    none: error: empty answer
    nan: error: Error: the agent returned what cannot be written as JSON: NaN
    cycle: error: Error: the agent returned what cannot be written as JSON: Converting circular structure to JSON
    bytes: passed: �
    half: passed: a�b
    unread: passed: unread
    ");
}

#[test]
fn an_ndjson_process_that_misbehaves() {
    // It does not read on, so that a long input stays in the pipe.
    let agent = format!("{NDJSON}{SHELL}\nrun \"$(head -c 200)\"\n");
    let scenario = scenario(&[("agent.sh", &agent)], "{type: process, command: [sh, agent.sh]}");
    insta::assert_snapshot!(table(scenario, &WORDS), @"
    noise: passed: noise
    raise: error: boom
    exit: error: the process ended with exit code 3: because
    kill: error: the process ended by signal 9
    hang: timeout: no answer after 3.0s
    twice: passed: two
    early: error: the process closed its output without a JSON object on it
    linger: passed: linger
    big: passed: [5 MB]
    none: error: empty answer
    nan: error: the process wrote a line that is not JSON: expected value at column 26
    cycle: passed: cycle
    bytes: error: the process wrote a line that is not UTF-8
    half: error: the process wrote a line that is not JSON: EOF while parsing a string at column 28
    unread: passed: unread
    ");
}

#[test]
fn a_jsonl_process_that_misbehaves() {
    let agent = format!("{JSONL}{SHELL}\nrun \"$(head -c 200)\"\n");
    let scenario = scenario(&[("agent.sh", &agent)], "{process: {command: [sh, agent.sh], kill_timeout: 1s}}");
    insta::assert_snapshot!(table(scenario, &WORDS), @"
    noise: passed: noise
    raise: error: boom
    exit: error: the process ended before its answer was complete, with exit code 3: because
    kill: error: the process ended before its answer was complete, by signal 9
    hang: timeout: no answer after 3.0s
    twice: error: the process answered twice
    early: error: the process closed its output before its answer was complete
    linger: passed: linger
    big: passed: [5 MB]
    none: error: empty answer
    nan: error: the process wrote a line that is not JSON: expected value at column 26
    cycle: passed: cycle
    bytes: error: the process wrote a line that is not UTF-8
    half: error: the process wrote a line that is not JSON: EOF while parsing a string at column 28
    unread: passed: unread
    ");
}

#[test]
fn a_reused_jsonl_process_that_misbehaves() {
    let agent = format!("{JSONL}{SHELL}\nwhile IFS= read -r line; do run \"$line\"; done\n");
    let scenario = scenario(&[("agent.sh", &agent)], "{process: {command: [sh, agent.sh], reuse: true, kill_timeout: 1s}}");
    insta::assert_snapshot!(table(scenario, &WORDS), @"
    noise: passed: noise
    raise: error: boom
    exit: error: the process ended before its answer was complete, with exit code 3: because
    kill: error: the process ended before its answer was complete, by signal 9
    hang: timeout: no answer after 3.0s
    twice: error: the process answered twice
    early: error: the process closed its output before its answer was complete
    linger: passed: linger
    big: passed: [5 MB]
    none: error: empty answer
    nan: error: the process wrote a line that is not JSON: expected value at column 26
    cycle: passed: cycle
    bytes: error: the process wrote a line that is not UTF-8
    half: error: the process wrote a line that is not JSON: EOF while parsing a string at column 28
    unread: passed: unread
    ");
}

#[test]
fn a_service_that_misbehaves() {
    let service = Service::start(|request| {
        let body: Value = serde_json::from_str(&request.body).unwrap();
        let word = body["input"].as_str().unwrap()[..20].trim();
        let raw = |text: &[u8]| {
            let mut bytes =
                format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", text.len()).into_bytes();
            bytes.extend_from_slice(text);
            bytes
        };
        let answer = |text: &str| whole("200 OK", "", &json!({"output": text}).to_string());
        match word {
            "noise" => Reply::Closes(b"noise\n".to_vec()),
            "raise" => whole("500 Internal Server Error", "", &json!({"detail": "boom"}).to_string()),
            "exit" | "kill" => Reply::Closes(Vec::new()),
            "hang" => Reply::Hangs(String::new()),
            "twice" => Reply::Closes(raw(b"{\"output\":\"one\"}").repeat(2)),
            "early" => Reply::Closes(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n".to_vec()),
            "big" => answer(&"x".repeat(5_000_000)),
            "none" => answer(""),
            "nan" => whole("200 OK", "", "{\"output\":NaN}"),
            "bytes" => Reply::Closes(raw(b"{\"output\":\"\xff\"}")),
            "half" => whole("200 OK", "", "{\"output\":\"ha"),
            other => answer(other),
        }
    });
    let scenario = scenario(&[], &format!("{{http: {{url: \"{}\"}}}}", service.url("/")));
    insta::assert_snapshot!(table(scenario, &WORDS).replace(&service.url("/"), "[URL]"), @r#"
    noise: error: [URL] did not answer: invalid HTTP version parsed
    raise: error: [URL] answered with status 500: boom
    exit: error: [URL] did not answer: connection closed before message completed
    kill: error: [URL] did not answer: connection closed before message completed
    hang: timeout: no answer after 3.0s
    twice: passed: one
    early: error: [URL] broke off in the middle of its answer: end of file before message length reached
    linger: passed: linger
    big: passed: [5 MB]
    none: error: empty answer
    nan: error: [URL] did not answer with JSON (expected value at line 1 column 11): {"output":NaN}
    cycle: passed: cycle
    bytes: error: [URL] did not answer with JSON (invalid unicode code point at line 1 column 12): {"output":"�"}
    half: error: [URL] did not answer with JSON (EOF while parsing a string at line 1 column 13): {"output":"ha
    unread: passed: unread
    "#);
}

#[test]
fn f39_no_amount_of_output_stops_a_run() {
    // Much is written before anything is read, and a gibibyte in one line or much in many is noise like any other.
    let agent = r#"
case "$1" in one) head -c 1073741824 /dev/zero;; many) yes noise | head -c 2000000;; esac
echo; IFS= read -r line
case "$line" in *'"last'*) head -c 134217728 /dev/zero | tr '\0' '{';; *) echo '{"success":true,"type":"final","output":"at last"}';; esac
"#;
    let input = "i".repeat(1_000_000);
    for (runner, how) in
        [("type: process, command", "one"), ("type: process, command", "many"), ("type: subprocess-jsonl, command", "many")]
    {
        let runner = format!("{{{runner}: [sh, agent.sh, {how}], timeout_seconds: 120}}");
        let ran = scenario(&[("agent.sh", agent)], &runner).inputs(&[&input]).run();
        assert_eq!(ran.outputs(), ["at last"], "{runner}: {:?}", ran.finished[0].problem);
    }
    for runner in ["type: process", "type: subprocess-jsonl"] {
        let runner = format!("{{{runner}, command: [sh, agent.sh], timeout_seconds: 120}}");
        let ran = scenario(&[("agent.sh", agent)], &runner).inputs(&["last"]).run();
        assert_eq!(common::line(&ran.finished[0]), "last: error: the process wrote a line of more than 64 MiB");
    }
    let deltas = "d=$(head -c 1000000 /dev/zero | tr '\\0' x); while :; do echo \"{\\\"type\\\":\\\"delta\\\",\\\"delta\\\":\\\"$d\\\"}\"; done";
    let ran = scenario(&[("agent.sh", deltas)], "{type: subprocess-jsonl, command: [sh, agent.sh], timeout_seconds: 120}");
    let ran = ran.inputs(&["a"]).run();
    assert_eq!(common::line(&ran.finished[0]), "a: error: the process answered with more than 64 MiB");
}
