//! Deleting and restoring, and the draft of a scenario's inputs.

use std::collections::HashSet;

use keepstep_base::random::Random;
use keepstep_store::test_data::{
    Bundle, BundleContent, DraftCounts, DraftInput, DraftRelease, InputFilter, InputPlace, InputState, InputValues, MOST_INPUTS,
    Message, NewSheet, PutInput, ScenarioPatch, TestDataError, TestDataFile,
};
use keepstep_store::{ProjectPatch, Result, Scope, StoreError, Transaction};
use serde_json::{Map, Value, json};
use sqlx::{Connection as _, SqliteConnection};

use crate::world::World;

const ALL: InputFilter<'static> =
    InputFilter { text: None, tag: None, persona: None, only_edited: false, offset: 0, limit: 1000 };

async fn project(world: &World, name: &str) -> String {
    let mut transaction = world.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, name).await.unwrap();
    transaction.commit().await.unwrap();
    project.id
}

async fn import(world: &World, project: &str, inputs: Value) -> Bundle {
    let file = json!({
        "scenario": {"name": "orders"},
        "personas": [{"name": "novice"}, {"name": "expert"}],
        "inputs": inputs,
        "criteria": [{"name": "Politeness", "items": ["Be polite"]}],
    });
    let file: TestDataFile = serde_json::from_value(file).unwrap();
    let mut transaction = world.store.write().await.unwrap();
    let bundle = transaction.import(&world.scope, project, &file).await.unwrap();
    transaction.commit().await.unwrap();
    bundle
}

fn says(text: &str) -> InputValues {
    let message = Message { role: "user".to_owned(), content: text.to_owned() };
    InputValues { messages: vec![message], ..InputValues::default() }
}

/// Writes, and commits if that succeeded.
async fn write<T>(world: &World, work: impl AsyncFnOnce(&mut Transaction) -> Result<T>) -> Result<T> {
    let mut transaction = world.store.write().await?;
    let done = work(&mut transaction).await?;
    transaction.commit().await?;
    Ok(done)
}

async fn draft(world: &World, scenario: &str) -> Vec<DraftInput> {
    world.store.draft_inputs(&world.scope, scenario, &ALL).await.unwrap()
}

/// Returns what the inputs of a draft say, with a mark for what it does to them.
fn texts(inputs: &[DraftInput]) -> Vec<String> {
    let text = |input: &DraftInput| {
        let mark = match input.state {
            InputState::Published => "",
            InputState::New => "+",
            InputState::Changed => "~",
            InputState::Deleted => "-",
        };
        format!("{mark}{}", input.values().messages[0].content)
    };
    inputs.iter().map(text).collect()
}

pub(crate) async fn what_is_deleted_is_hidden_and_comes_back(world: World) {
    let (store, scope) = (&world.store, &world.scope);
    let shop = project(&world, "shop").await;
    let bundle = import(&world, &shop, json!([{"text": "One"}])).await;
    write(&world, async |t| t.delete_scenario(scope, &bundle.scenario_id, "Ada").await).await.unwrap();
    assert_eq!(store.scenarios(scope, &shop).await.unwrap(), []);
    assert!(matches!(store.scenario(scope, &bundle.scenario_id).await, Err(StoreError::ScenarioNotFound(_))));
    assert!(matches!(store.newest_bundle(scope, &shop, None).await, Err(StoreError::NothingPublished(_))));
    assert!(matches!(store.draft_counts(scope, &bundle.scenario_id).await, Err(StoreError::ScenarioNotFound(_))));
    // What was tested with it keeps its name.
    assert_eq!(store.scenario_name(scope, &bundle.scenario_id).await.unwrap(), "orders");
    let deleted = store.deleted_scenarios(scope, &shop).await.unwrap();
    assert_eq!((deleted[0].name.as_str(), deleted[0].by.as_str()), ("orders", "Ada"));
    // Its name is free, and has to be when it comes back.
    let other = import(&world, &shop, json!([{"text": "One"}])).await;
    assert_ne!(other.scenario_id, bundle.scenario_id);
    let taken = write(&world, async |t| t.restore_scenario(scope, &bundle.scenario_id).await).await;
    assert!(matches!(taken, Err(StoreError::NameTaken { what: "scenario", .. })), "{taken:?}");
    let patch = ScenarioPatch { name: Some("other".to_owned()), ..ScenarioPatch::default() };
    write(&world, async |t| t.change_scenario(scope, &other.scenario_id, patch).await).await.unwrap();
    let restored = write(&world, async |t| t.restore_scenario(scope, &bundle.scenario_id).await).await.unwrap();
    assert_eq!((restored.id.as_str(), restored.name.as_str()), (bundle.scenario_id.as_str(), "orders"));
    assert_eq!(store.bundle(scope, &bundle.id).await.unwrap(), bundle);
    assert!(write(&world, async |t| t.restore_scenario(scope, &bundle.scenario_id).await).await.is_err());

    write(&world, async |t| t.delete_project(scope, &shop, "Ada").await).await.unwrap();
    assert_eq!(store.projects_in(scope).await.unwrap(), []);
    assert!(matches!(store.project(scope, &shop).await, Err(StoreError::ProjectNotFound(_))));
    assert!(matches!(store.bundle(scope, &bundle.id).await, Err(StoreError::BundleNotFound(_))));
    assert!(matches!(store.scenario(scope, &bundle.scenario_id).await, Err(StoreError::ScenarioNotFound(_))));
    let other = project(&world, "shop").await;
    let elsewhere = Scope::some_projects(&scope.org_id, [other.clone()]);
    assert_eq!(store.deleted_projects(&elsewhere).await.unwrap(), []);
    assert!(write(&world, async |t| t.restore_project(&elsewhere, &shop).await).await.is_err());
    assert_eq!(store.deleted_projects(scope).await.unwrap()[0].name, "shop");
    let taken = write(&world, async |t| t.restore_project(scope, &shop).await).await;
    assert!(matches!(taken, Err(StoreError::NameTaken { what: "project", .. })), "{taken:?}");
    let patch = ProjectPatch { name: Some("shop 2".to_owned()), ..ProjectPatch::default() };
    write(&world, async |t| t.change_project(scope, &other, patch).await).await.unwrap();
    write(&world, async |t| t.restore_project(scope, &shop).await).await.unwrap();
    assert_eq!(store.bundle(scope, &bundle.id).await.unwrap(), bundle);
}

