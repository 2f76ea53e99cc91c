//! Inputs that come and go as CSV and JSON Lines, as somebody works with them who has no script.

use keepstep_store::Role;
use keepstep_store::test_data::{DraftRelease, InputFilter, InputState, InputValues, Message};
use reqwest::StatusCode;
use serde_json::json;

use crate::site::{Browser, Page, Site};
use crate::test_data::orders;

/// Returns the inputs of a draft: id, words, persona, metadata.
async fn draft(site: &Site, scenario: &str) -> Vec<(String, String, Option<String>, String)> {
    let all = InputFilter { limit: 200_000, ..InputFilter::default() };
    let inputs = site.store.draft_inputs(&site.scope, scenario, &all).await.unwrap();
    let inputs = inputs.into_iter().filter(|input| input.state != InputState::Deleted).map(|input| {
        let values = input.values();
        let texts: Vec<String> = values.messages.into_iter().map(|message| message.content).collect();
        (input.id, texts.join(" | "), values.persona, json!(values.metadata).to_string())
    });
    inputs.collect()
}

/// Brings a file as a browser does, and returns the answer.
async fn upload(browser: &mut Browser<'_>, path: &str, name: &str, content: &[u8], text: &str) -> Page {
    let csrf = browser.get(&format!("{path}/add")).await.attributes("input[name=csrf]", "value").remove(0);
    let mut body = Vec::new();
    for (field, value) in [("csrf", csrf.as_str()), ("text", text)] {
        body.extend(format!("--xyz\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n").bytes());
    }
    let head =
        format!("--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/csv\r\n\r\n");
    body.extend(head.bytes());
    body.extend(content);
    body.extend(b"\r\n--xyz--\r\n");
    browser.post_body(&format!("{path}/add"), "multipart/form-data; boundary=xyz", body).await
}

/// Brings a file that is looked at, and returns the address and the page of its preview.
async fn preview(browser: &mut Browser<'_>, path: &str, name: &str, content: &[u8]) -> (String, Page) {
    let answer = upload(browser, path, name, content, "").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let sheet = answer.location().to_owned();
    let page = browser.get(&sheet).await;
    (sheet, page)
}

/// Sends the form of a preview with what is chosen in it: the test's browser knows no lists of choices.
async fn send(browser: &mut Browser<'_>, page: &Page, sheet: &str, action: &str, chosen: &[(&str, &str)]) -> Page {
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut push = |name: &str, value: String| fields.push((name.to_owned(), value));
    for name in ["csrf", "seen"] {
        push(name, page.attributes(&format!("main input[name={name}]"), "value").remove(0));
    }
    let of = |selector: &str| page.attributes(&format!("{selector} option[selected]"), "value").into_iter().next();
    let choice = |name: &str| chosen.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    for name in ["format", "encoding", "first"] {
        if let Some(value) = choice(name).or_else(|| of(&format!("select[name={name}]"))) {
            push(name, value);
        }
    }
    let meanings = page.attributes("select[name=meaning] option[selected]", "value");
    for (column, meaning) in page.attributes("input[name=column]", "value").into_iter().zip(meanings) {
        let meaning = choice(&column).unwrap_or(meaning);
        push("column", column);
        push("meaning", meaning);
    }
    if choice("skip").is_some() {
        push("skip", "yes".to_owned());
    }
    push("action", action.to_owned());
    browser.post(sheet, &[], &fields).await
}

fn facts(page: &Page) -> Vec<String> {
    page.texts(".facts dd")
}

