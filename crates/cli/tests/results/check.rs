//! Baselines and the gate.

use serde_json::Value;

use super::{questions, test};

const CHECK: [&str; 5] = ["results", "check", "--baseline", "main", "--fail-on-regression"];

#[test]
fn a_gate_fails_for_a_real_drop_and_not_for_one_case() {
    let orders = questions(30);
    test(&orders, "one 7");
    insta::assert_snapshot!(orders.run(&CHECK), @r"
    exit: 3
    ----- stderr -----
    error: orders has no baseline main
    hint: `keepstep results baseline main` makes one of the last run
    ");
    let made = orders.run(&["results", "baseline", "main"]);
    assert!(made.contains("29 of 30 cases, 96.7%"), "{made}");
    let text = orders.read("baselines/main.json");
    assert!(text.contains(r#"{"case":"item-7","input":""#) && !text.contains("question"), "{text}");
    assert!(orders.run(&["results", "baseline", "main"]).contains("main is already"));
    assert_eq!(orders.read("baselines/main.json"), text);

    test(&orders, "one 8");
    insta::assert_snapshot!(orders.run(&CHECK), @r"
    exit: 0
    ----- stdout -----
    [EXPERIMENT] against main ([EXPERIMENT]
    ✓ pass rate 96.7% → 96.7%: 1 of 30 cases worse, 1 better; 0.0% allowed
    no regression
    ");
    test(&orders, "one 1 2 3 4 5 6 8 9");
    insta::assert_snapshot!(orders.run(&[&CHECK[..], &["--max-drop", "2%"]].concat()), @r"
    exit: 1
    ----- stdout -----
    [EXPERIMENT] against main ([EXPERIMENT]
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
    insta::assert_snapshot!(orders.run(&CHECK), @r"
    exit: 5
    ----- stdout -----
    [EXPERIMENT] against main ([EXPERIMENT]
    ? pass rate 100.0% → 100.0%: 0 of 3 cases worse, 0 better; 3 common cases are too few: not even if all of them failed could that be told from chance
    undecided: this run cannot be told from the baseline, nor be said to be as good
    ");
    orders.inputs(&["other 1", "other 2"]);
    test(&orders, "one");
    let nothing = orders.output(&CHECK);
    assert_eq!(nothing.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&nothing.stdout).contains("no case is in both the baseline and this run"));
    for name in ["../main", "", "a b", ".hidden"] {
        assert_eq!(orders.output(&["results", "baseline", name]).status.code(), Some(2), "{name:?}");
    }
    orders.file("baselines/main.json", "{");
    assert_eq!(orders.output(&CHECK).status.code(), Some(2));
}
