//! The agent's half: code against server, field by field.

use keepstep_agent::Field;
use keepstep_agent::State;
use keepstep_client::Dialect;
use keepstep_source::AgentSource;
use serde_json::{Value, json};

use super::half::{Arguments, Found, row};
use crate::session::checkout::lock_file::LockFile;
use crate::session::ci;
use crate::session::connection::server::Server;
use crate::session::context::Context;
use crate::session::drift_report;
use crate::session::scope;
use crate::session::settings::Settings;
use crate::session::sides::{self, Against, Compared, Project};
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text};
use crate::shell::visible::{shortened, visible_line};

/// How many characters of an id are shown where all of it stands beside.
const SHORT_ID: usize = 8;

/// Shows the state of each field; writes nothing. Returns what was found, and the same for programs.
pub(super) fn show(context: &Context, arguments: &Arguments) -> Result<(Found, Value), Failure> {
    let project = Project::open(context)?;
    let settings = Settings::read(context, &project.root)?;
    let code = sides::read_code(context, &project.root)?;
    let lock = LockFile::read(&project.root)?;
    if arguments.offline {
        let states = sides::since_agreed(&project, &*code, &lock);
        show_title(context, &project, &*code, None);
        show_offline(context, &states);
        let document = json!({ "agent": project.agent, "checked": false, "production": null });
        return Ok(with_states(document, &states, |state| state != State::Unknown));
    }
    let compared = Server::connect(context, Some(&project.root))
        .and_then(|server| Ok((sides::compare(&server, &project, &*code, &lock, Against::Published)?, server)));
    match compared {
        Ok((compared, server)) => {
            show_compared(context, &project, &*code, &compared, &server);
            let states: Vec<(Field, State)> = compared.views.iter().map(|view| (view.field, view.state)).collect();
            let document = super::super::report::document(&project, &server, &*code, &compared);
            drift_report::send(context, &arguments.reporting, &project, &server, &lock, &compared);
            Ok(with_states(document, &states, |_| true))
        }
        Err(failure) => {
            show_title(context, &project, &*code, None);
            let strict = settings.strict(context, false)?.value;
            let document = super::super::report::not_checked(context, failure, strict, Some(&*code))?;
            show_not_checked(context);
            Ok(with_states(document, &[], |_| true))
        }
    }
}

fn with_states(mut document: Value, states: &[(Field, State)], is_known: impl Fn(State) -> bool) -> (Found, Value) {
    // Without the server's word, a field that nobody agreed on yet is not known to differ.
    let drift = states.iter().any(|(_, state)| is_known(*state) && state.is_drift());
    let found = Found { drift, unreadable: states.iter().any(|(_, state)| *state == State::Unreadable) };
    document["states"] = states.iter().map(|(field, state)| (field.key().to_owned(), json!(state))).collect();
    (found, document)
}

/// Shows which agent it is.
pub(in crate::command) fn show_title(context: &Context, project: &Project, code: &dyn AgentSource, page: Option<String>) {
    let name = code.name().unwrap_or_default();
    // The address has all of it.
    let id = visible_line(project.agent.as_str());
    let id = if page.is_some() && !name.is_empty() { shortened(&id, SHORT_ID) } else { id };
    let agent = if name.is_empty() { id } else { format!("{} ({id})", visible_line(name)) };
    let page = page.map_or_else(String::new, |page| format!("   {page}"));
    context.printer.answer(row("Agent", Text::from(agent).and(Label::Unchanged, page)));
}

/// Shows how code and server stand to each other: a line for each field that differs, one for those that do not, and what runs in
/// production where that is something else.
pub(in crate::command) fn show_compared(
    context: &Context,
    project: &Project,
    code: &dyn AgentSource,
    compared: &Compared,
    server: &Server,
) {
    let printer = &context.printer;
    let now = context.now();
    let page = match compared.remote.dialect {
        Dialect::Keepstep => format!("{}/agents/{}", server.target().server(), project.agent),
        Dialect::Lua => server.name().to_owned(),
    };
    show_title(context, project, code, Some(page));
    for view in &compared.views {
        let is_persona = view.field.has_versions();
        let label = match view.state {
            State::InStep | State::NotOnServer if !is_persona => continue,
            State::InStep | State::NotOnServer => Label::Good,
            State::Unreadable => Label::Error,
            _ => Label::Warning,
        };
        let version = compared.version().filter(|_| is_persona);
        let words = match (view.state, version) {
            (State::InStep, Some(version)) => format!("in step with v{}, the latest published", version.version),
            (State::Behind | State::Diverged | State::Unknown, Some(version)) => {
                format!("{}   {}", view.state.words(), scope::version_words(version, now))
            }
            (State::Ahead, Some(version)) => format!("{} since v{}", view.state.words(), version.version),
            (state, _) => state.words().to_owned(),
        };
        printer.answer(row_of_field(view.field.title(), Text::of(label, words)));
    }
    let not_compared = scope::not_compared(code, &compared.remote);
    if let Some(sentence) = scope::rest_sentence(compared, &not_compared) {
        printer.answer(row_of_field("Others", Text::from(sentence)));
    }
    scope::warn_in_ci(context, &not_compared);
    if let Some(other) = scope::OtherProduction::of(&compared.remote) {
        printer.answer(row_of_field("!", Text::of(Label::Warning, other.words(now))));
        printer.answer(row("", Text::sentence(Label::Plain, &context.printer.own_words(scope::COMPARE_WITH_IT))));
        if ci::has_form(context) {
            other.warn(context);
        }
    }
}

/// Says that nothing was compared.
pub(in crate::command) fn show_not_checked(context: &Context) {
    context.printer.answer(row_of_field("Drift", Text::of(Label::Warning, "not checked")));
}

fn show_offline(context: &Context, states: &[(Field, State)]) {
    for (field, state) in states {
        let (label, words) = match state {
            State::Unknown => (Label::Warning, "not known offline"),
            State::InStep | State::NotOnServer => (Label::Good, "as last agreed on"),
            State::Unreadable => (Label::Error, state.words()),
            _ => (Label::Warning, state.words()),
        };
        context.printer.answer(row_of_field(field.title(), Text::of(label, words)));
    }
}

fn row_of_field(title: &str, text: Text) -> Text {
    Text::from(format!("  {title:<9} ")).joined(text)
}
