//! `/new-agent`: a form that makes an agent. It does not stand below `/agents/`, where its name could be an agent's id.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use keepstep_http::addresses::agent_path;
use keepstep_platform::{Error, Plain, Platform};
use keepstep_store::Role;
use serde::Deserialize;

use super::agent::Done;
use crate::error_page::PageError;
use crate::form::posted::{Fields, Posted};
use crate::parts::frame::Frame;
use crate::parts::view::page;
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "new_agent.html")]
struct NewAgentPage<'a> {
    frame: Frame,
    name: &'a str,
    problem: Option<String>,
}

/// The fields of the form.
#[derive(Debug, Deserialize)]
pub(crate) struct NewAgentForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    name: String,
}

impl Fields for NewAgentForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// `GET`.
pub(crate) async fn show(by: SignedIn) -> Result<Response, PageError> {
    by.require(Role::Owner)?;
    page(&NewAgentPage { frame: Frame::of(&by.session), name: "", problem: None })
}

/// `POST`: makes the agent and goes to its page.
pub(crate) async fn create(State(platform): State<Platform>, posted: Posted<NewAgentForm>) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    match platform.create_agent(&by, form.name.trim().to_owned(), Plain).await {
        Ok(created) => {
            let path = agent_path(&created.agent.id);
            Ok(Redirect::to(&format!("{path}{}", Done::Created.query())).into_response())
        }
        Err(problem @ (Error::Invalid(_) | Error::Refused(_) | Error::TooLarge { .. })) => {
            let problem = Some(problem.to_string());
            let page = page(&NewAgentPage { frame: Frame::of(&by.session), name: &form.name, problem })?;
            Ok((StatusCode::BAD_REQUEST, page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
