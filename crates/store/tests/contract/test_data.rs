//! Test data: scenarios, bundles, importing a file.

use keepstep_results::gate::Gate;
use keepstep_store::test_data::{
    Bundle, BundleFilter, BundleStatus, ImportOnto, NewBundle, NewScenario, Reworded, ScenarioPatch, TestDataFile,
};
use keepstep_store::{Result, Scope, StoreError};
use serde_json::{Map, Value, json};

use crate::world::World;

const ALL: BundleFilter<'static> = BundleFilter { scenario: None, status: None, generation: None, offset: 0, limit: 100 };

fn file(value: Value) -> TestDataFile {
    serde_json::from_value(value).unwrap()
}

fn orders() -> Value {
    json!({
        "scenario": {"name": "orders", "description": "Order questions", "config": {"goal": "g"}},
        "personas": [{"name": "novice", "description": "New to the shop"}],
        "inputs": [
            {"text": "Where is my order?", "persona": "novice", "metadata": {"category": "happy"}},
            {"messages": [{"role": "user", "content": "Cancel it, please"}]},
        ],
        "criteria": [{"name": "Politeness", "items": ["Be polite"]}],
        "bundle": {"name": "smoke"},
    })
}

async fn project(world: &World, name: &str) -> String {
    let mut transaction = world.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, name).await.unwrap();
    transaction.commit().await.unwrap();
    project.id
}

async fn import(world: &World, project: &str, value: Value) -> Result<Bundle> {
    let mut transaction = world.store.write().await?;
    let bundle = transaction.import(&world.scope, project, &file(value)).await?;
    transaction.commit().await?;
    Ok(bundle)
}

async fn items(world: &World, bundle: &Bundle) -> Vec<Value> {
    let documents = world.store.input_items(&bundle.input_set_id, 0, u32::MAX).await.unwrap();
    documents.iter().map(|document| serde_json::from_str(document).unwrap()).collect()
}

pub(crate) async fn a_file_becomes_a_published_bundle(world: World) {
    let project = project(&world, "shop").await;
    let bundle = import(&world, &project, orders()).await.unwrap();
    assert_eq!((bundle.generation, bundle.input_count, bundle.persona_count), (Some(1), 2, 1));
    assert_eq!((bundle.name.as_str(), bundle.status), ("smoke", BundleStatus::Published));
    let items = items(&world, &bundle).await;
    assert_eq!(items[0]["messages"], json!([{"role": "user", "content": "Where is my order?"}]));
    assert_eq!(items[0]["metadata"], json!({"category": "happy"}));
    let content = world.store.bundle_content(&world.scope, &bundle.id).await.unwrap();
    let personas: Value = serde_json::from_str(&content.personas).unwrap();
    assert_eq!((&personas[0]["id"], &personas[0]["name"]), (&items[0]["persona_id"], &json!("novice")));
    let criteria: Value = serde_json::from_str(&content.criteria).unwrap();
    assert_eq!((&criteria[0]["version"], &criteria[0]["items"]), (&json!(1), &json!(["Be polite"])));
    let scenario: Value = serde_json::from_str(&content.scenario).unwrap();
    assert_eq!(scenario["config_snapshot"], json!({"goal": "g"}));
}

pub(crate) async fn the_same_file_is_the_same_bundle(world: World) {
    let project = project(&world, "shop").await;
    let first = import(&world, &project, orders()).await.unwrap();
    assert_eq!(import(&world, &project, orders()).await.unwrap(), first);
    let mut other = orders();
    other["inputs"][1]["messages"][0]["content"] = json!("How much is it?");
    let second = import(&world, &project, other).await.unwrap();
    assert_eq!(second.generation, Some(2));
    // What did not change keeps its id, so that a pull finds it again.
    let (before, after) = (items(&world, &first).await, items(&world, &second).await);
    assert_eq!(before[0], after[0]);
    assert_ne!(before[1]["id"], after[1]["id"]);
    // Going back is a new version with the old inputs.
    let third = import(&world, &project, orders()).await.unwrap();
    assert_eq!((third.generation, &third.input_set_id), (Some(3), &first.input_set_id));
    assert_eq!(world.store.newest_bundle(&world.scope, &project, None).await.unwrap(), third);
    assert_eq!(world.store.bundles(&world.scope, &project, ALL).await.unwrap(), [third, second, first]);
}

