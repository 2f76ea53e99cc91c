//! What people see: commands on a terminal of 80 columns, with color. Each command is a row of a table here.

use std::process::Command;

use keepstep_testkit::World;
use keepstep_testkit::terminal::{Color, Screen, Terminal};

use crate::common::{BINARY, Bench, FIRST};
use crate::test_command::Orders;

/// The size that a terminal has when nobody changed it.
const TERMINAL: (u16, u16) = (80, 24);

fn shown(mut command: Command) -> Screen {
    // What a terminal of a person does not have.
    command.env_remove("CI");
    Terminal::new(TERMINAL.0, TERMINAL.1).run(command)
}

/// Runs commands, one after the other, each as a row: the command line, the exit code, and a piece of text with its color.
/// A person must be able to read each of them.
fn table<'a>(command: impl Fn(&[&str]) -> Command, rows: impl IntoIterator<Item = (&'a str, i32, Option<(&'a str, Color)>)>) {
    let mut problems = Vec::new();
    for (line, exit_code, colored) in rows {
        let screen = shown(command(&line.split(' ').collect::<Vec<_>>()));
        let mut problem = |what: &str, of: &str| problems.push(format!("{line}: {what}\n{of}\n"));
        if screen.exit_code() != Some(exit_code) {
            problem(&format!("exit {:?}", screen.exit_code()), &screen.text());
        }
        if screen.text().trim().is_empty() {
            problem("prints nothing", "");
        }
        for (what, lines) in
            [("escape codes are to be seen", screen.escape_codes()), ("wider than the screen", screen.too_wide())]
        {
            if !lines.is_empty() {
                problem(what, &lines.join("\n"));
            }
        }
        match colored {
            Some((text, _)) if !screen.continuous().contains(text) => problem(&format!("no {text:?}"), &screen.text()),
            Some((text, color)) if screen.style_of(text).color != color => {
                problem(&format!("{text:?} is {:?}", screen.style_of(text).color), &screen.text());
            }
            _ => {}
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_help_page() {
    let world = World::new();
    let mut lines = vec![String::new()];
    let mut problems = Vec::new();
    while let Some(line) = lines.pop() {
        let arguments = line.split_whitespace().chain(["--help"]);
        let mut command = world.command(BINARY);
        command.args(arguments);
        let screen = shown(command);
        let text = screen.text();
        // The program's own help has its commands in groups.
        let sections = text.split("\n\n").filter(|section| section.lines().next().is_some_and(|line| line.ends_with("ommands:")));
        let commands = sections.flat_map(|section| section.lines().skip(1)).filter(|line| !line.starts_with("   "));
        let names = commands.filter_map(|line| line.split_whitespace().next());
        lines.extend(names.filter(|name| *name != "help").map(|name| format!("{line} {name}")));
        for wide in [screen.too_wide(), screen.escape_codes()].concat() {
            problems.push(format!("{line}: {wide}"));
        }
        if screen.exit_code() != Some(0) {
            problems.push(format!("{line}: {text}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn in_an_empty_folder() {
    let world = World::new();
    let command = |arguments: &[&str]| {
        let mut command = world.command(BINARY);
        command.args(arguments);
        command
    };
    table(
        command,
        [
            ("status", 0, None),
            ("doctor", 2, Some(("fail", Color::Red))),
            ("sync", 2, Some(("error:", Color::Red))),
            ("sync pull", 2, Some(("error:", Color::Red))),
            ("sync upload", 2, Some(("error:", Color::Red))),
            ("test", 2, Some(("error:", Color::Red))),
            ("results list", 2, Some(("error:", Color::Red))),
            ("login http://127.0.0.1:9", 11, Some(("error:", Color::Red))),
            ("init scenario orders", 0, None),
            ("init agent shop", 2, Some(("error:", Color::Red))),
        ],
    );
}

#[test]
fn of_an_agent() {
    let bench = Bench::in_step();
    let command = |arguments: &[&str]| bench.command(arguments);
    table(
        command,
        [
            ("sync --check", 0, None),
            ("sync status", 0, None),
            ("status", 0, None),
            ("doctor", 0, None),
            ("compile", 0, None),
            ("persona production versions", 0, None),
        ],
    );
    bench.colleague(&FIRST.replace("a date", "a day"));
    bench.code(&FIRST.replace("friendly", "formal"));
    table(
        command,
        [
            ("sync --check", 1, Some(("friendly", Color::Red))),
            ("sync --check", 1, Some(("formal", Color::Green))),
            ("sync --merge --dry-run", 0, None),
            ("sync --merge", 0, None),
            ("undo", 0, None),
            ("undo --list", 0, None),
            ("sync --push", 0, None),
            ("persona production deploy --persona-version 1 --force", 0, None),
            ("sync --check", 0, Some(("warning:", Color::Yellow))),
            ("status", 0, Some(("production runs v1", Color::Yellow))),
            ("sync status", 0, Some(("production runs v1", Color::Yellow))),
            ("doctor", 0, Some(("warn", Color::Yellow))),
        ],
    );
}

#[test]
fn of_a_test_and_its_results() {
    let orders = Orders::new(
        "def run(input):\n    if input == 'boom': raise KeyError('missing')\n    return 'sorry, ' * 40 if input == 'sorry' else 'ok'\n",
    );
    let long = "Where is my order number 7? It was to arrive last week, and I would like to have it now. ".repeat(3);
    orders.inputs(&["one", "boom", "sorry", &long]);
    orders.file("criteria/words.yaml", "name: Words\nitems:\n  - {not_contains: sorry, description: Never says sorry}\n");
    let command = |arguments: &[&str]| orders.command(arguments);
    table(
        command,
        [
            ("test --skip-upload", 1, None),
            ("test --skip-upload", 1, None),
            ("test results", 0, Some(("error", Color::Red))),
            ("results list", 0, Some(("results compare 2 1", Color::Cyan))),
            ("results show latest", 0, Some(("✗", Color::Red))),
            ("results show 1 --all", 0, Some(("✓", Color::Green))),
            ("results show item-2", 0, Some(("error", Color::Red))),
            ("results show item-3", 0, Some(("✗ failed", Color::Red))),
            ("results compare 2 1", 0, None),
            ("results baseline main", 0, None),
            ("results check --baseline latest~1 --fail-on-regression", 5, None),
        ],
    );
}

#[test]
fn a_terminal_without_escape_codes_gets_none() {
    let bench = Bench::in_step();
    bench.colleague(&FIRST.replace("a date", "a day"));
    for terminal in [Some("dumb"), None] {
        for (line, exit_code) in
            [("demo --once --fast", 0), ("sync --check", 1), ("status", 0), ("--help", 0), ("sync --no-such", 2)]
        {
            let mut command = bench.command(&line.split(' ').collect::<Vec<_>>());
            match terminal {
                Some(terminal) => command.env("TERM", terminal),
                None => command.env_remove("TERM"),
            };
            let screen = shown(command);
            assert_eq!(screen.exit_code(), Some(exit_code), "{line}\n{}", screen.text());
            assert!(!screen.got_codes(), "{line}, TERM {terminal:?}\n{}", screen.text());
        }
    }
    assert!(shown(bench.command(&["sync", "--check"])).got_codes(), "a usual terminal has colors");
}
