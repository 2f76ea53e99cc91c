//! `keepstep demo`

use clap::Args;

use super::{CommandResult, Outcome};
use crate::context::Context;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep demo")]
pub(crate) struct Arguments {}

/// Runs it.
pub(crate) fn run(_context: &Context, _arguments: &Arguments) -> CommandResult {
    Ok(Outcome::Done)
}
