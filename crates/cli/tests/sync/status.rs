//! `keepstep sync status`

use insta::assert_snapshot;

use crate::common::Bench;

#[test]
fn the_state_of_each_field() {
    let bench = Bench::in_step();
    bench.colleague("Theirs");
    assert_snapshot!(bench.run(&["sync", "status"]), @"
    exit: 0
    ----- stdout -----
    Agent       Helper ([AGENT])   [URL]/agents/[AGENT]
      Persona   changed on the server   v2 by test owner, just now
      Others    name, model, governance are in step
    ");
    assert_eq!(bench.output(&["sync", "status", "--check"]).status.code(), Some(1));
    assert_eq!(bench.output(&["sync", "status", "--check", "--offline", "--url", "http://127.0.0.1:1"]).status.code(), Some(0));
    bench.code("Mine");
    assert_eq!(bench.output(&["sync", "status", "--check", "--offline"]).status.code(), Some(1));
}

#[test]
fn what_nobody_agreed_on_is_not_known_offline() {
    let bench = Bench::new();
    assert_snapshot!(bench.run(&["sync", "status", "--offline", "--check"]), @"
    exit: 0
    ----- stdout -----
    Agent       Helper ([AGENT])
      Name      not known offline
      Persona   not known offline
      Model     not known offline
      Governance not known offline
    ");
}
