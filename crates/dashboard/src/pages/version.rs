//! `/agents/{id}/versions/{n}`: one persona version, and how it differs from another.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use keepstep_agent::definition::persona_text;
use keepstep_base::{PersonaVersion, Revision};
use keepstep_http::addresses::agent_path;
use keepstep_platform::{Error, Plain, Platform, Target};
use keepstep_store::{PersonaFilter, PersonaStatus, StoreError};
use serde::Deserialize;

use super::agent::Done;
use crate::addressed::AddressedVersion;
use crate::error_page::PageError;
use crate::form::posted::{Fields, Posted};
use crate::parts::diff_view::{self, DiffRow};
use crate::parts::frame::Frame;
use crate::parts::markdown::{self, Markdown};
use crate::parts::view::{Changed, may_edit, may_publish, page, title_of};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

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
    may_publish: bool,
    against: Option<u32>,
    rows: Vec<DiffRow>,
    text: Visible,
    /// The text as Markdown, where the address asks for it.
    markdown: Option<Markdown>,
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct VersionQuery {
    against: Option<String>,
    /// How the text is shown: as it is, or as `markdown`.
    text: Option<String>,
}

/// `GET`: the text, and the diff to the version before it or to the one that the address names.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedVersion(id, version): AddressedVersion,
    Query(asked): Query<VersionQuery>,
) -> Result<Response, PageError> {
    let agent = platform.store.agent(&by.scope, &id).await?;
    let newest = PersonaFilter { status: None, before: None, limit: 1 };
    let newest = platform.store.persona_summaries(&by.scope, &id, newest).await?;
    let persona = platform.store.persona(&by.scope, &id, version).await?;
    let text = persona_text(Some(&persona.persona));
    let number = version.0;
    let against = match asked.against {
        Some(against) => Some(against.parse().map_err(|_| PageError::VersionNotFound { agent: id.clone() })?),
        None => number.checked_sub(1).filter(|before| *before > 0),
    };
    let rows = match against {
        Some(against) => {
            let other = platform.store.persona(&by.scope, &id, PersonaVersion(against)).await?;
            diff_view::rows(&platform, persona_text(Some(&other.persona)), text.clone()).await?
        }
        None => Vec::new(),
    };
    let markdown = match asked.text.as_deref() {
        Some("markdown") => Some(markdown::of(&platform, text.clone(), 2).await?),
        _ => None,
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
        may_publish: may_publish(&by.session),
        against,
        rows,
        text: Visible::of(text),
        markdown,
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
    State(platform): State<Platform>,
    AddressedVersion(id, version): AddressedVersion,
    posted: Posted<Deploy>,
) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let target = Target { agent: &id, message: None, expected: Some(Revision(form.base)) };
    match platform.deploy_persona(&by, target, version, Plain).await {
        Ok(_) => Ok(Redirect::to(&format!("{}{}", agent_path(&id), Done::Deployed.query())).into_response()),
        Err(Error::Store(StoreError::Stale { current })) => Err(PageError::Stale { agent: id, current }),
        Err(error) => Err(error.into()),
    }
}
