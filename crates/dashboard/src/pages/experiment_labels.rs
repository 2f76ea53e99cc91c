//! `/projects/{id}/experiments/{experiment}/labels`: what people add to an experiment: a name, tags, a note, and that it is a baseline.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use keepstep_http::addresses::{experiment_path, project_path};
use keepstep_platform::{LONGEST_EXPERIMENT_NAME, LONGEST_NOTE, Platform, experiment_labels};
use keepstep_store::Role;
use keepstep_store::results::Experiment;
use serde::Deserialize;

use super::experiment::{Link, experiment_of};
use crate::addressed::AddressedExperiment;
use crate::error_page::{PageError, Typed};
use crate::form::posted::{Confirmed, Fields, Posted};
use crate::form::problem::Problem;
use crate::form::text::restore_line_ends;
use crate::parts::frame::Frame;
use crate::parts::view::page;
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "experiment_labels.html")]
struct LabelsPage {
    frame: Frame,
    project: Link,
    experiment: Link,
    problem: Problem,
    sent_name: Visible,
    name: String,
    tags: String,
    note: String,
    longest_name: usize,
    longest_note: usize,
    /// What tells whether somebody saved something else meanwhile.
    base: String,
    /// What somebody else saved meanwhile.
    theirs: Option<Theirs>,
}

/// What somebody else saved, ready to show.
struct Theirs {
    name: Visible,
    tags: Visible,
    note: Visible,
}

/// What the form says.
#[derive(Debug, Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(crate) struct LabelsForm {
    csrf: String,
    base: String,
    name: String,
    tags: String,
    note: String,
}

impl Fields for LabelsForm {
    /// A note of the longest size, with every character as its percent-encoded bytes.
    const LIMIT: usize = 512 * 1024;

    fn csrf(&self) -> &str {
        &self.csrf
    }

    fn typed(&self) -> Vec<Typed> {
        let typed = |label, text: &str| Typed { label, text: text.to_owned() };
        let all = [typed("Name", &self.name), typed("Tags", &self.tags), typed("Note", &self.note)];
        all.into_iter().filter(|typed| !typed.text.is_empty()).collect()
    }
}

/// `GET`: the form.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedExperiment { project, experiment }: AddressedExperiment,
) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let experiment = experiment_of(&platform, &by, &project, &experiment).await?;
    let labels = &experiment.labels;
    let form = LabelsForm {
        csrf: String::new(),
        base: labels.digest(),
        name: labels.name.clone().unwrap_or_default(),
        tags: labels.tags.join(", "),
        note: labels.note.clone(),
    };
    filled(&platform, &by, &experiment, form, Problem::default(), None).await
}

/// `POST`: saves, or says why not.
pub(crate) async fn save(
    State(platform): State<Platform>,
    AddressedExperiment { project, experiment }: AddressedExperiment,
    posted: Posted<LabelsForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, share: _share } = posted;
    let typed = form.typed();
    set(&platform, &by, &project, &experiment, form).await.map_err(|error| error.keeping(typed))
}

async fn set(platform: &Platform, by: &SignedIn, project: &str, id: &str, form: LabelsForm) -> Result<Response, PageError> {
    let experiment = experiment_of(platform, by, project, id).await?;
    let note = restore_line_ends(Some(&experiment.labels.note), &form.note);
    let labels = match experiment_labels(&form.name, &form.tags, &note) {
        Ok(labels) => labels,
        Err(error) => {
            let problem = Problem::try_from(error)?;
            let status = problem.status();
            return Ok((status, filled(platform, by, &experiment, form, problem, None).await?).into_response());
        }
    };
    if let Some(there) = platform.label_experiment(by, id, &labels, &form.base).await? {
        let form = LabelsForm { base: there.digest(), ..form };
        let theirs = Theirs {
            name: Visible::of(there.name.as_deref().unwrap_or_default()),
            tags: Visible::of(there.tags.join(", ")),
            note: Visible::of(&there.note),
        };
        let page = filled(platform, by, &experiment, form, Problem::default(), Some(theirs)).await?;
        return Ok((StatusCode::CONFLICT, page).into_response());
    }
    Ok(Redirect::to(&format!("{}?done=labels", experiment_path(project, id))).into_response())
}

/// `POST …/pin`: others of the scenario are compared with it from now on.
pub(crate) async fn pin(
    State(platform): State<Platform>,
    AddressedExperiment { project, experiment }: AddressedExperiment,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    set_pin(&platform, &posted.by, &project, &experiment, true).await
}

/// `POST …/unpin`.
pub(crate) async fn unpin(
    State(platform): State<Platform>,
    AddressedExperiment { project, experiment }: AddressedExperiment,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    set_pin(&platform, &posted.by, &project, &experiment, false).await
}

async fn set_pin(platform: &Platform, by: &SignedIn, project: &str, id: &str, is_pinned: bool) -> Result<Response, PageError> {
    experiment_of(platform, by, project, id).await?;
    platform.pin_experiment(by, id, is_pinned).await?;
    let done = if is_pinned { "pinned" } else { "unpinned" };
    Ok(Redirect::to(&format!("{}?done={done}", experiment_path(project, id))).into_response())
}

async fn filled(
    platform: &Platform,
    by: &SignedIn,
    experiment: &Experiment,
    form: LabelsForm,
    problem: Problem,
    theirs: Option<Theirs>,
) -> Result<Response, PageError> {
    let batch = &experiment.batch;
    let project = platform.store.project(&by.scope, &batch.project_id).await?;
    page(&LabelsPage {
        frame: Frame::of(&by.session),
        project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
        experiment: Link { path: experiment_path(&project.id, &batch.id), name: Visible::of(experiment.name()) },
        problem,
        sent_name: Visible::of(batch.experiment_id.as_deref().unwrap_or(&batch.id)),
        name: form.name,
        tags: form.tags,
        note: form.note,
        longest_name: LONGEST_EXPERIMENT_NAME,
        longest_note: LONGEST_NOTE,
        base: form.base,
        theirs,
    })
}
