//! What judging within bounds takes, counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jsonschema::{Keyword, ValidationError};
use serde_json::{Value, json};

use super::bounds::{Bounds, measured, values_of};
use super::check::options;
use super::{Criterion, Source};
use crate::record::RunRecord;
use crate::status::Status;
use crate::verdict::Verdict;

/// Counts how often a part of a schema meets a value.
struct Counted(Arc<AtomicU64>);

impl<'i> Keyword<'i> for Counted {
    fn validate(&self, _: &'i Value) -> Result<(), ValidationError<'i>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn is_valid(&self, _: &'i Value) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed);
        true
    }
}

/// Puts a schema into itself.
fn nested(levels: usize, level: impl Fn(Value) -> Value) -> Value {
    (0..levels).fold(json!({"counted": true}), |inner, _| level(inner))
}

/// Schemas that look at a value as often as the engine lets them.
fn schemas() -> Vec<(&'static str, Value)> {
    let counted = || json!({"counted": true});
    let fails = || json!({"counted": true, "type": "null"});
    let many = |part: Value| Value::Array(vec![part; 50]);
    let mut definitions = serde_json::Map::new();
    for level in 0..8 {
        let next = json!({"$ref": format!("#/$defs/{}", level + 1)});
        definitions.insert(level.to_string(), json!({"allOf": [next, next]}));
    }
    definitions.insert("8".to_owned(), counted());
    vec![
        ("items", json!({"items": {"allOf": many(counted())}})),
        ("references", json!({"items": {"$ref": "#/$defs/0"}, "$defs": definitions})),
        ("alternatives", nested(5, |inner| json!({"anyOf": [fails(), {"not": inner}, inner]}))),
        ("one of", nested(5, |inner| json!({"oneOf": [fails(), fails(), inner]}))),
        ("conditions", nested(6, |inner| json!({"if": inner, "then": inner}))),
        ("unevaluated", nested(6, |inner| json!({"allOf": [inner], "unevaluatedProperties": counted()}))),
        ("unevaluated items", nested(6, |inner| json!({"anyOf": [inner], "unevaluatedItems": counted()}))),
        (
            "unevaluated conditions",
            nested(5, |inner| json!({"if": inner, "then": {"counted": true}, "unevaluatedProperties": counted()})),
        ),
        (
            "unevaluated inside",
            json!({"items": nested(5, |inner| json!({"oneOf": [inner], "unevaluatedProperties": counted()}))}),
        ),
        (
            "properties",
            json!({"items": {"patternProperties": {"^a": counted()}, "properties": {"a1": counted()}, "additionalProperties": counted()}}),
        ),
    ]
}

fn answers() -> Vec<Value> {
    let object = || Value::Object((0..40).map(|at| (format!("a{at}"), json!(at))).collect());
    vec![json!(1), json!([1, 2, 3]), object(), Value::Array(vec![object(); 5]), json!([[[[object()]]]])]
}

#[test]
fn no_part_of_a_schema_meets_a_value_more_often_than_is_counted() {
    for (name, schema) in schemas() {
        let count = Arc::new(AtomicU64::new(0));
        let counting = Arc::clone(&count);
        let counted = options(true).with_keyword("counted", move |_, _, _| Ok(Box::new(Counted(Arc::clone(&counting)))));
        let validator = counted.build(&schema).unwrap();
        let size = measured(&schema, Bounds::of_answer(0)).unwrap_or_else(|reason| panic!("{name}: {reason}")).size;
        for answer in answers() {
            count.store(0, Ordering::Relaxed);
            let _ = validator.is_valid(&answer);
            let (met, most) = (count.load(Ordering::Relaxed), size * values_of(&answer.to_string()));
            assert!(met <= most, "{name}: {met} of {most}");
        }
    }
}

/// A state of the engine takes up to 2 ns for each of its bytes and each byte of an answer: measured with `[01]*1[01]{1000}x` on noise, where
/// nearly all states are alive at once.
#[test]
fn a_pattern_meets_no_more_bytes_than_a_server_has_time_for() {
    for bytes in [0, 1, 10_000, 100_000, 1_000_000, 5 * 1024 * 1024, usize::MAX] {
        let most = Bounds::of_answer(bytes).pattern;
        assert!(most.saturating_mul(bytes) <= 1 << 31, "{bytes}");
    }
    let case = |answer: &str| RunRecord { output: answer.to_owned(), ..RunRecord::new("r", Status::Passed) }.into_case(0);
    let verdict = |pattern: &str, answer: &str| {
        let bounds = Some(Bounds::of_answer(answer.len()));
        let source = Source { files: None, is_detail: false, bounds };
        Criterion::read(&json!({"regex": pattern}), source).unwrap().bounded_check(&case(answer)).unwrap().verdict
    };
    let worst = "[01]*1[01]{1000}x";
    assert_eq!(verdict(worst, &"01".repeat(500)), Verdict::Failed);
    assert_eq!(verdict(worst, &"01".repeat(50_000)), Verdict::NotJudged);
    assert_eq!(verdict("refund|money", &format!("{} refund", "x".repeat(100_000))), Verdict::Passed);
    assert_eq!(verdict(&"a|".repeat(20_000), "a"), Verdict::NotJudged);
}

/// All faults would be in memory at once: here, 80 million.
#[test]
fn a_fault_of_a_large_answer_is_told_without_finding_all() {
    let answer = format!("[{}1]", "1,".repeat(199_000));
    let finding = |part: Value| {
        let record = RunRecord { output: answer.clone(), ..RunRecord::new("r", Status::Passed) };
        let source = Source { files: None, is_detail: false, bounds: Some(Bounds::of_answer(answer.len())) };
        let criterion = Criterion::read(&json!({"json_schema": {"items": part}}), source).unwrap();
        criterion.bounded_check(&record.into_case(0)).unwrap()
    };
    let text = || json!({"type": "string"});
    let each = finding(json!({"allOf": vec![text(); 400]}));
    assert_eq!((each.verdict, each.found.as_str()), (Verdict::Failed, "1 is not of type \"string\" at /0"));
    let one_of_them = finding(json!({"anyOf": vec![text(); 20]}));
    assert_eq!((one_of_them.verdict, one_of_them.found.as_str()), (Verdict::Failed, "it does not fit the schema"));
}
