//! What networks, proxies and servers do wrong, and what a person is told.
#![allow(clippy::unwrap_used, reason = "a test may panic, also in its helpers")]

mod common;

use std::time::Duration;

use common::{agent, good_key, options, our_error, ours, reader, state, target, told};
use keepstep_client::{ClientError, KeyOrigin, Options, Reader, Withheld};
use keepstep_testkit::{Canned, Fault, Proxy, Reply, Request, closed_port};
use serde_json::json;

async fn fails(url: &str) -> ClientError {
    reader(url).agent(&agent(), None).await.unwrap_err()
}

#[tokio::test]
async fn a_page_of_a_proxy_is_named_by_its_title() {
    let page = "<!doctype html>\n<html><head><title>Sign in \u{1b}[31mto Corp</title></head><body>Please…</body></html>";
    for status in [200, 404] {
        let server = Canned::start(move |_| Reply::html(status, page));
        let error = fails(&server.url()).await;
        assert!(error.is_unreachable());
        assert_eq!(
            told(&error, &server.url()),
            format!(
                "http://server is not a keepstep server: status {status}, text/html, \"Sign in \\u{{1b}}[31mto Corp\"\n\
                 check the address, and whether a proxy or a sign-in page stands in front of the server"
            )
        );
    }
}

#[tokio::test]
async fn a_cut_answer_is_asked_for_again_and_then_named() {
    let server = Canned::start(|_| ours(200, &state(7)).cut_before_end(10));
    let (options, pace) = options();
    let reader = Reader::new(&target(&server.url(), Some(&good_key())), &options).unwrap();
    let error = reader.agent(&agent(), None).await.unwrap_err();
    assert!(matches!(error, ClientError::Cut { .. }) && error.is_unreachable());
    insta::assert_snapshot!(told(&error, &server.url()), @"the connection to http://server was cut before the answer was complete");
    assert_eq!((server.requests().len(), pace.waits()), (4, vec![250, 500, 1000]));
}

#[tokio::test]
async fn a_fault_that_passes_is_not_noticed() {
    let server = Canned::start(|_| ours(200, &state(7)));
    let proxy = Proxy::before(server.address());
    for fault in [
        Fault::Drop,
        Fault::CutRequest(10),
        Fault::CutResponse(0),
        Fault::CutResponse(40),
        Fault::HalfClose(30),
        Fault::Duplicate,
        Fault::status(502, None),
        Fault::status(503, Some("1")),
        Fault::status(504, None),
        Fault::status(429, Some("0")),
    ] {
        proxy.script([fault.clone()]);
        assert!(reader(&proxy.url()).agent(&agent(), None).await.is_ok(), "{fault:?}");
    }
}

#[tokio::test]
async fn a_cut_body_without_a_length_is_no_answer() {
    let reply = Reply::raw("HTTP/1.1 200 OK\r\nkeepstep-api: 1\r\ncontent-type: application/json\r\n\r\n{\"agentId\": \"a");
    let server = Canned::start(move |_| reply.clone());
    assert!(matches!(fails(&server.url()).await, ClientError::Cut { .. }));
}

