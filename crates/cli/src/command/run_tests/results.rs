//! `keepstep test results`

use std::fs;

use clap::Args;
use keepstep_runner::stored;
use keepstep_workspace::files::read_if_there;
use serde_json::json;

use super::setup::Tested;
use crate::command::{CommandResult, Outcome};
use crate::session::connection::test_data_server::workspace;
use crate::session::context::Context;
use crate::session::secrets;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text};
use crate::shell::program::Program;

/// The result of the last run, in the `.state/` of its scenario.
pub(super) const LATEST: &str = "latest_result.md";

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  keepstep test results\n  keepstep test results --raw > result.md")]
pub(crate) struct Arguments {
    /// The scenario; otherwise the selected one
    #[arg(long, short, value_name = "NAME")]
    scenario: Option<String>,
    /// Print result.md, with everything that was said
    #[arg(long)]
    raw: bool,
    /// Accepted for compatibility; these results are always the local ones
    #[arg(long, hide = true)]
    local: bool,
    /// Likewise; `results list` has a limit of its own
    #[arg(long, hide = true, value_name = "N")]
    limit: Option<u32>,
    /// The id of the scenario on the server
    #[arg(long, value_name = "ID", hide = true, conflicts_with = "scenario")]
    scenario_id: Option<String>,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let by_id = arguments.scenario_id.as_deref().map(|id| folder_of(context, id)).transpose()?;
    let tested = Tested::find(context, arguments.scenario.as_deref().or(by_id.as_deref()), None)?;
    secrets::keep(context, &secrets::of_scenario(context, tested.workspace.as_ref(), &tested.path)?)?;
    let path = tested.path.join(".state").join(LATEST);
    let text = read_if_there(&path)?.ok_or_else(|| Failure::NotFound {
        message: format!("{} has no results yet", tested.name),
        hint: Some("`keepstep test` creates results".to_owned()),
    })?;
    let folder = fs::canonicalize(&path).ok().and_then(|path| Some(path.parent()?.to_owned()));
    if context.printer.is_json() {
        // A summary that cannot be read is no reason not to show the text.
        let summary = folder.as_ref().and_then(|folder| stored::summary(folder).ok().flatten());
        context
            .printer
            .document("test.results", json!({"scenario": tested.name, "folder": folder, "summary": summary, "text": text}));
    } else if arguments.raw {
        context.printer.exact(&text);
    } else if context.program == Program::Fluxloop {
        for line in text.lines() {
            context.printer.answer(rendered(line));
        }
    } else {
        return crate::command::results::show_latest(context, arguments.scenario.clone());
    }
    Ok(Outcome::Done)
}

/// Returns the folder that belongs to a scenario of the server.
fn folder_of(context: &Context, id: &str) -> Result<String, Failure> {
    let folder = workspace(context)?.links()?.folder_of(id).map(str::to_owned);
    folder.ok_or_else(|| Failure::NotFound {
        message: format!("no folder of this workspace belongs to the scenario {id}"),
        hint: Some("`keepstep scenarios list` shows which folder belongs to which".to_owned()),
    })
}

/// Returns a line of Markdown for a terminal.
fn rendered(line: &str) -> Text {
    match line {
        _ if line.starts_with('#') => Text::of(Label::Heading, line.trim_start_matches('#').trim_start()),
        _ if line.starts_with("**") => Text::of(Label::Heading, line.trim_matches('*')),
        _ if line.contains("⚠️") => Text::of(Label::Warning, line),
        _ => Text::from(line.to_owned()),
    }
}
