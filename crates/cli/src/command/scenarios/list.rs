//! `keepstep scenarios list`

use clap::Args;
use serde_json::{Value, json};

use super::document::document;
use crate::command::{CommandResult, Outcome};
use crate::grammar::list_format::ListFormat;
use crate::session::connection::test_data_server::{TestDataServer, find_workspace, project_id};
use crate::session::context::Context;
use crate::shell::table;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep scenarios list")]
pub(super) struct Arguments {
    /// The project; the workspace's when left out
    #[arg(long, value_name = "ID")]
    project_id: Option<String>,
    #[command(flatten)]
    format: ListFormat,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let workspace = find_workspace(context);
    let project = project_id(workspace.as_ref(), arguments.project_id.as_deref())?;
    let server = TestDataServer::connect(context, workspace.as_ref(), None)?;
    let scenarios = server.wait(server.client().scenarios(project.as_deref()))?;
    let selected = match &workspace {
        Some(workspace) => workspace.context()?.scenario().and_then(|scenario| scenario.id),
        None => None,
    };
    let links = workspace.as_ref().map(|workspace| workspace.links()).transpose()?.unwrap_or_default();
    if arguments.format.prints_raw(&context.printer, &scenarios)? {
        return Ok(Outcome::Done);
    }
    if scenarios.is_empty() {
        context.printer.answer("No scenarios found.");
    } else {
        let rows: Vec<Vec<String>> = scenarios
            .iter()
            .map(|scenario| {
                let mark = if selected.as_deref() == Some(&scenario.id) { "*" } else { "" };
                let folder = links.folder_of(&scenario.id).unwrap_or_default().to_owned();
                vec![mark.to_owned(), scenario.id.clone(), scenario.name.clone(), folder, table::day(&scenario.created_at)]
            })
            .collect();
        table::print(&context.printer, &["", "ID", "NAME", "FOLDER", "CREATED"], &rows);
    }
    let listed: Vec<Value> = scenarios
        .iter()
        .map(|scenario| {
            let mut listed = document(scenario);
            listed["selected"] = json!(selected.as_deref() == Some(&scenario.id));
            listed["folder"] = json!(links.folder_of(&scenario.id));
            listed
        })
        .collect();
    context.printer.document("scenarios.list", json!({ "server": server.name(), "project_id": project, "scenarios": listed }));
    Ok(Outcome::Done)
}
