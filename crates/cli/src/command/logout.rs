//! `keepstep logout [URL]`

use clap::Args;
use keepstep_client::credentials;
use serde_json::json;
use url::Url;

use super::{CommandResult, Outcome};
use crate::session::connection::server;
use crate::session::context::Context;
use crate::shell::failure::Failure;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep logout https://keepstep.example")]
pub(crate) struct Arguments {
    /// The server; the one in force when left out
    #[arg(value_name = "URL")]
    address: Option<String>,
    /// Accepted for scripts that were written for `lua auth logout`: a key is forgotten on this machine only
    #[arg(long, hide = true)]
    all: bool,
    /// Likewise: nothing is asked
    #[arg(long, hide = true)]
    force: bool,
}

/// Forgets the key. It stays good on the platform until somebody takes it back there.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let folder = crate::session::connection::connecting::config_folder(context)
        .ok_or_else(|| Failure::usage("no home folder: set HOME or XDG_CONFIG_HOME"))?;
    let url = match &arguments.address {
        Some(text) => Url::parse(text).map_err(|error| Failure::usage(format!("invalid address {text:?}: {error}")))?,
        None => server::target(context, None)?.url,
    };
    let shown = url.as_str().trim_end_matches('/').to_owned();
    let stored = credentials::load(&folder).map_err(|error| Failure::Resolve(error.into()))?;
    let is_of_browser = stored.renewal_for(&url).is_some();
    let removed = credentials::remove(&folder, &url).map_err(|error| Failure::Resolve(error.into()))?;
    if removed {
        context.printer.answer(format!("✅ The key for {shown} is forgotten on this machine"));
        context.printer.hint(if is_of_browser {
            "the server accepts it until it expires; an owner can revoke the sign-in there"
        } else {
            "the server still accepts the key until an owner revokes it there"
        });
    } else {
        context.printer.answer(format!("No key was stored for {shown}"));
    }
    context.printer.document("logout", json!({ "server": shown, "removed": removed }));
    Ok(Outcome::Done)
}
