//! `/projects/{project}/settings`: what a project is called and which agent it tests; deleting it, and bringing it back.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use keepstep_base::AgentId;
use keepstep_http::addresses::project_path;
use keepstep_platform::{Plain, Platform};
use keepstep_store::results::BatchFilter;
use keepstep_store::{Key, Project, ProjectPatch, Role, Scope};
use serde::Deserialize;

use crate::addressed::AddressedProject;
use crate::error_page::{PageError, Typed};
use crate::form::posted::{Confirmed, Fields, Posted};
use crate::form::problem::Problem;
use crate::form::text::restore_line_ends;
use crate::parts::confirm::Confirm;
use crate::parts::frame::Frame;
use crate::parts::view::{page, title_of};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many experiments are counted before a project is deleted.
const MOST_EXPERIMENTS: u32 = 1000;

#[derive(Template)]
#[template(path = "project_settings.html")]
struct ProjectSettings<'a> {
    frame: Frame,
    /// The project; none where it is to be made.
    path: Option<String>,
    title: Visible,
    form: &'a ProjectForm,
    agents: Vec<Choice>,
    problem: Problem,
}

struct Choice {
    id: String,
    name: Visible,
    is_chosen: bool,
}

/// The fields of the form.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ProjectForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    agent: String,
}

impl Fields for ProjectForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }

    fn typed(&self) -> Vec<Typed> {
        let all = [("Name", &self.name), ("Description", &self.description)].into_iter();
        all.filter(|(_, text)| !text.is_empty()).map(|(label, text)| Typed { label, text: text.clone() }).collect()
    }
}

/// Returns the agent that was chosen.
pub(crate) fn agent_of(form: &ProjectForm) -> Option<AgentId> {
    form.agent.parse().ok()
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedProject(id): AddressedProject,
) -> Result<Response, PageError> {
    by.require(Role::Owner)?;
    let project = platform.store.project(&by.scope, &id).await?;
    let form = ProjectForm {
        csrf: String::new(),
        name: project.name.clone(),
        description: project.description.clone(),
        agent: project.agent.as_ref().map(ToString::to_string).unwrap_or_default(),
    };
    form_page(&platform, &by, Some(&project), &form, Problem::default()).await
}

/// `POST`.
pub(crate) async fn save(
    State(platform): State<Platform>,
    AddressedProject(id): AddressedProject,
    posted: Posted<ProjectForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let project = platform.store.project(&by.scope, &id).await?;
    let patch = ProjectPatch {
        name: Some(form.name.clone()),
        description: Some(restore_line_ends(Some(&project.description), &form.description)),
        agent: Some(agent_of(&form)),
    };
    match platform.change_project(&by, &id, patch, Plain).await {
        Ok(_) => Ok(Redirect::to(&format!("{}?done=saved", project_path(&id))).into_response()),
        Err(error) => form_page(&platform, &by, Some(&project), &form, Problem::try_from(error)?).await,
    }
}

/// `GET /projects/{project}/delete`: asks.
pub(crate) async fn ask_delete(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedProject(id): AddressedProject,
) -> Result<Response, PageError> {
    by.require(Role::Owner)?;
    let store = &platform.store;
    let project = store.project(&by.scope, &id).await?;
    let scenarios = store.scenarios(&by.scope, &id).await?;
    let filter = BatchFilter { scenario: None, offset: 0, limit: MOST_EXPERIMENTS };
    let experiments = store.run_batches(&by.scope, &id, filter).await?.len();
    let names: Vec<&str> = scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    let more = if experiments == MOST_EXPERIMENTS as usize { "or more " } else { "" };
    let mut consequences = vec![
        match names.as_slice() {
            [] => "It has no scenarios.".to_owned(),
            names => format!("Its scenarios go with their inputs and bundle versions: {}.", names.join(", ")),
        },
        match experiments {
            0 => "It has no experiments.".to_owned(),
            1 => "Its one experiment goes with its cases and files.".to_owned(),
            many => format!("Its {many} {more}experiments go with their cases and files."),
        },
        "It can no longer be pulled, and takes no uploads.".to_owned(),
    ];
    let now = store.now();
    let works = |key: &Key| key.revoked_at.is_none() && key.expires_at.is_none_or(|end| end > now);
    let keys = store.keys(&by.scope.org_id).await?.into_iter();
    let keys: Vec<String> = keys.filter(|key| works(key) && key.scope.only_project() == Some(&id)).map(|key| key.name).collect();
    if !keys.is_empty() {
        consequences.push(format!("Keys confined to it stop working: {}.", keys.join(", ")));
    }
    let inside = Scope::some_projects(&by.scope.org_id, [id.clone()]);
    let agents = store.agents(&inside).await?;
    if !agents.is_empty() {
        let names: Vec<&str> = agents.iter().map(title_of).collect();
        consequences.push(format!("Its agents stay: {}.", names.join(", ")));
    }
    consequences.push("An owner can restore it, on the page with all projects.".to_owned());
    page(&Confirm {
        frame: Frame::of(&by.session),
        title: Visible::of(format!("Delete the project {}?", project.name)),
        consequences: consequences.into_iter().map(Visible::of).collect(),
        problem: None,
        action: format!("{}/delete", project_path(&id)),
        button: "Delete the project",
        back: format!("{}/settings", project_path(&id)),
    })
}

/// `POST /projects/{project}/delete`.
pub(crate) async fn delete(
    State(platform): State<Platform>,
    AddressedProject(id): AddressedProject,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    platform.delete_project(&posted.by, &id, Plain).await?;
    Ok(Redirect::to("/projects?done=deleted").into_response())
}

/// `POST /projects/{project}/restore`.
pub(crate) async fn restore(
    State(platform): State<Platform>,
    AddressedProject(id): AddressedProject,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    platform.restore_project(&posted.by, &id, Plain).await?;
    Ok(Redirect::to(&format!("{}?done=restored", project_path(&id))).into_response())
}

/// Returns the page with the form: of a project, or of one that is to be made.
pub(crate) async fn form_page(
    platform: &Platform,
    by: &SignedIn,
    project: Option<&Project>,
    form: &ProjectForm,
    problem: Problem,
) -> Result<Response, PageError> {
    let status = if problem.is_none() { StatusCode::OK } else { problem.status() };
    let agents = platform.store.agents(&by.scope).await?;
    let agents = agents.iter().map(|agent| Choice {
        id: agent.id.to_string(),
        name: Visible::of(title_of(agent)),
        is_chosen: agent.id.as_str() == form.agent,
    });
    let answer = page(&ProjectSettings {
        frame: Frame::of(&by.session),
        path: project.map(|project| project_path(&project.id)),
        title: Visible::of(project.map_or("New project", |project| &project.name)),
        form,
        agents: agents.collect(),
        problem,
    })?;
    Ok((status, answer).into_response())
}
