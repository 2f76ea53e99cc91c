//! `keepstep sync status`

use clap::Args;
use keepstep_core::{Field, State};
use serde_json::json;

use crate::command::{CommandResult, Outcome};
use crate::context::Context;
use crate::lock_file::LockFile;
use crate::printer::{Label, Text};
use crate::server::Server;
use crate::settings::Settings;
use crate::sides::{self, Against, Project};

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  keepstep sync status\n  keepstep sync status --check    exit 1 when something differs")]
pub(super) struct Arguments {
    /// Exit 1 when something differs
    #[arg(long)]
    check: bool,
    /// Compare with what both sides last agreed on, without asking the server
    #[arg(long)]
    offline: bool,
    /// Only this scenario
    #[arg(long, value_name = "NAME", hide = true)]
    scenario: Option<String>,
}

/// Shows the state of each field; writes nothing.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let project = Project::open(context)?;
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
                (states, super::report::document(&project, &server, &code, &compared))
            }
            Err(failure) => {
                let strict = settings.strict(context, false)?.value;
                (Vec::new(), super::not_checked(context, failure, strict)?)
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
    let outcome = match (arguments.check, drifts) {
        (true, true) => Outcome::Found,
        (true, false) if states.iter().any(|(_, state)| *state == State::Unreadable) => Outcome::NotReadable,
        _ => Outcome::Done,
    };
    document["states"] = states.iter().map(|(field, state)| (field.key().to_owned(), json!(state))).collect();
    context.printer.document("sync.status", document);
    Ok(outcome)
}
