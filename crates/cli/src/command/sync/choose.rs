//! What to do with each field: what the flags say, or what the person at the terminal answers.

use keepstep_agent::Field;
use keepstep_agent::State;
use keepstep_agent::canonical;
use keepstep_agent::drift::Base;
use keepstep_agent::plan::{self, Action, Choice, FieldView, Refusal, decide};
use keepstep_api::own::PersonaSummary;
use serde_json::Value;

use super::run::Run;
use crate::session::scope;
use crate::session::sides::{local_value, server_value};
use crate::shell::diff_view;
use crate::shell::failure::Failure;
use crate::shell::prompt;
use crate::shell::visible::shortened;

/// What happens to each field.
#[derive(Debug)]
pub(super) struct Plan {
    /// The fields with something to do.
    pub(super) items: Vec<Item>,
    /// True if a person chose, looking at the difference.
    pub(super) was_asked: bool,
}

/// What happens to a field.
#[derive(Debug)]
pub(super) struct Item {
    /// Which field.
    pub(super) field: Field,
    /// What happens.
    pub(super) action: Action,
}

impl Item {
    /// Returns true if the server is written.
    pub(super) fn writes_server(&self) -> bool {
        matches!(self.action, Action::Push(_) | Action::Join(_))
    }

    /// Returns the value that the code gets, if the code is written.
    pub(super) fn for_code(&self) -> Option<Option<Value>> {
        match &self.action {
            Action::Pull(value) | Action::Join(value) => Some(value.clone()),
            Action::Mark { value, .. } => Some(Some(value.clone())),
            Action::Keep | Action::Push(_) | Action::Refuse(_) => None,
        }
    }

    /// Returns the value that the server gets, if the server is written.
    pub(super) fn for_server(&self) -> Option<Option<Value>> {
        match &self.action {
            Action::Push(value) | Action::Join(value) => Some(value.clone()),
            Action::Keep | Action::Pull(_) | Action::Mark { .. } | Action::Refuse(_) => None,
        }
    }
}

/// Returns what happens to each field, or fails if something must not be done.
pub(super) fn plan(run: &Run<'_>) -> Result<Plan, Failure> {
    let mut base = BaseTexts { run, definition: None };
    let mut plan = Plan { items: Vec::new(), was_asked: false };
    for view in &run.compared.views {
        let choice = match choice(run, view) {
            Some(choice) => choice,
            None => {
                plan.was_asked = true;
                ask(run, view)?
            }
        };
        let base = match choice {
            Choice::Merge => base.of(view.field)?,
            _ => None,
        };
        let action = decide(view, choice, base.as_ref());
        if let Action::Refuse(refusal) = action {
            return Err(refuse(view, refusal));
        }
        if action != Action::Keep {
            plan.items.push(Item { field: view.field, action });
        }
    }
    if run.options.draft
        && let Some(item) = plan.items.iter().find(|item| item.writes_server() && !item.field.has_versions())
    {
        return Err(Failure::Usage {
            message: format!(
                "only a persona can be a draft, and the {} {} too; nothing was written",
                item.field,
                item.field.verb("differs", "differ")
            ),
            hint: Some("`keepstep push persona --draft` stores the persona alone".to_owned()),
        });
    }
    Ok(plan)
}

/// Returns what the flags say about a field; `None` if somebody has to be asked.
fn choice(run: &Run<'_>, view: &FieldView) -> Option<Choice> {
    let options = run.options;
    match view.state {
        State::InStep => return Some(Choice::Skip),
        // Nothing differs, so nobody is asked; but `--push` says to publish what the code has.
        State::NotOnServer if !options.push || options.accept => return Some(Choice::Skip),
        State::Unreadable if !(options.accept || options.push || options.merge) => return Some(Choice::Skip),
        _ => {}
    }
    if options.accept {
        Some(Choice::Pull)
    } else if options.push {
        Some(Choice::Push)
    } else if options.merge {
        Some(Choice::Merge)
    } else if run.context.can_ask && !options.dry_run {
        None
    } else {
        Some(Choice::Skip)
    }
}

/// Asks a person what to do with a field, until that is clear.
fn ask(run: &Run<'_>, view: &FieldView) -> Result<Choice, Failure> {
    let printer = &run.context.printer;
    let entry = run.lock.lock.agent(&run.project.agent);
    let has_base = entry.is_some_and(|entry| entry.revision.is_some() && entry.base(view.field) != Base::None);
    let offer = plan::offer(view.state, has_base && view.field.is_text());
    let mut choices: Vec<Option<Choice>> = offer.choices.iter().copied().map(Some).collect();
    // Whoever looks has still to choose; leaving everything is the last resort.
    choices.insert(choices.len().saturating_sub(1), None);
    let labels: Vec<String> = choices.iter().map(|choice| label(run, view, *choice)).collect();
    let marked = offer.marked.and_then(|marked| choices.iter().position(|choice| *choice == Some(marked)));
    loop {
        let picked = prompt::select_marked(printer, &question(view), &labels, marked)?;
        match choices.get(picked).copied().flatten() {
            None => {
                for line in diff_view::all_lines(view.field, server_value(view), local_value(view)) {
                    printer.notice(line);
                }
            }
            // A draft replaces nothing.
            Some(Choice::Push) if offer.replaces_newer && !run.options.draft && !is_meant(run, view)? => {}
            Some(choice) => return Ok(choice),
        }
    }
}

