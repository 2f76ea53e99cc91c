//! The dialect of the lua tool against a canned server.
#![allow(clippy::unwrap_used, reason = "a test may panic, also in its helpers")]

mod common;

use common::{agent, reader, told, writer};
use keepstep_agent::Field;
use keepstep_agent::drift::Server;
use keepstep_api::own::DefinitionChange;
use keepstep_base::PersonaVersion;
use keepstep_base::Revision;
use keepstep_client::{ClientError, Dialect, Fetched, PersonaQuery};
use keepstep_testkit::{Canned, Reply, Request};
use serde_json::{Value, json};

const AGENT: &str = "GET /admin/agents/baseAgent_agent_1";
const PUBLISHED: &str = "GET /developer/agents/baseAgent_agent_1/persona/versions?status=published";
const VERSIONS: &str = "GET /developer/agents/baseAgent_agent_1/persona/versions";
const NEW_PERSONA: &str = "POST /developer/agents/baseAgent_agent_1/persona/version";
const SUB_AGENT: &str = "PATCH /agents/baseAgent/sub-agent";

fn good(data: &Value) -> Reply {
    Reply::json(200, &json!({"success": true, "data": data}))
}

fn versions() -> Value {
    json!({"versions": [
        {"version": 4, "persona": "dr", "createdDate": 1_700_000_400_000i64, "isCurrent": false, "status": "draft"},
        {"version": 2, "persona": "second", "createdDate": 1_700_000_200_000i64, "createdBy": "u1", "isCurrent": true, "status": "published"},
        {"version": 3, "persona": {"base": "b", "voice": "v"}, "createdDate": 1_700_000_300_000i64, "isCurrent": false, "status": "published"},
    ]})
}

fn routes() -> Vec<(&'static str, Reply)> {
    vec![
        (AGENT, good(&json!({"id": "x", "name": "N1", "model": null, "governance": {"mode": "sdk"}, "other": 1}))),
        // A server that ignores the filter.
        (PUBLISHED, good(&versions())),
        (VERSIONS, good(&versions())),
        (NEW_PERSONA, Reply::json(201, &json!({"success": true, "data": {"version": 5}}))),
        ("POST /developer/agents/baseAgent_agent_1/persona/version/3", Reply::new(200, &[], "")),
        (SUB_AGENT, good(&json!({}))),
        ("GET /admin/me/authorization/context", good(&json!({"email": "a@b.c", "fullName": null}))),
    ]
}

