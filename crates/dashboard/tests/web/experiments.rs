//! The list of experiments, and what people add to one.

use keepstep_store::Role;
use keepstep_store::results::{RunRecord, Status, Upload};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::results::{EVIL, SHOWN, check_is_text, experiment, object, run, shop};
use crate::site::Site;

/// Uploads an experiment that says what was tested.
pub(crate) async fn tested(site: &Site, bundle: &str, name: &str, details: Value, runs: &[RunRecord]) -> String {
    let details = object(details);
    let upload = Upload {
        bundle,
        experiment_id: Some(name),
        is_over: true,
        started_at: None,
        completed_at: None,
        details: &details,
        runs,
        turns: &[],
    };
    let mut transaction = site.store.write().await.unwrap();
    let recorded = transaction.record_upload(&site.scope, &upload).await.unwrap();
    transaction.commit().await.unwrap();
    recorded.batch_id
}

fn passed(count: usize, prefix: &str) -> Vec<RunRecord> {
    (0..count).map(|number| run(&format!("{prefix}-{number}"), Status::Passed, "asked", "answered")).collect()
}

#[tokio::test]
async fn the_list_is_filtered_sorted_and_paged_by_its_address() {
    let site = Site::start().await;
    let agent = site.agent("Orders <b>").await;
    let (project, bundle) = shop(&site).await;
    let list = format!("/projects/{project}/experiments");
    let mut browser = site.signed_in(Role::Viewer).await;
    let empty = browser.get(&list).await;
    assert!(empty.text(".empty").contains("keepstep test") && empty.text(".lead") == "0 experiments");

    let main =
        json!({"agent": agent, "persona_version": 3, "git_branch": "main", "git_commit": "0123456789ab", "git_author": "Ada"});
    let evil = json!({"agent": EVIL, "persona_version": 4, "git_branch": EVIL, "git_author": EVIL});
    let mut runs = passed(3, "a");
    runs.push(run("a-x", Status::Failed, "asked", "no"));
    tested(&site, &bundle, "exp_a", main, &runs).await;
    tested(&site, &bundle, "exp_b", evil, &passed(1, "b")).await;
    let page = browser.get(&list).await;
    check_is_text(&page);
    assert_eq!(page.texts(".experiments tbody th a"), ["exp_b", "exp_a"]);
    assert_eq!(page.texts(".experiments .about")[2], "Orders <b> · persona v3 · main at 01234567 · Ada");
    assert_eq!(page.texts(".experiments .number")[3], "3 of 4 75 % (95 %: 30.1 to 95.4 %)");
    // What there is one of is no choice; the states always are.
    assert_eq!(page.attributes("select", "name"), ["state", "agent", "persona", "branch", "author", "sort"]);
    assert_eq!(page.texts("#persona option"), ["All", "v3", "v4"]);
    assert!(page.texts("#agent option").contains(&"Orders <b>".to_owned()));

    let names = async |browser: &mut crate::site::Browser<'_>, query: &str| {
        browser.get(&format!("{list}?{query}")).await.texts(".experiments tbody th > a:first-child")
    };
    assert_eq!(names(&mut browser, "branch=main&author=Ada").await, ["exp_a"]);
    // A form sends what it shows: also where that is the number of what cannot be seen.
    let shown = percent_encoding::utf8_percent_encode(SHOWN, percent_encoding::NON_ALPHANUMERIC).to_string();
    assert_eq!(names(&mut browser, &format!("branch={shown}&agent={shown}")).await, ["exp_b"]);
    assert_eq!(names(&mut browser, "sort=worst").await, ["exp_a", "exp_b"]);
    assert_eq!(names(&mut browser, "sort=cases&from=x&state=y").await, ["exp_a", "exp_b"]);
    assert_eq!(names(&mut browser, "state=completed&text=EXP").await, ["exp_b"]);
    let none = browser.get(&format!("{list}?persona=v9&pinned=yes")).await;
    assert_eq!(
        (none.text(".empty p").as_str(), none.text(".lead").as_str()),
        ("No experiment matches. Show all experiments", "0 experiments of this filter · Show all")
    );
    assert_eq!(none.attributes("input[name=pinned]", "checked").len(), 1);

    for number in 0..60 {
        tested(&site, &bundle, &format!("many_{number}"), json!({"git_branch": "many"}), &passed(1, &format!("m{number}"))).await;
    }
    let mut seen = Vec::new();
    let mut next = Some(format!("{list}?branch=many&sort=oldest"));
    while let Some(address) = next {
        let page = browser.get(&address).await;
        assert_eq!(page.text(".lead"), "60 experiments of this filter · Show all");
        seen.extend(page.texts(".experiments tbody th > a:first-child"));
        next =
            page.attributes(".pager a", "href").into_iter().find(|href| href.contains("from=50") && !address.contains("from="));
    }
    assert_eq!(seen, (0..60).map(|number| format!("many_{number}")).collect::<Vec<_>>());
    // The page of the project leads here.
    assert_eq!(browser.get(&format!("/projects/{project}")).await.attributes("section > p > a", "href"), [list]);
}

