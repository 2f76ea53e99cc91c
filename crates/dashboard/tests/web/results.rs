use keepstep_store::results::{NewArtifact, RunRecord, Status, Turn, Upload};
use keepstep_store::test_data::TestDataFile;
use keepstep_store::{Role, Scope};
use reqwest::StatusCode;
use serde_json::{Map, Value, json};

use crate::site::{Page, Site};

/// What a page must not obey: markup, the peers' markup, a terminal, the direction of reading.
pub(crate) const EVIL: &str = "<script>alert(1)</script> x[/x] \u{1b}[31m \u{202e}abc <b onclick=x>";
pub(crate) const SHOWN: &str = "<script>alert(1)</script> x[/x] \\u{1b}[31m \\u{202e}abc <b onclick=x>";

/// A project with a published bundle. Returns the ids of the project and the bundle version.
pub(crate) async fn shop(site: &Site) -> (String, String) {
    let file: TestDataFile = serde_json::from_value(json!({
        "scenario": {"name": "orders", "description": EVIL},
        "inputs": [{"id": "first", "text": "Where is my order?"}],
    }))
    .unwrap();
    let mut transaction = site.store.write().await.unwrap();
    let project = transaction.create_project(&site.scope.org_id, "<i>Shop\u{202e}").await.unwrap();
    let bundle = transaction.import(&site.scope, &project.id, &file).await.unwrap();
    transaction.commit().await.unwrap();
    (project.id, bundle.id)
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    let Value::Object(object) = value else { panic!("an object") };
    object
}

pub(crate) fn run(id: &str, status: Status, input: &str, output: &str) -> RunRecord {
    let mut run = RunRecord::new(id, status);
    run.input = input.to_owned();
    run.output = output.to_owned();
    run
}

/// Uploads runs as an experiment and returns its address.
pub(crate) async fn experiment(
    site: &Site,
    project: &str,
    bundle: &str,
    name: &str,
    runs: &[RunRecord],
    is_over: bool,
) -> String {
    let details = object(json!({"target": EVIL, "total_tokens": 12}));
    let upload = Upload {
        bundle,
        experiment_id: Some(name),
        is_over,
        started_at: Some(1_700_000_000_000),
        completed_at: is_over.then_some(1_700_000_090_000),
        details: &details,
        runs,
        turns: &[],
    };
    let mut transaction = site.store.write().await.unwrap();
    let recorded = transaction.record_upload(&site.scope, &upload).await.unwrap();
    transaction.commit().await.unwrap();
    format!("/projects/{project}/experiments/{}", recorded.batch_id)
}

/// Checks that nothing of what people and programs wrote became an element.
pub(crate) fn check_is_text(page: &Page) {
    for selector in ["script:not([src^='/assets/'])", "main b", "main i", "[onclick]", "[style]"] {
        assert!(!page.has(selector), "{selector} in {}", page.body);
    }
    assert!(!page.body.contains(['\u{1b}', '\u{202e}']), "{}", page.body);
}