pub(crate) async fn a_project_tests_an_agent(world: World) {
    let (store, scope) = (&world.store, &world.scope);
    let (shop, agent) = (project(&world, "shop").await, world.agent().await);
    let with_agent = |agent| ProjectPatch { agent: Some(agent), ..ProjectPatch::default() };
    write(&world, async |t| t.change_project(scope, &shop, with_agent(Some(agent.clone()))).await).await.unwrap();
    assert_eq!(store.project(scope, &shop).await.unwrap().agent, Some(agent.clone()));
    let nobody = with_agent(Some("nobody".parse().unwrap()));
    let error = write(&world, async |t| t.change_project(scope, &shop, nobody).await).await.unwrap_err();
    assert!(matches!(error, StoreError::AgentNotFound(_)), "{error}");
    // Who cannot see the agent may leave it as it is.
    let inside = Scope::some_projects(&scope.org_id, [shop.clone()]);
    let patch = ProjectPatch { description: Some("d".to_owned()), ..with_agent(Some(agent.clone())) };
    let changed = write(&world, async |t| t.change_project(&inside, &shop, patch).await).await.unwrap();
    assert_eq!((changed.description.as_str(), changed.agent), ("d", Some(agent)));
    write(&world, async |t| t.change_project(scope, &shop, with_agent(None)).await).await.unwrap();
    assert_eq!(store.project(scope, &shop).await.unwrap().agent, None);
}

