//! What an input says is the same in the list that a pull writes, in what a run asks, in an upload and in a report.
#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

use keepstep_results::case::Finished;
use keepstep_results::record::RunRecord;
use keepstep_results::report::junit::{Report, Suite};
use keepstep_results::totals::Totals;
use keepstep_runner::config::InputSources;
use keepstep_runner::input::{self, Inputs};
use keepstep_testdata::bundle::Item;
use keepstep_testdata::input_list::ListText;
use keepstep_testdata::input_text;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn text() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => "[a-zé0-9][a-zé0-9 \n]{0,8}[a-z]".prop_map(Value::from),
        1 => Just(json!("")),
        1 => Just(json!(" \n")),
        1 => any::<u32>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
    ]
}

fn content() -> impl Strategy<Value = Value> {
    let part = prop_oneof![
        text(),
        text().prop_map(|text| json!({"type": "text", "text": text})),
        text().prop_map(|text| json!({"content": text})),
        Just(json!({"type": "image"})),
        Just(Value::Null),
    ];
    prop_oneof![3 => text(), 2 => prop::collection::vec(part, 0..3).prop_map(Value::from), 1 => Just(Value::Null)]
}

fn message() -> impl Strategy<Value = Value> {
    let role = prop::sample::select(vec!["user", "human", "assistant", "system", "tool", "odd"]);
    prop_oneof![
        6 => (role.clone(), content()).prop_map(|(role, content)| json!({"role": role, "content": content})),
        1 => (role, content()).prop_map(|(role, content)| json!({"role": null, "type": role, "content": content})),
        1 => content().prop_map(|content| json!({"content": content})),
        1 => text(),
    ]
}

/// Every form of an input.
fn form() -> impl Strategy<Value = Value> {
    let messages = prop_oneof![6 => prop::collection::vec(message(), 0..5).prop_map(Value::from), 1 => message()];
    let member = |name: &'static str| proptest::option::weighted(0.2, content().prop_map(move |content| (name, content)));
    let messages = proptest::option::weighted(0.8, messages.prop_map(|messages| ("messages", messages)));
    let members = (messages, member("input"), member("text"), member("content"));
    let object = members.prop_map(|(messages, input, text, content)| {
        let members = [Some(("id", json!("i1"))), messages, input, text, content].into_iter().flatten();
        Value::Object(members.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
    });
    prop_oneof![9 => object, 1 => text()]
}

/// Returns what a run asks, and how many messages it leaves out.
fn asked(folder: &tempfile::TempDir, sources: &InputSources) -> (Vec<String>, usize) {
    // A list in which nothing has a text is refused.
    let inputs = input::load(folder.path(), sources).unwrap_or_else(|_| Inputs::default());
    let texts = (0..inputs.list.len()).map(|place| inputs.list.get(place).unwrap().text).collect();
    (texts, inputs.messages_left_out)
}

fn with(path: &str, text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    folder
}

proptest! {
    #[test]
    fn an_input_says_the_same_from_a_pull_to_a_report(form in form()) {
        let said = input_text::input_text(&form);
        let expected: Vec<String> = said.iter().map(|said| said.text.clone()).collect();
        let left_out = said.as_ref().map_or(0, |said| said.left_out);

        let (mut list, mut text) = (ListText::default(), String::new());
        list.push(Item(&(&form).into()), &mut text);
        let not_in_it = list.end(&mut text);
        prop_assert_eq!((not_in_it.without_text.len(), not_in_it.messages), (1 - expected.len(), left_out));
        let (texts, _) = asked(&with("inputs/generated.yaml", &text), &InputSources::default());
        prop_assert_eq!(&texts, &expected, "pulled as a list");

        let pulled = InputSources { prefers_pulled: true, ..InputSources::default() };
        let found = asked(&with("pulled/inputs.json", &json!([form]).to_string()), &pulled);
        prop_assert_eq!(found, (expected.clone(), left_out), "pulled as it is");
        let inline = InputSources { inline: vec![form.clone()], ..InputSources::default() };
        let found = asked(&tempfile::tempdir().unwrap(), &inline);
        prop_assert_eq!(found, (expected.clone(), left_out), "in the configuration");

        for text in expected {
            let case: Finished = serde_json::from_value(json!({
                "case": "i1", "index": 0, "run_id": "r", "iteration": 0, "status": "passed", "attempts": 1, "persona": null,
                "input": text, "output": "fine", "duration_ms": 1.0, "metadata": {},
            }))
            .unwrap();
            let suite = Suite { name: "orders", totals: Totals::default(), duration_seconds: 0.0, strict: false };
            let mut report = Report::begin(Vec::new(), &suite, "2026-01-02T03:04:05").unwrap();
            report.add(&case).unwrap();
            let report = String::from_utf8(report.end().unwrap()).unwrap();
            prop_assert!(report.contains(&format!("<system-out>&gt; {text}\nfine</system-out>")), "{report}");
            prop_assert_eq!(RunRecord::of(case).input, text);
        }
    }
}
