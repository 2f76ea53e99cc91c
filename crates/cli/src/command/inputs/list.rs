//! `keepstep inputs list`

use clap::Args;
use serde_json::{Value, json};

use super::show;
use crate::command::{CommandResult, Outcome};
use crate::grammar::list_format::ListFormat;
use crate::session::connection::test_data_server::{TestDataServer, find_workspace, project_id};
use crate::session::context::Context;
use crate::shell::table;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep inputs list")]
pub(super) struct Arguments {
    /// The project; the workspace's when left out
    #[arg(long, value_name = "ID")]
    project_id: Option<String>,
    /// Only those of a scenario
    #[arg(long, value_name = "ID")]
    scenario_id: Option<String>,
    /// The inputs of this set instead
    #[arg(long, value_name = "ID", conflicts_with = "scenario_id")]
    input_set_id: Option<String>,
    #[command(flatten)]
    format: ListFormat,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    if let Some(id) = &arguments.input_set_id {
        return show::items(context, id, &arguments.format);
    }
    let workspace = find_workspace(context);
    let project = project_id(workspace.as_ref(), arguments.project_id.as_deref())?;
    let server = TestDataServer::connect(context, workspace.as_ref(), None)?;
    let sets = server.wait(server.client().input_sets(project.as_deref(), arguments.scenario_id.as_deref()))?;
    if arguments.format.prints_raw(&context.printer, &sets)? {
        return Ok(Outcome::Done);
    }
    if sets.is_empty() {
        context.printer.answer("No inputs found.");
    } else {
        let rows: Vec<Vec<String>> = sets
            .iter()
            .map(|set| {
                let inputs = set.count.max(set.input_count).to_string();
                vec![set.id.clone(), set.scenario_id.clone(), set.version.to_string(), inputs, table::day(&set.created_at)]
            })
            .collect();
        table::print(&context.printer, &["ID", "SCENARIO", "VERSION", "INPUTS", "CREATED"], &rows);
    }
    let listed: Vec<Value> = sets
        .iter()
        .map(|set| {
            json!({
                "id": set.id, "scenario_id": set.scenario_id, "version": set.version,
                "inputs": set.count.max(set.input_count), "created_at": set.created_at,
            })
        })
        .collect();
    context.printer.document("inputs.list", json!({ "server": server.name(), "project_id": project, "input_sets": listed }));
    Ok(Outcome::Done)
}
