//! `keepstep personas list`

use clap::Args;
use serde_json::{Value, json};

use crate::command::{CommandResult, Outcome};
use crate::grammar::list_format::ListFormat;
use crate::session::connection::test_data_server::{TestDataServer, find_workspace, project_id};
use crate::session::context::Context;
use crate::shell::table;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep personas list")]
pub(super) struct Arguments {
    /// The project; the workspace's when left out
    #[arg(long, value_name = "ID")]
    project_id: Option<String>,
    /// The project of this scenario instead
    #[arg(long, value_name = "ID")]
    scenario_id: Option<String>,
    #[command(flatten)]
    format: ListFormat,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let workspace = find_workspace(context);
    let project = match &arguments.scenario_id {
        Some(_) => arguments.project_id.clone(),
        None => project_id(workspace.as_ref(), arguments.project_id.as_deref())?,
    };
    let server = TestDataServer::connect(context, workspace.as_ref(), None)?;
    let personas = server.wait(server.client().personas(project.as_deref(), arguments.scenario_id.as_deref()))?;
    if arguments.format.prints_raw(&context.printer, &personas)? {
        return Ok(Outcome::Done);
    }
    if personas.is_empty() {
        context.printer.answer("No personas found.");
    } else {
        let cell = |persona: &Value, name: &str| persona[name].as_str().unwrap_or_default().to_owned();
        let rows: Vec<Vec<String>> = personas
            .iter()
            .map(|persona| ["id", "name", "difficulty", "description"].map(|name| cell(persona, name)).to_vec())
            .collect();
        table::print(&context.printer, &["ID", "NAME", "DIFFICULTY", "DESCRIPTION"], &rows);
    }
    context.printer.document("personas.list", json!({ "server": server.name(), "personas": personas }));
    Ok(Outcome::Done)
}
