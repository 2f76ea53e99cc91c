//! The platform: one HTTP server with the API in both dialects, the pages, live events, health and metrics.
//!
//! [`router`] lists every route, `access` says who may call it. A handler is one function in a file named after its URL. All dialects and pages work on the same [`keepstep_store::Store`], through the same rules ([`definition`]),
//! so what one of them writes the others show.

mod access;
mod address;
mod api;
mod app;
mod auth;
mod cache;
mod connections;
pub mod definition;
mod error;
mod event_stream;
mod events;
mod files;
mod large_answers;
mod memory;
mod metrics;
mod observation;
mod openapi;
mod pace;
mod received;
mod request;
mod request_log;
mod router;
mod serve;
mod text;
mod web;
mod wire;
mod write;

pub use access::{Route, Who, routes};
pub use app::{AppState, Settings};
pub use auth::Caller;
pub use connections::Limits;
pub use error::{ApiError, KeyProblem};
pub use events::Events;
pub use memory::workers;
pub use metrics::Metrics;
pub use openapi::document as openapi_document;
pub use request_log::{Answered, RequestLog};
pub use router::router;
pub use serve::serve;
