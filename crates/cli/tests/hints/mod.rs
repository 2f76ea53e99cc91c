//! Every row of a table brings a state about, sees the hint that belongs to it, does what the hint says, and sees that it helped.
//! A hint in the sources that no row shows is a failure, unless it stands on the list of exceptions with a reason.

mod agent;
mod complete;
mod place;
mod run;
mod server;
mod test_data;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use keepstep_testkit::Platform;

use self::place::{Place, Said, words};
use crate::common::BINARY;

/// One row of the table. In its texts `$URL`, `$ADDRESS`, `$DATA`, `$OTHER`, `$KEY`, `$AGENT`, `$ORG`, `$PROJECT`, `$SCENARIO`, `$BUNDLE`,
/// `$EXPERIMENT` and `$WORLD` stand for those of the row's place.
pub(super) struct Row {
    /// What brings the state about: commands of the program, and the steps of [`Place::step`].
    state: &'static [&'static str],
    /// What a person runs in it. Variables may stand before it, as in a shell.
    command: &'static str,
    /// The hint as it is printed; a `*` stands for what differs between runs.
    hint: &'static str,
    /// What the person types then: the command in the hint with a value in the place of each placeholder. Empty for the command as it
    /// was printed. What the hint leaves to the person, such as an edit, are steps on lines before it.
    typed: &'static str,
    /// What shows that it helped.
    then: Then,
}

