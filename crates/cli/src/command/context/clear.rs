//! `keepstep context clear`

use std::fs;
use std::io::ErrorKind;

use clap::Args;
use serde_json::json;

use crate::command::{CommandResult, Outcome};
use crate::context::Context;
use crate::failure::Failure;
use crate::test_data_server::workspace;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep context clear")]
pub(super) struct Arguments {}

/// Removes `context.json`.
pub(super) fn run(context: &Context, _: &Arguments) -> CommandResult {
    let path = workspace(context)?.context_path();
    let removed = match fs::remove_file(&path) {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(Failure::io("remove", &path.display().to_string(), error)),
    };
    context.printer.answer(if removed { "✅ Nothing is selected any more" } else { "Nothing was selected" });
    context.printer.document("context.clear", json!({ "cleared": removed }));
    Ok(Outcome::Done)
}
