//! A disk without room for what is to be written.
//!
//! The limit that a shell sets on the size of files stands in for it: it needs no rights and hits at the same place, the
//! write itself.

use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output};

use insta::assert_snapshot;
use keepstep_testkit::transcript;

use crate::common::{BINARY, Bench, FIRST, code};

/// The size that no file may pass, in the shell's units of 512 bytes.
const UNITS: u32 = 8;

/// A text that has no room.
fn long_text() -> String {
    "A line that is there many times.\n".repeat(200).trim_end().to_owned()
}

fn without_room(bench: &Bench, units: u32, arguments: &[&str]) -> Output {
    let whole = bench.command(arguments);
    let mut command = Command::new("/bin/sh");
    command.arg0("sh").args(["-c", &format!("ulimit -f {units}; trap '' XFSZ; exec \"$@\""), "sh", BINARY]).args(arguments);
    command.env_clear();
    for (name, value) in whole.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.current_dir(whole.get_current_dir().unwrap()).output().unwrap()
}

fn stderr(bench: &Bench, output: &Output) -> String {
    bench.filtered(&String::from_utf8_lossy(&output.stderr))
}

/// Returns what must not be lost, and that nothing half-written lies about.
fn everything(bench: &Bench) -> Vec<(String, String)> {
    let project = bench.project();
    let names = project.files();
    assert!(!names.iter().any(|name| name.contains("/.keepstep-") || name.starts_with(".keepstep-")), "{names:?}");
    names.into_iter().map(|name| (name.clone(), project.read(&name))).collect()
}

#[test]
fn compile() {
    let bench = Bench::in_step();
    let before = everything(&bench);
    let output = without_room(&bench, 0, &["compile"]);
    assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
    assert_snapshot!(stderr(&bench, &output), @"
    error: cannot write [WORLD]/project/dist-v2/manifest.json: the file would exceed the size limit
    hint: what was there before is unchanged: a file is only renamed into place when it is complete
    ");
    assert_eq!(everything(&bench), before);
}

#[test]
fn taking_the_servers_text() {
    let bench = Bench::in_step();
    let kept = bench.ok(&["undo", "--list"]);
    bench.colleague(&long_text());
    let before = everything(&bench);
    let output = without_room(&bench, UNITS, &["sync", "--accept"]);
    assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
    assert_snapshot!(stderr(&bench, &output), @"
    error: cannot write src/index.ts: the file would exceed the size limit
    hint: what was there before is unchanged: a file is only renamed into place when it is complete
    ");
    assert_eq!(bench.project().read("src/index.ts"), code(FIRST));
    assert_eq!(bench.ok(&["undo", "--list"]), kept, "nothing was replaced");
    let unchanged = |files: Vec<(String, String)>| -> Vec<_> {
        files.into_iter().filter(|(name, _)| !name.starts_with(".keepstep/") && !name.starts_with("dist-v2/")).collect()
    };
    assert_eq!(unchanged(everything(&bench)), unchanged(before));
    bench.ok(&["sync", "--accept"]);
    assert_eq!(bench.project().read("src/index.ts"), code(&long_text()));
}

#[test]
fn writing_down_what_was_pushed() {
    let bench = Bench::in_step();
    let mut lock = bench.project().read("keepstep.lock");
    for number in 0..200 {
        lock.push_str(&format!("\n[agent.other_{number:03}]\nrevision = 1\n"));
    }
    bench.project().file("keepstep.lock", &lock);
    for (text, arguments) in [("One", &["sync", "--push"][..]), ("Two", &["push", "persona", "--force"])] {
        bench.code(text);
        let output = without_room(&bench, UNITS, arguments);
        assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
        // Nothing is replaced that could not be kept.
        assert!(stderr(&bench, &output).contains("cannot write [WORLD]/project/.keepstep/undo/"), "{}", transcript(&output));
        assert!(transcript(&output).contains("is published and current"), "it says what was done: {}", transcript(&output));
        assert_eq!(bench.project().read("keepstep.lock"), lock);
        everything(&bench);
        assert_eq!(bench.output(&["sync", "--check"]).status.code(), Some(0), "both sides have it");
    }
    bench.ok(&["sync"]);
    assert_ne!(bench.project().read("keepstep.lock"), lock, "the next run writes it down");
}

#[test]
fn a_server_tells_that_it_cannot_write_and_goes_on_reading() {
    let mut platform = keepstep_testkit::Platform::start(std::path::Path::new(BINARY));
    let (agent, _) = platform.agent("x");
    let (viewer, editor) = (platform.key("viewer"), platform.key("editor"));
    // Once there is room for the first small writes, and once, at an address that is not kept yet, for none at all.
    platform.restart_with_small_files(256);
    reads_and_tells(&platform, &agent, &viewer, &editor);
    platform.leave_port();
    platform.restart_with_small_files(96);
    reads_and_tells(&platform, &agent, &viewer, &editor);
    platform.terminate();
    let output = platform.whole_output();
    for part in
        ["warning: the address is not kept for `keepstep admin owner-link`: ", "warning: the sign-in link is not created: "]
    {
        assert!(output.contains(part), "{output}");
    }
}

/// Checks that a server without room answers what is only read, and says why it writes nothing.
fn reads_and_tells(platform: &keepstep_testkit::Platform, agent: &str, viewer: &str, editor: &str) {
    let ask = |method: &str, path: &str, key: &str, body: &str| {
        let mut stream = std::net::TcpStream::connect(platform.address()).unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {key}\r\n");
        let rest = format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all((head + &rest).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let health = ask("GET", "/healthz", "", "");
    assert!(health.starts_with("HTTP/1.1 503") && health.contains("the disk is full"), "{health}");
    let body = format!("{{\"persona\":\"{}\"}}", "x".repeat(200_000));
    let write = ask("POST", &format!("/developer/agents/{agent}/persona/version"), editor, &body);
    assert!(write.starts_with("HTTP/1.1 507") && write.contains("nothing was written"), "{write}");
    let read = ask("GET", &format!("/api/v1/agents/{agent}/state"), viewer, "");
    assert!(read.starts_with("HTTP/1.1 200"), "{read}");
}
