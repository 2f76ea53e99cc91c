//! `keepstep doctor`

use insta::assert_snapshot;
use keepstep_testkit::{Canned, Fault, Proxy, Reply, World, closed_port, transcript};

use crate::common::{BINARY, Bench};

#[test]
fn all_is_well() {
    let bench = Bench::in_step();
    assert_snapshot!(bench.run(&["doctor"]), @"
    exit: 0
    ----- stdout -----
    ok   version     keepstep 0.1.0
    ok   project     agent [AGENT] in [WORLD]/project
    ok   tsconfig    tsconfig.json is there
    ok   settings    readable
    ok   lock        keepstep.lock is readable
    ok   code        the agent is at src/index.ts:3:22
    ok   name        written at src/index.ts:4:9
    ok   persona     written at src/index.ts:5:12
    ok   address     [URL] (from KEEPSTEP_URL)
    ok   server      keepstep 0.1.0 answers
    ok   clock       agrees with the server's
    ok   key         found: from KEEPSTEP_API_KEY
    ok   you         test owner (owner)
    ok   agent       [AGENT] is there, at revision 2
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
    ok   version     keepstep 0.1.0
    ok   project     agent [AGENT] in [WORLD]/project
    warn tsconfig    tsconfig.json not found
                     keepstep does without; `lua compile` of the other tool does not
    ok   settings    readable
    fail lock        keepstep.lock has format 9, and this keepstep knows formats up to 1
                     use the newer keepstep that wrote it
    ok   code        the agent is at src/index.ts:3:22
    ok   name        written at src/index.ts:4:9
    ok   persona     written at src/index.ts:5:12
    ok   address     [URL] (from the command line)
    fail server      [URL] cannot be reached: connection refused
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
        assert!(text.lines().any(|line| line.starts_with("warn clock       ")) && text.contains(said), "{text}");
        assert!(text.contains("set the clock of the one that is wrong"), "{text}");
    }
}

#[test]
fn a_page_for_people_is_no_server() {
    let bench = Bench::in_step();
    let proxy = Proxy::before(bench.platform.address());
    proxy.otherwise(Fault::html_page("Please sign in"));
    for key in [&["--api-key", bench.key.as_str()][..], &[]] {
        let mut command = bench.command(&["doctor", "--url", &proxy.url()]);
        let output = command.args(key).env_remove("KEEPSTEP_API_KEY").output().unwrap();
        let text = transcript(&output).replace(&proxy.url(), "[URL]");
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(!text.contains("lua dialect"), "{text}");
        assert!(text.contains("fail server      [URL] is not a keepstep server: status 200, text/html"), "{text}");
        assert!(text.contains("\"Please sign in\""), "{text}");
    }
}

#[test]
fn a_folder_with_nothing_in_it() {
    let bench = Bench::new();
    let world = World::new();
    let output = bench.command_in(&world, &["doctor"]).output().unwrap();
    assert_snapshot!(bench.filtered(&transcript(&output)).replace(&*world.path().to_string_lossy(), "[WORLD]"), @"
    exit: 0
    ----- stdout -----
    ok   version     keepstep 0.1.0
    warn folder      [WORLD]/project is neither an agent's project nor a workspace with test data
                     `keepstep init agent` starts a project; `keepstep init scenario NAME` starts test data
                     `-C DIR` names another folder
    ok   address     [URL] (from KEEPSTEP_URL)
    ok   server      keepstep 0.1.0 answers
    ok   clock       agrees with the server's
    ok   key         found: from KEEPSTEP_API_KEY
    ok   you         test owner (owner)
    ");
}

#[test]
fn a_folder_with_test_data_only() {
    let bench = Bench::new();
    let world = World::new();
    let run = |arguments: &[&str]| {
        let output = bench.command_in(&world, arguments).output().unwrap();
        bench.filtered(&transcript(&output)).replace(&*world.path().to_string_lossy(), "[WORLD]")
    };
    run(&["init", "scenario", "orders"]);
    let doctor = run(&["doctor"]);
    assert!(doctor.contains("ok   workspace   [WORLD]/project\n"), "{doctor}");
    assert!(doctor.contains("ok   scenario    orders: "), "{doctor}");
    assert!(doctor.contains("ok   outbox      nothing to upload\n") && doctor.starts_with("exit: 0\n"), "{doctor}");
    assert!(!doctor.contains("lua.skill.yaml"), "{doctor}");
    // What a scenario needs and does not have is named; nothing of a folder is started.
    world
        .project()
        .file(".fluxloop/scenarios/orders/configs/simulation.yaml", "runner:\n  type: process\n  command: [no-such-program]\n");
    let doctor = run(&["doctor"]);
    assert!(doctor.contains("warn scenario    orders: ") && doctor.contains("no-such-program"), "{doctor}");
}

#[test]
fn status_and_sync_status_are_one() {
    let bench = Bench::in_step();
    bench.ok(&["init", "scenario", "orders"]);
    let without_server = |text: String| text.lines().filter(|line| !line.starts_with("Server ")).collect::<Vec<_>>().join("\n");
    assert_eq!(without_server(bench.ok(&["status"])), without_server(bench.ok(&["sync", "status"])));
    let world = World::new();
    let empty = world.command(BINARY).arg("status").output().unwrap();
    assert_eq!(empty.status.code(), Some(0));
    assert!(transcript(&empty).contains("no project here"), "{}", transcript(&empty));
}
