//! Conversations with users who follow rules, and with models.

use keepstep_results::status::Status;
use keepstep_runner::model::{Mode, RECORDINGS};
use serde_json::{Value, json};

use super::common::{Ran, Scenario};
use super::service::{Request, Service, whole};

const AGENT: &str = "def run(input, messages):\n    return {1: 'Which order number?', 3: 'Order 7: it is on its way.'}.get(len(messages), 'Anything else?')\n";

fn scenario(settings: &str) -> Scenario {
    let scenario = Scenario::new();
    scenario.file("agent.py", AGENT);
    scenario.file("configs/simulation.yaml", &format!("name: t\nrunner: {{target: \"agent:run\"}}\n{settings}"));
    scenario
}

fn said(ran: &Ran) -> Vec<&str> {
    ran.finished[0].turns.iter().map(|turn| turn.content.as_str()).collect()
}

#[test]
fn a_user_follows_rules() {
    let settings = "multi_turn:\n  enabled: true\n  rules:\n    - {when: order number, say: \"7\"}\n    - {when: on its way, end: goal_reached, say: Thanks}\n";
    let ran = scenario(settings).inputs(&["Where is it?"]).run();
    assert_eq!(said(&ran), ["Where is it?", "Which order number?", "7", "Order 7: it is on its way.", "Thanks"]);
    assert_eq!(ran.finished[0].termination_reason.as_deref(), Some("goal_reached"));
}

#[test]
fn a_persona_has_rules_of_its_own() {
    let settings = "conversation: {enabled: true, script: [x, y]}\npersonas:\n  - {name: novice, description: d, rules: [{when: number, say: I forgot it}]}\n";
    let scenario = scenario(settings);
    scenario.file("inputs/generated.yaml", "- {input: a, metadata: {persona: novice}}\n- {input: b}\n");
    let ran = scenario.run();
    assert_eq!(said(&ran), ["a", "Which order number?", "I forgot it", "Order 7: it is on its way."]);
    assert_eq!(ran.finished[0].termination_reason.as_deref(), Some("no_rule_applies"));
    assert_eq!(ran.finished[1].turns[2].content, "x");
}

/// A service of a provider whose model says "7", and then that it is done.
fn provider() -> Service {
    Service::start(|request| {
        let decision = if request.body.contains("on its way") {
            json!({"decision": "terminate", "termination_reason": "goal_reached", "closing_user_message": null})
        } else {
            json!({"decision": "continue", "next_user_message": "7"})
        };
        let text = decision.to_string();
        let answer = json!({"choices": [{"message": {"content": text}}], "content": [{"type": "text", "text": text}]});
        whole("200 OK", "Content-Type: application/json\r\n", &answer.to_string())
    })
}

fn body(request: &Request) -> Value {
    serde_json::from_str(&request.body).unwrap()
}

#[test]
fn a_model_is_the_user_and_a_recording_of_it_needs_no_network() {
    let service = provider();
    let settings = format!(
        "multi_turn:\n  enabled: true\n  supervisor: {{provider: openai, model: m-1, temperature: 0.2, api_key: sk-1234567, base_url: \"{}\"}}\n",
        service.url("/v1/")
    );
    let scenario = scenario(&settings).inputs(&["Where is it?"]).recordings(Mode::Record);
    let whole = ["Where is it?", "Which order number?", "7", "Order 7: it is on its way."];
    assert_eq!(said(&scenario.run()), whole);
    let requests = service.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests[0].head.starts_with("post /v1/chat/completions"), "{}", requests[0].head);
    assert!(requests[0].head.contains("authorization: bearer sk-1234567"));
    let sent = body(&requests[0]);
    assert_eq!(
        (&sent["model"], &sent["temperature"], &sent["messages"][0]["role"]),
        (&json!("m-1"), &json!(0.2), &json!("system"))
    );

    let recorded = std::fs::read_to_string(scenario.path().join(RECORDINGS)).unwrap();
    assert!(!recorded.contains("sk-1234567"), "{recorded}");
    // The same conversations again: what is recorded is not asked, and without anybody to ask it is enough.
    let scenario = scenario.no_experiments();
    assert_eq!(said(&scenario.run()), whole);
    assert_eq!(service.requests().len(), 2);
    assert_eq!(std::fs::read_to_string(scenario.path().join(RECORDINGS)).unwrap(), recorded, "it does not change");
    drop(service);
    let scenario = scenario.no_experiments().replayed();
    let ran = scenario.run();
    assert_eq!(said(&ran), whole);
    assert_eq!(ran.finished[0].termination_reason.as_deref(), Some("goal_reached"));

    // Another conversation has no recording.
    let ran = scenario.no_experiments().inputs(&["Hello"]).run();
    assert_eq!((ran.finished[0].status, ran.finished[0].termination_reason.as_deref()), (Status::Error, Some("simulator_error")));
    let problem = &ran.finished[0].problem.as_ref().unwrap().message;
    assert!(problem.contains("has no answer of m-1 to this prompt") && problem.contains("--record"), "{problem}");
}

#[test]
fn the_other_provider_is_asked_in_its_own_form() {
    let service = provider();
    let settings = format!(
        "conversation:\n  enabled: true\n  simulator: {{api_key: key-1, system_prompt: Be Bob., base_url: \"{}\"}}\n",
        service.url("/v1")
    );
    let scenario = scenario(&settings);
    scenario.file("pulled/personas.json", r#"[{"id": "p1", "name": "novice", "goals": ["a shirt"], "updated_at": "x"}]"#);
    scenario.file("pulled/inputs.json", r#"[{"id": "i1", "persona_id": "p1", "text": "Where is it?"}]"#);
    assert_eq!(said(&scenario.run()).len(), 4);
    let request = &service.requests()[0];
    assert!(request.head.starts_with("post /v1/messages") && request.head.contains("x-api-key: key-1"), "{}", request.head);
    let sent = body(request);
    assert_eq!((&sent["system"], sent["messages"].as_array().unwrap().len()), (&json!("Be Bob."), 1));
    let prompt = sent["messages"][0]["content"].as_str().unwrap();
    assert!(prompt.contains(r#"{"goals":["a shirt"],"name":"novice"}"#), "{prompt}");
}

#[test]
fn any_target_can_be_the_user() {
    let settings = "multi_turn:\n  enabled: true\n  max_turns: 2\n  supervisor:\n    runner: {target: \"user:run\"}\n";
    let scenario = scenario(settings);
    scenario.file(
        "user.py",
        "import json\ndef run(input):\n    return json.dumps({'should_continue': True, 'next_message': str('order number' in input)})\n",
    );
    let ran = scenario.inputs(&["Where?"]).run();
    assert_eq!(said(&ran), ["Where?", "Which order number?", "True", "Order 7: it is on its way."]);
    assert_eq!(ran.finished[0].termination_reason.as_deref(), Some("max_turns_reached"));
}

#[test]
fn a_model_that_does_not_decide_breaks_its_own_case() {
    let settings = "multi_turn:\n  enabled: true\n  supervisor:\n    runner: {target: \"user:run\"}\n";
    let scenario = scenario(settings);
    scenario.file("user.py", "def run(input):\n    return 'I would rather talk about the weather.'\n");
    let ran = scenario.inputs(&["Where?"]).run();
    let problem = &ran.finished[0].problem.as_ref().unwrap().message;
    assert_eq!(problem, "the model as the user did not answer with a JSON object: I would rather talk about the weather.");
    assert_eq!(ran.finished[0].output.as_deref(), Some("Which order number?"), "what was said before is kept");
}
