//! What differs of each agent that waits, one diff under the other.

use keepstep_agent::drift::SeenField;
use keepstep_base::AgentId;
use keepstep_store::{DriftReport, NewAgent, PersonaStatus, Role};
use serde_json::json;

use crate::site::{Page, Site};
use crate::waiting::report;

/// Returns the lines of the diffs in an element, each with its sign.
fn lines(page: &Page, within: &str) -> Vec<String> {
    let cells = |cell: &str| page.texts(&format!("{within} .diff tbody td{cell}"));
    cells(".sign").into_iter().zip(cells(".content")).map(|(sign, text)| sign + &text).collect()
}

/// Returns an agent as a part of a selector.
fn article(agent: &AgentId) -> String {
    format!("article[id='{agent}']")
}

#[tokio::test]
async fn the_text_of_the_code_is_shown_where_a_version_says_it() {
    let site = Site::start().await;
    let [behind, ahead, diverged, draft] =
        [site.agent("Behind").await, site.agent("Ahead").await, site.agent("Diverged").await, site.agent("Draft").await];
    for agent in [&behind, &ahead, &diverged, &draft] {
        site.publish(agent, "Be <b>kind</b>.\nOne").await;
    }
    let mut viewer = site.signed_in(Role::Viewer).await;
    assert_eq!(viewer.get("/changes").await.text("h2"), "Nothing waits here");

    // The code has what was published before.
    report(&site, &behind, "main", "Be <b>kind</b>.\nOne", "Be <b>kind</b>.\nOne").await;
    site.pass(60_000);
    site.publish(&behind, "Be <b>kind</b>.\nTwo").await;
    site.pass(60_000);
    report(&site, &ahead, "main", "Mine", "Be <b>kind</b>.\nOne").await;
    site.pass(60_000);
    site.publish(&diverged, "Be <b>kind</b>.\nThree").await;
    report(&site, &diverged, "topic", "Mine", "Be <b>kind</b>.\nOne").await;
    site.pass(60_000);
    site.persona(&draft, json!("Be <b>kind</b>.\nA draft"), PersonaStatus::Draft).await;

    let page = viewer.get("/changes").await;
    assert_eq!(page.texts("article h2"), ["Behind", "Ahead", "Diverged", "Draft"], "the one that waits longest first");
    // As `sync --check` shows it: what only the server has is removed.
    let of = article(&behind);
    assert_eq!(lines(&page, &of), ["Be <b>kind</b>.", "−Two", "+One"]);
    assert_eq!(page.texts(&format!("{of} mark")), Vec::<String>::new(), "a line that changed as a whole has no marks");
    assert_eq!(
        page.texts(&format!("{of} .legend > span")),
        ["−only in version 2", "+only in the code, which has the text of version 1"]
    );
    assert!(!page.has(&format!("{of} .notice")));

    // A digest is no text, and nothing is made up.
    let of = article(&ahead);
    assert_eq!(lines(&page, &of), Vec::<String>::new());
    assert_eq!(
        page.text(&format!("{of} .notice")),
        "The text in the code is not on this server: a check reports digests and no texts. To see the diff, run keepstep sync --check in \
         git.example/<b>shop</b> on main."
    );
    let of = article(&diverged);
    assert_eq!(lines(&page, &of), ["Be <b>kind</b>.", "−One", "+Three"]);
    assert!(page.text(&format!("{of} .notice")).contains("The diff below is what changed here since both sides agreed."));
    assert_eq!(page.texts(&format!("{of} .legend > span")), ["−only in version 1", "+only in version 2"]);

    let of = article(&draft);
    assert_eq!(lines(&page, &of), ["Be <b>kind</b>.", "−One", "+A draft"]);
    assert_eq!(page.attributes(&format!("{of} p a"), "href"), [format!("/agents/{draft}/versions/2")]);

    // Each state has an address.
    assert_eq!(page.texts(".chips a"), ["all 4", "code that differs 3", "drafts 1"]);
    assert_eq!(page.attributes(".chips a", "href"), ["/changes", "/changes?show=drift", "/changes?show=drafts"]);
    assert_eq!(viewer.get("/changes?show=drafts").await.texts("article h2"), ["Draft"]);
    assert_eq!(
        viewer.get("/changes?show=unsaved").await.texts(".chips a"),
        ["all 4", "code that differs 3", "drafts 1", "not saved 0"]
    );
    assert_eq!(site.browser().get("/changes").await.status, 401);
}

