//! `keepstep login`, `logout` and `auth status`

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use insta::assert_snapshot;
use keepstep_testkit::terminal::{Session, Terminal};
use keepstep_testkit::{Canned, World, transcript};

use crate::common::{BINARY, Bench};

fn with_input(mut command: Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn bare(bench: &Bench, arguments: &[&str]) -> Command {
    let mut command = bench.world.command(BINARY);
    command.args(arguments);
    command
}

#[test]
fn a_key_is_stored_used_and_forgotten() {
    let bench = Bench::new();
    let url = bench.platform.url();
    let output = with_input(bare(&bench, &["login", &url, "--with-key"]), &format!("{}\n", bench.key));
    assert_snapshot!(bench.filtered(&transcript(&output)), @"
    exit: 0
    ----- stdout -----
    ✅ Signed in to [URL] as test owner (owner)
    ----- stderr -----
    The key is stored in [WORLD]/home/.config/keepstep/credentials.toml
    ");
    let output = bare(&bench, &["auth", "status"]).output().unwrap();
    assert_snapshot!(bench.filtered(&transcript(&output)), @"
    exit: 0
    ----- stdout -----
    server  [URL] (from [WORLD]/home/.config/keepstep/credentials.toml)
    key     from [WORLD]/home/.config/keepstep/credentials.toml
    you     test owner (owner)
    ");
    assert_eq!(bare(&bench, &["sync", "--check"]).output().unwrap().status.code(), Some(0));
    let output = bare(&bench, &["logout"]).output().unwrap();
    assert_snapshot!(bench.filtered(&transcript(&output)), @"
    exit: 0
    ----- stdout -----
    ✅ The key for [URL] is forgotten on this machine
    ----- stderr -----
    hint: the server still accepts the key until an owner revokes it there
    ");
    assert_eq!(bare(&bench, &["sync", "--check", "--url", &url]).output().unwrap().status.code(), Some(9));
}

#[test]
fn a_wrong_key_is_not_stored() {
    let bench = Bench::new();
    let output = with_input(bare(&bench, &["login", &bench.platform.url(), "--with-key"]), "ks_api_wrong\n");
    assert_eq!(output.status.code(), Some(9), "{}", transcript(&output));
    assert!(!bench.world.config().join("keepstep/credentials.toml").exists());
}

#[test]
fn without_a_terminal_the_flag_is_named() {
    let bench = Bench::new();
    let output = bare(&bench, &["login", &bench.platform.url()]).stdin(Stdio::null()).output().unwrap();
    assert_snapshot!(bench.filtered(&transcript(&output)), @"
    exit: 2
    ----- stderr -----
    error: cannot ask for the key without a terminal
    hint: pipe it in: `keepstep login URL --with-key < key.txt`
    ");
}

/// Returns a login that asks for a key, since the server knows no other way.
fn asked_for_a_key(world: &World, server: &Canned) -> Session {
    let mut command = world.command(BINARY);
    command.args(["login", &server.url()]).stdin(Stdio::inherit());
    let mut session = Terminal::new(80, 24).start(command);
    session.wait_for("Key for");
    session
}

#[test]
fn control_c_ends_the_question_for_a_key() {
    let (world, server) = (World::new(), Canned::routes([]));
    let mut session = asked_for_a_key(&world, &server);
    assert!(session.has_the_keyboard());
    session.press("ks_\x03");
    let screen = session.end();
    assert_eq!(screen.exit_code(), Some(130), "{}", screen.text());
    assert!(!screen.text().contains("ks_"), "{}", screen.text());
}

#[test]
fn a_key_that_is_typed_is_not_shown_and_may_be_corrected() {
    let (world, server) = (World::new(), Canned::routes([]));
    let mut session = asked_for_a_key(&world, &server);
    session.press("\r");
    session.wait_for("Key for").press("secretly\x7f\x7f\r");
    let screen = session.end();
    assert!(!screen.text().contains("secret"), "{}", screen.text());
    let last = server.requests().pop().unwrap();
    let sent = last.headers.iter().any(|(_, value)| value.ends_with("secret"));
    assert!(sent, "{last:?}");
}
