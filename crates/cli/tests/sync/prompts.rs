//! The questions of `keepstep sync`, in a terminal.

use keepstep_testkit::terminal::{Color, Screen, Session, Terminal};

use crate::common::{Bench, FIRST, code};

const TAKE_IT: &str = "Take it into the code";
const PUBLISH: &str = "Publish the code";
const MERGE: &str = "Merge: keep both sides' edits";
const LEAVE: &str = "Leave as it is";

/// Runs a command in a terminal and waits for its question.
fn asked(bench: &Bench, arguments: &[&str]) -> Session {
    let mut command = bench.command(arguments);
    command.stdin(std::process::Stdio::inherit());
    let mut session = Terminal::new(80, 40).start(command);
    session.wait_for(LEAVE);
    session
}

/// Returns the choice that Enter takes.
fn marked(screen: &Screen) -> Option<String> {
    screen.lines().iter().rev().find_map(|line| line.strip_prefix("❯ ").map(str::to_owned))
}

fn diverged() -> Bench {
    let bench = Bench::in_step();
    bench.colleague(&FIRST.replace("a date", "a day"));
    bench.code(&FIRST.replace("friendly", "formal"));
    bench
}

#[test]
fn the_marked_choice_follows_the_side_that_changed() {
    let bench = Bench::in_step();
    bench.code("Mine");
    let screen = asked(&bench, &["sync"]).screen();
    assert!(screen.text().contains("Your code's persona is newer."), "{}", screen.text());
    assert_eq!(marked(&screen).as_deref(), Some(PUBLISH));
    screen.assert_readable();

    let bench = Bench::in_step();
    bench.colleague("Theirs");
    let screen = asked(&bench, &["sync"]).screen();
    assert!(screen.text().contains("The server's persona is newer."), "{}", screen.text());
    assert_eq!(marked(&screen).as_deref(), Some(TAKE_IT));
    screen.assert_readable();

    let screen = asked(&diverged(), &["sync"]).screen();
    assert_eq!(marked(&screen).as_deref(), Some(MERGE));
    screen.assert_readable();

    let bench = diverged();
    bench.project().remove("keepstep.lock");
    let screen = asked(&bench, &["sync"]).screen();
    assert_eq!(marked(&screen), None, "{}", screen.text());
    screen.assert_readable();
}

#[test]
fn the_heading_says_who_and_when_and_why() {
    let bench = Bench::in_step();
    let maria = bench.platform.admin(&["key", "create", "--name", "Maria", "--role", "editor"]);
    bench.colleague_says(&maria, "Theirs", "shorter please");
    let screen = asked(&bench, &["sync"]).screen();
    let text = screen.text();
    assert!(text.contains("Persona  changed on the server  v2 by Maria, just now: \"shorter please\""), "{text}");
    assert!(text.contains("  your code: src/index.ts:5:12, unchanged since v1"), "{text}");
    assert!(text.contains("(v2 by Maria leaves production, and stays)"), "{text}");
    assert_eq!(screen.style_of("- Theirs").color, Color::Red);
    assert_eq!(screen.style_of("+ Answer briefly.").color, Color::Green);
}

#[test]
fn enter_enter_enter_never_takes_a_colleagues_text_out_of_production() {
    // The colleague changed three fields; with and without a base.
    for keeps_base in [true, false] {
        let bench = Bench::in_step();
        let theirs = code("Theirs").replace("Helper", "Their helper").replace("persona:", "model: 'openai/gpt-4o',\n  persona:");
        bench.colleague_publishes(&theirs);
        if !keeps_base {
            bench.project().remove("keepstep.lock");
        }
        let mut session = asked(&bench, &["sync"]);
        session.press("\r\r\r");
        if keeps_base {
            let screen = session.end();
            assert_eq!(screen.exit_code(), Some(0), "{}", screen.text());
            assert_eq!(bench.output(&["sync", "--check"]).status.code(), Some(0));
            assert!(bench.project().read("src/index.ts").contains("Their helper"));
        } else {
            // Nothing is marked, so it still asks.
            session.press("\x03");
            assert_eq!(session.end().exit_code(), Some(130));
        }
        assert_eq!(bench.published(), "Theirs");
    }
}

#[test]
fn escape_leaves_and_changes_nothing() {
    let bench = Bench::in_step();
    bench.colleague("Theirs");
    let before = bench.project().read("src/index.ts");
    let mut session = asked(&bench, &["sync"]);
    session.press("\x1b");
    assert_eq!(session.end().exit_code(), Some(130));
    assert_eq!(bench.project().read("src/index.ts"), before);
    assert_eq!(bench.published(), "Theirs");
}

#[test]
fn publishing_over_a_newer_version_asks_once_more_by_name() {
    let bench = Bench::in_step();
    bench.colleague("Theirs");
    bench.code("Mine");
    bench.project().remove("keepstep.lock");
    let mut session = asked(&bench, &["sync"]);
    // Down to the first, down to the second.
    session.press("jj\r").wait_for("Publish over v2 by test owner, just now?");
    // Enter alone means no, and it asks again what to do.
    session.press("\r").wait_for(LEAVE);
    assert_eq!(bench.published(), "Theirs");
    session.press("jj\r").wait_for("Publish over v2");
    session.press("y");
    let screen = session.end();
    assert_eq!(screen.exit_code(), Some(0), "{}", screen.text());
    assert_eq!(bench.published(), "Mine");
}