fn question(view: &FieldView) -> String {
    let field = view.field;
    match view.state {
        State::Behind => format!("The server's {field} {} newer.", field.verb("is", "are")),
        State::Ahead => format!("Your code's {field} {} newer.", field.verb("is", "are")),
        State::Diverged => format!("The {field} changed on both sides."),
        _ => format!("The {field} {}, and it is not known which side changed.", field.verb("differs", "differ")),
    }
}

/// Returns a choice in words; `None` is to look at everything.
fn label(run: &Run<'_>, view: &FieldView, choice: Option<Choice>) -> String {
    // With the rest of the line it has to fit into a narrow terminal.
    const LONGEST_NAME: usize = 12;
    let publishes = if view.state == State::Ahead { "Publish the code" } else { "Publish the code instead" };
    match choice {
        None => "Look at all of it".to_owned(),
        Some(Choice::Push) if run.options.draft => "Store the code's as a draft".to_owned(),
        Some(Choice::Merge) => "Merge: keep both sides' edits".to_owned(),
        Some(Choice::Pull) if view.state == State::Behind => "Take it into the code".to_owned(),
        Some(Choice::Pull) => "Take the server's into the code".to_owned(),
        Some(Choice::Skip) => "Leave as it is".to_owned(),
        Some(Choice::Push) => match version(run, view) {
            Some(version) if view.state != State::Ahead => {
                let author = version.created.author.as_deref().map(|author| format!(" by {}", shortened(author, LONGEST_NAME)));
                let author = author.unwrap_or_default();
                format!("{publishes}   (v{}{author} leaves production, and stays)", version.version)
            }
            _ => publishes.to_owned(),
        },
    }
}

/// Asks once more whether what somebody else published is to leave production, and names it.
fn is_meant(run: &Run<'_>, view: &FieldView) -> Result<bool, Failure> {
    let now = run.context.now();
    let what = match (version(run, view), &run.compared.remote.changed) {
        (Some(version), _) => scope::version_words(version, now),
        (None, Some(change)) => format!("the server's {}, changed{}", view.field, scope::change_words(change, now)),
        (None, None) => format!("the server's {}", view.field),
    };
    prompt::confirm(&run.context.printer, &format!("Publish over {what}?"), false)
}

/// Returns the version of the persona that the server is compared with.
fn version<'r>(run: &'r Run<'_>, view: &FieldView) -> Option<&'r PersonaSummary> {
    view.field.has_versions().then(|| run.compared.version()).flatten()
}

/// The texts that both sides last agreed on, fetched when the first is needed.
struct BaseTexts<'a> {
    run: &'a Run<'a>,
    definition: Option<keepstep_agent::Definition>,
}

impl BaseTexts<'_> {
    /// Returns the value that both sides last agreed on; `None` if it is not known.
    fn of(&mut self, field: Field) -> Result<Option<Option<Value>>, Failure> {
        let run = self.run;
        let Some(entry) = run.lock.lock.agent(&run.project.agent) else { return Ok(None) };
        let (Some(revision), Base::Agreed(digest)) = (entry.revision, entry.base(field)) else { return Ok(None) };
        if self.definition.is_none() {
            self.definition = Some(run.server.revision(&run.project.agent, revision)?);
        }
        let value = self.definition.as_ref().and_then(|definition| definition.get(field)).cloned();
        // The revision may be older or newer than the agreement on this field; then its text is not the base.
        Ok((canonical::digest(field, value.as_ref()) == digest).then_some(value))
    }
}

/// Returns the failure for something that must not be done.
pub(crate) fn refuse(view: &FieldView, refusal: Refusal) -> Failure {
    let field = view.field;
    let usage = |message: String, hint: &str| Failure::Usage { message, hint: Some(hint.to_owned()) };
    let conflict = |message: String, hint: &str| Failure::Conflict { message, hints: vec![hint.to_owned()] };
    match refusal {
        Refusal::Unreadable => usage(
            format!("the {field} in the code cannot be read, so it is neither published nor replaced; nothing was written"),
            "write it as a text that can be read without running the agent; `keepstep compile` shows where",
        ),
        Refusal::NothingToPush => usage(
            format!("the code has no {field}, and an empty one is never published; nothing was written"),
            "`keepstep sync --accept` takes the server's",
        ),
        Refusal::NothingToPull => conflict(
            format!("the server's {field} is empty, and an agent needs one; nothing was written"),
            "`keepstep sync --push` publishes the code's",
        ),
        Refusal::ConflictMarkers => conflict(
            format!("the {field} in the code holds the markers of an unfinished merge; nothing was written"),
            "decide between the lines, remove the markers and run the command again",
        ),
        Refusal::NoBase => conflict(
            format!("the {field} cannot be merged: it is not known what both sides last agreed on; nothing was written"),
            "choose one side with `--push` or `--accept`",
        ),
        Refusal::CannotMerge => conflict(
            format!("the two values of the {field} cannot be mixed; nothing was written"),
            "choose one side with `--push` or `--accept`",
        ),
    }
}
