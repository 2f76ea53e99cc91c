//! What checks have seen.

use std::collections::BTreeMap;

use keepstep_agent::canonical::digest;
use keepstep_agent::drift::SeenField;
use keepstep_agent::{Field, State};
use keepstep_store::{DriftReport, NewAgent, Scope, ServerSide};
use serde_json::json;

use crate::world::{START, World};

fn text(persona: &str) -> Option<String> {
    digest(Field::PERSONA, Some(&json!(persona))).map(|digest| format!("sha256:{digest}"))
}

pub(crate) async fn a_report_is_compared_with_what_is_published_now(world: World) {
    let id = world.agent().await;
    world.publish(&id, "one").await;
    let seen = SeenField { code: text("one"), base: text("one") };
    let report = DriftReport {
        agent_id: id.clone(),
        repository: "shop".to_owned(),
        branch: String::new(),
        commit: None,
        fields: BTreeMap::from([("persona".to_owned(), seen), ("name".to_owned(), SeenField::default())]),
        reported_by: "ci".to_owned(),
        reported_at: START,
        since: None,
    };
    let mut transaction = world.store.write().await.unwrap();
    transaction.put_drift_report(&report).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(world.store.drift_report(&id, "shop", "").await.unwrap().as_ref(), Some(&report));
    assert_eq!(world.store.drift_report(&id, "shop", "main").await.unwrap(), None);
    for (publish, state) in [(None, State::InStep), (Some("two"), State::Behind), (Some("one"), State::InStep)] {
        if let Some(persona) = publish {
            world.publish(&id, persona).await;
        }
        let found = world.store.drift_reports(&world.scope, Some(&id)).await.unwrap();
        let [(found, persona)] = &found[..] else { panic!("{found:?}") };
        let agent = world.store.agent(&world.scope, &id).await.unwrap();
        let states = found.states(ServerSide { agent: &agent, persona: *persona });
        assert_eq!(states, [(Field::NAME, State::Unreadable), (Field::PERSONA, state)]);
    }
}

pub(crate) async fn reports_are_seen_by_who_sees_the_agent(world: World) {
    let mut transaction = world.store.write().await.unwrap();
    let mut projects = Vec::new();
    for name in ["first", "second", "third"] {
        let project = transaction.create_project(&world.scope.org_id, name).await.unwrap().id;
        let inside = Scope::of(&world.scope.org_id, Some(project.clone()));
        let new = NewAgent { scope: &inside, name, author: None };
        let agent_id = transaction.create_agent(new).await.unwrap().agent.id;
        let report = DriftReport {
            agent_id,
            repository: name.to_owned(),
            branch: String::new(),
            commit: None,
            fields: BTreeMap::new(),
            reported_by: "ci".to_owned(),
            reported_at: START,
            since: None,
        };
        transaction.put_drift_report(&report).await.unwrap();
        projects.push(project);
    }
    transaction.commit().await.unwrap();
    let [first, second, _] = &projects[..] else { panic!("{projects:?}") };
    let some = |projects: Vec<String>| Scope::some_projects(&world.scope.org_id, projects);
    for (scope, seen) in [
        (world.scope.clone(), &["first", "second", "third"][..]),
        (some(vec![first.clone(), second.clone()]), &["first", "second"]),
        (some(vec![second.clone()]), &["second"]),
        (some(Vec::new()), &[]),
        (Scope::organization("org_other"), &[]),
    ] {
        let reports = world.store.drift_reports(&scope, None).await.unwrap();
        let mut found: Vec<&str> = reports.iter().map(|(report, _)| report.repository.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, seen, "{scope:?}");
    }
}
