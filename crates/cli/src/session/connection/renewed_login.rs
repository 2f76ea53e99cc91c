//! A stored key that is about to expire is renewed before it is used.

use jiff::{SignedDuration, Timestamp};
use keepstep_client::credentials::{self, Renewal};
use keepstep_client::{KeyOrigin, Secret, Target, TestData};

use crate::session::connection::connecting::{config_folder, options};
use crate::session::context::Context;
use crate::session::runtime;
use crate::shell::failure::Failure;

/// A key that ends sooner than this is renewed before it is used.
const EARLY: SignedDuration = SignedDuration::from_mins(5);

/// Returns a target whose stored key has been renewed, if that was due. Where it cannot be, the old key stays, and the server
/// says what is wrong with it.
pub(crate) fn renewed(context: &Context, mut target: Target) -> Result<Target, Failure> {
    let Some(folder) = config_folder(context) else { return Ok(target) };
    let is_stored = target.key.as_ref().is_some_and(|key| matches!(key.origin, KeyOrigin::Stored(_)));
    let now = context.now();
    let is_due = |renewal: &Renewal| renewal.expires_at.parse::<Timestamp>().is_ok_and(|end| end <= now + EARLY);
    let fail = |error: credentials::CredentialsError| Failure::Resolve(error.into());
    if !is_stored || !credentials::load(&folder).map_err(fail)?.renewal_for(&target.url).is_some_and(is_due) {
        return Ok(target);
    }
    let client = TestData::new(&target, &options(context))?;
    let runtime = runtime::single()?;
    let key = credentials::renew(&folder, &target.url, is_due, |old| {
        let credential = runtime.block_on(client.refresh_login(old.token.reveal())).ok()?;
        let secret = Secret::from(credential.access_token.as_str());
        let token = if credential.refresh_token.is_empty() { old.token.clone() } else { Secret::from(credential.refresh_token) };
        (!secret.reveal().is_empty()).then_some((secret, Renewal { token, expires_at: credential.expires_at }))
    })
    .map_err(fail)?;
    if let (Some(stored), Some(secret)) = (&mut target.key, key) {
        stored.secret = secret;
    }
    Ok(target)
}
