//! Agents and their fields.

use keepstep_agent::Field;
use keepstep_base::Revision;
use keepstep_store::{Intent, NewAgent, Patch, PersonaStatus, Scope, StoreError};
use serde_json::{Map, json};

use crate::world::{START, World, name, others, persona};

pub(crate) async fn a_new_agent_is_at_revision_one(world: World) {
    let id = world.agent().await;
    assert!(id.as_str().starts_with("base"), "{id}");
    assert_eq!(id.as_str().matches('_').count(), 1, "{id}");
    let state = world.state(&id).await;
    assert_eq!(state.agent.revision, Revision(1));
    assert_eq!(state.agent.changed.author.as_deref(), Some("ada"));
    assert_eq!(state.agent.changed.at, START);
    assert_eq!(serde_json::to_value(state.definition()).unwrap(), json!({"name": "Shop"}));
}

pub(crate) async fn every_change_makes_the_next_revision(world: World) {
    let id = world.agent().await;
    for (revision, patch) in [
        (2, name("Store")),
        (3, Patch::of(Field::MODEL, json!("m"))),
        (4, others(json!({"governance": {"mode": "sdk"}}))),
        (5, others(json!({"voices": []}))),
        (6, persona("one", PersonaStatus::Published)),
        (7, persona("two", PersonaStatus::Draft)),
    ] {
        let changed = world.change(&id, Some(revision - 1), &patch).await.unwrap();
        assert!(changed.is_new);
        assert_eq!(changed.revision, Revision(revision));
        assert_eq!(world.state(&id).await.agent.revision, Revision(revision));
    }
}

pub(crate) async fn a_write_of_the_same_values_changes_nothing(world: World) {
    let id = world.agent().await;
    let with = |governance: serde_json::Value| {
        others(json!({"name": "N", "model": "m", "governance": governance, "voices": [1], "gone": null}))
    };
    let patch = with(json!({"mode": "sdk", "rules": {"a": 1, "b": 2}}));
    assert!(world.change(&id, None, &patch).await.unwrap().is_new);
    let reordered = with(json!({"rules": {"b": 2, "a": 1}, "mode": "sdk"}));
    let again = world.change(&id, None, &reordered).await.unwrap();
    assert!(!again.is_new);
    assert_eq!(again.revision, Revision(2));

    for (status, version) in [(PersonaStatus::Published, 1), (PersonaStatus::Draft, 1)] {
        let patch = persona("text", status);
        world.change(&id, None, &patch).await.unwrap();
        let again = world.change(&id, None, &patch).await.unwrap();
        assert!(!again.is_new);
        assert_eq!(again.persona.unwrap().0, version);
    }
    assert_eq!(world.state(&id).await.agent.revision, Revision(3));
}

pub(crate) async fn a_stale_write_is_told_the_current_revision(world: World) {
    let id = world.agent().await;
    world.change(&id, None, &name("B")).await.unwrap();
    let error = world.change(&id, Some(1), &name("C")).await.unwrap_err();
    assert!(matches!(error, StoreError::Stale { current: Revision(2) }), "{error}");
    assert_eq!(world.state(&id).await.agent.name(), Some("B"));
}

pub(crate) async fn of_two_writers_with_the_same_revision_one_wins(world: World) {
    let id = world.agent().await;
    for round in 1..20 {
        let (left, right) = (name(&format!("left {round}")), name(&format!("right {round}")));
        let (left, right) = tokio::join!(world.change(&id, Some(round), &left), world.change(&id, Some(round), &right));
        let (won, lost) = if left.is_ok() { (left, right) } else { (right, left) };
        assert_eq!(won.unwrap().revision, Revision(round + 1));
        assert!(matches!(lost, Err(StoreError::Stale { current }) if current == Revision(round + 1)));
    }
}

