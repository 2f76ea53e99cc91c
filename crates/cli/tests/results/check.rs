//! Baselines and the gate.

use serde_json::Value;

use super::{questions, test};

const CHECK: [&str; 5] = ["results", "check", "--baseline", "main", "--fail-on-regression"];

#[test]
fn a_gate_fails_for_a_real_drop_and_not_for_one_case() {
    let orders = questions(30);
    test(&orders, "one 7");
    insta::assert_snapshot!(orders.run(&CHECK), @"
    exit: 3
    ----- stderr -----
    error: orders has no baseline main
    hint: `keepstep results baseline main` creates one from the last experiment
    ");
    let made = orders.run(&["results", "baseline", "main"]);
    assert!(made.contains("29 of 30 cases, 96.7%"), "{made}");
    let text = orders.read("baselines/main.json");
    assert!(text.contains(r#"{"case":"item-7","input":""#) && !text.contains("question"), "{text}");
    assert!(orders.run(&["results", "baseline", "main"]).contains("main is already"));
    assert_eq!(orders.read("baselines/main.json"), text);

    test(&orders, "one 8");
    insta::assert_snapshot!(orders.run(&CHECK), @"
    exit: 0
    ----- stdout -----
    [EXPERIMENT] against main ([EXPERIMENT]

    Worse (1)
      ✗ question 8  passed → error  item-8
        ValueError: boom question 8   agents/my_agent.py:5 in run

    Better (1)
      ✓ question 7  failed → passed  item-7

    ✓ pass rate 96.7% → 96.7%: 1 of 30 cases worse, 1 better; 0.0% allowed
    no regression
    ");
    test(&orders, "one 1 2 3 4 5 6 8 9");
    insta::assert_snapshot!(orders.run(&[&CHECK[..], &["--max-drop", "2%"]].concat()), @"
    exit: 1
    ----- stdout -----
    [EXPERIMENT] against main ([EXPERIMENT]

    Worse (8)
      ✗ question 1  passed → error  item-1
        ValueError: boom question 1   agents/my_agent.py:5 in run
      ✗ question 2  passed → error  item-2
        ValueError: boom question 2   agents/my_agent.py:5 in run
      ✗ question 3  passed → error  item-3
        ValueError: boom question 3   agents/my_agent.py:5 in run
      ✗ question 4  passed → error  item-4
        ValueError: boom question 4   agents/my_agent.py:5 in run
      ✗ question 5  passed → error  item-5
        ValueError: boom question 5   agents/my_agent.py:5 in run
      ✗ question 6  passed → error  item-6
        ValueError: boom question 6   agents/my_agent.py:5 in run
      ✗ question 8  passed → error  item-8
        ValueError: boom question 8   agents/my_agent.py:5 in run
      ✗ question 9  passed → error  item-9
        ValueError: boom question 9   agents/my_agent.py:5 in run

    Better (1)
      ✓ question 7  failed → passed  item-7

    ✗ pass rate 96.7% → 73.3%: 8 of 30 cases worse, 1 better; 2.0% allowed; p = 0.033: unlikely to be chance
    regression
    ");
    let report = orders.output(&["results", "check", "--baseline", "latest~1", "--json"]);
    assert_eq!(report.status.code(), Some(0), "without the flag it is only a report");
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!((&report["schema"], &report["verdict"]), (&Value::from("keepstep.results.check/1"), &Value::from("regression")));
}

#[test]
fn what_cannot_be_decided_does_not_pass() {
    let orders = questions(3);
    test(&orders, "one");
    assert!(orders.output(&["results", "baseline", "main"]).status.success());
    insta::assert_snapshot!(orders.run(&CHECK), @"
    exit: 5
    ----- stdout -----
    [EXPERIMENT] against main ([EXPERIMENT]
    ? pass rate 100.0% → 100.0%: 0 of 3 cases worse, 0 better; 3 common cases are too few: even if all of them failed, that could be chance
    undecided: the results show neither a regression nor its absence
    ");
    orders.inputs(&["other 1", "other 2"]);
    test(&orders, "one");
    let nothing = orders.output(&CHECK);
    assert_eq!(nothing.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&nothing.stdout).contains("the baseline and this experiment have no case in common"));
    for name in ["../main", "", "a b", ".hidden"] {
        assert_eq!(orders.output(&["results", "baseline", name]).status.code(), Some(2), "{name:?}");
    }
    orders.file("baselines/main.json", "{");
    assert_eq!(orders.output(&CHECK).status.code(), Some(2));
}

/// Returns the exit code of a check of the last run, and its document.
fn checked(orders: &crate::test_command::Orders, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = orders.output(&[&["results", "check", "--baseline", "main", "--json"], arguments].concat());
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn new_failures_are_listed_and_counted_whatever_chance_says() {
    let orders = questions(30);
    test(&orders, "one 7 8");
    assert!(orders.output(&["results", "baseline", "main"]).status.success());
    test(&orders, "one 1 2");
    insta::assert_snapshot!(orders.run(&[&CHECK[..], &["--max-new-failures", "1", "--limit", "1"]].concat()), @"
    exit: 1
    ----- stdout -----
    [EXPERIMENT] against main ([EXPERIMENT]

    Worse (2)
      ✗ question 1  passed → error  item-1
        ValueError: boom question 1   agents/my_agent.py:5 in run
      … and 1 more (--limit)

    Better (2)
      ✓ question 7  failed → passed  item-7
      … and 1 more (--limit)

    ✓ pass rate 93.3% → 93.3%: 2 of 30 cases worse, 2 better; 0.0% allowed
    ✗ 2 new failures; 1 allowed
    regression
    ");
    let (code, report) = checked(&orders, &["--max-new-failures", "1"]);
    assert_eq!(code, Some(1), "the limit is a gate of its own");
    let cases = |list: &str| report[list].as_array().unwrap().iter().map(|case| case["case"].clone()).collect::<Vec<_>>();
    assert_eq!(
        (cases("worse"), cases("better")),
        (vec!["item-1".into(), "item-2".into()], vec!["item-7".into(), "item-8".into()])
    );
    assert_eq!(report["worse"][0]["problem_after"], "ValueError: boom question 1");
    for (arguments, wanted) in [(&["--max-new-failures", "2"][..], 0), (&["--fail-on-regression"], 0), (&[], 0)] {
        assert_eq!(checked(&orders, arguments).0, Some(wanted), "{arguments:?}");
    }
}

#[test]
fn few_cases_that_all_pass_are_enough_where_new_failures_are_counted() {
    let orders = questions(3);
    test(&orders, "one");
    assert!(orders.output(&["results", "baseline", "main"]).status.success());
    let gate = ["--fail-on-regression", "--max-new-failures", "0"];
    assert_eq!(checked(&orders, &gate).0, Some(0));
    test(&orders, "one 3");
    assert_eq!(checked(&orders, &gate).0, Some(1));
    assert_eq!(checked(&orders, &gate[..1]).0, Some(5), "statistics alone cannot tell");
    orders.inputs(&["other 1", "other 2"]);
    test(&orders, "one");
    assert_eq!(checked(&orders, &gate).0, Some(5), "nothing in common is not good");
}
