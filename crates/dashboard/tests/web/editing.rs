use keepstep_agent::Field;
use keepstep_base::AgentId;
use keepstep_store::{Patch, PersonaStatus, Role};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::site::{Browser, Page, Site};

fn edit_of(agent: &AgentId) -> String {
    format!("/agents/{agent}/edit")
}

/// Opens the form, fills it in and presses a button.
async fn edit(browser: &mut Browser<'_>, agent: &AgentId, button: &str, filled: &[(&str, &str)]) -> Page {
    let path = edit_of(agent);
    let page = browser.get(&path).await;
    browser.submit(&page, &path, button, filled).await
}

#[tokio::test]
async fn publishing_makes_a_version_that_checks_compare_with() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    let mut browser = site.signed_in(Role::Editor).await;
    let fields = [("persona", "You help."), ("name", "Sales"), ("model", "openai/gpt-4o"), ("message", "The first")];
    let answer = edit(&mut browser, &agent, "Publish", &fields).await;
    assert_eq!(answer.location(), format!("/agents/{agent}?done=published"));

    let state = site.store.agent_state(&site.scope, &agent).await.unwrap();
    assert_eq!(
        Value::from_iter(state.definition().iter().map(|(field, value)| (field.key(), value.clone()))),
        json!({
            "name": "Sales", "persona": "You help.", "model": "openai/gpt-4o"
        })
    );
    assert_eq!(state.agent.revision.0, 2, "all fields are one change");
    let created = state.published.unwrap().summary.created;
    assert_eq!((created.author.as_deref(), created.message.as_deref()), (Some("Grace"), Some("The first")));
    assert!(state.current.is_some());
}

#[tokio::test]
async fn a_draft_is_compared_with_by_nobody_until_it_is_published() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One").await;
    let mut browser = site.signed_in(Role::Editor).await;
    let answer = edit(&mut browser, &agent, "Save draft", &[("persona", "Two")]).await;
    assert_eq!(answer.location(), format!("/agents/{agent}?done=draft"));
    assert_eq!(site.published(&agent).await, "One");

    // The form goes on from the draft, and publishing it as it is makes no copy of it.
    let page = browser.get(&edit_of(&agent)).await;
    assert_eq!(page.exact("textarea"), "Two");
    let answer = browser.submit(&page, &edit_of(&agent), "Publish", &[("name", "Sales")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let state = site.store.agent_state(&site.scope, &agent).await.unwrap();
    assert_eq!((state.agent.published, state.agent.current), (state.agent.current, state.agent.published));
    assert_eq!(state.published.unwrap().summary.version.0, 2);
    assert_eq!(state.agent.name(), Some("Sales"));
    assert_eq!(site.published(&agent).await, "Two");
}

#[tokio::test]
async fn a_name_has_no_draft() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    let mut browser = site.signed_in(Role::Editor).await;
    let answer = edit(&mut browser, &agent, "Save draft", &[("persona", "One"), ("name", "Sales")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text(".notice.bad").starts_with("Not saved. A name and a model have no drafts."));
    assert_eq!(answer.exact("textarea"), "One");
    assert_eq!(answer.attributes("input[name=name]", "value"), ["Sales"]);
    assert_eq!(site.published(&agent).await, Value::Null);
}

#[tokio::test]
async fn saving_what_is_there_changes_nothing() {
    let site = Site::start().await;
    let agent = site.agent(" Orders ").await;
    site.publish(&agent, "\n\nOne\r\nTwo\n\n").await;
    let mut browser = site.signed_in(Role::Editor).await;
    for button in ["Publish", "Save draft"] {
        let answer = edit(&mut browser, &agent, button, &[("message", "Nothing")]).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.text(".notice[role=status]"), "Nothing to save: nothing changed.");
    }
    let state = site.store.agent_state(&site.scope, &agent).await.unwrap();
    assert_eq!(state.agent.revision.0, 2);
}

#[tokio::test]
async fn the_second_to_save_gets_both_changes_and_decides() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One\nTwo\nThree\n").await;
    let mut browser = site.signed_in(Role::Editor).await;
    let page = browser.get(&edit_of(&agent)).await;
    let patch = Patch::of(Field::MODEL, json!("openai/gpt-4o"));
    site.change(&agent, None, patch).await;
    site.publish(&agent, "One!\nTwo\nThree\n").await;

    let typed = [("persona", "One\nTwo\nThree, mine\n"), ("message", "Because")];
    let behind = browser.submit(&page, &edit_of(&agent), "Publish", &typed).await;
    assert_eq!(behind.status, StatusCode::CONFLICT);
    assert!(behind.text(".notice.warn[role=alert]:not([hidden])").contains("Bob changed it on 14 Nov 2023, 22:13 UTC"));
    assert_eq!(behind.exact("textarea[name=persona]"), "One!\nTwo\nThree, mine\n");
    assert_eq!(behind.attributes("input[name=message]", "value"), ["Because"]);
    assert_eq!(behind.attributes("input[name=model]", "value"), ["openai/gpt-4o"], "a field left alone is the new one");
    assert_eq!(behind.text("#fields-changed ~ ul li"), "Model: not set → openai/gpt-4o");
    assert_eq!(behind.texts("#theirs ~ .card .added .content"), ["One!"]);
    assert_eq!(behind.texts("#yours ~ .card .removed .content"), ["Three"]);
    assert!(!behind.has("main a[href*='from=']"), "no link takes away what was typed");
    assert_eq!(site.published(&agent).await, "One!\nTwo\nThree\n", "nothing is saved yet");

    // The form that came back names the new revision: saving it is a decision, and works.
    let answer = browser.submit(&behind, &edit_of(&agent), "Publish", &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(site.published(&agent).await, "One!\nTwo\nThree, mine\n");
}