#[tokio::test]
async fn an_experiment_gets_a_name_tags_and_a_note_and_is_a_baseline() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let path = experiment(&site, &project, &bundle, "exp_1", &passed(2, "a"), true).await;
    let mut editor = site.signed_in(Role::Editor).await;
    let mut viewer = site.signed_in(Role::Viewer).await;
    assert_eq!(viewer.get(&path).await.attributes("main form[method=post]", "action"), [""; 0]);

    let labels = format!("{path}/labels");
    let form = editor.get(&labels).await;
    assert_eq!(form.text(".hint .mono"), "exp_1");
    // What is wrong is said where it was typed.
    let long = "x".repeat(60);
    let filled = [("name", EVIL), ("tags", long.as_str()), ("note", "Two\nlines")];
    let refused = editor.submit(&form, &labels, "Save", &filled).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.text(".notice.bad"), "A name has at most 200 characters, in one line.", "it has an escape");
    let filled = [("name", "Before <b>"), ("tags", long.as_str()), ("note", "Two\nlines")];
    let refused = editor.submit(&form, &labels, "Save", &filled).await;
    assert_eq!(refused.text(".notice.bad"), "A tag has at most 50 characters, in one line.");
    assert_eq!(
        (refused.attributes("#name", "value"), refused.exact("textarea")),
        (vec!["Before <b>".to_owned()], "Two\nlines".to_owned())
    );

    let filled = [("name", "Before <b>"), ("tags", "slow, a&b"), ("note", "Two\n<i>lines")];
    let saved = editor.submit(&form, &labels, "Save", &filled).await;
    assert_eq!((saved.status, saved.location()), (StatusCode::SEE_OTHER, format!("{path}?done=labels").as_str()));
    let page = editor.get(saved.location()).await;
    check_is_text(&page);
    assert_eq!((page.text("h1").as_str(), page.text(".notice").as_str()), ("Before <b> completed", "Saved."));
    assert!(page.texts("main .badge").contains(&"a&b".to_owned()) && page.exact(".card .verbatim") == "Two\n<i>lines");
    assert!(page.texts(".pairs dd").contains(&"exp_1".to_owned()), "the name that it came with");
    let tag = page.attributes("main a.badge", "href").remove(0);
    assert!(tag.ends_with("?tag=a%26b"), "{tag}");
    assert_eq!(viewer.get(&tag).await.texts(".experiments tbody th > a:first-child"), ["Before <b>"]);
    assert_eq!(editor.get(&labels).await.attributes("#tags", "value"), ["a&b, slow"]);
    // The second to save sees what the first wrote, and loses nothing of their own.
    let (one, other) = (editor.get(&labels).await, editor.get(&labels).await);
    let note = [("note", "A long <i>thought")];
    assert_eq!(editor.submit(&one, &labels, "Save", &note).await.status, StatusCode::SEE_OTHER);
    let both = editor.submit(&other, &labels, "Save", &[("note", "Mine")]).await;
    check_is_text(&both);
    assert_eq!((both.status, both.exact("textarea").as_str()), (StatusCode::CONFLICT, "Mine"));
    assert_eq!(both.texts(".notice dd"), ["Before <b>", "a&b, slow", "A long <i>thought"]);
    assert_eq!(editor.get(&labels).await.exact("textarea"), "A long <i>thought");
    assert_eq!(editor.submit(&both, &labels, "Save", &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(editor.get(&labels).await.exact("textarea"), "Mine");
    // Everywhere else it has that name, too.
    for elsewhere in [format!("/projects/{project}"), "/projects".to_owned(), format!("{path}/cases/a-0")] {
        assert!(viewer.get(&elsewhere).await.body.contains("Before &lt;b&gt;"), "{elsewhere}");
    }

    let pinned = editor.submit(&page, &format!("{path}/pin"), "Make it the baseline", &[]).await;
    assert_eq!(pinned.location(), format!("{path}?done=pinned"));
    let page = editor.get(&path).await;
    assert_eq!(page.texts("main .badge.current"), ["baseline"]);
    assert_eq!(viewer.get(&format!("/projects/{project}/experiments?pinned=yes")).await.texts(".badge.current"), ["baseline"]);
    editor.submit(&page, &format!("{path}/unpin"), "Remove as baseline", &[]).await;
    assert!(!editor.get(&path).await.has("main .badge.current"));
    // What was done is in the log under its own name.
    let ask = editor.get(&format!("{path}/delete")).await;
    let deleted = editor.submit(&ask, &format!("{path}/delete"), "Delete the experiment", &[]).await;
    let list = editor.get(deleted.location()).await;
    editor.submit(&list, &format!("{path}/restore"), "Restore", &[]).await;
    let log = site.signed_in(Role::Owner).await.get("/activity").await;
    for done in ["Restore an experiment", "Delete an experiment", "Unpin an experiment", "Pin an experiment"] {
        let row = log.texts("tbody tr").into_iter().find(|row| row.contains(done)).unwrap_or_default();
        assert!(row.contains("Before <b>"), "{done}: {row}");
    }
}

#[tokio::test]
async fn a_deleted_experiment_comes_back_within_a_day() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let path = experiment(&site, &project, &bundle, "exp_1", &passed(2, "a"), true).await;
    let id = path.rsplit('/').next().unwrap();
    let list = format!("/projects/{project}/experiments");
    let mut editor = site.signed_in(Role::Editor).await;
    let mut viewer = site.signed_in(Role::Viewer).await;
    let (delete, restore) = (format!("{path}/delete"), format!("{path}/restore"));
    let ask = editor.get(&delete).await;
    assert_eq!(ask.text("h1"), "Delete the experiment exp_1?");
    assert_eq!(ask.texts("main form p")[0], "Its 2 cases, their answers and their files go with it.");
    let deleted = editor.submit(&ask, &delete, "Delete the experiment", &[]).await;
    assert_eq!(deleted.location(), format!("{list}?deleted={id}"));
    assert_eq!(editor.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(editor.get(&format!("{path}/cases/a-0")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(editor.get("/projects").await.texts("tbody td a"), [""; 0]);
    let page = editor.get(deleted.location()).await;
    assert_eq!(page.texts("#deleted ~ .card tbody th"), ["exp_1"]);
    assert!(page.text("#deleted ~ .card tbody td:nth-child(3)").ends_with("by Grace"));
    for address in [list.as_str(), deleted.location()] {
        assert!(!viewer.get(address).await.has(&format!("form[action='{restore}']")), "{address}");
    }
    let restored = editor.submit(&page, &restore, "Restore", &[]).await;
    assert_eq!(restored.location(), format!("{path}?done=restored"));
    assert_eq!(editor.get(restored.location()).await.text(".notice"), "Restored.");

    let ask = editor.get(&delete).await;
    editor.submit(&ask, &delete, "Delete the experiment", &[]).await;
    let page = editor.get(&format!("{list}?deleted={id}")).await;
    site.pass(24 * 60 * 60 * 1000);
    assert_eq!(editor.submit(&page, &restore, "Restore", &[]).await.status, StatusCode::NOT_FOUND);
    assert!(!editor.get(&list).await.has("#deleted"));
}

/// Each address of an experiment × who may not, and × an experiment of another project.
#[tokio::test]
async fn only_editors_change_experiments_and_only_those_of_the_address() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let path = experiment(&site, &project, &bundle, "exp_1", &passed(1, "a"), true).await;
    let mut transaction = site.store.write().await.unwrap();
    let elsewhere = transaction.create_project(&site.scope.org_id, "elsewhere").await.unwrap().id;
    transaction.commit().await.unwrap();
    let mut editor = site.signed_in(Role::Editor).await;
    let mut viewer = site.signed_in(Role::Viewer).await;
    let moved = path.replace(&project, &elsewhere);
    let csrf = async |browser: &mut crate::site::Browser<'_>| {
        vec![("csrf".to_owned(), browser.get("/").await.attributes("input[name=csrf]", "value").remove(0))]
    };
    let (of_viewer, of_editor) = (csrf(&mut viewer).await, csrf(&mut editor).await);
    for action in ["labels", "pin", "unpin", "delete", "restore"] {
        let address = format!("{path}/{action}");
        assert_eq!(viewer.post(&address, &[], &of_viewer).await.status, StatusCode::FORBIDDEN, "{address}");
        assert_eq!(site.browser().post(&address, &[], &[]).await.status, StatusCode::UNAUTHORIZED, "{address}");
        let moved = format!("{moved}/{action}");
        assert_eq!(editor.post(&moved, &[], &of_editor).await.status, StatusCode::NOT_FOUND, "{moved}");
        assert_eq!(editor.post(&address, &[], &[]).await.status, StatusCode::FORBIDDEN, "without a token");
    }
    for action in ["labels", "delete"] {
        assert_eq!(viewer.get(&format!("{path}/{action}")).await.status, StatusCode::FORBIDDEN);
        assert_eq!(editor.get(&format!("{moved}/{action}")).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(editor.get("/projects/nobody/experiments").await.status, StatusCode::NOT_FOUND);
    assert_eq!(editor.get(&path).await.status, StatusCode::OK);
}

fn judged(id: &str, status: Status, polite: &str, date: &str) -> RunRecord {
    let criterion = |name: &str, verdict: &str| {
        json!({"pack": "House", "name": name, "kind": "contains", "verdict": verdict, "expected": name, "found": "why", "required": true,
            "weight": 1.0})
    };
    let mut run = run(id, status, &format!("question of {id}"), "an **answer**");
    run.metrics = object(json!({"duration_ms": 120.0, "total_tokens": 10, "cost_usd": 0.01}));
    run.evaluation = object(json!({"verdict": if status == Status::Passed { "pass" } else { "fail" },
        "criteria": [criterion("polite", polite), criterion("no date", date)]}));
    run
}

#[tokio::test]
async fn criteria_are_counted_and_lead_to_their_cases() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let runs = [
        judged("a", Status::Passed, "passed", "passed"),
        judged("b", Status::Failed, "failed", "passed"),
        judged("c", Status::Failed, "failed", "not_judged"),
        RunRecord { persona: Some("hurried".to_owned()), ..judged("d", Status::Passed, "passed", "not_applicable") },
    ];
    let path = experiment(&site, &project, &bundle, "exp_1", &runs, true).await;
    let mut browser = site.signed_in(Role::Viewer).await;
    let page = browser.get(&path).await;
    assert_eq!(page.texts(".criteria tbody th .verbatim"), ["polite", "no date"]);
    assert_eq!(page.texts(".criteria td.number"), ["2 50 %", "2 100 %"]);
    assert_eq!(page.texts(".criteria .chip"), ["failed 2", "not judged 1"]);
    assert!(!page.text("main").contains("(empty)"));
    let facts: Vec<String> = page.texts(".facts dd");
    for figure in ["120 ms", "40", "$0.0400"] {
        assert!(facts.iter().any(|fact| fact == figure), "{figure} in {facts:?}");
    }
    let of_criterion = page.attributes(".criteria .chip", "href");
    let failed = browser.get(&of_criterion[0]).await;
    assert_eq!(failed.texts(".cases tbody th"), ["question of b", "question of c"]);
    assert!(failed.body.contains("Only cases for which this criterion failed"));
    assert_eq!(browser.get(&of_criterion[1]).await.texts(".cases tbody th"), ["question of c"]);
    // Together with a text, and from there back.
    let both = browser.get(&format!("{path}?criterion=0&verdict=failed&text=of+c")).await;
    assert_eq!(both.texts(".cases tbody th"), ["question of c"]);
    assert_eq!(both.attributes(".search input[type=hidden]", "name"), ["criterion", "verdict"]);
    assert_eq!(browser.get(&format!("{path}?persona=hurried")).await.texts(".cases tbody th"), ["question of d"]);
    assert_eq!(browser.get(&format!("{path}?criterion=7&verdict=failed")).await.texts(".cases tbody th").len(), 4);
    // Something that comes later is counted, too.
    experiment(&site, &project, &bundle, "exp_1", &[judged("e", Status::Failed, "failed", "failed"), runs[0].clone()], true)
        .await;
    assert_eq!(browser.get(&path).await.texts(".criteria .chip"), ["failed 3", "failed 1", "not judged 1"]);
}

#[tokio::test]
async fn a_long_conversation_is_read_in_pages_and_each_message_as_it_was_said() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let mut long = run("long", Status::Passed, "asked", "answered");
    let role = |number: usize| if number.is_multiple_of(2) { "user" } else { "assistant" };
    long.transcript = (0..150).map(|number| json!({"role": role(number), "content": format!("# Part *{number}*")})).collect();
    long.transcript.push(json!({"role": "assistant", "content": "x".repeat(5 * 1024 * 1024)}));
    long.evaluation = object(json!({"observations": [
        {"id": "1", "type": "agent", "name": "run", "input": {"order": {"id": 7}}},
        {"id": "2", "parent_observation_id": "1", "type": "tool", "name": "<b>lookup", "output": EVIL},
    ]}));
    let path = format!("{}/cases/long", experiment(&site, &project, &bundle, "exp_1", &[long], true).await);
    let mut browser = site.signed_in(Role::Viewer).await;
    // Blind from page to page.
    let blind = browser.get(&format!("{path}?from=51&blind=yes")).await;
    let links = blind.attributes("nav[aria-label=Messages] a", "href");
    assert!(!links.is_empty() && links.iter().all(|link| link.contains("blind=yes")), "{links:?}");
    let page = browser.get(&path).await;
    check_is_text(&page);
    assert_eq!(page.texts(".turn").len(), 100);
    assert_eq!(page.texts(".turn h3").first().map(String::as_str), Some("Part 1"), "what an agent says is Markdown");
    assert_eq!(page.exact(".turn .verbatim"), "# Part *0*", "what a person says is not");
    assert_eq!(page.texts(".spans .mono"), ["run", "<b>lookup"]);
    assert_eq!(page.exact(".spans dd"), "order.id: 7");
    let next = page.attributes(".pager a", "href").pop().unwrap();
    let second = browser.get(&next).await;
    assert_eq!(
        (second.texts(".turn").len(), second.text("nav[aria-label=Messages] span.muted").as_str()),
        (51, "101 to 151 of 151")
    );
    assert!(second.body.len() < 400_000, "{}", second.body.len());
    let raw = browser.get(&format!("{path}/messages/151")).await;
    assert_eq!((raw.body.len(), raw.header("content-type")), (5 * 1024 * 1024, "text/plain; charset=utf-8"));
    assert_eq!(browser.get(&format!("{path}/messages/2")).await.body, "# Part *1*");
    for missing in ["0", "152", "x"] {
        assert_eq!(browser.get(&format!("{path}/messages/{missing}")).await.status, StatusCode::NOT_FOUND);
    }
}

/// Runs of one input, one for each status.
fn repeats(prefix: &str, item: &str, statuses: &[Status], answer: &str) -> Vec<RunRecord> {
    let run_of = |(iteration, status): (usize, &Status)| {
        let mut run = run(&format!("{prefix}-{item}-{iteration}"), *status, &format!("question {item}"), answer);
        run.iteration = u32::try_from(iteration).unwrap();
        run
    };
    statuses.iter().enumerate().map(run_of).collect()
}

#[tokio::test]
async fn two_experiments_are_compared_by_what_changed() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let (good, bad) = (Status::Passed, Status::Failed);
    let mut old = repeats("a", "worse", &[good, good, good, good, good], "Yes, <i>gladly</i>.");
    old.extend(repeats("a", "better", &[bad], "No."));
    old.extend(repeats("a", "same", &[good], "Same."));
    old.extend(repeats("a", "answer", &[good], "One way."));
    let mut new = repeats("b", "worse", &[good, bad, bad, bad, good], "No, <i>never</i>.");
    new.extend(repeats("b", "better", &[good], "Yes."));
    new.extend(repeats("b", "same", &[good], "Same."));
    new.extend(repeats("b", "answer", &[good], "Another way."));
    new.extend(repeats("b", "added", &[good], "New."));
    let before = tested(&site, &bundle, "before", json!({"persona_version": 3, "target": "a"}), &old).await;
    site.pass(1000);
    let after = tested(&site, &bundle, "after", json!({"persona_version": 4, "target": "a"}), &new).await;
    let mut browser = site.signed_in(Role::Editor).await;

    // The newer one leads to the comparison with the one before it.
    let page = browser.get(&format!("/projects/{project}/experiments/{after}")).await;
    let link = page.attributes("a[href*='/compare?']", "href").remove(0);
    assert_eq!(link, format!("/projects/{project}/compare?before={before}&after={after}"));
    let page = browser.get(&link).await;
    check_is_text(&page);
    assert_eq!(page.text(".verdict"), "3 of 8 cases worse, 1 better; p = 0.625: may well be chance");
    assert_eq!(
        page.texts(".compared h3"),
        ["worse question worse", "better question better", "other answer question answer", "only after question added"]
    );
    assert_eq!(page.texts(".compared .chip")[..2], ["before: 5/5", "after: 2/5"]);
    assert_eq!(page.texts(".compared .small")[..2], ["95 %: 56.6 to 100.0 %", "95 %: 11.8 to 76.9 %"]);
    assert_eq!(page.texts(".compared mark")[..2], ["Yes", "gladly"]);
    assert_eq!(page.texts(".notice li"), ["persona version: v3 → v4"]);
    assert_eq!(
        page.texts("#inputs + .chips .chip"),
        ["all changes 4", "worse 1", "better 1", "other answer 1", "only after 1", "the same 1"]
    );
    assert_eq!(page.text(".command"), "keepstep results compare before after");
    assert_eq!(browser.get(&format!("{link}&show=same")).await.texts(".compared h3"), ["the same question same"]);
    assert_eq!(browser.get(&format!("{link}&show=all")).await.texts(".compared").len(), 5);
    let swapped = browser.get(&page.attributes("main .actions a", "href")[0]).await;
    assert_eq!(swapped.texts(".compared h3")[0], "worse question better");

    // What is ticked in the list: the older one is before.
    let ticked = browser.get(&format!("/projects/{project}/compare?experiment={after}&experiment={before}")).await;
    assert_eq!(ticked.texts(".facts dd a"), ["before", "after"]);
    // A baseline is what others are compared with.
    site.pass(1000);
    let third = tested(&site, &bundle, "third", json!({}), &repeats("c", "worse", &[bad], "x")).await;
    let pinned = format!("/projects/{project}/experiments/{before}");
    let page = browser.get(&pinned).await;
    browser.submit(&page, &format!("{pinned}/pin"), "Make it the baseline", &[]).await;
    let page = browser.get(&format!("/projects/{project}/experiments/{third}")).await;
    assert!(page.has(&format!("a[href$='/compare?before={before}&after={third}']")));

    // Several side by side.
    let three = format!("/projects/{project}/compare?experiment={third}&experiment={before}&experiment={after}");
    let page = browser.get(&three).await;
    assert_eq!(page.text("h1"), "Compare 3 experiments");
    assert_eq!(page.texts(".matrix tbody th"), ["question worse", "question better"]);
    assert_eq!(page.texts(".matrix tbody tr:first-child td"), ["5/5", "2/5", "failed"]);
    assert_eq!(browser.get(&format!("{three}&show=all")).await.texts(".matrix tbody th").len(), 5);
    for (query, status) in [("", 303), ("?experiment=x", 404), ("?before=x&after=y", 404)] {
        assert_eq!(browser.get(&format!("/projects/{project}/compare{query}")).await.status, status, "{query}");
    }
}

