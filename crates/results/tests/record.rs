//! What a case says reaches the platform whole, and is read back as the case.
#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

use keepstep_results::case::Finished;
use keepstep_results::record::RunRecord;
use keepstep_results::status::Status;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn case(status: &str, verdicts: &[&str]) -> Finished {
    let criteria: Vec<Value> = verdicts
        .iter()
        .map(|verdict| {
            json!({"pack": "p", "name": "polite", "kind": "judge", "verdict": verdict, "expected": "politeness", "found": "none",
                "score": 0.25, "required": true, "weight": 2.0, "judge": {"model": "m", "prompt": "v1"}})
        })
        .collect();
    serde_json::from_value(json!({
        "case": "i1#2", "index": 3, "run_id": "0f22bbd9-b3a6-407d-b432-abb7d215331f", "iteration": 1, "status": status, "attempts": 2,
        "persona": "novice", "item_id": "i1", "input": "Where?", "output": "No.", "duration_ms": 12.5,
        "problem": {"message": "KeyError: 'x'", "kind": "KeyError", "location": {"file": "agent.py", "line": 4, "function": "run"},
            "traceback": "  File \"agent.py\", line 4, in run"},
        "printed": "debug", "termination_reason": "max_turns",
        "turns": [
            {"run_id": "r", "turn_id": "r-t1", "sequence": 1, "role": "user", "content": "Where?", "timestamp": "2026-01-02T03:04:05+00:00"},
            {"run_id": "r", "turn_id": "r-t2", "sequence": 2, "role": "assistant", "content": "No.", "timestamp": "2026-01-02T03:04:06+00:00",
                "duration_ms": 12, "warnings": [{"type": "too_long", "message": "long"}]},
        ],
        "token_usage": {"input_tokens": 3, "output_tokens": 4, "cost_usd": 0.5},
        "actions": [["tool:lookup"]],
        "observations": [{"name": "lookup", "type": "tool", "start_time": "a", "input": {"k": [1]}}],
        "tool_calls": [{"name": "lookup", "arguments": {"order": 7}}],
        "criteria": criteria,
        "metadata": {"input_item_id": "i1", "persona_id": "p1"},
    }))
    .unwrap()
}

/// Returns the record of a case as the platform reads it.
fn sent(case: &Finished) -> RunRecord {
    serde_json::from_str(&serde_json::to_string(&RunRecord::of(case.clone())).unwrap()).unwrap()
}

#[test]
fn a_verdict_a_tool_call_a_span_and_a_traceback_reach_the_platform() {
    let record = sent(&case("error", &["failed"]));
    assert_eq!((record.status.label(), record.verdict()), ("error", Some("error")));
    assert_eq!((record.persona.as_deref(), record.input_item_id.as_deref()), (Some("p1"), Some("i1")));
    assert_eq!(record.error.as_deref(), Some("KeyError: 'x'"));
    let said = |name: &str| record.evaluation[name].clone();
    assert_eq!(said("criteria")[0]["found"], "none");
    assert_eq!((said("scores"), said("failures")), (json!({"polite": 0.25}), json!(["polite"])));
    assert_eq!(said("tool_calls")[0]["arguments"], json!({"order": 7}));
    assert_eq!(said("observations")[0]["input"], json!({"k": [1]}));
    assert_eq!((said("error_type"), said("location")["line"].as_u64()), (json!("KeyError"), Some(4)));
    assert_eq!((said("traceback"), said("printed")), (json!("  File \"agent.py\", line 4, in run"), json!("debug")));
    let metrics = json!({
        "duration_ms": 12.5, "termination_reason": "max_turns", "prompt_tokens": 3.0, "completion_tokens": 4.0, "total_tokens": 7.0,
        "cost_usd": 0.5,
    });
    assert_eq!(Value::Object(record.metrics), metrics);
    assert_eq!(record.transcript[1], json!({"role": "assistant", "content": "No.", "metadata": {"actions": ["tool:lookup"]}}));
    assert_eq!(serde_json::to_value(&record.turns[1]).unwrap()["duration_ms"], json!(12), "a whole number stays one");
}

#[test]
fn what_nobody_judged_is_told_by_its_status() {
    let nobody = |status| RunRecord::of(case(status, &["not_applicable"]));
    for (status, label, verdict) in [
        ("passed", "completed", "pass"),
        ("failed", "failed", "fail"),
        ("error", "error", "fail"),
        ("timeout", "timeout", "fail"),
        ("not_judged", "completed", "not_judged"),
    ] {
        let record = nobody(status);
        assert_eq!((record.status.label(), record.verdict()), (label, Some(verdict)), "{status}");
    }
    assert_eq!(nobody("passed").error, None);
}

#[test]
fn records_of_others_become_cases() {
    let record = |text: Value| serde_json::from_value::<RunRecord>(text).unwrap().into_case(0);
    let odd =
        record(json!({"id": "a", "status": "completed", "evaluation": {"verdict": "fail", "criteria": [1, {"name": "n"}]}}));
    assert_eq!((odd.status, odd.criteria.len(), odd.case.starts_with("input-")), (Status::Failed, 0, true));
    let error = serde_json::from_value::<RunRecord>(json!({"id": "a", "status": "odd"})).unwrap_err().to_string();
    assert!(error.starts_with("\"odd\" is not the status of a run"), "{error}");
}

proptest! {
    #[test]
    fn a_case_is_read_back(
        status in prop::sample::select(vec!["passed", "failed", "error", "timeout", "not_judged", "skipped"]),
        verdicts in prop::collection::vec(prop::sample::select(vec!["passed", "failed", "error", "not_judged", "not_applicable"]), 0..4),
        iteration in 0_u32..3,
        output in proptest::option::of("\\PC{1,8}"),
        input in "\\PC{0,8}",
        has_turns in any::<bool>(),
    ) {
        let mut before = case(status, &verdicts);
        (before.iteration, before.output, before.input) = (iteration, output, input);
        before.case = keepstep_results::case::name("i1", iteration);
        before.turns.iter_mut().for_each(|turn| turn.run_id = before.run_id.clone());
        if !has_turns {
            before.turns.clear();
        }
        let after = sent(&before).into_case(before.index);
        // What an upload does not tell: how often it was tried, what the agent gave to its callbacks, and the input's metadata.
        let mut expected = before.clone();
        (expected.attempts, expected.actions, expected.metadata) = (1, Vec::new(), Map::new());
        expected.persona = Some("p1".to_owned());
        expected.token_usage = Some(json!({"prompt_tokens": 3.0, "completion_tokens": 4.0, "total_tokens": 7.0, "cost_usd": 0.5}));
        if before.criteria.iter().all(|judged| judged.verdict == keepstep_results::verdict::Verdict::NotApplicable) {
            // There is nothing to say about them.
            expected.criteria.clear();
        }
        if before.status.is_completed() {
            expected.problem = None;
        }
        prop_assert_eq!(after, expected);
    }
}
