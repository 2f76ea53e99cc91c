//! `keepstep context clear`
use clap::Args;
use serde_json::json;

use crate::command::{CommandResult, Outcome};
use crate::session::connection::test_data_server::workspace;
use crate::session::context::Context;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep context clear")]
pub(super) struct Arguments {}

/// Removes `context.json`.
pub(super) fn run(context: &Context, _: &Arguments) -> CommandResult {
    let removed = workspace(context)?.clear_context()?;
    context.printer.answer(if removed { "✅ Nothing is selected any more" } else { "Nothing was selected" });
    context.printer.document("context.clear", json!({ "cleared": removed }));
    Ok(Outcome::Done)
}
