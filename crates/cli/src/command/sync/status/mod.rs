//! `keepstep sync status`: both halves at a glance, whichever there are.

pub(in crate::command) mod agent;
mod test_data;

use clap::Args;
use keepstep_source::skill_file;
use serde_json::{Value, json};

use crate::command::{CommandResult, Outcome};
use crate::context::Context;
use crate::failure::Failure;
use crate::printer::{Label, Text};

/// The arguments.
#[derive(Debug, Default, Args)]
#[command(
    after_help = "Examples:\n  keepstep sync status\n  keepstep sync status --check    exit 1 when something is ahead, behind, edited or not uploaded"
)]
pub(super) struct Arguments {
    /// Exit 1 when something differs
    #[arg(long)]
    check: bool,
    /// Compare with what both sides last agreed on, without asking the server
    #[arg(long)]
    offline: bool,
    /// Only this scenario
    #[arg(long, short, value_name = "NAME")]
    scenario: Option<String>,
    /// The project of the test data; the selected one when left out
    #[arg(long, value_name = "ID")]
    project_id: Option<String>,
}

/// What a half found.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    /// Something is not in step.
    drift: bool,
    /// Something could not be compared.
    unreadable: bool,
}

/// Shows where everything stands; changes nothing but what an interrupted pull left.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let place = test_data::Place::find(context);
    let has_agent = skill_file::find_root(&context.directory).is_some();
    let mut found = Found::default();
    let mut document = json!({});
    if (has_agent && arguments.scenario.is_none()) || place.is_none() {
        (found, document) = agent::show(context, arguments)?;
    }
    if let Some(place) = &place {
        let (drift, test_data) = test_data::show(context, arguments, place)?;
        found.drift |= drift;
        document["test_data"] = test_data;
    }
    let outcome = match arguments.check {
        true if found.drift => Outcome::Found,
        true if found.unreadable => Outcome::NotReadable,
        _ => Outcome::Done,
    };
    context.printer.document("sync.status", document);
    Ok(outcome)
}

/// Shows the test data's half of a folder, if there is one. For `status`, which has found out about the agent by itself.
pub(in crate::command) fn show_test_data(context: &Context) -> Option<Result<Value, Failure>> {
    let place = test_data::Place::find(context)?;
    Some(test_data::show(context, &Arguments::default(), &place).map(|(_, document)| document))
}

/// Returns a line of a status: what it is about, and what is said of that.
pub(in crate::command) fn row(title: &str, text: Text) -> Text {
    let label = if title.is_empty() { Label::Plain } else { Label::Heading };
    Text::of(label, format!("{title:<11}")).and(Label::Plain, " ").joined(text)
}
