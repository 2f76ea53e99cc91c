//! A draft is proposed, reviewed and published.

use keepstep_store::Role;
use reqwest::StatusCode;

use crate::site::Site;

#[tokio::test]
async fn a_draft_is_reviewed_where_a_project_asks_for_it() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One\nTwo\n").await;
    let (mut owner, mut ada, mut bob) =
        (site.member(Role::Owner, "Own").await, site.member(Role::Editor, "Ada").await, site.member(Role::Editor, "Bob").await);
    let page = owner.get("/publishing").await;
    assert_eq!(page.texts("tbody tr"), ["no project not required Require for agents of no project"]);
    let answer = owner.submit(&page, "/publishing", "Require for agents of no project", &[]).await;
    assert_eq!(answer.location(), "/publishing?done=saved");
    assert_eq!(owner.get("/publishing").await.text(".badge"), "required");
    assert_eq!(ada.get("/publishing").await.status, StatusCode::FORBIDDEN);

    // Nobody publishes past it.
    let edit = format!("/agents/{agent}/edit");
    let page = ada.get(&edit).await;
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
    assert_eq!(page.texts(&format!("{waiting} tr")), ["Orders Draft 2 of Ada waits for a review 14 Nov 2023, 22:13 UTC"]);
    assert_eq!(page.attributes(&format!("{waiting} a"), "href"), [format!("{version}#review")]);
    assert!(!site.signed_in(Role::Viewer).await.get("/").await.has("#waiting"));

    // A suggestion on a line, and a request for changes.
    let (page, review) = (bob.get(&version).await, format!("{version}/review"));
    assert_eq!(page.texts(".diff .added .content"), ["<b>Three</b>"], "the diff is on the page");
    let bad = bob.submit(&page, &review, "Comment", &[("line", "x"), ("comment", "Hours of work")]).await;
    assert_eq!((bad.status, bad.exact("textarea[readonly]").as_str()), (StatusCode::BAD_REQUEST, "Hours of work"));
    let fields = [("line", "3"), ("suggestion", "Four"), ("comment", "<script>1</script>")];
    let answer = bob.submit(&page, &review, "Request changes", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(
        ada.get("/").await.texts(&format!("{waiting} tr")),
        ["Orders Draft 2 of Ada has changes requested 14 Nov 2023, 22:13 UTC"]
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
