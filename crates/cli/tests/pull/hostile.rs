//! Servers that answer something else than what was asked.

use insta::assert_snapshot;
use keepstep_testkit::{Canned, Reply, World, transcript};
use serde_json::{Value, json};

use crate::common::BINARY;

fn answer() -> Value {
    json!({
        "bundle_version": {"id": "bv_1", "project_id": "p", "scenario_id": "s"},
        "scenario_context": {"scenario": {"id": "s", "name": "orders"}},
        "input_items": [{"id": "i1", "messages": [{"role": "user", "content": "hello"}]}],
        "personas": [], "criteria_pack": [], "sync_meta": {"pulled_at": "now"},
    })
}

/// Pulls from a server that has one scenario and answers a pull with this. Returns the transcript and the files.
fn pull(name: &str, reply: Reply, arguments: &[&str]) -> (String, Vec<String>) {
    let scenarios = Reply::json(200, &json!([{"id": "s", "name": name}]));
    let server = Canned::start(move |request| if request.method == "GET" { scenarios.clone() } else { reply.clone() });
    let world = World::new();
    let mut command = world.command(BINARY);
    command.env("KEEPSTEP_URL", server.url()).env("KEEPSTEP_API_KEY", "flx_test_key_0123456789");
    let output = command.args(["sync", "pull", "--project-id", "p"]).args(arguments).output().unwrap();
    let parent = std::fs::read_dir(world.path()).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
    assert!(parent.into_iter().all(|name| ["home", "project", "tmp"].contains(&name.as_str())));
    (transcript(&output).replace(&server.url(), "[URL]"), world.project().files())
}