pub(crate) async fn a_draft_changes_nothing_before_it_is_published(world: World) {
    let (store, scope) = (&world.store, &world.scope);
    let shop = project(&world, "shop").await;
    let bundle = import(&world, &shop, json!([{"text": "One"}, {"text": "Two", "persona": "novice"}, {"text": "Three"}])).await;
    let scenario = bundle.scenario_id.as_str();
    let before = draft(&world, scenario).await;
    assert_eq!(texts(&before), ["One", "Two", "Three"]);
    let expert = store.test_personas(scope, &shop).await.unwrap().into_iter().find(|known| known.name == "expert").unwrap().id;
    let new = InputValues { persona: Some(expert.clone()), ..says("Four") };
    let added = write(&world, async |t| t.add_input(scope, scenario, &new, "Ada").await).await.unwrap();
    assert_eq!((added.values(), added.edited.as_ref().map(|edited| edited.0.as_str())), (new, Some("Ada")));
    let changed = InputValues { messages: says("Two!").messages, ..before[1].values() };
    write(&world, async |t| t.change_input(scope, scenario, &before[1].id, None, &changed, "Ada").await).await.unwrap();
    write(&world, async |t| t.delete_input(scope, scenario, &before[0].id, None, "Ada").await).await.unwrap();
    assert_eq!(texts(&draft(&world, scenario).await), ["-One", "~Two!", "Three", "+Four"]);
    assert_eq!(
        store.draft_counts(scope, scenario).await.unwrap(),
        DraftCounts { all: 3, new: 1, changed: 1, deleted: 1, overtaken: 0 }
    );
    assert_eq!(store.newest_bundle(scope, &shop, None).await.unwrap(), bundle);
    for values in [InputValues::default(), says(" "), InputValues { persona: Some("nobody".to_owned()), ..says("x") }] {
        let error = write(&world, async |t| t.add_input(scope, scenario, &values, "Ada").await).await.unwrap_err();
        assert!(matches!(error, StoreError::TestData(_)), "{error}");
    }

    // What is published by somebody else meanwhile stays, but for what the draft changes.
    let inputs = json!([{"text": "One"}, {"text": "Two?", "persona": "novice"}, {"text": "Three"}, {"text": "Zero"}]);
    import(&world, &shop, inputs).await;
    let after = draft(&world, scenario).await;
    assert_eq!(texts(&after), ["-One", "~Two!", "Three", "Zero", "+Four"]);
    assert_eq!(after.iter().map(|input| input.is_overtaken).collect::<Vec<_>>(), [false, true, false, false, false]);
    assert_eq!(store.draft_counts(scope, scenario).await.unwrap().overtaken, 1);
    assert_eq!(after[1].id, before[1].id);

    let seen = store.draft_bundle(scope, scenario).await.unwrap();
    let content: Value = serde_json::from_str(&seen.content.personas).unwrap();
    assert_eq!(content.as_array().unwrap().len(), 2);
    let patch = ScenarioPatch { description: Some("d".to_owned()), ..ScenarioPatch::default() };
    write(&world, async |t| t.change_scenario(scope, scenario, patch).await).await.unwrap();
    let release = DraftRelease { message: "fewer", seen: Some(&seen.digest) };
    let stale = write(&world, async |t| t.publish_draft(scope, scenario, release).await).await;
    assert!(matches!(stale, Err(StoreError::DraftChanged)), "{stale:?}");
    let seen = store.draft_bundle(scope, scenario).await.unwrap();
    let release = DraftRelease { message: "fewer", seen: Some(&seen.digest) };
    let published = write(&world, async |t| {
        t.note_author("Ada");
        t.publish_draft(scope, scenario, release).await
    });
    let published = published.await.unwrap();
    assert_eq!((published.generation, published.input_count, published.persona_count), (Some(3), 4, 2));
    assert_eq!((published.message.as_str(), published.published_by.as_deref()), ("fewer", Some("Ada")));
    assert_eq!(store.bundle_content(scope, &published.id).await.unwrap(), seen.content);
    let now = draft(&world, scenario).await;
    assert_eq!(texts(&now), ["Two!", "Three", "Zero", "Four"]);
    assert_eq!((&now[0].id, &now[3].id), (&before[1].id, &added.id));
    assert_eq!(store.draft_counts(scope, scenario).await.unwrap().edits(), 0);
    // Once more is the same version.
    let again = write(&world, async |t| t.publish_draft(scope, scenario, DraftRelease { message: "x", seen: None }).await);
    assert_eq!(again.await.unwrap(), published);
}

pub(crate) async fn an_edit_of_something_else_than_was_seen_changes_nothing(world: World) {
    let (store, scope) = (&world.store, &world.scope);
    let shop = project(&world, "shop").await;
    let bundle = import(&world, &shop, json!([{"text": "One", "metadata": {"n": 1.0}}])).await;
    let scenario = bundle.scenario_id.as_str();
    let seen = draft(&world, scenario).await.remove(0);
    let change = async |text: &str, seen: &DraftInput| {
        let values = InputValues { messages: says(text).messages, ..seen.values() };
        let digest = seen.digest();
        write(&world, async |t| t.change_input(scope, scenario, &seen.id, Some(&digest), &values, "Ada").await).await
    };
    let first = change("Two", &seen).await.unwrap();
    assert!(matches!(change("Three", &seen).await, Err(StoreError::InputChanged(_))));
    let digest = seen.digest();
    let deleted = write(&world, async |t| t.delete_input(scope, scenario, &seen.id, Some(&digest), "Ada").await).await;
    assert!(matches!(deleted, Err(StoreError::InputChanged(_))));
    let reverted = write(&world, async |t| t.revert_input(scope, scenario, &seen.id, Some(&digest)).await).await;
    assert!(matches!(reverted, Err(StoreError::InputChanged(_))));
    assert_eq!(texts(&draft(&world, scenario).await), ["~Two"]);
    // What is published again is no edit.
    let back = change("One", &first).await.unwrap();
    assert_eq!((back.state, back.digest()), (InputState::Published, seen.digest()));
    assert_eq!(store.draft_counts(scope, scenario).await.unwrap().edits(), 0);
    // Of somebody else's project nothing is there.
    let other = Scope::some_projects(&scope.org_id, [project(&world, "other").await]);
    assert!(matches!(store.draft_inputs(&other, scenario, &ALL).await, Err(StoreError::ScenarioNotFound(_))));
    assert!(matches!(store.draft_bundle(&other, scenario).await, Err(StoreError::ScenarioNotFound(_))));
    let added = write(&world, async |t| t.add_input(&other, scenario, &says("x"), "Eve").await).await;
    assert!(matches!(added, Err(StoreError::ScenarioNotFound(_))));
}

