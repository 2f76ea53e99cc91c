//! `/projects/{project}/scenarios/{scenario}/add`: inputs from a file or a pasted text, which are looked at before they are added.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use keepstep_http::addresses::{project_path, scenario_path};
use keepstep_platform::{BroughtSheet, Error, LARGEST_SHEET, Platform};
use keepstep_store::test_data::Scenario;
use keepstep_store::{Project, Role};

use super::experiment::Link;
use super::scenario::scenario_of;
use crate::addressed::AddressedScenario;
use crate::error_page::PageError;
use crate::form::brought::BroughtForm;
use crate::form::posted::Posted;
use crate::form::problem::Problem;
use crate::form::text::restore_line_ends;
use crate::parts::frame::Frame;
use crate::parts::view::{Moment, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "add_inputs.html")]
struct AddPage {
    frame: Frame,
    project: Link,
    scenario: Link,
    path: String,
    text: String,
    problem: Problem,
    largest: usize,
    begun: Vec<Begun>,
}

/// A sheet that was brought and not added.
struct Begun {
    path: String,
    name: Visible,
    at: Moment,
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    addressed: AddressedScenario,
) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    shown(&platform, &by, (&project, &scenario), String::new(), Problem::default()).await
}

/// `POST`: keeps what was brought and goes to the page that shows what it would do.
pub(crate) async fn bring(
    State(platform): State<Platform>,
    addressed: AddressedScenario,
    posted: Posted<BroughtForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, share } = posted;
    by.require(Role::Editor)?;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    let again = (&project, &scenario);
    let has_file = !form.name.is_empty() || !form.file.is_empty();
    let problem = match (has_file, form.text.trim().is_empty()) {
        (false, true) => Some("Choose a file, or paste inputs."),
        (true, false) => Some("Choose a file or paste inputs, not both."),
        _ => None,
    };
    if let Some(problem) = problem {
        return shown(&platform, &by, again, form.text, Problem::at("form", problem)).await;
    }
    let text = restore_line_ends(None, &form.text);
    let bytes = if has_file { form.file.as_slice() } else { text.as_bytes() };
    let brought = platform.bring_sheet(&by, &scenario.id, BroughtSheet { name: &form.name, bytes }).await;
    drop(share);
    match brought {
        Ok(id) => Ok(Redirect::to(&format!("{}/add/{id}", scenario_path(&project.id, &scenario.id))).into_response()),
        Err(error @ (Error::Refused(_) | Error::TooLarge { .. })) => {
            shown(&platform, &by, again, form.text, Problem::at("form", error.to_string())).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn shown(
    platform: &Platform,
    by: &SignedIn,
    (project, scenario): (&Project, &Scenario),
    text: String,
    problem: Problem,
) -> Result<Response, PageError> {
    let status = if problem.is_none() { StatusCode::OK } else { problem.status() };
    let path = scenario_path(&project.id, &scenario.id);
    let begun = platform.store.input_sheets(&by.scope, &scenario.id, &by.id).await?;
    let begun = begun.into_iter().map(|sheet| Begun {
        path: format!("{path}/add/{}", sheet.id),
        name: Visible::of(if sheet.name.is_empty() { "Pasted text" } else { &sheet.name }),
        at: Moment::of(sheet.created_at),
    });
    let answer = page(&AddPage {
        frame: Frame::of(&by.session),
        project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
        scenario: Link { path: path.clone(), name: Visible::of(&scenario.name) },
        text,
        problem,
        largest: LARGEST_SHEET / 1024 / 1024,
        begun: begun.collect(),
        path,
    })?;
    Ok((status, answer).into_response())
}
