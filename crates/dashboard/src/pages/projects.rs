//! `/projects`: the list of projects.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use keepstep_http::addresses::{agent_path, experiment_path, project_path};
use keepstep_platform::Platform;
use keepstep_store::results::{Experiment, ExperimentFilter};
use keepstep_store::{Agent, Project, Role};
use serde::Deserialize;

use super::experiment::Link;
use crate::error_page::PageError;
use crate::parts::frame::Frame;
use crate::parts::shown_results::Badge;
use crate::parts::view::{Moment, page, title_of};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// For how many projects the newest experiment is looked up.
const MOST: usize = 200;

#[derive(Template)]
#[template(path = "projects.html")]
struct Projects {
    frame: Frame,
    done: Option<&'static str>,
    may_create: bool,
    projects: Vec<Listed>,
    deleted: Vec<ListedDeleted>,
}

/// A project that an owner can restore.
struct ListedDeleted {
    path: String,
    name: Visible,
    by: Visible,
    at: Moment,
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct ProjectsQuery {
    done: Option<String>,
}

struct Listed {
    path: String,
    name: Visible,
    id: Visible,
    description: Visible,
    agent: Option<Link>,
    newest: Option<Newest>,
}

struct Newest {
    path: String,
    name: Visible,
    badge: Badge,
    made: Moment,
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    Query(asked): Query<ProjectsQuery>,
) -> Result<Response, PageError> {
    platform.abandon_silent_runs().await?;
    let may_create = by.require(Role::Owner).is_ok() && by.require_whole_organization().is_ok();
    let agents = platform.store.agents(&by.scope).await?;
    let mut projects = Vec::new();
    for (index, project) in platform.store.projects_in(&by.scope).await?.into_iter().enumerate() {
        let newest = if index < MOST {
            let filter = ExperimentFilter { limit: 1, ..ExperimentFilter::default() };
            platform.store.experiments(&by.scope, &project.id, &filter).await?.pop()
        } else {
            None
        };
        projects.push(listed(project, &agents, newest.as_ref()));
    }
    let deleted = if may_create { platform.store.deleted_projects(&by.scope).await? } else { Vec::new() };
    let done = (asked.done.as_deref() == Some("deleted")).then_some("The project is deleted. It can be restored below.");
    let deleted = deleted.into_iter().map(|project| ListedDeleted {
        path: project_path(&project.id),
        name: Visible::of(project.name),
        by: Visible::of(project.by),
        at: Moment::of(project.at),
    });
    page(&Projects { frame: Frame::of(&by.session), done, may_create, projects, deleted: deleted.collect() })
}

fn listed(project: Project, agents: &[Agent], newest: Option<&Experiment>) -> Listed {
    let agent = agents.iter().find(|agent| Some(&agent.id) == project.agent.as_ref());
    Listed {
        path: project_path(&project.id),
        name: Visible::of(project.name),
        id: Visible::of(&project.id),
        description: Visible::of(project.description),
        agent: agent.map(|agent| Link { path: agent_path(&agent.id), name: Visible::of(title_of(agent)) }),
        newest: newest.map(|newest| Newest {
            path: experiment_path(&project.id, &newest.batch.id),
            name: Visible::of(newest.name()),
            badge: newest.batch.status.into(),
            made: Moment::of(newest.batch.created_at),
        }),
    }
}
