//! `keepstep bundles list`

use clap::Args;
use keepstep_client::test_data::BundleQuery;
use serde_json::{Value, json};

use super::document::document;
use crate::command::{CommandResult, Outcome};
use crate::grammar::list_format::ListFormat;
use crate::session::connection::test_data_server::{TestDataServer, find_workspace, project_id};
use crate::session::context::Context;
use crate::shell::table;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep bundles list")]
pub(super) struct Arguments {
    /// The project; the workspace's when left out
    #[arg(long, value_name = "ID")]
    project_id: Option<String>,
    /// Only those of a scenario
    #[arg(long, value_name = "ID")]
    scenario_id: Option<String>,
    /// Drafts instead of what is published
    #[arg(long)]
    drafts: bool,
    #[command(flatten)]
    format: ListFormat,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let workspace = find_workspace(context);
    let project = project_id(workspace.as_ref(), arguments.project_id.as_deref())?;
    let server = TestDataServer::connect(context, workspace.as_ref(), None)?;
    let query = BundleQuery {
        project: project.as_deref(),
        scenario: arguments.scenario_id.as_deref(),
        status: arguments.drafts.then_some("draft"),
        limit: None,
    };
    let bundles = server.wait(server.client().bundles(query))?;
    if arguments.format.prints_raw(&context.printer, &bundles)? {
        return Ok(Outcome::Done);
    }
    if bundles.is_empty() {
        context.printer.answer("No bundles found.");
    } else {
        let rows: Vec<Vec<String>> = bundles
            .iter()
            .map(|bundle| {
                let generation = bundle.generation.map_or_else(String::new, |generation| generation.to_string());
                let created = table::day(&bundle.created_at);
                vec![
                    bundle.id.clone(),
                    bundle.name.clone(),
                    bundle.status.clone(),
                    generation,
                    bundle.input_count.to_string(),
                    created,
                ]
            })
            .collect();
        table::print(&context.printer, &["ID", "NAME", "STATUS", "VERSION", "INPUTS", "CREATED"], &rows);
    }
    let listed: Vec<Value> = bundles.iter().map(document).collect();
    context.printer.document("bundles.list", json!({ "server": server.name(), "project_id": project, "bundles": listed }));
    Ok(Outcome::Done)
}