/// Whatever order the members are in.
pub(crate) async fn an_edit_that_is_published_by_an_import_is_none(world: World) {
    let (store, scope) = (&world.store, &world.scope);
    let shop = project(&world, "shop").await;
    let one = json!([{"id": "q", "text": "One", "metadata": {"a": 1, "b": 2}}, {"id": "r", "text": "Two"}]);
    let bundle = import(&world, &shop, one).await;
    let scenario = bundle.scenario_id.as_str();
    let novice = store.test_personas(scope, &shop).await.unwrap().into_iter().find(|known| known.name == "novice").unwrap().id;
    for input in draft(&world, scenario).await {
        let metadata = Map::from_iter([("a".to_owned(), json!(3)), ("b".to_owned(), json!(4))]);
        let values = InputValues { persona: Some(novice.clone()), metadata, ..input.values() };
        write(&world, async |t| t.change_input(scope, scenario, &input.id, None, &values, "Ada").await).await.unwrap();
    }
    assert_eq!(store.draft_counts(scope, scenario).await.unwrap().changed, 2);
    let same = json!({"a": 3, "b": 4});
    let turned = json!({"b": 4, "a": 3});
    let now = json!([
        {"id": "q", "text": "One", "persona": "novice", "metadata": same},
        {"id": "r", "text": "Two", "persona": "novice", "metadata": turned},
    ]);
    let edited = draft(&world, scenario).await;
    import(&world, &shop, now).await;
    let counts = store.draft_counts(scope, scenario).await.unwrap();
    assert_eq!((counts.edits(), counts.overtaken), (0, 0));
    let text = |inputs: &[DraftInput]| json!(inputs[0].document).to_string();
    assert_eq!(text(&draft(&world, scenario).await), text(&edited));
}

pub(crate) async fn any_text_is_found_in_a_set_that_was_made_before_words_were_kept(world: World) {
    let shop = project(&world, "shop").await;
    let texts = ["Say \"hi\"", "back\\slash", "one\nline", "plain"];
    let inputs: Vec<Value> = texts.iter().map(|text| json!({"text": text})).collect();
    let scenario = import(&world, &shop, json!(inputs)).await.scenario_id;
    let url = format!("sqlite://{}", world.folder.path().join("keepstep.db").display());
    let mut raw = SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("DELETE FROM input_words").execute(&mut raw).await.unwrap();
    for (text, found) in [("say \"HI\"", 0), ("k\\s", 1), ("one\nline", 2), ("Plain", 3)] {
        let filter = InputFilter { text: Some(text), ..ALL };
        let inputs = world.store.draft_inputs(&world.scope, &scenario, &filter).await.unwrap();
        assert_eq!(self::texts(&inputs), [texts[found]], "{text}");
    }
}

/// What a draft would pin is told from its edits, and not from all of its inputs.
pub(crate) async fn a_draft_pins_the_personas_that_its_inputs_name(world: World) {
    let (store, scope) = (&world.store, &world.scope);
    let shop = project(&world, "shop").await;
    let inputs =
        json!([{"id": "q", "text": "One", "persona": "novice"}, {"id": "r", "text": "Two"}, {"id": "s", "text": "Three"}]);
    let bundle = import(&world, &shop, inputs).await;
    let scenario = bundle.scenario_id.as_str();
    let personas = store.test_personas(scope, &shop).await.unwrap();
    let named = |content: &BundleContent| -> Vec<String> {
        let pinned: Vec<Value> = serde_json::from_str(&content.personas).unwrap();
        pinned.iter().map(|persona| persona["name"].as_str().unwrap().to_owned()).collect()
    };
    let of = |name: &str, text: &str| {
        let persona = personas.iter().find(|known| known.name == name).map(|known| known.id.clone());
        InputValues { persona, ..says(text) }
    };
    let change = async |id: &str, values: InputValues| {
        write(&world, async |t| t.change_input(scope, scenario, id, None, &values, "Ada").await).await.unwrap();
    };
    let told = async || store.draft_bundle(scope, scenario).await.unwrap();
    let published = told().await;
    assert_eq!(named(&published.content), ["novice"]);
    change("r", of("expert", "Two")).await;
    let edited = told().await;
    assert_eq!(named(&edited.content).len(), 2);
    change("q", of("", "One")).await;
    assert_eq!(named(&told().await.content), ["expert"]);
    change("q", of("novice", "One")).await;
    assert_eq!(told().await.digest, edited.digest);
    write(&world, async |t| t.delete_input(scope, scenario, "q", None, "Ada").await).await.unwrap();
    let deleted = told().await;
    assert_eq!(named(&deleted.content), ["expert"]);
    // An edit that pins nothing else is another draft.
    change("s", says("Three!")).await;
    let draft = told().await;
    assert_eq!(draft.content, deleted.content);
    let digests = [&published, &edited, &deleted, &draft].map(|draft| draft.digest.to_string());
    assert_eq!(digests.iter().collect::<HashSet<_>>().len(), 4);
    let release = DraftRelease { message: "", seen: Some(&draft.digest) };
    let made = write(&world, async |t| t.publish_draft(scope, scenario, release).await).await.unwrap();
    assert_eq!(store.bundle_content(scope, &made.id).await.unwrap(), draft.content);
}