pub(crate) async fn a_reworded_input_stays_the_same_one(world: World) {
    let project = project(&world, "shop").await;
    let first = import(&world, &project, orders()).await.unwrap();
    let before = items(&world, &first).await;
    let mut other = orders();
    other["inputs"][1]["messages"][0]["content"] = json!("Cancel it now, please");
    other["inputs"].as_array_mut().unwrap().push(json!({"text": "Who are you?"}));
    let file = serde_json::from_value(other.clone()).unwrap();
    let mut transaction = world.store.write().await.unwrap();
    let imported = transaction.import_file(&world.scope, &project, &file).await.unwrap();
    transaction.commit().await.unwrap();
    let after = items(&world, &imported.bundle).await;
    assert_eq!((&before[0], &before[1]["id"]), (&after[0], &after[1]["id"]));
    assert!(before.iter().all(|item| item["id"] != after[2]["id"]));
    let id = before[1]["id"].as_str().unwrap().to_owned();
    let (before, after) = ("Cancel it, please".to_owned(), "Cancel it now, please".to_owned());
    assert_eq!(imported.reworded, [Reworded { id, before, after }]);
    // The same file again is the same version, though the ids were made of other texts.
    assert_eq!(import(&world, &project, other.clone()).await.unwrap(), imported.bundle);
    // An id that is written stays, whatever becomes of the text.
    other["inputs"][1] = json!({"id": "own", "text": "Cancel it now, please"});
    let with_id = import(&world, &project, other.clone()).await.unwrap();
    other["inputs"][1]["text"] = json!("Another question");
    let changed = import(&world, &project, other).await.unwrap();
    assert_ne!(with_id.id, changed.id);
    for bundle in [with_id, changed] {
        assert_eq!(items(&world, &bundle).await[1]["id"], "own");
    }
}

/// Personas belong to the project; what a file is made from is a version of a scenario.
pub(crate) async fn a_persona_of_another_scenario_is_not_overwritten_unseen(world: World) {
    let project = project(&world, "shop").await;
    let of = |scenario: &str, level: u32| {
        let mut file = orders();
        file["scenario"]["name"] = json!(scenario);
        file["personas"][0]["level"] = json!(level);
        file
    };
    let base = import(&world, &project, of("orders", 1)).await.unwrap();
    let onto = async |base: &Bundle, value: Value| {
        let mut transaction = world.store.write().await?;
        let onto = ImportOnto { base: Some(&base.id), message: None };
        let imported = transaction.import_onto(&world.scope, &project, &file(value), onto).await?;
        transaction.commit().await?;
        Ok::<_, StoreError>(imported.bundle)
    };
    let second = onto(&base, of("orders", 2)).await.unwrap();
    // A version of the same scenario is overtaken, and can be merged; what another scenario says cannot.
    let error = onto(&base, of("orders", 3)).await.unwrap_err();
    assert!(matches!(error, StoreError::BundleOvertaken), "{error}");
    import(&world, &project, of("returns", 4)).await.unwrap();
    for base in [&base, &second] {
        let error = onto(base, of("orders", 3)).await.unwrap_err();
        assert!(matches!(&error, StoreError::PersonaOvertaken(name) if name == "novice"), "{error}");
    }
    let level = world.store.test_personas(&world.scope, &project).await.unwrap().remove(0).body["level"].clone();
    assert_eq!(level, 4);
    // Who says the same, or says it all, publishes it.
    onto(&second, of("orders", 4)).await.unwrap();
    import(&world, &project, of("orders", 5)).await.unwrap();
}

pub(crate) async fn a_published_bundle_never_changes(world: World) {
    let project = project(&world, "shop").await;
    let first = import(&world, &project, orders()).await.unwrap();
    let content = world.store.bundle_content(&world.scope, &first.id).await.unwrap();
    let mut transaction = world.store.write().await.unwrap();
    let patch = ScenarioPatch { name: Some("renamed".to_owned()), ..ScenarioPatch::default() };
    transaction.change_scenario(&world.scope, &first.scenario_id, patch).await.unwrap();
    transaction.put_test_persona(&world.scope, &project, "novice", &Map::new()).await.unwrap();
    assert_eq!(transaction.publish_bundle(&world.scope, &first.id).await.unwrap(), first);
    transaction.commit().await.unwrap();
    assert_eq!(world.store.bundle_content(&world.scope, &first.id).await.unwrap(), content);
}

