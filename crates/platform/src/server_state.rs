//! How the server is, and what takes the room, for those who run it.

use std::time::Duration;

use keepstep_store::results::{ExperimentsSize, MonthSize};
use keepstep_store::{DatabaseState, Project, Role};

use crate::actor::Actor;
use crate::error::Error;
use crate::housekeeping::{Chore, DoneChore};
use crate::metrics::Answers;
use crate::platform::Platform;

/// How many months growth is shown of.
const MONTHS: u32 = 24;

/// How the server is.
#[derive(Debug, Clone)]
pub struct ServerState {
    /// For how long it has run.
    pub uptime: Duration,
    /// How its database is.
    pub database: DatabaseState,
    /// What it has answered since then.
    pub answers: Answers,
    /// What it does beside requests, and when that was done last.
    pub chores: Vec<(Chore, Option<DoneChore>)>,
    /// Whether it sends messages to webhooks.
    pub has_messenger: bool,
    /// Whether it takes files.
    pub takes_files: bool,
}

/// What takes the room.
#[derive(Debug, Clone)]
pub struct Usage {
    /// How large the database is, all of it.
    pub database: u64,
    /// The projects, each with how much its experiments are.
    pub projects: Vec<ProjectUsage>,
    /// What came in each of the last months, the newest first.
    pub months: Vec<MonthSize>,
}

/// How much a project is.
#[derive(Debug, Clone)]
pub struct ProjectUsage {
    /// The project.
    pub project: Project,
    /// How much its experiments are.
    pub experiments: ExperimentsSize,
    /// How many bundle versions it has.
    pub bundle_versions: u64,
    /// For how many days experiments are kept; nothing where they stay.
    pub days: Option<u32>,
}

impl Platform {
    /// Returns how the server is. An owner may who sees the whole organization.
    ///
    /// # Errors
    /// The actor may not, or the database failed.
    pub async fn server_state(&self, actor: &Actor) -> Result<ServerState, Error> {
        actor.require(Role::Owner)?;
        actor.require_whole_organization()?;
        Ok(ServerState {
            uptime: self.began.elapsed(),
            database: self.store.state().await?,
            answers: self.metrics.answers(),
            chores: self.chores(),
            has_messenger: self.settings.messenger.is_some(),
            takes_files: self.settings.objects.is_some(),
        })
    }

    /// Returns what takes the room. An owner may who sees the whole organization.
    ///
    /// # Errors
    /// The actor may not, or the database failed.
    pub async fn usage(&self, actor: &Actor) -> Result<Usage, Error> {
        actor.require(Role::Owner)?;
        actor.require_whole_organization()?;
        let retained = self.store.retained_projects().await?;
        let mut projects = Vec::new();
        for project in self.store.projects_in(&actor.scope).await? {
            let experiments = self.store.size_of_experiments(&actor.scope, &project.id).await?;
            let bundle_versions = self.store.count_bundle_versions(&project.id).await?;
            let days = retained.iter().find(|retained| retained.project_id == project.id).map(|retained| retained.days);
            projects.push(ProjectUsage { project, experiments, bundle_versions, days });
        }
        let ids: Vec<String> = projects.iter().map(|usage| usage.project.id.clone()).collect();
        Ok(Usage {
            database: self.store.state().await?.bytes,
            months: self.store.experiments_by_month(&ids, MONTHS).await?,
            projects,
        })
    }
}
