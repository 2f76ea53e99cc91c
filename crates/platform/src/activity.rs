//! The log of who did what, for owners.

use keepstep_store::{Activity, ActivityFilter, Role};

use crate::actor::Actor;
use crate::error::Error;
use crate::platform::Platform;

impl Platform {
    /// Returns at most so many entries of the log, the latest first. An owner may who sees the whole organization.
    ///
    /// # Errors
    /// The actor may not, or the database failed.
    pub async fn activity(&self, actor: &Actor, filter: &ActivityFilter, most: u32) -> Result<Vec<Activity>, Error> {
        actor.require(Role::Owner)?;
        actor.require_whole_organization()?;
        Ok(self.store.activity(&actor.scope.org_id, filter, most).await?)
    }

    /// Returns the actions that the log has, in order. An owner may who sees the whole organization.
    ///
    /// # Errors
    /// The actor may not, or the database failed.
    pub async fn activity_actions(&self, actor: &Actor) -> Result<Vec<String>, Error> {
        actor.require(Role::Owner)?;
        actor.require_whole_organization()?;
        Ok(self.store.activity_actions(&actor.scope.org_id).await?)
    }
}
