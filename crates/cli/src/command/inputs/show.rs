//! `keepstep inputs show ID`

use clap::Args;
use serde_json::{Value, json};

use crate::command::{CommandResult, Outcome};
use crate::grammar::list_format::ListFormat;
use crate::session::connection::test_data_server::{TestDataServer, find_workspace};
use crate::session::context::Context;
use crate::shell::table;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep inputs show input_set_1a2b")]
pub(super) struct Arguments {
    /// The set's id, as `list` shows it
    #[arg(value_name = "ID", required_unless_present = "input_set_id")]
    set: Option<String>,
    /// The same
    #[arg(long, value_name = "ID", hide = true, conflicts_with = "set")]
    input_set_id: Option<String>,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let id = arguments.set.as_deref().or(arguments.input_set_id.as_deref()).unwrap_or_default();
    items(context, id, &ListFormat::default())
}

/// Prints the inputs of a set.
pub(super) fn items(context: &Context, id: &str, format: &ListFormat) -> CommandResult {
    let workspace = find_workspace(context);
    let server = TestDataServer::connect(context, workspace.as_ref(), None)?;
    let set = server.wait(server.client().input_set(id))?;
    let inputs = set.inputs.unwrap_or_default();
    if format.prints_raw(&context.printer, &inputs)? {
        return Ok(Outcome::Done);
    }
    let text = |input: &Value| ["text", "input"].iter().find_map(|name| input[*name].as_str()).unwrap_or_default().to_owned();
    let rows: Vec<Vec<String>> = inputs
        .iter()
        .enumerate()
        .map(|(index, input)| {
            vec![(index + 1).to_string(), input["persona_id"].as_str().unwrap_or_default().to_owned(), text(input)]
        })
        .collect();
    table::print(&context.printer, &["#", "PERSONA", "INPUT"], &rows);
    context.printer.document("inputs.show", json!({ "server": server.name(), "id": set.id, "inputs": inputs }));
    Ok(Outcome::Done)
}
