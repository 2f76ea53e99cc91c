//! `/publishing`: an owner decides where personas are reviewed before they are published.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use keepstep_platform::Platform;
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
    let places = platform.review_places(&by).await?.into_iter().map(|place| Place {
        id: place.project.as_ref().map(|project| project.id.clone()).unwrap_or_default(),
        name: place.project.map(|project| Visible::of(project.name)),
        review: place.review,
    });
    page(&Publishing { frame: Frame::of(&by.session), is_done: asked.done.is_some(), places: places.collect() })
}

/// `POST`: sets it for one place.
pub(crate) async fn save(State(platform): State<Platform>, posted: Posted<RuleForm>) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let project = Some(form.project.as_str()).filter(|project| !project.is_empty());
    platform.set_review(&by, project, form.review == "yes").await?;
    Ok(Redirect::to("/publishing?done=saved").into_response())
}
