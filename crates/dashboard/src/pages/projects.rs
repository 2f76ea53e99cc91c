//! `/projects`: the list of projects.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use keepstep_http::addresses::{experiment_path, project_path};
use keepstep_platform::Platform;
use keepstep_store::Project;
use keepstep_store::results::{BatchFilter, RunBatch};

use crate::error_page::PageError;
use crate::parts::frame::Frame;
use crate::parts::shown_results::{Badge, experiment_name};
use crate::parts::view::{Moment, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// For how many projects the newest experiment is looked up.
const MOST: usize = 200;

#[derive(Template)]
#[template(path = "projects.html")]
struct Projects {
    frame: Frame,
    projects: Vec<Listed>,
}

struct Listed {
    path: String,
    name: Visible,
    id: Visible,
    description: Visible,
    newest: Option<Newest>,
}

struct Newest {
    path: String,
    name: Visible,
    badge: Badge,
    made: Moment,
}

/// `GET`.
pub(crate) async fn show(State(platform): State<Platform>, by: SignedIn) -> Result<Response, PageError> {
    platform.abandon_silent_runs().await?;
    let mut projects = Vec::new();
    for (index, project) in platform.store.projects_in(&by.scope).await?.into_iter().enumerate() {
        let newest = if index < MOST {
            let filter = BatchFilter { scenario: None, offset: 0, limit: 1 };
            platform.store.run_batches(&by.scope, &project.id, filter).await?.pop()
        } else {
            None
        };
        projects.push(listed(project, newest.as_ref()));
    }
    page(&Projects { frame: Frame::of(&by.session), projects })
}

fn listed(project: Project, newest: Option<&RunBatch>) -> Listed {
    Listed {
        path: project_path(&project.id),
        name: Visible::of(project.name),
        id: Visible::of(&project.id),
        description: Visible::of(project.description),
        newest: newest.map(|batch| Newest {
            path: experiment_path(&project.id, &batch.id),
            name: Visible::of(experiment_name(batch)),
            badge: batch.status.into(),
            made: Moment::of(batch.created_at),
        }),
    }
}
