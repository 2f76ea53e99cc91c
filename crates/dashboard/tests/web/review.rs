//! A draft is proposed, reviewed and published.

use keepstep_agent::canonical::persona_digest;
use keepstep_store::Role;
use keepstep_store::results::{RunRecord, Status, Upload};
use reqwest::StatusCode;
use serde_json::json;

use crate::site::Site;

#[tokio::test]
async fn a_draft_is_reviewed_where_a_project_asks_for_it() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One\nTwo\n").await;
    let (mut owner, mut ada, mut bob) =
        (site.member(Role::Owner, "Own").await, site.member(Role::Editor, "Ada").await, site.member(Role::Editor, "Bob").await);
    let page = owner.get("/publishing").await;
    assert_eq!(page.texts("h2"), ["Agents in no project"]);
    let mut fields = page.fields("/publishing", "Save", &[]);
    fields.push(("review".to_owned(), "yes".to_owned()));
    assert_eq!(owner.post("/publishing", &[], &fields).await.location(), "/publishing?done=saved");
    assert_eq!(owner.get("/publishing").await.text("select[name=review] option[selected]"), "someone else has approved it");
    assert_eq!(ada.get("/publishing").await.status, StatusCode::FORBIDDEN);

    // Nobody publishes past it.
    let edit = format!("/agents/{agent}/edit");
    let page = ada.get(&edit).await;
    assert_eq!(page.texts("#edit .primary"), ["Propose"], "what is refused is not what the form is for");
    let typed = [("persona", "One\nTwo\n<b>Three</b>\n")];
    let refused = ada.submit(&page, &edit, "Publish", &typed).await;
    assert!(refused.text(".notice.bad").contains("reviewed before they are published"), "{}", refused.text(".notice.bad"));
    let answer = ada.submit(&refused, &edit, "Propose", &[]).await;
    let version = format!("/agents/{agent}/versions/2");
    assert_eq!(answer.location(), format!("{version}#review"));
    let page = ada.get(&version).await;
    assert_eq!(page.text("#review"), "Review waits for a review");
    assert!(!page.texts("button").iter().any(|label| label == "Approve" || label == "Publish"), "{:?}", page.texts("button"));
    assert!(!ada.get("/").await.has("#waiting"), "it waits for others");
    let waiting = "section[aria-labelledby=waiting] tbody";
    let page = bob.get("/").await;
    assert_eq!(
        page.texts(&format!("{waiting} tr")),
        ["Orders Draft 2 of Ada waits for a review Diff of Orders 14 Nov 2023, 22:13 UTC"]
    );
    assert_eq!(page.attributes(&format!("{waiting} th a"), "href"), [format!("{version}#review")]);
    assert!(!site.signed_in(Role::Viewer).await.get("/").await.has("#waiting"));

    // A suggestion on a line, and a request for changes.
    let (page, review) = (bob.get(&version).await, format!("{version}/review"));
    assert_eq!(page.texts(".diff .added .content"), ["<b>Three</b>"], "the diff is on the page");
    let bad = bob.submit(&page, &review, "Comment", &[("line", "x"), ("comment", "Hours of work")]).await;
    assert_eq!((bad.status, bad.exact("textarea[readonly]").as_str()), (StatusCode::BAD_REQUEST, "Hours of work"));
    let bad = bob.submit(&page, &review, "Comment", &[("suggestion", "Four"), ("comment", "So")]).await;
    assert_eq!(
        (bad.status, bad.texts("textarea[readonly]")),
        (StatusCode::BAD_REQUEST, vec!["Four".to_owned(), "So".to_owned()])
    );
    assert!(bad.body.contains("Enter the line that the suggestion is for."));
    let long = "x".repeat(10_001);
    let bad = bob.submit(&page, &review, "Comment", &[("comment", &long)]).await;
    assert_eq!((bad.status, bad.exact("textarea[readonly]")), (StatusCode::PAYLOAD_TOO_LARGE, long));
    assert!(bad.body.contains("The comment with its suggestion is larger than 10000 bytes."), "{}", bad.body);
    let fields = [("line", "3"), ("suggestion", "Four"), ("comment", "<script>1</script>")];
    let answer = bob.submit(&page, &review, "Request changes", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(
        ada.get("/").await.texts(&format!("{waiting} tr")),
        ["Orders Draft 2 of Ada has changes requested Diff of Orders 14 Nov 2023, 22:13 UTC"]
    );
    let page = ada.get(&version).await;
    assert_eq!(
        page.text(".turn"),
        "Bob 14 Nov 2023, 22:13 UTC changes requested Line 3: <b>Three</b> → Four Apply <script>1</script>"
    );
    let apply = page.attributes(".turn a", "href").remove(0);
    let page = ada.get(&apply).await;
    assert_eq!(page.exact("textarea[name=persona]"), "One\nTwo\nFour\n");
    let answer = ada.submit(&page, &edit, "Propose", &[]).await;
    let version = format!("/agents/{agent}/versions/3");
    assert_eq!(answer.location(), format!("{version}#review"));

    // Somebody else approves, and then it is published.
    let (page, review, deploy) = (bob.get(&version).await, format!("{version}/review"), format!("{version}/deploy"));
    assert!(!page.texts("button").iter().any(|label| label == "Publish"));
    bob.submit(&page, &review, "Approve", &[]).await;
    let page = ada.get(&version).await;
    assert_eq!(page.text("#review"), "Review approved");
    assert_eq!(ada.submit(&page, &deploy, "Publish", &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.published(&agent).await, "One\nTwo\nFour\n");
    assert!(!bob.get("/").await.texts(&format!("{waiting} tr")).iter().any(|row| row.contains("Draft 3")));
    let page = ada.get(&version).await;
    assert!(!page.has(&format!("form[action='{review}']")), "what is published is not reviewed any more");
}

#[tokio::test]
async fn a_saved_draft_is_proposed_and_what_is_withdrawn_is_not_approved() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One\n").await;
    let (mut owner, mut ada, mut bob) =
        (site.member(Role::Owner, "Own").await, site.member(Role::Editor, "Ada").await, site.member(Role::Editor, "Bob").await);
    let page = owner.get("/publishing").await;
    let mut fields = page.fields("/publishing", "Save", &[]);
    fields.push(("review".to_owned(), "yes".to_owned()));
    owner.post("/publishing", &[], &fields).await;
    let (edit, version) = (format!("/agents/{agent}/edit"), format!("/agents/{agent}/versions/2"));
    let page = ada.get(&edit).await;
    let nothing = ada.submit(&page, &edit, "Propose", &[]).await;
    assert_eq!(nothing.text(".notice[role=status]"), "Nothing to save: nothing changed.");
    assert_eq!(ada.submit(&page, &edit, "Save draft", &[("persona", "Two\n")]).await.status, StatusCode::SEE_OTHER);
    // The draft as it is.
    let page = ada.get(&edit).await;
    assert_eq!(ada.submit(&page, &edit, "Propose", &[]).await.location(), format!("{version}#review"));

    let review = format!("{version}/review");
    let (own, others) = (ada.get(&version).await, bob.get(&version).await);
    assert!(own.texts("button").contains(&"Withdraw".to_owned()), "{:?}", own.texts("button"));
    bob.submit(&others, &review, "Request changes", &[]).await;
    let own = ada.get(&version).await;
    ada.submit(&own, &review, "Withdraw", &[]).await;
    for button in ["Approve", "Request changes"] {
        let refused = bob.submit(&others, &review, button, &[("comment", "Good")]).await;
        assert_eq!((refused.status, refused.exact("textarea[readonly]").as_str()), (StatusCode::BAD_REQUEST, "Good"));
        assert!(refused.body.contains("This proposal is withdrawn: propose it again."));
        assert!(!bob.get(&version).await.texts("button").contains(&button.to_owned()));
    }
    assert!(!ada.get(&version).await.texts("button").contains(&"Withdraw".to_owned()));
    let page = ada.get(&version).await;
    ada.submit(&page, &format!("{version}/propose"), "Propose", &[]).await;
    bob.submit(&others, &review, "Approve", &[]).await;
    assert_eq!(ada.get(&version).await.text("#review"), "Review approved");
}

