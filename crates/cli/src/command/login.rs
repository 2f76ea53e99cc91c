//! `keepstep login [URL]`

use std::io::{self, Read as _};

use clap::Args;
use keepstep_client::{Identity, Key, KeyOrigin, Secret, credentials};
use serde_json::json;

use super::{CommandResult, Outcome};
use crate::context::Context;
use crate::failure::Failure;
use crate::prompt;
use crate::server::{self, Server};

/// Where a platform listens when nobody said otherwise.
const DEFAULT_ADDRESS: &str = "http://127.0.0.1:4747";

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep login https://keepstep.example\n  keepstep login https://keepstep.example --with-key < key.txt"
)]
pub(crate) struct Arguments {
    /// The server
    #[arg(value_name = "URL")]
    address: Option<String>,
    /// Read the key from stdin instead of asking for it
    #[arg(long)]
    with_key: bool,
}

/// Asks the server whose key it is, and stores it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let folder = server::config_folder(context)
        .ok_or_else(|| Failure::usage("there is no home folder to store a key in; set KEEPSTEP_API_KEY instead"))?;
    let mut target = target(context, arguments)?;
    let shown = target.server();
    let secret = secret(context, arguments, &shown)?;
    target.key = Some(Key { secret: secret.clone(), origin: KeyOrigin::Flag });
    target.withheld.clear();
    let url = target.url.clone();
    let identity = Server::connect_to(context, target)?.whoami()?;
    let path = credentials::store(&folder, &url, &secret).map_err(|error| Failure::Resolve(error.into()))?;
    context.printer.answer(format!("✅ Signed in to {shown} as {}", described(&identity)));
    context.printer.status(format!("The key is stored in {}", path.display()));
    context.printer.document(
        "login",
        json!({ "server": shown, "name": identity.name, "role": identity.role, "orgId": identity.org_id, "storedIn": path.to_string_lossy() }),
    );
    Ok(Outcome::Done)
}

/// Returns whose key it is, in words.
pub(crate) fn described(identity: &Identity) -> String {
    let name = if identity.name.is_empty() { "the owner of the key" } else { &identity.name };
    match identity.role {
        Some(role) => format!("{name} ({})", format!("{role:?}").to_lowercase()),
        None => name.to_owned(),
    }
}

fn target(context: &Context, arguments: &Arguments) -> Result<keepstep_client::Target, Failure> {
    let with_url = |url: Option<String>| server::target_of(context, None, url);
    match arguments.address.clone().or_else(|| context.url.clone()) {
        Some(url) => with_url(Some(url)),
        None => match with_url(None) {
            Err(Failure::Resolve(keepstep_client::ResolveError::NoPlatform)) => with_url(Some(DEFAULT_ADDRESS.to_owned())),
            other => other,
        },
    }
}

fn secret(context: &Context, arguments: &Arguments, shown: &str) -> Result<Secret, Failure> {
    let text = if let Some(key) = &context.api_key {
        key.clone()
    } else if arguments.with_key {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map_err(|error| Failure::io("read", "the key from stdin", error))?;
        text
    } else if context.can_ask {
        prompt::secret(&context.printer, &format!("Key for {shown}"))?
    } else {
        return Err(Failure::Usage {
            message: "there is nobody to ask for the key".to_owned(),
            hint: Some("pipe it in: `keepstep login URL --with-key < key.txt`".to_owned()),
        });
    };
    let secret = Secret::from(text);
    if secret.reveal().is_empty() {
        return Err(Failure::usage("the key is empty"));
    }
    Ok(secret)
}
