//! `/developer/agents/{id}/persona/versions`

use std::collections::VecDeque;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use keepstep_api::lua::{Envelope, NewPersona, PersonaEntry, PersonaVersions, Written};
use keepstep_api::own::PersonaStatus;
use keepstep_base::PersonaVersion;
use keepstep_platform::{Error, Pages, Platform, SavedPersona, Target};
use keepstep_store::{Agent, Persona, PersonaFilter, Role, Store};
use serde::Deserialize;

use super::agents::written;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::reply::tagged;
use crate::request::{Input, Parameters, Precondition, Segments, agent_id};

/// How many versions, with their texts, are in memory at a time; fewer where they are long.
const PAGE: u32 = 32;

/// Which versions a client wants.
#[derive(Debug, Deserialize)]
pub(crate) struct PersonaVersionsQuery {
    status: Option<PersonaStatus>,
}

/// `GET /developer/agents/{id}/persona/versions[?status=]`
///
/// The dialect knows no pages: all versions with all texts are one answer, which is therefore streamed.
#[utoipa::path(
    get,
    path = "/developer/agents/{id}/persona/versions",
    params(("id" = String, Path, description = "The agent"), ("status" = Option<PersonaStatus>, Query, description = "Only those of a status")),
    responses((status = 200, description = "All versions with their texts, newest first", body = Envelope<PersonaVersions>))
)]
pub(crate) async fn list(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
    Parameters(wanted): Parameters<PersonaVersionsQuery>,
) -> Result<Response, ApiError> {
    caller.require(Role::Viewer)?;
    let agent = platform.store.agent(&caller.scope, &agent_id(&id)?).await?;
    let filter = PersonaFilter { status: wanted.status, before: None, limit: 1 };
    let mut listing = Listing {
        store: platform.store.clone(),
        agent,
        filter,
        page: VecDeque::new(),
        pages: Pages::of_at_most(PAGE),
        part: Part::Head,
    };
    // What fails before the first byte is still an error with a status.
    listing.turn().await?;
    let body = stream::try_unfold(listing, |mut listing| async move {
        let chunk = listing.next().await?;
        Ok::<_, ApiError>(chunk.map(|chunk| (chunk, listing)))
    });
    let json = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, json)], Body::from_stream(body)).into_response())
}

/// The answer of [`list`] while it is being written.
struct Listing {
    store: Store,
    agent: Agent,
    filter: PersonaFilter,
    page: VecDeque<Persona>,
    pages: Pages,
    part: Part,
}

enum Part {
    Head,
    Entries { is_first: bool },
    End,
}

impl Listing {
    /// Reads the next page.
    async fn turn(&mut self) -> Result<(), ApiError> {
        self.filter.limit = self.pages.next();
        self.page = self.store.personas(&self.agent, self.filter).await?.into();
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        match self.part {
            Part::Head => {
                self.part = Part::Entries { is_first: true };
                Ok(Some(Bytes::from_static(br#"{"success":true,"data":{"versions":["#)))
            }
            Part::Entries { is_first } => {
                if self.page.is_empty() && !is_first {
                    self.turn().await?;
                }
                let Some(persona) = self.page.pop_front() else {
                    self.part = Part::End;
                    return Ok(Some(Bytes::from_static(b"]}}")));
                };
                self.filter.before = Some(persona.summary.version);
                self.part = Part::Entries { is_first: false };
                let mut chunk = if is_first { Vec::new() } else { b",".to_vec() };
                serde_json::to_writer(&mut chunk, &entry(persona)).map_err(|error| Error::Internal(error.to_string()))?;
                self.pages.note(chunk.len());
                Ok(Some(chunk.into()))
            }
            Part::End => Ok(None),
        }
    }
}

/// `POST /developer/agents/{id}/persona/version`
#[utoipa::path(
    post,
    path = "/developer/agents/{id}/persona/version",
    params(("id" = String, Path, description = "The agent"), ("X-Idempotency-Key" = Option<String>, Header, description = "Makes a repeated write the same write")),
    request_body = NewPersona,
    responses((status = 201, description = "The version that holds the text", body = Envelope<PersonaEntry>))
)]
pub(crate) async fn create(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
    precondition: Precondition,
    input: Input<NewPersona>,
) -> Result<Response, ApiError> {
    let id = agent_id(&id)?;
    let NewPersona { persona, status, message } = input.value;
    let status = status.unwrap_or(PersonaStatus::Published);
    let target = Target { agent: &id, message, expected: precondition.0 };
    let reply =
        tagged(input.repeat, StatusCode::CREATED, |saved: SavedPersona| (Envelope::of(entry(saved.persona)), saved.revision));
    Ok(platform.save_persona(&caller, target, persona, status, reply).await?)
}

/// `POST /developer/agents/{id}/persona/version/{n}`
#[utoipa::path(
    post,
    path = "/developer/agents/{id}/persona/version/{version}",
    params(("id" = String, Path, description = "The agent"), ("version" = u32, Path, description = "The version")),
    request_body = Object,
    responses((status = 200, description = "Done", body = Envelope<Written>))
)]
pub(crate) async fn deploy(
    State(platform): State<Platform>,
    caller: Caller,
    Segments((id, version)): Segments<(String, u32)>,
    precondition: Precondition,
    input: Input<serde_json::Value>,
) -> Result<Response, ApiError> {
    let id = agent_id(&id)?;
    let target = Target { agent: &id, message: None, expected: precondition.0 };
    let reply = tagged(input.repeat, StatusCode::OK, written);
    Ok(platform.deploy_persona(&caller, target, PersonaVersion(version), reply).await?)
}

fn entry(persona: Persona) -> PersonaEntry {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds fit a double for 285,000 years")]
    let created_date = persona.summary.created.at as f64;
    PersonaEntry {
        version: persona.summary.version,
        persona: persona.persona,
        created_date,
        created_by: persona.summary.created.author,
        is_current: persona.summary.is_current,
        status: persona.summary.status,
    }
}
