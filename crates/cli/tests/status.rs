//! `keepstep status`

use insta::assert_snapshot;
use keepstep_testkit::closed_port;

use crate::common::Bench;

#[test]
fn where_the_project_stands() {
    let bench = Bench::in_step();
    bench.code("Mine");
    assert_snapshot!(bench.run(&["status"]), @"
    exit: 0
    ----- stdout -----
    Agent       Helper ([AGENT])   [URL]/agents/[AGENT]
      Persona   changed in the code since v1
      Others    name, model, governance are in step
    Server      [URL] as test owner (owner), [DURATION]
    ----- stderr -----
    hint: `keepstep sync` shows the difference and asks what to do
    ");
}

#[test]
fn s20_without_the_server_nothing_is_called_synced() {
    let bench = Bench::in_step();
    let url = format!("http://127.0.0.1:{}", closed_port().port());
    let (exit, document) = bench.json(&["describe", "--url", &url, "--api-key", &bench.key]);
    assert_eq!(exit, 0);
    assert_eq!(document["persona"]["status"], "unknown");
    assert_eq!(document["auth"]["serverReachable"], false);
    assert_eq!(document["checked"], false);
}