#[tokio::test]
async fn an_experiment_shows_its_figures_and_its_runs() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let mut judged = run("r3", Status::Passed, "third", "no");
    judged.evaluation = object(json!({"verdict": "fail"}));
    let mut broken = run("r2", Status::Error, "second", "");
    broken.error = Some("boom".to_owned());
    let runs = [run("r1", Status::Passed, "first", "yes"), broken, judged, run("r4", Status::Passed, "fourth", "yes")];
    let path = experiment(&site, &project, &bundle, "exp_1", &runs, true).await;

    let mut browser = site.signed_in(Role::Viewer).await;
    let page = browser.get(&path).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    check_is_text(&page);
    assert_eq!(page.text("h1"), "exp_1 with failures");
    assert_eq!(page.texts(".facts .big"), ["4", "2", "2", "50 % 95 %: 15.0 to 85.0 %"]);
    assert_eq!(page.attributes("svg.bar", "aria-label"), ["2 of 4 cases passed, 2 did not"]);
    assert!(page.texts(".facts dd").contains(&"1 min 30 s".to_owned()));
    assert_eq!(page.texts(".cases tbody th"), ["second", "third", "first", "fourth"], "what did not pass is first");
    assert_eq!(page.texts(".cases .badge"), ["error", "not passed", "passed", "passed"]);
    assert_eq!(page.texts(".cases .problem"), ["boom"]);
    assert_eq!(page.texts(".filter .chip"), ["all 4", "passed 2", "not passed 1", "error 1"]);
    assert!(page.texts(".pairs dd").contains(&SHOWN.to_owned()));

    assert_eq!(browser.get(&format!("{path}?status=error")).await.texts(".cases tbody th"), ["second"]);
    assert_eq!(browser.get(&format!("{path}?text=FOUR")).await.texts(".cases tbody th"), ["fourth"]);
    let none = browser.get(&format!("{path}?text=%3Cscript%3E&status=error")).await;
    assert_eq!(none.texts(".empty p"), ["No case matches. Show all cases"]);
    assert_eq!(none.attributes("input[name=text]", "value"), ["<script>"]);
    check_is_text(&none);
    assert_eq!(browser.get(&format!("{path}?status=x&after=y")).await.texts(".cases tbody th").len(), 4);

    // From the list of projects to here, and back.
    assert_eq!(browser.get("/").await.attributes("header nav a", "href"), ["/", "/projects", "/search"]);
    let projects = browser.get("/projects").await;
    assert_eq!(projects.texts("tbody th a"), ["<i>Shop\\u{202e}"]);
    let listed = browser.get(&projects.attributes("tbody th a", "href")[0]).await;
    check_is_text(&listed);
    assert_eq!(listed.attributes(".card tbody th a", "href"), [path]);
    assert_eq!(listed.text("article h3"), "orders");
    assert!(listed.exact("article .scenario-head").contains(SHOWN));
}

#[tokio::test]
async fn a_run_shows_what_was_said_and_leads_to_the_next_failure() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let turn = |sequence: i64, role: &str, content: &str| Turn {
        run_id: String::new(),
        turn_id: format!("t{sequence}"),
        sequence,
        role: role.into(),
        content: content.to_owned(),
        timestamp: None,
        duration_ms: Some(1500.0),
        warnings: serde_json::from_value(json!([{"type": "forbidden_words", "message": EVIL}])).unwrap(),
    };
    let mut first = run("../a b?", Status::Failed, EVIL, EVIL);
    first.persona = Some(EVIL.to_owned());
    first.error = Some(format!("{EVIL}\nsecond line"));
    first.turns = vec![turn(1, "user", EVIL), turn(2, EVIL, "line\n  two")];
    first.metrics = object(json!({"duration_ms": 7.9, "total_tokens": 3, EVIL: {"a": EVIL}}));
    first.evaluation = object(json!({"verdict": "fail", "failures": [EVIL], "scores": {"polite": 0.5}}));
    let mut later = run("r3", Status::Passed, "third", "");
    later.transcript =
        vec![json!({"role": "user", "content": "hello"}), json!({"role": "tool", "content": {"a": 1}}), json!(EVIL)];
    later.evaluation = object(json!({"verdict": "fail"}));
    let runs = [first, run("r2", Status::Passed, "second", "fine"), later, run("r4", Status::Timeout, "", "")];
    let path = experiment(&site, &project, &bundle, EVIL.split_once(' ').unwrap().0, &runs, true).await;
    let mut browser = site.signed_in(Role::Viewer).await;
    let list = browser.get(&path).await;
    check_is_text(&list);
    let links = list.attributes(".cases tbody th a", "href");
    assert!(links[0].ends_with("/cases/..%2Fa%20b%3F"), "{}", links[0]);

    let page = browser.get(&links[0]).await;
    assert_eq!(page.status, StatusCode::OK);
    check_is_text(&page);
    assert_eq!(page.exact(".notice.bad pre"), format!("{SHOWN}\nsecond line"));
    assert_eq!(page.texts(".turn strong"), ["user".to_owned(), SHOWN.to_owned()]);
    assert_eq!(page.exact(".turn:nth-child(2) .verbatim"), "line\n  two");
    assert_eq!(page.texts(".turn .warning"), [format!("⚠ {SHOWN}"), format!("⚠ {SHOWN}")]);
    assert_eq!(page.texts(".failures li"), [SHOWN]);
    assert!(!page.has("a[rel=prev]"));
    let page = browser.get(&page.attributes("a[rel=next]", "href")[0]).await;
    assert_eq!(page.text("h1"), "third not passed");
    assert_eq!(page.texts(".turn .verbatim"), ["hello".to_owned(), "a: 1".to_owned(), SHOWN.to_owned()]);
    assert_eq!(page.attributes("a[rel=prev]", "href"), [links[0].clone()]);
    let last = browser.get(&page.attributes("a[rel=next]", "href")[0]).await;
    assert_eq!((last.text("h1").as_str(), last.has("a[rel=next]")), ("(empty) timed out", false));
    assert_eq!(last.texts(".empty p"), ["Nothing was uploaded of this case."]);
    // Between two failures, from a run that passed.
    let passed = browser.get(&links[3]).await;
    assert_eq!(passed.texts(".turn .verbatim, .turn .markdown"), ["second", "fine"]);
    assert_eq!(passed.attributes("nav.actions a", "href"), [links[0].clone(), links[1].clone()]);
}

