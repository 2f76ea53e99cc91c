//! `keepstep apikeys create`

use std::path::PathBuf;

use clap::{ArgAction, Args};
use keepstep_api::fluxloop::NewKey;
use serde_json::json;

use crate::command::{CommandResult, Outcome};
use crate::session::checkout::workspace_env::{WorkspaceEnv, last_four};
use crate::session::connection::test_data_server::{TestDataServer, find_workspace, required_project};
use crate::session::context::Context;
use crate::shell::failure::Failure;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep apikeys create --name ci\n  keepstep apikeys create --name ci --no-save     print it instead, once"
)]
pub(super) struct Arguments {
    /// Its name, where keys are listed
    #[arg(long, short, default_value = "cli-generated")]
    name: String,
    /// The project; the workspace's when left out
    #[arg(long, value_name = "ID")]
    project_id: Option<String>,
    /// Keep it in .fluxloop/.env, which is the default
    #[arg(long, visible_alias = "save-env", overrides_with = "no_save", action = ArgAction::SetTrue, hide = true)]
    save: bool,
    /// Print it instead of keeping it; it can be read only now
    #[arg(long, alias = "no-save-env", action = ArgAction::SetTrue)]
    no_save: bool,
    /// Another file to keep it in
    #[arg(long, value_name = "FILE", conflicts_with = "no_save")]
    env_file: Option<PathBuf>,
    /// Accepted for the peer's scripts: a key is kept for the whole workspace
    #[arg(long, value_name = "NAME", hide = true)]
    project: Option<String>,
    /// Likewise
    #[arg(long, value_name = "DIR", hide = true)]
    root: Option<PathBuf>,
    /// Replace the key that the file has
    #[arg(long, visible_alias = "force", conflicts_with = "no_save")]
    overwrite_env: bool,
}

/// Runs it. A key that is in the way is found before one is made.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let workspace = find_workspace(context);
    let project = required_project(workspace.as_ref(), arguments.project_id.as_deref())?;
    let mut env = match (&arguments.env_file, &workspace) {
        _ if arguments.no_save => None,
        (Some(file), _) => Some(WorkspaceEnv::read(context.directory.join(file))?),
        (None, Some(workspace)) => Some(WorkspaceEnv::read(workspace.env_path())?),
        (None, None) => {
            return Err(Failure::Usage {
                message: "no workspace here to keep the key in".to_owned(),
                hint: Some("`--no-save` prints it, `--env-file FILE` keeps it elsewhere".to_owned()),
            });
        }
    };
    if let Some(env) = env.as_ref().filter(|env| env.key().is_some() && !arguments.overwrite_env) {
        return Err(Failure::Conflict {
            message: format!(
                "{} already has a key ({}); none was created",
                env.display_path(),
                env.key().map_or_else(String::new, |key| last_four(&key))
            ),
            hints: vec!["`--overwrite-env` replaces it; `--no-save` prints the new one instead".to_owned()],
        });
    }
    if let Some(env) = &env {
        env.keep_out_of_git()?;
    }
    let server = TestDataServer::connect_to_manage(context, workspace.as_ref())?;
    let new = NewKey { project_id: project.clone(), name: Some(arguments.name.clone()) };
    let made = server.wait(server.client().create_key(&new))?;
    let secret = made.key.clone().filter(|key| is_whole(key)).ok_or_else(|| {
        Failure::StoredOtherwise(format!("{} created a key and did not send it; revoke it there", server.name()))
    })?;
    let mut document = json!({ "server": server.name(), "project_id": project, "id": made.id, "name": made.name });
    match &mut env {
        Some(env) => {
            env.set(&secret, server.name());
            if let Err(failure) = env.write() {
                // It can be read only now, and the person has no other way to it.
                context.printer.notice(format!("The key was created and could not be stored: {secret}"));
                return Err(failure);
            }
            context.good(&format!(
                "Created the key {} ({}) and stored it in {}",
                made.name,
                last_four(&secret),
                env.display_path()
            ));
            context.printer.status("Only you can read that file, and git leaves it out.");
            document["storedIn"] = json!(env.path().to_string_lossy());
        }
        None => {
            context.printer.answer(secret.as_str());
            context.printer.status("This is the only time that it can be read.");
            document["key"] = json!(secret);
        }
    }
    context.printer.document("apikeys.create", document);
    Ok(Outcome::Done)
}

/// Returns true for what can be a key: anything else would not stay one line of the file.
fn is_whole(key: &str) -> bool {
    !key.is_empty() && key.len() <= 4096 && key.bytes().all(|byte| byte.is_ascii_graphic() && !b"'\"`#\\".contains(&byte))
}
