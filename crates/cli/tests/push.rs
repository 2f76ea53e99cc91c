//! `keepstep push persona`

use insta::assert_snapshot;
use keepstep_testkit::{Fault, Proxy, transcript};

use crate::common::{Bench, FIRST};

#[test]
fn it_shows_what_is_pushed_and_how_to_take_it_back() {
    let bench = Bench::in_step();
    bench.code(&FIRST.replace("friendly", "formal"));
    assert_snapshot!(bench.run(&["push", "persona", "--force"]), @"
    exit: 0
    ----- stdout -----
    [AGENT] on [URL]   - what is replaced   + what is pushed

    Persona
    - You are a friendly helper.
    + You are a formal helper.
      Answer briefly.
      Never promise a date.

    ✅ Persona version 2 is published and current
       undo: keepstep persona production deploy --persona-version 1
    ");
    assert_snapshot!(bench.run(&["push", "persona", "--force"]), @"
    exit: 0
    ----- stdout -----
    ✅ The server has this persona already as version 2, published and current. Nothing to push.
    ");
}

#[test]
fn the_other_names_of_it() {
    for name in ["personas", "agent", "agents"] {
        let bench = Bench::new();
        bench.ok(&["push", name, "--force", "--auto-deploy"]);
        assert_eq!(bench.published(), FIRST);
    }
}

#[test]
fn without_a_terminal_the_flag_is_named() {
    let bench = Bench::new();
    assert_snapshot!(bench.run(&["push", "persona", "--quiet"]), @"
    exit: 4
    ----- stdout -----
    [AGENT] on [URL]   - what is replaced   + what is pushed

    Persona
    + You are a friendly helper.
    + Answer briefly.
    + Never promise a date.

    ----- stderr -----
    error: cannot ask whether to publish this without a terminal; nothing was pushed
    hint: `--force` publishes without asking
    ");
    assert!(bench.all_versions().is_empty());
}

#[test]
fn the_model_goes_along() {
    let bench = Bench::in_step();
    bench.project().file("src/index.ts", crate::common::code("Mine").replace("persona:", "model: 'openai/gpt-4o',\n  persona:"));
    bench.ok(&["push", "persona", "--force"]);
    assert_eq!(bench.output(&["sync", "--check"]).status.code(), Some(0));
}

#[test]
fn what_the_server_stores_is_read_back() {
    let bench = Bench::in_step();
    let proxy = Proxy::before(bench.platform.address());
    let state = bench.json(&["sync", "--check"]).1;
    bench.code("Mine");
    let body = serde_json::json!({
        "agent_id": bench.agent, "org_id": bench.org, "revision": 9, "changed": { "at": 0 },
        "definition": { "name": "Helper", "persona": "Something else" },
    });
    assert_eq!(state["in_step"], true);
    let headers = [("content-type", "application/json"), ("keepstep-version", "0.1.0"), ("keepstep-api", "1")];
    proxy.on("PATCH", "/definition", Fault::Answer(keepstep_testkit::Reply::new(200, &headers, body.to_string())));
    let output = bench.output(&["push", "persona", "--force", "--url", &proxy.url(), "--api-key", &bench.key]);
    assert_eq!(output.status.code(), Some(12), "{}", transcript(&output));
}
