//! `keepstep results baseline`

use std::path::{Path, PathBuf};

use clap::Args;
use keepstep_results::baseline::Baseline;
use keepstep_workspace::files;
use serde_json::json;

use super::shelf::Shelf;
use super::words;
use crate::command::{CommandResult, Outcome};
use crate::session::context::Context;
use crate::shell::failure::Failure;
use crate::shell::printer::count;
use crate::shell::visible::word;

/// The folder of a scenario that holds its baselines.
const FOLDER: &str = "baselines";

/// The longest name of a baseline.
const LONGEST_NAME: usize = 100;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep results baseline main                  the last experiment is what `check --baseline main` compares with\n  git add .fluxloop/scenarios/*/baselines         it belongs into git"
)]
pub(super) struct Arguments {
    /// The name of the baseline; one of that name is replaced
    #[arg(value_name = "NAME")]
    name: String,
    /// The experiment: its name, a part of it, its number in the list, its folder, or `latest`
    #[arg(value_name = "EXPERIMENT", default_value = "latest", hide_default_value = true)]
    experiment: String,
    /// The scenario; otherwise the selected one
    #[arg(long, short, value_name = "NAME")]
    scenario: Option<String>,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let shelf = Shelf::of(context, arguments.scenario.as_deref())?;
    let path = path(&shelf.scenario.path, &arguments.name)?;
    let stored = shelf.find(&arguments.experiment)?;
    Shelf::require_complete(&stored)?;
    let figures = shelf.figures(&stored)?;
    let totals = figures.totals;
    if totals.counts.finished() == 0 {
        return Err(Failure::Nothing { message: format!("{} contains no finished case", stored.id()), hint: None });
    }
    let text = Baseline::of(stored.id(), &stored.head, figures).to_text();
    let old = files::read_if_there(&path)?;
    let is_new = old.as_ref() != Some(&text);
    if is_new {
        files::write_whole(&path, text.as_bytes())?;
    }
    let rate = words::rate(&totals).map(|rate| words::percent(rate.rate)).unwrap_or_default();
    let what = match (&old, is_new) {
        (_, false) => "is already",
        (Some(_), true) => "is now, instead of another experiment,",
        (None, true) => "is now",
    };
    context.good(&format!(
        "{} {what} {}: {} of {}, {rate}",
        arguments.name,
        stored.id(),
        totals.counts.passed,
        count(totals.counts.finished(), "case")
    ));
    context.printer.status(path.display().to_string());
    if is_new {
        context.printer.hint("commit the file, so that every machine compares with the same");
    }
    context.printer.document(
        "results.baseline",
        json!({"baseline": arguments.name, "path": path, "experiment": stored.id(), "changed": is_new, "counts": totals}),
    );
    Ok(Outcome::Done)
}

/// Returns the file of a baseline.
fn path(scenario: &Path, name: &str) -> Result<PathBuf, Failure> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_name = !name.is_empty() && name.len() <= LONGEST_NAME && name.bytes().all(fits) && !name.starts_with('.');
    if !is_name {
        return Err(Failure::Usage {
            message: format!("{name:?} is not a valid name for a baseline"),
            hint: Some("use letters, digits, - _ and .".to_owned()),
        });
    }
    Ok(scenario.join(FOLDER).join(format!("{name}.json")))
}

/// Reads a baseline of a scenario; `None` where there is none of that name.
pub(super) fn read(scenario: &Path, name: &str) -> Result<Option<Baseline>, Failure> {
    let path = path(scenario, name)?;
    let Some(text) = files::read_if_there(&path)? else { return Ok(None) };
    Baseline::parse(&text).map(Some).map_err(|error| Failure::Usage {
        message: format!("{} cannot be read: {error}", path.display()),
        hint: Some(format!("`keepstep results baseline {}` creates it again", word(name))),
    })
}

/// Returns the names of a scenario's baselines.
pub(super) fn names(scenario: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(scenario.join(FOLDER)).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".json")?.to_owned())).collect();
    names.sort();
    names
}
