//! Keepstep's own dialect against a canned server.
#![allow(clippy::unwrap_used, reason = "a test may panic, also in its helpers")]

mod common;

use common::{agent, options, our_error, ours, reader, state, target, told, writer};
use keepstep_agent::Field;
use keepstep_agent::drift::Server;
use keepstep_api::own::{DefinitionChange, PersonaStatus};
use keepstep_base::PersonaVersion;
use keepstep_base::Revision;
use keepstep_client::{ClientError, Dialect, Fetched, PersonaQuery, Reader};
use keepstep_testkit::{Canned, Fault, Proxy, Reply};
use serde_json::json;

const STATE: &str = "GET /api/v1/agents/baseAgent_agent_1/state";
const HEALTH: &str = "GET /healthz";

fn healthy() -> (&'static str, Reply) {
    (HEALTH, ours(200, &json!({"status": "ok"})))
}

#[tokio::test]
async fn one_request_reads_everything_that_a_comparison_needs() {
    let server = Canned::routes([(STATE, ours(200, &state(7)))]);
    let reader = reader(&server.url());
    let Fetched::Agent(agent) = reader.agent(&agent(), None).await.unwrap() else { panic!("it is an agent") };
    assert_eq!((agent.revision, agent.dialect), (Some(Revision(7)), Dialect::Keepstep));
    assert_eq!(agent.side(Field::PERSONA), Server::Value(Some(json!({"base": "b", "voice": "v"}))));
    assert_eq!(agent.side(Field::named("governance")), Server::Value(None));
    assert_eq!(server.summary(), STATE);
    let request = &server.requests()[0];
    assert_eq!(request.header("authorization"), Some(format!("Bearer {}", common::good_key()).as_str()));
    assert_eq!(request.header("accept"), Some("application/json"));
    assert!(request.header("user-agent").unwrap().starts_with("keepstep/"));
    assert_eq!(request.header("if-none-match"), None);
}

#[tokio::test]
async fn an_unchanged_agent_is_not_sent_again() {
    let server = Canned::script([Reply::new(304, &[("keepstep-api", "1")], "")]);
    assert_eq!(reader(&server.url()).agent(&agent(), Some(Revision(7))).await.unwrap(), Fetched::Unchanged);
    assert_eq!(server.requests()[0].header("if-none-match"), Some("\"r7\""));
}

#[tokio::test]
async fn an_agent_without_a_published_persona_is_silent_about_it() {
    let body = json!({"agent_id": "a", "org_id": "o", "revision": 1, "definition": {}, "changed": {"at": 1}});
    let server = Canned::script([ours(200, &body)]);
    let agent = reader(&server.url()).agent_now(&agent()).await.unwrap();
    assert_eq!(agent.side(Field::PERSONA), Server::Silent);
    assert_eq!(agent.side(Field::NAME), Server::Silent);
    assert_eq!(agent.side(Field::MODEL), Server::Value(None));
}

#[tokio::test]
async fn ids_are_encoded_and_the_path_of_a_proxy_is_kept() {
    let server = Canned::start(|_| our_error(404, "AGENT_NOT_FOUND", "There is no such agent."));
    let base = format!("{}/base/", server.url());
    let id = "a%b?c#d_é".parse().unwrap();
    let error = reader(&base).agent(&id, None).await.unwrap_err();
    insta::assert_snapshot!(server.summary(), @"GET /base/api/v1/agents/a%25b%3Fc%23d_%C3%A9/state");
    insta::assert_snapshot!(told(&error, &server.url()), @"http://server/base has no agent a%b?c#d_é");
}