#[tokio::test]
async fn how_a_run_was_judged_is_a_table_and_a_crash_has_its_traceback() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let criterion = |name: &str, verdict: &str, found: &str, score: Value| {
        json!({"pack": "Answers", "name": name, "kind": "contains", "verdict": verdict, "expected": name, "found": found,
            "score": score, "required": true, "weight": 1.0})
    };
    let judged = |id: &str, status: Status, evaluation: Value| {
        let mut run = run(id, status, "Where is my order?", "I am sorry.");
        run.input_item_id = Some("first".to_owned());
        run.evaluation = object(evaluation);
        run
    };
    let criteria = json!([
        criterion(EVIL, "failed", "\"sorry\" in \"I am sorry.\"", json!(0)),
        criterion("every answer within 5 s", "passed", "0.101 s", json!(1)),
        criterion("The answer is polite", "not_judged", "no model is set as judge", Value::Null),
    ]);
    let mut crashed = judged(
        "r1",
        Status::Error,
        json!({"verdict": "error", "error_type": "KeyError", "traceback": format!("  File \"a.py\", line 4\n{EVIL}"),
            "location": {"file": "agents/my_agent.py", "line": 4, "function": "run"}, "printed": format!("HELLO {EVIL}\n")}),
    );
    crashed.error = Some("KeyError: 'missing'".to_owned());
    let unknown = judged("r2", Status::Passed, json!({"verdict": "not_judged", "criteria": [criteria[2]]}));
    let failed =
        judged("r3", Status::Failed, json!({"verdict": "fail", "failures": [EVIL], "criteria": criteria, "scores": {"x": 1}}));
    let mut paths = Vec::new();
    for (name, run) in [("exp_1", crashed), ("exp_2", unknown), ("exp_3", failed)] {
        paths.push(experiment(&site, &project, &bundle, name, &[run], true).await);
    }

    let mut browser = site.signed_in(Role::Viewer).await;
    let page = browser.get(&format!("{}/cases/r3", paths[2])).await;
    check_is_text(&page);
    assert_eq!(page.texts(".criteria .badge"), ["failed", "passed", "not judged"]);
    assert_eq!(
        page.texts(".criteria tbody th > .verbatim:first-child"),
        [SHOWN, "every answer within 5 s", "The answer is polite"]
    );
    assert_eq!(page.texts(".criteria mark"), ["sorry"]);
    let found = "\"sorry\" in \"I am sorry.\" In the answer: I am sorry.";
    assert_eq!(page.texts(".criteria td.verbatim"), [found, "0.101 s", "no model is set as judge"]);
    assert_eq!(page.texts(".criteria td.number"), ["0", "1", ""]);
    assert!(!page.text("main").contains("\\\""), "nothing is escaped twice: {}", page.text("main"));
    assert_eq!(page.text("#history"), "This input in the last 3 experiments");
    assert_eq!(page.texts(".history a"), ["✗exp_1: error", "–exp_2: not judged", "✗exp_3: failed"]);
    assert_eq!(page.attributes(".history a", "href")[0], format!("{}/cases/r1", paths[0]));
    assert_eq!(page.texts(".history [aria-current]"), ["✗exp_3: failed"]);

    let page = browser.get(&format!("{}/cases/r1", paths[0])).await;
    check_is_text(&page);
    assert_eq!(page.text(".notice.bad p"), "What went wrong agents/my_agent.py:4 in run");
    assert_eq!(page.exact(".notice.bad > pre"), "KeyError: 'missing'");
    assert_eq!(page.exact(".notice.bad details pre"), format!("  File \"a.py\", line 4\n{SHOWN}"));
    assert!(!page.has(".notice.bad details[open]"), "a traceback is folded");
    assert_eq!(page.exact("details.printed pre"), format!("HELLO {SHOWN}"));

    let page = browser.get(&paths[1]).await;
    assert_eq!(page.texts(".cases .badge"), ["not judged"]);
    assert_eq!(page.texts(".facts .big"), ["1", "0", "0", "not yet", "1"]);
}