#[test]
fn f16_another_bundle_than_asked_for_is_not_written() {
    let (text, files) = pull("orders", Reply::json(200, &answer()), &["--bundle-version-id", "bv_12345", "--scenario", "orders"]);
    assert_snapshot!(text, @"
    exit: 12
    ----- stderr -----
    error: requested bundle version bv_12345, but the server answered with bv_1; nothing was changed
    ");
    assert!(files.iter().all(|file| file.starts_with(".keepstep")), "{files:?}");
    let mut other = answer();
    other["bundle_version"]["scenario_id"] = json!("another");
    assert!(pull("orders", Reply::json(200, &other), &[]).0.starts_with("exit: 12"));
}

#[test]
fn f16_f21_a_server_that_does_not_look_for_names_is_asked_by_id() {
    let arguments = ["--scenario", "orders"];
    let (text, _) = pull("orders", Reply::json(200, &answer()), &arguments);
    assert!(text.starts_with("exit: 0"), "{text}");
    // The newest bundle of the project is another scenario's.
    let mut other = answer();
    other["bundle_version"]["scenario_id"] = json!("b");
    other["scenario_context"]["scenario"] = json!({"id": "b", "name": "billing"});
    let (text, files) = pull("orders", Reply::json(200, &other), &arguments);
    assert_snapshot!(text, @"
    exit: 12
    ----- stderr -----
    error: requested scenario s, but the server answered with b; nothing was changed
    ");
    assert!(files.iter().all(|file| file.starts_with(".keepstep")), "{files:?}");
    // A project's only scenario is meant, whatever it is called there.
    let (text, files) = pull("Orders, 2026", Reply::json(200, &answer()), &arguments);
    assert!(text.starts_with("exit: 0") && files.iter().any(|file| file.contains("/orders/inputs/")), "{text} {files:?}");
}

#[test]
fn f22_server_names_are_never_paths() {
    for name in ["../../../x", "/etc/passwd", "..", "a\u{1b}[31m", ""] {
        let mut hostile = answer();
        hostile["scenario_context"]["scenario"]["name"] = json!(name);
        hostile["criteria_pack"] = json!([{"id": "c", "name": "../../../../x"}, {"id": "d", "name": "x".repeat(300)}]);
        let (text, files) = pull(name, Reply::json(200, &hostile), &[]);
        assert!(text.starts_with("exit: 0") && !text.contains('\u{1b}'), "{text}");
        let is_inside =
            |file: &String| file.starts_with(".fluxloop/") || file.starts_with(".keepstep/") || file == "keepstep.lock";
        assert!(files.iter().all(is_inside), "{files:?}");
        let again = files.iter().filter(|file| file.ends_with("inputs/generated.yaml"));
        assert!(again.clone().count() == 1 && again.clone().all(|file| file.matches('/').count() == 4), "{files:?}");
    }
}

#[test]
fn f34_a_typed_name_is_no_path() {
    let (text, files) = pull("orders", Reply::json(200, &answer()), &["--scenario", "../../../x"]);
    assert!(text.starts_with("exit: 2") && files.is_empty(), "{text} {files:?}");
}

#[test]
fn f2_f3_f29_answers_that_are_no_bundle_change_nothing() {
    let mut numbers = answer();
    numbers["bundle_version"]["id"] = Value::Null;
    for (reply, code) in [
        (Reply::json(200, &numbers), 12),
        (Reply::json(200, &json!([])), 12),
        (Reply::html(200, "<html><title>Sign in</title></html>"), 11),
        (Reply::json(200, &answer()).cut_before_end(20), 11),
        (Reply::json(401, &json!({"detail": "bad key"})), 9),
        (Reply::json(403, &json!({"detail": "another project"})), 10),
        (Reply::json(409, &json!({"detail": "busy"})), 12),
        (Reply::json(422, &json!({"detail": [{"loc": ["body", "x"], "msg": "bad"}]})), 12),
        (Reply::new(304, &[], ""), 12),
    ] {
        let (text, files) = pull("orders", reply, &[]);
        assert!(text.starts_with(&format!("exit: {code}\n")), "{code}: {text}");
        assert!(!text.contains("panicked") && files.iter().all(|file| file.starts_with(".keepstep")), "{text} {files:?}");
    }
}

/// An answer that came packed.
fn packed(bytes: &[u8]) -> Reply {
    Reply::new(200, &[("content-type", "application/json"), ("content-encoding", "zstd")], bytes)
}

#[test]
fn f3_a_packed_answer_is_unpacked_or_refused() {
    let frame = zstd::bulk::compress(answer().to_string().as_bytes(), 3).unwrap();
    let (text, files) = pull("orders", packed(&frame), &[]);
    assert!(text.starts_with("exit: 0"), "{text}");
    assert!(files.iter().any(|file| file.ends_with(".state/pull_base.json.zst")), "{files:?}");
    // A server that does not know the header.
    let (text, files) = pull("orders", Reply::json(200, &answer()), &[]);
    assert!(text.starts_with("exit: 0"), "{text}");
    assert!(files.iter().any(|file| file.ends_with(".state/pull_base.json")), "{files:?}");

    let bomb = zstd::bulk::compress(&vec![b' '; 65 * 1024 * 1024], 3).unwrap();
    let refused = |reply: Reply| {
        let (text, files) = pull("orders", reply, &[]);
        assert!(files.iter().all(|file| file.starts_with(".keepstep")), "{files:?}");
        text
    };
    let gzip = Reply::json(200, &answer()).header("content-encoding", "gzip");
    assert_snapshot!([packed(&bomb), packed(&[&*frame, b"more"].concat()), packed(&frame[..40]), gzip].map(refused).join("\n"), @"
    exit: 12
    ----- stderr -----
    error: the answer of [URL] cannot be unpacked: it has more than 1000 times as much text as was received, over 64 MiB; nothing was changed

    exit: 12
    ----- stderr -----
    error: the answer of [URL] cannot be unpacked: it is damaged; nothing was changed

    exit: 11
    ----- stderr -----
    error: the connection to [URL] was cut before the answer was complete

    exit: 12
    ----- stderr -----
    error: the answer of [URL] cannot be unpacked: its encoding is gzip, which was not requested; nothing was changed
    ");
    // What stands before the platform may pack a refusal.
    let refusal = zstd::bulk::compress(br#"{"detail": "another project"}"#, 3).unwrap();
    let refusal = Reply::new(403, &[("content-type", "application/json"), ("content-encoding", "zstd")], refusal);
    let text = refused(refusal);
    assert!(text.starts_with("exit: 10") && text.contains("another project"), "{text}");
}

#[test]
fn f29_numbers_for_ids_and_nulls_for_lists_are_taken() {
    let mut odd = answer();
    odd["input_items"][0]["id"] = json!(7);
    odd["input_items"][0]["persona_id"] = Value::Null;
    for member in ["personas", "criteria_pack", "sync_meta", "input_set"] {
        odd[member] = Value::Null;
    }
    let (text, files) = pull("Shop [/v2]", Reply::json(200, &odd), &[]);
    assert!(text.starts_with("exit: 0"), "{text}");
    assert!(files.iter().any(|file| file.ends_with("inputs/generated.yaml")), "{files:?}");
}

#[test]
fn f20_a_configuration_from_the_server_is_never_made_one_of_ours() {
    let mut hostile = answer();
    let runner = json!({"runner": {"type": "process", "command": ["sh", "-c", "touch /tmp/x"]}, "inputs_file": "../../x.yaml"});
    hostile["scenario_context"]["scenario"]["config_snapshot"] = runner;
    let (text, files) = pull("orders", Reply::json(200, &hostile), &[]);
    assert!(text.starts_with("exit: 0"), "{text}");
    assert!(!files.iter().any(|file| file.contains("configs/")), "{files:?}");
    assert!(files.iter().any(|file| file.ends_with("inputs/generated.yaml")), "{files:?}");
}
