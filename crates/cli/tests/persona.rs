//! `keepstep persona …`

use insta::assert_snapshot;
use keepstep_testkit::transcript;
use rexpect::session::spawn_command;

use crate::common::{Bench, FIRST};

fn two_versions() -> Bench {
    let bench = Bench::in_step();
    bench.code(&FIRST.replace("friendly", "formal"));
    bench.ok(&["push", "persona", "--force", "--message", "More formal"]);
    bench
}

#[test]
fn the_versions_are_listed_newest_first() {
    let bench = two_versions();
    bench.code("A draft");
    bench.ok(&["push", "persona", "--draft", "--force"]);
    assert_snapshot!(bench.run(&["persona", "production", "versions"]), @"
    exit: 0
    ----- stdout -----
    version 3  [DATE] [TIME] UTC  test owner  draft
    version 2  [DATE] [TIME] UTC  test owner  ⭐ current  More formal
    version 1  [DATE] [TIME] UTC  test owner
    ----- stderr -----
    3 versions
    ");
    assert_eq!(bench.ok(&["persona", "prod", "list-versions"]), bench.ok(&["persona", "live", "history"]));
}

#[test]
fn a_version_is_deployed_and_the_way_back_is_named() {
    let bench = two_versions();
    assert_snapshot!(bench.run(&["persona", "production", "deploy", "--persona-version", "1", "--force"]), @"
    exit: 0
    ----- stdout -----
    ✅ Persona version 1 deployed successfully to production
       undo: keepstep persona production deploy --persona-version 2
    ");
    assert_snapshot!(bench.run(&["persona", "production", "deploy", "--persona-version", "1", "--force"]), @"
    exit: 0
    ----- stdout -----
    Version 1 is in production already.
    ");
    assert_snapshot!(bench.run(&["persona", "production", "view"]), @"
    exit: 0
    ----- stdout -----
    You are a friendly helper.
    Answer briefly.
    Never promise a date.
    ----- stderr -----
    version 1  [DATE] [TIME] UTC  test owner  ⭐ current
    ");
}

#[test]
fn s11_the_flag_of_the_help_exists_in_both_forms() {
    let bench = two_versions();
    bench.ok(&["persona", "production", "deploy", "-v", "1", "--force"]);
    bench.ok(&["persona", "production", "publish", "--persona-version", "latest", "--force"]);
    bench.ok(&["deploy", "persona", "--set-version", "1", "--force"]);
    assert_snapshot!(bench.run(&["persona", "production", "deploy", "--force"]), @"
    exit: 2
    ----- stderr -----
    error: --persona-version is required for deploy
    hint: available: 2, 1
    ");
    assert_snapshot!(bench.run(&["persona", "production", "deploy", "--persona-version", "9", "--force"]), @"
    exit: 3
    ----- stderr -----
    error: agent [AGENT] has no persona version 9
    hint: available: 2, 1
    ");
    assert_eq!(bench.output(&["persona", "production", "deploy", "--persona-version", "abc"]).status.code(), Some(2));
    assert_eq!(bench.output(&["persona", "production", "deploy", "--persona-version", "2"]).status.code(), Some(4));
    assert_eq!(bench.output(&["persona", "foo", "view"]).status.code(), Some(2));
}

#[test]
fn s12_a_refused_key_is_a_sentence_and_its_own_exit_code() {
    let bench = two_versions();
    let with = |key: &str| {
        bench.command(&["persona", "production", "deploy", "-v", "1", "--force"]).env("KEEPSTEP_API_KEY", key).output().unwrap()
    };
    let refused = with("ks_api_wrong");
    assert_eq!(refused.status.code(), Some(9), "{}", transcript(&refused));
    let narrow = with(&bench.platform.key("viewer"));
    assert_eq!(narrow.status.code(), Some(10), "{}", transcript(&narrow));
}

#[test]
fn s13_a_persona_with_channels_keeps_them_on_its_way_and_in_what_is_shown() {
    let bench = Bench::new();
    bench.project().file("src/index.ts", "import { LuaAgent } from 'lua-cli';\nexport default new LuaAgent({ name: 'Helper', persona: { base: 'b', voice: 'v' } });\n");
    bench.ok(&["push", "persona", "--force"]);
    assert_eq!(bench.published(), serde_json::json!({ "base": "b", "voice": "v" }));
    assert_eq!(bench.ok(&["persona", "production", "view"]), "[base]\nb\n\n[voice]\nv\n");
}

#[test]
fn s19_the_sandbox_shows_what_is_in_the_source_now() {
    let bench = Bench::in_step();
    bench.code("Not compiled yet");
    for name in ["sandbox", "sb", "staging", "stage", "stg"] {
        assert_eq!(bench.ok(&["persona", name, "view"]), "Not compiled yet\n");
    }
}

#[test]
fn versions_and_the_code_are_compared() {
    let bench = two_versions();
    bench.code("Mine");
    assert_snapshot!(bench.run(&["persona", "production", "diff", "--persona-version", "1", "--against", "2"]), @"
    exit: 0
    ----- stdout -----
    - only in version 1   + only in version 2
    - You are a friendly helper.
    + You are a formal helper.
      Answer briefly.
      Never promise a date.
    ");
    assert_snapshot!(bench.run(&["persona", "production", "diff"]), @"
    exit: 0
    ----- stdout -----
    - only in version 2   + only in the code
    - You are a formal helper.
    - Answer briefly.
    - Never promise a date.
    + Mine
    ");
}

#[test]
fn a_persona_is_data_in_a_pipe_and_made_visible_on_a_terminal() {
    let bench = Bench::new();
    bench.code("Be \\u001b]0;owned\\u0007 and \\u202ereversed\\r");
    bench.ok(&["sync", "--push"]);
    let exact = "Be \u{1b}]0;owned\u{7} and \u{202e}reversed\r\n";
    assert_eq!(bench.ok(&["persona", "sandbox", "view"]), exact);
    assert_eq!(bench.ok(&["persona", "production", "view"]), exact);
    for place in ["sandbox", "production"] {
        let mut session = spawn_command(bench.command(&["persona", place, "view", "--quiet"]), Some(30_000)).unwrap();
        let shown = session.exp_eof().unwrap();
        assert!(shown.contains("Be \\e]0;owned\\x07 and \\u{202e}reversed\\r"), "{shown:?}");
    }
}

#[test]
fn a_patch_is_made_visible_on_a_terminal() {
    let bench = Bench::in_step();
    bench.colleague("Be \\u001b]0;owned\\u0007");
    assert!(bench.ok(&["sync", "--accept", "--dry-run"]).contains("+  persona: `Be "));
    let mut session = spawn_command(bench.command(&["sync", "--accept", "--dry-run", "--color=never"]), Some(30_000)).unwrap();
    let shown = session.exp_eof().unwrap();
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{7}'), "{shown:?}");
}