#[test]
fn all_of_it_can_be_looked_at() {
    let bench = Bench::new();
    let lines: Vec<String> = (1..=12).map(|number| format!("line {number}")).collect();
    bench.code(&lines.join("\n"));
    bench.ok(&["sync", "--push"]);
    bench.colleague(&lines.join("\n").replace("line 12", "the end"));
    let mut session = asked(&bench, &["sync"]);
    assert!(session.screen().text().contains("5 unchanged lines"));
    session.press("jj\r").wait_for("  line 6").wait_for(LEAVE);
    session.press("\r");
    assert_eq!(session.end().exit_code(), Some(0));
    assert_eq!(bench.project().read("src/index.ts"), code(&lines.join("\n").replace("line 12", "the end")));
}

#[test]
fn push() {
    let bench = Bench::in_step();
    bench.code("Mine");
    let mut session = asked(&bench, &["sync"]);
    session.press("\r").wait_for("is published and current");
    assert_eq!(session.end().exit_code(), Some(0));
    assert_eq!(bench.published(), "Mine");
}

#[test]
fn s4_merge_is_offered_first_where_both_changed_and_asked_once() {
    let bench = diverged();
    let mut session = asked(&bench, &["sync"]);
    session.press("\r").wait_for("merged into");
    assert_eq!(session.end().exit_code(), Some(0));
    assert_eq!(bench.published(), FIRST.replace("a date", "a day").replace("friendly", "formal"));
}

#[test]
fn leaving_it_changes_nothing() {
    let bench = diverged();
    let mut session = asked(&bench, &["sync"]);
    session.press("jjjj\r").wait_for("Nothing was changed.");
    assert_eq!(session.end().exit_code(), Some(0));
    assert_eq!(bench.project().read("src/index.ts"), code(&FIRST.replace("friendly", "formal")));
    assert_eq!(bench.published(), FIRST.replace("a date", "a day"));
}

#[test]
fn control_c_ends_with_130_and_changes_nothing() {
    let bench = diverged();
    let mut session = asked(&bench, &["sync"]);
    // Also between the question's first line and the moment when it looks for a key.
    assert!(session.has_the_keyboard(), "Ctrl-C would be lost:\n{}", session.screen().text());
    session.press("\x03");
    let screen = session.end();
    assert_eq!(screen.exit_code(), Some(130));
    assert!(!screen.text().contains("^C"), "{}", screen.text());
    assert_eq!(bench.project().read("src/index.ts"), code(&FIRST.replace("friendly", "formal")));
}

#[test]
fn s9_ci_never_asks() {
    let bench = diverged();
    let mut command = bench.command(&["sync", "--ci"]);
    command.stdin(std::process::Stdio::inherit());
    let screen = Terminal::new(80, 40).run(command);
    assert!(screen.text().contains("because there is no terminal"), "{}", screen.text());
    assert_eq!(screen.exit_code(), Some(4));
}

/// A push brings the other fields too, so what a colleague changed of them is named as well.
#[test]
fn push_persona_names_another_field_that_the_server_has_newer() {
    let bench = Bench::in_step();
    let settings = |number: u8, persona: &str| {
        code(persona).replace("  persona:", &format!("  modelSettings: {{ topK: {number} }},\n  persona:"))
    };
    bench.project().file("src/index.ts", settings(1, FIRST));
    bench.ok(&["sync", "--push"]);
    bench.colleague_publishes(&settings(2, FIRST));
    bench.project().file("src/index.ts", settings(3, "Mine"));
    let mut command = bench.command(&["push", "persona"]);
    command.stdin(std::process::Stdio::inherit());
    let mut session = Terminal::new(80, 40).start(command);
    session.wait_for("Publish over the server's model settings?").press("\r");
    assert!(session.end().text().contains("Nothing was pushed."));
    assert_eq!(bench.published(), FIRST);
}

#[test]
fn push_persona_asks_by_name_and_enter_means_no() {
    let bench = Bench::in_step();
    bench.colleague("Theirs");
    let mut command = bench.command(&["push", "persona"]);
    command.stdin(std::process::Stdio::inherit());
    let mut session = Terminal::new(80, 40).start(command);
    session.wait_for("Publish over v2 by test owner, just now?").press("\r");
    assert!(session.end().text().contains("Nothing was pushed."));
    assert_eq!(bench.published(), "Theirs");
    bench.code("Mine");
    bench.ok(&["sync", "--push"]);
    bench.code("Mine, again");
    let mut command = bench.command(&["push", "persona"]);
    command.stdin(std::process::Stdio::inherit());
    let mut session = Terminal::new(80, 40).start(command);
    session.wait_for("Publish this?").press("\r");
    assert_eq!(session.end().exit_code(), Some(0));
    assert_eq!(bench.published(), "Mine, again");
}
