use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use keepstep_results::criterion::{Criterion, Source};
use keepstep_results::status::Status;
use keepstep_results::turn::Turn;

/// A case whose agent has answered.
fn case(answer: &str) -> Finished {
    let turn = |sequence: i64, role: &str, content: &str, duration_ms| Turn {
        run_id: "r".into(),
        turn_id: format!("r-t{sequence}"),
        sequence,
        role: role.into(),
        content: content.into(),
        timestamp: Some("2026-01-02T03:04:05.000000+00:00".into()),
        duration_ms,
        warnings: Vec::new(),
    };
    let turns = [
        turn(1, "user", "Where?", None),
        turn(2, "assistant", "When did you order?", Some(1500.0)),
        turn(3, "user", "Monday", None),
        turn(4, "assistant", answer, Some(300.0)),
    ];
    let finished = json!({
        "case": "item-1#2", "index": 1, "run_id": "r", "iteration": 1, "status": "error", "attempts": 1, "persona": "novice",
        "item_id": "item-1", "input": "Where?", "output": answer, "duration_ms": 1800.0, "turns": turns,
        "metadata": {"category": "happy", "expected": "It is on its way.", "number": 1},
    });
    serde_json::from_value(finished).unwrap()
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn judging(folder: &Path, model: Option<Arc<Model>>) -> Judging {
    let environment = std::env::vars().collect();
    let surroundings = Surroundings { current: folder.to_owned(), environment, ..Surroundings::default() };
    Judging::new(Criteria::load(folder).unwrap_or_else(|error| panic!("{error}")), model, surroundings)
}

/// Returns what criteria say about a case, each in a line.
fn said(yaml: &str, case: &Finished) -> String {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "criteria/own.yaml", yaml);
    let judgment = wait(judging(folder.path(), None).judge(case));
    let line = |judged: &Judged| format!("{}: {}; found {}\n", judged.verdict.words(), judged.expected, judged.found);
    judgment.criteria.iter().map(line).collect()
}

