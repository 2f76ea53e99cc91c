//! `keepstep scenarios select ID-or-name`

use clap::Args;
use serde_json::json;

use super::document::document;
use super::select_here::select_here;
use crate::command::{CommandResult, Outcome};
use crate::session::choice;
use crate::session::connection::test_data_server::{TestDataServer, project_id, workspace_or_new};
use crate::session::context::Context;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep scenarios select orders")]
pub(super) struct Arguments {
    /// The scenario's id or name
    #[arg(value_name = "ID-or-name", required_unless_present = "scenario_id")]
    scenario: Option<String>,
    /// The same
    #[arg(long, value_name = "ID", hide = true, conflicts_with = "scenario")]
    scenario_id: Option<String>,
    /// The folder under .fluxloop/scenarios to work in; made from the name when left out
    #[arg(long, short, value_name = "NAME")]
    local_path: Option<String>,
    /// The project; the workspace's when left out
    #[arg(long, value_name = "ID")]
    project_id: Option<String>,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let workspace = workspace_or_new(context);
    let server = TestDataServer::connect(context, Some(&workspace), None)?;
    let project = project_id(Some(&workspace), arguments.project_id.as_deref())?;
    let typed = arguments.scenario.as_deref().or(arguments.scenario_id.as_deref()).unwrap_or_default();
    let scenarios = server.wait(server.client().scenarios(project.as_deref()))?;
    let scenario = choice::one(scenarios, typed, "scenario", server.name(), |one| &one.id, |one| &one.name)?;
    let folder = select_here(context, &workspace, &scenario, project.as_deref(), arguments.local_path.as_deref())?;
    context.good(&format!("Selected scenario {}, in .fluxloop/scenarios/{folder}", scenario.name));
    context.printer.hint("`keepstep sync pull` brings its newest bundle here");
    context.printer.document(
        "scenarios.select",
        json!({
            "server": server.name(), "scenario": document(&scenario), "folder": folder,
            "path": workspace.scenario_dir(&folder).to_string_lossy(),
        }),
    );
    Ok(Outcome::Done)
}
