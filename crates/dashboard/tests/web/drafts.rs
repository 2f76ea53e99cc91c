//! What somebody typed and has not saved.

use keepstep_base::AgentId;
use keepstep_store::{Patch, Role};
use reqwest::StatusCode;
use serde_json::json;

use crate::site::{Browser, Page, Site};

fn edit_of(agent: &AgentId) -> String {
    format!("/agents/{agent}/edit")
}

/// Does what the script does at a pause.
async fn pause(browser: &mut Browser<'_>, page: &Page, agent: &AgentId, filled: &[(&str, &str)]) -> Page {
    let fields = page.fields(&edit_of(agent), "Preview", filled);
    browser.put(&format!("/agents/{agent}/draft"), &fields).await
}

fn tag(part: &Page) -> String {
    part.attributes("#live-status", "data-tag").remove(0)
}

#[tokio::test]
async fn words_are_kept_at_every_pause_and_are_there_again() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One\nTwo\n").await;
    let mut ada = site.member(Role::Editor, "Ada").await;
    let edit = edit_of(&agent);
    let page = ada.get(&edit).await;
    assert_eq!(page.text("#live-status"), "8 characters, about 2 tokens");
    assert_eq!(page.text("#live-changes"), "The persona is the published one.");

    let part = pause(&mut ada, &page, &agent, &[("persona", "One\n# Two\n\n*mine*\n"), ("model", "m"), ("message", "Why")]).await;
    assert_eq!(part.status, StatusCode::OK);
    assert!(part.text("#live-status").starts_with("18 characters, about 5 tokens Kept for you on 14 Nov 2023, 22:13 UTC"));
    assert_eq!(part.texts("#live-changes .added .content"), ["# Two", "", "*mine*"]);
    assert_eq!((part.text("#live-preview h3"), part.text("#live-preview em")), ("Two".to_owned(), "mine".to_owned()));
    assert!(!part.has("html > head > link"), "only what changes comes");
    assert_eq!(site.published(&agent).await, "One\nTwo\n");

    // A reload, another browser after the session ended, and a closed tab are the same to the server.
    site.pass(15 * 24 * 60 * 60 * 1000);
    assert_eq!(ada.get(&edit).await.status, StatusCode::UNAUTHORIZED);
    let mut again = site.browser();
    let sign_in = again.get("/sign-in").await;
    let filled = [("email", "ada@example.com"), ("password", crate::site::PASSWORD)];
    assert_eq!(again.submit(&sign_in, "/sign-in", "Sign in", &filled).await.status, StatusCode::SEE_OTHER);
    let page = again.get(&edit).await;
    assert!(
        page.text(".notice:not([hidden])")
            .starts_with("Your text of 14 Nov 2023, 22:13 UTC is in the form again. It is not saved.")
    );
    assert_eq!(page.exact("textarea[name=persona]"), "One\n# Two\n\n*mine*\n");
    assert_eq!(page.attributes("input[name=model], input[name=message]", "value"), ["m", "Why"]);
    // It waits on the front page, for its author alone.
    assert_eq!(
        again.get("/").await.texts("section[aria-labelledby=waiting] tbody tr"),
        ["Orders Your text is not saved Diff of Orders 14 Nov 2023, 22:13 UTC"]
    );
    assert!(!site.signed_in(Role::Owner).await.get("/").await.has("#waiting"));
    let mut bob = site.member(Role::Editor, "Bob").await;
    assert_eq!(bob.get(&edit).await.exact("textarea[name=persona]"), "One\nTwo\n", "nobody else sees it");

    let answer = again.submit(&page, &edit, "Publish", &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let page = again.get(&edit).await;
    assert!(!page.has(".notice:not([hidden])"), "what is saved is no draft");
    assert_eq!(page.attributes("input[name=draft]", "value"), [""]);
}

