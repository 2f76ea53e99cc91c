//! The questions of `keepstep sync pull`, on a pseudo-terminal.

use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};

use super::{Bench, INPUTS};

const PATIENCE_IN_MILLISECONDS: u64 = 30_000;

fn asked() -> (Bench, PtySession) {
    let bench = Bench::pulled();
    bench.edit(INPUTS, "input: two", "input: my two");
    bench.publish("orders", &[("i1", "one"), ("i2", "their two"), ("i3", "three")], &["Be polite"]);
    let mut command = bench.command(&["sync", "pull"]);
    command.stdin(std::process::Stdio::inherit());
    let mut session = spawn_command(command, Some(PATIENCE_IN_MILLISECONDS)).unwrap();
    session.exp_string("What would you like to do with input i2").unwrap();
    session.exp_string("Show the difference").unwrap();
    (bench, session)
}

fn take(session: &mut PtySession, down: usize) {
    session.send(&("j".repeat(down) + "\r")).unwrap();
    session.flush().unwrap();
}

fn ends_well(session: &mut PtySession) {
    session.exp_string("Pulled").unwrap();
    session.exp_eof().unwrap();
    assert!(matches!(session.process().wait().unwrap(), WaitStatus::Exited(_, 0)));
}

#[test]
fn f1_mine_is_kept() {
    let (bench, mut session) = asked();
    take(&mut session, 0);
    ends_well(&mut session);
    let text = bench.project().read(INPUTS);
    assert!(text.contains("my two") && !text.contains("their two"), "{text}");
}

#[test]
fn f1_theirs_is_taken_after_a_look_at_the_difference() {
    let (bench, mut session) = asked();
    take(&mut session, 3);
    session.exp_string("only on the server").unwrap();
    session.exp_string("Show the difference").unwrap();
    take(&mut session, 1);
    ends_well(&mut session);
    assert!(bench.project().read(INPUTS).contains("their two"));
}

#[test]
fn f1_both_are_kept() {
    let (bench, mut session) = asked();
    take(&mut session, 2);
    ends_well(&mut session);
    let text = bench.project().read(INPUTS);
    assert!(text.contains("my two") && text.contains("their two"), "{text}");
}
