//! Our own requests, under `/api/v1`, with a file for each resource.
//!
//! | Request | Answer |
//! |---|---|
//! | `GET /api/v1/whoami` | [`WhoAmI`] |
//! | `GET /api/v1/agents` | [`AgentList`] |
//! | `POST /api/v1/agents` [`NewAgent`] | 201 [`AgentState`] |
//! | `GET /api/v1/agents/{id}/state` | [`AgentState`] with `ETag`; 304 for `If-None-Match` of the same revision |
//! | `PATCH /api/v1/agents/{id}/definition` [`DefinitionChange`] with `If-Match` | [`AgentState`] after the change |
//! | `GET /api/v1/agents/{id}/revisions/{n}` | [`RevisionState`] |
//! | `GET /api/v1/agents/{id}/personas?status=&before=&limit=` | [`PersonaList`], newest first |
//! | `GET /api/v1/agents/{id}/personas/{n}` | [`PersonaDocument`] |
//! | `POST /api/v1/agents/{id}/personas/{n}/deploy` with `If-Match` | [`AgentState`] after the change |
//! | `GET /api/v1/agents/{id}/personas/{a}/diff/{b}` | [`PersonaDiff`] |
//! | `POST /api/v1/agents/{id}/drift` [`DriftReport`] | 204 |
//! | `POST /api/v1/projects/{id}/live` [`LiveReport`](live::LiveReport) | [`LiveAnswer`](live::LiveAnswer) |
//! | `GET /api/v1/events[?agent=ID]` | server-sent events; the data of each is a [`ChangeEvent`] |
//!
//! A write without `If-Match` is answered 428 here; the lua dialect's writes have none and are accepted.

pub mod agents;
pub mod drift;
pub mod events;
pub mod import;
pub mod live;
pub mod people;
pub mod personas;
pub mod uploads;

pub use agents::{AgentList, AgentState, AgentSummary, Change, DefinitionChange, NewAgent, RevisionState};
pub use drift::{DriftReport, SeenField};
pub use events::ChangeEvent;
pub use import::{ImportedBundle, RewordedInput};
pub use people::{Role, WhoAmI};
pub use personas::{PersonaDiff, PersonaDocument, PersonaList, PersonaStatus, PersonaSummary};
