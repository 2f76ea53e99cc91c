//! The fields that are set by some agents only: each is compared, published, taken over and cleared like every other.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::common::{Bench, FIRST, code};

/// Returns the code of an agent that has one more property.
fn with(property: &str) -> String {
    code(FIRST).replace("  persona:", &format!("  {property},\n  persona:"))
}

/// Returns what a check says about a field: its state and both values. `None` where it says nothing.
fn checked(bench: &Bench, key: &str) -> Option<(String, Value, Value)> {
    let (_, document) = bench.json(&["sync", "--check"]);
    let field = document["fields"].as_array().unwrap().iter().find(|field| field["field"] == key)?;
    Some((field["state"].as_str().unwrap().to_owned(), field["local"].clone(), field["server"].clone()))
}

/// Checks that a field goes from the code to the server and from the server into the code, and that both can clear it.
fn goes_both_ways(key: &str, [first, second]: [&str; 2], [first_value, second_value]: [Value; 2]) {
    let bench = Bench::in_step();
    let state = |state: &str, local: &Value, server: &Value| Some((state.to_owned(), local.clone(), server.clone()));
    assert_eq!(checked(&bench, key), None, "nobody sets it");
    bench.project().file("src/index.ts", with(&format!("{key}: {first}")));
    assert_eq!(checked(&bench, key), state("ahead", &first_value, &Value::Null));
    bench.ok(&["sync", "--push"]);
    assert_eq!(checked(&bench, key), state("in_step", &first_value, &first_value));

    bench.colleague_publishes(&with(&format!("{key}: {second}")));
    assert_eq!(checked(&bench, key), state("behind", &first_value, &second_value));
    bench.ok(&["sync", "--accept"]);
    assert_eq!(checked(&bench, key), state("in_step", &second_value, &second_value));

    bench.code(FIRST);
    assert_eq!(checked(&bench, key), state("ahead", &Value::Null, &second_value));
    bench.ok(&["sync", "--push"]);
    assert_eq!(checked(&bench, key), None, "it is cleared on the server");
    assert_eq!(bench.output(&["sync", "--check"]).status.code(), Some(0));
}

#[test]
fn a_routing_description_goes_both_ways() {
    let [first, second] = ["Answers questions\\nabout orders", "Answers questions\\nabout orders and returns"];
    let text = |text: &str| json!(text.replace("\\n", "\n"));
    goes_both_ways("description", [&format!("'{first}'"), &format!("'{second}'")], [text(first), text(second)]);
}

#[test]
fn model_settings_go_both_ways() {
    goes_both_ways(
        "modelSettings",
        ["{ temperature: 1.0, stopSequences: ['END'] }", "{ temperature: 0.25, topK: 3 }"],
        [json!({"temperature": 1, "stopSequences": ["END"]}), json!({"temperature": 0.25, "topK": 3})],
    );
}

#[test]
fn batching_goes_both_ways() {
    goes_both_ways(
        "batching",
        ["{ debounceWindowMs: 1500 }", "{ debounceWindowMs: 1500, serializeProcessing: true }"],
        [json!({"debounceWindowMs": 1500}), json!({"debounceWindowMs": 1500, "serializeProcessing": true})],
    );
}

#[test]
fn a_browser_goes_both_ways() {
    goes_both_ways("browser", ["true", "{ enabled: true }"], [json!(true), json!({"enabled": true})]);
}

#[test]
fn edits_of_different_members_come_to_both_sides() {
    let bench = Bench::in_step();
    bench.project().file("src/index.ts", with("modelSettings: { temperature: 1, topK: 3, seed: 7 }"));
    bench.ok(&["sync", "--push"]);
    bench.colleague_publishes(&with("modelSettings: { temperature: 0.5, topK: 3, seed: 7 }"));
    bench.project().file("src/index.ts", with("modelSettings: { temperature: 1, topK: 5, seed: 7 }"));
    assert_snapshot!(bench.run(&["sync", "--merge"]));
    let both = json!({"temperature": 0.5, "topK": 5, "seed": 7});
    assert_eq!(checked(&bench, "modelSettings"), Some(("in_step".to_owned(), both.clone(), both)));
    assert_eq!(bench.project().read("src/index.ts"), with("modelSettings: { temperature: 0.5, topK: 5, seed: 7 }"));
}

/// As the peer's `push` does; but what the code does not set is left alone.
#[test]
fn a_push_of_the_persona_brings_what_the_code_sets_besides() {
    let bench = Bench::in_step();
    bench.colleague_publishes(&with("description: 'Theirs'"));
    bench.project().file("src/index.ts", with("modelSettings: { topK: 3 }, governance: { mode: 'sdk' }"));
    assert_snapshot!(bench.run(&["push", "persona", "--force"]));
    assert_eq!(checked(&bench, "modelSettings").unwrap().0, "in_step");
    assert_eq!(checked(&bench, "governance").unwrap().0, "in_step");
    assert_eq!(checked(&bench, "description").unwrap().2, "Theirs");
}

#[test]
fn a_push_of_the_persona_leaves_what_only_the_server_changed() {
    let bench = Bench::in_step();
    bench.project().file("src/index.ts", with("modelSettings: { topK: 3 }"));
    bench.ok(&["sync", "--push"]);
    bench.colleague_publishes(&with("modelSettings: { topK: 5 }"));
    bench.project().file("src/index.ts", with("modelSettings: { topK: 3 }").replace("friendly", "kind"));
    bench.ok(&["push", "persona", "--force"]);
    assert_eq!(checked(&bench, "persona").unwrap().0, "in_step");
    assert_eq!(checked(&bench, "modelSettings"), Some(("behind".to_owned(), json!({"topK": 3}), json!({"topK": 5}))));
}

/// A voice is a thing of its own: the agent links to it by the id that the server gave it.
#[test]
fn voices_are_linked_by_their_ids() {
    let bench = Bench::in_step();
    let voices = |names: &str| {
        let made = "import { LuaAgent, LuaVoice } from 'lua-cli';\nconst front = new LuaVoice({ name: 'front' });\nconst back = new LuaVoice({ name: 'back' });";
        with(&format!("voices: [{names}]")).replace("import { LuaAgent } from 'lua-cli';", made)
    };
    let skill = bench.project().read("lua.skill.yaml");
    bench.project().file("src/index.ts", voices("front"));
    assert_snapshot!(bench.run(&["sync", "--check"]));
    bench.ok(&["compile"]);

    let ids = "voices:\n  - name: front\n    voiceId: v_1\n    version: 1.0.0\n  - name: back\n    voiceId: v_2\n";
    bench.project().file("lua.skill.yaml", format!("{skill}{ids}"));
    bench.ok(&["sync", "--push"]);
    let linked = |ids: &[&str]| Value::from(ids.iter().map(|id| json!({"voiceId": id})).collect::<Vec<_>>());
    assert_eq!(checked(&bench, "voices"), Some(("in_step".to_owned(), linked(&["v_1"]), linked(&["v_1"]))));
    bench.project().file("src/index.ts", voices("back, front"));
    assert_eq!(checked(&bench, "voices"), Some(("ahead".to_owned(), linked(&["v_2", "v_1"]), linked(&["v_1"]))));
    // What the server has are ids, and the code has what makes the voices.
    assert_snapshot!(bench.run(&["sync", "--accept"]));
    assert_eq!(bench.project().read("src/index.ts"), voices("back, front"));
}
