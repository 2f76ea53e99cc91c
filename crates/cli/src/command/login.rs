//! `keepstep login [URL]`

use std::io::{self, Read as _};
use std::path::Path;

use clap::Args;
use keepstep_client::{ClientError, Identity, Key, KeyOrigin, Secret, Target, credentials};
use serde_json::json;

use super::{CommandResult, Outcome};
use crate::session::connection::device_login::{self, Pending};
use crate::session::connection::server::{self, Server};
use crate::session::connection::test_data_server::TestDataServer;
use crate::session::context::Context;
use crate::shell::failure::Failure;
use crate::shell::prompt;

/// Where a platform listens when nobody said otherwise.
const DEFAULT_ADDRESS: &str = "http://127.0.0.1:4747";

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep login https://keepstep.example     through a browser\n  keepstep login https://keepstep.example --with-key < key.txt"
)]
pub(crate) struct Arguments {
    /// The server
    #[arg(value_name = "URL")]
    address: Option<String>,
    /// Read the key from stdin instead of asking for it
    #[arg(long)]
    with_key: bool,
    /// Sign in through a browser, and do not open it here: the address and a code are shown
    #[arg(long, conflicts_with = "with_key")]
    no_browser: bool,
    /// Show the address and the code, and do not wait; `--resume` does that
    #[arg(long, conflicts_with = "with_key")]
    no_wait: bool,
    /// Wait for the login that `--no-wait` began
    #[arg(long, conflicts_with_all = ["with_key", "no_wait"])]
    resume: bool,
    /// Also where a key for the server is stored already
    #[arg(long, short)]
    force: bool,
}

/// Asks the server whose key it is, and stores it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let folder = crate::session::connection::connecting::config_folder(context)
        .ok_or_else(|| Failure::usage("no home folder to store a key in; set KEEPSTEP_API_KEY instead"))?;
    if arguments.resume {
        return resume(context, &folder);
    }
    let mut target = target(context, arguments)?;
    target.key = None;
    let shown = target.server();
    let is_typed = arguments.with_key || context.api_key.is_some();
    if !is_typed && (context.can_ask || arguments.no_browser || arguments.no_wait) {
        match in_browser(context, arguments, &folder, &target) {
            // Not every server lets a device sign in; a person who is there has perhaps a key.
            Err(Failure::Client(ClientError::NotFound { .. } | ClientError::NotOurs { .. }))
                if context.can_ask && !arguments.no_browser && !arguments.no_wait => {}
            ended => return ended,
        }
    }
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
        json!({ "server": shown, "name": identity.name, "role": identity.role, "org_id": identity.org_id, "stored_in": path.to_string_lossy() }),
    );
    Ok(Outcome::Done)
}

/// Signs in through a browser.
fn in_browser(context: &Context, arguments: &Arguments, folder: &Path, target: &Target) -> CommandResult {
    let stored = credentials::load(folder).map_err(|error| Failure::Resolve(error.into()))?;
    if let Some(secret) = stored.key_for(&target.url)
        && !arguments.force
        && works(context, target, secret)?
    {
        context.printer.answer(format!("A key for {} is stored already", target.server()));
        context.printer.hint("`keepstep login --force` signs in again, `keepstep auth status` shows whose key it is");
        context.printer.document("login", json!({ "server": target.server(), "already": true }));
        return Ok(Outcome::Done);
    }
    let server = TestDataServer::connect_to(context, target.clone())?;
    let pending = Pending::begin(context, &server, folder)?;
    pending.show(context);
    if arguments.no_wait {
        context.machine_line("PENDING_LOGIN_PATH", &device_login::path(folder).to_string_lossy());
        context.printer.hint("approve it there, then `keepstep login --resume`");
        context.printer.document(
            "login",
            json!({ "server": server.name(), "pending": true, "url": pending.verification_url, "code": pending.user_code }),
        );
        return Ok(Outcome::Done);
    }
    if context.can_ask && !arguments.no_browser {
        pending.open_browser();
    }
    finish(context, folder, &server, &pending)
}

/// Returns true unless the server refuses a stored key: then signing in again is what helps.
fn works(context: &Context, target: &Target, secret: &Secret) -> Result<bool, Failure> {
    let key = Key { secret: secret.clone(), origin: KeyOrigin::Flag };
    match Server::connect_to(context, Target { key: Some(key), ..target.clone() })?.whoami() {
        Err(Failure::Client(ClientError::NotSignedIn { .. })) => {
            context.printer.status(format!("The key for {} that is stored no longer works", target.server()));
            Ok(false)
        }
        _ => Ok(true),
    }
}

/// Waits for a login that was begun earlier.
fn resume(context: &Context, folder: &Path) -> CommandResult {
    let Some(pending) = Pending::read(folder)? else {
        context.machine_line("LOGIN_STATUS", "no_pending");
        return Err(Failure::NotSignedIn {
            message: "no login to resume".to_owned(),
            hint: Some("`keepstep login URL --no-wait` begins one".to_owned()),
        });
    };
    let mut target = server::target_of(context, None, Some(pending.api_url.clone()))?;
    target.key = None;
    let server = TestDataServer::connect_to(context, target)?;
    pending.show(context);
    finish(context, folder, &server, &pending)
}

/// Waits for the person's decision and stores the key for exactly the server that was asked.
fn finish(context: &Context, folder: &Path, server: &TestDataServer, pending: &Pending) -> CommandResult {
    context.printer.status("Waiting for approval...");
    let credential = pending.wait(context, server, folder)?;
    let secret = Secret::from(credential.access_token.as_str());
    let url = &server.target().url;
    let renewal = device_login::renewal(&credential);
    let path = credentials::store_renewable(folder, url, &secret, renewal).map_err(|error| Failure::Resolve(error.into()))?;
    let who = if credential.user_email.is_empty() { "the person who approved it" } else { &credential.user_email };
    context.good(&format!("Signed in to {} as {who}", server.name()));
    context.machine_line("LOGIN_SUCCESS", &credential.user_email);
    context.printer.status(format!("The key is stored in {}", path.display()));
    context.printer.document(
        "login",
        json!({
            "server": server.name(), "name": credential.user_email, "expires_at": credential.expires_at,
            "stored_in": path.to_string_lossy(),
        }),
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
            message: "cannot ask for the key without a terminal".to_owned(),
            hint: Some("pipe it in: `keepstep login URL --with-key < key.txt`".to_owned()),
        });
    };
    let secret = Secret::from(text);
    if secret.reveal().is_empty() {
        return Err(Failure::usage("the key is empty"));
    }
    Ok(secret)
}
