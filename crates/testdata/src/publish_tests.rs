use proptest::prelude::*;

use super::*;
use crate::bundle::Item;

fn bundle(items: &[Value]) -> Bundle {
    let answer = json!({
        "bundle_version": {"id": "b", "scenario_id": "s"},
        "scenario_context": {"scenario": {"id": "s", "name": "orders"}},
        "personas": [{"id": "p1", "name": "novice", "level": 1}, {"id": "p2", "name": "expert"}],
        "criteria_pack": [{"id": "c1", "name": "Polite", "version": 2, "items": ["Be polite"]}],
        "input_items": items,
    });
    Bundle::read(answer.to_string().as_bytes(), &mut |_, _| Ok(())).unwrap()
}

fn items() -> Vec<Value> {
    vec![
        json!({"id": "i1", "persona_id": "p1", "messages": [
            {"role": "system", "content": "S"}, {"role": "user", "content": "One"}, {"role": "assistant", "content": "A"},
        ], "metadata": {"tags": ["late"]}}),
        json!({"id": "i2", "messages": [{"role": "user", "content": "Two"}], "metadata": {"persona": "own"}}),
        json!({"id": "i3", "messages": [{"role": "user", "content": "Three"}], "metadata": {}}),
    ]
}

fn entries(items: &[Value]) -> Vec<Value> {
    let mut list = ListText::new(&bundle(items).personas);
    items.iter().filter_map(|item| list.entry(Item(&serde_json_borrow::Value::from(item))).map(Value::from)).collect()
}

fn documents(list: &[Document]) -> Vec<Value> {
    list.iter().map(|document| document.0.clone()).collect()
}

fn pulled_personas() -> Vec<Value> {
    documents(&bundle(&items()).personas)
}

fn uploaded(items: &[Value], entries: &[Value], personas: &[Value], criteria: &[Value]) -> Result<Upload, UploadError> {
    upload(Local { base: &bundle(items), items, entries, personas, criteria, scenario: "orders" })
}

fn unchanged(entries: &[Value]) -> Result<Upload, UploadError> {
    let base = bundle(&items());
    uploaded(&items(), entries, &documents(&base.personas), &documents(&base.criteria))
}

