//! Through a network that cuts, doubles, answers for the server and loses answers: no text is lost, nothing is called in
//! step that is not, and the same command brings both sides in step when the network is back.

use keepstep_testkit::{Fault, Proxy, Reply, transcript};

use crate::common::{Bench, FIRST};

/// What goes wrong, each with the requests that it goes wrong with: those before it pass.
fn faults() -> Vec<Fault> {
    vec![
        Fault::Drop,
        Fault::CutRequest(0),
        Fault::CutRequest(90),
        Fault::CutResponse(0),
        Fault::CutResponse(40),
        Fault::CutResponse(260),
        Fault::Duplicate,
        Fault::status(503, None),
        Fault::status(500, None),
        Fault::AnswerAfter(Reply::new(502, &[("content-type", "text/plain")], "")),
        Fault::Garbage,
        Fault::html_page("Please sign in"),
    ]
}

/// Returns every text that can still be found: in the code, among the versions, and in what undo keeps.
fn all_texts(bench: &Bench) -> String {
    let mut texts = bench.project().read("src/index.ts");
    texts.extend(bench.all_versions());
    texts
        .extend(bench.project().files().into_iter().filter(|path| path.contains("undo")).map(|path| bench.project().read(&path)));
    texts
}

fn survives(command: &str, after: usize, fault: &Fault) {
    let bench = Bench::in_step();
    let (mine, theirs) = (FIRST.replace("friendly", "formal"), FIRST.replace("a date", "a day"));
    bench.colleague(&theirs);
    bench.code(&mine);

    let proxy = Proxy::before(bench.platform.address());
    let mut script = vec![Fault::Pass; after];
    script.push(fault.clone());
    proxy.script(script);
    let output = bench.output(&["sync", command, "--url", &proxy.url(), "--api-key", &bench.key]);
    let told = transcript(&output);
    let what = format!("sync {command}, request {after}, {fault:?}\n{told}");

    let texts = all_texts(&bench);
    for word in ["formal", "a day"] {
        assert!(texts.contains(word), "{word:?} is lost: {what}");
    }
    let (exit, _) = bench.json(&["sync", "--check"]);
    // A success is a success, unless the server could not be asked at all, which is said.
    if output.status.success() && !told.contains("NOT checked") {
        assert_eq!(exit, 0, "{what}");
    }
    bench.ok(&["sync", command]);
    assert_eq!(bench.json(&["sync", "--check"]).0, 0, "{what}");
    let texts = all_texts(&bench);
    for word in ["formal", "a day"] {
        assert!(texts.contains(word), "{word:?} is lost in the end: {what}");
    }
    let versions = bench.all_versions();
    let mut different = versions.clone();
    different.dedup();
    assert_eq!(versions, different, "a text was published twice: {what}");
}

/// Tries every fault at each of the first requests of a command, side by side: most of the time goes by in waiting for the
/// next try.
fn survives_every_fault(command: &str, requests: usize) {
    std::thread::scope(|scope| {
        for after in 0..requests {
            for fault in faults() {
                scope.spawn(move || survives(command, after, &fault));
            }
        }
    });
}

#[test]
fn a_push_survives_every_fault() {
    survives_every_fault("--push", 3);
}

#[test]
fn a_pull_survives_every_fault() {
    survives_every_fault("--accept", 1);
}

#[test]
fn a_merge_survives_every_fault() {
    survives_every_fault("--merge", 4);
}
