//! Every row brings a state about, sees the hint that belongs to it, does what the hint says, and sees that it helped.

use std::io::Write as _;
use std::process::{Output, Stdio};

use keepstep_testkit::transcript;

use super::Place;

/// How commands of a row get server and key.
#[derive(Clone, Copy, PartialEq)]
enum With {
    /// Both from the environment.
    Environment,
    /// Neither.
    Nothing,
    /// Only the key.
    Key,
}

/// One row of the table.
struct Row {
    /// Commands that bring the state about.
    state: &'static [&'static [&'static str]],
    /// What a person runs in it.
    command: &'static [&'static str],
    with: With,
    /// The command in the hint.
    hint: &'static str,
    /// The same as one types it, with a name in the place of each placeholder.
    typed: &'static [&'static str],
    /// The exit code of the command afterwards.
    then: i32,
}

const ROWS: &[Row] = &[
    Row {
        state: &[],
        command: &["projects", "list"],
        with: With::Nothing,
        hint: "keepstep login URL",
        typed: &["login", "[URL]", "--with-key"],
        then: 0,
    },
    Row {
        state: &[&["login", "[URL]", "--with-key"], &["revoke the key"]],
        command: &["projects", "list"],
        with: With::Nothing,
        hint: "keepstep login [URL]",
        typed: &["login", "[URL]", "--with-key"],
        then: 0,
    },
    Row {
        state: &[],
        command: &["apikeys", "create", "--no-save"],
        with: With::Environment,
        hint: "keepstep projects select ID",
        typed: &["projects", "select", "shop"],
        then: 0,
    },
    Row {
        state: &[&["projects", "select", "shop"], &["apikeys", "create"]],
        command: &["apikeys", "create"],
        with: With::Environment,
        hint: "--overwrite-env",
        typed: &["apikeys", "create", "--overwrite-env"],
        // A key is there again.
        then: 4,
    },
    Row {
        state: &[&["projects", "select", "shop"], &["import"], &["untrust"]],
        command: &["scenarios", "list"],
        with: With::Key,
        hint: "keepstep trust [URL]",
        typed: &["trust", "[URL]"],
        then: 0,
    },
    Row {
        state: &[],
        command: &["admin", "key", "create", "--name", "k", "--data", "new"],
        with: With::Nothing,
        hint: "--create",
        typed: &["admin", "key", "create", "--name", "k", "--data", "new", "--create"],
        then: 0,
    },
    Row {
        state: &[&["projects", "select", "shop"]],
        command: &["apikeys", "check", "--env-file", "k.env"],
        with: With::Environment,
        hint: "keepstep apikeys create --env-file k.env",
        typed: &["apikeys", "create", "--env-file", "k.env"],
        then: 0,
    },
    Row {
        state: &[&["projects", "select", "shop"], &["import"]],
        command: &["sync", "pull", "--locked"],
        with: With::Environment,
        hint: "keepstep sync pull",
        typed: &["sync", "pull"],
        then: 0,
    },
];

fn run(place: &Place, with: With, arguments: &[&str]) -> Output {
    let url = place.platform.url();
    let arguments: Vec<String> = arguments.iter().map(|argument| argument.replace("[URL]", &url)).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = match with {
        With::Environment => place.command(&arguments),
        With::Nothing | With::Key => place.bare(&arguments),
    };
    if with == With::Key {
        command.env("KEEPSTEP_API_KEY", &place.key);
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Only who asks for a key reads it.
    let _ = child.stdin.take().unwrap().write_all(place.platform.key("owner").as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn every_hint_helps_in_the_state_that_shows_it() {
    for row in ROWS {
        let place = Place::new();
        for step in row.state {
            match step {
                ["revoke the key"] => {
                    let listed = place.platform.admin(&["key", "list"]);
                    for id in listed.split_whitespace().filter(|word| word.starts_with("key_")) {
                        place.platform.admin(&["key", "revoke", id]);
                    }
                }
                ["import"] => {
                    place.world.project().file("orders.yaml", super::ORDERS);
                    place.ok(&["bundles", "import", "orders.yaml"]);
                    place.world.project().remove("orders.yaml");
                }
                ["untrust"] => {
                    let output = run(&place, With::Nothing, &["trust", "--remove", "[URL]"]);
                    assert!(output.status.success());
                }
                arguments => {
                    let output = run(&place, if arguments[0] == "login" { With::Nothing } else { With::Environment }, arguments);
                    assert!(output.status.success(), "{arguments:?}\n{}", transcript(&output));
                }
            }
        }
        let before = run(&place, row.with, row.command);
        let told = String::from_utf8_lossy(&before.stderr).into_owned();
        let hint = row.hint.replace("[URL]", &place.platform.url());
        assert!(
            !before.status.success() && told.contains(&hint),
            "{:?} does not show {hint}\n{}",
            row.command,
            transcript(&before)
        );
        let helped = run(&place, row.with, row.typed);
        assert!(helped.status.success(), "{:?}\n{}", row.typed, transcript(&helped));
        let after = run(&place, row.with, row.command);
        assert_eq!(after.status.code(), Some(row.then), "{:?} after {:?}\n{}", row.command, row.typed, transcript(&after));
    }
}
