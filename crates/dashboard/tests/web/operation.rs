//! For owners: how long experiments are kept, what takes the room, how the server is.

use keepstep_platform::{Platform, Settings};
use keepstep_store::results::Status;
use keepstep_store::{ActivityFilter, Role};
use reqwest::StatusCode;

use crate::results::{experiment, run, shop};
use crate::site::Site;

const DAY: i64 = 24 * 60 * 60 * 1000;

#[tokio::test]
async fn retention_says_what_it_deletes_before_it_is_switched_on() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let runs = |name: &str| [run(name, Status::Passed, "first", "yes")];
    let old = experiment(&site, &project, &bundle, "old", &runs("r1"), true).await;
    site.pass(40 * DAY);
    experiment(&site, &project, &bundle, "new", &runs("r2"), true).await;
    let path = format!("/projects/{project}/retention");
    let mut owner = site.signed_in(Role::Owner).await;
    assert!(owner.get(&format!("/projects/{project}/settings")).await.has(&format!("a[href='{path}']")));
    assert_eq!(owner.get(&path).await.text(".lead"), "Experiments are kept for ever.");
    // The page that asks is the only way there, and names what goes.
    let question = format!("{path}/delete");
    assert!(owner.get(&path).await.has(&format!("form[method=get][action='{question}']")));
    let page = owner.get(&format!("{question}?days=30")).await;
    assert!(page.text("h1").starts_with("Delete experiments of") && page.text("h1").ends_with("after 30 days?"));
    assert_eq!(page.texts(".facts dd.big")[..2], ["1", "1"]);
    for bad in ["", "0", "x", "99999", "-1"] {
        let page = owner.get(&format!("{question}?days={bad}")).await;
        assert_eq!(
            (page.status, page.text("[role=alert]").as_str()),
            (StatusCode::BAD_REQUEST, "Write a number of days from 1 to 3650.")
        );
    }
    let mut fields = page.fields(&question, "Delete experiments after 30 days", &[]);
    owner.post(&path, &[("origin", &site.url)], &fields).await;
    fields.iter_mut().filter(|(name, _)| name == "days").for_each(|(_, days)| *days = "0".to_owned());
    assert_eq!(owner.post(&question, &[("origin", &site.url)], &fields).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.store.retention(&site.scope, &project).await.unwrap(), None);
    let saved = owner.submit(&page, &question, "Delete experiments after 30 days", &[]).await;
    assert_eq!((saved.status, saved.location()), (StatusCode::SEE_OTHER, format!("{path}?done=saved").as_str()));
    assert!(owner.get(&path).await.text(".lead").starts_with("Experiments are kept for 30 days, set by Grace at"));
    // Who has not seen that changes nothing.
    let stale = owner.submit(&page, &question, "Delete experiments after 30 days", &[("days", "5")]).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(site.store.retention(&site.scope, &project).await.unwrap().unwrap().days, 30);

    let platform = Platform::new(site.store.clone(), Settings::default());
    platform.do_chores().await;
    assert_eq!(owner.get(&old).await.status, StatusCode::NOT_FOUND);
    let log = site.store.activity(&site.scope.org_id, &ActivityFilter::default(), 1).await.unwrap();
    assert_eq!((log[0].actor_name.as_str(), log[0].action.as_str()), ("Retention", "delete old experiments"));
    // It is restored, and not deleted again at once.
    let id = old.rsplit('/').next().unwrap();
    let mut transaction = site.store.write().await.unwrap();
    transaction.restore_experiment(&site.scope, id).await.unwrap();
    transaction.commit().await.unwrap();
    platform.do_chores().await;
    assert_eq!(owner.get(&old).await.status, StatusCode::OK);

    let page = owner.get(&path).await;
    owner.submit(&page, &path, "Turn retention off", &[]).await;
    assert_eq!(owner.get(&path).await.text(".lead"), "Experiments are kept for ever.");
    for role in [Role::Editor, Role::Viewer] {
        for path in [&path, &format!("{question}?days=30")] {
            assert_eq!(site.signed_in(role).await.get(path).await.status, StatusCode::FORBIDDEN);
        }
    }
    assert_eq!(owner.get("/projects/unknown/retention").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn usage_says_what_takes_the_room() {
    let site = Site::start().await;
    let mut owner = site.signed_in(Role::Owner).await;
    assert_eq!(owner.get("/usage").await.text(".empty"), "No projects yet.");
    let (project, bundle) = shop(&site).await;
    let runs = [run("r1", Status::Passed, "first", "yes"), run("r2", Status::Failed, "second", "no")];
    experiment(&site, &project, &bundle, "one", &runs, true).await;
    let page = owner.get("/usage").await;
    assert_eq!(page.texts("#projects ~ .card tbody td")[..2], ["1", "2"]);
    assert_eq!(page.texts("#months ~ .card tbody th"), ["2023-11"]);
    assert!(page.has(&format!("a[href='/projects/{project}/retention']")));
    for role in [Role::Editor, Role::Viewer] {
        assert_eq!(site.signed_in(role).await.get("/usage").await.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn the_server_says_how_it_is_to_owners() {
    let site = Site::start().await;
    let mut owner = site.signed_in(Role::Owner).await;
    let page = owner.get("/server").await;
    assert!(page.text(".lead").starts_with(&format!("keepstep {}, built for", env!("CARGO_PKG_VERSION"))));
    let migration = site.store.state().await.unwrap().migration;
    assert!(page.text("#storage ~ .facts").contains(&format!("migration {migration}, ")));
    assert_eq!(page.texts("#chores ~ .card tbody tr").len(), 3);
    assert_eq!(site.browser().get("/server").await.status, StatusCode::UNAUTHORIZED);
    for role in [Role::Editor, Role::Viewer] {
        assert_eq!(site.signed_in(role).await.get("/server").await.status, StatusCode::FORBIDDEN);
    }
}
