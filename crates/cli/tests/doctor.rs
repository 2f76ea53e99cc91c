//! `keepstep doctor`

use insta::assert_snapshot;
use keepstep_testkit::{Canned, Reply, closed_port};

use crate::common::Bench;

#[test]
fn all_is_well() {
    let bench = Bench::in_step();
    assert_snapshot!(bench.run(&["doctor"]), @"
    exit: 0
    ----- stdout -----
    ok   version  keepstep 0.1.0
    ok   project  agent [AGENT] in [WORLD]/project
    ok   tsconfig tsconfig.json is there
    ok   settings readable
    ok   lock     keepstep.lock is readable
    ok   code     the agent is at src/index.ts:3:22
    ok   name     written at src/index.ts:4:9
    ok   persona  written at src/index.ts:5:12
    ok   address  [URL] (from KEEPSTEP_URL)
    ok   server   keepstep 0.1.0 answers
    ok   clock    agrees with the server's
    ok   key      found: from KEEPSTEP_API_KEY
    ok   you      test owner (owner)
    ok   agent    [AGENT] is there, at revision 2
    ");
}

#[test]
fn what_is_wrong_is_named_with_what_to_do() {
    let bench = Bench::new();
    bench.project().remove("tsconfig.json").file("keepstep.lock", "version = 9\n");
    let url = format!("http://127.0.0.1:{}", closed_port().port());
    assert_snapshot!(bench.run(&["doctor", "--url", &url]).replace(&url, "[URL]"), @"
    exit: 2
    ----- stdout -----
    ok   version  keepstep 0.1.0
    ok   project  agent [AGENT] in [WORLD]/project
    warn tsconfig there is no tsconfig.json
                  keepstep does without; `lua compile` of the other tool does not
    ok   settings readable
    fail lock     keepstep.lock has format 9, and this keepstep knows formats up to 1
                  use the newer keepstep that wrote it
    ok   code     the agent is at src/index.ts:3:22
    ok   name     written at src/index.ts:4:9
    ok   persona  written at src/index.ts:5:12
    ok   address  [URL] (from the command line)
    fail server   [URL] cannot be reached: connection refused
    ");
}

#[test]
fn a_clock_that_is_wrong() {
    let bench = Bench::in_step();
    for (date, said) in [
        ("Tue, 14 Nov 2023 22:13:20 GMT", "days ahead of the server's\n"),
        ("Fri, 01 Jan 2900 00:00:00 GMT", "days behind the server's\n"),
    ] {
        let server = Canned::start(move |_| {
            Reply::json(200, &serde_json::json!({ "status": "ok" })).header("keepstep-api", "1").header("date", date)
        });
        let text = bench.run(&["doctor", "--url", &server.url(), "--api-key", &bench.key]);
        assert!(text.lines().any(|line| line.starts_with("warn clock    ")) && text.contains(said), "{text}");
        assert!(text.contains("set the clock of the one that is wrong"), "{text}");
    }
}
