//! Criteria and personas of test data, as somebody works with them who has no script.

use keepstep_results::criterion::{KINDS, Shape};
use keepstep_store::Role;
use keepstep_store::results::Status;
use keepstep_store::test_data::TestDataFile;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::results::{EVIL, check_is_text, experiment, run};
use crate::site::{Browser, Page, Site};

/// A project with a scenario that has criteria. Returns the address of the scenario, its id, and that of the bundle version.
async fn scenario(site: &Site, criteria: Value) -> (String, String, String) {
    let mut transaction = site.store.write().await.unwrap();
    let project = transaction.create_project(&site.scope.org_id, "shop").await.unwrap().id;
    let bundle = transaction.import(&site.scope, &project, &file(criteria)).await.unwrap();
    transaction.commit().await.unwrap();
    (format!("/projects/{project}/scenarios/{}", bundle.scenario_id), bundle.scenario_id, bundle.id)
}

/// The test data of the scenario with other criteria.
fn file(criteria: Value) -> TestDataFile {
    let file = json!({
        "scenario": {"name": "orders"},
        "personas": [{"name": "novice", "description": "New here", "goals": ["refund"]}],
        "inputs": [{"id": "q", "text": "Where?", "persona": "novice", "metadata": {"expected": "On its way."}}],
        "criteria": criteria,
    });
    serde_json::from_value(file).unwrap()
}

/// Returns the packs of a draft: name and criteria.
async fn draft(site: &Site, scenario: &str) -> Value {
    let packs = site.store.draft_packs(&site.scope, scenario).await.unwrap();
    packs.iter().map(|pack| json!([pack.name(), pack.document.get("items")])).collect()
}