#[tokio::test]
async fn a_file_is_looked_at_read_in_another_way_and_added() {
    let site = Site::start().await;
    let inputs = json!([
        {"id": "q1", "text": "Where is my order?", "metadata": {"zip": 8989, "kept": true}},
        {"id": "q2", "text": "Two"},
    ]);
    let (path, id) = orders(&site, inputs).await;
    let mut editor = site.member(Role::Editor, "Bob").await;
    let csv = "\u{feff}id;Frage;Persona;zip;tags\r\nq1;Where is my order, please?;novice;8989;late, VIP\r\nq2;Two;;;\r\n\
        ;\"where is my ORDER\";;;\r\nq9;=1+1;;08989;\r\n;\"not closed;;;\r\n;few\r\n;x;nobody;;\r\nq1;twice;;;\r\n;  ;;;\r\n";
    let (sheet, page) = preview(&mut editor, &path, "q.csv", csv.as_bytes()).await;
    assert_eq!(facts(&page), ["2", "1", "1", "5", "1"], "{}", page.body);
    assert_eq!(page.attributes("select[name=meaning] option[selected]", "value"), ["id", "words", "persona", "own", "tags"]);
    assert_eq!(
        page.texts("#problems ~ .card tbody tr"),
        [
            "Line 6 unclosed quote, or text after a closing quote",
            "Line 7 it has 2 cells, and the first row has 5",
            "Line 8 persona \"nobody\" not found in the project",
            "Line 9 the id \"q1\" is on line 2 already",
            "Line 10 no text",
        ]
    );
    assert_eq!(draft(&site, &id).await.len(), 2);

    // Nothing is added with problems that nobody left out, and what is left out is said.
    let answer = send(&mut editor, &page, &sheet, "add", &[]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text(".notice.bad").contains("Some rows have problems"), "{}", answer.body);
    let answer = send(&mut editor, &page, &sheet, "add", &[("zip", "leave-out"), ("skip", "yes")]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.body);
    assert!(answer.text(".notice.bad").contains("The preview has changed."), "{}", answer.body);
    let answer = send(&mut editor, &answer, &sheet, "read", &[("zip", "own")]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, sheet.as_str()));
    let page = editor.get(&sheet).await;
    // Somebody else edits one of them meanwhile.
    let mut transaction = site.store.write().await.unwrap();
    let mut theirs = site.store.draft_input(&site.scope, &id, "q1").await.unwrap().values();
    theirs.messages[0].content = "Theirs".to_owned();
    transaction.change_input(&site.scope, &id, "q1", None, &theirs, "Eve").await.unwrap();
    transaction.commit().await.unwrap();
    let stale = send(&mut editor, &page, &sheet, "add", &[("skip", "yes")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    assert!(stale.text(".notice.bad").contains("The inputs changed"), "{}", stale.body);
    let answer = send(&mut editor, &stale, &sheet, "add", &[("skip", "yes")]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, sheet.as_str()), "{}", answer.body);
    let page = editor.get(&sheet).await;
    assert_eq!(
        (page.text("h1").as_str(), facts(&page)),
        ("Added to the draft", ["2", "1", "1", "5"].map(str::to_owned).to_vec())
    );
    assert_eq!(page.texts("#problems ~ .card tbody tr").len(), 5);
    let inputs = draft(&site, &id).await;
    let novice = site.store.test_personas(&site.scope, path.split('/').nth(2).unwrap()).await.unwrap().remove(0).id;
    assert_eq!(
        inputs[0],
        (
            "q1".into(),
            "Where is my order, please?".into(),
            Some(novice),
            r#"{"zip":8989,"kept":true,"tags":["late","VIP"]}"#.into()
        )
    );
    assert_eq!(inputs[2].1, "where is my ORDER");
    assert_eq!(inputs[3], ("q9".into(), "=1+1".into(), None, r#"{"zip":"08989"}"#.into()));
    // The same again does nothing, and another sheet begins with what the columns were.
    assert_eq!(send(&mut editor, &stale, &sheet, "add", &[("skip", "yes")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(draft(&site, &id).await.len(), 4);
    let (_, page) = preview(&mut editor, &path, "q.csv", b"Frage;Land;zip\nNeu;DE;1\n").await;
    assert_eq!(page.attributes("select[name=meaning] option[selected]", "value"), ["words", "own", "own"]);
    let mut owner = site.member(Role::Owner, "Ada").await;
    let log = owner.get("/activity").await;
    assert!(log.body.to_lowercase().contains("add inputs from a file"), "{}", log.body);
}

#[tokio::test]
async fn near_duplicates_are_pointed_out_and_pasted_lines_are_inputs() {
    let site = Site::start().await;
    let (path, id) = orders(&site, json!([{"id": "q1", "text": "Where is my order?"}])).await;
    let mut editor = site.member(Role::Editor, "Bob").await;
    let form = editor.get(&format!("{path}/add")).await;
    let add = format!("{path}/add");
    let empty = editor.submit(&form, &add, "Preview", &[("text", " \n")]).await;
    assert_eq!((empty.status, empty.text(".notice.bad").as_str()), (StatusCode::BAD_REQUEST, "Choose a file, or paste inputs."));
    let both = upload(&mut editor, &path, "a.txt", b"One", "Two\r\nlines").await;
    assert_eq!((both.status, both.exact("textarea").as_str()), (StatusCode::BAD_REQUEST, "Two\nlines"));
    let text = "where is my ORDER\n\nHow, and when?\nHow and when\n<script>alert(1)</script> \u{202e}x\n";
    let answer = editor.submit(&form, &add, "Preview", &[("text", text)]).await;
    let sheet = answer.location().to_owned();
    let page = editor.get(&sheet).await;
    assert_eq!(facts(&page), ["4", "0", "0", "0", "2"], "{}", page.body);
    assert_eq!(
        page.texts("#alike ~ .card tbody tr"),
        ["Line 1 where is my ORDER Where is my order?", "Line 4 How and when Line 3: How, and when?"]
    );
    assert!(!page.has("main script"));
    // It waits there until it is added, for its author alone.
    assert_eq!(editor.get(&add).await.attributes("#begun ~ .card a", "href"), std::slice::from_ref(&sheet));
    let mut other = site.member(Role::Editor, "Eve").await;
    assert_eq!(other.get(&sheet).await.status, StatusCode::NOT_FOUND);
    assert!(!other.get(&add).await.has("#begun"));
    assert_eq!(send(&mut editor, &page, &sheet, "add", &[]).await.status, StatusCode::SEE_OTHER);
    let said: Vec<String> = draft(&site, &id).await.into_iter().map(|input| input.1).collect();
    assert_eq!(said[1..], ["where is my ORDER", "How, and when?", "How and when", "<script>alert(1)</script> \u{202e}x"]);

    // A file of an older spreadsheet, and one that says nothing.
    let (_, page) = preview(&mut editor, &path, "alt.csv", b"text,n\nGr\xfc\xdfe,1\n").await;
    assert!(page.text(".notice.warn").contains("Windows-1252") && page.body.contains("Grüße"), "{}", page.body);
    let answer = upload(&mut editor, &path, "empty.csv", b"\xef\xbb\xbf\r\n", "").await;
    assert_eq!((answer.status, answer.text(".notice.bad").as_str()), (StatusCode::BAD_REQUEST, "The file is empty."));
    let (_, page) = preview(&mut editor, &path, "wide.csv", ",".repeat(200).as_bytes()).await;
    assert_eq!(page.text(".notice.bad"), "It cannot be read: it has more than 100 columns.");
    assert!(!page.has("button[value=add]"));
}

#[tokio::test]
async fn what_was_downloaded_is_the_same_when_it_is_brought_again() {
    let site = Site::start().await;
    let inputs = json!([
        {"id": "q 1", "text": "=1+1", "persona": "novice", "metadata": {"tags": ["late", "b"], "n": [1, {"a": null}]}},
        {"id": "q2", "messages": [{"role": "user", "content": "Hi, \"you\"\r\nthere"}, {"role": "assistant", "content": "'=2"}, {"role": "user", "content": "-"}]},
        {"id": "q3", "text": "'=3", "metadata": {"tags": []}},
        {"id": "q4", "text": "gone"},
    ]);
    let (path, id) = orders(&site, inputs).await;
    let mut editor = site.member(Role::Editor, "Bob").await;
    let mut transaction = site.store.write().await.unwrap();
    transaction.delete_input(&site.scope, &id, "q4", None, "Eve").await.unwrap();
    transaction.commit().await.unwrap();
    let mut viewer = site.signed_in(Role::Viewer).await;
    for format in ["csv", "jsonl"] {
        let file = viewer.get(&format!("{path}/download/{format}")).await;
        assert_eq!(
            (file.status, file.header("content-disposition")),
            (StatusCode::OK, &*format!("attachment; filename=\"orders.{format}\""))
        );
        if format == "csv" {
            let bytes = viewer.stream(&format!("{path}/download/csv")).await.bytes().await.unwrap();
            let begins = "\u{feff}id,text,messages,persona,tags,metadata\r\nq 1,'=1+1,,novice,\"late, b\",";
            assert!(bytes.starts_with(begins.as_bytes()), "{}", file.body);
            let (_, page) = preview(&mut editor, &path, "q.csv", &bytes).await;
            assert_eq!(facts(&page), ["0", "0", "3", "0", "0"], "{}", page.body);
        }
        let (sheet, page) = preview(&mut editor, &path, &format!("q.{format}"), file.body.as_bytes()).await;
        assert_eq!(facts(&page), ["0", "0", "3", "0", "0"], "{}", page.body);
        assert!(!page.has("button[value=add]"));
        // What is deleted comes back by its id.
        let more = match format {
            "csv" => format!("{}q4,gone,,,,\r\n", file.body),
            _ => format!("{}{{\"id\": \"q4\", \"text\": \"gone\"}}\n", file.body),
        };
        let (_, page) = preview(&mut editor, &path, "q.txt", more.as_bytes()).await;
        assert_eq!(facts(&page)[..3], ["0", "1", "3"], "{}", page.body);
        assert!(editor.get(&sheet).await.has("form"));
    }
    // As the list is filtered, which the page links to.
    let page = viewer.get(&format!("{path}?tag=late")).await;
    let links = page.attributes("a[download]", "href");
    let file = viewer.get(&links[1]).await;
    assert_eq!(file.body.lines().count(), 1, "{}", file.body);
    assert_eq!(viewer.get(&format!("{path}/download/xml")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_hundred_thousand_rows_are_looked_at_and_added() {
    let site = Site::start().await;
    let (path, id) = orders(&site, json!([{"id": "q", "text": "One"}])).await;
    let mut editor = site.member(Role::Editor, "Bob").await;
    let mut text = "id,text\n".to_owned();
    for number in 1..=99_998 {
        text.push_str(&format!("r{number},\"Question, {number}\"\n"));
    }
    text.push_str("x,\"broken\ny,=1\n");
    let (sheet, page) = preview(&mut editor, &path, "q.csv", text.as_bytes()).await;
    assert_eq!(facts(&page), ["99 999", "0", "0", "1", "not compared"], "{}", page.body);
    assert!(page.body.len() < 60_000, "{}", page.body.len());
    let answer = send(&mut editor, &page, &sheet, "add", &[("skip", "yes")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let counts = site.store.draft_counts(&site.scope, &id).await.unwrap();
    assert_eq!((counts.all, counts.new), (100_000, 99_999));
    let file = editor.get(&format!("{path}/download/csv")).await;
    assert_eq!(file.body.lines().count(), 100_001);
    assert!(file.body.ends_with("y,'=1,,,,\r\n"), "{}", &file.body[file.body.len() - 100..]);
    // There is no room for one more.
    let (_, page) = preview(&mut editor, &path, "one.txt", b"One more").await;
    assert!(page.text(".notice.bad").contains("at most 100000 inputs"), "{}", page.body);
    let (_, page) = preview(&mut editor, &path, "many.txt", "a\n".repeat(100_001).as_bytes()).await;
    assert_eq!(page.text(".notice.bad"), "It cannot be read: it has more than 100000 rows.");
}

/// The same form comes twice, as after a click too many: nobody else changed anything, and the second is told what the first did.
#[tokio::test]
async fn a_sheet_that_is_added_twice_is_added_once() {
    let site = Site::start().await;
    let (path, id) = orders(&site, json!([{"id": "q", "text": "One"}])).await;
    let mut editor = site.member(Role::Editor, "Bob").await;
    let (sheet, page) = preview(&mut editor, &path, "q.csv", b"id,text\nq,Uno\nr,Two\n,Three\n").await;
    let mut other = site.browser_with(&editor);
    let (first, second) =
        tokio::join!(send(&mut editor, &page, &sheet, "add", &[]), async { send(&mut other, &page, &sheet, "add", &[]).await },);
    // Who comes in the middle of the first is asked to look again; whoever comes before or after it is told what it did.
    for answer in [&first, &second] {
        assert!(matches!(answer.status, StatusCode::SEE_OTHER | StatusCode::CONFLICT), "{}", answer.body);
    }
    let answer = send(&mut other, &page, &sheet, "add", &[]).await;
    assert_eq!(answer.location(), sheet);
    let outcome = other.get(&sheet).await;
    assert_eq!(facts(&outcome), ["2", "1", "0", "0"], "{}", outcome.body);
    assert_eq!(draft(&site, &id).await.len(), 3);
}

#[tokio::test]
async fn characters_are_read_as_somebody_chooses() {
    let site = Site::start().await;
    let (path, id) = orders(&site, json!([{"id": "q", "text": "One"}])).await;
    let mut editor = site.member(Role::Editor, "Bob").await;
    let (sheet, page) = preview(&mut editor, &path, "q.csv", "id,text\na,Gr\u{c3}\u{bc}n\n".as_bytes()).await;
    assert_eq!(page.attributes("#encoding option[selected]", "value"), ["utf-8"]);
    // What was written twice is as it is, and what is read in another way is that.
    assert!(page.body.contains("GrÃ¼n"), "{}", page.body);
    send(&mut editor, &page, &sheet, "read", &[("encoding", "windows-1252")]).await;
    let western = editor.get(&sheet).await;
    assert!(western.has(".notice.warn") && western.body.contains("GrÃƒÂ¼n"), "{}", western.body);
    let answer = send(&mut editor, &western, &sheet, "read", &[("encoding", "utf-8")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(editor.get(&sheet).await.body.contains("GrÃ¼n"));
    let (sheet, page) = preview(&mut editor, &path, "q.csv", b"id,text\nb,Gr\xfcn \xc3\xbc\n").await;
    assert!(page.has(".notice.warn") && page.body.contains("Grün Ã¼"), "{}", page.body);
    send(&mut editor, &page, &sheet, "read", &[("encoding", "utf-8")]).await;
    let page = editor.get(&sheet).await;
    assert!(page.body.contains("Gr\u{fffd}n ü"), "{}", page.body);
    let answer = send(&mut editor, &page, &sheet, "add", &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert_eq!(draft(&site, &id).await[1].1, "Gr\u{fffd}n ü");
}

#[tokio::test]
async fn a_download_has_each_input_once_also_where_somebody_publishes_meanwhile() {
    let site = Site::start().await;
    let inputs: Vec<_> = (0..300).map(|number| json!({"id": format!("q{number}"), "text": "x ".repeat(4_000)})).collect();
    let (path, id) = orders(&site, json!(inputs)).await;
    let viewer = site.signed_in(Role::Viewer).await;
    let publish = async {
        for number in 0..4 {
            let mut transaction = site.store.write().await.unwrap();
            let message = Message { role: "user".to_owned(), content: format!("New {number}") };
            let values = InputValues { messages: vec![message], ..InputValues::default() };
            transaction.add_input(&site.scope, &id, &values, "Eve").await.unwrap();
            transaction.commit().await.unwrap();
            let mut transaction = site.store.write().await.unwrap();
            let release = DraftRelease { message: "", seen: None };
            transaction.publish_draft(&site.scope, &id, release).await.unwrap();
            transaction.commit().await.unwrap();
        }
    };
    let download = async {
        let mut count = 0;
        for _ in 0..6 {
            let answer = viewer.stream(&format!("{path}/download/jsonl")).await;
            let text = answer.text().await.unwrap();
            let row = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_str().unwrap().to_owned();
            let ids: Vec<String> = text.lines().map(row).collect();
            let once: std::collections::BTreeSet<&String> = ids.iter().collect();
            assert_eq!(once.len(), ids.len(), "an input is there twice");
            assert_eq!(ids.iter().filter(|id| id.starts_with('q')).count(), 300);
            assert!(ids.len() >= count, "an input is gone");
            count = ids.len();
        }
    };
    tokio::join!(publish, download);
    assert_eq!(draft(&site, &id).await.len(), 304);
}

#[tokio::test]
async fn viewers_only_download_and_other_projects_have_no_such_sheet() {
    let site = Site::start().await;
    let (path, id) = orders(&site, json!([{"id": "q", "text": "One"}])).await;
    let mut editor = site.member(Role::Editor, "Bob").await;
    let (sheet, page) = preview(&mut editor, &path, "q.txt", b"Two").await;
    let mut viewer = site.signed_in(Role::Viewer).await;
    for address in [format!("{path}/add"), sheet.clone()] {
        assert_eq!(viewer.get(&address).await.status, StatusCode::FORBIDDEN, "{address}");
        let csrf = viewer.get("/projects").await.attributes("input[name=csrf]", "value").remove(0);
        let fields = [("csrf".to_owned(), csrf), ("text".to_owned(), "x".to_owned())];
        assert_eq!(viewer.post(&address, &[], &fields).await.status, StatusCode::FORBIDDEN, "{address}");
    }
    assert!(!viewer.get(&path).await.has("main a[href$='/add']"));
    let mut transaction = site.store.write().await.unwrap();
    let other = transaction.create_project(&site.scope.org_id, "other").await.unwrap().id;
    transaction.commit().await.unwrap();
    for rest in [
        "add".to_owned(),
        sheet.split("/scenarios/").nth(1).unwrap().split_once('/').unwrap().1.to_owned(),
        "download/csv".into(),
    ] {
        let address = format!("/projects/{other}/scenarios/{id}/{rest}");
        assert_eq!(editor.get(&address).await.status, StatusCode::NOT_FOUND, "{address}");
    }
    assert_eq!(editor.get(&format!("{path}/add/sheet_x")).await.status, StatusCode::NOT_FOUND);
    // What somebody brought is theirs alone, also for whoever sends a form to it.
    let mut eve = site.member(Role::Editor, "Eve").await;
    assert_eq!(eve.get(&sheet).await.status, StatusCode::NOT_FOUND);
    let csrf = eve.get("/projects").await.attributes("input[name=csrf]", "value").remove(0);
    for action in ["add", "read"] {
        let seen = page.attributes("main input[name=seen]", "value").remove(0);
        let fields = [("csrf", csrf.clone()), ("seen", seen), ("format", "lines".into()), ("action", action.into())];
        let fields = fields.map(|(name, value): (&str, String)| (name.to_owned(), value));
        assert_eq!(eve.post(&sheet, &[], &fields).await.status, StatusCode::NOT_FOUND, "{action}");
    }
    assert_eq!(draft(&site, &id).await.len(), 1);
    // A form of another site, one without its token, and one that says nothing.
    let forged = editor.post(&sheet, &[("origin", "https://example.com")], &[("action".to_owned(), "add".to_owned())]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let csrf = page.attributes("main input[name=csrf]", "value").remove(0);
    let answer = editor.post(&sheet, &[], &[("action".to_owned(), "add".to_owned()), ("csrf".to_owned(), csrf)]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let answer = editor.post_body(&format!("{path}/add"), "multipart/form-data; boundary=xyz", b"--xyz\r\nbroken".to_vec()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(draft(&site, &id).await.len(), 1);
    // What was pasted outlives the session.
    let form = editor.get(&format!("{path}/add")).await;
    let user = site.id_of("Bob").await;
    let session = site.store.sessions(&user).await.unwrap().remove(0).id;
    let mut transaction = site.store.write().await.unwrap();
    transaction.end_session_of(&user, &session).await.unwrap();
    transaction.commit().await.unwrap();
    let answer = editor.submit(&form, &format!("{path}/add"), "Preview", &[("text", "Typed\nfor long")]).await;
    assert_eq!((answer.status, answer.exact("textarea").as_str()), (StatusCode::UNAUTHORIZED, "Typed\nfor long"));
}
