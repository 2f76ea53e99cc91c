//! `keepstep admin owner-link`

use clap::Args;
use keepstep_store::{Role, Store};
use serde_json::json;

use crate::command::{CommandResult, Outcome};
use crate::session::context::Context;
use crate::session::platform_data::{ADDRESS_SETTING, DataArguments};
use crate::shell::failure::Failure;

/// How long a link works.
const LIFETIME_MILLISECONDS: i64 = 24 * 60 * 60 * 1000;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep admin owner-link --data ./data")]
pub(super) struct Arguments {
    #[command(flatten)]
    data: DataArguments,
}

/// Runs it.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let store = arguments.data.open_for_admin(context).await?;
    let address = match &context.url {
        Some(url) => url.clone(),
        None => store.setting(ADDRESS_SETTING).await?.unwrap_or_else(|| "http://127.0.0.1:4747".to_owned()),
    };
    let link = make_link(&store, &address).await?;
    store.close().await;
    context.printer.answer(link.as_str());
    context.printer.document("admin.owner_link", json!({ "link": link }));
    context.printer.status("it works once, within a day");
    Ok(Outcome::Done)
}

/// Returns a link that signs one browser in as an owner, once.
pub(crate) async fn make_link(store: &Store, address: &str) -> Result<String, Failure> {
    let mut transaction = store.write().await?;
    let organization = transaction.ensure_organization(None).await?;
    let ends = transaction.now().saturating_add(LIFETIME_MILLISECONDS);
    let secret = transaction.create_link(&organization.id, Role::Owner, None, ends).await?;
    transaction.commit().await?;
    Ok(format!("{}/sign-in/link/{}", address.trim_end_matches('/'), secret.reveal()))
}
