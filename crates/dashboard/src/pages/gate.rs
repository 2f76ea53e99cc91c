//! The gate of a scenario, which is set on the page with its settings, and marking as seen that an experiment failed it.

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use keepstep_http::addresses::{experiment_path, scenario_path};
use keepstep_platform::{Platform, typed_gate};

use super::experiment::experiment_of;
use super::scenario::scenario_of;
use super::scenario_settings::{ScenarioForm, form_page};
use crate::addressed::{AddressedExperiment, AddressedScenario};
use crate::error_page::{PageError, capitalized};
use crate::form::gate::GateForm;
use crate::form::posted::{Confirmed, Posted};
use crate::form::problem::Problem;

/// `POST /projects/{project}/scenarios/{scenario}/gate`.
pub(crate) async fn save(
    State(platform): State<Platform>,
    addressed: AddressedScenario,
    posted: Posted<GateForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    match typed_gate(&form.pass_rate, form.has_no_new_failures()) {
        Ok(gate) => {
            platform.set_gate(&by, &scenario.id, gate).await?;
            Ok(Redirect::to(&format!("{}?done=saved", scenario_path(&project.id, &scenario.id))).into_response())
        }
        Err(error) => {
            let problem = Problem::at("pass_rate", capitalized(&error.to_string()));
            form_page(&by, &project, Some((&scenario, &form)), &ScenarioForm::of(&scenario), problem)
        }
    }
}

/// `POST /projects/{project}/experiments/{experiment}/gate/seen`: it waits for no one any more.
pub(crate) async fn see(
    State(platform): State<Platform>,
    AddressedExperiment { project, experiment }: AddressedExperiment,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    let by = posted.by;
    experiment_of(&platform, &by, &project, &experiment).await?;
    platform.see_gate(&by, &experiment).await?;
    Ok(Redirect::to(&format!("{}?done=seen", experiment_path(&project, &experiment))).into_response())
}
