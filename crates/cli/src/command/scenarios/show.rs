//! `keepstep scenarios show [ID]`

use clap::Args;
use serde_json::json;

use super::document::document;
use crate::command::{CommandResult, Outcome};
use crate::session::connection::test_data_server::{TestDataServer, find_workspace};
use crate::session::context::Context;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text};
use crate::shell::visible::visible_line;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep scenarios show")]
pub(super) struct Arguments {
    /// The scenario's id; the selected one's when left out
    #[arg(value_name = "ID")]
    scenario: Option<String>,
    /// The same
    #[arg(long, value_name = "ID", hide = true, conflicts_with = "scenario")]
    scenario_id: Option<String>,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let workspace = find_workspace(context);
    let named = arguments.scenario.clone().or_else(|| arguments.scenario_id.clone());
    let id = match (named, &workspace) {
        (Some(id), _) => id,
        (None, Some(workspace)) => {
            let scenario = workspace.scenario(None, &context.directory)?;
            scenario.id.ok_or_else(|| Failure::Usage {
                message: format!("{} is not known to be a scenario of the server", visible_line(&scenario.folder)),
                hint: Some("`keepstep scenarios select ID` links it".to_owned()),
            })?
        }
        (None, None) => {
            return Err(crate::session::connection::test_data_server::workspace(context)
                .err()
                .unwrap_or_else(|| Failure::usage("no scenario")));
        }
    };
    let server = TestDataServer::connect(context, workspace.as_ref(), None)?;
    let scenario = server.wait(server.client().scenario(&id))?;
    let line = |label: &str, value: &str| {
        if !value.is_empty() {
            context.printer.answer(Text::of(Label::Heading, format!("{label:<13}")).and(Label::Plain, visible_line(value)));
        }
    };
    line("scenario", &format!("{} ({})", scenario.name, scenario.id));
    line("about", &scenario.description);
    line("goal", scenario.goal.as_deref().unwrap_or_default());
    for (index, constraint) in scenario.constraints.iter().enumerate() {
        line(if index == 0 { "constraints" } else { "" }, constraint);
    }
    line("created", &scenario.created_at);
    let mut shown = document(&scenario);
    shown["config"] = json!(scenario.config_snapshot);
    context.printer.document("scenarios.show", json!({ "server": server.name(), "scenario": shown }));
    Ok(Outcome::Done)
}
