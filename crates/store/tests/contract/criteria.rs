//! The draft of a scenario's criteria, and personas that are changed in a form.

use keepstep_store::test_data::{Bundle, DraftPack, DraftRelease, InputState, TestDataError, TestDataFile, TestPersona};
use keepstep_store::{Result, Scope, StoreError, Transaction};
use serde_json::{Map, Value, json};

use crate::world::World;

async fn import(world: &World, project: &str, criteria: Value) -> Bundle {
    let file = json!({
        "scenario": {"name": "orders"},
        "personas": [{"name": "novice", "goals": ["x"]}, {"name": "expert"}],
        "inputs": [{"id": "q", "text": "One", "persona": "novice"}],
        "criteria": criteria,
    });
    let file: TestDataFile = serde_json::from_value(file).unwrap();
    write(world, async |t| t.import(&world.scope, project, &file).await).await.unwrap()
}

async fn project(world: &World) -> String {
    write(world, async |t| t.create_project(&world.scope.org_id, "shop").await).await.unwrap().id
}

/// Writes, and commits if that succeeded.
async fn write<T>(world: &World, work: impl AsyncFnOnce(&mut Transaction) -> Result<T>) -> Result<T> {
    let mut transaction = world.store.write().await?;
    let done = work(&mut transaction).await?;
    transaction.commit().await?;
    Ok(done)
}

fn pack(name: &str, items: Value) -> Map<String, Value> {
    json!({"name": name, "items": items}).as_object().unwrap().clone()
}

async fn packs(world: &World, scenario: &str) -> Vec<DraftPack> {
    world.store.draft_packs(&world.scope, scenario).await.unwrap()
}

/// Returns the names of packs with a mark for what the draft does to them.
fn marked(packs: &[DraftPack]) -> Vec<String> {
    let mark = |pack: &DraftPack| match pack.state {
        InputState::Published => "",
        InputState::New => "+",
        InputState::Changed => "~",
        InputState::Deleted => "-",
    };
    packs.iter().map(|pack| format!("{}{}", mark(pack), pack.name())).collect()
}

/// Returns the criteria of the version that was published last: names, versions and items.
async fn published(world: &World, bundle: &Bundle) -> Value {
    let content = world.store.bundle_content(&world.scope, &bundle.id).await.unwrap();
    let criteria: Vec<Value> = serde_json::from_str(&content.criteria).unwrap();
    criteria.iter().map(|pack| json!([pack["name"], pack["version"], pack["items"]])).collect()
}