#[tokio::test]
async fn buttons_keep_words_without_a_script() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One\n").await;
    let mut browser = site.signed_in(Role::Editor).await;
    let edit = edit_of(&agent);
    let page = browser.get(&edit).await;
    let shown = browser.submit(&page, &edit, "Preview", &[("persona", "Mine\n")]).await;
    assert_eq!((shown.status, shown.exact("textarea[name=persona]").as_str()), (StatusCode::OK, "Mine\n"));
    assert_eq!(shown.texts("#live-changes .removed .content"), ["One"]);
    // What cannot be saved is kept, too.
    let refused = browser.submit(&shown, &edit, "Publish", &[("persona", "Mine too\n"), ("name", "")]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.get(&edit).await.exact("textarea[name=persona]"), "Mine too\n");
    // Who wants to start elsewhere is asked first.
    let elsewhere = browser.get(&format!("{edit}?from=1")).await;
    let ask = format!("/agents/{agent}/draft/discard?from=1");
    assert_eq!(elsewhere.location(), ask);
    let page = browser.get(&ask).await;
    assert_eq!(page.text("h1"), "Discard what you typed about Orders?");
    // What another window has kept since is not what the question was about.
    let first = page.attributes("main form", "action").remove(0);
    let window = browser.get(&edit).await;
    pause(&mut browser, &window, &agent, &[("persona", "Newer\n")]).await;
    let answer = browser.submit(&page, &first, "Discard my text", &[]).await;
    assert_eq!(answer.location(), ask);
    assert_eq!(browser.get(&edit).await.exact("textarea[name=persona]"), "Newer\n");
    let page = browser.get(&ask).await;
    let second = page.attributes("main form", "action").remove(0);
    let answer = browser.submit(&page, &second, "Discard my text", &[]).await;
    assert_eq!(answer.location(), format!("{edit}?from=1"));
    assert_eq!(browser.get(&edit).await.exact("textarea[name=persona]"), "One\n");
    assert_eq!(browser.get(&format!("/agents/{agent}/draft/discard")).await.location(), edit);
}

#[tokio::test]
async fn two_windows_of_one_person_do_not_overwrite_each_other() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One\n").await;
    let mut browser = site.signed_in(Role::Editor).await;
    let edit = edit_of(&agent);
    let (first, second) = (browser.get(&edit).await, browser.get(&edit).await);
    let kept = pause(&mut browser, &first, &agent, &[("persona", "First\n")]).await;
    let refused = pause(&mut browser, &second, &agent, &[("persona", "Second\n")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text("#live-status .notice").starts_with("Not kept: you changed this text in another window"));
    assert_eq!(browser.get(&edit).await.exact("textarea[name=persona]"), "First\n");
    // The next pause sends the tag of the part, as the script does: the words of the first window still stay.
    let next = [("persona", "Second and more\n"), ("draft", &tag(&refused))];
    let refused = pause(&mut browser, &second, &agent, &next).await;
    assert_eq!((refused.status, tag(&refused).as_str()), (StatusCode::CONFLICT, ""));
    assert_eq!(browser.get(&edit).await.exact("textarea[name=persona]"), "First\n");
    // The same words again are kept already; other ones name what they replace.
    let again = pause(&mut browser, &second, &agent, &[("persona", "First\n")]).await;
    assert_eq!((again.status, tag(&again)), (StatusCode::OK, tag(&kept)));
    // Without a script the page comes again, and a button on it replaces them, which the Enter key does not press.
    let shown = browser.submit(&second, &edit, "Preview", &[("persona", "Second\n")]).await;
    assert_eq!((shown.exact("textarea[name=persona]").as_str(), tag(&shown).as_str()), ("Second\n", ""));
    assert_eq!(shown.texts("#edit button[type=submit]")[..2], ["Preview", "Replace that text"]);
    assert_eq!(refused.attributes("#live-replace button", "value"), [tag(&kept)]);
    let replaced = browser.submit(&shown, &edit, "Replace that text", &[("persona", "Second\n")]).await;
    assert!(replaced.status == StatusCode::OK && !replaced.has("#live-replace button"));
    assert_eq!(browser.get(&edit).await.exact("textarea[name=persona]"), "Second\n");
    // The first window saves its text; the words of the second one stay.
    assert_eq!(browser.submit(&first, &edit, "Publish", &[("persona", "First\n")]).await.status, StatusCode::SEE_OTHER);
    let page = browser.get(&edit).await;
    assert_eq!(page.exact("textarea[name=persona]"), "Second\n");
    assert!(page.text(".notice:not([hidden])").contains("saving merges both"), "{}", page.text(".notice:not([hidden])"));
}

#[tokio::test]
async fn what_one_window_saves_leaves_the_words_of_another() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One\n").await;
    let mut browser = site.signed_in(Role::Editor).await;
    let edit = edit_of(&agent);
    let (first, second) = (browser.get(&edit).await, browser.get(&edit).await);
    pause(&mut browser, &first, &agent, &[("persona", "One\nFirst\n")]).await;
    let refused = pause(&mut browser, &second, &agent, &[("persona", "Second\nOne\n")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let filled = [("persona", "Second\nOne\n"), ("draft", &tag(&refused))];
    assert_eq!(browser.submit(&second, &edit, "Publish", &filled).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.published(&agent).await, "Second\nOne\n");
    assert_eq!(browser.get(&edit).await.exact("textarea[name=persona]"), "One\nFirst\n");
}

#[tokio::test]
async fn words_that_somebody_else_published_are_no_draft() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One\n").await;
    let mut browser = site.signed_in(Role::Editor).await;
    let page = browser.get(&edit_of(&agent)).await;
    pause(&mut browser, &page, &agent, &[("persona", "Two\n")]).await;
    site.publish(&agent, "Two\n").await;
    let page = browser.get(&edit_of(&agent)).await;
    assert!(!page.has(".notice:not([hidden])"));
    assert_eq!(page.exact("textarea[name=persona]"), "Two\n");
    // And back: what is typed and taken back leaves nothing.
    let part = pause(&mut browser, &page, &agent, &[("persona", "Three\n")]).await;
    let part = pause(&mut browser, &page, &agent, &[("draft", &tag(&part))]).await;
    assert_eq!(tag(&part), "");
}

