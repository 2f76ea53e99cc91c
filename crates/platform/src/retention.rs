//! For how long the experiments of a project are kept.

use keepstep_store::results::ExperimentsSize;
use keepstep_store::{RetainedProject, Retention, Role, Scope};

use crate::actor::Actor;
use crate::error::Error;
use crate::platform::Platform;
use crate::write::note;

/// For how many days experiments are kept at least and at most, where they are not kept for ever.
pub const RETENTION_DAYS: std::ops::RangeInclusive<u32> = 1..=3650;

/// In milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// How many experiments one transaction marks as deleted, and how many transactions there are in a round.
const IN_A_TURN: u32 = 20;
const TURNS: usize = 50;

/// Under which id and name the log has what is deleted because of its age.
const ID: &str = "retention";
const NAME: &str = "Retention";

impl Platform {
    /// Returns for how long the experiments of a project are kept; nothing where they stay. An owner may.
    ///
    /// # Errors
    /// The actor may not, there is no such project for them, or the database failed.
    pub async fn retention(&self, actor: &Actor, project: &str) -> Result<Option<Retention>, Error> {
        actor.require(Role::Owner)?;
        Ok(self.store.retention(&actor.scope, project).await?)
    }

    /// Returns what would be deleted now if experiments were kept for so many days. An owner may.
    ///
    /// # Errors
    /// The actor may not, there is no such project for them, it is not a number of days that can be set, or the database failed.
    pub async fn preview_retention(&self, actor: &Actor, project: &str, days: u32) -> Result<ExperimentsSize, Error> {
        actor.require(Role::Owner)?;
        check_days(days)?;
        Ok(self.store.size_of_old_experiments(&actor.scope, project, self.oldest_kept(days)).await?)
    }

    /// Sets for how many days the experiments of a project are kept, or that they stay, unless somebody set something else than `before`
    /// meanwhile. An owner may. What is too old is deleted soon after; it can be restored for a day, as whatever is deleted.
    ///
    /// Returns false where somebody did: then nothing is set.
    ///
    /// # Errors
    /// The actor may not, there is no such project for them, it is not a number of days that can be set, or the database failed.
    pub async fn set_retention(
        &self,
        actor: &Actor,
        project: &str,
        before: Option<u32>,
        days: Option<u32>,
    ) -> Result<bool, Error> {
        actor.require(Role::Owner)?;
        days.map_or(Ok(()), check_days)?;
        let name = self.store.project(&actor.scope, project).await?.name;
        let mut transaction = self.store.write().await?;
        transaction.about("project", project, &name);
        if !transaction.set_retention(&actor.scope, project, before, days, &actor.name).await? {
            return Ok(false);
        }
        let what = if days.is_some() { "delete old experiments from now on" } else { "keep experiments from now on" };
        self.commit(transaction, actor, what).await?;
        self.housekeeping.wake();
        Ok(true)
    }

    /// Deletes experiments that are too old for their projects, through the same door as a person does: a bounded number. Returns how many
    /// that were.
    ///
    /// # Errors
    /// The database failed; the next time goes on from there.
    pub async fn delete_old_experiments(&self) -> Result<u64, Error> {
        let mut deleted = 0;
        let mut turns = 0..TURNS;
        for RetainedProject { org_id, project_id, days } in self.store.retained_projects().await? {
            let scope = Scope::of(&org_id, Some(project_id.clone()));
            let before = self.oldest_kept(days);
            while turns.next().is_some() {
                let mut transaction = self.store.write().await?;
                // An owner who switches it off, or deletes the project, stops what is under way.
                if transaction.retention_days(&project_id).await? != Some(days) {
                    break;
                }
                let old = transaction.old_experiments(&project_id, before, IN_A_TURN).await?;
                if old.is_empty() {
                    break;
                }
                let name = transaction.project(&project_id).await?.name;
                for id in &old {
                    transaction.delete_experiment(&scope, id, NAME).await?;
                }
                let gone = old.len();
                let plural = if gone == 1 { "" } else { "s" };
                transaction.about("project", &project_id, &format!("{name} ({gone} experiment{plural})"));
                note(&mut transaction, &org_id, ID, NAME, "delete old experiments").await?;
                transaction.commit().await?;
                self.events.check_now();
                tracing::info!(project = project_id, experiments = gone, days, "old experiments were deleted");
                deleted += gone as u64;
            }
        }
        Ok(deleted)
    }

    /// Returns the time from which on experiments are kept for so many days.
    fn oldest_kept(&self, days: u32) -> i64 {
        self.store.now().saturating_sub(i64::from(days).saturating_mul(DAY))
    }
}

fn check_days(days: u32) -> Result<(), Error> {
    if RETENTION_DAYS.contains(&days) {
        return Ok(());
    }
    let (least, most) = (RETENTION_DAYS.start(), RETENTION_DAYS.end());
    Err(Error::Refused(format!("Experiments can be kept for {least} to {most} days, or for ever.")))
}
