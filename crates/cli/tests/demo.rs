//! `keepstep demo`

use keepstep_testkit::terminal::{Color, Terminal};
use keepstep_testkit::{World, transcript};

use crate::common::BINARY;

/// What the tour shows, in this order.
const STEPS: &[&str] = &[
    "$ keepstep init agent",
    "$ keepstep push persona --force",
    "$ keepstep sync --check",
    "- Be friendly, and brief.",
    "exit code 1",
    "$ keepstep sync --accept",
    "$ keepstep sync --merge",
    "$ keepstep sync pull && keepstep test",
    "exit code 1",
    "$ keepstep test",
    "$ keepstep results compare latest~1 latest",
];

fn assert_in_order(text: &str) {
    let mut rest = text;
    for step in STEPS {
        let Some(found) = rest.find(step) else { panic!("{step:?} is missing or too early\n{text}") };
        rest = &rest[found + step.len()..];
    }
}

#[test]
fn the_tour_ends_well_and_touches_nothing() {
    let world = World::new();
    let output = world.command(BINARY).args(["demo", "--once"]).output().unwrap();
    let text = transcript(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert_in_order(&text);
    assert!(!text.contains('\u{1b}'), "{text}");
    // Where the server is gone in a moment, no link to it is shown.
    assert!(!text.contains("http://"), "{text}");
    assert_eq!(std::fs::read_dir(world.home()).unwrap().count(), 0);
    assert!(world.project().files().is_empty());
    assert_eq!(std::fs::read_dir(world.path().join("tmp")).unwrap().count(), 0);
}

#[test]
fn all_at_once_it_fits_on_few_screens_and_has_colors() {
    let world = World::new();
    let mut command = world.command(BINARY);
    command.args(["demo", "--once", "--fast"]);
    let screen = Terminal::new(80, 24).run(command);
    let text = screen.text();
    assert_eq!(screen.exit_code(), Some(0), "{text}");
    screen.assert_readable();
    assert_in_order(&text);
    assert!(text.lines().count() <= 60, "{} lines\n{text}", text.lines().count());
    assert_eq!(screen.style_of("- Be friendly").color, Color::Red);
    assert_eq!(screen.style_of("+ Be friendly").color, Color::Green);
}

#[test]
fn on_a_terminal_each_step_is_one_screen() {
    let world = World::new();
    let mut command = world.command(BINARY);
    command.args(["demo", "--once"]);
    let mut session = Terminal::new(80, 24).start(command);
    for step in 1..=6 {
        session.wait_for(&format!("{step}/6")).wait_for("Enter: ");
        let screen = session.screen();
        screen.assert_readable();
        session.press("\r");
    }
    let screen = session.wait_for("That was keepstep").screen();
    screen.assert_readable();
    assert_eq!(session.end().exit_code(), Some(0));
}

#[test]
fn the_rest_of_the_steps_can_be_left_out() {
    let world = World::new();
    let mut command = world.command(BINARY);
    command.args(["demo", "--listen", "127.0.0.1:0"]);
    let mut session = Terminal::new(80, 24).start(command);
    session.wait_for("1/6").wait_for("Enter: ").press("q");
    session.wait_for("/sign-in/link/").press("\u{3}");
}
