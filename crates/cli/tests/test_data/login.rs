//! `keepstep login` through a browser

use insta::assert_snapshot;
use keepstep_testkit::{Canned, Reply, transcript};
use serde_json::{Value, json};

use super::Place;

fn started(url: &str) -> Reply {
    Reply::json(
        200,
        &json!({"device_code": "dc", "user_code": "ABCD-1234", "verification_url": url, "expires_in": 600, "interval_sec": 1}),
    )
}

fn approved(token: &str, expires_at: &str) -> Reply {
    let credential = json!({
        "access_token": token, "refresh_token": format!("next-{token}"), "expires_at": expires_at,
        "user_id": "u", "user_email": "ann@example.com",
    });
    Reply::json(200, &json!({"status": "approved", "credential": credential}))
}

#[test]
fn a_person_approves_and_the_key_is_stored_for_that_server() {
    let place = Place::new();
    let server = Canned::script([
        started("http://127.0.0.1/connect"),
        approved("jwt", "2999-01-01T00:00:00Z"),
        Reply::json(200, &json!([])),
    ]);
    let shown = |arguments: &[&str]| place.shown(&mut place.bare(arguments)).replace(&server.url(), "[SERVER]");
    assert_snapshot!(shown(&["login", &server.url(), "--no-wait"]), @"
    exit: 0
    ----- stderr -----
    URL:  http://127.0.0.1/connect
    CODE: ABCD-1234
    hint: approve it there, then `keepstep login --resume`
    ");
    assert_snapshot!(shown(&["login", "--resume"]), @"
    exit: 0
    ----- stdout -----
    ✅ Signed in to [SERVER] as ann@example.com
    ----- stderr -----
    URL:  http://127.0.0.1/connect
    CODE: ABCD-1234
    Waiting for approval...
    The key is stored in [WORLD]/home/.config/keepstep/credentials.toml
    ");
    assert!(!place.world.config().join("keepstep/pending_login.json").exists());
    assert_eq!(place.bare(&["projects", "list"]).output().unwrap().status.code(), Some(0));
    let requests = server.requests();
    assert_eq!(requests[0].header("authorization"), None);
    assert_eq!(requests[2].header("authorization"), Some("Bearer jwt"));
    assert_snapshot!(shown(&["login", &server.url(), "--no-browser"]), @"
    exit: 0
    ----- stdout -----
    A key for [SERVER] is stored already
    ----- stderr -----
    hint: `keepstep login --force` signs in again, `keepstep auth status` shows whose key it is
    ");
    assert_eq!(shown(&["login", "--resume"]).lines().next(), Some("exit: 9"));
}

#[test]
fn f30_what_waits_and_what_is_stored_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let server = Canned::script([started("http://127.0.0.1/connect"), approved("jwt", "2999-01-01T00:00:00Z")]);
    let private = |name: &str| {
        let mode = std::fs::metadata(place.world.config().join("keepstep").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    };
    place.bare(&["login", &server.url(), "--no-wait"]).output().unwrap();
    private("pending_login.json");
    place.bare(&["login", "--resume"]).output().unwrap();
    private("credentials.toml");
}

#[test]
fn a_refused_login_stores_nothing() {
    let place = Place::new();
    for status in ["denied", "expired", "what"] {
        let server = Canned::script([started("http://127.0.0.1/connect"), Reply::json(200, &json!({"status": status}))]);
        let output = place.bare(&["login", &server.url(), "--no-browser"]).output().unwrap();
        assert_eq!(output.status.code(), Some(9), "{}", transcript(&output));
        assert!(!place.world.config().join("keepstep/credentials.toml").exists());
    }
    for page in ["file:///etc/passwd", "javascript:alert(1)", "-x", ""] {
        let server = Canned::script([started(page)]);
        let output = place.bare(&["login", &server.url(), "--no-browser"]).output().unwrap();
        assert_eq!(output.status.code(), Some(12), "{}", transcript(&output));
    }
}

#[test]
fn a_key_that_ends_is_renewed_once_and_kept() {
    let place = Place::new();
    let renewed =
        json!({"credential": {"access_token": "second", "refresh_token": "next-second", "expires_at": "2999-01-01T00:00:00Z"}});
    let server = Canned::script([
        started("http://127.0.0.1/connect"),
        approved("first", "2001-01-01T00:00:00Z"),
        Reply::json(200, &renewed),
        Reply::json(200, &json!([])),
        Reply::json(200, &json!([])),
    ]);
    place.bare(&["login", &server.url(), "--no-browser"]).output().unwrap();
    for _ in 0..2 {
        let output = place.bare(&["projects", "list"]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", transcript(&output));
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 5);
    assert_eq!(requests[2].json(), json!({"refresh_token": "next-first"}));
    let sent: Vec<Option<&str>> = requests[3..].iter().map(|request| request.header("authorization")).collect();
    assert_eq!(sent, [Some("Bearer second"), Some("Bearer second")]);
}

#[test]
fn our_platform_begins_a_login() {
    let place = Place::new();
    let output = place.bare(&["login", &place.platform.url(), "--no-wait", "--json"]).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&document["pending"], &document["url"]), (&json!(true), &json!(format!("{}/connect", place.platform.url()))));
}
