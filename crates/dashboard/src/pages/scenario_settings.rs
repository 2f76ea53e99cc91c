//! `/projects/{project}/scenarios/{scenario}/settings`: what a scenario is called and about, and its gate; deleting it, and bringing it back.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use keepstep_http::addresses::{project_path, scenario_path};
use keepstep_platform::{Plain, Platform};
use keepstep_store::results::BatchFilter;
use keepstep_store::test_data::{BundleFilter, BundleStatus, Scenario, ScenarioPatch};
use keepstep_store::{Project, Role};
use serde::Deserialize;

use super::scenario::scenario_of;
use crate::addressed::AddressedScenario;
use crate::error_page::{PageError, Typed};
use crate::form::gate::GateForm;
use crate::form::posted::{Confirmed, Fields, Posted};
use crate::form::problem::Problem;
use crate::form::text::restore_line_ends;
use crate::parts::confirm::Confirm;
use crate::parts::frame::Frame;
use crate::parts::view::page;
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "scenario_settings.html")]
struct ScenarioSettings<'a> {
    frame: Frame,
    project_path: String,
    project: Visible,
    /// The scenario; none where it is to be made.
    path: Option<String>,
    title: Visible,
    may_delete: bool,
    form: &'a ScenarioForm,
    /// Its gate; none where the scenario is to be made.
    gate: Option<&'a GateForm>,
    problem: Problem,
}

/// The fields of the form.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ScenarioForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
}

impl ScenarioForm {
    /// Returns the form of a scenario.
    pub(crate) fn of(scenario: &Scenario) -> Self {
        Self { csrf: String::new(), name: scenario.name.clone(), description: scenario.description.clone() }
    }
}

impl Fields for ScenarioForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }

    fn typed(&self) -> Vec<Typed> {
        let all = [("Name", &self.name), ("Description", &self.description)].into_iter();
        all.filter(|(_, text)| !text.is_empty()).map(|(label, text)| Typed { label, text: text.clone() }).collect()
    }
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    addressed: AddressedScenario,
) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    let gate = GateForm::of(platform.store.gate(&by.scope, &scenario.id).await?);
    form_page(&by, &project, Some((&scenario, &gate)), &ScenarioForm::of(&scenario), Problem::default())
}

/// `POST`.
pub(crate) async fn save(
    State(platform): State<Platform>,
    addressed: AddressedScenario,
    posted: Posted<ScenarioForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    let description = Some(restore_line_ends(Some(&scenario.description), &form.description));
    let patch = ScenarioPatch { name: Some(form.name.clone()), description, config: None };
    match platform.change_scenario(&by, &scenario.id, patch, Plain).await {
        Ok(_) => Ok(Redirect::to(&format!("{}?done=saved", scenario_path(&project.id, &scenario.id))).into_response()),
        Err(error) => {
            let problem = Problem::try_from(error)?;
            let gate = GateForm::of(platform.store.gate(&by.scope, &scenario.id).await?);
            form_page(&by, &project, Some((&scenario, &gate)), &form, problem)
        }
    }
}

/// `GET …/delete`: asks.
pub(crate) async fn ask_delete(
    State(platform): State<Platform>,
    by: SignedIn,
    addressed: AddressedScenario,
) -> Result<Response, PageError> {
    by.require_publish()?;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    let path = scenario_path(&project.id, &scenario.id);
    let counts = platform.store.draft_counts(&by.scope, &scenario.id).await?;
    let filter =
        BundleFilter { scenario: Some(&scenario.id), status: Some(BundleStatus::Published), limit: 1, ..BundleFilter::default() };
    let newest = platform.store.bundles(&by.scope, &project.id, filter).await?.pop();
    let filter = BatchFilter { scenario: Some(&scenario.id), offset: 0, limit: 1 };
    let is_tested = !platform.store.run_batches(&by.scope, &project.id, filter).await?.is_empty();
    let versions = match newest.and_then(|newest| newest.generation) {
        None => "no bundle version".to_owned(),
        Some(1) => "1 bundle version".to_owned(),
        Some(many) => format!("{many} bundle versions"),
    };
    let inputs = match counts.all {
        1 => "1 input".to_owned(),
        many => format!("{many} inputs"),
    };
    let mut consequences = vec![format!("It goes with {inputs}, {versions} and its criteria, and can no longer be pulled.")];
    if counts.edits() > 0 {
        consequences.push(format!("Changes that are not published yet: {}.", counts.edits()));
    }
    if is_tested {
        consequences.push("Its experiments stay.".to_owned());
    }
    consequences.push("It can be restored, on the page of its project.".to_owned());
    page(&Confirm {
        frame: Frame::of(&by.session),
        title: Visible::of(format!("Delete the scenario {}?", scenario.name)),
        consequences: consequences.into_iter().map(Visible::of).collect(),
        problem: None,
        action: format!("{path}/delete"),
        button: "Delete the scenario",
        back: format!("{path}/settings"),
    })
}

/// `POST …/delete`.
pub(crate) async fn delete(
    State(platform): State<Platform>,
    addressed: AddressedScenario,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    let by = posted.by;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    platform.delete_scenario(&by, &scenario.id, Plain).await?;
    Ok(Redirect::to(&format!("{}?done=scenario-deleted#scenarios", project_path(&project.id))).into_response())
}

/// `POST …/restore`.
pub(crate) async fn restore(
    State(platform): State<Platform>,
    AddressedScenario { project, scenario }: AddressedScenario,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    let by = posted.by;
    // The address has to name the project that the scenario is in.
    let deleted = platform.store.deleted_scenarios(&by.scope, &project).await?;
    if !deleted.iter().any(|deleted| deleted.id == scenario) {
        return Err(PageError::NotFound);
    }
    let restored = platform.restore_scenario(&by, &scenario, Plain).await?;
    Ok(Redirect::to(&format!("{}?done=restored", scenario_path(&project, &restored.id))).into_response())
}

/// Returns the page with the forms: of a scenario and its gate, or of a scenario that is to be made.
pub(crate) fn form_page(
    by: &SignedIn,
    project: &Project,
    scenario: Option<(&Scenario, &GateForm)>,
    form: &ScenarioForm,
    problem: Problem,
) -> Result<Response, PageError> {
    let status = if problem.is_none() { StatusCode::OK } else { problem.status() };
    let answer = page(&ScenarioSettings {
        frame: Frame::of(&by.session),
        project_path: project_path(&project.id),
        project: Visible::of(&project.name),
        path: scenario.map(|(scenario, _)| scenario_path(&project.id, &scenario.id)),
        title: Visible::of(scenario.map_or("New scenario", |(scenario, _)| &scenario.name)),
        may_delete: by.require_publish().is_ok(),
        form,
        gate: scenario.map(|(_, gate)| gate),
        problem,
    })?;
    Ok((status, answer).into_response())
}
