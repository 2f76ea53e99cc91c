//! `keepstep trust`, and the key that waits for it.

use std::process::{Command, Output, Stdio};

use keepstep_testkit::transcript;

use crate::common::{BINARY, Bench};

/// A project whose `.env` names the server, on which the person has only a key.
struct Cloned {
    bench: Bench,
}

impl Cloned {
    fn new() -> Self {
        let bench = Bench::in_step();
        bench.project().file(".env", format!("KEEPSTEP_URL={}\n", bench.platform.url()));
        Self { bench }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bench.world.command(BINARY);
        command.env("KEEPSTEP_API_KEY", &self.bench.key).env_remove("CI").args(arguments).stdin(Stdio::null());
        command
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn code(&self, arguments: &[&str]) -> i32 {
        self.output(arguments).status.code().unwrap()
    }
}

#[test]
fn a_server_that_only_a_file_names_gets_no_key_before_the_person_said_so() {
    let cloned = Cloned::new();
    let url = cloned.bench.platform.url();
    let refused = cloned.output(&["sync", "--check"]);
    assert_eq!(refused.status.code(), Some(9), "{}", transcript(&refused));
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains(&format!("KEEPSTEP_URL={url}")) && told.contains(&format!("keepstep trust {url}")), "{told}");
    assert!(told.contains(".env names that address"), "{told}");

    assert_eq!(cloned.code(&["trust", &url]), 0);
    assert_eq!(cloned.code(&["sync", "--check"]), 0);
    let listed = cloned.output(&["trust", "--list"]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains(&url), "{}", transcript(&listed));
    // For that project only.
    let other = cloned.bench.world.project_named("other");
    other.agent(&cloned.bench.agent, &cloned.bench.org).file("src/index.ts", cloned.bench.project().read("src/index.ts"));
    other.file(".env", format!("KEEPSTEP_URL={url}\n"));
    assert_eq!(cloned.code(&["-C", &other.path().to_string_lossy(), "sync", "--check"]), 9);

    assert_eq!(cloned.code(&["trust", "--remove", &url]), 0);
    assert_eq!(cloned.code(&["sync", "--check"]), 9);
    assert_eq!(cloned.code(&["trust"]), 2);
    assert_eq!(cloned.code(&["trust", "ftp://x"]), 2);
}

#[test]
fn in_ci_it_goes_on_and_names_the_server() {
    let cloned = Cloned::new();
    let output = cloned.command(&["sync", "--check"]).env("CI", "true").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", transcript(&output));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains(&format!("sending the key from KEEPSTEP_API_KEY to {}", cloned.bench.platform.url())), "{told}");
}

#[test]
fn who_names_the_server_beside_the_key_is_not_asked() {
    let cloned = Cloned::new();
    let url = cloned.bench.platform.url();
    assert_eq!(cloned.command(&["sync", "--check"]).env("KEEPSTEP_URL", &url).status().unwrap().code(), Some(0));
    assert_eq!(cloned.code(&["sync", "--check", "--url", &url]), 0);
    let key = &cloned.bench.key;
    cloned.bench.project().file(".env", format!("KEEPSTEP_URL={url}\nKEEPSTEP_API_KEY={key}\n"));
    assert_eq!(cloned.command(&["sync", "--check"]).env_remove("KEEPSTEP_API_KEY").status().unwrap().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn a_person_at_a_terminal_is_asked_once() {
    use keepstep_testkit::terminal::Terminal;
    let cloned = Cloned::new();
    let ask = || Terminal::new(100, 24).start(cloned.command(&["sync", "--check"]));
    let mut session = ask();
    session.wait_for("Send it the key").press("n");
    let screen = session.end();
    assert_eq!(screen.exit_code(), Some(9));
    let mut session = ask();
    session.wait_for("Send it the key").press("y");
    let screen = session.end();
    assert_eq!(screen.exit_code(), Some(0));
    assert_eq!(ask().end().exit_code(), Some(0), "it is not asked again");
}
