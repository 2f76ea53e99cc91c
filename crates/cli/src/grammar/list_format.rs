//! `--format table|json` of the commands that list what a server has.

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::shell::failure::Failure;
use crate::shell::printer::Printer;

/// How a list is printed.
#[derive(Debug, Default, Args)]
pub(crate) struct ListFormat {
    /// Print a table, or the list as the server sends it
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table", hide_default_value = true)]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Table,
    Json,
}

impl ListFormat {
    /// Prints a list as the server sends it, and returns true, where that is asked for. `--json`, whose document says more, wins.
    ///
    /// An empty list is left to the caller: like the peer, whose sentence programs know, it is not printed as `[]`.
    pub(crate) fn prints_raw<T: Serialize>(&self, printer: &Printer, list: &[T]) -> Result<bool, Failure> {
        if self.format == Format::Table || printer.is_json() || list.is_empty() {
            return Ok(false);
        }
        let text = serde_json::to_string_pretty(list)
            .map_err(|error| Failure::usage(format!("the list cannot be written as JSON: {error}")))?;
        printer.exact(&format!("{text}\n"));
        Ok(true)
    }
}
