//! Projects, scenarios and inputs, as somebody works with them who has no script.

use keepstep_store::test_data::{InputFilter, InputState, TestDataFile};
use keepstep_store::{Role, Scope};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::site::{Browser, Page, Site};

/// What a page must not obey.
const EVIL: &str = "<script>alert(1)</script> \u{202e}abc <b onclick=x>";

/// A project with a scenario that has inputs. Returns the address of its page, and its id.
pub(crate) async fn orders(site: &Site, inputs: Value) -> (String, String) {
    let file = json!({"scenario": {"name": "orders"}, "personas": [{"name": "novice"}], "inputs": inputs});
    let file: TestDataFile = serde_json::from_value(file).unwrap();
    let mut transaction = site.store.write().await.unwrap();
    let project = transaction.create_project(&site.scope.org_id, "shop").await.unwrap().id;
    let bundle = transaction.import(&site.scope, &project, &file).await.unwrap();
    transaction.commit().await.unwrap();
    (format!("/projects/{project}/scenarios/{}", bundle.scenario_id), bundle.scenario_id)
}

/// Returns what the inputs of a draft say, and whether they are deleted.
async fn draft(site: &Site, scenario: &str) -> Vec<(String, bool)> {
    let all = InputFilter { limit: 1000, ..InputFilter::default() };
    let inputs = site.store.draft_inputs(&site.scope, scenario, &all).await.unwrap();
    let text = |input: &keepstep_store::test_data::DraftInput| {
        let texts: Vec<String> = input.values().messages.into_iter().map(|message| message.content).collect();
        (texts.join(" | "), input.state == InputState::Deleted)
    };
    inputs.iter().map(text).collect()
}

