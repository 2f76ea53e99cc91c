//! `keepstep context set-bundle ID`

use clap::Args;
use serde_json::json;

use crate::command::{CommandResult, Outcome};
use crate::session::connection::test_data_server::workspace;
use crate::session::context::Context;
use crate::shell::failure::Failure;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep context set-bundle bundle_1a2b")]
pub(super) struct Arguments {
    /// The bundle version's id
    #[arg(value_name = "ID")]
    bundle: String,
    /// What to call it
    #[arg(long, short = 'v', default_value = "latest")]
    version: String,
}

/// Runs it, without a request.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let workspace = workspace(context)?;
    workspace.change_context(|selected| {
        if selected.scenario().is_none() {
            return Err(Failure::Usage {
                message: "no scenario is selected that the bundle could belong to".to_owned(),
                hint: Some("`keepstep scenarios select ID` selects one".to_owned()),
            });
        }
        selected.set_bundle(&arguments.bundle, &arguments.version, &context.now().to_string());
        Ok(())
    })?;
    context.good(&format!("Selected bundle {}", arguments.bundle));
    context.printer.document("context.set_bundle", json!({ "bundle_version_id": arguments.bundle }));
    Ok(Outcome::Done)
}
