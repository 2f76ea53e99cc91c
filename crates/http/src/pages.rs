//! The pages, as the server gets them from whoever puts both together.

use axum::Router;
use axum::http::HeaderMap;
use axum::response::Response;
use keepstep_platform::Platform;

/// All pages.
#[derive(Debug)]
pub struct Pages {
    /// Their routes, each behind the table of who may call what.
    pub routes: Router<Platform>,
    /// The page for an address that is nobody's, for a browser that sent such headers.
    pub not_found: fn(&Platform, &HeaderMap) -> Response,
}
