//! A test that is watched while it goes on.

use futures_util::{Stream, StreamExt as _};
use keepstep_store::Role;
use keepstep_store::results::{LiveReport, RunRecord, Status};
use reqwest::StatusCode;
use serde_json::Map;

use crate::results::{EVIL, SHOWN, check_is_text, run, shop};
use crate::site::Site;

/// Tells of a test of six cases, and returns the address of its experiment.
async fn report(site: &Site, project: &str, bundle: &str, runs: &[RunRecord], is_stopped: bool) -> String {
    let details = Map::new();
    let report = LiveReport {
        bundle,
        experiment_id: "exp_1",
        key: "key-1",
        planned: 6,
        started_at: None,
        details: &details,
        runs,
        is_stopped,
    };
    let mut transaction = site.store.write().await.unwrap();
    let id = transaction.record_live(&site.scope, project, &report).await.unwrap().unwrap();
    transaction.commit().await.unwrap();
    format!("/projects/{project}/experiments/{id}")
}

fn watched(path: &str, seen: &str) -> String {
    let (project, experiment) = path.strip_prefix("/projects/").unwrap().split_once("/experiments/").unwrap();
    format!("/events?project={project}&experiment={experiment}&seen={seen}")
}

/// Reads a stream up to the next event.
async fn next<B: AsRef<[u8]>>(stream: &mut (impl Stream<Item = reqwest::Result<B>> + Unpin)) -> Option<String> {
    let mut text = String::new();
    while !text.contains("data:") || !text.ends_with("\n\n") {
        text += std::str::from_utf8(stream.next().await?.unwrap().as_ref()).unwrap();
    }
    Some(text)
}

#[tokio::test]
async fn a_running_test_shows_its_cases_as_they_come() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let path = report(&site, &project, &bundle, &[], false).await;
    let mut browser = site.signed_in(Role::Viewer).await;
    let page = browser.get(&path).await;
    assert!(page.text(".notice").starts_with("This test is running: 0 of 6 cases have ended, 6 are left. Last heard at"));
    assert_eq!(page.text(".empty"), "No case has ended yet.");

    let mut broken = run("r3", Status::Error, EVIL, "");
    broken.error = Some(EVIL.to_owned());
    let runs = [run("r1", Status::Passed, "first", "yes"), run("r2", Status::Passed, "second", "no"), broken];
    assert_eq!(report(&site, &project, &bundle, &runs, false).await, path);
    let page = browser.get(&path).await;
    check_is_text(&page);
    assert!(page.text(".notice").starts_with("This test is running: 3 of 6 cases have ended, 3 are left."));
    assert_eq!(page.texts(".facts .big"), ["6", "2", "1", "not yet"]);
    // What failed comes first, and then what came last.
    assert_eq!(page.texts(".cases tbody th"), [SHOWN, "second", "first"]);
    assert_eq!(page.attributes(".notice a", "href"), [path.as_str()]);
    // It is not seen before it has ended.
    assert!(!site.store.is_seen(&site.scope, path.rsplit('/').next().unwrap()).await.unwrap());

    site.pass(91_000);
    let page = browser.get(&path).await;
    assert!(page.text(".notice.warn").starts_with("This test has probably stopped: nothing was heard of it for a while."));
    report(&site, &project, &bundle, &[], true).await;
    let page = browser.get(&path).await;
    assert!(
        page.text(".notice.warn").starts_with("This test was stopped after 3 of 6 cases. keepstep test --resume resumes it.")
    );
    site.pass(24 * 60 * 60 * 1000 + 1);
    assert!(browser.get(&path).await.texts(".badge").contains(&"abandoned".to_owned()));
}

#[tokio::test]
async fn who_watches_a_test_is_told_that_more_has_come() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let path = report(&site, &project, &bundle, &[], false).await;
    let mut browser = site.signed_in(Role::Viewer).await;
    let page = browser.get(&path).await;
    let [seen] = page.attributes("#experiment", "data-seen").try_into().unwrap();
    assert!(page.attributes("script", "src").iter().any(|script| script.contains("watch.")));
    let other = site.signed_in(Role::Viewer).await;
    let mut streams = Vec::new();
    for browser in [&browser, &other] {
        streams.push(browser.stream(&watched(&path, &seen)).await.bytes_stream());
    }
    site.pass(1_000);
    report(&site, &project, &bundle, &[run("r1", Status::Passed, "first", "yes")], false).await;
    let now = browser.get(&path).await.attributes("#experiment", "data-seen").remove(0);
    for stream in &mut streams {
        assert_eq!(next(stream).await.unwrap(), format!("event: change\ndata: {now}\nid: {now}\n\n"));
    }
    // The end is told, too, and then the stream is over.
    let id = path.rsplit('/').next().unwrap();
    let mut transaction = site.store.write().await.unwrap();
    transaction.abandon_runs(i64::MAX).await.unwrap();
    transaction.commit().await.unwrap();
    for stream in &mut streams {
        assert!(next(stream).await.unwrap().contains("-abandoned"));
        assert!(next(stream).await.is_none());
    }
    // Who comes again with what was told last has nothing to wait for.
    let last = site.store.live_state(&site.scope, id).await.unwrap();
    let address = watched(&path, &format!("{}-abandoned", last.heard_at));
    assert_eq!(browser.get(&address).await.status, StatusCode::NO_CONTENT);
    assert!(!browser.get(&path).await.has("#experiment[data-watch]"));
}

#[tokio::test]
async fn a_test_is_watched_by_those_who_may_see_it_and_only_as_long() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let path = report(&site, &project, &bundle, &[], false).await;
    let address = watched(&path, "");
    assert_eq!(site.browser().get(&address).await.status, StatusCode::UNAUTHORIZED);
    let mut stranger = site.member(Role::Viewer, "Ada").await;
    let id = site.id_of("Ada").await;
    let mut transaction = site.store.write().await.unwrap();
    let elsewhere = transaction.create_project(&site.scope.org_id, "Elsewhere").await.unwrap();
    transaction.set_rights(&site.scope.org_id, &id, None, false).await.unwrap();
    transaction.set_membership(&site.scope.org_id, &id, &elsewhere.id, Some((Role::Editor, false))).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(stranger.get(&address).await.status, StatusCode::NOT_FOUND);
    // An experiment of another project than the one that is named is nobody's.
    let browser = site.signed_in(Role::Viewer).await;
    let crossed = address.replace(&project, &elsewhere.id);
    assert_eq!(site.browser_with(&browser).get(&crossed).await.status, StatusCode::NOT_FOUND);
    // A stream ends when the experiment is deleted.
    let mut stream = browser.stream(&address).await.bytes_stream();
    assert!(next(&mut stream).await.is_some());
    let mut transaction = site.store.write().await.unwrap();
    transaction.delete_experiment(&site.scope, path.rsplit('/').next().unwrap(), "Grace").await.unwrap();
    transaction.commit().await.unwrap();
    assert!(next(&mut stream).await.is_none());
}