pub(crate) async fn a_draft_is_published_once(world: World) {
    let project = project(&world, "shop").await;
    let first = import(&world, &project, orders()).await.unwrap();
    let mut transaction = world.store.write().await.unwrap();
    let new = NewBundle { project: &project, scenario: None, input_set: None, name: Some("by hand") };
    let draft = transaction.create_bundle(&world.scope, new).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!((draft.status, draft.generation, draft.persona_count), (BundleStatus::Draft, None, 1));
    assert_eq!(world.store.newest_bundle(&world.scope, &project, None).await.unwrap(), first);
    let error = world.store.bundle_content(&world.scope, &draft.id).await.unwrap_err();
    assert!(matches!(error, StoreError::BundleIsDraft(_)), "{error}");
    let mut transaction = world.store.write().await.unwrap();
    let published = transaction.publish_bundle(&world.scope, &draft.id).await.unwrap();
    assert_eq!(transaction.publish_bundle(&world.scope, &draft.id).await.unwrap(), published);
    transaction.commit().await.unwrap();
    assert_eq!((published.generation, published.persona_count), (Some(2), 1));
    assert_eq!(world.store.newest_bundle(&world.scope, &project, None).await.unwrap(), published);
}

pub(crate) async fn test_data_outside_the_scope_is_not_there(world: World) {
    let (mine, other) = (project(&world, "mine").await, project(&world, "other").await);
    let bundle = import(&world, &mine, orders()).await.unwrap();
    let outside = Scope::of(&world.scope.org_id, Some(other.clone()));
    let store = &world.store;
    assert!(matches!(store.project(&outside, &mine).await, Err(StoreError::ProjectNotFound(_))));
    assert!(matches!(store.scenarios(&outside, &mine).await, Err(StoreError::ProjectNotFound(_))));
    assert!(matches!(store.scenario(&outside, &bundle.scenario_id).await, Err(StoreError::ScenarioNotFound(_))));
    assert!(matches!(store.bundle(&outside, &bundle.id).await, Err(StoreError::BundleNotFound(_))));
    assert!(matches!(store.bundle_content(&outside, &bundle.id).await, Err(StoreError::BundleNotFound(_))));
    assert!(matches!(store.input_set(&outside, &bundle.input_set_id).await, Err(StoreError::InputSetNotFound(_))));
    assert!(matches!(store.test_personas(&outside, &mine).await, Err(StoreError::ProjectNotFound(_))));
    assert_eq!(store.projects_in(&outside).await.unwrap().len(), 1);
    // Where it is one of several projects, it is.
    let both = Scope::some_projects(&world.scope.org_id, [other.clone(), mine.clone()]);
    assert_eq!(store.bundle(&both, &bundle.id).await.unwrap(), bundle);
    assert_eq!(store.scenarios(&both, &mine).await.unwrap().len(), 1);
    assert!(store.input_set(&both, &bundle.input_set_id).await.is_ok());
    let mut transaction = store.write().await.unwrap();
    let error = transaction.import(&outside, &mine, &file(orders())).await.unwrap_err();
    assert!(matches!(error, StoreError::ProjectNotFound(_)), "{error}");
    // A bundle does not mix projects either.
    let new = NewBundle { project: &other, scenario: Some(&bundle.scenario_id), input_set: None, name: None };
    let error = transaction.create_bundle(&world.scope, new).await.unwrap_err();
    assert!(matches!(error, StoreError::ScenarioNotFound(_)), "{error}");
}

