//! `keepstep apikeys check`

use std::path::PathBuf;

use clap::Args;
use keepstep_client::{Key, KeyOrigin};
use serde_json::json;

use crate::command::{CommandResult, Outcome};
use crate::session::checkout::workspace_env::{WorkspaceEnv, last_four};
use crate::session::connection::test_data_server::{TestDataServer, find_workspace, target};
use crate::session::context::Context;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text, count};
use crate::shell::visible::{visible_line, word};

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep apikeys check")]
pub(super) struct Arguments {
    /// Check the key in this file
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Accepted for the peer's scripts: a key is kept for the whole workspace
    #[arg(long, value_name = "NAME", hide = true)]
    project: Option<String>,
    /// Likewise
    #[arg(long, value_name = "DIR", hide = true)]
    root: Option<PathBuf>,
}

/// Runs it. No key, or one that is refused, is exit 9.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let workspace = find_workspace(context);
    let scenario = workspace.as_ref().and_then(|workspace| workspace.scenario(None, &context.directory).ok());
    let mut target = target(context, workspace.as_ref(), scenario.as_ref().map(|scenario| scenario.path.as_path()), None)?;
    if let Some(file) = &arguments.env_file {
        let env = WorkspaceEnv::read(context.directory.join(file))?;
        let secret = env.key().ok_or_else(|| Failure::NotFound {
            message: format!("{} has no key", env.display_path()),
            hint: Some(format!("`keepstep apikeys create --env-file {}` creates one", word(&file.to_string_lossy()))),
        })?;
        target.key = Some(Key { secret: secret.as_str().into(), origin: KeyOrigin::File(env.path().to_owned()) });
    }
    let server = TestDataServer::connect_to(context, target)?;
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
            "last_four": key.map(|key| last_four(key.secret.reveal())), "projects": projects.len(),
        }),
    );
    Ok(Outcome::Done)
}
