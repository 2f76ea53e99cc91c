//! `keepstep sync --check`

use insta::assert_snapshot;
use keepstep_testkit::{Fault, Proxy, World, closed_port, transcript};

use crate::common::{BINARY, Bench, FIRST};

#[test]
fn nothing_differs() {
    let bench = Bench::in_step();
    assert_snapshot!(bench.run(&["sync", "--check"]), @"
    exit: 0
    ----- stdout -----
    ✅ No drift detected. Local code is in sync with server.
       name, persona, model, governance are in step
    ");
}

#[test]
fn no_persona_on_the_server_is_no_drift() {
    let bench = Bench::new();
    assert_snapshot!(bench.run(&["sync", "--check"]), @"
    exit: 0
    ----- stdout -----
    ✅ No drift detected. Local code is in sync with server.
       name, model, governance are in step; the persona is not on the server yet
    ----- stderr -----
    hint: no persona was published on the server yet; `keepstep push persona` publishes this one
    ");
}

#[test]
fn the_code_changed() {
    let bench = Bench::in_step();
    bench.code(&FIRST.replace("friendly", "formal"));
    assert_snapshot!(bench.run(&["sync", "--check"]), @"
    exit: 1
    ----- stdout -----
    ⚠️  Drift in 1 field   - only on the server   + only in the code

    Persona  changed in the code  src/index.ts:5:12
    - You are a friendly helper.
    + You are a formal helper.
      Answer briefly.
      Never promise a date.

    ----- stderr -----
    hint: `keepstep sync` asks what to do; `--push` publishes the code, `--accept` takes the server's, `--merge` keeps both sides' edits
    ");
}

#[test]
fn the_code_changed_in_color() {
    let bench = Bench::in_step();
    bench.code(&FIRST.replace("friendly", "formal"));
    let shown = bench.run(&["sync", "--check", "--color", "always"]).replace('\u{1b}', "ESC");
    assert_snapshot!(shown, @"
    exit: 1
    ----- stdout -----
    ESC[33m⚠️  ESC[0mESC[1mDrift in 1 fieldESC[0m   ESC[31m- only on the serverESC[0m   ESC[32m+ only in the codeESC[0m

    ESC[1mPersonaESC[0m  changed in the codeESC[90m  src/index.ts:5:12ESC[0m
    ESC[31m- ESC[0mESC[31mYou are a ESC[0mESC[7mESC[31mfriendlyESC[0mESC[31m helper.ESC[0m
    ESC[32m+ ESC[0mESC[32mYou are a ESC[0mESC[7mESC[32mformalESC[0mESC[32m helper.ESC[0m
    ESC[90m  ESC[0mESC[90mAnswer briefly.ESC[0m
    ESC[90m  ESC[0mESC[90mNever promise a date.ESC[0m

    ----- stderr -----
    ESC[36mhint: ESC[0mESC[36m`keepstep sync`ESC[0m asks what to do; ESC[36m`--push`ESC[0m publishes the code, ESC[36m`--accept`ESC[0m takes the server's, ESC[36m`--merge`ESC[0m keeps both sides' edits
    ");
}

#[test]
fn a_long_unchanged_run_is_folded() {
    let bench = Bench::new();
    let lines: Vec<String> = (1..=12).map(|number| format!("line {number}")).collect();
    bench.code(&lines.join("\n"));
    bench.ok(&["sync", "--push"]);
    bench.code(&lines.join("\n").replace("line 12", "the end"));
    assert_snapshot!(bench.run(&["sync", "--check"]), @"
    exit: 1
    ----- stdout -----
    ⚠️  Drift in 1 field   - only on the server   + only in the code

    Persona  changed in the code  src/index.ts:5:12
      line 1
      line 2
      line 3
      ... 5 unchanged lines ...
      line 9
      line 10
      line 11
    - line 12
    + the end

    ----- stderr -----
    hint: `keepstep sync` asks what to do; `--push` publishes the code, `--accept` takes the server's, `--merge` keeps both sides' edits
    ");
}

#[test]
fn escapes_and_marks_of_direction_are_made_visible() {
    let bench = Bench::in_step();
    bench.code("Be \\u001b[31mred\\u001b[0m and \\u202ereversed\\u0007");
    let output = bench.output(&["sync", "--check"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Be \\e[31mred\\e[0m and \\u{202e}reversed\\x07"), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
}

#[test]
fn s1_an_unreachable_server_is_not_checked_and_never_in_step() {
    let bench = Bench::in_step();
    let url = format!("http://127.0.0.1:{}", closed_port().port());
    let shown = bench.run(&["sync", "--check", "--url", &url, "--api-key", &bench.key]).replace(&url, "[URL]");
    assert_snapshot!(shown, @"
    exit: 0
    ----- stderr -----
    warning: a key on the command line is visible to other users of this machine; `keepstep login` stores it
    The drift was NOT checked: [URL] cannot be reached: connection refused
    ");
    let (code, document) = bench.json(&["sync", "--check", "--url", &url, "--api-key", &bench.key]);
    assert_eq!((code, &document["checked"]), (0, &serde_json::json!(false)));
    let strict = bench.output(&["sync", "--check", "--url", &url, "--strict", "--api-key", &bench.key]);
    assert_eq!(strict.status.code(), Some(11), "{}", transcript(&strict));
    let strict =
        bench.command(&["sync", "--check", "--url", &url, "--api-key", &bench.key]).env("KEEPSTEP_STRICT", "1").output().unwrap();
    assert_eq!(strict.status.code(), Some(11));
    bench.project().file("keepstep.toml", "strict = true\n");
    assert_eq!(bench.output(&["sync", "--check", "--url", &url, "--api-key", &bench.key]).status.code(), Some(11));
    let off =
        bench.command(&["sync", "--check", "--url", &url, "--api-key", &bench.key]).env("KEEPSTEP_STRICT", "0").output().unwrap();
    assert_eq!(off.status.code(), Some(0));
}

#[test]
fn s2_a_check_writes_nothing_at_all() {
    let bench = Bench::new();
    for arguments in [["sync", "--check"], ["sync", "--dry-run"]] {
        bench.ok(&arguments);
        assert_eq!(bench.project().files(), ["lua.skill.yaml", "src/index.ts", "tsconfig.json"], "{arguments:?}");
    }
    bench.ok(&["sync", "--push"]);
    bench.code("Something else");
    bench.project().remove("keepstep.lock").remove("dist-v2/manifest.json");
    let before = bench.project().files();
    assert_eq!(bench.output(&["sync", "--check"]).status.code(), Some(1));
    assert_eq!(bench.project().files(), before);
    assert_eq!(bench.all_versions(), [format!("{FIRST}\n")]);
}

#[test]
fn s3_every_field_is_counted() {
    let bench = Bench::in_step();
    bench.colleague_sets_model("openai/gpt-4o");
    bench.project().file(
        "src/index.ts",
        "import { LuaAgent } from 'lua-cli';\nexport const agent = new LuaAgent({ name: 'Other', persona: 'p', governance: { mode: 'sdk' } });\n",
    );
    assert_snapshot!(bench.run(&["sync", "--check"]), @r#"
    exit: 1
    ----- stdout -----
    ⚠️  Drift in 4 fields   - only on the server   + only in the code

    Name  changed in the code  src/index.ts:2:43
    - Helper
    + Other

    Persona  changed in the code  src/index.ts:2:61
    - You are a friendly helper.
    - Answer briefly.
    - Never promise a date.
    + p

    Model  changed on the server  last change by test owner, just now
    - openai/gpt-4o

    Governance  changed in the code  src/index.ts:2:78
    + {
    +   "mode": "sdk"
    + }

    ----- stderr -----
    hint: `keepstep sync` asks what to do; `--push` publishes the code, `--accept` takes the server's, `--merge` keeps both sides' edits
    "#);
}

#[test]
fn s17_a_difference_in_line_ends_is_none_and_one_in_form_is_seen() {
    let bench = Bench::in_step();
    bench.project().file("src/index.ts", crate::common::code(FIRST).replace('\n', "\r\n"));
    assert_eq!(bench.output(&["sync", "--check"]).status.code(), Some(0));
    bench.code("a");
    bench.ok(&["sync", "--push"]);
    bench.project().file(
        "src/index.ts",
        "import { LuaAgent } from 'lua-cli';\nexport const agent = new LuaAgent({ name: 'Helper', persona: { base: 'a' } });\n",
    );
    assert_snapshot!(bench.run(&["sync", "--check"]), @"
    exit: 1
    ----- stdout -----
    ⚠️  Drift in 1 field   - only on the server   + only in the code

    Persona  changed in the code  src/index.ts:2:62
    + [base]
      a

    ----- stderr -----
    hint: `keepstep sync` asks what to do; `--push` publishes the code, `--accept` takes the server's, `--merge` keeps both sides' edits
    ");
}

#[test]
fn s18_a_text_that_spells_an_object_is_a_text() {
    let bench = Bench::new();
    let object =
        "import { LuaAgent } from 'lua-cli';\nexport const agent = new LuaAgent({ name: 'Helper', persona: { base: 'a' } });\n";
    bench.project().file("src/index.ts", object);
    bench.ok(&["sync", "--push"]);
    bench.project().file("src/index.ts", object.replace("{ base: 'a' }", "'{\"base\":\"a\"}'"));
    assert_eq!(bench.output(&["sync", "--check"]).status.code(), Some(1));
    bench.project().file("src/index.ts", object.replace("{ base: 'a' }", "'[base]\\na'"));
    let text = bench.run(&["sync", "--check"]);
    assert!(text.contains("- (an object)\n+ (a text that reads the same)"), "{text}");
}

#[test]
fn s14_a_key_in_the_governance_is_no_drift() {
    let bench = Bench::new();
    let code = "import { LuaAgent } from 'lua-cli';\nexport const agent = new LuaAgent({ name: 'Helper', persona: 'p', governance: { mode: 'sdk', apiKey: 'very-secret' } });\n";
    bench.project().file("src/index.ts", code);
    bench.ok(&["sync", "--push"]);
    assert_eq!(bench.output(&["sync", "--check"]).status.code(), Some(0));
    let output = bench.output(&["sync", "--check", "--json"]);
    assert!(!String::from_utf8_lossy(&output.stdout).contains("very-secret"), "{}", transcript(&output));
}

#[test]
fn x6_an_unreadable_persona_is_never_in_step_and_never_empty() {
    let bench = Bench::in_step();
    bench.project().file(
        "src/index.ts",
        "import { LuaAgent } from 'lua-cli';\nimport { persona } from './missing';\nexport const agent = new LuaAgent({ name: 'Helper', persona });\n",
    );
    let check = bench.run(&["sync", "--check"]);
    assert!(check.starts_with("exit: 2\n"), "{check}");
    assert!(check.contains("src/index.ts:") && !check.contains("No drift"), "{check}");
    let push = bench.run(&["sync", "--push"]);
    assert!(push.starts_with("exit: 2\n"), "{push}");
    assert_eq!(bench.all_versions(), [format!("{FIRST}\n")]);
}

#[test]
fn the_newer_draft_is_named_when_the_code_equals_it() {
    let bench = Bench::in_step();
    bench.code("A draft");
    bench.ok(&["push", "persona", "--draft", "--force"]);
    assert_snapshot!(bench.run(&["sync", "--check"]), @"
    exit: 1
    ----- stdout -----
    ⚠️  Drift in 1 field   - only on the server   + only in the code

    Persona  changed in the code  src/index.ts:5:12
    - You are a friendly helper.
    - Answer briefly.
    - Never promise a date.
    + A draft

    The code's persona is the draft 2. `keepstep persona production deploy --persona-version 2` publishes it.
    ----- stderr -----
    hint: `keepstep sync` asks what to do; `--push` publishes the code, `--accept` takes the server's, `--merge` keeps both sides' edits
    ");
    assert_eq!(bench.output(&["sync", "--check", "--against", "draft"]).status.code(), Some(0));
    assert_eq!(bench.output(&["sync", "--check", "--against", "v2"]).status.code(), Some(0));
    assert_eq!(bench.output(&["sync", "--check", "--against", "v1"]).status.code(), Some(1));
    assert_eq!(bench.output(&["sync", "--check", "--against", "v9"]).status.code(), Some(3));
}

#[test]
fn a_rollback_does_not_change_what_is_compared() {
    let bench = Bench::in_step();
    bench.code("Second");
    bench.ok(&["sync", "--push"]);
    bench.ok(&["persona", "production", "deploy", "--persona-version", "1", "--force"]);
    assert_eq!(bench.output(&["sync", "--check"]).status.code(), Some(0));
    assert_eq!(bench.output(&["sync", "--check", "--against", "current"]).status.code(), Some(1));
}

#[test]
fn check_goes_before_accept_and_push() {
    let bench = Bench::in_step();
    bench.code("Second");
    assert_eq!(bench.output(&["sync", "--check", "--accept", "--push"]).status.code(), Some(1));
    assert_eq!(bench.all_versions().len(), 1);
    bench.ok(&["sync", "--accept", "--push"]);
    assert!(bench.project().read("src/index.ts").contains(FIRST));
}

#[test]
fn the_name_that_it_is_called_by_is_the_name_that_it_uses() {
    let bench = Bench::in_step();
    bench.code("Second");
    let link = bench.world.path().join("lua");
    std::os::unix::fs::symlink(BINARY, &link).unwrap();
    let output = bench
        .world
        .command(&link)
        .env("LUA_API_URL", bench.platform.url())
        .env("LUA_API_KEY", &bench.key)
        .args(["--ci", "sync", "--check"])
        .output()
        .unwrap();
    let text = bench.filtered(&transcript(&output));
    assert!(text.contains("`lua sync` asks what to do"), "{text}");
    assert_eq!(output.status.code(), Some(1), "{text}");
}

#[test]
fn a_world_without_a_project_says_how_to_start_one() {
    let world = World::new();
    let output = world.command(BINARY).args(["sync", "--check"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("lua.skill.yaml") && text.contains("`keepstep init agent`"), "{text}");
}

#[test]
fn a_server_that_wants_a_pause_does_not_keep_anybody_from_work() {
    let bench = Bench::in_step();
    let proxy = Proxy::before(bench.platform.address());
    proxy.otherwise(Fault::status(429, Some("30")));
    let shown = bench.run(&["sync", "--check", "--url", &proxy.url(), "--api-key", &bench.key]).replace(&proxy.url(), "[URL]");
    assert_snapshot!(shown, @"
    exit: 0
    ----- stderr -----
    warning: a key on the command line is visible to other users of this machine; `keepstep login` stores it
    The drift was NOT checked: [URL] accepts no more requests now; try again in 30 seconds
    ");
    assert_eq!(proxy.requests().len(), 1, "it did not wait for its turn");
}

/// Returns the code of an agent with skills and jobs.
fn code_with_primitives() -> String {
    crate::common::code(FIRST)
        .replace("{ LuaAgent }", "{ LuaAgent, LuaSkill, LuaJob }")
        .replace(
            "  persona:",
            "  skills: [new LuaSkill({ name: 'orders' }), new LuaSkill({ name: 'refunds' })],\n  jobs: [new LuaJob({ name: 'nightly' })],\n  persona:",
        )
}

#[test]
fn what_is_compared_is_named() {
    let bench = Bench::new();
    bench.project().file("src/index.ts", code_with_primitives());
    bench.ok(&["sync", "--push"]);
    assert_snapshot!(bench.run(&["sync", "--check"]), @"
    exit: 0
    ----- stdout -----
    ✅ No drift detected. Local code is in sync with server.
       name, persona, model, governance are in step; 3 primitives are not compared (1 job, 2 skills)
    ");
    let (exit, document) = bench.json(&["sync", "--check"]);
    assert_eq!((exit, &document["in_step"]), (0, &true.into()));
    assert_eq!(
        document["not_compared"],
        serde_json::json!([
            { "kind": "skill", "name": "orders", "reason": "unsupported" },
            { "kind": "skill", "name": "refunds", "reason": "unsupported" },
            { "kind": "job", "name": "nightly", "reason": "unsupported" },
        ])
    );
    // What was not compared is no drift, and no step either.
    assert_eq!(bench.output(&["sync", "--check", "--strict"]).status.code(), Some(1));
    let strict = bench.command(&["sync", "--check"]).env("KEEPSTEP_STRICT", "1").output().unwrap();
    assert_eq!(strict.status.code(), Some(1));
    assert_eq!(bench.output(&["compile", "--sync"]).status.code(), Some(0));
    assert!(bench.ok(&["compile", "--sync"]).contains("3 primitives are not compared"));
}

#[test]
fn a_job_of_a_ci_gets_a_warning_in_its_form() {
    let bench = Bench::new();
    bench.project().file("src/index.ts", code_with_primitives());
    bench.ok(&["sync", "--push"]);
    let said = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = bench.command(arguments);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", transcript(&output));
        String::from_utf8(output.stderr).unwrap()
    };
    let check = ["sync", "--check"];
    assert_eq!(said(&[], &check), "");
    let plain = "warning: 3 primitives are not compared (1 job, 2 skills)\n";
    assert_eq!(said(&[("CI", "true")], &check), plain);
    let github = said(&[("CI", "true"), ("GITHUB_ACTIONS", "true")], &check);
    assert_eq!(github, "::warning title=not compared::3 primitives are not compared (1 job, 2 skills)\n");
    let url = format!("http://127.0.0.1:{}", closed_port().port());
    let unreachable = said(&[("CI", "true"), ("GITHUB_ACTIONS", "true"), ("KEEPSTEP_URL", &url)], &check);
    assert!(unreachable.starts_with("::warning title=not compared::The drift was NOT checked: "), "{unreachable}");
}

#[test]
fn without_a_server_nothing_was_compared() {
    let bench = Bench::in_step();
    let url = format!("http://127.0.0.1:{}", closed_port().port());
    let (_, document) = bench.json(&["sync", "--check", "--url", &url, "--api-key", &bench.key]);
    let names: Vec<&str> =
        document["not_compared"].as_array().unwrap().iter().map(|unit| unit["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["name", "persona", "model", "governance"]);
    assert_eq!((&document["in_step"], &document["production"]), (&serde_json::Value::Null, &serde_json::Value::Null));
}

/// Returns a project in step with version 2, while somebody put version 1 into production again.
fn rolled_back() -> Bench {
    let bench = Bench::in_step();
    bench.code("Second");
    bench.ok(&["sync", "--push"]);
    bench.ok(&["persona", "production", "deploy", "--persona-version", "1", "--force"]);
    bench
}

#[test]
fn production_runs_another_version() {
    let bench = rolled_back();
    assert_snapshot!(bench.run(&["sync", "--check"]), @"
    exit: 0
    ----- stdout -----
    ✅ No drift detected. Local code is in sync with server.
       name, persona, model, governance are in step
    ----- stderr -----
    warning: production runs v1 by test owner, put back just now by test owner; the latest published is v2; `keepstep sync --check --against current` compares with what production runs
    ");
    assert_snapshot!(bench.run(&["sync", "status"]), @"
    exit: 0
    ----- stdout -----
    Agent       Helper ([AGENT])   [URL]/agents/[AGENT]
      Persona   in step with v2, the latest published
      Others    name, model, governance are in step
      !         production runs v1 by test owner, put back just now by test owner; the latest published is v2
                `keepstep sync --check --against current` compares with what production runs
    ");
    for arguments in [&["status"][..], &["doctor"], &["compile", "--sync"]] {
        let output = bench.output(arguments);
        let text = transcript(&output);
        assert_eq!(
            text.matches("production runs v1 by test owner, put back just now by test owner; the latest published is v2").count(),
            1,
            "{text}"
        );
    }
    for arguments in [&["sync", "--check"][..], &["sync", "status"], &["status"]] {
        let (exit, document) = bench.json(arguments);
        assert_eq!(exit, 0, "{arguments:?}");
        assert_eq!(document["production"]["version"], 1, "{arguments:?}");
        assert_eq!(document["production"]["is_latest_published"], false, "{arguments:?}");
        assert_eq!(document["production"]["deployed_by"], "test owner", "{arguments:?}");
    }
    // In step or not is decided by what is compared.
    assert_eq!(bench.output(&["sync", "--check", "--strict"]).status.code(), Some(0));
    assert_eq!(bench.output(&["sync", "--check", "--against", "current"]).status.code(), Some(1));
    bench.code(FIRST);
    let current = bench.run(&["sync", "--check", "--against", "current"]);
    assert!(current.starts_with("exit: 0\n") && !current.contains("production runs"), "{current}");
}

#[test]
fn the_latest_published_version_in_production_is_no_news() {
    let bench = Bench::in_step();
    for arguments in [&["sync", "--check"][..], &["sync", "status"], &["status"], &["doctor"]] {
        assert!(!transcript(&bench.output(arguments)).contains("production runs"), "{arguments:?}");
    }
    assert_eq!(bench.json(&["sync", "--check"]).1["production"]["is_latest_published"], true);
}
