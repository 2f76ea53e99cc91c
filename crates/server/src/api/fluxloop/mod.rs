//! The fluxloop dialect: what the unmodified `fluxloop-cli` 0.3.3 and 0.4.0 send and read. A thin translation.

pub(crate) mod bundles;
pub(crate) mod experiments;
pub(crate) mod inputs;
pub(crate) mod keys;
pub(crate) mod login;
mod markup;
pub(crate) mod models;
pub(crate) mod personas;
pub(crate) mod projects;
pub(crate) mod pull;
pub(crate) mod runs;
pub(crate) mod scenarios;
pub(crate) mod storage;
pub(crate) mod sync_status;
pub(crate) mod turns;
pub(crate) mod upload;
pub(crate) mod workspaces;

use jiff::Timestamp;

/// Returns a time as the dialect writes it.
fn time(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds).map(|time| time.to_string()).unwrap_or_default()
}
