//! Killed, interrupted, and taken up again.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use keepstep_testkit::transcript;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{AGENT, Orders};

/// Starts a run and waits until a number of cases has finished.
fn started(orders: &Orders, arguments: &[&str], finished: usize) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = orders.command(arguments).arg("--json").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut events = BufReader::new(child.stdout.take().unwrap());
    let mut seen = 0;
    while seen < finished {
        let mut line = String::new();
        assert!(events.read_line(&mut line).unwrap() > 0, "the run ended too early");
        seen += usize::from(line.contains("\"event\":\"case_finished\""));
    }
    (child, events)
}

/// Reads events until one of a kind came.
fn wait_for(events: &mut impl BufRead, event: &str) {
    let event = format!("\"event\":\"{event}\"");
    let mut line = String::new();
    while !line.contains(&event) {
        line.clear();
        assert!(events.read_line(&mut line).unwrap() > 0, "the run ended before {event}");
    }
}

fn outputs(orders: &Orders) -> Vec<(String, String)> {
    let mut outputs: Vec<(String, String)> = orders
        .lines("trace_summary.jsonl")
        .iter()
        .map(|trace| {
            let item = &trace["conversation_state"]["metadata"]["variation"]["input_item_id"];
            (item.as_str().unwrap().to_owned(), trace["output"].as_str().unwrap().to_owned())
        })
        .collect();
    outputs.sort();
    outputs
}

/// An agent that never answers more inputs than it is allowed when the run begins, however long the signal takes.
const HELD_BACK: &str = r#"
import threading
def run(input):
    if int(input.split()[1]) >= int(open("allowed").read()): threading.Event().wait()
    return "ok: " + input
"#;