#[tokio::test]
async fn the_name_of_a_client_is_one_word_of_the_command() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let before = tested(&site, &bundle, "x; rm -rf ~", json!({}), &repeats("a", "one", &[Status::Passed], "x")).await;
    let after = tested(&site, &bundle, "--server=it's", json!({}), &repeats("b", "one", &[Status::Passed], "x")).await;
    let mut browser = site.signed_in(Role::Viewer).await;
    let page = browser.get(&format!("/projects/{project}/compare?before={before}&after={after}")).await;
    assert_eq!(page.text(".command"), r"keepstep results compare -- 'x; rm -rf ~' '--server=it'\''s'");
}

#[tokio::test]
async fn what_an_experiment_is_compared_with_is_found_among_many() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let mut ids = Vec::new();
    for number in 0..105 {
        let mut runs = repeats(&number.to_string(), "one", &[Status::Passed], "x");
        if number == 1 {
            runs[0].evaluation = object(json!({"verdict": "not_judged"}));
        }
        ids.push(tested(&site, &bundle, &format!("e{number}"), json!({}), &runs).await);
    }
    let mut browser = site.signed_in(Role::Editor).await;
    let path = |at: usize| format!("/projects/{project}/experiments/{}", ids[at]);
    let compared_with = async |browser: &mut crate::site::Browser<'_>, at: usize| {
        let links = browser.get(&path(at)).await.attributes("a[href*='/compare?before=']", "href");
        ids.iter().position(|id| links.iter().any(|link| link.contains(&format!("before={id}&"))))
    };
    // However many came later.
    assert_eq!(compared_with(&mut browser, 1).await, Some(0));
    assert_eq!(compared_with(&mut browser, 0).await, None);
    // The last pin counts, and not the newest experiment.
    for at in [50, 3] {
        site.pass(1000);
        let page = browser.get(&path(at)).await;
        browser.submit(&page, &format!("{}/pin", path(at)), "Make it the baseline", &[]).await;
    }
    assert_eq!(compared_with(&mut browser, 104).await, Some(3));
    assert_eq!(compared_with(&mut browser, 3).await, Some(50));

    // All that were ticked are there, as many as fit with their inputs.
    let ticked = (0..12).map(|at| format!("experiment={}", ids[at])).collect::<Vec<_>>().join("&");
    let page = browser.get(&format!("/projects/{project}/compare?{ticked}&show=all")).await;
    assert_eq!((page.texts("table:not(.matrix) tbody tr").len(), page.texts(".matrix thead th").len()), (12, 11));
    assert!(page.body.contains("Inputs are compared in the newest 10 of these experiments."), "{}", page.body);
    // What ran and was not judged did run.
    let page = browser.get(&format!("/projects/{project}/compare?before={}&after={}&show=all", ids[0], ids[1])).await;
    assert!(page.text(".compared p").ends_with("after: no verdict"), "{}", page.text(".compared p"));
}