/// Sends the form of an input with all that a person chose: the test's browser knows no lists of choices.
async fn send(
    browser: &mut Browser<'_>,
    page: &Page,
    action: &str,
    button: &str,
    messages: &[(&str, &str)],
    more: &[(&str, &str)],
) -> Page {
    let mut fields = page.fields(action, button, more);
    fields.retain(|(name, _)| name != "content");
    for (role, content) in messages {
        fields.push(("role".to_owned(), (*role).to_owned()));
        fields.push(("content".to_owned(), content.replace('\n', "\r\n")));
    }
    fields.extend(
        more.iter().filter(|(name, _)| *name == "persona").map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    browser.post(action, &[], &fields).await
}

#[tokio::test]
async fn a_project_is_created_renamed_deleted_and_restored() {
    let site = Site::start().await;
    let agent = site.agent(EVIL).await;
    let mut owner = site.member(Role::Owner, "Ada").await;
    let page = owner.get("/projects").await;
    assert!(page.text(".empty code").starts_with("keepstep projects create --name"));
    let form = owner.get("/new-project").await;
    let answer = owner.submit(&form, "/new-project", "Create the project", &[("name", " "), ("description", "About\nit")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        (answer.text("#name-problem").as_str(), answer.exact("textarea").as_str()),
        ("Invalid name \"\": it is empty", "About\nit")
    );
    let mut fields = answer.fields("/new-project", "Create the project", &[("name", EVIL)]);
    fields.push(("agent".to_owned(), agent.to_string()));
    let answer = owner.post("/new-project", &[], &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let path = answer.location().split('?').next().unwrap().to_owned();
    let page = owner.get(&path).await;
    assert_eq!(page.text(".lead a"), "<script>alert(1)</script> \\u{202e}abc <b onclick=x>");
    assert!(!page.has("main script") && !page.has("[onclick]"));

    let settings = format!("{path}/settings");
    let form = owner.get(&settings).await;
    assert_eq!(form.attributes("option[selected]", "value"), [agent.to_string()]);
    let answer = owner.submit(&form, &settings, "Save", &[("name", "Shop")]).await;
    assert_eq!(answer.location(), format!("{path}?done=saved"));
    // The test's browser sent no choice, which is none.
    assert!(!owner.get(&path).await.has(".lead a"));
    let other = owner.get("/new-project").await;
    let answer = owner.submit(&other, "/new-project", "Create the project", &[("name", "Shop")]).await;
    assert!(answer.text("#name-problem").contains("Shop"), "{}", answer.body);

    let delete = format!("{path}/delete");
    let question = owner.get(&delete).await;
    assert_eq!(question.text("h1"), "Delete the project Shop?");
    let answer = owner.submit(&question, &delete, "Delete the project", &[]).await;
    assert_eq!(answer.location(), "/projects?done=deleted");
    assert_eq!(owner.get(&path).await.status, StatusCode::NOT_FOUND);
    let page = owner.get("/projects?done=deleted").await;
    assert_eq!((page.text("section th[scope=row]").as_str(), page.text("section td.author").as_str()), ("Shop", "Ada"));
    let restore = format!("{path}/restore");
    assert_eq!(owner.submit(&page, &restore, "Restore", &[]).await.location(), format!("{path}?done=restored"));
    assert_eq!(owner.get(&path).await.text("h1"), "Shop");
}

#[tokio::test]
async fn a_scenario_is_created_renamed_deleted_and_restored() {
    let site = Site::start().await;
    let (orders, id) = orders(&site, json!([{"text": "One"}])).await;
    let project = orders.split("/scenarios").next().unwrap().to_owned();
    let mut editor = site.member(Role::Editor, "Bob").await;
    let new = format!("{project}/new-scenario");
    let form = editor.get(&new).await;
    let answer = editor.submit(&form, &new, "Create the scenario", &[("name", "orders"), ("description", EVIL)]).await;
    assert_eq!((answer.status, answer.exact("textarea").as_str()), (StatusCode::BAD_REQUEST, EVIL));
    let answer = editor.submit(&answer, &new, "Create the scenario", &[("name", EVIL)]).await;
    let path = answer.location().split('?').next().unwrap().to_owned();
    let page = editor.get(&path).await;
    assert_eq!(page.text(".empty code"), "keepstep bundles import FILE.yaml");
    assert!(!page.has("main script") && !page.has("[onclick]"));
    let form = editor.get(&format!("{path}?edit=new")).await;
    send(&mut editor, &form, &format!("{path}/inputs"), "Save input", &[("user", "First")], &[]).await;
    let page = editor.get(&path).await;
    assert_eq!(page.text("section > .about-section"), "Nothing is published yet.");
    for field in ["text", "tag", "persona"] {
        let page = editor.get(&format!("{path}?{field}={}", "_".repeat(30_000))).await;
        assert_eq!(page.status, StatusCode::OK, "{field}");
    }

    let settings = format!("{orders}/settings");
    let form = editor.get(&settings).await;
    assert_eq!(editor.submit(&form, &settings, "Save", &[("name", "returns")]).await.location(), format!("{orders}?done=saved"));
    let question = editor.get(&format!("{orders}/delete")).await;
    assert!(question.text("form.card").contains("1 input, 1 bundle version and its criteria"), "{}", question.body);
    let answer = editor.submit(&question, &format!("{orders}/delete"), "Delete the scenario", &[]).await;
    assert_eq!(answer.location(), format!("{project}?done=scenario-deleted#scenarios"));
    assert_eq!(editor.get(&orders).await.status, StatusCode::NOT_FOUND);
    let page = editor.get(&project).await;
    assert_eq!(page.texts("#deleted ~ .card th[scope=row]"), ["returns"]);
    let restore = format!("{orders}/restore");
    // Another project does not have it.
    let elsewhere = format!("/projects/project_x/scenarios/{id}/restore");
    assert_eq!(editor.post(&elsewhere, &[], &page.fields(&restore, "Restore", &[])).await.status, StatusCode::NOT_FOUND);
    assert_eq!(editor.submit(&page, &restore, "Restore", &[]).await.location(), format!("{orders}?done=restored"));
    assert_eq!(editor.get(&orders).await.text("h1"), "returns");
}

#[tokio::test]
async fn an_input_that_says_nearly_what_another_one_says_is_pointed_out() {
    let site = Site::start().await;
    let (path, _) =
        orders(&site, json!([{"id": "q 1", "text": "Where is my order <b>?"}, {"id": "q2", "text": "Cancel it"}])).await;
    let mut editor = site.member(Role::Editor, "Bob").await;
    let add = format!("{path}/inputs");
    let form = editor.get(&format!("{path}?edit=new")).await;
    let added = send(&mut editor, &form, &add, "Save input", &[("user", "Where is my order, b?")], &[]).await;
    let page = editor.get(added.location().split('#').next().unwrap()).await;
    assert_eq!(
        page.text(".notice[role=status]"),
        "The input is added to the draft. Another input says nearly the same: Where is my order <b>?"
    );
    assert_eq!(page.attributes(".notice[role=status] a", "href"), [format!("{path}?edit=q%201#q%201")]);
    // What says something else is not pointed out, nor an input that keeps its words, nor an address that names nothing.
    let form = editor.get(&format!("{path}?edit=new")).await;
    let other = send(&mut editor, &form, &add, "Save input", &[("user", "How much is shipping?")], &[]).await;
    assert!(!other.location().contains("like="), "{}", other.location());
    let change = format!("{path}/inputs/q%201");
    let form = editor.get(&format!("{path}?edit=q%201")).await;
    let tagged = send(&mut editor, &form, &change, "Save input", &[("user", "Where is my order <b>?")], &[("tags", "x")]).await;
    assert!(!tagged.location().contains("like="), "{}", tagged.location());
    let form = editor.get(&format!("{path}?edit=q2")).await;
    let reworded =
        send(&mut editor, &form, &format!("{path}/inputs/q2"), "Save input", &[("user", "Where is my order, b")], &[]).await;
    assert!(reworded.location().contains("&like="), "{}", reworded.location());
    let page = editor.get(&format!("{path}?done=added&like=%3Cb%3E")).await;
    assert_eq!(page.text(".notice[role=status]"), "The input is added to the draft.");
}

#[tokio::test]
async fn inputs_are_added_edited_in_their_row_and_deleted() {
    let site = Site::start().await;
    let (path, id) =
        orders(&site, json!([{"id": "q 1", "text": "One"}, {"text": EVIL, "metadata": {"tags": ["late"], "n": 1.0}}])).await;
    let mut editor = site.member(Role::Editor, "Bob").await;
    let page = editor.get(&path).await;
    assert_eq!(page.texts(".inputs th[scope=row] .verbatim"), ["One", "<script>alert(1)</script> \\u{202e}abc <b onclick=x>"]);
    assert!(!page.has("main script") && !page.has("[onclick]"));

    // A new one, with another message than the form has.
    let form = editor.get(&format!("{path}?edit=new")).await;
    let add = format!("{path}/inputs");
    let more = send(&mut editor, &form, &add, "Add a message", &[("user", "Hi\nthere")], &[("tags", "a, b")]).await;
    assert_eq!((more.status, more.texts("form.input-form textarea[name=content]").len()), (StatusCode::OK, 2));
    assert_eq!(more.exact("textarea[name=content]"), "Hi\nthere");
    let broken =
        send(&mut editor, &more, &add, "Save input", &[("user", "Hi"), ("assistant", "Yes?")], &[("metadata", "[1]")]).await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    assert!(broken.text("#metadata-problem").starts_with("Not a JSON object"), "{}", broken.body);
    let empty = send(&mut editor, &broken, &add, "Save input", &[("assistant", "Yes?")], &[("metadata", "")]).await;
    assert_eq!(empty.text(".notice.bad"), "Not saved. No message has the role `user`.");
    let talk = [("user", "Hi"), ("assistant", "Yes?"), ("user", ""), ("user", "My order")];
    let answer = send(&mut editor, &empty, &add, "Save input", &talk, &[("metadata", "{\"n\": 1.0}")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert!(answer.location().starts_with(&format!("{path}?done=added#item_")), "{}", answer.location());
    assert_eq!(draft(&site, &id).await[2].0, "Hi | Yes? | My order");
    let page = editor.get(&format!("{path}?tag=b")).await;
    assert_eq!(page.texts(".inputs .badge"), ["a", "b", "new"]);

    // In its row, with the list that it stands in.
    let list = format!("{path}?text=one&edit=q%201");
    let form = editor.get(&list).await;
    let change = format!("{path}/inputs/q%201");
    let answer = send(&mut editor, &form, &change, "Save input", &[("user", "One, please")], &[]).await;
    assert_eq!(answer.location(), format!("{path}?text=one&done=changed#q%201"));
    // The form that is still open in another tab was made from another text.
    let stale = send(&mut editor, &form, &change, "Save input", &[("user", "Uno")], &[]).await;
    assert_eq!((stale.status, stale.text(".notice.warn .verbatim").as_str()), (StatusCode::CONFLICT, "user: One, please"));
    assert_eq!(stale.exact("textarea[name=content]"), "Uno");
    assert_eq!(draft(&site, &id).await[0].0, "One, please");
    let answer = send(&mut editor, &stale, &change, "Save input", &[("user", "Uno")], &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(draft(&site, &id).await[0].0, "Uno");

    let page = editor.get(&format!("{path}?changed=1")).await;
    assert_eq!(page.texts(".chip[aria-current]"), ["Changed 2"]);
    let question = editor.get(&page.attributes("a[href*='/delete']", "href")[0]).await;
    assert!(question.text("form.card").contains("user: Uno"), "{}", question.body);
    let action = question.attributes("form.card", "action").remove(0);
    assert!(editor.submit(&question, &action, "Delete the input", &[]).await.location().contains("changed=1&done=deleted"));
    assert_eq!(draft(&site, &id).await[0], ("One".to_owned(), true));
    let page = editor.get(&path).await;
    assert_eq!(page.texts("del"), ["One"]);
    let question = editor.get(&page.attributes("a[href*='/revert']", "href")[0]).await;
    let action = question.attributes("form.card", "action").remove(0);
    editor.submit(&question, &action, "Revert the input", &[]).await;
    assert_eq!(draft(&site, &id).await[0], ("One".to_owned(), false));
    // What somebody else says of it beside its messages is shown before it is overwritten, and nothing is lost that was not shown.
    let form = editor.get(&format!("{path}?edit=q%201")).await;
    let tagged = send(&mut editor, &form, &change, "Save input", &[("user", "One")], &[("tags", "theirs")]).await;
    assert_eq!(tagged.status, StatusCode::SEE_OTHER);
    let stale = send(&mut editor, &form, &change, "Save input", &[("user", "Uno")], &[]).await;
    assert!(stale.text(".notice.warn .verbatim").contains("tags: - theirs"), "{}", stale.body);
    let page = editor.get(&path).await;
    let revert = page.attributes("a[href*='/revert']", "href").remove(0);
    let question = editor.get(&revert).await;
    assert!(question.text("form.card").contains("tags: - theirs"), "{}", question.body);
    let action = question.attributes("form.card", "action").remove(0);
    send(&mut editor, &stale, &change, "Save input", &[("user", "Saved in between")], &[]).await;
    let answer = editor.submit(&question, &action, "Revert the input", &[]).await;
    assert_eq!((answer.status, draft(&site, &id).await[0].0.as_str()), (StatusCode::BAD_REQUEST, "Saved in between"));
    let question = editor.get(&revert).await;
    let action = question.attributes("form.card", "action").remove(0);
    editor.submit(&question, &action, "Revert the input", &[]).await;
    assert_eq!(draft(&site, &id).await[0], ("One".to_owned(), false));
    // One that somebody else deleted for good is kept by whoever still has it open.
    let edited = InputFilter { only_edited: true, limit: 9, ..InputFilter::default() };
    let added = site.store.draft_inputs(&site.scope, &id, &edited).await.unwrap().remove(0).id;
    let form = editor.get(&format!("{path}?edit={added}")).await;
    let mut transaction = site.store.write().await.unwrap();
    transaction.delete_input(&site.scope, &id, &added, None, "Eve").await.unwrap();
    transaction.commit().await.unwrap();
    let gone = format!("{path}/inputs/{added}");
    let more = send(&mut editor, &form, &gone, "Add a message", &[("user", "Kept")], &[]).await;
    assert_eq!(more.exact("textarea[name=content]"), "Kept", "{}", more.body);
    assert_eq!(more.texts("form.input-form textarea[name=content]").len(), 2);
    let answer = send(&mut editor, &form, &gone, "Save input", &[("user", "Kept")], &[]).await;
    assert!(answer.text(".notice.bad").contains("was deleted while you were writing"), "{}", answer.body);
    assert_eq!(send(&mut editor, &answer, &add, "Save input", &[("user", "Kept")], &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(draft(&site, &id).await.last().unwrap().0, "Kept");
}

#[tokio::test]
async fn what_is_typed_outlives_the_session_and_viewers_only_read() {
    let site = Site::start().await;
    let (path, id) = orders(&site, json!([{"id": "q", "text": "One"}])).await;
    let project = path.split("/scenarios").next().unwrap().to_owned();
    let mut editor = site.member(Role::Editor, "Bob").await;
    let form = editor.get(&format!("{path}?edit=q")).await;
    let user = site.id_of("Bob").await;
    let session = site.store.sessions(&user).await.unwrap().remove(0).id;
    let mut transaction = site.store.write().await.unwrap();
    transaction.end_session_of(&user, &session).await.unwrap();
    transaction.commit().await.unwrap();
    let answer = send(&mut editor, &form, &format!("{path}/inputs/q"), "Save input", &[("user", "Typed\nfor long")], &[]).await;
    assert_eq!((answer.status, answer.exact("textarea").as_str()), (StatusCode::UNAUTHORIZED, "Typed\nfor long"));

    let mut viewer = site.signed_in(Role::Viewer).await;
    for address in [format!("{path}?edit=q"), format!("{path}?edit=new"), project.clone(), "/projects".to_owned()] {
        let page = viewer.get(&address).await;
        assert_eq!(page.status, StatusCode::OK, "{address}");
        assert!(
            !page.has("main form[method=post]") && !page.has("main a[href*=edit], main a[href*=delete], main a[href*=settings]"),
            "{address}"
        );
    }
    let csrf = viewer.get("/projects").await.attributes("input[name=csrf]", "value").remove(0);
    let fields = [("csrf".to_owned(), csrf), ("role".to_owned(), "user".to_owned()), ("content".to_owned(), "x".to_owned())];
    for address in ["inputs", "inputs/q", "inputs/q/delete", "inputs/q/revert", "delete", "settings", "restore"] {
        let answer = viewer.post(&format!("{path}/{address}"), &[], &fields).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{address}");
    }
    for address in ["/new-project".to_owned(), format!("{project}/delete"), format!("{project}/new-scenario")] {
        assert_eq!(viewer.post(&address, &[], &fields).await.status, StatusCode::FORBIDDEN, "{address}");
    }
    assert_eq!(draft(&site, &id).await, [("One".to_owned(), false)]);
}

#[tokio::test]
async fn versions_are_listed_in_pages_and_each_is_found() {
    let site = Site::start().await;
    let (path, _) = orders(&site, json!([{"id": "q", "text": "Text 1"}])).await;
    let project = path.split('/').nth(2).unwrap().to_owned();
    let mut transaction = site.store.write().await.unwrap();
    for number in 2..=52 {
        let file = json!({"scenario": {"name": "orders"}, "inputs": [{"id": "q", "text": format!("Text {number}")}]});
        transaction.import(&site.scope, &project, &serde_json::from_value(file).unwrap()).await.unwrap();
    }
    transaction.commit().await.unwrap();
    let mut viewer = site.signed_in(Role::Viewer).await;
    let page = viewer.get(&format!("{path}/versions")).await;
    let versions = page.texts("th[scope=row] a");
    assert_eq!((versions.len(), versions[0].as_str(), page.texts(".badge.current").len()), (50, "Version 52", 1));
    let page = viewer.get(&page.attributes(".pager a", "href")[0]).await;
    assert_eq!(page.texts("th[scope=row] a"), ["Version 2", "Version 1"]);
    assert_eq!((page.texts(".badge.current").len(), page.texts(".pager a")), (0, vec!["← Newer versions".to_owned()]));
    for (version, old, new) in [(52, "user: Text 51", "user: Text 52"), (2, "user: Text 1", "user: Text 2")] {
        let page = viewer.get(&format!("{path}/versions/{version}")).await;
        let content = |class: &str| page.texts(&format!(".diff .{class} .content"));
        assert_eq!((content("removed"), content("added")), (vec![old.to_owned()], vec![new.to_owned()]), "{}", page.body);
        assert_eq!(page.has(".badge.current"), version == 52);
    }
    assert_eq!(viewer.get(&format!("{path}/versions/53")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_scenario_is_only_below_its_project() {
    let site = Site::start().await;
    let (path, id) = orders(&site, json!([{"id": "q", "text": "One"}])).await;
    let mut transaction = site.store.write().await.unwrap();
    let other = transaction.create_project(&site.scope.org_id, "other").await.unwrap().id;
    let elsewhere = Scope::organization(transaction.ensure_organization(Some("Other")).await.unwrap().id);
    let foreign = transaction.create_project(&elsewhere.org_id, "foreign").await.unwrap().id;
    transaction.commit().await.unwrap();
    let mut owner = site.signed_in(Role::Owner).await;
    for project in [&other, &foreign] {
        for rest in ["", "?edit=q", "/settings", "/delete", "/inputs/q/delete", "/inputs/q/revert"] {
            let address = format!("/projects/{project}/scenarios/{id}{rest}");
            assert_eq!(owner.get(&address).await.status, StatusCode::NOT_FOUND, "{address}");
        }
    }
    let form = owner.get(&format!("{path}?edit=q")).await;
    let fields = form.fields(&format!("{path}/inputs/q"), "Save input", &[]);
    let answer = owner.post(&format!("/projects/{other}/scenarios/{id}/inputs/q"), &[], &fields).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(owner.get(&format!("{path}/inputs/nobody/delete")).await.status, StatusCode::NOT_FOUND);
    for project in [&foreign, &"project_x".to_owned()] {
        for rest in ["/settings", "/delete", "/new-scenario"] {
            assert_eq!(owner.get(&format!("/projects/{project}{rest}")).await.status, StatusCode::NOT_FOUND, "{project}{rest}");
        }
    }
}

#[tokio::test]
async fn a_draft_is_published_with_what_it_changes_and_who_pulls_is_told() {
    let site = Site::start().await;
    let (path, id) = orders(&site, json!([{"id": "q", "text": "One\nline"}, {"id": "r", "text": "Two"}])).await;
    let mut editor = site.member(Role::Editor, "Bob").await;
    let page = editor.get(&format!("{path}/publish")).await;
    assert!(page.text(".empty").starts_with("Nothing differs from version 1"), "{}", page.body);
    let form = editor.get(&format!("{path}?edit=q")).await;
    send(&mut editor, &form, &format!("{path}/inputs/q"), "Save input", &[("user", EVIL)], &[]).await;
    let form = editor.get(&format!("{path}?edit=new")).await;
    send(&mut editor, &form, &format!("{path}/inputs"), "Save input", &[("user", "New")], &[("tags", "late")]).await;

    let publish = format!("{path}/publish");
    let page = editor.get(&publish).await;
    assert_eq!(page.texts("h3 .badge"), ["changed", "new"]);
    assert_eq!(page.texts(".diff .removed .content"), ["user: One", "line"]);
    assert!(!page.has("main script") && !page.has("[onclick]"));
    // Somebody else deletes one meanwhile.
    let mut transaction = site.store.write().await.unwrap();
    transaction.delete_input(&site.scope, &id, "r", None, "Eve").await.unwrap();
    transaction.commit().await.unwrap();
    let stale = editor.submit(&page, &publish, "Publish version 2", &[("message", "more")]).await;
    assert_eq!((stale.status, stale.texts("h3 .badge").len()), (StatusCode::CONFLICT, 3));
    assert_eq!(stale.attributes("input[name=message]", "value"), ["more"]);
    let answer = editor.submit(&stale, &publish, "Publish version 2", &[]).await;
    assert_eq!(answer.location(), format!("{path}/versions/2?done=published"));
    let page = editor.get(answer.location()).await;
    assert_eq!(page.texts("h3 .badge"), ["changed", "new", "deleted"]);
    assert_eq!((page.text("p.lead").as_str(), page.texts(".facts dd")[1].as_str()), ("more", "Bob"));
    assert_eq!(
        page.text("#pulls ~ .empty code"),
        format!("keepstep sync pull --bundle-version-id {}", page.texts(".facts dd")[3])
    );
    assert_eq!(draft(&site, &id).await.iter().map(|input| input.0.as_str()).collect::<Vec<_>>(), [EVIL, "New"]);

    let bundle = page.texts(".facts dd").remove(3);
    let mut transaction = site.store.write().await.unwrap();
    transaction.note_pull(&bundle, ("key_1", "ci"), "keepstep/0.1").await.unwrap();
    transaction.commit().await.unwrap();
    let page = editor.get(&format!("{path}/versions/2")).await;
    assert_eq!(page.texts("#pulls ~ .card tbody tr > *")[..2], ["ci", "keepstep/0.1"]);
    let page = editor.get(&format!("{path}/versions")).await;
    assert_eq!(page.texts("th[scope=row] a"), ["Version 2", "Version 1"]);
    assert_eq!(page.texts("tbody td:last-child")[1], "not yet");
    for version in ["3", "x", "-1"] {
        assert_eq!(editor.get(&format!("{path}/versions/{version}")).await.status, StatusCode::NOT_FOUND, "{version}");
    }
    // Who may not publish looks at the changes.
    let mut transaction = site.store.write().await.unwrap();
    let user = site.id_of("Bob").await;
    transaction.set_rights(&site.scope.org_id, &user, Some(Role::Editor), false).await.unwrap();
    transaction.delete_input(&site.scope, &id, "q", None, "Eve").await.unwrap();
    transaction.commit().await.unwrap();
    let page = editor.get(&publish).await;
    assert!(page.has("h3 .badge") && !page.has("main form"), "{}", page.body);
    let csrf = page.attributes("input[name=csrf]", "value").remove(0);
    let answer = editor.post(&publish, &[], &[("csrf".to_owned(), csrf), ("seen".to_owned(), "x".to_owned())]).await;
    assert!(!answer.status.is_success(), "{}", answer.body);
    assert_eq!(site.store.bundle(&site.scope, &bundle).await.unwrap().generation, Some(2));
}
