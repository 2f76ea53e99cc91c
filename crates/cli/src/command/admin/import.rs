//! `keepstep admin import`

use std::path::PathBuf;

use clap::Args;
use keepstep_platform::Plain;
use serde_json::json;

use crate::command::{CommandResult, Outcome};
use crate::session::context::Context;
use crate::session::data_file;
use crate::session::platform_data::DataArguments;
use crate::shell::failure::Failure;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep admin import --data ./data --project project_1a2b orders.yaml")]
pub(super) struct Arguments {
    #[command(flatten)]
    data: DataArguments,
    /// The project that gets it
    #[arg(long, value_name = "ID")]
    project: String,
    /// The file, YAML or JSON: a scenario, its personas, inputs and criteria; or CSV, TSV, JSON Lines: inputs
    file: PathBuf,
}

/// Runs it.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let shown = arguments.file.display().to_string();
    let file = data_file::test_data(&data_file::read(context, &arguments.file)?, &arguments.file, None)?;
    file.check().map_err(|error| Failure::usage(format!("{shown}: {error}")))?;

    let platform = arguments.data.open_for_admin(context).await?;
    let operator = platform.operator_of(&arguments.project).await?;
    let bundle = platform.import(&operator, &arguments.project, &file, Plain).await?.bundle;
    platform.store.close().await;
    context.printer.answer(bundle.id.as_str());
    context.printer.document(
        "admin.import",
        json!({
            "bundle_version_id": bundle.id, "project_id": bundle.project_id, "scenario_id": bundle.scenario_id,
            "name": bundle.name, "generation": bundle.generation, "inputs": bundle.input_count,
        }),
    );
    Ok(Outcome::Done)
}