pub(crate) async fn a_deleted_persona_stays_where_it_is_and_comes_nowhere_else(world: World) {
    let (store, scope) = (&world.store, &world.scope);
    let shop = project(&world, "shop").await;
    let inputs = json!([{"id": "q", "text": "One", "persona": "novice"}, {"id": "r", "text": "Two", "persona": "expert"}]);
    let bundle = import(&world, &shop, inputs).await;
    let scenario = bundle.scenario_id.as_str();
    let novice = store.test_personas(scope, &shop).await.unwrap().into_iter().find(|known| known.name == "novice").unwrap().id;
    write(&world, async |t| t.delete_test_persona(scope, &shop, &novice, None, "Ada").await).await.unwrap();
    let by_novice = |text: &str| InputValues { persona: Some(novice.clone()), ..says(text) };
    let change =
        async |id: &str| write(&world, async |t| t.change_input(scope, scenario, id, None, &by_novice("New"), "Ada").await).await;
    assert_eq!(change("q").await.unwrap().values(), by_novice("New"));
    assert!(matches!(change("r").await, Err(StoreError::TestData(_))));
    let added = write(&world, async |t| t.add_input(scope, scenario, &by_novice("Three"), "Ada").await).await;
    assert!(matches!(added, Err(StoreError::TestData(_))), "{added:?}");
}

/// More inputs and longer ones than are in memory at a time: what is published has them in their order, and is what a file that says so makes.
pub(crate) async fn a_draft_of_many_inputs_is_what_a_file_of_them_is(world: World) {
    let (store, scope) = (&world.store, &world.scope);
    let shop = project(&world, "shop").await;
    let inputs: Vec<Value> = (0..2_100).map(|at| json!({"id": format!("q-{at}"), "text": format!("Question {at}")})).collect();
    let bundle = import(&world, &shop, json!(inputs)).await;
    let scenario = bundle.scenario_id.as_str();
    let long = "why? ".repeat(150_000);
    write(&world, async |t| {
        for gone in ["q-0", "q-999", "q-1000", "q-2099"] {
            t.delete_input(scope, scenario, gone, None, "Ada").await?;
        }
        for (id, text) in [("q-998", "Changed"), ("q-1001", long.as_str()), ("q-1002", long.as_str())] {
            t.change_input(scope, scenario, id, None, &says(text), "Ada").await?;
        }
        for text in [long.as_str(), "Last but one", long.as_str()] {
            t.add_input(scope, scenario, &says(text), "Ada").await?;
        }
        Ok(())
    })
    .await
    .unwrap();
    let wanted: Vec<Value> = store
        .draft_inputs(scope, scenario, &InputFilter { limit: 5_000, ..ALL })
        .await
        .unwrap()
        .into_iter()
        .filter(|input| input.state != InputState::Deleted)
        .map(|input| json!({"id": input.id, "text": input.values().messages[0].content}))
        .collect();
    assert_eq!(wanted.len(), 2_099);
    let release = DraftRelease { message: "", seen: None };
    let published = write(&world, async |t| t.publish_draft(scope, scenario, release).await).await.unwrap();
    let items = store.input_items(&published.input_set_id, 0, 5_000).await.unwrap();
    let ids: Vec<Value> = items.iter().map(|item| serde_json::from_str::<Value>(item).unwrap()["id"].clone()).collect();
    assert_eq!(ids, wanted.iter().map(|input| input["id"].clone()).collect::<Vec<_>>());
    // The same set, and so nothing new.
    let file = import(&world, &shop, json!(wanted)).await;
    assert_eq!((file.input_set_id, file.id), (published.input_set_id, published.id));
}

pub(crate) async fn inputs_are_found_and_read_in_pages(world: World) {
    let (store, scope) = (&world.store, &world.scope);
    let shop = project(&world, "shop").await;
    let mut inputs: Vec<Value> =
        (0..10_000).map(|number| json!({"id": format!("q-{number}"), "text": format!("Question {number}")})).collect();
    inputs[17] =
        json!({"id": "q-17", "text": "ÄPFEL 100% \\ a_b\0c", "persona": "novice", "metadata": {"tags": ["Late, maybe", "x"]}});
    let bundle = import(&world, &shop, json!(inputs)).await;
    let scenario = bundle.scenario_id.as_str();
    let novice = store.test_personas(scope, &shop).await.unwrap().into_iter().find(|known| known.name == "novice").unwrap().id;
    let values = InputValues { persona: Some(novice.clone()), metadata: tags(&["x"]), ..says("Neue Äpfel") };
    write(&world, async |t| t.add_input(scope, scenario, &values, "Ada").await).await.unwrap();
    let found = async |filter: InputFilter<'_>| {
        let page = store.draft_inputs(scope, scenario, &filter).await.unwrap();
        (store.count_draft_inputs(scope, scenario, &filter).await.unwrap(), texts(&page))
    };
    let one = InputFilter { limit: 2, ..ALL };
    assert_eq!(found(one).await, (10_001, vec!["Question 0".to_owned(), "Question 1".to_owned()]));
    assert_eq!(found(InputFilter { offset: 9_999, ..one }).await.1, ["Question 9999", "+Neue Äpfel"]);
    assert_eq!(found(InputFilter { offset: 10_001, ..one }).await.1, [""; 0]);
    let both = (2, vec!["ÄPFEL 100% \\ a_b\0c".to_owned(), "+Neue Äpfel".to_owned()]);
    assert_eq!(found(InputFilter { text: Some("äpfel"), ..one }).await, both);
    assert_eq!(found(InputFilter { tag: Some("x"), ..one }).await, both);
    assert_eq!(found(InputFilter { persona: Some(&novice), ..one }).await, both);
    assert_eq!(found(InputFilter { only_edited: true, ..one }).await, (1, vec!["+Neue Äpfel".to_owned()]));
    for text in ["100%", "\\", "a_b", "Q-17", "b\0c"] {
        assert_eq!(found(InputFilter { text: Some(text), tag: Some("late, maybe"), ..one }).await.0, 1, "{text}");
    }
    // Nothing stands for anything else.
    for text in ["100_", "a%b", "question%"] {
        assert_eq!(found(InputFilter { text: Some(text), ..one }).await.0, 0, "{text}");
    }
    assert_eq!(found(InputFilter { tag: Some("late"), ..one }).await.0, 0);
    assert_eq!(found(InputFilter { text: Some("question 77"), ..one }).await.0, 111);
}

