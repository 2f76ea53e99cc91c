//! Signing in without a key: a person approves in a browser what this terminal asked for.
//!
//! What is going on is kept in `pending_login.json` in the folder of our settings, so that another command can wait for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use keepstep_api::fluxloop::Credential;
use keepstep_client::credentials::Renewal;
use keepstep_client::{Secret, TestData};
use keepstep_workspace::files;
use serde::{Deserialize, Serialize};

use crate::session::connection::test_data_server::TestDataServer;
use crate::session::context::Context;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text};
use crate::shell::visible::visible_line;

/// The longest that a login may wait, whatever the server says, in seconds.
const LONGEST: u64 = 3600;

/// A login that waits for a person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// The server.
    pub(crate) api_url: String,
    device_code: String,
    /// What the person compares.
    pub(crate) user_code: String,
    /// Where.
    pub(crate) verification_url: String,
    expires_at: Timestamp,
    interval: u64,
}

/// Returns the name of this machine, for the page on which a person lets it in. Shells keep `HOSTNAME` to themselves unless they are asked.
fn machine_name(context: &Context) -> String {
    let named = context.environment.get("HOSTNAME").map(str::to_owned);
    #[cfg(unix)]
    let named = named.or_else(|| rustix::system::uname().nodename().to_str().ok().map(str::to_owned));
    named.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| "a terminal".to_owned())
}

impl Pending {
    /// Asks the server for a login, and keeps it.
    pub(crate) fn begin(context: &Context, server: &TestDataServer, folder: &Path) -> Result<Self, Failure> {
        let device = machine_name(context);
        let started = server.wait(server.client().start_login(&device))?;
        // It is printed and given to a browser, so it is a page or nothing.
        let page = url::Url::parse(&started.verification_url).ok().filter(|page| matches!(page.scheme(), "http" | "https"));
        let Some(page) = page else {
            return Err(Failure::StoredOtherwise(format!("{} names no page to sign in at", server.name())));
        };
        let life = i64::try_from(started.expires_in.min(LONGEST)).unwrap_or_default();
        let pending = Self {
            api_url: server.name().to_owned(),
            device_code: started.device_code,
            user_code: started.user_code,
            verification_url: page.to_string(),
            expires_at: context.now() + SignedDuration::from_secs(life),
            interval: started.interval.clamp(1, 60),
        };
        let text = serde_json::to_string_pretty(&pending).map_err(|error| Failure::io("write", "the login", error.into()))?;
        files::write_private(&path(folder), text.as_bytes())?;
        Ok(pending)
    }

    /// Returns the login that waits, if one does.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, Failure> {
        let path = path(folder);
        let Some(text) = files::read_if_there(&path)? else { return Ok(None) };
        match serde_json::from_str(&text) {
            Ok(pending) => Ok(Some(pending)),
            Err(_) => Err(Failure::usage(format!("{} is broken; remove it and sign in again", path.display()))),
        }
    }

    /// Shows the person what to do.
    pub(crate) fn show(&self, context: &Context) {
        let line = |label: &str, value: &str| {
            context.printer.notice(Text::of(Label::Heading, label).and(Label::Plain, visible_line(value)));
        };
        line("URL:  ", &self.verification_url);
        line("CODE: ", &self.user_code);
    }

    /// Opens the page, if this machine has a way to. The address is one argument, never a command line.
    pub(crate) fn open_browser(&self) {
        let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
        // Who has no browser has the address on the screen.
        let _ = Command::new(program)
            .arg(&self.verification_url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
    }

    /// Waits until the person has decided, and forgets the login.
    pub(crate) fn wait(&self, context: &Context, server: &TestDataServer, folder: &Path) -> Result<Credential, Failure> {
        let decided = server.block_on(self.decision(context, server.client()));
        if !matches!(decided, Err(Failure::Interrupted)) {
            forget(folder);
        }
        decided
    }

    async fn decision(&self, context: &Context, client: &TestData) -> Result<Credential, Failure> {
        loop {
            let progress = client.login_progress(&self.device_code).await?;
            match (progress.status.as_str(), progress.credential) {
                ("approved", Some(credential)) if !credential.access_token.is_empty() => return Ok(credential),
                ("pending", _) if context.now() < self.expires_at => {
                    tokio::time::sleep(Duration::from_secs(self.interval)).await;
                }
                ("denied", _) => return Err(not_signed_in("the login was denied in the browser")),
                ("pending" | "expired", _) => return Err(not_signed_in("the sign-in was not approved in time")),
                _ => return Err(not_signed_in("the server's reply to the sign-in request could not be understood")),
            }
        }
    }
}

fn not_signed_in(message: &str) -> Failure {
    Failure::NotSignedIn { message: message.to_owned(), hint: Some("`keepstep login URL` begins again".to_owned()) }
}

/// Returns the file that keeps a login that waits.
pub(crate) fn path(folder: &Path) -> PathBuf {
    folder.join("pending_login.json")
}

/// Forgets the login that waits.
pub(crate) fn forget(folder: &Path) {
    // A login that stayed behind has ended on the server.
    let _ = fs::remove_file(path(folder));
}

/// Returns what an approved login's key is renewed with.
pub(crate) fn renewal(credential: &Credential) -> Option<Renewal> {
    if credential.refresh_token.is_empty() {
        return None;
    }
    Some(Renewal { token: Secret::from(credential.refresh_token.as_str()), expires_at: credential.expires_at.clone() })
}
