//! `keepstep doctor`

use insta::assert_snapshot;
use keepstep_testkit::closed_port;

use crate::common::Bench;

#[test]
fn all_is_well() {
    let bench = Bench::in_step();
    assert_snapshot!(bench.run(&["doctor"]), @"");
}

#[test]
fn what_is_wrong_is_named_with_what_to_do() {
    let bench = Bench::new();
    bench.project().remove("tsconfig.json").file("keepstep.lock", "version = 9\n");
    let url = format!("http://127.0.0.1:{}", closed_port().port());
    assert_snapshot!(bench.run(&["doctor", "--url", &url]).replace(&url, "[URL]"), @"");
}
