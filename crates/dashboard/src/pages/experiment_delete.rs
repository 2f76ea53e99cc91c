//! `/projects/{id}/experiments/{experiment}/delete`: deletes an experiment after a question, and `…/restore` brings it back.

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use keepstep_http::addresses::{experiment_path, project_path, segment};
use keepstep_platform::Platform;
use keepstep_store::Role;

use super::experiment::experiment_of;
use crate::addressed::AddressedExperiment;
use crate::error_page::PageError;
use crate::form::posted::{Confirmed, Posted};
use crate::parts::confirm::Confirm;
use crate::parts::frame::Frame;
use crate::parts::shown_results::grouped;
use crate::parts::view::page;
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// `GET`: asks.
pub(crate) async fn ask(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedExperiment { project, experiment }: AddressedExperiment,
) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let experiment = experiment_of(&platform, &by, &project, &experiment).await?;
    let path = experiment_path(&project, &experiment.batch.id);
    let cases = experiment.batch.counts.total();
    let what = if cases == 1 { "case".to_owned() } else { format!("{} cases", grouped(cases)) };
    let mut consequences = vec![Visible::of(format!("Its {what}, their answers and their files go with it."))];
    if experiment.pinned_at.is_some() {
        consequences.push(Visible::of(format!("It is a baseline of the scenario {}.", experiment.scenario_name)));
    }
    consequences
        .push(Visible::of("It can be restored for a day, then everything is removed. Uploading it again restores it, too."));
    page(&Confirm {
        frame: Frame::of(&by.session),
        title: Visible::of(format!("Delete the experiment {}?", experiment.name())),
        consequences,
        problem: None,
        action: format!("{path}/delete"),
        button: "Delete the experiment",
        back: path,
    })
}

/// `POST`.
pub(crate) async fn delete(
    State(platform): State<Platform>,
    AddressedExperiment { project, experiment }: AddressedExperiment,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    experiment_of(&platform, &posted.by, &project, &experiment).await?;
    platform.delete_experiment(&posted.by, &experiment).await?;
    let address = format!("{}/experiments?deleted={}", project_path(&project), segment(&experiment));
    Ok(Redirect::to(&address).into_response())
}

/// `POST …/restore`.
pub(crate) async fn restore(
    State(platform): State<Platform>,
    AddressedExperiment { project, experiment }: AddressedExperiment,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    let by = &posted.by;
    let deleted = platform.store.deleted_experiments(&by.scope, &project).await?;
    if !deleted.iter().any(|deleted| deleted.experiment.batch.id == experiment) {
        return Err(PageError::NotFound);
    }
    platform.restore_experiment(by, &experiment).await?;
    Ok(Redirect::to(&format!("{}?done=restored", experiment_path(&project, &experiment))).into_response())
}
