//! `keepstep apikeys revoke ID`

use clap::Args;
use serde_json::json;

use crate::command::{CommandResult, Outcome};
use crate::session::connection::test_data_server::{TestDataServer, find_workspace};
use crate::session::context::Context;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep apikeys revoke key_1a2b")]
pub(super) struct Arguments {
    /// The key's id, as `list` shows it
    id: String,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let workspace = find_workspace(context);
    let server = TestDataServer::connect_to_manage(context, workspace.as_ref())?;
    server.wait(server.client().revoke_key(&arguments.id))?;
    context.good(&format!("{} is no longer accepted by {}", arguments.id, server.name()));
    context.printer.document("apikeys.revoke", json!({ "server": server.name(), "id": arguments.id }));
    Ok(Outcome::Done)
}