#[test]
fn each_kind_says_what_it_expected_and_what_it_found() {
    let mut case = case("Your order 1234 is on its way, sorry.");
    case.tool_calls = Some(json!([
        {"name": "lookup", "arguments": {"id": 1234, "deep": {"a": 1, "b": 2}}},
        {"type": "function", "function": {"name": "notify", "arguments": "{\"to\": \"x\"}"}},
    ]));
    case.token_usage = Some(json!({"input_tokens": 1000, "output_tokens": 500}));
    insta::assert_snapshot!(said(
        r#"
- contains: [order, "1234"]
- contains: [order, arrived]
- contains: ORDER
  ignore_case: true
- contains_any: [arrived, on its way]
- not_contains: sorry
- not_contains: {}
"#.trim_end_matches("- not_contains: {}\n"),
        &case
    ), @r#"
    passed: the answer to contain "order" and "1234"; found "Your order 1234 is on its way, sorry."
    failed: the answer to contain "order" and "arrived"; found no "arrived" in "Your order 1234 is on its way, sorry."
    passed: the answer to contain "ORDER"; found "Your order 1234 is on its way, sorry."
    passed: the answer to contain "arrived" or "on its way"; found "Your order 1234 is on its way, sorry."
    failed: the answer not to contain "sorry"; found "sorry" in "Your order 1234 is on its way, sorry."
    "#);
    insta::assert_snapshot!(said(
        r#"
- {regex: 'order \d{4}'}
- {regex: 'When did', of: conversation}
- {not_regex: 'SORRY', ignore_case: true}
- {equals: 'Your order 1234 is on its way, sorry. '}
- {equals: {metadata: expected}}
- {equals: {metadata: absent}}
- {similar: 'Your order 1235 is on its way.', at_least: 0.8}
- {similar: {to: {metadata: expected}, at_least: 0.9}}
- {json_schema: {type: object}}
- {latency_at_most: 1s}
- {latency_at_most: 2s}
- {tokens_at_most: 1500}
- {cost_at_most: 0.0004, per_million: {input: 0.1, output: 0.5}}
- {cost_at_most: 1}
"#,
        &case
    ), @r#"
    passed: the answer to match /order \d{4}/; found "order 1234" in "Your order 1234 is on its way, sorry."
    passed: all answers to match /When did/; found "When did" in "When did you order?\nYour order 1234 is on its way, sorry."
    failed: the answer not to match /SORRY/; found "sorry" in "Your order 1234 is on its way, sorry."
    passed: the answer to be "Your order 1234 is on its way, sorry. "; found "Your order 1234 is on its way, sorry."
    failed: the answer to be the input's expected; found "Your order 1234 is on its way, sorry."
    not applicable: the answer to be the input's absent; found the input has no absent in its metadata
    passed: the answer to be at least 80% like "Your order 1235 is on its way."; found 86% in "Your order 1234 is on its way, sorry."
    failed: the answer to be at least 90% like the input's expected; found 55% in "Your order 1234 is on its way, sorry."
    failed: the answer to be JSON that fits the schema; found no JSON (expected value at line 1 column 1): "Your order 1234 is on its way, sorry."
    failed: every answer within 1s; found 1.500s
    passed: every answer within 2s; found 1.500s
    passed: at most 1500 tokens; found 1500 tokens
    passed: a cost of at most $0.0004; found $0.00035
    not judged: a cost of at most $1; found the target did not report its cost, and the criterion does not set `per_million`
    "#);
    insta::assert_snapshot!(said(
        r#"
- {tool_called: lookup}
- {tool_called: {name: lookup, arguments: {id: 1234, deep: {b: 2}}}}
- {tool_called: {name: notify, arguments: {to: y}}}
- {tool_not_called: refund}
- {tool_not_called: notify}
"#,
        &case
    ), @r#"
    passed: a call of lookup; found calls: lookup {"id":1234,"deep":{"a":1,"b":2}}, notify {"to":"x"}
    passed: a call of lookup with {"id":1234,"deep":{"b":2}}; found calls: lookup {"id":1234,"deep":{"a":1,"b":2}}, notify {"to":"x"}
    failed: a call of notify with {"to":"y"}; found calls: lookup {"id":1234,"deep":{"a":1,"b":2}}, notify {"to":"x"}
    passed: no call of refund; found calls: lookup {"id":1234,"deep":{"a":1,"b":2}}, notify {"to":"x"}
    failed: no call of notify; found calls: lookup {"id":1234,"deep":{"a":1,"b":2}}, notify {"to":"x"}
    "#);
}

#[test]
fn calls_that_the_sdk_noted_count_where_the_agent_tells_none() {
    let mut case = case("fine");
    case.observations = vec![
        json!({"type": "agent", "name": "lookup", "input": {}}),
        json!({"type": "tool", "name": "lookup", "input": {"id": 7, "deep": true}, "output": {"found": true}}),
    ];
    let criteria =
        "- {tool_called: {name: lookup, arguments: {id: 7}}}\n- {tool_not_called: lookup}\n- {tool_not_called: refund}\n";
    insta::assert_snapshot!(said(criteria, &case), @r#"
    passed: a call of lookup with {"id":7}; found calls: lookup {"id":7,"deep":true}
    failed: no call of lookup; found calls: lookup {"id":7,"deep":true}
    passed: no call of refund; found calls: lookup {"id":7,"deep":true}
    "#);
    case.observations.truncate(1);
    insta::assert_snapshot!(said("- {tool_called: lookup}\n", &case), @"failed: a call of lookup; found no call of any tool");
    case.tool_calls = Some(json!(["lookup"]));
    insta::assert_snapshot!(said("- {tool_called: lookup}\n", &case), @"passed: a call of lookup; found calls: lookup");
}

#[test]
fn what_has_nothing_to_look_at_is_not_applicable_and_says_why() {
    insta::assert_snapshot!(said(
        r#"
- {tool_called: lookup}
- {tool_not_called: lookup}
- {tokens_at_most: 1}
- {cost_at_most: 1}
- Be polite
- {contains: x, when: {persona: expert}}
- {contains: x, when: {item: [item-2, item-3]}}
- {contains: x, when: {category: sad}}
- {contains: fine, when: {item: item-1, persona: novice, category: happy, number: 1}}
"#,
        &case("fine")
    ), @r#"
    not judged: a call of lookup; found the target did not report its tool calls
    not judged: no call of lookup; found the target did not report its tool calls
    not judged: at most 1 tokens; found the target did not report its token usage
    not judged: a cost of at most $1; found the target did not report its token usage
    not judged: "Be polite"; found no model is set as judge: the section `judge` of the configuration names one
    not applicable: the answer to contain "x"; found it is for cases whose persona is "expert"
    not applicable: the answer to contain "x"; found it is for cases whose item is ["item-2","item-3"]
    not applicable: the answer to contain "x"; found it is for cases whose category is "sad"
    passed: the answer to contain "fine"; found "fine"
    "#);
}

#[test]
fn a_schema_names_the_faults_and_never_leaves_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "schemas/answer.json",
        r#"{"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}"#,
    );
    write(folder.path(), "criteria/own.yaml", "- json_schema: schemas/answer.json\n");
    let judging = judging(folder.path(), None);
    let found = |answer: &str| wait(judging.judge(&case(answer))).criteria[0].found.clone();
    assert_eq!(found(r#"{"id": 1}"#), r#""{\"id\": 1}""#);
    assert_eq!(found(r#"{"id": "x"}"#), r#""x" is not of type "integer" at /id"#);
    assert_eq!(found("{}"), r#""id" is a required property"#);
    write(folder.path(), "criteria/own.yaml", "- json_schema: {$ref: 'http://127.0.0.1:9/schema.json'}\n");
    let error = Criteria::load(folder.path()).unwrap_err().to_string();
    assert!(error.contains("criterion 1: ") && error.contains("json_schema is not a valid schema"), "{error}");
}

#[test]
fn a_mistake_in_a_persons_own_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut said = String::new();
    for text in [
        "items: none\n",
        "- contians: x\n",
        "- {contains: x, regex: y}\n",
        "- {regex: '(', name: open}\n",
        "- {similar: x, at_least: 80}\n",
        "- {description: be kind, at_least: often}\n",
        "- program: sh -c true\n",
        "- program: []\n",
        "- {name: '', weight: -1}\n",
        "- {contains: x, weight: -1}\n",
        "- json_schema: {type: nothing}\n",
        "- json_schema: absent.json\n",
        "items:\n\t- x\n",
        "threshold: 3\nitems: [x]\n",
        "- {latency_at_most: soon}\n",
    ] {
        write(folder.path(), "criteria/own.yaml", text);
        let error = Criteria::load(folder.path()).unwrap_err().to_string();
        said += &error.replace(&*folder.path().to_string_lossy(), "[SCENARIO]");
        said += "\n";
    }
    insta::assert_snapshot!(said, @r#"
    [SCENARIO]/criteria/own.yaml has no criteria: it must have `items:` with a list below it, or be a list
    [SCENARIO]/criteria/own.yaml: criterion 1: has an unknown key: contians; did you mean contains?
    [SCENARIO]/criteria/own.yaml: criterion 1: has more than one kind: contains, regex
    [SCENARIO]/criteria/own.yaml: criterion 1: regex is not a valid regular expression: unclosed group
    [SCENARIO]/criteria/own.yaml: criterion 1: at_least must be a number from 0 to 1
    [SCENARIO]/criteria/own.yaml: criterion 1: at_least must be a number from 0 to 1
    [SCENARIO]/criteria/own.yaml: criterion 1: program must be a list: the program and its arguments; it is never given to a shell
    [SCENARIO]/criteria/own.yaml: criterion 1: program has an empty list
    [SCENARIO]/criteria/own.yaml: criterion 1: has none of contains, contains_any, not_contains, regex, not_regex, equals, similar, json_schema, tool_called, tool_not_called, latency_at_most, tokens_at_most, cost_at_most, program, judge
    [SCENARIO]/criteria/own.yaml: criterion 1: weight must be a number from 0 on
    [SCENARIO]/criteria/own.yaml: criterion 1: json_schema is not a valid schema: "\"nothing\" is not valid under any of the schemas listed in the 'anyOf' keyword"
    [SCENARIO]/criteria/own.yaml: criterion 1: json_schema names absent.json, which was not found in the scenario's folder
    [SCENARIO]/criteria/own.yaml is not valid YAML: line 2, column 2: a tab is used for indentation; YAML is indented with spaces
    [SCENARIO]/criteria/own.yaml: threshold must be a number from 0 to 1
    [SCENARIO]/criteria/own.yaml: criterion 1: latency_at_most must be a duration such as 2s or 500ms
    "#);
}

#[test]
fn required_weights_and_thresholds_decide() {
    let outcome = |yaml: &str| {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "criteria/own.yaml", yaml);
        let (status, problem) = wait(judging(folder.path(), None).judge(&case("fine"))).outcome();
        (status, problem.map_or_else(String::new, |problem| problem.message))
    };
    assert_eq!(outcome("- {contains: fine}\n"), (Status::Passed, String::new()));
    assert_eq!(outcome("- {contains: bad, required: false}\n").0, Status::Passed);
    let (status, message) = outcome("- {contains: bad, name: Words}\n- {contains: worse}\n");
    assert_eq!(status, Status::Failed);
    insta::assert_snapshot!(message, @r#"
    Words: expected the answer to contain "bad"; found no "bad" in "fine"
    expected the answer to contain "worse"; found no "worse" in "fine"
    "#);
    let items = "items:\n- {contains: fine, weight: 3, required: false}\n- {contains: bad, required: false}\n- {tool_called: x, when: {persona: expert}}\n";
    assert_eq!(outcome(&format!("threshold: 0.75\n{items}")).0, Status::Passed);
    assert_eq!(
        outcome(&format!("threshold: 0.8\n{items}")),
        (Status::Failed, "own: the score is 0.75, and has to be at least 0.8".into())
    );
    let other = "threshold: 1\nitems: [{tool_called: x, when: {persona: expert}}]\n";
    assert_eq!(outcome(other).0, Status::Passed, "a pack that does not apply has no score");
    // A target that does not tell its tools, and a criterion without a judge.
    for unknown in
        ["- tool_called: x\n", "- tool_not_called: x\n", "- tokens_at_most: 1\n", "- cost_at_most: 1\n", "- Be polite\n"]
    {
        assert_eq!(outcome(unknown).0, Status::NotJudged, "{unknown}");
        assert_eq!(outcome(&format!("{unknown}- contains: bad\n")).0, Status::Failed, "{unknown}");
        let optional = if unknown.contains(':') {
            unknown.replace("- ", "- {").replace('\n', ", required: false}\n")
        } else {
            "- {judge: x, required: false}\n".to_owned()
        };
        assert_eq!(outcome(&optional).0, Status::Passed, "{optional}");
    }
    // A program that is not there is no bad answer.
    let (status, message) = outcome("- program: [./absent]\n");
    assert_eq!((status, &*message), (Status::NotJudged, "[\"./absent\"] to agree was not judged: program ./absent not found"));
    assert_eq!(outcome("- {program: [./absent], required: false}\n").0, Status::Passed);
    assert_eq!(outcome("- program: [./absent]\n- contains: bad\n").0, Status::Failed, "what is certain counts more");
    assert_eq!(
        outcome("threshold: 0.1\nitems: [{program: [./absent], required: false}, {contains: fine}]\n").0,
        Status::NotJudged
    );
}

#[test]
fn a_program_judges_by_its_exit_code_and_by_what_it_prints() {
    let folder = tempfile::tempdir().unwrap();
    let mut yaml = String::new();
    for script in [
        "exit 0",
        "echo too short >&2; exit 1",
        "echo broken >&2; exit 3",
        "kill -9 $$",
        "grep -q '\"output\":\"fine\"' && echo noise && echo '{\"passed\": true, \"score\": 0.9, \"reason\": \"well\"}'",
        "echo '{\"passed\": false, \"reason\": \"rude\"}'",
        "echo '{\"score\": 0.2}'",
        "echo '{\"score\": 7}'",
        "echo '{\"passed\": 1}'",
        "echo '{\"passed\": true}'; exit 2",
        "echo '{\"passed\": true}'; exit 1",
        "echo '{\"passed\": false, \"reason\": \"rude\"}'; exit 1",
        "head -c 3000000 /dev/zero | tr '\\0' x; exit 0",
    ] {
        yaml += &format!("- program: {}\n", json!(["sh", "-c", script]));
    }
    write(folder.path(), "criteria/own.yaml", &yaml);
    let judgment = wait(judging(folder.path(), None).judge(&case("fine")));
    let line = |judged: &Judged| format!("{}: {} {:?}\n", judged.verdict.words(), judged.found, judged.score);
    insta::assert_snapshot!(judgment.criteria.iter().map(line).collect::<String>(), @r"
    passed: exit code 0 Some(1.0)
    failed: too short Some(0.0)
    judge failed: the program ended with exit code 3: broken None
    judge failed: the program ended by signal 9 None
    passed: well (score 0.9) Some(0.9)
    failed: rude Some(0.0)
    failed: score 0.2 Some(0.2)
    judge failed: score is 7, and has to be from 0 to 1 None
    judge failed: passed is 1, and has to be true or false None
    judge failed: the program ended with exit code 2 None
    judge failed: the program says that it passed, and ended with exit code 1 None
    failed: rude Some(0.0)
    passed: exit code 0 Some(1.0)
    ");
}

#[test]
fn a_program_that_hangs_is_ended_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let script = "sh -c 'echo $$ > child; exec sleep 600' & wait";
    write(folder.path(), "criteria/own.yaml", &format!("- {{program: {}, timeout: 300ms}}\n", json!(["sh", "-c", script])));
    let judgment = wait(judging(folder.path(), None).judge(&case("fine")));
    assert_eq!(judgment.criteria[0].found, "sh did not end within 0.3s");
    let child: i32 = fs::read_to_string(folder.path().join("child")).unwrap().trim().parse().unwrap();
    let child = rustix::process::Pid::from_raw(child).unwrap();
    // The system takes a moment to bury it.
    while rustix::process::test_kill_process(child).is_ok() && is_running(child.as_raw_nonzero().get()) {
        std::thread::yield_now();
    }
}

/// Returns true unless a process is dead and waits only for somebody to ask how it ended.
fn is_running(process: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    !status.is_empty() && !status.contains(") Z ")
}

const PACK: &str =
    "id: c1\nname: Tone\nitems:\n- Be polite\n- {program: [touch, owned]}\n- {contains: fine}\n- {sentiment: warm, name: New}\n";

#[test]
fn f20_a_program_from_a_platform_runs_only_when_exactly_it_was_accepted() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), ".state/criteria/tone.yaml", PACK);
    let found = |judging: &Judging| {
        let judged = wait(judging.judge(&case("fine"))).criteria;
        judged.iter().map(|judged| format!("{}: {}", judged.verdict.words(), judged.found)).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(found(&judging(folder.path(), None)), @r#"
    not judged: no model is set as judge: the section `judge` of the configuration names one
    not judged: this criterion came from the server; review it, then run `keepstep test --accept-criteria`
    passed: "fine"
    not judged: this criterion from the server is of a kind that this version does not know: sentiment
    "#);
    assert!(!folder.path().join("owned").exists());

    let mut criteria = Criteria::load(folder.path()).unwrap();
    let unaccepted = criteria.unaccepted(false);
    assert_eq!(unaccepted.iter().map(|text| text.text.as_str()).collect::<Vec<_>>(), [r#"run ["touch","owned"]"#]);
    assert_eq!(criteria.unaccepted(true).len(), 2, "what a model would be asked is also accepted first");
    criteria.accept(folder.path(), &unaccepted).unwrap();
    assert!(Criteria::load(folder.path()).unwrap().unaccepted(false).is_empty());
    assert!(found(&judging(folder.path(), None)).contains("passed: exit code 0"));
    assert!(folder.path().join("owned").exists());

    let before = Criteria::load(folder.path()).unwrap().digest();
    assert!(before.is_some());
    // The next pull brings another text under the same name.
    write(folder.path(), ".state/criteria/tone.yaml", &PACK.replace("owned", "other"));
    assert!(!found(&judging(folder.path(), None)).contains("exit code"));
    assert!(!folder.path().join("other").exists());
    assert_ne!(Criteria::load(folder.path()).unwrap().digest(), before);
}

#[test]
fn f22_a_name_from_a_platform_is_never_a_path() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "schema.json", "{}");
    write(folder.path(), "pulled/criteria.json", r#"[{"name": "P", "items": [{"json_schema": "schema.json"}]}]"#);
    let judged = wait(judging(folder.path(), None).judge(&case("{}"))).criteria;
    assert_eq!(judged[0].verdict, Verdict::NotJudged);
}

#[test]
fn packs_of_a_platform_keep_their_meaning() {
    let folder = tempfile::tempdir().unwrap();
    let pack = json!([{"id": "c", "name": "P", "version": 1, "items": ["Be polite", {"title": "Be short"}],
        "details": [{"priority": "nice_to_have", "description": "Be polite"}, {"priority": "required", "description": "Be true"}]}]);
    write(folder.path(), "pulled/criteria.json", &pack.to_string());
    let judged = wait(judging(folder.path(), None).judge(&case("fine"))).criteria;
    let shown: Vec<_> = judged.iter().map(|judged| (judged.name.as_str(), judged.required)).collect();
    assert_eq!(shown, [("Be polite", false), ("Be short", true), ("Be true", true)]);
    // Where both layouts are there, they hold the same.
    write(folder.path(), ".state/criteria/p.yaml", "name: P\nitems: [Be polite]\n");
    assert_eq!(wait(judging(folder.path(), None).judge(&case("fine"))).criteria.len(), 1);
}

proptest! {
    #[test]
    fn contains_and_its_negation_never_agree(answer in ".{0,40}", wanted in ".{1,4}", ignore_case: bool) {
        let criterion = |kind: &str| {
            let value = json!({kind: wanted, "ignore_case": ignore_case});
            Criterion::read(&value, Source { files: None, is_detail: false, bounds: None }).unwrap()
        };
        let case = case(&answer);
        let verdict = |kind: &str| criterion(kind).check.check(&case).unwrap().verdict;
        prop_assert_ne!(verdict("contains"), verdict("not_contains"));
        prop_assert_eq!(verdict("contains"), verdict("contains_any"));
    }

    #[test]
    fn no_item_of_a_platform_breaks_a_run(text in ".{0,30}", kind in 0usize..4) {
        let value = match kind {
            0 => json!(text),
            1 => json!({"regex": text}),
            2 => json!({"similar": {"to": text}}),
            _ => json!({"json_schema": {"pattern": text}, "weight": text}),
        };
        if let Ok(criterion) = Criterion::read(&value, Source { files: None, is_detail: false, bounds: None }) {
            let _ = criterion.check.check(&case("{}"));
        }
    }
}
