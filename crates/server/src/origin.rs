//! The address under which clients reach the platform, and addresses of pages below it.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use keepstep_http::addresses::batch_path;
use keepstep_platform::{Error, Platform};

use crate::error::ApiError;

/// The address under which the client reached the platform; the public one where there is one.
pub(crate) struct Origin(pub(crate) String);

impl FromRequestParts<Platform> for Origin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, ApiError> {
        if let Some(url) = &platform.settings.public_url {
            return Ok(Self(url.trim_end_matches('/').to_owned()));
        }
        let host = parts.headers.get(axum::http::header::HOST).and_then(|host| host.to_str().ok());
        let host = host.or_else(|| parts.uri.authority().map(axum::http::uri::Authority::as_str)).unwrap_or_default();
        // It is printed and opened in a browser, so it is an authority or nothing.
        match host.parse::<axum::http::uri::Authority>() {
            Ok(host) if !host.as_str().contains('@') => Ok(Self(format!("http://{host}"))),
            _ => Err(Error::Invalid("The request does not say which host it is for.".to_owned()).into()),
        }
    }
}

/// Returns the address of the page that shows a batch.
pub(crate) fn experiment_url(origin: &str, project: &str, batch: &str) -> String {
    format!("{origin}{}", batch_path(project, batch))
}
