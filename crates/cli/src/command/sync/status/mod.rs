//! `keepstep sync status`: both halves at a glance, whichever there are.

pub(in crate::command) mod agent;
mod half;
mod test_data;

use keepstep_source::skill_file;
use serde_json::{Value, json};

pub(super) use self::half::Arguments;
use self::half::Found;
pub(in crate::command) use self::half::row;
use crate::command::{CommandResult, Outcome};
use crate::session::context::Context;
use crate::shell::failure::Failure;

/// Shows where everything stands; changes nothing but what an interrupted pull left.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let place = test_data::TestDataLocation::find(context);
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
    let place = test_data::TestDataLocation::find(context)?;
    Some(test_data::show(context, &Arguments::default(), &place).map(|(_, document)| document))
}