#[tokio::test]
async fn trends_are_lines_and_numbers_with_what_changed() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let trends = format!("/projects/{project}/trends");
    let mut browser = site.signed_in(Role::Viewer).await;
    assert!(browser.get(&trends).await.text(".empty").contains("keepstep test"));
    for number in 0..6 {
        let details = json!({"persona_version": if number < 3 { 3 } else { 4 }, "git_branch": "main", "model": "m1"});
        let status = if number == 4 { Status::Failed } else { Status::Passed };
        let runs = [
            judged(&format!("a{number}"), Status::Passed, "passed", "passed"),
            judged(&format!("b{number}"), status, "passed", "passed"),
        ];
        tested(&site, &bundle, &format!("exp_{number}"), details, &runs).await;
        site.pass(1000);
    }
    let page = browser.get(&trends).await;
    check_is_text(&page);
    assert_eq!(page.texts("figcaption"), ["Pass rate", "Duration of a case", "Tokens", "Cost"]);
    assert!(
        page.attributes("svg[role=img]", "aria-label")[0]
            .starts_with("Pass rate of 6 experiments. passed: first 100 %, last 100 %.")
    );
    assert_eq!(page.attributes(".chart:first-of-type .chart-line", "d").len(), 1);
    assert_eq!(page.texts(".chart-letter")[0], "A");
    assert_eq!(page.texts("main > .pairs dd"), ["persona v3 → v4 in exp_3"]);
    assert_eq!(page.texts("tbody th a"), ["exp_5", "exp_4", "exp_3", "exp_2", "exp_1", "exp_0"]);
    assert_eq!(page.texts("tbody tr:nth-child(2) td.number")[..3], ["1 of 2", "50 %95 %: 9.5 to 90.5 %", "-50.0 points"]);
    assert_eq!(browser.get(&format!("{trends}?branch=main")).await.texts("tbody th").len(), 6);

    // A scenario that was deleted keeps its trend, under its name.
    let mut transaction = site.store.write().await.unwrap();
    let other = json!({"scenario": {"name": "refunds"}, "inputs": [{"id": "1", "text": "Where is my money?"}]});
    let other = transaction.import(&site.scope, &project, &serde_json::from_value(other).unwrap()).await.unwrap();
    transaction.commit().await.unwrap();
    tested(&site, &other.id, "refund_1", json!({}), &[run("r1", Status::Passed, "asked", "answered")]).await;
    let mut transaction = site.store.write().await.unwrap();
    let scenarios = site.store.scenarios(&site.scope, &project).await.unwrap();
    for name in ["orders", "refunds"] {
        let scenario = scenarios.iter().find(|scenario| scenario.name == name).unwrap();
        transaction.delete_scenario(&site.scope, &scenario.id, "Ada").await.unwrap();
    }
    transaction.commit().await.unwrap();
    let orders = &scenarios.iter().find(|scenario| scenario.name == "orders").unwrap().id;
    let page = browser.get(&format!("{trends}?scenario={orders}")).await;
    assert_eq!(page.texts("tbody th a").len(), 6);
    assert_eq!(browser.get(&format!("{trends}?scenario=scenario_x")).await.texts("tbody th a"), ["refund_1"]);
}

