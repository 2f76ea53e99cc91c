//! The HTTP server: routes, and the translation of three dialects to the use cases of [`keepstep_platform`] and back.
//!
//! [`router`] lists every route, [`keepstep_http::access`] says who may call it. A handler is one function in a file named after its URL: it
//! reads the request, calls, and writes the answer. Nothing here opens a transaction, so what one dialect writes the others and the pages
//! show. The pages come from whoever starts the server.

mod api;
mod auth;
mod connections;
mod error;
mod files;
mod observation;
mod openapi;
mod origin;
mod packed_pages;
mod prefix;
mod reply;
mod request;
mod router;
mod serve;
mod tls;
mod whole_page;
mod wire;

pub use error::ApiError;
pub use openapi::document as openapi_document;
pub use router::router;
pub use serve::serve;
pub use tls::{Tls, TlsError};
