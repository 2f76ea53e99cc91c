//! `/new-agent`: a form that makes an agent. It does not stand below `/agents/`, where its name could be an agent's id.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use keepstep_store::{NewAgent, Role};
use serde::Deserialize;
use serde_json::Value;

use crate::app::AppState;
use crate::definition;

use super::agent::Done;
use super::error_page::PageError;
use super::frame::Frame;
use super::path::agent_path;
use super::session::{Fields, Posted, SignedIn};
use super::view::page;

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
pub(crate) async fn create(State(state): State<AppState>, posted: Posted<NewAgentForm>) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    by.require(Role::Owner)?;
    let name = match definition::name(Value::String(form.name.trim().to_owned())) {
        Ok(name) => name,
        Err(problem) => {
            let problem = Some(problem.to_string());
            let page = page(&NewAgentPage { frame: Frame::of(&by.session), name: &form.name, problem })?;
            return Ok((StatusCode::BAD_REQUEST, page).into_response());
        }
    };
    let mut transaction = state.store.write().await?;
    let author = Some(by.session.user.name.as_str());
    let made = transaction.create_agent(NewAgent { scope: &by.scope, name: &name, author }).await?;
    transaction.commit().await?;
    state.events.look();
    state.metrics.wrote();
    Ok(Redirect::to(&format!("{}{}", agent_path(&made.agent.id), Done::Created.query())).into_response())
}
