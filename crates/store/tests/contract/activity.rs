//! Who did what.

use keepstep_store::{Activity, ActivityFilter, NewActivity, Scope, Store, VerifiedActivity};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use crate::world::{START, World};

async fn record(store: &Store, scope: &Scope, actor: &str, action: &str, subject: Option<&str>) {
    let mut transaction = store.write().await.unwrap();
    if let Some(id) = subject {
        transaction.about("key", id, "ci");
        transaction.about("person", "other", "what is said later does not count");
    }
    let new = NewActivity {
        org_id: &scope.org_id,
        actor_id: actor,
        actor_name: "Ada \u{202e}\0",
        device: subject.map(|_| "Firefox on Linux"),
        address: Some("192.0.2.7"),
        action,
    };
    transaction.record_activity(new).await.unwrap();
    transaction.commit().await.unwrap();
}

fn numbers(found: &[Activity]) -> Vec<i64> {
    found.iter().map(|entry| entry.number).collect()
}

pub(crate) async fn entries_are_found_by_who_what_and_when(world: World) {
    let (store, scope) = (&world.store, &world.scope);
    for (after, actor, action, subject) in [
        (0, "user_1", "create a key", Some("key_1")),
        (1, "user_2", "create a key", Some("key_2")),
        (2, "user_1", "revoke a key", Some("key_2")),
        (3, "key_1", "publish", None),
    ] {
        world.set_clock(START + after);
        record(store, scope, actor, action, subject).await;
    }
    let dropped = store.write().await.unwrap();
    drop(dropped);
    let of = |filter: ActivityFilter| async move { store.activity(&scope.org_id, &filter, 10).await.unwrap() };
    let all = of(ActivityFilter::default()).await;
    assert_eq!(numbers(&all), [4, 3, 2, 1]);
    let first = &all[3];
    assert_eq!(
        (first.at, first.actor_name.as_str(), first.device.as_deref()),
        (START, "Ada \u{202e}\0", Some("Firefox on Linux"))
    );
    assert_eq!(first.subject.as_ref().map(|subject| subject.id.as_str()), Some("key_1"));
    assert_eq!((&all[0].subject, &all[0].device), (&None, &None));
    let some = |text: &str| Some(text.to_owned());
    let everything = ActivityFilter::default;
    for (filter, expected) in [
        (ActivityFilter { actor_id: some("user_1"), ..everything() }, vec![3, 1]),
        (ActivityFilter { action: some("create a key"), ..everything() }, vec![2, 1]),
        (ActivityFilter { subject_id: some("key_2"), ..everything() }, vec![3, 2]),
        (ActivityFilter { subject_id: some("key_2"), actor_id: some("user_1"), ..everything() }, vec![3]),
        (ActivityFilter { since: Some(START + 1), until: Some(START + 3), ..everything() }, vec![3, 2]),
        (ActivityFilter { before: Some(3), ..everything() }, vec![2, 1]),
        (ActivityFilter { actor_id: some("%"), ..everything() }, vec![]),
    ] {
        assert_eq!(numbers(&of(filter.clone()).await), expected, "{filter:?}");
    }
    assert_eq!(numbers(&store.activity(&scope.org_id, &everything(), 2).await.unwrap()), [4, 3]);
    assert_eq!(store.activity_actions(&scope.org_id).await.unwrap(), ["create a key", "publish", "revoke a key"]);
    assert_eq!(store.activity("org_of_others", &everything(), 10).await.unwrap(), []);
    let whole = VerifiedActivity { entries: 4, first_broken: None };
    assert_eq!(store.verify_activity(&scope.org_id).await.unwrap(), whole);
}

pub(crate) async fn writers_at_the_same_time_have_a_place_each(world: World) {
    let writers = (0..8).map(|_| {
        let (store, scope) = (world.store.clone(), world.scope.clone());
        tokio::spawn(async move {
            for _ in 0..5 {
                record(&store, &scope, "user_1", "publish", None).await;
            }
        })
    });
    for writer in Vec::from_iter(writers) {
        writer.await.unwrap();
    }
    let whole = VerifiedActivity { entries: 40, first_broken: None };
    assert_eq!(world.store.verify_activity(&world.scope.org_id).await.unwrap(), whole);
}

pub(crate) async fn a_log_that_was_changed_does_not_fit(world: World) {
    let (store, org) = (&world.store, &world.scope.org_id);
    for number in 0..5 {
        record(store, &world.scope, "user_1", "publish", (number > 2).then_some("key_1")).await;
    }
    let url = format!("sqlite://{}", world.folder.path().join("keepstep.db").display());
    let mut raw = SqliteConnection::connect(&url).await.unwrap();
    let keep = "CREATE TEMP TABLE kept AS SELECT * FROM activity; CREATE TEMP TABLE kept_heads AS SELECT * FROM activity_heads;";
    sqlx::raw_sql(keep).execute(&mut raw).await.unwrap();
    let entry_of = |number: i64| format!("WHERE number = {number}");
    for (statement, broken) in [
        (format!("UPDATE activity SET actor_name = 'Eve' {}", entry_of(2)), 2),
        (format!("UPDATE activity SET at = at + 1 {}", entry_of(1)), 1),
        (format!("UPDATE activity SET device = '' {}", entry_of(3)), 3),
        (format!("UPDATE activity SET subject_id = 'key_9' {}", entry_of(4)), 4),
        (format!("DELETE FROM activity {}", entry_of(3)), 3),
        (format!("DELETE FROM activity {}", entry_of(5)), 5),
        ("DELETE FROM activity".to_owned(), 1),
        ("UPDATE activity SET hash = (SELECT hash FROM activity WHERE number = 4) WHERE number = 5".to_owned(), 5),
        ("UPDATE activity SET number = 9 WHERE number = 5".to_owned(), 5),
        ("UPDATE activity_heads SET hash = 'x'".to_owned(), 5),
        (format!("DELETE FROM activity_heads; DELETE FROM activity {}", entry_of(5)), 5),
        ("DELETE FROM activity_heads".to_owned(), 6),
    ] {
        sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut raw).await.unwrap();
        let found = store.verify_activity(org).await.unwrap();
        assert_eq!(found.first_broken, Some(broken), "{statement}");
        restore(&mut raw).await;
        assert_eq!(store.verify_activity(org).await.unwrap(), VerifiedActivity { entries: 5, first_broken: None });
    }
}

/// Puts back what the log was when it was kept.
async fn restore(raw: &mut SqliteConnection) {
    let statements = "DELETE FROM activity; INSERT INTO activity SELECT * FROM kept; DELETE FROM activity_heads; INSERT INTO activity_heads SELECT * FROM kept_heads;";
    sqlx::raw_sql(statements).execute(raw).await.unwrap();
}
