//! `keepstep projects …`

use insta::assert_snapshot;
use keepstep_testkit::{Canned, Reply, transcript};
use serde_json::json;

use super::Place;

#[test]
fn a_folder_is_connected_to_a_project() {
    let place = Place::new();
    assert_snapshot!(place.run(&["projects", "select", "SHOP"]), @"
    exit: 0
    ----- stdout -----
    ✅ Selected project shop on [URL]
    ----- stderr -----
    hint: `keepstep scenarios list` shows its scenarios
    ");
    let file: serde_json::Value = serde_json::from_str(&place.world.project().read(".fluxloop/project.json")).unwrap();
    assert_eq!(
        (&file["project_id"], &file["project_name"], &file["api_url"]),
        (&json!(place.project), &json!("shop"), &json!(place.platform.url()))
    );
    assert!(file["connected_at"].is_string());
    assert_snapshot!(place.run(&["projects", "list"]), @"
    exit: 0
    ----- stdout -----
       ID                                NAME  CREATED
    *  [PROJECT]  shop  [DAY]
    ");
    assert_snapshot!(place.run(&["projects", "info"]), @"
    exit: 0
    ----- stdout -----
    project   shop ([PROJECT])
    server    [URL]
    created   [DAY]
    scenarios none
    ");
    assert_eq!(place.json(&["projects", "list"])["projects"][0]["selected"], true);
    // From now on the address is known.
    let mut command = place.bare(&["projects", "list"]);
    assert_eq!(command.env("FLUXLOOP_API_KEY", &place.key).output().unwrap().status.code(), Some(0));
}

#[test]
fn scripts_find_the_lines_that_they_look_for() {
    let place = Place::new();
    assert_snapshot!(place.run_as_fluxloop(&["projects", "create", "--name", "Second"]), @"
    exit: 0
    ----- stdout -----
    ✅ Created project Second ([PROJECT]) on [URL]
    PROJECT_CREATED: [PROJECT]
    PROJECT_SELECTED: [PROJECT]
    ----- stderr -----
    This workspace is connected to it
    ");
}

#[test]
fn f41_a_command_that_only_reads_makes_no_workspace() {
    let place = Place::new();
    for arguments in [
        &["projects", "list"][..],
        &["context", "show"],
        &["apikeys", "check"],
        &["personas", "list", "--project-id", &place.project],
    ] {
        assert_eq!(place.code(arguments), 0, "{arguments:?}");
    }
    for (arguments, code) in [
        (&["projects", "select", "nobody"][..], 3),
        (&["projects", "info"], 2),
        (&["scenarios", "create", "--name", "x"], 2),
        (&["context", "clear"], 2),
        (&["apikeys", "create"], 2),
    ] {
        assert_eq!(place.code(arguments), code, "{arguments:?}");
    }
    assert_eq!(place.world.project().files(), Vec::<String>::new());
}

#[test]
fn f5_the_workspace_is_found_from_every_folder_in_it() {
    let place = Place::connected();
    place.world.project().file("src/deep/x.py", "");
    place.ok(&["-C", "src/deep", "scenarios", "select", "orders"]);
    assert!(!place.world.project().has("src/deep/.fluxloop"));
    assert!(place.world.project().has(".fluxloop/context.json"));
}

#[test]
fn f29_a_name_with_brackets_and_ids_that_are_numbers_are_shown() {
    let place = Place::new();
    let server = Canned::routes([(
        "GET /api/projects",
        Reply::json(200, &json!([{"id": 7, "name": "Shop [/v2]\u{1b}[31m", "status": null}, {"id": "8", "name": "b\nc"}])),
    )]);
    let output = place.bare(&["projects", "list", "--url", &server.url(), "--api-key", "k"]).output().unwrap();
    assert_snapshot!(transcript(&output), @r"
    exit: 0
    ----- stdout -----
    ID  NAME              CREATED
    7   Shop [/v2]\e[31m
    8   b\nc
    ----- stderr -----
    warning: a key on the command line is visible to other users of this machine; `keepstep login` stores it
    ");
    let output = place.bare(&["projects", "select", "7", "--url", &server.url(), "--api-key", "k"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", transcript(&output));
    assert!(place.world.project().read(".fluxloop/project.json").contains("\"project_id\": \"7\""));
}

#[test]
fn f40_what_the_server_says_is_shown_with_the_documented_exit_code() {
    let place = Place::new();
    for (status, code) in [(400, 12), (401, 9), (403, 10), (404, 3), (409, 12), (422, 12), (500, 11)] {
        let server = Canned::start(move |_| Reply::json(status, &json!({"detail": "because of the moon"})));
        let output = place.bare(&["projects", "list", "--url", &server.url(), "--api-key", "k"]).output().unwrap();
        let text = transcript(&output);
        assert_eq!(output.status.code(), Some(code), "{status}: {text}");
        assert!(text.contains("because of the moon") && text.lines().count() < 8, "{status}: {text}");
    }
    let server = Canned::start(|_| {
        Reply::json(422, &json!({"detail": [{"loc": ["body", "name"], "msg": "too long"}, {"msg": "and bad"}]}))
    });
    let output = place.bare(&["projects", "list", "--url", &server.url(), "--api-key", "k"]).output().unwrap();
    assert!(transcript(&output).contains("body.name: too long; and bad"), "{}", transcript(&output));
}

#[test]
fn f2_a_server_that_is_not_there_or_is_none_is_one_sentence() {
    let place = Place::new();
    let output = place.bare(&["projects", "list", "--url", "http://127.0.0.1:1", "--api-key", "k"]).output().unwrap();
    assert_eq!(output.status.code(), Some(11), "{}", transcript(&output));
    let server = Canned::start(|_| Reply::html(200, "<title>Sign in</title>"));
    let output = place.bare(&["projects", "list", "--url", &server.url(), "--api-key", "k"]).output().unwrap();
    assert_eq!(output.status.code(), Some(11));
    assert!(transcript(&output).contains("is not a keepstep server"), "{}", transcript(&output));
}

#[test]
fn f33_a_key_never_moves_to_another_server() {
    let place = Place::connected();
    place.ok(&["apikeys", "create"]);
    let env = place.world.project().read(".fluxloop/.env");
    let other = Canned::start(|_| Reply::json(200, &json!([{"id": "p2", "name": "elsewhere"}])));
    // Named by the person: the workspace's key stays here, and is not sent.
    let output = place.bare(&["projects", "list", "--url", &other.url()]).output().unwrap();
    assert_eq!(output.status.code(), Some(9), "{}", transcript(&output));
    assert_eq!(other.requests().len(), 0);
    // Connecting to it does not take the key along either.
    let select = ["projects", "select", "p2", "--url", &other.url(), "--api-key", "k2"];
    let output = place.bare(&select).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", transcript(&output));
    assert_eq!(place.world.project().read(".fluxloop/.env"), env);
    let output = place.bare(&[&select[..], &["--force"]].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", transcript(&output));
    assert!(!place.world.project().read(".fluxloop/.env").contains("API_KEY"));
    assert!(other.requests().iter().all(|request| request.header("authorization") == Some("Bearer k2")));
}

#[test]
fn f35_what_is_made_is_asked_for_once() {
    let place = Place::new();
    for status in [422, 500] {
        let server = Canned::start(move |_| Reply::json(status, &json!({"detail": "no"})));
        let create = ["apikeys", "create", "--no-save", "--project-id", "p", "--url", &server.url(), "--api-key", "k"];
        assert_ne!(place.bare(&create).output().unwrap().status.code(), Some(0));
        assert_eq!(server.requests().len(), 1, "{status}");
    }
    // Busy, it is asked again only with what makes it the same request.
    let mut tries = 0;
    let server = Canned::start(move |_| {
        tries += 1;
        if tries == 1 {
            Reply::new(503, &[("retry-after", "0")], "")
        } else {
            Reply::json(201, &json!({"id": "s1", "name": "x"}))
        }
    });
    let create =
        ["scenarios", "create", "--name", "x", "--no-select", "--project-id", "p", "--url", &server.url(), "--api-key", "k"];
    let output = place.bare(&create).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", transcript(&output));
    let keys: Vec<Option<String>> =
        server.requests().iter().map(|request| request.header("idempotency-key").map(str::to_owned)).collect();
    assert!(keys.len() == 2 && keys[0].is_some() && keys[0] == keys[1], "{keys:?}");
}

#[test]
fn f43_the_token_of_the_other_tool_goes_to_no_other_host() {
    let place = Place::new();
    let token = place.world.home().join(".fluxloop/auth.json");
    std::fs::create_dir_all(token.parent().unwrap()).unwrap();
    std::fs::write(
        &token,
        r#"{"access_token": "jwt", "refresh_token": "r", "expires_at": "2999-01-01T00:00:00Z", "user_id": "u"}"#,
    )
    .unwrap();
    let other = Canned::start(|_| Reply::json(200, &json!([])));
    let output = place.bare(&["projects", "list", "--url", &other.url()]).output().unwrap();
    assert_eq!(output.status.code(), Some(9));
    assert_eq!(other.requests().len(), 0);
    assert!(transcript(&output).contains("its server is unknown"), "{}", transcript(&output));
    // Where the workspace says the same as the person, it is.
    place
        .world
        .project()
        .file(".fluxloop/project.json", json!({"project_id": "p", "project_name": "n", "api_url": other.url()}).to_string());
    assert_eq!(place.bare(&["projects", "list"]).output().unwrap().status.code(), Some(9));
    assert_eq!(place.bare(&["projects", "list", "--url", &other.url()]).output().unwrap().status.code(), Some(0));
    assert_eq!(other.requests()[0].header("authorization"), Some("Bearer jwt"));
}
