//! Persona versions.

use keepstep_agent::canonical::digest;
use keepstep_base::PersonaVersion;
use keepstep_store::{PersonaFilter, PersonaStatus, StoreError};
use serde_json::json;

use crate::world::{START, World, name};

/// The numbers of the published, the current and the newest draft version.
async fn numbers(world: &World, id: &keepstep_base::AgentId) -> (Option<u32>, Option<u32>, Option<u32>) {
    let state = world.state(id).await;
    (
        state.published.map(|persona| persona.summary.version.0),
        state.current.map(|summary| summary.version.0),
        state.newest_draft.map(|summary| summary.version.0),
    )
}

pub(crate) async fn a_published_persona_is_current_at_once(world: World) {
    let id = world.agent().await;
    world.publish(&id, "one").await;
    world.publish(&id, "two").await;
    assert_eq!(numbers(&world, &id).await, (Some(2), Some(2), None));
    let published = world.state(&id).await.published.unwrap();
    assert!(published.summary.is_current);
    assert_eq!(published.summary.digest, digest(keepstep_agent::Field::PERSONA, Some(&json!("two"))));
    assert_eq!(published.summary.created.message.as_deref(), Some("because"));
}

pub(crate) async fn a_draft_changes_neither_published_nor_current(world: World) {
    let id = world.agent().await;
    world.draft(&id, "zero").await;
    assert_eq!(numbers(&world, &id).await, (None, None, Some(1)));
    world.publish(&id, "one").await;
    assert_eq!(numbers(&world, &id).await, (Some(2), Some(2), None));
    world.draft(&id, "two").await;
    world.draft(&id, "three").await;
    assert_eq!(numbers(&world, &id).await, (Some(2), Some(2), Some(4)));
}

pub(crate) async fn deploying_a_draft_publishes_it(world: World) {
    let id = world.agent().await;
    world.publish(&id, "one").await;
    world.draft(&id, "two").await;
    world.draft(&id, "three").await;
    let before = world.store.persona(&world.scope, &id, PersonaVersion(2)).await.unwrap();
    world.set_clock(START + 5000);
    world.deploy(&id, 2).await.unwrap();
    assert_eq!(numbers(&world, &id).await, (Some(2), Some(2), Some(3)));
    let after = world.store.persona(&world.scope, &id, PersonaVersion(2)).await.unwrap();
    assert_eq!(after.summary.status, PersonaStatus::Published);
    assert_eq!(after.summary.created, before.summary.created);
    world.deploy(&id, 3).await.unwrap();
    assert_eq!(numbers(&world, &id).await, (Some(3), Some(3), None));
}

pub(crate) async fn a_roll_back_leaves_the_latest_published(world: World) {
    let id = world.agent().await;
    world.publish(&id, "one").await;
    world.publish(&id, "two").await;
    let changed = world.deploy(&id, 1).await.unwrap();
    assert!(changed.is_new);
    assert_eq!(numbers(&world, &id).await, (Some(2), Some(1), None));
    // An older draft that is deployed becomes current, and the comparison stays with the newer version.
    world.draft(&id, "three").await;
    world.publish(&id, "four").await;
    world.deploy(&id, 3).await.unwrap();
    assert_eq!(numbers(&world, &id).await, (Some(4), Some(3), None));
}

pub(crate) async fn a_roll_back_is_told_with_its_time_as_long_as_it_lasts(world: World) {
    let id = world.agent().await;
    world.publish(&id, "one").await;
    world.publish(&id, "two").await;
    assert_eq!(world.state(&id).await.deployed, None, "the latest published version is no news");
    world.set_clock(START + 5000);
    world.deploy(&id, 1).await.unwrap();
    let deployed = world.state(&id).await.deployed.unwrap();
    assert_eq!((deployed.author.as_deref(), deployed.at), (Some("ada"), START + 5000));
    // What is changed besides is not when it was deployed.
    world.set_clock(START + 9000);
    world.change(&id, None, &name("Store")).await.unwrap();
    world.publish(&id, "three").await;
    assert_eq!(world.state(&id).await.deployed, None);
    world.deploy(&id, 1).await.unwrap();
    world.set_clock(START + 11000);
    world.change(&id, None, &name("Shop")).await.unwrap();
    assert_eq!(world.state(&id).await.deployed.unwrap().at, START + 9000);
}

pub(crate) async fn deploying_the_current_version_changes_nothing(world: World) {
    let id = world.agent().await;
    let published = world.publish(&id, "one").await;
    let again = world.deploy(&id, 1).await.unwrap();
    assert!(!again.is_new);
    assert_eq!(again.revision, published.revision);
}

pub(crate) async fn publishing_the_rolled_back_text_brings_it_back(world: World) {
    let id = world.agent().await;
    world.publish(&id, "one").await;
    world.publish(&id, "two").await;
    world.deploy(&id, 1).await.unwrap();
    let changed = world.publish(&id, "two").await;
    assert!(changed.is_new);
    assert_eq!(changed.persona, Some(PersonaVersion(2)));
    assert_eq!(numbers(&world, &id).await, (Some(2), Some(2), None));
}

pub(crate) async fn an_unknown_version_is_not_deployed(world: World) {
    let id = world.agent().await;
    world.publish(&id, "one").await;
    for unknown in [0, 2, u32::MAX] {
        let error = world.deploy(&id, unknown).await.unwrap_err();
        assert!(matches!(error, StoreError::VersionNotFound { .. }), "{error}");
        let error = world.store.persona(&world.scope, &id, PersonaVersion(unknown)).await.unwrap_err();
        assert!(matches!(error, StoreError::VersionNotFound { .. }), "{error}");
    }
}