/// Sends the form of a criterion with what is chosen in it: the test's browser knows neither choices nor boxes.
async fn send(browser: &mut Browser<'_>, page: &Page, action: &str, button: &str, typed: &[(&str, &str)]) -> Page {
    let mut fields = page.fields(action, button, typed);
    let checked = page.attributes("main input[type=checkbox][checked]", "name");
    let is_box = |name: &str| matches!(name, "required" | "ignore_case");
    fields.retain(|(name, _)| !is_box(name) || checked.contains(name) || typed.iter().any(|(typed, _)| typed == name));
    fields.retain(|(name, _)| !typed.iter().any(|(typed, value)| typed == name && value.is_empty() && is_box(name)));
    for name in ["kind", "pack", "of", "expected", "case"] {
        if page.has(&format!("main select[name={name}]")) && !typed.iter().any(|(typed, _)| *typed == name) {
            let chosen = page.attributes(&format!("main select[name={name}] option[selected]"), "value");
            fields.extend(chosen.into_iter().map(|value| (name.to_owned(), value)));
        }
    }
    let chosen = typed.iter().filter(|(name, _)| ["kind", "pack", "of", "expected", "case"].contains(name));
    fields.extend(chosen.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    browser.post(action, &[], &fields).await
}

#[tokio::test]
async fn each_kind_has_a_form_that_adds_a_criterion() {
    let site = Site::start().await;
    let (path, id, _) = scenario(&site, json!([])).await;
    let mut editor = site.member(Role::Editor, "Bob").await;
    let list = format!("{path}/criteria");
    let page = editor.get(&list).await;
    assert!(page.text(".empty").contains("Without criteria a test only finds errors."), "{}", page.body);
    let new = format!("{list}/new");
    for kind in KINDS {
        let page = editor.get(&format!("{new}?kind={}", kind.key)).await;
        assert_eq!(page.attributes("#kind option[selected]", "value"), [kind.key]);
        assert_eq!(page.text("#kind-about"), kind.about);
        let value = match kind.shape {
            Shape::Schema => "{\"type\": \"object\"}",
            Shape::Duration => "2s",
            Shape::Number => "5",
            _ => "word",
        };
        let is_first = kind.key == KINDS[0].key;
        let named: &[(&str, &str)] = if is_first { &[("pack_name", "House rules")] } else { &[] };
        let typed: Vec<(&str, &str)> = [("value", value)].iter().chain(named).copied().collect();
        let answer = send(&mut editor, &page, &new, "Save criterion", &typed).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}: {}", kind.key, answer.body);
        assert!(answer.location().starts_with(&format!("{list}?done=added#")), "{}", answer.location());
    }
    let drafted = draft(&site, &id).await;
    assert_eq!(drafted[0][0], "House rules");
    let keys: Vec<&str> =
        drafted[0][1].as_array().unwrap().iter().map(|item| item.as_object().unwrap().keys().next().unwrap().as_str()).collect();
    assert_eq!(keys, KINDS.map(|kind| kind.key));
    let page = editor.get(&list).await;
    assert_eq!(page.texts("tbody td[data-label='Kind:']"), KINDS.map(|kind| kind.title));
    // What is published has none of it yet; the page that publishes shows it.
    let publish = editor.get(&format!("{path}/publish")).await;
    assert!(publish.texts("h3").contains(&"Criteria".to_owned()) && publish.body.contains("House rules"), "{}", publish.body);
    let answer = editor.submit(&publish, &format!("{path}/publish"), "Publish version 2", &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert!(!editor.get(&list).await.has("h2 .badge"));
    let project = path.split("/scenarios").next().unwrap().trim_start_matches("/projects/");
    let newest = site.store.newest_bundle(&site.scope, project, None).await.unwrap();
    let content = site.store.bundle_content(&site.scope, &newest.id).await.unwrap();
    assert!(content.criteria.contains("latency_at_most"), "{}", content.criteria);
}

#[tokio::test]
async fn a_criterion_is_tried_before_it_is_saved() {
    let site = Site::start().await;
    let (path, id, bundle) = scenario(&site, json!([{"name": "P", "items": [{"contains": "way", "owner": "Ada"}]}])).await;
    let project = path.split("/scenarios").next().unwrap().trim_start_matches("/projects/").to_owned();
    let mut said = run("r1", Status::Passed, "Where?", "Order 4711 is on its way.");
    said.input_item_id = Some("q".to_owned());
    said.evaluation = json!({"tool_calls": [{"name": "lookup", "arguments": {"id": 4711}}]}).as_object().unwrap().clone();
    let failed = run("r2", Status::Failed, "When?", EVIL);
    experiment(&site, &project, &bundle, "exp_1", &[said, failed], true).await;
    let mut editor = site.member(Role::Editor, "Bob").await;
    let pack = site.store.draft_packs(&site.scope, &id).await.unwrap().remove(0).id;
    let form = format!("{path}/criteria/{pack}/1");
    let page = editor.get(&form).await;
    // Those that failed stand first.
    assert_eq!(page.texts("#case option"), ["The answer below", "failed: When?", "passed: Where?"]);
    let mut tried = async |kind: &str, typed: &[(&str, &str)]| {
        let typed: Vec<(&str, &str)> = typed.iter().copied().chain([("kind", kind)]).collect();
        let answer = send(&mut editor, &page, &form, "Try without saving", &typed).await;
        (answer.status, answer.texts("[role=status] > p"), answer)
    };
    let (status, told, answer) = tried("contains", &[("value", "ON ITS"), ("ignore_case", "yes"), ("case", "r1")]).await;
    assert_eq!(status, StatusCode::OK, "{}", answer.body);
    assert_eq!(told[0], "passed The answer to contain \"ON ITS\"");
    assert_eq!(
        (answer.text("mark").as_str(), answer.text("[role=status] summary").as_str()),
        ("on its", "The answer to “Where?”")
    );
    // It is as it stands in the form, which is still there.
    assert_eq!(answer.exact("textarea#value-1"), "ON ITS");
    let (_, told, answer) = tried("contains", &[("value", "script"), ("case", "r2")]).await;
    assert_eq!(told[0], "passed The answer to contain \"script\"");
    check_is_text(&answer);
    let (_, told, _) = tried("regex", &[("value", "\\d{4}"), ("answer", "one\r\n1234"), ("case", "")]).await;
    assert_eq!(told[..2], ["passed The answer to match /\\d{4}/", "Found: \"1234\" in \"one\\n1234\""]);
    let (_, told, _) = tried("tool_called", &[("value", "lookup"), ("case", "r1")]).await;
    assert!(told[1].contains("calls: lookup {\"id\":4711}"), "{told:?}");
    let (_, told, _) = tried("equals", &[("value", "expected"), ("expected", "metadata"), ("case", "r1")]).await;
    assert_eq!(told[0], "failed The answer to be the input's expected");
    let (_, told, _) = tried("json_schema", &[("value", "{\"$ref\": \"#\"}"), ("answer", "{}"), ("case", "")]).await;
    assert!(told[0].starts_with("not judged") && told[1].contains("refers to itself"), "{told:?}");
    let (status, _, answer) = tried("latency_at_most", &[("value", "1s"), ("answer", "x"), ("case", "")]).await;
    assert_eq!(
        (status, answer.text("#answer-problem").as_str()),
        (StatusCode::BAD_REQUEST, "A pasted answer has no time. Choose a case.")
    );
    let (status, _, answer) = tried("contains", &[("value", "x"), ("case", "")]).await;
    assert_eq!((status, answer.has("#answer-problem")), (StatusCode::BAD_REQUEST, true));
    let (status, _, answer) = tried("regex", &[("value", "("), ("case", "r1")]).await;
    assert_eq!((status, answer.has("#value-problem")), (StatusCode::BAD_REQUEST, true));
    // A long answer is tried on as a whole.
    let long = format!("{}needle", "x ".repeat(1_000_000));
    let (status, told, answer) = tried("contains", &[("value", "needle"), ("answer", &long), ("case", "")]).await;
    assert_eq!((status, told[0].as_str()), (StatusCode::OK, "passed The answer to contain \"needle\""));
    assert_eq!(answer.text("mark"), "needle");
    // What a program or a model judges is not judged here, and the page says what to run.
    let asked = editor.get(&format!("{path}/criteria/new?kind=judge")).await;
    assert!(!asked.has("button[value=try]"));
    assert_eq!(asked.texts("#try ~ p code"), ["keepstep sync pull --scenario \"orders\"", "keepstep test --accept-criteria"]);
    assert_eq!(draft(&site, &id).await, json!([["P", [{"contains": "way", "owner": "Ada"}]]]), "nothing was saved");
}

#[tokio::test]
async fn the_second_to_save_a_criterion_sees_both_and_unknown_keys_stay() {
    let site = Site::start().await;
    let criteria =
        json!([{"name": EVIL.replace(['[', '/', '\u{1b}'], ""), "items": [{"contains": "a", "owner": "Ada"}, "Be polite"]}]);
    let (path, id, _) = scenario(&site, criteria).await;
    let (mut ada, mut bob) = (site.member(Role::Editor, "Ada").await, site.member(Role::Editor, "Bob").await);
    let pack = site.store.draft_packs(&site.scope, &id).await.unwrap().remove(0).id;
    let list = format!("{path}/criteria");
    let form = format!("{list}/{pack}/1");
    let (of_ada, of_bob, of_second) = (ada.get(&form).await, bob.get(&form).await, bob.get(&format!("{list}/{pack}/2")).await);
    check_is_text(&ada.get(&list).await);
    let answer = send(&mut ada, &of_ada, &form, "Save criterion", &[("value", "ada")]).await;
    assert_eq!(answer.location(), format!("{list}?done=changed#{pack}"));
    let answer = send(&mut bob, &of_bob, &form, "Save criterion", &[("value", "bob")]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.text(".notice.warn pre").contains("contains: ada"), "{}", answer.body);
    assert_eq!(answer.exact("textarea#value-1"), "bob");
    let answer = send(&mut bob, &answer, &form, "Save criterion", &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert_eq!(draft(&site, &id).await[0][1], json!([{"contains": "bob", "owner": "Ada"}, "Be polite"]));
    // Another criterion of the pack is another thing, wherever it stands now.
    let question = ada.get(&format!("{form}/delete")).await;
    assert!(question.text("form.card").contains("contains: bob"), "{}", question.body);
    let action = question.attributes("form.card", "action").remove(0);
    assert_eq!(
        ada.submit(&question, &action, "Delete the criterion", &[]).await.location(),
        format!("{list}?done=removed#{pack}")
    );
    let second = format!("{list}/{pack}/2");
    let answer = send(&mut bob, &of_second, &second, "Save criterion", &[("value", "Be very polite")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert_eq!(draft(&site, &id).await[0][1], json!(["Be very polite"]));
    // One that is gone is a new one for whoever saves it.
    let answer = send(&mut bob, &of_second, &second, "Save criterion", &[("value", "Be kind")]).await;
    assert!(answer.text(".notice.bad").contains("was deleted while you were writing"), "{}", answer.body);
    let answer = send(&mut bob, &answer, &format!("{list}/new"), "Save criterion", &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert_eq!(draft(&site, &id).await[0][1], json!(["Be very polite", {"judge": "Be kind"}]));
    // The one behind a deleted one is not what became of it.
    let of_bob = bob.get(&form).await;
    let question = ada.get(&format!("{form}/delete")).await;
    let action = question.attributes("form.card", "action").remove(0);
    ada.submit(&question, &action, "Delete the criterion", &[]).await;
    let answer = send(&mut bob, &of_bob, &form, "Save criterion", &[("value", "Be brief")]).await;
    assert!(answer.text(".notice.bad").contains("was deleted while you were writing"), "{}", answer.body);
    let answer = send(&mut bob, &answer, &format!("{list}/new"), "Save criterion", &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert_eq!(draft(&site, &id).await[0][1], json!([{"judge": "Be kind"}, {"judge": "Be brief"}]));
    // What is wrong stands at its field, and nothing is saved.
    let page = ada.get(&form).await;
    let answer = send(&mut ada, &page, &form, "Save criterion", &[("weight", "heavy"), ("name", "N")]).await;
    assert_eq!((answer.status, answer.has("#weight-problem")), (StatusCode::BAD_REQUEST, true), "{}", answer.body);
    assert_eq!(answer.attributes("#weight", "value"), ["heavy"]);
    let answer = send(&mut ada, &page, &form, "Use this kind", &[("kind", "cost_at_most")]).await;
    assert!(answer.has("#price_input") && !answer.has("#try ~ p code"), "{}", answer.body);
    let answer = send(&mut ada, &answer, &form, "Use this kind", &[("kind", "contains")]).await;
    let answer = send(&mut ada, &answer, &form, "Add another", &[]).await;
    assert_eq!(answer.attributes("textarea[name=value]", "id"), ["value-1", "value-2"]);
    // Where all criteria around it are deleted, what was typed goes into others, and does not bring those back.
    let of_bob = bob.get(&form).await;
    let question = ada.get(&format!("{list}/{pack}/delete")).await;
    let action = question.attributes("form.card", "action").remove(0);
    ada.submit(&question, &action, "Delete the criteria", &[]).await;
    let answer = send(&mut bob, &of_bob, &form, "Save criterion", &[("value", "Be calm")]).await;
    assert_eq!(
        (answer.status, answer.exact("textarea#value-1")),
        (StatusCode::BAD_REQUEST, "Be calm".to_owned()),
        "{}",
        answer.body
    );
    assert!(answer.text("#pack-problem").contains("were deleted while you were writing"), "{}", answer.body);
    let answer = send(&mut bob, &answer, &format!("{list}/new"), "Save criterion", &[("pack_name", "Manners")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let kept = draft(&site, &id).await;
    let manners = kept.as_array().unwrap().iter().find(|one| one[0] == "Manners").cloned();
    assert_eq!(manners, Some(json!(["Manners", [{"judge": "Be calm"}]])), "{kept}");
    let question = ada.get(&format!("{list}/{pack}/revert")).await;
    let action = question.attributes("form.card", "action").remove(0);
    ada.submit(&question, &action, "Revert the criteria", &[]).await;
    // A form that says nothing, one without its token, and places that are none.
    let csrf = page.attributes("main input[name=csrf]", "value").remove(0);
    let nothing = [("csrf".to_owned(), csrf)];
    assert_eq!(ada.post(&form, &[], &nothing).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(ada.post(&form, &[], &[("value".to_owned(), "x".to_owned())]).await.status, StatusCode::FORBIDDEN);
    for gone in ["0", "9", "x", "detail-1"] {
        assert_eq!(ada.get(&format!("{list}/{pack}/{gone}")).await.status, StatusCode::NOT_FOUND, "{gone}");
    }
    assert_eq!(ada.get(&format!("{list}/criterion_x/1")).await.status, StatusCode::NOT_FOUND);
    let mut viewer = site.signed_in(Role::Viewer).await;
    let page = viewer.get(&list).await;
    assert!(page.status == StatusCode::OK && !page.has(&format!("main a[href^='{list}/']")), "{}", page.body);
    assert_eq!(viewer.get(&form).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn who_publishes_is_told_which_criteria_were_published_since_they_were_edited() {
    let site = Site::start().await;
    let two = |tone: &str| json!([{"name": "Tone", "items": [tone]}, {"name": "Facts", "items": ["b"]}]);
    let (path, id, _) = scenario(&site, two("a")).await;
    let mut editor = site.member(Role::Editor, "Bob").await;
    let pack = site.store.draft_packs(&site.scope, &id).await.unwrap().remove(0).id;
    let form = format!("{path}/criteria/{pack}/1");
    let page = editor.get(&form).await;
    send(&mut editor, &page, &form, "Save criterion", &[("value", "mine")]).await;
    let publish = format!("{path}/publish");
    assert!(!editor.get(&publish).await.has(".notice.warn"));
    let project = path.split("/scenarios").next().unwrap().trim_start_matches("/projects/");
    let mut transaction = site.store.write().await.unwrap();
    transaction.import(&site.scope, project, &file(two("theirs"))).await.unwrap();
    transaction.commit().await.unwrap();
    let page = editor.get(&publish).await;
    assert_eq!(
        page.text(".notice.warn"),
        "These criteria changed in a published version after they were edited here: Tone. The text below replaces them."
    );
    assert!(page.body.contains("theirs") && page.body.contains("mine"), "{}", page.body);
    assert_eq!(editor.get(&format!("{path}/criteria")).await.texts("h2"), ["Tone changed published since", "Facts"]);
}

#[tokio::test]
async fn a_pack_is_named_deleted_and_reverted() {
    let site = Site::start().await;
    let (path, id, _) = scenario(&site, json!([{"name": "Tone", "items": ["a"]}, {"name": "Facts", "items": ["b"]}])).await;
    let mut editor = site.member(Role::Editor, "Bob").await;
    let list = format!("{path}/criteria");
    let pack = site.store.draft_packs(&site.scope, &id).await.unwrap().remove(0).id;
    let form = format!("{list}/{pack}");
    let page = editor.get(&form).await;
    for (typed, field) in [([("name", "Facts"), ("threshold", "")], "name"), ([("name", "T"), ("threshold", "80")], "threshold")]
    {
        let answer = editor.submit(&page, &form, "Save", &typed).await;
        assert_eq!((answer.status, answer.has(&format!("#{field}-problem"))), (StatusCode::BAD_REQUEST, true), "{}", answer.body);
    }
    let answer = editor.submit(&page, &form, "Save", &[("name", "Manners"), ("threshold", "0.8")]).await;
    assert_eq!(answer.location(), format!("{list}?done=saved#{pack}"));
    let stale = editor.submit(&page, &form, "Save", &[("name", "Other")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    assert!(stale.text(".notice.warn pre").contains("threshold: 0.8"), "{}", stale.body);
    let shown = editor.get(&list).await;
    assert_eq!(shown.texts("h2"), ["Manners changed", "Facts"]);
    assert!(shown.text(".about-section").starts_with("Least score: 0.8. Edited by Bob"), "{}", shown.body);
    for (what, button, done, names) in [
        ("delete", "Delete the criteria", "deleted", ["Tone deleted", "Facts"]),
        ("revert", "Revert the criteria", "reverted", ["Tone", "Facts"]),
    ] {
        let question = editor.get(&format!("{form}/{what}")).await;
        let action = question.attributes("form.card", "action").remove(0);
        let answer = editor.submit(&question, &action, button, &[]).await;
        assert_eq!(answer.location(), format!("{list}?done={done}#{pack}"), "{}", answer.body);
        assert_eq!(editor.get(&list).await.texts("h2"), names);
    }
}

#[tokio::test]
async fn a_persona_is_added_and_changed_and_the_second_to_save_sees_both() {
    let site = Site::start().await;
    let (path, _, _) = scenario(&site, json!([])).await;
    let project = path.split("/scenarios").next().unwrap().to_owned();
    let id = project.trim_start_matches("/projects/").to_owned();
    let (mut ada, mut bob) = (site.member(Role::Editor, "Ada").await, site.member(Role::Editor, "Bob").await);
    let list = format!("{project}/personas");
    let page = ada.get(&list).await;
    assert_eq!(page.texts("tbody th, tbody td"), ["novice", "New here", ""]);
    let form = page.attributes("tbody th a", "href").remove(0);
    let (of_ada, of_bob) = (ada.get(&form).await, bob.get(&form).await);
    let answer = ada.submit(&of_ada, &form, "Save", &[("description", "Two\nlines"), ("difficulty", "hard")]).await;
    assert_eq!(answer.location(), format!("{list}?done=saved"));
    let persona = async || site.store.test_personas(&site.scope, &id).await.unwrap().remove(0);
    assert_eq!(json!(persona().await.body), json!({"description": "Two\nlines", "goals": ["refund"], "difficulty": "hard"}));
    let answer = bob.submit(&of_bob, &form, "Save", &[("name", "beginner")]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.text(".notice.warn pre").contains("difficulty: hard"), "{}", answer.body);
    let answer = bob.submit(&answer, &form, "Save", &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert_eq!((persona().await.name.as_str(), persona().await.body["goals"].clone()), ("beginner", json!(["refund"])));
    let new = format!("{list}/new");
    let page = bob.get(&new).await;
    for (typed, field) in [([("name", "beginner"), ("more", "")], "name"), ([("name", "x"), ("more", "[1]")], "more")] {
        let answer = bob.submit(&page, &new, "Add the persona", &typed).await;
        assert_eq!((answer.status, answer.has(&format!("#{field}-problem"))), (StatusCode::BAD_REQUEST, true), "{}", answer.body);
    }
    let answer =
        bob.submit(&page, &new, "Add the persona", &[("name", EVIL.split(' ').next().unwrap()), ("description", EVIL)]).await;
    assert_eq!(answer.location(), format!("{list}?done=added"), "{}", answer.body);
    check_is_text(&bob.get(&list).await);
    assert_eq!(bob.get(&format!("{list}/persona_x")).await.status, StatusCode::NOT_FOUND);
    let mut viewer = site.signed_in(Role::Viewer).await;
    assert!(!viewer.get(&list).await.has("main a[href*='/personas/']"));
    assert_eq!(viewer.get(&form).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_persona_is_deleted_after_a_question_and_restored() {
    let site = Site::start().await;
    let (path, _, _) = scenario(&site, json!([])).await;
    let project = path.split("/scenarios").next().unwrap();
    let list = format!("{project}/personas");
    let (mut ada, mut viewer) = (site.member(Role::Editor, "Ada").await, site.signed_in(Role::Viewer).await);
    let form = ada.get(&list).await.attributes("tbody th a", "href").remove(0);
    let delete = ada.get(&form).await.attributes(".actions a.quiet", "href").remove(0);
    let asked = ada.get(&delete).await;
    assert_eq!(asked.text("h1"), "Delete the persona novice?");
    assert!(asked.text("form.card").contains("1 input of orders names it"), "{}", asked.body);
    assert_eq!(viewer.get(&delete).await.status, StatusCode::FORBIDDEN);
    // What somebody changed meanwhile is not deleted unseen.
    let action = asked.attributes("form.card", "action").remove(0);
    let page = ada.get(&form).await;
    ada.submit(&page, &form, "Save", &[("difficulty", "hard")]).await;
    assert_eq!(ada.submit(&asked, &action, "Delete the persona", &[]).await.status, StatusCode::BAD_REQUEST);
    let asked = ada.get(&delete).await;
    let action = asked.attributes("form.card", "action").remove(0);
    let answer = ada.submit(&asked, &action, "Delete the persona", &[]).await;
    assert_eq!(answer.location(), format!("{list}?done=deleted"), "{}", answer.body);
    assert_eq!(ada.get(&form).await.status, StatusCode::NOT_FOUND);
    let page = ada.get(answer.location()).await;
    assert!(page.has(".empty") && !viewer.get(&list).await.body.contains("novice"), "{}", page.body);
    assert_eq!(page.texts("tbody th, tbody .author"), ["novice", "Ada"]);
    // The input that names it keeps it, and no other one can choose it.
    let choices = |page: &Page| page.texts("select[name=persona] option[value^=persona_]");
    assert_eq!(choices(&ada.get(&format!("{path}?edit=q")).await), ["novice"]);
    assert_eq!(choices(&ada.get(&format!("{path}?edit=new")).await), [""; 0]);
    let restore = format!("{form}/restore");
    assert_eq!(viewer.post(&restore, &[], &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(ada.submit(&page, &restore, "Restore", &[]).await.location(), format!("{list}?done=restored"));
    assert_eq!(ada.get(&list).await.texts("tbody th"), ["novice"]);
}
