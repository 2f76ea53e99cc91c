//! `keepstep bundles import FILE`

use std::path::PathBuf;

use clap::Args;
use keepstep_api::IMPORT_LIMIT;
use keepstep_store::test_data::TestDataFile;
use serde_json::{Value, json};

use super::document;
use crate::command::{CommandResult, Outcome};
use crate::context::Context;
use crate::data_file;
use crate::failure::Failure;
use crate::printer::count;
use crate::test_data_server::{TestDataServer, find_workspace, required_project};

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep bundles import orders.yaml")]
pub(super) struct Arguments {
    /// The project that gets it; the workspace's when left out
    #[arg(long, visible_alias = "project", value_name = "ID")]
    project_id: Option<String>,
    /// The file, YAML or JSON: a scenario, its personas, inputs and criteria
    file: PathBuf,
}

/// Runs it. The file is checked here first, so that a mistake is shown with its line and nothing is sent.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let workspace = find_workspace(context);
    let project = required_project(workspace.as_ref(), arguments.project_id.as_deref())?;
    let shown = arguments.file.display().to_string();
    let text = data_file::read(context, &arguments.file)?;
    let file: TestDataFile = data_file::parse(&text, &shown)?;
    file.check().map_err(|error| Failure::usage(format!("{shown}: {error}")))?;
    let value: Value = data_file::parse(&text, &shown)?;
    let size = value.to_string().len();
    if size > IMPORT_LIMIT {
        return Err(Failure::usage(format!(
            "{shown} is {size} bytes as JSON, and a server takes {IMPORT_LIMIT}; split it into several scenarios"
        )));
    }
    let server = TestDataServer::connect(context, workspace.as_ref(), None)?;
    let bundle = server.wait(server.client().import(&project, value))?;
    let inputs = count(bundle.input_count as usize, "input");
    context.good(&format!("{} ({}) is published on {}, with {inputs}", bundle.id, bundle.name, server.name()));
    context.printer.hint("`keepstep sync pull` brings it to a workspace");
    context.printer.document("bundles.import", json!({ "server": server.name(), "bundle": document(&bundle) }));
    Ok(Outcome::Done)
}