fn tags(tags: &[&str]) -> Map<String, Value> {
    Map::from_iter([("tags".to_owned(), json!(tags))])
}

/// The same things are done to a draft and to a list. Whoever imports meanwhile changes what is published, and no edit.
pub(crate) async fn whatever_is_done_to_a_draft_it_is_what_a_list_would_be(world: World) {
    let (store, scope) = (&world.store, &world.scope);
    for seed in 0..12 {
        let mut random = Random::new(seed);
        let shop = project(&world, &format!("shop {seed}")).await;
        // The published inputs by their ids, and the edits of some, and of new ones; one without a text deletes.
        let mut published: Vec<(String, String)> =
            (0..4).map(|number| (format!("q-{number}"), format!("Text {number}"))).collect();
        let inputs =
            |list: &[(String, String)]| -> Value { list.iter().map(|(id, text)| json!({"id": id, "text": text})).collect() };
        let scenario = import(&world, &shop, inputs(&published)).await.scenario_id;
        let mut edits: Vec<(String, Option<String>)> = Vec::new();
        for step in 0..40 {
            let expected = expected(&published, &edits);
            let there = draft(&world, &scenario).await;
            let says_now: Vec<(String, String)> = there
                .iter()
                .filter(|input| input.state != InputState::Deleted)
                .map(|input| (input.id.clone(), input.values().messages[0].content.clone()))
                .collect();
            assert_eq!(says_now, expected, "seed {seed}, step {step}");
            let counts = store.draft_counts(scope, &scenario).await.unwrap();
            assert_eq!(counts.all as usize, expected.len(), "seed {seed}, step {step}");
            let text = format!("Step {step}");
            let chosen = (!there.is_empty()).then(|| there[random.next_number() as usize % there.len()].clone());
            match (random.next_number() % 7, chosen) {
                (0, _) => {
                    let added = write(&world, async |t| t.add_input(scope, &scenario, &says(&text), "Ada").await).await.unwrap();
                    edits.push((added.id, Some(text)));
                }
                (1 | 2, Some(input)) => {
                    let digest = input.digest();
                    write(&world, async |t| {
                        t.change_input(scope, &scenario, &input.id, Some(&digest), &says(&text), "Ada").await
                    })
                    .await
                    .unwrap();
                    set(&mut edits, &input.id, Some(text));
                }
                (3, Some(input)) => {
                    write(&world, async |t| t.delete_input(scope, &scenario, &input.id, None, "Ada").await).await.unwrap();
                    if published.iter().any(|(id, _)| *id == input.id) {
                        set(&mut edits, &input.id, None);
                    } else {
                        edits.retain(|(id, _)| *id != input.id);
                    }
                }
                (4, Some(input)) => {
                    write(&world, async |t| t.revert_input(scope, &scenario, &input.id, Some(&input.digest())).await)
                        .await
                        .unwrap();
                    if published.iter().any(|(id, _)| *id == input.id) {
                        edits.retain(|(id, _)| *id != input.id);
                    }
                }
                (5, _) => {
                    let at = random.next_number() as usize % published.len();
                    match random.next_number() % 3 {
                        0 if published.len() > 1 => drop(published.remove(at)),
                        1 => published[at].1 = text,
                        _ => published.push((format!("p-{step}"), text)),
                    }
                    import(&world, &shop, inputs(&published)).await;
                    // There is nothing left to delete.
                    edits.retain(|(id, text)| text.is_some() || published.iter().any(|(known, _)| known == id));
                }
                _ if !expected.is_empty() => {
                    let release = DraftRelease { message: "", seen: None };
                    let bundle = write(&world, async |t| t.publish_draft(scope, &scenario, release).await).await.unwrap();
                    assert_eq!(bundle.input_count as usize, expected.len());
                    published = expected;
                    edits.clear();
                }
                _ => {}
            }
        }
    }
}