#[tokio::test]
async fn something_that_is_not_http_is_no_server() {
    let server = Canned::start(|_| Reply::raw("SSH-2.0-OpenSSH_9.2\r\n"));
    let error = fails(&server.url()).await;
    insta::assert_snapshot!(told(&error, &server.url()), @"
    http://server is not a keepstep server: it does not speak HTTP
    check the address, and whether a proxy or a sign-in page stands in front of the server
    ");
    assert!(error.is_unreachable());
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let other = Canned::start(|_| Reply::json(200, &json!({})));
    for (status, location) in [(302, other.url() + "/login?next=x"), (308, "https://127.0.0.1/elsewhere".to_owned())] {
        let to = location.clone();
        let server = Canned::start(move |_| Reply::redirect(status, &to));
        let error = fails(&server.url()).await;
        assert!(matches!(error, ClientError::RedirectedElsewhere { .. }) && !error.is_unreachable());
        let told = told(&error, &server.url()).replace(&other.url(), "http://other");
        let host = if status == 302 { "http://other" } else { "https://127.0.0.1" };
        assert_eq!(
            told,
            format!(
                "http://server redirects to {host}, and the key is not for there\n\
                 if that is the server, run `keepstep login {host}`, or set KEEPSTEP_URL={host}"
            )
        );
    }
    assert!(other.requests().is_empty(), "the key stays here");
}

#[tokio::test]
async fn a_redirect_on_the_same_server_is_followed_three_times() {
    let go_on = |request: &Request| match request.target.as_str() {
        "/3" => ours(200, &state(7)),
        "/1" => Reply::redirect(307, "/2"),
        "/2" => Reply::redirect(301, "3"),
        _ => Reply::redirect(302, "/1"),
    };
    let server = Canned::start(go_on);
    assert!(reader(&server.url()).agent(&agent(), None).await.is_ok());
    let server = Canned::start(|_| Reply::redirect(302, "/again"));
    let error = fails(&server.url()).await;
    insta::assert_snapshot!(told(&error, &server.url()), @"http://server cannot be reached: it redirects in a circle");
    assert_eq!(server.requests().len(), 4);
}

async fn retried(reply: Reply) -> (String, Vec<u128>) {
    let server = Canned::start(move |_| reply.clone());
    let (options, pace) = options();
    let reader = Reader::new(&target(&server.url(), Some(&good_key())), &options).unwrap();
    let error = reader.agent(&agent(), None).await.unwrap_err();
    assert!(error.is_unreachable());
    (told(&error, &server.url()), pace.waits())
}

#[tokio::test]
async fn retry_after_is_obeyed_up_to_a_minute() {
    let busy = |status, after: &str| Reply::json(status, &json!({"message": "Slow down."})).header("retry-after", after);
    let (text, waits) = retried(busy(429, "7")).await;
    assert_eq!(waits, [7250, 7500, 8000]);
    insta::assert_snapshot!(text, @"http://server accepts no more requests now; try again in 7 seconds");
    let (text, waits) = retried(busy(429, "3600")).await;
    assert!(waits.is_empty());
    insta::assert_snapshot!(text, @"http://server accepts no more requests now; try again in 60 minutes");
    let (text, _) = retried(busy(503, "3600")).await;
    insta::assert_snapshot!(text, @"http://server accepts no more requests now; try again in 60 minutes");
    let (text, waits) = retried(busy(503, "nonsense")).await;
    assert_eq!(waits, [250, 500, 1000]);
    insta::assert_snapshot!(text, @"http://server has a problem of its own (status 503: Slow down.)");
}

#[tokio::test]
async fn a_clock_that_is_wrong_changes_nothing() {
    // The server's clock is three years ahead of ours; it wants ten seconds.
    let reply =
        Reply::new(429, &[("date", "Sat, 14 Nov 2026 22:13:20 GMT"), ("retry-after", "Sat, 14 Nov 2026 22:13:30 GMT")], "");
    let (_, waits) = retried(reply).await;
    assert_eq!(waits, [10_250, 10_500, 11_000]);
    // Without its date there is only our clock, and a limit.
    let (text, waits) = retried(Reply::new(429, &[("retry-after", "Sat, 14 Nov 2026 22:13:30 GMT")], "")).await;
    assert!(waits.is_empty());
    insta::assert_snapshot!(text, @"http://server accepts no more requests now; try again in 1097 days");
}

#[tokio::test]
async fn nobody_there_is_given_up_soon() {
    let url = format!("http://{}", closed_port());
    let (options, pace) = options();
    let reader = Reader::new(&target(&url, Some(&good_key())), &options).unwrap();
    let error = reader.agent(&agent(), None).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }) && error.is_unreachable());
    insta::assert_snapshot!(told(&error, &url), @"http://server cannot be reached: connection refused");
    assert!(pace.waits().iter().sum::<u128>() < 3000);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_after_one_try() {
    let server = Canned::start(|_| ours(200, &state(7)));
    let proxy = Proxy::before(server.address());
    proxy.otherwise(Fault::Hold);
    let options = Options { silence: Duration::from_millis(50), ..options().0 };
    let reader = Reader::new(&target(&proxy.url(), Some(&good_key())), &options).unwrap();
    let error = reader.agent(&agent(), None).await.unwrap_err();
    assert!(matches!(error, ClientError::Silent { .. }), "{error}");
    assert_eq!(proxy.requests().len(), 1);
}

#[tokio::test]
async fn an_endless_answer_is_not_read() {
    let server = Canned::start(|_| ours(200, &json!({"text": "x".repeat(10_000)})));
    let options = Options { answer_limit: 5000, ..options().0 };
    let reader = Reader::new(&target(&server.url(), Some(&good_key())), &options).unwrap();
    let error = reader.agent(&agent(), None).await.unwrap_err();
    insta::assert_snapshot!(told(&error, &server.url()), @"the answer of http://server is larger than 5000 bytes and was not read");
}

