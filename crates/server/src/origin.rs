//! The address under which clients reach the platform, and addresses of pages below it.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use keepstep_http::addresses::experiment_path;
use keepstep_http::origin;
use keepstep_platform::Platform;

use crate::error::ApiError;

/// The address under which the client reached the platform; the public one where there is one.
pub(crate) struct Origin(pub(crate) String);

impl FromRequestParts<Platform> for Origin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, ApiError> {
        Ok(Self(origin::of(parts, platform)?))
    }
}

/// Returns the address of the page that shows a batch.
pub(crate) fn experiment_url(origin: &str, project: &str, batch: &str) -> String {
    format!("{origin}{}", experiment_path(project, batch))
}
