//! `keepstep admin project create`

use clap::{Args, Subcommand};
use keepstep_platform::{NewProject, Plain};
use serde_json::json;

use crate::command::{CommandResult, Outcome};
use crate::session::context::Context;
use crate::session::platform_data::DataArguments;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep admin project create --data ./data --name shop")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a project and print its id, alone on stdout
    #[command(after_help = "Example:\n  keepstep admin project create --data ./data --name shop")]
    Create(Create),
}

#[derive(Debug, Args)]
struct Create {
    #[command(flatten)]
    data: DataArguments,
    /// Its name
    #[arg(long)]
    name: String,
    /// The organization that owns it, created if it does not exist; the oldest one when left out
    #[arg(long, value_name = "NAME")]
    org: Option<String>,
}

/// Runs it.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let Command::Create(arguments) = &arguments.command;
    // Before there is an organization for it.
    keepstep_store::check_name(&arguments.name)?;
    let platform = arguments.data.open_for_admin(context).await?;
    let operator = platform.operator(arguments.org.as_deref()).await?;
    let new = NewProject { name: arguments.name.clone(), ..NewProject::default() };
    let project = platform.create_project(&operator, new, Plain).await?;
    platform.store.close().await;
    context.printer.answer(project.id.as_str());
    context
        .printer
        .document("admin.project.create", json!({ "project_id": project.id, "org_id": project.org_id, "name": project.name }));
    Ok(Outcome::Done)
}