pub(crate) async fn versions_are_listed_newest_first_in_pages(world: World) {
    let id = world.agent().await;
    for number in 1..=5 {
        world.publish(&id, &format!("published {number}")).await;
        world.draft(&id, &format!("draft {number}")).await;
    }
    world.deploy(&id, 3).await.unwrap();
    let list = |status, before: Option<u32>, limit| {
        let filter = PersonaFilter { status, before: before.map(PersonaVersion), limit };
        let (store, scope, id) = (&world.store, &world.scope, &id);
        async move {
            let summaries = store.persona_summaries(scope, id, filter).await.unwrap();
            summaries.iter().map(|summary| summary.version.0).collect::<Vec<_>>()
        }
    };
    assert_eq!(list(None, None, 100).await, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(list(None, Some(8), 3).await, [7, 6, 5]);
    assert_eq!(list(Some(PersonaStatus::Published), None, 100).await, [9, 7, 5, 3, 1]);
    assert_eq!(list(Some(PersonaStatus::Draft), Some(6), 1).await, [4]);
    assert_eq!(list(None, Some(1), 3).await, [0; 0]);

    let agent = world.store.agent(&world.scope, &id).await.unwrap();
    let filter = PersonaFilter { status: None, before: None, limit: 100 };
    let personas = world.store.personas(&agent, filter).await.unwrap();
    let current: Vec<_> = personas.iter().filter(|persona| persona.summary.is_current).collect();
    assert_eq!(current.len(), 1);
    assert_eq!(current[0].persona, json!("published 2"));
}

pub(crate) async fn a_clock_that_is_set_back_does_not_reorder_versions(world: World) {
    let id = world.agent().await;
    let mut times = Vec::new();
    for time in [START, START, START - 1_000_000, START + 10, START + 10] {
        world.set_clock(time);
        world.publish(&id, &format!("text {}", times.len())).await;
        times.push(world.state(&id).await.published.unwrap().summary.created.at);
    }
    assert!(times.is_sorted_by(|left, right| left < right), "{times:?}");
}

pub(crate) async fn a_difference_outside_the_canonical_form_is_kept(world: World) {
    let id = world.agent().await;
    world.publish(&id, "text").await;
    let changed = world.publish(&id, "text\n").await;
    assert!(changed.is_new);
    assert_eq!(world.state(&id).await.published.unwrap().persona, json!("text\n"));
}

pub(crate) async fn a_draft_that_is_newer_than_what_is_published_is_found(world: World) {
    let (id, other) = (world.agent().await, world.agent().await);
    world.publish(&other, "one").await;
    assert_eq!(world.store.newer_drafts(&world.scope).await.unwrap(), []);
    world.draft(&id, "zero").await;
    world.set_clock(START + 5000);
    world.change(&id, None, &name("Another name")).await.unwrap();
    let drafts = world.store.newer_drafts(&world.scope).await.unwrap();
    let [draft] = &drafts[..] else { panic!("{drafts:?}") };
    assert_eq!((&draft.agent_id, draft.version, draft.created.at), (&id, PersonaVersion(1), START));
    assert_eq!(world.store.newer_drafts(&keepstep_store::Scope::organization("org_other")).await.unwrap(), []);
    world.publish(&id, "one").await;
    assert_eq!(world.store.newer_drafts(&world.scope).await.unwrap(), []);
}

pub(crate) async fn texts_of_several_agents_are_read_at_once(world: World) {
    let (id, other) = (world.agent().await, world.agent().await);
    for text in ["one", "two", "one\n"] {
        world.publish(&id, text).await;
    }
    world.publish(&other, "zwölf").await;
    let digest = |text: &str| digest(keepstep_agent::Field::PERSONA, Some(&json!(text))).unwrap();
    let wanted = [(id.clone(), digest("one")), (id.clone(), digest("nothing")), (other.clone(), digest("two"))];
    let found = world.store.versions_saying(&world.scope, &wanted).await.unwrap();
    assert_eq!(found, [(id.clone(), digest("one"), PersonaVersion(3))], "the newest that says it, of this agent");

    let wanted = [
        (id.clone(), PersonaVersion(2)),
        (id.clone(), PersonaVersion(9)),
        (other.clone(), PersonaVersion(1)),
        (id.clone(), PersonaVersion(3)),
    ];
    let mut sizes = world.store.persona_sizes(&world.scope, &wanted).await.unwrap();
    sizes.sort_by_key(|(_, version, _)| *version);
    let of = |agent: &keepstep_base::AgentId, version: u32, bytes: u64| (agent.clone(), PersonaVersion(version), bytes);
    assert_eq!(sizes, [of(&other, 1, 8), of(&id, 2, 5), of(&id, 3, 7)], "as JSON");
    let mut texts = world.store.persona_texts(&world.scope, &wanted).await.unwrap();
    texts.sort_by_key(|(_, version, _)| *version);
    let texts: Vec<_> = texts.into_iter().map(|(agent, _, text)| (agent, text)).collect();
    assert_eq!(texts, [(other.clone(), json!("zwölf")), (id.clone(), json!("two")), (id.clone(), json!("one\n"))]);

    let elsewhere = keepstep_store::Scope::organization("org_other");
    assert_eq!(world.store.versions_saying(&elsewhere, &[(id.clone(), digest("one"))]).await.unwrap(), []);
    assert_eq!(world.store.persona_sizes(&elsewhere, &wanted).await.unwrap(), []);
    assert_eq!(world.store.persona_texts(&elsewhere, &wanted).await.unwrap(), []);
    assert_eq!(world.store.persona_texts(&world.scope, &[]).await.unwrap(), []);
}
