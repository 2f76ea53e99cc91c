//! `keepstep personas create`

use std::path::PathBuf;

use clap::Args;
use keepstep_api::fluxloop::NewPersona;
use serde_json::{Map, Value, json};

use crate::command::{CommandResult, Outcome};
use crate::session::connection::test_data_server::{TestDataServer, find_workspace, required_project};
use crate::session::context::Context;
use crate::session::data_file;
use crate::shell::failure::Failure;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep personas create --name novice --description \"New to the shop\"\n  keepstep personas create --file novice.yaml"
)]
pub(super) struct Arguments {
    /// Their name; a file can say it, too
    #[arg(long, required_unless_present = "file")]
    name: Option<String>,
    /// A YAML or JSON file with the persona; options win over what it says
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
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
    let mut others: Map<String, Value> = match &arguments.file {
        Some(file) => data_file::parse(&data_file::read(context, file)?, &file.display().to_string())?,
        None => Map::new(),
    };
    let options = [("name", &arguments.name), ("description", &arguments.description), ("difficulty", &arguments.difficulty)];
    for (key, value) in options {
        if let Some(value) = value {
            others.insert(key.to_owned(), Value::from(value.as_str()));
        }
    }
    let Some(Value::String(name)) = others.shift_remove("name") else {
        return Err(Failure::Usage {
            message: "the persona requires a name".to_owned(),
            hint: Some("pass `--name NAME`, or write `name: …` in the file".to_owned()),
        });
    };
    others.shift_remove("project_id");
    let server = TestDataServer::connect(context, workspace.as_ref(), None)?;
    let new = NewPersona { project_id: Some(project), name: name.clone(), others };
    let made = server.wait(server.client().create_persona(&new))?;
    let id = made["id"].as_str().unwrap_or_default();
    context.good(&format!("Created persona {name} ({id}) on {}", server.name()));
    context.machine_line("PERSONA_CREATED", id);
    context.printer.document("personas.create", json!({ "server": server.name(), "persona": made }));
    Ok(Outcome::Done)
}
