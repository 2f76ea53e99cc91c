//! The questions of `keepstep sync`, on a pseudo-terminal.

use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};

use crate::common::{Bench, FIRST, code};

const PATIENCE_IN_MILLISECONDS: u64 = 30_000;

fn asked(bench: &Bench, arguments: &[&str]) -> PtySession {
    let mut command = bench.command(arguments);
    command.stdin(std::process::Stdio::inherit());
    spawn_command(command, Some(PATIENCE_IN_MILLISECONDS)).unwrap()
}

fn exit_code(session: &mut PtySession) -> i32 {
    session.exp_eof().unwrap();
    match session.process().wait().unwrap() {
        WaitStatus::Exited(_, code) => code,
        other => panic!("{other:?}"),
    }
}

/// Moves down so many choices and takes that one.
fn take(session: &mut PtySession, down: usize) {
    session.exp_string("What would you like to do with the persona?").unwrap();
    session.exp_string("Skip").unwrap();
    session.send(&("j".repeat(down) + "\r")).unwrap();
    session.flush().unwrap();
}

fn diverged() -> Bench {
    let bench = Bench::in_step();
    bench.colleague(&FIRST.replace("a date", "a day"));
    bench.code(&FIRST.replace("friendly", "formal"));
    bench
}

#[test]
fn push() {
    let bench = Bench::in_step();
    bench.code("Mine");
    let mut session = asked(&bench, &["sync"]);
    take(&mut session, 0);
    session.exp_string("is published and current").unwrap();
    assert_eq!(exit_code(&mut session), 0);
    assert_eq!(bench.published(), "Mine");
}

#[test]
fn pull() {
    let bench = Bench::in_step();
    bench.colleague("Theirs");
    let mut session = asked(&bench, &["sync"]);
    take(&mut session, 1);
    session.exp_string("pulled from server").unwrap();
    assert_eq!(exit_code(&mut session), 0);
    assert_eq!(bench.project().read("src/index.ts"), code("Theirs"));
}

#[test]
fn s4_merge_is_offered_first_where_both_changed_and_asked_once() {
    let bench = diverged();
    let mut session = asked(&bench, &["sync"]);
    take(&mut session, 0);
    session.exp_string("merged into").unwrap();
    assert_eq!(exit_code(&mut session), 0);
    assert_eq!(bench.published(), FIRST.replace("a date", "a day").replace("friendly", "formal"));
}

#[test]
fn skip() {
    let bench = diverged();
    let mut session = asked(&bench, &["sync"]);
    take(&mut session, 3);
    session.exp_string("Nothing was changed.").unwrap();
    assert_eq!(exit_code(&mut session), 0);
    assert_eq!(bench.project().read("src/index.ts"), code(&FIRST.replace("friendly", "formal")));
    assert_eq!(bench.published(), FIRST.replace("a date", "a day"));
}

#[test]
fn control_c_ends_with_130_and_changes_nothing() {
    let bench = diverged();
    let mut session = asked(&bench, &["sync"]);
    session.exp_string("What would you like to do with the persona?").unwrap();
    session.exp_string("Skip").unwrap();
    session.send_control('c').unwrap();
    assert_eq!(exit_code(&mut session), 130);
    assert_eq!(bench.project().read("src/index.ts"), code(&FIRST.replace("friendly", "formal")));
}

#[test]
fn s9_ci_never_asks() {
    let bench = diverged();
    let mut session = asked(&bench, &["sync", "--ci"]);
    session.exp_string("there is nobody to ask").unwrap();
    assert_eq!(exit_code(&mut session), 4);
}
