//! `keepstep personas create`

use clap::Args;
use keepstep_api::fluxloop::NewPersona;
use serde_json::{Map, Value, json};

use crate::command::{CommandResult, Outcome};
use crate::context::Context;
use crate::test_data_server::{TestDataServer, find_workspace, required_project};

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep personas create --name novice --description \"New to the shop\"")]
pub(super) struct Arguments {
    /// Their name
    #[arg(long)]
    name: String,
    /// Who they are
    #[arg(long, short)]
    description: Option<String>,
    /// How hard they are to please
    #[arg(long)]
    difficulty: Option<String>,
    /// The project; the workspace's when left out
    #[arg(long, value_name = "ID")]
    project_id: Option<String>,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let workspace = find_workspace(context);
    let project = required_project(workspace.as_ref(), arguments.project_id.as_deref())?;
    let server = TestDataServer::connect(context, workspace.as_ref(), None)?;
    let others = [("description", &arguments.description), ("difficulty", &arguments.difficulty)];
    let others: Map<String, Value> =
        others.iter().filter_map(|(key, value)| Some(((*key).to_owned(), Value::from(value.as_deref()?)))).collect();
    let new = NewPersona { project_id: Some(project), name: arguments.name.clone(), others };
    let made = server.wait(server.client().create_persona(&new))?;
    let id = made["id"].as_str().unwrap_or_default();
    context.good(&format!("Made persona {} ({id}) on {}", arguments.name, server.name()));
    context.machine_line("PERSONA_CREATED", id);
    context.printer.document("personas.create", json!({ "server": server.name(), "persona": made }));
    Ok(Outcome::Done)
}
