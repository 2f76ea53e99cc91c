//! `keepstep apikeys check`

use clap::Args;
use serde_json::json;

use crate::command::{CommandResult, Outcome};
use crate::context::Context;
use crate::printer::{Label, Text, count};
use crate::test_data_server::{TestDataServer, find_workspace};
use crate::visible::visible_line;
use crate::workspace_env::last_four;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep apikeys check")]
pub(super) struct Arguments {}

/// Runs it. No key, or one that is refused, is exit 9.
pub(super) fn run(context: &Context, _: &Arguments) -> CommandResult {
    let workspace = find_workspace(context);
    let scenario = workspace.as_ref().and_then(|workspace| workspace.scenario(None, &context.directory).ok());
    let server = TestDataServer::connect(context, workspace.as_ref(), scenario.as_ref())?;
    let projects = server.wait(server.client().projects())?;
    let line = |label: &str, value: &str| {
        context.printer.answer(Text::of(Label::Heading, format!("{label:<8}")).and(Label::Plain, visible_line(value)));
    };
    line("server", &format!("{} ({})", server.name(), server.target().url_origin));
    let key = server.target().key.as_ref();
    line("key", &key.map_or_else(String::new, |key| format!("{} {}", last_four(key.secret.reveal()), key.origin)));
    line("opens", &count(projects.len(), "project"));
    context.printer.document(
        "apikeys.check",
        json!({
            "server": server.name(), "origin": key.map(|key| key.origin.to_string()),
            "lastFour": key.map(|key| last_four(key.secret.reveal())), "projects": projects.len(),
        }),
    );
    Ok(Outcome::Done)
}
