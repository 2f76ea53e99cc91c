//! `keepstep bundles publish`

use std::path::PathBuf;

use clap::Args;
use keepstep_api::fluxloop::NewBundle;
use serde::Deserialize;
use serde_json::json;

use super::document::document;
use super::from_workspace::{self, Asked};
use crate::command::{CommandResult, Outcome};
use crate::session::connection::test_data_server::{TestDataServer, find_workspace, required_project};
use crate::session::context::Context;
use crate::session::data_file;
use crate::shell::printer::count;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep bundles publish                         what the selected scenario has now\n  keepstep bundles publish --bundle-version-id ID  a draft\n  keepstep bundles publish --from-workspace        what was edited in the folder of the scenario"
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
    #[arg(long, short)]
    name: Option<String>,
    /// A YAML or JSON file with these, by their names on the server; options win
    #[arg(long, short, value_name = "FILE", conflicts_with = "bundle_version_id")]
    file: Option<PathBuf>,
    /// A draft to publish
    #[arg(long, value_name = "ID", conflicts_with_all = ["scenario_id", "input_set_id", "name"])]
    bundle_version_id: Option<String>,
    /// Publish the questions, personas and criteria that were edited in the folder of a scenario; what the server got meanwhile is merged first
    #[arg(long, conflicts_with_all = ["scenario_id", "input_set_id", "name", "file", "bundle_version_id"])]
    from_workspace: bool,
    /// The scenario of the workspace; the selected one when left out
    #[arg(long, value_name = "NAME", requires = "from_workspace")]
    scenario: Option<String>,
    /// Why
    #[arg(long, short, requires = "from_workspace")]
    message: Option<String>,
    /// Show what would be published; nothing is written
    #[arg(long, requires = "from_workspace")]
    dry_run: bool,
}

/// What a file may say of the options. A key that is none of these is an error, so that nothing is left out in silence.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FromFile {
    project_id: Option<String>,
    scenario_id: Option<String>,
    input_set_id: Option<String>,
    name: Option<String>,
}

/// Runs it. The same content published again is the same bundle version.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    if arguments.from_workspace {
        let asked = Asked {
            project: arguments.project_id.as_deref(),
            scenario: arguments.scenario.as_deref(),
            message: arguments.message.as_deref(),
            dry_run: arguments.dry_run,
        };
        return from_workspace::run(context, asked);
    }
    let workspace = find_workspace(context);
    let bundle;
    let server;
    if let Some(id) = &arguments.bundle_version_id {
        server = TestDataServer::connect(context, workspace.as_ref(), None)?;
        bundle = server.wait(server.client().publish_bundle(id))?;
    } else {
        let file = match &arguments.file {
            Some(file) => data_file::parse(&data_file::read(context, file)?, &file.display().to_string())?,
            None => FromFile::default(),
        };
        let named_project = arguments.project_id.clone().or(file.project_id);
        let project = required_project(workspace.as_ref(), named_project.as_deref())?;
        let selected = match &workspace {
            // In another project, the selected scenario means nothing.
            Some(workspace) if named_project.is_none() => {
                workspace.scenario(None, &context.directory).ok().and_then(|one| one.id)
            }
            _ => None,
        };
        let new = NewBundle {
            project_id: project,
            scenario_id: arguments.scenario_id.clone().or(file.scenario_id).or(selected),
            input_set_id: arguments.input_set_id.clone().or(file.input_set_id),
            name: arguments.name.clone().or(file.name),
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
