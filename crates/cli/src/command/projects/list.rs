//! `keepstep projects list`

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
#[command(after_help = "Example:\n  keepstep projects list")]
pub(super) struct Arguments {
    #[command(flatten)]
    format: ListFormat,
}

/// Runs it. Nothing is written, wherever it is called.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let workspace = find_workspace(context);
    let server = TestDataServer::connect_to_manage(context, workspace.as_ref())?;
    let projects = server.wait(server.client().projects())?;
    let selected = project_id(workspace.as_ref(), None)?;
    let is_selected = |id: &str| selected.as_deref() == Some(id);
    let listed: Vec<Value> = projects
        .iter()
        .map(|project| {
            let mut listed = document(project);
            listed["selected"] = json!(is_selected(&project.id));
            listed
        })
        .collect();
    if arguments.format.prints_raw(&context.printer, &projects)? {
        return Ok(Outcome::Done);
    }
    if projects.is_empty() {
        context.printer.answer("No projects found.");
    } else {
        let rows: Vec<Vec<String>> = projects
            .iter()
            .map(|project| {
                let mark = if is_selected(&project.id) { "*" } else { "" };
                vec![mark.to_owned(), project.id.clone(), project.name.clone(), table::day(&project.created_at)]
            })
            .collect();
        table::print(&context.printer, &["", "ID", "NAME", "CREATED"], &rows);
    }
    context.printer.document("projects.list", json!({ "server": server.name(), "projects": listed }));
    Ok(Outcome::Done)
}