/// What shows that a hint helped.
pub(super) enum Then {
    /// The first command, run again, ends with another exit code than before, which is this one.
    Ends(i32),
    /// The first command without what the hint says to leave out, which is this, ends well, and did not before.
    Instead(&'static str),
    /// The first command, run again, says this, which it did not say before.
    Says(&'static str),
    /// What the hint named ends well and says this.
    Shows(&'static str),
    /// What the hint named says this and ends with this code: it only shows something, or would ask on a terminal.
    Tells(i32, &'static str),
}

/// Returns true if a text is what a pattern says, in which each `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(part) = last.replace(part) {
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

/// Returns the commands and options in backticks.
fn in_backticks(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Returns what of a hint a person can type: what stands in backticks, and options and variables with a value.
fn can_be_typed(text: &str) -> Vec<&str> {
    let bare = text.split([' ', '(', ')', ',', ';']).map(|word| word.trim_end_matches([':', '.']));
    let bare = bare.filter(|word| word.starts_with("--") || place::is_variable(word));
    in_backticks(text).into_iter().chain(bare).collect()
}

/// Returns what of a typed line a piece in backticks stands for: all words of a command, or an option that was added.
fn is_typed_as(piece: &str, typed: &[String]) -> bool {
    // What stands behind this is the shell's.
    let piece = piece.split(" < ").next().unwrap_or_default();
    let named = words(piece.strip_prefix("keepstep ").unwrap_or(piece));
    let is_placeholder = |word: &str| word.chars().all(|character| character.is_ascii_uppercase() || character == '_');
    if piece.starts_with("--") || place::is_variable(piece) {
        return named.iter().all(|word| is_placeholder(word) || typed.contains(word));
    }
    let typed: Vec<&String> = typed.iter().skip_while(|word| place::is_variable(word)).collect();
    named.len() <= typed.len() && named.iter().zip(typed).all(|(word, typed)| is_placeholder(word) || word == typed)
}

/// Runs one row and says what of it does not hold.
fn check(row: &Row, shared: &Platform) -> Result<(), String> {
    let mut place = Place::new(shared, row.state);
    for step in row.state {
        place.step(step)?;
    }
    let before = place.run_once(row.command)?;
    let hint = place.filled(row.hint)?;
    let Some(printed) = before.text.lines().find(|line| matches(&format!("*{hint}*"), line)) else {
        return Err(format!("`{}` does not print {hint:?}\n{}", row.command, before.shown));
    };
    if let Then::Instead(command) = row.then
        && place.run(command)?.code == 0
    {
        return Err(format!("`{command}` ends well before anything was done"));
    }
    let (steps, typed) = row.typed.rsplit_once('\n').unwrap_or(("", row.typed));
    for step in steps.lines() {
        place.step(step)?;
    }
    let typed = if typed.is_empty() {
        let command = in_backticks(printed).into_iter().find_map(|piece| piece.strip_prefix("keepstep "));
        command.ok_or_else(|| format!("no command stands in {printed:?}"))?.to_owned()
    } else {
        let typed = place.filled(typed)?;
        let possible = can_be_typed(printed);
        // Where nothing of the hint can be typed, the steps are what it says.
        let is_left_to_the_person = possible.is_empty() && !steps.is_empty();
        let lines: Vec<Vec<String>> = steps.lines().chain([typed.as_str()]).map(words).collect();
        // What is to be left out is not there.
        let is_without = |piece: &str| {
            let is_said = ["leave `", "without `"].iter().any(|start| printed.contains(&format!("{start}{piece}`")));
            is_said && !words(&typed).iter().any(|word| word == piece)
        };
        let is_it = |piece: &&str| lines.iter().any(|line| is_typed_as(piece, line)) || is_without(piece);
        if !is_left_to_the_person && !possible.iter().any(is_it) {
            return Err(format!("`{typed}` is not what {printed:?} says"));
        }
        typed
    };
    // It is typed in the same shell.
    let variables: Vec<&str> = row.command.split(' ').take_while(|word| place::is_variable(word)).collect();
    let helped = place.run_once(&[variables.as_slice(), &[&typed]].concat().join(" "))?;
    // A key that was created is the one that is used from then on.
    if helped.code == 0 && helped.answer.starts_with("ks_") {
        place.use_key(helped.answer.trim());
    }
    let seen = |what: &str, said: &Said| Err(format!("after `{typed}` {what}\n{}\n\nit said\n{}", said.shown, helped.shown));
    match row.then {
        Then::Shows(text) if helped.code == 0 && helped.text.contains(&place.filled(text)?) => Ok(()),
        Then::Tells(code, text) if helped.code == code && helped.text.contains(text) => Ok(()),
        Then::Tells(code, text) => seen(&format!("does not end with {code} and {text:?}"), &helped),
        Then::Shows(text) => seen(&format!("fails, or did not say {text:?}"), &helped),
        Then::Instead(command) => {
            let after = place.run(command)?;
            if after.code == 0 { Ok(()) } else { seen(&format!("`{command}` does not end well"), &after) }
        }
        Then::Ends(code) => {
            let after = place.run(row.command)?;
            if before.code == code {
                seen("is a code that shows nothing", &before)
            } else if after.code == code {
                Ok(())
            } else {
                seen(&format!("`{}` does not end with {code}", row.command), &after)
            }
        }
        Then::Says(text) => {
            let text = place.filled(text)?;
            let after = place.run(row.command)?;
            if before.text.contains(&text) {
                seen("is said that was said before", &before)
            } else if after.text.contains(&text) {
                Ok(())
            } else {
                seen(&format!("`{}` does not say {text:?}", row.command), &after)
            }
        }
    }
}

/// Runs rows beside one another, against one server.
fn all(rows: &[Row]) {
    let platform = Platform::start(std::path::Path::new(BINARY));
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let checked = catch_unwind(AssertUnwindSafe(|| check(row, &platform)));
                    if let Err(what) = checked.unwrap_or_else(|_| Err("it panicked, as is said above".to_owned())) {
                        wrong.lock().unwrap().push(format!("{:?}\n{what}", row.command));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {} rows:\n\n{}", wrong.len(), rows.len(), wrong.join("\n\n========\n"));
}

#[test]
fn every_hint_about_an_agent_helps_in_the_state_that_shows_it() {
    all(agent::ROWS);
}

#[test]
fn every_hint_about_test_data_helps_in_the_state_that_shows_it() {
    all(test_data::ROWS);
}

#[test]
fn every_hint_about_tests_and_results_helps_in_the_state_that_shows_it() {
    all(run::ROWS);
}

#[test]
fn every_hint_about_servers_and_keys_helps_in_the_state_that_shows_it() {
    all(server::ROWS);
}
