//! `keepstep projects info [ID]`

use clap::Args;
use keepstep_client::test_data::BundleQuery;
use serde_json::json;

use super::document::document;
use crate::command::{CommandResult, Outcome};
use crate::session::connection::test_data_server::{TestDataServer, find_workspace, required_project};
use crate::session::context::Context;
use crate::shell::printer::{Label, Text, count};
use crate::shell::visible::visible_line;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep projects info")]
pub(super) struct Arguments {
    /// The project's id; the workspace's when left out
    #[arg(value_name = "ID")]
    project: Option<String>,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let workspace = find_workspace(context);
    let id = required_project(workspace.as_ref(), arguments.project.as_deref())?;
    let server = TestDataServer::connect_to_manage(context, workspace.as_ref())?;
    let client = server.client();
    let project = server.wait(client.project(&id))?;
    let scenarios = server.wait(client.scenarios(Some(&id)))?;
    let bundles = server.wait(client.bundles(BundleQuery { project: Some(&id), ..BundleQuery::default() }))?;
    let line = |label: &str, value: &str| {
        context.printer.answer(Text::of(Label::Heading, format!("{label:<10}")).and(Label::Plain, visible_line(value)));
    };
    line("project", &format!("{} ({})", project.name, project.id));
    if !project.description.is_empty() {
        line("about", &project.description);
    }
    line("server", server.name());
    line("created", &project.created_at);
    let of = |scenario: &str| bundles.iter().filter(|bundle| bundle.scenario_id == scenario).count();
    for (index, scenario) in scenarios.iter().enumerate() {
        let label = if index == 0 { "scenarios" } else { "" };
        line(label, &format!("{} ({}), {}", scenario.name, scenario.id, count(of(&scenario.id), "published bundle")));
    }
    if scenarios.is_empty() {
        line("scenarios", "none");
    }
    let scenarios: Vec<_> = scenarios
        .iter()
        .map(|scenario| json!({ "id": scenario.id, "name": scenario.name, "published_bundles": of(&scenario.id) }))
        .collect();
    context.printer.document(
        "projects.info",
        json!({ "server": server.name(), "project": document(&project), "scenarios": scenarios, "published_bundles": bundles.len() }),
    );
    Ok(Outcome::Done)
}