pub(crate) async fn concurrent_writers_without_a_revision_all_succeed(world: World) {
    let id = world.agent().await;
    let world = std::sync::Arc::new(world);
    let writers: Vec<_> = (0..20)
        .map(|number| {
            let (world, id) = (std::sync::Arc::clone(&world), id.clone());
            tokio::spawn(async move { world.publish(&id, &format!("text {number}")).await })
        })
        .collect();
    let mut versions = Vec::new();
    for writer in writers {
        versions.push(writer.await.unwrap().persona.unwrap().0);
    }
    versions.sort_unstable();
    assert_eq!(versions, (1..=20).collect::<Vec<_>>());
    assert_eq!(world.state(&id).await.agent.revision, Revision(21));
}

pub(crate) async fn other_fields_come_back_untouched(world: World) {
    let id = world.agent().await;
    let sent = json!({"modelSettings": {"z": 1.0, "a": [null, true, "\u{0}\\"], "n": 9_007_199_254_740_993_i64}, "e": ""});
    world.change(&id, None, &others(sent.clone())).await.unwrap();
    let others_of = |mut fields: Map<String, serde_json::Value>| {
        fields.shift_remove("name");
        serde_json::Value::Object(fields)
    };
    assert_eq!(others_of(world.state(&id).await.agent.fields).to_string(), sent.to_string());
    world.change(&id, None, &others(json!({"modelSettings": null, "unknown": null}))).await.unwrap();
    assert_eq!(others_of(world.state(&id).await.agent.fields), json!({"e": ""}));
}

/// A revision is the base of a merge, so it has every field as it was then, whichever changed last.
pub(crate) async fn a_revision_has_all_fields_as_they_were(world: World) {
    let id = world.agent().await;
    for fields in [
        json!({"modelSettings": {"topK": 3}, "batchingConfig": {"maxBatchMessages": 2}}),
        json!({"model": "m"}),
        json!({"batchingConfig": null, "description": "d"}),
        json!({"name": "Store"}),
    ] {
        world.change(&id, None, &others(fields)).await.unwrap();
    }
    let (settings, batching) = (json!({"topK": 3}), json!({"maxBatchMessages": 2}));
    for (revision, definition) in [
        (1, json!({"name": "Shop"})),
        (2, json!({"name": "Shop", "modelSettings": settings, "batching": batching})),
        (3, json!({"name": "Shop", "model": "m", "modelSettings": settings, "batching": batching})),
        (4, json!({"name": "Shop", "model": "m", "description": "d", "modelSettings": settings})),
        (5, json!({"name": "Store", "model": "m", "description": "d", "modelSettings": settings})),
    ] {
        let found = world.store.revision(&world.scope, &id, Revision(revision)).await.unwrap();
        assert_eq!(serde_json::to_value(found.definition).unwrap(), definition, "revision {revision}");
    }
}

pub(crate) async fn a_cleared_field_is_not_set(world: World) {
    let id = world.agent().await;
    let set = others(json!({"model": "m", "governance": {"mode": "sdk"}, "modelSettings": {"topK": 3}}));
    world.change(&id, None, &set).await.unwrap();
    let cleared = others(json!({"model": null, "governance": null, "modelSettings": null}));
    world.change(&id, None, &cleared).await.unwrap();
    let definition = world.state(&id).await.definition();
    assert_eq!(serde_json::to_value(definition).unwrap(), json!({"name": "Shop"}));
}

pub(crate) async fn a_dropped_transaction_never_happened(world: World) {
    let id = world.agent().await;
    let mut transaction = world.store.write().await.unwrap();
    let intent = Intent { scope: &world.scope, agent: &id, author: None, message: None, expected: None };
    transaction.change(&intent, &persona("lost", PersonaStatus::Published)).await.unwrap();
    transaction.change(&intent, &name("lost")).await.unwrap();
    drop(transaction);
    let state = world.state(&id).await;
    assert_eq!(state.agent.revision, Revision(1));
    assert_eq!(state.published, None);
    // The place for writers is free again.
    assert_eq!(world.publish(&id, "kept").await.persona.unwrap().0, 1);
}