#[tokio::test]
async fn the_numbers_of_a_long_trend_are_paged() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    for number in 0..102 {
        let runs = [judged(&format!("a{number}"), Status::Passed, "passed", "passed")];
        tested(&site, &bundle, &format!("exp_{number}"), json!({"git_branch": "main"}), &runs).await;
        site.pass(1000);
    }
    let mut browser = site.signed_in(Role::Viewer).await;
    let trends = format!("/projects/{project}/trends?branch=main");
    let page = browser.get(&trends).await;
    let names = page.texts("tbody th a");
    assert_eq!((names.len(), names[0].as_str(), names[99].as_str()), (100, "exp_101", "exp_2"));
    let older = page.attributes(".pager a", "href").remove(0);
    let page = browser.get(older.trim_end_matches("#numbers")).await;
    assert_eq!(page.texts("tbody th a"), ["exp_1", "exp_0"]);
    // The charts are of all of them.
    assert!(page.attributes("svg[role=img]", "aria-label")[0].starts_with("Pass rate of 102 experiments."));
    assert!(page.attributes(".pager a", "href")[0].contains("branch=main"));
    assert_eq!(browser.get(&format!("{trends}&from=5000")).await.texts("tbody th a").len(), 100);
}

#[tokio::test]
async fn each_input_is_seen_over_all_experiments() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let path = format!("/projects/{project}/trends/inputs");
    let mut browser = site.signed_in(Role::Viewer).await;
    assert!(browser.get(&path).await.text(".empty").contains("no input is like this"));
    // The first input always passes, the second fails from the fifth experiment on, the third by turns.
    for number in 0..12 {
        let of = |is_good: bool| if is_good { Status::Passed } else { Status::Failed };
        let runs = [
            run(&format!("a{number}"), Status::Passed, "always <b>good</b>", "yes"),
            run(&format!("b{number}"), of(number < 5), "broken", "no"),
            run(&format!("c{number}"), of(number % 2 == 0), "by turns", "maybe"),
        ];
        tested(&site, &bundle, &format!("exp_{number}"), json!({"git_branch": "main"}), &runs).await;
        site.pass(1000);
    }
    let page = browser.get(&path).await;
    check_is_text(&page);
    assert_eq!(page.texts("tbody th a"), ["by turns", "broken"], "what got worse last stands first");
    assert_eq!(page.texts("tbody .about"), ["since exp_11", "since exp_5"]);
    assert_eq!(page.texts("tbody td.number"), ["6 of 12", "11", "5 of 12", "1"]);
    assert_eq!(page.attributes("tbody tr:nth-child(2) svg path", "d"), ["M0 7h5v3h-5z", "", "M5 0h7v10h-7z"]);
    let chips = page.texts(".chips a");
    assert_eq!(chips, ["all changes 2", "worse 2", "better 0", "unsteady 1", "never passed 0", "all inputs 3"]);
    // The case to look at is the one of the last experiment.
    let case = page.attributes("tbody tr:nth-child(2) th a", "href").remove(0);
    assert!(browser.get(&case).await.body.contains("broken"));
    let page = browser.get(&format!("{path}?show=all&branch=main")).await;
    assert_eq!(page.texts("tbody th a").len(), 3);
    assert!(page.body.contains("always &lt;b&gt;good") || page.body.contains("always &#60;b&#62;good"), "{}", page.body);
    // Only where the project is seen.
    assert_eq!(browser.get("/projects/project_x/trends/inputs").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_case_of_an_input_that_is_there_leads_to_it() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let asked =
        |id: &str, text: &str| RunRecord { input_item_id: Some("first".to_owned()), ..run(id, Status::Failed, text, "no") };
    let runs = [asked("same", "Where is my order?"), asked("other", "Where is my parcel?")];
    let path = experiment(&site, &project, &bundle, "exp_1", &runs, true).await;
    let mut editor = site.member(Role::Editor, "Ada").await;
    let mut add = async |case: &str| {
        let page = editor.get(&format!("{path}/cases/{case}")).await;
        let added = editor.submit(&page, &format!("{path}/cases/{case}/input"), "Add to the inputs", &[]).await;
        let location = added.location().to_owned();
        let page = editor.get(&location).await;
        (location, page)
    };
    let (location, page) = add("same").await;
    assert!(location.ends_with("?edit=first&done=there"), "{location}");
    assert_eq!(page.text("[role=status]"), "The scenario has this input already: it is open below.");
    assert_eq!(page.exact("#content-1"), "Where is my order?");
    // One that asks something else is new.
    let (location, page) = add("other").await;
    assert!(location.contains("?edit=item_") && !location.contains("done"), "{location}");
    assert_eq!(page.exact("#content-1"), "Where is my parcel?");
}

