//! What both halves of a status have in common: what is asked, what is found, how a line looks.

use clap::Args;

use crate::session::drift_report::Reporting;
use crate::shell::printer::{Label, Text};

/// The arguments.
#[derive(Debug, Default, Args)]
#[command(
    after_help = "Examples:\n  keepstep sync status\n  keepstep sync status --check    exit 1 when something is ahead, behind, edited or not uploaded"
)]
pub(in crate::command::sync) struct Arguments {
    /// Exit 1 when something differs
    #[arg(long)]
    pub(super) check: bool,
    /// Compare with what both sides last agreed on, without asking the server
    #[arg(long)]
    pub(super) offline: bool,
    /// Only this scenario
    #[arg(long, short, value_name = "NAME")]
    pub(super) scenario: Option<String>,
    /// The project of the test data; the selected one when left out
    #[arg(long, value_name = "ID")]
    pub(super) project_id: Option<String>,
    #[command(flatten)]
    pub(super) reporting: Reporting,
}

/// What a half found.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Found {
    /// Something is not in step.
    pub(super) drift: bool,
    /// Something could not be compared.
    pub(super) unreadable: bool,
}

/// Returns a line of a status: what it is about, and what is said of that.
pub(in crate::command) fn row(title: &str, text: Text) -> Text {
    let label = if title.is_empty() { Label::Plain } else { Label::Heading };
    Text::of(label, format!("{title:<11}")).and(Label::Plain, " ").joined(text)
}