#[tokio::test]
async fn what_is_typed_and_what_is_proposed_is_shown_to_whom_it_waits_for() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One\nTwo\n").await;
    let (mut ada, mut bob) = (site.member(Role::Editor, "Ada").await, site.member(Role::Editor, "Bob").await);
    let edit = format!("/agents/{agent}/edit");
    let page = ada.get(&edit).await;
    let fields = page.fields(&edit, "Preview", &[("persona", "One\nmine\n"), ("model", "m")]);
    ada.put(&format!("/agents/{agent}/draft"), &fields).await;
    let page = ada.get("/changes").await;
    assert_eq!(lines(&page, "article"), ["One", "−Two", "+mine"]);
    assert_eq!(page.texts("article .legend > span"), ["−only in version 1", "+only in your text"]);
    assert!(page.text("article").contains("Also changed: Model."), "{}", page.text("article"));
    assert!(!bob.get("/changes").await.has("article"), "what somebody types is theirs");

    let page = ada.get(&edit).await;
    let tried = ada.submit(&page, &edit, "Save draft", &[("persona", "One\nproposed\n"), ("model", "")]).await;
    assert_eq!(tried.status, 303, "{}", tried.body);
    let version = format!("/agents/{agent}/versions/2");
    let page = ada.get(&version).await;
    ada.submit(&page, &format!("{version}/propose"), "Propose", &[]).await;
    let page = bob.get("/changes").await;
    assert_eq!(lines(&page, "article"), ["One", "−Two", "+proposed"]);
    assert_eq!(page.attributes("article p a", "href"), [format!("{version}#review")]);
    assert!(!ada.get("/changes").await.has("article"), "it waits for others");
}

