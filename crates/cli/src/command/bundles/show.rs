//! `keepstep bundles show ID`

use clap::Args;
use serde_json::json;

use super::document::document;
use crate::command::{CommandResult, Outcome};
use crate::session::connection::test_data_server::{TestDataServer, find_workspace};
use crate::session::context::Context;
use crate::shell::printer::{Label, Text};
use crate::shell::visible::visible_line;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep bundles show bundle_1a2b")]
pub(super) struct Arguments {
    /// The bundle version's id
    #[arg(value_name = "ID", required_unless_present = "bundle_version_id")]
    bundle: Option<String>,
    /// The same
    #[arg(long, value_name = "ID", hide = true, conflicts_with = "bundle")]
    bundle_version_id: Option<String>,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let workspace = find_workspace(context);
    let server = TestDataServer::connect(context, workspace.as_ref(), None)?;
    let id = arguments.bundle.as_deref().or(arguments.bundle_version_id.as_deref()).unwrap_or_default();
    let bundle = server.wait(server.client().bundle(id))?;
    let line = |label: &str, value: &str| {
        context.printer.answer(Text::of(Label::Heading, format!("{label:<10}")).and(Label::Plain, visible_line(value)));
    };
    line("bundle", &format!("{} ({})", bundle.name, bundle.id));
    let generation = bundle.generation.map_or_else(String::new, |generation| format!(", generation {generation}"));
    line("status", &format!("{}{generation}", bundle.status));
    line("scenario", &bundle.scenario_id);
    line("inputs", &format!("{} (set {})", bundle.input_count, bundle.input_set_id));
    line("personas", &bundle.personas_count.to_string());
    line("created", &bundle.created_at);
    context.printer.document("bundles.show", json!({ "server": server.name(), "bundle": document(&bundle) }));
    Ok(Outcome::Done)
}
