//! `keepstep compile`

use insta::assert_snapshot;
use keepstep_testkit::closed_port;

use crate::common::{Bench, FIRST, code};

#[test]
fn it_says_what_it_compiled() {
    let bench = Bench::new();
    assert_snapshot!(bench.run(&["compile"]), @"
    exit: 0
    ----- stdout -----
    ✅ Compiled 1 primitive (1 agent) in [DURATION]
    ");
    assert_snapshot!(bench.run(&["compile", "--verbose"]), @"
    exit: 0
    ----- stdout -----
    Agent at src/index.ts:3:22
      Name       src/index.ts:4:9  Helper
      Persona    src/index.ts:5:12  You are a friendly helper. Answer briefly. Never promise a d…
    3 project files
      lua.skill.yaml
      src/index.ts
      tsconfig.json
    ✅ Compiled 1 primitive (1 agent) in [DURATION]
    ");
}

#[test]
fn s10_the_drift_is_of_what_was_just_compiled() {
    let bench = Bench::in_step();
    bench.code(&FIRST.replace("friendly", "formal"));
    assert_snapshot!(bench.run(&["compile", "--sync"]), @"
    exit: 0
    ----- stdout -----
    ✅ Compiled 1 primitive (1 agent) in [DURATION]
    ⚠️  Drift detected between local code and server.
       Persona: changed in the code
    ----- stderr -----
    hint: `keepstep sync` asks what to do; `--push` publishes the code, `--accept` takes the server's, `--merge` keeps both sides' edits
    ");
    assert_eq!(bench.output(&["compile", "--sync", "--strict"]).status.code(), Some(1));
    bench.code(FIRST);
    bench.project().remove("dist-v2/manifest.json");
    let text = bench.ok(&["compile", "--sync", "--strict"]);
    assert!(text.contains("✅ No drift detected. Local code is in sync with server."), "{text}");
}

#[test]
fn an_unreachable_server_does_not_block() {
    let bench = Bench::new();
    let url = format!("http://127.0.0.1:{}", closed_port().port());
    let output = bench.output(&["compile", "--sync", "--url", &url, "--api-key", &bench.key]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("The drift was NOT checked"));
    assert!(bench.project().has("dist-v2/manifest.json"));
    assert_eq!(bench.output(&["compile", "--sync", "--strict", "--url", &url, "--api-key", &bench.key]).status.code(), Some(11));
}

#[test]
fn x6_an_unreadable_persona_leaves_the_manifest_as_it_was() {
    let bench = Bench::in_step();
    let manifest = bench.project().read("dist-v2/manifest.json");
    bench.project().file(
        "src/index.ts",
        "import { LuaAgent } from 'lua-cli';\nexport default new LuaAgent({ name: 'Helper', persona: unknownThing });\n",
    );
    assert_snapshot!(bench.run(&["compile"]), @"
    exit: 2
    ----- stderr -----
    error: the persona cannot be read: src/index.ts:2:56: `unknownThing` is not defined in the project; running it failed: the code at src/index.ts:2 threw ReferenceError: unknownThing is not defined
      1 | import { LuaAgent } from 'lua-cli';
    > 2 | t default new LuaAgent({ name: 'Helper', persona: unknownThing });
        |                                                   ^^^^^^^^^^^^

    hint: write the text itself, or keep it in a file of the project and read it with readFileSync
    ");
    assert_eq!(bench.project().read("dist-v2/manifest.json"), manifest);
}

#[test]
fn a_new_project_compiles_before_it_has_ids() {
    let bench = Bench::new();
    bench.project().file("lua.skill.yaml", "agent:\n  agentId: ''\n  orgId: ''\nskills: []\n");
    let (exit, document) = bench.json(&["compile"]);
    assert_eq!((exit, &document["agent"]), (0, &serde_json::Value::Null));
    assert_eq!(bench.output(&["compile", "--sync"]).status.code(), Some(2), "a comparison has to know which agent");
}

#[test]
fn a_persona_cannot_be_computed_from_our_keys() {
    let bench = Bench::new();
    bench.project().file("src/index.ts", code("${process.env.KEEPSTEP_API_KEY ?? 'none'} ${process.env.TEAM}"));
    let output = bench.command(&["compile", "--json"]).env("TEAM", "blue").output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["definition"]["persona"], "none blue");
}

#[test]
fn the_code_sees_the_variables_of_the_env_file() {
    let bench = Bench::new();
    bench.project().file("src/index.ts", code("${process.env.TEAM} ${process.env.CITY}"));
    bench.project().file(".env", "TEAM=red\nCITY='Bern'\n");
    let output = bench.command(&["compile", "--json"]).env("TEAM", "blue").output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["definition"]["persona"], "blue Bern", "the environment comes before the file");
}
