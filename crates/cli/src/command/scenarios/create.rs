//! `keepstep scenarios create`

use std::path::PathBuf;

use clap::{ArgAction, Args};
use keepstep_api::fluxloop::NewScenario;
use serde_json::{Map, Value, json};

use super::document::document;
use super::select_here::select_here;
use crate::command::{CommandResult, Outcome};
use crate::session::connection::test_data_server::{TestDataServer, required_project, workspace_or_new};
use crate::session::context::Context;
use crate::session::data_file;
use crate::shell::failure::Failure;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep scenarios create --name orders --goal \"Orders are found\"\n  keepstep scenarios create --name orders --file orders.yaml"
)]
pub(super) struct Arguments {
    /// Its name
    #[arg(long, short)]
    name: String,
    /// The language of its texts, such as `en` or `ko`; the project's when left out
    #[arg(long, value_name = "LANGUAGE")]
    language: Option<String>,
    /// What it is about
    #[arg(long, short)]
    description: Option<String>,
    /// What the agent is to reach
    #[arg(long, short)]
    goal: Option<String>,
    /// What the agent must not do; may be repeated
    #[arg(long, value_name = "TEXT")]
    constraint: Vec<String>,
    /// What is taken for granted; may be repeated
    #[arg(long, value_name = "TEXT")]
    assumption: Vec<String>,
    /// What makes a run a success; may be repeated
    #[arg(long, value_name = "TEXT")]
    success_criteria: Vec<String>,
    /// The whole configuration as a YAML or JSON file
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The same; `--file` wins
    #[arg(long, value_name = "FILE", hide = true)]
    config_file: Option<PathBuf>,
    /// The project; the workspace's when left out
    #[arg(long, value_name = "ID")]
    project_id: Option<String>,
    /// Work on it from now on, which is the default
    #[arg(long, overrides_with = "no_select", action = ArgAction::SetTrue, hide = true)]
    select: bool,
    /// Do not select it
    #[arg(long, action = ArgAction::SetTrue)]
    no_select: bool,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let workspace = workspace_or_new(context);
    let project = required_project(Some(&workspace), arguments.project_id.as_deref())?;
    let mut config_snapshot = configuration(context, arguments)?;
    let server = TestDataServer::connect(context, Some(&workspace), None)?;
    if let Some(language) = &arguments.language {
        config_snapshot.entry("language").or_insert_with(|| Value::from(language_code(language)));
    }
    let new = NewScenario {
        project_id: project.clone(),
        name: arguments.name.clone(),
        description: arguments.description.clone(),
        config_snapshot,
    };
    let scenario = server.wait(server.client().create_scenario(&new))?;
    context.good(&format!("Created scenario {} ({}) on {}", scenario.name, scenario.id, server.name()));
    context.machine_line("SCENARIO_CREATED", &scenario.id);
    let folder = if arguments.no_select {
        None
    } else {
        let folder = select_here(context, &workspace, &scenario, Some(&project), None)?;
        context.printer.status(format!("It is selected, in .fluxloop/scenarios/{folder}"));
        Some(folder)
    };
    context.printer.document(
        "scenarios.create",
        json!({ "server": server.name(), "scenario": document(&scenario), "selected": folder.is_some(), "folder": folder }),
    );
    Ok(Outcome::Done)
}

/// Returns a language as both releases of the peer store it: the first part of its tag, in lower case.
pub(crate) fn language_code(tag: &str) -> String {
    tag.split(['-', '_']).next().unwrap_or_default().trim().to_lowercase()
}

/// Returns the configuration: of a file, else of the options, else the name as its goal.
fn configuration(context: &Context, arguments: &Arguments) -> Result<Map<String, Value>, Failure> {
    if let Some(file) = arguments.file.as_ref().or(arguments.config_file.as_ref()) {
        return data_file::configuration(&data_file::read(context, file)?, &file.display().to_string());
    }
    let goal = arguments.goal.as_deref().unwrap_or(&arguments.name);
    let mut configuration = Map::from_iter([("goal".to_owned(), Value::from(goal))]);
    let lists = [
        ("constraints", &arguments.constraint),
        ("assumptions", &arguments.assumption),
        ("success_criteria", &arguments.success_criteria),
    ];
    for (name, list) in lists {
        if !list.is_empty() {
            configuration.insert(name.to_owned(), Value::from(list.clone()));
        }
    }
    Ok(configuration)
}
