//! `keepstep apikeys list`

use clap::Args;
use serde_json::{Value, json};

use crate::command::{CommandResult, Outcome};
use crate::session::connection::test_data_server::{TestDataServer, find_workspace, project_id};
use crate::session::context::Context;
use crate::shell::table;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep apikeys list")]
pub(super) struct Arguments {
    /// The project; the workspace's when left out
    #[arg(long, value_name = "ID")]
    project_id: Option<String>,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let workspace = find_workspace(context);
    let project = project_id(workspace.as_ref(), arguments.project_id.as_deref())?;
    let server = TestDataServer::connect_to_manage(context, workspace.as_ref())?;
    let keys = server.wait(server.client().keys(project.as_deref()))?;
    if keys.is_empty() {
        context.printer.answer("No keys found.");
    } else {
        let rows: Vec<Vec<String>> =
            keys.iter().map(|key| vec![key.id.clone(), key.name.clone(), table::day(&key.created_at)]).collect();
        table::print(&context.printer, &["ID", "NAME", "CREATED"], &rows);
    }
    let listed: Vec<Value> =
        keys.iter().map(|key| json!({ "id": key.id, "name": key.name, "created_at": key.created_at })).collect();
    context.printer.document("apikeys.list", json!({ "server": server.name(), "project_id": project, "keys": listed }));
    Ok(Outcome::Done)
}