#[test]
fn what_nobody_touched_is_what_was_pulled() {
    let upload = unchanged(&entries(&items())).unwrap();
    assert!(upload.counts.is_empty());
    insta::assert_snapshot!(upload.file, @r#"{"scenario":{"name":"orders"},"personas":[],"inputs":[{"id":"i1","messages":[{"role":"system","content":"S"},{"role":"user","content":"One"},{"role":"assistant","content":"A"}],"persona":"novice","metadata":{"tags":["late"]}},{"id":"i2","messages":[{"role":"user","content":"Two"}],"metadata":{"persona":"own"}},{"id":"i3","messages":[{"role":"user","content":"Three"}],"metadata":{}}],"criteria":[{"name":"Polite","items":["Be polite"]}]}"#);
}

#[test]
fn an_edit_is_made_to_the_item_that_it_is_of() {
    let mut list = entries(&items());
    list[0]["input"] = json!("One, please");
    list[0]["metadata"]["tags"] = json!(["late", "kind"]);
    list[1]["metadata"]["persona_id"] = json!("p2");
    list.remove(2);
    list.insert(0, json!({"input": "New", "metadata": {"persona": "expert", "n": 1.0}}));
    list.push(json!("bare"));
    let list = with_ids(&list, "s", &items());
    let upload = unchanged(&list).unwrap();
    assert_eq!(upload.counts, UploadCounts { changed: 2, added: 2, removed: 1, personas: 0, criteria: 0 });
    let inputs = &upload.file["inputs"];
    assert_eq!(inputs[0]["messages"], json!([{"role": "user", "content": "New"}]));
    assert_eq!((&inputs[0]["persona"], &inputs[0]["metadata"]), (&json!("expert"), &json!({"n": 1.0})));
    assert_eq!(inputs[1]["messages"][1]["content"], "One, please");
    assert_eq!((&inputs[1]["messages"][2]["content"], &inputs[1]["persona"]), (&json!("A"), &json!("novice")));
    assert_eq!(inputs[1]["metadata"], json!({"tags": ["late", "kind"]}));
    // Its own `persona` is metadata, and stays.
    assert_eq!((&inputs[2]["persona"], &inputs[2]["metadata"]), (&json!("expert"), &json!({"persona": "own"})));
    assert_eq!(inputs[3]["messages"], json!([{"role": "user", "content": "bare"}]));
    let ids: HashSet<String> = inputs.as_array().unwrap().iter().map(|input| input["id"].to_string()).collect();
    assert_eq!(ids.len(), 4);
}

#[test]
fn personas_and_criteria_are_sent_without_what_the_server_counts() {
    let personas =
        [json!({"id": "p1", "name": "novice", "level": 2}), json!({"id": "p2", "name": "expert"}), json!({"name": "new"})];
    let criteria = [json!({"name": "Short"}), json!({"id": "c1", "name": "Polite", "version": 2, "items": []})];
    let mut list = entries(&items());
    assert_eq!(
        uploaded(&items(), &list, &personas, &criteria).unwrap_err().to_string(),
        "no input uses persona new: name it as `persona` in the `metadata` of one, or undo the change of it"
    );
    list[2]["metadata"]["persona"] = json!("new");
    let upload = uploaded(&items(), &list, &personas, &criteria).unwrap();
    assert_eq!(upload.file["personas"], json!([{"name": "novice", "level": 2}, {"name": "new"}]));
    assert_eq!(upload.file["criteria"], json!([{"name": "Short"}, {"name": "Polite", "items": []}]));
    assert_eq!((upload.counts.personas, upload.counts.criteria), (2, 2));
    assert_eq!(uploaded(&items(), &list, &personas, &[]).unwrap().counts.criteria, 1);
    // An input that names it by its id has the name that it has here.
    let mut renamed = pulled_personas();
    renamed[0]["name"] = json!("beginner");
    let upload = uploaded(&items(), &entries(&items()), &renamed, &criteria).unwrap();
    assert_eq!(
        (&upload.file["personas"][0]["name"], &upload.file["inputs"][0]["persona"]),
        (&json!("beginner"), &json!("beginner"))
    );
    // One that is pulled is in a version already, also where no input names it any more.
    assert_eq!(uploaded(&items(), &[json!("x")], &pulled_personas(), &criteria).unwrap().counts.personas, 0);
    assert!(matches!(uploaded(&items(), &[], &[json!({"level": 1})], &[]), Err(UploadError::NoName(_))));
}

#[test]
fn what_a_server_would_lose_is_an_error() {
    for (entry, error) in [
        (json!({"input": "x", "own": 1}), "input 1 has `own`, which a server does not keep; move it into its `metadata`"),
        (json!({"metadata": {}}), "input 1 has no text"),
        (json!({"input": " "}), "input 1 has no text"),
        (json!({"input": "x", "metadata": "own"}), "the `metadata` of input 1 is not a mapping"),
        (json!({"input": "x", "metadata": ["own"]}), "the `metadata` of input 1 is not a mapping"),
        (
            json!({"input": "x", "messages": [{"role": "user", "content": "y"}]}),
            "input 1 has both `input` and `messages`: leave one of them",
        ),
        (json!({"text": "x", "content": "y"}), "input 1 has both `text` and `content`: leave one of them"),
    ] {
        assert_eq!(unchanged(&[entry]).unwrap_err().to_string(), error);
    }
}

proptest! {
    #[test]
    fn every_entry_gets_an_id_once(texts in prop::collection::vec("[ab]", 0..8)) {
        let list: Vec<Value> = texts.iter().map(|text| json!({"input": text})).collect();
        let named = with_ids(&list, "s", &items());
        let ids: HashSet<String> = named.iter().filter_map(item_id).collect();
        prop_assert_eq!(ids.len(), list.len());
        prop_assert_eq!(with_ids(&named, "s", &items()), named.clone());
        prop_assert_eq!(with_ids(&list, "s", &items()), named);
    }
}