#[tokio::test]
async fn other_things_are_read_under_their_addresses() {
    let summary = json!({"version": 3, "status": "draft", "is_current": false, "created": {"at": 1}});
    let mut document = summary.clone();
    document["persona"] = json!("text");
    let server = Canned::routes([
        (
            "GET /api/v1/agents/baseAgent_agent_1/revisions/7",
            ours(200, &json!({"revision": 7, "definition": {"name": "N"}, "changed": {"at": 1}})),
        ),
        (
            "GET /api/v1/agents/baseAgent_agent_1/personas?status=draft&before=9&limit=2",
            ours(200, &json!({"versions": [summary], "next": 3})),
        ),
        ("GET /api/v1/agents/baseAgent_agent_1/personas", ours(200, &json!({"versions": []}))),
        ("GET /api/v1/agents/baseAgent_agent_1/personas/3", ours(200, &document)),
        ("GET /api/v1/whoami", ours(200, &json!({"name": "laptop", "role": "editor", "org_id": "o_1"}))),
        ("GET /api/v1/agents", ours(200, &json!({"agents": []}))),
        healthy(),
    ]);
    let reader = reader(&server.url());
    assert_eq!(reader.revision(&agent(), Revision(7)).await.unwrap().get(Field::NAME), Some(&json!("N")));
    let query = PersonaQuery { status: Some(PersonaStatus::Draft), before: Some(PersonaVersion(9)), limit: Some(2) };
    assert_eq!(reader.personas(&agent(), &query).await.unwrap().next, Some(PersonaVersion(3)));
    assert!(reader.personas(&agent(), &PersonaQuery::default()).await.unwrap().versions.is_empty());
    assert_eq!(reader.persona(&agent(), PersonaVersion(3)).await.unwrap().persona, json!("text"));
    assert_eq!(reader.whoami().await.unwrap().name, "laptop");
    assert!(reader.agents().await.unwrap().is_empty());
    let health = reader.health().await.unwrap();
    assert_eq!((health.dialect, health.version.as_deref()), (Dialect::Keepstep, Some("0.1.0")));
    let health_request = server.requests().pop().unwrap();
    assert_eq!(health_request.header("authorization"), None, "a health check needs no key");
}

fn persona_change() -> DefinitionChange {
    let fields = json!({"persona": {"base": "b"}, "governance": {"mode": "sdk", "apiKey": "secret"}, "model": null});
    DefinitionChange { fields: fields.as_object().unwrap().clone(), draft: false, message: Some("why".to_owned()) }
}

