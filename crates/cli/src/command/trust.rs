//! `keepstep trust`

use clap::Args;
use keepstep_client::{parse_url, trust};
use serde_json::json;

use super::{CommandResult, Outcome};
use crate::session::connection::connecting;
use crate::session::connection::trusted;
use crate::session::context::Context;
use crate::shell::failure::Failure;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep trust https://keepstep.example     in this project\n  keepstep trust --list\n  keepstep trust --remove https://keepstep.example"
)]
pub(crate) struct Arguments {
    /// The server
    #[arg(value_name = "URL", required_unless_present = "list")]
    address: Option<String>,
    /// Show what is trusted, in which project
    #[arg(long, conflicts_with_all = ["address", "remove"])]
    list: bool,
    /// Trust it no longer, in any project
    #[arg(long)]
    remove: bool,
}

/// Runs it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let folder =
        connecting::config_folder(context).ok_or_else(|| Failure::usage("no home folder: set HOME or XDG_CONFIG_HOME"))?;
    let fail = |error: keepstep_client::credentials::CredentialsError| Failure::Resolve(error.into());
    let Some(address) = &arguments.address else {
        let all = trust::list(&folder).map_err(fail)?;
        for one in &all {
            context.printer.answer(format!("{}  {}", one.url.as_str().trim_end_matches('/'), one.project.display()));
        }
        if all.is_empty() {
            context.printer.status("No server is trusted in any project");
        }
        let shown = |one: &trust::Trusted| json!({ "server": one.url.as_str().trim_end_matches('/'), "project": one.project });
        context.printer.document("trust", json!({ "trusted": all.iter().map(shown).collect::<Vec<_>>() }));
        return Ok(Outcome::Done);
    };
    let url = parse_url(address).map_err(|reason| Failure::usage(format!("invalid address {address:?}: {reason}")))?;
    let shown = url.as_str().trim_end_matches('/');
    if arguments.remove {
        let removed = trust::remove(&folder, &url, None).map_err(fail)?;
        let message = if removed == 0 { format!("{shown} was not trusted") } else { format!("{shown} is no longer trusted") };
        context.printer.answer(message);
        context.printer.document("trust", json!({ "server": shown, "removed": removed }));
        return Ok(Outcome::Done);
    }
    let projects = trusted::projects(context);
    for project in &projects {
        trust::add(&folder, &url, project).map_err(fail)?;
        context.good(&format!("{shown} gets your keys for the project {}", project.display()));
    }
    context.printer.document("trust", json!({ "server": shown, "projects": projects }));
    Ok(Outcome::Done)
}
