//! `keepstep admin owner-link`

use clap::Args;
use keepstep_platform::Platform;
use serde_json::json;

use crate::command::{CommandResult, Outcome};
use crate::session::context::Context;
use crate::session::platform_data::DataArguments;
use crate::shell::failure::Failure;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep admin owner-link --data ./data")]
pub(super) struct Arguments {
    #[command(flatten)]
    data: DataArguments,
}

/// Runs it.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let platform = arguments.data.open_for_admin(context).await?;
    let address = match &context.url {
        Some(url) => url.clone(),
        None => platform.kept_address().await?.unwrap_or_else(|| "http://127.0.0.1:4747".to_owned()),
    };
    let link = make_link(&platform, &address).await?;
    platform.store.close().await;
    context.printer.answer(link.as_str());
    context.printer.document("admin.owner_link", json!({ "link": link }));
    context.printer.status("it works once, within a day");
    Ok(Outcome::Done)
}

/// Returns a link that signs one browser in as an owner, once.
pub(crate) async fn make_link(platform: &Platform, address: &str) -> Result<String, Failure> {
    let operator = platform.operator(None).await?;
    let secret = platform.create_owner_link(&operator).await?;
    Ok(format!("{}/sign-in/link/{}", address.trim_end_matches('/'), secret.reveal()))
}
