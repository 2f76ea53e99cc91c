//! Workers of a Python function that a fork server starts.

use std::collections::BTreeSet;
use std::fs;

use crate::common::{self, Ran, Scenario};

const AGENT: &str = r#"
import os, random, sys
with open("imported", "a") as file: file.write("%d %d\n" % (os.getpid(), os.getppid()))

def run(input):
    word = input.split()[0]
    if word == "die": os._exit(7)
    if word == "segfault": os.kill(os.getpid(), 11)
    if word == "kill": os.kill(os.getpid(), 9)
    if word == "exit": sys.exit(3)
    if word == "close": os.closerange(3, 64)
    if word == "linger" and os.fork() == 0:
        os.execvp("sleep", ["sleep", "600"])
    if word == "server": os.kill(os.getppid(), 9)
    if word == "random": return str(random.random())
    if word == "group": return str(os.getpgid(0) == os.getpid())
    if word == "files": return str(sorted(os.path.basename(os.readlink("/proc/self/fd/" + name)).split(":")[0]
                                          for name in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + name)))
    return "forked" if os.getppid() != KEEPSTEP else "alone"
"#;

/// Returns a scenario in which every interpreter imports a module at its start.
fn with_site(text: &str) -> Scenario {
    let scenario = Scenario::new();
    scenario.file("site/sitecustomize.py", text);
    let folder = scenario.path().join("site");
    scenario.file("agent.py", &AGENT.replace("KEEPSTEP", &std::process::id().to_string()));
    let environment = format!("environment_vars: {{PYTHONPATH: \"{}\"}}", folder.display());
    scenario.file("configs/simulation.yaml", &format!("name: t\nrunner: {{target: \"agent:run\", {environment}}}\n"));
    scenario
}

fn said(ran: &Ran) -> String {
    ran.finished.iter().map(common::line).collect::<Vec<_>>().join("\n")
}

/// Returns who imported the agent: each process and its parent.
fn importers(scenario: &Scenario) -> Vec<(String, String)> {
    let text = fs::read_to_string(scenario.path().join("imported")).unwrap();
    text.lines().map(|line| line.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap()).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn f10_a_forked_worker_that_breaks_fails_its_own_case_only() {
    let inputs = ["a", "die", "a", "die", "segfault", "a", "kill", "exit", "a", "close", "a", "linger", "group", "die", "a"];
    let scenario = with_site("").inputs(&inputs).parallel(1);
    let ran = scenario.run();
    insta::assert_snapshot!(said(&ran), @"
    a: passed: forked
    die: error: the agent's process ended with exit code 7 while it answered
    a: passed: forked
    die: error: the agent's process ended with exit code 7 while it answered
    segfault: error: the agent's process ended by signal 11 while it answered
    a: passed: forked
    kill: error: the agent's process ended by signal 9 while it answered
    exit: error: the agent called sys.exit(3)
    a: passed: forked
    close: error: the agent's process ended with exit code 1 while it answered
    a: passed: forked
    linger: passed: forked
    group: passed: True
    die: error: the agent's process ended with exit code 7 while it answered
    a: passed: forked
    ");
    // The first, and one after each death; each is a child of the fork server, which is none of them.
    let importers = importers(&scenario);
    assert_eq!(importers.len(), 7);
    let workers: BTreeSet<_> = importers.iter().map(|(worker, _)| worker).collect();
    let servers: BTreeSet<_> = importers.iter().map(|(_, server)| server).collect();
    assert_eq!((workers.len(), servers.len()), (7, 1), "{importers:?}");
    assert!(workers.is_disjoint(&servers), "{importers:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn many_forked_workers_answer_side_by_side() {
    let inputs: Vec<String> = (0..60).map(|number| if number % 7 == 3 { "die".into() } else { format!("a {number}") }).collect();
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let ran = with_site("").inputs(&inputs).parallel(12).run();
    assert_eq!((ran.ended.totals.counts.passed, ran.ended.totals.counts.error), (51, 9));
    assert!(ran.outputs().iter().any(|output| output == "forked"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_fork_server_that_is_killed_takes_no_answer_with_it() {
    let ran = with_site("").inputs(&["die", "a", "server", "a", "die", "a", "die", "a"]).parallel(1).run();
    insta::assert_snapshot!(said(&ran), @"
    die: error: the agent's process ended with exit code 7 while it answered
    a: passed: forked
    server: passed: forked
    a: passed: forked
    die: error: the agent's process closed its output while it answered
    a: passed: alone
    die: error: the agent's process ended with exit code 7 while it answered
    a: passed: alone
    ");
}

#[test]
#[cfg(target_os = "linux")]
fn an_interpreter_with_threads_is_not_forked() {
    let thread = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n";
    let ran = with_site(thread).inputs(&["die", "a", "die", "a"]).parallel(1).run();
    assert_eq!(ran.outputs(), ["", "alone", "", "alone"]);
    let ran = with_site("import random\n").inputs(&["die", "a", "die", "a"]).parallel(1).run();
    assert_eq!(ran.outputs(), ["", "forked", "", "forked"]);
}

#[test]
fn workers_have_chances_of_their_own() {
    for site in ["", "import random\n"] {
        let ran = with_site(site).inputs(&["die", "random", "die", "random"]).parallel(1).run();
        assert_ne!(ran.outputs()[1], ran.outputs()[3]);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_forked_worker_has_the_files_that_one_alone_has() {
    let ran = with_site("").inputs(&["files", "server", "die", "files"]).parallel(1).run();
    let outputs = ran.outputs();
    assert_eq!(outputs[0], outputs[3]);
}