#[tokio::test]
async fn the_tests_of_exactly_a_text_stand_beside_it() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One").await;
    let file = serde_json::from_value(json!({"scenario": {"name": "<i>orders"}, "inputs": [{"id": "a", "text": "A"}]})).unwrap();
    let digest = persona_digest(Some(&json!("One"))).unwrap().to_string();
    let details = json!({"agent": agent, "persona_digest": digest, "persona_modified": false});
    let mut transaction = site.store.write().await.unwrap();
    let project = transaction.create_project(&site.scope.org_id, "shop").await.unwrap().id;
    let bundle = transaction.import(&site.scope, &project, &file).await.unwrap();
    let upload = Upload {
        bundle: &bundle.id,
        experiment_id: Some("nightly"),
        is_over: true,
        started_at: None,
        completed_at: None,
        details: details.as_object().unwrap(),
        runs: &[RunRecord::new("r", Status::Passed)],
        turns: &[],
    };
    transaction.record_upload(&site.scope, &upload).await.unwrap();
    transaction.commit().await.unwrap();
    site.publish(&agent, "Two").await;
    let mut browser = site.signed_in(Role::Owner).await;
    let page = browser.get(&format!("/agents/{agent}/versions/1")).await;
    assert_eq!(page.texts("#tests ~ .card tbody tr"), ["nightly completed 1 of 1 14 Nov 2023, 22:13 UTC"]);
    let page = browser.get(&format!("/agents/{agent}/versions/2")).await;
    assert!(page.text("section[aria-labelledby=tests]").contains("None yet."));
    // The rule names a scenario of the project.
    let page = browser.get("/publishing").await;
    assert_eq!(page.texts("h2"), ["Agents in no project", "shop"]);
    assert_eq!(page.texts("#scenario-2 option"), ["not required", "exactly this text has passed <i>orders"]);
    let mut fields = page.fields("/publishing", "Save", &[]);
    fields.push(("scenario".to_owned(), bundle.scenario_id.clone()));
    browser.post("/publishing", &[], &fields).await;
    let edit = format!("/agents/{agent}/edit");
    let page = browser.get(&edit).await;
    let refused = browser.submit(&page, &edit, "Publish", &[("persona", "Three")]).await;
    assert!(refused.text(".notice.bad").contains("pass a scenario before they are published"));
    let version = format!("/agents/{agent}/versions/1");
    let page = browser.get(&version).await;
    let answer = browser.submit(&page, &format!("{version}/deploy"), "Put in production", &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "a roll back needs no test");
    // A scenario that is deleted is still what the rule asks for, until somebody chooses otherwise.
    let mut transaction = site.store.write().await.unwrap();
    transaction.delete_scenario(&site.scope, &bundle.scenario_id, "Grace").await.unwrap();
    transaction.commit().await.unwrap();
    for review in ["", "yes"] {
        let page = browser.get("/publishing").await;
        assert_eq!(page.text("#scenario-1 option[selected]"), "exactly this text has passed <i>orders (deleted)");
        let chosen = page.attributes("#scenario-1 option[selected]", "value").remove(0);
        let mut fields = page.fields("/publishing", "Save", &[]);
        fields.extend([("scenario".to_owned(), chosen), ("review".to_owned(), review.to_owned())]);
        assert_eq!(browser.post("/publishing", &[], &fields).await.location(), "/publishing?done=saved");
    }
    assert_eq!(
        browser.get("/activity").await.texts("tbody tr:first-child td[data-label='About:']"),
        ["agents in no projectits activity"]
    );
    let mut fields = browser.get("/publishing").await.fields("/publishing", "Save", &[]);
    fields.push(("scenario".to_owned(), String::new()));
    browser.post("/publishing", &[], &fields).await;
    assert_eq!(browser.get("/publishing").await.texts("#scenario-1 option"), ["not required"]);
}