pub(crate) async fn a_file_without_meaning_changes_nothing(world: World) {
    let project = project(&world, "shop").await;
    let mut shown = String::new();
    for (at, value) in [
        ("/inputs", json!([])),
        ("/inputs/0", json!({})),
        ("/inputs/0", json!({"text": "x", "messages": []})),
        ("/inputs/1/messages", json!([{"role": "assistant", "content": "x"}])),
        ("/inputs/0/text", json!("  ")),
        ("/inputs/0/persona", json!("nobody")),
        ("/inputs", json!([{"id": "a", "text": "x"}, {"id": "a", "text": "y"}])),
        ("/criteria", json!([{"name": "c"}, {"name": "c "}])),
        ("/scenario/name", json!("a\nb")),
    ] {
        let mut broken = orders();
        *broken.pointer_mut(at).unwrap() = value;
        let error = import(&world, &project, broken).await.unwrap_err();
        shown += &format!("{error}\n");
    }
    insta::assert_snapshot!(shown, @r#"
    no inputs: `inputs` needs at least one
    input 1: it has neither `text` nor `messages`
    input 1: it has both `text` and `messages`
    input 2: no message has the role `user`
    input 1: a message is empty
    input 1: persona "nobody" not found in `personas` or in the project
    two inputs are called "a"
    two criteria are called "c"
    invalid name "a\nb": it holds control characters
    "#);
    assert_eq!(world.store.scenarios(&world.scope, &project).await.unwrap(), []);
}

pub(crate) async fn many_inputs_are_read_in_pages(world: World) {
    let project = project(&world, "shop").await;
    let inputs: Vec<Value> = (0..10_000).map(|number| json!({"text": format!("Question {}", number % 9_000)})).collect();
    let bundle = import(&world, &project, json!({"scenario": {"name": "large"}, "inputs": inputs})).await.unwrap();
    assert_eq!(bundle.input_count, 10_000);
    let (mut pages, mut item_count, mut from) = (String::new(), 0, 0);
    while let next = world.store.input_pages(&bundle.input_set_id, from).await.unwrap()
        && !next.is_empty()
    {
        from += next.len() as u32;
        item_count += next.iter().map(|page| page.item_count).sum::<u32>();
        pages.extend(next.iter().map(|page| page.text().unwrap()));
        assert!(next.iter().all(|page| page.packed.len() < page.text().unwrap().len() / 4));
    }
    assert_eq!(item_count, 10_000);
    let items = world.store.input_items(&bundle.input_set_id, 0, u32::MAX).await.unwrap();
    assert_eq!(pages, items.join(","));
    let mut seen = std::collections::HashSet::new();
    for page in 0..11 {
        let items = world.store.input_items(&bundle.input_set_id, page * 1000, 1000).await.unwrap();
        assert_eq!(items.len(), if page < 10 { 1000 } else { 0 });
        let ids = items.iter().map(|item| serde_json::from_str::<Value>(item).unwrap()["id"].to_string());
        seen.extend(ids);
    }
    // Equal inputs have ids of their own.
    assert_eq!(seen.len(), 10_000);
}

pub(crate) async fn any_text_of_an_input_comes_back(world: World) {
    let project = project(&world, "shop").await;
    let texts = ["a\0b", "x\r\n\r", "\u{feff}e\u{301}\u{1f600}", "'; DROP TABLE bundles; --", "\"\\u0041\\"];
    let inputs: Vec<Value> = texts.iter().map(|text| json!({"text": text, "metadata": {"n": 1.0, "t": text}})).collect();
    let bundle = import(&world, &project, json!({"scenario": {"name": "texts"}, "inputs": inputs})).await.unwrap();
    for (text, item) in texts.iter().zip(items(&world, &bundle).await) {
        assert_eq!(item["messages"][0]["content"], json!(text));
        assert_eq!(item["metadata"].to_string(), json!({"n": 1.0, "t": text}).to_string());
    }
}

pub(crate) async fn a_scenario_has_a_name_of_its_own(world: World) {
    let project = project(&world, "shop").await;
    let config = Map::from_iter([("goal".to_owned(), json!("g"))]);
    let new = NewScenario { project: &project, name: " orders ", description: "d", config: &config };
    let mut transaction = world.store.write().await.unwrap();
    let made = transaction.create_scenario(&world.scope, new.clone()).await.unwrap();
    assert_eq!(made.name, "orders");
    let error = transaction.create_scenario(&world.scope, new).await.unwrap_err();
    assert!(matches!(error, StoreError::NameTaken { what: "scenario", .. }), "{error}");
    transaction.commit().await.unwrap();
    assert_eq!(world.store.scenario(&world.scope, &made.id).await.unwrap(), made);
}

pub(crate) async fn a_scenario_has_one_gate_or_none(world: World) {
    let project = project(&world, "shop").await;
    let scenario = import(&world, &project, orders()).await.unwrap().scenario_id;
    // Sets a gate, and returns whether anything was written for it.
    let set = async |gate: Option<Gate>| {
        let mut transaction = world.store.write().await.unwrap();
        let named = transaction.set_gate(&world.scope, &scenario, gate.as_ref(), "Ada").await.unwrap();
        assert_eq!((named.id.as_str(), named.name.as_str()), (scenario.as_str(), "orders"));
        let has_written = transaction.has_written().await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(world.store.gate(&world.scope, &scenario).await.unwrap(), gate);
        has_written
    };
    let gate = |min_pass_rate, no_new_failures| Some(Gate { min_pass_rate, no_new_failures });
    assert!(!set(None).await, "there is none");
    assert!(set(gate(Some(90), false)).await);
    assert!(!set(gate(Some(90), false)).await, "it is the same");
    assert!(set(gate(None, true)).await);
    assert!(set(None).await);
    let elsewhere = Scope::of(&world.scope.org_id, Some("project_elsewhere".to_owned()));
    let not_found = StoreError::ScenarioNotFound(scenario.clone());
    assert_eq!(world.store.gate(&elsewhere, &scenario).await.unwrap_err().to_string(), not_found.to_string());
    let mut transaction = world.store.write().await.unwrap();
    assert!(transaction.set_gate(&elsewhere, &scenario, None, "Ada").await.is_err());
}
