//! The address under which the browser reached the platform, for addresses that are copied.

use axum::extract::FromRequestParts;
use http::request::Parts;
use keepstep_http::origin;
use keepstep_platform::Platform;

use crate::error_page::PageError;

/// The address under which the browser reached the platform; the public one where there is one.
#[derive(Debug)]
pub(crate) struct PublicAddress(pub(crate) String);

impl FromRequestParts<Platform> for PublicAddress {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, PageError> {
        Ok(Self(origin::of(parts, platform)?))
    }
}