#[tokio::test]
async fn an_experiment_says_what_was_tested() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let details = object(json!({
        "agent": "base_1_agent", "persona_version": 4, "persona_modified": true, "git_commit": "3f2a1c9d8e7f6a5b4c3d", "git_dirty": true,
        "git_author": EVIL, "target": "shop.agent:run", "target_kind": "python", "counts": {"passed": 1}, "version": "0.1.0",
    }));
    let runs = [run("r1", Status::Passed, "first", "yes")];
    let upload = Upload {
        bundle: &bundle,
        experiment_id: Some("exp_1"),
        is_over: true,
        started_at: None,
        completed_at: None,
        details: &details,
        runs: &runs,
        turns: &[],
    };
    let mut transaction = site.store.write().await.unwrap();
    let recorded = transaction.record_upload(&site.scope, &upload).await.unwrap();
    transaction.commit().await.unwrap();
    let page = site.signed_in(Role::Viewer).await.get(&format!("/projects/{project}/experiments/{}", recorded.batch_id)).await;
    check_is_text(&page);
    let facts: Vec<(String, String)> = page.texts(".facts dt").into_iter().zip(page.texts(".facts dd")).collect();
    let says = |name: &str| facts.iter().find(|(fact, _)| fact == name).map(|(_, value)| value.clone()).unwrap_or_default();
    assert_eq!((says("Agent"), says("Persona")), ("base_1_agent".to_owned(), "version 4, edited in the code".to_owned()));
    assert_eq!((says("Commit"), says("Author")), ("3f2a1c9d8e7f, with changes".to_owned(), SHOWN.to_owned()));
    assert_eq!(says("Target"), "python shop.agent:run");
    assert!(says("Bundle version").contains(&bundle), "{facts:?}");
    assert!(!page.texts(".pairs dt").contains(&"Counts".to_owned()));
    // An agent of this server has its name, and leads to its page.
    let agent = site.agent("Shop").await;
    let details = object(json!({"agent": agent.as_str()}));
    let runs = [run("r2", Status::Passed, "second", "yes")];
    let upload = Upload { experiment_id: Some("exp_2"), details: &details, runs: &runs, ..upload };
    let mut transaction = site.store.write().await.unwrap();
    let recorded = transaction.record_upload(&site.scope, &upload).await.unwrap();
    transaction.commit().await.unwrap();
    let page = site.signed_in(Role::Viewer).await.get(&format!("/projects/{project}/experiments/{}", recorded.batch_id)).await;
    assert_eq!(page.attributes(".facts dd a", "href"), [format!("/agents/{}", agent.as_str())]);
    assert_eq!(page.text(".facts dd a"), "Shop");
}

#[tokio::test]
async fn a_running_batch_says_so() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let runs = [RunRecord::new("r1", Status::Running), RunRecord::new("r2", Status::Running)];
    let path = experiment(&site, &project, &bundle, "exp_1", &runs, false).await;
    let mut browser = site.signed_in(Role::Viewer).await;
    let page = browser.get(&path).await;
    assert_eq!(page.text("h1"), "exp_1 running");
    assert!(page.text(".notice").starts_with("This test is running: 0 of 2 cases have ended, 2 are left. Last heard at"));
    assert_eq!(page.texts(".facts .big"), ["2", "0", "0", "not yet"]);
}

