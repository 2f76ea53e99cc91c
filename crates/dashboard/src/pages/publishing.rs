//! `/publishing`: an owner decides what has to come before a persona is published.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use keepstep_platform::{Platform, PublishingPlace};
use keepstep_store::PublishingRule;
use keepstep_store::test_data::Scenario;
use serde::Deserialize;

use crate::error_page::PageError;
use crate::form::posted::{Fields, Posted};
use crate::parts::frame::Frame;
use crate::parts::view::page;
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "publishing.html")]
struct Publishing {
    frame: Frame,
    is_done: bool,
    places: Vec<Place>,
}

struct Place {
    id: String,
    name: Option<Visible>,
    review: bool,
    scenarios: Vec<ListedScenario>,
}

struct ListedScenario {
    id: String,
    name: Visible,
    is_chosen: bool,
}

impl From<PublishingPlace> for Place {
    fn from(place: PublishingPlace) -> Self {
        let chosen = place.rule.scenario;
        let listed = |scenario: Scenario| ListedScenario {
            is_chosen: chosen.as_ref() == Some(&scenario.id),
            name: Visible::of(scenario.name),
            id: scenario.id,
        };
        let mut scenarios: Vec<_> = place.scenarios.into_iter().map(listed).collect();
        if let (Some(id), Some(name)) = (chosen.clone(), place.deleted_scenario) {
            scenarios.push(ListedScenario { id, name: Visible::of(format!("{name} (deleted)")), is_chosen: true });
        }
        Self {
            id: place.rule.project_id.unwrap_or_default(),
            name: place.project.map(|project| Visible::of(project.name)),
            review: place.rule.review,
            scenarios,
        }
    }
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct PublishingQuery {
    done: Option<String>,
}

/// The fields of the form.
#[derive(Debug, Deserialize)]
pub(crate) struct RuleForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    project: String,
    #[serde(default)]
    review: String,
    #[serde(default)]
    scenario: String,
}

impl Fields for RuleForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    Query(asked): Query<PublishingQuery>,
) -> Result<Response, PageError> {
    let places = platform.publishing_places(&by).await?.into_iter().map(Place::from);
    page(&Publishing { frame: Frame::of(&by.session), is_done: asked.done.is_some(), places: places.collect() })
}

/// `POST`: sets it for one place.
pub(crate) async fn save(State(platform): State<Platform>, posted: Posted<RuleForm>) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let named = |text: String| Some(text).filter(|text| !text.is_empty());
    let rule = PublishingRule { project_id: named(form.project), review: form.review == "yes", scenario: named(form.scenario) };
    platform.set_publishing_rule(&by, &rule).await?;
    Ok(Redirect::to("/publishing?done=saved").into_response())
}
