//! The dialect of the lua tool, as its servers speak it.
//!
//! There are no revisions and no preconditions, and a definition is read in two requests and written in one for each
//! field. What the peer takes for "nothing there" (a list that failed, a page instead of JSON) is an error here.

use std::cmp::Reverse;

use http::{HeaderName, Method};
use keepstep_agent::Definition;
use keepstep_agent::Field;
use keepstep_agent::canonical;
use keepstep_api::lua::{Agent, NewPersona, SubAgentPatch};
use keepstep_api::own::{Change, PersonaDocument, PersonaStatus, PersonaSummary};
use keepstep_base::AgentId;
use keepstep_base::PersonaVersion;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::dialect::part;
use crate::error::ClientError;
use crate::remote::{Dialect, RemoteAgent, common_fields};
use crate::text::visible;
use crate::transport::{Call, Transport, WholeResponse};

const IDEMPOTENCY: HeaderName = HeaderName::from_static("x-idempotency-key");

/// A persona version as a server of this dialect sends it. More is optional than in our own answers, because it is not
/// ours that we read here.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    version: PersonaVersion,
    #[serde(default)]
    persona: Value,
    #[serde(default)]
    created_date: Value,
    #[serde(default)]
    created_by: Option<String>,
    #[serde(default)]
    is_current: bool,
    #[serde(default)]
    status: Option<PersonaStatus>,
}

#[derive(Deserialize)]
struct Versions {
    versions: Vec<Version>,
}

impl Version {
    /// Servers that know no drafts send no status.
    fn status(&self) -> PersonaStatus {
        self.status.unwrap_or(PersonaStatus::Published)
    }

    fn created_at(&self) -> i64 {
        match &self.created_date {
            Value::Number(number) => number.as_f64().unwrap_or_default() as i64,
            Value::String(text) => text.parse().map_or(0, jiff::Timestamp::as_millisecond),
            _ => 0,
        }
    }

    fn summary(&self) -> PersonaSummary {
        PersonaSummary {
            version: self.version,
            status: self.status(),
            is_current: self.is_current,
            digest: canonical::persona_digest(Some(&self.persona)),
            created: Change { author: self.created_by.clone(), at: self.created_at(), message: None },
        }
    }

    fn document(self) -> PersonaDocument {
        PersonaDocument { summary: self.summary(), persona: self.persona }
    }
}

/// Reads an agent: two requests.
pub(crate) async fn agent(transport: &Transport, id: &AgentId) -> Result<RemoteAgent, ClientError> {
    let what = format!("agent {id}");
    let path = part(id.as_str());
    let fields: Agent = ask(transport, &Call::get(format!("/admin/agents/{path}")), &what).await?;
    // A server that ignores the filter would make drafts count.
    let mut versions = versions(transport, id, "?status=published").await?;
    versions.retain(|version| version.status() == PersonaStatus::Published);
    let published = versions.first();
    let persona = published.map(|version| version.persona.clone());
    let fields = fields.into_fields();
    let value = |field: Field| if field.has_versions() { persona.clone() } else { fields.get(field.sent_as()).cloned() };
    let definition: Definition =
        Field::ALL.into_iter().filter_map(|field| Some((field, value(field).filter(|value| !value.is_null())?))).collect();
    // Of the other fields, not every server of this dialect tells; where it says null, the field is not set.
    let mut kept = common_fields();
    kept.extend(fields.keys().filter_map(|key| Field::sent_under(key)));
    Ok(RemoteAgent {
        agent_id: id.clone(),
        revision: None,
        definition,
        kept,
        published: published.map(Version::summary),
        current: versions.iter().find(|version| version.is_current).map(Version::summary),
        newest_draft: None,
        deployed: None,
        changed: None,
        dialect: Dialect::Lua,
    })
}

/// Reads all persona versions with their texts, newest first: one request.
pub(crate) async fn personas(transport: &Transport, id: &AgentId) -> Result<Vec<PersonaDocument>, ClientError> {
    Ok(versions(transport, id, "").await?.into_iter().map(Version::document).collect())
}

async fn versions(transport: &Transport, id: &AgentId, query: &str) -> Result<Vec<Version>, ClientError> {
    let call = Call::get(format!("/developer/agents/{}/persona/versions{query}", part(id.as_str())));
    let Versions { mut versions } = ask(transport, &call, &format!("agent {id}")).await?;
    versions.sort_by_key(|version| Reverse((version.created_at(), version.version)));
    Ok(versions)
}

/// Writes one field.
pub(crate) async fn write(transport: &Transport, id: &AgentId, field: Field, value: &Value) -> Result<(), ClientError> {
    let call = match field.has_versions() {
        true => {
            let body = NewPersona { persona: value.clone(), status: None, message: None };
            Call::write(Method::POST, format!("/developer/agents/{}/persona/version", part(id.as_str())), json!(body))
        }
        false => {
            let (base, rest) = id.base_and_rest();
            let value = if value.is_null() { field.nothing() } else { value.clone() };
            let fields = Map::from_iter([(field.sent_as().to_owned(), value)]);
            let body = SubAgentPatch { id: rest.to_owned(), fields };
            Call::write(Method::PATCH, format!("/agents/{}/sub-agent", part(base)), json!(body))
        }
    };
    done(transport, &call, &format!("agent {id}")).await
}

/// Puts a persona version into production.
pub(crate) async fn deploy(transport: &Transport, id: &AgentId, version: PersonaVersion) -> Result<(), ClientError> {
    let path = format!("/developer/agents/{}/persona/version/{version}", part(id.as_str()));
    let call = Call::write(Method::POST, path, json!({}));
    done(transport, &call, &format!("version {version} of agent {id}")).await
}

/// Returns the address that the key belongs to, for display.
pub(crate) async fn email(transport: &Transport) -> Result<Option<String>, ClientError> {
    let call = Call::get("/admin/me/authorization/context".to_owned());
    let context: Map<String, Value> = ask(transport, &call, "account for the key").await?;
    Ok(context.get("email").and_then(Value::as_str).map(visible))
}

async fn ask<T: DeserializeOwned>(transport: &Transport, call: &Call, what: &str) -> Result<T, ClientError> {
    let answer = transport.send(call).await?;
    let data = unwrap(transport, &answer, what)?;
    serde_json::from_value(data).map_err(|_| transport.not_ours(&answer))
}

async fn done(transport: &Transport, call: &Call, what: &str) -> Result<(), ClientError> {
    let answer = transport.send(&call.clone().once(IDEMPOTENCY)).await?;
    // Some writes are answered with nothing at all.
    if answer.status.is_success() && answer.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    unwrap(transport, &answer, what).map(drop)
}

/// Returns what is in the envelope. A body without one is taken as it is; one that says `success: false` is a refusal,
/// whatever its status.
fn unwrap(transport: &Transport, answer: &WholeResponse, what: &str) -> Result<Value, ClientError> {
    let body: Value = transport.read(answer, what)?;
    match body.get("success") {
        Some(Value::Bool(false)) => Err(transport.refusal_inside(answer, what, &body)),
        Some(_) => Ok(body.get("data").cloned().unwrap_or_else(|| json!({}))),
        None => Ok(body),
    }
}