#[tokio::test]
async fn each_problem_with_a_key_has_its_own_message() {
    let mut lines = Vec::new();
    for (code, status, text) in [
        ("KEY_MISSING", 401, "The request has no key."),
        ("KEY_MALFORMED", 401, "The key is cut."),
        ("KEY_UNKNOWN", 401, "This key is unknown."),
        ("KEY_EXPIRED", 401, "It expired."),
        ("KEY_REVOKED", 401, "It was revoked."),
        ("KEY_TOO_NARROW", 403, "The key reads, and this writes."),
    ] {
        let server = Canned::start(move |_| our_error(status, code, text));
        let error = fails(&server.url()).await;
        assert!(!error.is_unreachable());
        lines.push(told(&error, &server.url()));
    }
    insta::assert_snapshot!(lines.join("\n\n"), @"
    the key from KEEPSTEP_API_KEY did not reach http://server: something on the way removed it
    check whether a proxy in front of the server drops the Authorization header

    the key from KEEPSTEP_API_KEY for http://server is malformed: it is cut or mistyped
    put a new key into KEEPSTEP_API_KEY, or unset it and run `keepstep login http://server`

    http://server does not know the key from KEEPSTEP_API_KEY
    put a new key into KEEPSTEP_API_KEY, or unset it and run `keepstep login http://server`

    the key from KEEPSTEP_API_KEY for http://server has expired
    put a new key into KEEPSTEP_API_KEY, or unset it and run `keepstep login http://server`

    the key from KEEPSTEP_API_KEY for http://server was revoked
    put a new key into KEEPSTEP_API_KEY, or unset it and run `keepstep login http://server`

    http://server does not allow this with the key from KEEPSTEP_API_KEY: The key reads, and this writes.
    ask an owner of the server for a key with a wider role or project
    ");
}

#[tokio::test]
async fn a_missing_or_malformed_key_is_seen_before_anything_is_sent() {
    let server = Canned::script([]);
    let url = server.url();
    let mut without = target(&url, None);
    without.withheld.push(Withheld {
        origin: KeyOrigin::Variable("LUA_API_KEY"),
        reason: "it belongs to https://other".to_owned(),
        needs_trust: false,
    });
    let good = good_key();
    let cut = &good[..20];
    let mut lines = Vec::new();
    for target in [
        without,
        target(&url, Some(cut)),
        target(&url, Some("two words")),
        target(&url, Some("schlüssel")),
        target(&url, Some("")),
    ] {
        let error = Reader::new(&target, &options().0).unwrap().agent(&agent(), None).await.unwrap_err();
        assert!(matches!(error, ClientError::NotSignedIn { .. }));
        lines.push(told(&error, &url));
    }
    assert!(server.requests().is_empty());
    assert!(lines[2..].iter().all(|line| *line == lines[1]));
    insta::assert_snapshot!(lines[..2].join("\n\n"), @"
    not signed in to http://server: no key for it
    the key from LUA_API_KEY is not sent there: it belongs to https://other
    run `keepstep login http://server`, or set KEEPSTEP_API_KEY

    the key from KEEPSTEP_API_KEY for http://server is malformed: it is cut or mistyped
    put a new key into KEEPSTEP_API_KEY, or unset it and run `keepstep login http://server`
    ");
    assert!(!format!("{:?}", lines).contains(cut));
}

#[tokio::test]
async fn a_key_of_another_kind_is_sent_as_it_is() {
    let server = Canned::start(|_| ours(200, &state(7)));
    let target = target(&server.url(), Some("api_1234.abc"));
    Reader::new(&target, &options().0).unwrap().agent(&agent(), None).await.unwrap();
    assert_eq!(server.requests()[0].header("authorization"), Some("Bearer api_1234.abc"));
}

#[test]
fn an_encrypted_connection_needs_certificates() {
    let target = target("https://h.example", Some(&good_key()));
    let missing = Options { certificate_file: Some("/nowhere/ca.pem".into()), ..options().0 };
    let error = Reader::new(&target, &missing).unwrap_err();
    assert!(
        error.to_string().starts_with("cannot prepare a connection to https://h.example: no certificates to trust were found"),
        "{error}"
    );
    assert!(!error.is_unreachable());
}
