//! `keepstep completions SHELL`

use clap::Args;
use clap_complete::Shell;
use serde_json::json;

use super::{CommandResult, Outcome};
use crate::session::context::Context;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep completions bash > ~/.local/share/bash-completion/completions/keepstep")]
pub(crate) struct Arguments {
    /// Which shell
    shell: Shell,
}

/// Prints the script for a grammar.
pub(crate) fn run(context: &Context, arguments: &Arguments, mut command: clap::Command) -> CommandResult {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, context.program.name(), &mut script);
    let script = String::from_utf8_lossy(&script);
    if !context.printer.is_json() {
        context.printer.exact(&script);
    }
    context.printer.document("completions", json!({ "shell": arguments.shell.to_string(), "script": script }));
    Ok(Outcome::Done)
}
