//! Criteria, repeats and what is made of them.

use serde_json::{Value, json};

use super::{AGENT, Orders};

fn summary(orders: &Orders) -> Value {
    serde_json::from_str(&orders.of_experiment("summary.json")).unwrap()
}

#[test]
fn an_answer_that_is_not_good_fails_its_case_everywhere() {
    let orders = Orders::new(AGENT);
    orders.inputs(&["Where is my order?", "sorry"]);
    orders
        .file("criteria/words.yaml", "name: Words\nitems:\n- {contains: \"ok:\", name: Begins well}\n- {tool_called: lookup}\n");
    insta::assert_snapshot!(orders.run(&["test", "--skip-upload", "--junit", "report.xml"]), @r#"
    exit: 1
    ----- stdout -----
    0 passed of 2 · 1 failed · 1 not judged     [TIME]
      Begins well        1 of 2
      a call of lookup   2 not judged
    ----- stderr -----
    orders · 2 cases · python agents.my_agent:run
      – Where is my order?  not judged  [TIME]  #1
      ✗ sorry  [TIME]  #2
          Begins well: expected the answer to contain "ok:"; found no "ok:" in "sorry, done"
          warning: the answer has 'sorry' in it
    warning: a call of lookup: 2 not judged (the target did not report its tool calls)

    Results   .fluxloop/scenarios/orders/experiments/[EXPERIMENT]
    Again     keepstep test --failed     Why   keepstep results show 2
    "#);

    let errors: Value = serde_json::from_str(&orders.of_experiment("errors.json")).unwrap();
    let evaluation = &errors[0]["evaluation"];
    assert_eq!((&errors[0]["status"], &errors[0]["output"]), (&json!("failed"), &json!("sorry, done")));
    assert_eq!((&evaluation["verdict"], &evaluation["failures"]), (&json!("fail"), &json!(["Begins well"])));
    assert_eq!(evaluation["scores"], json!({"Begins well": 0.0}));
    let traces = orders.lines("trace_summary.jsonl");
    assert_eq!((traces.len(), &traces[0]["evaluation"]["verdict"]), (1, &json!("not_judged")));
    assert_eq!(traces[0]["evaluation"]["criteria"][1]["verdict"], "not_judged");

    let statistics = &summary(&orders)["keepstep"]["statistics"];
    // Of what was judged: nothing is known about the other case.
    let rate = &statistics["pass_rate"];
    assert_eq!((&rate["rate"], &rate["of"], &rate["method"]), (&json!(0.0), &json!(1), &json!("wilson")));
    assert_eq!(statistics["criteria"][0]["failed"], 1);
    assert_eq!(statistics["criteria"][1]["reason"], "the target did not report its tool calls");

    let text = orders.read(".state/latest_result.md");
    assert!(text.contains("**Not as expected:**\n\n> Begins well: expected"), "{text}");
    let (_, criteria) = text.split_once("## Evaluation Criteria\n\n").unwrap();
    insta::assert_snapshot!(criteria, @r"
    - Begins well: 1 passed, 1 failed
    - a call of lookup: 2 not judged (the target did not report its tool calls)
    ");
    let xml = orders.project().read("report.xml");
    assert!(xml.contains("failures=\"1\" errors=\"0\""), "{xml}");
    assert!(xml.contains("[failed] Begins well: no &quot;ok:&quot; in &quot;sorry, done&quot;"), "{xml}");
}

#[test]
fn a_program_gets_what_was_judged() {
    let orders = Orders::new(AGENT);
    orders.inputs(&["a", "sorry"]);
    orders.file("criteria/words.yaml", "- contains: \"ok:\"\n");
    let output = orders.output(&["test", "--skip-upload", "--json", "-i", "2"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let finished: Vec<&Value> = events.iter().filter(|event| event["event"] == "case_finished").collect();
    assert_eq!(finished[0]["criteria"][0]["expected"], "the answer to contain \"ok:\"");
    assert_eq!((&finished[1]["status"], &finished[1]["criteria"][0]["verdict"]), (&json!("failed"), &json!("failed")));
    let statistics = &events.last().unwrap()["statistics"];
    assert_eq!(
        statistics["repeats"],
        json!([{"k": 1, "pass_at_k": 0.5, "pass_hat_k": 0.5}, {"k": 2, "pass_at_k": 0.5, "pass_hat_k": 0.5}])
    );
    assert_eq!((&statistics["inputs"][0]["input"], &statistics["inputs"][0]["passed"]), (&json!("item-2"), &json!(0)));
}

#[test]
fn repeats_tell_how_sure_the_result_is() {
    // Good at every second attempt, as agents are.
    let orders = Orders::new(
        "calls = 0\ndef run(input):\n    global calls\n    calls += 1\n    return 'good' if input == 'a' or calls % 4 else 'bad'\n",
    );
    orders.inputs(&["a", "b"]);
    orders.file("criteria/good.yaml", "- {equals: good, name: Good}\n");
    insta::assert_snapshot!(orders.run(&["test", "--skip-upload", "-i", "4", "--quiet"]), @"
    exit: 1
    ----- stdout -----
    6 passed of 8 · 2 failed     75.0% (41 to 93%)     [TIME]
      Good   6 of 8
      item-2: 2 of 4 passed, 50.0% (95% interval: 15.0% to 85.0%)
    of 4 answers to an input, at least one is good in 100.0% (pass@4), all are in 50.0% (pass^4)
    ");
    let text = orders.read(".state/latest_result.md");
    let (_, text) = text.split_once("- Cases: ").unwrap();
    insta::assert_snapshot!(text.split_once("\n## Turn Details").unwrap().0, @r"
    6 of 8 passed
    - Failed: 2
    - Pass rate: 75.0% (95% interval: 40.9% to 92.9%)

    ## Repeats

    | Answers (k) | At least one good (pass@k) | All good (pass^k) |
    |---|---|---|
    | 1 | 75.0% | 75.0% |
    | 2 | 91.7% | 58.3% |
    | 3 | 100.0% | 50.0% |
    | 4 | 100.0% | 50.0% |

    ## Inputs that did not always pass

    - item-2: 2 of 4 passed, 50.0% (95% interval: 15.0% to 85.0%)
    ");
}

#[test]
fn a_case_that_fails_first_and_passes_then_is_flaky() {
    let orders =
        Orders::new("calls = 0\ndef run(input):\n    global calls\n    calls += 1\n    return 'good' if calls > 1 else 'bad'\n");
    orders.inputs(&["a"]);
    orders.file("criteria/good.yaml", "- equals: good\n");
    insta::assert_snapshot!(orders.run(&["test", "--skip-upload", "--retry", "2"]), @r#"
    exit: 0
    ----- stdout -----
    1 passed of 1 · 1 flaky     [TIME]
      the answer to be "good"   1 of 1
    ----- stderr -----
    orders · 1 case · python agents.my_agent:run
      a: attempt 2
      ✓ a  attempt 2  [TIME]

    Results   .fluxloop/scenarios/orders/experiments/[EXPERIMENT]
    "#);
    assert_eq!(summary(&orders)["keepstep"]["counts"]["flaky"], 1);
}

#[test]
fn f20_what_a_platform_wants_to_be_run_is_shown_and_accepted_first() {
    let orders = Orders::new(AGENT);
    orders.inputs(&["a"]);
    orders
        .file(".state/criteria/tone.yaml", "name: Tone\nitems:\n- {program: [sh, -c, 'touch owned; exit 1'], name: Friendly}\n");
    insta::assert_snapshot!(orders.run(&["test", "--skip-upload"]), @r#"
    exit: 0
    ----- stdout -----
    0 passed of 1 · 1 not judged     [TIME]
      Friendly   1 not judged
    ----- stderr -----
    warning: 1 criterion from the server is not used until it is accepted
      Tone: run ["sh","-c","touch owned; exit 1"]
    hint: `keepstep test --accept-criteria` accepts exactly these texts, and keeps that in criteria/accepted.json
    orders · 1 case · python agents.my_agent:run
      – a  not judged  [TIME]  #1
    warning: Friendly: 1 not judged (this criterion came from the server; review it, then run `keepstep test --accept-criteria`)

    Results   .fluxloop/scenarios/orders/experiments/[EXPERIMENT]
    "#);
    let owned = ".fluxloop/scenarios/orders/owned";
    assert!(!orders.project().has(owned));
    insta::assert_snapshot!(orders.run(&["test", "--skip-upload", "--accept-criteria"]), @r#"
    exit: 1
    ----- stdout -----
    0 passed of 1 · 1 failed     [TIME]
      Friendly   0 of 1
    ----- stderr -----
    accepted Tone: run ["sh","-c","touch owned; exit 1"]
    orders · 1 case · python agents.my_agent:run
      ✗ a  [TIME]  #1
          Friendly: expected ["sh","-c","touch owned; exit 1"] to agree; found exit code 1

    Results   .fluxloop/scenarios/orders/experiments/[EXPERIMENT]
    Again     keepstep test --failed     Why   keepstep results show 1
    "#);
    assert!(orders.project().has(owned));
    // It stays accepted, until it is another text.
    assert_eq!(orders.output(&["test", "--skip-upload"]).status.code(), Some(1));
    orders
        .file(".state/criteria/tone.yaml", "name: Tone\nitems:\n- {program: [sh, -c, 'touch other; exit 1'], name: Friendly}\n");
    assert_eq!(orders.output(&["test", "--skip-upload"]).status.code(), Some(0));
    assert!(!orders.project().has(".fluxloop/scenarios/orders/other"));
}

#[test]
fn a_judge_that_breaks_is_an_error_and_no_bad_answer() {
    let orders = Orders::new(AGENT);
    orders.inputs(&["a"]);
    orders.file("criteria/own.yaml", "- {program: [./absent], name: Tone}\n");
    insta::assert_snapshot!(orders.run(&["test", "--skip-upload"]), @"
    exit: 1
    ----- stdout -----
    0 passed of 1 · 1 not judged     [TIME]
      Tone   1 judge failed
    ----- stderr -----
    orders · 1 case · python agents.my_agent:run
      ✗ a  not judged  [TIME]  #1
          Tone was not judged: program ./absent not found
    warning: Tone: 1 judge failed (program ./absent not found)

    Results   .fluxloop/scenarios/orders/experiments/[EXPERIMENT]
    Again     keepstep test --failed     Why   keepstep results show 1
    ");
    orders.file("criteria/own.yaml", "- {contians: x}\n");
    insta::assert_snapshot!(orders.run(&["test", "--skip-upload"]), @r"
    exit: 2
    ----- stderr -----
    error: [WORLD]/project/.fluxloop/scenarios/orders/criteria/own.yaml: criterion 1: has an unknown key: contians; did you mean contains?
    ");
}

#[test]
fn a_model_judges_and_its_answers_are_replayed() {
    let orders = Orders::new(AGENT);
    orders.inputs(&["a", "sorry"]);
    orders.file("criteria/own.yaml", "- judge: The answer begins with ok\n  name: Ok\n");
    orders.file(
        "judge.py",
        r#"
import json, sys
asked = json.loads(sys.stdin.readline())["input_text"]
open("asked", "a").write("x")
good = '"answer": "ok' in asked
verdict = json.dumps({"passed": good, "score": 0.9 if good else 0.1, "reason": "as I see it"})
print(json.dumps({"success": True, "output": "Here it is: " + verdict}))
"#,
    );
    orders.simulation(
        "runner: {target: \"agents.my_agent:run\"}\njudge:\n  model: small-judge\n  runner: {type: process, command: [python3, judge.py], working_directory: .fluxloop/scenarios/orders}\n",
    );
    insta::assert_snapshot!(orders.run(&["test", "--skip-upload", "--record"]), @r#"
    exit: 1
    ----- stdout -----
    1 passed of 2 · 1 failed     50.0% (9 to 91%)     [TIME]
      Ok   1 of 2
    ----- stderr -----
    orders · 2 cases · python agents.my_agent:run
      ✓ a  [TIME]
      ✗ sorry  [TIME]  #2
          Ok: expected "The answer begins with ok"; found as I see it (score 0.1)
          warning: the answer has 'sorry' in it

    Results   .fluxloop/scenarios/orders/experiments/[EXPERIMENT]
    Again     keepstep test --failed     Why   keepstep results show 2
    "#);
    let judged = &orders.lines("trace_summary.jsonl")[0]["evaluation"]["criteria"][0];
    assert_eq!((&judged["score"], &judged["judge"]["model"]), (&json!(0.9), &json!("small-judge")));
    assert!(judged["judge"]["prompt"].as_str().unwrap().starts_with("keepstep-judge@"), "{judged}");
    let asked = || orders.project().files().iter().filter(|path| path.ends_with("asked")).count();
    assert_eq!(asked(), 1);
    for path in orders.project().files().into_iter().filter(|path| path.ends_with("asked")) {
        orders.project().remove(&path);
    }
    assert_eq!(orders.output(&["test", "--skip-upload"]).status.code(), Some(1));
    assert_eq!(asked(), 0, "recordings were there");
    // A repeat is another question, also where the agent said the same: a verdict that is copied says nothing about the judge.
    let recorded = orders.read("recordings/models.jsonl");
    assert_eq!(orders.output(&["test", "--skip-upload", "--record", "-i", "2"]).status.code(), Some(1));
    let path = orders.project().files().into_iter().find(|path| path.ends_with("asked")).unwrap();
    assert_eq!(orders.project().read(&path), "xx");
    let both = orders.read("recordings/models.jsonl");
    assert!(both.lines().count() == 4 && recorded.lines().all(|line| both.contains(line)), "{both}");
}

#[test]
fn a_run_whose_measure_has_changed_is_not_gone_on_with() {
    // Between the agent and keepstep is whoever started the agent.
    let orders = Orders::new(
        r#"
import os

def parent_and_name(process):
    name, _, rest = open(f"/proc/{process}/stat").read().partition("(")[2].rpartition(")")
    return int(rest.split()[1]), name

def run(input):
    if input == "b" and not os.path.exists("go"):
        process = os.getppid()
        while True:
            parent, name = parent_and_name(process)
            if name == "keepstep":
                os.kill(process, 9)
                break
            process = parent
    return "ok"
"#,
    );
    orders.inputs(&["a", "b"]);
    orders.file("criteria/own.yaml", "- contains: ok\n");
    let _ = orders.output(&["test", "--skip-upload"]);
    orders.project().file("go", "").file(".fluxloop/scenarios/orders/go", "");
    orders.file("criteria/own.yaml", "- contains: fine\n");
    insta::assert_snapshot!(orders.run(&["test", "--skip-upload", "--resume"]), @r"
    exit: 4
    ----- stderr -----
    error: the criteria have changed since [WORLD]/project/.fluxloop/scenarios/orders/experiments/[EXPERIMENT] began; resuming would mix results
    hint: `keepstep test` without `--resume` starts a new experiment
    ");
    orders.file("criteria/own.yaml", "- contains: ok\n");
    orders.simulation("runner:\n  target: \"agents.my_agent:run\"\n  timeout_seconds: 61\n");
    insta::assert_snapshot!(orders.run(&["test", "--skip-upload", "--resume", "--quiet"]), @r"
    exit: 4
    ----- stderr -----
    error: the configuration has changed since [WORLD]/project/.fluxloop/scenarios/orders/experiments/[EXPERIMENT] began; resuming would mix results
    hint: `keepstep test` without `--resume` starts a new experiment
    ");
    orders.simulation("runner:\n  target: \"agents.my_agent:run\"\n  timeout_seconds: 60\n");
    assert!(orders.output(&["test", "--skip-upload", "--resume"]).status.success());
    assert_eq!(orders.lines("trace_summary.jsonl").len(), 2);
}

#[test]
fn a_run_without_a_target_stops_and_can_be_taken_up_again() {
    let orders = Orders::new("");
    orders.inputs(&["a", "b", "c", "d", "e", "f", "g"]);
    orders.file("agent.sh", "#!/nowhere/sh\n");
    orders.simulation("runner: {type: process, command: [./agent.sh], working_directory: .fluxloop/scenarios/orders}\n");
    let chmod = std::process::Command::new("chmod")
        .arg("+x")
        .arg(orders.project().path().join(".fluxloop/scenarios/orders/agent.sh"))
        .status();
    assert!(chmod.unwrap().success());
    let output = orders.run(&["test", "--skip-upload", "--quiet"]);
    insta::assert_snapshot!(output, @"
    exit: 1
    ----- stdout -----
    0 passed of 7 · 5 crashed · 2 not run     0.0% (0 to 43%)     [TIME]
    ----- stderr -----
    warning: stopped: the agent was not reachable, 5 times in a row; `keepstep test --resume` runs what is left
    ");
    assert!(!orders.project().files().iter().any(|path| path.ends_with("summary.json")), "it has not ended");
    orders.file("agent.sh", "#!/bin/sh\necho '{\"success\": true, \"output\": \"fine\"}'\n");
    insta::assert_snapshot!(orders.run(&["test", "--skip-upload", "--quiet", "--resume"]), @"
    exit: 0
    ----- stdout -----
    7 passed of 7     100.0% (65 to 100%)     [TIME]
    ");
    assert_eq!(orders.lines("trace_summary.jsonl").len(), 7);
}

/// What the surfaces say about a run.
struct Said {
    code: Option<i32>,
    counts: Value,
    xml: String,
    warnings: Vec<String>,
    job: String,
}

fn said(orders: &Orders, more: &[&str]) -> Said {
    let (xml, job) = (orders.project().path().join("report.xml"), orders.project().path().join("job.md"));
    let _ = std::fs::remove_file(&job);
    let mut command = orders.command(&[&["test", "--skip-upload", "--json", "--junit", "report.xml"], more].concat());
    command.env("GITHUB_ACTIONS", "true").env("CI", "true").env("GITHUB_STEP_SUMMARY", &job);
    let output = command.output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let warnings = told.lines().filter(|line| line.starts_with("::warning")).map(str::to_owned).collect();
    Said {
        code: output.status.code(),
        counts: last["counts"].clone(),
        xml: std::fs::read_to_string(xml).unwrap(),
        warnings,
        job: std::fs::read_to_string(job).unwrap(),
    }
}

#[test]
fn what_was_not_judged_is_said_everywhere_and_never_passes_a_strict_run() {
    let orders = Orders::new(AGENT);
    orders.inputs(&["a"]);
    // Each has nobody who could judge it, for another reason; the last one is judged.
    for (criteria, path) in [
        ("- Be polite\n", "criteria/own.yaml"),
        ("- tool_called: lookup\n", "criteria/own.yaml"),
        ("- cost_at_most: 1\n", "criteria/own.yaml"),
        ("items:\n- {program: [\"true\"], name: Tone}\n", ".state/criteria/own.yaml"),
        ("items:\n- {kind_of_2030: x, name: Tone}\n", ".state/criteria/own.yaml"),
    ] {
        orders.file(path, criteria);
        let lax = said(&orders, &[]);
        assert_eq!(lax.code, Some(0), "{criteria}");
        assert_eq!((&lax.counts["not_judged"], &lax.counts["passed"], &lax.counts["failed"]), (&json!(1), &json!(0), &json!(0)));
        assert!(lax.xml.contains("failures=\"0\" errors=\"0\"") && lax.xml.contains("<skipped message="), "{}", lax.xml);
        assert!(lax.xml.contains("skipped=\"1\""), "{}", lax.xml);
        assert_eq!(lax.warnings.len(), 1, "{criteria}: {:?}", lax.warnings);
        assert!(lax.job.contains("⚠️ **0 of 1 cases passed**") && lax.job.contains("1 not judged"), "{}", lax.job);
        let strict = said(&orders, &["--strict"]);
        assert_eq!(strict.code, Some(1), "{criteria}");
        assert!(strict.xml.contains("failures=\"1\"") && strict.xml.contains("<failure type=\"not judged\""), "{}", strict.xml);
        orders.project().remove(&format!(".fluxloop/scenarios/orders/{path}"));
    }
    // Where every case is judged, strict changes nothing, and an optional criterion decides nothing.
    orders.file("criteria/own.yaml", "- contains: ok\n- {judge: Polite, required: false}\n");
    let strict = said(&orders, &["--strict"]);
    assert_eq!((strict.code, &strict.counts["passed"]), (Some(0), &json!(1)));
    // The settings of the workspace are as good as the flag.
    orders.file("criteria/own.yaml", "- Be polite\n");
    orders.project().file("keepstep.toml", "strict = true\n");
    assert_eq!(said(&orders, &[]).code, Some(1));
}

#[test]
fn a_judge_that_fails_is_no_verdict_and_fails_the_run() {
    let orders = Orders::new(AGENT);
    orders.inputs(&["a"]);
    orders.file("criteria/own.yaml", "- {program: [sh, -c, exit 3], name: Tone}\n");
    let failed = said(&orders, &[]);
    assert_eq!((failed.code, &failed.counts["not_judged"], &failed.counts["judge_failed"]), (Some(1), &json!(1), &json!(1)));
    assert!(failed.xml.contains("errors=\"1\"") && failed.xml.contains("<error type=\"not judged\""), "{}", failed.xml);
    assert!(failed.job.contains("❌"), "{}", failed.job);
}

#[test]
fn an_empty_answer_is_an_error_unless_somebody_says_that_it_is_an_answer() {
    let orders = Orders::new(
        r#"
class Nothing:
    def __str__(self): return ""
def nothing():
    return
    yield
async def later(): return None
VALUES = {"none": None, "empty": "", "blanks": " \t\n", "hidden": "\u200b\ufeff", "text": {"text": ""}, "events": nothing(),
          "later": later()}
def run(input): return VALUES[input]
"#,
    );
    orders.inputs(&["none", "empty", "blanks", "hidden", "text", "events", "later"]);
    let status = |more: &[&str]| {
        let output = orders.output(&[&["test", "--skip-upload", "--json"], more].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of = |event: &Value| {
            format!("{} {}", event["status"].as_str().unwrap(), event["problem"]["message"].as_str().unwrap_or(""))
        };
        events.iter().filter(|event| event["event"] == "case_finished").map(of).collect::<Vec<String>>()
    };
    assert_eq!(status(&[]), ["error empty answer"; 7]);
    for refuses in [
        "- {not_contains: sorry}\n",
        "- {latency_at_most: 60s}\n",
        "- {contains: x, required: false}\n",
        "- {equals: x, required: false}\n",
    ] {
        orders.file("criteria/own.yaml", refuses);
        assert_eq!(status(&["--smoke"]), ["error empty answer"], "{refuses}");
    }
    for accepts in
        ["- {equals: ''}\n", "- {regex: '^\\s*$'}\n", "- {program: ['true']}\n", "- {equals: '', when: {item: item-1}}\n"]
    {
        orders.file("criteria/own.yaml", accepts);
        assert_eq!(status(&["--smoke"]), ["passed "], "{accepts}");
    }
    orders.file("criteria/own.yaml", "- {equals: '', when: {item: item-1}}\n");
    assert_eq!(status(&[]).iter().filter(|status| *status == "passed ").count(), 1, "a criterion speaks for its cases only");
    orders.project().remove(".fluxloop/scenarios/orders/criteria/own.yaml");
    orders.simulation("runner: {target: \"agents.my_agent:run\"}\nallow_empty: true\n");
    assert_eq!(status(&[]), ["passed "; 7]);
}

#[test]
fn false_zero_and_empty_collections_are_answers() {
    let values =
        [("f", "False", "false"), ("z", "0", "0"), ("zf", "0.0", "0.0"), ("d", "{}", "{}"), ("l", "[]", "[]"), ("t", "()", "[]")];
    let python: String = values.iter().map(|(name, value, _)| format!("'{name}': {value}, ")).collect();
    let orders = Orders::new(&format!("VALUES = {{{python}}}\ndef run(input): return VALUES[input]\n"));
    let inputs: Vec<Value> = values.iter().map(|(name, _, text)| json!({"input": name, "metadata": {"text": text}})).collect();
    orders.file("inputs/generated.yaml", json!({ "inputs": inputs }).to_string());
    orders.file("criteria/own.yaml", "- {equals: {metadata: text}}\n");
    assert_eq!(orders.output(&["test", "--skip-upload"]).status.code(), Some(0), "{}", orders.run(&["results", "show"]));
}
