//! The platform: one HTTP server with the API in both dialects, the pages, live events, health and metrics.
//!
//! [`router`] lists every route. A handler is one function in a file named after its URL; its first line says who may
//! call it. All dialects and pages work on the same [`keepstep_store::Store`], through the same rules ([`definition`]),
//! so what one of them writes the others show.

mod address;
mod api;
mod app;
mod auth;
mod cache;
pub mod definition;
mod error;
mod events;
mod files;
mod health;
mod metrics;
mod openapi;
mod request;
mod router;
mod web;
mod wire;
mod write;

pub use app::{AppState, Settings, serve};
pub use auth::Caller;
pub use error::{ApiError, KeyProblem};
pub use events::Events;
pub use metrics::Metrics;
pub use openapi::document as openapi_document;
pub use router::router;