#[tokio::test]
async fn words_are_kept_by_who_may_write_and_for_a_form_of_ours() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One\n").await;
    let mut editor = site.signed_in(Role::Editor).await;
    let page = editor.get(&edit_of(&agent)).await;
    let path = format!("/agents/{agent}/draft");
    let fields = page.fields(&edit_of(&agent), "Preview", &[("persona", "Two\n")]);
    let mut viewer = site.signed_in(Role::Viewer).await;
    assert_eq!(viewer.put(&path, &fields).await.status, StatusCode::FORBIDDEN);
    let mut other = site.signed_in(Role::Editor).await;
    let forged = other.put(&path, &fields).await;
    assert_eq!((forged.status, forged.exact("textarea[readonly]").as_str()), (StatusCode::FORBIDDEN, "Two\n"));
    let missing = editor.put("/agents/base0_agent/draft", &fields).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let with = |name: &str, value: &str| {
        let mut fields = fields.clone();
        fields.iter_mut().filter(|(field, _)| field == name).for_each(|(_, sent)| value.clone_into(sent));
        fields
    };
    for (name, value, status) in [("base", "x", 400), ("base", "9", 404), ("from", "9", 404), ("from", "-1", 400)] {
        assert_eq!(editor.put(&path, &with(name, value)).await.status, status, "{name} {value}");
    }
    let mut right = editor.put(&path, &fields).await;
    assert_eq!(right.status, StatusCode::OK);
    // Somebody else's change of the agent keeps the words as they are.
    site.change(&agent, None, Patch::of(keepstep_agent::Field::MODEL, json!("m"))).await;
    right = editor.put(&path, &with("persona", "Three\n")).await;
    assert_eq!(right.status, StatusCode::CONFLICT, "the tag is still the empty one");
}

#[tokio::test]
async fn who_else_has_the_form_open_is_told_and_nobody_is_locked_out() {
    let site = Site::start().await;
    let agent = site.agent("Orders").await;
    site.publish(&agent, "One\n").await;
    let (mut ada, mut bob) = (site.member(Role::Editor, "Ada").await, site.member(Role::Editor, "B<b>ob").await);
    let (edit, presence) = (edit_of(&agent), format!("/agents/{agent}/presence"));
    let page = ada.get(&edit).await;
    let csrf = |page: &Page| vec![("csrf".to_owned(), page.attributes("#edit input[name=csrf]", "value").remove(0))];
    assert_eq!(ada.put(&presence, &csrf(&page)).await.text("#live-editors"), "", "not oneself");
    let bobs = bob.get(&edit).await;
    assert_eq!(bobs.text("#live-editors"), "here now Ada has this form open");
    assert_eq!(bob.put(&presence, &csrf(&bobs)).await.text("#live-editors"), "here now Ada has this form open");
    assert_eq!(ada.put(&presence, &csrf(&page)).await.text("#live-editors"), "here now B<b>ob has this form open");
    assert_eq!(site.signed_in(Role::Viewer).await.get(&format!("/agents/{agent}")).await.texts("#live-editors p").len(), 2);
    assert_eq!(bob.submit(&bobs, &edit, "Publish", &[("persona", "Two\n")]).await.status, StatusCode::SEE_OTHER);
    site.pass(60_001);
    assert_eq!(ada.get(&edit).await.text("#live-editors"), "");
    // Without a script, words that are kept say it for an hour.
    let page = ada.get(&edit).await;
    ada.submit(&page, &edit, "Preview", &[("persona", "Three\n")]).await;
    assert!(bob.get(&edit).await.text("#live-editors").starts_with("typed Ada typed here on 14 Nov 2023, 22:14 UTC"));
    site.pass(60 * 60 * 1000 + 1);
    assert!(!bob.get(&edit).await.has("#live-editors p"));
    let mut viewer = site.signed_in(Role::Viewer).await;
    let token = viewer.get("/").await.attributes("input[name=csrf]", "value").remove(0);
    assert_eq!(viewer.put(&presence, &[("csrf".to_owned(), token)]).await.status, StatusCode::FORBIDDEN);
}
