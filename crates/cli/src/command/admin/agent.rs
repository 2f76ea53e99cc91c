//! `keepstep admin agent create`

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use keepstep_agent::Field;
use keepstep_platform::{Plain, definition};
use serde_json::json;

use crate::command::{CommandResult, Outcome};
use crate::session::context::Context;
use crate::session::platform_data::DataArguments;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep admin agent create --data ./data --name Helper")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make an agent and print its id and its organization's, alone on stdout
    #[command(after_help = "Example:\n  keepstep admin agent create --data ./data --name Helper")]
    Create(Create),
}

#[derive(Debug, Args)]
struct Create {
    #[command(flatten)]
    data: DataArguments,
    /// Its name
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    name: String,
    /// The organization that owns it, created if it does not exist; the oldest one when left out
    #[arg(long, value_name = "NAME")]
    org: Option<String>,
}

/// Runs it.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let Command::Create(arguments) = &arguments.command;
    // Before there is an organization for it.
    definition::value(Field::NAME, arguments.name.as_str().into())?;
    let platform = arguments.data.open_for_admin(context).await?;
    let operator = platform.operator(arguments.org.as_deref()).await?;
    let state = platform.create_agent(&operator, arguments.name.clone(), Plain).await?;
    platform.store.close().await;
    let agent = state.agent;
    context.printer.answer(format!("{} {}", agent.id, agent.org_id));
    context.printer.document("admin.agent.create", json!({ "agent_id": agent.id, "org_id": agent.org_id, "name": agent.name() }));
    Ok(Outcome::Done)
}