#[tokio::test]
async fn people_say_what_they_think_and_how_far_the_judge_agrees_is_shown() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let mut unknown = run("u", Status::Passed, "asked", "answered");
    unknown.evaluation = object(json!({"verdict": "not_judged"}));
    let mut failed = judged("b", Status::Failed, "failed", "passed");
    failed.error = Some("told by the judge".to_owned());
    failed.metrics = object(json!({"politeness": 0.125}));
    let runs = [judged("a", Status::Passed, "passed", "passed"), failed, unknown];
    let path = experiment(&site, &project, &bundle, "exp_1", &runs, true).await;
    let mut editor = site.member(Role::Editor, "Ada").await;
    let mut viewer = site.signed_in(Role::Viewer).await;
    // Until somebody has opened it, it waits.
    let front = editor.get("/").await;
    assert_eq!(
        front.texts("section[aria-labelledby=waiting] tbody td:nth-child(2)"),
        ["Results no one has looked at 1 not passed 1 answer to label"]
    );
    assert_eq!(front.attributes("section[aria-labelledby=waiting] tbody th a", "href"), std::slice::from_ref(&path));
    editor.get(&path).await;
    assert_eq!(editor.get("/").await.texts("section[aria-labelledby=waiting] tbody td:nth-child(2)"), ["1 answer to label"]);

    let say = async |browser: &mut crate::site::Browser<'_>, case: &str, action: &str, button: &str, comment: &str| {
        let case = format!("{path}/cases/{case}");
        let page = browser.get(&case).await;
        browser.submit(&page, &format!("{case}{action}"), button, &[("comment", comment)]).await
    };
    let said = say(&mut editor, "a", "/verdict", "Wrong", "It is <b>rude").await;
    assert_eq!((said.status, said.location()), (StatusCode::SEE_OTHER, format!("{path}/cases/a#people").as_str()));
    let page = editor.get(&format!("{path}/cases/a")).await;
    check_is_text(&page);
    assert!(!viewer.get(&format!("{path}/cases/a")).await.has("form[action$='/input']"));
    let made = editor.submit(&page, &format!("{path}/cases/a/input"), "Add to the inputs", &[]).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let (scenario, input) = made.location().split_once("?edit=").expect("the input in the table");
    assert!(
        scenario.starts_with(&format!("/projects/{project}/scenarios/")) && input.starts_with("item_"),
        "{}",
        made.location()
    );
    let page = editor.get(made.location()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.exact("#content-1"), "question of a");
    let page = editor.get(&format!("{path}/cases/a")).await;
    assert_eq!((page.text(".said .badge").as_str(), page.exact(".said .verbatim").as_str()), ("wrong", "It is <b>rude"));
    assert_eq!(page.exact("#comment"), "It is <b>rude");
    assert!(!viewer.get(&format!("{path}/cases/a")).await.has("form[action*='/verdict']"));
    say(&mut editor, "b", "/verdict", "Wrong", "").await;
    say(&mut editor, "a", "/verdict?criterion=0", "Right", "").await;
    say(&mut editor, "b", "/verdict?criterion=0", "Right", "").await;
    say(&mut editor, "u", "/verdict", "Right", "").await;
    let page = viewer.get(&path).await;
    assert!(page.body.contains(
        "Of whole answers the judge agrees with people in 1 of 2 verdicts, kappa 0.00; 1 passed and people say wrong."
    ));
    assert_eq!(
        page.texts(".criteria tbody th .about")[1],
        "The judge agrees with people in 1 of 2 verdicts, kappa 0.00; 1 failed and people say right"
    );
    assert!(!viewer.get("/").await.has("#waiting"), "everything is labeled");

    // Whoever judges blind sees what they say, and nothing else: no score, no word of the judge, no link tells what did not pass.
    assert!(editor.get(&format!("{path}/cases/a")).await.has("a[rel=next]"));
    for case in ["a", "b"] {
        assert!(!editor.get(&format!("{path}/cases/{case}?blind=yes")).await.has("a[rel=next], a[rel=prev]"), "{case}");
    }
    let blind = editor.get(&format!("{path}/cases/b?blind=yes")).await;
    assert_eq!((blind.text("h1").as_str(), blind.texts(".criteria td").len()), ("question of b", 2));
    let told = ["told by the judge", "0.125"];
    let open = editor.get(&format!("{path}/cases/b")).await.body;
    assert!(told.iter().all(|word| open.contains(word) && !blind.body.contains(word)), "{}", blind.body);
    let answer = editor.submit(&blind, &format!("{path}/cases/b/verdict?blind=yes"), "Undo", &[]).await;
    assert_eq!(answer.location(), format!("{path}/cases/b?blind=yes#people"));
    assert!(!editor.get(&format!("{path}/cases/b")).await.has(".said"));

    let csrf = vec![("csrf".to_owned(), viewer.get("/").await.attributes("input[name=csrf]", "value").remove(0))];
    assert_eq!(viewer.post(&format!("{path}/cases/a/verdict"), &[], &csrf).await.status, StatusCode::FORBIDDEN);
    let long = "x".repeat(5001);
    let refused = say(&mut editor, "a", "/verdict", "Right", &long).await;
    assert_eq!((refused.status, refused.exact("textarea")), (StatusCode::BAD_REQUEST, long));
    assert_eq!(say(&mut editor, "a", "/verdict?criterion=1", "Right", "").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn many_long_criteria_are_no_long_page() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let mut long = judged("a", Status::Passed, "passed", "passed");
    let criterion = |number: usize| {
        json!({"pack": "House", "name": format!("n{number}"), "kind": "contains", "verdict": "passed", "expected": "e".repeat(3000),
            "found": "f".repeat(3000), "required": true, "weight": 1.0})
    };
    long.evaluation = object(json!({"verdict": "pass", "criteria": (0..501).map(criterion).collect::<Vec<_>>()}));
    let path = experiment(&site, &project, &bundle, "exp_1", &[long], true).await;
    let page = site.signed_in(Role::Viewer).await.get(&format!("{path}/cases/a")).await;
    assert_eq!(page.texts(".criteria tbody tr").len(), 500);
    assert!(page.body.contains("1 more are not shown"));
    assert!(page.body.len() < 1_500_000, "{}", page.body.len());
}

