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
    > 2 | … default new LuaAgent({ name: 'Helper', persona: unknownThing });
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
    bench.project().file("src/index.ts", code("${process.env.KEEPSTEP_API_KEY ?? 'none'}"));
    bench.project().file("keepstep.toml", "[evaluate]\nenv = [\"KEEPSTEP_API_KEY\"]\n");
    bench.project().file(".env", "KEEPSTEP_API_KEY=ks_secret\n");
    let output = bench.command(&["compile"]).output().unwrap();
    let shown = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(shown.contains("`process.env.KEEPSTEP_API_KEY`") && !shown.contains("ks_secret"), "{shown}");
}

#[test]
fn the_code_sees_the_variables_of_the_env_file_and_those_that_are_allowed() {
    let bench = Bench::new();
    bench.project().file("src/index.ts", code("${process.env.TEAM} ${process.env.CITY} ${process.env.REGION ?? 'north'}"));
    bench.project().file(".env", "TEAM=red\nCITY='Bern'\n");
    let persona = |allowed: &str| {
        bench.project().file("keepstep.toml", allowed);
        let output = bench.command(&["compile", "--json"]).env("TEAM", "blue").output().unwrap();
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (document["definition"]["persona"].clone(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(persona("").0, "red Bern north", "only the file of the project is read");
    let (text, stderr) = persona("[evaluate]\nenv = [\"TEAM\"]\n");
    assert_eq!(text, "blue Bern north", "what is allowed comes before the file");
    insta::assert_snapshot!(stderr, @"
    warning: the persona holds a value of the environment, `process.env.TEAM` (src/index.ts:5:15)
    hint: everyone who may see the agent can read it
    ");
}

#[test]
fn a_variable_of_this_machine_is_not_compiled_into_the_manifest() {
    let bench = Bench::new();
    bench.project().file("src/index.ts", code("Deploy with ${process.env.GITHUB_TOKEN}."));
    let output = bench.command(&["compile"]).env("GITHUB_TOKEN", "ghp_secret").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(!bench.project().files().iter().any(|file| file.contains("manifest.json")));
    insta::assert_snapshot!(String::from_utf8(output.stderr).unwrap(), @r#"
    error: the persona cannot be read: src/index.ts:5:27: `process.env.GITHUB_TOKEN` is known only when the code runs; running it failed: `process.env.GITHUB_TOKEN` is set on this machine, and not by the project (at src/index.ts:5)
      4 |   name: 'Helper',
    > 5 |   persona: `Deploy with ${process.env.GITHUB_TOKEN}.`,
        |                           ^^^^^^^^^^^^^^^^^^^^^^^^
      6 | });

    hint: set GITHUB_TOKEN in the project's .env, or allow it in keepstep.toml: [evaluate] env = ["GITHUB_TOKEN"]
    "#);
}

#[test]
fn a_persona_that_changes_by_itself_is_not_compiled() {
    let bench = Bench::new();
    bench.project().file("src/index.ts", code("It is ${new Date().toISOString()}."));
    let output = bench.command(&["compile"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(String::from_utf8(output.stderr).unwrap(), @"
    error: the persona cannot be read: src/index.ts:5:25: the persona changes by itself: `new Date()` gives another value each time
      4 |   name: 'Helper',
    > 5 |   persona: `It is ${new Date().toISOString()}.`,
        |                         ^
      6 | });

    hint: write the date, or let the server fill it in when the agent runs
    ");
}
