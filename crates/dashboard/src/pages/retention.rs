//! `/projects/{project}/retention`: for how long experiments are kept; `…/retention/delete` asks before that deletes any, and says which.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use keepstep_base::human::size_text;
use keepstep_http::addresses::project_path;
use keepstep_platform::{Platform, RETENTION_DAYS};
use keepstep_store::results::ExperimentsSize;
use keepstep_store::{Retention, Role};
use serde::Deserialize;

use crate::addressed::AddressedProject;
use crate::error_page::PageError;
use crate::form::posted::{Fields, Posted};
use crate::form::problem::Problem;
use crate::parts::frame::Frame;
use crate::parts::shown_results::grouped;
use crate::parts::view::{Moment, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "retention.html")]
struct RetentionPage {
    frame: Frame,
    project: Visible,
    path: String,
    id: Visible,
    done: bool,
    problem: Option<String>,
    now: Option<Current>,
    /// What the form was made from.
    before: String,
    asked: String,
    least: u32,
    most: u32,
    usual: [u32; 3],
}

/// Numbers of days that many take.
const USUAL: [u32; 3] = [30, 90, 365];

/// Asks before experiments are deleted by their age.
#[derive(Template)]
#[template(path = "retention_delete.html")]
struct AskPage {
    frame: Frame,
    project: Visible,
    path: String,
    id: Visible,
    /// What the form was made from.
    before: String,
    preview: Preview,
}

/// What holds now.
struct Current {
    days: u32,
    by: Visible,
    at: Moment,
}

/// What a number of days would do now.
struct Preview {
    days: u32,
    is_none: bool,
    experiments: String,
    cases: String,
    bytes: String,
    uncounted: Option<String>,
    oldest: Option<Moment>,
    newest: Option<Moment>,
}

impl Preview {
    fn of(days: u32, size: &ExperimentsSize) -> Self {
        Self {
            days,
            is_none: size.experiments == 0,
            experiments: grouped(size.experiments),
            cases: grouped(size.cases),
            bytes: size_text(size.bytes),
            uncounted: (size.uncounted > 0).then(|| grouped(size.uncounted)),
            oldest: size.oldest.map(Moment::of),
            newest: size.newest.map(Moment::of),
        }
    }
}

/// The query of the address.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct RetentionQuery {
    days: Option<String>,
    done: Option<String>,
}

/// The fields of the forms that switch it on and off.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct RetentionForm {
    #[serde(default)]
    csrf: String,
    /// After how many days they are deleted.
    #[serde(default)]
    days: String,
    /// What held when the form was made.
    #[serde(default)]
    before: String,
}

impl Fields for RetentionForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedProject(id): AddressedProject,
    Query(query): Query<RetentionQuery>,
) -> Result<Response, PageError> {
    by.require(Role::Owner)?;
    shown(&platform, &by, &id, "", query.done.is_some(), None).await
}

/// `POST`: experiments are kept for ever from now on.
pub(crate) async fn turn_off(
    State(platform): State<Platform>,
    AddressedProject(id): AddressedProject,
    posted: Posted<RetentionForm>,
) -> Result<Response, PageError> {
    set(&platform, &id, &posted, None).await
}

/// `GET …/retention/delete?days=30`: asks.
pub(crate) async fn ask_delete(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedProject(id): AddressedProject,
    Query(query): Query<RetentionQuery>,
) -> Result<Response, PageError> {
    by.require(Role::Owner)?;
    let project = platform.store.project(&by.scope, &id).await?;
    let asked = query.days.unwrap_or_default();
    let Some(days) = days_of(&asked) else { return shown(&platform, &by, &id, asked.trim(), false, Some(no_days())).await };
    page(&AskPage {
        frame: Frame::of(&by.session),
        project: Visible::of(&project.name),
        path: project_path(&id),
        id: Visible::of(&id),
        before: platform.retention(&by, &id).await?.map(|now| now.days.to_string()).unwrap_or_default(),
        preview: Preview::of(days, &platform.preview_retention(&by, &id, days).await?),
    })
}

/// `POST …/retention/delete`: old experiments are deleted from now on.
pub(crate) async fn delete(
    State(platform): State<Platform>,
    AddressedProject(id): AddressedProject,
    posted: Posted<RetentionForm>,
) -> Result<Response, PageError> {
    let Some(days) = days_of(&posted.form.days) else {
        return shown(&platform, &posted.by, &id, posted.form.days.trim(), false, Some(no_days())).await;
    };
    set(&platform, &id, &posted, Some(days)).await
}

fn days_of(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|days| RETENTION_DAYS.contains(days))
}

fn no_days() -> (StatusCode, String) {
    let (least, most) = (RETENTION_DAYS.start(), RETENTION_DAYS.end());
    (StatusCode::BAD_REQUEST, format!("Write a number of days from {least} to {most}."))
}

async fn set(platform: &Platform, id: &str, posted: &Posted<RetentionForm>, days: Option<u32>) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    match platform.set_retention(by, id, form.before.parse().ok(), days).await {
        Ok(true) => Ok(Redirect::to(&format!("{}/retention?done=saved", project_path(id))).into_response()),
        Ok(false) => {
            let problem = "Another person has changed this meanwhile. Look at what holds now, and decide again.".to_owned();
            shown(platform, by, id, form.days.trim(), false, Some((StatusCode::PRECONDITION_FAILED, problem))).await
        }
        Err(error) => {
            let problem = Problem::try_from(error)?;
            let text = problem.of("form").unwrap_or_default().to_owned();
            shown(platform, by, id, "", false, Some((problem.status(), text))).await
        }
    }
}

async fn shown(
    platform: &Platform,
    by: &SignedIn,
    id: &str,
    asked: &str,
    done: bool,
    problem: Option<(StatusCode, String)>,
) -> Result<Response, PageError> {
    let project = platform.store.project(&by.scope, id).await?;
    let now: Option<Retention> = platform.retention(by, id).await?;
    let status = problem.as_ref().map_or(StatusCode::OK, |(status, _)| *status);
    let days_now = now.as_ref().map(|now| now.days);
    let answer = page(&RetentionPage {
        frame: Frame::of(&by.session),
        project: Visible::of(&project.name),
        path: project_path(id),
        id: Visible::of(id),
        done,
        problem: problem.map(|(_, text)| text),
        before: days_now.map(|days| days.to_string()).unwrap_or_default(),
        asked: Visible::of(if asked.is_empty() { days_now.map_or(90, |days| days).to_string() } else { asked.to_owned() })
            .plain()
            .to_owned(),
        now: now.map(|now| Current { days: now.days, by: Visible::of(now.changed_by), at: Moment::of(now.changed_at) }),
        least: *RETENTION_DAYS.start(),
        most: *RETENTION_DAYS.end(),
        usual: USUAL,
    })?;
    Ok((status, answer).into_response())
}
