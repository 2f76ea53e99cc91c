//! Keepstep's own dialect: the requests that `keepstep_api::own` lists.

use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderName, Method};
use keepstep_api::IDEMPOTENCY_HEADER;
use keepstep_api::own::{DefinitionChange, DriftReport, NewAgent, PersonaStatus};
use keepstep_base::AgentId;
use keepstep_base::PersonaVersion;
use keepstep_base::Revision;
use serde_json::{Value, json};

use crate::dialect::part;
use crate::remote::PersonaQuery;
use crate::transport::Call;

const IDEMPOTENCY: HeaderName = HeaderName::from_static(IDEMPOTENCY_HEADER);

pub(crate) fn state(id: &AgentId, known: Option<Revision>) -> Call {
    let call = Call::get(format!("{}/state", agent(id)));
    match known {
        Some(revision) => call.with(IF_NONE_MATCH, &revision.to_etag()),
        None => call,
    }
}

pub(crate) fn revision(id: &AgentId, revision: Revision) -> Call {
    Call::get(format!("{}/revisions/{revision}", agent(id)))
}

pub(crate) fn personas(id: &AgentId, query: &PersonaQuery) -> Call {
    let mut pairs = Vec::new();
    if let Some(status) = query.status {
        let status = if status == PersonaStatus::Draft { "draft" } else { "published" };
        pairs.push(format!("status={status}"));
    }
    pairs.extend(query.before.map(|before| format!("before={before}")));
    pairs.extend(query.limit.map(|limit| format!("limit={limit}")));
    let query = if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) };
    Call::get(format!("{}/personas{query}", agent(id)))
}

pub(crate) fn persona(id: &AgentId, version: PersonaVersion) -> Call {
    Call::get(format!("{}/personas/{version}", agent(id)))
}

pub(crate) fn report(id: &AgentId, report: &DriftReport) -> Call {
    Call::write(Method::POST, format!("{}/drift", agent(id)), json!(report)).harmless()
}

pub(crate) fn who_am_i() -> Call {
    Call::get("/api/v1/whoami".to_owned())
}

pub(crate) fn agents() -> Call {
    Call::get("/api/v1/agents".to_owned())
}

pub(crate) fn health() -> Call {
    Call::get("/healthz".to_owned()).without_key()
}

pub(crate) fn create(agent: &NewAgent) -> Call {
    Call::write(Method::POST, "/api/v1/agents".to_owned(), json!(agent)).once(IDEMPOTENCY)
}

pub(crate) fn change(id: &AgentId, expected: Revision, change: &DefinitionChange) -> Call {
    write(Method::PATCH, format!("{}/definition", agent(id)), expected, json!(change))
}

pub(crate) fn deploy(id: &AgentId, version: PersonaVersion, expected: Revision) -> Call {
    write(Method::POST, format!("{}/personas/{version}/deploy", agent(id)), expected, json!({}))
}

fn write(method: Method, path: String, expected: Revision, body: Value) -> Call {
    Call::write(method, path, body).with(IF_MATCH, &expected.to_etag()).once(IDEMPOTENCY)
}

fn agent(id: &AgentId) -> String {
    format!("/api/v1/agents/{}", part(id.as_str()))
}
