//! What people and programs see.

use serde_json::Value;

use super::{AGENT, Orders};

#[test]
fn a_person_sees_each_case_and_a_sum() {
    let orders = Orders::new(AGENT);
    orders.inputs(&["Where is my order?", "boom", "sorry"]);
    insta::assert_snapshot!(orders.run(&["test", "--skip-upload"]), @"
    exit: 1
    ----- stdout -----
    2 passed of 3 · 1 crashed     66.7% (21 to 94%)     [TIME]
    ----- stderr -----
    orders · 3 cases · python agents.my_agent:run
      ✓ Where is my order?  [TIME]
      ✗ boom  [TIME]  #2
          ValueError: boom  agents/my_agent.py:4 in run
      ✓ sorry  [TIME]
          warning: the answer has 'sorry' in it

    Results   .fluxloop/scenarios/orders/experiments/[EXPERIMENT]
    Again     keepstep test --failed     Why   keepstep results show 2
    ");
    insta::assert_snapshot!(orders.run(&["test", "--skip-upload", "--quiet", "--smoke"]), @"
    exit: 0
    ----- stdout -----
    1 passed of 1     [TIME]
    ");
    insta::assert_snapshot!(orders.run(&["test", "--skip-upload", "--stream", "--smoke"]), @"
    exit: 0
    ----- stdout -----
    1 passed of 1     [TIME]
    ----- stderr -----
    orders · 1 case · python agents.my_agent:run
        user: Where is my order?
        assistant: ok: Where is my order?
      ✓ Where is my order?  [TIME]

    Results   .fluxloop/scenarios/orders/experiments/[EXPERIMENT]
    ");
}

#[test]
fn hostile_output_does_not_reach_the_terminal() {
    let orders = Orders::new("def run(input):\n    raise ValueError('\\x1b[2Jgone \\u202e')\n");
    orders.inputs(&["\u{1b}]0;title\u{7}"]);
    let output = orders.output(&["test", "--skip-upload"]);
    for bytes in [output.stdout, output.stderr] {
        assert!(!String::from_utf8(bytes).unwrap().contains(['\u{1b}', '\u{7}', '\u{202e}']));
    }
}

#[test]
fn a_program_gets_one_event_a_line() {
    let orders = Orders::new(AGENT);
    orders.inputs(&["a", "boom"]);
    let output = orders.output(&["test", "--skip-upload", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["run_started", "case_started", "turn", "turn", "case_finished", "case_started", "turn", "case_finished", "run_finished"]
    );
    assert!(events.iter().all(|event| event["schema"] == "keepstep.test/1"));
    assert_eq!((&events[4]["status"], &events[4]["case"]), (&Value::from("passed"), &Value::from("item-1")));
    assert_eq!(
        (&events[7]["status"], &events[7]["problem"]["message"]),
        (&Value::from("error"), &Value::from("ValueError: boom"))
    );
    assert_eq!(events[8]["counts"]["passed"], 1);
}

#[test]
fn junit_has_every_case() {
    let orders = Orders::new(AGENT);
    orders.inputs(&["a", "boom", "b"]);
    assert_eq!(orders.output(&["test", "--skip-upload", "--fail-fast", "--junit", "out/report.xml"]).status.code(), Some(1));
    let xml = orders.project().read("out/report.xml");
    let lines: Vec<String> = orders
        .filtered(&xml)
        .lines()
        .filter(|line| line.contains("<test") || line.contains("<error") || line.contains("<skipped"))
        .map(|line| line.split(" time=").next().unwrap().split(" timestamp=").next().unwrap().to_owned())
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    <testsuites name="keepstep" tests="3" failures="0" errors="1"
      <testsuite name="orders"
        <testcase classname="orders" name="item-1"
        <testcase classname="orders" name="item-2"
          <error type="ValueError" message="ValueError: boom">ValueError: boom
        <testcase classname="orders" name="item-3"
          <skipped message="the experiment ended early"/>
    "#);
}
