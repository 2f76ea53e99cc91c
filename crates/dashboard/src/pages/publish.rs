//! `/projects/{project}/scenarios/{scenario}/publish`: what the draft of a scenario changes, and publishing it.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use keepstep_base::Digest;
use keepstep_http::addresses::{project_path, scenario_path};
use keepstep_platform::{Error, Plain, Platform};
use keepstep_store::test_data::{DraftCounts, DraftRelease, InputFilter, InputState, Scenario};
use keepstep_store::{Project, Role, StoreError};
use serde::Deserialize;

use super::experiment::Link;
use super::scenario::scenario_of;
use crate::addressed::AddressedScenario;
use crate::error_page::{PageError, Typed, capitalized};
use crate::form::posted::{Fields, Posted};
use crate::parts::changed_test_data::{ChangedInput, ChangedPart, MOST, Sides, changed_input, changed_parts};
use crate::parts::diff_view::DiffRow;
use crate::parts::frame::Frame;
use crate::parts::view::page;
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "publish.html")]
struct PublishPage {
    frame: Frame,
    project: Link,
    scenario: Link,
    path: String,
    may_publish: bool,
    problem: Option<String>,
    message: String,
    seen: String,
    published: Option<u32>,
    next: u32,
    counts: DraftCounts,
    /// The names of packs of criteria that were published while they were edited here.
    overtaken_criteria: Vec<Visible>,
    inputs: Vec<ChangedInput>,
    more: u32,
    parts: Vec<ChangedPart>,
}

/// The fields of the form.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct PublishForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    seen: String,
    #[serde(default)]
    message: String,
}

impl Fields for PublishForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }

    fn typed(&self) -> Vec<Typed> {
        if self.message.is_empty() { Vec::new() } else { vec![Typed { label: "Message", text: self.message.clone() }] }
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
    shown(&platform, &by, (&project, &scenario), String::new(), None).await
}

/// `POST`.
pub(crate) async fn publish(
    State(platform): State<Platform>,
    addressed: AddressedScenario,
    posted: Posted<PublishForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    let again = (&project, &scenario);
    // A form that does not say which draft it shows has shown none.
    let Ok(seen) = form.seen.parse::<Digest>() else {
        return shown(&platform, &by, again, form.message, Some((StatusCode::BAD_REQUEST, OVERTAKEN.to_owned()))).await;
    };
    let release = DraftRelease { message: &form.message, seen: Some(&seen) };
    match platform.publish_draft(&by, &scenario.id, release, Plain).await {
        Ok(bundle) => {
            let version = bundle.generation.unwrap_or_default();
            let path = scenario_path(&project.id, &scenario.id);
            Ok(Redirect::to(&format!("{path}/versions/{version}?done=published")).into_response())
        }
        Err(Error::Store(StoreError::DraftChanged)) => {
            shown(&platform, &by, again, form.message, Some((StatusCode::CONFLICT, OVERTAKEN.to_owned()))).await
        }
        Err(Error::Store(error @ StoreError::TestData(_))) => {
            let problem = format!("{}.", capitalized(&error.to_string()));
            shown(&platform, &by, again, form.message, Some((StatusCode::BAD_REQUEST, problem))).await
        }
        Err(error @ Error::TooLarge { .. }) => {
            let problem = error.to_string();
            shown(&platform, &by, again, form.message, Some((StatusCode::BAD_REQUEST, problem))).await
        }
        Err(error) => Err(error.into()),
    }
}

const OVERTAKEN: &str = "The test data changed while you were looking. What is below is what would be published now.";

async fn shown(
    platform: &Platform,
    by: &SignedIn,
    (project, scenario): (&Project, &Scenario),
    message: String,
    problem: Option<(StatusCode, String)>,
) -> Result<Response, PageError> {
    let store = &platform.store;
    // The draft is named before it is read, so that a change in between is noticed.
    let draft = store.draft_bundle(&by.scope, &scenario.id).await?;
    let filter = InputFilter { only_edited: true, limit: MOST, ..InputFilter::default() };
    let (counts, edited, packs, personas) = tokio::try_join!(
        store.draft_counts(&by.scope, &scenario.id),
        store.draft_inputs(&by.scope, &scenario.id, &filter),
        store.draft_packs(&by.scope, &scenario.id),
        store.test_personas(&by.scope, &project.id),
    )?;
    let overtaken_criteria = packs.iter().filter(|pack| pack.is_overtaken).map(|pack| Visible::of(pack.name())).collect();
    let mut inputs = Vec::new();
    for input in edited.iter().filter(|input| input.state != InputState::Published) {
        let after = (input.state != InputState::Deleted).then_some(&input.document);
        let sides = Sides { id: &input.id, before: input.published.as_ref(), after };
        inputs.push(changed_input(platform, sides, &personas).await?);
    }
    let path = scenario_path(&project.id, &scenario.id);
    let published = draft.newest.as_ref().and_then(|newest| newest.generation);
    let (status, problem) = problem.map_or((StatusCode::OK, None), |(status, text)| (status, Some(text)));
    let answer = page(&PublishPage {
        frame: Frame::of(&by.session),
        project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
        scenario: Link { path: path.clone(), name: Visible::of(&scenario.name) },
        path,
        may_publish: by.require_publish().is_ok(),
        problem,
        message,
        seen: draft.digest.to_string(),
        published,
        next: published.unwrap_or_default() + 1,
        more: counts.edits().saturating_sub(u32::try_from(inputs.len()).unwrap_or(u32::MAX)),
        counts,
        overtaken_criteria,
        inputs,
        parts: changed_parts(platform, draft.published.as_ref(), &draft.content).await?,
    })?;
    Ok((status, answer).into_response())
}
