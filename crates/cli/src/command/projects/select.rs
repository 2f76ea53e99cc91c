//! `keepstep projects select ID-or-name`

use clap::Args;
use serde_json::json;

use super::connect::connect;
use super::document::document;
use crate::command::{CommandResult, Outcome};
use crate::session::choice;
use crate::session::connection::test_data_server::{TestDataServer, workspace_or_new};
use crate::session::context::Context;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep projects select shop\n  keepstep projects select project_1a2b --url https://keepstep.example"
)]
pub(super) struct Arguments {
    /// The project's id or name
    #[arg(value_name = "ID-or-name", required_unless_present = "project_id")]
    project: Option<String>,
    /// The same
    #[arg(long = "project-id", visible_alias = "project", value_name = "ID", hide = true, conflicts_with = "project")]
    project_id: Option<String>,
    /// Also where the workspace has a key for another server; that key is taken out
    #[arg(long)]
    force: bool,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let workspace = workspace_or_new(context);
    let server = TestDataServer::connect_to_manage(context, Some(&workspace))?;
    let typed = arguments.project.as_deref().or(arguments.project_id.as_deref()).unwrap_or_default();
    let projects = server.wait(server.client().projects())?;
    let project = choice::one(projects, typed, "project", server.name(), |project| &project.id, |project| &project.name)?;
    connect(context, &workspace, &server, &project, arguments.force)?;
    context.good(&format!("Selected project {} on {}", project.name, server.name()));
    context.machine_line("PROJECT_SELECTED", &project.id);
    context.machine_line("PROJECT_NAME", &project.name);
    context.printer.hint("`keepstep scenarios list` shows its scenarios");
    context.printer.document(
        "projects.select",
        json!({ "server": server.name(), "project": document(&project), "workspace": workspace.root().to_string_lossy() }),
    );
    Ok(Outcome::Done)
}
