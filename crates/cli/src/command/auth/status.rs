//! `keepstep auth status`

use clap::Args;
use serde_json::json;

use crate::command::login::described;
use crate::command::{CommandResult, Outcome};
use crate::session::connection::server::Server;
use crate::session::context::Context;
use crate::session::sides::project_root;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep auth status --json")]
pub(super) struct Arguments {}

/// Asks the server whose key it is.
pub(super) fn run(context: &Context, _arguments: &Arguments) -> CommandResult {
    let root = project_root(context).ok();
    let server = Server::connect(context, root.as_deref())?;
    let target = server.target();
    context.printer.answer(format!("server  {} ({})", server.name(), target.url_origin));
    match &target.key {
        Some(key) => context.printer.answer(format!("key     {}", key.origin)),
        None => context.printer.answer("key     none"),
    }
    let identity = server.whoami()?;
    context.printer.answer(format!("you     {}", described(&identity)));
    context.printer.document(
        "auth.status",
        json!({
            "server": server.name(), "server_from": target.url_origin.to_string(),
            "key_from": target.key.as_ref().map(|key| key.origin.to_string()),
            "name": identity.name, "role": identity.role, "org_id": identity.org_id, "project_id": identity.project_id,
            "expires_at": identity.expires_at,
        }),
    );
    Ok(Outcome::Done)
}