pub(crate) async fn what_is_outside_the_scope_is_not_there(world: World) {
    let id = world.agent().await;
    let mut transaction = world.store.write().await.unwrap();
    let other = transaction.ensure_organization(Some("Other")).await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, "p").await.unwrap();
    let inside = Scope::of(&world.scope.org_id, Some(project.id));
    let new = NewAgent { scope: &inside, name: "Inside", author: None };
    let mine = transaction.create_agent(new).await.unwrap().agent.id;
    transaction.commit().await.unwrap();

    for scope in [Scope::organization(other.id), inside.clone()] {
        let error = world.store.agent_state(&scope, &id).await.unwrap_err();
        assert!(matches!(&error, StoreError::AgentNotFound(missing) if *missing == id), "{error}");
        let mut transaction = world.store.write().await.unwrap();
        let intent = Intent { scope: &scope, agent: &id, author: None, message: None, expected: None };
        let error = transaction.change(&intent, &name("taken")).await.unwrap_err();
        assert!(matches!(error, StoreError::AgentNotFound(_)), "{error}");
        assert!(world.store.agents(&scope).await.unwrap().iter().all(|agent| agent.id != id));
        assert!(matches!(world.store.revision(&scope, &id, Revision(1)).await, Err(StoreError::AgentNotFound(_))));
        assert!(matches!(world.store.primitives(&scope, &id, "skill").await, Err(StoreError::AgentNotFound(_))));
    }
    assert_eq!(world.store.agent(&inside, &mine).await.unwrap().name(), Some("Inside"));
    assert_eq!(world.store.agents(&world.scope).await.unwrap().len(), 2);
}

pub(crate) async fn a_scope_of_some_projects_has_what_is_in_them(world: World) {
    let outside = world.agent().await;
    let mut transaction = world.store.write().await.unwrap();
    let (mut projects, mut agents) = (Vec::new(), Vec::new());
    for name in ["a", "b", "c"] {
        let project = transaction.create_project(&world.scope.org_id, name).await.unwrap().id;
        let scope = Scope::some_projects(&world.scope.org_id, [project.clone()]);
        let new = NewAgent { scope: &scope, name, author: None };
        agents.push(transaction.create_agent(new).await.unwrap().agent.id);
        projects.push(project);
    }
    transaction.commit().await.unwrap();
    let org = &world.scope.org_id;
    for seen in [vec![], vec![1], vec![0, 2], vec![2, 1, 0]] {
        let scope = Scope::some_projects(org, seen.iter().map(|index: &usize| projects[*index].clone()));
        let listed = world.store.agents(&scope).await.unwrap();
        let names: Vec<_> = listed.iter().map(|agent| agent.name().unwrap().to_owned()).collect();
        let mut expected: Vec<_> = seen.iter().map(|index| ["a", "b", "c"][*index].to_owned()).collect();
        expected.sort();
        assert_eq!(names, expected);
        for (index, agent) in agents.iter().enumerate() {
            assert_eq!(world.store.agent(&scope, agent).await.is_ok(), seen.contains(&index));
            assert_eq!(world.store.project(&scope, &projects[index]).await.is_ok(), seen.contains(&index));
            let base = agent.base_and_rest().0;
            assert_eq!(world.store.has_agent_of_base(&scope, base).await.unwrap(), seen.contains(&index));
        }
        assert!(world.store.agent(&scope, &outside).await.is_err());
        assert_eq!(world.store.projects_in(&scope).await.unwrap().len(), seen.len());
    }
}

