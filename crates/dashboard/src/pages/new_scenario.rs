//! `/projects/{project}/new-scenario`: a form that makes a scenario.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use keepstep_http::addresses::scenario_path;
use keepstep_platform::{Plain, Platform};
use keepstep_store::Role;
use keepstep_store::test_data::NewScenario;
use serde_json::Map;

use super::scenario_settings::{ScenarioForm, form_page};
use crate::addressed::AddressedProject;
use crate::error_page::PageError;
use crate::form::posted::Posted;
use crate::form::problem::Problem;
use crate::form::text::restore_line_ends;
use crate::signed_in::SignedIn;

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedProject(project): AddressedProject,
) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let project = platform.store.project(&by.scope, &project).await?;
    form_page(&by, &project, None, &ScenarioForm::default(), Problem::default())
}

/// `POST`: makes the scenario and goes to its page.
pub(crate) async fn create(
    State(platform): State<Platform>,
    AddressedProject(project): AddressedProject,
    posted: Posted<ScenarioForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let project = platform.store.project(&by.scope, &project).await?;
    let description = restore_line_ends(None, &form.description);
    let new = NewScenario { project: &project.id, name: &form.name, description: &description, config: &Map::new() };
    match platform.create_scenario(&by, new, Plain).await {
        Ok(created) => Ok(Redirect::to(&format!("{}?done=created", scenario_path(&project.id, &created.id))).into_response()),
        Err(error) => form_page(&by, &project, None, &form, Problem::try_from(error)?),
    }
}
