//! `keepstep sync --push`

use std::process::Stdio;

use insta::assert_snapshot;
use keepstep_testkit::{Fault, Proxy, transcript};

use crate::common::{Bench, FIRST};

#[test]
fn the_first_push_publishes() {
    let bench = Bench::new();
    assert_snapshot!(bench.run(&["sync", "--push"]), @"
    exit: 0
    ----- stdout -----
    ✅ Persona version 1 is published and current
    ");
}

#[test]
fn a_push_names_what_brings_the_old_text_back() {
    let bench = Bench::in_step();
    bench.code(&FIRST.replace("friendly", "formal"));
    assert_snapshot!(bench.run(&["sync", "--push"]), @"
    exit: 0
    ----- stdout -----
    ⚠️  Drift in 1 field   - only on the server   + only in the code

    Persona  changed in the code  src/index.ts:5:12
    - You are a friendly helper.
    + You are a formal helper.
      Answer briefly.
      Never promise a date.

    ✅ Persona version 2 is published and current
       undo: keepstep persona production deploy --persona-version 1
    ");
    bench.ok(&["persona", "production", "deploy", "--persona-version", "1", "--force"]);
    assert_eq!(bench.ok(&["persona", "production", "view"]), format!("{FIRST}\n"));
}

#[test]
fn s6_a_push_that_the_server_does_not_take_is_no_success() {
    let bench = Bench::in_step();
    bench.code("Mine");
    let viewer = bench.platform.key("viewer");
    let output = bench.command(&["sync", "--push"]).env("KEEPSTEP_API_KEY", &viewer).output().unwrap();
    assert_eq!(output.status.code(), Some(10), "{}", transcript(&output));
    assert_eq!(bench.all_versions().len(), 1);
}

#[test]
fn s8_nothing_empty_is_pushed() {
    for source in [
        "export const nothing = 1;\n",
        "import { LuaAgent } from 'lua-cli';\nexport const agent = new LuaAgent({ name: 'Helper', persona: '  ' });\n",
        "import { LuaAgent } from 'lua-cli';\nexport const agent = new LuaAgent({ name: 'Helper' });\n",
    ] {
        let bench = Bench::in_step();
        bench.project().file("src/index.ts", source);
        let output = bench.output(&["sync", "--push"]);
        assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
        assert_eq!(bench.all_versions(), [format!("{FIRST}\n")]);
    }
}

#[test]
fn a_draft_is_stored_and_not_compared() {
    let bench = Bench::in_step();
    bench.code("A draft");
    assert_snapshot!(bench.run(&["sync", "--push", "--draft"]), @"
    exit: 0
    ----- stdout -----
    ⚠️  Drift in 1 field   - only on the server   + only in the code

    Persona  changed in the code  src/index.ts:5:12
    - You are a friendly helper.
    - Answer briefly.
    - Never promise a date.
    + A draft

    ✅ Persona stored as draft 2; `keepstep persona production deploy --persona-version 2` publishes it
    ");
    assert_eq!(bench.published(), FIRST);
    assert_eq!(bench.output(&["sync", "--check"]).status.code(), Some(1));
}

#[test]
fn somebody_who_changes_the_same_text_meanwhile_is_heard() {
    let bench = Bench::in_step();
    let proxy = Proxy::before(bench.platform.address());
    proxy.on("PATCH", "/definition", Fault::Hold);
    bench.code("Mine");
    let child = bench
        .command(&["sync", "--push", "--url", &proxy.url(), "--api-key", &bench.key])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    proxy.wait_until_held();
    bench.colleague("Theirs");
    proxy.release();
    let output = child.wait_with_output().unwrap();
    let text = transcript(&output);
    assert_eq!(output.status.code(), Some(4), "{text}");
    assert!(text.contains("the persona changed"), "{text}");
    assert_eq!(bench.published(), "Theirs");
}

#[test]
fn a_change_of_something_else_meanwhile_does_not_matter() {
    let bench = Bench::in_step();
    let proxy = Proxy::before(bench.platform.address());
    proxy.on("PATCH", "/definition", Fault::Hold);
    bench.code("Mine");
    let child = bench
        .command(&["sync", "--push", "--url", &proxy.url(), "--api-key", &bench.key])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    proxy.wait_until_held();
    bench.colleague_sets_draft("A draft");
    proxy.release();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", transcript(&output));
    assert_eq!(bench.published(), "Mine");
}

#[test]
fn unfinished_merges_are_not_published() {
    let bench = Bench::in_step();
    bench.code("<<<<<<< code\na\n=======\nb\n>>>>>>> server");
    let output = bench.output(&["sync", "--push"]);
    assert_eq!(output.status.code(), Some(4), "{}", transcript(&output));
    assert_eq!(bench.all_versions().len(), 1);
}

#[test]
fn two_at_once_take_turns() {
    let bench = Bench::in_step();
    bench.code("Mine");
    let proxy = Proxy::before(bench.platform.address());
    proxy.on("PATCH", "/definition", Fault::Hold);
    let through_proxy = ["sync", "--push", "--url", &proxy.url(), "--api-key", &bench.key];
    let first = bench.command(&through_proxy).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    proxy.wait_until_held();
    let second = bench.command(&["sync", "--push"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    proxy.release();
    for mut child in [first, second] {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(bench.output(&["sync", "--check"]).status.code(), Some(0));
    assert_eq!(bench.all_versions(), ["Mine\n".to_owned(), format!("{FIRST}\n")]);
}

#[test]
fn a_persona_that_changes_by_itself_is_neither_pushed_nor_in_step() {
    let bench = Bench::in_step();
    let code = "import { LuaAgent } from 'lua-cli';\n\nexport const agent = new LuaAgent({\n  name: 'Helper',\n  \
                persona: `It is ${new Date().toISOString()}.`,\n});\n";
    bench.project().file("src/index.ts", code);
    assert_snapshot!(bench.run(&["sync", "--push"]), @"
    exit: 2
    ----- stderr -----
    dist-v2/manifest.json was not written: the persona cannot be read
    Persona not compared: src/index.ts:5:25: the persona changes by itself: `new Date()` gives another value each time
      4 |   name: 'Helper',
    > 5 |   persona: `It is ${new Date().toISOString()}.`,
        |                         ^
      6 | });

    hint: write the date, or let the server fill it in when the agent runs
    error: the persona in the code cannot be read, so it is neither published nor replaced; nothing was written
    hint: write it as a text that can be read without running the agent; `keepstep compile` shows where
    ");
    assert_snapshot!(bench.run(&["sync", "--check"]), @"
    exit: 2
    ----- stderr -----
    Persona not compared: src/index.ts:5:25: the persona changes by itself: `new Date()` gives another value each time
      4 |   name: 'Helper',
    > 5 |   persona: `It is ${new Date().toISOString()}.`,
        |                         ^
      6 | });

    hint: write the date, or let the server fill it in when the agent runs
    ");
    assert_eq!(bench.all_versions().len(), 1);
}

#[test]
fn a_persona_that_throws_is_neither_pushed_nor_in_step() {
    let bench = Bench::in_step();
    let code = "import { LuaAgent } from 'lua-cli';\nconst config: any = JSON.parse('{}');\n\
                export const agent = new LuaAgent({ name: 'Helper', persona: config.a.b });\n";
    bench.project().file("src/index.ts", code);
    for command in [&["sync", "--check"][..], &["sync", "--push"], &["compile", "--sync"], &["compile"]] {
        let output = bench.output(command);
        assert_ne!(output.status.code(), Some(0), "{}", transcript(&output));
    }
    assert_eq!(bench.json(&["sync", "--check"]).1["in_step"], false);
    assert_eq!(bench.all_versions().len(), 1);
}

#[test]
fn a_value_of_the_environment_is_not_published_without_a_word() {
    let bench = Bench::new();
    bench.project().file(".env", "TONE=kind\n");
    bench.project().file(
        "src/index.ts",
        "import { LuaAgent } from 'lua-cli';\nexport const agent = new LuaAgent({ name: 'Helper', persona: `Be ${process.env.TONE}.` });\n",
    );
    assert_snapshot!(bench.run(&["sync", "--push"]), @"
    exit: 0
    ----- stdout -----
    ✅ Persona version 1 is published and current
    ----- stderr -----
    warning: the persona holds a value of the environment, `process.env.TONE` (src/index.ts:2:68)
    hint: everyone who may see the agent can read it
    ");
}
