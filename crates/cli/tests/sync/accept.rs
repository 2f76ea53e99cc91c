//! `keepstep sync --accept`

use insta::assert_snapshot;
use keepstep_testkit::transcript;

use crate::common::{Bench, FIRST, code};

#[test]
fn the_text_is_pulled_and_can_be_put_back() {
    let bench = Bench::in_step();
    bench.colleague(&FIRST.replace("friendly", "formal"));
    assert_snapshot!(bench.run(&["sync", "--accept"]), @"
    exit: 0
    ----- stdout -----
    ⚠️  Drift in 1 field   - only on the server   + only in the code

    Persona  changed on the server  v2 by test owner, just now
      your code: src/index.ts:5:12, unchanged since v1
    - You are a formal helper.
    + You are a friendly helper.
      Answer briefly.
      Never promise a date.

    ✅ Persona pulled from server into src/index.ts
       undo: keepstep undo [UNDO]
    ");
    assert_eq!(bench.project().read("src/index.ts"), code(&FIRST.replace("friendly", "formal")));
    assert_snapshot!(bench.run(&["undo"]), @"
    exit: 0
    ----- stdout -----
    ✅ Restored src/index.ts
    ✅ Restored dist-v2/manifest.json
    ✅ Restored keepstep.lock
    ----- stderr -----
    hint: `keepstep undo [UNDO]` reverts this
    ");
    assert_eq!(bench.project().read("src/index.ts"), code(FIRST));
}

#[test]
fn pull_is_another_name_for_it() {
    let bench = Bench::in_step();
    bench.colleague("Theirs");
    bench.ok(&["sync", "--pull"]);
    assert_eq!(bench.project().read("src/index.ts"), code("Theirs"));
}

#[test]
fn s5_a_refused_edit_is_no_success_and_prints_what_a_person_would_apply() {
    let bench = Bench::in_step();
    let computed = "import { LuaAgent } from 'lua-cli';\nconst lines = () => ['a', 'b'].map((line) => line + '!').join('\\n');\nexport const agent = new LuaAgent({ name: 'Helper', persona: lines() });\n";
    bench.project().file("src/index.ts", computed);
    let output = bench.output(&["sync", "--accept"]);
    assert_eq!(output.status.code(), Some(4));
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(stderr.contains("src/index.ts:") && stderr.contains("nothing was written"), "{stderr}");
    assert!(!stdout.contains("✅"), "{stdout}");
    assert_eq!(bench.project().read("src/index.ts"), computed);
}

#[test]
fn s7_an_empty_model_is_taken() {
    let bench = Bench::new();
    let with_model = code(FIRST).replace("persona:", "model: 'openai/gpt-4o',\n  persona:");
    bench.project().file("src/index.ts", &with_model);
    bench.ok(&["sync", "--push"]);
    bench.code(FIRST);
    bench.ok(&["sync", "--push"]);
    bench.project().file("src/index.ts", &with_model);
    assert_eq!(bench.output(&["sync", "--check"]).status.code(), Some(1));
    bench.ok(&["sync", "--accept"]);
    assert!(!bench.project().read("src/index.ts").contains("gpt-4o"));
    assert_eq!(bench.output(&["sync", "--check"]).status.code(), Some(0));
}

#[test]
fn w3_server_text_never_becomes_code() {
    let bench = Bench::in_step();
    let text = "x \\${process.env.HOME} y `tick` \\ end\\";
    let literal = serde_json::to_string(text).unwrap();
    let agent = |literal: &str| {
        format!(
            "import {{ LuaAgent }} from 'lua-cli';\nexport const agent = new LuaAgent({{ name: 'Helper', persona: {literal} }});\n"
        )
    };
    bench.project().file("src/index.ts", agent(&literal));
    bench.ok(&["sync", "--push"]);
    bench.code(FIRST);
    bench.ok(&["sync", "--accept"]);
    assert_eq!(bench.output(&["sync", "--check"]).status.code(), Some(0));
    assert_eq!(bench.ok(&["persona", "sandbox", "view"]), format!("{text}\n"));
}

#[test]
fn several_fields_are_written_together_or_not_at_all() {
    let bench = Bench::in_step();
    bench.colleague_sets_model("openai/gpt-4o");
    bench.colleague("Theirs");
    let before = "import { LuaAgent } from 'lua-cli';\nconst text = () => ['a'].map((line) => line + '!').join('');\nexport const agent = new LuaAgent({\n  name: 'Helper',\n  persona: text(),\n});\n";
    bench.project().file("src/index.ts", before);
    assert_eq!(bench.output(&["sync", "--accept"]).status.code(), Some(4));
    assert_eq!(bench.project().read("src/index.ts"), before);
}

#[test]
fn the_key_of_a_governance_stays_in_the_code() {
    let bench = Bench::new();
    let code = |mode: &str, key: &str| {
        format!(
            "import {{ LuaAgent }} from 'lua-cli';\nexport const agent = new LuaAgent({{\n  name: 'Helper',\n  persona: 'p',\n  governance: {{ mode: '{mode}', {key} }},\n}});\n"
        )
    };
    bench.project().file("src/index.ts", code("api", "apiKey: 'very-secret'"));
    bench.ok(&["sync", "--push"]);
    bench.project().file("src/index.ts", code("sdk", "apiKey: 'very-secret'"));
    let shown = bench.run(&["sync", "--accept"]);
    assert!(!shown.contains("very-secret"), "{shown}");
    assert_eq!(bench.project().read("src/index.ts"), code("api", "apiKey: 'very-secret'"));
    // A key of the environment is not spelled out anywhere, not even in the patch for a person.
    bench.project().file("src/index.ts", code("sdk", "apiKey: process.env.GOVERNANCE_KEY"));
    let output = bench.command(&["sync", "--accept"]).env("GOVERNANCE_KEY", "very-secret").output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(!transcript(&output).contains("very-secret"), "{}", transcript(&output));
}
