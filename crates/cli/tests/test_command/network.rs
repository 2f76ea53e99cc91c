//! A run that shall not talk to anybody does not.

use keepstep_testkit::Canned;

use super::{AGENT, Orders};

#[test]
fn f7_skip_upload_opens_no_connection() {
    let server = Canned::script(Vec::new());
    let orders = Orders::new(AGENT);
    orders.inputs(&["a", "boom"]);
    let mut command = orders.command(&["test", "--skip-upload"]);
    command.env("KEEPSTEP_URL", server.url()).env("KEEPSTEP_API_KEY", "ks_key").env("FLUXLOOP_SYNC_URL", server.url());
    assert_eq!(command.output().unwrap().status.code(), Some(1));
    assert!(server.requests().is_empty());
}

#[test]
fn f8_results_are_only_shown() {
    let orders = Orders::new(AGENT);
    orders.inputs(&["a"]);
    insta::assert_snapshot!(orders.run(&["test", "results"]), @r"
    exit: 3
    ----- stderr -----
    error: orders has no results yet
    hint: `keepstep test` creates results
    ");
    assert_eq!(orders.output(&["test", "--skip-upload"]).status.code(), Some(0));
    let files = orders.project().files();
    let shown = orders.output(&["test", "results"]);
    assert_eq!(shown.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&shown.stdout).contains("1 of 1 case passed"));
    let raw = orders.output(&["test", "results", "--raw", "--scenario", "orders"]);
    assert_eq!(String::from_utf8(raw.stdout).unwrap(), orders.read(".state/latest_result.md"));
    assert_eq!(orders.project().files(), files);
}

#[test]
fn the_agent_does_not_get_our_key() {
    let orders = Orders::new("import os\ndef run(input):\n    return ' '.join(sorted(os.environ))\n");
    orders.inputs(&["a"]);
    orders.file(".env", "FLUXLOOP_SYNC_API_KEY=flx_1\nOWN=1\n");
    let mut command = orders.command(&["test", "--skip-upload"]);
    assert!(command.env("KEEPSTEP_API_KEY", "ks_key").status().unwrap().success());
    let names = orders.lines("traces.jsonl")[0]["output"].as_str().unwrap().to_owned();
    assert!(names.contains("OWN") && !names.contains("API_KEY"), "{names}");
}
