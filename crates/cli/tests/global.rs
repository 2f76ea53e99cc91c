//! What every command takes.

use std::process::Stdio;

use insta::assert_snapshot;
use keepstep_testkit::{World, transcript};

use crate::common::{BINARY, Bench};

fn run(arguments: &[&str]) -> String {
    transcript(&World::new().command(BINARY).args(arguments).output().unwrap())
}

#[test]
fn a_typo_is_noticed() {
    assert_snapshot!(run(&["snyc"]), @"
    exit: 2
    ----- stderr -----
    error: unrecognized subcommand 'snyc'

      tip: a similar subcommand exists: 'sync'

    Usage: keepstep [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
}

#[test]
fn a_command_of_the_peer_that_is_not_there_is_one_sentence() {
    for (arguments, sentence) in [
        (&["skills"][..], "error: keepstep does not have `keepstep skills`\n"),
        (&["push", "skill", "--name", "x"], "error: keepstep does not have `keepstep push skill`\n"),
        (&["version", "list"], "error: keepstep does not have `keepstep version`: `persona` has the versions of the persona\n"),
        (&["status", "check"], "error: keepstep does not have `keepstep status check`; use `keepstep doctor`\n"),
        (
            &["sync", "pull", "--staging"],
            "error: keepstep does not have `keepstep sync pull --staging`: keepstep has no staging server; pass `--url`\n",
        ),
        (&["init", "--agent-id", "a"], "error: keepstep does not have `keepstep init --agent-id`; use `keepstep init agent`\n"),
        (
            &["test", "--record", "folder"],
            "error: keepstep does not have `keepstep test --record`: here `test` runs the inputs of a scenario, and not a skill\n",
        ),
        (&["push", "all", "--force"], "error: keepstep does not have `keepstep push all`\n"),
        (&["auth", "configure"], "error: keepstep does not have `keepstep auth configure`; use `keepstep login`\n"),
        (
            &["scenarios", "refine"],
            "error: keepstep does not have `keepstep scenarios refine`: no language model writes test data here; `bundles import` reads a file\n",
        ),
    ] {
        assert_eq!(run(arguments), format!("exit: 2\n----- stderr -----\n{sentence}"));
    }
}

#[test]
fn a_key_on_the_command_line_earns_a_warning() {
    let bench = Bench::new();
    let output = bench.command(&["sync", "--check", "--api-key", &bench.key]).env_remove("KEEPSTEP_API_KEY").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("warning: a key on the command line"), "{text}");
    assert!(!text.contains(&bench.key), "{text}");
}

#[test]
fn quiet_keeps_the_answer_and_drops_the_hints() {
    let bench = Bench::in_step();
    bench.code("Mine");
    let output = bench.output(&["sync", "--check", "--quiet"]);
    assert!(output.stderr.is_empty(), "{}", transcript(&output));
    assert!(!output.stdout.is_empty());
}

#[test]
fn color_obeys_the_environment() {
    let bench = Bench::in_step();
    bench.code("Mine");
    let colored = |name: &str, flag: &str| {
        let output = bench.command(&["sync", "--check", "--color", flag]).env(name, "1").output().unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(colored("CLICOLOR_FORCE", "auto"));
    assert!(!colored("CLICOLOR_FORCE", "never"));
    assert!(!colored("NO_COLOR", "auto"));
    assert!(colored("NO_COLOR", "always"));
}

#[test]
fn a_reader_that_went_away_is_a_normal_end() {
    let bench = Bench::in_step();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = bench.command(&["sync", "--check"]).stdout(Stdio::from(writer)).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", transcript(&output));
    assert!(output.stderr.is_empty());
}

#[test]
fn another_folder_can_be_named() {
    let bench = Bench::in_step();
    let project = bench.project().path().to_owned();
    let mut command = bench.command(&["-C", &project.to_string_lossy(), "sync", "--check"]);
    assert_eq!(command.current_dir(bench.world.path()).output().unwrap().status.code(), Some(0));
    let nested = project.join("src");
    assert_eq!(bench.command(&["sync", "--check"]).current_dir(nested).output().unwrap().status.code(), Some(0));
    assert_eq!(bench.output(&["-C", "/nowhere/at/all", "sync"]).status.code(), Some(2));
}

#[test]
fn the_completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completions", shell]);
        assert!(script.contains("sync") && script.contains("accept") && script.contains("timeout"), "{shell}");
    }
}

#[test]
fn every_answer_is_one_document_with_the_name_of_the_command() {
    let bench = Bench::in_step();
    for (arguments, exit, schema) in [
        (&["sync", "--check"][..], 0, "sync"),
        (&["sync", "status"], 0, "sync.status"),
        (&["sync", "pull"], 3, "sync.pull"),
        (&["sync", "--no-such-flag"], 2, "sync"),
        (&["compile"], 0, "compile"),
        (&["push", "persona", "--force"], 0, "push.persona"),
        (&["push", "skill"], 2, "push"),
        (&["persona", "staging", "view"], 0, "persona.view"),
        (&["persona", "prod", "history"], 0, "persona.versions"),
        (&["persona", "prod", "publish", "--persona-version", "9"], 3, "persona.deploy"),
        (&["deploy", "persona", "--set-version", "9"], 3, "persona.deploy"),
        (&["status"], 0, "status"),
        (&["doctor"], 0, "doctor"),
        (&["login"], 2, "login"),
        (&["logout", "http://127.0.0.1:1"], 0, "logout"),
        (&["auth", "status"], 0, "auth.status"),
        (&["init", "agent"], 4, "init.agent"),
        (&["undo", "--list"], 0, "undo"),
        (&["undo", "nothing"], 3, "undo"),
        (&["admin", "key", "list", "--data", "data"], 3, "admin.key.list"),
        (&["admin", "owner-link", "--data", "data", "--create"], 0, "admin.owner_link"),
        (&["alias", "install", "--dir", "links"], 0, "alias.install"),
        (&["completions", "bash"], 0, "completions"),
        (&["serve", "--listen", "nowhere"], 2, "serve"),
        (&["-C", "/nowhere/at/all", "sync"], 2, "sync"),
        (&["snyc"], 2, "usage"),
        (&[], 2, "usage"),
    ] {
        let (code, document) = bench.json(arguments);
        assert_eq!((code, document["schema"].as_str()), (exit, Some(&*format!("keepstep.{schema}/1"))), "{arguments:?}");
        assert_eq!(document["error"].is_object(), code != 0, "{arguments:?} {document}");
    }
}

#[test]
fn a_usage_error_is_told_in_the_document_as_it_is_told_to_people() {
    let bench = Bench::new();
    let (_, document) = bench.json(&["sync", "--chekc"]);
    assert_eq!(document["error"]["message"], "unexpected argument '--chekc' found");
    assert_eq!(document["exit"], 2);
}
