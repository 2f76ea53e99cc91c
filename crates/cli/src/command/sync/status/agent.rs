//! The agent's half: code against server, field by field.

use keepstep_core::{Field, State};
use serde_json::{Value, json};

use super::{Arguments, Found};
use crate::context::Context;
use crate::failure::Failure;
use crate::lock_file::LockFile;
use crate::printer::{Label, Text};
use crate::server::Server;
use crate::settings::Settings;
use crate::sides::{self, Against, Project};

/// Shows the state of each field; writes nothing. Returns what was found, and the same for programs.
pub(super) fn show(context: &Context, arguments: &Arguments, with_heading: bool) -> Result<(Found, Value), Failure> {
    let project = Project::open(context)?;
    if with_heading {
        context.printer.answer(Text::of(Label::Heading, format!("Agent {}", project.agent)));
    }
    let settings = Settings::read(context, &project.root)?;
    let code = sides::read_code(context, &project.root)?;
    let lock = LockFile::read(&project.root)?;
    let (states, mut document) = if arguments.offline {
        let states = Field::ALL.map(|field| (field, sides::since_agreed(&project, &code, &lock, field)));
        (states.to_vec(), json!({ "agent": project.agent, "checked": false }))
    } else {
        let compared = Server::connect(context, Some(&project.root))
            .and_then(|server| Ok((sides::compare(&server, &project, &code, &lock, Against::Published)?, server)));
        match compared {
            Ok((compared, server)) => {
                let states = compared.views.iter().map(|view| (view.field, view.state)).collect();
                (states, super::super::report::document(&project, &server, &code, &compared))
            }
            Err(failure) => {
                let strict = settings.strict(context, false)?.value;
                (Vec::new(), super::super::not_checked(context, failure, strict)?)
            }
        }
    };
    // Without the server's word, a field that nobody agreed on yet is not known to differ.
    let is_known = |state: State| !(arguments.offline && state == State::Unknown);
    for (field, state) in &states {
        if !is_known(*state) {
            context.printer.answer(Text::from(format!("{:<11}", field.title())).and(Label::Warning, "not known offline"));
            continue;
        }
        let label = match state {
            State::InStep | State::NotOnServer => Label::Good,
            State::Unreadable => Label::Error,
            _ => Label::Warning,
        };
        context.printer.answer(Text::from(format!("{:<11}", field.title())).and(label, state.words()));
    }
    let drifts = states.iter().any(|(_, state)| is_known(*state) && state.is_drift());
    let found = Found { drift: drifts, unreadable: states.iter().any(|(_, state)| *state == State::Unreadable) };
    document["states"] = states.iter().map(|(field, state)| (field.key().to_owned(), json!(state))).collect();
    Ok((found, document))
}
