//! List, show and compare.

use keepstep_testkit::terminal::Terminal;
use serde_json::Value;

use super::{questions, test};

fn json(orders: &crate::test_command::Orders, arguments: &[&str]) -> Value {
    let output = orders.output(&[arguments, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Takes out durations, digests, dates and the column widths that follow from them.
fn steady(text: &str) -> String {
    let is_number = |word: &str| word.trim_end_matches("ms").trim_end_matches('s').parse::<f64>().is_ok();
    let word = |word: &str| match word {
        word if word.ends_with("ms") && is_number(word) => "[MS]".to_owned(),
        word if word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) => "[DIGEST]".to_owned(),
        word if word.len() == 10 && word.starts_with("20") && word.matches('-').count() == 2 => "[DATE]".to_owned(),
        word if word.len() == 8 && word.matches(':').count() == 2 => "[TIME]".to_owned(),
        word => word.to_owned(),
    };
    let lines = text.lines().filter(|line| !line.starts_with("p50") && !line.starts_with("p95"));
    lines.map(|line| line.split(' ').map(word).collect::<Vec<_>>().join(" ") + "\n").collect()
}

#[test]
fn f8_results_are_shown_and_nothing_is_run() {
    let orders = questions(3);
    insta::assert_snapshot!(orders.run(&["results", "list"]), @r"
    exit: 0
    ----- stderr -----
    the scenario has no results yet
    hint: `keepstep test` creates results
    ");
    insta::assert_snapshot!(orders.run(&["results", "show"]), @r"
    exit: 3
    ----- stderr -----
    error: orders has no results yet
    hint: `keepstep test` creates results
    ");
    test(&orders, "one 2");
    let files = orders.project().files();
    insta::assert_snapshot!(steady(&orders.run(&["results", "show", "--verbose"])), @r#"
    exit: 0
    ----- stdout -----
    [EXPERIMENT]  not uploaded
    2 of 3 cases passed, 66.7% (95% interval 20.8% to 93.9%), 1 crashed
    Began          [DATE] [TIME]
    Took           [TIME]
    Per case       [MS] (p50), [MS] (p95)
    Tokens         14
    Cost           $0.0200
    Scenario       orders
    Bundle version bv_0001
    Target         python agents.my_agent:run
    Configuration  cc8d13d9a485
    Folder         [WORLD]/project/.fluxloop/scenarios/orders/experiments/[EXPERIMENT]

    Not passed
      ✗ question 2  error  [MS]  item-2
        ValueError: boom question 2   agents/my_agent.py:5 in run
        traceback:
            File "[WORLD]/project/.fluxloop/scenarios/orders/agents/my_agent.py", line 5, in run
              if input.split()[-1] in says[1:]: raise ValueError("boom " + input)
                                                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          ValueError: boom question 2
        user: question 2
    "#);
    let listed = json(&orders, &["results", "list"]);
    let first = &listed["results"][0];
    assert_eq!((&first["cases"], &first["counts"]["passed"]), (&Value::from(3), &Value::from(2)));
    assert_eq!((&first["counts"]["cost_usd"], &first["state"]), (&Value::from(0.02), &Value::from("not_uploaded")));
    assert_eq!(first["provenance"]["bundle_version_id"], "bv_0001");
    assert!(first["interval"]["low"].as_f64().unwrap() < 0.3);
    let one = json(&orders, &["results", "show", "--case", "item-1"]);
    assert_eq!(one["shown"][0]["turns"][1]["content"], "answer one for question 1");
    assert_eq!(orders.output(&["results", "show", "--case", "item-9"]).status.code(), Some(3));
    assert_eq!(orders.output(&["results", "show", "nothing"]).status.code(), Some(3));
    assert_eq!(orders.project().files(), files);
}

#[test]
fn names_are_resolved_and_incomplete_runs_are_passed_over() {
    let orders = questions(2);
    test(&orders, "one");
    test(&orders, "two");
    let names = orders.experiments();
    let id = |name: &str| json(&orders, &["results", "show", name])["id"].as_str().unwrap().to_owned();
    assert_eq!((id("latest"), id("latest~1")), (names[1].clone(), names[0].clone()));
    assert_eq!(id(&names[0]), names[0]);
    assert_eq!(id(&format!("experiments/{}", names[0])), names[0], "below the scenario, as for an upload");
    assert_eq!(id("experiments/latest"), names[1]);
    assert_eq!(orders.output(&["results", "show", "exp_"]).status.code(), Some(2), "it may be either");
    assert_eq!(orders.output(&["results", "show", "latest~2"]).status.code(), Some(3));
    let summary = format!(".fluxloop/scenarios/orders/experiments/{}/summary.json", names[1]);
    std::fs::remove_file(orders.project().path().join(summary)).unwrap();
    assert_eq!(id("latest"), names[0]);
    assert_eq!(json(&orders, &["results", "list"])["results"][0]["state"], "incomplete");
    assert_eq!(json(&orders, &["results", "show", &names[1]])["counts"]["passed"], 2, "what it ran is shown");
    let baseline = orders.output(&["results", "baseline", "main", &names[1]]);
    assert_eq!(baseline.status.code(), Some(5), "half a run says nothing");
}

#[test]
fn a_list_fits_a_terminal_and_its_numbers_and_short_names_are_taken() {
    let orders = questions(12);
    test(&orders, "one 2");
    test(&orders, "one");
    let terminal = |arguments: &[&str]| {
        let screen = Terminal::new(80, 24).run(orders.command(arguments));
        screen.assert_readable();
        screen.lines()
    };
    let lines = terminal(&["results", "list"]);
    let heading = lines[0].split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(heading, "EXPERIMENT WHEN PASSED TOOK PERSONA COMMIT");
    let row: Vec<&str> = lines[1].split_whitespace().collect();
    let (number, short) = (row[0], row[1]);
    assert!(
        number == "1"
            && short.starts_with('…')
            && (lines[1].contains("just now") || lines[1].contains("min ago"))
            && lines[1].contains("12/12  100.0%"),
        "{lines:?}"
    );
    assert!(lines[1].ends_with("not uploaded") && lines[3].starts_with("orders · keepstep results compare 2 1"), "{lines:?}");
    let names = orders.experiments();
    let id = |name: &str| json(&orders, &["results", "show", name])["id"].as_str().unwrap().to_owned();
    for named in ["1", short, short.trim_start_matches('…'), "latest"] {
        assert_eq!(id(named), names[1], "{named}");
    }
    assert_eq!((id("2"), id("latest~1")), (names[0].clone(), names[0].clone()));
    let one = json(&orders, &["results", "show", "item-11"]);
    assert_eq!((one["shown"].as_array().unwrap().len(), &one["shown"][0]["input"]), (1, &Value::from("question 11")));
    assert_eq!(json(&orders, &["results", "show", "#1"])["shown"][0]["case"], "item-1", "item-11 does not end with that number");
    let wide = orders.run(&["results", "list", "--wide"]);
    assert!(wide.contains("[EXPERIMENT]") && wide.contains("BUNDLE VERSION") && wide.contains("bv_0001"), "{wide}");
    let short = terminal(&["test", "results"]);
    assert!(short.len() < 24 && !short.join("\n").contains("FluxLoop"), "{short:?}");
}

#[test]
fn experiments_without_a_common_input_are_said_not_to_be_comparable() {
    let orders = questions(1);
    test(&orders, "one");
    orders.file(".state/sync.json", r#"{"bundle_version_id": "bv_0002", "project_id": "p-1"}"#);
    orders.inputs(&["other 1", "other 2", "other 3"]);
    orders.simulation("runner:\n  target: \"agents.my_agent:run\"\n  timeout_seconds: 61\n");
    test(&orders, "one 2");
    insta::assert_snapshot!(orders.run(&["results", "compare", "2", "1"]), @"
    exit: 0
    ----- stdout -----
    [SHORT] → [SHORT]   not comparable: no input is in both
      configuration   changed
      bundle version  bv_0001 (1 input) → bv_0002 (3 inputs)

    New inputs: 3 cases, of which 1 did not pass   --new lists them
    Inputs that are gone: 1 case, of which 0 did not pass   --new lists them
    ");
    let listed = orders.run(&["results", "compare", "2", "1", "--new"]);
    assert!(listed.contains("Only in the newer experiment (3)") && listed.contains("other 2  error"), "{listed}");
    let document = json(&orders, &["results", "compare", "2", "1"]);
    assert_eq!((&document["counts"]["new"], &document["counts"]["gone"]), (&Value::from(3), &Value::from(1)));
    assert_eq!(document["new"].as_array().unwrap().len(), 3);
}

#[test]
fn only_what_changed_is_shown() {
    let orders = questions(4);
    test(&orders, "one 4");
    orders.simulation("runner:\n  target: \"agents.my_agent:run\"\n  timeout_seconds: 61\n");
    test(&orders, "one 1");
    let text = steady(&orders.run(&["results", "compare", "latest~1", "latest"]));
    let text: Vec<&str> = text.lines().filter(|line| !line.contains("the configuration is not the same")).collect();
    insta::assert_snapshot!(text.join("\n"), @"
    exit: 0
    ----- stdout -----
    [SHORT] → [SHORT]
      configuration   changed
    1 of 4 cases worse, 1 better; p = 1.000: may well be chance
    Pass rate  75.0% → 75.0%  +0.0 points
    Tokens     21 → 21  +0.0%
    Cost       $0.0300 → $0.0300  +0.0%

    Worse (1)
      ✗ question 1  passed → error  item-1
        ValueError: boom question 1   agents/my_agent.py:5 in run
        - answer one for question 1

    Better (1)
      ✓ question 4  error → passed  item-4
        + answer one for question 4
    ");
    let compared = json(&orders, &["results", "compare", "latest~1", "latest"]);
    assert_eq!(compared["differences"][0]["what"], "configuration");
    assert_eq!((&compared["p_value"], &compared["significant"]), (&Value::from(1.0), &Value::from(false)));
    assert_eq!(compared["worse"][0]["output_before"], "answer one for question 1");
    test(&orders, "two 1");
    let other = json(&orders, &["results", "compare", "latest~1", "latest"]);
    assert_eq!((&other["counts"]["answers"], &other["counts"]["worse"]), (&Value::from(3), &Value::from(0)));
    let answers = other["answers"].as_array().unwrap();
    assert_eq!((answers.len(), &answers[0]["output_after"]), (3, &Value::from("answer two for question 2")));
    let shown = orders.run(&["results", "compare", "latest~1", "latest", "--answers"]);
    assert!(shown.contains("    - answer one for question 2\n    + answer two for question 2\n"), "{shown}");
}

#[test]
fn runs_of_both_peers_are_read_and_compared() {
    let orders = questions(1);
    let line = |id: &str, input: &str, output: &str| {
        format!(
            r#"{{"trace_id": "{id}", "iteration": 0, "persona": null, "input": "{input}", "output": "{output}", "duration_ms": 7.9, "success": true}}"#
        ) + "\n"
    };
    let folder = "experiments/exp_20261121_232826";
    let lines = line("0f22bbd9-b3a6-407d-b432-abb7d215331f", "a", "old") + "{broken\n";
    orders.file(&format!("{folder}/trace_summary.jsonl"), lines + &line("3c3516b3-cac9-47fa-9224-3840f48fcc74", "b", "same"));
    orders.file(
        &format!("{folder}/summary.json"),
        r#"{"name": "e", "date": "2026-11-21T23:28:26.6", "config": {"runner": {"target": "m:f"}}, "results": {"total_runs": 3, "successful": 2, "failed": 1, "duration_seconds": 1.5}}"#,
    );
    orders.file(&format!("{folder}/errors.json"), r#"[{"iteration": 0, "persona": null, "input": "c", "error": "boom"}]"#);
    let newer = ".fluxloop/results/orders-20261122-000000";
    let run = |input: &str, output: &str| {
        format!(
            r#"{{"run_id": "", "iteration": 0, "input": "{input}", "output": "{output}", "success": true, "duration_ms": 5}}"#
        ) + "\n"
    };
    let project = orders.project();
    project.file(&format!("{newer}/trace_summary.jsonl"), run("a", "new") + &run("b", "same") + &run("c", "good"));
    project.file(
        &format!("{newer}/summary.json"),
        r#"{"experiment_name":"orders","total_runs":3,"success_count":3,"failure_count":0,"total_duration_ms":15,"total_tokens":7,"created_at":"2026-11-22T00:00:00+00:00"}"#,
    );
    let listed = json(&orders, &["results", "list"]);
    assert_eq!(listed["results"][0]["id"], "orders-20261122-000000");
    assert_eq!(
        (&listed["results"][0]["counts"]["passed"], &listed["results"][1]["counts"]["failed"]),
        (&Value::from(3), &Value::from(1))
    );
    let compared = orders.run(&["results", "compare", "exp_20261121", "latest", "--answers"]);
    assert!(compared.contains("0 of 3 cases worse, 1 better"), "{compared}");
    assert!(compared.contains("warning: 1 line of"), "{compared}");
    assert!(compared.contains("    - old\n    + new"), "{compared}");
}