#[tokio::test]
async fn an_experiment_is_downloaded_as_any_of_four_files() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let mut runs = vec![judged("a", Status::Passed, "passed", "passed"), judged("b", Status::Failed, "failed", "error")];
    runs[1].output = "=HYPERLINK(\"http://x\")".to_owned();
    runs[1].input = EVIL.to_owned();
    runs.push(run("c", Status::Skipped, "left out", ""));
    runs.extend(passed(120, "many"));
    let path = experiment(&site, &project, &bundle, "exp <1>", &runs, true).await;
    let mut browser = site.signed_in(Role::Viewer).await;
    let links = browser.get(&path).await.attributes("#export ~ .chips a", "href");
    assert_eq!(links.len(), 4);

    let csv = browser.get(&links[0]).await;
    assert_eq!(
        (csv.header("content-type"), csv.header("content-disposition")),
        ("text/csv; charset=utf-8; header=present", "attachment; filename=\"exp--1.csv\"")
    );
    assert_eq!(csv.body.matches("\r\n").count(), 1 + runs.len());
    assert!(csv.body.contains("\"'=HYPERLINK(\"\"http://x\"\")\""), "{}", &csv.body[..500]);

    let json = browser.get(&links[1]).await;
    let document: Value = serde_json::from_str(&json.body).unwrap();
    assert_eq!((document["name"].as_str(), document["cases"].as_array().unwrap().len()), (Some("exp <1>"), runs.len()));
    assert_eq!((&document["cases"][1]["status"], &document["counts"]["passed"]), (&json!("failed"), &json!(121)));

    let junit = browser.get(&links[2]).await.body;
    assert!(junit.contains("tests=\"123\" failures=\"1\" errors=\"0\""), "{}", &junit[..300]);
    assert_eq!(
        (junit.matches("<testcase ").count(), junit.matches("<failure").count(), junit.matches("<skipped").count()),
        (123, 1, 1)
    );
    assert!(junit.ends_with("</testsuites>\n"));

    let html = browser.get(&links[3]).await;
    assert_eq!(html.header("content-disposition"), "attachment; filename=\"exp--1.html\"");
    assert_eq!(html.texts("details > summary .badge").len(), runs.len());
    for selector in ["script", "main b", "[onclick]", "[style]", "link", "[src]"] {
        assert!(!html.has(selector), "{selector}");
    }
    assert!(html.has("style") && html.body.trim_end().ends_with("</html>"));
    assert_eq!(browser.get(&format!("{path}/export/pdf")).await.status, StatusCode::NOT_FOUND);
    let elsewhere = path.replace(&project, "project_x");
    assert_eq!(browser.get(&format!("{elsewhere}/export/csv")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_link_shows_one_experiment_until_it_is_revoked_or_expires() {
    let site = Site::start().await;
    let (project, bundle) = shop(&site).await;
    let mut evil = run("r", Status::Failed, EVIL, EVIL);
    evil.error = Some(EVIL.to_owned());
    let path = experiment(&site, &project, &bundle, "exp_1", &[evil, run("s", Status::Passed, "asked", "answered")], true).await;
    let shares = format!("{path}/shares");
    let mut editor = site.signed_in(Role::Editor).await;
    let form = editor.get(&shares).await;
    let csrf = ("csrf".to_owned(), form.attributes("main input[name=csrf]", "value").remove(0));
    let create = async |browser: &mut crate::site::Browser<'_>, days: &str| {
        browser.post(&shares, &[], &[csrf.clone(), ("days".to_owned(), days.to_owned())]).await
    };
    assert_eq!(create(&mut editor, "1000").await.status, StatusCode::BAD_REQUEST);
    let mut links = Vec::new();
    for days in ["7", "1"] {
        let created = create(&mut editor, days).await;
        links.push(created.text("main pre.command").strip_prefix(&site.url).unwrap().to_owned());
    }
    // Shown once.
    assert!(!editor.get(&shares).await.body.contains(&links[0]));
    let shown = site.browser().get(&links[0]).await;
    assert_eq!((shown.status, shown.text("h1").as_str()), (StatusCode::OK, "exp_1 with failures"));
    assert_eq!(shown.texts("details > summary .badge"), ["failed", "passed"]);
    check_is_text(&shown);
    // It is written while it is sent, and is not kept as a whole to be packed; other pages are.
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (address, packed) in [(links[0].as_str(), None), ("/sign-in", Some("zstd"))] {
        let request = client.get(format!("{}{address}", site.url)).header("accept-encoding", "zstd");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers().get("content-encoding").map(|name| name.to_str().unwrap()), packed, "{address}");
    }
    // Nothing of it leads to anything else, and the policy of all pages holds.
    assert!(!shown.has("a") && !shown.has("form") && !shown.has("style"));
    assert!(shown.header("content-security-policy").contains("style-src 'self'") && shown.header("cache-control") == "no-store");
    assert_eq!(site.browser().get(&path).await.status, StatusCode::UNAUTHORIZED);

    site.pass(24 * 60 * 60 * 1000);
    assert_eq!(site.browser().get(&links[1]).await.status, StatusCode::NOT_FOUND, "expired");
    let list = editor.get(&shares).await;
    let revoke = list.attributes("td a", "href");
    assert_eq!(revoke.len(), 1);
    let ask = editor.get(&revoke[0]).await;
    let revoked = editor.submit(&ask, &revoke[0], "Revoke the link", &[]).await;
    assert_eq!(revoked.location(), format!("{shares}?done=revoked"));
    assert_eq!(site.browser().get(&links[0]).await.status, StatusCode::NOT_FOUND, "revoked");
    assert_eq!(site.browser().get("/shared/ks_link_x").await.status, StatusCode::NOT_FOUND);
    // A link to what was deleted shows nothing.
    let created = create(&mut editor, "30").await;
    let link = created.text("main pre.command").strip_prefix(&site.url).unwrap().to_owned();
    let delete = format!("{path}/delete");
    let ask = editor.get(&delete).await;
    editor.submit(&ask, &delete, "Delete the experiment", &[]).await;
    assert_eq!(site.browser().get(&link).await.status, StatusCode::NOT_FOUND, "deleted");
    let mut viewer = site.signed_in(Role::Viewer).await;
    assert_eq!(viewer.get(&shares).await.status, StatusCode::FORBIDDEN);
}