#[test]
fn a_killed_run_goes_on_and_ends_with_the_same_results() {
    let texts: Vec<String> = (0..30).map(|number| format!("text {number}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let whole = Orders::new(HELD_BACK);
    whole.inputs(&texts).project().file("allowed", "30");
    assert!(whole.output(&["test", "--skip-upload"]).status.success());

    let orders = Orders::new(HELD_BACK);
    orders.inputs(&texts);
    let mut arguments = vec!["test", "--skip-upload", "--parallel", "2"];
    let mut finished = 0;
    for step in [0, 3, 1, 7] {
        orders.project().file("allowed", (finished + step).to_string());
        let (mut child, _events) = started(&orders, &arguments, step);
        child.kill().unwrap();
        child.wait().unwrap();
        if step == 0 && orders.experiments().is_empty() {
            continue;
        }
        let now = orders.lines(".cases.jsonl").len();
        assert_eq!(now, finished + step, "every finished case is in the journal");
        finished = now;
        assert!(
            !orders.project().has(&format!(".fluxloop/scenarios/orders/experiments/{}/summary.json", orders.experiments()[0]))
        );
        // What a crash in the middle of a line leaves.
        let journal = format!("experiments/{}/.cases.jsonl", orders.experiments()[0]);
        let torn = orders.read(&journal) + "{\"case\": \"item-";
        orders.file(&journal, torn);
        arguments = vec!["test", "--skip-upload", "--resume"];
    }
    orders.project().file("allowed", "30");
    assert!(orders.output(&arguments).status.success());
    assert_eq!(outputs(&orders), outputs(&whole));
    let turns = orders.lines("turns.jsonl");
    let mut ids: Vec<&str> = turns.iter().map(|turn| turn["turn_id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 60, "each turn is there once");
    let summary: Value = serde_json::from_str(&orders.of_experiment("summary.json")).unwrap();
    assert_eq!(summary["results"]["total_runs"], 30);
    let again = orders.output(&["test", "--skip-upload", "--resume"]);
    assert_eq!(again.status.code(), Some(5), "{}", String::from_utf8_lossy(&again.stderr));
}

/// The same as a program, which is started in a moment. Where it never answers, it waits for the end of its input.
const ECHO: &str = r#"read -r allowed < allowed
while read -r line; do
  text="${line#*\"input\":\"}"
  text="${text%%\"*}"
  if [ "${text#text }" -ge "$allowed" ]; then read -r never; exit; fi
  echo "{\"type\":\"final\",\"output\":\"$text\"}"
done
"#;

/// How many more cases each run may finish: enough for a kill after any of its first 16 events.
const EACH: usize = 4;

#[test]
fn a_run_that_is_killed_a_hundred_times_ends_with_the_same_results() {
    let texts: Vec<String> = (0..1000).map(|number| format!("text {number}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let orders = Orders::new("");
    orders.inputs(&texts);
    orders.project().file("agent.sh", ECHO);
    orders.simulation("runner:\n  type: process\n  command: [sh, agent.sh]\n  protocol: jsonl\n  reuse: true\n");
    let test = ["test", "--full", "--skip-upload", "--parallel", "2"];
    let mut random = 7_u64;
    let mut finished = 0;
    for kill in 0..100 {
        orders.project().file("allowed", format!("{}\n", finished + EACH));
        let is_resumed = !orders.experiments().is_empty();
        let mut command = orders.command(if is_resumed { &["test", "--skip-upload", "--resume"] } else { &test });
        let mut child = command.arg("--json").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        // After a number of events that differs from time to time, also before the first one.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let wanted = usize::try_from(random >> 60).unwrap();
        let seen = BufReader::new(child.stdout.take().unwrap()).lines().take(wanted).count();
        assert_eq!(seen, wanted, "kill {kill}: the run ended too early");
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success(), "kill {kill}: it was faster than the signal");
        if is_resumed || seen > 0 {
            finished = orders.lines(".cases.jsonl").len();
        }
    }
    assert!(finished > 100, "{finished}");
    orders.project().file("allowed", "1000\n");
    let last = orders.output(&["test", "--skip-upload", "--resume"]);
    assert_eq!(last.status.code(), Some(0), "{}", transcript(&last));
    let mut expected: Vec<(String, String)> =
        texts.iter().enumerate().map(|(index, text)| (format!("item-{}", index + 1), (*text).to_owned())).collect();
    expected.sort();
    assert_eq!(outputs(&orders), expected);
    let summary: Value = serde_json::from_str(&orders.of_experiment("summary.json")).unwrap();
    assert_eq!(summary["results"]["total_runs"], 1000);
    assert_eq!(orders.lines("turns.jsonl").len(), 2000);
}

#[test]
fn f38_an_interrupted_run_is_no_complete_one() {
    let orders = Orders::new(AGENT);
    orders.inputs(&["a", "wait", "b"]);
    let (mut child, mut events) = started(&orders, &["test", "--skip-upload"], 1);
    wait_for(&mut events, "case_started");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    // Before it knows, it may begin the third case as well.
    wait_for(&mut events, "stopping");
    orders.project().file("go", "");
    let rest: Vec<Value> = events.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let last = rest.iter().rfind(|event| event["event"] == "run_finished").unwrap();
    assert_eq!(last["stopped"], "interrupted", "{rest:?}");
    let files = orders.project().files();
    assert!(!files.iter().any(|file| file.ends_with("summary.json")), "{files:?}");
    assert!(orders.of_experiment("result.md").contains("ok: wait"), "what ran was finished");
    assert!(orders.output(&["test", "--skip-upload", "--resume"]).status.success());
    assert_eq!(outputs(&orders).len(), 3);
}

#[test]
fn a_second_interrupt_stops_now() {
    let orders = Orders::new(AGENT);
    orders.inputs(&["a", "hang"]);
    let (mut child, mut events) = started(&orders, &["test", "--skip-upload"], 1);
    wait_for(&mut events, "case_started");
    // Two signals that come at once may be one, so they are sent until it ends: more than two do no harm.
    while child.try_wait().unwrap().is_none() {
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        std::thread::yield_now();
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(orders.lines("trace_summary.jsonl").len(), 1);
}

#[test]
fn a_pull_that_was_interrupted_is_ended_before_anything_is_read() {
    let orders = Orders::new(AGENT);
    orders.inputs(&["a"]);
    orders.file(".state/.pull/journal.json", r#"{"format": 1, "steps": []}"#);
    let output = orders.output(&["test", "--skip-upload"]);
    assert!(output.status.success(), "{}", transcript(&output));
    assert!(String::from_utf8_lossy(&output.stderr).contains("An earlier pull was interrupted; it is complete now."));
    assert!(!orders.project().has(".fluxloop/scenarios/orders/.state/.pull"));
}

/// An agent that waits for ever in its second process. Every interpreter that runs for it holds a lock until it ends, and
/// so do the processes that it forks.
const HOLDER: &str = r#"
import os, threading
def run(input):
    if input == "die": os._exit(7)
    if input.startswith("wait"): threading.Event().wait()
    return input
"#;

#[test]
#[cfg(target_os = "linux")]
fn nothing_runs_on_after_a_kill_or_two_interrupts() {
    for is_killed in [true, false] {
        let orders = Orders::new(HOLDER);
        // A worker for each of the three slots, and one more.
        orders.inputs(&["die", "a", "b", "c", "wait 1", "wait 2", "wait 3"]);
        orders.file(
            "site/sitecustomize.py",
            "import fcntl, os\nlock = open(os.environ['LOCK'], 'w')\nfcntl.flock(lock, fcntl.LOCK_SH)\n",
        );
        let folder = orders.project().path().join(".fluxloop/scenarios/orders");
        let lock = folder.join("lock");
        let (site, path) = (folder.join("site"), lock.display());
        orders.simulation(&format!(
            "runner:\n  target: \"agents.my_agent:run\"\n  timeout_seconds: 600\n  environment_vars: {{PYTHONPATH: \"{}\", LOCK: \"{path}\"}}\n",
            site.display()
        ));
        let (mut child, mut events) = started(&orders, &["test", "--skip-upload", "--parallel", "3"], 4);
        let held = std::fs::File::options().write(true).open(&lock).unwrap();
        assert!(held.try_lock().is_err(), "the interpreters hold it");
        if is_killed {
            child.kill().unwrap();
        } else {
            let pid = Pid::from_child(&child);
            kill_process(pid, Signal::INT).unwrap();
            // The second one counts when the first was heard; until then they are one.
            while child.try_wait().unwrap().is_none() {
                let _ = kill_process(pid, Signal::INT);
                std::thread::yield_now();
            }
        }
        child.wait().unwrap();
        drop(events.read_line(&mut String::new()));
        // Comes back when nobody holds it any more.
        held.lock().unwrap();
    }
}