pub(crate) async fn criteria_are_edited_in_a_draft_and_published_with_it(world: World) {
    let (store, scope) = (&world.store, &world.scope);
    let shop = project(&world).await;
    let first = import(
        &world,
        &shop,
        json!([
            {"name": "Tone", "items": ["Be polite"], "owner": "Ada"}, {"name": "Facts", "items": ["Be true"]},
            {"name": "Old", "items": ["x"]},
        ]),
    )
    .await;
    let scenario = first.scenario_id.as_str();
    let [tone, facts, old] = packs(&world, scenario).await.try_into().unwrap();
    assert_eq!(tone.document, *json!({"name": "Tone", "items": ["Be polite"], "owner": "Ada"}).as_object().unwrap());
    let before = store.draft_bundle(scope, scenario).await.unwrap();

    let mut changed = tone.document.clone();
    changed.insert("items".to_owned(), json!(["Be very polite", {"contains": "\0\u{1a}ä"}]));
    let edited =
        write(&world, async |t| t.change_pack(scope, scenario, &tone.id, Some(&tone.digest()), &changed, "Ada").await).await;
    let edited = edited.unwrap();
    assert_eq!((edited.state, &edited.document, edited.is_overtaken), (InputState::Changed, &changed, false));
    assert_eq!(edited.edited.as_ref().unwrap().0, "Ada");
    // Whoever has seen the old one changes and deletes nothing.
    let stale =
        write(&world, async |t| t.change_pack(scope, scenario, &tone.id, Some(&tone.digest()), &changed, "Eve").await).await;
    assert!(matches!(stale, Err(StoreError::CriteriaChanged)), "{stale:?}");
    let stale = write(&world, async |t| t.delete_pack(scope, scenario, &tone.id, Some(&tone.digest()), "Eve").await).await;
    assert!(matches!(stale, Err(StoreError::CriteriaChanged)), "{stale:?}");
    for (name, wrong) in [("Facts", true), (" ", true), ("Tone", false)] {
        let named = write(&world, async |t| t.change_pack(scope, scenario, &tone.id, None, &pack(name, json!([])), "Ada").await);
        assert_eq!(named.await.is_err(), wrong, "{name}");
    }
    write(&world, async |t| t.change_pack(scope, scenario, &tone.id, None, &changed, "Ada").await).await.unwrap();
    write(&world, async |t| t.delete_pack(scope, scenario, &old.id, None, "Ada").await).await.unwrap();
    let new = write(&world, async |t| t.add_pack(scope, scenario, &pack(" Old ", json!(["y"])), "Ada").await).await.unwrap();
    assert_eq!((new.state, new.name()), (InputState::New, "Old"));
    assert_eq!(marked(&packs(&world, scenario).await), ["~Tone", "Facts", "-Old", "+Old"]);
    // Nothing of it is published, and the draft that is to be is another one.
    assert_eq!(published(&world, &first).await.as_array().unwrap().len(), 3);
    let draft = store.draft_bundle(scope, scenario).await.unwrap();
    assert_ne!(draft.digest, before.digest);

    // Two swap their names, which no order of single changes could do.
    let swap = [(&tone.id, "Facts"), (&facts.id, "Tone")];
    write(&world, async |t| {
        t.change_pack(scope, scenario, swap[0].0, None, &pack("between", json!(["a"])), "Ada").await?;
        t.change_pack(scope, scenario, swap[1].0, None, &pack(swap[1].1, json!(["b"])), "Ada").await?;
        t.change_pack(scope, scenario, swap[0].0, None, &pack(swap[0].1, json!(["a"])), "Ada").await
    })
    .await
    .unwrap();
    let draft = store.draft_bundle(scope, scenario).await.unwrap();
    let release = DraftRelease { message: "why", seen: Some(&draft.digest) };
    let second = write(&world, async |t| t.publish_draft(scope, scenario, release).await).await.unwrap();
    assert_eq!(second.generation, Some(2));
    assert_eq!(published(&world, &second).await, json!([["Facts", 2, ["a"]], ["Tone", 2, ["b"]], ["Old", 1, ["y"]]]));
    assert_eq!(draft.content.criteria, store.bundle_content(scope, &second.id).await.unwrap().criteria);
    let now = packs(&world, scenario).await;
    assert_eq!((marked(&now), now[0].id.as_str()), (vec!["Facts".into(), "Tone".into(), "Old".into()], tone.id.as_str()));
    // A draft that changes nothing makes no version.
    let release = DraftRelease { message: "", seen: None };
    assert_eq!(write(&world, async |t| t.publish_draft(scope, scenario, release).await).await.unwrap().id, second.id);
    let other = Scope::organization("org_x".to_owned());
    assert!(matches!(store.draft_packs(&other, scenario).await, Err(StoreError::ScenarioNotFound(_))));
    assert!(matches!(store.draft_pack(scope, scenario, "criterion_x").await, Err(StoreError::CriteriaNotFound(_))));
}