#[tokio::test]
async fn a_server_that_is_not_ours_is_asked_in_the_lua_dialect() {
    let server = Canned::routes(routes());
    let reader = reader(&server.url());
    let Fetched::Agent(remote) = reader.agent(&agent(), Some(Revision(1))).await.unwrap() else { panic!("it is an agent") };
    assert_eq!((remote.revision, remote.dialect), (None, Dialect::Lua));
    assert_eq!(remote.side(Field::NAME), Server::Value(Some(json!("N1"))));
    // The latest published one: neither the newer draft nor the current one.
    assert_eq!(remote.side(Field::PERSONA), Server::Value(Some(json!({"base": "b", "voice": "v"}))));
    assert_eq!(remote.side(Field::MODEL), Server::Value(None));
    assert_eq!(remote.published.map(|version| version.version), Some(PersonaVersion(3)));
    assert_eq!(remote.current.map(|version| version.version), Some(PersonaVersion(2)));
    // The dialect is remembered.
    reader.agent_now(&agent()).await.unwrap();
    insta::assert_snapshot!(server.summary(), @"
    GET /api/v1/agents/baseAgent_agent_1/state
    GET /admin/agents/baseAgent_agent_1
    GET /developer/agents/baseAgent_agent_1/persona/versions?status=published
    GET /admin/agents/baseAgent_agent_1
    GET /developer/agents/baseAgent_agent_1/persona/versions?status=published
    ");
}

/// Of the fields that only some agents set, not every server of the dialect tells; what it does not tell is not empty.
#[tokio::test]
async fn a_field_that_the_server_does_not_tell_is_not_kept() {
    let mut routes = routes();
    routes[0] = (AGENT, good(&json!({"name": "N1", "modelSettings": null, "batchingConfig": {"maxBatchMessages": 2}})));
    let server = Canned::routes(routes);
    let Fetched::Agent(remote) = reader(&server.url()).agent(&agent(), None).await.unwrap() else { panic!("it is an agent") };
    let kept: Vec<&str> = remote.kept.iter().map(|field| field.key()).collect();
    assert_eq!(kept, ["name", "persona", "model", "governance", "modelSettings", "batching"]);
    assert_eq!(remote.side(Field::named("modelSettings")), Server::Value(None));
    assert_eq!(remote.side(Field::named("batching")), Server::Value(Some(json!({"maxBatchMessages": 2}))));

    let fields = [("voices", Value::Null), ("batching", json!({"maxBatchMessages": 3})), ("description", json!("d"))];
    let fields = fields.map(|(key, value)| (key.to_owned(), value)).into_iter().collect();
    let change = DefinitionChange { fields, draft: false, message: None };
    writer(&server.url()).change(&agent(), None, &change).await.unwrap();
    let sent: Vec<Value> =
        server.requests().iter().filter(|request| request.method == "PATCH").map(|request| request.json()).collect();
    assert_eq!(
        sent,
        [
            json!({"id": "agent_1", "description": "d"}),
            json!({"id": "agent_1", "batchingConfig": {"maxBatchMessages": 3}}),
            // The peer clears a list by an empty one.
            json!({"id": "agent_1", "voices": []}),
        ]
    );
}

#[tokio::test]
async fn whatever_an_unknown_address_answers_the_other_dialect_is_tried() {
    let page = Reply::html(404, "<h1>Not here</h1>");
    for unknown in [
        Reply::json(401, &json!({"message": "Unauthorized"})),
        Reply::new(403, &[], ""),
        page,
        Reply::new(405, &[], ""),
        Reply::json(200, &json!({})),
    ] {
        let mut routes = routes();
        routes.push(("GET /api/v1/agents/baseAgent_agent_1/state", unknown));
        let server = Canned::routes(routes);
        assert_eq!(reader(&server.url()).agent_now(&agent()).await.unwrap().dialect, Dialect::Lua);
    }
}

#[tokio::test]
async fn what_the_platform_does_not_say_is_silent() {
    for (data, versions, name) in [
        (json!({}), json!({"versions": []}), Server::Silent),
        (json!({"name": null}), json!({"versions": [{"version": 1, "persona": "", "status": "published"}]}), Server::Silent),
        (json!({"name": ""}), json!({"versions": [{"version": 1, "persona": null}]}), Server::Value(Some(json!("")))),
        (
            json!({"name": "x"}),
            json!({"versions": [{"version": 1, "persona": "d", "status": "draft"}]}),
            Server::Value(Some(json!("x"))),
        ),
    ] {
        // Bodies without an envelope are good, too.
        let server = Canned::routes([(AGENT, Reply::json(200, &data)), (PUBLISHED, Reply::json(200, &versions))]);
        let remote = reader(&server.url()).agent_now(&agent()).await.unwrap();
        assert_eq!(remote.side(Field::NAME), name, "{data}");
        assert_eq!(remote.side(Field::PERSONA), Server::Silent, "{versions}");
    }
}

#[tokio::test]
async fn dates_may_be_numbers_or_texts_and_decide_which_is_latest() {
    let version = |number: u32, date: Value| json!({"version": number, "persona": format!("v{number}"), "createdDate": date, "status": "published"});
    for list in [
        json!([version(1, json!(2)), version(2, json!(1.5))]),
        json!([version(2, json!("2026-01-01T00:00:00Z")), version(1, json!("2026-01-02T00:00:00.5Z"))]),
    ] {
        let server = Canned::routes([(AGENT, good(&json!({}))), (PUBLISHED, good(&json!({"versions": list})))]);
        let remote = reader(&server.url()).agent_now(&agent()).await.unwrap();
        assert_eq!(remote.side(Field::PERSONA), Server::Value(Some(json!("v1"))));
    }
}

/// The peer takes each of these for "no drift".
#[tokio::test]
async fn s1_a_failed_half_is_an_error_and_never_an_empty_answer() {
    let half = |status: u16| Reply::json(status, &json!({"success": false, "message": "no", "statusCode": status}));
    let mut lines = Vec::new();
    for route in [AGENT, PUBLISHED] {
        for reply in [
            half(401),
            half(403),
            half(404),
            half(500),
            half(503),
            Reply::html(200, "<title>Sign in</title>"),
            Reply::json(200, &json!({"success": false, "error": {"message": "broken"}})),
            Reply::json(200, &json!({"success": true, "data": []})),
        ] {
            let mut routes = routes();
            routes.retain(|(key, _)| *key != route);
            routes.push((route, reply));
            let server = Canned::routes(routes);
            let error = reader(&server.url()).agent(&agent(), None).await.unwrap_err();
            lines.push(error.to_string().replace(&server.url(), "http://server"));
        }
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    http://server does not know the key from KEEPSTEP_API_KEY (no)
    http://server does not allow this with the key from KEEPSTEP_API_KEY: no
    http://server has no agent baseAgent_agent_1 (no)
    http://server has a problem of its own (status 500: no)
    http://server has a problem of its own (status 503: no)
    http://server is not a keepstep server: status 200, text/html, "Sign in"
    http://server refused this: broken
    http://server is not a keepstep server: status 200, application/json, "{"success":true,"data":[]}"
    http://server does not know the key from KEEPSTEP_API_KEY (no)
    http://server does not allow this with the key from KEEPSTEP_API_KEY: no
    http://server has no agent baseAgent_agent_1 (no)
    http://server has a problem of its own (status 500: no)
    http://server has a problem of its own (status 503: no)
    http://server is not a keepstep server: status 200, text/html, "Sign in"
    http://server refused this: broken
    http://server is not a keepstep server: status 200, application/json, "{"success":true,"data":[]}"
    "#);
}

#[tokio::test]
async fn s12_a_refused_key_is_an_error_of_its_own_kind_for_every_question() {
    let server = Canned::start(|_| Reply::json(401, &json!({"success": false, "message": "Unauthorized", "statusCode": 401})));
    let reader = reader(&server.url());
    assert!(matches!(reader.personas(&agent(), &PersonaQuery::default()).await, Err(ClientError::NotSignedIn { .. })));
    assert!(matches!(reader.persona(&agent(), PersonaVersion(1)).await, Err(ClientError::NotSignedIn { .. })));
    assert!(matches!(reader.whoami().await, Err(ClientError::NotSignedIn { .. })));
    let server =
        Canned::start(|_| Reply::json(403, &json!({"success": false, "message": "not yours", "code": "X", "statusCode": 403})));
    let error = common::reader(&server.url()).personas(&agent(), &PersonaQuery::default()).await.unwrap_err();
    insta::assert_snapshot!(told(&error, &server.url()), @"
    http://server does not allow this with the key from KEEPSTEP_API_KEY: not yours
    ask an owner of the server for a key with a wider role or project
    ");
}

#[tokio::test]
async fn persona_versions_are_listed_and_read_from_the_one_list() {
    let server = Canned::routes(routes());
    let reader = reader(&server.url());
    let query = PersonaQuery { limit: Some(2), ..PersonaQuery::default() };
    let page = reader.personas(&agent(), &query).await.unwrap();
    let numbers: Vec<u32> = page.versions.iter().map(|version| version.version.0).collect();
    assert_eq!((numbers, page.next), (vec![4, 3], Some(PersonaVersion(3))));
    let rest = reader.personas(&agent(), &PersonaQuery { before: page.next, ..query }).await.unwrap();
    assert_eq!((rest.versions.len(), rest.next), (1, None));
    assert_eq!(reader.persona(&agent(), PersonaVersion(2)).await.unwrap().persona, json!("second"));
    let error = reader.persona(&agent(), PersonaVersion(9)).await.unwrap_err();
    insta::assert_snapshot!(told(&error, &server.url()), @"http://server has no version 9 of agent baseAgent_agent_1");
    assert!(matches!(reader.revision(&agent(), Revision(1)).await, Err(ClientError::Unsupported { .. })));
    assert_eq!(reader.whoami().await.unwrap().name, "a@b.c");
}

fn change(fields: &Value) -> DefinitionChange {
    DefinitionChange { fields: fields.as_object().unwrap().clone(), ..DefinitionChange::default() }
}

#[tokio::test]
async fn s13_s14_fields_are_written_one_after_the_other_as_they_are() {
    let server = Canned::routes(routes());
    let fields = json!({"name": "N2", "persona": {"base": "b", "voice": "v"}, "model": null, "governance": {"mode": "sdk", "apiKey": "secret"}});
    writer(&server.url()).change(&agent(), Some(Revision(1)), &change(&fields)).await.unwrap();
    insta::assert_snapshot!(server.summary(), @r#"
    GET /healthz
    POST /developer/agents/baseAgent_agent_1/persona/version {"persona":{"base":"b","voice":"v"}}
    PATCH /agents/baseAgent/sub-agent {"id":"agent_1","name":"N2"}
    PATCH /agents/baseAgent/sub-agent {"id":"agent_1","model":null}
    PATCH /agents/baseAgent/sub-agent {"id":"agent_1","governance":{"mode":"sdk"}}
    GET /admin/agents/baseAgent_agent_1
    GET /developer/agents/baseAgent_agent_1/persona/versions?status=published
    "#);
    assert!(server.requests()[1].header("x-idempotency-key").is_some());
}

#[tokio::test]
async fn an_answer_without_a_body_is_a_good_answer_to_a_write() {
    let server = Canned::routes(routes());
    writer(&server.url()).deploy(&agent(), PersonaVersion(3), None).await.unwrap();
    insta::assert_snapshot!(server.summary(), @"
    GET /healthz
    POST /developer/agents/baseAgent_agent_1/persona/version/3 {}
    GET /admin/agents/baseAgent_agent_1
    GET /developer/agents/baseAgent_agent_1/persona/versions?status=published
    ");
}

/// The peer exits 0 after each of these.
#[tokio::test]
async fn s6_a_failed_write_is_an_error_that_says_what_is_already_written() {
    let fields = json!({"name": "N2", "persona": "p", "model": "m"});
    let fail = |status: u16| Reply::json(status, &json!({"success": false, "message": "no such model", "statusCode": status}));
    let mut lines = Vec::new();
    for status in [400, 401, 403, 404, 500, 503] {
        let server = Canned::start(move |request: &Request| match request.method.as_str() {
            "PATCH" if request.text().contains("model") => fail(status),
            "GET" => Reply::new(404, &[], ""),
            _ => good(&json!({"version": 1})),
        });
        let error = writer(&server.url()).change(&agent(), None, &change(&fields)).await.unwrap_err();
        assert!(matches!(&error, ClientError::HalfDone { done, .. } if *done == [Field::PERSONA, Field::NAME]));
        lines.push(error.to_string().replace(&server.url(), "http://server"));
    }
    insta::assert_snapshot!(lines.join("\n"), @"
    http://server refused this: no such model (already written: persona, name)
    http://server does not know the key from KEEPSTEP_API_KEY (no such model) (already written: persona, name)
    http://server does not allow this with the key from KEEPSTEP_API_KEY: no such model (already written: persona, name)
    http://server has no agent baseAgent_agent_1 (no such model) (already written: persona, name)
    http://server has a problem of its own (status 500: no such model) (already written: persona, name)
    http://server has a problem of its own (status 503: no such model) (already written: persona, name)
    ");
    let server = Canned::start(|request: &Request| Reply::new(if request.method == "GET" { 404 } else { 400 }, &[], "{}"));
    let error = writer(&server.url()).change(&agent(), None, &change(&fields)).await.unwrap_err();
    assert!(matches!(error, ClientError::Refused { status: 400, .. }), "{error}");
    assert_eq!(server.requests().len(), 2, "nothing is written after a failure");
}

#[tokio::test]
async fn a_draft_would_be_published_there_and_is_not_sent() {
    let server = Canned::routes(routes());
    let draft = DefinitionChange { draft: true, ..change(&json!({"persona": "p"})) };
    let error = writer(&server.url()).change(&agent(), None, &draft).await.unwrap_err();
    insta::assert_snapshot!(told(&error, &server.url()), @"http://server does not keep drafts; only a keepstep server does");
    assert_eq!(server.summary(), "GET /healthz");
}

#[tokio::test]
async fn ids_are_encoded_also_where_the_peer_takes_them_apart() {
    let server = Canned::start(|_| Reply::new(404, &[], "{}"));
    let id = "sol%o".parse().unwrap();
    assert!(writer(&server.url()).change(&id, None, &change(&json!({"name": "n"}))).await.is_err());
    assert!(reader(&server.url()).agent(&id, None).await.is_err());
    insta::assert_snapshot!(server.summary(), @r#"
    GET /healthz
    PATCH /agents/sol%25o/sub-agent {"id":"sol%o","name":"n"}
    GET /api/v1/agents/sol%25o/state
    GET /admin/agents/sol%25o
    "#);
}