/// Reports fields of an agent in the folder `shop`, each with what the code has and what both sides agreed on.
async fn report_fields(site: &Site, agent: &AgentId, fields: &[(&str, Option<&str>, Option<&str>)]) {
    let mut transaction = site.store.write().await.unwrap();
    let seen = |(field, code, base): &(&str, Option<&str>, Option<&str>)| {
        let seen = SeenField { code: code.map(str::to_owned), base: base.map(str::to_owned) };
        ((*field).to_owned(), seen)
    };
    let report = DriftReport {
        agent_id: agent.clone(),
        repository: "shop".to_owned(),
        branch: String::new(),
        commit: None,
        fields: fields.iter().map(seen).collect(),
        reported_by: "ci".to_owned(),
        reported_at: transaction.now(),
        since: Some(transaction.now()),
    };
    transaction.put_drift_report(&report).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn other_fields_are_named_and_nothing_is_made_up() {
    let site = Site::start().await;
    let [model, unread, without] = [site.agent("Model").await, site.agent("Unread").await, site.agent("Without").await];
    for agent in [&model, &unread, &without] {
        site.publish(agent, "One").await;
    }
    let digest = |letter: &str| format!("sha256:{}", letter.repeat(64));
    let (code, base) = (digest("a"), digest("b"));
    let differs = ("model", Some(code.as_str()), Some(base.as_str()));
    report_fields(&site, &model, &[differs]).await;
    report_fields(&site, &unread, &[differs, ("persona", None, Some(base.as_str()))]).await;
    report_fields(&site, &without, &[("persona", Some(""), Some(base.as_str()))]).await;
    let page = site.signed_in(Role::Viewer).await.get("/changes").await;
    let of = article(&model);
    assert!(!page.has(&format!("{of} .diff")) && !page.has(&format!("{of} .notice")));
    let said = page.text(&of);
    let wanted = "Model changed on both sides. A check reports no values of these; keepstep sync --check in shop shows them.";
    assert!(said.contains(wanted), "{said}");
    let of = article(&unread);
    assert!(!page.has(&format!("{of} .diff")));
    assert!(page.text(&format!("{of} .notice")).starts_with("The check could not read the persona in the code."));
    let of = article(&without);
    assert_eq!(lines(&page, &of), ["−One"]);
    assert_eq!(page.texts(&format!("{of} .legend > span")), ["−only in version 1", "+only in the code, which has no persona"]);
}

#[tokio::test]
async fn large_texts_are_cut_with_a_seam_or_have_a_page_of_their_own() {
    let site = Site::start().await;
    let (long, huge) = (site.agent("Long").await, site.agent("Huge").await);
    site.publish(&long, &"old line\n".repeat(2_000)).await;
    site.persona(&long, json!("new line\n".repeat(2_000)), PersonaStatus::Draft).await;
    site.pass(60_000);
    site.publish(&huge, "One").await;
    site.persona(&huge, json!("word ".repeat(100_000)), PersonaStatus::Draft).await;
    let page = site.signed_in(Role::Viewer).await.get("/changes").await;
    let of = article(&long);
    let shown = lines(&page, &of).len();
    assert!((1_000..2_000).contains(&shown), "{shown}");
    assert_eq!(
        page.text(&format!("{of} .seam")),
        format!("Cut here: {} more lines removed, 2000 more added. Show the whole diff", 2_000 - shown)
    );
    assert_eq!(page.attributes(&format!("{of} .seam a"), "href"), [format!("/agents/{long}/versions/2?against=1#changes")]);
    let of = article(&huge);
    assert!(!page.has(&format!("{of} .diff")));
    assert_eq!(page.text(&format!("{of} .notice")), "The texts are too large for this page. Show the diff on its own page");
    assert_eq!(page.attributes(&format!("{of} .notice a"), "href"), [format!("/agents/{huge}/versions/2?against=1#changes")]);
    assert!(page.body.len() < 512 * 1024, "{}", page.body.len());
}

#[tokio::test]
async fn a_hundred_agents_are_on_a_page_and_the_front_page_knows_where_each_is() {
    let site = Site::start().await;
    let mut agents = Vec::new();
    let mut transaction = site.store.write().await.unwrap();
    for number in 0..101 {
        let name = if number < 3 { format!("support/{number}") } else { format!("Agent {number:03}") };
        let made = transaction.create_agent(NewAgent { scope: &site.scope, name: &name, author: None }).await.unwrap();
        agents.push(made.agent.id);
    }
    transaction.commit().await.unwrap();
    for agent in &agents {
        site.pass(1_000);
        site.persona(agent, json!("A draft"), PersonaStatus::Draft).await;
    }
    let mut viewer = site.signed_in(Role::Viewer).await;
    let page = viewer.get("/changes").await;
    assert_eq!(page.texts("article h2").len(), 100);
    assert_eq!(page.attributes(".pager a", "href"), ["/changes?page=2"]);
    let page = viewer.get("/changes?page=2").await;
    assert_eq!(page.texts("article h2"), ["Agent 100"]);
    assert_eq!(lines(&page, "article"), ["+A draft"]);
    assert_eq!(page.attributes(".pager a", "href"), ["/changes"]);
    let front = viewer.get("/").await;
    let links = front.attributes("a[data-changes]", "href");
    assert_eq!((links.len(), links.first().unwrap().as_str()), (102, "/changes"));
    assert_eq!(links[1], format!("/changes#{}", agents[0]));
    assert_eq!(links[101], format!("/changes?page=2#{}", agents[100]));

    // A folder is a part of it.
    let front = viewer.get("/?folder=support").await;
    assert!(front.attributes("main p a", "href").contains(&"/changes?folder=support".to_owned()));
    let page = viewer.get("/changes?folder=support").await;
    assert_eq!(page.texts("article h2"), ["support/0", "support/1", "support/2"]);
    assert_eq!(page.text(".crumbs"), "Agents / Changes / support");
    assert_eq!(viewer.get("/changes?folder=nowhere").await.text("h2"), "Nothing waits here");
}

#[tokio::test]
async fn many_branches_of_an_agent_are_counted() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One").await;
    for branch in 0..7 {
        report(&site, &agent, &format!("branch-{branch}"), "Mine", "One").await;
        site.pass(1_000);
    }
    let page = site.signed_in(Role::Viewer).await.get("/changes").await;
    assert_eq!(page.texts(".change").len(), 5);
    assert_eq!(page.texts("article > p a"), ["And 2 more changes of this agent"]);
    // Somebody published what the code has.
    site.publish(&agent, "Mine").await;
    assert!(!site.signed_in(Role::Viewer).await.get("/changes").await.has("article"));
}
