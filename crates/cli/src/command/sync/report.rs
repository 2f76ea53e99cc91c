//! What `sync` shows: each field, how it differs, and the same for programs.

use keepstep_agent::Field;
use keepstep_agent::State;
use keepstep_agent::lock::AgentEntry;
use keepstep_agent::plan::FieldView;
use keepstep_source::{AgentSource, Problem, Property};
use serde_json::{Value, json};

use crate::session::ci;
use crate::session::connection::server::Server;
use crate::session::context::Context;
use crate::session::scope;
use crate::session::sides::{Against, Compared, Project, local_value, server_value, without_secret};
use crate::shell::diff_view;
use crate::shell::exit;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text, count};

/// Shows the fields that differ or could not be compared.
pub(crate) fn show(context: &Context, code: &dyn AgentSource, compared: &Compared, base: Option<&AgentEntry>) {
    let printer = &context.printer;
    let drifted = compared.drifted().count();
    if drifted > 0 {
        printer.answer(
            Text::of(Label::Warning, "⚠️  ")
                .and(Label::Heading, format!("Drift in {}", count(drifted, "field")))
                .and(Label::Plain, "   ".to_owned())
                .and(Label::Removed, format!("- only on the server{}", which(compared.against)))
                .and(Label::Plain, "   ")
                .and(Label::Added, "+ only in the code"),
        );
    }
    for view in compared.drifted() {
        printer.answer("");
        for line in heading(context, code, compared, view, base) {
            printer.answer(line);
        }
        for line in diff_view::lines(view.field, server_value(view), local_value(view)) {
            printer.answer(line);
        }
    }
    if drifted > 0 {
        printer.answer("");
    }
    show_unreadable(context, code);
    if let Some(draft) = compared.equal_draft() {
        printer.answer(format!(
            "The code's persona is the draft {draft}. `{} persona production deploy --persona-version {draft}` publishes it.",
            context.program.name()
        ));
    }
}

/// Says that nothing differs, if nothing does, and what that is said of.
pub(super) fn show_in_step(context: &Context, code: &dyn AgentSource, compared: &Compared) {
    let printer = &context.printer;
    if !compared.has_drift() && !compared.has_unreadable() {
        show_no_drift(context, code, compared);
        if compared.persona().is_some_and(|view| view.state == State::NotOnServer) {
            printer.hint("no persona was published on the server yet; `keepstep push persona` publishes this one");
        }
    }
}

/// Says that nothing of what was compared differs, and what that is. The first sentence is part of the contract.
fn show_no_drift(context: &Context, code: &dyn AgentSource, compared: &Compared) {
    context.printer.answer("✅ No drift detected. Local code is in sync with server.");
    show_scope(context, code, compared);
}

/// Names what is in step and what was not compared.
fn show_scope(context: &Context, code: &dyn AgentSource, compared: &Compared) {
    let not_compared = scope::not_compared(code, &compared.remote);
    if let Some(sentence) = scope::sentence(compared, &not_compared) {
        context.printer.answer(Text::of(Label::Unchanged, format!("   {sentence}")));
    }
    scope::warn_in_ci(context, &not_compared);
}

/// Names what was not compared where something differs, and says which version runs in production.
pub(super) fn show_rest(context: &Context, code: &dyn AgentSource, compared: &Compared) {
    let not_compared = scope::not_compared(code, &compared.remote);
    if compared.has_drift() || compared.has_unreadable() {
        if let Some(sentence) = scope::not_compared_sentence(&not_compared) {
            context.printer.answer(Text::of(Label::Unchanged, sentence));
        }
        scope::warn_in_ci(context, &not_compared);
    }
    scope::warn_of_production(context, compared);
}

/// Shows the fields that differ, a line each, as `compile --sync` does.
pub(crate) fn show_short(context: &Context, code: &dyn AgentSource, compared: &Compared) {
    let printer = &context.printer;
    if !compared.has_drift() {
        show_no_drift(context, code, compared);
        scope::warn_of_production(context, compared);
        return;
    }
    printer.answer(Text::of(Label::Warning, "⚠️  ").and(Label::Plain, "Drift detected between local code and server."));
    for view in compared.drifted() {
        let said = match view.field.is_short() {
            true => {
                let show = |value: Option<&Value>| value.map_or_else(|| "(none)".to_owned(), Value::to_string);
                format!("local {} ≠ server {}", show(local_value(view)), show(server_value(view)))
            }
            false => view.state.words().to_owned(),
        };
        printer.answer(format!("   {}: {said}", view.field.title()));
    }
    show_rest(context, code, compared);
    hint_at_flags(context);
}

/// Names the ways out of a drift.
pub(crate) fn hint_at_flags(context: &Context) {
    context.printer.hint("`keepstep sync` asks what to do; `--push` publishes the code, `--accept` takes the server's, `--merge` keeps both sides' edits");
}

