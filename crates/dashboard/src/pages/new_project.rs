//! `/new-project`: a form that makes a project. It does not stand below `/projects/`, where its name could be a project's id.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use keepstep_http::addresses::project_path;
use keepstep_platform::{NewProject, Plain, Platform};
use keepstep_store::Role;

use super::project_settings::{ProjectForm, agent_of, form_page};
use crate::error_page::PageError;
use crate::form::posted::Posted;
use crate::form::problem::Problem;
use crate::form::text::restore_line_ends;
use crate::signed_in::SignedIn;

/// `GET`.
pub(crate) async fn show(State(platform): State<Platform>, by: SignedIn) -> Result<Response, PageError> {
    by.require(Role::Owner)?;
    form_page(&platform, &by, None, &ProjectForm::default(), Problem::default()).await
}

/// `POST`: makes the project and goes to its page.
pub(crate) async fn create(State(platform): State<Platform>, posted: Posted<ProjectForm>) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let new = NewProject {
        name: form.name.clone(),
        description: Some(restore_line_ends(None, &form.description)),
        agent: agent_of(&form),
        ..NewProject::default()
    };
    match platform.create_project(&by, new, Plain).await {
        Ok(created) => Ok(Redirect::to(&format!("{}?done=created", project_path(&created.id))).into_response()),
        Err(error) => form_page(&platform, &by, None, &form, Problem::try_from(error)?).await,
    }
}