/// Nobody need ask the API first: whoever looks is told how it is.
#[tokio::test]
async fn f24_a_test_that_broke_off_is_abandoned_on_every_page() {
    for levels in [3, 2, 1, 0] {
        let site = Site::start().await;
        let (project, bundle) = shop(&site).await;
        let runs = [RunRecord::new("r1", Status::Running)];
        let mut path = experiment(&site, &project, &bundle, "exp_1", &runs, false).await;
        let mut browser = site.signed_in(Role::Viewer).await;
        site.pass(24 * 60 * 60 * 1000 + 1);
        for _ in 0..levels {
            path.truncate(path.rfind('/').unwrap());
        }
        assert!(browser.get(&path).await.texts(".badge").contains(&"abandoned".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn runs_are_listed_in_pages() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let runs: Vec<RunRecord> = (0..120).map(|n| run(&format!("r{n}"), Status::Passed, &format!("input {n}"), "")).collect();
    let path = experiment(&site, &project, &bundle, "exp_1", &runs, true).await;
    let mut browser = site.signed_in(Role::Viewer).await;
    let mut seen = Vec::new();
    let mut next = Some(format!("{path}?status=passed"));
    while let Some(address) = next {
        let page = browser.get(&address).await;
        seen.extend(page.texts(".cases tbody th"));
        next = page.attributes(".pager a", "href").into_iter().find(|href| href.contains("after="));
        assert!(next.as_ref().is_none_or(|next| next.contains("status=passed")));
    }
    assert_eq!(seen, (0..120).map(|n| format!("input {n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_old_address_of_a_case_leads_to_the_new_one() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let path = experiment(&site, &project, &bundle, "exp_1", &[run("a b/c", Status::Passed, "mine", "")], true).await;
    let mut browser = site.signed_in(Role::Viewer).await;
    let answer = browser.get(&format!("{path}/runs/a%20b%2Fc")).await;
    assert_eq!(answer.status, StatusCode::PERMANENT_REDIRECT);
    let address = answer.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(address, format!("{path}/cases/a%20b%2Fc"));
    assert_eq!(browser.get(&address).await.status, StatusCode::OK);
}

#[tokio::test]
async fn results_of_others_are_not_there() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let path = experiment(&site, &project, &bundle, "exp_1", &[run("r1", Status::Passed, "mine", "")], true).await;
    let mut transaction = site.store.write().await.unwrap();
    let elsewhere = transaction.create_project(&site.scope.org_id, "elsewhere").await.unwrap();
    let other = Scope::organization(transaction.ensure_organization(Some("Other")).await.unwrap().id);
    let theirs = transaction.create_project(&other.org_id, "theirs").await.unwrap();
    transaction.commit().await.unwrap();
    let mut browser = site.signed_in(Role::Owner).await;
    assert!(!browser.get("/projects").await.body.contains("theirs"));
    let moved = path.replace(&project, &elsewhere.id);
    for path in [
        format!("/projects/{}", theirs.id),
        "/projects/%FF".to_owned(),
        moved.clone(),
        format!("{moved}/cases/r1"),
        format!("{path}/cases/r2"),
        format!("{path}x"),
    ] {
        let page = browser.get(&path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!page.body.contains("mine"));
    }
    for path in ["/projects".to_owned(), format!("/projects/{project}"), path.clone(), format!("{path}/cases/r1")] {
        let page = site.browser().get(&path).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(!page.body.contains("mine"));
    }
}

#[tokio::test]
async fn files_are_listed_where_they_belong() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let path = experiment(&site, &project, &bundle, "exp_1", &[run("r1", Status::Passed, "i", "")], true).await;
    let file = |run: Option<&str>, name: &str| NewArtifact {
        run_id: run.map(str::to_owned),
        artifact_type: "summary".to_owned(),
        name: name.to_owned(),
        content_type: "text/html".to_owned(),
        blob_id: "blob_1".to_owned(),
    };
    let mut transaction = site.store.write().await.unwrap();
    let batch = path.rsplit('/').next().unwrap();
    let files = [file(None, "<b>summary.json"), file(Some("r1"), "trace.md")];
    transaction.attach_artifacts(&site.scope, batch, &files).await.unwrap();
    transaction.commit().await.unwrap();
    let mut browser = site.signed_in(Role::Viewer).await;
    let page = browser.get(&path).await;
    assert_eq!(page.texts("#files ~ .card tbody th"), ["<b>summary.json"]);
    assert!(page.attributes("#files ~ .card a", "href")[0].starts_with("/api/v1/artifacts/artifact_"));
    check_is_text(&page);
    assert_eq!(browser.get(&format!("{path}/cases/r1")).await.texts("#files ~ .card tbody th"), ["trace.md"]);
}
