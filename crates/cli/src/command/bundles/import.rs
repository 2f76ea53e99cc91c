//! `keepstep bundles import FILE`

use std::path::PathBuf;

use clap::Args;
use keepstep_api::IMPORT_LIMIT;
use keepstep_api::fluxloop::Bundle;
use keepstep_api::own::ImportedBundle;
use keepstep_testdata::input_list::ENTRIES;
use keepstep_testdata::input_text;
use keepstep_workspace::yaml;
use serde_json::{Value, json};

use super::document::document;
use crate::command::{CommandResult, Outcome};
use crate::session::checkout::files;
use crate::session::connection::test_data_server::{TestDataServer, find_workspace, required_project};
use crate::session::context::Context;
use crate::session::data_file;
use crate::session::messages_left_out;
use crate::shell::failure::Failure;
use crate::shell::printer::count;
use crate::shell::visible::{shortened, visible_line, word};

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "An input with an id keeps its history, whatever becomes of its text. Without ids, one that is nearly the same is the same.\n\nExamples:\n  keepstep bundles import orders.yaml\n  keepstep bundles import orders.yaml --write-ids\n  keepstep bundles import questions.csv --scenario orders"
)]
pub(super) struct Arguments {
    /// The project that gets it; the workspace's when left out
    #[arg(long, visible_alias = "project", value_name = "ID")]
    project_id: Option<String>,
    /// The scenario, instead of the one that the file names; without one in the file, the file's name
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
    /// Write the id of each input into the file, which stays as it is otherwise
    #[arg(long)]
    write_ids: bool,
    /// The file: YAML or JSON with a scenario, its personas, inputs and criteria; or CSV, TSV, JSON Lines or a JSON list with inputs
    file: PathBuf,
}

/// Runs it. The file is checked here first, so that a mistake is shown with its line and nothing is sent.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let workspace = find_workspace(context);
    let project = required_project(workspace.as_ref(), arguments.project_id.as_deref())?;
    let shown = arguments.file.display().to_string();
    let text = data_file::read(context, &arguments.file)?;
    let file = data_file::test_data(&text, &arguments.file, arguments.scenario.as_deref())?;
    file.check().map_err(|error| Failure::usage(format!("{shown}: {error}")))?;
    let value = json!(file);
    print_left_out(context, &value);
    let size = value.to_string().len();
    if size > IMPORT_LIMIT {
        return Err(Failure::usage(format!(
            "{shown} is {size} bytes as JSON, and a server accepts {IMPORT_LIMIT}; split it into several scenarios"
        )));
    }
    let server = TestDataServer::connect(context, workspace.as_ref(), None)?;
    let imported = server.wait(server.client().import(&project, value))?;
    let bundle = &imported.bundle;
    let inputs = count(bundle.input_count as usize, "input");
    context.good(&format!("{} ({}) is published on {}, with {inputs}", bundle.id, bundle.name, server.name()));
    print_reworded(context, &imported);
    let has_written = arguments.write_ids && write_ids(context, &server, arguments, &text, bundle)?;
    if !has_written && imported.reworded_count > 0 {
        context.printer.hint(&format!(
            "`keepstep bundles import {} --write-ids` writes the ids into the file, so that any text may change",
            word(&shown)
        ));
    }
    context.printer.hint("`keepstep sync pull` brings it to a workspace");
    let reworded: Vec<_> =
        imported.reworded.iter().map(|input| json!({ "id": input.id, "before": input.before, "after": input.after })).collect();
    context.printer.document(
        "bundles.import",
        json!({
            "server": server.name(), "bundle": document(bundle), "reworded_count": imported.reworded_count, "reworded": reworded,
            "ids_written": has_written,
        }),
    );
    Ok(Outcome::Done)
}

/// Says how many messages an agent is not told.
fn print_left_out(context: &Context, file: &Value) {
    let inputs = file.get(ENTRIES).and_then(Value::as_array).into_iter().flatten();
    let left_out: Vec<usize> =
        inputs.filter_map(|input| Some(input_text::input_text(input)?.left_out)).filter(|count| *count > 0).collect();
    if !left_out.is_empty() {
        context.printer.warning(&messages_left_out::sentence(left_out.len(), left_out.iter().sum()));
    }
}

/// Says which inputs are taken for reworded ones, since only a person knows whether they are.
fn print_reworded(context: &Context, imported: &ImportedBundle) {
    const MOST_NAMED: usize = 5;
    const LONGEST: usize = 50;
    if imported.reworded_count == 0 {
        return;
    }
    let shown = |text: &str| visible_line(&shortened(text, LONGEST));
    let mut lines: Vec<String> = imported
        .reworded
        .iter()
        .take(MOST_NAMED)
        .map(|input| format!("  {}: \"{}\" → \"{}\"", visible_line(&input.id), shown(&input.before), shown(&input.after)))
        .collect();
    if imported.reworded_count > lines.len() {
        lines.push(format!("  and {} more", imported.reworded_count - lines.len()));
    }
    let inputs = count(imported.reworded_count, "reworded input");
    context.printer.status(format!("{inputs} kept the id of the version before:\n{}", lines.join("\n")));
}

/// Writes the ids that the server gave into the file. Returns false if it has them all.
fn write_ids(
    context: &Context,
    server: &TestDataServer,
    arguments: &Arguments,
    text: &str,
    bundle: &Bundle,
) -> Result<bool, Failure> {
    let shown = arguments.file.display().to_string();
    let set = server.wait(server.client().input_set(&bundle.input_set_id))?;
    let ids: Vec<String> =
        set.inputs.unwrap_or_default().iter().filter_map(|input| Some(input.get("id")?.as_str()?.to_owned())).collect();
    let written = yaml::with_ids(text, ENTRIES, &ids).map_err(|error| Failure::Usage {
        message: format!("the bundle is published, but the ids were not written: {shown}: {error}"),
        hint: Some("`--write-ids` works for files of keepstep's own form, YAML or JSON, and CSV has a column `id`".to_owned()),
    })?;
    if written == text {
        return Ok(false);
    }
    let path = context.directory.join(&arguments.file);
    if data_file::read(context, &arguments.file)? != text {
        return Err(Failure::Conflict {
            message: format!("{shown} changed while it was imported; no ids were written"),
            hints: vec!["run the command again".to_owned()],
        });
    }
    files::write_whole(&path, written.as_bytes()).map_err(|error| Failure::io("write", &shown, error))?;
    context.printer.status(format!("The ids are written in {shown}"));
    Ok(true)
}
