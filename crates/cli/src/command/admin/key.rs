//! `keepstep admin key create|list|revoke`

use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use keepstep_base::human::parse_period;
use keepstep_platform::{Actor, KeyRequest};
use keepstep_store::{Role, Scope};
use serde_json::json;

use crate::command::{CommandResult, Outcome};
use crate::session::context::Context;
use crate::session::platform_data::DataArguments;
use crate::shell::failure::Failure;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep admin key create --data ./data --name ci --role editor\n  keepstep admin key list --data ./data"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key and print it, alone on stdout; it is shown only now
    #[command(after_help = "Example:\n  keepstep admin key create --data ./data --name ci --role editor --expires 90d")]
    Create(Create),
    /// List the keys, without the keys themselves
    #[command(after_help = "Example:\n  keepstep admin key list --data ./data")]
    List(List),
    /// Take a key back
    #[command(after_help = "Example:\n  keepstep admin key revoke key_1a2b --data ./data")]
    Revoke(Revoke),
}

#[derive(Debug, Args)]
struct Create {
    #[command(flatten)]
    data: DataArguments,
    /// A name; it is the author of what is written with the key
    #[arg(long)]
    name: String,
    /// What the key may do
    #[arg(long, default_value = "owner", value_parser = ["owner", "editor", "viewer"])]
    role: String,
    /// Confine the key to a project
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    /// When it ends: 12h, 90d, 2w; never when left out
    #[arg(long, value_name = "DURATION", value_parser = parse_period)]
    expires: Option<Duration>,
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    data: DataArguments,
}

#[derive(Debug, Args)]
struct Revoke {
    #[command(flatten)]
    data: DataArguments,
    /// The key's id, as `list` shows it
    id: String,
}

/// Runs it.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    match &arguments.command {
        Command::Create(arguments) => create(context, arguments).await,
        Command::List(arguments) => list(context, arguments).await,
        Command::Revoke(arguments) => revoke(context, arguments).await,
    }
}

async fn create(context: &Context, arguments: &Create) -> CommandResult {
    let role: Role = arguments.role.parse().map_err(|_| Failure::usage("a role is owner, editor or viewer"))?;
    let project = arguments.project.as_deref();
    let life = arguments.expires.map(|life| i64::try_from(life.as_millis()).unwrap_or(i64::MAX));
    let wanted = KeyRequest { name: &arguments.name, role, project, life };
    let platform = arguments.data.open_for_admin(context).await?;
    let operator = match project {
        None => platform.operator(None).await?,
        Some(project) => platform.operator_of(project).await?,
    };
    let (secret, key) = platform.create_key(&operator, wanted, None).await?;
    platform.store.close().await;
    context.printer.answer(secret.reveal());
    context.printer.document(
        "admin.key.create",
        json!({ "key": secret.reveal(), "id": key.id, "name": key.name, "role": role.label(), "expires_at": key.expires_at }),
    );
    Ok(Outcome::Done)
}

async fn list(context: &Context, arguments: &List) -> CommandResult {
    let store = arguments.data.open_existing(context).await?.store.clone();
    let mut keys = Vec::new();
    for organization in store.organizations().await? {
        keys.extend(store.keys(&organization.id).await?);
    }
    store.close().await;
    for key in &keys {
        let state = match (key.revoked_at, key.expires_at) {
            (Some(at), _) => format!("revoked {}", time(at)),
            (None, Some(at)) => format!("ends {}", time(at)),
            (None, None) => "never expires".to_owned(),
        };
        context.printer.answer(format!("{}  {:<6}  {}  {state}", key.id, key.role.label(), key.name));
    }
    let document = keys.iter().map(|key| {
        json!({
            "id": key.id, "name": key.name, "role": key.role.label(), "org_id": key.scope.org_id,
            "project": key.scope.only_project(), "created_at": key.created_at, "expires_at": key.expires_at, "revoked_at": key.revoked_at,
        })
    });
    context.printer.document("admin.key.list", json!({ "keys": document.collect::<Vec<_>>() }));
    Ok(Outcome::Done)
}

async fn revoke(context: &Context, arguments: &Revoke) -> CommandResult {
    let platform = arguments.data.open_existing(context).await?;
    let store = &platform.store;
    let organizations = store.organizations().await?;
    let mut owner = None;
    for organization in organizations {
        if store.keys(&organization.id).await?.iter().any(|key| key.id == arguments.id) {
            owner = Some(organization.id);
        }
    }
    let Some(owner) = owner else {
        return Err(Failure::NotFound {
            message: format!("key {} not found", arguments.id),
            hint: Some("`keepstep admin key list` shows the keys".to_owned()),
        });
    };
    platform.revoke_key(&Actor::operator(Scope::organization(owner)), &arguments.id).await?;
    store.close().await;
    context.printer.answer(format!("✅ {} is no longer accepted", arguments.id));
    context.printer.document("admin.key.revoke", json!({ "id": arguments.id }));
    Ok(Outcome::Done)
}

fn time(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds)
        .map_or_else(|_| milliseconds.to_string(), |time| time.strftime("%Y-%m-%d %H:%M UTC").to_string())
}