#[tokio::test]
async fn s14_a_write_names_what_it_replaces_and_leaves_the_governance_key_here() {
    let server = Canned::routes([
        healthy(),
        ("PATCH /api/v1/agents/baseAgent_agent_1/definition", ours(200, &state(8))),
        ("POST /api/v1/agents/baseAgent_agent_1/personas/2/deploy", ours(200, &state(9))),
    ]);
    let writer = writer(&server.url());
    let after = writer.change(&agent(), Some(Revision(7)), &persona_change()).await.unwrap();
    assert_eq!(after.revision, Some(Revision(8)));
    let after = writer.deploy(&agent(), PersonaVersion(2), Some(Revision(8))).await.unwrap();
    assert_eq!(after.revision, Some(Revision(9)));
    insta::assert_snapshot!(server.summary(), @r#"
    GET /healthz
    PATCH /api/v1/agents/baseAgent_agent_1/definition {"fields":{"persona":{"base":"b"},"governance":{"mode":"sdk"},"model":null},"draft":false,"message":"why"}
    POST /api/v1/agents/baseAgent_agent_1/personas/2/deploy {}
    "#);
    let requests = server.requests();
    assert_eq!(requests[1].header("if-match"), Some("\"r7\""));
    assert_eq!(requests[1].header("idempotency-key").map(str::len), Some(36));
    assert_ne!(requests[1].header("idempotency-key"), requests[2].header("idempotency-key"));
}

#[tokio::test]
async fn a_write_that_expects_nothing_names_what_is_there_now() {
    let server = Canned::routes([
        healthy(),
        (STATE, ours(200, &state(7))),
        ("PATCH /api/v1/agents/baseAgent_agent_1/definition", ours(200, &state(8))),
    ]);
    writer(&server.url()).change(&agent(), None, &persona_change()).await.unwrap();
    assert_eq!(server.requests()[2].header("if-match"), Some("\"r7\""));
}

#[tokio::test]
async fn a_stale_write_tells_the_current_revision() {
    let body = json!({"success": false, "message": "The agent changed.", "error": "Precondition Failed", "code": "STALE",
        "statusCode": 412, "current_revision": 9});
    let server = Canned::routes([healthy(), ("PATCH /api/v1/agents/baseAgent_agent_1/definition", ours(412, &body))]);
    let error = writer(&server.url()).change(&agent(), Some(Revision(7)), &persona_change()).await.unwrap_err();
    assert!(matches!(error, ClientError::Stale { current: Some(Revision(9)), .. }));
    insta::assert_snapshot!(told(&error, &server.url()), @"
    the agent changed on http://server in the meantime (it is at revision 9 now); nothing was written
    run `keepstep sync` to see what changed
    ");
}

#[tokio::test]
async fn s6_what_the_server_refuses_is_an_error_with_its_reason() {
    let refused = json!({"success": false, "message": "The persona holds merge\u{1b}[31m markers.", "error": "Bad Request",
        "code": "REFUSED", "statusCode": 400, "hint": "Finish the merge."});
    let large = json!({"success": false, "message": "Too large.", "error": "Payload Too Large", "code": "TOO_LARGE",
        "statusCode": 413, "limit": 1_048_576});
    let unknown_code = json!({"success": false, "message": "No.", "error": "?", "code": "FROM_THE_FUTURE", "statusCode": 409});
    let server = Canned::script([
        ours(200, &json!({})),
        ours(400, &refused),
        ours(413, &large),
        ours(409, &unknown_code),
        our_error(500, "INTERNAL", "Something broke."),
    ]);
    let writer = writer(&server.url());
    let mut lines = Vec::new();
    for _ in 0..4 {
        let error = writer.change(&agent(), Some(Revision(7)), &persona_change()).await.unwrap_err();
        lines.push(format!("{} | unreachable: {}", told(&error, &server.url()), error.is_unreachable()));
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    http://server refused this: The persona holds merge\u{1b}[31m markers.
    finish the merge | unreachable: false
    this is too large for http://server, which accepts at most 1048576 bytes | unreachable: false
    http://server refused this: No. | unreachable: false
    http://server has a problem of its own (status 500: Something broke.) | unreachable: true
    ");
}

#[tokio::test]
async fn s8_an_empty_name_or_persona_is_not_even_sent() {
    let server = Canned::script([]);
    let writer = writer(&server.url());
    for (field, value) in
        [("persona", json!("")), ("persona", json!({"base": " \n"})), ("name", json!(" ")), ("persona", json!(null))]
    {
        let fields = [(field.to_owned(), value)].into_iter().collect();
        let change = DefinitionChange { fields, ..DefinitionChange::default() };
        assert!(matches!(writer.change(&agent(), None, &change).await, Err(ClientError::Empty { .. })));
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_write_that_was_cut_is_repeated_with_the_same_key() {
    let server = Canned::routes([healthy(), ("PATCH /api/v1/agents/baseAgent_agent_1/definition", ours(200, &state(8)))]);
    let proxy = Proxy::before(server.address());
    for fault in [Fault::CutResponse(20), Fault::Drop, Fault::status(503, None)] {
        proxy.on("PATCH", "/definition", fault);
    }
    let (options, pace) = options();
    let writer = keepstep_client::Writer::new(&target(&proxy.url(), Some(&common::good_key())), &options).unwrap();
    writer.change(&agent(), Some(Revision(7)), &persona_change()).await.unwrap();
    let requests = proxy.requests();
    let keys: Vec<_> = requests[1..].iter().map(|request| request.header("idempotency-key").unwrap()).collect();
    assert_eq!(keys.len(), 4);
    assert!(keys.iter().all(|key| *key == keys[0]));
    assert_eq!(pace.waits(), [250, 500, 1000]);
}

#[tokio::test]
async fn a_server_with_a_newer_api_gets_one_clear_sentence() {
    let reply = Reply::json(200, &json!({"agent": "in a form of the future"}))
        .header("keepstep-api", "2")
        .header("keepstep-version", "9.0.0");
    let server = Canned::script([reply]);
    let error = reader(&server.url()).agent(&agent(), None).await.unwrap_err();
    assert!(!error.is_unreachable());
    insta::assert_snapshot!(told(&error, &server.url()), @"
    http://server speaks version 2 of the API (it is keepstep 9.0.0), and this program only 1
    update keepstep
    ");
}

/// A 401 of our own server is final: the lua dialect is not tried with the same bad key.
#[tokio::test]
async fn an_error_of_our_own_server_is_final() {
    let server = Canned::start(|_| our_error(401, "KEY_UNKNOWN", "This key is unknown."));
    let reader = Reader::new(&target(&server.url(), Some(&common::good_key())), &options().0).unwrap();
    assert!(matches!(reader.agent(&agent(), None).await, Err(ClientError::NotSignedIn { .. })));
    assert_eq!(server.requests().len(), 1);
}
