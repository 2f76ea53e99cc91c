//! `/agents/{id}/versions/{n}`: one persona version, and how it differs from another.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use keepstep_agent::Field;
use keepstep_agent::definition::text_of;
use keepstep_base::PersonaVersion;
use keepstep_base::Revision;
use keepstep_store::{Intent, PersonaFilter, PersonaStatus, Role, StoreError};
use serde::Deserialize;

use super::addressed::AddressedVersion;
use super::agent::Done;
use super::diff_view::{self, DiffRow};
use super::error_page::PageError;
use super::frame::Frame;
use super::path::agent_path;
use super::session::{Fields, Posted, SignedIn};
use super::view::{Changed, may_edit, page, title_of};
use super::visible::Visible;
use crate::app::AppState;

#[derive(Template)]
#[template(path = "version.html")]
struct VersionPage {
    frame: Frame,
    path: String,
    name: Visible,
    revision: u64,
    number: u32,
    newest: u32,
    is_current: bool,
    is_draft: bool,
    created: Changed,
    may_edit: bool,
    against: Option<u32>,
    rows: Vec<DiffRow>,
    text: Visible,
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    against: Option<String>,
}

/// `GET`: the text, and the diff to the version before it or to the one that the address names.
pub(crate) async fn show(
    State(state): State<AppState>,
    by: SignedIn,
    AddressedVersion(id, version): AddressedVersion,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let agent = state.store.agent(&by.scope, &id).await?;
    let newest = PersonaFilter { status: None, before: None, limit: 1 };
    let newest = state.store.persona_summaries(&by.scope, &id, newest).await?;
    let persona = state.store.persona(&by.scope, &id, version).await?;
    let text = text_of(Field::Persona, Some(&persona.persona));
    let number = version.0;
    let against = match asked.against {
        Some(against) => Some(against.parse().map_err(|_| PageError::VersionNotFound { agent: id.clone() })?),
        None => number.checked_sub(1).filter(|before| *before > 0),
    };
    let rows = match against {
        Some(against) => {
            let other = state.store.persona(&by.scope, &id, PersonaVersion(against)).await?;
            diff_view::rows(&state, text_of(Field::Persona, Some(&other.persona)), text.clone()).await?
        }
        None => Vec::new(),
    };
    page(&VersionPage {
        frame: Frame::of(&by.session),
        path: agent_path(&id),
        name: Visible::of(title_of(&agent)),
        revision: agent.revision.0,
        number,
        newest: newest.first().map_or(number, |newest| newest.version.0),
        is_current: persona.summary.is_current,
        is_draft: persona.summary.status == PersonaStatus::Draft,
        created: Changed::from(&persona.summary.created),
        may_edit: may_edit(&by.session),
        against,
        rows,
        text: Visible::of(text),
    })
}

/// The fields of the form that deploys.
#[derive(Debug, Deserialize)]
pub(crate) struct Deploy {
    #[serde(default)]
    csrf: String,
    base: u64,
}

impl Fields for Deploy {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// `POST …/deploy`: puts the version in production, unless the agent changed since the page was made.
pub(crate) async fn deploy(
    State(state): State<AppState>,
    AddressedVersion(id, version): AddressedVersion,
    posted: Posted<Deploy>,
) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    by.require(Role::Editor)?;
    let intent = Intent {
        scope: &by.scope,
        agent: &id,
        author: Some(&by.session.user.name),
        message: None,
        expected: Some(Revision(form.base)),
    };
    let mut transaction = state.store.write().await?;
    match transaction.deploy(&intent, version).await {
        Err(StoreError::Stale { current }) => return Err(PageError::Stale { agent: id, current }),
        deployed => deployed?,
    };
    transaction.commit().await?;
    state.events.look();
    state.metrics.wrote();
    Ok(Redirect::to(&format!("{}{}", agent_path(&id), Done::Deployed.query())).into_response())
}
