//! Gates of scenarios: who sets them, and where a failure is seen.

use keepstep_store::Role;
use keepstep_store::results::Status;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::experiments::tested;
use crate::results::{EVIL, SHOWN, check_is_text, run, shop};
use crate::site::{Browser, Page, Site};

async fn scenario_of(site: &Site, project: &str, bundle: &str) -> String {
    let scenario = site.store.bundle(&site.scope, bundle).await.unwrap().scenario_id;
    format!("/projects/{project}/scenarios/{scenario}")
}

async fn set(browser: &mut Browser<'_>, scenario: &str, typed: &[(&str, &str)]) -> Page {
    let page = browser.get(&format!("{scenario}/settings")).await;
    browser.submit(&page, &format!("{scenario}/gate"), "Save the gate", typed).await
}

#[tokio::test]
async fn an_editor_sets_the_gate_and_what_is_typed_is_not_lost() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let scenario = scenario_of(&site, &project, &bundle).await;
    let mut editor = site.signed_in(Role::Editor).await;
    let settings = format!("{scenario}/settings");
    let page = editor.get(&settings).await;
    assert_eq!(page.attributes("#pass_rate", "value"), [""]);
    assert!(!page.has("input[name=no_new_failures][checked]"));
    let answer = set(&mut editor, &scenario, &[("pass_rate", "9O"), ("no_new_failures", "yes")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.text("#pass_rate-problem"), "A pass rate is a whole number from 1 to 100.");
    assert_eq!(answer.attributes("#pass_rate", "value"), ["9O"]);
    assert!(answer.has("input[name=no_new_failures][checked]"));
    assert!(!answer.attributes("#name", "value")[0].is_empty(), "the other form is there");

    let answer = set(&mut editor, &scenario, &[("pass_rate", "90 %"), ("no_new_failures", "yes")]).await;
    assert_eq!(answer.location(), format!("{scenario}?done=saved"));
    let page = editor.get(&settings).await;
    assert_eq!(page.attributes("#pass_rate", "value"), ["90"]);
    assert!(page.has("input[name=no_new_failures][checked]"));
    // A form without the token does nothing, and has what was typed.
    let fields = [("pass_rate".to_owned(), "12".to_owned())];
    let answer = editor.post(&format!("{scenario}/gate"), &[], &fields).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("Pass rate") && answer.body.contains("12"), "{}", answer.body);
    assert_eq!(editor.get(&settings).await.attributes("#pass_rate", "value"), ["90"]);

    let mut owner = site.signed_in(Role::Owner).await;
    assert_eq!(set(&mut owner, &scenario, &[("pass_rate", "")]).await.status, StatusCode::SEE_OTHER);
    let page = owner.get("/activity").await;
    assert!(page.body.contains("Set the gate of a scenario"), "{}", page.body);
    let mut viewer = site.signed_in(Role::Viewer).await;
    assert_eq!(viewer.get(&settings).await.status, StatusCode::FORBIDDEN);
    let csrf = vec![("csrf".to_owned(), viewer.get("/").await.attributes("input[name=csrf]", "value").remove(0))];
    assert_eq!(viewer.post(&format!("{scenario}/gate"), &[], &csrf).await.status, StatusCode::FORBIDDEN);
    let elsewhere = format!("/projects/project_x/scenarios/{}/gate", scenario.rsplit('/').next().unwrap());
    let csrf = vec![("csrf".to_owned(), editor.get("/").await.attributes("input[name=csrf]", "value").remove(0))];
    assert_eq!(editor.post(&elsewhere, &[], &csrf).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_failed_gate_waits_on_the_front_page_until_it_is_seen_or_passes() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let scenario = scenario_of(&site, &project, &bundle).await;
    let mut editor = site.signed_in(Role::Editor).await;
    set(&mut editor, &scenario, &[("pass_rate", "90"), ("no_new_failures", "")]).await;
    let (good, bad) = (Status::Passed, Status::Failed);
    let details = json!({"git_branch": EVIL});
    let runs = |name: &str, failed: usize| {
        let one = |number: usize| run(&format!("{name}-{number}"), if number < failed { bad } else { good }, "asked", "answered");
        (0..6).map(one).collect::<Vec<_>>()
    };
    let list = format!("/projects/{project}/experiments");
    let first = tested(&site, &bundle, "one", details.clone(), &runs("one", 1)).await;
    let path = format!("{list}/{first}");
    // Whoever looks at results has them counted, and their gates checked.
    let page = editor.get(&list).await;
    assert!(page.text("th .about:last-child").starts_with("Gate failed 83.3 % passed, 90 % required"), "{}", page.body);
    check_is_text(&page);

    let mut viewer = site.signed_in(Role::Viewer).await;
    let front = viewer.get("/").await;
    assert_eq!(
        front.texts("section tbody td:nth-child(2)"),
        [format!("Gate failed 83.3 % passed, 90 % required orders on {SHOWN}")]
    );
    assert_eq!(front.attributes("section tbody a", "href"), [format!("{path}/cases/one-0")]);
    check_is_text(&front);
    assert_eq!(viewer.get(&format!("{path}/cases/one-0")).await.status, StatusCode::OK);

    let page = viewer.get(&path).await;
    assert_eq!(page.text(".notice.bad p"), "Gate failed: 83.3 % passed, 90 % required · First failure");
    assert_eq!(page.attributes(".notice.bad a", "href"), [format!("{path}/cases/one-0")]);
    assert!(!page.body.contains("Mark as seen"));
    let csrf = vec![("csrf".to_owned(), viewer.get("/").await.attributes("input[name=csrf]", "value").remove(0))];
    assert_eq!(viewer.post(&format!("{path}/gate/seen"), &[], &csrf).await.status, StatusCode::FORBIDDEN);
    assert!(viewer.get("/").await.has("#waiting"), "to open it is not to have seen it");
    let export: Value = serde_json::from_str(&viewer.get(&format!("{path}/export/json")).await.body).unwrap();
    assert_eq!(
        export["gate"],
        json!({"state": "failed", "reason": "83.3 % passed, 90 % required", "asked": {"min_pass_rate": 90, "no_new_failures": false}, "baseline": null})
    );

    let page = editor.get(&path).await;
    let answer = editor.submit(&page, &format!("{path}/gate/seen"), "Mark as seen", &[]).await;
    assert_eq!(answer.location(), format!("{path}?done=seen"));
    let page = editor.get(answer.location()).await;
    assert!(page.text(".notice.bad p").ends_with("seen by Grace"), "{}", page.text(".notice.bad p"));
    assert!(!page.body.contains("Mark as seen</button>"));
    assert!(!editor.get("/").await.has("#waiting"));

    // Another one that fails waits again, until one of the branch passes.
    let second = tested(&site, &bundle, "two", details.clone(), &runs("two", 6)).await;
    editor.get(&list).await;
    let front = editor.get("/").await;
    assert_eq!(front.attributes("section tbody a", "href"), [format!("{list}/{second}/cases/two-0")]);
    let third = tested(&site, &bundle, "three", details, &runs("three", 0)).await;
    let page = editor.get(&format!("{list}/{third}")).await;
    assert!(page.body.contains("100 % passed, 90 % required") && !page.has(".notice.bad"), "{}", page.body);
    let front = editor.get("/").await;
    assert!(!front.body.contains("Gate failed"), "{}", front.body);
    // Nobody has opened the second one yet.
    assert_eq!(front.attributes("section tbody a", "href"), [format!("{list}/{second}")]);
}
