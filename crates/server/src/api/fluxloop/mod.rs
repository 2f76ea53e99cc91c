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

use crate::app::AppState;
use crate::auth::Caller;
use crate::error::ApiError;

/// Returns a time as the dialect writes it.
fn time(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds).map(|time| time.to_string()).unwrap_or_default()
}

/// Returns the project that a request is about: the one that it names, the key's, or the only one.
async fn project_of(state: &AppState, caller: &Caller, named: Option<String>) -> Result<String, ApiError> {
    if let Some(project) = named.or_else(|| caller.scope().project_id.clone()) {
        return Ok(project);
    }
    let projects = state.store.projects_in(caller.scope()).await?;
    match <[_; 1]>::try_from(projects) {
        Ok([project]) => Ok(project.id),
        Err(_) => Err(ApiError::Invalid("Say which project it is about: `project_id`.".to_owned())),
    }
}
