//! Killed in the middle: every text is still to be found.

use std::process::Stdio;

use keepstep_testkit::{Fault, Proxy};

use crate::common::{Bench, FIRST, code};

fn killed(bench: &Bench, arguments: &[&str], fault: Fault) {
    let proxy = Proxy::before(bench.platform.address());
    proxy.on("PATCH", "/definition", fault);
    let url = proxy.url();
    let arguments = [arguments, &["--url", &url, "--api-key", &bench.key]].concat();
    let mut child = bench.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    proxy.wait_until_held();
    child.kill().unwrap();
    child.wait().unwrap();
    proxy.release();
}

#[test]
fn before_the_server_got_the_push() {
    let bench = Bench::in_step();
    bench.code("Mine");
    killed(&bench, &["sync", "--push"], Fault::Hold);
    assert_eq!(bench.project().read("src/index.ts"), code("Mine"));
    bench.ok(&["sync", "--push"]);
    assert_eq!(bench.published(), "Mine");
    assert!(bench.all_versions().contains(&format!("{FIRST}\n")));
}

#[test]
fn after_the_server_did_the_push() {
    let bench = Bench::in_step();
    bench.code("Mine");
    killed(&bench, &["sync", "--push"], Fault::HoldResponse);
    let (exit, _) = bench.json(&["sync", "--check"]);
    assert_eq!(exit, 0, "both sides have it, and the next run records that");
    bench.ok(&["sync"]);
    assert_eq!(bench.all_versions(), ["Mine\n".to_owned(), format!("{FIRST}\n")]);
}

#[test]
fn between_the_code_and_the_server_in_a_merge() {
    let bench = Bench::in_step();
    bench.colleague(&FIRST.replace("a date", "a day"));
    bench.code(&FIRST.replace("friendly", "formal"));
    killed(&bench, &["sync", "--merge"], Fault::Hold);
    let both = FIRST.replace("a date", "a day").replace("friendly", "formal");
    assert_eq!(bench.project().read("src/index.ts"), code(&both));
    bench.ok(&["sync", "--merge"]);
    assert_eq!(bench.published(), both);
    let undo = bench.ok(&["undo", "--list"]);
    assert!(undo.contains("src/index.ts"), "{undo}");
}

#[test]
fn the_server_dies_in_the_middle_of_a_push() {
    let mut bench = Bench::in_step();
    bench.code("Mine");
    killed(&bench, &["sync", "--push"], Fault::HoldResponse);
    bench.platform.kill();
    bench.platform.restart();
    assert_eq!(bench.published(), "Mine");
    assert!(bench.all_versions().contains(&format!("{FIRST}\n")));
}
