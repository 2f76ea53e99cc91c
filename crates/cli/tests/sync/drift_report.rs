//! What a check tells the server of what it has seen.

use keepstep_testkit::{Fault, Proxy, Request};
use serde_json::{Value, json};

use crate::common::{Bench, FIRST};

/// Runs a command behind a proxy and returns the reports that it sent.
fn reports(bench: &Bench, proxy: &Proxy, arguments: &[&str], environment: &[(&str, &str)]) -> Vec<Value> {
    let before = proxy.requests().len();
    let mut command = bench.command(arguments);
    command.env("KEEPSTEP_URL", proxy.url()).envs(environment.iter().copied()).output().unwrap();
    proxy.requests()[before..].iter().filter(|request| request.path().ends_with("/drift")).map(Request::json).collect()
}

#[test]
fn a_check_tells_what_it_has_seen_and_no_text_of_it() {
    let bench = Bench::in_step();
    let proxy = Proxy::before(bench.platform.address());
    bench.code(&FIRST.replace("friendly", "formal"));
    let project = bench.project();
    project.file(".git/HEAD", "ref: refs/heads/main\n");
    project.file(".git/refs/heads/main", "0123456789abcdef0123456789abcdef01234567\n");
    project.file(".git/config", "[remote \"origin\"]\n\turl = https://ann:secret@git.example/acme/shop.git\n");
    for arguments in [&["sync", "--check"][..], &["sync", "status"]] {
        let sent = reports(&bench, &proxy, arguments, &[]);
        let [report] = &sent[..] else { panic!("{arguments:?}: {sent:?}") };
        let text = report.to_string();
        assert!(!text.contains("secret") && !text.contains("formal") && !text.contains("friendly"), "{text}");
        assert_eq!(
            (&report["repository"], &report["branch"], &report["commit"]),
            (&json!("git.example/acme/shop"), &json!("main"), &json!("0123456789abcdef0123456789abcdef01234567"))
        );
        let persona = &report["fields"]["persona"];
        assert!(persona["code"].is_string() && persona["base"].is_string() && persona["code"] != persona["base"], "{report}");
        assert_eq!(report["fields"]["model"], json!({ "code": "", "base": "" }));
    }
}

#[test]
fn a_pipeline_that_checks_out_a_commit_says_which_branch_it_is() {
    let bench = Bench::in_step();
    let proxy = Proxy::before(bench.platform.address());
    bench.project().file(".git/HEAD", "0123456789abcdef0123456789abcdef01234567\n");
    let sent = reports(&bench, &proxy, &["sync", "--check"], &[("GITHUB_HEAD_REF", ""), ("GITHUB_REF_NAME", "topic")]);
    assert_eq!((&sent[0]["branch"], &sent[0]["commit"]), (&json!("topic"), &json!("0123456789abcdef0123456789abcdef01234567")));
}

#[test]
fn nothing_is_told_where_that_is_turned_off_or_nothing_was_compared() {
    let bench = Bench::in_step();
    let proxy = Proxy::before(bench.platform.address());
    let off = [("KEEPSTEP_NO_REPORT", "1")];
    for (arguments, environment) in [
        (&["sync", "--check", "--no-report"][..], &[][..]),
        (&["sync", "status", "--no-report"], &[]),
        (&["sync", "--check"], &off),
        (&["sync", "status"], &off),
        (&["sync", "status", "--offline"], &[]),
        (&["sync", "--check", "--against", "current"], &[]),
        (&["sync", "--dry-run"], &[]),
    ] {
        assert_eq!(reports(&bench, &proxy, arguments, environment), Vec::<Value>::new(), "{arguments:?}");
    }
    assert_eq!(reports(&bench, &proxy, &["sync", "--check"], &[("KEEPSTEP_NO_REPORT", "0")]).len(), 1);
}

#[test]
fn a_report_that_does_not_arrive_changes_nothing() {
    let bench = Bench::in_step();
    let proxy = Proxy::before(bench.platform.address());
    let check = || bench.command(&["sync", "--check"]).env("KEEPSTEP_URL", proxy.url()).output().unwrap();
    let well = check();
    assert_eq!(well.status.code(), Some(0));
    for fault in [Fault::status(404, None), Fault::status(500, None), Fault::status(403, None), Fault::Drop, Fault::Garbage] {
        proxy.on("POST", "/drift", fault.clone());
        assert_eq!(check(), well, "{fault:?}");
    }
    proxy.on("POST", "/drift", Fault::Hold);
    assert_eq!(check(), well);
    proxy.release();
}
