//! What checks have seen.

use std::collections::BTreeMap;

use keepstep_agent::canonical::digest;
use keepstep_agent::drift::SeenField;
use keepstep_agent::{Field, State};
use keepstep_store::{DriftReport, ServerSide};
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
    let other = keepstep_store::Scope { project_id: Some("project_other".to_owned()), ..world.scope.clone() };
    assert!(world.store.drift_reports(&other, None).await.unwrap().is_empty());
}
