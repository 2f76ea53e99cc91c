use keepstep_platform::{CriteriaList, read_criterion};
use keepstep_results::criterion::Bounds;

use super::*;

/// Criteria of each kind in each form that a test reads, and others.
fn criteria() -> Vec<Value> {
    serde_json::from_value(json!([
        "Be polite",
        {"judge": "Be polite", "at_least": 0.7},
        {"description": "Be polite", "priority": "high", "owner": "Ada"},
        {"text": "Be short", "title": "Short"},
        {"name": "Be true"},
        {"contains": "a", "x": {"kept": [1]}},
        {"contains": ["a"], "of": "answer"},
        {"contains": ["a", 5, true], "ignore_case": false},
        {"contains_any": ["a\r\nb", "c"], "of": "conversation", "ignore_case": true, "name": "N", "weight": 2.0},
        {"not_contains": "x", "required": false, "when": {"persona": ["novice", "p2"], "zip": 5}},
        {"regex": "\\d+", "required": true},
        {"not_regex": "x", "weight": 1},
        {"equals": ""},
        {"equals": {"metadata": "expected"}},
        {"similar": "a", "at_least": 0.5},
        {"similar": {"to": {"metadata": "m"}, "at_least": 0.9, "more": 1}},
        {"json_schema": {"type": "object", "required": ["a"]}},
        {"json_schema": true},
        {"tool_called": "lookup"},
        {"tool_called": {"name": "lookup", "arguments": {"id": 7}}},
        {"tool_not_called": {"name": "refund"}},
        {"latency_at_most": "2s"},
        {"latency_at_most": 2},
        {"tokens_at_most": 2000.5},
        {"cost_at_most": 0.01, "per_million": {"input": 0.15, "output": 0.6}},
        {"program": ["sh", "-c", "exit 0"], "timeout": "10s"},
    ]))
    .unwrap()
}

#[test]
fn what_nobody_touches_stays_as_it_is_written() {
    for criterion in criteria() {
        let form = CriterionForm::of(&criterion, is_required(&criterion));
        assert_ne!(form.kind, AS_JSON, "{criterion}");
        assert_eq!(form.meant(Some(&criterion)).unwrap().to_string(), criterion.to_string());
        assert!(read_criterion(&criterion, CriteriaList::Items, Bounds::of_answer(0)).is_ok(), "{criterion}");
    }
    // What has no form of its own is JSON.
    for criterion in [
        json!({"sentiment": "warm", "name": "New"}),
        json!({"contains": {"a": 1}}),
        json!({"contains": "a", "regex": "b"}),
        json!(7),
        json!({"equals": {"metadata": "a", "b": 1}}),
    ] {
        let form = CriterionForm::of(&criterion, true);
        assert_eq!((form.kind.as_str(), form.meant(Some(&criterion)).unwrap()), (AS_JSON, criterion));
    }
}

#[test]
fn each_kind_has_a_form_that_makes_a_criterion() {
    for kind in KINDS {
        let mut form = CriterionForm::new_of(kind.key);
        form.values = vec![match kind.shape {
            Shape::Schema => pretty(&json!({"type": "object"})),
            Shape::Duration => "2s".to_owned(),
            Shape::Number => "5".to_owned(),
            _ => "word".to_owned(),
        }];
        let meant = form.meant(None).unwrap();
        let read = read_criterion(&meant, CriteriaList::Items, Bounds::of_answer(0)).unwrap();
        assert_eq!((read.kind, meant.as_object().unwrap().len()), (kind.key, 1), "{meant}");
        assert_eq!(CriterionForm { csrf: String::new(), ..CriterionForm::of(&meant, true) }, form);
    }
}

#[test]
fn what_is_changed_is_changed_and_the_rest_is_kept() {
    let old = json!({"contains": ["a", "b"], "of": "conversation", "owner": "Ada", "priority": "low"});
    let mut form = CriterionForm::of(&old, is_required(&old));
    assert!(!form.is_required);
    form.values = vec!["a".to_owned(), String::new(), "c\r\nd".to_owned()];
    (form.is_required, form.is_conversation, form.weight) = (true, false, "x".to_owned());
    let meant = form.meant(Some(&old)).unwrap();
    assert_eq!(meant, json!({"contains": ["a", "c\nd"], "owner": "Ada", "priority": "low", "required": true, "weight": "x"}));
    let error = read_criterion(&meant, CriteriaList::Items, Bounds::of_answer(0)).unwrap_err();
    assert!(problem_of(&error, form.kind()).of("weight").is_some(), "{error}");
    // Another kind leaves nothing of this one.
    form.kind = "similar".to_owned();
    (form.values, form.at_least, form.weight) = (vec!["x".to_owned()], "0.9".to_owned(), String::new());
    let meant = form.meant(Some(&old)).unwrap();
    assert_eq!(meant, json!({"similar": "x", "owner": "Ada", "priority": "low", "at_least": 0.9, "required": true}));
    // A text that gets more than a statement becomes an object.
    let old = json!("Be polite");
    let mut form = CriterionForm::of(&old, true);
    form.values = vec!["Be very polite".to_owned()];
    assert_eq!(form.meant(Some(&old)).unwrap(), json!("Be very polite"));
    form.is_required = false;
    assert_eq!(form.meant(Some(&old)).unwrap(), json!({"judge": "Be very polite", "required": false}));
    let old = json!({"description": "Be polite", "x": 1});
    let mut form = CriterionForm::of(&old, true);
    form.values = vec!["Be kind".to_owned()];
    assert_eq!(form.meant(Some(&old)).unwrap(), json!({"description": "Be kind", "x": 1}));
}

#[test]
fn what_is_wrong_stands_at_its_field() {
    for (kind, value, more, field) in [
        ("regex", "(", "", "value"),
        ("json_schema", "{", "", "value"),
        ("json_schema", "{\"type\": \"nothing\"}", "", "value"),
        ("latency_at_most", "soon", "", "value"),
        ("tokens_at_most", "many", "", "value"),
        ("contains", "", "", "value"),
        ("similar", "a", "80", "at_least"),
        ("judge", "a", "x", "at_least"),
    ] {
        let mut form = CriterionForm::new_of(kind);
        (form.values, form.at_least) = (vec![value.to_owned()], more.to_owned());
        let problem = match form.meant(None) {
            Ok(meant) => {
                let error = read_criterion(&meant, CriteriaList::Items, Bounds::of_answer(0)).unwrap_err();
                problem_of(&error, form.kind())
            }
            Err(problem) => problem,
        };
        assert!(problem.of(field).is_some(), "{kind} {value}: {problem:?}");
    }
    let mut form = CriterionForm::new_of("tool_called");
    (form.values, form.arguments) = (vec!["a".to_owned()], "[1]".to_owned());
    let error = read_criterion(&form.meant(None).unwrap(), CriteriaList::Items, Bounds::of_answer(0)).unwrap_err();
    assert!(problem_of(&error, form.kind()).of("arguments").is_some(), "{error}");
}