pub(crate) async fn a_revision_tells_what_the_agent_was(world: World) {
    let id = world.agent().await;
    world.publish(&id, "one").await;
    world.change(&id, None, &name("Store")).await.unwrap();
    world.publish(&id, "two").await;
    world.deploy(&id, 1).await.unwrap();
    let definitions = [
        (1, json!({"name": "Shop"})),
        (2, json!({"name": "Shop", "persona": "one"})),
        (3, json!({"name": "Store", "persona": "one"})),
        (4, json!({"name": "Store", "persona": "two"})),
        (5, json!({"name": "Store", "persona": "two"})),
    ];
    for (revision, definition) in definitions {
        let row = world.store.revision(&world.scope, &id, Revision(revision)).await.unwrap();
        assert_eq!(serde_json::to_value(row.definition).unwrap(), definition);
        assert_eq!(row.changed.message.as_deref(), (revision > 1).then_some("because"));
    }
    for unknown in [0, 6, u64::MAX] {
        let error = world.store.revision(&world.scope, &id, Revision(unknown)).await.unwrap_err();
        assert!(matches!(error, StoreError::RevisionNotFound { .. }), "{error}");
    }
}

pub(crate) async fn changes_come_in_their_order(world: World) {
    let before = world.store.newest_change().await.unwrap();
    let (one, two) = (world.agent().await, world.agent().await);
    world.publish(&one, "x").await;
    world.publish(&two, "y").await;
    let changes = world.store.changes_after(before, 100).await.unwrap();
    let seen: Vec<_> = changes.iter().map(|change| (&change.agent_id, change.revision.0)).collect();
    assert_eq!(seen, [(&one, 1), (&two, 1), (&one, 2), (&two, 2)]);
    assert!(changes.iter().all(|change| change.scope == world.scope));
    let last = changes.last().unwrap().sequence;
    assert_eq!(world.store.newest_change().await.unwrap(), last);
    assert_eq!(world.store.changes_after(last, 100).await.unwrap(), []);
}

pub(crate) async fn the_generation_changes_with_every_commit_only(world: World) {
    let id = world.agent().await;
    let first = world.store.generation().await.unwrap();
    world.state(&id).await;
    assert_eq!(world.store.generation().await.unwrap(), first);
    drop(world.store.write().await.unwrap());
    assert_eq!(world.store.generation().await.unwrap(), first);
    let mut lost = world.store.write().await.unwrap();
    lost.set_setting("a", "lost").await.unwrap();
    drop(lost);
    // Neither does a commit without a change.
    world.store.write().await.unwrap().commit().await.unwrap();
    world.change(&id, None, &name("Shop")).await.unwrap();
    assert_eq!(world.store.generation().await.unwrap(), first);
    world.publish(&id, "x").await;
    let second = world.store.generation().await.unwrap();
    assert_ne!(second, first);
    let (left, right) = tokio::join!(world.store.generation(), world.store.generation());
    assert_eq!((left.unwrap(), right.unwrap()), (second, second));
}

pub(crate) async fn primitives_are_found_by_their_name(world: World) {
    let id = world.agent().await;
    let body = |text: &str| Map::from_iter([("description".to_owned(), json!(text))]);
    let mut transaction = world.store.write().await.unwrap();
    let first = transaction.put_primitive(&world.scope, &id, "skill", "s", body("one")).await.unwrap();
    let again = transaction.put_primitive(&world.scope, &id, "skill", "s", body("two")).await.unwrap();
    transaction.put_primitive(&world.scope, &id, "job", "s", body("job")).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(first.id, again.id);
    let skills = world.store.primitives(&world.scope, &id, "skill").await.unwrap();
    assert_eq!(skills, [again]);
}

pub(crate) async fn any_text_comes_back_as_it_went_in(world: World) {
    let id = world.agent().await;
    for text in ["a\0b", "\r\n\r", "`${x}` \\ \\\\", "\u{feff}e\u{301}\u{1f600}", "'; DROP TABLE agents; --", " \t a "] {
        world.publish(&id, text).await;
        world.change(&id, None, &name(text)).await.unwrap();
        let state = world.state(&id).await;
        assert_eq!(state.published.unwrap().persona, json!(text));
        assert_eq!(state.agent.name(), Some(text));
    }
}
