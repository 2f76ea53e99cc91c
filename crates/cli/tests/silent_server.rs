//! Commands against servers that mean harm: each ends, with a sentence.

use std::process::{Output, Stdio};

use keepstep_testkit::{HostileServer, Hostility, World, transcript};

use crate::common::{BINARY, code};

fn run(server: &HostileServer, arguments: &[&str]) -> Output {
    let world = World::new();
    world.project().agent("agent-1", "org-1").file("src/index.ts", code("Be kind."));
    world.project().file(".fluxloop/project.json", r#"{"project_id": "p-1", "project_name": "Shop"}"#);
    let mut command = world.command(BINARY);
    command.env("KEEPSTEP_URL", server.url()).env("KEEPSTEP_API_KEY", "a-key").env("KEEPSTEP_TIMEOUT", "1s");
    command.args(arguments).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn every_command_leaves_a_silent_server() {
    let server = HostileServer::start(Hostility::Silent);
    for (arguments, code) in [
        (&["sync", "--check"][..], 0),
        (&["sync", "--check", "--strict"], 11),
        (&["sync", "pull", "--scenario", "orders"], 11),
        (&["sync", "status"], 0),
        (&["projects", "list"], 11),
        (&["auth", "status"], 11),
        (&["bundles", "list"], 11),
        (&["persona", "production", "versions"], 11),
    ] {
        let output = run(&server, arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{}", transcript(&output));
        let told = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(
            told.contains("accepts connections and does not answer (1 s; KEEPSTEP_TIMEOUT=4s waits longer)"),
            "{arguments:?}\n{}",
            transcript(&output)
        );
    }
}

#[test]
fn the_option_wins_over_the_variable() {
    let server = HostileServer::start(Hostility::Silent);
    for arguments in [&["projects", "list", "--timeout", "2"][..], &["sync", "pull", "--timeout=2s", "--scenario", "orders"]] {
        let output = run(&server, arguments);
        assert!(String::from_utf8_lossy(&output.stderr).contains("(2 s; "), "{arguments:?}\n{}", transcript(&output));
    }
    let output = run(&server, &["projects", "list", "--timeout", "soon"]);
    assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
    // That of a test is about its agent.
    assert!(String::from_utf8_lossy(&run(&server, &["test", "--help"]).stdout).contains("The longest time for one answer"));
}

#[test]
fn every_command_ends_whatever_comes() {
    for hostility in [Hostility::Drip, Hostility::Garbage, Hostility::Endless(200), Hostility::Endless(403)] {
        let server = HostileServer::start(hostility);
        for arguments in [&["sync", "--check", "--strict"][..], &["projects", "list"], &["sync", "pull", "--scenario", "orders"]]
        {
            let output = run(&server, arguments);
            assert!(matches!(output.status.code(), Some(10..=12)), "{hostility:?} {arguments:?}\n{}", transcript(&output));
        }
    }
}

#[test]
fn a_time_limit_that_is_none_is_a_usage_error() {
    let world = World::new();
    let output = world.command(BINARY).env("KEEPSTEP_TIMEOUT", "soon").args(["auth", "status"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
}