fn set(edits: &mut Vec<(String, Option<String>)>, id: &str, text: Option<String>) {
    match edits.iter_mut().find(|(known, _)| known == id) {
        Some(edit) => edit.1 = text,
        None => edits.push((id.to_owned(), text)),
    }
}

fn expected(published: &[(String, String)], edits: &[(String, Option<String>)]) -> Vec<(String, String)> {
    let edit = |id: &str| edits.iter().find(|(known, _)| known == id).map(|(_, text)| text.clone());
    let kept = published.iter().filter_map(|(id, text)| match edit(id) {
        None => Some((id.clone(), text.clone())),
        Some(edited) => Some((id.clone(), edited?)),
    });
    let is_new = |id: &String| !published.iter().any(|(known, _)| known == id);
    let new = edits.iter().filter(|(id, _)| is_new(id)).filter_map(|(id, text)| Some((id.clone(), text.clone()?)));
    kept.chain(new).collect()
}

pub(crate) async fn a_pull_is_noted_for_each_who_pulls(world: World) {
    let (store, scope) = (&world.store, &world.scope);
    let shop = project(&world, "shop").await;
    let bundle = import(&world, &shop, json!([{"text": "One"}])).await;
    for (at, id, name) in [(1, "key_1", "ci"), (2, "key_2", "laptop"), (3, "key_1", "ci renamed")] {
        world.set_clock(crate::world::START + at);
        write(&world, async |t| t.note_pull(&bundle.id, (id, name), "keepstep").await).await.unwrap();
    }
    write(&world, async |t| t.note_pull("bundle_of_nobody", ("key_1", "ci"), "keepstep").await).await.unwrap();
    let pulls = store.bundle_pulls(scope, &bundle.id, 10).await.unwrap();
    let told: Vec<_> = pulls
        .iter()
        .map(|pull| (pull.puller.as_str(), pull.first_at - crate::world::START, pull.last_at - crate::world::START))
        .collect();
    assert_eq!(told, [("ci renamed", 1, 3), ("laptop", 2, 2)]);
}

pub(crate) async fn a_sheet_is_kept_for_who_brought_it_and_for_a_day(world: World) {
    let (store, scope) = (&world.store, &world.scope);
    let shop = project(&world, "shop").await;
    let scenario = import(&world, &shop, json!([{"text": "One"}])).await.scenario_id;
    let bring = async |user: &str, text: &str| {
        let new = NewSheet { user, name: "q.csv", text, reading: "{}" };
        write(&world, async |t| t.keep_input_sheet(scope, &scenario, new).await).await.unwrap()
    };
    let text = "text\n\0\u{1a}ä";
    let id = bring("ada", text).await;
    let sheet = store.input_sheet(scope, &scenario, "ada", &id).await.unwrap();
    assert_eq!((sheet.name.as_str(), sheet.size, &sheet.outcome), ("q.csv", text.len() as u64, &None));
    assert_eq!(store.input_sheet_text(&sheet).await.unwrap(), text);
    for (user, of) in [("eve", scenario.as_str()), ("ada", "scenario_x")] {
        assert!(store.input_sheet(scope, of, user, &id).await.is_err(), "{user} {of}");
    }
    let other = Scope::organization("org_x".to_owned());
    assert!(matches!(store.input_sheet(&other, &scenario, "ada", &id).await, Err(StoreError::ScenarioNotFound(_))));
    write(&world, async |t| t.read_input_sheet_as(&sheet, "[]").await).await.unwrap();
    assert_eq!(store.input_columns(scope, &scenario).await.unwrap(), None);
    // What is said first stays: who sends a form twice gets one answer.
    for (outcome, columns) in [("done", "[1]"), ("done again", "[2]")] {
        write(&world, async |t| t.end_input_sheet(&scenario, &sheet, outcome, columns).await).await.unwrap();
        assert_eq!(store.input_columns(scope, &scenario).await.unwrap().as_deref(), Some("[1]"));
    }
    let ended = store.input_sheet(scope, &scenario, "ada", &id).await.unwrap();
    assert_eq!((ended.reading.as_str(), ended.outcome.as_deref()), ("[]", Some("done")));
    assert_eq!(store.input_sheet_text(&sheet).await.unwrap(), "");
    assert_eq!(store.input_sheets(scope, &scenario, "ada").await.unwrap(), []);
    // Of one person the newest are kept, and of others theirs.
    let theirs = bring("eve", "x").await;
    for _ in 0..9 {
        bring("ada", "x").await;
    }
    assert_eq!(store.input_sheets(scope, &scenario, "ada").await.unwrap().len(), 5);
    assert_eq!(store.input_sheets(scope, &scenario, "eve").await.unwrap()[0].id, theirs);
    let other = import(&world, &shop, json!([{"text": "Two"}])).await.scenario_id;
    assert_eq!(other, scenario);
    // After a day nobody sees them, whether they are removed already or not.
    let day = 24 * 60 * 60 * 1000;
    for (at, is_there) in [(day, true), (day + 1, false)] {
        world.set_clock(crate::world::START + at);
        assert_eq!(store.input_sheet(scope, &scenario, "eve", &theirs).await.is_ok(), is_there);
        assert_eq!(!store.input_sheets(scope, &scenario, "eve").await.unwrap().is_empty(), is_there);
    }
}

