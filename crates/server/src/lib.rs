//! The platform: one HTTP server with the API in both dialects, the pages, live events, health and metrics.
//!
//! [`router`] lists every route, `access` says who may call it. A handler is one function in a file named after its URL. All dialects and pages work on the same [`keepstep_store::Store`], by the same use cases,
//! so what one of them writes the others show.

mod access;
mod address;
mod api;
mod auth;
mod connections;
mod error;
mod event_stream;
mod files;
mod key;
mod large_answers;
mod observation;
mod openapi;
mod pace;
mod received;
mod reply;
mod request;
mod request_log;
mod router;
mod serve;
mod session;
mod web;
mod wire;

pub use access::{Route, Who, routes};
pub use error::ApiError;
pub use openapi::document as openapi_document;
pub use router::router;
pub use serve::serve;
