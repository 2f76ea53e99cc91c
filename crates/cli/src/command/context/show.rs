//! `keepstep context show`

use clap::Args;
use keepstep_workspace::{ScenarioError, SelectedBy};
use serde_json::json;

use crate::command::{CommandResult, Outcome};
use crate::session::connection::test_data_server::{self, find_workspace};
use crate::session::context::Context;
use crate::shell::printer::{Label, Text};
use crate::shell::visible::visible_line;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep context show")]
pub(super) struct Arguments {}

/// Runs it, without a request.
pub(super) fn run(context: &Context, _: &Arguments) -> CommandResult {
    let Some(workspace) = find_workspace(context) else {
        context.printer.answer("This folder is in no workspace.");
        context.printer.hint("`keepstep projects select ID` creates one");
        context.printer.document("context.show", json!({ "workspace": null }));
        return Ok(Outcome::Done);
    };
    let line = |label: &str, value: &str| {
        context.printer.answer(Text::of(Label::Heading, format!("{label:<11}")).and(Label::Plain, visible_line(value)));
    };
    let project = workspace.project()?;
    let scenario = match workspace.scenario(None, &context.directory) {
        Ok(scenario) => Some(scenario),
        Err(ScenarioError::NoneSelected { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let bundle = workspace.context()?.bundle();
    let path = scenario.as_ref().map(|scenario| scenario.path.as_path());
    let target = test_data_server::target(context, Some(&workspace), path, None).ok();
    line("workspace", &workspace.root().to_string_lossy());
    let named = |name: Option<&str>, id: Option<&str>| match (name, id) {
        (Some(name), Some(id)) => format!("{name} ({id})"),
        (one, other) => one.or(other).unwrap_or("none").to_owned(),
    };
    let project = project.unwrap_or_default();
    line("project", &named(project.name(), project.id()));
    line(
        "server",
        &target.as_ref().map_or_else(|| "none".to_owned(), |target| format!("{} ({})", target.server(), target.url_origin)),
    );
    line(
        "scenario",
        &scenario
            .as_ref()
            .map_or_else(|| "none".to_owned(), |one| format!("{}{}", named(Some(&one.name), one.id.as_deref()), why(one.origin))),
    );
    if let Some(scenario) = &scenario {
        line("folder", &scenario.path.to_string_lossy());
    }
    if let Some(bundle) = &bundle {
        line("bundle", &bundle.id);
    }
    context.printer.document(
        "context.show",
        json!({
            "workspace": workspace.root().to_string_lossy(),
            "server": target.as_ref().map(keepstep_client::Target::server),
            "project": { "id": project.id(), "name": project.name() },
            "scenario": scenario.as_ref().map(|one| json!({
                "id": one.id, "name": one.name, "folder": one.folder, "path": one.path.to_string_lossy(),
            })),
            "bundle_version_id": bundle.as_ref().map(|bundle| &bundle.id),
        }),
    );
    Ok(Outcome::Done)
}

fn why(origin: SelectedBy) -> &'static str {
    match origin {
        SelectedBy::Flag | SelectedBy::Context => "",
        SelectedBy::Directory => ", because this is its folder",
        SelectedBy::Only => ", the only one",
    }
}
