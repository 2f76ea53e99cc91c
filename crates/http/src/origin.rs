//! The address under which clients reach the platform.

use axum::http::header;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use keepstep_platform::{Error, Platform};

/// Returns the address under which the client reached the platform; the public one where there is one.
///
/// # Errors
/// The request has no Host header.
pub fn of(parts: &Parts, platform: &Platform) -> Result<String, Error> {
    if let Some(url) = &platform.settings.public_url {
        return Ok(url.trim_end_matches('/').to_owned());
    }
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| parts.uri.authority().map(Authority::as_str)).unwrap_or_default();
    // It is printed and opened in a browser, so it is an authority or nothing.
    match host.parse::<Authority>() {
        Ok(host) if !host.as_str().contains('@') => Ok(format!("{}://{host}", platform.settings.scheme())),
        _ => Err(Error::Invalid("The request has no Host header.".to_owned())),
    }
}