#[tokio::test]
async fn lines_that_both_changed_are_chosen_one_by_one() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One\nTwo\nThree\nFour\nFive\n").await;
    let mut browser = site.signed_in(Role::Editor).await;
    let page = browser.get(&edit_of(&agent)).await;
    site.change(&agent, None, Patch::of(Field::NAME, json!("Sales"))).await;
    site.publish(&agent, "Theirs\nTwo\nThree\nFour\nFive, theirs\n").await;
    let typed = [("persona", "Mine\nTwo\nThree, mine\nFour\nFive, mine\n"), ("name", "Mine")];
    let mut behind = browser.submit(&page, &edit_of(&agent), "Publish", &typed).await;
    assert_eq!(behind.status, StatusCode::CONFLICT);
    assert_eq!(behind.texts("legend"), ["Name", "Persona", "Persona"]);
    assert_eq!(behind.texts("fieldset pre"), ["Mine", "Sales", "Mine", "Theirs", "Five, mine", "Five, theirs"]);
    assert_eq!(behind.exact("textarea[name=persona]"), typed[0].1);
    // Whoever saves without choosing is asked again, also after others have saved again.
    site.change(&agent, None, Patch::of(Field::MODEL, json!("openai/gpt-4o"))).await;
    behind = browser.submit(&behind, &edit_of(&agent), "Save draft", &[]).await;
    assert_eq!((behind.status, behind.texts("legend").len()), (StatusCode::CONFLICT, 3));
    // What is chosen stays chosen.
    let names: Vec<String> = behind.attributes("fieldset input[value=mine]", "name");
    behind = browser.submit(&behind, &edit_of(&agent), "Merge as chosen", &[(&names[1], "both"), (&names[0], "theirs")]).await;
    assert_eq!((behind.status, behind.texts("legend").len()), (StatusCode::CONFLICT, 1));
    assert_eq!(site.published(&agent).await, "Theirs\nTwo\nThree\nFour\nFive, theirs\n");
    let fields = [(names[0].as_str(), "theirs"), (names[1].as_str(), "both"), (names[2].as_str(), "mine")];
    let mut sent = behind.fields(&edit_of(&agent), "Merge as chosen", &fields);
    sent.extend(fields[..2].iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let together = browser.post(&edit_of(&agent), &[], &sent).await;
    assert_eq!(together.status, StatusCode::OK, "{}", together.body);
    assert_eq!(together.exact("textarea[name=persona]"), "Mine\nTheirs\nTwo\nThree, mine\nFour\nFive, mine\n");
    assert_eq!(together.attributes("input[name=name]", "value"), ["Sales"]);
    let answer = browser.submit(&together, &edit_of(&agent), "Publish", &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(site.published(&agent).await, "Mine\nTheirs\nTwo\nThree, mine\nFour\nFive, mine\n");
}

#[tokio::test]
async fn a_text_left_alone_becomes_theirs_in_a_stale_form() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One\n").await;
    let mut browser = site.signed_in(Role::Editor).await;
    let page = browser.get(&edit_of(&agent)).await;
    site.publish(&agent, "Theirs\n").await;
    let stale = browser.submit(&page, &edit_of(&agent), "Publish", &[("name", "Sales")]).await;
    assert_eq!(stale.exact("textarea"), "Theirs\n");
    browser.submit(&stale, &edit_of(&agent), "Publish", &[]).await;
    assert_eq!(site.published(&agent).await, "Theirs\n");
}

#[tokio::test]
async fn line_ends_are_those_of_the_old_text() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    let mut browser = site.signed_in(Role::Editor).await;
    edit(&mut browser, &agent, "Publish", &[("persona", "\nOne\nTwo\n")]).await;
    assert_eq!(site.published(&agent).await, "\nOne\nTwo\n");
    assert_eq!(browser.get(&edit_of(&agent)).await.exact("textarea"), "\nOne\nTwo\n", "the first line end is not eaten");
    site.publish(&agent, "One\r\nTwo\r\n").await;
    edit(&mut browser, &agent, "Publish", &[("persona", "One\nTwo\nThree\n")]).await;
    assert_eq!(site.published(&agent).await, "One\r\nTwo\r\nThree\r\n");
}