pub(crate) async fn a_scenario_has_no_more_inputs_than_it_may_also_where_they_are_put(world: World) {
    let (store, scope) = (&world.store, &world.scope);
    let shop = project(&world, "shop").await;
    let inputs: Vec<Value> = (0..MOST_INPUTS - 1).map(|number| json!({"id": number.to_string(), "text": "x"})).collect();
    let scenario = import(&world, &shop, json!(inputs)).await.scenario_id;
    let put = |id: &str| PutInput { id: id.to_owned(), seen: None, values: says("N") };
    let two = [put("a"), put("b")];
    let refused = write(&world, async |t| t.put_inputs(scope, &scenario, &two, "Ada").await).await;
    assert!(matches!(refused, Err(StoreError::TestData(TestDataError::TooManyInputs { .. }))), "{refused:?}");
    write(&world, async |t| t.put_inputs(scope, &scenario, &two[..1], "Ada").await).await.unwrap();
    assert_eq!(store.draft_counts(scope, &scenario).await.unwrap().all as usize, MOST_INPUTS);
    // Whoever puts the same again adds none.
    let left = write(&world, async |t| t.put_inputs(scope, &scenario, &two[..1], "Eve").await).await.unwrap();
    assert_eq!(left, [""; 0]);
}

pub(crate) async fn many_inputs_are_put_where_they_are_what_was_seen(world: World) {
    let (store, scope) = (&world.store, &world.scope);
    let shop = project(&world, "shop").await;
    let inputs = json!([{"id": "a", "text": "A"}, {"id": "b", "text": "B"}, {"id": "c", "text": "C"}]);
    let scenario = import(&world, &shop, inputs).await.scenario_id;
    let seen: Vec<_> = draft(&world, &scenario).await.iter().map(|input| Some(input.digest())).collect();
    write(&world, async |t| t.change_input(scope, &scenario, "b", None, &says("Theirs"), "Eve").await).await.unwrap();
    let put = |id: &str, seen, text: &str| PutInput { id: id.to_owned(), seen, values: says(text) };
    let puts = [
        put("a", seen[0], "A2"),
        put("b", seen[1], "B2"),
        put("c", None, "C2"),
        put("n", None, "N"),
        put("gone", seen[2], "G"),
        put("n", None, "N2"),
    ];
    let left = write(&world, async |t| t.put_inputs(scope, &scenario, &puts, "Ada").await).await.unwrap();
    assert_eq!(left, ["b", "c", "gone", "n"]);
    let inputs = draft(&world, &scenario).await;
    assert_eq!(texts(&inputs), ["~A2", "~Theirs", "C", "+N"]);
    // Two who put the same at once are both told that it is there; nobody else changed it.
    let again = [put("a", seen[0], "A2"), put("n", None, "N"), put("b", seen[1], "B2")];
    let left = write(&world, async |t| t.put_inputs(scope, &scenario, &again, "Eve").await).await.unwrap();
    assert_eq!(left, ["b"]);
    assert_eq!(draft(&world, &scenario).await, inputs);
    let wrong = [put("o", None, "O"), put("p", None, " ")];
    assert!(write(&world, async |t| t.put_inputs(scope, &scenario, &wrong, "Ada").await).await.is_err());
    // What is read from behind a place on is what is read in pages.
    for filter in [ALL, InputFilter { only_edited: true, ..ALL }, InputFilter { text: Some("n"), ..ALL }] {
        let (mut found, mut place) = (Vec::new(), InputPlace::BEGIN);
        loop {
            let next = InputFilter { limit: 2, ..filter };
            let (page, behind) = store.draft_inputs_behind(scope, &scenario, &next, place).await.unwrap();
            if page.is_empty() {
                break;
            }
            found.extend(page);
            place = behind;
        }
        assert_eq!(found, store.draft_inputs(scope, &scenario, &filter).await.unwrap());
    }
    // However many are wanted, few long ones are read at a time, and all of them in the end.
    let long = "x".repeat(1024 * 1024);
    let inputs: Vec<Value> =
        (0..6).map(|number| json!({"id": format!("l{number}"), "text": "x", "metadata": {"long": long}})).collect();
    let scenario = import(&world, &project(&world, "long").await, json!(inputs)).await.scenario_id;
    let (mut sizes, mut place) = (Vec::new(), InputPlace::BEGIN);
    loop {
        let (page, behind) = store.draft_inputs_behind(scope, &scenario, &ALL, place).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.iter().all(|input| input.size() > 2 * long.len()));
        sizes.push(page.len());
        place = behind;
    }
    assert!(sizes.iter().all(|size| *size <= 3) && sizes.iter().sum::<usize>() == 6, "{sizes:?}");
}
