//! What only a person can decide: inputs and files that were edited here and changed on the platform.

use keepstep_agent::diff;
use keepstep_testdata::input_text;
use keepstep_workspace::pull::{Choice, Collision, Prepared};
use serde_json::Value;

use super::run::Run;
use super::targets::Target;
use crate::shell::diff_view;
use crate::shell::failure::Failure;
use crate::shell::printer::{Text, count};
use crate::shell::prompt;
use crate::shell::visible::{shortened, visible_line};

const MOST_NAMED: usize = 20;

/// Has a person decide everything that has to be decided, or fails and names it where there is nobody to ask.
pub(super) fn settle(run: &Run<'_>, target: &Target, prepared: &mut Prepared) -> Result<(), Failure> {
    let collisions = prepared.collisions();
    if collisions.is_empty() {
        return Ok(());
    }
    if !run.context.can_ask || run.arguments.dry_run {
        return Err(refusal(target, &collisions));
    }
    for collision in &collisions {
        let choice = ask(run, collision)?;
        prepared.settle(collision, choice);
    }
    Ok(())
}

fn refusal(target: &Target, collisions: &[Collision]) -> Failure {
    let mut lines: Vec<String> = collisions.iter().take(MOST_NAMED).map(|collision| format!("  {}", words(collision))).collect();
    if collisions.len() > MOST_NAMED {
        lines.push(format!("  and {} more", collisions.len() - MOST_NAMED));
    }
    Failure::Conflict {
        message: format!(
            "{} of {} changed here and on the server; nothing was written:\n{}",
            count(collisions.len(), "part"),
            visible_line(&target.scenario.name),
            lines.join("\n")
        ),
        hints: vec![
            "run `keepstep sync pull` on a terminal to decide about each one".to_owned(),
            "`keepstep sync pull --force` takes the server's; `keepstep undo` restores what was here".to_owned(),
        ],
    }
}

fn words(collision: &Collision) -> String {
    match collision {
        Collision::Item { path, conflict } => {
            let said = conflict.local.as_ref().or(conflict.server.as_ref()).and_then(input_text::text).unwrap_or_default();
            let said = visible_line(&shortened(&said, 50));
            let what = match (&conflict.local, &conflict.server) {
                (None, _) => "removed here, changed on the server".to_owned(),
                (_, None) => "edited here, removed on the server".to_owned(),
                _ => conflict.members.join(", "),
            };
            format!("{path}: input {} (\"{said}\"): {}", visible_line(&conflict.id), visible_line(&what))
        }
        Collision::File { path, problem, .. } => match problem {
            Some(problem) => format!("{path}: it cannot be read: {}", visible_line(problem)),
            None => path.clone(),
        },
    }
}

fn ask(run: &Run<'_>, collision: &Collision) -> Result<Choice, Failure> {
    let printer = &run.context.printer;
    let (question, both) = match collision {
        Collision::Item { path, conflict } => {
            let both =
                (conflict.local.is_some() && conflict.server.is_some()).then_some("Keep both: mine as an input of its own");
            (format!("What would you like to do with input {} in {path}?", conflict.id), both)
        }
        Collision::File { path, merged, .. } => {
            let both = merged.as_ref().map(|_| "Merge: keep both sides' edits");
            (format!("What would you like to do with {path}?"), both)
        }
    };
    printer.notice(Text::from(words(collision)));
    let mut choices = vec![(Some(Choice::Local), "Keep mine"), (Some(Choice::Server), "Take the server's")];
    choices.extend(both.map(|label| (Some(Choice::Both), label)));
    choices.push((None, "Show the difference"));
    let labels: Vec<&str> = choices.iter().map(|(_, label)| *label).collect();
    loop {
        let picked = prompt::select(printer, &question, &labels)?;
        match choices.get(picked).and_then(|(choice, _)| *choice) {
            Some(choice) => return Ok(choice),
            None => show(run, collision),
        }
    }
}

fn show(run: &Run<'_>, collision: &Collision) {
    let printer = &run.context.printer;
    let (local, server) = match collision {
        Collision::Item { conflict, .. } => {
            let text = |value: &Option<Value>| value.as_ref().map(keepstep_testdata::yaml::to_yaml).unwrap_or_default();
            (text(&conflict.local), text(&conflict.server))
        }
        Collision::File { local, server, .. } => (local.clone(), server.clone()),
    };
    printer.notice(diff_view::legend("on the server", "here"));
    let rows = diff::rows(&server, &local);
    for line in diff_view::render_rows(&rows) {
        printer.notice(line);
    }
    if rows.is_empty() {
        printer.notice("  (only the ends of lines differ)");
    }
}
