//! `keepstep bundles publish`

use clap::Args;
use keepstep_api::fluxloop::NewBundle;
use serde_json::json;

use super::document;
use crate::command::{CommandResult, Outcome};
use crate::context::Context;
use crate::printer::count;
use crate::test_data_server::{TestDataServer, find_workspace, required_project};

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep bundles publish                         what the selected scenario has now\n  keepstep bundles publish --bundle-version-id ID  a draft"
)]
pub(super) struct Arguments {
    /// The project; the workspace's when left out
    #[arg(long, value_name = "ID")]
    project_id: Option<String>,
    /// The scenario; the selected one when left out
    #[arg(long, value_name = "ID")]
    scenario_id: Option<String>,
    /// The inputs; the scenario's newest when left out
    #[arg(long, value_name = "ID")]
    input_set_id: Option<String>,
    /// Its name
    #[arg(long)]
    name: Option<String>,
    /// A draft to publish
    #[arg(long, value_name = "ID", conflicts_with_all = ["scenario_id", "input_set_id", "name"])]
    bundle_version_id: Option<String>,
}

/// Runs it. The same content published again is the same bundle version.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let workspace = find_workspace(context);
    let bundle;
    let server;
    if let Some(id) = &arguments.bundle_version_id {
        server = TestDataServer::connect(context, workspace.as_ref(), None)?;
        bundle = server.wait(server.client().publish_bundle(id))?;
    } else {
        let project = required_project(workspace.as_ref(), arguments.project_id.as_deref())?;
        let selected = match &workspace {
            // In another project, the selected scenario means nothing.
            Some(workspace) if arguments.project_id.is_none() => {
                workspace.scenario(None, &context.directory).ok().and_then(|one| one.id)
            }
            _ => None,
        };
        let new = NewBundle {
            project_id: project,
            scenario_id: arguments.scenario_id.clone().or(selected),
            input_set_id: arguments.input_set_id.clone(),
            name: arguments.name.clone(),
            status: None,
        };
        server = TestDataServer::connect(context, workspace.as_ref(), None)?;
        bundle = server.wait(server.client().create_bundle(&new))?;
    }
    let inputs = count(bundle.input_count as usize, "input");
    context.good(&format!("{} ({}) is published on {}, with {inputs}", bundle.id, bundle.name, server.name()));
    context.machine_line("BUNDLE_PUBLISHED", &bundle.id);
    context.printer.document("bundles.publish", json!({ "server": server.name(), "bundle": document(&bundle) }));
    Ok(Outcome::Done)
}