pub(crate) async fn an_import_neither_loses_nor_publishes_edited_criteria(world: World) {
    let (store, scope) = (&world.store, &world.scope);
    let shop = project(&world).await;
    let tone = |items: Value| json!([{"name": "Tone", "items": items}]);
    let bundle = import(&world, &shop, tone(json!(["a"]))).await;
    let scenario = bundle.scenario_id.as_str();
    let id = packs(&world, scenario).await[0].id.clone();
    let edit = async |items: Value| {
        write(&world, async |t| t.change_pack(scope, scenario, &id, None, &pack("Tone", items), "Ada").await).await.unwrap()
    };
    edit(json!(["edited"])).await;
    let imported = import(&world, &shop, tone(json!(["imported"]))).await;
    assert_eq!(published(&world, &imported).await, json!([["Tone", 2, ["imported"]]]));
    let now = packs(&world, scenario).await.remove(0);
    assert_eq!((now.state, now.is_overtaken, now.document["items"].clone()), (InputState::Changed, true, json!(["edited"])));
    // What somebody else publishes as it is edited is no edit any more.
    edit(json!(["same"])).await;
    import(&world, &shop, tone(json!(["same"]))).await;
    let now = packs(&world, scenario).await.remove(0);
    assert_eq!((now.state, now.edited), (InputState::Published, None));
    // Of a pack that is gone the edit stays, and its name may be taken meanwhile.
    edit(json!(["kept"])).await;
    import(&world, &shop, json!([])).await;
    assert_eq!(marked(&packs(&world, scenario).await), ["+Tone"]);
    import(&world, &shop, tone(json!(["b"]))).await;
    assert_eq!(marked(&packs(&world, scenario).await), ["Tone", "+Tone"]);
    let release = DraftRelease { message: "", seen: None };
    let twice = write(&world, async |t| t.publish_draft(scope, scenario, release).await).await;
    assert!(matches!(&twice, Err(StoreError::TestData(TestDataError::Twice { .. }))), "{twice:?}");
    write(&world, async |t| t.revert_pack(scope, scenario, &id, None).await).await.unwrap();
    write(&world, async |t| t.delete_pack(scope, scenario, &id, None, "Ada").await).await.unwrap();
    assert_eq!(marked(&packs(&world, scenario).await), ["Tone"]);
    let newest = store.newest_bundle(scope, &shop, Some(scenario)).await.unwrap();
    assert_eq!(write(&world, async |t| t.publish_draft(scope, scenario, release).await).await.unwrap().id, newest.id);
}

pub(crate) async fn a_persona_for_tests_is_changed_as_it_was_seen(world: World) {
    let (store, scope) = (&world.store, &world.scope);
    let shop = project(&world).await;
    let bundle = import(&world, &shop, json!([])).await;
    let novice = store.test_personas(scope, &shop).await.unwrap().into_iter().find(|known| known.name == "novice").unwrap();
    let changed = TestPersona {
        name: "beginner".to_owned(),
        body: json!({"goals": ["x"], "description": "new"}).as_object().unwrap().clone(),
        ..novice.clone()
    };
    let seen = novice.digest();
    let saved = write(&world, async |t| t.change_test_persona(scope, &shop, &changed, Some(&seen)).await).await.unwrap();
    assert_eq!(saved, changed);
    assert_eq!(store.test_persona(scope, &shop, &novice.id).await.unwrap(), changed);
    let stale = write(&world, async |t| t.change_test_persona(scope, &shop, &novice, Some(&seen)).await).await;
    assert!(matches!(stale, Err(StoreError::TestPersonaChanged)), "{stale:?}");
    let taken = TestPersona { name: "expert".to_owned(), ..novice.clone() };
    let taken = write(&world, async |t| t.change_test_persona(scope, &shop, &taken, None).await).await;
    assert!(matches!(taken, Err(StoreError::NameTaken { .. })), "{taken:?}");
    let taken = write(&world, async |t| t.add_test_persona(scope, &shop, " expert", &Map::new()).await).await;
    assert!(matches!(taken, Err(StoreError::NameTaken { .. })), "{taken:?}");
    let gone = TestPersona { id: "persona_x".to_owned(), ..novice };
    let gone = write(&world, async |t| t.change_test_persona(scope, &shop, &gone, None).await).await;
    assert!(matches!(gone, Err(StoreError::TestPersonaNotFound(_))), "{gone:?}");
    // What is published keeps what it has, and the next version takes the new one.
    let content = store.bundle_content(scope, &bundle.id).await.unwrap();
    assert!(content.personas.contains("novice") && !content.personas.contains("beginner"), "{}", content.personas);
    let draft = store.draft_bundle(scope, &bundle.scenario_id).await.unwrap();
    assert!(draft.content.personas.contains("beginner"), "{}", draft.content.personas);
    let other = Scope::organization("org_x".to_owned());
    assert!(matches!(store.test_persona(&other, &shop, &changed.id).await, Err(StoreError::ProjectNotFound(_))));
}