#[tokio::test]
async fn a_text_that_no_form_can_carry_survives_another_change() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One\0\rTwo").await;
    let mut browser = site.signed_in(Role::Editor).await;
    let page = browser.get(&edit_of(&agent)).await;
    assert!(page.text(".notice.warn:not([hidden])").starts_with("This text holds a NUL character"));
    browser.submit(&page, &edit_of(&agent), "Publish", &[("name", "Sales")]).await;
    assert_eq!(site.published(&agent).await, "One\0\rTwo");
    assert_eq!(site.store.agent(&site.scope, &agent).await.unwrap().name(), Some("Sales"));
}

#[tokio::test]
async fn a_persona_of_channels_has_a_field_for_each() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.persona(&agent, json!({"voice": "Speak.", "base": "Help."}), PersonaStatus::Published).await;
    let mut browser = site.signed_in(Role::Editor).await;
    let page = browser.get(&edit_of(&agent)).await;
    assert_eq!(page.attributes("form > .field textarea", "name"), ["persona_base", "persona_voice", "persona_text"]);
    browser.submit(&page, &edit_of(&agent), "Publish", &[("persona_text", "Write.")]).await;
    assert_eq!(site.published(&agent).await, json!({"voice": "Speak.", "base": "Help.", "text": "Write."}));
}

#[tokio::test]
async fn what_cannot_be_stored_comes_back_with_its_reason() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One").await;
    let mut browser = site.signed_in(Role::Editor).await;
    let large = "x".repeat(keepstep_platform::definition::PERSONA_LIMIT + 1);
    for (typed, reason) in [
        (" \n", "The persona has no text"),
        ("<<<<<<< code\na\n=======\nb\n>>>>>>> server\n", "The persona holds the markers"),
        (large.as_str(), "The persona is larger than 1048576 bytes."),
    ] {
        let answer = edit(&mut browser, &agent, "Publish", &[("persona", typed)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.text(".notice.bad").contains(reason), "{}", answer.text(".notice.bad"));
        assert_eq!(answer.exact("textarea"), typed);
    }
    let answer = edit(&mut browser, &agent, "Publish", &[("name", "")]).await;
    assert!(answer.text(".notice.bad").contains("An agent needs a name"));
    assert_eq!(site.published(&agent).await, "One");
}

#[tokio::test]
async fn what_was_typed_outlives_the_session() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    let mut browser = site.signed_in(Role::Editor).await;
    let page = browser.get(&edit_of(&agent)).await;
    site.pass(15 * 24 * 60 * 60 * 1000);
    let answer = browser.submit(&page, &edit_of(&agent), "Publish", &[("persona", "\nAll my words\n")]).await;
    assert_eq!((answer.status, answer.text("h1").as_str()), (StatusCode::UNAUTHORIZED, "Your session has ended"));
    assert_eq!(answer.exact("textarea"), "\nAll my words\n");
}

#[tokio::test]
async fn other_settings_are_edited_alike() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One").await;
    let mut browser = site.signed_in(Role::Editor).await;
    let refused = edit(&mut browser, &agent, "Publish", &[("modelSettings", "{temperature: 0.2}")]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text(".notice.bad").contains("The model settings must be an object"), "{}", refused.text(".notice.bad"));
    assert_eq!(refused.exact("textarea[name=modelSettings]"), "{temperature: 0.2}");
    assert!(refused.has("details[open] textarea[name=modelSettings]"));
    let fields = [
        ("modelSettings", "{\"temperature\": 0.2}"),
        ("description", "Answers questions.\nAbout orders."),
        ("governance", "{\"mode\": \"sdk\"}"),
        ("browser", "true"),
    ];
    let answer = browser.submit(&refused, &edit_of(&agent), "Publish", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let definition = site.store.agent_state(&site.scope, &agent).await.unwrap().definition();
    let value = |key: &'static str| definition.get(Field::from_key(key).unwrap()).cloned();
    assert_eq!(value("modelSettings"), Some(json!({"temperature": 0.2})));
    assert_eq!(value("description"), Some(json!("Answers questions.\nAbout orders.")));
    assert_eq!((value("governance"), value("browser")), (Some(json!({"mode": "sdk"})), Some(json!(true))));
    // Two who change different lines of another text are merged as well.
    let page = browser.get(&edit_of(&agent)).await;
    site.change(&agent, None, Patch::of(Field::from_key("description").unwrap(), json!("Answers questions.\nAbout sales.")))
        .await;
    let typed = [("description", "Answers all questions.\nAbout orders."), ("governance", "")];
    let behind = browser.submit(&page, &edit_of(&agent), "Publish", &typed).await;
    assert_eq!(behind.exact("textarea[name=description]"), "Answers all questions.\nAbout sales.");
    browser.submit(&behind, &edit_of(&agent), "Publish", &[]).await;
    let definition = site.store.agent_state(&site.scope, &agent).await.unwrap().definition();
    assert_eq!(definition.get(Field::from_key("governance").unwrap()), None);
    assert_eq!(definition.get(Field::from_key("description").unwrap()), Some(&json!("Answers all questions.\nAbout sales.")));
}
