//! `keepstep projects create`

use clap::{ArgAction, Args};
use keepstep_api::fluxloop::NewProject;
use serde_json::{Map, Value, json};

use super::connect::connect;
use super::document::document;
use crate::command::scenarios::create::language_code;
use crate::command::{CommandResult, Outcome};
use crate::session::connection::test_data_server::{TestDataServer, workspace_or_new};
use crate::session::context::Context;
use crate::shell::failure::Failure;
use crate::shell::visible::visible_line;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep projects create --name shop")]
pub(super) struct Arguments {
    /// Its name
    #[arg(long, short)]
    name: String,
    /// What it is about
    #[arg(long, short)]
    description: Option<String>,
    /// The organization that is to own it, where the key opens several
    #[arg(long, value_name = "ID")]
    workspace_id: Option<String>,
    /// Connect this workspace to it, which is the default
    #[arg(long, overrides_with = "no_select", action = ArgAction::SetTrue, hide = true)]
    select: bool,
    /// Do not connect this workspace to it
    #[arg(long, action = ArgAction::SetTrue)]
    no_select: bool,
    /// The language of its scenarios, such as `en` or `ko`
    #[arg(long, short)]
    language: Option<String>,
    /// Also where the workspace has a key for another server; that key is taken out
    #[arg(long)]
    force: bool,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let workspace = workspace_or_new(context);
    let server = TestDataServer::connect_to_manage(context, Some(&workspace))?;
    let owner = match &arguments.workspace_id {
        Some(id) => id.clone(),
        None => only_workspace(&server)?,
    };
    let settings = arguments
        .language
        .as_deref()
        .map(|language| Map::from_iter([("default_language".to_owned(), Value::from(language_code(language)))]));
    let new = NewProject {
        name: arguments.name.clone(),
        workspace_id: Some(owner),
        description: arguments.description.clone(),
        settings,
    };
    let project = server.wait(server.client().create_project(&new))?;
    context.good(&format!("Created project {} ({}) on {}", project.name, project.id, server.name()));
    context.machine_line("PROJECT_CREATED", &project.id);
    if !arguments.no_select {
        connect(context, &workspace, &server, &project, arguments.force)?;
        context.printer.status("This workspace is connected to it");
        context.machine_line("PROJECT_SELECTED", &project.id);
    }
    context.printer.document(
        "projects.create",
        json!({ "server": server.name(), "project": document(&project), "selected": !arguments.no_select }),
    );
    Ok(Outcome::Done)
}

fn only_workspace(server: &TestDataServer) -> Result<String, Failure> {
    let workspaces = server.wait(server.client().workspaces())?;
    match workspaces.as_slice() {
        [only] => Ok(only.id.clone()),
        [] => Err(Failure::usage(format!("the key has no access to an organization on {}", server.name()))),
        several => {
            let names: Vec<String> =
                several.iter().map(|one| format!("{} ({})", visible_line(&one.id), visible_line(&one.name))).collect();
            Err(Failure::Usage {
                message: "the key has access to several organizations".to_owned(),
                hint: Some(format!("name one with `--workspace-id`: {}", names.join(", "))),
            })
        }
    }
}
