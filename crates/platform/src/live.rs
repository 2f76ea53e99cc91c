//! A test that is watched while it goes on.

use keepstep_store::Role;
use keepstep_store::results::LiveReport;

use crate::actor::Actor;
use crate::error::Error;
use crate::platform::Platform;

impl Platform {
    /// Notes what a client tells of a test that goes on. An editor may. Returns the id of its experiment; `None` where nothing was noted, because its
    /// upload is there or somebody deleted it.
    ///
    /// # Errors
    /// The actor may not, something that it names is not there for them, or the database failed.
    pub async fn report_live(&self, actor: &Actor, project: &str, report: &LiveReport<'_>) -> Result<Option<String>, Error> {
        actor.require(Role::Editor)?;
        let mut transaction = self.store.write().await?;
        let Some(experiment) = transaction.record_live(&actor.scope, project, report).await? else { return Ok(None) };
        // The log has an entry for the upload at the end.
        self.commit_unnoted(transaction, actor, "report a test that goes on").await?;
        Ok(Some(experiment))
    }
}