pub(crate) async fn a_deleted_persona_is_kept_by_what_names_it(world: World) {
    let (store, scope) = (&world.store, &world.scope);
    let shop = project(&world).await;
    let bundle = import(&world, &shop, json!([])).await;
    let persona =
        async |name: &str| store.test_personas(scope, &shop).await.unwrap().into_iter().find(|known| known.name == name);
    let novice = persona("novice").await.unwrap();
    let delete = async |seen: &TestPersona| {
        let seen = seen.digest();
        write(&world, async |t| t.delete_test_persona(scope, &shop, &novice.id, Some(&seen), "Ada").await).await
    };
    let stale = delete(&TestPersona { name: "x".to_owned(), ..novice.clone() }).await;
    assert!(matches!(stale, Err(StoreError::TestPersonaChanged)), "{stale:?}");
    assert_eq!(delete(&novice).await.unwrap(), novice);
    let again = delete(&novice).await;
    assert!(matches!(again, Err(StoreError::TestPersonaNotFound(_))), "{again:?}");
    assert!(matches!(store.test_persona(scope, &shop, &novice.id).await, Err(StoreError::TestPersonaNotFound(_))));
    // Its name and its words are still known to what names it: the next version has it.
    let hidden = persona("novice").await.unwrap();
    assert_eq!((hidden.id.as_str(), hidden.is_deleted, &hidden.body), (novice.id.as_str(), true, &novice.body));
    let listed = store.deleted_test_personas(scope, &shop).await.unwrap();
    assert_eq!(listed.iter().map(|one| (one.name.as_str(), one.by.as_str())).collect::<Vec<_>>(), [("novice", "Ada")]);
    let draft = store.draft_bundle(scope, &bundle.scenario_id).await.unwrap();
    assert!(draft.content.personas.contains("\"novice\""), "{}", draft.content.personas);
    // Its name is free meanwhile, and then it cannot come back under it.
    let other = TestPersona { name: "novice".to_owned(), ..persona("expert").await.unwrap() };
    write(&world, async |t| t.change_test_persona(scope, &shop, &other, None).await).await.unwrap();
    let taken = write(&world, async |t| t.restore_test_persona(scope, &shop, &novice.id).await).await;
    assert!(matches!(taken, Err(StoreError::NameTaken { .. })), "{taken:?}");
    assert_eq!(persona("novice").await.unwrap().id, other.id);
    let other = TestPersona { name: "expert".to_owned(), ..other };
    write(&world, async |t| t.change_test_persona(scope, &shop, &other, None).await).await.unwrap();
    assert_eq!(write(&world, async |t| t.restore_test_persona(scope, &shop, &novice.id).await).await.unwrap(), novice);
    assert_eq!(persona("novice").await.unwrap(), novice);
    // A file that has it brings it back, as the same persona.
    delete(&novice).await.unwrap();
    import(&world, &shop, json!([])).await;
    let back = persona("novice").await.unwrap();
    assert_eq!((back.id.as_str(), back.is_deleted), (novice.id.as_str(), false));
    let nothing = write(&world, async |t| t.restore_test_persona(scope, &shop, &novice.id).await).await;
    assert!(matches!(nothing, Err(StoreError::TestPersonaNotFound(_))), "{nothing:?}");
}