/// Explains the fields that could not be read.
fn show_unreadable(context: &Context, code: &dyn AgentSource) {
    for field in Field::ALL {
        let Property::Unreadable(problem) = code.property(field) else { continue };
        context
            .printer
            .notice(Text::of(Label::Error, format!("{} not compared: ", field.title())).and(Label::Plain, problem.to_string()));
        if !problem.help.is_empty() {
            context.printer.hint(&problem.help);
        }
    }
}

/// Returns the lines above a field's difference: what changed, who changed it on the server, and where the code has it.
fn heading(
    context: &Context,
    code: &dyn AgentSource,
    compared: &Compared,
    view: &FieldView,
    base: Option<&AgentEntry>,
) -> Vec<Text> {
    let computed = if view.computed { ", computed there" } else { "" };
    let place = match code.property(view.field) {
        Property::Known { location, .. } | Property::Function { location } => Some(format!("{location}{computed}")),
        Property::Absent | Property::Unreadable(_) => None,
    };
    let now = context.now();
    let server = match view.field.has_versions() {
        _ if view.state == State::Ahead => None,
        true => compared.version().map(|version| scope::version_words(version, now)),
        false => compared.remote.changed.as_ref().map(|change| format!("last change{}", scope::change_words(change, now))),
    };
    let title = Text::of(Label::Heading, view.field.title()).and(Label::Plain, format!("  {}", view.state.words()));
    let Some(server) = server else {
        return vec![title.and(Label::Unchanged, place.map(|place| format!("  {place}")).unwrap_or_default())];
    };
    let mut lines = vec![title.and(Label::Plain, format!("  {server}"))];
    if let Some(place) = place {
        let since = match (base.and_then(|base| base.persona_version).filter(|_| view.field.has_versions()), view.state) {
            (Some(version), State::Behind) => format!(", unchanged since v{version}"),
            (Some(version), State::Diverged) => format!(", changed since v{version}"),
            _ => String::new(),
        };
        lines.push(Text::of(Label::Unchanged, format!("  your code: {place}{since}")));
    }
    lines
}

fn which(against: Against) -> String {
    match against {
        Against::Published => String::new(),
        other => format!(" ({other})"),
    }
}

/// Returns the comparison for programs.
pub(crate) fn document(project: &Project, server: &Server, code: &dyn AgentSource, compared: &Compared) -> Value {
    let fields: Vec<Value> = compared
        .views
        .iter()
        .map(|view| {
            let mut field =
                json!({ "field": view.field, "state": view.state, "local": without_secret(view.field, local_value(view)), "server": without_secret(view.field, server_value(view)) });
            match code.property(view.field) {
                Property::Known { location, computed, .. } => {
                    field["location"] = json!(location.to_string());
                    field["computed"] = json!(computed);
                }
                Property::Function { location } => field["location"] = json!(location.to_string()),
                Property::Unreadable(problem) => {
                    field["problem"] = json!({
                        "message": problem.message, "location": problem.location.to_string(), "help": problem.help,
                    });
                }
                Property::Absent => {}
            }
            let notes = code.notes(view.field);
            if !notes.is_empty() {
                let note = |note: &Problem| json!({ "message": note.message, "location": note.location.to_string(), "help": note.help });
                field["notes"] = notes.iter().map(note).collect();
            }
            if view.state.is_drift() {
                field["diff"] = json!(diff_view::rows(view.field, server_value(view), local_value(view)));
            }
            field
        })
        .collect();
    let remote = &compared.remote;
    let is_in_step = !compared.has_drift() && !compared.has_unreadable();
    json!({
        "agent": project.agent,
        "server": server.name(),
        "checked": true,
        "in_step": is_in_step,
        // The name that it had first, which scripts read.
        "inStep": is_in_step,
        "against": compared.against.to_string(),
        "revision": remote.revision,
        "fields": fields,
        "published": remote.published.as_ref().map(|summary| summary.version),
        "current": remote.current.as_ref().map(|summary| summary.version),
        "newer_draft": remote.newest_draft.as_ref().map(|summary| summary.version),
        "equal_draft": compared.equal_draft(),
        "not_compared": scope::not_compared(code, &compared.remote),
        "production": scope::production_document(remote),
    })
}

/// Tells that the drift was not checked because the server could not be reached; every other failure stays one.
pub(crate) fn not_checked(
    context: &Context,
    failure: Failure,
    strict: bool,
    code: Option<&dyn AgentSource>,
) -> Result<Value, Failure> {
    let told = failure.text(context.program);
    if strict || told.code != exit::UNREACHABLE {
        return Err(failure);
    }
    let message = told.message;
    // Also with --quiet: an unchecked drift must never look like a checked one.
    if ci::has_form(context) {
        ci::warning(context, "not compared", &format!("The drift was NOT checked: {message}"));
    } else {
        context.printer.notice(Text::of(Label::Warning, "The drift was NOT checked: ").and(Label::Plain, message.clone()));
    }
    Ok(json!({
        "checked": false, "in_step": null, "inStep": null, "reason": message,
        "not_compared": scope::nothing_compared(code), "production": null,
    }))
}
